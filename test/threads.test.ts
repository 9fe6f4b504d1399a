// Threads over one memory: bulk builds and batch searches by workers, against what one thread does, while the main thread
// goes on to change the very set. Runs what users get from dist/.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { WAITING_BASE, WAITING_RECORD_BYTES } from "../assembly/layout.ts";
import { Database } from "../src/database/database.ts";
import { Engine, sharedBytesMax } from "../src/engine.ts";
import type { EnginePool } from "../src/engine-pool.ts";
import { EngineWorker } from "../src/engine-worker.ts";
import { NearkeyError } from "../src/errors.ts";
import type { NodeOpenOptions } from "../src/node.ts";
import { resolveOptions } from "../src/options.ts";
import { ThreadPool } from "../src/pool/node-thread-pool.ts";
import { VectorThreads } from "../src/pool/vector-threads.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { graphFaults } from "./graph-links.ts";
import { Random } from "./random.ts";

const { open } = (await import(pathToFileURL("dist/node.js").href)) as typeof import("../src/node.ts");
const seed = drawSeed("threads.test.ts");
const opened: Database[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const db of opened.splice(0)) await db.close().catch(() => undefined);
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function openDatabase(options: NodeOpenOptions = {}): Promise<Database> {
  const db = (await open({ maxMemory: "256mb", threads: 2, ...options })) as Database;
  opened.push(db);
  return db;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nearkey-threads-"));
  folders.push(folder);
  return folder;
}

/** From 0 up to 1. */
function fraction(random: Random): number {
  return random.below(1_000_000) / 1_000_000;
}

/** Rows around a few centres. */
function clustered(random: Random, rows: number, dim: number): Float32Array {
  const centres = Float32Array.from({ length: 20 * dim }, () => fraction(random) * 4);
  const matrix = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    const centre = Math.floor(fraction(random) * 20) * dim;
    for (let at = 0; at < dim; at++) matrix[row * dim + at] = (centres[centre + at] as number) + fraction(random);
  }
  return matrix;
}

function idsOf(rows: number, prefix = "id"): string[] {
  return Array.from({ length: rows }, (_, row) => `${prefix}:${row}`);
}

function rowsOf(matrix: Float32Array, dim: number, rows: readonly number[]): Float32Array[] {
  return rows.map((row) => matrix.slice(row * dim, (row + 1) * dim));
}

type Docs = ReturnType<Database["vectors"]>;

/** Share of the true ten nearest that searches find, by elements that are in the set. */
function recallOf(docs: Docs, queries: readonly Float32Array[], ef: number): number {
  let hits = 0;
  let wanted = 0;
  for (const query of queries) {
    const truth = new Set(docs.search(query, { exact: true }).map(({ id }) => id));
    wanted += truth.size;
    hits += docs.search(query, { ef }).filter(({ id }) => truth.has(id)).length;
  }
  return hits / wanted;
}

function faultsOf(db: Database, name: string, ids: readonly string[], m = 16): string[] {
  return graphFaults((command, ...args) => db.command(command, ...args), name, ids, m).slice(0, 5);
}

