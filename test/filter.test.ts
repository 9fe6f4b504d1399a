// Filter expressions: examples, Redis's rules, and an evaluator over syntax trees as the model. Random trees are
// written as text with as few parentheses as the ranks allow, so precedence is tested too.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Part } from "./compile-part.ts";
import { type Expression, evaluate, expression, render } from "./filter-model.ts";

interface FilterPart {
  encodeAttributes(json: number, bytes: number, out: number, capacity: number): number;
  compileFilter(text: number, bytes: number, program: number, capacity: number): number;
  evaluateFilter(program: number, attributes: number, bytes: number): number;
}

const seed = Number(process.env.NEARKEY_SEED ?? Date.now() % 1e9);

let part: Part<FilterPart>;
beforeAll(async () => {
  part = await Part.compile<FilterPart>("filters/filter", "text/json");
  console.log(`filter.test.ts: seed ${seed}`);
});

/** Compiles at the end of memory; the program's bytes, or what the error status is. */
function compile(text: string | Uint8Array): Uint8Array | number {
  const [place] = part.place(text);
  const bytes = part.exports.compileFilter(...place, part.output, 4 + place[1] * 4);
  return bytes < 0 ? bytes : part.bytes.slice(part.output, part.output + bytes);
}

function encode(json: string): Uint8Array {
  const [place] = part.place(json);
  const bytes = part.exports.encodeAttributes(...place, part.output, place[1] * 3);
  if (bytes < 0) throw new Error(`${json} is no object: ${bytes}`);
  return part.bytes.slice(part.output, part.output + bytes);
}

function run(program: Uint8Array, attributes: Uint8Array): boolean {
  const [programAt, attributesAt] = part.place(program, attributes);
  return part.exports.evaluateFilter(programAt[0], ...attributesAt) !== 0;
}

function matches(text: string, object: object = {}): boolean {
  const program = compile(text);
  if (typeof program === "number") throw new Error(`${text} does not compile: ${program}`);
  return run(program, encode(JSON.stringify(object)));
}

const movie = {
  year: 1984,
  title: "The Matrix",
  rating: 8.7,
  tags: ["sf", "action", 3],
  seen: true,
  lent: false,
  by: null,
  "a-b_1": 5,
  text: "17",
  empty: "",
};

function expectAll(expected: boolean, texts: string[]): void {
  for (const text of texts) expect(matches(text, movie), text).toBe(expected);
}

