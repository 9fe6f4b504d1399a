// Every command of sorted sets through each client, by the client's own methods.

import type { Redis } from "ioredis";
import type { createClient } from "redis";
import { expect } from "vitest";

type NodeRedis = ReturnType<typeof createClient>;
/** Uses after `a 1 b 2 c 3` in `z` and `c 10 d 20` in `y`, each with what it answers. */
type Uses<Client> = readonly [use: (client: Client) => Promise<unknown>, expected: unknown][];

function scenarios<Client>(
  prepare: (client: Client) => Promise<unknown>,
  uses: Readonly<Record<string, Uses<Client>>>,
) {
  return Object.fromEntries(
    Object.entries(uses).map(([name, list]) => [
      name,
      async (client: Client): Promise<void> => {
        await prepare(client);
        for (const [use, expected] of list) expect(plain(await use(client))).toEqual(expected);
      },
    ]),
  );
}

/** Objects of replies have no prototype. */
function plain(reply: unknown): unknown {
  return JSON.parse(JSON.stringify(reply));
}

async function fillIoredis(client: Redis): Promise<void> {
  await client.zadd("z", 1, "a", 2, "b", 3, "c");
  await client.zadd("y", 10, "c", 20, "d");
}

async function fillNodeRedis(client: NodeRedis): Promise<void> {
  await client.sendCommand(["ZADD", "z", "1", "a", "2", "b", "3", "c"]);
  await client.sendCommand(["ZADD", "y", "10", "c", "20", "d"]);
}

const ON_IOREDIS: Readonly<Record<string, Uses<Redis>>> = {
  ZADD: [[(c) => c.zadd("z", "GT", "CH", 5, "a", 9, "e"), 2]],
  ZINCRBY: [[(c) => c.zincrby("z", 1.5, "a"), "2.5"]],
  ZREM: [[(c) => c.zrem("z", "a", "x"), 1]],
  ZSCORE: [[(c) => c.zscore("z", "c"), "3"]],
  ZMSCORE: [[(c) => c.zmscore("z", "a", "x"), ["1", null]]],
  ZCARD: [[(c) => c.zcard("z"), 3]],
  ZCOUNT: [[(c) => c.zcount("z", "(1", "+inf"), 2]],
  ZLEXCOUNT: [[(c) => c.zlexcount("z", "[b", "+"), 2]],
  ZRANK: [[(c) => c.zrank("z", "b"), 1]],
  ZREVRANK: [[(c) => c.zrevrank("z", "a"), 2]],
  ZRANGE: [[(c) => c.zrange("z", "0", "1", "WITHSCORES"), ["a", "1", "b", "2"]]],
  ZREVRANGE: [[(c) => c.zrevrange("z", 0, 0), ["c"]]],
  ZRANGEBYSCORE: [[(c) => c.zrangebyscore("z", 2, 9, "LIMIT", 1, 1), ["c"]]],
  ZREVRANGEBYSCORE: [[(c) => c.zrevrangebyscore("z", 2, 0), ["b", "a"]]],
  ZRANGEBYLEX: [[(c) => c.zrangebylex("z", "-", "(c"), ["a", "b"]]],
  ZREVRANGEBYLEX: [[(c) => c.zrevrangebylex("z", "+", "[b"), ["c", "b"]]],
  ZRANGESTORE: [[(c) => c.zrangestore("s", "z", 0, 1), 2]],
  ZREMRANGEBYRANK: [[(c) => c.zremrangebyrank("z", 0, 1), 2]],
  ZREMRANGEBYSCORE: [[(c) => c.zremrangebyscore("z", 3, 9), 1]],
  ZREMRANGEBYLEX: [[(c) => c.zremrangebylex("z", "-", "+"), 3]],
  ZPOPMIN: [[(c) => c.zpopmin("z", 2), ["a", "1", "b", "2"]]],
  ZPOPMAX: [[(c) => c.zpopmax("z"), ["c", "3"]]],
  BZPOPMIN: [[(c) => c.bzpopmin("none", "z", 1), ["z", "a", "1"]]],
  BZPOPMAX: [[(c) => c.bzpopmax("none", 0.01), null]],
  BZMPOP: [[(c) => c.bzmpop(1, 2, "none", "z", "MIN", "COUNT", 1), ["z", [["a", "1"]]]]],
  ZMPOP: [[(c) => c.zmpop(2, "none", "z", "MIN", "COUNT", 1), ["z", [["a", "1"]]]]],
  ZUNION: [[(c) => c.zunion(2, "z", "y"), ["a", "b", "c", "d"]]],
  ZUNIONSTORE: [[(c) => c.zunionstore("s", 2, "z", "y", "WEIGHTS", 2, 1), 4]],
  ZINTER: [[(c) => c.zinter(2, "z", "y", "WITHSCORES"), ["c", "13"]]],
  ZINTERSTORE: [[(c) => c.zinterstore("s", 2, "z", "y"), 1]],
  ZINTERCARD: [[(c) => c.zintercard(2, "z", "y"), 1]],
  ZDIFF: [[(c) => c.zdiff(2, "z", "y"), ["a", "b"]]],
  ZDIFFSTORE: [[(c) => c.zdiffstore("s", 2, "z", "y"), 2]],
  ZRANDMEMBER: [[(c) => c.zrandmember("nothing"), null]],
  ZSCAN: [[(c) => c.zscan("z", 0, "MATCH", "[ab]"), ["0", ["a", "1", "b", "2"]]]],
};

