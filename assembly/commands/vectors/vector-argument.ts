// Vectors as arguments: `FP32 blob` (little-endian) or `VALUES count number …`. What is wrong with one is replied by
// name, the two dimensions and the component included, before anything is changed.

import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  isArgumentPaged,
  lastInteger,
  readArgument,
} from "../../protocol/arguments";
import { isOfBits, Metric } from "../../kernels/distance";
import { normalize, normOf } from "../../vectors/original";
import { parsedDouble, parseDoubleSaturating } from "../../text/number";
import { beginError, endError, errorInteger, errorText, replyError } from "../../protocol/reply";
import { project } from "../../vectors/upkeep/projection";
import { DECODED, MATCHES_BASE } from "../../vectors/vector-scratch";
import { DIMENSIONS_MAX, VectorSet } from "../../vectors/vectorset";

/** Where the numbers of a vector lie as they were given, when it is read projected. */
export const GIVEN_BASE: u32 = DECODED;

// The vector that the command gives; call-scoped.
/** How many numbers it has. */
export let givenDimensions: u32 = 0;
/** The argument after it. */
export let nextArgument: u32 = 0;
/** Its length, when the metric is cosine. */
export let givenNorm: f32 = 1;
/** How many numbers it shall have when it is read, after a projection; 0 for those it has. */
let reducedDimensions: u32 = 0;
let firstArgument: u32 = 0;
let isBlob: bool = false;

/** Recognizes the vector at argument `index` without reading its numbers; false after replying an error. */
export function specifyVector(index: u32): bool {
  reducedDimensions = 0;
  if (!specifyForm(index)) {
    replyError("ERR invalid vector specification");
    return false;
  }
  if (givenDimensions > DIMENSIONS_MAX) {
    beginError();
    errorText("ERR Vector dimension ");
    errorInteger(givenDimensions);
    errorText(" is over the maximum of ");
    errorInteger(DIMENSIONS_MAX);
    endError();
    return false;
  }
  return true;
}

function specifyForm(index: u32): bool {
  if (index + 1 >= argumentCount) return false;
  isBlob = argumentIs(index, "FP32");
  if (isBlob) {
    firstArgument = index + 1;
    nextArgument = index + 2;
    const bytes = argumentBytes(firstArgument);
    givenDimensions = bytes >> 2;
    return bytes >= 4 && (bytes & 3) == 0;
  }
  if (!argumentIs(index, "VALUES") || !argumentInteger(index + 1)) return false;
  const count = lastInteger();
  firstArgument = index + 2;
  if (count < 1 || count > <i64>(argumentCount - firstArgument)) return false;
  givenDimensions = <u32>count;
  nextArgument = firstArgument + givenDimensions;
  return true;
}

/** True when the vector has the dimension that the set is given, and then it is read as the set has it; else replies both. */
export function fitsSet(set: VectorSet): bool {
  const projects = set.givenDimensions != 0;
  const wanted = projects ? set.givenDimensions : set.dimensions;
  if (projects) reduceVector(set.dimensions);
  if (givenDimensions == wanted) return true;
  beginError();
  errorText(projects ? "ERR Input dimension mismatch for projection - got " : "ERR Vector dimension mismatch - got ");
  errorInteger(givenDimensions);
  errorText(projects ? " but projection expects " : " but set has ");
  errorInteger(wanted);
  endError();
  return false;
}

/** The vector will be read with fewer numbers, 0 for those that are given. */
export function reduceVector(dimensions: u32): void {
  reducedDimensions = dimensions;
}

/** Whether the vector is projected, and then what was given lies at GIVEN_BASE once it is read. */
export function isReduced(): bool {
  return reducedDimensions != 0;
}

/** Numbers of the vector as it is read. */
export function readDimensions(): u32 {
  return reducedDimensions != 0 ? reducedDimensions : givenDimensions;
}

/** Bytes of the vector as it is read, padded to whole lanes. */
export function paddedBytes(): u32 {
  return ((readDimensions() + 3) & ~3) << 2;
}

/** Reads the vector's numbers to `to`, padded with zeros, and checks them under a metric; false after replying an error. */
export function readVector(to: usize, metric: u32): bool {
  const bytes = paddedBytes();
  if (!readNumbers(isReduced() ? <usize>GIVEN_BASE : to)) return false;
  if (isReduced()) {
    project(GIVEN_BASE, givenDimensions, to, reducedDimensions, MATCHES_BASE);
    if (!isFinite4(to, bytes)) {
      replyError("ERR vector components are too large for a projection: their sums are infinite as a float32");
      return false;
    }
  }
  givenNorm = 1;
  if (isOfBits(metric)) return areBits(to, bytes);
  if (metric != Metric.Cosine) return true;
  givenNorm = normOf(to, bytes);
  if (givenNorm == 0) replyError("ERR a vector of length zero has no direction, which the cosine metric needs");
  return givenNorm != 0;
}

/** Reads the numbers as they are given to `to`, padded with zeros; false after replying that one is none or not finite. */
function readNumbers(to: usize): bool {
  const bytes = ((givenDimensions + 3) & ~3) << 2;
  v128.store(to + bytes - 16, i32x4.splat(0));
  if (isBlob) readArgument(firstArgument, 0, to, givenDimensions << 2);
  else if (!readValues(to)) return false;
  if (isFinite4(to, bytes)) return true;
  replyNotFinite(to);
  return false;
}

/** Reads a query: as `readVector`, and of length one under cosine. */
export function readQuery(to: usize, metric: u32): bool {
  if (!readVector(to, metric)) return false;
  if (metric == Metric.Cosine) normalize(to, paddedBytes(), givenNorm, to);
  return true;
}

function readValues(to: usize): bool {
  for (let index: u32 = 0; index < givenDimensions; index++) {
    const argument = firstArgument + index;
    if (isArgumentPaged(argument) || !parseDoubleSaturating(argumentAddress(argument), argumentBytes(argument))) {
      replyError("ERR invalid vector specification");
      return false;
    }
    store<f32>(to + (index << 2), <f32>parsedDouble);
  }
  return true;
}

/** True when a padded vector is one of zeros and ones; else replies that it is not. */
function areBits(vector: usize, bytes: u32): bool {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  let good = i32x4.splat(-1);
  for (let at: u32 = 0; at < bytes; at += 16) {
    const four = v128.load(vector + at);
    // A negative zero equals zero, and is another number to whoever compares bits.
    v128.store(vector + at, f32x4.add(four, zero));
    good = v128.and(good, v128.or(f32x4.eq(four, zero), f32x4.eq(four, one)));
  }
  if (i32x4.all_true(good)) return true;
  replyError("ERR the HAMMING and JACCARD metrics take vectors of zeros and ones");
  return false;
}

/** True when no exponent of the padded vector is that of infinity and NaN. */
function isFinite4(vector: usize, bytes: u32): bool {
  const exponent = i32x4.splat(0x7f800000);
  let bad = i32x4.splat(0);
  for (let at: u32 = 0; at < bytes; at += 16) {
    bad = v128.or(bad, i32x4.eq(v128.and(v128.load(vector + at), exponent), exponent));
  }
  return !v128.any_true(bad);
}

function replyNotFinite(vector: usize): void {
  let index: u32 = 0;
  while (Math.abs(<f64>load<f32>(vector + (index << 2))) < Infinity) index++;
  const component = load<f32>(vector + (index << 2));
  beginError();
  errorText("ERR vector component ");
  errorInteger(index);
  errorText(component != component ? " is NaN" : " is infinite as a float32");
  endError();
}
