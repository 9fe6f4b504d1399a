// Exact search against plain arithmetic: one query and several in one pass, each metric, each coding without originals,
// sizes around runs, tiles and blocks, deleted elements, ties, numbers whose squares overflow or cancel.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Metric, Quantization } from "../src/database/vector-options.ts";
import { openTestDatabase } from "./database-fixture.ts";
import { numbers } from "./random.ts";

type Numbers = readonly number[];

const dot = (a: Numbers, b: Numbers) => a.reduce((sum, x, at) => sum + x * (b[at] as number), 0);

function distance(metric: Metric, a: Numbers, b: Numbers): number {
  if (metric === "ip") return -dot(a, b);
  if (metric === "cosine") return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  return Math.hypot(...a.map((x, at) => x - (b[at] as number)));
}

const round = (vector: Numbers) => Array.from(Float32Array.from(vector));

test("many at once find what each finds alone, and what arithmetic finds, after deletions too", () => {
  fc.assert(
    fc.property(
      fc.record({
        metric: fc.constantFrom<Metric>("l2", "ip", "cosine"),
        dim: fc.constantFrom(1, 3, 4, 15, 16, 17, 64, 130),
        rows: fc.integer({ min: 1, max: 300 }),
        queries: fc.integer({ min: 1, max: 19 }),
        k: fc.constantFrom(1, 10, 400),
        offset: fc.constantFrom(0, 0, 1000),
        seed: fc.nat(),
      }),
      ({ metric, dim, rows, queries, k, offset, seed }) => {
        const next = numbers(seed);
        const vector = () => round(Array.from({ length: dim }, () => offset + next()));
        const { db } = openTestDatabase();
        const docs = db.vectors("d", { dim, metric, quantization: "f32" });
        const live = new Map<string, number[]>();
        for (let row = 0; row < rows; row++) {
          live.set(String(row), vector());
          docs.set(String(row), live.get(String(row)) as number[]);
        }
        for (let row = 0; row < rows; row += 1 + Math.floor(Math.abs(next()) * 8)) {
          if (live.size === 1) break;
          docs.delete(String(row));
          live.delete(String(row));
        }
        const asked = Array.from({ length: queries }, vector);
        const together = docs.searchMany(asked, { k, exact: true });
        expect(together).toEqual(asked.map((query) => docs.search(query, { k, exact: true })));
        together.forEach((results, at) => {
          const truth = [...live.values()]
            .map((row) => distance(metric, asked[at] as number[], row))
            .sort((a, b) => a - b);
          expect(results).toHaveLength(Math.min(k, live.size));
          const scale = metric === "ip" ? 1 + offset ** 2 * dim : 1 + (metric === "l2" ? offset : 0);
          results.forEach((result, rank) => {
            expect(Math.abs(result.distance - (truth[rank] as number))).toBeLessThan(1e-4 * scale);
          });
        });
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

test("squares that overflow do not hide the nearest", () => {
  const { db } = openTestDatabase();
  const docs = db.vectors("d", { dim: 4, metric: "l2", quantization: "f32" });
  for (let row = 0; row < 40; row++) docs.set(String(row), [row % 2 ? 3e38 : 1e19, row, 0, 0]);
  const asked = [
    [1e19, 0, 0, 0],
    [3e38, 1, 0, 0],
    [0, 0, 0, 0],
  ];
  expect(docs.searchMany(asked, { k: 40, exact: true })).toEqual(
    asked.map((query) => docs.search(query, { k: 40, exact: true })),
  );
});

test("squares that underflow do not hide the nearest", () => {
  const { db } = openTestDatabase();
  const docs = db.vectors("d", { dim: 8, metric: "l2", quantization: "f32" });
  const next = numbers(11);
  const vector = () => Float32Array.from({ length: 8 }, () => next() * 2e-22);
  for (let row = 0; row < 400; row++) docs.set(String(row), vector());
  const asked = Array.from({ length: 16 }, vector);
  expect(docs.searchMany(asked, { k: 20, exact: true })).toEqual(
    asked.map((query) => docs.search(query, { k: 20, exact: true })),
  );
});

test.each<Quantization>(["f16", "int8", "int4", "binary"])(
  "%s alone: the nearest by codes, blocks and all",
  (quantization) => {
    const { db, tick } = openTestDatabase();
    const next = numbers(7);
    const dim = 20;
    const docs = db.vectors("d", { dim, metric: "l2", quantization, keepOriginals: false });
    const rows = Array.from({ length: 4000 }, () => Float32Array.from({ length: dim }, next));
    rows.forEach((row, at) => {
      docs.set(String(at), row);
    });
    for (let at = 0; at < rows.length; at += 3) docs.delete(String(at));
    while (tick());
    const queries = rows.slice(1, 30);
    const together = docs.searchMany(queries, { k: 5, exact: true });
    expect(together).toEqual(queries.map((query) => docs.search(query, { k: 5, exact: true })));
    const found = together.filter(
      (results, at) => (at + 1) % 3 === 0 || results.some(({ id }) => id === String(at + 1)),
    );
    expect(found.length).toBe(queries.length);
    expect(together.flat().every(({ id }) => Number(id) % 3 !== 0)).toBe(true);
  },
);
