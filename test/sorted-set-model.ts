// Sorted sets as a plain Map each, put in order whenever that matters: what the engine's are held against.

export type ModelAnswer = null | number | string | ModelAnswer[];

/** A score as RESP2 shows it; tests use scores that JavaScript prints as Redis does. */
export function scoreText(score: number): string {
  if (score === Number.POSITIVE_INFINITY) return "inf";
  return score === Number.NEGATIVE_INFINITY ? "-inf" : String(score);
}

function scoreOf(text: string): number {
  const bare = text.replace("+inf", "Infinity").replace(/^(-?)inf$/, "$1Infinity");
  return Number(bare);
}

type Pair = readonly [member: string, score: number];

/** Answers commands in upper case without looking for mistakes in them. */
export class SortedSetModel {
  readonly sets = new Map<string, Map<string, number>>();
  /** Sets in order, as long as nothing has changed. */
  readonly #order = new Map<string, Pair[]>();

  run(name: string, args: readonly string[]): ModelAnswer {
    const [key = "", first = "", second = ""] = args;
    const set = this.sets.get(key) ?? new Map<string, number>();
    switch (name) {
      case "ZADD":
        return this.#add(key, args.slice(1));
      case "ZINCRBY":
        return this.#add(key, ["INCR", first, second]);
      case "ZREM":
        return this.#remove(key, args.slice(1));
      case "ZSCORE":
        return this.#score(key, first);
      case "ZMSCORE":
        return args.slice(1).map((member) => this.#score(key, member));
      case "ZCARD":
        return set.size;
      case "ZRANK":
      case "ZREVRANK": {
        const rank = this.#ordered(key, name === "ZREVRANK").findIndex(([member]) => member === first);
        return rank < 0 ? null : rank;
      }
      case "ZCOUNT":
        return this.#inScores(key, first, second).length;
      case "ZLEXCOUNT":
        return this.#inNames(key, first, second).length;
      case "ZRANGE":
        return this.#range(key, args.slice(1));
      case "ZREMRANGEBYRANK":
        return this.#remove(key, namesOf(inRanks(this.#ordered(key, false), first, second)));
      case "ZREMRANGEBYSCORE":
        return this.#remove(key, namesOf(this.#inScores(key, first, second)));
      case "ZREMRANGEBYLEX":
        return this.#remove(key, namesOf(this.#inNames(key, first, second)));
      case "ZPOPMIN":
      case "ZPOPMAX": {
        const popped = this.#ordered(key, name === "ZPOPMAX").slice(0, Number(first));
        this.#remove(key, namesOf(popped));
        return flat(popped);
      }
      default:
        return this.#combine(name, args);
    }
  }

  #add(key: string, args: readonly string[]): ModelAnswer {
    const set = this.sets.get(key) ?? new Map<string, number>();
    this.#order.delete(key);
    const options = new Set<string>();
    let at = 0;
    for (; /^(NX|XX|GT|LT|CH|INCR)$/.test(args[at] as string); at++) options.add(args[at] as string);
    let added = 0;
    let changed = 0;
    let answer: number | null = null;
    for (; at < args.length; at += 2) {
      const member = args[at + 1] as string;
      const old = set.get(member);
      if (old === undefined ? options.has("XX") : options.has("NX")) continue;
      const score = scoreOf(args[at] as string) + (options.has("INCR") ? (old ?? 0) : 0);
      if (old !== undefined && ((options.has("GT") && score <= old) || (options.has("LT") && score >= old))) continue;
      if (old === undefined) added++;
      else if (old !== score) changed++;
      answer = score;
      set.set(member, score);
    }
    if (set.size > 0) this.sets.set(key, set);
    if (options.has("INCR")) return answer === null ? null : scoreText(answer);
    return added + (options.has("CH") ? changed : 0);
  }

