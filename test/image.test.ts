// An image: opens with everything that was exported, holds nothing that was deleted, and when it was made by somebody else
// it is refused or harmless, whatever addresses, lengths and numbers stand in it.

import { describe, expect, it } from "vitest";
import { HEAP_BASE, PAGE_BYTES, PAGE_TABLE_BASE, SHARDS_BASE, STATE_BASE } from "../assembly/layout.ts";
import { Engine } from "../src/engine.ts";
import { NearkeyError } from "../src/errors.ts";
import { openImage, sourceOf, writeImage } from "../src/snapshot/image.ts";
import { takeSnapshot } from "../src/snapshot/take-snapshot.ts";
import { MemoryStorage } from "../src/storage/memory-storage.ts";
import { contentOf } from "./database-content.ts";
import { debugEngine } from "./debug-engine.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { makeCommand } from "./every-write.ts";
import { Random } from "./random.ts";

const seed = drawSeed("image.test.ts");
const SIZE = { maxMemoryBytes: 256 << 20 };
const PAGE_BY_PAGE = { share: 1, sliceMs: 0 };

async function exported(driver: EngineDriver): Promise<Uint8Array> {
  const file = await new MemoryStorage().open("image", { create: true });
  await writeImage(driver.engine, () => debugEngine(SIZE), file, driver.now, PAGE_BY_PAGE);
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes);
  return bytes;
}

async function opened(bytes: Uint8Array, now: number): Promise<EngineDriver> {
  const driver = new EngineDriver({}, await openImage(sourceOf(bytes), "a.image", () => debugEngine(SIZE)));
  driver.now = now;
  return driver;
}

/** An image with right checksums in which a few words are wrong, mostly addresses and counts. */
async function forge(image: Uint8Array, random: Random): Promise<Uint8Array> {
  const engine = await openImage(sourceOf(image), "a.image", () => debugEngine(SIZE));
  const words = new Uint32Array(Engine.memoryOf(engine).buffer);
  const pages = words[(STATE_BASE + 20) >>> 2] as number;
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    let at = 0;
    // Addresses and counts rather than texts.
    const isTelling = (word: number): boolean => word !== 0 && word < pages * PAGE_BYTES;
    for (let draws = 0; draws < 5_000 && !isTelling(words[at] as number); draws++) {
      const inState = random.oneIn(4);
      const [from, end] = inState ? [SHARDS_BASE, PAGE_TABLE_BASE + pages * 16] : [HEAP_BASE, pages * PAGE_BYTES];
      at = (from + random.below(end - from)) >>> 2;
    }
    const word = words[at] as number;
    words[at] = random.pick([0, 0xffffffff, word + 8, word - 4, word ^ (1 << random.below(32)), HEAP_BASE, 0x80000000]);
  }
  const file = await new MemoryStorage().open("forged", { create: true });
  try {
    await takeSnapshot(engine, file, () => ({ parent: 0n, exported: true }), PAGE_BY_PAGE);
  } catch (error) {
    // The engine that forges is broken by then, and may fail before it has written.
    if (error instanceof WebAssembly.RuntimeError) return forge(image, random);
    throw error;
  }
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes);
  return bytes;
}

