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
import { drawSeed, EngineDriver } from "./engine-driver.ts";
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

const text = (bytes: number): string => "x".repeat(bytes);
const lengths = [0, 1, 20, 100, 500, 4_090, 20_000, 32_704, 32_705, 70_000, 140_000];

/** A random command of each kind, on few keys. */
function makeCommand(random: Random): Argument[] {
  const key = `k${random.below(12)}`;
  const hash = `h${random.below(4)}`;
  const set = `v${random.below(2)}`;
  const field = `f${random.below(200)}`;
  const value = text(random.pick(lengths));
  const short = text(random.below(60));
  const vector = ["VALUES", 3, random.below(9) + 1, random.below(9), random.below(9)];
  return random.pick<() => Argument[]>([
    () => ["SET", key, value],
    () => ["SET", key, value, "PX", 500],
    () => ["SET", key, value, "KEEPTTL", "GET"],
    () => ["SETNX", key, value],
    () => ["SETEX", key, 1, value],
    () => ["PSETEX", key, 700, value],
    () => ["GETSET", key, value],
    () => ["GETDEL", key],
    () => ["GETEX", key, "PX", 400],
    () => ["GETEX", key, "PERSIST"],
    () => ["APPEND", key, value],
    () => ["SETRANGE", key, random.pick([0, 50, 40_000, 65_530]), short],
    () => ["SET", `n${key}`, random.below(1000)],
    () => ["INCR", `n${key}`],
    () => ["DECR", `n${key}`],
    () => ["INCRBY", `n${key}`, random.below(10 ** 9)],
    () => ["DECRBY", `n${key}`, random.below(10 ** 9)],
    () => ["INCRBYFLOAT", `n${key}`, "0.25"],
    () => ["MSET", key, value, `k${random.below(12)}`, short],
    () => ["MSETNX", `new${random.below(500)}`, value, `new${random.below(500)}`, short],
    () => ["DEL", key, hash],
    () => ["UNLINK", key],
    () => ["RENAME", key, `k${random.below(12)}`],
    () => ["RENAMENX", key, `new${random.below(500)}`],
    () => ["COPY", random.pick([key, hash]), `k${random.below(12)}`, "REPLACE"],
    () => ["COPY", key, key, "DB", 5],
    () => ["MOVE", key, 6],
    () => ["SWAPDB", 5, 6],
    () => ["EXPIRE", key, 1],
    () => ["PEXPIRE", random.pick([key, hash]), 300],
    () => ["EXPIREAT", key, 1],
    () => ["PEXPIREAT", key, 2_000_000_000_000],
    () => ["PERSIST", key],
    () => ["HSET", hash, field, short, "other", value],
    () => ["HSET", hash, field, short],
    () => ["HMSET", hash, field, value],
    () => ["HSETNX", hash, field, short],
    () => ["HINCRBY", hash, `n${field}`, 7],
    () => ["HINCRBYFLOAT", hash, `n${field}`, "0.5"],
    () => ["HDEL", hash, field, "other"],
    () => ["VADD", set, ...vector, `e${random.below(40)}`, "SETATTR", `{"a":${random.below(99)}}`],
    () => ["VADD", set, ...vector, `e${random.below(40)}`],
    () => ["VSETATTR", set, `e${random.below(40)}`, random.pick(["", '{"b":[1,2]}'])],
    () => ["VREM", set, `e${random.below(40)}`],
    () => ["GET", key],
    () => ["MGET", key, `k${random.below(12)}`],
    () => ["HGETALL", hash],
    () => ["VSIM", set, ...vector],
    () => ["RANDOMKEY"],
    () => ["SCAN", 0, "COUNT", 100],
    () => ["EXISTS", key],
  ])();
}

describe("every change is announced", () => {
  it("by random commands, by expiry and by freeing", { timeout: 60_000 }, () => {
    const watch = new DirtyWatch(new EngineDriver());
    const random = new Random(seed);
    for (let step = 0; step < 700; step++) {
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
    const table = watch.driver.engine.commands();
    const writing = table.filter((command) => command.flags.includes("write")).map((command) => command.name);
    expect(writing.filter((name) => !watch.seen.has(name))).toEqual([]);
  });

  it("while a table grows from nothing through splits, and is emptied", { timeout: 60_000 }, () => {
    const watch = new DirtyWatch(new EngineDriver());
    const fields = (from: number): Argument[] =>
      Array.from({ length: 100 }, (_, index) => [`field:${from + index}`, `${index}`]).flat();
    for (let from = 0; from < 6_000; from += 100) watch.run("HSET", "h", ...fields(from));
    for (let from = 0; from < 6_000; from += 100) {
      watch.run("HDEL", "h", ...Array.from({ length: 100 }, (_, index) => `field:${from + index}`));
    }
    for (let number = 0; number < 400; number++) watch.run("SET", `key:${number}`, text(number));
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
      const fill = (number: number): unknown => watch.driver.must("SET", `key:${number}`, text(90), "EX", 1_000);
      for (let number = 0; number < 12_000; number++) fill(number);
      for (let number = 0; number < 250; number++) {
        watch.run("SET", `other:${number}`, text((number * 977) % 9_000), "EX", 1_000);
      }
      for (let number = 0; number < 20; number++) {
        watch.run("HSET", `h:${number}`, "f", text(3_000), "g", text(40_000));
        watch.run("EXPIRE", `h:${number}`, 1_000);
      }
      watch.driver.engine.setMaxMemory(HEAP_BASE + 1024 * 1024);
      for (let ticks = 0; ticks < 20; ticks++) watch.tick();
      expect(watch.driver.engine.stats().evictedKeys).toBeGreaterThan(1_000);
    },
  );
});
