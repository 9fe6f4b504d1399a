// Every command through redis-cli, as a script would use it: lines in, replies as plain text out. A scenario is a list of
// lines, each with what is printed for it; a RegExp where the answer varies.

import { execFile } from "node:child_process";
import { describe, expect, test } from "vitest";
import { findTool } from "../external-tools.ts";
import { CLI_LISTS } from "./list-scenarios.ts";
import { commandNames, NO_DIRECTORY, serveScenarios } from "./scenario-server.ts";
import { CLI_SCRIPTS } from "./script-scenarios.ts";
import { CLI_SORTED_SETS } from "./sorted-set-scenarios.ts";
import { CLI_STREAMS } from "./stream-scenarios.ts";

type Line = readonly [command: string, printed: string | RegExp];

const SET_K: Line = ["SET k value", "OK"];
const SET_H: Line = ["HSET h a 1 b 2", "2"];
const SET_V: Line = ["VADD v VALUES 2 1 0 e", "1"];
const SET_W: Line = ["VADD v VALUES 2 0 1 f", "1"];
const FAR = String(Math.floor(Date.now() / 1000) + 100_000);

const SET_BITS: Line = ["SETBIT k 15 1", "0"];

const BITS: Readonly<Record<string, readonly Line[]>> = {
  SETBIT: [SET_BITS, ["SETBIT k 15 0", "1"]],
  GETBIT: [SET_BITS, ["GETBIT k 15", "1"]],
  BITCOUNT: [SET_BITS, ["BITCOUNT k", "1"], ["BITCOUNT k 0 14 BIT", "0"]],
  BITPOS: [SET_BITS, ["BITPOS k 1", "15"]],
  BITOP: [SET_BITS, ["BITOP NOT n k", "2"], ["BITCOUNT n", "15"]],
  BITFIELD: [SET_BITS, ["BITFIELD k INCRBY u8 8 1 GET i2 14", "2\n-2"]],
  BITFIELD_RO: [SET_BITS, ["BITFIELD_RO k GET u16 0", "1"]],
  PFADD: [
    ["PFADD p a b", "1"],
    ["PFADD p a", "0"],
  ],
  PFCOUNT: [
    ["PFADD p a b", "1"],
    ["PFCOUNT p", "2"],
  ],
  PFMERGE: [
    ["PFADD p a b", "1"],
    ["PFMERGE q p", "OK"],
    ["PFCOUNT q", "2"],
  ],
  PFDEBUG: [
    ["PFADD p a b", "1"],
    ["PFDEBUG ENCODING p", "sparse"],
  ],
  PFSELFTEST: [["PFSELFTEST", "OK"]],
};

const ADD_S: Line = ["SADD s 1 2 3", "3"];
const ADD_T: Line = ["SADD t 3 text", "2"];

const SETS: Readonly<Record<string, readonly Line[]>> = {
  SADD: [ADD_S, ["SADD s 3 4", "1"]],
  SREM: [ADD_S, ["SREM s 3 9", "1"]],
  SISMEMBER: [ADD_T, ["SISMEMBER t text", "1"]],
  SMISMEMBER: [ADD_T, ["SMISMEMBER t text x", "1\n0"]],
  SCARD: [ADD_S, ["SCARD s", "3"]],
  SMEMBERS: [ADD_S, ["SMEMBERS s", "1\n2\n3"]],
  SMOVE: [ADD_S, ADD_T, ["SMOVE s t 1", "1"], ["SCARD t", "3"]],
  SPOP: [ADD_T, ["SPOP t 5", "3\ntext"], ["EXISTS t", "0"]],
  SRANDMEMBER: [ADD_S, ["SRANDMEMBER s 9", "1\n2\n3"]],
  SINTER: [ADD_S, ADD_T, ["SINTER s t", "3"]],
  SINTERCARD: [ADD_S, ADD_T, ["SINTERCARD 2 s t LIMIT 5", "1"]],
  SINTERSTORE: [ADD_S, ADD_T, ["SINTERSTORE u s t", "1"]],
  SUNION: [ADD_S, ADD_T, ["SUNION s t", "1\n2\n3\ntext"]],
  SUNIONSTORE: [ADD_S, ADD_T, ["SUNIONSTORE u s t", "4"]],
  SDIFF: [ADD_S, ADD_T, ["SDIFF s t", "1\n2"]],
  SDIFFSTORE: [ADD_S, ADD_T, ["SDIFFSTORE u s t", "2"]],
  SSCAN: [ADD_S, ["SSCAN s 0 MATCH [12]", "0\n1\n2"]],
};

