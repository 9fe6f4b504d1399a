// Scripts, functions and what tools ask a server, through each client: by its own methods for scripts and functions, which frame
// keys and arguments themselves, and as plain commands for the rest.

import type { Redis } from "ioredis";
import type { createClient } from "redis";
import { expect } from "vitest";

type NodeRedis = ReturnType<typeof createClient>;
type Uses<Client> = readonly [use: (client: Client) => Promise<unknown>, expected: unknown][];

function scenario<Client>(...uses: Uses<Client>) {
  return async (client: Client): Promise<void> => {
    for (const [use, expected] of uses) expect(await use(client)).toEqual(expected);
  };
}

const PAIR = "return {KEYS[1],ARGV[1]}";
const SHA = "5a6b6e0b4d1cbd4e0f6b2d1f0c0b7a1e9d3c2b1a";
const LIBRARY =
  "#!lua name=lib\nredis.register_function{function_name='f', callback=function(k, a) return {k[1], a[1]} end, flags={'no-writes'}}";
const NOTHING_RUNS = /NOTBUSY/;

/** Plain commands and what they answer, the same by every client. */
const PLAIN: Readonly<Record<string, readonly (readonly [command: string, expected: unknown])[]>> = {
  ACL: [
    ["ACL WHOAMI", "default"],
    ["ACL USERS", ["default"]],
    ["ACL CAT string", expect.arrayContaining(["get", "set", "append"])],
    ["ACL DRYRUN default SET k v", "OK"],
    ["ACL LOG", []],
  ],
  DEBUG: [["DEBUG SLEEP 0.001", "OK"]],
  LATENCY: [
    ["LATENCY LATEST", []],
    ["LATENCY RESET", 0],
    ["LATENCY HISTORY command", []],
  ],
  LOLWUT: [["LOLWUT", expect.stringContaining("Redis ver. 8.0.2")]],
  ROLE: [["ROLE", ["master", 0, []]]],
  TIME: [["TIME", [expect.stringMatching(/^\d{10}$/), expect.stringMatching(/^\d{1,6}$/)]]],
  WAIT: [
    ["WAIT 0 10", 0],
    ["WAIT 1 5", 0],
  ],
  WAITAOF: [["WAITAOF 0 0 10", [0, 0]]],
};

function plain<Client>(send: (client: Client, words: string[]) => Promise<unknown>) {
  const made = Object.entries(PLAIN).map(([name, uses]) => {
    const sent: Uses<Client> = uses.map(([command, expected]) => [(c) => send(c, command.split(" ")), expected]);
    return [name, scenario<Client>(...sent)] as const;
  });
  return Object.fromEntries(made);
}

const onIoredis = (...uses: Uses<Redis>) => scenario<Redis>(...uses);
const onRedis = (...uses: Uses<NodeRedis>) => scenario<NodeRedis>(...uses);
const ioredisLoad = (c: Redis): Promise<unknown> => c.function("LOAD", "REPLACE", LIBRARY);
const redisLoad = (c: NodeRedis): Promise<unknown> => c.functionLoad(LIBRARY, { REPLACE: true });
const messageOf = (error: unknown): string => (error as Error).message;

export const IOREDIS_SCRIPTS: Readonly<Record<string, (client: Redis) => Promise<void>>> = {
  ...plain<Redis>((c, [name = "", ...words]) => c.call(name, ...words)),
  EVAL: onIoredis([(c) => c.eval(PAIR, 1, "k", "a"), ["k", "a"]]),
  EVALSHA: onIoredis([async (c) => c.evalsha((await c.script("LOAD", PAIR)) as string, 1, "k", "a"), ["k", "a"]]),
  EVAL_RO: onIoredis([(c) => c.eval_ro(PAIR, 1, "k", "a"), ["k", "a"]]),
  EVALSHA_RO: onIoredis([async (c) => c.evalsha_ro((await c.script("LOAD", PAIR)) as string, 1, "k", "a"), ["k", "a"]]),
  SCRIPT: onIoredis([(c) => c.script("EXISTS", SHA), [0]], [(c) => c.script("FLUSH"), "OK"]),
  FUNCTION: onIoredis(
    [ioredisLoad, "lib"],
    [(c) => c.function("KILL").catch(messageOf), expect.stringMatching(NOTHING_RUNS)],
    [(c) => c.function("DELETE", "lib"), "OK"],
  ),
  FCALL: onIoredis([ioredisLoad, "lib"], [(c) => c.fcall("f", 1, "k", "a"), ["k", "a"]]),
  FCALL_RO: onIoredis([ioredisLoad, "lib"], [(c) => c.fcall_ro("f", 1, "k", "a"), ["k", "a"]]),
};

