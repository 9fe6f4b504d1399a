// The options of a vector set, their defaults and limits, and the checks a vector goes through before it is sent: a
// wrong dimension, NaN, infinity and (under cosine) the zero vector are refused by name, on every side of the wire.

import { NearkeyError } from "../errors.ts";
import { checkObject, shown } from "../options.ts";
import { type Key, kindOf } from "./operations.ts";

/**
 * What near means. `"cosine"`: distance 1 − cosine (0 to 2), score (1 + cosine) / 2 as in Redis. `"l2"`: Euclidean
 * distance (not squared), score 1 / (1 + distance). `"ip"`: distance minus the inner product, score the inner product.
 * `"manhattan"`: the sum of differences, score as for `"l2"`. Of vectors of zeros and ones alone, a bit each: `"hamming"`: in how many
 * numbers they differ, score as for `"l2"`; `"jaccard"`: that as a share of the numbers that are one in either (0 to 1), score 1 − distance.
 */
export type Metric = "cosine" | "l2" | "ip" | "manhattan" | "hamming" | "jaccard";

/**
 * How searches read vectors. `"int8"`: a byte a number, the fastest, and with a second look at the originals as exact as
 * `"f32"`. `"int4"`, `"binary"`: a quarter and an eighth of that, for recall that has to be tried. `"f16"`: half the
 * memory of float32, slower than it. `"f32"`: the vectors themselves.
 */
export type Quantization = "f32" | "f16" | "int8" | "int4" | "binary";

/** Options of `vectors()`. For a set that exists each may be left out; one that differs from the stored is an error. */
export interface VectorOptions {
  /** Numbers in a vector, 1 to 16,384. Needed for a set that does not exist. */
  dim?: number | undefined;
  /**
   * Stores vectors with so many numbers instead, fewer than `dim`, by a random projection that keeps distances about as they
   * are. `get` answers the shorter vector. Default: as they are given.
   */
  reduce?: number | undefined;
  /** Default `"cosine"`. */
  metric?: Metric | undefined;
  /** Links of a node on the graph's upper levels, 4 to 4,096; twice as many on the lowest. Default 16. */
  m?: number | undefined;
  /** Candidates kept while a node is linked, 1 to 1,000,000: higher builds slower and finds better. Default 200. */
  efConstruction?: number | undefined;
  /** Default `"int8"`, of zeros and ones `"binary"`, or `"f32"` for those. A set gets its codes when it has 256 vectors to train them on (1,024 without originals). */
  quantization?: Quantization | undefined;
  /**
   * Whether the float32 vectors are kept beside their codes. Default true. Without them a vector takes a quarter of the
   * memory or less, `get` answers what the codes stand for, and the codes are never trained again.
   */
  keepOriginals?: boolean | undefined;
}

/** A vector: numbers that stay finite as float32. */
export type Vector = Float32Array | ArrayLike<number>;

/** VectorOptions, complete, and the key they belong to. */
export interface VectorSettings {
  readonly name: Key;
  /** Numbers of a vector as it is given. */
  readonly dim: number;
  /** Numbers of a vector as it is stored, when those are fewer. */
  readonly reduce: number | undefined;
  readonly metric: Metric;
  readonly m: number;
  readonly efConstruction: number;
  readonly quantization: Quantization;
  readonly keepOriginals: boolean;
}

const defaults = { metric: "cosine", m: 16, efConstruction: 200, quantization: "int8", keepOriginals: true } as const;
const metrics: readonly string[] = ["cosine", "l2", "ip", "manhattan", "hamming", "jaccard"] satisfies Metric[];

/** Whether a metric is one of zeros and ones. */
export function isOfBits(metric: Metric | undefined): boolean {
  return metric === "hamming" || metric === "jaccard";
}

const limits = { dim: [1, 16384], reduce: [1, 16383], m: [4, 4096], efConstruction: [1, 1_000_000] } as const;
const quantizations: readonly string[] = ["f32", "f16", "int8", "int4", "binary"] satisfies Quantization[];
const names = ["dim", "reduce", "metric", "m", "efConstruction", "quantization", "keepOriginals"] as const;

/**
 * Checks the options of `vectors()` alone, without defaults.
 *
 * @throws NearkeyError `invalid-option`
 */
export function checkOptions(options: VectorOptions): void {
  checkNames("vectors()", options, names);
  for (const name of ["dim", "reduce", "m", "efConstruction"] as const) {
    const value = options[name];
    const [least, most] = limits[name];
    if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) continue;
    throw new NearkeyError(
      "invalid-option",
      `${name} must be a whole number from ${least} to ${most}, not ${shown(value)}`,
    );
  }
  checkChoice("metric", options.metric, metrics);
  checkForm(options);
  if (isOfBits(options.metric)) checkBits(options);
}

