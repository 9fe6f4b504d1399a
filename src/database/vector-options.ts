// The options of a vector set, their defaults and limits, and the checks a vector goes through before it is sent: a
// wrong dimension, NaN, infinity and (under cosine) the zero vector are refused by name, on every side of the wire.

import { NearkeyError } from "../errors.ts";
import { type Key, kindOf } from "./operations.ts";

/**
 * What near means. `"cosine"`: distance 1 − cosine (0 to 2), score (1 + cosine) / 2 as in Redis. `"l2"`: Euclidean
 * distance (not squared), score 1 / (1 + distance). `"ip"`: distance minus the inner product, score the inner product.
 */
export type Metric = "cosine" | "l2" | "ip";

/** Options of `vectors()`. For a set that exists each may be left out; one that differs from the stored is an error. */
export interface VectorOptions {
  /** Numbers in a vector, 1 to 16,384. Needed for a set that does not exist. */
  dim?: number | undefined;
  /** Default `"cosine"`. */
  metric?: Metric | undefined;
  /** Links of a node on the graph's upper levels, 4 to 4,096; twice as many on the lowest. Default 16. */
  m?: number | undefined;
  /** Candidates kept while a node is linked, 1 to 1,000,000: higher builds slower and finds better. Default 200. */
  efConstruction?: number | undefined;
}

/** A vector: numbers that stay finite as float32. */
export type Vector = Float32Array | ArrayLike<number>;

/** VectorOptions, complete, and the key they belong to. */
export interface VectorSettings {
  readonly name: Key;
  readonly dim: number;
  readonly metric: Metric;
  readonly m: number;
  readonly efConstruction: number;
}

const defaults = { metric: "cosine", m: 16, efConstruction: 200 } as const;
const metrics: readonly string[] = ["cosine", "l2", "ip"] satisfies Metric[];
const limits = { dim: [1, 16384], m: [4, 4096], efConstruction: [1, 1_000_000] } as const;
const names = ["dim", "metric", "m", "efConstruction"] as const;

/**
 * Checks the options of `vectors()` alone, without defaults.
 *
 * @throws NearkeyError `invalid-option`
 */
export function checkOptions(options: VectorOptions): void {
  for (const name of Object.keys(options)) {
    if (!names.includes(name as keyof VectorOptions)) {
      throw new NearkeyError(
        "invalid-option",
        `vectors() has no option ${JSON.stringify(name)}; it has ${names.join(", ")}`,
      );
    }
  }
  for (const name of ["dim", "m", "efConstruction"] as const) {
    const value = options[name];
    const [least, most] = limits[name];
    if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) continue;
    throw new NearkeyError("invalid-option", `${name} must be a whole number from ${least} to ${most}, not ${value}`);
  }
  if (options.metric !== undefined && !metrics.includes(options.metric)) {
    throw new NearkeyError("invalid-option", `metric must be one of ${metrics.join(", ")}, not ${options.metric}`);
  }
}

/**
 * The settings of a set that does not exist yet.
 *
 * @throws NearkeyError `invalid-option` without `dim`
 */
export function newSettings(name: Key, options: VectorOptions): VectorSettings {
  const { dim } = options;
  if (dim === undefined) throw new NearkeyError("invalid-option", "dim is needed: there is no such vector set yet");
  const { metric = defaults.metric, m = defaults.m, efConstruction = defaults.efConstruction } = options;
  return { name, dim, metric, m, efConstruction };
}

/**
 * Compares the options asked for with those of the set that exists.
 *
 * @throws NearkeyError `options-differ`, naming both values
 */
export function checkSame(options: VectorOptions, stored: VectorSettings): void {
  for (const name of names) {
    if (options[name] === undefined || options[name] === stored[name]) continue;
    throw new NearkeyError(
      "options-differ",
      `the vector set exists with ${name} ${stored[name]}, and ${name} ${options[name]} was asked for`,
    );
  }
}

/**
 * Checks one vector and gives it as float32 (the very array when it is one).
 *
 * @throws NearkeyError `wrong-dimension`, `not-finite`, `zero-vector`, `invalid-argument`
 */
export function checkVector(vector: Vector, settings: VectorSettings): Float32Array {
  if (typeof vector !== "object" || vector === null || typeof vector.length !== "number") {
    throw new NearkeyError("invalid-argument", `a vector must be an array of numbers, not ${kindOf(vector)}`);
  }
  if (vector.length !== settings.dim) {
    throw new NearkeyError("wrong-dimension", `the vector has ${vector.length} numbers, the set has ${settings.dim}`);
  }
  const row = vector instanceof Float32Array ? vector : Float32Array.from(vector);
  checkRow(row, 0, settings);
  return row;
}

/**
 * Checks the numbers of one row of a matrix.
 *
 * @param row its number, from 0
 * @throws NearkeyError `not-finite`, `zero-vector`
 */
export function checkRow(matrix: Float32Array, row: number, settings: VectorSettings): void {
  const start = row * settings.dim;
  const where = matrix.length > settings.dim ? ` of row ${row}` : "";
  let largest = 0;
  for (let index = start; index < start + settings.dim; index++) {
    const size = Math.abs(matrix[index] as number);
    if (size > largest) largest = size;
    // False for NaN too.
    if (size < Infinity) continue;
    throw new NearkeyError(
      "not-finite",
      `number ${index - start}${where} is ${matrix[index]}: vectors hold finite float32`,
    );
  }
  if (largest > 0 || settings.metric !== "cosine") return;
  throw new NearkeyError(
    "zero-vector",
    `the vector${where} is all zeros: it has no direction that cosine could compare`,
  );
}
