// Searches with a filter, whatever way they take: against a plain evaluator over random expressions and attributes, with
// and without indexes, while elements change; and what the planner says beforehand against the truth.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplyError } from "../src/resp.ts";
import { drawSeed, EngineDriver } from "./engine-driver.ts";
import { type Expression, evaluate, expression, render } from "./filter-model.ts";
import { Random } from "./random.ts";

const seed = drawSeed("filter-plans.test.ts");
const PLANS = ["AUTO", "SCAN", "WALK", "POST"];

type Vector = number[];
interface Element {
  vector: Vector;
  attributes: object | undefined;
}

function fp32(values: Vector): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** A vector set and what it should hold. */
class Watched {
  readonly engine = new EngineDriver();
  readonly elements = new Map<string, Element>();

  run(...words: (string | Uint8Array)[]): unknown {
    const reply = this.engine.run(...words);
    if (reply instanceof ReplyError) throw new Error(`${words[0]} ${words[1]}: ${reply.message}`);
    return reply;
  }

  set(name: string, vector: Vector, attributes: object | undefined): void {
    const text = attributes === undefined ? "" : JSON.stringify(attributes);
    this.run("VADD", "k", "FP32", fp32(vector), name, "SETATTR", text, "METRIC", "L2", "M", "4", "EF", "20");
    this.elements.set(name, { vector, attributes });
  }

  search(query: Vector, count: number, ...more: string[]): string[] {
    return this.run("VSIM", "k", "FP32", fp32(query), "COUNT", String(count), ...more) as string[];
  }

  explain(query: Vector, ...more: string[]): Record<string, unknown> {
    const flat = this.run("VSIM", "k", "FP32", fp32(query), "EXPLAIN", ...more) as unknown[];
    return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : [])));
  }

  /** Names of the elements that match, nearest first. */
  truth(query: Vector, matches: (attributes: object) => boolean): string[] {
    const away = ({ vector }: Element) => Math.hypot(...vector.map((value, at) => value - (query[at] as number)));
    return [...this.elements]
      .filter(([, { attributes }]) => attributes !== undefined && matches(attributes))
      .sort(([, a], [, b]) => away(a) - away(b))
      .map(([name]) => name);
  }
}

const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom<unknown>("", "x", "xy", "2", "-1.5", true, null, 0.1),
);
const attributes = fc.record(
  {
    a: fc.integer({ min: -3, max: 3 }),
    b: fc.constantFrom("", "x", "xy", "2", "-1.5", "abcd", "abce"),
    c: fc.array(scalar, { maxLength: 3 }),
    d: scalar,
    e: fc.array(fc.constantFrom("x", "xy", "2"), { maxLength: 3 }),
    f: fc.oneof(
      fc.constantFrom(0.1, 0.10000000000000002, -0, 1e300),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
    o: fc.record({ z: scalar }, { requiredKeys: [] }),
  },
  { requiredKeys: ["a"] },
);
const vector = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 3, maxLength: 3 });
/** What indexes answer best: fields against constants. */
const listed = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom("", "x", "xy", "2", "abc", "abcd", 0.1));
const constant = fc.oneof(scalar, fc.array(listed, { maxLength: 3 })).map((value) => {
  return { type: "literal", value: typeof value === "boolean" ? Number(value) : value } as Expression;
});
const comparison: fc.Arbitrary<Expression> = fc
  .record({
    operator: fc.constantFrom("<", "<=", ">", ">=", "==", "!=", "in", "startswith", "any", "all"),
    name: fc.constantFrom("a", "b", "c", "d", "e", "f", "o.z"),
    constant,
    flipped: fc.boolean(),
  })
  .map(({ operator, name, constant, flipped }) => {
    const sides = [{ type: "field", name } as Expression, constant] as const;
    return { type: "binary", operator, left: sides[Number(flipped)], right: sides[Number(!flipped)] } as Expression;
  });
const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { weight: 4, arbitrary: comparison },
    fc.record({ type: fc.constant("not" as const), of: tie("tree") }),
    fc.record({
      type: fc.constant("binary" as const),
      operator: fc.constantFrom("and" as const, "or" as const),
      left: tie("tree"),
      right: tie("tree"),
    }),
  ),
}));
const step = fc.record({
  kind: fc.constantFrom("set", "set", "set", "set", "attributes", "attributes", "delete", "index", "unindex", "search"),
  name: fc.nat({ max: 50 }).map((number) => `name${number}`),
  path: fc.constantFrom(".a", ".b", ".c", ".d", ".e", ".f", ".o.z"),
  vector,
  attributes: fc.option(attributes, { nil: undefined, freq: 8 }),
  filters: fc.array(fc.oneof(tree, expression), { minLength: 1, maxLength: 4 }),
  style: fc.nat(),
});

