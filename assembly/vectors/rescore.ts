// The second look: walks on codes find candidates, this measures the nearest of them again by float32, so that order,
// scores and distances are those of the vectors that were given. Where only codes are kept, it is what they stand for that
// is measured: still better than codes with codes, because the query is not rounded.

import { idOf, insertItem, itemAt, itemOf } from "./beam";
import { decodeNode } from "./codes";
import { isOfBits, measure } from "../kernels/distance";
import { measureVectors, NO_BOUND } from "./hop";
import { copyBytes } from "../memory/memory";
import { Coding, hasVectors, VectorSet, vectorAt } from "./vectorset";
import { DECODED, ROW_IDS, ROW_KEYS } from "./vector-scratch";

/** Candidates measured again at least. */
const DEPTH_MIN: u32 = 20;

/** Writes the padded vector of a node as it is stored (of length one under cosine), or as its codes have it, to `to`. */
export function readStored(set: VectorSet, id: u32, to: usize): void {
  if (hasVectors(set)) copyBytes(to, vectorAt(set, id), set.vectorBytes);
  else decodeNode(set, id, to);
}

/** Key of the distance between a padded vector and what is stored for a node. */
export function measureStored(set: VectorSet, query: usize, id: u32): u32 {
  if (hasVectors(set)) return measure(set.metric, query, vectorAt(set, id), set.vectorBytes);
  decodeNode(set, id, DECODED);
  return measure(set.metric, query, DECODED, set.vectorBytes);
}

/**
 * Orders the nearest of the `found` items of a beam by the distances of what is stored to `query`, a padded vector, and
 * drops the others: max(most, 20, ef / 2) are looked at. Answers how many items are left.
 */
export function rescore(set: VectorSet, query: usize, beam: usize, found: u32, most: u32, ef: u32): u32 {
  // Codes of bits are the vectors.
  if (set.coding == Coding.Float32 || isOfBits(set.metric)) return found;
  const depth = min(found, max(max(most, DEPTH_MIN), ef >> 1));
  for (let index: u32 = 0; index < depth; index++) store<u32>(ROW_IDS + (index << 2), idOf(itemAt(beam, index)));
  if (hasVectors(set)) measureVectors(set, query, depth, NO_BOUND);
  else measureDecoded(set, query, depth);
  for (let index: u32 = 0; index < depth; index++) {
    insertItem(beam, index, itemOf(load<u32>(ROW_KEYS + (index << 2)), load<u32>(ROW_IDS + (index << 2))));
  }
  return depth;
}

function measureDecoded(set: VectorSet, query: usize, count: u32): void {
  for (let at: u32 = 0; at < count << 2; at += 4)
    store<u32>(ROW_KEYS + at, measureStored(set, query, load<u32>(ROW_IDS + at)));
}
