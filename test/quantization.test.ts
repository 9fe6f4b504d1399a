// Quantized sets as users meet them: the options, what VINFO and the limits say, codes that begin by themselves and go on
// when nobody writes, sets without originals, and searches without a command beside those by VSIM.

import { describe, expect, test } from "vitest";
import type { Quantization } from "../src/database/vector-options.ts";
import type { Reply } from "../src/resp.ts";
import { openTestDatabase } from "./database-fixture.ts";
import { Random } from "./random.ts";

const withCode = (code: string) => expect.objectContaining({ name: "NearkeyError", code });
const kinds = ["f32", "f16", "int8", "int4", "binary"] as const;

function randomRow(dim: number, random: Random): Float32Array {
  return Float32Array.from({ length: dim }, () => random.below(2001) / 1000 - 1);
}

function describeSet(db: ReturnType<typeof openTestDatabase>["db"], name: string): Record<string, Reply> {
  return db.command("VINFO", name) as Record<string, Reply>;
}

describe("quantization", () => {
  test.each(kinds)("%s is kept, described and compared", (quantization) => {
    const { db } = openTestDatabase();
    const keepOriginals = quantization === "f32";
    const docs = db.vectors("docs", { dim: 3, quantization, keepOriginals });
    docs.set("a", [1, 2, 3]);
    const again = db.vectors("docs");
    expect([again.quantization, again.keepOriginals]).toEqual([quantization, keepOriginals]);
    expect(describeSet(db, "docs")).toMatchObject({
      "quant-type": quantization === "binary" ? "bin" : quantization,
      quantized: quantization === "f32",
      originals: keepOriginals,
    });
    const other: Quantization = quantization === "f32" ? "int8" : "f32";
    expect(() => db.vectors("docs", { quantization: other })).toThrow(withCode("options-differ"));
    expect(() => db.vectors("docs", { keepOriginals: !keepOriginals })).toThrow(withCode("options-differ"));
  });

  test("is int8 with originals unless something else is asked for", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 3 });
    expect([docs.quantization, docs.keepOriginals]).toEqual(["int8", true]);
    db.command("VADD", "redis", "VALUES", "1", "5", "a");
    expect(describeSet(db, "redis")["quant-type"]).toBe("int8");
  });

  test.each([
    ["quantization", { quantization: "int7" }, 'quantization must be one of f32, f16, int8, int4, binary, not "int7"'],
    ["keepOriginals", { keepOriginals: 1 }, "keepOriginals must be true or false, not 1"],
    [
      "pair of them",
      { quantization: "f32", keepOriginals: false },
      'keepOriginals: false needs codes, and quantization: "f32" makes none; choose another quantization',
    ],
  ])("with a wrong %s is refused", (_, options, message) => {
    const { db } = openTestDatabase();
    expect(() => db.vectors("docs", { dim: 3, ...options } as never)).toThrow(
      expect.objectContaining({ code: "invalid-option", message }),
    );
  });

  test("of VADD must be the set's", () => {
    const { db } = openTestDatabase();
    db.command("VADD", "k", "VALUES", "1", "5", "a", "Q4");
    expect(() => db.command("VADD", "k", "VALUES", "1", "5", "b", "BIN")).toThrow(
      "asked quantization mismatch with existing vector set",
    );
    expect(() => db.command("VADD", "k", "VALUES", "1", "5", "b", "NOORIGINALS")).toThrow("keeps its vectors");
    expect(db.command("VADD", "k", "VALUES", "1", "5", "b")).toBe(true);
  });
});

describe("codes", () => {
  test("begin with the 256th vector and are there for all soon after, though nobody writes", () => {
    const { db, tick } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 300 });
    const random = new Random(1);
    for (let row = 0; row < 256; row++) docs.set(String(row), randomRow(300, random));
    expect(describeSet(db, "docs").quantized).toBe(false);
    for (let step = 0; step < 10; step++) tick();
    expect(describeSet(db, "docs").quantized).toBe(true);
  });

  test("of a set that goes while it gets them leave nothing behind", () => {
    const { db, tick } = openTestDatabase();
    const random = new Random(2);
    for (const name of ["a", "b", "c"]) {
      const docs = db.vectors(name, { dim: 300 });
      for (let row = 0; row < 256; row++) docs.set(String(row), randomRow(300, random));
    }
    db.delete("b");
    for (let step = 0; step < 40; step++) tick();
    expect(describeSet(db, "a").quantized).toBe(true);
    expect(describeSet(db, "c").quantized).toBe(true);
    db.delete("a", "c");
    for (let step = 0; step < 400; step++) tick();
    const empty = openTestDatabase().db.stats().memoryUsedBytes;
    // What stays is room for marks of visited nodes.
    expect(db.stats().memoryUsedBytes).toBeLessThanOrEqual(empty + 2 * 65536);
  });

  test("are done without where the memory limit has no room for them", () => {
    const { db } = openTestDatabase({ maxMemory: "12mb" });
    const docs = db.vectors("docs", { dim: 16384, quantization: "f16", m: 4, efConstruction: 4 });
    const random = new Random(3);
    const row = randomRow(16384, random);
    let stored = 0;
    try {
      for (; stored < 1000; stored++) docs.set(String(stored), row);
    } catch (error) {
      expect(error).toEqual(withCode("out-of-memory"));
    }
    expect(docs.size).toBe(stored);
    expect(docs.search(row, { k: 3 })).toHaveLength(3);
  });
});

