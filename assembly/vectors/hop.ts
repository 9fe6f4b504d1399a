// One hop of a walk: which neighbours were not seen yet, and how far they are. What is unlike the textbook is the order
// of memory accesses. First the ids are gathered without branches and their vectors' addresses computed; then one word
// of each cache line of the vectors is read, which depends on nothing and so keeps many misses in flight; only then are
// distances computed, four at a time. Where squared distances add up (L2, and cosine as L2 of unit vectors) and vectors
// are long, the first three quarters of them are read and summed at first: most neighbours are beyond the worst of the
// beam by then, and the rest of them never crosses the memory bus. The price: the sum is rounded in two parts.

import { Blocks, recordAt } from "./blocks";
import { addSquaredL2x4, isSquared, measure4 } from "../kernels/distance";
import { linkCount } from "./links";
import { measureCodes4 } from "./points";
import { Coding, codesOf, VectorSet, vectorsOf } from "./vectorset";
import { markOf, ROW_ADDRESSES, ROW_IDS, ROW_KEYS, SINK } from "./vector-scratch";

/** A bound that cuts nothing off. */
export const NO_BOUND: u32 = 0xffffffff;
/** Bytes of a vector that are touched ahead: in longer runs the hardware's own prefetch takes over. */
const TOUCH_BYTES_MAX: u32 = 1024;
/** Shorter vectors are read whole: a second round of misses costs more than a few lines save. */
const SPLIT_BYTES_MIN: u32 = 1024;

/** Appends to the list that ends at `to` the ids in a row that bear no mark of this epoch, and marks them. Answers the new end. */
@inline
export function gatherUnmarked(row: usize, epoch: u32, to: usize): usize {
  let at = row + 4;
  const end = at + (linkCount(row) << 2);
  while (at != end) {
    const id = load<u32>(at);
    const mark = markOf(id);
    store<u32>(to, id);
    to += (<usize>(<u32>load<u8>(mark) != epoch)) << 2;
    store<u8>(mark, <u8>epoch);
    at += 4;
  }
  return to;
}

/**
 * Computes the keys of the distances from the point `query` to `count` ids in ROW_IDS, into ROW_KEYS. Ids whose key is
 * certain to reach `bound` may be dropped from both lists; answers how many are left.
 */
@inline
export function measureRow(set: VectorSet, query: usize, count: u32, bound: u32): u32 {
  return set.coding == Coding.Float32 ? measureVectors(set, query, count, bound) : measureCodes(set, query, count);
}

function measureCodes(set: VectorSet, query: usize, count: u32): u32 {
  locate(codesOf(set), count);
  touch(count, min(set.pointBytes, TOUCH_BYTES_MAX));
  for (let index: u32 = 0; index < count << 2; index += 16) {
    const at = ROW_ADDRESSES + index;
    const keys = measureCodes4(set, query, load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12));
    v128.store(ROW_KEYS + index, keys);
  }
  return count;
}

/** As `measureRow`, with float32 vectors, whatever the points are. */
export function measureVectors(set: VectorSet, query: usize, count: u32, bound: u32): u32 {
  const bytes = set.vectorBytes;
  const split = bound != NO_BOUND && isSquared(set.metric) && bytes >= SPLIT_BYTES_MIN;
  const head = split ? ((bytes >> 2) * 3) & ~63 : bytes;
  locate(vectorsOf(set), count);
  touch(count, min(head, TOUCH_BYTES_MAX));
  for (let index: u32 = 0; index < count << 2; index += 16) {
    const at = ROW_ADDRESSES + index;
    const keys = measure4(
      set.metric,
      query,
      load<u32>(at),
      load<u32>(at, 4),
      load<u32>(at, 8),
      load<u32>(at, 12),
      head,
    );
    v128.store(ROW_KEYS + index, keys);
  }
  if (!split) return count;
  const left = keepNearer(count, bound, head);
  touch(left, min(bytes - head, TOUCH_BYTES_MAX));
  for (let index: u32 = 0; index < left << 2; index += 16) {
    const at = ROW_ADDRESSES + index;
    const sums = addSquaredL2x4(
      v128.load(ROW_KEYS + index),
      query + head,
      load<u32>(at),
      load<u32>(at, 4),
      load<u32>(at, 8),
      load<u32>(at, 12),
      bytes - head,
    );
    v128.store(ROW_KEYS + index, sums);
  }
  return left;
}

/** Finds the vectors of the ids; repeats the last address, so that groups of four are whole. */
@inline
function locate(vectors: Blocks, count: u32): void {
  let address: usize = 0;
  for (let index: u32 = 0; index < count << 2; index += 4) {
    address = recordAt(vectors, load<u32>(ROW_IDS + index));
    store<u32>(ROW_ADDRESSES + index, <u32>address);
  }
  v128.store(ROW_ADDRESSES + (count << 2), i32x4.splat(<i32>address));
}

/**
 * Reads a word of each cache line of `bytes` bytes at each address. There is next to nothing in the loop but loads: the
 * processor looks a few hundred instructions ahead, and how many misses that covers is the speed of a search.
 */
@inline
function touch(count: u32, bytes: u32): void {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < count << 2; index += 4) {
    const address = <usize>load<u32>(ROW_ADDRESSES + index);
    let line: u32 = 0;
    for (; line + 512 <= bytes; line += 512) sum += touchEight(address + line);
    for (; line < bytes; line += 64) sum += load<u32>(address + line);
  }
  store<u32>(SINK, sum);
}

@inline
function touchEight(at: usize): u32 {
  const first = load<u32>(at) + load<u32>(at, 64) + load<u32>(at, 128) + load<u32>(at, 192);
  return first + load<u32>(at, 256) + load<u32>(at, 320) + load<u32>(at, 384) + load<u32>(at, 448);
}

/** Keeps those whose partial key is below `bound`, with the addresses of what follows `head` of their vectors. */
@inline
function keepNearer(count: u32, bound: u32, head: u32): u32 {
  let kept: u32 = 0;
  let address: usize = 0;
  for (let index: u32 = 0; index < count << 2; index += 4) {
    const key = load<u32>(ROW_KEYS + index);
    if (key >= bound) continue;
    address = load<u32>(ROW_ADDRESSES + index) + head;
    store<u32>(ROW_IDS + kept, load<u32>(ROW_IDS + index));
    store<u32>(ROW_ADDRESSES + kept, <u32>address);
    store<u32>(ROW_KEYS + kept, key);
    kept += 4;
  }
  v128.store(ROW_ADDRESSES + kept, i32x4.splat(<i32>address));
  return kept >> 2;
}
