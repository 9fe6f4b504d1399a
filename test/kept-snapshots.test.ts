// Log and snapshots together: whatever became of the process, opening its directory gives what it held, to the last link
// of a graph where a snapshot had it; the log stays as short as the snapshots allow; a damaged snapshot is made up for.

import { afterEach, describe, expect, it } from "vitest";
import { SEGMENT_BYTES } from "../src/log/log-options.ts";
import { Persistence, type PersistenceOptions, SNAPSHOT_DEFAULTS } from "../src/persistence/persistence.ts";
import { processHost } from "../src/persistence/process-host.ts";
import { MemoryStorage } from "../src/storage/memory-storage.ts";
import { contentOf } from "./database-content.ts";
import { debugEngine } from "./debug-engine.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { makeCommand, textOf } from "./every-write.ts";
import { MortalStorage } from "./mortal-storage.ts";
import { Random } from "./random.ts";

const seed = drawSeed("kept-snapshots.test.ts");
const SEGMENT = 64 * 1024;
/** None by itself: the tests say when. */
const ON_DEMAND = { everyMs: 0, everyLogBytes: 0, keep: 2 };
const OPTIONS: PersistenceOptions = {
  fsync: "always",
  fsyncIntervalMs: 10,
  segmentBytes: SEGMENT,
  snapshot: ON_DEMAND,
};
const HOUR_MS = 3_600_000;

let running: Life[] = [];
afterEach(async () => {
  for (const life of running.splice(0)) await life.persistence.close();
});

/** A process that has a storage open. */
interface Life {
  readonly persistence: Persistence;
  readonly driver: EngineDriver;
  readonly hold: MortalStorage;
  readonly lines: string[];
}

async function begin(storage: MemoryStorage, options: Partial<PersistenceOptions> = {}, now?: number): Promise<Life> {
  const hold = new MortalStorage(storage);
  const lines: string[] = [];
  const create = () => debugEngine({ reserveMemory: true });
  const persistence = await Persistence.open(
    create,
    hold,
    { ...OPTIONS, ...options },
    processHost((line) => void lines.push(line)),
  );
  const driver = new EngineDriver({}, persistence.engine);
  if (now !== undefined) driver.now = now;
  const life = { persistence, driver, hold, lines };
  running.push(life);
  return life;
}

async function close(life: Life): Promise<void> {
  await life.persistence.close();
  running = running.filter((other) => other !== life);
}

function kill(life: Life): void {
  life.hold.kill();
  running = running.filter((other) => other !== life);
}

/** What INFO tells under a name. */
const told = ({ persistence }: Life, name: string) => new Map(persistence.report()).get(name);

async function filesOf(storage: MemoryStorage, pattern: RegExp): Promise<string[]> {
  return (await storage.list()).filter((name) => pattern.test(name)).sort();
}

async function bytesOf(storage: MemoryStorage, name: string): Promise<Uint8Array> {
  const file = await storage.open(name);
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes);
  return bytes;
}

async function flip(storage: MemoryStorage, name: string, at: number): Promise<void> {
  const bytes = await bytesOf(storage, name);
  bytes[at] = (bytes[at] as number) ^ 16;
  await (await storage.open(name)).write(0, [bytes]);
}

/** Some commands of every kind, and now and then a moment. */
function write({ driver }: Life, random: Random, commands: number): void {
  for (let count = random.below(commands); count > 0; count--) driver.run(...makeCommand(random));
  if (random.oneIn(5)) driver.now += 100;
  if (random.oneIn(5)) driver.engine.tick(driver.now);
}