test("what comes in order leaves the range of the codes and is found all the same", () => {
  for (let run = 0; run < 20; run++) {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 4, metric: "l2", m: 8, efConstruction: 40 });
    for (let row = 0; row < 700; row++) docs.set(String(row), [row, run, 0, 0]);
    for (const at of [3, 100, 300, 650]) {
      const found = docs.search([at + 0.2, run, 0, 0], { k: 3 }).map(({ id }) => Number(id));
      expect(found).toEqual([at, at + 1, at - 1]);
    }
  }
});

describe("without originals", () => {
  test.each(["f16", "int8", "int4"] as const)("%s takes less memory and finds what is near", (quantization) => {
    const random = new Random(4);
    const rows = Array.from({ length: 2000 }, () => randomRow(64, random));
    const sizes = [true, false].map((keepOriginals) => {
      const { db } = openTestDatabase();
      const docs = db.vectors("docs", { dim: 64, metric: "l2", quantization, keepOriginals });
      for (const [row, vector] of rows.entries()) docs.set(String(row), vector);
      let found = 0;
      for (let query = 0; query < 100; query++) {
        const best = docs.search(rows[query * 20] as Float32Array, { k: 1, ef: 100 })[0];
        if (best?.id === String(query * 20)) found++;
      }
      expect(found).toBeGreaterThan(95);
      const given = docs.get("7") as Float32Array;
      const furthest = keepOriginals ? 0 : { f16: 0.001, int8: 0.01, int4: 0.2 }[quantization];
      for (const [at, value] of (rows[7] as Float32Array).entries()) {
        expect(Math.abs((given[at] as number) - value)).toBeLessThanOrEqual(furthest);
      }
      return describeSet(db, "docs").bytes as number;
    });
    expect(sizes[1]).toBeLessThan((sizes[0] as number) - 2000 * 64 * 3.5);
  });

  test("a set is updated, emptied and filled again", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 8, keepOriginals: false });
    const random = new Random(5);
    for (let row = 0; row < 1100; row++) docs.set(String(row), randomRow(8, random));
    expect(describeSet(db, "docs").quantized).toBe(true);
    const vector = randomRow(8, random);
    expect(docs.set("3", vector)).toBe(false);
    expect(docs.search(vector, { k: 1 })[0]?.id).toBe("3");
    for (let row = 0; row < 1099; row++) docs.delete(String(row));
    expect(docs.size).toBe(1);
    for (let row = 0; row < 50; row++) docs.set(String(row), randomRow(8, random));
    expect(docs.search(vector, { k: 60 })).toHaveLength(51);
    expect(docs.search(vector, { k: 60, exact: true })).toHaveLength(51);
  });
});

describe("a search without a command", () => {
  test.each(kinds)("answers what VSIM answers, of %s", (quantization) => {
    const random = new Random(6);
    for (const metric of ["cosine", "l2", "ip"] as const) {
      for (const keepOriginals of quantization === "f32" ? [true] : [true, false]) {
        const { db } = openTestDatabase();
        const docs = db.vectors("docs", { dim: 5, metric, quantization, keepOriginals });
        for (let row = 0; row < 1200; row++) {
          docs.set(`é${row}`, randomRow(5, random), row % 3 === 0 ? { row } : undefined);
        }
        for (let query = 0; query < 10; query++) {
          const vector = randomRow(5, random);
          const blob = new Uint8Array(vector.buffer);
          const words = ["WITHSCORES", "WITHDISTANCES", "WITHATTRIBS", "COUNT", "7", "EF", "40"];
          const reply = db.command("VSIM", "docs", "FP32", blob, ...words) as Record<string, Reply[]>;
          const expected = Object.entries(reply).map(([id, [score, distance, json]]) => {
            return { id, distance, score, ...(json === null ? {} : { attributes: JSON.parse(json as string) }) };
          });
          expect(docs.search(vector, { k: 7, ef: 40 })).toEqual(expected);
        }
      }
    }
  });

  test("says what is wrong as a command does", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2 });
    expect(docs.search([1, 2])).toEqual([]);
    docs.set("a", [1, 2]);
    expect(() => docs.search([0, 0])).toThrow(withCode("zero-vector"));
    expect(() => docs.search([1, 2], { k: 0 })).toThrow(withCode("invalid-argument"));
    db.delete("docs");
    db.set("docs", "text");
    expect(() => docs.search([1, 2])).toThrow(withCode("wrong-type"));
    db.delete("docs");
    db.vectors("docs", { dim: 3 }).set("b", [1, 2, 3]);
    expect(() => docs.search([1, 2])).toThrow();
    expect(db.vectors("docs").search([1, 2, 3], { k: 16384 })).toHaveLength(1);
  });

  test("sees no set that has expired", () => {
    const { db, clock } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2 });
    docs.set("a", [1, 2]);
    db.expire("docs", 1000);
    expect(docs.search([1, 2])).toHaveLength(1);
    clock.nowMs += 1001;
    expect(docs.search([1, 2])).toEqual([]);
  });

  test("counts as a call of VSIM", () => {
    const { db } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2 });
    docs.set("a", [1, 2]);
    docs.search([1, 2]);
    docs.search([1, 2]);
    expect(String(db.command("INFO", "commandstats"))).toMatch(/cmdstat_vsim:calls=2,/);
  });
});
