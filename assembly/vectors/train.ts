// Choosing what codes mean, from a sample of a set's vectors. One step serves all dimensions, so that distances of codes
// are in proportion to those of vectors, and an offset for each dimension puts its numbers in the middle of the codes.
//
// With 256 codes the step is what the widest dimension needs, not counting its smallest and its largest number: one odd
// vector must not cost all others their resolution. Integers of up to 256 values (pixels, counts) come out with a step of
// one and lose nothing. Sixteen codes do better when they leave the tails out: they reach 2.8 deviations to either side.
// Codes of one bit tell on which side of its dimension's mean a number lies. Halves, and bits, need no training.

import { growTo, recordAt } from "./blocks";
import { isOfBits } from "../kernels/distance";
import { dirty } from "../memory/memory";
import { ROW_IDS } from "./vector-scratch";
import { Coding, NodeState, nodeAt, offsetsOf, VECTOR_SET_BYTES, VectorSet, vectorAt } from "./vectorset";

/** Vectors that training looks at, at most. */
const SAMPLE: u32 = 1024;
/** Vectors that came last and are looked at besides. */
const NEWEST: u32 = 16;
/** Steps whose square a float32 holds; vectors of other sizes are walked as they are. */
const STEP_MIN: f64 = 1e-15;
const STEP_MAX: f64 = 1e15;
/** Deviations that sixteen codes reach to both sides together. */
const NIBBLE_REACH: f64 = 5.6;

// Of each dimension, while training: the smallest and the second smallest number, the second largest and the largest,
// the sum and the sum of squares.
let smallest: usize = 0;
let second: usize = 0;
let secondLargest: usize = 0;
let largest: usize = 0;
let sums: usize = 0;
let squares: usize = 0;
let rows: u32 = 0;

/** Highest code of a coding. */
@inline
export function codeMax(coding: u32): i32 {
  return coding == Coding.Int8 ? 255 : coding == Coding.Int4 ? 15 : 1;
}

/** Chooses step and offsets for the coding a set asks for; false when the sizes of its vectors are not for codes. Pages for the offsets were reserved. */
export function train(set: VectorSet): bool {
  if (set.quantization == Coding.Float16) return true;
  if (isOfBits(set.metric)) return takeBits(set);
  const bytes = set.vectorBytes;
  smallest = ROW_IDS;
  second = smallest + bytes;
  secondLargest = second + bytes;
  largest = secondLargest + bytes;
  sums = largest + bytes;
  squares = sums + bytes;
  const most = v128.splat<f32>(f32.MAX_VALUE);
  for (let at: u32 = 0; at < bytes; at += 16) {
    v128.store(smallest + at, most);
    v128.store(second + at, most);
    v128.store(secondLargest + at, f32x4.neg(most));
    v128.store(largest + at, f32x4.neg(most));
  }
  memory.fill(sums, 0, bytes << 1);
  rows = 0;
  const stride = max(set.idsUsed / SAMPLE, 1);
  for (let id: u32 = 0; id < set.idsUsed; id += stride) noteNode(set, id);
  // The newest, which may be why codes are trained again; they have the highest ids unless ids were used again.
  const newest = stride == 1 ? set.idsUsed : set.idsUsed - NEWEST;
  for (let id = newest; id < set.idsUsed; id++) noteNode(set, id);
  return rows > 1 && chooseStep(set);
}

/** Bits are what they stand for. */
function takeBits(set: VectorSet): bool {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.step = 1;
  set.halfStep = 0.5;
  growTo(offsetsOf(set), 0);
  const offsets = recordAt(offsetsOf(set), 0);
  dirty(offsets, set.vectorBytes);
  memory.fill(offsets, 0, set.vectorBytes);
  return true;
}

function noteNode(set: VectorSet, id: u32): void {
  if (nodeAt(set, id).state != <u16>NodeState.Live) return;
  const vector = vectorAt(set, id);
  const bytes = set.vectorBytes;
  rows++;
  for (let at: u32 = 0; at < bytes; at += 16) {
    const x = v128.load(vector + at);
    const low = v128.load(smallest + at);
    const high = v128.load(largest + at);
    v128.store(second + at, f32x4.min(v128.load(second + at), f32x4.max(low, x)));
    v128.store(smallest + at, f32x4.min(low, x));
    v128.store(secondLargest + at, f32x4.max(v128.load(secondLargest + at), f32x4.min(high, x)));
    v128.store(largest + at, f32x4.max(high, x));
    v128.store(sums + at, f32x4.add(v128.load(sums + at), x));
    v128.store(squares + at, f32x4.add(v128.load(squares + at), f32x4.mul(x, x)));
  }
}

function chooseStep(set: VectorSet): bool {
  const coding = set.quantization;
  const width = coding == Coding.Binary ? usualWidth(set) : greatestWidth(set);
  const step = width == 0 ? 1 : width / codeMax(coding);
  if (!(step > STEP_MIN && step < STEP_MAX)) return false;
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.step = <f32>step;
  set.halfStep = <f32>(step * step * 0.5);
  growTo(offsetsOf(set), 0);
  const offsets = recordAt(offsetsOf(set), 0);
  dirty(offsets, set.vectorBytes);
  for (let at: u32 = 0; at < set.vectorBytes; at += 4) store<f32>(offsets + at, offsetOf(set, at));
  return true;
}

function greatestWidth(set: VectorSet): f64 {
  let widest: f64 = 0;
  for (let at: u32 = 0; at < set.vectorBytes; at += 4) widest = max(widest, widthOf(set.quantization, at));
  return widest;
}

/** Two deviations of the usual dimension: what lies between the two numbers that a bit stands for. */
function usualWidth(set: VectorSet): f64 {
  let sum: f64 = 0;
  for (let at: u32 = 0; at < set.vectorBytes; at += 4) sum += varianceOf(at);
  return 2 * Math.sqrt(sum / set.dimensions);
}

/** How far apart the lowest and the highest code of a dimension should be. */
function widthOf(coding: u32, at: u32): f64 {
  const width = <f64>load<f32>(secondLargest + at) - load<f32>(second + at);
  if (coding != Coding.Int4) return width;
  return min(width, NIBBLE_REACH * Math.sqrt(varianceOf(at)));
}

function meanOf(at: u32): f64 {
  return <f64>load<f32>(sums + at) / rows;
}

function varianceOf(at: u32): f64 {
  return max<f64>(<f64>load<f32>(squares + at) / rows - meanOf(at) * meanOf(at), 0);
}

/** What the code 0 of a dimension stands for. */
function offsetOf(set: VectorSet, at: u32): f32 {
  const coding = set.quantization;
  const step = <f64>set.step;
  if (coding == Coding.Binary) return <f32>(meanOf(at) - step * 0.5);
  if (coding == Coding.Int4) return <f32>(meanOf(at) - step * 7.5);
  let low = <f64>load<f32>(smallest + at);
  let high = <f64>load<f32>(largest + at);
  // What begins at zero stays there: numbers that are never negative use all codes upwards.
  if (low == 0) return 0;
  if (!(high - low <= step * 255)) {
    low = load<f32>(second + at);
    high = load<f32>(secondLargest + at);
  }
  return <f32>(Math.floor(((low + high) * 0.5) / step - 127.5) * step);
}
