// Vector sets as objects, embedded and over the network: values given back exactly, distances and scores of each
// metric, attributes and filters, what is refused, and inserts of many, all or nothing.

import { describe, expect, test } from "vitest";
import { connect } from "../src/client-node.ts";
import type { Database } from "../src/database/database.ts";
import type { Operation } from "../src/database/operations.ts";
import { insertMany } from "../src/database/vector-insertion.ts";
import type { Attributes } from "../src/database/vector-operations.ts";
import type { Metric, VectorOptions } from "../src/database/vector-options.ts";
import { VectorSet } from "../src/database/vectors.ts";
import type { Build } from "../src/pool/threads.ts";
import type { Argument } from "../src/resp.ts";
import { openTestDatabase } from "./database-fixture.ts";
import { numbers } from "./random.ts";
import { startTestServer } from "./server-fixture.ts";

const withCode = (code: string) => expect.objectContaining({ name: "NearkeyError", code });

function matrixOf(rows: number, dim: number, seed = 1): Float32Array {
  const next = numbers(seed);
  return Float32Array.from({ length: rows * dim }, next);
}

const idsOf = (rows: number, prefix = "id:") => Array.from({ length: rows }, (_, index) => `${prefix}${index}`);

const metrics: Record<
  "l2" | "ip" | "cosine",
  { distance(a: Float32Array, b: Float32Array): number; score(distance: number): number }
> = {
  l2: { distance: (a, b) => Math.hypot(...a.map((x, i) => x - (b[i] as number))), score: (d) => 1 / (1 + d) },
  ip: { distance: (a, b) => -dot(a, b), score: (d) => -d },
  cosine: { distance: (a, b) => 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)), score: (d) => 1 - d / 2 },
};

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((total, x, index) => total + x * (b[index] as number), 0);
}

describe("elements", () => {
  test.each(["cosine", "l2", "ip"] as const)("give back the very values under %s", async (metric) => {
    const { db } = openTestDatabase();
    for (const dim of [1, 2, 3, 7, 16, 33]) {
      const docs = db.vectors(`docs:${dim}`, { dim, metric });
      const matrix = matrixOf(20, dim, dim);
      for (const [row, id] of idsOf(20).entries()) {
        expect(docs.set(id, matrix.subarray(row * dim, (row + 1) * dim))).toBe(true);
      }
      for (const [row, id] of idsOf(20).entries()) {
        expect(docs.get(id)).toEqual(matrix.slice(row * dim, (row + 1) * dim));
      }
      expect(docs.size).toBe(20);
    }
  });

  test("are new or changed, and deleted", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2, metric: "l2" });
    expect(docs.set("a", [1, 2], { lang: "en" })).toBe(true);
    expect(docs.set("a", [3, 4])).toBe(false);
    expect(docs.get("a")).toEqual(Float32Array.of(3, 4));
    expect(docs.attributes("a")).toEqual({ lang: "en" });
    expect(docs.set("a", [3, 4], null)).toBe(false);
    expect(docs.attributes("a")).toBeUndefined();
    expect(docs.setAttributes("a", { n: [1, { deep: "\u20ac" }] })).toBe(true);
    expect(docs.attributes("a")).toEqual({ n: [1, { deep: "\u20ac" }] });
    expect(docs.setAttributes("b", {})).toBe(false);
    expect(docs.has("a")).toBe(true);
    expect(docs.delete("a", "b")).toBe(1);
    expect(docs.delete()).toBe(0);
    expect(docs.has("a")).toBe(false);
    expect(docs.get("a")).toBeUndefined();
    expect(docs.size).toBe(0);
  });

  test("have ids of any bytes", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors(Uint8Array.of(0, 255), { dim: 1, metric: "l2" });
    const id = Uint8Array.of(255, 0, 10, 13);
    docs.set(id, [1]);
    docs.set("schl\u00fcssel", [2]);
    expect(docs.get(id)).toEqual(Float32Array.of(1));
    expect(docs.search([2], { k: 1 })[0]?.id).toBe("schl\u00fcssel");
  });
});

