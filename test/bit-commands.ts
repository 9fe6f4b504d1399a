// Random commands on strings as bits: for the comparison with redis-server, and those that change something for tests in
// which the same must come of it in two ways.

import type { Argument } from "../src/resp.ts";
import type { Random } from "./random.ts";
import type { CommandMaker, Words } from "./random-commands.ts";

const TYPES = ["u1", "i1", "u8", "i8", "i5", "u7", "i16", "u31", "u32", "i33", "u63", "i64"];
const AMOUNTS = [
  "0",
  "1",
  "-1",
  "5",
  "-5",
  "127",
  "255",
  "-129",
  "70000",
  "9223372036854775807",
  "-9223372036854775808",
];

/** What fails leaves a longer string behind, which Redis does not take for a change of what is watched: hence no FAIL here. */
function operation(random: Random, mayWrite: boolean): string[] {
  const type = random.pick(TYPES);
  const offset = random.pick([String(random.below(300)), `#${random.below(12)}`]);
  if (!mayWrite || random.oneIn(3)) return ["GET", type, offset];
  const change = [random.pick(["SET", "INCRBY"]), type, offset, random.pick(AMOUNTS)];
  return random.oneIn(2) ? change : ["OVERFLOW", random.pick(["WRAP", "SAT"]), ...change];
}

/** One command on bits with its name first. */
export function bitCommand(maker: CommandMaker): Words {
  const { random } = maker;
  const { key } = maker;
  const index = (): string => random.pick(["0", "1", "-1", "3", "-4", "100", "-100", maker.integer()]);
  const unit = (): string[] => random.pick([[], [], ["BIT"], ["bit"], ["BYTE"], ["WORD"]]);
  const range = (): string[] => random.pick([[], [index(), index(), ...unit()]]);
  const sources = (): string[] => random.list(1, 3, key);
  return random.pick<() => Words>([
    () => [
      "SETBIT",
      key(),
      random.pick([String(random.below(500)), maker.integer()]),
      random.pick(["0", "1", "1", "2"]),
    ],
    () => ["GETBIT", key(), random.pick([String(random.below(500)), maker.integer()])],
    () => ["BITCOUNT", key(), ...range()],
    () => ["BITPOS", key(), random.pick(["0", "1", "1", "2"]), ...random.pick([range(), [index()]])],
    () => ["BITOP", random.pick(["AND", "OR", "xor", "NOT", "NAND"]), key(), ...sources()],
    () => ["BITFIELD", key(), ...random.list(1, 3, () => operation(random, true)).flat()],
    () => ["BITFIELD", key(), ...random.list(1, 3, () => operation(random, true)).flat()],
    () => ["BITFIELD_RO", key(), ...random.list(1, 3, () => operation(random, random.oneIn(8))).flat()],
  ])();
}

/** One command on HyperLogLogs, which are strings like all others and mostly under keys of their own. */
export function sketchCommand(maker: CommandMaker): Words {
  const { random } = maker;
  const key = (): string => (random.oneIn(10) ? maker.key() : random.pick(["p0", "p1", "p2"]));
  const elements = (): string[] => random.list(0, random.pick([3, 3, 400]), () => `element:${random.below(5_000)}`);
  return random.pick<() => Words>([
    () => ["PFADD", key(), ...elements()],
    () => ["PFADD", key(), ...elements()],
    () => ["PFCOUNT", ...random.list(1, 3, key)],
    () => ["PFMERGE", key(), ...random.list(1, 3, key)],
    () => ["GET", key()],
  ])();
}

/** A command that changes HyperLogLogs, on the keys given. */
export function sketchWrite(random: Random, key: () => string): Argument[] {
  return random.pick<() => Argument[]>([
    () => ["PFADD", key(), ...random.list(0, 5, () => random.below(3_000))],
    () => ["PFADD", key(), ...random.list(1, 2_000, () => random.below(30_000))],
    () => ["PFMERGE", key(), key(), key()],
    () => ["PFDEBUG", "TODENSE", key()],
    () => ["PFCOUNT", key()],
  ])();
}

/** A command that changes bits, on the keys given. */
export function bitWrite(random: Random, key: () => string): Argument[] {
  return random.pick<() => Argument[]>([
    () => ["SETBIT", key(), random.pick([3, 90, 5_000, 524_287, 524_288]) + random.below(3), random.below(2)],
    () => ["BITOP", random.pick(["AND", "OR", "XOR"]), key(), key(), key()],
    () => ["BITOP", "NOT", key(), key()],
    () => ["BITFIELD", key(), ...random.list(1, 3, () => operation(random, true)).flat()],
  ])();
}
