// Sums of decimals: exact rational arithmetic rounded as x86 rounds as the model, and a real redis-server where one
// is installed.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Part } from "./compile-part.ts";
import { findTool } from "./external-tools.ts";

interface LongDoublePart {
  addDecimal(first: number, firstBytes: number, second: number, secondBytes: number, out: number): number;
}

const seed = Number(process.env.NEARKEY_SEED ?? Date.now() % 1e9);
const redisServer = findTool("redis-server");

let part: Part<LongDoublePart>;
beforeAll(async () => {
  part = await Part.compile<LongDoublePart>("text/number-long-double");
  console.log(`long-double.test.ts: seed ${seed}`);
});

/** The sum as text, or the error status. */
function add(first: string, second: string): string | number {
  const [firstPlace, secondPlace] = part.place(first, second);
  const bytes = part.exports.addDecimal(...firstPlace, ...secondPlace, part.output);
  return bytes < 0 ? bytes : part.text(bytes);
}

const digits = (maxLength: number) => fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength });
const exponent = fc.oneof(
  fc.constant(0),
  fc.integer({ min: -25, max: 25 }),
  fc.integer({ min: -320, max: 320 }),
  fc.integer({ min: -4990, max: 4940 }),
);
const decimal = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt({ min: -(1n << 66n), max: 1n << 66n }).map(String),
  fc.integer({ min: -16500, max: 16400 }).map((power) => powerOfTwo(power)),
  fc
    .tuple(fc.constantFrom("", "-", "+"), digits(25), fc.option(digits(25)), fc.option(exponent))
    .map(
      ([sign, whole, places, power]) =>
        `${sign}${whole}${places === null ? "" : `.${places}`}${power === null ? "" : `e${power}`}`,
    ),
);

describe("sums of decimals", () => {
  it("are printed as Redis prints long doubles", () => {
    const sums: [string, string, string][] = [
      ["0", "0.1", "0.1"],
      ["10.50", "0.1", "10.6"],
      ["5.0e3", "2.0e2", "5200"],
      ["3.0", "-3", "0"],
      ["-0", "0", "0"],
      ["1e-18", "0", "0"],
      ["-1e-18", "0", "0"],
      ["1", "-1e-17", "0.99999999999999999"],
      ["0.1", "0.2", "0.3"],
      ["1e30", "1", "1000000000000000000024696061952"],
      ["9223372036854775807", "1", "9223372036854775808"],
      ["1e22", ".5", "10000000000000000000000"],
      ["+.5e1", "5.", "10"],
    ];
    for (const [first, second, sum] of sums) expect(add(first, second), `${first} + ${second}`).toBe(sum);
  });

  it("refuse what is no number, what is too large or small, and infinities", () => {
    for (const text of ["", "nan", " 1", "1 ", "a", "1e4933", "1e-4990", "1e", "0".repeat(5120)]) {
      expect(add("1", text), text).toBe(-1);
      expect(add(text, "1"), text).toBe(-2);
    }
    expect(add("1", "inf")).toBe(-4);
    expect(add("-Infinity", "1")).toBe(-3);
    expect(add("1e4932", "1e4932")).toBe(-3);
    expect(add("-1.18e4932", "-1e4931")).toBe(-3);
    expect(add("1.18e4932", "0")).toMatch(/^1180000000000000000\d{4914}$/);
    expect(add(`1${"0".repeat(5000)}e-5000`, `${"0".repeat(5000)}.5`)).toBe("1.5");
  });

  it("agree with exact arithmetic", () => {
    const property = fc.property(decimal, decimal, (first, second) => {
      expect(add(first, second), `${first} + ${second}`).toBe(model(first, second));
    });
    fc.assert(property, { seed, numRuns: 5_000 });
  });

  it("agree with exact arithmetic where nearly everything cancels", () => {
    const property = fc.property(decimal, fc.nat(40), fc.constantFrom("0", "1", "9"), (first, kept, digit) => {
      const opposite = first.startsWith("-") ? first.slice(1) : `-${first.replace("+", "")}`;
      const [mantissa = "", power] = opposite.split("e");
      const near = mantissa.slice(0, kept) + mantissa.slice(kept).replace(/\d/g, digit);
      const second = power === undefined ? near : `${near}e${power}`;
      expect(add(first, second), `${first} + ${second}`).toBe(model(first, second));
    });
    fc.assert(property, { seed, numRuns: 5_000 });
  });
});