describe("setMany on threads", () => {
  test.each([
    { metric: "l2", quantization: "int8", keepOriginals: true, m: 16 },
    { metric: "cosine", quantization: "int8", keepOriginals: false, m: 16 },
    { metric: "ip", quantization: "int4", keepOriginals: true, m: 8 },
    { metric: "l2", quantization: "f32", keepOriginals: true, m: 4 },
    { metric: "cosine", quantization: "binary", keepOriginals: true, m: 8 },
  ] as const)("builds a whole graph, as good as one thread's: %o", async (options) => {
    const [dim, rows] = [24, 3000];
    const matrix = clustered(new Random(seed), rows, dim);
    const found: number[] = [];
    for (const threads of [2, 0]) {
      const db = await openDatabase({ threads });
      const docs = db.vectors("docs", { dim, ...options });
      await docs.setMany(idsOf(rows), matrix);
      expect(docs.size).toBe(rows);
      expect(faultsOf(db, "docs", idsOf(rows), options.m)).toEqual([]);
      const queries = rowsOf(
        matrix,
        dim,
        Array.from({ length: 100 }, (_, at) => at * 29),
      );
      found.push(recallOf(docs, queries, 80));
    }
    // Two graphs of the same vectors differ by some hundredths here; a broken one finds half or less.
    expect(found[0]).toBeGreaterThan((found[1] as number) - 0.15);
  });

  test("gives every element its vector and attributes, and tells how far it is", async () => {
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim: 8, metric: "l2" });
    const matrix = clustered(new Random(seed), 2000, 8);
    const attributes = idsOf(2000).map((_, row) => ({ row }));
    const told: number[] = [];
    const onProgress = (done: number, total: number): void => {
      expect(total).toBe(2000);
      told.push(done);
    };
    await docs.setMany(idsOf(2000), matrix, { attributes, onProgress });
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told[told.length - 1]).toBe(2000);
    for (const row of [0, 255, 256, 1999]) {
      expect(docs.get(`id:${row}`)).toEqual(matrix.slice(row * 8, row * 8 + 8));
      expect(docs.attributes(`id:${row}`)).toEqual({ row });
    }
    expect(docs.search(matrix.subarray(0, 8), { k: 3, filter: ".row >= 1990" }).length).toBe(3);
  });

  test("overwrites what is there, and adds to it", async () => {
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim: 8, metric: "l2" });
    await docs.setMany(idsOf(1000), clustered(new Random(seed), 1000, 8));
    const other = clustered(new Random(seed + 1), 2000, 8);
    await docs.setMany(idsOf(2000), other);
    expect(docs.size).toBe(2000);
    expect(faultsOf(db, "docs", idsOf(2000))).toEqual([]);
    for (const row of [0, 999, 1000, 1999]) {
      expect(docs.search(other.subarray(row * 8, row * 8 + 8), { k: 1 })[0]).toMatchObject({ distance: 0 });
    }
  });

  test("of several sets at once", async () => {
    const db = await openDatabase();
    const matrix = clustered(new Random(seed), 1500, 8);
    const names = ["a", "b", "c"];
    await Promise.all(names.map((name) => db.vectors(name, { dim: 8, metric: "l2" }).setMany(idsOf(1500), matrix)));
    for (const name of names) expect(faultsOf(db, name, idsOf(1500))).toEqual([]);
  });

  test("takes everything back when it is aborted, and leaves the threads for the next", async () => {
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim: 16, metric: "l2" });
    const first = clustered(new Random(seed), 500, 16);
    await docs.setMany(idsOf(500, "old"), first);
    const controller = new AbortController();
    const reason = new Error("enough");
    const matrix = clustered(new Random(seed + 1), 4000, 16);
    const onProgress = (done: number): void => {
      if (done > 1500) controller.abort(reason);
    };
    await expect(docs.setMany(idsOf(4000), matrix, { signal: controller.signal, onProgress })).rejects.toMatchObject({
      code: "aborted",
      cause: reason,
    });
    expect(docs.size).toBe(500);
    expect(faultsOf(db, "docs", idsOf(500, "old"))).toEqual([]);
    expect(docs.get("old:7")).toEqual(first.slice(7 * 16, 8 * 16));
    await expect(docs.setMany(["x"], matrix.slice(0, 16), { signal: controller.signal })).rejects.toMatchObject({
      code: "aborted",
      cause: reason,
    });
    await docs.setMany(idsOf(4000), matrix);
    expect(faultsOf(db, "docs", [...idsOf(4000), ...idsOf(500, "old")])).toEqual([]);
  });

  test("refuses what set refuses, before anything is stored", async () => {
    const db = await openDatabase({ maxMemory: "16mb" });
    const docs = db.vectors("docs", { dim: 2 });
    const refused = async (ids: string[], numbers: number[], options?: object) => {
      const error = await docs.setMany(ids, Float32Array.from(numbers), options).catch((thrown: unknown) => thrown);
      return (error as NearkeyError).code;
    };
    expect(await refused(["a", "a"], [1, 2, 3, 4])).toBe("invalid-argument");
    expect(await refused(["a", "b"], [1, 2, Number.NaN, 4])).toBe("not-finite");
    expect(await refused(["a", "b"], [1, 2, 3])).toBe("wrong-dimension");
    expect(await refused(["a"], [1, 2], { onprogress: () => undefined })).toBe("invalid-argument");
    expect(
      await refused(
        idsOf(100_000),
        Array.from({ length: 200_000 }, () => 1),
      ),
    ).toBe("out-of-memory");
    expect(db.has("docs")).toBe(false);
  });

  test("goes on when its key is deleted or renamed meanwhile", async () => {
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim: 16, metric: "l2" });
    const matrix = clustered(new Random(seed), 6000, 16);
    let done = 0;
    const building = docs.setMany(idsOf(6000), matrix, { onProgress: (now) => (done = now) });
    const reached = async (count: number): Promise<void> => {
      while (done < count) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    await reached(800);
    db.command("DEL", "docs");
    await reached(2500);
    db.command("RENAME", "docs", "other");
    await building;
    for (const name of ["docs", "other"]) {
      const ids = db.command("VRANDMEMBER", name, 6000) as string[];
      expect(faultsOf(db, name, ids)).toEqual([]);
    }
  });
});

