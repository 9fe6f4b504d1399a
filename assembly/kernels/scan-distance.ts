// Distances to rows that lie one behind another, for exact search. One query reads memory as one stream, row after row,
// which the hardware's prefetch follows further than four rows at once. Several queries share each row while it is in the
// first cache, two queries and four rows to a tile of eight products: that is all the registers hold, and six loads for
// eight multiplications. A product and an addition are a third less than the difference, square and addition of
// a distance; squared distances follow as |a|² + |b|² - 2ab. What that loses by cancellation is bounded, see `errorOfProducts`.

import { sumsOfFloats } from "./lanes";

/** Vectors of a tile: queries and rows. */
export const TILE_QUERIES: u32 = 2;
export const TILE_ROWS: u32 = 4;

@inline
function add(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** Inner products of the queries `p` and `q` with four rows, `stride` bytes apart from `row` on: four floats at `to` for `p`, four at `to` + `next` for `q`. */
export function productTile(p: usize, q: usize, row: usize, stride: usize, bytes: u32, to: usize, next: usize): void {
  let p0 = f32x4.splat(0);
  let p1 = p0;
  let p2 = p0;
  let p3 = p0;
  let q0 = p0;
  let q1 = p0;
  let q2 = p0;
  let q3 = p0;
  const second = row + stride;
  const third = second + stride;
  const fourth = third + stride;
  for (let at: usize = 0; at != bytes; at += 16) {
    const a = v128.load(p + at);
    const b = v128.load(q + at);
    const r0 = v128.load(row + at);
    p0 = add(p0, a, r0);
    q0 = add(q0, b, r0);
    const r1 = v128.load(second + at);
    p1 = add(p1, a, r1);
    q1 = add(q1, b, r1);
    const r2 = v128.load(third + at);
    p2 = add(p2, a, r2);
    q2 = add(q2, b, r2);
    const r3 = v128.load(fourth + at);
    p3 = add(p3, a, r3);
    q3 = add(q3, b, r3);
  }
  v128.store(to, sumsOfFloats(p0, p1, p2, p3));
  v128.store(to + next, sumsOfFloats(q0, q1, q2, q3));
}

/** Squared lengths of four rows, one a lane. */
export function squaresOf4(row: usize, stride: usize, bytes: u32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const second = row + stride;
  const third = second + stride;
  const fourth = third + stride;
  for (let at: usize = 0; at != bytes; at += 16) {
    const a = v128.load(row + at);
    const b = v128.load(second + at);
    const c = v128.load(third + at);
    const d = v128.load(fourth + at);
    s0 = add(s0, a, a);
    s1 = add(s1, b, b);
    s2 = add(s2, c, c);
    s3 = add(s3, d, d);
  }
  return sumsOfFloats(s0, s1, s2, s3);
}

/**
 * How far |a|² + |b|² - 2ab may be from the squared distance, as a share of |a|² + |b|². Each of a lane's `bytes` / 16
 * additions rounds by 2^-24 of at most the sum of what is added (Higham, Accuracy and Stability of Numerical Algorithms,
 * 3.1), the lanes' sum and the three terms by a few more, and |2ab| ≤ |a|² + |b|².
 */
export function errorOfProducts(bytes: u32): f32 {
  return <f32>((bytes >> 4) + 8) * <f32>(1.0 / <f64>(1 << 23));
}