describe.skipIf(redisServer === undefined)("sums of decimals beside redis-server", () => {
  let server: ChildProcess;
  let redis: Redis;
  beforeAll(async () => {
    const port = await freePort();
    server = spawn(redisServer ?? "", ["--port", String(port), "--save", "", "--appendonly", "no"]);
    await new Promise<void>((resolve) => {
      server.stdout?.on("data", (lines) => String(lines).includes("Ready to accept") && resolve());
    });
    redis = new Redis({ port });
  });
  afterAll(async () => {
    redis.disconnect();
    server.kill();
    await once(server, "exit");
  });

  it("are the same bytes", async () => {
    const pairs = fc.sample(fc.tuple(decimal, decimal), { seed, numRuns: 5_000 });
    const pipeline = redis.pipeline();
    for (const [first, second] of pairs) pipeline.set("n", first).call("INCRBYFLOAT", "n", second);
    const replies = (await pipeline.exec()) ?? [];
    pairs.forEach(([first, second], index) => {
      const [error, reply] = replies[2 * index + 1] ?? [];
      const sum = add(first, second);
      const expected = error === null || error === undefined ? reply : error.message;
      expect(typeof sum === "number" ? errorText(sum) : sum, `${first} + ${second}`).toBe(expected);
    });
  });
});

function errorText(status: number): string {
  return status === -3 ? "ERR increment would produce NaN or Infinity" : "ERR value is not a valid float";
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

// ---- the model: a number is significand x 2^exponent

const MIN = -16445;
interface Binary {
  significand: bigint;
  exponent: number;
}

function model(first: string, second: string): string | number {
  const b = read(second);
  if (b === undefined) return -1;
  const a = read(first);
  if (a === undefined) return -2;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.significand << BigInt(a.exponent - exponent)) + (b.significand << BigInt(b.exponent - exponent));
  const rounded = round(sum, 1n, exponent);
  return rounded === undefined ? -3 : print(rounded);
}

function read(text: string): Binary | undefined {
  const [, sign, whole = "", places = "", power = "0"] = /^([-+]?)(\d*)\.?(\d*)(?:e([-+]?\d+))?$/.exec(text) ?? [];
  const value = BigInt(whole + places) * (sign === "-" ? -1n : 1n);
  const scale = Number(power) - places.length;
  const ten = 10n ** BigInt(Math.abs(scale));
  const rounded = scale >= 0 ? round(value * ten, 1n, 0) : round(value, ten, 0);
  return rounded?.significand === 0n && value !== 0n ? undefined : rounded;
}

/** numerator / denominator x 2^exponent to 64 bits, or fewer at the lowest exponent; undefined when it is too large. */
function round(numerator: bigint, denominator: bigint, exponent: number): Binary | undefined {
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  if (magnitude === 0n) return { significand: 0n, exponent: MIN };
  const lengths = magnitude.toString(2).length - denominator.toString(2).length;
  for (let shift = Math.max(exponent + lengths - 65, MIN) - exponent; ; shift++) {
    const nearest =
      shift >= 0
        ? divideToEven(magnitude, denominator << BigInt(shift))
        : divideToEven(magnitude << BigInt(-shift), denominator);
    if (nearest >= 1n << 64n) continue;
    if (exponent + shift > 16320) return undefined;
    return { significand: negative ? -nearest : nearest, exponent: exponent + shift };
  }
}

function divideToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator - quotient * denominator);
  return quotient + BigInt(twice > denominator || (twice === denominator && (quotient & 1n) === 1n));
}

function print({ significand, exponent }: Binary): string {
  const negative = significand < 0n;
  const magnitude = negative ? -significand : significand;
  const scaled = magnitude * 10n ** 17n;
  const places = exponent >= 0 ? scaled << BigInt(exponent) : divideToEven(scaled, 1n << BigInt(-exponent));
  const text = String(places).padStart(18, "0");
  const trimmed = `${text.slice(0, -17)}.${text.slice(-17)}`.replace(/\.?0+$/, "");
  return negative && trimmed !== "0" ? `-${trimmed}` : trimmed;
}

function powerOfTwo(power: number): string {
  if (power >= 0) return String(1n << BigInt(power));
  return `${5n ** BigInt(-power)}e${power}`.replace(
    /^(\d{4000})(\d*)e(-?\d+)$/,
    (_all, kept: string, cut: string, scale: string) => `${kept}e${Number(scale) + cut.length}`,
  );
}
