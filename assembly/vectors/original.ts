// What the caller gave against what is stored. Under cosine a vector is stored divided by its norm, and multiplying back
// misses some of the original numbers by one unit in the last place. Two bits a number say which way, so that the
// very values come back, for 1/16 more memory. (Numbers below 2^-102 of the norm lose digits for good: what is
// stored of them is subnormal.) The other metrics store what they are given. Where only codes are kept, the original is
// what they stand for, times the norm.

import { recordAt } from "./blocks";
import { encodeNode, hasCodesOf } from "./codes";
import { Metric } from "../kernels/distance";
import { copyBytes, dirty } from "../memory/memory";
import { readStored } from "./rescore";
import { hasVectors, isCoded, Node, nodeAt, roundingsOf, VectorSet, vectorAt } from "./vectorset";

/** Norms that a float32 holds without losing digits. */
const NORM_MIN: f64 = 1.1754943508222875e-38;
const NORM_MAX: f64 = 3.4028234663852886e38;

/** Length of a padded vector of `bytes` bytes; 0 when it is zero, or when float32 cannot hold it. */
export function normOf(vector: usize, bytes: u32): f32 {
  let low = f64x2.splat(0);
  let high = low;
  for (let at: u32 = 0; at < bytes; at += 16) {
    const four = v128.load(vector + at);
    const first = f64x2.promote_low_f32x4(four);
    const second = f64x2.promote_low_f32x4(v128.shuffle<f32>(four, four, 2, 3, 0, 1));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
  }
  const sum = f64x2.add(low, high);
  const norm = Math.sqrt(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
  return norm < NORM_MIN || norm > NORM_MAX ? 0 : <f32>norm;
}

/** Divides a padded vector by `norm`, into `to`. */
export function normalize(vector: usize, bytes: u32, norm: f32, to: usize): void {
  const divisor = f32x4.splat(norm);
  for (let at: u32 = 0; at < bytes; at += 16) v128.store(to + at, f32x4.div(v128.load(vector + at), divisor));
}

/**
 * Stores a node's vector and its codes from the padded original; `norm` matters under cosine only. Where no vectors are
 * kept the original is divided by its norm in place.
 */
export function storeVector(set: VectorSet, id: u32, original: usize, norm: f32): void {
  const cosine = set.metric == Metric.Cosine;
  if (cosine) {
    const node = nodeAt(set, id);
    dirty(changetype<usize>(node), <u32>offsetof<Node>());
    node.norm = norm;
  }
  const kept = hasVectors(set);
  const vector = kept ? vectorAt(set, id) : original;
  if (kept) dirty(vector, set.vectorBytes);
  if (cosine) normalize(original, set.vectorBytes, norm, vector);
  else if (kept) copyBytes(vector, original, set.vectorBytes);
  if (cosine && kept) storeRoundings(set, id, original, vector, norm);
  if (isCoded(set, id)) encodeNode(set, id, vector);
}

function storeRoundings(set: VectorSet, id: u32, original: usize, vector: usize, norm: f32): void {
  const roundings = roundingsOf(set);
  const to = recordAt(roundings, id);
  dirty(to, roundings.recordBytes);
  memory.fill(to, 0, roundings.recordBytes);
  for (let index: u32 = 0; index < set.dimensions; index++) {
    const at = index << 2;
    const missed = load<i32>(original + at) - reinterpret<i32>(load<f32>(vector + at) * norm);
    const code = <u32>(missed == 1) | ((<u32>(missed == -1)) << 1);
    const byte = to + (index >> 2);
    store<u8>(byte, load<u8>(byte) | <u8>(code << ((index & 3) << 1)));
  }
}

/** Writes the `dimensions` numbers that were given for a node to `to`, which has room for a padded vector. */
export function readOriginal(set: VectorSet, id: u32, to: usize): void {
  readStored(set, id, to);
  if (set.metric != Metric.Cosine) return;
  const norm = nodeAt(set, id).norm;
  const exact = hasVectors(set);
  const roundings = exact ? recordAt(roundingsOf(set), id) : 0;
  for (let index: u32 = 0; index < set.dimensions; index++) {
    const code = exact ? (<u32>load<u8>(roundings + (index >> 2)) >> ((index & 3) << 1)) & 3 : 0;
    const near = reinterpret<i32>(load<f32>(to + (index << 2)) * norm);
    store<i32>(to + (index << 2), near + <i32>(code & 1) - <i32>(code >> 1));
  }
}

/** True when what is kept of a node is the given padded vector, bit for bit. `spare` has room for a vector. */
export function isOriginal(set: VectorSet, id: u32, original: usize, norm: f32, spare: usize): bool {
  if (hasVectors(set)) {
    readOriginal(set, id, spare);
    return memory.compare(spare, original, set.dimensions << 2) == 0;
  }
  if (set.metric != Metric.Cosine) return hasCodesOf(set, id, original);
  normalize(original, set.vectorBytes, norm, spare);
  return nodeAt(set, id).norm == norm && hasCodesOf(set, id, spare);
}
