// A snapshot is the state at its cut, whatever is written while it is taken: compared key by key with what was there then,
// after every kind of command ran between the slices; incremental ones through chains and fallbacks; and a damaged file
// is refused wherever a bit flips or the end is missing.

import { describe, expect, it } from "vitest";
import { type Engine, Replay } from "../src/engine.ts";
import { NearkeyError } from "../src/errors.ts";
import { encodeCommand } from "../src/resp.ts";
import { SnapshotStore } from "../src/snapshot/snapshot-store.ts";
import { takeSnapshot } from "../src/snapshot/take-snapshot.ts";
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

/** Takes all records that an engine has written since, and gives them back. */
function takeRecords(engine: Engine): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let piece = engine.effects.take(); piece !== undefined; piece = engine.effects.take())
    pieces.push(piece.slice());
  const records = Buffer.concat(pieces);
  engine.effects.release(records.length);
  return records;
}

describe("a snapshot taken while everything is written", () => {
  it("is what the records up to its sequence number make", { timeout: 60_000 }, async () => {
    const random = new Random(seed);
    const driver = new EngineDriver(SIZE);
    const follower = debugEngine(SIZE);
    driver.engine.effects.open();
    const step = (): void => {
      for (let count = random.below(30); count > 0; count--) driver.run(...makeCommand(random));
      if (random.oneIn(10)) driver.now += 100;
      if (random.oneIn(5)) driver.engine.tick(driver.now);
    };
    for (let round = 0; round < 12; round++) {
      for (let count = 0; count < 10; count++) step();
      const storage = new MemoryStorage();
      const store = await SnapshotStore.open(storage);
      let taking = true;
      const taken = store.take(driver.engine, { pace: PAGE_BY_PAGE }).finally(() => {
        taking = false;
      });
      const upToCut = takeRecords(driver.engine);
      while (taking) {
        step();
        await new Promise(setImmediate);
      }
      const { sequence } = await taken;
      expect(follower.effects.replay(upToCut).outcome).toBe(Replay.Done);
      expect(follower.effects.position).toBe(sequence);
      const other = await reopen(storage);
      expect(other.engine.effects.digest(), `round ${round}`).toBe(follower.effects.digest());
      expect(other.engine.effects.position).toBe(sequence);
      expect(follower.effects.replay(takeRecords(driver.engine)).outcome).toBe(Replay.Done);
    }
  });

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

/** A directory with one snapshot of a few keys of each type. */
async function smallStorage(): Promise<{ storage: MemoryStorage; driver: EngineDriver; store: SnapshotStore }> {
  const driver = new EngineDriver(SIZE);
  const random = new Random(seed);
  for (let count = 0; count < 300; count++) driver.run(...makeCommand(random));
  const storage = new MemoryStorage("there");
  const store = await SnapshotStore.open(storage);
  await store.take(driver.engine, { pace: PAGE_BY_PAGE });
  return { storage, driver, store };
}

async function bytesOf(storage: MemoryStorage, name: string): Promise<Uint8Array> {
  const file = await storage.open(name);
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes);
  return bytes;
}

/** What opening a directory with these files says. */
async function refusal(files: Record<string, Uint8Array>): Promise<NearkeyError> {
  const storage = new MemoryStorage("there");
  for (const [name, bytes] of Object.entries(files)) await storage.replace(name, async (file) => file.append([bytes]));
  try {
    const store = await SnapshotStore.open(storage);
    await store.load(() => debugEngine(SIZE));
  } catch (error) {
    if (error instanceof NearkeyError) return error;
    throw error;
  }
  throw new Error("it was opened");
}

const NAME = "00000001.snapshot";

describe("a damaged snapshot", () => {
  it("is refused wherever it is cut off", { timeout: 60_000 }, async () => {
    const { storage } = await smallStorage();
    const bytes = await bytesOf(storage, NAME);
    const random = new Random(seed);
    const cuts = [0, 1, 11, 12, 4095, 4096, bytes.length - 1, bytes.length - 63, bytes.length - 64, bytes.length - 65];
    for (let count = 0; count < 30; count++) cuts.push(random.below(bytes.length));
    for (const cut of cuts) {
      const { code, message } = await refusal({ [NAME]: bytes.subarray(0, cut) });
      expect(code, `cut to ${cut}`).toBe("storage-damaged");
      expect(message).toMatch(/^there\/00000001\.snapshot, offset \d+: .+; .+/);
    }
  });

  it("is refused whatever bit flips in what it holds", { timeout: 60_000 }, async () => {
    const { storage } = await smallStorage();
    const bytes = await bytesOf(storage, NAME);
    const random = new Random(seed);
    for (let count = 0; count < 60; count++) {
      const at = count < 20 ? bytes.length - 1 - random.below(4_000) : random.below(bytes.length);
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] as number) ^ (1 << random.below(8));
      // A flipped version is another format's, which is an answer of its own.
      expect(["storage-damaged", "unsupported"], `a bit of byte ${at}`).toContain(
        (await refusal({ [NAME]: flipped })).code,
      );
    }
  });

  it("is refused when it is no snapshot, of a newer format, or of another layout", async () => {
    const { storage } = await smallStorage();
    const bytes = await bytesOf(storage, NAME);
    expect(await refusal({ [NAME]: Buffer.from("REDIS0011\xfa\tredis-ver\x057.0.15") })).toMatchObject({
      code: "storage-damaged",
      message: expect.stringContaining("it does not begin as a snapshot does"),
    });
    const newer = Uint8Array.from(bytes);
    newer[8] = 2;
    expect(await refusal({ [NAME]: newer })).toMatchObject({
      code: "unsupported",
      message:
        "there/00000001.snapshot, offset 8: format 2, and this nearkey reads 1: open it with a newer version of nearkey",
    });
  });

  it("gives way to the one before, and the next one is whole", async () => {
    const { storage, driver, store } = await smallStorage();
    const before = contentOf(driver);
    driver.must("SET", "later", "value");
    const { name, isIncremental } = await store.take(driver.engine, { pace: PAGE_BY_PAGE });
    expect(isIncremental).toBe(true);
    const file = await storage.open(name);
    file.write(file.size - 40, [new Uint8Array(8)]);
    const again = await SnapshotStore.open(storage);
    const loaded = await again.load(() => debugEngine(SIZE));
    expect(loaded?.name).toBe(NAME);
    expect(loaded?.passedOver.map(({ message }) => message)).toEqual([expect.stringContaining(name)]);
    const other = new EngineDriver({}, loaded?.engine);
    other.now = driver.now;
    expect(contentOf(other)).toEqual(before);
    other.must("SET", "k", "v");
    await again.take(other.engine, { pace: PAGE_BY_PAGE });
    expect(contentOf(await reopenAt(storage, other.now))).toEqual(contentOf(other));
  });
});

