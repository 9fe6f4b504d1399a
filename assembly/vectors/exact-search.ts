// Exact search: every vector is measured, in the order of ids, so that memory is read as a stream. It is the truth that
// recall is judged by, and for small sets also the faster way. Unlike a walk it does not look at nodes first: vectors
// of deleted nodes are measured with the others, and only what would be among the nearest is asked whether it lives.
//
// Several queries are searched for in one pass. Their distances come from inner products, which are cheaper and inexact
// (see scan-distance.ts): what may be among the nearest by them is measured as always, so results are the same.

import { insertItem, itemAt, itemOf, keyOfItem } from "./beam";
import { Blocks, recordAt } from "./blocks";
import { pointOfQuery } from "./codes";
import { splitCodes, squaredCodesOfRows } from "../kernels/code-distance";
import { distanceOfKey, innerProduct, isOfProducts, isSquared, measure, Metric } from "../kernels/distance";
import { errorOfProducts, productTile, squaresOf4, TILE_ROWS } from "../kernels/scan-distance";
import { measureCodes4 } from "./points";
import { isInTheWay, stepAside } from "../memory/thread-searches";
import { Coding, codesOf, hasVectors, NodeState, nodeAt, VectorSet, vectorsOf } from "./vectorset";
import { MATCHES_BASE, PROGRAM_BASE, ROW_KEYS } from "./vector-scratch";

/** Rows that are measured before the nearest of them are kept. */
const RUN: u32 = 64;
/** Queries of one pass, and results each of them can have. */
export const PASS_QUERIES: u32 = 8;
export const PASS_RESULTS: u32 = 2047;
const PASS_BEAM_BYTES: u32 = (PASS_RESULTS + 1) << 3;
/** So small a sum of squares is not rounded by a share of it: what is lost below the least float32 is less than the error of this (2^-110). */
const UNDERFLOW: f32 = 7.703719777548943e-34;

// While several queries are searched for, where a filter's program would lie: how many results each has, the bound of
// each and its squared length (f32), and the products of four rows with each.
const COUNTS: u32 = PROGRAM_BASE;
const WORSTS: u32 = COUNTS + PASS_QUERIES * 4;
const SQUARES: u32 = WORSTS + PASS_QUERIES * 4;
const PRODUCTS: u32 = SQUARES + PASS_QUERIES * 4;
/** In the same place, while one query is: its codes, even and odd ones apart. */
const SPLIT_QUERY: u32 = PROGRAM_BASE;

/** Leaves the `most` nearest nodes in `beam`, nearest first; where only codes are kept, nearest by those. Answers how many. */
export function searchAll(set: VectorSet, query: usize, most: u32, beam: usize): u32 {
  const byCodes = !hasVectors(set);
  const rows = byCodes ? codesOf(set) : vectorsOf(set);
  const point = byCodes ? pointOfQuery(set, query) : query;
  if (byCodes && isSplit(set)) splitCodes(point, set.pointBytes, SPLIT_QUERY);
  let count: u32 = 0;
  let length: u32 = 0;
  for (let first: u32 = 0; first < set.idsUsed; first += length) {
    length = runLength(set, rows, first);
    if (byCodes) measureCodeRun(set, point, recordAt(rows, first), length, rows.recordBytes);
    else measureRun(set, point, recordAt(rows, first), length);
    count = insertNearest(set, first, length, most, beam, count);
  }
  return count;
}

/** Records from `first` on that are in use and lie behind one another, up to a run. */
@inline
function runLength(set: VectorSet, rows: Blocks, first: u32): u32 {
  return min(min(RUN, rows.perBlock - (first % rows.perBlock)), set.idsUsed - first);
}

function measureRun(set: VectorSet, query: usize, row: usize, length: u32): void {
  const bytes = set.vectorBytes;
  for (let index: u32 = 0; index < length; index++) {
    store<u32>(ROW_KEYS + (index << 2), measure(set.metric, query, row, bytes));
    row += bytes;
  }
}

/** The last row stands for those that the last four lack: behind it the memory may end. */
function measureCodeRun(set: VectorSet, point: usize, row: usize, length: u32, stride: u32): void {
  const last = row + (length - 1) * stride;
  const split = isSplit(set);
  for (let index: u32 = 0; index < length; index += 4) {
    const b = min(row + stride, last);
    const c = min(b + stride, last);
    const d = min(c + stride, last);
    const keys = split
      ? squaredCodesOfRows(SPLIT_QUERY, row, b, c, d, set.pointBytes)
      : measureCodes4(set, point, row, b, c, d);
    v128.store(ROW_KEYS + (index << 2), keys);
    row += 4 * stride;
  }
}

/** True when codes are measured with a query that is split once for all rows: an eighth more queries a second than four rows at once. */
@inline
function isSplit(set: VectorSet): bool {
  return set.coding == Coding.Int8 && isSquared(set.metric);
}

/** Inserts the nearer ones of a run, whose keys are known, into a beam of `count` items. */
function insertNearest(set: VectorSet, first: u32, length: u32, most: u32, beam: usize, count: u32): u32 {
  for (let index: u32 = 0; index < length; index++) {
    count = keep(set, first + index, load<u32>(ROW_KEYS + (index << 2)), most, beam, count);
  }
  return count;
}

