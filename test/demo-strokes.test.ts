// What the page makes of pen strokes: the form that the digits of the data set have, whatever was drawn where.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readDigits } from "../src/cli/digits.ts";
import { CELLS, centreOfMass, normalize, rasterize, SIDE, type Stroke } from "../src/demo/strokes.ts";

const line = (...points: [number, number][]): Stroke => points.map(([x, y]) => ({ x, y }));

/** The rows and columns that hold ink. */
function inkBox(cells: Float32Array): { width: number; height: number } {
  const inked = [...cells.keys()].filter((index) => (cells[index] ?? 0) > 0.5);
  const extent = (values: number[]): number => Math.max(...values) - Math.min(...values) + 1;
  return {
    width: extent(inked.map((index) => index % SIDE)),
    height: extent(inked.map((index) => Math.floor(index / SIDE))),
  };
}

function sum(cells: ArrayLike<number>): number {
  return Array.from(cells).reduce((total, ink) => total + ink, 0);
}

describe("a drawing", () => {
  test("is inked where the pen was, and nowhere else", () => {
    const cells = rasterize([line([4.5, 10.5], [20.5, 10.5])]);
    expect(cells[10 * SIDE + 12]).toBe(1);
    expect(cells[10 * SIDE + 23]).toBe(0);
    expect(cells[14 * SIDE + 12]).toBe(0);
  });

  test("may leave the pad without harm", () => {
    expect(sum(rasterize([line([-40, -40], [-30, 90])]))).toBe(0);
    expect(sum(rasterize([line([-10, 14], [50, 14])]))).toBeGreaterThan(SIDE);
  });

  test("of nothing is nothing", () => {
    expect(normalize([])).toBeUndefined();
    expect(sum(rasterize([]))).toBe(0);
  });

  test("fills a box of 20 × 20 around its centre of mass, small or large", () => {
    for (const size of [3, 8, 26]) {
      const cells = normalize([line([1, 1], [1 + size / 2, 1], [1, 1 + size])]) as Float32Array;
      const { width, height } = inkBox(cells);
      expect(Math.max(width, height)).toBeGreaterThanOrEqual(19);
      expect(Math.max(width, height)).toBeLessThanOrEqual(21);
      const mass = centreOfMass(cells);
      expect(Math.hypot(mass.x - 14.5, mass.y - 14.5)).toBeLessThan(0.3);
    }
  });

  test("stays a dot when it is one", () => {
    const { width, height } = inkBox(normalize([line([3, 3])]) as Float32Array);
    expect(Math.max(width, height)).toBeLessThan(6);
  });

  test("is the same wherever it was drawn", () => {
    const shape = (x: number, y: number): Stroke[] => [line([x, y], [x + 5, y + 2]), line([x + 2, y], [x + 2, y + 9])];
    const here = normalize(shape(2, 2)) as Float32Array;
    const there = normalize(shape(14, 11)) as Float32Array;
    expect(Math.max(...here.map((ink, index) => Math.abs(ink - (there[index] ?? 0))))).toBeLessThan(1e-5);
  });

  test("has finite ink from 0 to 1, whatever the strokes", () => {
    const point = fc.record({
      x: fc.double({ min: -50, max: 80, noNaN: true }),
      y: fc.double({ min: -50, max: 80, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(fc.array(point, { maxLength: 8 }), { minLength: 1, maxLength: 4 }), (strokes) => {
        for (const cells of [rasterize(strokes), normalize(strokes) ?? rasterize([])]) {
          expect(cells.length).toBe(CELLS);
          expect(cells.every((ink) => ink >= 0 && ink <= 1)).toBe(true);
        }
      }),
    );
  });
});

describe("the digits of the data set", () => {
  test("are 10,000, labels in turns, with the centre of mass in the middle", async () => {
    const digits = await readDigits(10_000);
    expect(digits.length).toBe(10_000);
    expect(new Set(digits.map(({ id }) => id)).size).toBe(10_000);
    expect(digits.slice(0, 10).map(({ label }) => label)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const masses = digits.map(({ picture }) => centreOfMass(picture));
    for (const axis of ["x", "y"] as const) {
      const mean = sum(masses.map((mass) => mass[axis])) / masses.length;
      expect(Math.abs(mean - 14.5)).toBeLessThan(0.05);
    }
  });

  test("hold about as much ink as a drawing's lines", async () => {
    const ones = (await readDigits(3000)).filter(({ label }) => label === 1);
    const inkOfOnes = ones.map(({ picture }) => sum(picture) / 255).sort((a, b) => a - b);
    const median = inkOfOnes[Math.floor(inkOfOnes.length / 2)] as number;
    const drawn = sum(normalize([line([14, 4], [14, 24])]) as Float32Array);
    expect(drawn / median).toBeGreaterThan(0.75);
    expect(drawn / median).toBeLessThan(1.33);
  });
});