describe("a search with a filter", () => {
  test("finds what a plain evaluator finds, by every plan, while elements and indexes change", () => {
    const property = fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
      const watched = new Watched();
      watched.set("first", [0, 0, 0], { a: 0 });
      for (const { kind, name, path, vector, attributes, filters, style } of steps) {
        const known = watched.elements.get(name);
        if (kind === "set") watched.set(name, vector, attributes);
        else if (kind === "attributes" && known) {
          watched.run("VSETATTR", "k", name, attributes === undefined ? "" : JSON.stringify(attributes));
          known.attributes = attributes;
        } else if (kind === "delete")
          expect(watched.run("VREM", "k", name)).toBe(Number(watched.elements.delete(name)));
        else if (kind === "index") watched.run("VINDEX", "k", "ADD", path);
        else if (kind === "unindex") watched.run("VINDEX", "k", "DEL", path);
        else if (kind === "search") for (const filter of filters) expectMatches(watched, vector, filter, style);
      }
    });
    fc.assert(property, { seed, numRuns: 250 });
  });

  function expectMatches(watched: Watched, query: Vector, filter: Expression, style: number): void {
    const text = render(filter, style);
    const expected = watched.truth(query, (attributes) => evaluate(filter, attributes));
    for (const plan of PLANS) {
      const found = watched.search(query, 100, "FILTER", text, "PLAN", plan);
      expect([...found].sort(), `${text} ${plan}`).toEqual([...expected].sort());
      for (const count of [1, 3]) {
        const some = watched.search(query, count, "FILTER", text, "PLAN", plan, "EF", "1");
        expect(some.length, `${text} ${plan} ${count}`).toBe(Math.min(count, expected.length));
        expect(some.every((name) => expected.includes(name))).toBe(true);
      }
    }
  }
});

/** 3,000 elements: `.u` is uniform below 1,000, `.c` the cluster, `.t` a text for each of 40. */
function clustered(indexed: readonly string[]): { watched: Watched; random: Random } {
  const random = new Random(seed);
  const watched = new Watched();
  const centres = Array.from({ length: 30 }, () => Array.from({ length: 8 }, () => random.below(1000)));
  for (let row = 0; row < 3000; row++) {
    const cluster = random.below(30);
    const vector = (centres[cluster] as Vector).map((value) => value + random.below(60));
    watched.set(`e${row}`, vector, { u: random.below(1000), c: cluster, t: `text${random.below(40)}` });
  }
  for (const path of indexed) watched.run("VINDEX", "k", "ADD", path);
  return { watched, random };
}

describe("as many as match come back", () => {
  const filters: [string, (attributes: { u: number; c: number; t: string }) => boolean][] = [
    [".u < 500", ({ u }) => u < 500],
    [".u < 100 and .c != 3", ({ u, c }) => u < 100 && c !== 3],
    [".u >= 990", ({ u }) => u >= 990],
    [".u == 7", ({ u }) => u === 7],
    [".c in [1, 2, 3]", ({ c }) => [1, 2, 3].includes(c)],
    [".t == 'text5' or .u < 10", ({ u, t }) => t === "text5" || u < 10],
    [".t startswith 'text1' and not (.c > 5)", ({ c, t }) => t.startsWith("text1") && c <= 5],
    [".u + .c < 4", ({ u, c }) => u + c < 4],
    [".u < 0", () => false],
  ];

  test.each([[[]], [[".u", ".c", ".t"]]])("with indexes %j", (indexed) => {
    const { watched, random } = clustered(indexed);
    for (let turn = 0; turn < 8; turn++) {
      const query = [...watched.elements.values()][random.below(3000)]?.vector as Vector;
      for (const [text, matches] of filters) {
        const expected = watched.truth(query, matches as (attributes: object) => boolean);
        for (const plan of PLANS) {
          const found = watched.search(query, 10, "FILTER", text, "PLAN", plan, "EF", "10");
          expect(found.length, `${text} ${plan}`).toBe(Math.min(10, expected.length));
          expect(new Set(found).size).toBe(found.length);
          expect(found.every((name) => expected.includes(name))).toBe(true);
        }
      }
    }
  });

  test("unless FILTER-EF says where to stop", () => {
    const { watched } = clustered([]);
    const query = watched.elements.get("e0")?.vector as Vector;
    expect(watched.search(query, 10, "FILTER", ".u == 7", "PLAN", "POST", "FILTER-EF", "20").length).toBeLessThan(10);
  });
});

