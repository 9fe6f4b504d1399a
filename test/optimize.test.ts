// VOPTIMIZE: nodes are put in order while others search and write, codes are changed and originals dropped later. Between
// two steps the graph is whole, and afterwards everything is where names, indexes and times say.

import { beforeAll, describe, expect, test } from "vitest";
import type { Quantization } from "../src/database/vector-options.ts";
import { writeImage } from "../src/snapshot/image.ts";
import { MemoryStorage } from "../src/storage/memory-storage.ts";
import { openTestDatabase } from "./database-fixture.ts";
import { debugEngine } from "./debug-engine.ts";
import { recordingDriver, recordsIn, takeAll } from "./effect-records.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";
import { COSINE, GraphPart, INNER_PRODUCT, L2 } from "./graph-part.ts";
import { Random } from "./random.ts";

const seed = drawSeed("optimize.test.ts");
let part: GraphPart;

beforeAll(async () => {
  part = await GraphPart.compile();
});

describe("the order of nodes", () => {
  test.each([COSINE, L2, INNER_PRODUCT])("is made while nodes come, change and go, metric %i", (metric) => {
    const random = new Random(seed + metric);
    part.reset(seed);
    const graph = part.create(4, metric, 4, 20);
    const vectorOf = new Map<number, number[]>();
    const idOf = (name: number): number => part.wordsAt(name, 1)[0] as number;
    const draw = (): number[] => Array.from({ length: 4 }, () => random.below(40) - 20.5);
    let ordered = 0;
    for (let step = 0; step < 3_000; step++) {
      const names = [...vectorOf.keys()];
      const name = names[random.below(names.length)] as number;
      const action = random.below(10);
      if (action < (names.length < 150 ? 4 : 2) || names.length === 0) {
        const vector = draw();
        vectorOf.set(graph.addNamed(vector), vector);
      } else if (action < 5) {
        graph.delete(idOf(name));
        vectorOf.delete(name);
      } else if (action === 5) {
        const vector = draw();
        graph.update(idOf(name), vector);
        vectorOf.set(name, vector);
      } else if (vectorOf.size > 1) {
        if (!graph.isOrdering() && random.oneIn(8)) graph.startOrdering();
        if (graph.isOrdering() && !graph.order()) ordered++;
      }
      if (step % 3 === 0 && vectorOf.size > 0) expect(graph.validate(), `step ${step}`).toBe(0);
    }
    expect(ordered).toBeGreaterThan(10);
    while (graph.isOrdering()) graph.order();
    expect(graph.validate()).toBe(0);
    for (const [name, vector] of vectorOf) expect([...graph.get(idOf(name))]).toEqual(vector);
    const ids = [...vectorOf.keys()].map(idOf).sort((a, b) => a - b);
    graph.startOrdering();
    while (graph.order());
    const dense = [...vectorOf.keys()].map(idOf).sort((a, b) => a - b);
    expect(dense).toEqual(ids.map((_, index) => index));
  });
});

/** Runs ticks until nothing is left to do. */
function settle(driver: EngineDriver): void {
  while (driver.engine.tick(driver.now));
}

function isOptimizing(driver: EngineDriver): boolean {
  const flat = driver.must("VINFO", "v") as unknown[];
  return flat[flat.indexOf("optimizing") + 1] === 1;
}

