// Manhattan, Hamming and Jaccard: kernels over every coding against plain arithmetic, for all lengths about the lanes and for extremes,
// with the bounds that the kernels state; and sets that are searched by them.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Metric, VectorOptions } from "../src/database/vector-options.ts";
import type { NearkeyError } from "../src/errors.ts";
import { ReplyError } from "../src/resp.ts";
import { openTestDatabase } from "./database-fixture.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { CODINGS, type Graph, GraphPart } from "./graph-part.ts";
import { numbers, Random } from "./random.ts";

const seed = drawSeed("other-metrics.test.ts");
const MANHATTAN = 3;
const HAMMING = 4;
const JACCARD = 5;
const LENGTHS = [...Array.from({ length: 36 }, (_, index) => index + 1), 63, 64, 65, 127, 128, 129, 784, 1536, 16384];
const ULP = 2 ** -24;

let part: GraphPart;

beforeAll(async () => {
  part = await GraphPart.compile();
});

type Vectors = readonly Float32Array[];

function manhattan(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] as number)), 0);
}

function hamming(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + Number(value !== b[at]), 0);
}

function jaccard(a: Float32Array, b: Float32Array): number {
  const either = a.filter((value, at) => value === 1 || b[at] === 1).length;
  return either === 0 ? 0 : hamming(a, b) / either;
}

/** Vectors of numbers about zero; also of the extremes whose differences a float32 still holds. */
function vectorsOf(length: number, count: number, random: Random): Vectors {
  const next = numbers(seed + length);
  return Array.from({ length: count }, (_, row) => {
    const scale = row < 2 ? 1e30 : row < 4 ? 1e-30 : 4;
    return Float32Array.from({ length }, () => (random.oneIn(9) ? 0 : next() * scale));
  });
}

/** Sets of every density, the empty one and the full one among them. */
function bitsOf(length: number, count: number, random: Random): Vectors {
  return Array.from({ length: count }, (_, row) => {
    if (row < 2) return new Float32Array(length).fill(row);
    return Float32Array.from({ length }, () => Number(random.below(count) < row));
  });
}

function graphOf(metric: number, coding: keyof typeof CODINGS, rows: Vectors): Graph {
  part.reset(1);
  const graph = part.create(rows[0]?.length ?? 0, metric, 4, 4, CODINGS[coding]);
  for (const row of rows) graph.add(row);
  if (coding !== "f32") graph.code();
  return graph;
}

/** Keys of one row's distances to all, four at a time; the row is a stored one, so that its point is there. */
function keysOf(graph: Graph, row: number, count: number): number[] {
  const { exports } = part;
  part.words(exports.ROW_IDS, count).set(Array.from({ length: count }, (_, id) => id));
  exports.measureRow(graph.address, exports.pointAt(graph.address, row), count, -1);
  return [...part.words(exports.ROW_KEYS, count)];
}

/** Compares every pair of rows, measured one to one and four at a time. */
function comparePairs(graph: Graph, count: number, compare: (key: number, a: number, b: number) => void): void {
  for (let a = 0; a < count; a++) {
    for (const [b, key] of keysOf(graph, a, count).entries()) {
      compare(key, a, b);
      compare(graph.measure(a, b), a, b);
    }
  }
}

describe.each(LENGTHS)("of %i numbers", (length) => {
  const random = new Random(seed ^ length);

  test("Manhattan distances of float32 and halves are within their bound", () => {
    for (const coding of ["f32", "f16"] as const) {
      const all = vectorsOf(length, 9, random);
      // Halves hold no numbers over 65,504.
      const graph = graphOf(MANHATTAN, coding, coding === "f32" ? all : all.slice(2));
      const rows = coding === "f32" ? all : all.slice(2).map((_, id) => graph.decoded(id));
      comparePairs(graph, rows.length, (key, a, b) => {
        const expected = manhattan(rows[a] as Float32Array, rows[b] as Float32Array);
        const bound = (Math.ceil(length / 4) + 5) * ULP * expected;
        expect(Math.abs(part.exports.distanceOfKey(key) - expected)).toBeLessThanOrEqual(bound);
      });
    }
  });

  test("Manhattan distances of codes are those of what they stand for", () => {
    for (const coding of ["int8", "int4", "binary"] as const) {
      const all = vectorsOf(length, 9, random).slice(4);
      const graph = graphOf(MANHATTAN, coding, all);
      const rows = all.map((_, id) => graph.decoded(id));
      comparePairs(graph, rows.length, (key, a, b) => {
        const steps = manhattan(rows[a] as Float32Array, rows[b] as Float32Array) / graph.scale();
        // What codes stand for was rounded to float32, each number by half a unit of the largest.
        expect(Math.abs(key - steps)).toBeLessThanOrEqual(length * 300 * ULP * 2 + 1e-9);
      });
    }
  });

  test.each([HAMMING, JACCARD])("distances of bits, metric %i, are exact, and those of float32 the same", (metric) => {
    const rows = bitsOf(length, 9, random);
    const oracle = metric === HAMMING ? hamming : jaccard;
    for (const coding of ["f32", "binary"] as const) {
      const graph = graphOf(metric, coding, rows);
      comparePairs(graph, rows.length, (key, a, b) => {
        const expected = oracle(rows[a] as Float32Array, rows[b] as Float32Array);
        expect(part.exports.distanceOfKey(key)).toBe(Math.fround(expected));
      });
      for (const [id, row] of rows.entries())
        expect(graph.decoded(id)).toEqual(coding === "binary" ? row : graph.decoded(id));
    }
  });
});

