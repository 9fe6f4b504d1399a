// Random commands of every kind the engine knows, mostly meaningful: few keys and fields, so that they meet, and
// arguments from the edges (numbers at the ends of their range, empty and binary strings, options that contradict
// each other). One command in twelve is bent: an argument dropped, added or replaced. Strings are latin1: one
// character is one byte.

import { bitCommand, sketchCommand } from "./bit-commands.ts";
import { listCommand } from "./list-commands.ts";
import type { Random } from "./random.ts";
import { setCommand } from "./set-commands.ts";
import { sortCommand } from "./sort-commands.ts";
import { sortedSetCommand } from "./sorted-set-commands.ts";
import { streamCommand } from "./stream-commands.ts";

export type Words = string[];

/** Most strings lie under the first ones and most hashes under the second, so that most commands meet their type. */
const STRING_KEYS = ["k0", "k1", "k2", "key:000000000004"];
const HASH_KEYS = ["h0", "h1", "", "bin\x00\r\n\xff"];
const ALL_KEYS = [...STRING_KEYS, ...HASH_KEYS];
const FIELDS = ["f0", "f1", "f2", "f3", "", "field\x00\xfe"];
const INTEGERS = [
  "0",
  "1",
  "-1",
  "2",
  "10",
  "-7",
  "100",
  "9223372036854775807",
  "-9223372036854775808",
  "4611686018427387904",
];
const NOT_INTEGERS = ["", " 1", "1 ", "+1", "01", "-0", "1.5", "#10", "abc", "9223372036854775808", "1e3", "nan"];
const FLOATS = [
  "0",
  "1.5",
  "-2.25",
  "3.0e3",
  "0.1",
  "1e-7",
  "100000000000000000000",
  "5e-1",
  "inf",
  "-inf",
  "nan",
  "1.",
  ".5",
];
const PATTERNS = ["*", "k*", "k?", "[hk][0-1]", "k[^0]", "nothing", "\\k0", "*\x00*", "[k", "", "f*"];
const WORDS = [
  "",
  "a",
  "hello",
  "hello world",
  "\x00\xff\r\n",
  "nearkey",
  "x".repeat(31),
  "y".repeat(100),
  "é".repeat(40),
];

export class CommandMaker {
  constructor(readonly random: Random) {}

  /** One command with its name first. */
  next(): Words {
    const { random } = this;
    const words = this[random.pick(MAKERS)]();
    if (random.oneIn(12)) this.#bend(words);
    if (random.oneIn(8))
      words[0] = random.oneIn(2) ? (words[0]?.toLowerCase() as string) : mixedCase(words[0] as string);
    return words;
  }

  key = () => this.random.pick(this.random.oneIn(10) ? ALL_KEYS : STRING_KEYS);
  hashKey = () => this.random.pick(this.random.oneIn(10) ? ALL_KEYS : HASH_KEYS);
  anyKey = () => this.random.pick(ALL_KEYS);
  field = () => this.random.pick(FIELDS);
  word = () => this.random.pick(this.random.pick([WORDS, INTEGERS, FLOATS]));
  integer = () => this.random.pick(this.random.oneIn(6) ? NOT_INTEGERS : INTEGERS);
  small = () => String(this.random.below(12) - 5);
  float = () => this.random.pick(this.random.oneIn(8) ? NOT_INTEGERS : FLOATS);
  pattern = () => this.random.pick(PATTERNS);

  /** An expiry that has passed, lies far ahead, or is refused; never one that passes while the test runs. */
  ttl(unit: "s" | "ms", base = 0): string {
    const far = unit === "s" ? 1000 + this.random.below(100000) : 1_000_000 + this.random.below(100_000_000);
    if (this.random.oneIn(6))
      return this.random.pick(["0", "-1", "9223372036854775807", "-9223372036854775808", "abc", ""]);
    return String(base + far);
  }