  #remove(key: string, members: readonly string[]): number {
    const set = this.sets.get(key);
    this.#order.delete(key);
    const removed = members.filter((member) => set?.delete(member)).length;
    if (set?.size === 0) this.sets.delete(key);
    return removed;
  }

  #score(key: string, member: string): string | null {
    const score = this.sets.get(key)?.get(member);
    return score === undefined ? null : scoreText(score);
  }

  /** Members in order of score, then of their bytes. */
  #ordered(key: string, backwards: boolean): Pair[] {
    const known = this.#order.get(key);
    const pairs = known ?? ordered([...(this.sets.get(key) ?? [])]);
    if (known === undefined) this.#order.set(key, pairs);
    return backwards ? pairs.toReversed() : pairs;
  }

  #inScores(key: string, low: string, high: string): Pair[] {
    const above = low.startsWith("(");
    const below = high.startsWith("(");
    const [least, most] = [scoreOf(low.replace("(", "")), scoreOf(high.replace("(", ""))];
    return this.#ordered(key, false).filter(
      ([, score]) => (above ? score > least : score >= least) && (below ? score < most : score <= most),
    );
  }

  #inNames(key: string, low: string, high: string): Pair[] {
    const isIn = (member: string): boolean => {
      const atLeast = low === "-" || (low !== "+" && (member > low.slice(1) || `[${member}` === low));
      const atMost = high === "+" || (high !== "-" && (member < high.slice(1) || `[${member}` === high));
      return atLeast && atMost;
    };
    return this.#ordered(key, false).filter(([member]) => isIn(member));
  }

  #range(key: string, args: readonly string[]): ModelAnswer {
    const [low = "", high = "", ...options] = args;
    const backwards = options.includes("REV");
    const [least, most] = backwards ? [high, low] : [low, high];
    let found: Pair[];
    if (options.includes("BYSCORE")) found = this.#inScores(key, least, most);
    else if (options.includes("BYLEX")) found = this.#inNames(key, least, most);
    else found = inRanks(this.#ordered(key, backwards), low, high);
    if (backwards && /BY/.test(options.join(" "))) found.reverse();
    const limit = options.indexOf("LIMIT");
    if (limit >= 0) {
      const [offset, count] = [Number(options[limit + 1]), Number(options[limit + 2])];
      found = offset < 0 ? [] : found.slice(offset, count < 0 ? undefined : offset + count);
    }
    return options.includes("WITHSCORES") ? flat(found) : namesOf(found);
  }

  /** `ZUNIONSTORE destination 2 key key WEIGHTS …` and its kin; without STORE nothing is stored, and the members are answered. */
  #combine(name: string, args: readonly string[]): ModelAnswer {
    const stores = name.endsWith("STORE");
    const [destination = "", ...rest] = stores ? args : ["", ...args];
    const count = Number(rest[0]);
    const sources = rest.slice(1, 1 + count).map((key) => this.sets.get(key) ?? new Map<string, number>());
    const options = rest.slice(1 + count);
    const weightsAt = options.indexOf("WEIGHTS");
    const weights = sources.map((_, index) => (weightsAt < 0 ? 1 : scoreOf(options[weightsAt + 1 + index] as string)));
    const how = options[options.indexOf("AGGREGATE") + 1] ?? "SUM";
    const result = combined(name, sources, weights, options.includes("AGGREGATE") ? how : "SUM");
    if (name === "ZINTERCARD") return result.size;
    if (!stores) return flat(ordered([...result]));
    this.sets.delete(destination);
    this.#order.delete(destination);
    if (result.size > 0) this.sets.set(destination, result);
    return result.size;
  }
}

function combined(
  name: string,
  sources: readonly Map<string, number>[],
  weights: readonly number[],
  how: string,
): Map<string, number> {
  const result = new Map<string, number>();
  const all = new Set(sources.flatMap((source) => [...source.keys()]));
  for (const member of all) {
    const scores = sources.map((source) => source.get(member));
    if (name.startsWith("ZDIFF")) {
      if (scores[0] !== undefined && scores.slice(1).every((score) => score === undefined))
        result.set(member, scores[0]);
      continue;
    }
    if (name.startsWith("ZINTER") && scores.includes(undefined)) continue;
    const weighed = scores.flatMap((score, index) => (score === undefined ? [] : [score * (weights[index] as number)]));
    const sum = weighed.reduce((a, b) => a + b);
    result.set(member, how === "MIN" ? Math.min(...weighed) : how === "MAX" ? Math.max(...weighed) : sum);
  }
  return result;
}

function ordered(pairs: Pair[]): Pair[] {
  return pairs.sort(([a, one], [b, other]) => (one === other ? (a < b ? -1 : 1) : one < other ? -1 : 1));
}

function inRanks(pairs: readonly Pair[], first: string, last: string): Pair[] {
  const from = Number(first) < 0 ? Math.max(0, Number(first) + pairs.length) : Number(first);
  const to = Number(last) < 0 ? Number(last) + pairs.length : Number(last);
  return pairs.slice(from, to + 1);
}

const namesOf = (pairs: readonly Pair[]): string[] => pairs.map(([member]) => member);
const flat = (pairs: readonly Pair[]): string[] => pairs.flatMap(([member, score]) => [member, scoreText(score)]);
