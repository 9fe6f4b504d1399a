// Commands of vector sets in process: argument forms, reply shapes of RESP2 and RESP3, errors that change nothing, and
// random programs against a plain model.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCommand, ReplyError } from "../src/resp.ts";
import { drawSeed, EngineDriver, isError } from "./engine-driver.ts";

const seed = drawSeed("vector-commands.test.ts");

function fp32(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** Runs commands given as text with spaces. */
function driver(protocol: 2 | 3 = 2): { engine: EngineDriver; run: (text: string) => unknown } {
  const engine = new EngineDriver();
  engine.engine.setProtocol(engine.connection, protocol);
  return { engine, run: (text) => read(engine, text.split(" ")) };
}

/** A reply, or an error as its text. */
function read(engine: EngineDriver, words: readonly (string | Uint8Array)[]): unknown {
  const reply = engine.run(...words);
  return reply instanceof ReplyError ? reply.message : reply;
}

/** Three unit vectors: east, north, and between them. */
function compass(protocol: 2 | 3 = 2) {
  const made = driver(protocol);
  made.run("VADD c VALUES 2 1 0 east");
  made.run('VADD c VALUES 2 0 1 north SETATTR {"cold":true,"year":1990}');
  read(made.engine, ["VADD", "c", "FP32", fp32(2, 2), "both", "SETATTR", '{"year":2026}']);
  return made;
}

describe("VADD", () => {
  test("answers whether the element is new, as a boolean in RESP3", () => {
    const two = driver(2);
    expect([two.run("VADD k VALUES 2 1 2 a"), two.run("VADD k VALUES 2 1 3 a")]).toEqual([1, 0]);
    const three = driver(3);
    expect([three.run("VADD k VALUES 2 1 2 a"), three.run("VADD k VALUES 2 1 3 a")]).toEqual([true, false]);
  });

  test("takes Redis's options in any order", () => {
    const { run } = driver();
    expect(run("VADD k VALUES 2 1 2 a CAS NOQUANT EF 50 M 8 SETATTR {} METRIC L2")).toBe(1);
    expect(run("VADD k VALUES 2 1 2 b METRIC l2 m 8 noquant")).toBe(1);
    expect(run("VADD k VALUES 2 1 2 c")).toBe(1);
    expect(run("VCARD k")).toBe(3);
  });

  test.each([
    ["VADD k VALUES 3 1 2 3 x", "ERR Vector dimension mismatch - got 3 but set has 2"],
    ["VADD k VALUES 2 1 nan x", "ERR invalid vector specification"],
    ["VADD k VALUES 2 1 inf x", "ERR vector component 1 is infinite as a float32"],
    ["VADD k VALUES 2 1e39 1 x", "ERR vector component 0 is infinite as a float32"],
    ["VADD k VALUES 2 0 0 x", "ERR a vector of length zero has no direction, which the cosine metric needs"],
    ["VADD k VALUES 2 1 2", "ERR wrong number of arguments for 'vadd' command"],
    ["VADD k VALUES 0 1 2 x", "ERR invalid vector specification"],
    ["VADD k VALUES -1 1 2 x", "ERR invalid vector specification"],
    ["VADD k FP32 abc x y", "ERR invalid vector specification"],
    ["VADD k FP64 abcd x y", "ERR invalid vector specification"],
    ["VADD k REDUCE 2 VALUES 2 1 2 x", "ERR cannot add projection to existing set without projection"],
    ["VADD k VALUES 2 1 2 x EF 0", "ERR invalid EF"],
    ["VADD k VALUES 2 1 2 x M 3", "ERR invalid M"],
    ["VADD k VALUES 2 1 2 x M 8", "ERR asked M value mismatch with existing vector set"],
    ["VADD k VALUES 2 1 2 x METRIC L2", "ERR asked metric mismatch with existing vector set"],
    ["VADD k VALUES 2 1 2 x METRIC L3", "ERR invalid METRIC, use COSINE, L2, IP, MANHATTAN, HAMMING or JACCARD"],
    ["VADD k VALUES 2 1 2 x NONSENSE", "ERR invalid option after element"],
    ["VADD text VALUES 2 1 2 x", "WRONGTYPE Operation against a key holding the wrong kind of value"],
  ])("refuses %s and changes nothing", (command, error) => {
    const { run } = driver();
    run("SET text value");
    run("VADD k VALUES 2 3 4 a");
    const before = [run("VINFO k"), run("VEMB k a")];
    expect(run(command)).toBe(error);
    expect([run("VINFO k"), run("VEMB k a")]).toEqual(before);
  });

  test("names the component of a blob that is no number, and the largest dimension", () => {
    const { engine } = driver();
    expect(read(engine, ["VADD", "k", "FP32", fp32(1, 2, Number.NaN), "x"])).toBe("ERR vector component 2 is NaN");
    const long = read(engine, ["VADD", "k", "FP32", new Uint8Array(16385 * 4), "x"]);
    expect(long).toBe("ERR Vector dimension 16385 is over the maximum of 16384");
    expect(engine.run("EXISTS", "k")).toBe(0);
  });

  test("takes vectors of 16,384 numbers, more than one page receives at once", () => {
    const { engine } = driver();
    const vector = Float32Array.from({ length: 16384 }, (_, index) => Math.sin(index));
    for (const name of ["a", "b", "c"]) {
      expect(read(engine, ["VADD", "k", "FP32", new Uint8Array(vector.buffer.slice(0)), name])).toBe(1);
      vector[3] = (vector[3] as number) + 1;
    }
    expect(read(engine, ["VSIM", "k", "FP32", new Uint8Array(vector.buffer), "COUNT", "1"])).toEqual(["c"]);
  });
});

describe("VSIM", () => {
  test("answers the nearest first, in RESP2 a flat list", () => {
    const { run } = compass();
    expect(run("VSIM c VALUES 2 1 0.1")).toEqual(["east", "both", "north"]);
    // A count whose default effort is beyond 64 bits.
    expect(run("VSIM c VALUES 2 1 0.1 COUNT 4611686018427387904 FILTER .year>0")).toEqual(["both", "north"]);
    expect(run("VSIM c ELE north COUNT 2")).toEqual(["north", "both"]);
    const scored = run("VSIM c ELE east WITHSCORES WITHATTRIBS COUNT 2") as unknown[];
    expect(scored[0]).toBe("east");
    expect(Number(scored[1])).toBeCloseTo(1, 6);
    expect(scored[2]).toBeNull();
    expect(scored[3]).toBe("both");
    expect(Number(scored[4])).toBeCloseTo((1 + Math.SQRT1_2) / 2, 6);
    expect(scored[5]).toBe('{"year":2026}');
  });

  test("answers maps in RESP3", () => {
    const { run } = compass(3);
    const scores = run("VSIM c ELE east WITHSCORES") as Record<string, number>;
    expect(Object.keys(scores)).toEqual(["east", "both", "north"]);
    expect(scores.north).toBeCloseTo(0.5, 6);
    const all = run("VSIM c ELE east WITHSCORES WITHDISTANCES WITHATTRIBS") as Record<string, unknown[]>;
    expect(all.both?.[0]).toBeCloseTo((1 + Math.SQRT1_2) / 2, 6);
    expect(all.both?.[1]).toBeCloseTo(1 - Math.SQRT1_2, 6);
    expect(all.both?.[2]).toBe('{"year":2026}');
    expect(run("VSIM c ELE east")).toEqual(["east", "both", "north"]);
    expect(run("VSIM nothing ELE east WITHSCORES")).toEqual([]);
  });

  test("gives Euclidean distances under L2 and products under IP", () => {
    const { run } = driver();
    run("VADD l VALUES 2 3 4 a METRIC L2");
    run("VADD i VALUES 2 3 4 a METRIC IP");
    expect(run("VSIM l VALUES 2 0 0 WITHSCORES WITHDISTANCES")).toEqual(["a", String(1 / 6), "5"]);
    expect(run("VSIM i VALUES 2 2 1 WITHSCORES WITHDISTANCES")).toEqual(["a", "10", "-10"]);
  });

  test("keeps within EPSILON: of 1 - score under cosine, of the distance under L2", () => {
    const { run } = compass();
    expect(run("VSIM c ELE east EPSILON 0.2")).toEqual(["east", "both"]);
    expect(run("VSIM c ELE east EPSILON 0.1")).toEqual(["east"]);
    run("VADD l VALUES 1 0 zero METRIC L2");
    run("VADD l VALUES 1 5 five");
    expect(run("VSIM l VALUES 1 1 EPSILON 1.5")).toEqual(["zero"]);
  });

  test("filters by attributes, also exactly; an element without them never passes", () => {
    const { engine } = compass();
    const filtered = (...more: string[]) => read(engine, ["VSIM", "c", "ELE", "east", ...more]);
    expect(filtered("FILTER", ".year > 2000")).toEqual(["both"]);
    expect(filtered("FILTER", ".year > 1900")).toEqual(["both", "north"]);
    expect(filtered("FILTER", ".year > 1900", "TRUTH", "COUNT", "1")).toEqual(["both"]);
    expect(filtered("FILTER", ".cold == true", "FILTER-EF", "100")).toEqual(["north"]);
    expect(filtered("FILTER", ".year >")).toMatch(/^ERR syntax error in FILTER expression near: /);
  });

  test.each([
    ["VSIM c ELE nobody", "ERR element not found in set"],
    ["VSIM c VALUES 3 1 2 3", "ERR Vector dimension mismatch - got 3 but set has 2"],
    ["VSIM c VALUES 2 0 0", "ERR a vector of length zero has no direction, which the cosine metric needs"],
    ["VSIM c ELE east COUNT 0", "ERR invalid COUNT"],
    ["VSIM c ELE east EF -1", "ERR invalid EF"],
    ["VSIM c ELE east EPSILON 0", "ERR invalid EPSILON"],
    ["VSIM c ELE east FILTER-EF 0", "ERR invalid FILTER-EF"],
    ["VSIM c ELE east COUNT", "ERR syntax error in VSIM command"],
    ["VSIM c ELE east NONSENSE 1", "ERR syntax error in VSIM command"],
    ["VSIM c XYZ east", "ERR invalid vector specification"],
  ])("refuses %s", (command, error) => {
    expect(compass().run(command)).toBe(error);
  });
});

describe("the other commands", () => {
  test("give back what was given", () => {
    const { run } = driver();
    run("VADD k VALUES 3 0.1 -2.5 1e10 a");
    expect((run("VEMB k a") as string[]).map(Number)).toEqual([0.1, -2.5, 1e10].map(Math.fround));
    const raw = run("VEMB k a RAW") as string[];
    expect([raw[0], raw.length]).toEqual(["f32", 3]);
    expect([run("VEMB k b"), run("VEMB nothing b"), run("VEMB k a COOKED")]).toEqual([
      null,
      null,
      "ERR invalid option",
    ]);
  });

  test("set, change and remove attributes", () => {
    const { run } = compass();
    expect(run("VGETATTR c north")).toBe('{"cold":true,"year":1990}');
    expect([run('VSETATTR c north {"year":1}'), run("VSETATTR c nobody {}"), run("VSETATTR none x {}")]).toEqual([
      1, 0, 0,
    ]);
    expect(run("VGETATTR c north")).toBe('{"year":1}');
    expect(run("VSETATTR c north ")).toBe(1);
    expect([run("VGETATTR c north"), run("VGETATTR c nobody"), run("VGETATTR none x")]).toEqual([null, null, null]);
    expect(run("VADD c VALUES 2 1 1 both")).toBe(0);
    expect(run("VGETATTR c both")).toBe('{"year":2026}');
  });

  test("count, describe and link", () => {
    const { run } = compass(3);
    expect([run("VCARD c"), run("VDIM c"), run("VCARD none"), run("VDIM none")]).toEqual([
      3,
      2,
      0,
      "ERR key does not exist",
    ]);
    expect(run("VINFO c")).toMatchObject({
      "quant-type": "int8",
      quantized: false,
      originals: true,
      metric: "COSINE",
      "hnsw-m": 16,
      size: 3,
      "attributes-count": 2,
    });
    expect(run("VINFO none")).toBeNull();
    const links = run("VLINKS c east") as string[][];
    expect(links.at(-1)?.length).toBeGreaterThan(0);
    const scored = run("VLINKS c east WITHSCORES") as Record<string, number>[];
    for (const score of Object.values(scored.at(-1) ?? {})) expect(score).toBeLessThan(1);
    expect(run("TYPE c")).toBe("vectorset");
  });

  test("know members and draw them", () => {
    const { run } = compass();
    expect([run("VISMEMBER c east"), run("VISMEMBER c west"), run("VISMEMBER none east")]).toEqual([1, 0, 0]);
    expect(["east", "north", "both"]).toContain(run("VRANDMEMBER c"));
    expect([...(run("VRANDMEMBER c 9") as string[])].sort()).toEqual(["both", "east", "north"]);
    expect((run("VRANDMEMBER c -9") as string[]).length).toBe(9);
    expect([run("VRANDMEMBER none"), run("VRANDMEMBER none 3"), run("VRANDMEMBER c 0")]).toEqual([null, [], []]);
    expect(run("VRANDMEMBER c x")).toBe("ERR COUNT value is not an integer");
  });

  test("draw from the few that are left of many", () => {
    const { engine, run } = driver();
    for (let index = 0; index < 3000; index++) read(engine, ["VADD", "k", "FP32", fp32(index, 1), `name${index}`]);
    for (let index = 0; index < 3000; index++) if (index % 1499 !== 7) run(`VREM k name${index}`);
    const drawn = run("VRANDMEMBER k -3000") as string[];
    expect(drawn.length).toBe(3000);
    expect([...new Set(drawn)].sort()).toEqual(["name1506", "name7"]);
    expect(["name1506", "name7"]).toContain(run("VRANDMEMBER k"));
  });

  test("remove the set with its last element, and free what a deleted set held", () => {
    const { engine, run } = compass();
    for (const name of ["east", "north", "both"]) expect(run(`VREM c ${name}`)).toBe(1);
    expect([run("VREM c east"), run("EXISTS c")]).toEqual([0, 0]);
    const before = engine.engine.stats().memoryUsedBytes;
    for (let index = 0; index < 2000; index++) {
      read(engine, ["VADD", "big", "FP32", fp32(index, 1, 2, 3), `name${index}`, "SETATTR", `{"at":${index}}`]);
    }
    expect(run("DEL big")).toBe(1);
    while (engine.engine.tick(engine.now));
    expect(engine.engine.stats().memoryUsedBytes).toBeLessThanOrEqual(before + 65536);
  });
});

describe("at the memory limit", () => {
  test("another vector for an element, and taking its attributes away, still go", () => {
    const engine = new EngineDriver({ maxMemoryBytes: 8 << 20 });
    for (const name of ["a", "b", "c"]) engine.must("VADD", "k", "FP32", fp32(1, 2), name, "SETATTR", '{"n":1}');
    for (let index = 0; ; index++) if (isError(engine.run("SET", `filler:${index}`, "f".repeat(900)))) break;
    expect(read(engine, ["VADD", "k", "FP32", fp32(3, 4), "d"])).toMatch(/^OOM/);
    expect(read(engine, ["VADD", "k", "FP32", fp32(3, 4), "a"])).toBe(0);
    expect(read(engine, ["VADD", "k", "FP32", fp32(4, 4), "b", "SETATTR", ""])).toBe(0);
    expect(read(engine, ["VSETATTR", "k", "c", ""])).toBe(1);
    expect(read(engine, ["VEMB", "k", "a"])).toEqual(["3", "4"]);
    expect([read(engine, ["VGETATTR", "k", "b"]), read(engine, ["VGETATTR", "k", "c"])]).toEqual([null, null]);
  });
});

describe("a call into the engine", () => {
  /** How many of the commands, sent as one pipeline, the first call runs. */
  function runsOf(engine: EngineDriver, command: readonly (string | Uint8Array)[], count: number): number {
    const batch = Buffer.concat(Array.from({ length: count }, () => encodeCommand(command)));
    engine.engine.execute(engine.connection, batch, 0, engine.now);
    return (engine.engine.consumed / batch.length) * count;
  }

  test("ends after a few searches that try every element, however short their beam", () => {
    const engine = new EngineDriver();
    for (let index = 0; index < 12_000; index++) {
      engine.must("VADD", "k", "FP32", fp32(index, 1), `name${index}`, "EF", "4", "M", "4", "METRIC", "L2");
    }
    const all = ["VSIM", "k", "FP32", fp32(1, 1), "COUNT", "1", "EF", "1", "FILTER", ".a", "FILTER-EF", "4000000000"];
    expect(runsOf(engine, all, 100)).toBeLessThan(5);
  });

  test("ends after a few inserts of long vectors", () => {
    const engine = new EngineDriver();
    for (let index = 0; index < 3; index++) {
      engine.must("VADD", "k", "FP32", new Uint8Array(4 * 8000).fill(index + 1), `${index}`, "EF", "1");
    }
    expect(runsOf(engine, ["VSIM", "k", "ELE", "1", "EF", "1"], 100)).toBeLessThan(10);
  });

  test("ends after a few copies of a large hash", () => {
    const engine = new EngineDriver();
    const fields = Array.from({ length: 10_000 }, (_, index) => [`field:${index}`, "v"]).flat();
    engine.must("HSET", "h", ...fields);
    expect(runsOf(engine, ["COPY", "h", "other", "REPLACE"], 100)).toBeLessThan(5);
  });
});

describe("random programs", () => {
  type Step = { kind: "set" | "delete" | "attributes" | "search"; name: string; vector: number[]; text: string };
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom("set", "set", "set", "delete", "attributes", "search") as fc.Arbitrary<Step["kind"]>,
    name: fc.nat({ max: 60 }).map((number) => `name${number}`),
    vector: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 3, maxLength: 3 }),
    text: fc.nat({ max: 9 }).map((number) => `{"n":${number}}`),
  });

  test("agree with a plain map", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
        const { engine } = driver();
        const model = new Map<string, { vector: number[]; text: string | null }>();
        for (const { kind, name, vector, text } of steps) {
          const known = model.get(name);
          if (kind === "set") {
            const reply = read(engine, ["VADD", "k", "FP32", fp32(...vector), name, "METRIC", "L2"]);
            expect(reply).toBe(known ? 0 : 1);
            model.set(name, { vector, text: known?.text ?? null });
          } else if (kind === "delete") {
            expect(read(engine, ["VREM", "k", name])).toBe(model.delete(name) ? 1 : 0);
          } else if (kind === "attributes") {
            expect(read(engine, ["VSETATTR", "k", name, text])).toBe(known ? 1 : 0);
            if (known) known.text = text;
          } else {
            expectNearest(engine, model, vector);
          }
        }
        expect(read(engine, ["VCARD", "k"])).toBe(model.size);
        for (const [name, { vector, text }] of model) {
          expect((read(engine, ["VEMB", "k", name]) as string[]).map(Number)).toEqual(vector.map((value) => value + 0));
          expect(read(engine, ["VGETATTR", "k", name])).toBe(text);
        }
      }),
      { seed, numRuns: 60 },
    );
  });

  /** Compares the distances of exact search, with and without a filter. */
  function expectNearest(
    engine: EngineDriver,
    model: ReadonlyMap<string, { vector: number[]; text: string | null }>,
    query: number[],
  ): void {
    const away = (vector: number[]) => Math.hypot(...vector.map((value, at) => value - (query[at] as number)));
    const search = (...more: string[]) => {
      const reply = read(engine, ["VSIM", "k", "FP32", fp32(...query), "WITHDISTANCES", ...more]) as string[];
      return reply.filter((_, at) => at % 2 === 1).map(Number);
    };
    const nearest = (kept: { vector: number[]; text: string | null }[]) => {
      return kept
        .map(({ vector }) => away(vector))
        .sort((a, b) => a - b)
        .slice(0, 10);
    };
    const all = [...model.values()];
    const even = all.filter(({ text }) => text !== null && JSON.parse(text).n % 2 === 0);
    const close = (found: number[], expected: number[]) => {
      expect(found.length).toBe(expected.length);
      for (const [at, value] of found.entries()) expect(value).toBeCloseTo(expected[at] as number, 5);
    };
    close(search("TRUTH"), nearest(all));
    close(search("TRUTH", "FILTER", ".n % 2 == 0"), nearest(even));
    close(search("FILTER", ".n % 2 == 0"), nearest(even));
    expect(search().length).toBe(Math.min(10, all.length));
  }
});