describe("search", () => {
  test.each(["cosine", "l2", "ip"] as const)("gives distance and score of %s, nearest first", async (metric) => {
    const { db } = openTestDatabase();
    const dim = 12;
    const docs = db.vectors("docs", { dim, metric });
    const matrix = matrixOf(300, dim);
    await docs.setMany(idsOf(300), matrix);
    const query = matrixOf(1, dim, 99);
    const { distance, score } = metrics[metric];
    const truth = idsOf(300)
      .map((id, row) => ({ id, distance: distance(query, matrix.subarray(row * dim, (row + 1) * dim)) }))
      .sort((a, b) => a.distance - b.distance);
    for (const exact of [true, false]) {
      const results = docs.search(query, { k: 15, ef: 300, exact });
      expect(results.map((result) => result.id)).toEqual(truth.slice(0, 15).map((one) => one.id));
      for (const [index, result] of results.entries()) {
        expect(result.distance).toBeCloseTo(truth[index]?.distance as number, 4);
        expect(result.score).toBeCloseTo(score(result.distance), 5);
        expect(result).not.toHaveProperty("attributes");
      }
    }
    expect(docs.search(query)).toHaveLength(10);
  });

  test("lists ids that look like numbers by nearness, not by number", async () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 1, metric: "l2" });
    await docs.setMany(["3", "1", "2", "0"], Float32Array.of(0, 1, 2, 3));
    expect(docs.search([0]).map((result) => result.id)).toEqual(["3", "1", "2", "0"]);
  });

  test("filters by attributes, and gives them", async () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2, metric: "l2" });
    const attributes = Array.from({ length: 100 }, (_, index): Attributes | undefined =>
      index % 10 === 9 ? undefined : { lang: index % 2 ? "en" : "de", year: 1990 + index },
    );
    await docs.setMany(idsOf(100), matrixOf(100, 2), attributes);
    const filter = '.lang == "en" and .year > 2000';
    for (const exact of [false, true]) {
      const results = docs.search([0, 0], { k: 100, filter, exact });
      expect(results).toHaveLength(
        attributes.filter((one) => one?.lang === "en" && (one.year as number) > 2000).length,
      );
      for (const { id, attributes: found } of results) expect(found).toEqual(attributes[Number(id.slice(3))]);
    }
    const code = expect.objectContaining({ name: "NearkeyError" });
    expect(() => docs.search([0, 0], { filter: ".lang ==" })).toThrowError(code);
  });

  test("of many queries gives what each gives alone", async () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 4, metric: "l2" });
    const matrix = matrixOf(200, 4);
    await docs.setMany(idsOf(200), matrix);
    const queries = Array.from({ length: 20 }, (_, row) => matrix.slice(row * 4, row * 4 + 4));
    expect(docs.searchMany(queries, { k: 3 })).toEqual(queries.map((query) => docs.search(query, { k: 3 })));
    expect(docs.searchMany([])).toEqual([]);
    expect(() => docs.searchMany([[1, 2]])).toThrowError(withCode("wrong-dimension"));
    expect(() => docs.searchMany(5 as unknown as number[][])).toThrowError(withCode("invalid-argument"));
  });

  test.each(["cosine", "l2", "ip"] as const)("keeps within a distance of %s, all there are", async (metric) => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 4, metric, quantization: "f32" });
    await docs.setMany(idsOf(600), matrixOf(600, 4));
    const query = matrixOf(1, 4, 7);
    const all = docs.search(query, { k: 600, exact: true });
    for (const at of [0, 30, 300]) {
      // Between two neighbours: one bound rounds as well as the other.
      const maxDistance = ((all[at]?.distance as number) + (all[at + 1]?.distance as number)) / 2;
      expect(docs.search(query, { k: 600, maxDistance, exact: true })).toHaveLength(at + 1);
      expect(docs.search(query, { k: 600, maxDistance, ef: 100 }).length).toBeGreaterThan(at * 0.95);
      expect(docs.search(query, { k: 5, maxDistance }).length).toBe(Math.min(5, at + 1));
    }
    expect(() => docs.search(query, { maxDistance: Number.NaN })).toThrowError(withCode("invalid-argument"));
  });

  test("is explained, and uses indexes", async () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2, metric: "l2" });
    expect(docs.explain([0, 0])).toEqual({ plan: "graph", size: 0, found: 0 });
    const attributes = Array.from({ length: 400 }, (_, index) => ({ n: index, tags: [`t${index % 7}`] }));
    await docs.setMany(idsOf(400), matrixOf(400, 2), attributes);
    expect(docs.explain([0, 0], { k: 7 })).toEqual({ plan: "graph", size: 400, found: 7 });
    expect(docs.explain([0, 0], { exact: true }).plan).toBe("truth");
    const before = docs.explain([0, 0], { filter: ".n < 5" });
    expect(before).toMatchObject({ plan: "scan", found: 5, indexedCandidates: null, fellBack: false });
    expect([docs.createIndex(".n"), docs.createIndex(".n"), docs.createIndex(".tags")]).toEqual([true, false, true]);
    const after = docs.explain([0, 0], { filter: ".n < 5" });
    expect(after).toMatchObject({ matching: 5, matchingExact: true, indexedCandidates: 5, evaluated: 0, measured: 5 });
    expect(docs.indexes()).toMatchObject([
      { path: ".n", entries: 400, numbers: 400, texts: 0, arrays: 0 },
      { path: ".tags", entries: 400, arrays: 400 },
    ]);
    expect([docs.dropIndex(".n"), docs.dropIndex(".n")]).toEqual([true, false]);
    expect(docs.search([0, 0], { filter: ".n < 5" })).toHaveLength(5);
    expect(() => docs.createIndex("n")).toThrowError(expect.objectContaining({ name: "NearkeyError" }));
    expect(() => docs.createIndex(5 as unknown as string)).toThrowError(withCode("invalid-argument"));
  });

  test("survives attributes that are no JSON object", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 1, metric: "l2" });
    docs.set("a", [1]);
    db.command("VSETATTR", "docs", "a", "not json");
    expect(docs.attributes("a")).toBeUndefined();
    expect(docs.search([1])).toEqual([{ id: "a", distance: 0, score: 1 }]);
  });

  test("refuses queries whose length is no float32 under cosine, whatever way they take", async () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2 });
    docs.set("a", [1, 0]);
    for (const query of [
      [3e38, 3e38],
      [1e-39, 0],
    ]) {
      expect(() => docs.search(query)).toThrow(withCode("zero-vector"));
      expect(() => docs.searchMany([query])).toThrow(withCode("zero-vector"));
      expect(() => docs.searchMany([query], { exact: true })).toThrow(withCode("zero-vector"));
      await expect(docs.searchManyAsync([query])).rejects.toEqual(withCode("zero-vector"));
    }
  });

  test("of an empty set finds nothing", () => {
    const { db } = openTestDatabase();
    expect(db.vectors("docs", { dim: 3 }).search([1, 2, 3])).toEqual([]);
  });
});

