// Random commands that write lists, for tests of what every write must do: few lists, so that they meet, short ones and chains
// of many nodes, elements at the ends of lists that are long ones.

import type { Argument } from "../src/resp.ts";
import type { Random } from "./random.ts";
import { payload, text } from "./rdb-file.ts";

const LENGTHS = [0, 3, 40, 127, 128, 300, 1_500, 4_096, 4_097, 20_000, 32_705, 70_000];

/** A random command that writes a list, or a key of another type that `key` draws. */
export function listWrite(random: Random, key: () => string): Argument[] {
  const list = (): string => (random.oneIn(20) ? key() : `list${random.below(4)}`);
  const element = (): string =>
    String.fromCharCode(97 + random.below(5)).repeat(random.pick(random.oneIn(9) ? LENGTHS : [1, 2, 30, 90]));
  const some = (): string[] => random.list(1, random.oneIn(3) ? 120 : 5, element);
  const index = (): number => random.below(40) - 20;
  const end = (): string => random.pick(["LEFT", "RIGHT"]);
  return random.pick<() => Argument[]>([
    () => ["LPUSH", list(), ...some()],
    () => ["RPUSH", list(), ...some()],
    () => ["LPUSHX", list(), ...some()],
    () => ["RPUSHX", list(), ...some()],
    () => ["LPOP", list(), ...random.pick([[], [1], [30], [100_000]])],
    () => ["RPOP", list(), ...random.pick([[], [1], [30], [100]])],
    () => ["LSET", list(), index(), element()],
    () => ["LINSERT", list(), random.pick(["BEFORE", "AFTER"]), element(), element()],
    () => ["LREM", list(), random.below(5) - 2, element()],
    () => ["LTRIM", list(), random.below(3), random.pick([-1, -2, -30, 200])],
    () => ["LMOVE", list(), list(), end(), end()],
    () => ["RPOPLPUSH", list(), list()],
    () => ["LMPOP", 2, list(), list(), end(), "COUNT", 1 + random.below(9)],
    () => ["SORT", list(), "ALPHA", ...random.pick([[], ["DESC"], ["GET", "#", "GET", "k*"]]), "STORE", list()],
    () => [random.pick(["BLPOP", "BRPOP"]), list(), list(), 0],
    () => ["BLMPOP", 0, 2, list(), list(), end()],
    () => ["BLMOVE", list(), list(), end(), end(), 0],
    () => ["BRPOPLPUSH", list(), list(), 0],
    () => [random.pick(["COPY", "RENAME"]), list(), list()],
    () => ["RESTORE", list(), random.pick([0, 0, 900]), payload(9, 1, 2, text(element()), text(element())), "REPLACE"],
    () => ["LRANGE", list(), 0, -1],
  ])();
}
