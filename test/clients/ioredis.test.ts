// Every command through ioredis, by its own methods where it has them.

import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { IOREDIS_LISTS } from "./list-scenarios.ts";
import { allCommands, commandNames, messageOf, NO_DIRECTORY, serveScenarios } from "./scenario-server.ts";
import { IOREDIS_SCRIPTS } from "./script-scenarios.ts";
import { IOREDIS_SORTED_SETS } from "./sorted-set-scenarios.ts";
import { IOREDIS_STREAMS } from "./stream-scenarios.ts";

/** One use of a command: a promise of what the client makes of it. */
type Scenario = (client: Redis) => Promise<void>;

const FAR_S = Math.floor(Date.now() / 1000) + 100_000;

async function is(promise: Promise<unknown>, expected: unknown): Promise<void> {
  expect(await promise).toEqual(expected);
}

async function withKey(client: Redis): Promise<void> {
  await client.set("k", "value");
}

async function withHash(client: Redis): Promise<void> {
  await client.hset("h", { a: "1", b: "2" });
}

async function withVectors(client: Redis): Promise<void> {
  await client.call("VADD", "v", "VALUES", 2, 1, 0, "e");
  await client.call("VADD", "v", "VALUES", 2, 0, 1, "f");
}

/** A scenario that begins with something stored. */
function after(prepare: Scenario, ...uses: [use: (client: Redis) => Promise<unknown>, expected: unknown][]): Scenario {
  return async (client) => {
    await prepare(client);
    for (const [use, expected] of uses) await is(use(client), expected);
  };
}

const nothing: Scenario = async () => undefined;

async function withSets(client: Redis): Promise<void> {
  await client.sadd("s", 1, 2, 3);
  await client.sadd("t", 3, "text");
}

async function withBits(client: Redis): Promise<void> {
  await client.set("k", "\x0f");
  await client.setbit("k", 15, 1);
}

const BITS: Readonly<Record<string, Scenario>> = {
  SETBIT: after(withBits, [(c) => c.setbit("k", 15, 0), 1]),
  GETBIT: after(withBits, [(c) => c.getbit("k", 4), 1]),
  BITCOUNT: after(withBits, [(c) => c.bitcount("k"), 5], [(c) => c.bitcount("k", 4, 6, "BIT"), 3]),
  BITPOS: after(withBits, [(c) => c.bitpos("k", 1), 4], [(c) => c.bitpos("k", 1, 1), 15]),
  BITOP: after(withBits, [(c) => c.bitop("NOT", "n", "k"), 2], [(c) => c.bitcount("n"), 11]),
  BITFIELD: after(withBits, [(c) => c.call("BITFIELD", "k", "INCRBY", "u8", 0, 1, "GET", "u8", 8), [16, 1]]),
  BITFIELD_RO: after(withBits, [(c) => c.bitfield_ro("k", "GET", "i5", 4), [-2]]),
  PFADD: after(nothing, [(c) => c.pfadd("p", "a", "b"), 1], [(c) => c.pfadd("p", "a"), 0]),
  PFCOUNT: after(nothing, [(c) => c.pfadd("p", "a", "b"), 1], [(c) => c.pfcount("p", "nothing"), 2]),
  PFMERGE: after(
    nothing,
    [(c) => c.pfadd("p", "a"), 1],
    [(c) => c.pfmerge("q", "p"), "OK"],
    [(c) => c.pfcount("q"), 1],
  ),
  PFDEBUG: after(nothing, [(c) => c.pfadd("p", "a"), 1], [(c) => c.call("PFDEBUG", "ENCODING", "p"), "sparse"]),
  PFSELFTEST: after(nothing, [(c) => c.call("PFSELFTEST"), "OK"]),
};