describe("a node that waits for its links", () => {
  test("is forgotten when it is deleted or linked otherwise, so that nobody takes the next node with its id for it", async () => {
    const module = await WebAssembly.compile(await readFile("dist/engine.shared.wasm"));
    const engine = Engine.create(module, { ...resolveOptions({ maxMemory: "64mb" }, sharedBytesMax(1)), workers: 1 });
    const pool = engine.pool as EnginePool;
    const driver = new EngineDriver({}, engine);
    const add = (id: string, x: number) =>
      driver.run("VADD", "docs", "VALUES", "2", String(x), "1", id, "METRIC", "L2");
    add("linked", 0);
    const build = pool.openBuild() as number;
    const left = pool.defer(build, () => {
      for (const [x, id] of ["deleted", "waiting", "changed"].entries()) add(id, x + 1);
    });
    expect(left).toBe(3);
    driver.run("VREM", "docs", "deleted");
    add("changed", 9);
    pool.defer(build, () => add("next", 5));
    const { buffer } = Engine.memoryOf(engine);
    const records = new Uint32Array(buffer, WAITING_BASE, WAITING_RECORD_BYTES);
    const sets = [0, 1, 2, 3].map((record) => records[(record * WAITING_RECORD_BYTES) / 4] !== 0);
    expect(sets).toEqual([false, true, false, true]);
    pool.endAdding();
    new EngineWorker(module, Engine.memoryOf(engine), 0).link();
    expect(pool.done(build)).toBe(4);
    const ids = ["linked", "waiting", "changed", "next"];
    expect(graphFaults((name, ...args) => driver.run(name, ...args.map(String)), "docs", ids, 16)).toEqual([]);
  });
});

