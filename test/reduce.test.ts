// REDUCE: vectors made shorter by a random projection. Distances stay about what they were, the same vector becomes the same
// one everywhere, and sets say what they take and what they keep.

import { describe, expect, test } from "vitest";
import { openTestDatabase } from "./database-fixture.ts";
import { recordingDriver, takeAll } from "./effect-records.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";
import { Random } from "./random.ts";

const seed = drawSeed("reduce.test.ts");

function numbersOf(driver: EngineDriver, name: string): number[] {
  return (driver.must("VEMB", "v", name) as string[]).map(Number);
}

function normal(random: Random): number {
  let sum = -6;
  for (let draw = 0; draw < 12; draw++) sum += random.below(1_000_000) / 1_000_000;
  return sum;
}

describe("REDUCE", () => {
  test.each([
    [300, 64],
    [64, 32],
    [1000, 200],
    [5, 4],
    [129, 127],
  ])("of %i numbers to %i keeps lengths and distances about as they were", (given, kept) => {
    const driver = new EngineDriver();
    const random = new Random(seed + given);
    // Dense ones and ones of a few numbers, which a poor choice would lose.
    const rows = Array.from({ length: 40 }, (_, row) => {
      return Array.from({ length: given }, (_, at) => (row % 2 === 0 || at % 37 === row % 37 ? normal(random) : 0));
    });
    for (const [row, vector] of rows.entries()) {
      driver.must("VADD", "v", "REDUCE", kept, "VALUES", given, ...vector, row, "METRIC", "L2", "NOQUANT");
    }
    const stored = rows.map((_, row) => numbersOf(driver, String(row)));
    expect(stored.every((vector) => vector.length === kept)).toBe(true);
    let ratios = 0;
    let count = 0;
    for (let a = 0; a < rows.length; a++) {
      for (let b = 0; b < a; b++) {
        const away = (x: number[], y: number[]) =>
          x.reduce((sum, value, at) => sum + (value - (y[at] as number)) ** 2, 0);
        const before = away(rows[a] as number[], rows[b] as number[]);
        if (before === 0) continue;
        ratios += away(stored[a] as number[], stored[b] as number[]) / before;
        count++;
      }
    }
    // The mean of many ratios whose expectation is one.
    expect(ratios / count).toBeGreaterThan(0.75);
    expect(ratios / count).toBeLessThan(1.25);
  });

  test("is linear, and the same in every set, engine and replay", () => {
    const driver = recordingDriver();
    const other = new EngineDriver({ seed: 77n });
    const sum = [5, -2, 3, 0, 1, 4, 4, 4, 1, 1];
    const first = [1, -2, 3, 0, 1, 0, 4, 4, 1, 0];
    const second = sum.map((value, at) => value - (first[at] as number));
    for (const [name, vector] of Object.entries({ sum, first, second })) {
      driver.must("VADD", "v", "REDUCE", 6, "VALUES", 10, ...vector, name, "METRIC", "IP");
      other.must("VADD", "w", "REDUCE", 6, "VALUES", 10, ...vector, name, "METRIC", "IP", "M", 8);
      const there = (other.must("VEMB", "w", name) as string[]).map(Number);
      expect(there).toEqual(numbersOf(driver, name));
    }
    const [a, b, c] = ["first", "second", "sum"].map((name) => numbersOf(driver, name)) as [
      number[],
      number[],
      number[],
    ];
    for (const [at, value] of c.entries()) expect(value).toBeCloseTo((a[at] as number) + (b[at] as number), 4);
    driver.must("VADD", "v", "VALUES", 10, ...sum, "again", "EX", 100);
    expect(numbersOf(driver, "again")).toEqual(c);
    driver.must("VADD", "v", "VALUES", 6, ...c, "stored", "PROJECTED");
    expect(numbersOf(driver, "stored")).toEqual(c);
    const replica = new EngineDriver({ seed: 5n });
    replica.engine.effects.replay(takeAll(driver.engine));
    expect(replica.engine.effects.digest()).toBe(driver.engine.effects.digest());
    expect((replica.must("VSIM", "v", "VALUES", 10, ...first, "COUNT", 1) as string[])[0]).toMatch(
      /sum|first|again|stored/,
    );
  });

  test("finds what is near to a vector as it is given", () => {
    const driver = new EngineDriver();
    const random = new Random(seed);
    const rows = Array.from({ length: 500 }, () => Array.from({ length: 256 }, () => normal(random)));
    for (const [row, vector] of rows.entries()) driver.must("VADD", "v", "REDUCE", 96, "VALUES", 256, ...vector, row);
    let found = 0;
    for (let row = 0; row < 50; row++) {
      const query = (rows[row] as number[]).map((value) => value + normal(random) / 4);
      found += Number((driver.must("VSIM", "v", "VALUES", 256, ...query, "COUNT", 1) as string[])[0] === String(row));
    }
    expect(found).toBeGreaterThan(45);
  });

  test("says what does not fit", () => {
    const driver = new EngineDriver();
    const ask = (text: string): unknown => {
      const reply = driver.run(...text.split(" "));
      return isError(reply) ? reply.message : reply;
    };
    expect(ask("VADD v REDUCE 3 VALUES 3 1 2 3 a")).toBe("ERR REDUCE needs fewer dimensions than the vector has");
    expect(ask("VADD v REDUCE 0 VALUES 3 1 2 3 a")).toBe("ERR invalid vector specification");
    expect(ask("VADD v VALUES 3 1 2 3 a PROJECTED")).toBe("ERR PROJECTED needs an existing vector set");
    expect(ask("VADD v REDUCE 2 VALUES 3 1 2 3 a")).toBe(1);
    expect(ask("VADD v REDUCE 1 VALUES 3 1 2 3 b")).toBe("ERR asked REDUCE mismatch with existing vector set");
    expect(ask("VADD v VALUES 2 1 2 b")).toBe(
      "ERR Input dimension mismatch for projection - got 2 but projection expects 3",
    );
    expect(ask("VSIM v VALUES 2 1 2")).toBe(
      "ERR Input dimension mismatch for projection - got 2 but projection expects 3",
    );
    expect(ask("VADD v VALUES 3 1 2 3 b PROJECTED")).toMatch(/^ERR PROJECTED needs as many dimensions/);
    expect(ask(`VADD l REDUCE 8 VALUES 16 ${"3e38 ".repeat(16)}b METRIC L2`)).toMatch(
      /^ERR vector components are too large/,
    );
    expect(ask("VDIM v")).toBe(2);
    const flat = driver.must("VINFO", "v") as unknown[];
    expect(flat[flat.indexOf("projection-input-dim") + 1]).toBe(3);
    driver.must("VADD", "w", "VALUES", 3, 1, 2, 3, "a");
    expect(ask("VADD w REDUCE 2 VALUES 3 1 2 3 a")).toBe(
      "ERR cannot add projection to existing set without projection",
    );
  });
});

