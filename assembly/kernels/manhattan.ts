// Manhattan distance (the sum of the differences) over float32, halves, bytes and nibbles, padded as for the other kernels. Absolute
// values cost one more instruction than squares; of bytes, two saturated subtractions give the difference without
// widening, so that it is cheaper than squares. Sums of codes are exact. Of floats all terms have one sign: of n numbers each lane adds n / 16
// of them, and what is rounded is at most (n / 16 + 5) times 2^-24 of the sum.

import { widen } from "./half-distance";
import { sumsOfFloats, sumsOfIntegers } from "./lanes";

@inline
function floatStep(sum: v128, q: v128, at: usize): v128 {
  return f32x4.add(sum, f32x4.abs(f32x4.sub(q, v128.load(at))));
}

/** Manhattan distance of two padded vectors of `bytes` bytes (a multiple of 16). */
export function manhattan(a: usize, b: usize, bytes: u32): f32 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const wide = bytes & ~63;
  let at: usize = 0;
  for (; at != wide; at += 64) {
    s0 = floatStep(s0, v128.load(a + at), b + at);
    s1 = floatStep(s1, v128.load(a + at, 16), b + at + 16);
    s2 = floatStep(s2, v128.load(a + at, 32), b + at + 32);
    s3 = floatStep(s3, v128.load(a + at, 48), b + at + 48);
  }
  for (; at != bytes; at += 16) s0 = floatStep(s0, v128.load(a + at), b + at);
  const zero = f32x4.splat(0);
  const sum = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  return f32x4.extract_lane(sumsOfFloats(sum, zero, zero, zero), 0);
}

/** Manhattan distances of `q` to four padded vectors, one a lane; each lane of a sum adds n / 4 numbers. */
export function manhattanx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    s0 = floatStep(s0, query, a + at);
    s1 = floatStep(s1, query, b + at);
    s2 = floatStep(s2, query, c + at);
    s3 = floatStep(s3, query, d + at);
  }
  return sumsOfFloats(s0, s1, s2, s3);
}

@inline
function halfStep(sum: v128, low: v128, high: v128, at: usize): v128 {
  const halves = v128.load(at);
  const first = f32x4.abs(f32x4.sub(low, widen(i32x4.extend_low_i16x8_u(halves))));
  return f32x4.add(sum, f32x4.add(first, f32x4.abs(f32x4.sub(high, widen(i32x4.extend_high_i16x8_u(halves))))));
}

/** Manhattan distances of the halves `q` to four others of `bytes` bytes (a multiple of 16), one a lane. */
export function manhattanHalvesx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    const low = widen(i32x4.extend_low_i16x8_u(query));
    const high = widen(i32x4.extend_high_i16x8_u(query));
    s0 = halfStep(s0, low, high, a + at);
    s1 = halfStep(s1, low, high, b + at);
    s2 = halfStep(s2, low, high, c + at);
    s3 = halfStep(s3, low, high, d + at);
  }
  return sumsOfFloats(s0, s1, s2, s3);
}

@inline
function difference(a: v128, b: v128): v128 {
  return v128.or(i8x16.sub_sat_u(a, b), i8x16.sub_sat_u(b, a));
}

@inline
function byteStep(sum: v128, query: v128, at: usize): v128 {
  const pairs = i16x8.extadd_pairwise_i8x16_u(difference(query, v128.load(at)));
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(pairs));
}

/** Manhattan distances of the 8-bit codes `q` to four others of `bytes` bytes (a multiple of 16), one a lane. */
export function manhattanCodesx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    s0 = byteStep(s0, query, a + at);
    s1 = byteStep(s1, query, b + at);
    s2 = byteStep(s2, query, c + at);
    s3 = byteStep(s3, query, d + at);
  }
  return sumsOfIntegers(s0, s1, s2, s3);
}

@inline
function nibbleStep(sum: v128, low: v128, high: v128, at: usize): v128 {
  const codes = v128.load(at);
  const mask = i8x16.splat(15);
  const first = difference(low, v128.and(codes, mask));
  const second = difference(high, v128.and(i16x8.shr_u(codes, 4), mask));
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.add(first, second))));
}

/** Manhattan distances of the 4-bit codes `q` to four others of `bytes` bytes (a multiple of 16), one a lane. */
export function manhattanNibblesx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    const low = v128.and(query, i8x16.splat(15));
    const high = v128.and(i16x8.shr_u(query, 4), i8x16.splat(15));
    s0 = nibbleStep(s0, low, high, a + at);
    s1 = nibbleStep(s1, low, high, b + at);
    s2 = nibbleStep(s2, low, high, c + at);
    s3 = nibbleStep(s3, low, high, d + at);
  }
  return sumsOfIntegers(s0, s1, s2, s3);
}
