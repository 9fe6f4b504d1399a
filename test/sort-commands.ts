// Random SORTs, for programs that run on redis-server too, and what they look up: numbers and words in lists, weights and names
// under keys made of them, and hashes. Strings are latin1: one character is one byte.

import type { Random } from "./random.ts";

const ELEMENTS = ["1", "2", "3", "10", "-1", "2.5", "a", "b", "ab", ""];

/** A command that sorts, or stores what sorting looks up; `key` draws a key of any type. */
export function sortCommand(random: Random, key: () => string): string[] {
  const list = (): string => (random.oneIn(12) ? key() : random.pick(["n0", "n1", "w0", "s0", "s1"]));
  const number = (): string => String(random.below(30) - 9);
  const element = (): string => random.pick(ELEMENTS);
  return random.pick<() => string[]>([
    () => ["RPUSH", random.pick(["n0", "n1"]), ...random.list(1, 30, number)],
    () => ["LPUSH", "w0", ...random.list(1, 5, element)],
    () => ["SADD", "s0", ...random.list(1, 9, number)],
    () => ["SADD", "s1", ...random.list(1, 5, element)],
    () => ["SET", `weight_${element()}`, number()],
    () => ["HSET", `hash_${element()}`, "weight", number(), "name", element()],
    () => [random.pick(["SORT", "SORT", "SORT_RO"]), list(), ...sortOptions(random, false)],
    () => ["SORT", list(), ...sortOptions(random, false)],
    () => ["SORT", list(), ...sortOptions(random, true), "STORE", random.pick(["stored", list()])],
    () => ["LRANGE", "stored", "0", "-1"],
    () => ["DEL", list()],
  ])();
}

function sortOptions(random: Random, stores: boolean): string[] {
  const number = (): string => random.pick(random.oneIn(9) ? ["x", "9223372036854775807"] : ["0", "1", "2", "5", "-1"]);
  const patterns = ["weight_*", "hash_*->weight", "hash_*->name", "#", "nothing", "hash_*->", "*", "*->weight"];
  // Where texts of BY are equal Redis leaves the order open: they are tested by examples.
  const byNumber = random.oneIn(2);
  const options = [
    () => [random.pick(["ASC", "DESC", "desc"])],
    () => (byNumber ? [] : ["ALPHA"]),
    () => (byNumber ? [] : ["ALPHA"]),
    () => ["LIMIT", number(), number()],
    () => ["BY", random.pick(byNumber ? ["weight_*", "hash_*->weight", "nosort", "none_*"] : ["nosort"])],
    () => ["GET", random.pick(patterns)],
    () => ["GET", random.pick(patterns)],
  ].filter(() => random.oneIn(stores ? 4 : 3));
  return options.flatMap((option) => option());
}