describe("the planner", () => {
  test("knows how many match where indexes list just them, and comes near where not", () => {
    const exact = [
      ".u < 500",
      ".u >= 250 and .u < 300",
      ".c != 3",
      "not (.u < 900)",
      ".t == 'text7'",
      ".c in [1, 2, 9]",
    ];
    const others = [".u < 500 and .c != 3", ".u < 300 or .c == 3", ".u * 2 < 700", ".t startswith 'text1'"];
    for (const indexed of [[".u", ".c", ".t"], []]) {
      const { watched } = clustered(indexed);
      const query = watched.elements.get("e0")?.vector as Vector;
      for (const text of [...exact, ...others]) {
        const truth = watched.search(query, 3000, "FILTER", text, "TRUTH").length;
        const explained = watched.explain(query, "FILTER", text);
        const estimate = Number(explained.matching);
        if (indexed.length > 0 && exact.includes(text)) {
          expect([text, estimate, explained["matching-exact"]]).toEqual([text, truth, 1]);
        } else {
          // A sample of 16 to 1,024: six matches at least, or all of it.
          expect(estimate, `${text}, ${truth} match`).toBeGreaterThan(truth / 4);
          expect(estimate, `${text}, ${truth} match`).toBeLessThan(truth * 4 + 20);
        }
      }
    }
  });

  test("scans where few match, and walks where many do", () => {
    const { watched } = clustered([".u"]);
    const query = watched.elements.get("e0")?.vector as Vector;
    const plan = (text: string) => watched.explain(query, "FILTER", text, "EF", "10");
    expect(plan(".u < 5")).toMatchObject({ plan: "scan", "indexed-candidates": expect.any(Number), evaluated: 0 });
    expect(plan(".u < 990")).toMatchObject({ plan: "post", "fell-back": 0 });
    expect(plan(".u * 1 < 5")).toMatchObject({ "indexed-candidates": null });
  });
});

describe("indexes", () => {
  test("are declared, listed and dropped", () => {
    const watched = new Watched();
    watched.set("x", [1, 2, 3], { a: 1, tags: ["b", "c"], o: { z: "t" } });
    expect([watched.run("VINDEX", "k", "ADD", ".tags"), watched.run("VINDEX", "k", "ADD", ".tags")]).toEqual([1, 0]);
    expect(watched.run("VINDEX", "k", "ADD", ".o.z")).toBe(1);
    const listed = watched.run("VINDEXES", "k") as unknown[][];
    expect(listed.map((one) => [one[1], one[3], one[11]])).toEqual([
      [".tags", 2, 1],
      [".o.z", 1, 0],
    ]);
    expect([watched.run("VINDEX", "k", "DEL", ".tags"), watched.run("VINDEX", "k", "DEL", ".tags")]).toEqual([1, 0]);
    expect((watched.run("VINDEXES", "k") as unknown[]).length).toBe(1);
    expect(watched.run("VINDEXES", "none")).toEqual([]);
    watched.run("SET", "s", "text");
    for (const [words, error] of [
      [["VINDEX", "none", "ADD", ".a"], /no such key/],
      [["VINDEX", "k", "PUT", ".a"], /use VINDEX key ADD path/],
      [["VINDEX", "k", "ADD", "a"], /invalid path/],
      [["VINDEX", "k", "ADD", ".a + 1"], /invalid path/],
      [["VINDEX", "s", "ADD", ".a"], /WRONGTYPE/],
      [["VINDEXES", "s"], /WRONGTYPE/],
    ] as [string[], RegExp][]) {
      expect(() => watched.run(...words)).toThrowError(error);
    }
    for (let field = 0; field < 15; field++) watched.run("VINDEX", "k", "ADD", `.f${field}`);
    expect(() => watched.run("VINDEX", "k", "ADD", ".more")).toThrowError(/16 indexes at most/);
  });

  test("are counted in the memory of their set, and freed with it", () => {
    const { watched } = clustered([]);
    const engine = watched.engine.engine;
    const usage = () => engine.memoryUsage(0, new TextEncoder().encode("k"), 0, watched.engine.now) as number;
    const [bare, held] = [usage(), engine.stats().memoryUsedBytes];
    for (const path of [".u", ".c", ".t"]) watched.run("VINDEX", "k", "ADD", path);
    const taken = engine.stats().memoryUsedBytes - held;
    expect(usage() - bare).toBeGreaterThan(3 * 3000 * 20);
    // Each class of nodes, while a list grows, may begin a page.
    expect(taken).toBeGreaterThan(usage() - bare - 4096);
    expect(taken).toBeLessThan(usage() - bare + 8 * 65536);
    for (const path of [".u", ".c", ".t"]) watched.run("VINDEX", "k", "DEL", path);
    expect(usage()).toBe(bare);
    for (const path of [".u", ".c"]) watched.run("VINDEX", "k", "ADD", path);
    watched.search([0, 0, 0, 0, 0, 0, 0, 0], 10, "FILTER", ".u + 1 < 5");
    watched.run("DEL", "k");
    while (engine.tick(watched.engine.now));
    // What marks visited nodes stays.
    expect(engine.stats().memoryUsedBytes).toBeLessThanOrEqual(
      new EngineDriver().engine.stats().memoryUsedBytes + 2 * 65536,
    );
  });
});