async function reopenAt(storage: MemoryStorage, now: number): Promise<EngineDriver> {
  const driver = await reopen(storage);
  driver.now = now;
  return driver;
}

describe("incremental snapshots", () => {
  it("write what changed, end their chain, and remove what no kept one needs", async () => {
    const driver = new EngineDriver(SIZE);
    for (let key = 0; key < 400; key++) driver.must("SET", `key:${key}`, textOf(20_000));
    const storage = new MemoryStorage();
    const store = await SnapshotStore.open(storage, 2);
    const first = await store.take(driver.engine, { pace: PAGE_BY_PAGE });
    expect(first.isIncremental).toBe(false);
    let whole = 0;
    for (let round = 0; round < 20; round++) {
      driver.must("SET", `key:${round}`, textOf(19_000 + round));
      const taken = await store.take(driver.engine, { pace: PAGE_BY_PAGE });
      if (taken.isIncremental) expect(taken.bytes).toBeLessThan(first.bytes / 10);
      else whole++;
      expect(contentOf(await reopen(storage))).toEqual(contentOf(driver));
      expect((await storage.list()).length).toBeLessThanOrEqual(16);
    }
    expect(whole).toBe(2);
  });

  it("hold nothing else when nothing changed", async () => {
    const { driver, store } = await smallStorage();
    const taken = await store.take(driver.engine, { pace: PAGE_BY_PAGE });
    expect(taken.isIncremental).toBe(true);
    expect(taken.bytes).toBeLessThan(200_000);
  });

  it("are not built upon one that failed", async () => {
    const { storage, driver } = await smallStorage();
    const store = await SnapshotStore.open(storage);
    const loaded = await store.load(() => debugEngine(SIZE));
    const other = new EngineDriver({}, loaded?.engine);
    other.now = driver.now;
    const replace = storage.replace.bind(storage);
    storage.replace = async (name, write) => {
      await replace(`${name}.lost`, write);
      await storage.remove(`${name}.lost`);
      throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    };
    other.must("SET", "k", "1");
    await expect(store.take(other.engine, { pace: PAGE_BY_PAGE })).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringContaining("(ENOSPC)"),
    });
    storage.replace = replace;
    other.must("SET", "other", "2");
    expect((await store.take(other.engine, { pace: PAGE_BY_PAGE })).isIncremental).toBe(false);
    expect(contentOf(await reopenAt(storage, other.now))).toEqual(contentOf(other));
  });
});

describe("a command that changes more than there is room to copy", () => {
  it("ends the snapshot, not the command, and another attempt succeeds", async () => {
    const driver = new EngineDriver(SIZE);
    // One command changes all of it, and there is room for copies of a quarter and 1 MiB.
    driver.must("SET", "large", textOf(8 << 20));
    const storage = new MemoryStorage();
    const store = await SnapshotStore.open(storage);
    const taking = store.take(driver.engine, { pace: PAGE_BY_PAGE });
    await new Promise(setImmediate);
    driver.must("SETRANGE", "large", 0, "y".repeat(8 << 20));
    expect(driver.engine.snapshot.status).toBe("outrun");
    const { isIncremental } = await taking;
    expect(isIncremental).toBe(false);
    expect((await reopen(storage)).engine.effects.digest()).toBe(driver.engine.effects.digest());
  });
});