describe("vectors()", () => {
  test("makes a set with its first element, and opens it", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 3 });
    expect(docs).toMatchObject({ name: "docs", dim: 3, metric: "cosine", m: 16, efConstruction: 200 });
    expect(db.has("docs")).toBe(false);
    docs.set("a", [1, 0, 0]);
    expect(db.has("docs")).toBe(true);
    expect(db.vectors("docs")).toMatchObject({ dim: 3, metric: "cosine", m: 16, efConstruction: 200 });
    docs.delete("a");
    expect(db.has("docs")).toBe(false);
    docs.set("a", [0, 1, 0]);
    expect(docs.size).toBe(1);
  });

  test("refuses other options than the stored ones, naming both", () => {
    const { db } = openTestDatabase();
    const stored: VectorOptions = { dim: 3, metric: "l2", m: 8, efConstruction: 50 };
    db.vectors("docs", stored).set("a", [1, 2, 3]);
    expect(db.vectors("docs", stored).efConstruction).toBe(50);
    for (const [options, both] of [
      [{ dim: 4 }, /dim 3.*dim 4/],
      [{ metric: "ip" }, /metric l2.*metric ip/],
      [{ m: 16 }, /m 8.*m 16/],
      [{ efConstruction: 200 }, /efConstruction 50.*efConstruction 200/],
    ] as [VectorOptions, RegExp][]) {
      expect(() => db.vectors("docs", options)).toThrowError(withCode("options-differ"));
      expect(() => db.vectors("docs", options)).toThrowError(both);
    }
  });

  test("finds out when the set was made anew with others meanwhile", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2, metric: "l2" });
    db.vectors("docs", { dim: 2, metric: "ip" }).set("a", [1, 2]);
    expect(() => docs.set("b", [1, 2])).toThrowError(withCode("options-differ"));
    db.delete("docs");
    db.vectors("docs", { dim: 3, metric: "l2" }).set("a", [1, 2, 3]);
    expect(() => docs.set("b", [1, 2])).toThrowError(withCode("wrong-dimension"));
    expect(() => docs.search([1, 2])).toThrowError(withCode("wrong-dimension"));
  });

  test.each([
    {},
    { dim: 0 },
    { dim: 1.5 },
    { dim: 16385 },
    { dim: 3, m: 3 },
    { dim: 3, m: 5000 },
    { dim: 3, efConstruction: 0 },
    { dim: 3, metric: "chebyshev" as Metric },
    { dim: 3, M: 16 } as object,
  ])("refuses %j", (options) => {
    const { db } = openTestDatabase();
    expect(() => db.vectors("docs", options)).toThrowError(withCode("invalid-option"));
  });

  test("refuses a key of another type", () => {
    const { db } = openTestDatabase();
    db.set("s", "text");
    expect(() => db.vectors("s", { dim: 3 })).toThrowError(withCode("wrong-type"));
    const docs = db.vectors("later", { dim: 1 });
    db.set("later", "text");
    for (const use of [() => docs.set("a", [1]), () => docs.size, () => docs.search([1]), () => docs.get("a")]) {
      expect(use).toThrowError(withCode("wrong-type"));
    }
    docs.delete();
    db.vectors("docs", { dim: 1 }).set("a", [1]);
    expect(() => db.get("docs")).toThrowError(withCode("wrong-type"));
  });
});