describe("VOPTIMIZE", () => {
  const DIM = 12;

  interface Element {
    vector: number[];
    n: number;
    death: number;
  }

  class Watched {
    readonly driver = new EngineDriver();
    readonly random: Random;
    readonly elements = new Map<string, Element>();

    constructor(programSeed: number) {
      this.random = new Random(programSeed);
    }

    add(name: string): void {
      const { random, driver } = this;
      const vector = Array.from({ length: DIM }, () => random.below(2_000) / 1_000 - 1);
      const n = random.below(500);
      const ms = 50_000 + random.below(50_000);
      const dies = random.oneIn(4);
      const option = dies ? ["PX", ms] : [];
      const more = [name, "METRIC", "L2", "M", 6, "SETATTR", `{"n":${n},"tags":["a${n % 3}","t${n % 7}"]}`, ...option];
      driver.must("VADD", "v", "FP32", Buffer.from(Float32Array.from(vector).buffer), ...more);
      this.elements.set(name, { vector: [...Float32Array.from(vector)], n, death: dies ? driver.now + ms : Infinity });
    }

    check(): void {
      const { driver, random, elements } = this;
      expect(driver.must("VCARD", "v")).toBe(elements.size);
      const query = Array.from({ length: DIM }, () => random.below(2_000) / 1_000 - 1);
      const away = ({ vector }: Element) => Math.hypot(...vector.map((value, at) => value - (query[at] as number)));
      const rank = (matches: (element: Element) => boolean) =>
        [...elements].filter(([, element]) => matches(element)).sort(([, a], [, b]) => away(a) - away(b));
      const ask = (...more: string[]) => driver.must("VSIM", "v", "VALUES", DIM, ...query, "COUNT", 5, ...more);
      const names = (sorted: [string, Element][]) => sorted.slice(0, 5).map(([name]) => name);
      expect(ask("TRUTH")).toEqual(names(rank(() => true)));
      expect(ask("FILTER", ".n < 200", "TRUTH")).toEqual(names(rank(({ n }) => n < 200)));
      expect(ask("FILTER", '.tags any ["t3"]', "TRUTH")).toEqual(names(rank(({ n }) => n % 7 === 3)));
      expect(new Set(ask() as string[]).size).toBe(5);
      const name = random.pick([...elements.keys()]);
      const element = elements.get(name) as Element;
      expect((driver.must("VEMB", "v", name) as string[]).map(Number)).toEqual(element.vector);
      expect(driver.must("VPEXPIRETIME", "v", "ELEMENTS", 1, name)).toEqual([
        element.death === Infinity ? -1 : element.death,
      ]);
    }
  }

  test("changes nothing that is stored, between its steps and in an image made of it", {
    timeout: 60_000,
  }, async () => {
    const watched = new Watched(seed);
    const { driver, random } = watched;
    for (let element = 0; element < 400; element++) watched.add(`e${element}`);
    driver.must("VINDEX", "v", "ADD", ".n");
    driver.must("VINDEX", "v", "ADD", ".tags");
    const codings = ["Q8", "Q4", "BIN", "F16", "NOQUANT"];
    for (let round = 0; round < 12; round++) {
      for (let removed = 0; removed < 60; removed++) {
        const name = random.pick([...watched.elements.keys()]);
        expect(driver.must("VREM", "v", name)).toBe(1);
        watched.elements.delete(name);
      }
      const digest = driver.engine.effects.digest();
      const options = random.oneIn(2) ? [] : [random.pick(codings)];
      expect(driver.must("VOPTIMIZE", "v", ...options)).toBe(1);
      if (options.length === 0) expect(driver.engine.effects.digest()).toBe(digest);
      for (let step = 0; isOptimizing(driver) && step < 30; step++) {
        if (random.oneIn(3)) watched.add(`e${random.below(600)}`);
        driver.engine.tick(driver.now);
        watched.check();
      }
      while (watched.elements.size < 400) watched.add(`e${random.below(600)}`);
      if (round % 4 !== 3) continue;
      settle(driver);
      expect(isOptimizing(driver)).toBe(false);
      const file = await new MemoryStorage().open("image", { create: true });
      const create = () => debugEngine({ maxMemoryBytes: 256 << 20 });
      await writeImage(driver.engine, create, file, driver.now, { share: 1, sliceMs: 0 });
      watched.check();
    }
  });

  test("gives back the memory of what was deleted", () => {
    const driver = new EngineDriver();
    const random = new Random(seed);
    const fill = (from: number, end: number): void => {
      for (let element = from; element < end; element++) {
        const vector = Array.from({ length: 200 }, () => random.below(100));
        driver.must("VADD", "v", "VALUES", 200, ...vector, `e${element}`, "M", 4, "EF", 10);
      }
    };
    fill(0, 400);
    const held = driver.heldPages;
    fill(400, 2_000);
    for (let element = 400; element < 2_000; element++) driver.must("VREM", "v", `e${element}`);
    expect(driver.heldPages).toBeGreaterThan(held * 2);
    driver.must("VOPTIMIZE", "v");
    settle(driver);
    expect(driver.heldPages).toBeLessThanOrEqual(held + 4);
    fill(400, 500);
    expect(driver.must("VCARD", "v")).toBe(500);
  });

  test("is recorded where it changes what is stored", () => {
    const driver = recordingDriver();
    driver.must("VADD", "v", "VALUES", 2, 1, 2, "a");
    takeAll(driver.engine);
    driver.must("VOPTIMIZE", "v");
    driver.must("VOPTIMIZE", "v", "Q8");
    driver.must("VOPTIMIZE", "v", "Q4");
    driver.must("VOPTIMIZE", "v", "NOORIGINALS");
    driver.must("VOPTIMIZE", "v", "NOORIGINALS");
    const commands = recordsIn(takeAll(driver.engine)).map(({ command }) => command);
    expect(commands).toEqual([
      ["VOPTIMIZE", "v", "Q4"],
      ["VOPTIMIZE", "v", "NOORIGINALS"],
    ]);
  });

  test("refuses what cannot be, and says why", () => {
    const driver = new EngineDriver();
    driver.must("SET", "text", "value");
    expect(driver.must("VOPTIMIZE", "nothing")).toBe(0);
    for (let element = 0; element < 1_100; element++) {
      driver.must("VADD", "v", "VALUES", 2, 1, element + 1, `e${element}`, "NOORIGINALS", "M", 4, "EF", 10);
    }
    settle(driver);
    const ask = (...words: string[]): unknown => {
      const reply = driver.run(...words);
      return isError(reply) ? reply.message : reply;
    };
    expect(ask("VOPTIMIZE", "v", "Q4")).toBe(
      "ERR the set keeps no originals to make other codes of: add its vectors to a new set",
    );
    expect(ask("VOPTIMIZE", "v", "Q8")).toBe(1);
    expect(ask("VOPTIMIZE", "v", "Q7")).toBe(
      "ERR syntax error, use VOPTIMIZE key [NOQUANT|F16|Q8|Q4|BIN] [NOORIGINALS]",
    );
    expect(ask("VOPTIMIZE", "text")).toBe("WRONGTYPE Operation against a key holding the wrong kind of value");
    driver.must("VADD", "w", "VALUES", 2, 1, 2, "a");
    expect(ask("VOPTIMIZE", "w", "NOQUANT", "NOORIGINALS")).toMatch(/NOORIGINALS needs codes/);
  });

  test.each([
    ["Q8", "int8"],
    ["Q4", "int4"],
    ["BIN", "bin"],
    ["F16", "f16"],
  ])("makes other codes of the vectors, %s, and lets these go when asked", (word, name) => {
    const driver = new EngineDriver();
    const random = new Random(seed);
    const rows = Array.from({ length: 1_200 }, () => Array.from({ length: 32 }, () => random.below(100)));
    for (const [row, vector] of rows.entries()) {
      driver.must("VADD", "v", "VALUES", 32, ...vector, row, "NOQUANT", "METRIC", "L2", "M", 8, "EF", 40);
    }
    const info = (): Record<string, unknown> => {
      const flat = driver.must("VINFO", "v") as unknown[];
      return Object.fromEntries(flat.flatMap((each, at) => (at % 2 === 0 ? [[each, flat[at + 1]]] : [])));
    };
    driver.must("VOPTIMIZE", "v", word);
    settle(driver);
    expect(info()).toMatchObject({ "quant-type": name, quantized: 1, originals: 1, optimizing: 0 });
    const query = rows[7] as number[];
    expect((driver.must("VSIM", "v", "VALUES", 32, ...query, "COUNT", 1) as string[])[0]).toBe("7");
    expect((driver.must("VEMB", "v", "7") as string[]).map(Number)).toEqual(query);
    const before = info().bytes as number;
    driver.must("VOPTIMIZE", "v", "NOORIGINALS");
    settle(driver);
    expect(info()).toMatchObject({ "quant-type": name, originals: 0 });
    expect(info().bytes).toBeLessThan(before);
    expect((driver.must("VSIM", "v", "VALUES", 32, ...query, "COUNT", 10) as string[]).length).toBe(10);
    driver.must("VADD", "v", "VALUES", 32, ...query, "again", word, "NOORIGINALS");
  });
});

