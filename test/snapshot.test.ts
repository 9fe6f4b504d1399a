// A snapshot is the state at its cut, whatever is written while it is taken: compared key by key with what was there then,
// after every kind of command ran between the slices; incremental ones through chains and fallbacks; and a damaged file
// is refused wherever a bit flips or the end is missing.

import { describe, expect, it } from "vitest";
import { SnapshotStore } from "../src/snapshot/snapshot-store.ts";
import { MemoryStorage } from "../src/storage/memory-storage.ts";
import { contentOf } from "./database-content.ts";
import { debugEngine } from "./debug-engine.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { makeCommand, textOf } from "./every-write.ts";
import { Random } from "./random.ts";

const seed = drawSeed("snapshot.test.ts");
/** So that as much as can be happens between two pages. */
const PAGE_BY_PAGE = { share: 1, sliceMs: 0 };
const SIZE = { maxMemoryBytes: 256 << 20 };

/** Opens the newest snapshot in an engine of its own. */
async function reopen(storage: MemoryStorage): Promise<EngineDriver> {
  const store = await SnapshotStore.open(storage);
  const loaded = await store.load(() => debugEngine(SIZE));
  if (loaded === undefined) throw new Error("there is no snapshot");
  return new EngineDriver({}, loaded.engine);
}

describe("a snapshot taken while everything is written", () => {
  it("is the state at its cut, whole and incremental, and goes on correctly", { timeout: 60_000 }, async () => {
    const random = new Random(seed);
    const driver = new EngineDriver(SIZE);
    const storage = new MemoryStorage();
    const store = await SnapshotStore.open(storage, 1);
    const step = (): void => {
      for (let count = random.below(30); count > 0; count--) driver.run(...makeCommand(random));
      if (random.oneIn(10)) driver.now += 100;
      if (random.oneIn(5)) driver.engine.tick(driver.now);
      if (random.oneIn(200)) driver.run(random.pick(["FLUSHDB", "FLUSHALL"]));
    };
    for (let round = 0; round < 12; round++) {
      for (let count = 0; count < 10; count++) step();
      // A command that is half received owns pages at the cut.
      const half = driver.engine.connect();
      driver.feed(Buffer.from(`*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$200000\r\n${textOf(150_000)}`), half);
      const before = contentOf(driver);
      const nowAtCut = driver.now;
      let taking = true;
      const taken = store.take(driver.engine, { pace: PAGE_BY_PAGE }).finally(() => {
        taking = false;
      });
      while (taking) {
        step();
        await new Promise(setImmediate);
      }
      await taken;
      driver.engine.disconnect(half);
      const other = await reopen(storage);
      other.now = nowAtCut;
      expect(contentOf(other), `round ${round}`).toEqual(before);
      for (const kind of ["input", "output"] as const) {
        expect(other.engine.statistics.memory().kinds[kind]).toBe(0);
      }
      for (let count = 0; count < 100; count++) other.run(...makeCommand(random));
      other.run("FLUSHALL");
      other.settle();
      expect(other.engine.stats().keys).toBe(0);
    }
  });
});
