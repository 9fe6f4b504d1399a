// What each eviction policy lets go, and limits and policies that change while the engine runs.

import { describe, expect, it, vi } from "vitest";
import { HEAP_BASE, PAGE_BYTES } from "../assembly/layout.ts";
import { evictionPolicies } from "../src/options.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";

drawSeed("eviction.test.ts");
// A hundred thousand commands each in the debug build: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });
const MiB = 1024 * 1024;
const room = (bytes: number): number => HEAP_BASE + bytes;
const text = (bytes: number): string => "x".repeat(bytes);

/** Keys of a name that are there. */
function left(driver: EngineDriver, name: string): number {
  return (driver.must("KEYS", `${name}:*`) as string[]).length;
}

describe("a policy", () => {
  it("by frequency keeps what is used often, even when it was not lately", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(6 * MiB), eviction: "allkeys-lfu" });
    for (let index = 0; index < 3_000; index++) driver.must("SET", `often:${index}`, text(100));
    for (let round = 0; round < 30; round++) {
      driver.runAll(Array.from({ length: 3_000 }, (_, index) => ["GET", `often:${index}`]));
    }
    driver.now += 30_000;
    for (let index = 0; index < 60_000; index++) driver.must("SET", `once:${index}`, text(100));
    expect(left(driver, "often")).toBeGreaterThan(2_900);
    expect(driver.engine.stats().evictedKeys).toBeGreaterThan(20_000);
    // Nobody asks for them any more: their counters decay.
    driver.now += 60 * 60_000;
    for (let index = 0; index < 60_000; index++) driver.must("SET", `later:${index}`, text(100));
    expect(left(driver, "often")).toBeLessThan(1_500);
  });

  it.each(["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] as const)(
    "%s lets only keys go that expire, and refuses writes when there are none",
    (eviction) => {
      const driver = new EngineDriver({ maxMemoryBytes: room(6 * MiB), eviction });
      for (let index = 0; index < 10_000; index++) driver.must("SET", `kept:${index}`, text(100));
      for (let index = 0; index < 60_000; index++) driver.must("SET", `dying:${index}`, text(100), "EX", 1_000 + index);
      expect(left(driver, "kept")).toBe(10_000);
      expect(left(driver, "dying")).toBeGreaterThan(5_000);
      let index = 10_000;
      while (!isError(driver.run("SET", `kept:${index}`, text(100)))) index++;
      expect(left(driver, "dying")).toBe(0);
      expect(left(driver, "kept")).toBe(index);
      const refused = driver.run("SET", `kept:${index}`, text(100));
      expect(isError(refused) && refused.message).toMatch(/^OOM /);
    },
  );

  it.each(["allkeys-lru", "allkeys-lfu"] as const)("%s lets off what it chose when that is gone", (eviction) => {
    const driver = new EngineDriver({ maxMemoryBytes: room(6 * MiB), eviction });
    for (let round = 0; round < 4; round++) {
      for (let index = 0; index < 45_000; index++) driver.must("SET", `key:${index}`, text(100));
      driver.must("FLUSHALL");
      driver.settle();
      // Where keys had been chosen lie values now, whose bytes read as the longest key with every flag.
      const value = Buffer.alloc(2_000 + round * 5_000, 0xff);
      const evicted = driver.engine.stats().evictedKeys;
      for (let index = 0; index < 6_000; index++) driver.must("SET", `other:${round}:${index}`, value);
      expect(driver.engine.stats().evictedKeys).toBeGreaterThan(evicted + 1_000);
      driver.must("FLUSHALL");
      driver.settle();
      expect(driver.must("DBSIZE")).toBe(0);
    }
  });

  it("by time of death lets go first what dies first", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(6 * MiB), eviction: "volatile-ttl" });
    for (let index = 0; index < 10_000; index++) driver.must("SET", `soon:${index}`, text(100), "EX", 1_000);
    for (let index = 0; index < 10_000; index++) driver.must("SET", `late:${index}`, text(100), "EX", 9_000);
    for (let index = 0; index < 27_000; index++) driver.must("SET", `middle:${index}`, text(100), "EX", 5_000);
    expect(driver.engine.stats().evictedKeys).toBeGreaterThan(5_000);
    expect(left(driver, "late")).toBeGreaterThan(9_900);
    expect(left(driver, "soon")).toBeLessThan(5_000);
  });

  it("that is random takes from each database as it has keys", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(6 * MiB), eviction: "allkeys-random" });
    driver.must("SELECT", 3);
    for (let index = 0; index < 4_000; index++) driver.must("SET", `few:${index}`, text(100));
    driver.must("SELECT", 0);
    for (let index = 0; index < 45_000; index++) driver.must("SET", `many:${index}`, text(100));
    const few = driver.engine.countKeys(3).keys;
    expect(few).toBeGreaterThan(1_500);
    expect(few).toBeLessThan(3_900);
  });
});

