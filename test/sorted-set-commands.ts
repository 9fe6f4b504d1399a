// Random commands on sorted sets: all of them for the comparison with redis-server, and those that change something for tests in
// which the same must come of it in two ways. Few keys, so that sets meet; scores that tie, that are infinite, that have a
// fraction; sets that grow past every border. Ranges of members are asked of sets with one score only: of others Redis
// promises nothing.

import type { Argument } from "../src/resp.ts";
import type { Random } from "./random.ts";
import type { CommandMaker, Words } from "./random-commands.ts";

const KEYS = ["z0", "z1", "z2", "z3"];
/** Sorted sets whose members all have the score 0. */
const NAME_KEYS = ["l0", "l1"];
const SCORES = ["0", "1", "-1", "2", "2", "3", "10", "0.5", "-2.25", "1e3", "17179869184", "inf", "-inf", "+INF"];
const ODD_SCORES = ["nan", "abc", "", "0.1", "1e400", "-3.7e-5", "123456789.123", "9007199254740993"];
const MEMBERS = ["", "a", "b", "c", "member", "m\x00\r\n\xff", "x".repeat(64), "y".repeat(65), "z".repeat(300)];
const OPTIONS = [[], [], [], ["NX"], ["XX"], ["GT"], ["LT"], ["CH"], ["XX", "CH"], ["gt", "ch"], ["NX", "GT"]];

