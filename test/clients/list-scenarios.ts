// Every command on lists through each client, by its own methods.

import type { Redis } from "ioredis";
import type { createClient } from "redis";
import { expect } from "vitest";

const BAD_PAYLOAD = "ERR DUMP payload version or checksum are wrong";

type NodeRedis = ReturnType<typeof createClient>;
type Uses<Client> = readonly [use: (client: Client) => Promise<unknown>, expected: unknown][];

function scenario<Client>(prepare: (client: Client) => Promise<unknown>, uses: Uses<Client>) {
  return async (client: Client): Promise<void> => {
    await prepare(client);
    for (const [use, expected] of uses) expect(await use(client)).toEqual(expected);
  };
}

const onIoredis = (...uses: Uses<Redis>) => scenario<Redis>((c) => c.rpush("l", "a", "b", "c"), uses);
const onRedis = (...uses: Uses<NodeRedis>) => scenario<NodeRedis>((c) => c.rPush("l", ["a", "b", "c"]), uses);

export const IOREDIS_LISTS: Readonly<Record<string, (client: Redis) => Promise<void>>> = {
  BLPOP: onIoredis([(c) => c.blpop("none", "l", 1), ["l", "a"]]),
  BRPOP: onIoredis([(c) => c.brpop("none", "l", 1), ["l", "c"]], [(c) => c.brpop("none", 0.01), null]),
  BLMOVE: onIoredis([(c) => c.blmove("l", "m", "LEFT", "RIGHT", 1), "a"]),
  BRPOPLPUSH: onIoredis([(c) => c.brpoplpush("l", "m", 1), "c"]),
  BLMPOP: onIoredis([(c) => c.blmpop(1, 2, "none", "l", "LEFT", "COUNT", 2), ["l", ["a", "b"]]]),
  LPUSH: onIoredis([(c) => c.lpush("l", "y", "x"), 5], [(c) => c.lindex("l", 0), "x"]),
  RPUSH: onIoredis([(c) => c.rpush("new", "x"), 1]),
  LPUSHX: onIoredis([(c) => c.lpushx("l", "x"), 4], [(c) => c.lpushx("none", "x"), 0]),
  RPUSHX: onIoredis([(c) => c.rpushx("l", "x"), 4], [(c) => c.rpushx("none", "x"), 0]),
  LPOP: onIoredis([(c) => c.lpop("l"), "a"], [(c) => c.lpop("l", 9), ["b", "c"]], [(c) => c.lpop("l"), null]),
  RPOP: onIoredis([(c) => c.rpop("l"), "c"], [(c) => c.rpop("l", 2), ["b", "a"]]),
  LMPOP: onIoredis([(c) => c.lmpop(2, "none", "l", "RIGHT", "COUNT", 2), ["l", ["c", "b"]]]),
  LMOVE: onIoredis([(c) => c.lmove("l", "m", "LEFT", "RIGHT"), "a"], [(c) => c.lrange("m", 0, -1), ["a"]]),
  RPOPLPUSH: onIoredis([(c) => c.rpoplpush("l", "l"), "c"], [(c) => c.lrange("l", 0, -1), ["c", "a", "b"]]),
  LLEN: onIoredis([(c) => c.llen("l"), 3], [(c) => c.llen("none"), 0]),
  LRANGE: onIoredis([(c) => c.lrange("l", -2, 9), ["b", "c"]]),
  LINDEX: onIoredis([(c) => c.lindex("l", -1), "c"], [(c) => c.lindex("l", 3), null]),
  LPOS: onIoredis([(c) => c.lpos("l", "b"), 1], [(c) => c.lpos("l", "a", "RANK", -1, "COUNT", 0), [0]]),
  LSET: onIoredis([(c) => c.lset("l", 1, "x"), "OK"], [(c) => c.lrange("l", 0, -1), ["a", "x", "c"]]),
  LINSERT: onIoredis([(c) => c.linsert("l", "BEFORE", "c", "x"), 4], [(c) => c.lindex("l", 2), "x"]),
  LREM: onIoredis([(c) => c.lrem("l", 0, "b"), 1], [(c) => c.llen("l"), 2]),
  SORT: onIoredis(
    [(c) => c.call("SORT", "l", "DESC", "ALPHA"), ["c", "b", "a"]],
    [(c) => c.call("SORT", "l", "ALPHA", "STORE", "s"), 3],
  ),
  SORT_RO: onIoredis([(c) => c.call("SORT_RO", "l", "ALPHA", "LIMIT", 1, 1), ["b"]]),
  DUMP: onIoredis([async (c) => (await c.dumpBuffer("l"))?.length, 18], [(c) => c.dump("none"), null]),
  RESTORE: onIoredis(
    [async (c) => c.restore("m", 0, (await c.dumpBuffer("l")) as Buffer), "OK"],
    [(c) => c.lrange("m", 0, -1), ["a", "b", "c"]],
  ),
  LTRIM: onIoredis([(c) => c.ltrim("l", 1, 1), "OK"], [(c) => c.lrange("l", 0, -1), ["b"]]),
};