describe("what cannot be a vector", () => {
  const { db } = openTestDatabase();
  const docs = db.vectors("docs", { dim: 3, metric: "cosine" });
  docs.set("a", [1, 2, 3], { kept: true });

  test.each([
    [[1, Number.NaN, 3], "not-finite", /number 1 is NaN/],
    [[1, 2, Number.POSITIVE_INFINITY], "not-finite", /number 2 is Infinity/],
    [[1, 2, 1e39], "not-finite", /Infinity/],
    [[1, 2], "wrong-dimension", /2 numbers, the set has 3/],
    [[1, 2, 3, 4], "wrong-dimension", /4 numbers/],
    [[], "wrong-dimension", /0 numbers/],
    [[0, 0, 0], "zero-vector", /zeros/],
    [[0, -0, 1e-46], "zero-vector", /zeros/],
    ["abc", "invalid-argument", /string/],
    [null, "invalid-argument", /null/],
    [[1, undefined, 3], "invalid-argument", /number 1 of a vector is undefined, which is no number/],
    [[1, "2", 3], "invalid-argument", /number 1 of a vector is "2", which is no number/],
  ])("%j is refused by name and changes nothing", async (vector, code, message) => {
    for (const use of [() => docs.set("a", vector as number[]), () => docs.search(vector as number[])]) {
      expect(use).toThrowError(withCode(code));
      expect(use).toThrowError(message);
    }
    expect(docs.get("a")).toEqual(Float32Array.of(1, 2, 3));
    expect(docs.attributes("a")).toEqual({ kept: true });
  });

  test("the zero vector is a vector under l2 and ip", () => {
    for (const metric of ["l2", "ip"] as const) {
      const others = db.vectors(metric, { dim: 3, metric });
      others.set("zero", [0, 0, 0]);
      expect(others.search([0, 0, 0])[0]?.distance).toBeCloseTo(0);
    }
  });

  test.each([[[]], ["text"], [5], [{ n: 1n }]])("attributes %s are refused", (attributes) => {
    expect(() => docs.set("a", [1, 2, 3], attributes as unknown as Attributes)).toThrowError(
      withCode("invalid-argument"),
    );
    expect(() => docs.setAttributes("a", attributes as unknown as Attributes)).toThrowError(
      withCode("invalid-argument"),
    );
    expect(docs.attributes("a")).toEqual({ kept: true });
  });

  test.each([{ k: 0 }, { k: 1.5 }, { k: 20_000 }, { ef: 0 }, { ef: 20_000 }, { filter: 5 as unknown as string }])(
    "the search options %j are refused",
    (options) => {
      expect(() => docs.search([1, 2, 3], options)).toThrowError(withCode("invalid-argument"));
    },
  );
});