const oracles = { manhattan, hamming, jaccard } as const;
type OtherMetric = keyof typeof oracles & Metric;

/** Rows that a metric takes. */
function rowsFor(metric: OtherMetric, dim: number, count: number, from = 0): Vectors {
  if (metric === "manhattan") {
    const next = numbers(seed + from);
    return Array.from({ length: count }, () => Float32Array.from({ length: dim }, () => next() * 3));
  }
  const random = new Random(seed + from);
  const density = 2 + random.below(4);
  return Array.from({ length: count }, () => Float32Array.from({ length: dim }, () => Number(random.oneIn(density))));
}

const scores = {
  manhattan: (d: number) => 1 / (1 + d),
  hamming: (d: number) => 1 / (1 + d),
  jaccard: (d: number) => 1 - d,
};

describe.each([
  { metric: "manhattan", quantization: "int8" },
  { metric: "manhattan", quantization: "int4", keepOriginals: true },
  { metric: "manhattan", quantization: "f16", keepOriginals: true },
  { metric: "manhattan", quantization: "f32" },
  { metric: "hamming" },
  { metric: "hamming", quantization: "f32" },
  { metric: "jaccard" },
  { metric: "jaccard", quantization: "f32" },
] as const satisfies (VectorOptions & { metric: OtherMetric })[])("a set %o", (options) => {
  const { metric } = options;
  const [dim, count] = [40, 500];
  const rows = rowsFor(metric, dim, count);
  const queries = rowsFor(metric, dim, 30, 1);

  function fill(): { docs: ReturnType<ReturnType<typeof openTestDatabase>["db"]["vectors"]>; tick(): boolean } {
    const { db, tick } = openTestDatabase();
    const docs = db.vectors("docs", { dim, ...options });
    for (const [row, vector] of rows.entries()) docs.set(`id:${row}`, vector, { row });
    while (tick());
    return { docs, tick };
  }

  const truth = (query: Float32Array) =>
    rows
      .map((row) => oracles[metric](query, row))
      .sort((a, b) => a - b)
      .slice(0, 10);

  test("finds by walks what arithmetic finds, and tells how far and how good", () => {
    const { docs } = fill();
    let hits = 0;
    for (const query of queries) {
      const found = docs.search(query, { ef: 120 });
      for (const { id, distance, score } of found) {
        const expected = oracles[metric](query, rows[Number(id.slice(3))] as Float32Array);
        expect(distance).toBeCloseTo(expected, 4);
        expect(score).toBeCloseTo(scores[metric](expected), 4);
      }
      const nearest = truth(query);
      hits += found.filter(({ distance }) => distance <= (nearest[9] as number) + 1e-4).length;
      const exact = docs.search(query, { exact: true }).map(({ distance }) => distance);
      for (const [at, distance] of exact.entries()) expect(distance).toBeCloseTo(nearest[at] as number, 4);
      const within = docs.search(query, { maxDistance: nearest[4] as number, k: 20 });
      for (const { distance } of within) expect(distance).toBeLessThanOrEqual(nearest[4] as number);
      const even = docs.search(query, { filter: ".row % 2 == 0", k: 5 });
      expect(even.length).toBe(5);
      expect(even.every(({ id }) => Number(id.slice(3)) % 2 === 0)).toBe(true);
    }
    expect(hits / (queries.length * 10)).toBeGreaterThan(0.95);
    expect(docs.searchMany(queries, { exact: true })).toEqual(
      queries.map((query) => docs.search(query, { exact: true })),
    );
  });

  test("gives back what was stored, takes other vectors, and loses elements", () => {
    const { docs } = fill();
    for (const [row, vector] of rows.entries()) expect(docs.get(`id:${row}`)).toEqual(vector);
    for (let row = 0; row < 100; row++) docs.set(`id:${row}`, rows[row + 100] as Float32Array);
    for (let row = 200; row < 300; row++) expect(docs.delete(`id:${row}`)).toBe(1);
    expect(docs.get("id:7")).toEqual(rows[107]);
    expect(docs.search(rows[107] as Float32Array, { k: 2, ef: 100 }).map(({ distance }) => distance)).toEqual([0, 0]);
    expect(docs.size).toBe(400);
  });
});