describe("random programs beside a build", () => {
  test.each([1, 2, 3])("leave a whole graph and the elements that they should, run %i", async (run) => {
    const random = new Random(seed + run);
    const dim = 8;
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim, metric: run === 1 ? "cosine" : "l2", m: 4 + run * 4 });
    const mine = new Map<string, Float32Array>();
    const bulk = clustered(random, 4000, dim);
    const removed = new Set<string>();
    let building = true;
    const built = docs.setMany(idsOf(4000), bulk).finally(() => {
      building = false;
    });
    while (building) {
      for (let step = 0; step < 5; step++) {
        const id = `own:${Math.floor(fraction(random) * 300)}`;
        const vector = clustered(random, 1, dim);
        const kind = fraction(random);
        if (kind < 0.4) {
          docs.set(id, vector);
          mine.set(id, vector);
        } else if (kind < 0.6) {
          expect(docs.delete(id)).toBe(mine.delete(id) ? 1 : 0);
        } else if (kind < 0.75) {
          const taken = `id:${Math.floor(fraction(random) * 4000)}`;
          if (docs.delete(taken) === 1) removed.add(taken);
        } else {
          const ids = docs.search(vector, { k: 20 }).map((found) => found.id);
          expect(new Set(ids).size).toBe(ids.length);
          for (const found of ids) expect(docs.has(found)).toBe(true);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await built;
    const expected = [...idsOf(4000).filter((id) => !removed.has(id)), ...mine.keys()];
    expect(docs.size).toBe(expected.length);
    expect(faultsOf(db, "docs", expected, 4 + run * 4)).toEqual([]);
    for (const [id, vector] of mine) expect(docs.get(id)).toEqual(vector);
    const queries = [...mine.values()].slice(0, 50);
    expect(recallOf(docs, queries, 100)).toBeGreaterThan(0.9);
  });
});

describe("searchManyAsync", () => {
  test("finds what searchMany finds, with and without threads", async () => {
    for (const threads of [0, 2]) {
      const db = await openDatabase({ threads });
      const docs = db.vectors("docs", { dim: 16 });
      const matrix = clustered(new Random(seed), 2000, 16);
      const attributes = idsOf(2000).map((_, row) => (row % 3 === 0 ? { row } : undefined));
      await docs.setMany(idsOf(2000), matrix, attributes);
      const queries = rowsOf(
        matrix,
        16,
        Array.from({ length: 500 }, (_, at) => at),
      );
      for (const options of [{}, { k: 3, ef: 40 }, { filter: ".row < 1000" }, { exact: true, k: 2 }]) {
        expect(await docs.searchManyAsync(queries, options)).toEqual(docs.searchMany(queries, options));
      }
      const [query] = queries as [Float32Array];
      expect(await docs.searchAsync(query, { ef: 5000, k: 50 })).toEqual(docs.search(query, { ef: 5000, k: 50 }));
      expect(await docs.searchAsync(query)).toEqual(docs.search(query));
      expect(await db.vectors("none", { dim: 16 }).searchManyAsync(queries)).toEqual(queries.map(() => []));
      await expect(docs.searchManyAsync([[1, 2]])).rejects.toMatchObject({ code: "wrong-dimension" });
      await expect(docs.searchManyAsync(queries, { k: 0 })).rejects.toMatchObject({ code: "invalid-argument" });
    }
  });

  test("finds all that match, are near enough, or are nearest of all, as searchMany does", async () => {
    const [dim, rows] = [12, 2500];
    const matrix = clustered(new Random(seed + 9), rows, dim);
    const attributes = idsOf(rows).map((_, row) => ({ row, odd: row % 2 === 1 }));
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim, metric: "cosine" });
    await docs.setMany(idsOf(rows), matrix, { attributes });
    docs.createIndex(".row");
    const queries = rowsOf(matrix, dim, [...Array(70).keys()]).map((row) => row.map((x) => x * 3 + 0.1));
    for (const options of [
      { exact: true },
      { exact: true, k: 3000 },
      { exact: true, maxDistance: 0.05, k: 100 },
      { filter: ".row < 40" },
      { filter: ".odd and .row > 100", ef: 200 },
      { filter: '.row in [7, 8, 9] or .odd == "x"', exact: true },
      { maxDistance: 0.03, k: 500 },
    ]) {
      const found = await docs.searchManyAsync(queries, options);
      expect(found, JSON.stringify(options)).toEqual(docs.searchMany(queries, options));
      expect(await docs.searchAsync(queries[3] as Float32Array, options)).toEqual(found[3]);
    }
    const refusal = await docs.searchManyAsync(queries, { filter: "((" }).catch((thrown: unknown) => thrown);
    expect((refusal as NearkeyError).code).toBe("syntax-error");
    const wrong = docs.searchManyAsync(queries, { exact: "yes" as unknown as boolean });
    await expect(wrong).rejects.toThrow("exact must be true or false");
  });

  test("finds all that match while attributes and elements change", async () => {
    const [dim, rows] = [12, 2000];
    const matrix = clustered(new Random(seed + 4), rows, dim);
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim, metric: "l2" });
    await docs.setMany(idsOf(rows), matrix, { attributes: idsOf(rows).map((_, row) => ({ row, keep: 1 })) });
    docs.createIndex(".row");
    let isDone = false;
    const change = async (): Promise<void> => {
      const random = new Random(seed + 5);
      for (let step = 0; !isDone; step++) {
        const row = 1000 + random.below(1000);
        if (random.oneIn(2)) docs.setAttributes(`id:${row}`, { row, keep: 1, step });
        else if (!docs.delete(`id:${row}`)) docs.set(`id:${row}`, matrix.subarray(row * dim, (row + 1) * dim), { row });
        if (step % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const changing = change();
    const queries = rowsOf(matrix, dim, [...Array(60).keys()]);
    for (let round = 0; round < 4; round++) {
      // What does not change is found whatever else does.
      const some = await docs.searchManyAsync(queries, { filter: ".row < 1000", k: 5, ef: 100 });
      for (const [row, found] of some.entries()) expect(found[0], `query ${row}`).toMatchObject({ distance: 0 });
      const all = await docs.searchManyAsync(queries, { exact: true, k: 5 });
      for (const [row, found] of all.entries()) expect(found[0], `query ${row}`).toMatchObject({ distance: 0 });
    }
    isDone = true;
    await changing;
  });

  test("answers while elements come and go, and names none that is not there", async () => {
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim: 16, metric: "l2" });
    const matrix = clustered(new Random(seed), 3000, 16);
    await docs.setMany(idsOf(3000), matrix);
    const random = new Random(seed);
    const queries = rowsOf(
      matrix,
      16,
      Array.from({ length: 3000 }, (_, at) => at),
    );
    for (let round = 0; round < 5; round++) {
      const searching = docs.searchManyAsync(queries, { k: 5 });
      let pending = true;
      const done = searching.finally(() => {
        pending = false;
      });
      for (let step = 0; pending; step++) {
        const row = Math.floor(fraction(random) * 3000);
        docs.delete(`id:${row}`);
        docs.set(`new:${round}:${step}`, matrix.slice(row * 16, row * 16 + 16));
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const found of await done) {
        expect(found.length).toBeGreaterThan(0);
        expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
      }
    }
  });

  test("answers when the set goes meanwhile", async () => {
    const db = await openDatabase();
    const docs = db.vectors("docs", { dim: 16, metric: "l2" });
    const matrix = clustered(new Random(seed), 2000, 16);
    await docs.setMany(idsOf(2000), matrix);
    const queries = rowsOf(
      matrix,
      16,
      Array.from({ length: 2000 }, (_, at) => at),
    );
    const searching = docs.searchManyAsync(queries);
    db.command("FLUSHALL");
    await docs.setMany(idsOf(100, "next"), matrix.subarray(0, 1600));
    const found = await searching;
    expect(found.length).toBe(queries.length);
  });
});

