// Random commands of every kind that writes, and some that read, on few keys, so that they meet. Values are of every size
// that is stored in a way of its own.

import type { Argument } from "../src/resp.ts";
import { bitWrite, sketchWrite } from "./bit-commands.ts";
import { listWrite } from "./list-writes.ts";
import type { Random } from "./random.ts";
import { setWrite } from "./set-commands.ts";
import { sortedSetWrite } from "./sorted-set-commands.ts";
import { streamWrite } from "./stream-commands.ts";

/** A text of so many bytes. */
export const textOf = (bytes: number): string => "x".repeat(bytes);
const lengths = [0, 1, 20, 100, 500, 4_090, 20_000, 32_704, 32_705, 70_000, 140_000];

/** A random command of each kind, on few keys. */
export function makeCommand(random: Random): Argument[] {
  const key = `k${random.below(12)}`;
  const hash = `h${random.below(4)}`;
  const set = `v${random.below(2)}`;
  const field = `f${random.below(200)}`;
  const value = textOf(random.pick(lengths));
  const short = textOf(random.below(60));
  const vector = ["VALUES", 3, random.below(9) + 1, random.below(9), random.below(9)];
  return random.pick<() => Argument[]>([
    () => ["SET", key, value],
    () => ["SET", key, value, "PX", 500],
    () => ["SET", key, value, "KEEPTTL", "GET"],
    () => ["SETNX", key, value],
    () => ["SETEX", key, 1, value],
    () => ["PSETEX", key, 700, value],
    () => ["GETSET", key, value],
    () => ["GETDEL", key],
    () => ["GETEX", key, "PX", 400],
    () => ["GETEX", key, "PERSIST"],
    () => ["APPEND", key, value],
    () => ["SETRANGE", key, random.pick([0, 50, 40_000, 65_530]), short],
    () => ["SET", `n${key}`, random.below(1000)],
    () => ["INCR", `n${key}`],
    () => ["DECR", `n${key}`],
    () => ["INCRBY", `n${key}`, random.below(10 ** 9)],
    () => ["DECRBY", `n${key}`, random.below(10 ** 9)],
    () => ["INCRBYFLOAT", `n${key}`, "0.25"],
    () => ["MSET", key, value, `k${random.below(12)}`, short],
    () => ["MSETNX", `new${random.below(500)}`, value, `new${random.below(500)}`, short],
    () => ["DEL", key, hash],
    () => ["UNLINK", key],
    () => ["RENAME", key, `k${random.below(12)}`],
    () => ["RENAMENX", key, `new${random.below(500)}`],
    () => [
      "COPY",
      random.pick([key, hash, `s${random.below(4)}`, `z${random.below(4)}`]),
      `k${random.below(12)}`,
      "REPLACE",
    ],
    () => ["COPY", key, key, "DB", 5],
    () => ["MOVE", key, 6],
    () => ["SWAPDB", 5, 6],
    () => ["EXPIRE", key, 1],
    () => ["PEXPIRE", random.pick([key, hash]), 300],
    () => ["EXPIREAT", key, 1],
    () => ["PEXPIREAT", key, 2_000_000_000_000],
    () => ["PERSIST", key],
    () => ["HSET", hash, field, short, "other", value],
    () => ["HSET", hash, field, short],
    () => ["HMSET", hash, field, value],
    () => ["HSETNX", hash, field, short],
    () => ["HINCRBY", hash, `n${field}`, 7],
    () => ["HINCRBYFLOAT", hash, `n${field}`, "0.5"],
    () => ["HDEL", hash, field, "other"],
    () => ["VADD", set, ...vector, `e${random.below(40)}`, "SETATTR", `{"a":${random.below(99)}}`],
    () => ["VADD", set, ...vector, `e${random.below(40)}`],
    () => ["VINDEX", set, "ADD", random.pick([".a", ".b"])],
    () => ["VINDEX", set, random.pick(["ADD", "DEL"]), ".a"],
    () => ["VSETATTR", set, `e${random.below(40)}`, random.pick(["", '{"b":[1,2]}'])],
    () => ["VREM", set, `e${random.below(40)}`],
    () => ["VADD", set, ...vector, `e${random.below(40)}`, "PX", 300 + random.below(500)],
    () => ["VEXPIRE", set, 1, "ELEMENTS", 2, `e${random.below(40)}`, "e1"],
    () => ["VPEXPIRE", set, 300, "XX", "ELEMENTS", 1, `e${random.below(40)}`],
    () => ["VEXPIREAT", set, 4_000_000_000, "ELEMENTS", 2, `e${random.below(40)}`, "e2"],
    () => ["VPEXPIREAT", set, 1, "ELEMENTS", 1, `e${random.below(40)}`],
    () => ["VOPTIMIZE", set, ...random.pick([[], ["Q4"], ["NOQUANT"], ["Q8"]])],
    () => ["VPERSIST", set, "ELEMENTS", 2, `e${random.below(40)}`, "e2"],
    ...Array.from({ length: 16 }, () => () => listWrite(random, () => random.pick([key, hash]))),
    ...Array.from({ length: 6 }, () => () => bitWrite(random, () => `k${random.below(12)}`)),
    ...Array.from({ length: 6 }, () => () => sketchWrite(random, () => `p${random.below(3)}`)),
    ...Array.from({ length: 12 }, () => () => setWrite(random, () => `s${random.below(4)}`)),
    ...Array.from({ length: 12 }, () => () => streamWrite(random)),
    ...Array.from({ length: 18 }, () => () => sortedSetWrite(random, () => `z${random.below(4)}`)),
    () => ["GET", key],
    () => ["MGET", key, `k${random.below(12)}`],
    () => ["HGETALL", hash],
    () => ["VSIM", set, ...vector],
    () => ["RANDOMKEY"],
    () => ["SCAN", 0, "COUNT", 100],
    () => ["EXISTS", key],
  ])();
}
