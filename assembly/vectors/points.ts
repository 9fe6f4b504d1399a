// What the graph measures. A point is a node's vector as the walk sees it: the float32 vector itself, or its codes, a
// quarter of the bytes to wait for or less. Walks and repairs only compare, so all they need is a key that sorts as the distance
// does: for codes under L2 and cosine that is the integer sum of squares. Inner product is measured by the same kernel,
// as -a·b = (|a - b|² - |a|² - |b|²) / 2, with half the squared length of each vector behind its codes: one
// kernel for all metrics, for four bytes a point more.
//
// Distances that clients see, and the order of the nearest, are measured again by float32 (see rescore.ts).

import { Blocks, recordAt } from "./blocks";
import { squaredCodes, squaredCodesx4 } from "../kernels/code-distance";
import { isOfProducts, isSquared, keysOf, measure, measure4, Metric } from "../kernels/distance";
import { productHalvesx4, squaredHalvesx4 } from "../kernels/half-distance";
import { jaccardBitsx4 } from "../kernels/jaccard";
import { manhattanCodesx4, manhattanHalvesx4, manhattanNibblesx4 } from "../kernels/manhattan";
import { hammingx4, squaredNibblesx4 } from "../kernels/small-codes";
import { Coding, codesOf, VectorSet, vectorsOf } from "./vectorset";

@inline
export function pointsOf(set: VectorSet): Blocks {
  return set.coding == Coding.Float32 ? vectorsOf(set) : codesOf(set);
}

@inline
export function pointAt(set: VectorSet, id: u32): usize {
  return recordAt(pointsOf(set), id);
}

/** Half the squared length that stands behind the codes of a point. */
@inline
function halfSquare(point: usize, bytes: u32): f32 {
  return load<f32>(point + bytes);
}

/** Key of the distance between two points. */
export function measurePoints(set: VectorSet, a: usize, b: usize): u32 {
  if (set.coding == Coding.Float32) return measure(set.metric, a, b, set.pointBytes);
  if (set.coding == Coding.Int8 && isSquared(set.metric)) return squaredCodes(a, b, set.pointBytes);
  return <u32>i32x4.extract_lane(measureCodes4(set, a, b, b, b, b), 0);
}

/** Keys of the distances of the point `q` to four points. */
@inline
export function measurePoints4(set: VectorSet, q: usize, a: usize, b: usize, c: usize, d: usize): v128 {
  return set.coding == Coding.Float32
    ? measure4(set.metric, q, a, b, c, d, set.pointBytes)
    : measureCodes4(set, q, a, b, c, d);
}

/** Keys of the distances of the codes `q` to four arrays of codes. */
export function measureCodes4(set: VectorSet, q: usize, a: usize, b: usize, c: usize, d: usize): v128 {
  const bytes = set.pointBytes;
  const coding = set.coding;
  if (!isOfProducts(set.metric)) return measureOthers(set.metric, coding, q, a, b, c, d, bytes);
  if (coding == Coding.Int8) return keysOfSquares(set, squaredCodesx4(q, a, b, c, d, bytes), q, a, b, c, d);
  if (coding == Coding.Int4) return keysOfSquares(set, squaredNibblesx4(q, a, b, c, d, bytes), q, a, b, c, d);
  if (coding == Coding.Binary) return hammingx4(q, a, b, c, d, bytes);
  return keysOf(
    set.metric == Metric.InnerProduct
      ? f32x4.neg(productHalvesx4(q, a, b, c, d, bytes))
      : squaredHalvesx4(q, a, b, c, d, bytes),
  );
}

/**
 * The same of other metrics. Where codes are bits, Manhattan distance is in proportion to how many differ; under metrics of bits
 * they are the vectors themselves, and keys those of float32.
 */
function measureOthers(metric: u32, coding: u32, q: usize, a: usize, b: usize, c: usize, d: usize, bytes: u32): v128 {
  if (metric == Metric.Jaccard) return keysOf(jaccardBitsx4(q, a, b, c, d, bytes));
  if (metric == Metric.Hamming) return keysOf(f32x4.convert_i32x4_u(hammingx4(q, a, b, c, d, bytes)));
  if (coding == Coding.Int8) return manhattanCodesx4(q, a, b, c, d, bytes);
  if (coding == Coding.Int4) return manhattanNibblesx4(q, a, b, c, d, bytes);
  if (coding == Coding.Binary) return hammingx4(q, a, b, c, d, bytes);
  return keysOf(manhattanHalvesx4(q, a, b, c, d, bytes));
}

@inline
function keysOfSquares(set: VectorSet, squared: v128, q: usize, a: usize, b: usize, c: usize, d: usize): v128 {
  if (set.metric != Metric.InnerProduct) return squared;
  const bytes = set.pointBytes;
  const others = f32x4(halfSquare(a, bytes), halfSquare(b, bytes), halfSquare(c, bytes), halfSquare(d, bytes));
  const halves = f32x4.mul(f32x4.splat(set.halfStep), f32x4.convert_i32x4_u(squared));
  return keysOf(f32x4.sub(f32x4.sub(halves, f32x4.splat(halfSquare(q, bytes))), others));
}