describe("setMany", () => {
  test("lets threads go before it overwrites, which they have no part in", async () => {
    const { db } = openTestDatabase();
    const settings = { name: "docs", dim: 2, reduce: undefined, metric: "l2", m: 4, efConstruction: 10 } as const;
    const set = { ...settings, quantization: "f32", keepOriginals: true } as const;
    db.vectors("docs", { dim: 2, metric: "l2", m: 4, efConstruction: 10, quantization: "f32" }).set("id:0", [5, 5]);
    const events: string[] = [];
    const build: Build = {
      waiting: 0,
      ready: async () => undefined,
      add: (insert) => insert(),
      settled: async () => undefined,
      close: () => void events.push("close"),
    };
    const run = <Result>(operation: Operation<Result>): Result => {
      if (operation.commands.some((words) => words.includes("KEEPTTL"))) events.push("overwrite");
      return runOn(db, operation);
    };
    const runAll = async <Result>(operations: readonly Operation<Result>[]) => operations.map(run);
    const port = { run: () => 0 as never, runAll, openBuild: async () => build, sliceBytes: 1 << 20 };
    await insertMany(port, set, idsOf(400), matrixOf(400, 2));
    expect(events.slice(0, 2)).toEqual(["close", "overwrite"]);
  });

  test("inserts rows, lets the event loop go on, and updates", async () => {
    const { db } = openTestDatabase({ maxMemory: "256mb" });
    const docs = db.vectors("docs", { dim: 64, metric: "l2", m: 8, efConstruction: 40 });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const matrix = matrixOf(2000, 64);
    await docs.setMany(idsOf(2000), matrix);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
    expect(docs.size).toBe(2000);
    expect(docs.get("id:1999")).toEqual(matrix.slice(1999 * 64));
    const other = matrixOf(10, 64, 5);
    docs.expire("id:3", 60_000);
    await docs.setMany(idsOf(10), other);
    expect([docs.size, docs.ttlMs("id:3")]).toEqual([2000, Infinity]);
    expect(docs.search(other.subarray(0, 64), { k: 1 })[0]).toMatchObject({ id: "id:0", distance: 0 });
    await docs.setMany([], new Float32Array());
  });

  test.each([
    [["a", "b"], [1, 2, 3], undefined, "wrong-dimension"],
    [["a", "b"], [1, 2, 3, Number.NaN], undefined, "not-finite"],
    [["a", "b"], [1, 2, 0, 0], undefined, "zero-vector"],
    [["a", "a"], [1, 2, 3, 4], undefined, "invalid-argument"],
    [["a", new TextEncoder().encode("a")], [1, 2, 3, 4], undefined, "invalid-argument"],
    [["a", 5 as unknown as string], [1, 2, 3, 4], undefined, "invalid-argument"],
    [["a", "b"], [1, 2, 3, 4], [{}], "invalid-argument"],
    [["a", "b"], [1, 2, 3, 4], [{}, []], "invalid-argument"],
  ])("refuses %j with %j before anything is stored", async (ids, matrix, attributes, code) => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2, metric: "cosine" });
    const given = attributes as Attributes[] | undefined;
    await expect(docs.setMany(ids, Float32Array.from(matrix), given)).rejects.toEqual(withCode(code));
    expect(db.has("docs")).toBe(false);
  });

  test("that would not fit stores nothing and says so", async () => {
    const { db } = openTestDatabase({ maxMemory: "16mb" });
    const docs = db.vectors("docs", { dim: 256, metric: "l2", m: 4, efConstruction: 10 });
    await docs.setMany(idsOf(100), matrixOf(100, 256));
    await expect(docs.setMany(idsOf(20_000), matrixOf(20_000, 256, 2))).rejects.toThrowError(/none was stored/);
    expect(docs.size).toBe(100);
    expect(docs.get("id:7")).toEqual(matrixOf(100, 256).slice(7 * 256, 8 * 256));
  });

  test("whose room is taken meanwhile takes everything back", async () => {
    const { db } = openTestDatabase({ maxMemory: "24mb" });
    const docs = db.vectors("docs", { dim: 256, metric: "l2", m: 4, efConstruction: 10 });
    const before = matrixOf(50, 256);
    await docs.setMany(
      idsOf(50),
      before,
      idsOf(50).map((id) => ({ id })),
    );
    const inserting = docs.setMany(
      idsOf(8000),
      matrixOf(8000, 256, 2),
      idsOf(8000).map(() => null),
    );
    const outcome = expect(inserting).rejects.toEqual(withCode("out-of-memory"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    fill(db);
    await outcome;
    expect(docs.size).toBe(50);
    for (const [row, id] of idsOf(50).entries()) {
      expect(docs.get(id)).toEqual(before.slice(row * 256, (row + 1) * 256));
      expect(docs.attributes(id)).toEqual({ id });
    }
  });

  test("whose room is taken amid overwriting puts back what was overwritten", async () => {
    const { db } = openTestDatabase({ maxMemory: "24mb" });
    const docs = db.vectors("docs", { dim: 256, metric: "l2", m: 4, efConstruction: 10 });
    const rows = 1000;
    const before = matrixOf(rows, 256);
    const attributes = idsOf(rows).map((id) => ({ id }));
    await docs.setMany(idsOf(rows), before, attributes);
    docs.expire("id:7", 60_000);
    const ids = idsOf(rows + 3);
    const more = ids.map((id) => ({ id, text: "t".repeat(2000) }));
    const outcome = expect(docs.setMany(ids, matrixOf(rows + 3, 256, 2), more)).rejects.toEqual(
      withCode("out-of-memory"),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    fill(db);
    await outcome;
    expect([docs.ttlMs("id:7"), docs.ttlMs("id:8")]).toEqual([60_000, Infinity]);
    expect(docs.size).toBe(rows);
    for (const [row, id] of idsOf(rows).entries()) {
      expect(docs.get(id)).toEqual(before.slice(row * 256, (row + 1) * 256));
      expect(docs.attributes(id)).toEqual({ id });
    }
  });

  test.each([
    [1, 16, 20_000, false],
    [64, 4, 5000, false],
    [300, 16, 1000, true],
    [9000, 64, 100, true],
    [768, 16, 1, false],
  ])("estimates the memory of dim %i, m %i, %i rows from above, and not by far", async (dim, m, rows, attributed) => {
    const { db } = openTestDatabase({ maxMemory: "256mb" });
    const { name, metric } = db.vectors("docs", { dim, metric: "l2", m, efConstruction: 4 });
    let estimate = 0;
    const port = {
      run: <Args extends unknown[], Result>(make: (...args: Args) => Operation<Result>, ...args: Args) =>
        runOn(db, make(...args)),
      runAll: async <Result>(operations: readonly Operation<Result>[]) => operations.map((one) => runOn(db, one)),
      canHold: (bytes: number) => {
        estimate = bytes;
        return true;
      },
      sliceBytes: 1 << 20,
    };
    const docs = new VectorSet<"value">(port, {
      ...{ name, dim, reduce: undefined, metric, m, efConstruction: 4 },
      ...{ quantization: "int8", keepOriginals: true },
    });
    const before = db.stats().memoryUsedBytes;
    const attributes = idsOf(rows).map((_, index) =>
      attributed ? { index, lang: "en", tags: ["a", "b"] } : undefined,
    );
    await docs.setMany(idsOf(rows), matrixOf(rows, dim), attributes);
    const taken = db.stats().memoryUsedBytes - before;
    expect(estimate).toBeGreaterThanOrEqual(taken);
    expect(estimate).toBeLessThan(taken * 1.35 + 1_500_000);
  });

  function runOn<Result>(db: Database, operation: Operation<Result>): Result {
    return operation.read(operation.commands.map((command) => db.command(...(command as [string, ...Argument[]]))));
  }

  function fill(db: Database): void {
    try {
      for (let index = 0; ; index++) db.set(`filler:${index}`, "f".repeat(1000));
    } catch (error) {
      expect(error).toEqual(withCode("out-of-memory"));
    }
  }
});

test("over the network a set answers the same, with promises", async () => {
  const { httpPort } = await startTestServer();
  const client = await connect(`ws://127.0.0.1:${httpPort}/`);
  const { db } = openTestDatabase();
  const options: VectorOptions = { dim: 32, metric: "cosine", m: 8, efConstruction: 60 };
  const remote = await client.vectors("docs", options);
  const local = db.vectors("docs", options);
  const matrix = matrixOf(500, 32);
  const attributes = idsOf(500).map((_, index) => ({ index }));
  await remote.setMany(idsOf(500), matrix, attributes);
  await local.setMany(idsOf(500), matrix, attributes);
  expect(await remote.size).toBe(500);
  expect(await remote.set("id:0", matrix.subarray(0, 32))).toBe(false);
  expect(await remote.get("id:3")).toEqual(local.get("id:3"));
  expect(await remote.attributes("id:3")).toEqual({ index: 3 });
  const query = matrix.subarray(64, 96);
  expect(await remote.search(query, { exact: true })).toEqual(local.search(query, { exact: true }));
  expect((await remote.search(query, { filter: ".index < 5" }))[0]).toMatchObject({ id: "id:2" });
  expect(await remote.delete("id:3", "none")).toBe(1);
  expect(await remote.has("id:3")).toBe(false);
  await expect(remote.set("x", [1])).rejects.toEqual(withCode("wrong-dimension"));
  await expect(remote.setMany(["x"], Float32Array.of(1))).rejects.toEqual(withCode("wrong-dimension"));
  await expect(client.vectors("docs", { dim: 5 })).rejects.toEqual(withCode("options-differ"));
  await expect(client.vectors("none")).rejects.toEqual(withCode("invalid-option"));
  await client.close();
});

test("queries that are refused for different reasons leave no rejection to nobody", async () => {
  const { db } = openTestDatabase();
  const docs = db.vectors("docs", { dim: 2 });
  db.set("docs", "text");
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  await expect(docs.searchManyAsync([[1, 2], [1]])).rejects.toThrow();
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("errors of many queries tell which, and of indexes what to do", () => {
  const { db } = openTestDatabase();
  const docs = db.vectors("docs", { dim: 2 });
  const failing = (code: string, message: string | RegExp) =>
    expect.objectContaining({ code, message: typeof message === "string" ? message : expect.stringMatching(message) });
  expect(() => docs.createIndex(".year")).toThrow(
    failing("invalid-argument", /declared once its vector set has an element/),
  );
  docs.set("a", [1, 2], { year: 1 });
  for (const exact of [false, true]) {
    const ask = (queries: unknown[]) => () => docs.searchMany(queries as number[][], { exact });
    expect(ask([[1, 2], [1]])).toThrow(failing("wrong-dimension", "query 1: the vector has 1 numbers, the set has 2"));
    expect(
      ask([
        [1, 2],
        [3, 4],
        [0, 0],
      ]),
    ).toThrow(failing("zero-vector", /^query 2: /));
  }
  expect(() => docs.createIndex("year")).toThrow(
    failing("invalid-argument", /a path is text such as ".year".*, not "year"$/),
  );
  expect(() => docs.search([1, 2], { k: "10" as never })).toThrow(failing("invalid-argument", /, not "10"$/));
  expect(docs.createIndex(".year")).toBe(true);
});