describe("the option", () => {
  test("reduce makes a set that takes long vectors and keeps short ones", async () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 40, reduce: 12, metric: "l2" });
    const random = new Random(seed);
    const matrix = Float32Array.from({ length: 300 * 40 }, () => normal(random));
    const ids = Array.from({ length: 300 }, (_, row) => `e${row}`);
    await docs.setMany(ids, matrix);
    expect(docs.get("e7")).toHaveLength(12);
    expect(docs.search(matrix.subarray(7 * 40, 8 * 40), { k: 1 })[0]?.id).toBe("e7");
    expect(docs.searchMany([matrix.subarray(0, 40)], { k: 1, exact: true })[0]?.[0]?.id).toBe("e0");
    const again = db.vectors("docs");
    expect([again.dim, again.reduce]).toEqual([40, 12]);
    const withCode = (code: string) => expect.objectContaining({ code });
    expect(() => db.vectors("docs", { reduce: 11 })).toThrow(withCode("options-differ"));
    expect(() => db.vectors("more", { dim: 40, reduce: 40 })).toThrow(withCode("invalid-option"));
    expect(() => db.vectors("more", { dim: 40, reduce: 0 })).toThrow(withCode("invalid-option"));
    expect(() => docs.set("x", new Float32Array(12))).toThrow(withCode("wrong-dimension"));
  });

  test("reduce of others refuses queries of as many numbers as are kept", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2, metric: "l2" });
    db.command("VADD", "docs", "REDUCE", 2, "VALUES", 4, 1, 2, 3, 4, "a", "METRIC", "L2");
    expect(() => docs.search([1, 2])).toThrow(/mismatch for projection/);
    expect(() => docs.searchMany([[1, 2]], { exact: true })).toThrow(/mismatch for projection/);
  });
});