describe("filters", () => {
  it("compare fields, and calculate with them", () => {
    expectAll(true, [
      ".year == 1984",
      ".year>1980 and .year<1990",
      ".title == 'The Matrix'",
      '.title != "x"',
      ".rating * 10 == 87",
      ".year % 4 == 0",
    ]);
    expectAll(true, [
      ".year / 2 == 992",
      "(.year - 1980) ** 2 == 16",
      ".year + -4 == 1980",
      "-5 < .year",
      ".year -1980 == 4",
      ".a-b_1 == 5",
      "5-2 == 3",
    ]);
    expectAll(false, [
      ".year < 1984",
      ".year == 1985 or .rating < 8",
      "!(.year == 1984)",
      "not .seen",
      ".title == 'the matrix'",
    ]);
  });

  it("take any value as a truth", () => {
    expectAll(true, [
      ".seen",
      ".year",
      ".title",
      ".tags",
      "1",
      "'x'",
      "[]",
      "true",
      ".seen == true",
      ".lent == false",
      "1 == true",
      "not null",
    ]);
    expectAll(false, [".lent", ".by", "0", "''", "null", "false", ".empty", "!.tags", "0 / 0 == 0 / 0"]);
  });

  it("look into arrays and texts", () => {
    expectAll(true, [
      ".year in [1983, 1984]",
      '"sf" in .tags',
      "3 in .tags",
      "'3' in .tags",
      "'Mat' in .title",
      "'' in .empty",
      ".title in ['x', 'The Matrix',]",
      ".year in[ 1984 ]",
    ]);
    expectAll(false, [
      ".year in [1983]",
      "'s' in .tags",
      "'matrix' in .title",
      "1 in .year",
      "1 in '123'",
      "'1' in 123",
      ".year in []",
      "'The Matrix!' in .title",
      "null in [1]",
    ]);
  });

  it("follow paths into objects", () => {
    const object = { o: { z: 1, p: { q: ["x"] } }, "o.y": 2 };
    for (const text of [".o.z == 1", "'x' in .o.p.q", ".o.p.q any ['x']"]) expect(matches(text, object)).toBe(true);
    for (const text of [".o.y == 2", ".o.z.z == 1", ".o.p == 1", ".z == 1", ".o.p.q.r or 1"]) {
      expect(matches(text, object), text).toBe(false);
    }
    const nested = (depth: number) => JSON.parse(`${'{"d":'.repeat(depth)}1${"}".repeat(depth)}`);
    expect(matches(".d".repeat(8), nested(8))).toBe(true);
    expect(compile(".d".repeat(9))).toBeLessThan(0);
    expect(compile(".a.")).toBe(-3);
  });

  it("compare openings of texts, and sets", () => {
    expectAll(true, [
      ".title startswith 'The'",
      ".title startswith ''",
      ".tags any ['x', 'sf']",
      ".tags all ['action', 'sf']",
      ".tags all []",
      ".year any [1984]",
      ".tags any ['3']",
    ]);
    expectAll(false, [
      ".title startswith 'the'",
      ".empty startswith 'x'",
      ".year startswith '19'",
      ".tags any ['x']",
      ".tags any []",
      ".tags all ['sf', 'x']",
      ".tags any 'sf'",
      ".tags startswith 'sf'",
    ]);
  });

  it("measure distances on the earth", () => {
    const berlin = { at: [13.405, 52.52] };
    // To Munich 504 km, a sphere and the ellipsoid agree to half a percent.
    expect(matches(".at distance [11.582, 48.135] > 501000 and .at distance [11.582, 48.135] < 507000", berlin)).toBe(
      true,
    );
    expect(matches(".at distance [13.405, 52.52] == 0", berlin)).toBe(true);
    // Across the date line, and from pole to pole.
    expect(matches(".at distance [-179.9, 0] < 22300", { at: [179.9, 0] })).toBe(true);
    expect(matches(".at distance [0, 90] > 20000000", { at: [77, -90] })).toBe(true);
    for (const at of [5, "13,52", [13], [13, "52"], [13, 52, 1], null]) {
      expect(matches(".at distance [0, 0] >= 0", { at }), JSON.stringify(at)).toBe(false);
    }
  });

  it("are false where a field is missing, whatever else they say", () => {
    expectAll(false, [".none", "!.none", ".year == 1984 or .none", ".none == null", ".none != 1", ".Year == 1984"]);
    expect(matches("1 == 1", {})).toBe(true);
    expect(matches(".o or 1", { o: { a: 1 } })).toBe(false);
    expect(matches(".by == null", movie)).toBe(true);
    expect(matches(".a == 1", JSON.parse('{"a":1,"a":2}'))).toBe(false);
  });

  it("take a text as the number it spells", () => {
    expectAll(true, [
      ".text == 17",
      ".text + 1 == 18",
      ".text > 9",
      "'0' == .lent",
      "'abc' == 0",
      "'1e3' == 1000",
      "'inf' > 1e300",
      ".tags == 0",
      ".text == '17'",
      "'17.0' != .text",
    ]);
    expectAll(false, [".text == 18", "null == 0", "null == ''", "null == []", "'nan' == 1"]);
  });

  it("rank operators as Redis does", () => {
    expectAll(true, [
      "2 + 3 * 4 == 14",
      "2 ** 3 ** 2 == 512",
      "-2 ** 2 == 4",
      "10 - 4 - 3 == 3",
      "64 / 4 / 2 == 8",
      "1 or 0 and 0",
      "!0 ** 2",
      "2 * 3 % 4 == 2",
    ]);
    expectAll(true, [
      "1 < 2 == 1",
      "3 > 2 > 0",
      "not 0 == 1",
      "!!.seen",
      "not not .seen == 1",
      "! ! !.lent",
      "1 == 1 in [1]",
      "(((1)))",
      "2 ** -1 == 0.5",
    ]);
    expectAll(false, ["!!!.seen", "(1 or 0) and 0", "3 > 2 > 1", "2 + 2 ** 2 == 16"]);
  });

  it("read every way to write them", () => {
    expectAll(true, [
      ".year==1984&&.rating>8||0",
      "not(.lent)",
      "1\tand\n1",
      " .seen ",
      "1.5e3 == 1500",
      "15e-1 == 1.5",
      "1E+2 == 100",
      "5. == 5",
      "007 == 7",
    ]);
    expectAll(true, [
      "'it\\'s' == \"it's\"",
      "'\\u00e9\\n' == 'é\n'",
      '\'a"b\' == "a\\"b"',
      "'\\q' == 'q'",
      "(.by == null)",
      "1 2 + == 3",
      "== 1 1",
    ]);
  });

  it("say where an error is", () => {
    const errors: [string, number][] = [
      ["", 0],
      ["  ", 0],
      ["(", 0],
      [")", 0],
      ["()", 0],
      ["1 +", 0],
      ["1 2", 0],
      [".year == ", 0],
      ["(1))", 0],
      ["((1)", 0],
    ];
    const placed: [string, number][] = [
      ["1 == #", 5],
      [".", 0],
      ["1 == .", 5],
      ["foo == 1", 3],
      ["1 = 1", 3],
      ["1 & 1", 3],
      ["1 == 'abc", 9],
      ["[1, 2", 5],
      ["[1 2]", 3],
      ["[.a]", 1],
      ["[[1]]", 1],
      ["1e", 2],
      ["1.2.3", 5],
      ["1 == 1 andy", 11],
      ["é", 0],
      ["1\0", 1],
      ["5 in", 0],
      ["-.year", 0],
      ["[1,,2]", 3],
      ["1 in [", 6],
    ];
    for (const [text, position] of [...errors, ...placed])
      expect(compile(text), JSON.stringify(text)).toBe(-position - 1);
  });

  it("may nest deep, but not without bound", () => {
    const nested = (depth: number): string => `${"(".repeat(depth)}1${")".repeat(depth)}`;
    expect(matches(nested(4096))).toBe(true);
    expect(compile(nested(4097))).toBe(-1);
    const sum = (depth: number): string => `${"1 + (".repeat(depth)}1${")".repeat(depth)} == ${depth + 1}`;
    expect(matches(sum(511))).toBe(true);
    expect(compile(sum(600))).toBeLessThan(0);
    expect(matches(Array.from({ length: 5000 }, () => "1").join(" and "))).toBe(true);
  });

  it("know names of any length", () => {
    const name = "n".repeat(255);
    expect(matches(`.${name} == 1`, { [name]: 1 })).toBe(true);
    for (const long of ["n".repeat(256), "n".repeat(70_000)])
      expect(matches(`.${long} == 1 or .${long}`, { [long]: 1 })).toBe(false);
  });

  it("agree with the model on random expressions and attributes", () => {
    const attributes = fc.record(
      {
        a: fc.integer({ min: -3, max: 3 }),
        b: fc.constantFrom("", "x", "xy", "2", "-1.5", " 7", "1e2", "é"),
        c: fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom("x", "2", null, true, [1])), {
          maxLength: 3,
        }),
        d: fc.boolean(),
        e: fc.constant(null),
        f: fc.double({ noNaN: true, noDefaultInfinity: true }),
        o: fc.record({ z: fc.constantFrom<unknown>(1, "x", "xy", ["x", 2]) }, { requiredKeys: [] }),
      },
      { requiredKeys: ["a", "b", "d"] },
    );
    const property = fc.property(expression, attributes, fc.nat(), (tree: Expression, object, style) => {
      const text = render(tree, style);
      expect(matches(text, object), `${text} on ${JSON.stringify(object)}`).toBe(evaluate(tree, object));
    });
    fc.assert(property, { seed, numRuns: 30_000 });
  });

  it("of any mutated text compile within the promised room, or not, and run", () => {
    const attributes = encode(JSON.stringify(movie));
    const mutation = fc.tuple(
      fc.nat(),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from("()[]'\"\\.!=<>&|*-+ e1"))),
    );
    const property = fc.property(
      expression,
      fc.nat(),
      fc.array(mutation, { maxLength: 5 }),
      fc.nat(),
      (tree, style, changes, cut) => {
        const bytes = Buffer.from(render(tree, style));
        for (const [place, value] of changes) bytes[place % bytes.length] = value;
        const program = compile(cut % 2 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes);
        if (typeof program === "number") expect(-program - 1).toBeLessThanOrEqual(bytes.length);
        else run(program, attributes);
      },
    );
    fc.assert(property, { seed, numRuns: 50_000 });
  });

  it("need the room they say", () => {
    const text = ".year == 1984 and 'a text that is longer than thirty bytes' != .title or .x in [1, 'a', 2.5]";
    const [place] = part.place(text);
    const needed = part.exports.compileFilter(...place, part.output, text.length * 4);
    expect(needed).toBeGreaterThan(0);
    for (let capacity = 0; capacity < needed; capacity++) {
      expect(part.exports.compileFilter(...place, part.output, capacity)).toBeLessThan(0);
    }
  });
});
