// Distance kernels over codes of four bits and of one. Of a register of 4-bit codes the low halves of the bytes are its
// first sixteen dimensions, the high halves the next: differences are bytes up to 15, and their squares come from a
// table of sixteen by one swizzle. Codes of one bit differ in as many dimensions as their exclusive or has bits (Hamming
// distance). Sums are integers, exact and the same in every order; padding is zero on both sides and adds nothing.

import { sumsOfIntegers } from "./lanes";

/** The squares of 0 to 15, a byte each. */
@inline
function squares(): v128 {
  return i8x16(0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, -112, -87, -60, -31);
}

@inline
function lowOf(codes: v128): v128 {
  return v128.and(codes, i8x16.splat(15));
}

@inline
function highOf(codes: v128): v128 {
  return v128.and(i16x8.shr_u(codes, 4), i8x16.splat(15));
}

@inline
function squaredDifference(a: v128, b: v128): v128 {
  return i8x16.swizzle(squares(), v128.or(i8x16.sub_sat_u(a, b), i8x16.sub_sat_u(b, a)));
}

@inline
function nibbleStep(sum: v128, low: v128, high: v128, at: usize): v128 {
  const codes = v128.load(at);
  const first = i16x8.extadd_pairwise_i8x16_u(squaredDifference(low, lowOf(codes)));
  const second = i16x8.extadd_pairwise_i8x16_u(squaredDifference(high, highOf(codes)));
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.add(first, second)));
}

@inline
function bitStep(sum: v128, query: v128, at: usize): v128 {
  const counts = i8x16.popcnt(v128.xor(query, v128.load(at)));
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts)));
}

/** Squared Euclidean distances of the 4-bit codes `q` to four others of `bytes` bytes (a multiple of 16), one a lane. */
export function squaredNibblesx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    const low = lowOf(query);
    const high = highOf(query);
    s0 = nibbleStep(s0, low, high, a + at);
    s1 = nibbleStep(s1, low, high, b + at);
    s2 = nibbleStep(s2, low, high, c + at);
    s3 = nibbleStep(s3, low, high, d + at);
  }
  return sumsOfIntegers(s0, s1, s2, s3);
}

/** Hamming distances of the bits `q` to four others of `bytes` bytes (a multiple of 16), one a lane. */
export function hammingx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    s0 = bitStep(s0, query, a + at);
    s1 = bitStep(s1, query, b + at);
    s2 = bitStep(s2, query, c + at);
    s3 = bitStep(s3, query, d + at);
  }
  return sumsOfIntegers(s0, s1, s2, s3);
}