describe("VOPTIMIZE with another coding and NOORIGINALS", () => {
  test("makes the codes of the originals before these go", () => {
    const driver = new EngineDriver();
    const random = new Random(seed);
    const rows = Array.from({ length: 600 }, () => Array.from({ length: 16 }, () => random.below(100)));
    for (const [row, vector] of rows.entries())
      driver.must("VADD", "v", "VALUES", 16, ...vector, row, "METRIC", "L2", "M", 8, "EF", 40);
    settle(driver);
    driver.must("VOPTIMIZE", "v", "F16", "NOORIGINALS");
    settle(driver);
    const flat = driver.must("VINFO", "v") as unknown[];
    const told = (name: string): unknown => flat[flat.indexOf(name) + 1];
    expect([told("quant-type"), told("quantized"), told("originals")]).toEqual(["f16", 1, 0]);
    for (const [row, vector] of rows.entries()) {
      // Halves hold these numbers.
      expect((driver.must("VEMB", "v", row) as string[]).map(Number)).toEqual(vector);
    }
  });
});

describe("codes", () => {
  test.each([
    ["F16", () => 100_000],
    [
      "Q8",
      (random: Random) => (random.below(1000) + random.below(1000) + random.below(1000) - 1500) * 3 ** random.below(3),
    ],
  ] as const)("%s are not made again and again where that puts no fewer vectors within", (word, far) => {
    const { db, tick } = openTestDatabase();
    const random = new Random(seed);
    let recodings = 0;
    let was = true;
    for (let row = 0; row < 3_000; row++) {
      const vector = Array.from({ length: 8 }, () => far(random) + random.below(10));
      db.command("VADD", "v", "VALUES", 8, ...vector, row, word, "METRIC", "L2", "M", 4, "EF", 10);
      const is = (db.command("VINFO", "v") as Record<string, unknown>).quantized as boolean;
      if (was && !is && row > 300) recodings++;
      was = is;
      while (tick());
    }
    expect(recodings).toBeLessThanOrEqual(1);
  });
});

