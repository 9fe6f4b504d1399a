// The order in which many vectors go into a graph: nothing lost, the same every time, neighbours together, long links left.

import { expect, test } from "vitest";
import { insertionOrder } from "../src/database/insertion-order.ts";
import { Turn } from "../src/event-loop.ts";
import { openTestDatabase } from "./database-fixture.ts";
import { numbers } from "./random.ts";

const DIM = 12;

/** Rows about 40 centres, one after the other. */
function clusters(count: number): { vector: Float32Array; row: number }[] {
  const next = numbers(3);
  const centres = Array.from({ length: 40 }, () => Float32Array.from({ length: DIM }, () => 10 * next()));
  return Array.from({ length: count }, (_, row) => ({
    vector: (centres[row % 40] as Float32Array).map((x) => x + next()),
    row,
  }));
}

function apart(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((x, at) => x - (b[at] as number)));
}

test("all rows are in it, neighbours after each other, the same every time", async () => {
  const rows = clusters(5000);
  const order = await insertionOrder(rows, new Turn());
  expect(order.map(({ row }) => row).sort((a, b) => a - b)).toEqual(rows.map(({ row }) => row));
  expect(await insertionOrder(rows, new Turn())).toEqual(order);
  const step = (from: number, to: number) => {
    let sum = 0;
    for (let at = from + 1; at < to; at++) {
      sum += apart((order[at - 1] as { vector: Float32Array }).vector, (order[at] as { vector: Float32Array }).vector);
    }
    return sum / (to - from - 1);
  };
  // The first rows are in the order of chance, the last half is one round.
  expect(step(2500, 5000)).toBeLessThan(0.4 * step(0, 600));
});

test("none, one and equal rows come to an end", async () => {
  const equal = Array.from({ length: 3000 }, (_, row) => ({ vector: new Float32Array(4), row }));
  expect(new Set(await insertionOrder(equal, new Turn())).size).toBe(3000);
  expect(await insertionOrder([], new Turn())).toEqual([]);
  expect(await insertionOrder(equal.slice(0, 1), new Turn())).toEqual(equal.slice(0, 1));
});

test("it ends when it is aborted", async () => {
  const rows = clusters(20_000);
  const turn = new Turn(AbortSignal.abort(new Error("enough")));
  await expect(insertionOrder(rows, turn)).rejects.toThrow("the call was aborted");
});

test("rows that come cluster by cluster are found as well as rows in the order of chance", async () => {
  const rows = clusters(3000).sort((a, b) => (a.row % 40) - (b.row % 40));
  const { db } = openTestDatabase();
  const docs = db.vectors("d", { dim: DIM, metric: "l2", m: 4 });
  const matrix = Float32Array.from(rows.flatMap(({ vector }) => [...vector]));
  await docs.setMany(
    rows.map(({ row }) => String(row)),
    matrix,
  );
  let found = 0;
  for (let at = 0; at < rows.length; at += 10) {
    const query = (rows[at] as { vector: Float32Array }).vector;
    const truth = new Set(docs.search(query, { k: 10, exact: true }).map(({ id }) => id));
    found += docs.search(query, { k: 10, ef: 40 }).filter(({ id }) => truth.has(id)).length;
  }
  expect(found / (rows.length / 10) / 10).toBeGreaterThan(0.95);
});