export const REDIS_LISTS: Readonly<Record<string, (client: NodeRedis) => Promise<void>>> = {
  BLPOP: onRedis([(c) => c.blPop(["none", "l"], 1), { key: "l", element: "a" }]),
  BRPOP: onRedis([(c) => c.brPop("l", 1), { key: "l", element: "c" }], [(c) => c.brPop("none", 0.01), null]),
  BLMOVE: onRedis([(c) => c.blMove("l", "m", "LEFT", "RIGHT", 1), "a"]),
  BRPOPLPUSH: onRedis([(c) => c.brPopLPush("l", "m", 1), "c"]),
  BLMPOP: onRedis([(c) => c.blmPop(1, ["none", "l"], "LEFT", { COUNT: 2 }), ["l", ["a", "b"]]]),
  LPUSH: onRedis([(c) => c.lPush("l", ["y", "x"]), 5], [(c) => c.lIndex("l", 0), "x"]),
  RPUSH: onRedis([(c) => c.rPush("new", "x"), 1]),
  LPUSHX: onRedis([(c) => c.lPushX("l", "x"), 4], [(c) => c.lPushX("none", "x"), 0]),
  RPUSHX: onRedis([(c) => c.rPushX("l", "x"), 4], [(c) => c.rPushX("none", "x"), 0]),
  LPOP: onRedis([(c) => c.lPop("l"), "a"], [(c) => c.lPopCount("l", 9), ["b", "c"]], [(c) => c.lPop("l"), null]),
  RPOP: onRedis([(c) => c.rPop("l"), "c"], [(c) => c.rPopCount("l", 2), ["b", "a"]]),
  LMPOP: onRedis([(c) => c.lmPop(["none", "l"], "RIGHT", { COUNT: 2 }), ["l", ["c", "b"]]]),
  LMOVE: onRedis([(c) => c.lMove("l", "m", "LEFT", "RIGHT"), "a"], [(c) => c.lRange("m", 0, -1), ["a"]]),
  RPOPLPUSH: onRedis([(c) => c.rPopLPush("l", "l"), "c"], [(c) => c.lRange("l", 0, -1), ["c", "a", "b"]]),
  LLEN: onRedis([(c) => c.lLen("l"), 3], [(c) => c.lLen("none"), 0]),
  LRANGE: onRedis([(c) => c.lRange("l", -2, 9), ["b", "c"]]),
  LINDEX: onRedis([(c) => c.lIndex("l", -1), "c"], [(c) => c.lIndex("l", 3), null]),
  LPOS: onRedis([(c) => c.lPos("l", "b"), 1], [(c) => c.lPosCount("l", "a", 0, { RANK: -1 }), [0]]),
  LSET: onRedis([(c) => c.lSet("l", 1, "x"), "OK"], [(c) => c.lRange("l", 0, -1), ["a", "x", "c"]]),
  LINSERT: onRedis([(c) => c.lInsert("l", "BEFORE", "c", "x"), 4], [(c) => c.lIndex("l", 2), "x"]),
  LREM: onRedis([(c) => c.lRem("l", 0, "b"), 1], [(c) => c.lLen("l"), 2]),
  SORT: onRedis(
    [(c) => c.sort("l", { DIRECTION: "DESC", ALPHA: true }), ["c", "b", "a"]],
    [(c) => c.sortStore("l", "s", { ALPHA: true }), 3],
  ),
  SORT_RO: onRedis([(c) => c.sortRo("l", { ALPHA: true, LIMIT: { offset: 1, count: 1 } }), ["b"]]),
  DUMP: onRedis([async (c) => typeof (await c.dump("l")), "string"], [(c) => c.dump("none"), null]),
  RESTORE: onRedis(
    [(c) => c.restore("m", 0, "no payload").catch((error: Error) => error.message), BAD_PAYLOAD],
    [(c) => c.exists("m"), 0],
  ),
  LTRIM: onRedis([(c) => c.lTrim("l", 1, 1), "OK"], [(c) => c.lRange("l", 0, -1), ["b"]]),
};

