// Every command on streams through each client, by its own methods.

import type { Redis } from "ioredis";
import type { createClient } from "redis";
import { expect } from "vitest";

type NodeRedis = ReturnType<typeof createClient>;
type Uses<Client> = readonly [use: (client: Client) => Promise<unknown>, expected: unknown][];

/** A stream of two entries, and a group that gave the first one to a consumer. */
async function prepareIoredis(client: Redis): Promise<void> {
  await client.xadd("s", "1-1", "a", "1", "b", "2");
  await client.xadd("s", "2-1", "a", "3");
  await client.xgroup("CREATE", "s", "g", "0");
  await client.xreadgroup("GROUP", "g", "alice", "COUNT", 1, "STREAMS", "s", ">");
}

async function prepareRedis(client: NodeRedis): Promise<void> {
  await client.xAdd("s", "1-1", { a: "1", b: "2" });
  await client.xAdd("s", "2-1", { a: "3" });
  await client.xGroupCreate("s", "g", "0");
  await client.xReadGroup("g", "alice", { key: "s", id: ">" }, { COUNT: 1 });
}

function scenario<Client>(prepare: (client: Client) => Promise<void>, uses: Uses<Client>) {
  return async (client: Client): Promise<void> => {
    await prepare(client);
    for (const [use, expected] of uses) expect(await use(client)).toEqual(expected);
  };
}

const onIoredis = (...uses: Uses<Redis>) => scenario(prepareIoredis, uses);
const onRedis = (...uses: Uses<NodeRedis>) => scenario(prepareRedis, uses);

const FIRST = ["1-1", ["a", "1", "b", "2"]];
const SECOND = ["2-1", ["a", "3"]];

export const IOREDIS_STREAMS: Readonly<Record<string, (client: Redis) => Promise<void>>> = {
  XADD: onIoredis(
    [(c) => c.xadd("s", "MAXLEN", "=", 2, "9-*", "c", "4"), "9-0"],
    [(c) => c.xadd("none", "NOMKSTREAM", "*", "c", "4"), null],
    [(c) => c.xadd("s", "*", "c", "4"), expect.stringMatching(/^\d{13}-0$/)],
  ),
  XTRIM: onIoredis([(c) => c.xtrim("s", "MINID", "2"), 1], [(c) => c.xlen("s"), 1]),
  XDEL: onIoredis([(c) => c.xdel("s", "1-1", "5-5"), 1]),
  XLEN: onIoredis([(c) => c.xlen("s"), 2], [(c) => c.xlen("none"), 0]),
  XSETID: onIoredis([(c) => c.call("XSETID", "s", "7-7"), "OK"], [(c) => c.xadd("s", "7-*", "a", "b"), "7-8"]),
  XRANGE: onIoredis([(c) => c.xrange("s", "-", "+"), [FIRST, SECOND]], [(c) => c.xrange("s", "(1-1", "+"), [SECOND]]),
  XREVRANGE: onIoredis([(c) => c.xrevrange("s", "+", "-", "COUNT", 1), [SECOND]]),
  XREAD: onIoredis(
    [(c) => c.xread("STREAMS", "s", "1-1"), [["s", [SECOND]]]],
    [(c) => c.xread("COUNT", 5, "STREAMS", "s", "$"), null],
  ),
  XREADGROUP: onIoredis(
    [(c) => c.xreadgroup("GROUP", "g", "bob", "STREAMS", "s", ">"), [["s", [SECOND]]]],
    [(c) => c.xreadgroup("GROUP", "g", "alice", "STREAMS", "s", "0"), [["s", [FIRST]]]],
  ),
  XGROUP: onIoredis(
    [(c) => c.xgroup("CREATE", "new", "g", "$", "MKSTREAM"), "OK"],
    [(c) => c.xgroup("CREATECONSUMER", "s", "g", "bob"), 1],
    [(c) => c.xgroup("DELCONSUMER", "s", "g", "alice"), 1],
    [(c) => c.xgroup("DESTROY", "s", "g"), 1],
  ),
  XACK: onIoredis([(c) => c.xack("s", "g", "1-1", "2-1"), 1]),
  XPENDING: onIoredis(
    [(c) => c.xpending("s", "g"), [1, "1-1", "1-1", [["alice", "1"]]]],
    [(c) => c.xpending("s", "g", "-", "+", 9), [["1-1", "alice", expect.any(Number), 1]]],
  ),
  XCLAIM: onIoredis([(c) => c.xclaim("s", "g", "bob", 0, "1-1"), [FIRST]]),
  XAUTOCLAIM: onIoredis([(c) => c.xautoclaim("s", "g", "bob", 0, "-"), ["0-0", [FIRST], []]]),
  XINFO: onIoredis(
    [(c) => c.xinfo("STREAM", "s"), expect.arrayContaining(["length", 2, "last-generated-id", "2-1", "groups", 1])],
    [(c) => c.xinfo("GROUPS", "s"), [expect.arrayContaining(["name", "g", "pending", 1, "lag", 1])]],
    [(c) => c.xinfo("CONSUMERS", "s", "g"), [expect.arrayContaining(["name", "alice", "pending", 1])]],
  ),
};

