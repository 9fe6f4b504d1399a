// Eviction never fails to make room while there is something to evict: random mixes of strings of every size, packed and
// wide hashes, keys that expire or not and vector sets, under each policy. What a write may expect is found out by an
// engine that holds nothing but what may not go: what fits there must fit here.

import { describe, expect, it } from "vitest";
import { HEAP_BASE, PAGE_BYTES, PAGE_RECORD_BYTES, PAGE_TABLE_BASE, PageKind } from "../assembly/layout.ts";
import { Engine } from "../src/engine.ts";
import { evictionPolicies } from "../src/options.ts";
import type { Argument } from "../src/resp.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";
import { Random } from "./random.ts";

const seed = drawSeed("eviction.property.test.ts");
const MiB = 1024 * 1024;
const LIMIT_BYTES = 16 * MiB;
/** Partly used pages that a history leaves and a fresh engine does not have: a few of each zone. */
const HISTORY_PAGES = 16;
/** Replies and connections, which are not refused at the limit. */
const CLIENT_PAGES = 2;
const text = (bytes: number): string => "x".repeat(bytes);
const evicting = evictionPolicies.filter((policy) => policy !== "noeviction");

/** One key: how to write it, and whether it may be evicted. */
interface Written {
  readonly key: string;
  readonly commands: Argument[][];
}

function sizeOf(random: Random): number {
  return random.pick([
    () => random.below(20),
    () => random.below(700),
    () => random.below(5_000),
    () => random.below(40_000),
    () => random.below(400_000),
  ])();
}

/** A new key of a kind that `phase` prefers. */
function makeKey(random: Random, number: number, phase: number, expiring: boolean): Written {
  const key = `key:${number}`;
  const expire: Argument[][] = expiring ? [["EXPIRE", key, 10_000 + random.below(1_000)]] : [];
  const kind = random.oneIn(4) ? random.below(5) : phase;
  if (kind === 0) return { key, commands: [["SET", key, text(random.below(200))], ...expire] };
  if (kind === 1) return { key, commands: [["SET", key, text(sizeOf(random))], ...expire] };
  if (kind === 2) {
    const fields = random.list(1, 30, () => [`f${random.below(1_000)}`, text(random.below(60))]).flat();
    return { key, commands: [["HSET", key, ...fields], ...expire] };
  }
  if (kind === 3) {
    const bytes = random.pick([10, 300]);
    const fields = random.list(130, 400, () => [`f${random.below(1_000)}`, text(random.below(bytes))]).flat();
    return { key, commands: [["HSET", key, ...fields], ...expire] };
  }
  return { key, commands: [["SET", key, text(100_000 + random.below(1_500_000))], ...expire] };
}

function expectAccounted(driver: EngineDriver): void {
  const bytes = new Uint8Array(Engine.memoryOf(driver.engine).buffer, PAGE_TABLE_BASE, 65536 * PAGE_RECORD_BYTES);
  let held = 0;
  for (let at = 0; at < bytes.length; at += PAGE_RECORD_BYTES) {
    expect(bytes[at]).not.toBe(PageKind.Draining);
    if (bytes[at] !== PageKind.Free) held++;
  }
  expect(driver.heldPages).toBe(held);
}

/** Whether commands succeed in an engine that holds only what may not go. */
function fitsBeside(kept: ReadonlyMap<string, Argument[][]>, commands: Argument[][]): boolean {
  const alone = new EngineDriver({ maxMemoryBytes: HEAP_BASE + LIMIT_BYTES - HISTORY_PAGES * PAGE_BYTES });
  return ![...kept.values(), commands].some((each) => alone.runAll(each).some(isError));
}