const PUSH = ["RPUSH l a b c", "3"] as const;

/** Lines for redis-cli and what it prints for each. */
export const CLI_LISTS: Readonly<Record<string, (readonly [string, string])[]>> = {
  BLPOP: [PUSH, ["BLPOP none l 1", "l\na"]],
  BRPOP: [PUSH, ["BRPOP none l 1", "l\nc"], ["BRPOP none 0.01", ""]],
  BLMOVE: [PUSH, ["BLMOVE l m LEFT RIGHT 1", "a"]],
  BRPOPLPUSH: [PUSH, ["BRPOPLPUSH l m 1", "c"]],
  BLMPOP: [PUSH, ["BLMPOP 1 2 none l LEFT COUNT 2", "l\na\nb"]],
  LPUSH: [PUSH, ["LPUSH l y x", "5"], ["LINDEX l 0", "x"]],
  RPUSH: [PUSH],
  LPUSHX: [PUSH, ["LPUSHX l x", "4"], ["LPUSHX none x", "0"]],
  RPUSHX: [PUSH, ["RPUSHX l x", "4"], ["RPUSHX none x", "0"]],
  LPOP: [PUSH, ["LPOP l", "a"], ["LPOP l 9", "b\nc"], ["LPOP l", ""]],
  RPOP: [PUSH, ["RPOP l", "c"], ["RPOP l 2", "b\na"]],
  LMPOP: [PUSH, ["LMPOP 2 none l RIGHT COUNT 2", "l\nc\nb"]],
  LMOVE: [PUSH, ["LMOVE l m LEFT RIGHT", "a"], ["LRANGE m 0 -1", "a"]],
  RPOPLPUSH: [PUSH, ["RPOPLPUSH l l", "c"], ["LRANGE l 0 -1", "c\na\nb"]],
  LLEN: [PUSH, ["LLEN l", "3"]],
  LRANGE: [PUSH, ["LRANGE l -2 9", "b\nc"]],
  LINDEX: [PUSH, ["LINDEX l -1", "c"], ["LINDEX l 3", ""]],
  LPOS: [PUSH, ["LPOS l b", "1"], ["LPOS l a RANK -1 COUNT 0", "0"]],
  LSET: [PUSH, ["LSET l 1 x", "OK"], ["LRANGE l 0 -1", "a\nx\nc"]],
  LINSERT: [PUSH, ["LINSERT l BEFORE c x", "4"], ["LINDEX l 2", "x"]],
  LREM: [PUSH, ["LREM l 0 b", "1"], ["LLEN l", "2"]],
  SORT: [PUSH, ["SORT l ALPHA DESC", "c\nb\na"], ["SORT l ALPHA STORE s", "3"]],
  SORT_RO: [PUSH, ["SORT_RO l ALPHA LIMIT 1 1", "b"]],
  DUMP: [PUSH, ["DUMP none", ""]],
  RESTORE: [
    ["RESTORE m 0 payload", BAD_PAYLOAD],
    ["EXISTS m", "0"],
  ],
  LTRIM: [PUSH, ["LTRIM l 1 1", "OK"], ["LRANGE l 0 -1", "b"]],
};