const SCENARIOS: Readonly<Record<string, readonly Line[]>> = {
  PING: [
    ["PING", "PONG"],
    ["PING hello", "hello"],
  ],
  ECHO: [['ECHO "hello world"', "hello world"]],
  SELECT: [SET_K, ["SELECT 5", "OK"], ["DBSIZE", "0"], ["SELECT 99", "ERR DB index is out of range"]],
  SWAPDB: [SET_K, ["SWAPDB 0 3", "OK"], ["DBSIZE", "0"]],
  MOVE: [SET_K, ["MOVE k 3", "1"], ["EXISTS k", "0"], ["MOVE k 3", "0"]],
  AUTH: [["AUTH default anything", "OK"]],
  HELLO: [["HELLO 2", /^server\nredis\nversion\n8\.0\.2\n/]],
  QUIT: [["QUIT", "OK"]],
  RESET: [["RESET", "RESET"]],
  CLIENT: [
    ["CLIENT SETNAME tester", "OK"],
    ["CLIENT GETNAME", "tester"],
    ["CLIENT LIST", /name=tester .*cmd=client\|list/],
    ["CLIENT NO-EVICT ON", "OK"],
    ["CLIENT UNBLOCK 99", "0"],
    ["CLIENT KILL ID 99", "0"],
  ],
  COMMAND: [
    ["COMMAND COUNT", /^\d+$/],
    ["COMMAND GETKEYS MSET a 1 b 2", "a\nb"],
    ["COMMAND DOCS get", /^get\nsummary\n/],
    ["COMMAND INFO nothing", ""],
  ],
  CONFIG: [
    ["CONFIG GET databases", "databases\n16"],
    ["CONFIG RESETSTAT", "OK"],
  ],
  INFO: [["INFO server", /redis_version:8\.0\.2/]],
  SLOWLOG: [
    ["SLOWLOG LEN", "0"],
    ["SLOWLOG GET", ""],
    ["SLOWLOG RESET", "OK"],
  ],
  MEMORY: [SET_K, ["MEMORY USAGE k", /^\d\d$/], ["MEMORY USAGE nothing", ""], ["MEMORY DOCTOR", /in order/]],
  MULTI: [
    ["MULTI", "OK"],
    ["MULTI", "ERR MULTI calls can not be nested"],
  ],
  EXEC: [
    ["MULTI", "OK"],
    ["SET k value", "QUEUED"],
    ["GET k", "QUEUED"],
    ["EXEC", "OK\nvalue"],
    ["EXEC", "ERR EXEC without MULTI"],
  ],
  DISCARD: [
    ["MULTI", "OK"],
    ["SET k value", "QUEUED"],
    ["DISCARD", "OK"],
    ["GET k", ""],
  ],
  WATCH: [["WATCH k", "OK"], SET_K, ["MULTI", "OK"], ["EXEC", ""]],
  UNWATCH: [["WATCH k", "OK"], SET_K, ["UNWATCH", "OK"], ["MULTI", "OK"], ["GET k", "QUEUED"], ["EXEC", "value"]],
  GET: [SET_K, ["GET k", "value"], ["GET nothing", ""]],
  SET: [
    ["SET k 1 NX EX 100", "OK"],
    ["SET k 2 NX", ""],
    ["SET k 2 XX GET", "1"],
  ],
  SETNX: [
    ["SETNX k 1", "1"],
    ["SETNX k 2", "0"],
  ],
  SETEX: [
    ["SETEX k 100 v", "OK"],
    ["TTL k", "100"],
  ],
  PSETEX: [
    ["PSETEX k 100000 v", "OK"],
    ["TTL k", "100"],
  ],
  GETSET: [SET_K, ["GETSET k other", "value"]],
  GETDEL: [SET_K, ["GETDEL k", "value"], ["EXISTS k", "0"]],
  GETEX: [SET_K, ["GETEX k EX 100", "value"], ["TTL k", "100"]],
  MGET: [SET_K, ["MGET k nothing", "value\n"]],
  MSET: [
    ["MSET a 1 b 2", "OK"],
    ["MGET a b", "1\n2"],
  ],
  MSETNX: [
    ["MSETNX a 1 b 2", "1"],
    ["MSETNX b 3 c 4", "0"],
  ],
  STRLEN: [SET_K, ["STRLEN k", "5"]],
  APPEND: [SET_K, ["APPEND k s", "6"]],
  SETRANGE: [SET_K, ["SETRANGE k 1 X", "5"], ["GET k", "vXlue"]],
  GETRANGE: [SET_K, ["GETRANGE k 1 -2", "alu"]],
  LCS: [SET_K, ["LCS k k LEN", "5"]],
  SUBSTR: [SET_K, ["SUBSTR k 0 0", "v"]],
  INCR: [
    ["INCR n", "1"],
    ["INCR n", "2"],
  ],
  DECR: [["DECR n", "-1"]],
  INCRBY: [["INCRBY n 5", "5"]],
  INCRBYFLOAT: [
    ["INCRBYFLOAT n 0.5", "0.5"],
    ["INCRBYFLOAT n 0x10", "ERR value is not a valid float"],
  ],
  DECRBY: [["DECRBY n 5", "-5"]],
  DBSIZE: [SET_K, ["DBSIZE", "1"]],
  FLUSHDB: [SET_K, ["FLUSHDB", "OK"], ["DBSIZE", "0"]],
  FLUSHALL: [SET_K, ["FLUSHALL ASYNC", "OK"], ["DBSIZE", "0"]],
  DEL: [SET_K, ["DEL k nothing", "1"]],
  UNLINK: [SET_K, ["UNLINK k nothing", "1"]],
  EXISTS: [SET_K, ["EXISTS k k nothing", "2"]],
  TOUCH: [SET_K, ["TOUCH k nothing", "1"]],
  TYPE: [SET_H, ["TYPE h", "hash"], ["TYPE nothing", "none"]],
  RENAME: [SET_K, ["RENAME k l", "OK"], ["GET l", "value"]],
  RENAMENX: [SET_K, SET_H, ["RENAMENX k h", "0"]],
  KEYS: [SET_K, ["KEYS k*", "k"]],
  SCAN: [SET_K, ["SCAN 0", "0\nk"]],
  RANDOMKEY: [SET_K, ["RANDOMKEY", "k"]],
  OBJECT: [
    SET_K,
    SET_H,
    ["OBJECT ENCODING k", "embstr"],
    ["OBJECT ENCODING h", "listpack"],
    ["OBJECT IDLETIME k", "0"],
  ],
  EXPIRE: [SET_K, ["EXPIRE k 100", "1"], ["EXPIRE k 50 GT", "0"]],
  PEXPIRE: [SET_K, ["PEXPIRE k 100000", "1"], ["TTL k", "100"]],
  EXPIREAT: [SET_K, [`EXPIREAT k ${FAR}`, "1"], ["EXPIRETIME k", FAR]],
  PEXPIREAT: [SET_K, [`PEXPIREAT k ${FAR}000`, "1"], ["EXPIRETIME k", FAR]],
  TTL: [SET_K, ["TTL k", "-1"], ["TTL nothing", "-2"]],
  PTTL: [SET_K, ["PTTL k", "-1"]],
  EXPIRETIME: [SET_K, ["EXPIRETIME k", "-1"]],
  PEXPIRETIME: [SET_K, ["PEXPIREAT k 9000000000000", "1"], ["PEXPIRETIME k", "9000000000000"]],
  PERSIST: [SET_K, ["EXPIRE k 100", "1"], ["PERSIST k", "1"], ["TTL k", "-1"]],
  COPY: [SET_K, ["COPY k l DB 2", "1"], ["EXISTS l", "0"], ["COPY k l", "1"], ["GET l", "value"]],
  HSET: [SET_H, ["HSET h a 3 c 4", "1"]],
  HMSET: [
    ["HMSET h a 1", "OK"],
    ["HGET h a", "1"],
  ],
  HSETNX: [SET_H, ["HSETNX h a 3", "0"]],
  HGET: [SET_H, ["HGET h a", "1"], ["HGET h nothing", ""]],
  HMGET: [SET_H, ["HMGET h b a", "2\n1"]],
  HGETALL: [SET_H, ["HGETALL h", "a\n1\nb\n2"]],
  HDEL: [SET_H, ["HDEL h a nothing", "1"]],
  HEXISTS: [SET_H, ["HEXISTS h a", "1"]],
  HLEN: [SET_H, ["HLEN h", "2"]],
  HKEYS: [SET_H, ["HKEYS h", "a\nb"]],
  HVALS: [SET_H, ["HVALS h", "1\n2"]],
  HSTRLEN: [SET_H, ["HSTRLEN h a", "1"]],
  HINCRBY: [SET_H, ["HINCRBY h a 5", "6"]],
  HINCRBYFLOAT: [SET_H, ["HINCRBYFLOAT h a 0.5", "1.5"]],
  HSCAN: [SET_H, ["HSCAN h 0", "0\na\n1\nb\n2"]],
  HRANDFIELD: [SET_H, ["HRANDFIELD h", /^[ab]$/]],
  ...BITS,
  ...SETS,
  VADD: [SET_V, ["VADD v VALUES 2 1 0 e", "0"]],
  VSIM: [SET_V, SET_W, ["VSIM v ELE e WITHSCORES COUNT 1", "e\n1"]],
  VREM: [SET_V, ["VREM v e", "1"], ["EXISTS v", "0"]],
  VCARD: [SET_V, SET_W, ["VCARD v", "2"]],
  VDIM: [SET_V, ["VDIM v", "2"]],
  VEMB: [SET_V, ["VEMB v e", "1\n0"]],
  VISMEMBER: [SET_V, ["VISMEMBER v e", "1"], ["VISMEMBER v nothing", "0"]],
  VSETATTR: [SET_V, [`VSETATTR v e '{"year":2026}'`, "1"]],
  VGETATTR: [SET_V, [`VSETATTR v e '{"year":2026}'`, "1"], ["VGETATTR v e", '{"year":2026}']],
  VINFO: [SET_V, ["VINFO v", /quant-type\nint8/]],
  VLINKS: [SET_V, SET_W, ["VLINKS v e", /f/]],
  VRANDMEMBER: [SET_V, ["VRANDMEMBER v", "e"]],
  VINDEX: [SET_V, ["VINDEX v ADD .year", "1"], ["VINDEX v DEL .year", "1"]],
  VINDEXES: [SET_V, ["VINDEX v ADD .year", "1"], ["VINDEXES v", /year/]],
  VEXPIRE: [SET_V, ["VEXPIRE v 100 ELEMENTS 1 e", "1"]],
  VPEXPIRE: [SET_V, ["VPEXPIRE v 100000 ELEMENTS 1 e", "1"]],
  VEXPIREAT: [SET_V, [`VEXPIREAT v ${FAR} ELEMENTS 1 e`, "1"]],
  VPEXPIREAT: [SET_V, [`VPEXPIREAT v ${FAR}000 ELEMENTS 1 e`, "1"]],
  VTTL: [SET_V, ["VTTL v ELEMENTS 1 e", "-1"]],
  VPTTL: [SET_V, ["VPTTL v ELEMENTS 1 e", "-1"]],
  VEXPIRETIME: [SET_V, ["VEXPIRETIME v ELEMENTS 1 e", "-1"]],
  VPEXPIRETIME: [SET_V, ["VPEXPIRETIME v ELEMENTS 1 e", "-1"]],
  VPERSIST: [SET_V, ["VPERSIST v ELEMENTS 1 e", "-1"]],
  VADDMANY: [["VADDMANY many FP32 aaaabbbb ELEMENTS 2 a b", "2"]],
  VOPTIMIZE: [SET_V, ["VOPTIMIZE v", "1"]],
  ...CLI_LISTS,
  ...CLI_SCRIPTS,
  ...CLI_STREAMS,
  ...CLI_SORTED_SETS,
  SAVE: [["SAVE", NO_DIRECTORY]],
  BGSAVE: [["BGSAVE", NO_DIRECTORY]],
  BGREWRITEAOF: [["BGREWRITEAOF", NO_DIRECTORY]],
  LASTSAVE: [["LASTSAVE", /^\d{10}$/]],
};

