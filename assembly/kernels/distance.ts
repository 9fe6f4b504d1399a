// Distance kernels over float32 vectors in 128-bit SIMD. Vectors are padded with zeros to whole lanes of four floats,
// so every length works and no kernel has a scalar tail. The one-to-one kernels keep four accumulators (one add
// chain would wait four cycles for each step); the one-to-four kernels share each load of the query between four
// vectors, which costs about 0.8 of four single calls in cache and half when the vectors come from RAM, because four
// streams of misses are in flight. Sums differ from a scalar loop in the last bits: the order of addition differs.
//
// A distance used for ordering is a key: an unsigned 32-bit number that sorts as the float does, for either sign.
// L2 and cosine compare squared Euclidean distances: for vectors of length one that is twice the cosine distance, it is
// exact for near vectors where 1 - cosine is not, and unlike a product its partial sums only grow, so that a sum can be
// given up early. Inner product compares minus the product. What is sorted and told of other metrics is the distance itself.

import { jaccardx4 } from "./jaccard";
import { sumsOfFloats } from "./lanes";
import { manhattan, manhattanx4 } from "./manhattan";

/** How a set measures nearness. The number is stored in the set. */
export const enum Metric {
  Cosine = 0,
  L2 = 1,
  InnerProduct = 2,
  Manhattan = 3,
  /** Of zeros and ones: in how many numbers they differ; and, as a share of those that either has, see jaccard.ts. */
  Hamming = 4,
  Jaccard = 5,
}

/** Whether a metric is one of bits: vectors of zeros and ones. */
@inline
export function isOfBits(metric: u32): bool {
  return metric >= <u32>Metric.Hamming;
}

/** Whether what orders is a squared Euclidean distance, whose partial sums only grow. */
@inline
export function isSquared(metric: u32): bool {
  return metric <= <u32>Metric.L2;
}

/** Whether what orders follows from products: squared distances and inner products. */
@inline
export function isOfProducts(metric: u32): bool {
  return metric <= <u32>Metric.InnerProduct;
}

