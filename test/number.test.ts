// Integers and doubles as text: examples, and JavaScript's own conversions as the model.

import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { Part } from "./compile-part.ts";

interface NumberPart {
  parseInteger(address: number, bytes: number): number;
  parsedInteger: WebAssembly.Global<"i64">;
  formatInteger(value: bigint, out: number): number;
  parseDouble(address: number, bytes: number): number;
  parseDoubleSaturating(address: number, bytes: number): number;
  parsedDouble: WebAssembly.Global<"f64">;
  formatDouble(value: number, out: number): number;
}

const seed = Number(process.env.NEARKEY_SEED ?? Date.now() % 1e9);
const runs = { seed, numRuns: 20_000 };

let part: Part<NumberPart>;
beforeAll(async () => {
  part = await Part.compile<NumberPart>("text/number");
  console.log(`number.test.ts: seed ${seed}`);
});

function parseInteger(text: string): bigint | undefined {
  const [place] = part.place(text);
  return part.exports.parseInteger(...place) ? part.exports.parsedInteger.value : undefined;
}

function parseDouble(text: string): number | undefined {
  const [place] = part.place(text);
  return part.exports.parseDouble(...place) ? part.exports.parsedDouble.value : undefined;
}

const formatInteger = (value: bigint): string => part.text(part.exports.formatInteger(value, part.output));
const formatDouble = (value: number): string => part.text(part.exports.formatDouble(value, part.output));

const anyDouble = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }).map((bits) => {
    const value = new Float64Array(new BigUint64Array([bits]).buffer)[0] ?? 0;
    return Number.isFinite(value) ? value : 1;
  }),
);

describe("integers", () => {
  it("reads the one spelling of each integer", () => {
    for (const text of ["0", "1", "-1", "9", "10", "9223372036854775807", "-9223372036854775808"]) {
      expect(parseInteger(text), text).toBe(BigInt(text));
    }
  });

  it("refuses every other spelling", () => {
    const refused = [
      "",
      "-",
      "+1",
      "01",
      "-0",
      "-01",
      "00",
      " 1",
      "1 ",
      "1.0",
      "1e3",
      "0x1",
      "a",
      "1a",
      "--1",
      "\0",
      "1\0",
    ];
    const tooLarge = [
      "9223372036854775808",
      "-9223372036854775809",
      "18446744073709551616",
      "99999999999999999999",
      "123456789012345678901",
    ];
    for (const text of [...refused, ...tooLarge]) expect(parseInteger(text), JSON.stringify(text)).toBeUndefined();
  });

  it("writes what BigInt writes and reads it back", () => {
    const property = fc.property(
      fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
      fc.nat(63),
      (value, shift) => {
        const small = value >> BigInt(shift);
        expect(formatInteger(small)).toBe(String(small));
        expect(parseInteger(String(small))).toBe(small);
      },
    );
    fc.assert(property, runs);
    for (let power = 1n; power < 1n << 63n; power *= 10n) {
      for (const value of [power - 1n, power, -power, 1n - power]) expect(formatInteger(value)).toBe(String(value));
    }
    expect(formatInteger(-(1n << 63n))).toBe("-9223372036854775808");
  });

  it("agrees with a pattern on any short text", () => {
    const text = fc.string({ unit: fc.constantFrom(..."0123456789-+. e"), maxLength: 21 });
    const property = fc.property(text, (candidate) => {
      const valid = /^(0|-?[1-9]\d*)$/.test(candidate) && BigInt.asIntN(64, BigInt(candidate)) === BigInt(candidate);
      expect(parseInteger(candidate)).toBe(valid ? BigInt(candidate) : undefined);
    });
    fc.assert(property, runs);
  });
});

