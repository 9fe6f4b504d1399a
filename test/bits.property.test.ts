// Strings as bits against arrays of bits, at lengths around those of vectors, of inline values and of pages; fields of all
// widths against numbers of any length.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawSeed, EngineDriver } from "./engine-driver.ts";

const seed = drawSeed("bits.property.test.ts");

const lengths = [0, 1, 7, 15, 16, 17, 31, 100, 500, 32_704, 32_705, 65_535, 65_536, 65_537, 131_073];
/** Long runs of one byte, and some others among them. */
const bytes = fc
  .tuple(
    fc.constantFrom(...lengths),
    fc.constantFrom(0, 0xff, 0xa5),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
  )
  .map(([length, filler, others]) => {
    const all = Buffer.alloc(length, filler);
    for (const [at, byte] of others) if (length > 0) all[at % length] = byte;
    return all;
  });

const bitAt = (all: Buffer, at: number): number =>
  at >> 3 < all.length ? ((all[at >> 3] as number) >> (7 - (at & 7))) & 1 : 0;

/** The range of bits that two indexes name, as Redis reads them. */
function rangeOf(all: Buffer, start: number, end: number, isBits: boolean): [number, number] {
  const units = isBits ? all.length * 8 : all.length;
  const first = start < 0 ? Math.max(start + units, 0) : start;
  const last = Math.min(end < 0 ? Math.max(end + units, 0) : end, units - 1);
  return isBits ? [first, last] : [first * 8, last * 8 + 7];
}

function bitsOf(all: Buffer, first: number, last: number): number[] {
  const bits: number[] = [];
  for (let at = first; at <= last; at++) bits.push(bitAt(all, at));
  return bits;
}

const index = fc.oneof(fc.integer({ min: -40, max: 40 }), fc.constantFrom(65_535, 65_536, 524_280, -524_288, 2 ** 40));

describe("bits of strings of every length", () => {
  const driver = new EngineDriver();

  it("are counted and found in any range", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(bytes, index, index, fc.boolean(), fc.nat(1), (all, start, end, isBits, bit) => {
        driver.must("SET", "k", all);
        const unit = isBits ? "BIT" : "BYTE";
        const [first, last] = rangeOf(all, start, end, isBits);
        const isBackwards = start < 0 && end < 0 && start > end;
        const bits = bitsOf(all, first, last);
        const count = isBackwards ? 0 : bits.reduce((sum, each) => sum + each, 0);
        expect(driver.must("BITCOUNT", "k", start, end, unit)).toBe(count);
        const found = bits.indexOf(bit);
        expect(driver.must("BITPOS", "k", bit, start, end, unit)).toBe(found < 0 ? -1 : found + first);
        const whole = bitsOf(all, 0, all.length * 8 - 1).indexOf(bit);
        const behind = bit === 0 && all.length > 0 ? all.length * 8 : -1;
        expect(driver.must("BITPOS", "k", bit)).toBe(whole < 0 ? behind : whole);
      }),
      { seed, numRuns: 60 },
    );
  });

  it("are combined", { timeout: 60_000 }, () => {
    const operation = fc.constantFrom("AND", "OR", "XOR");
    fc.assert(
      fc.property(operation, fc.array(bytes, { minLength: 1, maxLength: 4 }), fc.nat(4), (name, all, target) => {
        driver.must("FLUSHALL");
        for (const [at, each] of all.entries()) driver.must("SET", `k${at}`, each);
        const length = Math.max(...all.map((each) => each.length));
        const combined = Buffer.alloc(length);
        for (let at = 0; at < length; at++) {
          const column = all.map((each) => each[at] ?? 0);
          combined[at] = column.reduce((one, other) =>
            name === "AND" ? one & other : name === "OR" ? one | other : one ^ other,
          );
        }
        expect(driver.must("BITOP", name, `k${target}`, ...all.map((_, at) => `k${at}`))).toBe(length);
        expect(driver.run("EXISTS", `k${target}`)).toBe(length === 0 ? 0 : 1);
        if (length === 0) return;
        expect(Buffer.compare(driver.runBytes("GET", `k${target}`) as Buffer, combined)).toBe(0);
        expect(driver.must("BITOP", "NOT", "not", `k${target}`)).toBe(length);
        const inverted = combined.map((byte) => byte ^ 0xff);
        expect(Buffer.compare(driver.runBytes("GET", "not") as Buffer, inverted)).toBe(0);
      }),
      { seed, numRuns: 40 },
    );
  });

  it("are set one by one", () => {
    const model = Buffer.alloc(140_000);
    let length = 0;
    driver.must("FLUSHALL");
    const steps = fc.array(
      fc.tuple(fc.constantFrom(0, 7, 1_000, 261_632, 524_287, 524_288, 1_100_000), fc.nat(9), fc.nat(1)),
    );
    fc.assert(
      fc.property(steps, (all) => {
        for (const [near, more, bit] of all) {
          const at = near + more;
          expect(driver.must("GETBIT", "k", at)).toBe(bitAt(model, at));
          expect(driver.must("SETBIT", "k", at, bit)).toBe(bitAt(model, at));
          const mask = 0x80 >> (at & 7);
          model[at >> 3] = bit === 1 ? (model[at >> 3] as number) | mask : (model[at >> 3] as number) & ~mask;
          length = Math.max(length, (at >> 3) + 1);
        }
        expect(driver.must("STRLEN", "k")).toBe(length);
      }),
      { seed, numRuns: 40 },
    );
    expect(Buffer.compare(driver.runBytes("GET", "k") as Buffer, model.subarray(0, length))).toBe(0);
  });
});

