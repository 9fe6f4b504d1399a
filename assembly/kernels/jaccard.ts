// Jaccard distance of sets of dimensions: what only one of both has, as a share of what either has; 0 of two empty sets. Sets are given as
// bits, or as float32 zeros and ones. Counts are whole numbers that a float32 holds, so that the only rounding is that of one
// division, 2^-24 of the distance, and bits and floats of the same sets give the same number.

import { sumsOfFloats, sumsOfIntegers } from "./lanes";

/** The share of `either` that is not `both`, in each lane. */
@inline
function shareOf(both: v128, either: v128): v128 {
  // An empty union has no share: 0 over 1.
  return f32x4.div(f32x4.sub(either, both), f32x4.max(either, f32x4.splat(1)));
}

/** Jaccard distances of `q` to four padded vectors of zeros and ones, one a lane. */
export function jaccardx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    // The bits of 1 and of 0 make those of both, and of either.
    a0 = f32x4.add(a0, v128.and(query, v128.load(a + at)));
    a1 = f32x4.add(a1, v128.or(query, v128.load(a + at)));
    b0 = f32x4.add(b0, v128.and(query, v128.load(b + at)));
    b1 = f32x4.add(b1, v128.or(query, v128.load(b + at)));
    c0 = f32x4.add(c0, v128.and(query, v128.load(c + at)));
    c1 = f32x4.add(c1, v128.or(query, v128.load(c + at)));
    d0 = f32x4.add(d0, v128.and(query, v128.load(d + at)));
    d1 = f32x4.add(d1, v128.or(query, v128.load(d + at)));
  }
  return shareOf(sumsOfFloats(a0, b0, c0, d0), sumsOfFloats(a1, b1, c1, d1));
}

@inline
function countStep(sum: v128, bits: v128): v128 {
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(bits))));
}

/** Jaccard distances of the bits `q` to four others of `bytes` bytes (a multiple of 16), one a lane. */
export function jaccardBitsx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let a0 = i32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    a0 = countStep(a0, v128.and(query, v128.load(a + at)));
    a1 = countStep(a1, v128.or(query, v128.load(a + at)));
    b0 = countStep(b0, v128.and(query, v128.load(b + at)));
    b1 = countStep(b1, v128.or(query, v128.load(b + at)));
    c0 = countStep(c0, v128.and(query, v128.load(c + at)));
    c1 = countStep(c1, v128.or(query, v128.load(c + at)));
    d0 = countStep(d0, v128.and(query, v128.load(d + at)));
    d1 = countStep(d1, v128.or(query, v128.load(d + at)));
  }
  const both = f32x4.convert_i32x4_u(sumsOfIntegers(a0, b0, c0, d0));
  return shareOf(both, f32x4.convert_i32x4_u(sumsOfIntegers(a1, b1, c1, d1)));
}