const first = { id: "1-1", message: { a: "1", b: "2" } };
const second = { id: "2-1", message: { a: "3" } };
const like = (value: object) => expect.objectContaining(value);

export const REDIS_STREAMS: Readonly<Record<string, (client: NodeRedis) => Promise<void>>> = {
  XADD: onRedis([(c) => c.xAdd("s", "9-*", { c: "4" }), "9-0"]),
  XTRIM: onRedis([(c) => c.xTrim("s", "MAXLEN", 1), 1]),
  XDEL: onRedis([(c) => c.xDel("s", ["1-1", "5-5"]), 1]),
  XLEN: onRedis([(c) => c.xLen("s"), 2]),
  XSETID: onRedis([(c) => c.xSetId("s", "7-7"), "OK"]),
  XRANGE: onRedis([(c) => c.xRange("s", "-", "+"), [like(first), like(second)]]),
  XREVRANGE: onRedis([(c) => c.xRevRange("s", "+", "-"), [like(second), like(first)]]),
  XREAD: onRedis([(c) => c.xRead({ key: "s", id: "1-1" }), [like({ name: "s", messages: [like(second)] })]]),
  XREADGROUP: onRedis([
    (c) => c.xReadGroup("g", "bob", { key: "s", id: ">" }),
    [like({ name: "s", messages: [like(second)] })],
  ]),
  XGROUP: onRedis([(c) => c.xGroupSetId("s", "g", "0"), "OK"], [(c) => c.xGroupDestroy("s", "g"), 1]),
  XACK: onRedis([(c) => c.xAck("s", "g", "1-1"), 1]),
  XPENDING: onRedis([(c) => c.xPending("s", "g"), like({ pending: 1, firstId: "1-1", lastId: "1-1" })]),
  XCLAIM: onRedis([(c) => c.xClaim("s", "g", "bob", 0, "1-1"), [like(first)]]),
  XAUTOCLAIM: onRedis([(c) => c.xAutoClaim("s", "g", "bob", 0, "-"), like({ nextId: "0-0", messages: [like(first)] })]),
  XINFO: onRedis(
    [(c) => c.xInfoStream("s"), like({ length: 2, "last-generated-id": "2-1" })],
    [(c) => c.xInfoGroups("s"), [like({ name: "g", pending: 1 })]],
  ),
};

const SETUP = [
  ["XADD s 1-1 a 1 b 2", "1-1"],
  ["XADD s 2-1 a 3", "2-1"],
  ["XGROUP CREATE s g 0", "OK"],
  ["XREADGROUP GROUP g alice COUNT 1 STREAMS s >", "s\n1-1\na\n1\nb\n2"],
] as const;

/** Lines for redis-cli and what it prints for each. */
export const CLI_STREAMS: Readonly<Record<string, (readonly [string, string | RegExp])[]>> = {
  XADD: [...SETUP, ["XADD s 9-* c 4", "9-0"], ["XADD s * c 4", /^\d{13}-0$/]],
  XTRIM: [...SETUP, ["XTRIM s MAXLEN = 1", "1"]],
  XDEL: [...SETUP, ["XDEL s 1-1 5-5", "1"]],
  XLEN: [...SETUP, ["XLEN s", "2"]],
  XSETID: [...SETUP, ["XSETID s 7-7", "OK"]],
  XRANGE: [...SETUP, ["XRANGE s - + COUNT 1", "1-1\na\n1\nb\n2"]],
  XREVRANGE: [...SETUP, ["XREVRANGE s + - COUNT 1", "2-1\na\n3"]],
  XREAD: [...SETUP, ["XREAD STREAMS s 1-1", "s\n2-1\na\n3"]],
  XREADGROUP: [...SETUP, ["XREADGROUP GROUP g bob STREAMS s >", "s\n2-1\na\n3"]],
  XGROUP: [...SETUP, ["XGROUP DELCONSUMER s g alice", "1"], ["XGROUP DESTROY s g", "1"]],
  XACK: [...SETUP, ["XACK s g 1-1", "1"]],
  XPENDING: [...SETUP, ["XPENDING s g", "1\n1-1\n1-1\nalice\n1"]],
  XCLAIM: [...SETUP, ["XCLAIM s g bob 0 1-1 JUSTID", "1-1"]],
  XAUTOCLAIM: [...SETUP, ["XAUTOCLAIM s g bob 0 - JUSTID", /^0-0\n1-1/]],
  XINFO: [...SETUP, ["XINFO GROUPS s", /name\ng\n/]],
};