describe("a database that is opened again", () => {
  it.each(["always", "periodic", "never"] as const)(
    "has what it held, fsync %s",
    { timeout: 60_000 },
    async (fsync) => {
      const random = new Random(seed);
      for (let program = 0; program < 8; program++) {
        const storage = new MemoryStorage();
        let before = { digest: 0n, content: new Map<string, string>(), now: undefined as number | undefined };
        let asCut = true;
        for (let lives = 1 + random.below(5); lives >= 0; lives--) {
          const life = await begin(storage, { fsync }, before.now);
          const { driver, persistence } = life;
          const label = `program ${program}, ${lives} lives left`;
          if (before.now !== undefined) {
            expect(driver.engine.effects.digest(), label).toBe(before.digest);
            expect(contentOf(driver, asCut), label).toEqual(before.content);
          }
          for (let round = random.below(4); round > 0; round--) {
            write(life, random, 120);
            if (random.oneIn(3)) await persistence.commit();
            if (random.oneIn(2)) await persistence.snapshots.take(random.oneIn(4));
          }
          // The last one goes on while writes do, and is cut off.
          const taking = random.oneIn(2) ? persistence.snapshots.take(false).catch(() => undefined) : undefined;
          for (let turn = random.below(6); turn > 0; turn--) {
            if (random.oneIn(2)) write(life, random, 40);
            await new Promise(setImmediate);
          }
          asCut = random.oneIn(2);
          if (asCut && taking !== undefined) await taking;
          await persistence.commit();
          before = { digest: driver.engine.effects.digest(), content: contentOf(driver, asCut), now: driver.now };
          if (asCut) await close(life);
          else kill(life);
        }
      }
    },
  );

  it("replays nothing after a clean stop, and takes no snapshot where nothing changed", async () => {
    const storage = new MemoryStorage();
    const first = await begin(storage);
    for (let count = 0; count < 500; count++) first.driver.run(...makeCommand(new Random(seed + count)));
    await close(first);
    const names = await filesOf(storage, /snapshot$/);
    expect(names).toEqual(["00000001.snapshot"]);
    const second = await begin(storage);
    expect(told(second, "nearkey_recovery_records")).toBe(0);
    expect(told(second, "rdb_changes_since_last_save")).toBe(0);
    await close(second);
    expect(await filesOf(storage, /snapshot$/)).toEqual(names);
  });

  it("replays what came after the snapshot, and only that", async () => {
    const storage = new MemoryStorage();
    const first = await begin(storage);
    for (let count = 0; count < 300; count++) first.driver.must("SET", `key:${count}`, count);
    await first.persistence.snapshots.take(false);
    for (let count = 0; count < 7; count++) first.driver.must("SET", `late:${count}`, count);
    await first.persistence.commit();
    kill(first);
    const second = await begin(storage);
    expect(told(second, "nearkey_recovery_records")).toBe(7);
    expect(told(second, "rdb_changes_since_last_save")).toBe(7);
    expect(second.driver.must("DBSIZE")).toBe(307);
  });
});

describe("the log", () => {
  it("is as long as the kept snapshots leave it", async () => {
    const storage = new MemoryStorage();
    const life = await begin(storage);
    for (let round = 0; round < 12; round++) {
      for (let count = 0; count < 20; count++) {
        life.driver.must("SET", `key:${count}`, textOf(20_000));
        await life.persistence.commit();
      }
      await life.persistence.snapshots.take(false);
      const { length } = await filesOf(storage, /^log-/);
      // Seven segments a round, since the oldest of three: two are kept, and the last one of the chain before. Beside them
      // the one being written, the one made ahead, and 32 spares.
      expect(length).toBeLessThanOrEqual(3 * 7 + 34);
    }
    expect(told(life, "nearkey_log_bytes_written")).toBeGreaterThan(60 * SEGMENT);
  });

  it("is bounded by snapshots that are taken by themselves, after so many bytes", async () => {
    const storage = new MemoryStorage();
    const snapshot = { ...ON_DEMAND, everyLogBytes: 100_000 };
    const life = await begin(storage, { snapshot });
    life.driver.must("SET", "small", 1);
    await life.persistence.commit();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await filesOf(storage, /snapshot$/)).toEqual([]);
    life.driver.must("SET", "large", textOf(150_000));
    await life.persistence.commit();
    await expect.poll(() => filesOf(storage, /snapshot$/), { timeout: 10_000 }).toEqual(["00000001.snapshot"]);
    kill(life);
    expect((await begin(storage)).driver.must("STRLEN", "large")).toBe(150_000);
  });
});

/** Three snapshots, each with more keys, and keys that only the log has; then the process is killed. */
async function threeSnapshots(): Promise<{ storage: MemoryStorage; digest: bigint }> {
  const storage = new MemoryStorage("there");
  const life = await begin(storage);
  const random = new Random(seed);
  for (let round = 0; round < 4; round++) {
    for (let count = 0; count < 60; count++) life.driver.run(...makeCommand(random));
    await (round < 3 ? life.persistence.snapshots.take(true) : life.persistence.commit());
  }
  const digest = life.driver.engine.effects.digest();
  kill(life);
  return { storage, digest };
}

