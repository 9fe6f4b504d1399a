// Random commands on lists, for programs that run on redis-server too: few keys, so that they meet, elements of every
// length that is stored in a way of its own, and indexes and counts from the edges. Strings are latin1: one character is one byte.

import type { Random } from "./random.ts";

const LISTS = ["l0", "l1", "l2", ""];
const ELEMENTS = ["", "a", "b", "c", "hello", "12", "-7", "\x00\xff\r\n"];
const LONG = [
  "d".repeat(127),
  "e".repeat(128),
  "f".repeat(700),
  "g".repeat(4096),
  "h".repeat(4097),
  "i".repeat(33_000),
];
const COUNTS = ["0", "1", "2", "3", "10", "-1", "-2", "9223372036854775807", "-9223372036854775808", "x", "", "1.5"];

/** A command on lists; `key` draws a key of any type now and then. */
export function listCommand(random: Random, key: () => string): string[] {
  const list = (): string => (random.oneIn(15) ? key() : random.pick(LISTS));
  const element = (): string => random.pick(random.oneIn(8) ? LONG : ELEMENTS);
  const index = (): string => (random.oneIn(9) ? random.pick(COUNTS) : String(random.below(24) - 8));
  const end = (): string => random.pick(random.oneIn(12) ? ["LEFT", "right", "up"] : ["LEFT", "RIGHT"]);
  const push = (): string => random.pick(["LPUSH", "RPUSH", "RPUSH", "LPUSHX", "RPUSHX"]);
  const some = (): string[] => Array.from({ length: 1 + random.below(random.oneIn(6) ? 60 : 5) }, element);
  return random.pick<() => string[]>([
    () => [push(), list(), ...some()],
    () => [push(), list(), ...some()],
    () => [random.pick(["LPOP", "RPOP"]), list()],
    () => [random.pick(["LPOP", "RPOP"]), list(), random.pick(COUNTS)],
    () => ["LLEN", list()],
    () => ["LRANGE", list(), "0", "-1"],
    () => ["LRANGE", list(), index(), index()],
    () => ["LINDEX", list(), index()],
    () => ["LSET", list(), index(), element()],
    () => ["LINSERT", list(), random.pick(["BEFORE", "after", "x"]), element(), element()],
    () => ["LREM", list(), random.pick(["0", "1", "-1", "2", "-2", index()]), element()],
    () => (random.oneIn(3) ? ["LTRIM", list(), index(), index()] : ["LTRIM", list(), "1", "-2"]),
    () => ["LPOS", list(), element(), ...positionOptions(random)],
    () => ["LMOVE", list(), list(), end(), end()],
    () => ["RPOPLPUSH", list(), list()],
    () => [
      "LMPOP",
      random.pick(["1", "2", "2", "0", "3"]),
      list(),
      list(),
      end(),
      ...random.pick([[], ["COUNT", index()]]),
    ],
    () => [random.pick(["COPY", "RENAME"]), list(), list()],
    () => ["TYPE", list()],
    () => ["DEL", list()],
  ])();
}

function positionOptions(random: Random): string[] {
  const options = ["RANK", "COUNT", "MAXLEN"].filter(() => random.oneIn(3));
  return options.flatMap((name) => [name, random.pick(random.oneIn(6) ? COUNTS : ["1", "2", "-1", "-2", "0", "5"])]);
}
