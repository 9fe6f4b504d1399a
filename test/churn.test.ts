// Half of a set replaced, ten times over: what is found and what it takes stay those of a set that was built anew. And a large
// set is deleted in small steps.

import { describe, expect, test } from "vitest";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { Random } from "./random.ts";

const seed = drawSeed("churn.test.ts");
const DIM = 24;
const LIVE = 1_200;
const QUERIES = 150;

type Row = Float32Array;

/** Points around centres, as embeddings lie. */
function makeRows(count: number, random: Random): Row[] {
  const draw = (): number => (random.below(1_000) + random.below(1_000) + random.below(1_000) - 1_498.5) / 500;
  const centres = Array.from({ length: 40 }, () => Array.from({ length: DIM }, draw));
  return Array.from({ length: count }, () => {
    return Float32Array.from(centres[random.below(40)] as number[], (value) => value + 0.7 * draw());
  });
}

class Built {
  readonly driver = new EngineDriver();

  constructor(readonly metric: string) {}

  add(name: number, row: Row): void {
    const options = ["METRIC", this.metric, "M", 8, "EF", 80];
    this.driver.must("VADD", "v", "FP32", Buffer.from(row.buffer), name, ...options);
  }

  recall(queries: readonly Row[]): number {
    let found = 0;
    for (const query of queries) {
      const ask = (...way: (string | number)[]) =>
        this.driver.must("VSIM", "v", "FP32", Buffer.from(query.buffer), "COUNT", 10, ...way) as string[];
      const truth = new Set(ask("TRUTH"));
      for (const name of ask("EF", 40)) found += Number(truth.has(name));
    }
    return found / (queries.length * 10);
  }

  get bytes(): number {
    this.driver.settle();
    const flat = this.driver.must("VINFO", "v") as unknown[];
    return flat[flat.indexOf("bytes") + 1] as number;
  }
}

describe("half of a set replaced, ten times over", () => {
  test.each(["COSINE", "L2"])("is found and takes as much as one built anew: %s", { timeout: 60_000 }, (metric) => {
    const random = new Random(seed);
    const rows = makeRows(LIVE * 6 + QUERIES, random);
    const queries = rows.splice(0, QUERIES);
    const churned = new Built(metric);
    const live = Array.from({ length: LIVE }, (_, name) => name);
    for (const name of live) churned.add(name, rows[name] as Row);
    for (let next = LIVE; next < LIVE * 6; next++) {
      const place = random.below(LIVE);
      expect(churned.driver.must("VREM", "v", live[place] as number)).toBe(1);
      live[place] = next;
      churned.add(next, rows[next] as Row);
    }
    const fresh = new Built(metric);
    for (const name of live) fresh.add(name, rows[name] as Row);
    expect(fresh.recall(queries)).toBeGreaterThan(0.9);
    // A hundredth, and what chance makes of 1,500 answers.
    expect(churned.recall(queries)).toBeGreaterThan(fresh.recall(queries) - 0.02);
    expect(churned.bytes).toBeLessThan(fresh.bytes * 1.1);
  });
});

describe("a large set", () => {
  test("is deleted at once and freed in steps", () => {
    const driver = new EngineDriver();
    const random = new Random(seed);
    for (let element = 0; element < 12_000; element++) {
      const row = Float32Array.from({ length: 16 }, () => random.below(100));
      driver.must(
        "VADD",
        "v",
        "FP32",
        Buffer.from(row.buffer),
        element,
        "M",
        4,
        "EF",
        4,
        "SETATTR",
        `{"n":${element}}`,
      );
    }
    driver.must("VINDEX", "v", "ADD", ".n");
    const held = driver.heldPages;
    driver.must("DEL", "v");
    expect(driver.heldPages).toBeGreaterThan(held * 0.9);
    // A step frees some thousand nodes and names at most.
    driver.engine.tick(driver.now);
    expect(driver.heldPages).toBeGreaterThan(held / 4);
    driver.settle();
    expect(driver.heldPages).toBeLessThanOrEqual(4);
  });
});
