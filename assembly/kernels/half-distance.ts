// Distance kernels over float16 (IEEE 754 binary16): half the bytes of float32 for eleven bits of precision. WebAssembly has no
// conversion in 128-bit SIMD that all engines know, so halves are widened by shifting exponent and fraction into place and
// multiplying by 2^112, which corrects the exponent's bias and makes subnormal halves come out right. That costs more than
// the bytes save while vectors are in cache: it is for memory, not for speed.

import { sumsOfFloats } from "./lanes";

const BIAS: f32 = 5.192296858534828e33;

/** Four halves, each in the low 16 bits of a lane, as floats. */
@inline
export function widen(halves: v128): v128 {
  const magnitude = v128.and(i32x4.shl(halves, 13), i32x4.splat(0x0fffe000));
  const sign = v128.and(i32x4.shl(halves, 16), i32x4.splat(0x80000000));
  return v128.or(f32x4.mul(magnitude, f32x4.splat(BIAS)), sign);
}

@inline
function squaredStep(sum: v128, low: v128, high: v128, at: usize): v128 {
  const halves = v128.load(at);
  const a = f32x4.sub(low, widen(i32x4.extend_low_i16x8_u(halves)));
  const b = f32x4.sub(high, widen(i32x4.extend_high_i16x8_u(halves)));
  return f32x4.add(sum, f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b)));
}

@inline
function productStep(sum: v128, low: v128, high: v128, at: usize): v128 {
  const halves = v128.load(at);
  const a = f32x4.mul(low, widen(i32x4.extend_low_i16x8_u(halves)));
  const b = f32x4.mul(high, widen(i32x4.extend_high_i16x8_u(halves)));
  return f32x4.add(sum, f32x4.add(a, b));
}

/** Squared Euclidean distances of the halves `q` to four others of `bytes` bytes (a multiple of 16), one a lane. */
export function squaredHalvesx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    const low = widen(i32x4.extend_low_i16x8_u(query));
    const high = widen(i32x4.extend_high_i16x8_u(query));
    s0 = squaredStep(s0, low, high, a + at);
    s1 = squaredStep(s1, low, high, b + at);
    s2 = squaredStep(s2, low, high, c + at);
    s3 = squaredStep(s3, low, high, d + at);
  }
  return sumsOfFloats(s0, s1, s2, s3);
}

/** Inner products of the halves `q` with four others of `bytes` bytes (a multiple of 16), one a lane. */
export function productHalvesx4(q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let at: usize = 0; at != bytes; at += 16) {
    const query = v128.load(q + at);
    const low = widen(i32x4.extend_low_i16x8_u(query));
    const high = widen(i32x4.extend_high_i16x8_u(query));
    s0 = productStep(s0, low, high, a + at);
    s1 = productStep(s1, low, high, b + at);
    s2 = productStep(s2, low, high, c + at);
    s3 = productStep(s3, low, high, d + at);
  }
  return sumsOfFloats(s0, s1, s2, s3);
}

/** Writes the halves nearest to a padded vector of `bytes` bytes to `to`; answers how many numbers are too large for one. */
export function narrowVector(vector: usize, bytes: u32, to: usize): u32 {
  let beyond: u32 = 0;
  for (let at: u32 = 0; at < bytes; at += 4) {
    const half = narrow(load<u32>(vector + at));
    beyond += <u32>((half & 0x7fff) == 0x7c00);
    store<u16>(to + (at >> 1), <u16>((half & 0x7fff) == 0x7c00 ? half - 1 : half));
  }
  return beyond;
}

/** The half nearest to a finite float32, ties to even; infinity where it is too large. */
function narrow(bits: u32): u32 {
  const sign = (bits >> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal halves: adding one half puts the fraction where it belongs, rounded.
    return sign | (reinterpret<u32>(reinterpret<f32>(magnitude) + 0.5) - 0x3f000000);
  }
  return sign | ((magnitude - 0x38000000 + 0x0fff + ((magnitude >> 13) & 1)) >> 13);
}

/** Writes `bytes` bytes of floats for the halves at `halves`. */
export function widenVector(halves: usize, bytes: u32, to: usize): void {
  for (let at: u32 = 0; at < bytes; at += 16) {
    v128.store(to + at, widen(i32x4.extend_low_i16x8_u(v128.load64_zero(halves + (at >> 1)))));
  }
}
