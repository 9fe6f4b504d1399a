// Quantized vectors: kernels over codes beside a scalar loop over the very codes, what codes stand for beside the
// vectors, and graphs whose walks measure codes, under programs that insert, update, delete and start coding in between.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { drawSeed } from "./engine-driver.ts";
import { CODINGS, COSINE, type Graph, GraphPart, INNER_PRODUCT, L2 } from "./graph-part.ts";
import { Random } from "./random.ts";

const LENGTHS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 784, 1536, 16384];
const names = Object.keys(CODINGS).filter((name) => name !== "f32") as (keyof typeof CODINGS)[];

let part: GraphPart;

beforeAll(async () => {
  part = await GraphPart.compile();
});

function randomVector(length: number, random: Random, scale = 1): Float32Array {
  return Float32Array.from({ length }, () => (random.below(4001) / 1000 - 2) * scale);
}

/** A graph of `rows` vectors, coded. */
function codedGraph(coding: keyof typeof CODINGS, dimensions: number, metric: number, rows: Float32Array[]): Graph {
  part.reset(1);
  const graph = part.create(dimensions, metric, 4, 4, CODINGS[coding]);
  for (const row of rows) graph.add(row);
  graph.code();
  return graph;
}

function squared(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, at) => sum + (value - (b[at] as number)) ** 2, 0);
}

function product(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}

describe.each(names)("points of %s", (coding) => {
  test.each(LENGTHS)("of %i numbers measure what their codes stand for", (length) => {
    const random = new Random(length);
    for (const metric of [L2, INNER_PRODUCT]) {
      const rows = Array.from({ length: 6 }, () => randomVector(length, random));
      const graph = codedGraph(coding, length, metric, rows);
      const decoded = rows.map((_, id) => graph.decoded(id));
      for (let a = 0; a < 6; a++) {
        for (let b = 0; b < 6; b++) {
          const key = graph.measure(a, b);
          const apart = squared(decoded[a] as Float32Array, decoded[b] as Float32Array);
          const scale = graph.scale();
          if (coding === "binary") {
            expect(key * scale * scale).toBeCloseTo(apart, 1);
          } else if (coding === "f16") {
            const distance = metric === L2 ? apart : -product(decoded[a] as Float32Array, decoded[b] as Float32Array);
            expect(Math.abs(part.exports.distanceOfKey(key) - distance)).toBeLessThan(length * 2e-5);
          } else if (metric === L2) {
            expect(Math.abs(key * scale * scale - apart)).toBeLessThan(length * 1e-4);
          } else {
            const [x, y] = [rows[a] as Float32Array, rows[b] as Float32Array];
            const expected = (apart - product(x, x) - product(y, y)) / 2;
            expect(Math.abs(part.exports.distanceOfKey(key) - expected)).toBeLessThan(length * 1e-4);
          }
        }
      }
    }
  });

  test("stand for vectors as near as the coding has it", () => {
    const random = new Random(5);
    const rows = Array.from({ length: 300 }, () => randomVector(40, random));
    const graph = codedGraph(coding, 40, L2, rows);
    const furthest = { f32: 0, f16: 0.001, int8: 4 / 128, int4: 1.2, binary: 2 }[coding];
    for (const [id, row] of rows.entries()) {
      const decoded = graph.decoded(id);
      for (const [at, value] of row.entries()) {
        expect(Math.abs((decoded[at] as number) - value)).toBeLessThanOrEqual(furthest);
      }
    }
  });
});

describe("training", () => {
  test("loses nothing of whole numbers of up to 256 values", () => {
    const random = new Random(2);
    const rows = Array.from({ length: 400 }, () => Float32Array.from({ length: 30 }, () => random.below(256)));
    rows[0]?.fill(0);
    rows[1]?.fill(0);
    rows[2]?.fill(255);
    rows[3]?.fill(255);
    const graph = codedGraph("int8", 30, L2, rows);
    for (const [id, row] of rows.entries()) expect(graph.decoded(id)).toEqual(row);
  });

  test("is not led astray by one vector of another size", () => {
    const random = new Random(3);
    const rows = Array.from({ length: 300 }, () => randomVector(20, random));
    rows[7] = randomVector(20, random, 1e6);
    const graph = codedGraph("int8", 20, L2, rows);
    expect(graph.scale()).toBeLessThan(4.1 / 255);
  });

  test("leaves vectors alone whose squares a float32 cannot hold", () => {
    const random = new Random(4);
    const rows = Array.from({ length: 300 }, () => randomVector(20, random, 1e18));
    const graph = codedGraph("int8", 20, L2, rows);
    expect(graph.isCoded()).toBe(false);
    expect(graph.search(rows[3] as Float32Array, 1, 20)[0]?.[0]).toBe(3);
  });

  test("happens again when numbers leave the range", () => {
    const random = new Random(6);
    const rows = Array.from({ length: 300 }, () => randomVector(20, random));
    const graph = codedGraph("int8", 20, L2, rows);
    const before = graph.scale();
    for (let row = 0; row < 1024; row++) graph.add(randomVector(20, random, 8));
    part.exports.lookAtRange(graph.address);
    expect(graph.isCoded()).toBe(false);
    for (let row = 0; row < 5; row++) part.exports.codeSome(graph.address);
    expect(graph.isCoded()).toBe(true);
    expect(graph.scale()).toBeGreaterThan(before * 7);
  });

  test("does not happen again when they stay", () => {
    const random = new Random(8);
    const rows = Array.from({ length: 300 }, () => randomVector(20, random));
    const graph = codedGraph("int8", 20, L2, rows);
    for (let row = 0; row < 1100; row++) graph.add(randomVector(20, random));
    part.exports.lookAtRange(graph.address);
    expect(graph.isCoded()).toBe(true);
  });
});

