// Every command through redis (node-redis), by its own methods where it has them, over RESP2 and RESP3.

import { createClient, WatchError } from "redis";
import { afterEach, describe, expect, test } from "vitest";
import { REDIS_LISTS } from "./list-scenarios.ts";
import { allCommands, commandNames, messageOf, NO_DIRECTORY, serveScenarios } from "./scenario-server.ts";
import { REDIS_SCRIPTS } from "./script-scenarios.ts";
import { REDIS_SORTED_SETS } from "./sorted-set-scenarios.ts";
import { REDIS_STREAMS } from "./stream-scenarios.ts";

/** A client whose replies are the same over both protocols where node-redis makes them so. */
function newClient(port: number, RESP: 2 | 3) {
  return createClient({ RESP, socket: { port, host: "127.0.0.1", reconnectStrategy: false } });
}

type Client = ReturnType<typeof newClient>;
type Scenario = (client: Client) => Promise<void>;

const FAR_S = Math.floor(Date.now() / 1000) + 100_000;

async function withKey(client: Client): Promise<void> {
  await client.set("k", "value");
}

async function withHash(client: Client): Promise<void> {
  await client.hSet("h", { a: "1", b: "2" });
}

async function withVectors(client: Client): Promise<void> {
  await client.vAdd("v", [1, 0], "e");
  await client.vAdd("v", [0, 1], "f");
}

const nothing: Scenario = async () => undefined;

/** A scenario that begins with something stored. */
function after(prepare: Scenario, ...uses: [use: (client: Client) => Promise<unknown>, expected: unknown][]): Scenario {
  return async (client) => {
    await prepare(client);
    for (const [use, expected] of uses) expect(plain(await use(client))).toEqual(expected);
  };
}

/** Objects of replies have no prototype. */
function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  return typeof reply === "object" && reply !== null && Object.getPrototypeOf(reply) === null ? { ...reply } : reply;
}

async function withSets(client: Client): Promise<void> {
  await client.sAdd("s", ["1", "2", "3"]);
  await client.sAdd("t", ["3", "text"]);
}

async function withBits(client: Client): Promise<void> {
  await client.set("k", "\x0f");
  await client.setBit("k", 15, 1);
}

const BITS: Readonly<Record<string, Scenario>> = {
  SETBIT: after(withBits, [(c) => c.setBit("k", 15, 0), 1]),
  GETBIT: after(withBits, [(c) => c.getBit("k", 4), 1]),
  BITCOUNT: after(
    withBits,
    [(c) => c.bitCount("k"), 5],
    [(c) => c.bitCount("k", { start: 4, end: 6, mode: "BIT" }), 3],
  ),
  BITPOS: after(withBits, [(c) => c.bitPos("k", 1), 4], [(c) => c.bitPos("k", 1, 1), 15]),
  BITOP: after(withBits, [(c) => c.bitOp("NOT", "n", "k"), 2], [(c) => c.bitCount("n"), 11]),
  BITFIELD: after(withBits, [
    (c) => c.bitField("k", [{ operation: "INCRBY", encoding: "u8", offset: 0, increment: 1 }]),
    [16],
  ]),
  BITFIELD_RO: after(withBits, [(c) => c.bitFieldRo("k", [{ encoding: "i5", offset: 4 }]), [-2]]),
  PFADD: after(nothing, [(c) => c.pfAdd("p", ["a", "b"]), 1], [(c) => c.pfAdd("p", "a"), 0]),
  PFCOUNT: after(nothing, [(c) => c.pfAdd("p", ["a", "b"]), 1], [(c) => c.pfCount(["p", "nothing"]), 2]),
  PFMERGE: after(
    nothing,
    [(c) => c.pfAdd("p", "a"), 1],
    [(c) => c.pfMerge("q", "p"), "OK"],
    [(c) => c.pfCount("q"), 1],
  ),
  PFDEBUG: after(
    nothing,
    [(c) => c.pfAdd("p", "a"), 1],
    [(c) => c.sendCommand(["PFDEBUG", "ENCODING", "p"]), "sparse"],
  ),
  PFSELFTEST: after(nothing, [(c) => c.sendCommand(["PFSELFTEST"]), "OK"]),
};

