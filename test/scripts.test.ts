// Scripts and functions: replies beside a redis-server's, what is atomic and what is logged, limits, and what breaks an
// interpreter without breaking the server.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Crc64 } from "../src/rdb/crc64.ts";
import { encodeCommand, type Reply, ReplyError } from "../src/resp.ts";
import { recordsIn, takeAll } from "./effect-records.ts";
import { findTool } from "./external-tools.ts";
import { RawReader, type RawReply } from "./raw-replies.ts";
import { RedisProcess } from "./redis-process.ts";
import { LIBRARIES, SCRIPTS } from "./script-corpus.ts";
import { eventually, RespSocket, startTestServer } from "./server-fixture.ts";

const redisServer = findTool("redis-server");

async function connected(options: Parameters<typeof startTestServer>[0] = {}) {
  const server = await startTestServer(options);
  return { server, client: await RespSocket.open(server.respPort) };
}

function textOf(reply: Reply): string {
  return reply instanceof ReplyError ? reply.message : String(reply);
}

describe.skipIf(redisServer === undefined)("replies are those of redis-server", () => {
  let redis: RedisProcess;

  beforeAll(async () => {
    redis = await RedisProcess.start(redisServer as string);
  });
  afterAll(() => redis.stop());

  async function compare(commands: readonly (readonly string[])[]): Promise<void> {
    const { client } = await connected();
    const reader = new RawReader();
    client.socket.on("data", (bytes) => reader.push(bytes));
    for (const command of commands) {
      const bytes = encodeCommand(command);
      client.write(bytes);
      const [theirs] = (await redis.connections[0].send(bytes, 1)) as [RawReply];
      let ours = reader.next();
      while (ours === undefined) {
        await new Promise((resolve) => client.socket.once("data", resolve));
        ours = reader.next();
      }
      expect(ours, command.join(" ")).toEqual(theirs);
    }
  }

  test("to scripts", async () => {
    await compare(SCRIPTS.map((script) => ["EVAL", script, "0"]));
  });

  test("to keys and arguments, digests and the commands around them", async () => {
    const sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
    await compare([
      ["EVAL", "return {KEYS[1],KEYS[2],ARGV[1],#ARGV}", "2", "a", "b", "c"],
      ["EVAL", "return 1", "x"],
      ["EVAL", "return 1", "-1"],
      ["EVAL", "return 1", "3", "a"],
      ["EVAL", "return 1"],
      ["EVALSHA", "abc", "0"],
      ["EVALSHA", "f".repeat(40), "0"],
      ["EVAL", "return 1", "0"],
      ["EVALSHA", sha, "0"],
      ["EVALSHA", sha.toUpperCase(), "0"],
      ["SCRIPT", "EXISTS", sha, "x"],
      ["SCRIPT", "LOAD", "return 'loaded'"],
      ["SCRIPT", "LOAD", "return +"],
      ["SCRIPT", "FLUSH", "x"],
      ["SCRIPT", "FLUSH"],
      ["SCRIPT", "EXISTS", sha],
      ["SCRIPT", "KILL"],
      ["SCRIPT", "foo"],
      ["SCRIPT"],
      ["EVAL_RO", "return redis.call('set','a','b')", "0"],
      ["EVAL_RO", "return redis.call('get','a')", "0"],
      ["EVAL_RO", "#!lua\nreturn 1", "0"],
      ["MULTI"],
      ["EVAL", "redis.call('set','m','1') return redis.call('get','m')", "0"],
      ["GET", "m"],
      ["EVAL", "return nosuch", "0"],
      ["SET", "m", "2"],
      ["EXEC"],
      ["GET", "m"],
    ]);
  });

  test("to libraries and functions", async () => {
    const words = (line: string): string[] =>
      /^F[CU]/.test(line)
        ? line.split(" ")
        : ["FUNCTION", "LOAD", ...(/^#!lua name=lib2/.test(line) ? ["REPLACE"] : []), line];
    await compare([["FLUSHALL"], ["FUNCTION", "FLUSH"], ...LIBRARIES.map(words)]);
  });

  test("to a payload that the other dumped", async () => {
    const { client } = await connected();
    const library = "#!lua name=carried\nredis.register_function('twice', function(_, args) return args[1] * 2 end)";
    await client.command("FUNCTION", "LOAD", library);
    const ours = ofVersion(await dumpOf(client), 10);
    expect(await sendTo(redis, ["FUNCTION", "RESTORE", ours, "FLUSH"])).toEqual({ kind: "+", text: "OK" });
    expect(await sendTo(redis, ["FCALL", "twice", "0", "21"])).toEqual({ kind: ":", text: "42" });
    const theirs = Buffer.from((await sendTo(redis, ["FUNCTION", "DUMP"])).text ?? "", "latin1");
    client.write(encodeCommand(["FUNCTION", "RESTORE", theirs, "REPLACE"]));
    expect(await client.reply()).toBe("OK");
    expect(await client.command("FCALL", "twice", "0", "4")).toBe(8);
    theirs[20] = (theirs[20] as number) ^ 1;
    client.write(encodeCommand(["FUNCTION", "RESTORE", theirs, "REPLACE"]));
    expect(textOf(await client.reply())).toBe("ERR DUMP payload version or checksum are wrong");
  });
});

async function sendTo(redis: RedisProcess, words: (string | Uint8Array)[]): Promise<RawReply> {
  return ((await redis.connections[1].send(encodeCommand(words), 1)) as [RawReply])[0];
}

/** The same payload for an older server. */
function ofVersion(payload: Uint8Array, version: number): Uint8Array {
  const end = payload.length - 8;
  const older = payload.slice();
  older[end - 2] = version;
  const sum = new Crc64();
  sum.add(older.subarray(0, end));
  older.set(sum.bytes(), end);
  return older;
}

/** The bytes of FUNCTION DUMP, which are no text. */
async function dumpOf(client: RespSocket): Promise<Uint8Array> {
  const reader = new RawReader();
  const done = new Promise<Uint8Array>((resolve) => {
    client.socket.on("data", (bytes) => {
      reader.push(bytes);
      const reply = reader.next();
      if (reply !== undefined) resolve(Buffer.from(reply.text ?? "", "latin1"));
    });
  });
  client.write(encodeCommand(["FUNCTION", "DUMP"]));
  const bytes = await done;
  await client.reply();
  return bytes;
}

describe("what a script does", () => {
  test("is one group of the log, and part of the group of its transaction", async () => {
    const { client, server } = await connected();
    server.engine.effects.open();
    await client.command("EVAL", "redis.call('set','a','1') redis.call('incr','a') redis.call('del','none')", "0");
    await client.command("EVAL", "return redis.call('get','a')", "0");
    await client.command("MULTI");
    await client.command("EVAL", "redis.call('set','b','1') redis.call('set','c','2')", "0");
    await client.command("SET d 3");
    await client.command("EXEC");
    const records = recordsIn(takeAll(server.engine)).map(({ command, continues }) => [command.join(" "), continues]);
    expect(records).toEqual([
      ["SET a 1", true],
      ["INCR a", false],
      ["SET b 1", true],
      ["SET c 2", true],
      ["SET d 3", false],
    ]);
    server.engine.effects.close();
  });

  test("reaches the database of its client, and leaves it there", async () => {
    const { client } = await connected();
    await client.command("SELECT 3");
    await client.command(
      "EVAL",
      "redis.call('set','here','1') redis.call('select',5) redis.call('set','there','1')",
      "0",
    );
    expect(await client.command("EXISTS here")).toBe(1);
    expect(await client.command("EXISTS there")).toBe(0);
    await client.command("SELECT 5");
    expect(await client.command("EXISTS there")).toBe(1);
  });

  test("lets EXEC of a watcher fail, and asks the host what the host answers", async () => {
    const { client, server } = await connected();
    const other = await RespSocket.open(server.respPort);
    await client.command("WATCH k");
    await other.command("EVAL", "redis.call('set','k','1')", "0");
    await client.command("MULTI");
    await client.command("PING");
    expect(await client.command("EXEC")).toBeNull();
    expect(await client.command("EVAL", "return redis.call('info','server'):match('redis_version:[%d.]+')", "0")).toBe(
      "redis_version:8.0.2",
    );
    expect(await client.command("EVAL", "return redis.call('object','help')[1] ~= nil", "0")).toBe(1);
  });

  test("carries arguments and replies of any length and any bytes", async () => {
    const { client } = await connected();
    const script = "redis.call('set', KEYS[1], string.rep(ARGV[1], 300000)) return #redis.call('get', KEYS[1])";
    expect(await client.command("EVAL", script, "1", "big", "abcde")).toBe(1_500_000);
    expect(await client.command("EVAL", "return redis.call('append','big',string.rep('x',40000))", "0")).toBe(
      1_540_000,
    );
    const many = "local t={} for i=1,5000 do t[i]='field:'..i end return redis.call('hset','h',unpack(t))";
    expect(await client.command("EVAL", many, "0")).toBe(2500);
    expect(await client.command("EVAL", "return #redis.call('hgetall','h')", "0")).toBe(5000);
    const bytes =
      "local s='' for i=0,255 do s=s..string.char(i) end redis.call('set','bytes',s) return s==redis.call('get','bytes')";
    expect(await client.command("EVAL", bytes, "0")).toBe(1);
  });

  test("keeps no global of its own, whatever it tries", async () => {
    const { client } = await connected();
    const tries = [
      "x = 1",
      "setfenv(0, {})",
      "getfenv(pcall).x = 1",
      "getmetatable('').__index = {}",
      "getmetatable(_G).__index.x = 1",
      "rawset(getfenv(1), 'x', 1)",
      "getfenv(0).x = 1",
      "local f = loadstring('x = 1') f()",
      "redis.x = 1",
      "string.x = 1",
    ];
    for (const script of tries) expect(await client.command("EVAL", script, "0"), script).toBeInstanceOf(ReplyError);
    for (const script of ["setfenv(1, {}) x = 1", "local t = {} setmetatable(t, {}) rawset(t, 'x', 1)"]) {
      expect(await client.command("EVAL", script, "0"), script).toBeNull();
    }
    expect(textOf(await client.command("EVAL", "return x", "0"))).toContain("nonexistent global variable 'x'");
    expect(await client.command("EVAL", "return #('abc'):rep(2)", "0")).toBe(6);
    expect(textOf(await client.command("EVAL", "return loadstring(string.dump(function() end))()", "0"))).toContain(
      "nil",
    );
  });
});

describe("limits", () => {
  test("a script that changes nothing is ended after its time, even where it catches errors", async () => {
    const { client } = await connected({ scriptLimitMs: 30 });
    const ended = "ERR Script ended: it took longer than 30 ms";
    expect(textOf(await client.command("EVAL", "while true do end", "0"))).toContain(ended);
    expect(
      textOf(await client.command("EVAL", "while true do pcall(function() while true do end end) end", "0")),
    ).toContain(ended);
    expect(
      textOf(await client.command("EVAL", "return coroutine.wrap(function() while true do end end)()", "0")),
    ).toContain("Script ended");
    expect(await client.command("EVAL", "local n=0 for i=1,1000 do n=n+i end return n", "0")).toBe(500500);
  });

  test("one that has changed something has ten times as long, and what it did stays", async () => {
    const { client } = await connected({ scriptLimitMs: 100 });
    const script = "redis.call('set','k','1') local t=os.clock() while os.clock()-t < 0.15 do end return 'done'";
    expect(await client.command("EVAL", script, "0")).toBe("done");
    expect(textOf(await client.command("EVAL", "redis.call('set','k','2') while true do end", "0"))).toContain(
      "1000 ms",
    );
    expect(await client.command("GET k")).toBe("2");
    expect(await client.command("CONFIG SET busy-reply-threshold 1000")).toBe("OK");
    expect(await client.command("CONFIG GET busy-reply-threshold")).toEqual(["busy-reply-threshold", "1000"]);
  });

  test("memory is Lua's own and bounded, and an interpreter that grew is replaced with all it knew", async () => {
    const { client } = await connected();
    const sha = await client.command("SCRIPT", "LOAD", "return 'known'");
    await client.command(
      "FUNCTION",
      "LOAD",
      "#!lua name=lib\nredis.register_function('f', function() return 'kept' end)",
    );
    const greedy = "local t={} while true do t[#t+1]=string.rep('x',1e6)..#t end";
    expect(textOf(await client.command("EVAL", greedy, "0"))).toContain("not enough memory");
    expect(await client.command("EVALSHA", String(sha), "0")).toBe("known");
    expect(await client.command("FCALL", "f", "0")).toBe("kept");
  });

  test("recursion without end is an error of Lua's", async () => {
    const { client, server } = await connected();
    expect(textOf(await client.command("EVAL", "local function f() return f() + 1 end return f()", "0"))).toContain(
      "stack overflow",
    );
    const raw = await RespSocket.open(server.respPort);
    let received = "";
    raw.socket.on("data", (bytes) => {
      received += bytes.toString();
    });
    raw.write(encodeCommand(["EVAL", "local t={} t[1]=t return t", "0"]));
    await eventually(() => received.includes("-ERR reached lua stack limit\r\n"));
    expect(await client.command("EVAL", "return 1", "0")).toBe(1);
  });

  test("of 501 scripts that came with EVAL the oldest is forgotten, one that was loaded never", async () => {
    const { client } = await connected();
    const loaded = await client.command("SCRIPT", "LOAD", "return 'loaded'");
    await client.command("EVAL", "return 'first'", "0");
    const first = await client.command("EVAL", "return redis.sha1hex(\"return 'first'\")", "0");
    for (let index = 0; index < 499; index++) client.write(encodeCommand(["EVAL", `return ${index}`, "0"]));
    for (let index = 0; index < 499; index++) await client.reply();
    expect(await client.command("SCRIPT", "EXISTS", String(first), String(loaded))).toEqual([0, 1]);
  });

  test("a full database refuses what a script writes, and a script whose header does not allow for it", async () => {
    const { client } = await connected({ maxMemoryBytes: 9 << 20, eviction: "noeviction" });
    const fill = "for i=1,1e6 do redis.call('set','k'..i,string.rep('x',1000)) end";
    expect(textOf(await client.command("EVAL", fill, "0"))).toContain("OOM command not allowed");
    expect(textOf(await client.command("EVAL", "#!lua\nreturn redis.call('set','a','b')", "0"))).toContain("OOM");
    expect(await client.command("EVAL", "#!lua flags=no-writes\nreturn #redis.call('get','k1')", "0")).toBe(1000);
  });
});