describe("docs.optimize", () => {
  const kinds: Quantization[] = ["f32", "f16", "int8", "int4", "binary"];

  test.each(kinds)("makes a set %s and comes back when it is", async (quantization) => {
    const { db, tick } = openTestDatabase();
    const random = new Random(seed);
    const docs = db.vectors("docs", { dim: 16, quantization: quantization === "int8" ? "int4" : "int8" });
    for (let row = 0; row < 600; row++)
      docs.set(
        String(row),
        Float32Array.from({ length: 16 }, () => random.below(50) + 1),
      );
    const ticking = setInterval(tick, 1);
    await docs.optimize({ quantization });
    clearInterval(ticking);
    expect(docs.quantization).toBe(quantization);
    expect(db.command("VINFO", "docs")).toMatchObject({ quantized: true, optimizing: false });
    docs.set("more", new Float32Array(16).fill(1));
    expect(docs.size).toBe(601);
    expect(() => db.vectors("docs", { quantization })).not.toThrow();
  });

  test("comes back in a database that is full", async () => {
    const { db, tick } = openTestDatabase({ maxMemory: "24mb" });
    const random = new Random(seed);
    const docs = db.vectors("docs", { dim: 4, m: 4, efConstruction: 10 });
    for (let row = 0; row < 600; row++) {
      docs.set(
        String(row),
        Float32Array.from({ length: 4 }, () => random.below(50) + 1),
        { row },
      );
    }
    docs.createIndex(".row");
    docs.expire("7", 60_000);
    expect(() => {
      for (let index = 0; ; index++) db.set(`filler:${index}`, "f".repeat(20_000));
    }).toThrow(expect.objectContaining({ code: "out-of-memory" }));
    const ticking = setInterval(tick, 1);
    await docs.optimize();
    clearInterval(ticking);
    expect(db.command("VINFO", "docs")).toMatchObject({ optimizing: false });
  });

  test("refuses what it cannot do", async () => {
    const { db, tick } = openTestDatabase();
    const docs = db.vectors("docs", { dim: 2 });
    await docs.optimize();
    docs.set("a", [1, 2]);
    const ticking = setInterval(tick, 1);
    const withCode = (code: string) => expect.objectContaining({ code });
    await expect(docs.optimize({ quantization: "int7" as Quantization })).rejects.toEqual(withCode("invalid-option"));
    await expect(docs.optimize({ quantization: "f32", keepOriginals: false })).rejects.toEqual(
      withCode("invalid-option"),
    );
    await docs.optimize({ keepOriginals: true });
    await docs.optimize({ keepOriginals: false });
    await expect(docs.optimize({ keepOriginals: true })).rejects.toEqual(withCode("invalid-option"));
    await expect(docs.optimize({ quantization: "f16" })).rejects.toEqual(withCode("invalid-option"));
    clearInterval(ticking);
    await expect(docs.optimize(JSON.parse('{"dim":3}'))).rejects.toEqual(withCode("invalid-option"));
  });
});