const program = findTool("redis-cli");

/** Runs one command given as arguments (as a line, redis-cli keeps QUIT to itself), or several as lines. */
function runProgram(port: number, lines: readonly Line[]): Promise<string> {
  const words = lines.length === 1 ? (lines[0]?.[0].split(" ") ?? []) : [];
  return new Promise((resolve, reject) => {
    const child = execFile(program as string, ["-p", String(port), ...words], (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
    child.stdin?.end(words.length > 0 ? "" : lines.map(([command]) => `${command}\n`).join(""));
  });
}

/** Printed between replies, which may have any number of lines. */
const FENCE = "----8<----";

/** Feeds lines to redis-cli and answers what it printed for each. */
async function runLines(port: number, lines: readonly string[]): Promise<string[]> {
  const fenced: Line[] = lines.flatMap((line) => [
    [line, ""],
    [`ECHO ${FENCE}`, ""],
  ]);
  const output = await runProgram(port, fenced);
  return output.split(`${FENCE}\n`).map((text) => text.replace(/\n+$/, ""));
}

describe.skipIf(program === undefined)("redis-cli", () => {
  const port = serveScenarios();

  test("has a scenario of every command", () => {
    expect(Object.keys(SCENARIOS).sort()).toEqual(commandNames());
  });

  // What QUIT is followed by in a script meets a closed connection; inside a transaction the fence would be queued.
  const unfenced = new Set(["QUIT", "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"]);

  test.each(Object.entries(SCENARIOS).filter(([name]) => !unfenced.has(name)))("%s", async (_, lines) => {
    const printed = await runLines(
      port(),
      lines.map(([command]) => command),
    );
    for (const [index, [command, expected]] of lines.entries()) {
      if (expected instanceof RegExp) expect(printed[index], command).toMatch(expected);
      else expect(printed[index], command).toBe(expected.replace(/\n+$/, ""));
    }
  });

  test.each(Object.entries(SCENARIOS).filter(([name]) => unfenced.has(name)))("%s", async (_, lines) => {
    const output = await runProgram(port(), lines);
    const words = (text: string): string[] => text.split("\n").filter((line) => line !== "");
    expect(words(output)).toEqual(lines.flatMap(([, expected]) => words(String(expected))));
  });
});