/** Inserts a node, unless it is deleted or no nearer than the last of `most`. Answers how many items there are. */
@inline
function keep(set: VectorSet, id: u32, key: u32, most: u32, beam: usize, count: u32): u32 {
  if (count == most && key >= keyOfItem(itemAt(beam, count - 1))) return count;
  if (nodeAt(set, id).state != <u16>NodeState.Live) return count;
  insertItem(beam, count - <u32>(count == most), itemOf(key, id));
  return count + <u32>(count < most);
}

/**
 * Searches for `queries` (at most PASS_QUERIES) padded vectors, one behind another, in one pass over a set that keeps
 * vectors. Results are in `passBeam`, at most `most` (at most PASS_RESULTS) for each, as many as `passCount` says. False on a worker
 * that let the main thread go first, and then found the set gone.
 */
export function searchAllMany(set: VectorSet, query: usize, queries: u32, most: u32): bool {
  const rows = vectorsOf(set);
  const bytes = set.vectorBytes;
  for (let index: u32 = 0; index < queries; index++) {
    store<u32>(COUNTS + (index << 2), 0);
    store<f32>(WORSTS + (index << 2), Infinity);
    store<f32>(SQUARES + (index << 2), innerProduct(query + index * bytes, query + index * bytes, bytes));
  }
  let length: u32 = 0;
  for (let first: u32 = 0; first < set.idsUsed; first += length) {
    length = runLength(set, rows, first);
    const row = recordAt(rows, first);
    let index: u32 = 0;
    // Of other metrics products tell nothing.
    for (; isOfProducts(set.metric) && index + TILE_ROWS <= length; index += TILE_ROWS) {
      measureTiles(set, query, queries, first + index, row + index * bytes, most);
    }
    for (; index < length; index++) keepForAll(set, query, queries, first + index, row + index * bytes, most);
    if (isInTheWay() && !(stepAside(changetype<usize>(set)) && hasVectors(set))) return false;
  }
  return true;
}

/** The results of one of the queries that were searched for together. */
@inline
export function passBeam(query: u32): usize {
  return MATCHES_BASE + query * PASS_BEAM_BYTES;
}

@inline
export function passCount(query: u32): u32 {
  return load<u32>(COUNTS + (query << 2));
}

/** Looks at four rows for all queries. */
function measureTiles(set: VectorSet, query: usize, queries: u32, first: u32, row: usize, most: u32): void {
  const bytes = set.vectorBytes;
  const squares = squaresOf4(row, bytes, bytes);
  const error = f32x4.splat(errorOfProducts(bytes));
  for (let index: u32 = 0; index < queries; index += 2) {
    const p = query + index * bytes;
    // An odd last query is its own companion.
    const q = index + 1 < queries ? p + bytes : p;
    productTile(p, q, row, bytes, bytes, PRODUCTS, 16);
    keepFromTile(set, p, index, squares, error, PRODUCTS, first, row, most);
    if (q != p) keepFromTile(set, q, index + 1, squares, error, PRODUCTS + 16, first, row, most);
  }
}

/** Keeps those of four rows that may be near enough to a query by their products with it. */
@inline
function keepFromTile(
  set: VectorSet,
  query: usize,
  index: u32,
  squares: v128,
  error: v128,
  products: usize,
  first: u32,
  row: usize,
  most: u32,
): void {
  const sums = f32x4.add(squares, f32x4.splat(load<f32>(SQUARES + (index << 2))));
  const product = v128.load(products);
  const distances =
    set.metric == Metric.InnerProduct ? f32x4.neg(product) : f32x4.sub(sums, f32x4.add(product, product));
  const least = f32x4.sub(distances, f32x4.mul(error, f32x4.add(sums, f32x4.splat(UNDERFLOW))));
  // What is no number, after an overflow, may be near.
  const far = i32x4.bitmask(f32x4.ge(least, f32x4.splat(load<f32>(WORSTS + (index << 2)))));
  if (far == 15 && passCount(index) == most) return;
  for (let lane: u32 = 0; lane < TILE_ROWS; lane++) {
    if ((far & (1 << lane)) != 0 && passCount(index) == most) continue;
    keepFor(set, query, index, first + lane, row + lane * set.vectorBytes, most);
  }
}

function keepForAll(set: VectorSet, query: usize, queries: u32, id: u32, row: usize, most: u32): void {
  for (let index: u32 = 0; index < queries; index++) {
    keepFor(set, query + index * set.vectorBytes, index, id, row, most);
  }
}

/** Measures a row exactly and keeps it for a query when it is near enough. */
function keepFor(set: VectorSet, query: usize, index: u32, id: u32, row: usize, most: u32): void {
  const key = measure(set.metric, query, row, set.vectorBytes);
  const beam = passBeam(index);
  const count = keep(set, id, key, most, beam, passCount(index));
  store<u32>(COUNTS + (index << 2), count);
  if (count == most) store<f32>(WORSTS + (index << 2), distanceOfKey(keyOfItem(itemAt(beam, count - 1))));
}
