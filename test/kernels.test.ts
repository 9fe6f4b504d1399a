// Distance kernels against a scalar loop in double precision, for every length around the lane width and the lengths
// that embeddings have.

import { beforeAll, describe, expect, test } from "vitest";
import { COSINE, GraphPart, INNER_PRODUCT, L2 } from "./graph-part.ts";
import { Random } from "./random.ts";

const LENGTHS = [...Array.from({ length: 70 }, (_, index) => index + 1), 128, 784, 1536, 16384];
const A = 0x2000_0000;
const B = 0x2010_0000;

let part: GraphPart;

beforeAll(async () => {
  part = await GraphPart.compile();
});

function randomVector(length: number, random: Random): Float32Array {
  return Float32Array.from({ length }, () => random.below(2001) / 500 - 2);
}

function place(address: number, vector: Float32Array): number {
  const padded = Math.ceil(vector.length / 4) * 4;
  part.floats(address, padded).fill(0).set(vector);
  return padded * 4;
}

function scalarL2(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + (value - (b[index] as number)) ** 2, 0);
}

function scalarProduct(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] as number), 0);
}

describe("one to one", () => {
  test.each(LENGTHS)("of %i numbers", (length) => {
    const random = new Random(length);
    const [a, b] = [randomVector(length, random), randomVector(length, random)];
    place(A, a);
    const bytes = place(B, b);
    const scale = length * 16;
    expect(Math.abs(part.exports.squaredL2(A, B, bytes) - scalarL2(a, b))).toBeLessThan(scale * 1e-6);
    expect(Math.abs(part.exports.innerProduct(A, B, bytes) - scalarProduct(a, b))).toBeLessThan(scale * 1e-6);
    expect(part.exports.squaredL2(A, A, bytes)).toBe(0);
  });
});

describe("one to four", () => {
  test.each(LENGTHS)("of %i numbers, for 1 to 9 vectors", (length) => {
    const random = new Random(length);
    const metrics = [
      { metric: L2, oracle: scalarL2 },
      { metric: INNER_PRODUCT, oracle: (a: Float32Array, b: Float32Array) => -scalarProduct(a, b) },
    ];
    for (const { metric, oracle } of metrics) {
      part.reset(length);
      const graph = part.create(length, metric, 4, 4);
      const stored = Array.from({ length: 9 }, () => randomVector(length, random));
      for (const vector of stored) graph.add(vector);
      const query = randomVector(length, random);
      place(part.exports.QUERY_BASE.value, query);
      for (let count = 1; count <= 9; count++) {
        const ids = Array.from({ length: count }, (_, index) => (index * 5) % 9);
        part.words(part.exports.ROW_IDS, count).set(ids);
        expect(part.exports.measureRow(graph.address, part.exports.QUERY_BASE.value, count, -1)).toBe(count);
        const keys = part.words(part.exports.ROW_KEYS, count);
        for (const [index, id] of ids.entries()) {
          const expected = oracle(query, stored[id] as Float32Array);
          const measured = part.exports.distanceOfKey(keys[index] as number);
          expect(Math.abs(measured - expected)).toBeLessThan(length * 16e-6);
        }
      }
    }
  });

  test("give a vector up only when it is beyond the bound", () => {
    const random = new Random(3);
    part.reset(3);
    const graph = part.create(300, L2, 4, 4);
    // Some much farther away than others: distances of random vectors alone hardly differ.
    const stored = Array.from({ length: 50 }, (_, index) => randomVector(300, random).map((x) => x * (1 + index / 10)));
    for (const vector of stored) graph.add(vector);
    const query = randomVector(300, random);
    place(part.exports.QUERY_BASE.value, query);
    const distances = stored.map((vector) => scalarL2(query, vector));
    const bound = [...distances].sort((a, b) => a - b)[20] as number;
    const key = (new Uint32Array(Float32Array.of(bound).buffer)[0] as number) ^ 0x8000_0000;
    part.words(part.exports.ROW_IDS, 50).set([...stored.keys()]);
    const left = part.exports.measureRow(graph.address, part.exports.QUERY_BASE.value, 50, key);
    const kept = [...part.words(part.exports.ROW_IDS, left)];
    for (const [id, distance] of distances.entries()) {
      if (distance < bound * 0.999) expect(kept).toContain(id);
    }
    expect(left).toBeLessThan(50);
  });
});

describe("originals", () => {
  test("come back bit for bit under every metric", () => {
    const random = new Random(11);
    for (const metric of [COSINE, L2, INNER_PRODUCT]) {
      part.reset(metric);
      const graph = part.create(37, metric, 4, 4);
      for (let row = 0; row < 300; row++) {
        const scale = 10 ** (random.below(60) - 30);
        const vector = Float32Array.from({ length: 37 }, () => (random.below(1 << 24) / (1 << 24) - 0.5) * scale);
        expect(graph.get(graph.add(vector))).toEqual(vector);
      }
    }
  });
});
