// Random commands on sets: those that change them, for tests in which the same must come of it in two ways, and all, for the comparison with redis-server: few keys, so that sets meet, members that are numbers of
// every width and texts of every length, and sets that grow through all their forms. What draws a member and removes it is
// asked for all of them, or none: two servers draw differently.

import type { Argument } from "../src/resp.ts";
import type { Random } from "./random.ts";
import type { CommandMaker, Words } from "./random-commands.ts";

const SET_KEYS = ["s0", "s1", "s2", "s3", ""];
const NUMBERS = ["0", "1", "-1", "7", "32767", "-32769", "70000", "2147483648", "-9223372036854775808"];
const TEXTS = ["", "a", "b", "member", "01", "1.5", "m\x00\r\n\xff", "x".repeat(64), "y".repeat(65), "z".repeat(300)];

/** One command on sets with its name first. */
export function setCommand(maker: CommandMaker): Words {
  const { random } = maker;
  const key = (): string => (random.oneIn(12) ? maker.anyKey() : random.pick(SET_KEYS));
  const number = (): string => (random.oneIn(2) ? random.pick(NUMBERS) : String(random.below(40)));
  const member = (): string => (random.oneIn(2) ? number() : random.pick(TEXTS));
  const members = (): Words => random.list(1, 5, random.oneIn(2) ? number : member);
  const keys = (): Words => random.list(1, 4, key);
  return random.pick<() => Words>([
    () => ["SADD", key(), ...members()],
    () => ["SADD", key(), ...members()],
    () => ["SADD", key(), ...random.list(1, 600, () => String(random.below(100_000) - 50_000))],
    () => ["SADD", key(), ...random.list(1, 160, () => `member:${random.below(300)}`)],
    () => ["SREM", key(), ...members()],
    () => ["SISMEMBER", key(), member()],
    () => ["SMISMEMBER", key(), ...members()],
    () => [random.pick(["SMEMBERS", "SCARD"]), key()],
    () => ["SMOVE", key(), key(), member()],
    () => [random.pick(["SINTER", "SUNION", "SDIFF"]), ...keys()],
    () => [random.pick(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), key(), ...keys()],
    () => {
      const named = keys();
      const count = random.oneIn(8) ? random.pick(["0", "-1", "9", "x"]) : String(named.length);
      return ["SINTERCARD", count, ...named, ...random.pick([[], [], ["LIMIT", random.pick(["0", "2", "-1", "x"])]])];
    },
    () => ["SPOP", key(), random.pick(["0", "100000", "-1", "x"])],
    () => ["SPOP", "nothing", ...random.pick([[], ["1"]])],
    () => ["SRANDMEMBER", key(), ...random.pick([[], ["3"], ["-5"], ["1000"], ["0"], ["x"], ["-9223372036854775808"]])],
    () => ["SSCAN", key(), "0", ...random.pick([[], ["MATCH", random.pick(["*", "m*", "-?", "1*"])]]), "COUNT", "1000"],
  ])();
}

/** A command that changes sets, on the keys given. */
export function setWrite(random: Random, key: () => string): Argument[] {
  const member = (): Argument =>
    random.pick([random.below(40), `m${random.below(30)}`, -random.below(2 ** 40), "long".repeat(30)]);
  const members = (): Argument[] => random.list(1, 6, member);
  const many = (): Argument[] => random.list(2, 700, () => random.below(3_000));
  const texts = (): Argument[] => random.list(2, 200, () => `member:${random.below(400)}`);
  return random.pick<() => Argument[]>([
    () => ["SADD", key(), ...members()],
    () => ["SADD", key(), ...members()],
    () => ["SADD", key(), ...random.pick([many, texts])()],
    () => ["SREM", key(), ...members()],
    () => ["SREM", key(), ...random.pick([many, texts])()],
    () => ["SPOP", key()],
    () => ["SPOP", key(), random.pick([1, 3, 50, 10_000])],
    () => ["SMOVE", key(), key(), member()],
    () => ["SINTERSTORE", key(), key(), key()],
    () => ["SUNIONSTORE", key(), key(), key()],
    () => ["SDIFFSTORE", key(), key(), key()],
  ])();
}