const GIVEN = { keys: ["k"], arguments: ["a"] };

export const REDIS_SCRIPTS: Readonly<Record<string, (client: NodeRedis) => Promise<void>>> = {
  ...plain<NodeRedis>((c, words) => c.sendCommand(words)),
  EVAL: onRedis([(c) => c.eval(PAIR, GIVEN), ["k", "a"]]),
  EVALSHA: onRedis([async (c) => c.evalSha(await c.scriptLoad(PAIR), GIVEN), ["k", "a"]]),
  EVAL_RO: onRedis([(c) => c.evalRo(PAIR, GIVEN), ["k", "a"]]),
  EVALSHA_RO: onRedis([async (c) => c.evalShaRo(await c.scriptLoad(PAIR), GIVEN), ["k", "a"]]),
  SCRIPT: onRedis([(c) => c.scriptExists(SHA), [0]], [(c) => c.scriptFlush(), "OK"]),
  FUNCTION: onRedis(
    [redisLoad, "lib"],
    [(c) => c.functionKill().catch(messageOf), expect.stringMatching(NOTHING_RUNS)],
    [(c) => c.functionDelete("lib"), "OK"],
  ),
  FCALL: onRedis([redisLoad, "lib"], [(c) => c.fCall("f", GIVEN), ["k", "a"]]),
  FCALL_RO: onRedis([redisLoad, "lib"], [(c) => c.fCallRo("f", GIVEN), ["k", "a"]]),
};

const FUNCTION_LINE =
  "FUNCTION LOAD REPLACE \"#!lua name=lib\\nredis.register_function{function_name='f', callback=function(k, a) return a[1] end, flags={'no-writes'}}\"";

/** Lines for redis-cli and what it prints for each. */
export const CLI_SCRIPTS: Readonly<Record<string, (readonly [string, string | RegExp])[]>> = {
  ACL: [["ACL WHOAMI", "default"]],
  DEBUG: [["DEBUG SLEEP 0.001", "OK"]],
  LATENCY: [["LATENCY RESET", "0"]],
  LOLWUT: [["LOLWUT VERSION 5", /Redis ver\. 8\.0\.2/]],
  ROLE: [["ROLE", /^master\n0/]],
  TIME: [["TIME", /^\d{10}\n\d{1,6}$/]],
  WAIT: [["WAIT 0 10", "0"]],
  WAITAOF: [["WAITAOF 0 0 10", "0\n0"]],
  EVAL: [[`EVAL "${PAIR}" 1 k a`, "k\na"]],
  EVALSHA: [
    ['SCRIPT LOAD "return 1"', "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"],
    ["EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0", "1"],
  ],
  EVAL_RO: [[`EVAL_RO "${PAIR}" 1 k a`, "k\na"]],
  EVALSHA_RO: [
    ['SCRIPT LOAD "return 1"', "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"],
    ["EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0", "1"],
  ],
  SCRIPT: [[`SCRIPT EXISTS ${SHA}`, "0"]],
  FUNCTION: [
    [FUNCTION_LINE, "lib"],
    ["FUNCTION DELETE lib", "OK"],
  ],
  FCALL: [
    [FUNCTION_LINE, "lib"],
    ["FCALL f 0 a", "a"],
  ],
  FCALL_RO: [
    [FUNCTION_LINE, "lib"],
    ["FCALL_RO f 0 a", "a"],
  ],
};