describe("an expression that is none", () => {
  test.each([
    ["", "", "there is nothing to test"],
    [".a .b", ".a .b", "two values stand side by side without an operator"],
    [".year >", ".year >", "an operator lacks a value"],
    ["(.a > 1", "(.a > 1", "a parenthesis is not closed"],
    [".a > 1)", ".a > 1)", "a parenthesis is closed that was not opened"],
    [".a == 1e", "", "that is no number"],
    ['.a == "b', "", "a text lacks its closing quote"],
    [".a in [1, x]", "x]", "an array holds numbers and quoted texts, with commas between them, and ends with ]"],
    [".a.b.c.d.e.f.g.h.i > 1", ".i > 1", "a field is at most eight names deep"],
    ["year > 5", " > 5", "there is no such operator: fields begin with a point, texts stand in quotes"],
    [".a = 5", " 5", "there is no such operator: equality is ==, and is &&, or is ||"],
    [".a == #5", "#5", "nothing begins so: fields begin with a point, texts stand in quotes"],
    ["(".repeat(5_000), "(".repeat(5_000), "it is nested too deeply"],
  ])("%j is refused with where and why", (expression, near, why) => {
    const { engine } = compass();
    const message = read(engine, ["VSIM", "c", "ELE", "east", "FILTER", expression]);
    const shown = near === "" && expression !== "" ? expression : near;
    expect(message).toBe(`ERR syntax error in FILTER expression near: ${shown} (${why})`);
  });
});
