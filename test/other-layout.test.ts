// A directory that another release wrote, whose memory was laid out otherwise: the engine that it carries reads it, what it
// holds is carried over, and from then on it is this release's. The other release is this one with larger headers, compiled
// here.

import { readFileSync } from "node:fs";
import { main } from "assemblyscript/asc";
import { beforeAll, describe, expect, it } from "vitest";
import { carryOver } from "../src/content/carry-over.ts";
import { Engine } from "../src/engine.ts";
import { type EngineCarrier, engineCarrier } from "../src/persistence/carried-engines.ts";
import { Persistence, type PersistenceOptions } from "../src/persistence/persistence.ts";
import { processHost } from "../src/persistence/process-host.ts";
import { MemoryStorage } from "../src/storage/memory-storage.ts";
import { contentOf } from "./database-content.ts";
import { debugEngine } from "./debug-engine.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { WriteProgram } from "./write-program.ts";

const seed = drawSeed("other-layout.test.ts");
const SIZE = { maxMemoryBytes: 256 << 20, reserveMemory: true };
const ownBytes = readFileSync(new URL("../dist/engine.debug.wasm", import.meta.url));

/** Compiles the engine with other constants. */
async function compileWith(changes: readonly (readonly [string, string])[]): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array | undefined;
  const readFile = (name: string, base: string): string | null => {
    try {
      const text = readFileSync(`${base}/${name}`, "utf8");
      if (!name.endsWith("assembly/layout.ts")) return text;
      return changes.reduce((changed, [from, to]) => {
        expect(changed).toContain(from);
        return changed.replace(from, to);
      }, text);
    } catch {
      return null;
    }
  };
  const flags = ["--outFile", "other.wasm", "--config", "none", "--runtime", "stub", "--enable", "simd"];
  const { error, stderr } = await main(
    ["assembly/index.ts", ...flags, "--use", "abort=", "--importMemory", "--initialMemory", "16", "--debug"],
    {
      readFile,
      writeFile: (_name, contents) => {
        if (contents instanceof Uint8Array) binary = contents;
      },
    },
  );
  if (error || !binary) throw new Error(`it does not compile: ${stderr.toString()}`);
  return new Uint8Array(binary);
}

/** A release: its engine as bytes, and what opens directories in it. */
interface Release {
  readonly carrier: EngineCarrier;
  readonly create: () => Engine;
}

function release(version: string, bytes: Uint8Array<ArrayBuffer>): Release {
  const module = new WebAssembly.Module(bytes);
  return {
    carrier: { ...engineCarrier(async () => bytes), version },
    create: () => Engine.create(module, { ...SIZE, eviction: "noeviction" }),
  };
}

const own = release("2.0.0", new Uint8Array(ownBytes));
let other: Release;

beforeAll(async () => {
  const bytes = await compileWith([
    ["STATE_HEADER_BYTES: u32 = 0x1000", "STATE_HEADER_BYTES: u32 = 0x8000"],
    ["PAGE_TABLE_BYTES: u32 = 0x100000", "PAGE_TABLE_BYTES: u32 = 0x140000"],
    ["STATE_VERSION: u32 = 1", "STATE_VERSION: u32 = 0"],
  ]);
  other = release("1.0.0", bytes);
}, 120_000);

interface Opened {
  readonly persistence: Persistence;
  readonly driver: EngineDriver;
  readonly lines: string[];
}

async function openIn({ carrier, create }: Release, storage: MemoryStorage, carries = true): Promise<Opened> {
  const lines: string[] = [];
  const options: PersistenceOptions = {
    fsync: "always",
    fsyncIntervalMs: 10,
    // Small, so that the log does not reach back behind the snapshots.
    segmentBytes: 16 * 1024,
    snapshot: { everyMs: 0, everyLogBytes: 0, keep: 2, pace: { share: 1 } },
    ...(carries ? { carrier } : {}),
  };
  const host = { ...processHost((line) => void lines.push(line)), now: () => NOW };
  const persistence = await Persistence.open(create, storage, options, host);
  const driver = new EngineDriver({}, persistence.engine);
  driver.now = NOW;
  return { persistence, driver, lines };
}

const NOW = 1_700_000_000_000;

function write(driver: EngineDriver, program: WriteProgram, steps: number): void {
  for (let step = 0; step < steps; step++) driver.run(...program.next());
  if (program.isQueueing) driver.run("EXEC");
  program.startAnew();
  driver.run("SELECT", 0);
  driver.settle();
}