const SETS: Readonly<Record<string, Scenario>> = {
  SADD: after(withSets, [(c) => c.sAdd("s", ["3", "4"]), 1]),
  SREM: after(withSets, [(c) => c.sRem("s", ["3", "9"]), 1]),
  SISMEMBER: after(withSets, [(c) => c.sIsMember("t", "text"), 1]),
  SMISMEMBER: after(withSets, [(c) => c.smIsMember("t", ["text", "x"]), [1, 0]]),
  SCARD: after(withSets, [(c) => c.sCard("s"), 3]),
  SMEMBERS: after(withSets, [(c) => c.sMembers("s"), ["1", "2", "3"]]),
  SMOVE: after(withSets, [(c) => c.sMove("s", "t", "1"), 1], [(c) => c.sCard("t"), 3]),
  SPOP: after(withSets, [(c) => c.sPop("nothing"), null], [(c) => c.sPopCount("t", 5), ["3", "text"]]),
  SRANDMEMBER: after(withSets, [(c) => c.sRandMemberCount("s", 9), ["1", "2", "3"]]),
  SINTER: after(withSets, [(c) => c.sInter(["s", "t"]), ["3"]]),
  SINTERCARD: after(withSets, [(c) => c.sInterCard(["s", "t"], { LIMIT: 5 }), 1]),
  SINTERSTORE: after(withSets, [(c) => c.sInterStore("u", ["s", "t"]), 1]),
  SUNION: after(withSets, [(c) => c.sUnion(["s", "t"]), ["1", "2", "3", "text"]]),
  SUNIONSTORE: after(withSets, [(c) => c.sUnionStore("u", ["s", "t"]), 4]),
  SDIFF: after(withSets, [(c) => c.sDiff(["s", "t"]), ["1", "2"]]),
  SDIFFSTORE: after(withSets, [(c) => c.sDiffStore("u", ["s", "t"]), 2]),
  SSCAN: after(withSets, [(c) => c.sScan("s", "0", { MATCH: "[12]" }), { cursor: "0", members: ["1", "2"] }]),
};

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  PING: after(nothing, [(c) => c.ping(), "PONG"], [(c) => c.ping("hello"), "hello"]),
  ECHO: after(nothing, [(c) => c.echo("välue"), "välue"]),
  SELECT: async (client) => {
    await withKey(client);
    await client.select(5);
    expect(await client.dbSize()).toBe(0);
  },
  SWAPDB: after(withKey, [(c) => c.swapDb(0, 3), "OK"], [(c) => c.dbSize(), 0]),
  MOVE: after(withKey, [(c) => c.move("k", 3), 1], [(c) => c.exists("k"), 0]),
  AUTH: after(nothing, [(c) => c.auth({ username: "default", password: "anything" }), "OK"]),
  HELLO: after(nothing, [(c) => c.hello(), expect.objectContaining({ server: "redis", version: "8.0.2" })]),
  QUIT: after(nothing, [(c) => c.sendCommand(["QUIT"]), "OK"]),
  RESET: after(nothing, [(c) => c.sendCommand(["RESET"]), "RESET"]),
  CLIENT: after(
    nothing,
    [(c) => c.clientSetName("tester"), "OK"],
    [(c) => c.clientGetName(), "tester"],
    [(c) => c.clientInfo(), expect.objectContaining({ name: "tester", db: 0, multi: -1 })],
    [(c) => c.clientList(), [expect.objectContaining({ name: "tester", user: "default" })]],
    [(c) => c.clientNoEvict(true), "OK"],
    [(c) => c.clientNoTouch(true), "OK"],
    [(c) => c.clientKill({ filter: "ID", id: 99 }), 0],
  ),
  COMMAND: after(
    nothing,
    [(c) => c.commandCount(), allCommands().length],
    [(c) => c.commandGetKeys(["MSET", "a", "1", "b", "2"]), ["a", "b"]],
    [(c) => c.commandGetKeysAndFlags(["GET", "a"]), [{ key: "a", flags: ["RO", "access"] }]],
    [
      (c) => c.commandInfo(["get"]),
      [expect.objectContaining({ name: "get", arity: 2, firstKeyIndex: 1, lastKeyIndex: 1, step: 1 })],
    ],
    [(c) => c.commandList({ FILTERBY: { type: "PATTERN", value: "hget*" } }), ["hget", "hgetall"]],
  ),
  CONFIG: after(nothing, [(c) => c.configGet("databases"), { databases: "16" }], [(c) => c.configResetStat(), "OK"]),
  INFO: after(nothing, [(c) => c.info("server"), expect.stringContaining("redis_version:8.0.2")]),
  SLOWLOG: after(
    nothing,
    [(c) => c.sendCommand(["SLOWLOG", "LEN"]), 0],
    [(c) => c.sendCommand(["SLOWLOG", "GET"]), []],
  ),
  MEMORY: after(
    withKey,
    [(c) => c.memoryUsage("k"), expect.any(Number)],
    [(c) => c.memoryUsage("nothing"), null],
    [(c) => c.memoryDoctor(), expect.stringContaining("in order")],
    [(c) => c.memoryStats(), expect.objectContaining({ "keys.count": 1 })],
  ),
  MULTI: after(nothing, [(c) => c.multi().set("k", "1").incr("k").exec(), ["OK", 2]]),
  EXEC: async (client) => {
    await withHash(client);
    await expect(client.multi().set("k", "1").incr("h").exec()).rejects.toThrow("1 commands failed");
    await expect(client.multi().set("k", "1").addCommand(["NOSUCH"]).exec()).rejects.toThrow();
    expect(await client.get("k")).toBe("1");
  },
  DISCARD: after(
    nothing,
    [(c) => c.sendCommand(["MULTI"]), "OK"],
    [(c) => c.sendCommand(["SET", "k", "v"]), "QUEUED"],
    [(c) => c.sendCommand(["DISCARD"]), "OK"],
    [(c) => c.get("k"), null],
  ),
  WATCH: async (client) => {
    await withKey(client);
    const other = client.duplicate();
    await other.connect();
    await client.watch("k");
    await other.set("k", "changed");
    await other.close();
    await expect(client.multi().set("k", "mine").exec()).rejects.toThrow(WatchError);
    expect(await client.get("k")).toBe("changed");
  },
  UNWATCH: async (client) => {
    await client.watch("k");
    await withKey(client);
    await client.unwatch();
    expect(await client.multi().get("k").exec()).toEqual(["value"]);
  },
  GET: after(withKey, [(c) => c.get("k"), "value"], [(c) => c.get("nothing"), null]),
  SET: after(
    nothing,
    [(c) => c.set("k", "1", { expiration: { type: "EX", value: 100 }, condition: "NX" }), "OK"],
    [(c) => c.set("k", "2", { condition: "NX" }), null],
  ),
  SETNX: after(withKey, [(c) => c.setNX("k", "x"), 0]),
  SETEX: after(nothing, [(c) => c.setEx("k", 100, "v"), "OK"], [(c) => c.ttl("k"), 100]),
  PSETEX: after(nothing, [(c) => c.pSetEx("k", 100_000, "v"), "OK"], [(c) => c.ttl("k"), 100]),
  GETSET: after(withKey, [(c) => c.getSet("k", "other"), "value"]),
  GETDEL: after(withKey, [(c) => c.getDel("k"), "value"], [(c) => c.exists("k"), 0]),
  GETEX: after(withKey, [(c) => c.getEx("k", { type: "EX", value: 100 }), "value"], [(c) => c.ttl("k"), 100]),
  MGET: after(withKey, [(c) => c.mGet(["k", "nothing"]), ["value", null]]),
  MSET: after(nothing, [(c) => c.mSet({ a: "1", b: "2" }), "OK"], [(c) => c.mGet(["a", "b"]), ["1", "2"]]),
  MSETNX: after(withKey, [(c) => c.mSetNX({ k: "1", b: "2" }), 0]),
  STRLEN: after(withKey, [(c) => c.strLen("k"), 5]),
  APPEND: after(withKey, [(c) => c.append("k", "s"), 6]),
  SETRANGE: after(withKey, [(c) => c.setRange("k", 1, "X"), 5], [(c) => c.get("k"), "vXlue"]),
  GETRANGE: after(withKey, [(c) => c.getRange("k", 1, -2), "alu"]),
  LCS: after(withKey, [(c) => c.lcsLen("k", "k"), 5]),
  SUBSTR: after(withKey, [(c) => c.sendCommand(["SUBSTR", "k", "0", "0"]), "v"]),
  INCR: after(nothing, [(c) => c.incr("n"), 1]),
  DECR: after(nothing, [(c) => c.decr("n"), -1]),
  INCRBY: after(nothing, [(c) => c.incrBy("n", 5), 5]),
  INCRBYFLOAT: after(nothing, [(c) => c.incrByFloat("n", 0.5), "0.5"]),
  DECRBY: after(nothing, [(c) => c.decrBy("n", 5), -5]),
  DBSIZE: after(withKey, [(c) => c.dbSize(), 1]),
  FLUSHDB: after(withKey, [(c) => c.flushDb(), "OK"], [(c) => c.dbSize(), 0]),
  FLUSHALL: after(withKey, [(c) => c.flushAll(), "OK"], [(c) => c.dbSize(), 0]),
  DEL: after(withKey, [(c) => c.del(["k", "nothing"]), 1]),
  UNLINK: after(withKey, [(c) => c.unlink(["k", "nothing"]), 1]),
  EXISTS: after(withKey, [(c) => c.exists(["k", "k", "nothing"]), 2]),
  TOUCH: after(withKey, [(c) => c.touch(["k", "nothing"]), 1]),
  TYPE: after(withHash, [(c) => c.type("h"), "hash"]),
  RENAME: after(withKey, [(c) => c.rename("k", "l"), "OK"], [(c) => c.get("l"), "value"]),
  RENAMENX: after(withKey, [(c) => c.renameNX("k", "l"), 1]),
  KEYS: after(withKey, [(c) => c.keys("k*"), ["k"]]),
  SCAN: async (client) => {
    await client.mSet(Object.fromEntries(Array.from({ length: 50 }, (_, key) => [`k${key}`, "v"])));
    const found = new Set<string>();
    for await (const keys of client.scanIterator({ MATCH: "k*" })) for (const key of keys) found.add(key);
    expect(found.size).toBe(50);
  },
  RANDOMKEY: after(withKey, [(c) => c.randomKey(), "k"]),
  OBJECT: after(
    withKey,
    [(c) => c.objectEncoding("k"), "embstr"],
    [(c) => c.objectIdleTime("k"), 0],
    [(c) => c.objectRefCount("k"), 1],
  ),
  EXPIRE: after(withKey, [(c) => c.expire("k", 100), 1], [(c) => c.expire("k", 50, "GT"), 0]),
  PEXPIRE: after(withKey, [(c) => c.pExpire("k", 100_000), 1]),
  EXPIREAT: after(withKey, [(c) => c.expireAt("k", FAR_S), 1], [(c) => c.expireTime("k"), FAR_S]),
  PEXPIREAT: after(withKey, [(c) => c.pExpireAt("k", FAR_S * 1000), 1], [(c) => c.expireTime("k"), FAR_S]),
  TTL: after(withKey, [(c) => c.ttl("k"), -1], [(c) => c.ttl("nothing"), -2]),
  PTTL: after(withKey, [(c) => c.pTTL("k"), -1]),
  EXPIRETIME: after(withKey, [(c) => c.expireTime("k"), -1]),
  PEXPIRETIME: after(withKey, [(c) => c.pExpireTime("k"), -1]),
  PERSIST: after(withKey, [(c) => c.expire("k", 100), 1], [(c) => c.persist("k"), 1], [(c) => c.ttl("k"), -1]),
  COPY: after(
    withKey,
    [(c) => c.copy("k", "l", { DB: 2 }), 1],
    [(c) => c.copy("k", "l"), 1],
    [(c) => c.get("l"), "value"],
  ),
  HSET: after(withHash, [(c) => c.hSet("h", { a: "3", c: "4" }), 1]),
  HMSET: after(nothing, [(c) => c.sendCommand(["HMSET", "h", "a", "1"]), "OK"]),
  HSETNX: after(withHash, [(c) => c.hSetNX("h", "a", "3"), 0]),
  HGET: after(withHash, [(c) => c.hGet("h", "a"), "1"]),
  HMGET: after(withHash, [(c) => c.hmGet("h", ["b", "x"]), ["2", null]]),
  HGETALL: after(withHash, [(c) => c.hGetAll("h"), { a: "1", b: "2" }]),
  HDEL: after(withHash, [(c) => c.hDel("h", ["a", "x"]), 1]),
  HEXISTS: after(withHash, [(c) => c.hExists("h", "a"), 1]),
  HLEN: after(withHash, [(c) => c.hLen("h"), 2]),
  HKEYS: after(withHash, [(c) => c.hKeys("h"), ["a", "b"]]),
  HVALS: after(withHash, [(c) => c.hVals("h"), ["1", "2"]]),
  HSTRLEN: after(withHash, [(c) => c.hStrLen("h", "a"), 1]),
  HINCRBY: after(withHash, [(c) => c.hIncrBy("h", "a", 5), 6]),
  HINCRBYFLOAT: after(withHash, [(c) => c.hIncrByFloat("h", "a", 0.5), "1.5"]),
  HSCAN: after(withHash, [
    (c) => c.hScan("h", "0"),
    {
      cursor: "0",
      entries: [
        { field: "a", value: "1" },
        { field: "b", value: "2" },
      ],
    },
  ]),
  HRANDFIELD: after(withHash, [(c) => c.hRandFieldCount("h", 5), ["a", "b"]]),
  ...BITS,
  ...SETS,
  VADD: after(nothing, [(c) => c.vAdd("v", [1, 0], "e"), true], [(c) => c.vAdd("v", [1, 0], "e"), false]),
  VSIM: after(
    withVectors,
    [(c) => c.vSim("v", "e", { COUNT: 1 }), ["e"]],
    [(c) => c.vSimWithScores("v", [1, 0], { COUNT: 1 }), { e: 1 }],
  ),
  VREM: after(withVectors, [(c) => c.vRem("v", "e"), true], [(c) => c.vRem("v", "e"), false]),
  VCARD: after(withVectors, [(c) => c.vCard("v"), 2]),
  VDIM: after(withVectors, [(c) => c.vDim("v"), 2]),
  VEMB: after(withVectors, [(c) => c.vEmb("v", "e"), [1, 0]]),
  VISMEMBER: after(withVectors, [(c) => c.sendCommand(["VISMEMBER", "v", "f"]).then(Boolean), true]),
  VSETATTR: after(withVectors, [(c) => c.vSetAttr("v", "e", { a: 1 }), true]),
  VGETATTR: after(withVectors, [(c) => c.vSetAttr("v", "e", { a: 1 }), true], [(c) => c.vGetAttr("v", "e"), { a: 1 }]),
  VINFO: after(withVectors, [(c) => c.vInfo("v"), expect.objectContaining({ "vector-dim": 2, size: 2 })]),
  VLINKS: after(withVectors, [(c) => c.vLinks("v", "e"), expect.arrayContaining([["f"]])]),
  VRANDMEMBER: after(withVectors, [(c) => c.vRandMember("v", 5), expect.arrayContaining(["e", "f"])]),
  VINDEX: after(withVectors, [async (c) => Number(await c.sendCommand(["VINDEX", "v", "ADD", ".year"])), 1]),
  VINDEXES: after(
    withVectors,
    [async (c) => Number(await c.sendCommand(["VINDEX", "v", "ADD", ".year"])), 1],
    [(c) => c.sendCommand(["VINDEXES", "v"]), expect.anything()],
  ),
  VEXPIRE: after(withVectors, [(c) => c.sendCommand(["VEXPIRE", "v", "100", "ELEMENTS", "1", "e"]), [1]]),
  VPEXPIRE: after(withVectors, [(c) => c.sendCommand(["VPEXPIRE", "v", "100000", "ELEMENTS", "1", "e"]), [1]]),
  VEXPIREAT: after(withVectors, [(c) => c.sendCommand(["VEXPIREAT", "v", String(FAR_S), "ELEMENTS", "1", "e"]), [1]]),
  VPEXPIREAT: after(withVectors, [
    (c) => c.sendCommand(["VPEXPIREAT", "v", String(FAR_S * 1000), "ELEMENTS", "1", "e"]),
    [1],
  ]),
  VTTL: after(withVectors, [(c) => c.sendCommand(["VTTL", "v", "ELEMENTS", "1", "e"]), [-1]]),
  VPTTL: after(withVectors, [(c) => c.sendCommand(["VPTTL", "v", "ELEMENTS", "1", "e"]), [-1]]),
  VEXPIRETIME: after(withVectors, [(c) => c.sendCommand(["VEXPIRETIME", "v", "ELEMENTS", "1", "e"]), [-1]]),
  VPEXPIRETIME: after(withVectors, [(c) => c.sendCommand(["VPEXPIRETIME", "v", "ELEMENTS", "1", "e"]), [-1]]),
  VPERSIST: after(withVectors, [(c) => c.sendCommand(["VPERSIST", "v", "ELEMENTS", "1", "e"]), [-1]]),
  VADDMANY: after(nothing, [
    (c) => c.sendCommand(["VADDMANY", "many", "FP32", "aaaabbbb", "ELEMENTS", "2", "a", "b"]),
    2,
  ]),
  VOPTIMIZE: after(withVectors, [async (c) => Number(await c.sendCommand(["VOPTIMIZE", "v"])), 1]),
  ...REDIS_LISTS,
  ...REDIS_SCRIPTS,
  ...REDIS_STREAMS,
  ...REDIS_SORTED_SETS,
  SAVE: after(nothing, [(c) => c.sendCommand(["SAVE"]).catch(messageOf), NO_DIRECTORY]),
  BGSAVE: after(nothing, [(c) => c.bgSave().catch(messageOf), NO_DIRECTORY]),
  BGREWRITEAOF: after(nothing, [(c) => c.bgRewriteAof().catch(messageOf), NO_DIRECTORY]),
  LASTSAVE: after(nothing, [(c) => c.lastSave(), expect.any(Number)]),
};

const toClose: Client[] = [];

afterEach(() => {
  for (const client of toClose.splice(0)) if (client.isOpen) client.destroy();
});

test("redis has a scenario of every command", () => {
  expect(Object.keys(SCENARIOS).sort()).toEqual(commandNames());
});

describe.each([2, 3] as const)("redis over RESP%i", (RESP) => {
  const port = serveScenarios();

  test.each(Object.entries(SCENARIOS))("%s", async (_, scenario) => {
    const client = newClient(port(), RESP);
    client.on("error", () => undefined);
    toClose.push(client);
    await client.connect();
    await scenario(client);
  });
});
