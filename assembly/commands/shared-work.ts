// What workers do: link the nodes that wait, and search. See memory/threads.ts for what keeps them apart from commands and from each
// other. A worker's marks lie in its own region and cover every id there can be, so nothing is allocated here.

import { MARK_PAGES_MAX, PAGE_BITS, SCRATCH_BYTES } from "../layout";
import { search } from "../vectors/hnsw-search";
import { linkNode } from "../vectors/hnsw-insert";
import { linkCount } from "../vectors/links";
import { Metric } from "../kernels/distance";
import { normalize, normOf } from "../vectors/original";
import {
  enterPool,
  finishTaken,
  isWorker,
  leavePool,
  OWN_SCRATCH,
  searchedSet,
  takenEf,
  takenId,
  takenSet,
  takeWaiting,
} from "../memory/threads";
import { rescore } from "../vectors/rescore";
import { BEAM_BASE, BEAM_MAX, coverMarks, placeMarks, QUERY_BASE } from "../vectors/vector-scratch";
import { NodeState, nodeAt, rowOf, VectorSet, vectorSetAt } from "../vectors/vectorset";

/** No set to search any more, or no direction to search in: VSIM says what is wrong. */
const UNANSWERED: i32 = -1;

/** Prepares the regions of a worker; called once. */
export function startWorker(): void {
  assert(isWorker());
  placeMarks(OWN_SCRATCH + SCRATCH_BYTES + (1 << PAGE_BITS), MARK_PAGES_MAX);
}

/** Links nodes of the ring until there are no more and no build goes on. */
export function linkWaiting(): void {
  if (ASC_FEATURE_THREADS) {
    while (takeWaiting()) {
      if (takenSet != 0) linkTaken(vectorSetAt(takenSet), takenId);
      finishTaken();
    }
  }
}

/** Links a node unless it was deleted meanwhile, or linked because it got another vector. */
function linkTaken(set: VectorSet, id: u32): void {
  if (nodeAt(set, id).state != <u16>NodeState.Live || set.entry == id) return;
  if (linkCount(rowOf(set, id, 0)) != 0) return;
  coverMarks(set.idsUsed);
  linkNode(set, id, takenEf);
}

/**
 * Searches for the numbers at `queryAddress()`. Leaves the `most` nearest at `beamAddress()`, as items, and answers how many
 * there are; UNANSWERED when the set is gone, or the query has no direction.
 */
export function searchShared(number: u32, most: u32, ef: u32): i32 {
  if (ASC_FEATURE_THREADS) {
    enterPool();
    const address = searchedSet(number);
    const found = address == 0 ? UNANSWERED : searchSet(vectorSetAt(address), most, ef);
    leavePool();
    return found;
  }
  return UNANSWERED;
}

function searchSet(set: VectorSet, most: u32, ef: u32): i32 {
  coverMarks(set.idsUsed);
  return findNearest(set, most, ef);
}

/** Leaves the `most` nodes nearest to the numbers at QUERY_BASE in the beam, nearest first. Answers how many, or UNANSWERED. */
export function findNearest(set: VectorSet, most: u32, ef: u32): i32 {
  if (!prepareQuery(set, QUERY_BASE)) return UNANSWERED;
  const limit = min(most, set.count);
  const wanted = min(min(max(ef, limit), BEAM_MAX), set.count);
  const walked = search(set, QUERY_BASE, wanted);
  return <i32>min(rescore(set, QUERY_BASE, BEAM_BASE, walked, limit, wanted), limit);
}

/** Pads the numbers of a query with zeros to whole lanes, and gives it the length of one under cosine; false when it has none that a float32 holds. */
export function prepareQuery(set: VectorSet, query: usize): bool {
  const bytes = set.vectorBytes;
  for (let at = set.dimensions << 2; at < bytes; at += 4) store<u32>(query + at, 0);
  if (set.metric != Metric.Cosine) return true;
  const norm = normOf(query, bytes);
  if (norm != 0) normalize(query, bytes, norm, query);
  return norm != 0;
}

export function queryAddress(): u32 {
  return QUERY_BASE;
}

export function beamAddress(): u32 {
  return BEAM_BASE;
}