/** Adds the four lanes. */
@inline
function sumOfLanes(v: v128): f32 {
  const pairs = f32x4.add(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

@inline
function squaredStep(sum: v128, q: v128, at: usize): v128 {
  const difference = f32x4.sub(q, v128.load(at));
  return f32x4.add(sum, f32x4.mul(difference, difference));
}

@inline
function productStep(sum: v128, q: v128, at: usize): v128 {
  return f32x4.add(sum, f32x4.mul(q, v128.load(at)));
}

/** Squared Euclidean distance of two padded vectors of `bytes` bytes (a multiple of 16). */
export function squaredL2(a: usize, b: usize, bytes: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const end = a + bytes;
  const wide = a + (bytes & ~63);
  while (a != wide) {
    s0 = squaredStep(s0, v128.load(a), b);
    s1 = squaredStep(s1, v128.load(a, 16), b + 16);
    s2 = squaredStep(s2, v128.load(a, 32), b + 32);
    s3 = squaredStep(s3, v128.load(a, 48), b + 48);
    a += 64;
    b += 64;
  }
  while (a != end) {
    s0 = squaredStep(s0, v128.load(a), b);
    a += 16;
    b += 16;
  }
  return sumOfLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** Inner product of two padded vectors of `bytes` bytes (a multiple of 16). */
export function innerProduct(a: usize, b: usize, bytes: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const end = a + bytes;
  const wide = a + (bytes & ~63);
  while (a != wide) {
    s0 = productStep(s0, v128.load(a), b);
    s1 = productStep(s1, v128.load(a, 16), b + 16);
    s2 = productStep(s2, v128.load(a, 32), b + 32);
    s3 = productStep(s3, v128.load(a, 48), b + 48);
    a += 64;
    b += 64;
  }
  while (a != end) {
    s0 = productStep(s0, v128.load(a), b);
    a += 16;
    b += 16;
  }
  return sumOfLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** Squared Euclidean distances of `q` to four padded vectors, one a lane. */
export function squaredL2x4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const wide = bytes & ~31;
  let at: usize = 0;
  while (at != wide) {
    const q0 = v128.load(q + at);
    const q1 = v128.load(q + at, 16);
    s0 = squaredStep(s0, q0, a + at);
    s1 = squaredStep(s1, q0, b + at);
    s2 = squaredStep(s2, q0, c + at);
    s3 = squaredStep(s3, q0, d + at);
    s0 = squaredStep(s0, q1, a + at + 16);
    s1 = squaredStep(s1, q1, b + at + 16);
    s2 = squaredStep(s2, q1, c + at + 16);
    s3 = squaredStep(s3, q1, d + at + 16);
    at += 32;
  }
  if (at != bytes) {
    const last = v128.load(q + at);
    s0 = squaredStep(s0, last, a + at);
    s1 = squaredStep(s1, last, b + at);
    s2 = squaredStep(s2, last, c + at);
    s3 = squaredStep(s3, last, d + at);
  }
  return sumsOfFloats(s0, s1, s2, s3);
}

/** Inner products of `q` with four padded vectors, one a lane. */
export function innerProductx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const wide = bytes & ~31;
  let at: usize = 0;
  while (at != wide) {
    const q0 = v128.load(q + at);
    const q1 = v128.load(q + at, 16);
    s0 = productStep(s0, q0, a + at);
    s1 = productStep(s1, q0, b + at);
    s2 = productStep(s2, q0, c + at);
    s3 = productStep(s3, q0, d + at);
    s0 = productStep(s0, q1, a + at + 16);
    s1 = productStep(s1, q1, b + at + 16);
    s2 = productStep(s2, q1, c + at + 16);
    s3 = productStep(s3, q1, d + at + 16);
    at += 32;
  }
  if (at != bytes) {
    const last = v128.load(q + at);
    s0 = productStep(s0, last, a + at);
    s1 = productStep(s1, last, b + at);
    s2 = productStep(s2, last, c + at);
    s3 = productStep(s3, last, d + at);
  }
  return sumsOfFloats(s0, s1, s2, s3);
}

/** Keys of four distances: positive floats get their sign bit set, negative ones all bits flipped. */
@inline
export function keysOf(distances: v128): v128 {
  const negative = i32x4.shr_s(distances, 31);
  return v128.xor(distances, v128.or(negative, i32x4.splat(0x80000000)));
}

/** The key of one distance (see the head of this file). */
@inline
export function keyOf(distance: f32): u32 {
  const bits = reinterpret<i32>(distance);
  return <u32>(bits ^ ((bits >> 31) | 0x80000000));
}

/** The distance a key was made from. */
export function distanceOfKey(key: u32): f32 {
  const bits = <i32>key;
  return reinterpret<f32>(bits ^ (~(bits >> 31) | 0x80000000));
}

/** Key of the distance between two stored vectors. */
@inline
export function measure(metric: u32, a: usize, b: usize, bytes: u32): u32 {
  if (isSquared(metric)) return keyOf(squaredL2(a, b, bytes));
  if (metric == Metric.InnerProduct) return keyOf(-innerProduct(a, b, bytes));
  if (metric == Metric.Manhattan) return keyOf(manhattan(a, b, bytes));
  // Squares of differences of zeros and ones count these.
  if (metric == Metric.Hamming) return keyOf(squaredL2(a, b, bytes));
  return keyOf(f32x4.extract_lane(jaccardx4(a, b, b, b, b, bytes), 0));
}

/** Keys of the distances of `q` to four stored vectors. */
@inline
export function measure4(metric: u32, q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  if (isSquared(metric)) return keysOf(squaredL2x4(q, a, b, c, d, bytes));
  return keysOf(
    metric == Metric.InnerProduct
      ? f32x4.neg(innerProductx4(q, a, b, c, d, bytes))
      : otherDistances(metric, q, a, b, c, d, bytes),
  );
}

function otherDistances(metric: u32, q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  if (metric == Metric.Manhattan) return manhattanx4(q, a, b, c, d, bytes);
  return metric == Metric.Hamming ? squaredL2x4(q, a, b, c, d, bytes) : jaccardx4(q, a, b, c, d, bytes);
}

/** Adds squared distances, of the bytes that `q` and the four addresses point to, to partial ones given and answered as keys. */
@inline
export function addSquaredL2x4(keys: v128, q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  const sign = i32x4.splat(0x80000000);
  return v128.xor(sign, f32x4.add(v128.xor(keys, sign), squaredL2x4(q, a, b, c, d, bytes)));
}