/** One command on sorted sets with its name first. */
export function sortedSetCommand(maker: CommandMaker): Words {
  const { random } = maker;
  const key = (): string => (random.oneIn(12) ? maker.anyKey() : random.pick(KEYS));
  const source = (): string => (random.oneIn(5) ? random.pick(["s0", "s1", "l0"]) : key());
  const score = (): string => random.pick(random.oneIn(12) ? ODD_SCORES : SCORES);
  const member = (): string => (random.oneIn(2) ? `m${random.below(12)}` : random.pick(MEMBERS));
  const pairs = (): Words => random.list(1, 4, () => [score(), member()]).flat();
  const border = (): string => `${random.pick(["", "", "("])}${score()}`;
  const rank = (): string => random.pick(["0", "1", "-1", "2", "-3", "5", "-100", "100", maker.integer()]);
  const withScores = (): Words => (random.oneIn(2) ? ["WITHSCORES"] : []);
  const limit = (): Words =>
    random.oneIn(2) ? ["LIMIT", random.pick(["0", "1", "-1"]), random.pick(["0", "2", "-1", "9", "x"])] : [];
  const scores = (): Words => [border(), border()];
  return random.pick<() => Words>([
    () => ["ZADD", key(), ...random.pick(OPTIONS), ...pairs()],
    () => ["ZADD", key(), ...random.pick(OPTIONS), ...pairs()],
    () => ["ZADD", key(), ...random.pick(OPTIONS), "INCR", score(), member()],
    () => ["ZADD", key(), ...random.list(1, 160, () => [String(random.below(9)), `m${random.below(300)}`]).flat()],
    () => ["ZINCRBY", key(), score(), member()],
    () => ["ZREM", key(), ...random.list(1, 5, member)],
    () => [random.pick(["ZSCORE", "ZRANK", "ZREVRANK"]), key(), member()],
    () => ["ZMSCORE", key(), ...random.list(1, 4, member)],
    () => ["ZCARD", key()],
    () => ["ZCOUNT", key(), ...scores()],
    () => ["ZRANGE", key(), rank(), rank(), ...random.pick([[], ["REV"]]), ...withScores()],
    () => ["ZRANGE", key(), ...scores(), "BYSCORE", ...random.pick([[], ["REV"]]), ...limit(), ...withScores()],
    () => ["ZREVRANGE", key(), rank(), rank(), ...withScores()],
    () => [random.pick(["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]), key(), ...scores(), ...limit(), ...withScores()],
    () => ["ZRANGESTORE", key(), source(), rank(), rank(), ...random.pick([[], ["REV"], ["BYSCORE"]])],
    () => ["ZREMRANGEBYRANK", key(), rank(), rank()],
    () => ["ZREMRANGEBYSCORE", key(), ...scores()],
    () => [random.pick(["ZPOPMIN", "ZPOPMAX"]), key(), ...random.pick([[], ["0"], ["2"], ["100"], ["-1"], ["x"]])],
    () => ["ZMPOP", ...counted(random, key), random.pick(["MIN", "max", "x"]), ...random.pick([[], ["COUNT", "3"]])],
    () => ["ZRANDMEMBER", key(), ...random.pick([[], ["3"], ["-5"], ["1000", "WITHSCORES"], ["0"], ["x"]])],
    () => ["ZSCAN", key(), "0", ...random.pick([[], ["MATCH", random.pick(["*", "m*", "?"])]]), "COUNT", "1000"],
    () => combination(random, key, source),
    () => combination(random, key, source),
    () => byName(random, member),
    () => byName(random, member),
  ])();
}

/** Keys behind their number. */
function counted(random: Random, key: () => string): Words {
  const keys = random.list(1, 3, key);
  return [random.oneIn(10) ? random.pick(["0", "-1", "9", "x"]) : String(keys.length), ...keys];
}

function combination(random: Random, key: () => string, source: () => string): Words {
  const keys = counted(random, source);
  const weights = random.oneIn(3) ? ["WEIGHTS", ...keys.slice(1).map(() => random.pick(["2", "-1", "0.5", "0"]))] : [];
  const aggregate = random.oneIn(3) ? ["AGGREGATE", random.pick(["SUM", "MIN", "max", "x"])] : [];
  const name = random.pick(["ZUNION", "ZINTER", "ZDIFF", "ZINTERCARD", "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"]);
  if (name === "ZINTERCARD") return [name, ...keys, ...random.pick([[], ["LIMIT", "2"], ["LIMIT", "-1"]])];
  const options = /DIFF/.test(name) && random.oneIn(2) ? [] : [...weights, ...aggregate];
  if (name.endsWith("STORE")) return [name, key(), ...keys, ...options];
  return [name, ...keys, ...options, ...(random.oneIn(2) ? ["WITHSCORES"] : [])];
}

function byName(random: Random, member: () => string): Words {
  const key = random.pick(NAME_KEYS);
  const border = (): string =>
    random.oneIn(4) ? random.pick(["-", "+", "x", ""]) : `${random.pick(["[", "("])}${member()}`;
  const limit = random.oneIn(3) ? ["LIMIT", "1", "2"] : [];
  return random.pick<() => Words>([
    () => ["ZADD", key, ...random.list(1, 30, () => ["0", member()]).flat()],
    () => ["ZADD", key, ...random.list(1, 200, () => ["0", `m${random.below(900)}`]).flat()],
    () => [random.pick(["ZLEXCOUNT", "ZREMRANGEBYLEX"]), key, border(), border()],
    () => [random.pick(["ZRANGEBYLEX", "ZREVRANGEBYLEX"]), key, border(), border(), ...limit],
    () => ["ZRANGE", key, border(), border(), "BYLEX", ...random.pick([[], ["REV"]]), ...limit],
    () => ["ZRANGESTORE", random.pick(NAME_KEYS), key, border(), border(), "BYLEX", ...limit],
  ])();
}

/** What bending has made of a command on members' names: others are in no order, or would be in none from then on. */
export function confusesNames(words: Words): boolean {
  const [name = "", ...rest] = words.map((word) => word.toUpperCase());
  if (!name.startsWith("Z")) return false;
  const asks = /LEX/.test(name) || rest.includes("BYLEX");
  const isNamed = (key: string | undefined): boolean => /^L\d$/.test(key ?? "");
  if (asks) return !isNamed(rest[0]) || (name === "ZRANGESTORE" && !isNamed(rest[1]));
  if (!isNamed(rest[0])) return false;
  return name !== "ZADD" || rest.slice(1).some((word, index) => index % 2 === 0 && word !== "0");
}

/** A command that changes sorted sets, on the keys given. */
export function sortedSetWrite(random: Random, key: () => string): Argument[] {
  const score = (): Argument => random.pick([random.below(20), -random.below(5), "0.1", "1.5", "-inf", "inf", "1e30"]);
  const member = (): Argument => random.pick([`m${random.below(40)}`, random.below(30), "long".repeat(30)]);
  const pairs = (most: number): Argument[] => random.list(1, most, () => [score(), member()]).flat();
  const many = (): Argument[] =>
    random.list(2, 300, () => [random.below(50), `member:${random.below(500)}`] as Argument[]).flat();
  const rank = (): number => random.below(60) - 20;
  const two = (): Argument[] => [2, key(), key()];
  return random.pick<() => Argument[]>([
    () => ["ZADD", key(), ...random.pick<Argument[]>([[], ["NX"], ["XX"], ["GT"], ["LT", "CH"]]), ...pairs(6)],
    () => ["ZADD", key(), ...pairs(3)],
    () => ["ZADD", key(), ...many()],
    () => ["ZADD", key(), ...random.pick<Argument[]>([[], ["XX"], ["GT"]]), "INCR", score(), member()],
    () => ["ZINCRBY", key(), random.pick([1, -3, "0.1", "inf"]), member()],
    () => ["ZREM", key(), ...random.list(1, 5, member)],
    () => ["ZREM", key(), ...many()],
    () => ["ZREMRANGEBYRANK", key(), rank(), rank()],
    () => ["ZREMRANGEBYSCORE", key(), `(${random.below(10)}`, random.below(30)],
    () => ["ZREMRANGEBYLEX", key(), "[m1", `(m${random.below(30)}`],
    () => ["ZPOPMIN", key(), ...random.pick([[], [3], [200]])],
    () => ["ZPOPMAX", key(), ...random.pick([[], [3], [200]])],
    () => ["ZMPOP", ...two(), random.pick(["MIN", "MAX"]), "COUNT", 1 + random.below(30)],
    () => ["BZMPOP", 0, ...two(), random.pick(["MIN", "MAX"])],
    () => [random.pick(["BZPOPMIN", "BZPOPMAX"]), key(), 0],
    () => ["ZRANGESTORE", key(), key(), rank(), rank()],
    () => ["ZRANGESTORE", key(), key(), 1, "inf", "BYSCORE", "LIMIT", 1, 40],
    () => ["ZUNIONSTORE", key(), ...two(), ...random.pick<Argument[]>([[], ["WEIGHTS", "0.1", -3]])],
    () => ["ZINTERSTORE", key(), ...two(), "AGGREGATE", random.pick(["SUM", "MIN", "MAX"])],
    () => ["ZDIFFSTORE", key(), ...two()],
  ])();
}
