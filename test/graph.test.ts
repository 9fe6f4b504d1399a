// The graph under programs of insertions, updates, deletions and searches: after each step its own validator finds
// nothing broken, and exact search agrees with a plain list. And its recall, fresh and after half of it was replaced.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { drawSeed } from "./engine-driver.ts";
import { COSINE, type Graph, GraphPart, INNER_PRODUCT, L2 } from "./graph-part.ts";
import { Random } from "./random.ts";

let part: GraphPart;

beforeAll(async () => {
  part = await GraphPart.compile();
});

type Step = { kind: "add" | "update" | "delete" | "search"; pick: number; vector: number[] };

function programs(dimensions: number): fc.Arbitrary<Step[]> {
  const step = fc.record({
    kind: fc.constantFrom("add", "add", "add", "update", "delete", "search") as fc.Arbitrary<Step["kind"]>,
    pick: fc.nat(),
    // Few different numbers, so that equal vectors and equal distances are common.
    vector: fc.array(fc.integer({ min: -3, max: 3 }), { minLength: dimensions, maxLength: dimensions }),
  });
  return fc.array(step, { minLength: 1, maxLength: 150 });
}

function distance(metric: number, a: readonly number[], b: readonly number[]): number {
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, v, at) => sum + v * (y[at] as number), 0);
  if (metric === INNER_PRODUCT) return -product(a, b);
  if (metric === L2) return a.reduce((sum, v, at) => sum + (v - (b[at] as number)) ** 2, 0);
  return 2 - (2 * product(a, b)) / Math.sqrt(product(a, a) * product(b, b));
}

/** Runs one step on the graph and on the model, id → vector. */
function runStep(graph: Graph, model: Map<number, number[]>, { kind, pick, vector }: Step): void {
  if (graph.metric === COSINE && vector.every((value) => value === 0)) return;
  const ids = [...model.keys()];
  const id = ids[pick % Math.max(1, ids.length)];
  if (kind === "add") {
    const fresh = graph.add(vector);
    expect(model.has(fresh)).toBe(false);
    model.set(fresh, vector);
  } else if (kind === "search") {
    const found = graph.searchAll(vector, 5).map(([, measured]) => measured);
    const expected = [...model.values()].map((other) => distance(graph.metric, vector, other));
    const nearest = expected.sort((a, b) => a - b).slice(0, 5);
    expect(found.length).toBe(nearest.length);
    for (const [at, measured] of found.entries()) expect(measured).toBeCloseTo(nearest[at] as number, 4);
    const walked = graph.search(vector, 5, 50).map(([other]) => other);
    expect(new Set(walked).size).toBe(walked.length);
    for (const other of walked) expect(model.has(other)).toBe(true);
  } else if (id !== undefined && kind === "update") {
    graph.update(id, vector);
    model.set(id, vector);
  } else if (id !== undefined) {
    graph.delete(id);
    model.delete(id);
  }
}

describe("programs keep the graph whole", () => {
  const seed = drawSeed("graph.test.ts");
  const cases = [2, 3, 8].flatMap((dimensions) =>
    [COSINE, L2, INNER_PRODUCT].map((metric) => ({ dimensions, metric })),
  );
  test.each(cases)("in $dimensions dimensions, metric $metric", ({ dimensions, metric }) => {
    fc.assert(
      fc.property(programs(dimensions), fc.integer({ min: 4, max: 6 }), fc.nat(), (steps, m, levels) => {
        part.reset(levels);
        const graph = part.create(dimensions, metric, m, 20);
        const model = new Map<number, number[]>();
        for (const step of steps) {
          runStep(graph, model, step);
          expect(graph.validate()).toBe(0);
        }
        for (const [id, vector] of model) expect([...graph.get(id)]).toEqual(vector.map((value) => value));
      }),
      { seed, numRuns: 40 },
    );
  });

  /** Inserts and deletes around 150 nodes of few links; answers the steps after which the validator found a fault. */
  function churn(metric: number, from: number, steps: number): number[] {
    const random = new Random(from + metric);
    part.reset(from);
    const graph = part.create(3, metric, 4, 30);
    const live: number[] = [];
    const broken: number[] = [];
    for (let step = 0; step < steps; step++) {
      const grows = random.below(10) < (live.length < 150 ? 6 : 4);
      if (grows || live.length === 0)
        live.push(graph.add([random.below(41) - 20.5, random.below(41) - 20, random.below(41) - 20]));
      else graph.delete(live.splice(random.below(live.length), 1)[0] as number);
      if (step % 5 === 0 && graph.validate() !== 0) broken.push(step);
    }
    return broken;
  }

  test.each([COSINE, L2, INNER_PRODUCT])("through long churn at the smallest M, metric %i", (metric) => {
    expect(churn(metric, seed, 2500)).toEqual([]);
  });

  // In each of these a deletion meets a full node whose neighbours are full too and do not know each other.
  test.each([
    { metric: INNER_PRODUCT, from: 306 },
    { metric: INNER_PRODUCT, from: 435 },
    { metric: L2, from: 784 },
    { metric: L2, from: 1254 },
  ])("where room is only far away, metric $metric, seed $from", ({ metric, from }) => {
    expect(churn(metric, from, 1300)).toEqual([]);
  });
});

describe("recall", () => {
  const DIMENSIONS = 32;
  const ROWS = 4000;

  /** Points around 60 centres. */
  function clustered(count: number, random: Random): Float32Array[] {
    const normal = () => (random.below(1000) + random.below(1000) + random.below(1000) - 1498.5) / 500;
    const centres = Array.from({ length: 60 }, () => Array.from({ length: DIMENSIONS }, normal));
    return Array.from({ length: count }, () => {
      return Float32Array.from(centres[random.below(60)] as number[], (value) => value + 0.7 * normal());
    });
  }

  function recall(graph: Graph, queries: readonly Float32Array[], ef: number): number {
    let found = 0;
    for (const query of queries) {
      const truth = new Set(graph.searchAll(query, 10).map(([id]) => id));
      for (const [id] of graph.search(query, 10, ef)) if (truth.has(id)) found++;
    }
    return found / (queries.length * 10);
  }

  test.each([
    { metric: COSINE, least: 0.97 },
    { metric: L2, least: 0.97 },
    { metric: INNER_PRODUCT, least: 0.9 },
  ])("stays high when half of the nodes are replaced, metric $metric", ({ metric, least }) => {
    const random = new Random(5);
    part.reset(5);
    const graph = part.create(DIMENSIONS, metric, 16, 100);
    const points = clustered(ROWS + ROWS / 2 + 100, random);
    const queries = points.splice(0, 100);
    const ids = points.splice(0, ROWS).map((point) => graph.add(point));
    const fresh = recall(graph, queries, 60);
    for (const point of points) {
      graph.delete(ids.splice(random.below(ids.length), 1)[0] as number);
      ids.push(graph.add(point));
    }
    const churned = recall(graph, queries, 60);
    expect(graph.validate()).toBe(0);
    expect(fresh).toBeGreaterThan(least);
    expect(churned).toBeGreaterThan(least - 0.01);
  });
});