/** A directory of the other release with two snapshots and a log behind them. */
async function otherDirectory(
  program: WriteProgram,
): Promise<{ storage: MemoryStorage; content: unknown; digest: bigint }> {
  const storage = new MemoryStorage("there");
  const { persistence, driver } = await openIn(other, storage);
  for (let round = 0; round < 2; round++) {
    write(driver, program, 300);
    await persistence.snapshots.take(false);
  }
  write(driver, program, 100);
  driver.must("VADD", "kept", "VALUES", 3, 1, 2, 3, "one", "METRIC", "L2", "M", 8, "SETATTR", '{"n":1}');
  driver.must("VADD", "kept", "VALUES", 3, "0.1", "1e-7", -5, "two", "PX", 100_000);
  driver.must("VINDEX", "kept", "ADD", ".n");
  driver.must("SET", "long", "x".repeat(200_000), "PX", 1_000_000);
  const found = { storage, content: contentOf(driver, false), digest: driver.engine.effects.digest() };
  await persistence.commit();
  persistence.snapshots.abandon();
  await persistence.close();
  return found;
}

describe("a directory of another layout", () => {
  it("opens, is carried over, and is this release's from then on", { timeout: 120_000 }, async () => {
    const program = new WriteProgram(seed);
    const { storage, content, digest } = await otherDirectory(program);
    expect((await storage.list()).filter((name) => name.startsWith("engine-1.0.0-"))).toHaveLength(1);
    const { persistence, driver, lines } = await openIn(own, storage);
    expect(lines.join()).toMatch(/^\d+ keys were carried over from nearkey 1\.0\.0, which lays out memory otherwise$/);
    expect(contentOf(driver, false)).toEqual(content);
    expect(driver.engine.effects.digest()).toBe(digest);
    expect(driver.must("VINFO", "kept")).toEqual(expect.arrayContaining(["hnsw-m", 8, "L2"]));
    expect(driver.must("VINDEXES", "kept")).toHaveLength(1);
    // What comes next stands in the log behind the snapshot that was taken at once.
    const { position } = driver.engine.effects;
    write(driver, program, 200);
    expect(driver.engine.effects.position).toBeGreaterThan(position);
    const later = contentOf(driver, false);
    await persistence.commit();
    persistence.snapshots.abandon();
    await persistence.close();
    const again = await openIn(own, storage);
    expect(again.lines).toEqual([]);
    expect(again.persistence.recovery.snapshotSequence).toBe(position);
    expect(contentOf(again.driver, false)).toEqual(later);
    // The other engine goes with the last snapshot that needs it.
    for (let count = 0; count < 4; count++) {
      again.driver.must("SET", "k", count);
      await again.persistence.snapshots.take(true);
    }
    await again.persistence.close();
    expect((await storage.list()).filter((name) => name.startsWith("engine-"))).toEqual([
      expect.stringMatching(/^engine-2\.0\.0-/),
    ]);
  });

  it("is refused where the engine is missing or not as it was written, and nothing is changed", async () => {
    const { storage } = await otherDirectory(new WriteProgram(seed));
    const names = (await storage.list()).sort();
    await expect(openIn(own, storage, false)).rejects.toMatchObject({ code: "unsupported" });
    const name = names.find((each) => each.startsWith("engine-")) as string;
    const file = await storage.open(name);
    file.write(5000, [new Uint8Array(8)]);
    await expect(openIn(own, storage)).rejects.toMatchObject({
      code: "storage-damaged",
      message: expect.stringContaining(`there/${name}, offset 0: its checksum is wrong`),
    });
    expect((await storage.list()).sort()).toEqual(names);
    await storage.remove(name);
    await expect(openIn(own, storage)).rejects.toThrow("the engine of that version is not beside it");
  });

  it("is refused when its engine is one that this release cannot drive", async () => {
    const { storage } = await otherDirectory(new WriteProgram(seed));
    const create = (module: WebAssembly.Module): Engine => {
      const engine = own.carrier.create(module);
      Object.defineProperty(engine.snapshot, "boundary", { value: 0n });
      return engine;
    };
    await expect(openIn({ ...own, carrier: { ...own.carrier, create } }, storage)).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("was written by nearkey 1.0.0, whose engine this version cannot drive"),
    });
  });
});

it("everything that commands can make is carried over", { timeout: 60_000 }, () => {
  const program = new WriteProgram(seed + 1);
  const driver = new EngineDriver({ seed: 7n });
  for (let round = 0; round < 8; round++) {
    write(driver, program, 250);
    const copy = debugEngine({ maxMemoryBytes: 256 << 20, seed: 99n });
    const keys = carryOver(driver.engine, copy, driver.now);
    expect(keys).toBe(driver.engine.stats().keys);
    expect(copy.effects.digest(), `round ${round}`).toBe(driver.engine.effects.digest());
    driver.now += 500;
  }
});