test("halves are those of the platform's conversion", () => {
  const { exports } = part;
  const values = [
    0,
    -0,
    1,
    -1,
    65504,
    -65504,
    6.1e-5,
    5.9604645e-8,
    2.98e-8,
    2.9e-8,
    1e-9,
    0.1,
    1 / 3,
    1000.5,
    2049,
    2051,
  ];
  const random = new Random(9);
  for (let index = 0; index < 2000; index++) {
    values.push(Math.fround((random.below(2000001) - 1000000) * 10 ** (random.below(12) - 9)));
  }
  while (values.length % 4 !== 0) values.push(0);
  const from = exports.QUERY_BASE.value;
  const to = exports.SECOND_VECTOR_BASE.value;
  part.floats(from, values.length).set(values);
  exports.narrowVector(from, values.length * 4, to);
  exports.widenVector(to, values.length * 4, from);
  const back = part.floats(from, values.length);
  for (const [index, value] of values.entries()) expect(back[index]).toBe(toHalf(Math.fround(value)));
});

/** The half nearest to a number, ties to even, as a number; the largest where it is beyond. */
function toHalf(value: number): number {
  const size = Math.abs(value);
  if (size === 0) return value;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  const unit = 2 ** (exponent - 10);
  const count = size / unit;
  const floor = Math.floor(count);
  const rest = count - floor;
  const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  return Math.sign(value) * Math.min(rounded * unit, 65504);
}

type Step = { kind: "add" | "update" | "delete" | "search" | "code"; pick: number; vector: number[] };

function programs(dimensions: number): fc.Arbitrary<Step[]> {
  const kind = fc.constantFrom<Step["kind"]>("add", "add", "add", "update", "delete", "search", "code");
  const vector = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: dimensions, maxLength: dimensions });
  return fc.array(fc.record({ kind, pick: fc.nat(), vector }), { minLength: 1, maxLength: 120 });
}

function runStep(graph: Graph, model: Map<number, number[]>, step: Step): void {
  const { kind, pick, vector } = step;
  if (graph.metric === COSINE && vector.every((value) => value === 0)) return;
  const ids = [...model.keys()];
  const id = ids[pick % Math.max(1, ids.length)];
  if (kind === "add") model.set(graph.add(vector), vector);
  else if (kind === "code" && model.size > 1 && !graph.isAtIt()) graph.code(pick % 2 === 0);
  else if (kind === "search") {
    const found = graph.search(vector, 5, 50);
    expect(found.length).toBe(Math.min(5, model.size));
    for (const [other] of found) expect(model.has(other)).toBe(true);
    const distances = found.map(([, distance]) => distance);
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
  } else if (id !== undefined && kind === "update") {
    graph.update(id, vector);
    model.set(id, vector);
  } else if (id !== undefined && kind === "delete") {
    graph.delete(id);
    model.delete(id);
  }
}

describe("programs keep a graph of codes whole", () => {
  const seed = drawSeed("codes.test.ts");
  const cases = names.flatMap((coding) => [COSINE, L2, INNER_PRODUCT].map((metric) => ({ coding, metric })));
  test.each(cases)("of $coding, metric $metric", ({ coding, metric }) => {
    fc.assert(
      fc.property(programs(3), fc.integer({ min: 4, max: 6 }), fc.nat(), (steps, m, levels) => {
        part.reset(levels);
        const graph = part.create(3, metric, m, 20, CODINGS[coding]);
        const model = new Map<number, number[]>();
        for (const step of steps) {
          runStep(graph, model, step);
          expect(graph.validate()).toBe(0);
        }
        for (const [id, vector] of model) expect([...graph.get(id)]).toEqual(vector);
      }),
      { seed, numRuns: 20 },
    );
  });
});

describe("recall", () => {
  /** Points around 40 centres in `dimensions` dimensions. */
  function clustered(count: number, dimensions: number, random: Random): Float32Array[] {
    const normal = () => (random.below(1000) + random.below(1000) + random.below(1000) - 1498.5) / 500;
    const centres = Array.from({ length: 40 }, () => Array.from({ length: dimensions }, normal));
    return Array.from({ length: count }, () => {
      return Float32Array.from(centres[random.below(40)] as number[], (value) => value + 0.7 * normal());
    });
  }

  const least = { f16: 0.97, int8: 0.97, int4: 0.9, binary: 0.5 } as Record<string, number>;
  const cases = names.flatMap((coding) => [COSINE, L2].map((metric) => ({ coding, metric })));
  test.each(cases)("of $coding beside the truth, metric $metric", ({ coding, metric }) => {
    const random = new Random(12);
    part.reset(12);
    const graph = part.create(48, metric, 16, 100, CODINGS[coding]);
    const points = clustered(3100, 48, random);
    const queries = points.splice(0, 100);
    for (const [index, point] of points.entries()) {
      graph.add(point);
      if (index === 400) graph.code();
    }
    let found = 0;
    for (const query of queries) {
      const truth = new Set(graph.searchAll(query, 10).map(([id]) => id));
      for (const [id] of graph.search(query, 10, 80)) if (truth.has(id)) found++;
    }
    expect(graph.validate()).toBe(0);
    expect(found / 1000).toBeGreaterThan(least[coding] as number);
  });
});
