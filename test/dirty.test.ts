// Every change of the database is announced: after each command all blocks of durable memory that differ from before
// must be marked in the map of dirty blocks, or a snapshot that copies marked blocks would miss them. Times of access are
// exempt, so time stands still where it can; what belongs to connections is no part of the database.

import { describe, expect, it } from "vitest";
import {
  BLOCK_BITS,
  DIRTY_BASE,
  DIRTY_BYTES,
  HEAP_BASE,
  PAGE_BITS,
  PAGE_RECORD_BYTES,
  PAGE_TABLE_BASE,
  PageKind,
  STATE_BASE,
} from "../assembly/layout.ts";
import { Engine } from "../src/engine.ts";
import type { Argument } from "../src/resp.ts";
import { recordingDriver, takeAll } from "./effect-records.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { makeCommand, textOf } from "./every-write.ts";
import { Random } from "./random.ts";

const seed = drawSeed("dirty.test.ts");
const DURABLE = [
  PageKind.EntrySlab,
  PageKind.ObjectSlab,
  PageKind.FieldSlab,
  PageKind.SegmentSlab,
  PageKind.Value,
  PageKind.Vector,
  PageKind.Draining,
];
const BLOCK_BYTES = 1 << BLOCK_BITS;

/** Compares durable memory before and after each change. */
class DirtyWatch {
  readonly driver: EngineDriver;
  readonly seen = new Set<string>();

  constructor(driver: EngineDriver) {
    this.driver = driver;
  }

  get #bytes(): Buffer {
    return Buffer.from(Engine.memoryOf(this.driver.engine).buffer);
  }

  run(...args: Argument[]): void {
    this.seen.add(String(args[0]));
    this.#watch(args.map((arg) => String(arg).slice(0, 30)).join(" "), () => this.driver.run(...args));
  }

  tick(): void {
    this.#watch("tick", () => this.driver.engine.tick(this.driver.now));
  }

  #watch(name: string, change: () => void): void {
    const before = Buffer.from(this.#bytes.subarray(STATE_BASE));
    this.#bytes.fill(0, DIRTY_BASE, DIRTY_BASE + DIRTY_BYTES);
    change();
    const after = this.#bytes;
    const missed: string[] = [];
    for (let at = STATE_BASE; at < after.length; at += BLOCK_BYTES) {
      if (after[DIRTY_BASE + (at >>> BLOCK_BITS)] !== 0 || !isDurable(after, at)) continue;
      const now = after.subarray(at, at + BLOCK_BYTES);
      const old = before.subarray(at - STATE_BASE, at - STATE_BASE + BLOCK_BYTES);
      if (old.length < BLOCK_BYTES ? now.some((byte) => byte !== 0) : !now.equals(old)) missed.push(place(after, at));
    }
    expect(missed, name).toEqual([]);
  }
}

function kindAt(bytes: Buffer, at: number): PageKind {
  return bytes[PAGE_TABLE_BASE + (at >>> PAGE_BITS) * PAGE_RECORD_BYTES] as PageKind;
}

function isDurable(bytes: Buffer, at: number): boolean {
  return at < HEAP_BASE || DURABLE.includes(kindAt(bytes, at));
}

function place(bytes: Buffer, at: number): string {
  return `0x${at.toString(16)} ${at < HEAP_BASE ? "state" : `page of kind ${kindAt(bytes, at)}`}`;
}

/** Random commands, keys that expire, and freeing. */
function runRandomly(watch: DirtyWatch, random: Random, steps: number): void {
  for (let step = 0; step < steps; step++) {
    watch.run(...makeCommand(random));
    if (random.oneIn(20)) {
      // The times of access change now, of what the next commands touch: they are brought up to date unwatched.
      watch.driver.now += 200;
      for (const name of watch.driver.must("KEYS", "*") as string[]) watch.driver.run("TOUCH", name);
      watch.tick();
    }
    if (random.oneIn(400)) watch.run(random.pick(["FLUSHDB", "FLUSHALL"]));
  }
  watch.run("FLUSHDB");
  watch.run("FLUSHALL");
  for (let ticks = 0; ticks < 5; ticks++) watch.tick();
}

describe("every change is announced", () => {
  it("by random commands, by expiry and by freeing", { timeout: 60_000 }, () => {
    const watch = new DirtyWatch(new EngineDriver());
    const random = new Random(seed);
    runRandomly(watch, random, 700);
    const table = watch.driver.engine.commands();
    const writing = table.filter((command) => command.flags.includes("write")).map((command) => command.name);
    // A server does VADDMANY by VADDs.
    const missing = (): string[] => writing.filter((name) => name !== "VADDMANY" && !watch.seen.has(name));
    // Hundreds of kinds are drawn from: of the ones that have not come yet, the next is run.
    for (let draws = 0; missing().length > 0 && draws < 100_000; draws++) {
      const command = makeCommand(random);
      if (!watch.seen.has(String(command[0]))) watch.run(...command);
    }
    expect(missing()).toEqual([]);
  });

  it("while effects are recorded, some of them written", { timeout: 60_000 }, () => {
    const watch = new DirtyWatch(recordingDriver());
    const random = new Random(seed + 1);
    for (let round = 0; round < 4; round++) {
      runRandomly(watch, random, 60);
      takeAll(watch.driver.engine);
    }
  });

  it("while a table grows from nothing through splits, and is emptied", { timeout: 60_000 }, () => {
    const watch = new DirtyWatch(new EngineDriver());
    const fields = (from: number): Argument[] =>
      Array.from({ length: 100 }, (_, index) => [`field:${from + index}`, `${index}`]).flat();
    for (let from = 0; from < 6_000; from += 100) watch.run("HSET", "h", ...fields(from));
    for (let from = 0; from < 6_000; from += 100) {
      watch.run("HDEL", "h", ...Array.from({ length: 100 }, (_, index) => `field:${from + index}`));
    }
    for (let number = 0; number < 400; number++) watch.run("SET", `key:${number}`, textOf(number));
    watch.driver.now += 1;
    for (let number = 0; number < 400; number++) watch.run("DEL", `key:${number}`);
    watch.tick();
  });

  it.each(["allkeys-lru", "allkeys-s3fifo", "volatile-lfu"] as const)(
    "while keys are evicted and pages drained: %s",
    { timeout: 60_000 },
    (eviction) => {
      const watch = new DirtyWatch(
        new EngineDriver({ maxMemoryBytes: HEAP_BASE + 2 * 1024 * 1024, eviction, seed: 7n }),
      );
      const fill = (number: number): unknown => watch.driver.must("SET", `key:${number}`, textOf(90), "EX", 1_000);
      for (let number = 0; number < 12_000; number++) fill(number);
      for (let number = 0; number < 250; number++) {
        watch.run("SET", `other:${number}`, textOf((number * 977) % 9_000), "EX", 1_000);
      }
      for (let number = 0; number < 20; number++) {
        watch.run("HSET", `h:${number}`, "f", textOf(3_000), "g", textOf(40_000));
        watch.run("EXPIRE", `h:${number}`, 1_000);
      }
      watch.driver.engine.setMaxMemory(HEAP_BASE + 1024 * 1024);
      for (let ticks = 0; ticks < 20; ticks++) watch.tick();
      expect(watch.driver.engine.stats().evictedKeys).toBeGreaterThan(1_000);
    },
  );
});