describe("doubles", () => {
  it("reads infinities and refuses what is no number", () => {
    for (const text of ["inf", "+inf", "Inf", "INFINITY", "infinity", "+Infinity"])
      expect(parseDouble(text), text).toBe(Infinity);
    for (const text of ["-inf", "-INF", "-infinity"]) expect(parseDouble(text), text).toBe(-Infinity);
    const refused = [
      "",
      "nan",
      "-nan",
      "NaN",
      "in",
      "infi",
      "infinit",
      "infinityx",
      " 1",
      "1 ",
      ".",
      "+",
      "-",
      "e1",
      ".e1",
      "1e",
      "1e+",
      "1e-",
      "1.2.3",
      "0x10",
      "1_0",
      "1,5",
      "--1",
      "1e1.5",
      "1\0",
      "++1",
    ];
    const outOfRange = ["1e309", "-1e309", "1e-400", "1e999999999999", "1e-999999999999", "2e-324"];
    for (const text of [...refused, ...outOfRange]) expect(parseDouble(text), JSON.stringify(text)).toBeUndefined();
  });

  it("reads forms that strtod reads", () => {
    const forms: [string, number][] = [
      ["1.", 1],
      [".5", 0.5],
      ["+5", 5],
      ["-0", -0],
      ["0e99999999999", 0],
      ["00012", 12],
      ["1E5", 1e5],
      ["1e+5", 1e5],
      ["1e-5", 1e-5],
      ["000.000e1", 0],
      ["5e-324", 5e-324],
      ["3e-324", 5e-324],
      ["1.7976931348623157e308", Number.MAX_VALUE],
    ];
    for (const [text, value] of forms) expect(parseDouble(text), text).toBe(value);
    expect(parseDouble(`0.${"0".repeat(400)}1e401`)).toBe(1);
    expect(parseDouble(`1${"0".repeat(400)}e-400`)).toBe(1);
  });

  it("agrees with a pattern on any short text", () => {
    const text = fc.string({
      unit: fc.constantFrom(..."0123456789.eE+-", "1", "inf", "inity", "NaN", " ", "x"),
      maxLength: 9,
    });
    const property = fc.property(text, (candidate) => {
      const infinite = /^([-+]?)inf(inity)?$/.exec(candidate);
      const finite = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(candidate) ? Number(candidate) : undefined;
      const zero = /^[-+]?[0.]+(e|$)/i.test(candidate);
      const inRange = zero || (finite !== 0 && Math.abs(finite ?? 0) !== Infinity);
      const expected = infinite ? Number(`${infinite[1]}Infinity`) : inRange ? finite : undefined;
      expect(parseDouble(candidate), candidate).toBe(expected);
    });
    fc.assert(property, { seed, numRuns: 50_000 });
  });

  it("saturates where it is asked to, as strtod does", () => {
    for (const [text, value] of [
      ["1e309", Infinity],
      ["-1e309", -Infinity],
      ["1e-400", 0],
      ["0.5", 0.5],
    ] as const) {
      const [place] = part.place(text);
      expect(part.exports.parseDoubleSaturating(...place)).toBe(1);
      expect(part.exports.parsedDouble.value).toBe(value);
    }
  });

  it("rounds decimals of any length and exponent correctly", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 40 });
    const property = fc.property(digits, digits, fc.integer({ min: -345, max: 320 }), (whole, fraction, exponent) => {
      const text = `${whole}.${fraction}e${exponent}`;
      const expected = Number(text);
      const zero = /^[0.]+e/.test(text);
      expect(parseDouble(text), text).toBe(zero ? 0 : expected === 0 || expected === Infinity ? undefined : expected);
    });
    fc.assert(property, runs);
  });

  it("rounds borders between two doubles to even, and just beside them away from it", () => {
    const property = fc.property(anyDouble, (value) => {
      const border = borderAbove(Math.abs(value));
      const point = border.includes(".") ? "" : ".";
      const below = BigInt(border.replace(".", "")) - 1n;
      const places = border.length - 1 - border.indexOf(".");
      const justBelow = point ? `${below}.99` : `${below}99e-${places + 2}`;
      for (const text of [border, `${border}${point}0000000000000000001`, justBelow]) {
        const expected = Number(text);
        expect(parseDouble(text), text).toBe(expected === 0 || expected === Infinity ? undefined : expected);
      }
    });
    fc.assert(property, { seed, numRuns: 2_000 });
  });

  it("reads back every way JavaScript writes a double", () => {
    const property = fc.property(anyDouble, (value) => {
      expect(parseDouble(Object.is(value, -0) ? "-0" : String(value))).toBe(value);
      expect(parseDouble(value.toExponential())).toBe(value || 0);
      expect(parseDouble(value.toPrecision(17))).toBe(value || 0);
    });
    fc.assert(property, runs);
  });

  it("writes them as Redis 8 does", () => {
    const forms: [number, string][] = [
      [0, "0"],
      [-0, "-0"],
      [1, "1"],
      [-1, "-1"],
      [100, "100"],
      [0.1, "0.1"],
      [-1.5, "-1.5"],
      [Math.PI, "3.141592653589793"],
      [1e15, "1000000000000000"],
      [4e18, "4000000000000000000"],
      [1e19, "1e+19"],
      [1e20, "1e+20"],
      [1e21, "1e+21"],
      [-1e21, "-1e+21"],
      [1.5e300, "1.5e+300"],
      [123456789012345680000, "123456789012345680000"],
      [1e-5, "0.00001"],
      [1e-6, "0.000001"],
      [1e-7, "1e-7"],
      [1.5e-7, "1.5e-7"],
      [0.000123456, "1.23456e-4"],
      [0.00123456, "0.00123456"],
      [5e-324, "5e-324"],
      [1.7976931348623157e308, "1.7976931348623157e+308"],
      [Infinity, "inf"],
      [-Infinity, "-inf"],
      [Number.NaN, "nan"],
    ];
    for (const [value, text] of forms) expect(formatDouble(value), text).toBe(text);
  });

  it("writes digits that read back the same, one in a hundred numbers with more than the fewest", () => {
    let longer = 0;
    const property = fc.property(anyDouble, (value) => {
      const text = formatDouble(value);
      expect(Number(text)).toBe(value);
      if (Number.isInteger(value)) return;
      longer += Number(significant(text) > significant(String(value)));
    });
    fc.assert(property, runs);
    expect(longer).toBeLessThan(runs.numRuns / 100);
  });
});

/** The decimal expansion of the midpoint between a double and the next one, in full. */
function borderAbove(value: number): string {
  const bits = new BigUint64Array(new Float64Array([value]).buffer)[0] ?? 0n;
  const exponent = Math.max(Number(bits >> 52n), 1) - 1075;
  const fraction = (bits & ((1n << 52n) - 1n)) + (bits >> 52n ? 1n << 52n : 0n);
  const twice = 2n * fraction + 1n;
  if (exponent > 0) return String(twice << BigInt(exponent - 1));
  const places = 1 - exponent;
  const digits = String(twice * 5n ** BigInt(places)).padStart(places + 1, "0");
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function significant(text: string): number {
  return text.replace(/e.*/, "").replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "").length;
}