const ON_NODE_REDIS: Readonly<Record<string, Uses<NodeRedis>>> = {
  ZADD: [[(c) => c.zAdd("z", [{ value: "e", score: 9 }]), 1]],
  ZINCRBY: [[(c) => c.zIncrBy("z", 1.5, "a"), 2.5]],
  ZREM: [[(c) => c.zRem("z", ["a", "x"]), 1]],
  ZSCORE: [[(c) => c.zScore("z", "c"), 3]],
  ZMSCORE: [[(c) => c.zmScore("z", ["a", "x"]), [1, null]]],
  ZCARD: [[(c) => c.zCard("z"), 3]],
  ZCOUNT: [[(c) => c.zCount("z", "(1", "+inf"), 2]],
  ZLEXCOUNT: [[(c) => c.zLexCount("z", "[b", "+"), 2]],
  ZRANK: [[(c) => c.zRank("z", "b"), 1]],
  ZREVRANK: [[(c) => c.zRevRank("z", "a"), 2]],
  ZRANGE: [[(c) => c.zRange("z", "(1", "9", { BY: "SCORE", LIMIT: { offset: 0, count: 1 } }), ["b"]]],
  ZREVRANGE: [[(c) => c.sendCommand(["ZREVRANGE", "z", "0", "0"]), ["c"]]],
  ZRANGEBYSCORE: [[(c) => c.zRangeByScore("z", 2, 9), ["b", "c"]]],
  ZREVRANGEBYSCORE: [[(c) => c.sendCommand(["ZREVRANGEBYSCORE", "z", "2", "0"]), ["b", "a"]]],
  ZRANGEBYLEX: [[(c) => c.zRangeByLex("z", "-", "(c"), ["a", "b"]]],
  ZREVRANGEBYLEX: [[(c) => c.sendCommand(["ZREVRANGEBYLEX", "z", "+", "[b"]), ["c", "b"]]],
  ZRANGESTORE: [[(c) => c.zRangeStore("s", "z", 0, 1), 2]],
  ZREMRANGEBYRANK: [[(c) => c.zRemRangeByRank("z", 0, 1), 2]],
  ZREMRANGEBYSCORE: [[(c) => c.zRemRangeByScore("z", 3, 9), 1]],
  ZREMRANGEBYLEX: [[(c) => c.zRemRangeByLex("z", "-", "+"), 3]],
  ZPOPMIN: [[(c) => c.zPopMin("z"), { value: "a", score: 1 }]],
  ZPOPMAX: [[(c) => c.zPopMaxCount("z", 1), [{ value: "c", score: 3 }]]],
  BZPOPMIN: [[(c) => c.bzPopMin(["none", "z"], 1), { key: "z", value: "a", score: 1 }]],
  BZPOPMAX: [[(c) => c.bzPopMax("none", 0.01), null]],
  BZMPOP: [[(c) => c.bzmPop(1, ["none", "z"], "MIN"), { key: "z", members: [{ value: "a", score: 1 }] }]],
  ZMPOP: [[(c) => c.zmPop(["none", "z"], "MIN"), { key: "z", members: [{ value: "a", score: 1 }] }]],
  ZUNION: [[(c) => c.zUnion(["z", "y"]), ["a", "b", "c", "d"]]],
  ZUNIONSTORE: [[(c) => c.zUnionStore("s", ["z", "y"]), 4]],
  ZINTER: [[(c) => c.zInter(["z", "y"]), ["c"]]],
  ZINTERSTORE: [[(c) => c.zInterStore("s", ["z", "y"]), 1]],
  ZINTERCARD: [[(c) => c.zInterCard(["z", "y"], { LIMIT: 5 }), 1]],
  ZDIFF: [
    [
      (c) => c.zDiffWithScores(["z", "y"]),
      [
        { value: "a", score: 1 },
        { value: "b", score: 2 },
      ],
    ],
  ],
  ZDIFFSTORE: [[(c) => c.zDiffStore("s", ["z", "y"]), 2]],
  ZRANDMEMBER: [[(c) => c.zRandMember("nothing"), null]],
  ZSCAN: [[(c) => c.zScan("z", "0", { MATCH: "a" }), { cursor: "0", members: [{ value: "a", score: 1 }] }]],
};

