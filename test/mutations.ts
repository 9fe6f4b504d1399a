// Valid pipelines of every command and what a broken or hostile client may make of them: bits flipped, lengths
// changed, pieces cut out and put elsewhere. Strings are latin1: one character is one byte.

import type { Random } from "./random.ts";
import { CommandMaker, encode, type Words } from "./random-commands.ts";

/** What is known of a command from the engine's table: its name and, as in Redis, its arity (negative: at least). */
export interface CommandShape {
  name: string;
  arity: number;
}

const VECTOR_KEYS = ["v0", "v1", "v2", "k0"];
const ELEMENTS = ["e0", "e1", "e2", "e3", "", "element\x00\xff"];
const FILTERS = [".year > 2000", '.lang == "en" and .year < 5', "not .a in [1, 2]", "((.a", ".a == ", "1 + * 2"];
const ATTRIBUTES = ['{"year":2026,"lang":"en"}', '{"a":[1,2,{"b":null}]}', "{", "", '{"a":"\\ud800"}', "[1]"];
const HOST_COMMANDS: Words[] = [
  ["HELLO", "3"],
  ["HELLO", "2", "SETNAME", "fuzz"],
  ["CLIENT", "SETNAME", "a"],
  ["CLIENT", "ID"],
  ["CLIENT", "INFO"],
  ["COMMAND", "COUNT"],
  ["COMMAND", "INFO", "get"],
  ["CONFIG", "GET", "*"],
  ["INFO"],
  ["AUTH", "x"],
  ["RESET"],
  ["SELECT", "0"],
  ["CLIENT", "REPLY", "SKIP"],
  ["CLIENT", "REPLY", "OFF"],
  ["CLIENT", "REPLY", "ON"],
  ["CLIENT", "NO-TOUCH", "ON"],
  ["CLIENT", "LIST"],
  ["CLIENT", "KILL", "ID", "999999"],
  ["MEMORY", "USAGE", "k0"],
  ["MEMORY", "USAGE", "h0", "SAMPLES", "0"],
  ["MEMORY", "STATS"],
  ["SLOWLOG", "GET", "3"],
  ["COMMAND", "GETKEYSANDFLAGS", "MSET", "a", "1"],
];

/** Makes pipelines of valid commands. */
export class PipelineMaker {
  readonly #random: Random;
  readonly #maker: CommandMaker;
  readonly #commands: readonly CommandShape[];

  constructor(random: Random, commands: readonly CommandShape[]) {
    this.#random = random;
    this.#maker = new CommandMaker(random);
    this.#commands = commands;
  }

  /** A pipeline of up to `most` commands as clients send it. */
  next(most: number): Buffer {
    return Buffer.concat(this.#random.list(1, most, () => encode(this.command())));
  }

  /** One valid command. */
  command(): Words {
    const random = this.#random;
    const kind = random.below(10);
    if (kind < 5) return this.#maker.next();
    if (kind < 8) return this.#vectorCommand();
    if (kind < 9) return random.oneIn(2) ? random.pick(HOST_COMMANDS) : this.#filler();
    return this.#anyCommand();
  }

  /** What fills memory, so that limits are met: values up to some pages long under many keys. */
  #filler(): Words {
    const random = this.#random;
    const value = "v".repeat(random.pick([100, 5000, 70_000, 200_000]) + random.below(1000));
    const key = `fill:${random.below(500)}`;
    return random.oneIn(3) ? ["HSET", key, `field:${random.below(50)}`, value] : ["SET", key, value];
  }

  /** A command of the table with arguments that know only how many they must be. */
  #anyCommand(): Words {
    const random = this.#random;
    const { name, arity } = random.pick(this.#commands);
    const count = Math.abs(arity) - 1 + (arity < 0 ? random.below(4) : 0);
    return [name, ...Array.from({ length: count }, () => random.pick([this.#maker.anyKey, this.#maker.word])())];
  }

  #vectorCommand(): Words {
    const random = this.#random;
    const key = random.pick(VECTOR_KEYS);
    const element = random.oneIn(3) ? random.pick(ELEMENTS) : `node:${random.below(300)}`;
    return random.pick([
      () => ["VADD", key, ...this.#vector(), element, ...this.#addOptions()],
      () => ["VADD", key, ...this.#vector(), element],
      () => ["VSIM", key, ...random.pick([() => ["ELE", element], () => this.#vector()])(), ...this.#searchOptions()],
      () => [random.pick(["VREM", "VEMB", "VISMEMBER", "VGETATTR", "VLINKS"]), key, element],
      () => [random.pick(["VCARD", "VDIM", "VINFO", "VRANDMEMBER"]), key],
      () => ["VSETATTR", key, element, random.pick(ATTRIBUTES)],
      () => ["VRANDMEMBER", key, String(random.below(9) - 4)],
    ])();
  }

  #vector(): Words {
    const random = this.#random;
    const values = random.list(random.oneIn(9) ? 1 : 4, 4, () => (random.below(2001) - 1000) / 100);
    if (random.oneIn(2)) return ["VALUES", String(values.length), ...values.map(String)];
    return ["FP32", Buffer.from(Float32Array.from(values).buffer).toString("latin1")];
  }

  #addOptions(): Words {
    const random = this.#random;
    const choices = [
      ["M", "8"],
      ["EF", "20"],
      ["CAS"],
      ["NOQUANT"],
      ["SETATTR", random.pick(ATTRIBUTES)],
      ["METRIC", "L2"],
    ];
    return random.list(0, 2, () => random.pick(choices)).flat();
  }

  #searchOptions(): Words {
    const random = this.#random;
    const choices = [
      ["WITHSCORES"],
      ["WITHATTRIBS"],
      ["COUNT", "5"],
      ["EF", "50"],
      ["FILTER", random.pick(FILTERS)],
      ["TRUTH"],
    ];
    return random.list(0, 3, () => random.pick(choices)).flat();
  }
}

const LENGTHS = [
  "0",
  "1",
  "-1",
  "-2",
  "007",
  "16",
  "65536",
  "1048576",
  "536870912",
  "2147483648",
  "4294967295",
  "99999999999999999999",
  "",
  "x",
];

/** One to four mutations of a pipeline. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0 && mutated.length > 0; times--) {
    mutated = random.pick([flipBit, flipBit, changeLength, changeLength, cut, truncate, join, insert])(mutated, random);
  }
  return mutated;
}

function flipBit(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
}

/** Another number behind one of the `$` and `*`. */
function changeLength(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString("latin1");
  const lengths = [...text.matchAll(/[$*](-?\d+)\r\n/g)];
  if (lengths.length === 0) return bytes;
  const found = random.pick(lengths);
  const value = random.oneIn(2) ? String(Number(found[1]) + random.below(5) - 2) : random.pick(LENGTHS);
  const start = found.index + 1;
  return Buffer.from(text.slice(0, start) + value + text.slice(start + (found[1] as string).length), "latin1");
}

function cut(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(40))]);
}

function truncate(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, random.below(bytes.length));
}

/** A piece of it again at another place. */
function join(bytes: Buffer, random: Random): Buffer {
  const [from, to] = [random.below(bytes.length), random.below(bytes.length)];
  const piece = bytes.subarray(from, from + 1 + random.below(60));
  return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to)]);
}

function insert(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length);
  const piece = Buffer.from(random.list(1, 12, () => random.below(256)));
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}