test("bits take a bit each, and their records say what they are", () => {
  const { db, tick } = openTestDatabase();
  const docs = db.vectors("bits", { dim: 512, metric: "jaccard", m: 4 });
  expect(docs.quantization).toBe("binary");
  expect(docs.keepOriginals).toBe(false);
  const rows = rowsFor("jaccard", 512, 300);
  for (const [row, vector] of rows.entries()) docs.set(`${row}`, vector);
  while (tick());
  const reply = db.command("VINFO", "bits") as unknown as Record<string, unknown>;
  expect(reply).toMatchObject({ metric: "JACCARD", "quant-type": "bin", quantized: true, originals: false });
  // A page for each kind of block: float32 alone would be 600 KB.
  expect(Number(reply.bytes)).toBeLessThan(400_000);
  expect(db.vectors("bits", { metric: "jaccard" }).dim).toBe(512);
});

test("what a metric does not take is refused, and nothing changes", () => {
  const { db } = openTestDatabase();
  const refusal = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return `${(error as NearkeyError).code}: ${(error as NearkeyError).message}`;
    }
    return "none";
  };
  const open = (options: VectorOptions) => refusal(() => db.vectors("x", { dim: 4, ...options }));
  expect(open({ metric: "hamming", quantization: "int8" })).toMatch(
    /^invalid-option: metric "hamming" takes quantization/,
  );
  expect(open({ metric: "jaccard", reduce: 2 })).toMatch(/^invalid-option: .* reduce/);
  expect(open({ metric: "jaccard", keepOriginals: true })).toMatch(/^invalid-option: .* keepOriginals/);
  expect(open({ metric: "l1" as Metric })).toMatch(/^invalid-option: metric must be one of/);
  const docs = db.vectors("x", { dim: 4, metric: "hamming" });
  expect(refusal(() => docs.set("a", [0, 1, 0.5, 1]))).toMatch(/^invalid-argument: number 2 is 0.5/);
  docs.set("a", [0, 1, -0, 1]);
  expect(refusal(() => docs.search([0, 2, 0, 0]))).toMatch(/^invalid-argument: number 1 is 2/);
  expect(docs.search([-0, -0, 0, 0])[0]?.distance).toBe(2);
  const driver = new EngineDriver();
  const reply = (...command: string[]) => {
    const answer = driver.run(...command);
    return answer instanceof ReplyError ? answer.message : String(answer);
  };
  expect(reply("VADD", "h", "VALUES", "2", "1", "3", "a", "METRIC", "HAMMING")).toMatch(/zeros and ones/);
  expect(reply("VADD", "h", "VALUES", "2", "1", "0", "a", "METRIC", "HAMMING", "Q8")).toMatch(/takes BIN/);
  expect(reply("VADD", "h", "REDUCE", "1", "VALUES", "2", "1", "0", "a", "METRIC", "JACCARD")).toMatch(/REDUCE/);
  expect(driver.run("EXISTS", "h")).toBe(0);
  expect(driver.run("VADD", "h", "VALUES", "2", "1", "0", "a", "METRIC", "HAMMING", "NOQUANT")).toBe(1);
  expect(reply("VSIM", "h", "VALUES", "2", "1", "7")).toMatch(/zeros and ones/);
  expect(reply("VOPTIMIZE", "h", "Q4")).toMatch(/takes BIN/);
  expect(driver.run("VOPTIMIZE", "h", "BIN")).toBe(1);
});

test("programs of changes leave sets of every metric as a plain model has them", () => {
  fc.assert(
    fc.property(fc.constantFrom<OtherMetric>("manhattan", "hamming", "jaccard"), fc.integer(), (metric, choice) => {
      const random = new Random(choice);
      const { db, tick } = openTestDatabase();
      const dim = 1 + random.below(20);
      const docs = db.vectors("docs", { dim, metric, m: 4, efConstruction: 30 });
      const model = new Map<string, Float32Array>();
      const rows = rowsFor(metric, dim, 60, choice);
      for (let step = 0; step < 120; step++) {
        const id = `${random.below(50)}`;
        if (random.oneIn(3)) expect(docs.delete(id)).toBe(Number(model.delete(id)));
        else {
          const vector = random.pick(rows);
          expect(docs.set(id, vector)).toBe(!model.has(id));
          model.set(id, vector);
        }
        if (random.oneIn(9)) tick();
      }
      const query = random.pick(rows);
      const found = docs.search(query, { exact: true, k: 60 });
      expect(found.map(({ id }) => id).sort()).toEqual([...model.keys()].sort());
      for (const { id, distance } of found) {
        expect(distance).toBeCloseTo(oracles[metric](query, model.get(id) as Float32Array), 4);
      }
    }),
    { seed, numRuns: 40 },
  );
});
