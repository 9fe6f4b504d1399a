// Whatever commands do, their records do again: random programs of every write command over several databases, in
// transactions and out of them, with time moving, keys dying, under each eviction policy at a memory limit. After each step
// another engine, with another seed, heap and no limit, replays what was recorded and must hold the same content.

import { describe, expect, it } from "vitest";
import { HEAP_BASE } from "../assembly/layout.ts";
import { Replay } from "../src/engine.ts";
import { evictionPolicies } from "../src/options.ts";
import type { Argument } from "../src/resp.ts";
import { recordingDriver, recordsIn, takeAll } from "./effect-records.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { Random } from "./random.ts";

const seed = drawSeed("effects.property.test.ts");
const MiB = 1024 * 1024;

/** Makes commands that change something, mostly, on few keys so that they meet. */
class Program {
  readonly random: Random;
  readonly names = new Set<string>();
  #queued = 0;

  constructor(programSeed: number) {
    this.random = new Random(programSeed);
  }

  next(): Argument[] {
    const { random } = this;
    if (this.#queued > 0 && --this.#queued === 0) return random.oneIn(5) ? ["DISCARD"] : ["EXEC"];
    if (this.#queued === 0 && random.oneIn(15)) {
      this.#queued = 2 + random.below(6);
      return ["MULTI"];
    }
    const command = random.pick([this.#string, this.#string, this.#hash, this.#key, this.#vector])();
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

  #key = (): Argument[] => {
    const { random } = this;
    const key = random.pick([this.#name, this.#hashName, () => `v${random.below(2)}`])();
    const other = random.pick([this.#name(), this.#hashName()]);
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
      () => ["VADD", set, ...vector(), element, "PX", this.#soon()],
      () => ["VADD", set, ...vector(), element, random.pick(["KEEPTTL", "CAS"])],
      () => ["VEXPIRE", set, random.pick([0, 1, 2]), "ELEMENTS", 2, element, "e1"],
      () => ["VPEXPIRE", set, this.#soon(), random.pick(["NX", "GT", "LT"]), "ELEMENTS", 2, element, "e2"],
      () => ["VEXPIREAT", set, random.pick([1, 1_700_000_002, 4_000_000_000]), "ELEMENTS", 1, element],
      () => ["VPEXPIREAT", set, random.pick([1, 1_700_000_003_000]), "ELEMENTS", 3, element, "e3", "e4"],
      () => ["VPERSIST", set, "ELEMENTS", 3, element, "e1", "e2"],
      () => ["VINDEX", set, random.pick(["ADD", "DEL"]), ".a"],
      () => ["VSETATTR", set, element, random.pick(["", '{"b":[1,2]}', "no json"])],
    ])();
  };
}

/** Replays what one engine recorded on another, in pieces that end anywhere. */
function follow(replica: EngineDriver, bytes: Buffer, random: Random): void {
  let pending = Buffer.alloc(0);
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + (random.oneIn(2) ? bytes.length : 1 + random.below(bytes.length)));
    pending = Buffer.concat([pending, bytes.subarray(at, end)]);
    const { outcome, consumed, error } = replica.engine.effects.replay(pending);
    expect(outcome === Replay.Done || outcome === Replay.Incomplete, `${outcome} ${error ?? ""}`).toBe(true);
    pending = pending.subarray(consumed);
    at = end;
  }
  expect(pending.length).toBe(0);
}

/** Runs a program and follows it step by step; answers all that was recorded and the digest at the end. */
function runProgram(
  source: EngineDriver,
  program: Program,
  steps: number,
  ending: Argument[][] = [],
): { log: Buffer; digest: bigint } {
  const { random } = program;
  const replica = new EngineDriver({ seed: 99n });
  const runs: Buffer[] = [];
  const { effects } = source.engine;
  for (let step = 0; step < steps; step++) {
    // Half way, so that something comes after them.
    const forced = ending[step - (steps >> 1)];
    const command = forced ?? program.next();
    program.names.add(String(command[0]));
    source.run(...command);
    if (random.oneIn(3)) source.now += random.below(400);
    if (random.oneIn(6)) source.engine.tick(source.now);
    const bytes = takeAll(source.engine);
    runs.push(bytes);
    follow(replica, bytes, random);
    const what = `${step}: ${command.map((part) => String(part).slice(0, 30)).join(" ")}`;
    expect(replica.engine.effects.position, what).toBe(effects.position);
    expect(replica.engine.effects.digest(), what).toBe(effects.digest());
  }
  expect(effects.heldBytes).toBe(0);
  return { log: Buffer.concat(runs), digest: effects.digest() };
}

describe("what is recorded does it again", () => {
  it.each(evictionPolicies)("step by step: %s", { timeout: 120_000 }, (eviction) => {
    const source = recordingDriver({ maxMemoryBytes: HEAP_BASE + 3 * MiB, eviction, seed: 5n });
    const program = new Program(seed ^ (eviction.length * 7919));
    runProgram(source, program, 900);
    if (eviction !== "noeviction" && eviction.startsWith("allkeys")) {
      expect(source.engine.stats().evictedKeys).toBeGreaterThan(0);
    }
  });

  it("by every command that writes, and as one log on another heap", { timeout: 120_000 }, () => {
    const source = recordingDriver();
    const program = new Program(seed);
    const flushes: Argument[][] = [["FLUSHDB"], ["SELECT", 1], ["SET", "k", 1], ["FLUSHALL"]];
    const { log, digest } = runProgram(source, program, 2_500, flushes);
    const table = source.engine.commands();
    const writing = table.filter((command) => command.flags.includes("write")).map((command) => command.name);
    expect(writing.filter((name) => !program.names.has(name))).toEqual([]);
    const recorded = new Set(recordsIn(log).map((record) => record.command[0]));
    // Every record is a command of the table that writes.
    expect([...recorded].filter((name) => !writing.includes(name as string))).toEqual([]);
    const replica = new EngineDriver({ heapStart: 0xf000_0000, maxMemoryBytes: 64 * MiB, seed: 3n });
    const { outcome, consumed } = replica.engine.effects.replay(log);
    expect({ outcome, consumed }).toEqual({ outcome: Replay.Done, consumed: log.length });
    expect(replica.engine.effects.digest()).toBe(digest);
    // A second time changes nothing: the records are there already.
    expect(replica.engine.effects.replay(log).outcome).toBe(Replay.Done);
    expect(replica.engine.effects.digest()).toBe(digest);
  });

  it("also what is longer than the engine's input, alone and inside of a transaction", { timeout: 60_000 }, () => {
    const source = recordingDriver();
    const long = Buffer.alloc(5 * MiB, "long");
    source.must("SET", "a", long);
    source.runAll([["MULTI"], ["SET", "b", long], ["APPEND", "b", long], ["HSET", "h", "f", long], ["EXEC"]]);
    source.runAll([["MSET", ...Array.from({ length: 100_000 }, (_, index) => `k${index % 60_000}`)]]);
    const log = takeAll(source.engine);
    const replica = new EngineDriver({ seed: 9n });
    const half = replica.engine.effects.replay(log.subarray(0, 12 * MiB));
    expect(half.outcome).toBe(Replay.Incomplete);
    // The transaction is not there before its end is.
    expect(half.consumed).toBe(recordsIn(log)[1]?.start);
    expect(replica.run("EXISTS", "b", "h")).toBe(0);
    expect(replica.engine.effects.replay(log.subarray(half.consumed)).outcome).toBe(Replay.Done);
    expect(replica.engine.effects.digest()).toBe(source.engine.effects.digest());
  });
});