describe.each(evicting)("under %s", (eviction) => {
  const volatile = eviction.startsWith("volatile");

  it("what fits beside the keys that may not go is never refused", { timeout: 120_000 }, () => {
    const random = new Random(seed ^ eviction.length);
    for (let run = 0; run < 2; run++) {
      const driver = new EngineDriver({ maxMemoryBytes: HEAP_BASE + LIMIT_BYTES, eviction });
      const kept = new Map<string, Argument[][]>();
      let phase = random.below(5);
      let refused = 0;
      for (let number = 0; number < 1_200; number++) {
        if (random.oneIn(300)) phase = random.below(5);
        // Few keys stay for good, so that there is room for others.
        const stays = volatile && random.oneIn(4);
        const { key, commands } = makeKey(random, number, stays ? 2 : phase, volatile && !stays);
        driver.now += 20;
        const replies = driver.runAll(commands);
        if (replies.some(isError)) {
          refused++;
          if (refused % 8 !== 1) continue;
          const what = String(commands[0]?.slice(0, 2));
          expect(fitsBeside(kept, commands), `${what} was refused, run ${run}`).toBe(false);
        } else if (stays) {
          kept.set(key, commands);
        }
        if (number % 7 === 0 && number > 0) driver.run("GET", `key:${random.below(number)}`);
        if (number % 11 === 0) {
          driver.run("DEL", `key:${number - 1}`);
          kept.delete(`key:${number - 1}`);
        }
        if (number % 13 === 0) driver.engine.tick(driver.now);
        expect(driver.heldPages).toBeLessThanOrEqual(LIMIT_BYTES / PAGE_BYTES + CLIENT_PAGES);
      }
      // Nothing is kept for good under the others; with these keys that stay fill the memory in the end.
      if (volatile) expect(refused).toBeGreaterThan(0);
      else expect(refused).toBe(0);
      expect(driver.engine.stats().evictedKeys).toBeGreaterThan(100);
      for (const key of kept.keys()) expect(driver.run("EXISTS", key), key).toBe(1);
      expectAccounted(driver);
      driver.must("FLUSHALL");
      driver.settle();
      driver.engine.tick(driver.now);
      expectAccounted(driver);
      expect(driver.heldPages).toBeLessThanOrEqual(CLIENT_PAGES);
    }
  });

  it("hashes give way to large strings and back, the key under work stays", { timeout: 120_000 }, () => {
    const random = new Random(seed);
    const driver = new EngineDriver({ maxMemoryBytes: HEAP_BASE + LIMIT_BYTES, eviction });
    const expire = (key: string): unknown => volatile && driver.must("EXPIRE", key, 1_000);
    for (let round = 0; round < 3; round++) {
      for (let hash = 0; hash < 300; hash++) {
        driver.now += 10;
        for (let part = 0; part < 4; part++) {
          const fields = random.list(60, 60, () => [`f${random.below(5_000)}`, text(random.below(300))]).flat();
          driver.must("HSET", `hash:${(hash * 7) % 300}`, ...fields);
          expire(`hash:${(hash * 7) % 300}`);
        }
      }
      for (let number = 0; number < 20; number++) {
        driver.now += 10;
        driver.must("SET", `large:${number}`, text(3 * MiB));
        expire(`large:${number}`);
        expect(driver.run("STRLEN", `large:${number}`)).toBe(3 * MiB);
      }
      // One key that grows through every size class while it makes its own room.
      driver.must("SET", "growing", "");
      for (let bytes = 1; bytes < 2 * MiB; bytes = Math.ceil(bytes * 1.7)) {
        driver.now += 10;
        driver.must("SETRANGE", "growing", bytes, "end");
        expect(driver.run("STRLEN", "growing")).toBe(bytes + 3);
        driver.must("HSET", "wide", `field:${bytes}`, text(Math.min(bytes, 200_000)));
      }
      const fields = driver.must("HLEN", "wide") as number;
      expect(fields).toBeGreaterThan(round === 0 ? 5 : 0);
      driver.must("DEL", "growing", "wide");
      expectAccounted(driver);
    }
  });
});

it("a vector set is never evicted and stays whole while everything else comes and goes", { timeout: 120_000 }, () => {
  for (const eviction of ["allkeys-lru", "volatile-lfu", "allkeys-s3fifo"] as const) {
    const random = new Random(seed);
    const driver = new EngineDriver({ maxMemoryBytes: HEAP_BASE + LIMIT_BYTES, eviction });
    const vector = (number: number): Argument[] => ["VALUES", 4, Math.sin(number), Math.cos(number), number % 5, 1];
    for (let number = 0; number < 3_000; number++) {
      driver.now += 10;
      if (number % 10 === 0) driver.must("VADD", "v", ...vector(number), `e${number}`, "SETATTR", `{"n":${number}}`);
      const { commands } = makeKey(random, number, random.below(5), eviction.startsWith("volatile"));
      for (const command of commands) driver.must(...command);
    }
    if (eviction.startsWith("volatile")) driver.must("EXPIRE", "v", 100_000);
    driver.must("SET", "last", text(2 * MiB));
    expect(driver.run("VCARD", "v")).toBe(300);
    for (let number = 0; number < 3_000; number += 10) {
      expect(driver.run("VGETATTR", "v", `e${number}`)).toBe(`{"n":${number}}`);
    }
    expectAccounted(driver);
  }
});