describe("a call behind which copies are fetched", () => {
  it("leaves its host the arguments that it had, and the time that a command may wait", async () => {
    const driver = new EngineDriver(SIZE);
    for (let key = 0; key < 200; key++) driver.must("SET", `key:${key}`, textOf(60_000));
    const storage = new MemoryStorage();
    const store = await SnapshotStore.open(storage);
    const taking = store.take(driver.engine, { pace: PAGE_BY_PAGE });
    await new Promise(setImmediate);
    let fetched = 0;
    const fetch = driver.engine.onCopies;
    driver.engine.onCopies = () => {
      fetched++;
      fetch?.();
    };
    const waiter = driver.engine.connect();
    const change = (key: number) => Buffer.from(encodeCommand(["SETRANGE", `key:${key}`, "0", "y".repeat(30_000)]));
    for (let key = 0; key < 200; key += 2) {
      driver.feed(Buffer.concat([change(key), Buffer.from("INFO one two\r\n")]));
      driver.feed(Buffer.concat([change(key + 1), Buffer.from("BLPOP nothing 7.5\r\n")]), waiter);
      expect(driver.engine.events.timeoutMs).toBe(7500);
      driver.engine.events.endWait(waiter, false);
    }
    expect(fetched).toBeGreaterThan(1);
    expect(new Set(driver.hostCommands.map((args) => Buffer.concat(args).toString()))).toEqual(new Set(["INFOonetwo"]));
    await taking;
  });
});

describe("memory for copies that is made ready before the cut", () => {
  const unhurried = { share: 0.9, makesReady: true };

  it("serves the snapshot, which is of the moment when it is ready, and keeps others off meanwhile", async () => {
    const driver = new EngineDriver(SIZE);
    for (let key = 0; key < 200; key++) driver.must("SET", `key:${key}`, textOf(60_000));
    const storage = new MemoryStorage();
    const store = await SnapshotStore.open(storage);
    const held = driver.engine.stats().memoryUsedBytes;
    const taking = store.take(driver.engine, { pace: unhurried });
    await Promise.resolve();
    expect(driver.engine.snapshot.isBusy).toBe(true);
    const other = takeSnapshot(
      driver.engine,
      { append: () => undefined },
      () => ({ parent: 0n, exported: false }),
      PAGE_BY_PAGE,
    );
    await expect(other).rejects.toMatchObject({ code: "aborted" });
    await taking;
    expect(driver.engine.snapshot.isBusy).toBe(false);
    expect(driver.engine.stats().memoryUsedBytes).toBe(held);
    expect((await reopen(storage)).engine.effects.digest()).toBe(driver.engine.effects.digest());
  });

  it("is given back when nothing comes of it", async () => {
    const driver = new EngineDriver(SIZE);
    const free = () => driver.engine.statistics.memory().kinds.copies;
    while (driver.engine.snapshot.prepare(true));
    expect(free()).toBeGreaterThan(0);
    driver.engine.snapshot.end(false);
    expect(free()).toBe(0);
    const storage = new MemoryStorage();
    await (await SnapshotStore.open(storage)).take(driver.engine, { pace: unhurried });
    expect((await reopen(storage)).engine.effects.digest()).toBe(driver.engine.effects.digest());
  });
});

describe("a storage that is slower than what changes", () => {
  it("ends the snapshot before memory fills, nothing is written behind its end, and the next one succeeds", async () => {
    const driver = new EngineDriver(SIZE);
    for (let key = 0; key < 300; key++) driver.must("SET", `key:${key}`, textOf(60_000));
    const appended: number[] = [];
    let letGo = (): void => undefined;
    const file = {
      append: async ([bytes = new Uint8Array(0)]: readonly Uint8Array[]) => {
        appended.push(bytes.length);
        await new Promise<void>((resolve) => {
          letGo = resolve;
        });
      },
    };
    const pace = { ...PAGE_BY_PAGE, backlogBytesMax: 6 << 20 };
    const head = () => ({ parent: 0n, exported: false });
    const taking = takeSnapshot(driver.engine, file, head, pace);
    const failed = expect(taking).rejects.toMatchObject({
      code: "storage-failed",
      message: expect.stringMatching(/too slow .* MiB behind/),
    });
    while (driver.engine.snapshot.status !== "off") await new Promise(setImmediate);
    expect(driver.engine.onCopies).toBeUndefined();
    letGo();
    await failed;
    // The header alone was on its way.
    expect(appended).toEqual([4096]);
    const storage = new MemoryStorage();
    const store = await SnapshotStore.open(storage);
    await store.take(driver.engine, { pace: PAGE_BY_PAGE });
    expect((await reopen(storage)).engine.effects.digest()).toBe(driver.engine.effects.digest());
  });
});