/** Codes of zeros and ones are all there is of them. */
function checkBits({ metric, quantization, keepOriginals, reduce }: VectorOptions): void {
  const refuse = (reason: string): never => {
    throw new NearkeyError("invalid-option", `metric ${JSON.stringify(metric)} ${reason}`);
  };
  if (reduce !== undefined) refuse("takes zeros and ones, and reduce makes other numbers of them");
  if (quantization !== undefined && quantization !== "binary" && quantization !== "f32") {
    refuse(`takes quantization "binary", which loses nothing of zeros and ones, or "f32", not ${shown(quantization)}`);
  }
  if (keepOriginals === true && quantization !== "f32") refuse("has bits that lose nothing: leave keepOriginals out");
}

function checkNames(method: string, options: object, known: readonly string[]): void {
  checkObject(`the options of ${method}`, options, `{ ${known[0]}: … }`);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new NearkeyError(
      "invalid-option",
      `${method} has no option ${JSON.stringify(name)}; it has ${known.join(", ")}`,
    );
  }
}

/** Checks the quantization, and whether it may do without originals. */
function checkForm(options: VectorOptions): void {
  checkChoice("quantization", options.quantization, quantizations);
  const { keepOriginals, quantization } = options;
  if (keepOriginals !== undefined && typeof keepOriginals !== "boolean") {
    throw new NearkeyError("invalid-option", `keepOriginals must be true or false, not ${shown(keepOriginals)}`);
  }
  if (keepOriginals !== false || quantization !== "f32") return;
  throw new NearkeyError(
    "invalid-option",
    'keepOriginals: false needs codes, and quantization: "f32" makes none; choose another quantization',
  );
}

/**
 * Checks what a set that exists shall become.
 *
 * @throws NearkeyError `invalid-option`
 */
export function checkChanges(
  set: VectorSettings,
  changes: Pick<VectorOptions, "quantization" | "keepOriginals">,
): void {
  checkNames("optimize()", changes, ["quantization", "keepOriginals"]);
  const { quantization = set.quantization, keepOriginals = set.keepOriginals } = changes;
  checkForm({ quantization, keepOriginals });
  if (isOfBits(set.metric)) checkBits({ metric: set.metric, quantization });
  if (set.keepOriginals || (keepOriginals === false && quantization === set.quantization)) return;
  throw new NearkeyError(
    "invalid-option",
    "the set keeps no originals: they cannot come back, nor other codes be made of them; add its vectors to a new set",
  );
}

function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return;
  throw new NearkeyError("invalid-option", `${name} must be one of ${choices.join(", ")}, not ${shown(value)}`);
}

/**
 * The settings of a set that does not exist yet.
 *
 * @throws NearkeyError `invalid-option` without `dim`
 */
export function newSettings(name: Key, options: VectorOptions): VectorSettings {
  const { dim } = options;
  if (dim === undefined) throw new NearkeyError("invalid-option", "dim is needed: there is no such vector set yet");
  if (options.reduce !== undefined && options.reduce >= dim) {
    throw new NearkeyError("invalid-option", `reduce must be less than dim, which is ${dim}, not ${options.reduce}`);
  }
  const bits = isOfBits(options.metric) && options.quantization !== "f32";
  return {
    name,
    dim,
    reduce: options.reduce,
    metric: options.metric ?? defaults.metric,
    m: options.m ?? defaults.m,
    efConstruction: options.efConstruction ?? defaults.efConstruction,
    quantization: options.quantization ?? (bits ? "binary" : defaults.quantization),
    keepOriginals: options.keepOriginals ?? (bits ? false : defaults.keepOriginals),
  };
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
  const row = vector instanceof Float32Array ? vector : Float32Array.from(vector, checkNumber);
  checkRow(row, 0, settings);
  return row;
}

/** Text and null would turn into numbers. */
function checkNumber(value: number, index: number): number {
  if (typeof value === "number") return value;
  throw new NearkeyError("invalid-argument", `number ${index} of a vector is ${shown(value)}, which is no number`);
}

/**
 * Checks the numbers of one row of a matrix.
 *
 * @param row its number, from 0
 * @throws NearkeyError `not-finite`, `zero-vector`, `invalid-argument` for other numbers than bits
 */
export function checkRow(matrix: Float32Array, row: number, settings: VectorSettings): void {
  const start = row * settings.dim;
  const where = matrix.length > settings.dim ? ` of row ${row}` : "";
  if (isOfBits(settings.metric)) {
    const other = matrix.subarray(start, start + settings.dim).findIndex((value) => value !== 0 && value !== 1);
    if (other < 0) return;
    const text = `number ${other}${where} is ${matrix[start + other]}: metric "${settings.metric}" takes zeros and ones`;
    throw new NearkeyError("invalid-argument", text);
  }
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