describe("fields", () => {
  const driver = new EngineDriver();
  const type = fc.oneof(
    fc.integer({ min: 1, max: 64 }).map((width) => ({ signed: true, width })),
    fc.integer({ min: 1, max: 63 }).map((width) => ({ signed: false, width })),
  );
  const amount = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: -300n, max: 300n }),
    fc.constantFrom(0n, -(2n ** 63n), 2n ** 63n - 1n),
  );
  /** Around the border of two pages too. */
  const place = fc.tuple(fc.constantFrom(0, 100, 524_288 - 70), fc.nat(80)).map(([near, more]) => near + more);

  it("of every width hold what they are given, or what overflow makes of it", { timeout: 60_000 }, () => {
    let all = 0n;
    driver.must("FLUSHALL");
    const reach = 524_288n + 256n;
    driver.must("SETBIT", "k", Number(reach) - 1, 0);
    fc.assert(
      fc.property(
        type,
        place,
        amount,
        fc.boolean(),
        fc.constantFrom("WRAP", "SAT", "FAIL"),
        (field, at, given, adds, overflow) => {
          const { signed, width } = field;
          const name = `${signed ? "i" : "u"}${width}`;
          const shift = reach - BigInt(at) - BigInt(width);
          const mask = 2n ** BigInt(width) - 1n;
          const stored = (all >> shift) & mask;
          const old = signed ? BigInt.asIntN(width, stored) : stored;
          const most = signed ? 2n ** BigInt(width - 1) - 1n : mask;
          const least = signed ? -(2n ** BigInt(width - 1)) : 0n;
          // A negative number is given to an unsigned field as the 64 bits that it is.
          const sum = adds ? old + given : signed ? given : BigInt.asUintN(64, given);
          const isOver = sum > most || sum < least;
          // Redis's own arithmetic wraps around when it tells how far the upper end is.
          const isUp = sum > most || (signed && !adds && width < 64 && BigInt.asIntN(64, most - given) < 0n);
          const wrapped = signed ? BigInt.asIntN(width, sum) : BigInt.asUintN(width, sum);
          const value = !isOver || overflow === "WRAP" ? wrapped : isUp ? most : least;
          const fails = isOver && overflow === "FAIL";
          const operation = [adds ? "INCRBY" : "SET", name, at, String(given)];
          const replies = driver.must(
            "BITFIELD",
            "k",
            "GET",
            name,
            at,
            "OVERFLOW",
            overflow,
            ...operation,
          ) as unknown[];
          expect(replies.map((reply) => (reply === null ? null : BigInt(reply as number)))).toEqual([
            old,
            fails ? null : adds ? value : old,
          ]);
          if (!fails) all = (all & ~(mask << shift)) | ((value & mask) << shift);
          expect(BigInt((driver.must("BITFIELD_RO", "k", "GET", name, at) as number[])[0] as number)).toBe(
            fails ? old : value,
          );
        },
      ),
      { seed, numRuns: 300 },
    );
  });
});