  #now(unit: "s" | "ms"): number {
    return unit === "s" ? Math.floor(Date.now() / 1000) : Date.now();
  }

  #expiryOption(): string[] {
    const option = this.random.pick(["EX", "PX", "EXAT", "PXAT"]);
    const unit = option.startsWith("P") ? "ms" : "s";
    return [
      this.random.oneIn(4) ? option.toLowerCase() : option,
      this.ttl(unit, option.endsWith("AT") ? this.#now(unit) : 0),
    ];
  }

  set(): Words {
    const words = ["SET", this.key(), this.word()];
    for (let options = this.random.below(3); options > 0; options--) {
      words.push(
        ...this.random.pick([
          () => ["NX"],
          () => ["XX"],
          () => ["GET"],
          () => ["KEEPTTL"],
          () => this.#expiryOption(),
        ])(),
      );
    }
    return words;
  }

  read(): Words {
    const { random } = this;
    return random.pick([
      () => [random.pick(["GET", "GET", "STRLEN", "GETDEL"]), this.key()],
      () => [random.pick(["HLEN", "HKEYS", "HVALS", "HGETALL", "HGETALL"]), this.hashKey()],
      () => ["TYPE", this.anyKey()],
    ])();
  }

  getex(): Words {
    const option = this.random.pick([
      () => [],
      () => ["PERSIST"],
      () => this.#expiryOption(),
      () => this.#expiryOption(),
    ])();
    return ["GETEX", this.key(), ...option];
  }

  many(): Words {
    const { random } = this;
    const pairs = random.list(1, 4, () => [this.key(), this.word()]).flat();
    return random.pick([
      () => ["MGET", ...random.list(1, 5, this.anyKey)],
      () => [random.pick(["MSET", "MSETNX"]), ...pairs],
      () => [random.pick(["DEL", "UNLINK", "EXISTS", "TOUCH"]), ...random.list(1, 3, this.anyKey)],
    ])();
  }

  edit(): Words {
    const { random } = this;
    const index = () => random.pick(["0", "1", "-1", "3", "-100", "50", "200", this.integer()]);
    return random.pick([
      () => ["APPEND", this.key(), this.word()],
      () => ["GETSET", this.key(), this.word()],
      () => ["GETRANGE", this.key(), index(), random.pick(["0", "1", "-1", "3", "50", "200"])],
      () => [
        "LCS",
        this.key(),
        this.key(),
        ...random.pick([[], [], ["LEN"], ["IDX"], ["IDX", "WITHMATCHLEN"], ["IDX", "MINMATCHLEN", "2"]]),
      ],
      () => ["SETRANGE", this.key(), random.pick(["0", "1", "5", "120", "-1", "abc"]), this.word()],
    ])();
  }

  count(): Words {
    const { random } = this;
    return random.pick([
      () => [random.pick(["INCR", "DECR"]), this.key()],
      () => [random.pick(["INCRBY", "DECRBY"]), this.key(), this.integer()],
      () => ["INCRBYFLOAT", this.key(), this.float()],
      () => ["HINCRBY", this.hashKey(), this.field(), this.integer()],
      () => ["HINCRBYFLOAT", this.hashKey(), this.field(), this.float()],
    ])();
  }

  keyspace(): Words {
    const { random } = this;
    return random.pick([
      () => [random.pick(["RENAME", "RENAMENX"]), this.anyKey(), this.anyKey()],
      () => ["COPY", this.anyKey(), this.anyKey(), ...this.#database(), ...(random.oneIn(2) ? ["REPLACE"] : [])],
      () => ["KEYS", this.pattern()],
      () => ["DBSIZE"],
      () => ["RANDOMKEY"],
      () => this.scan(),
      () =>
        random.oneIn(6)
          ? [random.pick(["FLUSHDB", "FLUSHALL"]), ...random.pick([[], ["ASYNC"], ["SYNC"], ["NOW"]])]
          : ["DBSIZE"],
      () => this.databases(),
      () => random.pick([["PING"], ["PING", this.word()], ["ECHO", this.word()], ["NOSUCH", this.word(), this.word()]]),
    ])();
  }

  #database(): Words {
    return this.random.oneIn(3) ? ["DB", this.random.pick(["0", "1", "x", "16", "4294967296"])] : [];
  }

  databases(): Words {
    const { random } = this;
    const number = () => random.pick(random.oneIn(6) ? ["abc", "-1", "99", "4294967296", ""] : ["0", "0", "0", "1"]);
    return random.pick([
      () => ["SELECT", number()],
      () => ["SELECT", "0"],
      () => ["SWAPDB", number(), number()],
      () => ["MOVE", this.anyKey(), number()],
      () => ["MOVE", this.anyKey(), "1"],
    ])();
  }

  /** What begins and ends a transaction, in no order. */
  transaction(): Words {
    const { random } = this;
    return random.pick([
      () => ["MULTI"],
      () => ["MULTI"],
      () => ["EXEC"],
      () => ["EXEC"],
      () => ["EXEC"],
      () => [random.pick(["DISCARD", "UNWATCH"])],
      () => ["WATCH", ...random.list(1, 3, this.anyKey)],
    ])();
  }

  object(): Words {
    const { random } = this;
    const name = random.pick(["ENCODING", "REFCOUNT", "IDLETIME", "FREQ"]);
    return ["OBJECT", random.oneIn(12) ? "NOTHING" : name, this.anyKey()];
  }

  /** A scan that sees everything in one step, so that both servers have nothing left to say. */
  scan(): Words {
    const { random } = this;
    const cursor = random.oneIn(10) ? random.pick(["abc", "1x", ""]) : "0";
    const match = random.oneIn(2) ? ["MATCH", this.pattern()] : [];
    if (random.oneIn(2)) return ["HSCAN", this.hashKey(), cursor, ...match, "COUNT", "1000"];
    const type = random.oneIn(3) ? ["TYPE", random.pick(["string", "hash", "list", "nothing"])] : [];
    return ["SCAN", cursor, ...match, "COUNT", random.oneIn(10) ? "0" : "1000", ...type];
  }

  expiry(): Words {
    const { random } = this;
    const name = random.pick(["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"]);
    const unit = name.startsWith("P") ? "ms" : "s";
    const condition = random.pick([[], [], ["NX"], ["XX"], ["GT"], ["LT"], ["NX", "XX"], ["GT", "XX"], ["BAD"]]);
    return random.pick([
      () => [name, this.anyKey(), this.ttl(unit, name.endsWith("AT") ? this.#now(unit) : 0), ...condition],
      () => [random.pick(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"]), this.anyKey()],
    ])();
  }

  hash(): Words {
    const { random } = this;
    const pairs = random.list(1, 4, () => [this.field(), this.word()]).flat();
    return random.pick([
      () => [random.pick(["HSET", "HSET", "HMSET"]), this.hashKey(), ...pairs],
      () => ["HSETNX", this.hashKey(), this.field(), this.word()],
      () => [random.pick(["HGET", "HEXISTS", "HSTRLEN"]), this.hashKey(), this.field()],
      () => [random.pick(["HMGET", "HDEL"]), this.hashKey(), ...random.list(1, 4, this.field)],
      () => [
        "HRANDFIELD",
        this.hashKey(),
        ...random.pick([[], ["3"], ["-5"], ["100", "WITHVALUES"], ["-4", "WITHVALUES"], ["0"], ["x"]]),
      ],
    ])();
  }

  sets = (): Words => setCommand(this);
  stream(): Words {
    return streamCommand(this.random, this.anyKey);
  }
  bits = (): Words => bitCommand(this);
  sketches = (): Words => sketchCommand(this);
  sortedSets = (): Words => sortedSetCommand(this);

  /** A hash with more fields than a compact encoding holds. */
  large(): Words {
    const fields = 30 + this.random.below(300);
    return ["HSET", this.hashKey(), ...Array.from({ length: fields }, (_, at) => [`large:${at}`, this.word()]).flat()];
  }

  sort(): Words {
    return sortCommand(this.random, this.anyKey);
  }

  list(): Words {
    return listCommand(this.random, this.anyKey);
  }

  #bend(words: Words): void {
    const { random } = this;
    const at = 1 + random.below(words.length);
    if (random.oneIn(3)) words.push(this.word());
    else if (random.oneIn(2) && words.length > 1) words.splice(at, 1);
    else if (words.length > 1) words[Math.min(at, words.length - 1)] = this.integer();
  }
}

const MAKERS = [
  "set",
  "set",
  "set",
  "read",
  "read",
  "getex",
  "many",
  "many",
  "edit",
  "edit",
  "count",
  "count",
  "count",
  "keyspace",
  "keyspace",
  "object",
  "transaction",
  "expiry",
  "expiry",
  "expiry",
  "hash",
  "hash",
  "hash",
  "hash",
  "large",
  "list",
  "list",
  "list",
  "list",
  "bits",
  "bits",
  "sketches",
  "sketches",
  "bits",
  "sets",
  "sets",
  "sets",
  "sets",
  "sets",
  "sort",
  "sort",
  "sort",
  "stream",
  "stream",
  "stream",
  "stream",
  "stream",
  ...Array.from({ length: 7 }, () => "sortedSets" as const),
] as const;

function mixedCase(name: string): string {
  return [...name].map((letter, at) => (at % 2 === 0 ? letter.toLowerCase() : letter)).join("");
}

/** A command as clients send it. */
export function encode(words: Words): Buffer {
  const parts = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`, "latin1");
}

/** A command as a person can read and type it. */
export function showCommand(words: Words): string {
  return words.map((word) => (/^[\w:.*?+-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
}