const ADD_Z = ["ZADD z 1 a 2 b 3 c", "3"] as const;
const ADD_Y = ["ZADD y 10 c 20 d", "2"] as const;

/** Lines for redis-cli, each with what it prints. */
export const CLI_SORTED_SETS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  ZADD: [ADD_Z, ["ZADD z XX INCR 5 a", "6"]],
  ZINCRBY: [ADD_Z, ["ZINCRBY z 0.5 a", "1.5"]],
  ZREM: [ADD_Z, ["ZREM z a x", "1"]],
  ZSCORE: [ADD_Z, ["ZSCORE z c", "3"]],
  ZMSCORE: [ADD_Z, ["ZMSCORE z c a", "3\n1"]],
  ZCARD: [ADD_Z, ["ZCARD z", "3"]],
  ZCOUNT: [ADD_Z, ["ZCOUNT z 2 inf", "2"]],
  ZLEXCOUNT: [ADD_Z, ["ZLEXCOUNT z [b +", "2"]],
  ZRANK: [ADD_Z, ["ZRANK z c", "2"], ["ZRANK z c WITHSCORE", "2\n3"]],
  ZREVRANK: [ADD_Z, ["ZREVRANK z c", "0"]],
  ZRANGE: [ADD_Z, ["ZRANGE z 1 -1 WITHSCORES", "b\n2\nc\n3"], ["ZRANGE z + [b BYLEX REV", "c\nb"]],
  ZREVRANGE: [ADD_Z, ["ZREVRANGE z 0 1", "c\nb"]],
  ZRANGEBYSCORE: [ADD_Z, ["ZRANGEBYSCORE z (1 3", "b\nc"]],
  ZREVRANGEBYSCORE: [ADD_Z, ["ZREVRANGEBYSCORE z 2 -inf", "b\na"]],
  ZRANGEBYLEX: [ADD_Z, ["ZRANGEBYLEX z - (b", "a"]],
  ZREVRANGEBYLEX: [ADD_Z, ["ZREVRANGEBYLEX z (b -", "a"]],
  ZRANGESTORE: [ADD_Z, ["ZRANGESTORE s z 0 -1 REV", "3"]],
  ZREMRANGEBYRANK: [ADD_Z, ["ZREMRANGEBYRANK z 0 1", "2"]],
  ZREMRANGEBYSCORE: [ADD_Z, ["ZREMRANGEBYSCORE z 2 3", "2"]],
  ZREMRANGEBYLEX: [ADD_Z, ["ZREMRANGEBYLEX z [b +", "2"]],
  ZPOPMIN: [ADD_Z, ["ZPOPMIN z", "a\n1"]],
  ZPOPMAX: [ADD_Z, ["ZPOPMAX z 2", "c\n3\nb\n2"]],
  BZPOPMIN: [ADD_Z, ["BZPOPMIN none z 1", "z\na\n1"]],
  BZPOPMAX: [ADD_Z, ["BZPOPMAX none 0.01", ""]],
  BZMPOP: [ADD_Z, ["BZMPOP 1 2 x z MAX COUNT 2", "z\nc\n3\nb\n2"]],
  ZMPOP: [ADD_Z, ["ZMPOP 2 x z MAX COUNT 2", "z\nc\n3\nb\n2"]],
  ZUNION: [ADD_Z, ADD_Y, ["ZUNION 2 z y WITHSCORES", "a\n1\nb\n2\nc\n13\nd\n20"]],
  ZUNIONSTORE: [ADD_Z, ADD_Y, ["ZUNIONSTORE s 2 z y AGGREGATE MAX", "4"], ["ZSCORE s c", "10"]],
  ZINTER: [ADD_Z, ADD_Y, ["ZINTER 2 z y", "c"]],
  ZINTERSTORE: [ADD_Z, ADD_Y, ["ZINTERSTORE s 2 z y", "1"]],
  ZINTERCARD: [ADD_Z, ADD_Y, ["ZINTERCARD 2 z y LIMIT 5", "1"]],
  ZDIFF: [ADD_Z, ADD_Y, ["ZDIFF 2 z y", "a\nb"]],
  ZDIFFSTORE: [ADD_Z, ADD_Y, ["ZDIFFSTORE s 2 y z", "1"]],
  ZRANDMEMBER: [ADD_Z, ["ZRANDMEMBER z 9", "a\nb\nc"]],
  ZSCAN: [ADD_Z, ["ZSCAN z 0 MATCH a", "0\na\n1"]],
};

export const IOREDIS_SORTED_SETS = scenarios(fillIoredis, ON_IOREDIS);
export const REDIS_SORTED_SETS = scenarios(fillNodeRedis, ON_NODE_REDIS);