describe("queues", () => {
  it("give all their memory back with the last key, however often", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(4 * MiB), eviction: "allkeys-s3fifo" });
    const before = driver.heldPages;
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 25_000; index++) driver.must("SET", `key:${index}`, text(100));
      expect(driver.engine.statistics.memory().kinds.queues).toBeGreaterThan(0);
      driver.must("FLUSHALL");
      driver.settle();
      expect(driver.heldPages).toBe(before);
    }
  });

  it("follow keys whose database changes places", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(2 * MiB), eviction: "allkeys-s3fifo" });
    const keys = 20_000;
    for (let index = 0; index < keys; index++) driver.must("SET", `key:${index}`, text(100));
    expect(driver.engine.stats().evictedKeys).toBeGreaterThan(1_000);
    driver.must("FLUSHALL");
    driver.engine.setMaxMemory(room(64 * MiB));
    for (let index = 0; index < keys; index++) driver.must("SET", `key:${index}`, text(100));
    driver.must("SWAPDB", 0, 1);
    let least = Number.POSITIVE_INFINITY;
    // Of what comes and goes so many words become stale that all are looked through.
    for (let index = 0; index < 100_000; index++) {
      driver.must("SET", "other", "x");
      driver.must("DEL", "other");
      if (index % 1_000 === 0) least = Math.min(least, driver.engine.statistics.memory().kinds.queues);
    }
    expect(least).toBeGreaterThan(keys * 8);
  });
});

describe("S3-FIFO", () => {
  it("lets scans pass and keeps what is used", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(6 * MiB), eviction: "allkeys-s3fifo" });
    for (let index = 0; index < 4_000; index++) driver.must("SET", `used:${index}`, text(100));
    for (let scanned = 0; scanned < 150_000; scanned += 1_000) {
      for (let index = 0; index < 1_000; index++) driver.must("SET", `scan:${scanned + index}`, text(100));
      if (scanned % 10_000 !== 0) continue;
      driver.runAll(Array.from({ length: 4_000 }, (_, index) => ["GET", `used:${index}`]));
    }
    expect(left(driver, "used")).toBe(4_000);
    expect(driver.engine.stats().evictedKeys).toBeGreaterThan(90_000);
  });

  it("takes in the keys that are there when it comes, and gives its memory back when it goes", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(64 * MiB) });
    for (let index = 0; index < 50_000; index++) driver.must("SET", `key:${index}`, text(100));
    const held = driver.heldPages;
    driver.engine.setEviction("allkeys-s3fifo");
    while (driver.engine.tick(driver.now));
    expect(driver.heldPages).toBeGreaterThanOrEqual(held + 6);
    for (let index = 0; index < 50_000; index++) driver.must("SET", `key:${index}`, text(50));
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 20_000; index++) driver.must("SET", `brief:${round}:${index}`, "v");
      for (let index = 0; index < 20_000; index++) driver.must("DEL", `brief:${round}:${index}`);
    }
    // 450,000 words were queued; those of deleted keys were squeezed out.
    expect(driver.engine.statistics.memory().kinds.queues).toBeLessThan(150_000 * 8);
    driver.engine.setEviction("allkeys-lru");
    expect(driver.engine.statistics.memory().kinds.queues).toBe(0);
  });
});