describe("a database with threads", () => {
  test("refuses numbers of threads, and memory, that it cannot have", async () => {
    for (const threads of [-1, 1.5, 17, "2"]) {
      await expect(open({ threads: threads as number })).rejects.toMatchObject({ code: "invalid-option" });
    }
    await expect(open({ threads: 2, maxMemory: "3839mb" })).rejects.toThrowError(/maxMemory/);
  });

  test("ends while it builds: setMany says so, and what was stored is in the directory, whole", async () => {
    const dir = newFolder();
    const db = await openDatabase({ dir });
    const docs = db.vectors("docs", { dim: 16, metric: "l2" });
    const matrix = clustered(new Random(seed), 6000, 16);
    let done = 0;
    const building = docs.setMany(idsOf(6000), matrix, { onProgress: (now) => (done = now) });
    const outcome = expect(building).rejects.toMatchObject({ code: "closed" });
    while (done < 1000) await new Promise((resolve) => setTimeout(resolve, 1));
    await db.close();
    await outcome;
    const again = await openDatabase({ dir, threads: 0 });
    const ids = again.command("VRANDMEMBER", "docs", 6000) as string[];
    expect(ids.length).toBeGreaterThan(999);
    expect(faultsOf(again, "docs", ids)).toEqual([]);
  });

  test("takes snapshots and exports beside a build, which hold whole graphs, and open without threads", async () => {
    const dir = newFolder();
    const db = await openDatabase({ dir });
    const docs = db.vectors("docs", { dim: 16, metric: "l2" });
    const matrix = clustered(new Random(seed), 6000, 16);
    let done = 0;
    const building = docs.setMany(idsOf(6000), matrix, { onProgress: (now) => (done = now) });
    while (done < 500) await new Promise((resolve) => setTimeout(resolve, 1));
    const image = await db.exportImage();
    await db.snapshot();
    await building;
    await db.close();
    const copy = await openDatabase({ image, threads: 0 });
    const ids = copy.command("VRANDMEMBER", "docs", 6000) as string[];
    expect(ids.length).toBeLessThan(6000);
    expect(faultsOf(copy, "docs", ids)).toEqual([]);
    const again = await openDatabase({ dir });
    expect(faultsOf(again, "docs", idsOf(6000))).toEqual([]);
    const queries = rowsOf(
      matrix,
      16,
      Array.from({ length: 100 }, (_, at) => at * 50),
    );
    expect(recallOf(again.vectors("docs"), queries, 80)).toBeGreaterThan(0.95);
  });

  /** A database whose workers run a file, and its engine. */
  async function openWith(file: string): Promise<{ db: Database; engine: Engine }> {
    const module = await WebAssembly.compile(await readFile("dist/engine.shared.wasm"));
    const settings = resolveOptions({ maxMemory: "64mb" }, sharedBytesMax(2));
    const engine = Engine.create(module, { ...settings, workers: 2 });
    const threads = new VectorThreads(new ThreadPool(module, engine, 2, pathToFileURL(file)));
    return { db: new Database(engine, settings, { now: Date.now, threads }), engine };
  }

  test("whose engine breaks in this thread ends a build, and can be closed", async () => {
    const { db, engine } = await openWith("dist/pool-worker.js");
    const docs = db.vectors("docs", { dim: 16, metric: "l2" });
    let done = 0;
    const onProgress = (now: number): void => {
      done = now;
    };
    const building = docs.setMany(idsOf(8000), clustered(new Random(1), 8000, 16), { onProgress });
    const outcome = expect(building).rejects.toMatchObject({ code: "engine-failed" });
    while (done < 500) await new Promise((resolve) => setTimeout(resolve, 1));
    engine.direct.getText = () => {
      throw new WebAssembly.RuntimeError("unreachable");
    };
    expect(() => db.get("k")).toThrowError(expect.objectContaining({ code: "engine-failed" }));
    await outcome;
    await db.close();
  });

  test("is of no use any more once a worker broke, and says so", async () => {
    const file = join(newFolder(), "broken.mjs");
    writeFileSync(file, "export default () => { throw new Error('this worker is broken'); };");
    const { db } = await openWith(file);
    const docs = db.vectors("docs", { dim: 4, metric: "l2" });
    const failed = { code: "engine-failed", message: expect.stringContaining("this worker is broken") };
    const error = await docs.setMany(idsOf(5000), clustered(new Random(1), 5000, 4)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NearkeyError);
    expect(error).toMatchObject(failed);
    expect(() => db.set("k", "v")).toThrowError(expect.objectContaining(failed));
    await db.close();
  });
});