describe("an image", () => {
  it.each([[[]], [["NOQUANT"]], [["Q8"]], [["BIN"]]] as const)(
    "has vector sets with their codes: %j",
    async (options) => {
      const driver = new EngineDriver(SIZE);
      const random = new Random(seed);
      const draw = (): number[] => Array.from({ length: 20 }, () => random.below(1000) / 100 - 5);
      for (let element = 0; element < 1_200; element++) {
        driver.must("VADD", "v", "VALUES", 20, ...draw(), `e${element}`, ...options, "SETATTR", `{"n":${element}}`);
      }
      driver.must("VINDEX", "v", "ADD", ".n");
      for (let element = 0; element < 300; element++) driver.must("VREM", "v", `e${element * 3}`);
      const other = await opened(await exported(driver), driver.now);
      driver.settle();
      for (let query = 0; query < 20; query++) {
        const search = ["VSIM", "v", "VALUES", 20, ...draw(), "WITHSCORES", "COUNT", 10];
        expect(other.must(...search)).toEqual(driver.must(...search));
        const filtered = [...search, "FILTER", ".n >= 500 and .n < 600", "PLAN", "SCAN"];
        expect(other.must(...filtered)).toEqual(driver.must(...filtered));
      }
      expect(other.must("VINDEXES", "v")).toEqual(driver.must("VINDEXES", "v"));
      expect(other.engine.effects.digest()).toBe(driver.engine.effects.digest());
      for (let element = 0; element < 300; element++)
        other.must("VADD", "v", "VALUES", 20, ...draw(), `new${element}`, ...options);
      expect(other.must("VCARD", "v")).toBe(1_200);
    },
  );

  it("has everything, and goes on correctly", { timeout: 60_000 }, async () => {
    const random = new Random(seed);
    const driver = new EngineDriver(SIZE);
    for (let round = 0; round < 6; round++) {
      for (let count = 0; count < 400; count++) driver.run(...makeCommand(random));
      const fields = Array.from({ length: 600 }, (_, index) => [`field:${index}`, `${index}`]).flat();
      driver.must("DEL", "wide");
      driver.must("HSET", "wide", ...fields);
      if (round === 3) driver.must("FLUSHALL");
      const other = await opened(await exported(driver), driver.now);
      expect(contentOf(other)).toEqual(contentOf(driver));
      for (let count = 0; count < 400; count++) {
        const command = makeCommand(random);
        expect(other.run(...command)).toBeDefined();
      }
      const again = await opened(await exported(other), other.now);
      expect(contentOf(again)).toEqual(contentOf(other));
      again.run("FLUSHALL");
      again.settle();
      expect(again.engine.stats().keys).toBe(0);
    }
  });

  it("has nothing of what was deleted, overwritten or received", { timeout: 60_000 }, async () => {
    const driver = new EngineDriver(SIZE);
    const secret = (number: number): string => `SECRET${number}SECRET`;
    let number = 0;
    const hidden = (bytes: number): string => secret(number++).padEnd(bytes, "SECRET!!");
    for (const bytes of [30, 90, 200, 3_000, 30_000, 40_000, 150_000]) {
      driver.must("SET", `gone:${bytes}`, hidden(bytes));
      driver.must("SET", `stays:${bytes}`, hidden(bytes));
      driver.must("SET", `stays:${bytes}`, "x".repeat(bytes - 9));
      driver.must("SET", `short:${bytes}`, hidden(bytes));
      driver.must("SET", `short:${bytes}`, "y");
      driver.must("HSET", "h", `f${bytes}`, hidden(bytes), `g${bytes}`, "z");
      driver.must("HDEL", "h", `f${bytes}`);
      driver.must("DEL", `gone:${bytes}`);
    }
    for (let element = 0; element < 30; element++) {
      const vector = Array.from({ length: 8 }, (_, index) => element + index);
      driver.must("VADD", "v", "VALUES", 8, ...vector, hidden(20), "SETATTR", `{"a":"${hidden(40)}"}`);
    }
    for (const element of (driver.must("VRANDMEMBER", "v", 100) as string[]).slice(3))
      driver.must("VREM", "v", element);
    for (const element of driver.must("VRANDMEMBER", "v", 100) as string[]) driver.must("VREM", "v", element);
    driver.must("SET", "expired", hidden(100), "PX", 10);
    driver.now += 100;
    const image = Buffer.from(await exported(driver));
    expect(image.includes("SECRET")).toBe(false);
    expect(image.includes("stays:30000")).toBe(true);
  });

  it("is refused, or harmless, whatever was changed in it", { timeout: 120_000 }, async () => {
    const random = new Random(seed);
    const driver = new EngineDriver(SIZE);
    for (let count = 0; count < 500; count++) driver.run(...makeCommand(random));
    driver.must("HSET", "wide", ...Array.from({ length: 300 }, (_, index) => [`field:${index}`, `${index}`]).flat());
    const image = await exported(driver);
    let refused = 0;
    for (let attempt = 0; attempt < 150; attempt++) {
      const forged = await forge(image, random);
      let other: EngineDriver;
      try {
        other = await opened(forged, driver.now);
      } catch (error) {
        if (!(error instanceof NearkeyError)) throw error;
        expect(["storage-damaged", "out-of-memory"]).toContain(error.code);
        refused++;
        continue;
      }
      for (let count = 0; count < 40; count++) other.run(...makeCommand(random));
      other.run("FLUSHALL");
      other.settle();
    }
    expect(refused).toBeGreaterThan(30);
  });
});