const SETS: Readonly<Record<string, Scenario>> = {
  SADD: after(withSets, [(c) => c.sadd("s", 3, 4), 1]),
  SREM: after(withSets, [(c) => c.srem("s", 3, 9), 1]),
  SISMEMBER: after(withSets, [(c) => c.sismember("t", "text"), 1]),
  SMISMEMBER: after(withSets, [(c) => c.smismember("t", "text", "x"), [1, 0]]),
  SCARD: after(withSets, [(c) => c.scard("s"), 3]),
  SMEMBERS: after(withSets, [(c) => c.smembers("s"), ["1", "2", "3"]]),
  SMOVE: after(withSets, [(c) => c.smove("s", "t", "1"), 1], [(c) => c.scard("t"), 3]),
  SPOP: after(withSets, [(c) => c.spop("t", 5), ["3", "text"]], [(c) => c.spop("t"), null]),
  SRANDMEMBER: after(withSets, [(c) => c.srandmember("s", 9), ["1", "2", "3"]]),
  SINTER: after(withSets, [(c) => c.sinter("s", "t"), ["3"]]),
  SINTERCARD: after(withSets, [(c) => c.sintercard(2, "s", "t", "LIMIT", 5), 1]),
  SINTERSTORE: after(withSets, [(c) => c.sinterstore("u", "s", "t"), 1]),
  SUNION: after(withSets, [(c) => c.sunion("s", "t"), ["1", "2", "3", "text"]]),
  SUNIONSTORE: after(withSets, [(c) => c.sunionstore("u", "s", "t"), 4]),
  SDIFF: after(withSets, [(c) => c.sdiff("s", "t"), ["1", "2"]]),
  SDIFFSTORE: after(withSets, [(c) => c.sdiffstore("u", "s", "t"), 2]),
  SSCAN: after(withSets, [(c) => c.sscan("s", 0, "MATCH", "[12]"), ["0", ["1", "2"]]]),
};

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  PING: after(nothing, [(c) => c.ping(), "PONG"], [(c) => c.ping("hello"), "hello"]),
  ECHO: after(nothing, [(c) => c.echo("välue"), "välue"]),
  SELECT: after(withKey, [(c) => c.select(5), "OK"], [(c) => c.dbsize(), 0]),
  SWAPDB: after(withKey, [(c) => c.swapdb(0, 3), "OK"], [(c) => c.dbsize(), 0]),
  MOVE: after(withKey, [(c) => c.move("k", 3), 1], [(c) => c.exists("k"), 0]),
  AUTH: after(nothing, [(c) => c.auth("default", "anything"), "OK"]),
  HELLO: after(nothing, [(c) => c.hello(), expect.arrayContaining(["version", "8.0.2"])]),
  QUIT: after(nothing, [(c) => c.quit(), "OK"]),
  RESET: after(nothing, [(c) => c.call("RESET"), "RESET"]),
  CLIENT: after(
    nothing,
    [(c) => c.client("SETNAME", "tester"), "OK"],
    [(c) => c.client("GETNAME"), "tester"],
    [(c) => c.client("LIST"), expect.stringContaining("name=tester")],
    [(c) => c.client("NO-EVICT", "ON"), "OK"],
    [(c) => c.client("KILL", "ID", 99), 0],
  ),
  COMMAND: after(
    nothing,
    [(c) => c.command("COUNT"), allCommands().length],
    [(c) => c.command("GETKEYS", "MSET", "a", "1", "b", "2"), ["a", "b"]],
  ),
  CONFIG: after(nothing, [(c) => c.config("GET", "databases"), ["databases", "16"]]),
  INFO: after(nothing, [(c) => c.info("server"), expect.stringContaining("redis_version:8.0.2")]),
  SLOWLOG: after(
    nothing,
    [(c) => c.slowlog("RESET"), "OK"],
    [(c) => c.slowlog("LEN"), 0],
    [(c) => c.slowlog("GET"), []],
  ),
  MEMORY: after(
    withKey,
    [(c) => c.memory("USAGE", "k"), expect.any(Number)],
    [(c) => c.memory("USAGE", "nothing"), null],
  ),
  MULTI: after(nothing, [
    (c) => c.multi().set("k", 1).incr("k").exec(),
    [
      [null, "OK"],
      [null, 2],
    ],
  ]),
  EXEC: async (client) => {
    await withHash(client);
    const results = await client.multi().set("k", 1).incr("h").get("k").exec();
    expect(results?.map(([error, value]) => error?.message.split(" ")[0] ?? value)).toEqual(["OK", "WRONGTYPE", "1"]);
    await expect(client.multi().set("k", 1).call("NOSUCH").exec()).rejects.toThrow("EXECABORT");
  },
  DISCARD: async (client) => {
    await client.multi({ pipeline: false });
    await client.set("k", "other");
    await is(client.discard(), "OK");
    await is(client.get("k"), null);
  },
  WATCH: async (client) => {
    await withKey(client);
    await client.watch("k");
    const other = client.duplicate();
    await other.set("k", "changed");
    other.disconnect();
    await is(client.multi().set("k", "mine").exec(), null);
    await is(client.get("k"), "changed");
  },
  UNWATCH: async (client) => {
    await client.watch("k");
    await withKey(client);
    await is(client.unwatch(), "OK");
    await is(client.multi().get("k").exec(), [[null, "value"]]);
  },
  GET: after(withKey, [(c) => c.get("k"), "value"], [(c) => c.getBuffer("k"), Buffer.from("value")]),
  SET: after(nothing, [(c) => c.set("k", "1", "EX", 100, "NX"), "OK"], [(c) => c.set("k", "2", "NX"), null]),
  SETNX: after(withKey, [(c) => c.setnx("k", "x"), 0]),
  SETEX: after(nothing, [(c) => c.setex("k", 100, "v"), "OK"], [(c) => c.ttl("k"), 100]),
  PSETEX: after(nothing, [(c) => c.psetex("k", 100_000, "v"), "OK"], [(c) => c.ttl("k"), 100]),
  GETSET: after(withKey, [(c) => c.getset("k", "other"), "value"]),
  GETDEL: after(withKey, [(c) => c.getdel("k"), "value"], [(c) => c.exists("k"), 0]),
  GETEX: after(withKey, [(c) => c.getex("k", "EX", 100), "value"], [(c) => c.ttl("k"), 100]),
  MGET: after(withKey, [(c) => c.mget("k", "nothing"), ["value", null]]),
  MSET: after(nothing, [(c) => c.mset({ a: 1, b: 2 }), "OK"], [(c) => c.mget("a", "b"), ["1", "2"]]),
  MSETNX: after(withKey, [(c) => c.msetnx({ k: 1, b: 2 }), 0]),
  STRLEN: after(withKey, [(c) => c.strlen("k"), 5]),
  APPEND: after(withKey, [(c) => c.append("k", "s"), 6]),
  SETRANGE: after(withKey, [(c) => c.setrange("k", 1, "X"), 5], [(c) => c.get("k"), "vXlue"]),
  GETRANGE: after(withKey, [(c) => c.getrange("k", 1, -2), "alu"]),
  LCS: after(withKey, [(c) => c.lcs("k", "k", "LEN"), 5]),
  SUBSTR: after(withKey, [(c) => c.substr("k", 0, 0), "v"]),
  INCR: after(nothing, [(c) => c.incr("n"), 1]),
  DECR: after(nothing, [(c) => c.decr("n"), -1]),
  INCRBY: after(nothing, [(c) => c.incrby("n", 5), 5]),
  INCRBYFLOAT: after(nothing, [(c) => c.incrbyfloat("n", 0.5), "0.5"]),
  DECRBY: after(nothing, [(c) => c.decrby("n", 5), -5]),
  DBSIZE: after(withKey, [(c) => c.dbsize(), 1]),
  FLUSHDB: after(withKey, [(c) => c.flushdb(), "OK"], [(c) => c.dbsize(), 0]),
  FLUSHALL: after(withKey, [(c) => c.flushall("ASYNC"), "OK"], [(c) => c.dbsize(), 0]),
  DEL: after(withKey, [(c) => c.del("k", "nothing"), 1]),
  UNLINK: after(withKey, [(c) => c.unlink("k", "nothing"), 1]),
  EXISTS: after(withKey, [(c) => c.exists("k", "k", "nothing"), 2]),
  TOUCH: after(withKey, [(c) => c.touch("k", "nothing"), 1]),
  TYPE: after(withHash, [(c) => c.type("h"), "hash"]),
  RENAME: after(withKey, [(c) => c.rename("k", "l"), "OK"], [(c) => c.get("l"), "value"]),
  RENAMENX: after(withKey, [(c) => c.renamenx("k", "l"), 1]),
  KEYS: after(withKey, [(c) => c.keys("k*"), ["k"]]),
  SCAN: async (client) => {
    for (let key = 0; key < 50; key++) await client.set(`k${key}`, "v");
    const found: string[] = [];
    for await (const keys of client.scanStream({ match: "k*" })) found.push(...(keys as string[]));
    expect(new Set(found).size).toBe(50);
  },
  RANDOMKEY: after(withKey, [(c) => c.randomkey(), "k"]),
  OBJECT: after(withKey, [(c) => c.object("ENCODING", "k"), "embstr"], [(c) => c.object("IDLETIME", "k"), 0]),
  EXPIRE: after(withKey, [(c) => c.expire("k", 100), 1], [(c) => c.expire("k", 50, "GT"), 0]),
  PEXPIRE: after(withKey, [(c) => c.pexpire("k", 100_000), 1]),
  EXPIREAT: after(withKey, [(c) => c.expireat("k", FAR_S), 1], [(c) => c.expiretime("k"), FAR_S]),
  PEXPIREAT: after(withKey, [(c) => c.pexpireat("k", FAR_S * 1000), 1], [(c) => c.expiretime("k"), FAR_S]),
  TTL: after(withKey, [(c) => c.ttl("k"), -1], [(c) => c.ttl("nothing"), -2]),
  PTTL: after(withKey, [(c) => c.pttl("k"), -1]),
  EXPIRETIME: after(withKey, [(c) => c.expiretime("k"), -1]),
  PEXPIRETIME: after(withKey, [(c) => c.pexpiretime("k"), -1]),
  PERSIST: after(withKey, [(c) => c.expire("k", 100), 1], [(c) => c.persist("k"), 1], [(c) => c.ttl("k"), -1]),
  COPY: after(
    withKey,
    [(c) => c.copy("k", "l", "DB", 2), 1],
    [(c) => c.copy("k", "l"), 1],
    [(c) => c.get("l"), "value"],
  ),
  HSET: after(withHash, [(c) => c.hset("h", { a: "3", c: "4" }), 1]),
  HMSET: after(nothing, [(c) => c.hmset("h", { a: "1" }), "OK"]),
  HSETNX: after(withHash, [(c) => c.hsetnx("h", "a", "3"), 0]),
  HGET: after(withHash, [(c) => c.hget("h", "a"), "1"]),
  HMGET: after(withHash, [(c) => c.hmget("h", "b", "x"), ["2", null]]),
  HGETALL: after(withHash, [(c) => c.hgetall("h"), { a: "1", b: "2" }]),
  HDEL: after(withHash, [(c) => c.hdel("h", "a", "x"), 1]),
  HEXISTS: after(withHash, [(c) => c.hexists("h", "a"), 1]),
  HLEN: after(withHash, [(c) => c.hlen("h"), 2]),
  HKEYS: after(withHash, [(c) => c.hkeys("h"), ["a", "b"]]),
  HVALS: after(withHash, [(c) => c.hvals("h"), ["1", "2"]]),
  HSTRLEN: after(withHash, [(c) => c.hstrlen("h", "a"), 1]),
  HINCRBY: after(withHash, [(c) => c.hincrby("h", "a", 5), 6]),
  HINCRBYFLOAT: after(withHash, [(c) => c.hincrbyfloat("h", "a", 0.5), "1.5"]),
  HSCAN: after(withHash, [(c) => c.hscan("h", 0), ["0", ["a", "1", "b", "2"]]]),
  HRANDFIELD: after(withHash, [(c) => c.hrandfield("h", 5), ["a", "b"]]),
  ...BITS,
  ...SETS,
  VADD: after(nothing, [(c) => c.call("VADD", "v", "VALUES", 2, 1, 0, "e"), 1]),
  VSIM: after(withVectors, [(c) => c.call("VSIM", "v", "ELE", "e", "WITHSCORES", "COUNT", 1), ["e", "1"]]),
  VREM: after(withVectors, [(c) => c.call("VREM", "v", "e"), 1], [(c) => c.call("VREM", "v", "e"), 0]),
  VCARD: after(withVectors, [(c) => c.call("VCARD", "v"), 2]),
  VDIM: after(withVectors, [(c) => c.call("VDIM", "v"), 2]),
  VEMB: after(withVectors, [(c) => c.call("VEMB", "v", "e"), ["1", "0"]]),
  VISMEMBER: after(withVectors, [(c) => c.call("VISMEMBER", "v", "f"), 1]),
  VSETATTR: after(withVectors, [(c) => c.call("VSETATTR", "v", "e", '{"a":1}'), 1]),
  VGETATTR: after(
    withVectors,
    [(c) => c.call("VSETATTR", "v", "e", '{"a":1}'), 1],
    [(c) => c.call("VGETATTR", "v", "e"), '{"a":1}'],
  ),
  VINFO: after(withVectors, [(c) => c.call("VINFO", "v"), expect.arrayContaining(["vector-dim", 2])]),
  VLINKS: after(withVectors, [(c) => c.call("VLINKS", "v", "e"), expect.arrayContaining([["f"]])]),
  VRANDMEMBER: after(withVectors, [(c) => c.call("VRANDMEMBER", "v", 5), expect.arrayContaining(["e", "f"])]),
  VINDEX: after(withVectors, [(c) => c.call("VINDEX", "v", "ADD", ".year"), 1]),
  VINDEXES: after(
    withVectors,
    [(c) => c.call("VINDEX", "v", "ADD", ".year"), 1],
    [(c) => c.call("VINDEXES", "v"), expect.anything()],
  ),
  VEXPIRE: after(withVectors, [(c) => c.call("VEXPIRE", "v", "100", "ELEMENTS", "1", "e"), [1]]),
  VPEXPIRE: after(withVectors, [(c) => c.call("VPEXPIRE", "v", "100000", "ELEMENTS", "1", "e"), [1]]),
  VEXPIREAT: after(withVectors, [(c) => c.call("VEXPIREAT", "v", String(FAR_S), "ELEMENTS", "1", "e"), [1]]),
  VPEXPIREAT: after(withVectors, [(c) => c.call("VPEXPIREAT", "v", String(FAR_S * 1000), "ELEMENTS", "1", "e"), [1]]),
  VTTL: after(withVectors, [(c) => c.call("VTTL", "v", "ELEMENTS", "1", "e"), [-1]]),
  VPTTL: after(withVectors, [(c) => c.call("VPTTL", "v", "ELEMENTS", "1", "e"), [-1]]),
  VEXPIRETIME: after(withVectors, [(c) => c.call("VEXPIRETIME", "v", "ELEMENTS", "1", "e"), [-1]]),
  VPEXPIRETIME: after(withVectors, [(c) => c.call("VPEXPIRETIME", "v", "ELEMENTS", "1", "e"), [-1]]),
  VPERSIST: after(withVectors, [(c) => c.call("VPERSIST", "v", "ELEMENTS", "1", "e"), [-1]]),
  VADDMANY: after(nothing, [(c) => c.call("VADDMANY", "many", "FP32", "aaaabbbb", "ELEMENTS", 2, "a", "b"), 2]),
  VOPTIMIZE: after(withVectors, [(c) => c.call("VOPTIMIZE", "v"), 1]),
  ...IOREDIS_LISTS,
  ...IOREDIS_SCRIPTS,
  ...IOREDIS_STREAMS,
  ...IOREDIS_SORTED_SETS,
  SAVE: after(nothing, [(c) => c.save().catch(messageOf), NO_DIRECTORY]),
  BGSAVE: after(nothing, [(c) => c.bgsave().catch(messageOf), NO_DIRECTORY]),
  BGREWRITEAOF: after(nothing, [(c) => c.bgrewriteaof().catch(messageOf), NO_DIRECTORY]),
  LASTSAVE: after(nothing, [(c) => c.lastsave(), expect.any(Number)]),
};

const toClose: Redis[] = [];

afterEach(() => {
  for (const client of toClose.splice(0)) client.disconnect();
});

describe("ioredis", () => {
  const port = serveScenarios();

  test("has a scenario of every command", () => {
    expect(Object.keys(SCENARIOS).sort()).toEqual(commandNames());
  });

  test.each(Object.entries(SCENARIOS))("%s", async (_, scenario) => {
    const client = new Redis(port(), "127.0.0.1", { maxRetriesPerRequest: 1 });
    toClose.push(client);
    await scenario(client);
  });
});
