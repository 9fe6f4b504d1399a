// Random programs of every command that writes, over several databases, in transactions and out of them: for tests in which
// the same must come of it in two ways. A new command that writes belongs in here; a test of the command table says so.

import type { Argument } from "../src/resp.ts";
import { bitWrite, sketchWrite } from "./bit-commands.ts";
import { listWrite } from "./list-writes.ts";
import { Random } from "./random.ts";
import { setWrite } from "./set-commands.ts";
import { sortedSetWrite } from "./sorted-set-commands.ts";
import { streamWrite } from "./stream-commands.ts";

/** Makes commands that change something, mostly, on few keys so that they meet. */
export class WriteProgram {
  readonly random: Random;
  readonly names = new Set<string>();
  #queued = 0;

  /** @param randomness a seed, or what is drawn from elsewhere too */
  constructor(randomness: number | Random) {
    this.random = typeof randomness === "number" ? new Random(randomness) : randomness;
  }

  /** Whether the connection is between MULTI and EXEC. */
  get isQueueing(): boolean {
    return this.#queued > 0;
  }

  /** The connection is gone, and its transaction with it. */
  startAnew(): void {
    this.#queued = 0;
  }

  next(): Argument[] {
    const { random } = this;
    if (this.#queued > 0 && --this.#queued === 0) return random.oneIn(5) ? ["DISCARD"] : ["EXEC"];
    if (this.#queued === 0 && random.oneIn(15)) {
      this.#queued = 2 + random.below(6);
      return ["MULTI"];
    }
    const strings = [this.#string, this.#string, this.#bits, this.#sketch];
    const values = [...strings, this.#hash, this.#set, this.#list, this.#vector, this.#stream, this.#sortedSet];
    const command = random.pick([...values, this.#key])();
    this.names.add(String(command[0]));
    return command;
  }

  #name = (): string => `k${this.random.below(9)}`;
  #hashName = (): string => `${this.random.oneIn(8) ? "k" : "h"}${this.random.below(4)}`;
  #text = (): string => {
    const lengths = [0, 1, 20, 100, 500, 4_090, 32_704, 32_705, 70_000, 200_000];
    const length = this.random.pick(this.random.oneIn(12) ? lengths : [0, 3, 40, 300]);
    return String.fromCharCode(97 + this.random.below(26)).repeat(length);
  };
  #soon = (): number => 100 + this.random.below(3_000);

  #string = (): Argument[] => {
    const { random } = this;
    const key = this.#name();
    const text = this.#text();
    return random.pick<() => Argument[]>([
      () => ["SET", key, text],
      () => ["SET", key, text, "PX", this.#soon()],
      () => ["SET", key, text, "KEEPTTL", ...random.pick([[], ["GET"], ["XX"]])],
      () => ["SET", key, random.below(1_000), random.pick(["NX", "XX"])],
      () => ["SETNX", key, text],
      () => ["SETEX", key, 1 + random.below(3), text],
      () => ["PSETEX", key, this.#soon(), text],
      () => ["GETSET", key, text],
      () => ["GETDEL", key],
      () => ["GETEX", key, ...random.pick<Argument[]>([[], ["PERSIST"], ["PX", this.#soon()], ["EXAT", 1]])],
      () => ["MSET", key, text, this.#name(), "second", key, random.oneIn(4) ? this.#text() : "third"],
      () => ["MSETNX", key, text, `new${random.below(50)}`, "second"],
      () => ["APPEND", key, text],
      () => ["SETRANGE", key, random.pick([0, 3, 90, 40_000]), text],
      () => ["SET", `n${random.below(3)}`, random.below(100)],
      () => ["INCR", `n${random.below(3)}`],
      () => ["DECR", `n${random.below(3)}`],
      () => ["INCRBY", `n${random.below(3)}`, random.below(10 ** 9)],
      () => ["DECRBY", `n${random.below(3)}`, random.below(10 ** 9)],
      () => ["INCRBYFLOAT", `n${random.below(3)}`, random.pick(["0.25", "-1e3", "3.0e-5"])],
    ])();
  };

  #hash = (): Argument[] => {
    const { random } = this;
    const hash = this.#hashName();
    const field = `f${random.below(30)}`;
    const many = random.list(2, 150, () => [`m${random.below(400)}`, random.below(10_000)]).flat();
    return random.pick<() => Argument[]>([
      () => ["HSET", hash, field, this.#text(), "other", random.below(50)],
      () => ["HSET", hash, field, this.#text()],
      () => ["HSET", hash, ...many],
      () => ["HMSET", hash, field, this.#text()],
      () => ["HSETNX", hash, field, this.#text()],
      () => ["HINCRBY", hash, "other", random.below(100)],
      () => ["HINCRBYFLOAT", hash, `n${field}`, "0.5"],
      () => ["HDEL", hash, field, "other", `f${random.below(30)}`],
      () => ["HDEL", hash, ...many],
    ])();
  };

  #bits = (): Argument[] => bitWrite(this.random, this.#name);

  #sketch = (): Argument[] => sketchWrite(this.random, () => `p${this.random.below(3)}`);

  #setName = (): string => `${this.random.oneIn(8) ? "k" : "s"}${this.random.below(4)}`;

  #set = (): Argument[] => setWrite(this.random, this.#setName);
  #stream = (): Argument[] => streamWrite(this.random);

  #sortedSetName = (): string => (this.random.oneIn(8) ? this.#setName() : `z${this.random.below(4)}`);

  #sortedSet = (): Argument[] => sortedSetWrite(this.random, this.#sortedSetName);

  #key = (): Argument[] => {
    const { random } = this;
    const key = random.pick([
      this.#name,
      this.#hashName,
      this.#setName,
      this.#sortedSetName,
      () => `v${random.below(2)}`,
      () => `list${random.below(4)}`,
      () => `s${random.below(3)}`,
    ])();
    const other = random.pick([this.#name(), this.#hashName(), this.#setName(), this.#sortedSetName()]);
    return random.pick<() => Argument[]>([
      () => ["DEL", key, other],
      () => ["UNLINK", key],
      () => ["RENAME", key, other],
      () => ["RENAMENX", key, `new${random.below(50)}`],
      () => ["COPY", key, other, ...random.pick<Argument[]>([[], ["REPLACE"], ["DB", 1], ["DB", 2, "REPLACE"]])],
      () => ["MOVE", key, random.below(3)],
      () => ["EXPIRE", key, random.pick([1, 2, 100, -1])],
      () => ["PEXPIRE", key, this.#soon(), ...random.pick<Argument[]>([[], ["NX"], ["GT"]])],
      () => ["EXPIREAT", key, random.pick([1, 1_700_000_002, 4_000_000_000])],
      () => ["PEXPIREAT", key, random.pick([2, 1_700_000_003_000, 4_000_000_000_000])],
      () => ["PERSIST", key],
      () => ["SELECT", random.below(3)],
      () => ["SELECT", 0],
      () => (random.oneIn(2) ? ["SWAPDB", random.below(3), random.below(3)] : ["GET", key]),
      () => (random.oneIn(30) ? [random.pick(["FLUSHDB", "FLUSHALL"])] : ["EXISTS", key, other]),
      () => ["RANDOMKEY"],
    ])();
  };

  #list = (): Argument[] => listWrite(this.random, this.random.pick([this.#name, this.#hashName]));

  #vector = (): Argument[] => {
    const { random } = this;
    const set = `v${random.below(2)}`;
    const element = `e${random.below(25)}`;
    const number = (): string => random.pick(["0.1", "-3", "2e-5", "7.25", String(random.below(100) / 7)]);
    const vector = (): Argument[] => ["VALUES", 3, "1.5", number(), number()];
    return random.pick<() => Argument[]>([
      () => ["VADD", set, ...vector(), element],
      () => ["VADD", set, ...vector(), element, "SETATTR", `{"a":${random.below(99)}}`],
      () => ["VADD", `l${random.below(2)}`, ...vector(), element, "METRIC", "L2", "M", 8, "EF", 50],
      () => ["VADD", "q", ...vector(), element, ...random.pick([["Q4", "NOORIGINALS"], ["Q4"], []])],
      () => ["VADD", set, "FP32", Buffer.from(new Float32Array([1, random.below(9), 0.5]).buffer), element],
      () => ["VREM", set, element],
      () => ["VADD", "manhattan", ...vector(), element, "METRIC", "MANHATTAN"],
      () => ["VADD", "r", "REDUCE", 2, ...vector(), element, ...random.pick<Argument[]>([[], ["METRIC", "L2"]])],
      () => ["VADD", "r", ...vector(), element],
      () => ["VADD", set, ...vector(), element, "PX", this.#soon()],
      () => ["VADD", set, ...vector(), element, random.pick(["KEEPTTL", "CAS"])],
      () => ["VEXPIRE", set, random.pick([0, 1, 2]), "ELEMENTS", 2, element, "e1"],
      () => ["VPEXPIRE", set, this.#soon(), random.pick(["NX", "GT", "LT"]), "ELEMENTS", 2, element, "e2"],
      () => ["VEXPIREAT", set, random.pick([1, 1_700_000_002, 4_000_000_000]), "ELEMENTS", 1, element],
      () => ["VPEXPIREAT", set, random.pick([1, 1_700_000_003_000]), "ELEMENTS", 3, element, "e3", "e4"],
      () => ["VPERSIST", set, "ELEMENTS", 3, element, "e1", "e2"],
      () => ["VOPTIMIZE", random.pick([set, "q"]), ...random.pick<Argument[]>([[], ["BIN"], ["Q8"], ["NOORIGINALS"]])],
      () => ["VINDEX", set, random.pick(["ADD", "DEL"]), ".a"],
      () => ["VSETATTR", set, element, random.pick(["", '{"b":[1,2]}', "no json"])],
    ])();
  };
}
