// Codes of vectors: code = (number - offset of its dimension) / step, rounded and held within what the coding has (see
// train.ts). Four-bit codes lie in pairs: of each 32 dimensions the first sixteen in the low halves of the bytes, the others
// in the high halves. Bits lie eight to a byte. What follows the last dimension is zero, up to a whole register.
//
// Under inner product half the squared length of a vector lies behind its 8-bit or 4-bit codes (see points.ts).

import { recordAt } from "./blocks";
import { narrowVector, widenVector } from "../kernels/half-distance";
import { sumOfIntegers } from "../kernels/lanes";
import { dirty } from "../memory/memory";
import { codeMax } from "./train";
import { codesOf, Coding, hasHalfSquares, offsetsOf, VECTOR_SET_BYTES, VectorSet } from "./vectorset";
import { CODED_QUERY, CODE_BYTES } from "./vector-scratch";

/** Numbers so many steps beyond the last code are far outside: a few steps more are as good as the last. */
export const SLACK: f32 = 8.5;

/** Writes the point of a padded vector, its codes and what follows them, to `to`; answers how many numbers lie far outside the range of codes. */
function encode(set: VectorSet, vector: usize, to: usize): u32 {
  storeHalfSquare(set, vector, to);
  return encodeNumbers(set, vector, to);
}

/** Writes the codes alone, padded; answers as `encode`. */
function encodeNumbers(set: VectorSet, vector: usize, to: usize): u32 {
  const coding = set.quantization;
  const bytes = pointBytesOf(coding, set.dimensions);
  v128.store(to + bytes - 16, i32x4.splat(0));
  if (coding == Coding.Float16) return narrowVector(vector, set.vectorBytes, to);
  if (coding == Coding.Int8) return encodeBytes(set, vector, to, bytes);
  // Whole registers of 128 dimensions, so that packing reads zeros behind the last.
  const beyond = encodeBytes(set, vector, CODE_BYTES, (set.dimensions + 127) & ~127);
  if (coding == Coding.Int4) packNibbles(to, bytes);
  else packBits(to, bytes);
  return beyond;
}

/** Writes a code a byte, and zeros behind them up to `room` bytes. */
function encodeBytes(set: VectorSet, vector: usize, to: usize, room: u32): u32 {
  const offsets = recordAt(offsetsOf(set), 0);
  const scale = f32x4.splat(1 / set.step);
  const most = codeMax(set.quantization);
  const bottom = f32x4.splat(-SLACK);
  const top = f32x4.splat(<f32>most + SLACK);
  const limit = i32x4.splat(most);
  const bytes = set.vectorBytes;
  let beyond = i32x4.splat(0);
  for (let at: u32 = bytes >> 2; at < room; at += 4) store<u32>(to + at, 0);
  for (let at: u32 = 0; at < bytes; at += 16) {
    const place = f32x4.mul(f32x4.sub(v128.load(vector + at), v128.load(offsets + at)), scale);
    beyond = i32x4.sub(beyond, v128.or(f32x4.lt(place, bottom), f32x4.gt(place, top)));
    const words = i32x4.min_s(i32x4.trunc_sat_f32x4_s(f32x4.nearest(place)), limit);
    const halves = i16x8.narrow_i32x4_s(words, words);
    store<i32>(to + (at >> 2), i32x4.extract_lane(i8x16.narrow_i16x8_u(halves, halves), 0));
  }
  clearPadding(set, to);
  return sumOfIntegers(beyond);
}

/** The numbers that pad a vector to whole lanes have codes of their own, which are not zero. */
function clearPadding(set: VectorSet, to: usize): void {
  for (let at = set.dimensions; at < set.vectorBytes >> 2; at++) store<u8>(to + at, 0);
}

function packNibbles(to: usize, bytes: u32): void {
  for (let at: u32 = 0; at < bytes; at += 16) {
    const low = v128.load(CODE_BYTES + (at << 1));
    const high = v128.load(CODE_BYTES + (at << 1), 16);
    v128.store(to + at, v128.or(low, i16x8.shl(high, 4)));
  }
}

function packBits(to: usize, bytes: u32): void {
  for (let at: u32 = 0; at < bytes; at += 2) {
    const bits = i8x16.gt_u(v128.load(CODE_BYTES + (at << 3)), i8x16.splat(0));
    store<u16>(to + at, <u16>i8x16.bitmask(bits));
  }
}

/** Bytes that kernels read of a point in a coding, whole registers. */
export function pointBytesOf(coding: u32, dimensions: u32): u32 {
  if (coding == Coding.Float32) return ((dimensions + 3) & ~3) << 2;
  if (coding == Coding.Float16) return ((dimensions + 7) & ~7) << 1;
  if (coding == Coding.Int8) return (dimensions + 15) & ~15;
  return coding == Coding.Int4 ? ((dimensions + 31) >> 5) << 4 : ((dimensions + 127) >> 7) << 4;
}

function storeHalfSquare(set: VectorSet, vector: usize, codes: usize): void {
  if (!hasHalfSquares(set.metric, set.quantization)) return;
  let sum: f64 = 0;
  for (let at: u32 = 0; at < set.vectorBytes; at += 4) sum += <f64>load<f32>(vector + at) * load<f32>(vector + at);
  store<f32>(codes + pointBytesOf(set.quantization, set.dimensions), <f32>(sum * 0.5));
}

/** Codes a padded vector, of length one under cosine, as that of a node. */
export function encodeNode(set: VectorSet, id: u32, vector: usize): void {
  const codes = recordAt(codesOf(set), id);
  dirty(codes, codesOf(set).recordBytes);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.outside += <u32>(encode(set, vector, codes) != 0);
}

/** What a walk measures with: the padded vector itself, or its codes, which then lie in CODED_QUERY. */
export function pointOfQuery(set: VectorSet, query: usize): usize {
  if (set.coding == Coding.Float32) return query;
  encode(set, query, CODED_QUERY);
  return CODED_QUERY;
}

/** Writes the padded vector that a node's codes stand for to `to`. */
export function decodeNode(set: VectorSet, id: u32, to: usize): void {
  const codes = recordAt(codesOf(set), id);
  const bytes = set.vectorBytes;
  if (set.coding == Coding.Float16) {
    widenVector(codes, bytes, to);
    return;
  }
  const offsets = recordAt(offsetsOf(set), 0);
  const step = set.step;
  for (let index: u32 = 0; index < set.dimensions; index++) {
    store<f32>(to + (index << 2), load<f32>(offsets + (index << 2)) + step * <f32>codeAt(set.coding, codes, index));
  }
  for (let index = set.dimensions; index < bytes >> 2; index++) store<f32>(to + (index << 2), 0);
}

@inline
function codeAt(coding: u32, codes: usize, index: u32): u32 {
  if (coding == Coding.Int8) return load<u8>(codes + index);
  if (coding == Coding.Int4) {
    const byte = <u32>load<u8>(codes + ((index >> 5) << 4) + (index & 15));
    return (index & 16) == 0 ? byte & 15 : byte >> 4;
  }
  return (<u32>load<u8>(codes + (index >> 3)) >> (index & 7)) & 1;
}

/** True when a node's codes are those of the given vector. */
export function hasCodesOf(set: VectorSet, id: u32, vector: usize): bool {
  const bytes = codesOf(set).recordBytes;
  encode(set, vector, CODED_QUERY);
  return memory.compare(CODED_QUERY, recordAt(codesOf(set), id), bytes) == 0;
}
