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
import type { Random } from "./random.ts";
import { WriteProgram } from "./write-program.ts";

const seed = drawSeed("effects.property.test.ts");
const MiB = 1024 * 1024;

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
  program: WriteProgram,
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
    const program = new WriteProgram(seed ^ (eviction.length * 7919));
    runProgram(source, program, 900);
    if (eviction !== "noeviction" && eviction.startsWith("allkeys")) {
      expect(source.engine.stats().evictedKeys).toBeGreaterThan(0);
    }
  });

  it("by every command that writes, and as one log on another heap", { timeout: 120_000 }, () => {
    const source = recordingDriver();
    const program = new WriteProgram(seed);
    const flushes: Argument[][] = [["FLUSHDB"], ["SELECT", 1], ["SET", "k", 1], ["FLUSHALL"]];
    const { log, digest } = runProgram(source, program, 2_500, flushes);
    const table = source.engine.commands();
    const writing = table.filter((command) => command.flags.includes("write")).map((command) => command.name);
    // A server does VADDMANY by VADDs.
    expect(writing.filter((name) => name !== "VADDMANY" && !program.names.has(name))).toEqual([]);
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