describe("a damaged snapshot", () => {
  it("is made up for by the one before and the log, wherever the damage is", { timeout: 60_000 }, async () => {
    const random = new Random(seed);
    for (let round = 0; round < 12; round++) {
      const { storage, digest } = await threeSnapshots();
      const newest = (await filesOf(storage, /snapshot$/)).at(-1) as string;
      const { length } = await bytesOf(storage, newest);
      // Behind the header's first 60 bytes come zeros up to 4,096, which the header's checksum covers.
      await flip(storage, newest, random.pick([3, 30, length - 40, 4096 + random.below(length - 4096)]));
      const life = await begin(storage);
      expect(life.driver.engine.effects.digest(), `round ${round}`).toBe(digest);
      expect(life.lines.join()).toContain(newest);
      await close(life);
      expect(await filesOf(storage, /snapshot$/)).not.toContain(newest);
      const again = await begin(storage);
      expect(again.lines).toEqual([]);
      expect(again.driver.engine.effects.digest()).toBe(digest);
      kill(again);
    }
  });

  it("is made up for by the whole log when it is the only one", async () => {
    const storage = new MemoryStorage();
    const first = await begin(storage);
    first.driver.must("SET", "k", "v");
    await close(first);
    await flip(storage, "00000001.snapshot", 5000);
    const second = await begin(storage);
    expect(second.driver.must("GET", "k")).toBe("v");
    expect(second.persistence.recovery.passedOver).toHaveLength(1);
  });

  it("is an error that changes nothing when the log does not reach back", async () => {
    const { storage } = await threeSnapshots();
    for (const name of await filesOf(storage, /snapshot$/)) await flip(storage, name, 5000);
    const names = await storage.list();
    await expect(begin(storage)).rejects.toMatchObject({
      code: "storage-damaged",
      message: expect.stringMatching(/there\/00000003\.snapshot.*Nothing was changed/),
    });
    expect(await storage.list()).toEqual(names);
  });

  it("is an error when the log that makes up for it is gone", async () => {
    const { storage } = await threeSnapshots();
    const newest = (await filesOf(storage, /snapshot$/)).at(-1) as string;
    await flip(storage, newest, 5000);
    for (const name of await filesOf(storage, /^log-/)) await storage.remove(name);
    await expect(begin(storage)).rejects.toMatchObject({ code: "storage-damaged" });
  });
});

describe("a snapshot that fails", () => {
  it("is told of, loses nothing, and the next one succeeds", async () => {
    const storage = new MemoryStorage();
    const life = await begin(storage);
    life.driver.must("SET", "k", "v");
    await life.persistence.snapshots.take(false);
    const savedAt = told(life, "rdb_last_save_time");
    const replace = life.hold.replace.bind(life.hold);
    life.hold.replace = () => Promise.reject(Object.assign(new Error("no space"), { code: "ENOSPC" }));
    life.driver.must("SET", "k", "w");
    await expect(life.persistence.snapshots.take(false)).rejects.toMatchObject({ code: "storage-failed" });
    expect(told(life, "rdb_last_bgsave_status")).toBe("err");
    expect(told(life, "rdb_last_save_time")).toBe(savedAt);
    expect(told(life, "nearkey_snapshot_failure")).toContain("ENOSPC");
    life.hold.replace = replace;
    await life.persistence.snapshots.take(false);
    expect(told(life, "rdb_last_bgsave_status")).toBe("ok");
    kill(life);
    expect((await begin(storage)).driver.must("GET", "k")).toBe("w");
  });

  it("at a clean stop leaves everything in the log", async () => {
    const storage = new MemoryStorage();
    const life = await begin(storage);
    life.driver.must("SET", "k", "v");
    life.hold.replace = () => Promise.reject(Object.assign(new Error("no space"), { code: "ENOSPC" }));
    await close(life);
    expect(life.lines.join()).toContain("no snapshot was taken");
    expect((await begin(storage)).driver.must("GET", "k")).toBe("v");
  });
});

it("of an engine that broke none is taken, not at the end either, and none that is on its way gets a name", async () => {
  const storage = new MemoryStorage();
  const life = await begin(storage);
  life.driver.must("SET", "k", "v");
  const { snapshots } = life.persistence;
  const taking = snapshots.take(false);
  snapshots.abandon();
  await expect(taking).rejects.toMatchObject({ code: "engine-failed" });
  await expect(snapshots.take(false)).rejects.toMatchObject({ code: "engine-failed" });
  await close(life);
  expect(await filesOf(storage, /snapshot$/)).toEqual([]);
  expect((await begin(storage)).driver.must("GET", "k")).toBe("v");
});

it("a snapshot has its name only once the log up to it is on disk", async () => {
  for (const fsync of ["always", "periodic", "never"] as const) {
    const storage = new MemoryStorage();
    const life = await begin(storage, { fsync, fsyncIntervalMs: HOUR_MS });
    const synced: number[] = [];
    const replace = life.hold.replace.bind(life.hold);
    life.hold.replace = (name, write) =>
      replace(name, async (file) => {
        await write(file);
        synced.push(life.persistence.syncedThrough);
      });
    for (let count = 0; count < 10; count++) life.driver.must("SET", "k", count);
    await life.persistence.snapshots.take(false);
    expect(synced, fsync).toEqual([10]);
  }
});

it("two who ask at once share one snapshot", async () => {
  const storage = new MemoryStorage();
  const { driver, persistence } = await begin(storage);
  driver.must("SET", "k", "v");
  const both = [persistence.snapshots.take(false), persistence.snapshots.take(false)];
  expect(told({ persistence } as Life, "rdb_bgsave_in_progress")).toBe(1);
  const [one, other] = await Promise.all(both);
  expect(one?.name).toBe(other?.name);
});

it("defaults are five minutes, as much log as sixteen segments, and two snapshots", () => {
  expect(SNAPSHOT_DEFAULTS).toEqual({ everyMs: 300_000, everyLogBytes: 16 * SEGMENT_BYTES, keep: 2 });
});