describe("live", () => {
  const evicting = evictionPolicies.filter((policy) => policy !== "noeviction");

  it.each(evicting)("a lower limit is reached in short steps, writes go on meanwhile: %s", (eviction) => {
    const driver = new EngineDriver({ maxMemoryBytes: room(32 * MiB), eviction });
    for (let index = 0; index < 150_000; index++) driver.must("SET", `key:${index}`, text(100), "EX", 1_000);
    const before = driver.engine.stats();
    const limit = room(8 * MiB);
    driver.engine.setMaxMemory(limit);
    expect(driver.engine.stats().memoryLimitBytes).toBe(limit);
    driver.must("SET", "meanwhile", text(100), "EX", 1_000);
    expect(driver.engine.stats().evictedKeys - before.evictedKeys).toBeLessThan(1_500);
    let steps = 0;
    for (let evicted = driver.engine.stats().evictedKeys; driver.engine.tick(driver.now); steps++) {
      const now = driver.engine.stats().evictedKeys;
      expect(now - evicted).toBeLessThan(2_000);
      evicted = now;
    }
    expect(steps).toBeGreaterThan(50);
    expect(driver.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(limit);
    for (let index = 0; index < 5_000; index++) driver.must("SET", `new:${index}`, text(100), "EX", 1_000);
    expect(driver.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(limit);
  });

  it("a lower limit refuses writes at once where nothing may go, a higher one lets them in", () => {
    const driver = new EngineDriver({ maxMemoryBytes: room(8 * MiB) });
    for (let index = 0; index < 20_000; index++) driver.must("SET", `key:${index}`, text(100));
    driver.engine.setMaxMemory(room(2 * MiB));
    expect(isError(driver.run("SET", "new", text(100)))).toBe(true);
    driver.engine.setEviction("volatile-lru");
    while (driver.engine.tick(driver.now));
    expect(isError(driver.run("SET", "new", text(100)))).toBe(true);
    expect(left(driver, "key")).toBe(20_000);
    driver.engine.setMaxMemory(room(16 * MiB));
    driver.must("SET", "new", text(5 * MiB));
    driver.engine.setMaxMemory(room(4 * MiB));
    driver.engine.setEviction("allkeys-lru");
    while (driver.engine.tick(driver.now));
    expect(driver.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(room(4 * MiB));
    driver.must("SET", "new", text(100));
  });

  it("queues for the keys there are take no more than the limit has", () => {
    const limit = room(16 * MiB);
    const driver = new EngineDriver({ maxMemoryBytes: limit, eviction: "allkeys-lru" });
    for (let index = 0; index < 500_000; index++) driver.engine.direct.set(`key:${index}`, "x", () => driver.now);
    expect(driver.engine.stats().evictedKeys).toBeGreaterThan(10_000);
    driver.engine.setEviction("allkeys-s3fifo");
    for (let waits = true; waits; ) {
      waits = driver.engine.tick(driver.now);
      expect(driver.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(limit);
    }
    const before = driver.engine.stats().evictedKeys;
    driver.must("SET", "new", "x");
    expect(driver.engine.stats().evictedKeys - before).toBeLessThan(5_000);
    expect(driver.engine.statistics.memory().kinds.queues).toBeGreaterThan(driver.engine.countKeys(0).keys * 8);
  });

  it("a policy holds for what comes without a time", () => {
    const driver = new EngineDriver({ eviction: "allkeys-s3fifo" });
    for (let index = 0; index < 3; index++) driver.engine.direct.set(`key:${index}`, "x", () => driver.now);
    driver.engine.setEviction("allkeys-lru");
    driver.engine.direct.set("new", "x", () => driver.now);
    driver.settle();
    expect(driver.engine.statistics.memory().kinds.queues).toBe(0);
  });

  it("a limit above what was reserved waits until no reply is lent", () => {
    const limit = room(4 * MiB);
    const driver = new EngineDriver({ maxMemoryBytes: limit, outputLimitBytes: MiB, reserveMemory: true });
    driver.must("SET", "k", text(1_000));
    const slow = driver.engine.connect();
    driver.engine.execute(slow, Buffer.from("GET k\r\n"), 0, driver.now);
    const lent = driver.engine.takeOutput(slow);
    driver.engine.setMaxMemory(room(512 * MiB));
    expect(lent?.view.length).toBeGreaterThan(1_000);
    driver.engine.release(slow, lent?.page as number);
    for (let index = 0; index < 400; index++) driver.must("SET", `large:${index}`, text(MiB));
    expect(driver.engine.stats().memoryUsedBytes).toBeGreaterThan(400 * MiB);
    expect(driver.engine.stats().memoryUsedBytes % PAGE_BYTES).toBe(HEAP_BASE % PAGE_BYTES);
  });

  it("a limit that no memory can have is a mistake", () => {
    const driver = new EngineDriver();
    for (const bytes of [0, -1, Number.NaN, 5 * 1024 * MiB]) {
      expect(() => driver.engine.setMaxMemory(bytes), String(bytes)).toThrowError(RangeError);
    }
  });
});
