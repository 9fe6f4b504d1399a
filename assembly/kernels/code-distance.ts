// Distance kernels over 8-bit codes. A code stands for offset + step * code, with an offset for each dimension and one
// step for all, so the squared distance of two vectors is step² times that of their codes and no kernel needs either.
// Sixteen codes are one register: even ones are the low bytes of its 16-bit lanes, odd ones the high bytes, and both
// halves are subtracted and squared as 16-bit numbers. Sums are integers: exact, the same in every order, and below 2^31
// up to the largest dimension. The one-to-four kernel splits the query's codes once for four vectors.
//
// Codes are padded with zeros to whole registers, on both sides, so padding adds nothing.

import { sumOfIntegers, sumsOfIntegers } from "./lanes";

/** The low byte of each 16-bit lane. */
@inline
function evenOf(codes: v128): v128 {
  return v128.and(codes, i16x8.splat(0xff));
}

@inline
function oddOf(codes: v128): v128 {
  return i16x8.shr_u(codes, 8);
}

@inline
function codeStep(sum: v128, even: v128, odd: v128, at: usize): v128 {
  const codes = v128.load(at);
  const low = i16x8.sub(even, evenOf(codes));
  const high = i16x8.sub(odd, oddOf(codes));
  return i32x4.add(sum, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)));
}

/** Squared Euclidean distance of two padded arrays of `bytes` codes (a multiple of 16). */
export function squaredCodes(a: usize, b: usize, bytes: u32): u32 {
  let sum = i32x4.splat(0);
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(a + at);
    sum = codeStep(sum, evenOf(query), oddOf(query), b + at);
  }
  return sumOfIntegers(sum);
}

/** Squared Euclidean distances of `q` to four padded arrays of codes, one a lane. */
export function squaredCodesx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    const even = evenOf(query);
    const odd = oddOf(query);
    s0 = codeStep(s0, even, odd, a + at);
    s1 = codeStep(s1, even, odd, b + at);
    s2 = codeStep(s2, even, odd, c + at);
    s3 = codeStep(s3, even, odd, d + at);
  }
  return sumsOfIntegers(s0, s1, s2, s3);
}

/** Writes the even and the odd ones of `bytes` codes as 16-bit numbers, register after register, to `to`: what `squaredCodesOfRows` takes. */
export function splitCodes(codes: usize, bytes: u32, to: usize): void {
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(codes + at);
    v128.store(to + (at << 1), evenOf(query));
    v128.store(to + (at << 1), oddOf(query), 16);
  }
}

@inline
function rowSum(split: usize, row: usize, bytes: u32): v128 {
  let s0 = i32x4.splat(0);
  let s1 = s0;
  const wide = bytes & ~31;
  let at: usize = 0;
  while (at != wide) {
    s0 = codeStep(s0, v128.load(split + (at << 1)), v128.load(split + (at << 1), 16), row + at);
    s1 = codeStep(s1, v128.load(split + (at << 1), 32), v128.load(split + (at << 1), 48), row + at + 16);
    at += 32;
  }
  if (at != bytes) s0 = codeStep(s0, v128.load(split + (at << 1)), v128.load(split + (at << 1), 16), row + at);
  return i32x4.add(s0, s1);
}

/** Squared Euclidean distances of split codes to four rows, one a lane; the rows are read one after the other. */
export function squaredCodesOfRows(split: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  return sumsOfIntegers(
    rowSum(split, a, bytes),
    rowSum(split, b, bytes),
    rowSum(split, c, bytes),
    rowSum(split, d, bytes),
  );
}
