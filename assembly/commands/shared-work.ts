// What workers do: link the nodes that wait, and search. See memory/threads.ts for what keeps them apart from commands and from each
// other. A worker's marks lie in its own region and cover every id there can be, so nothing is allocated here.
//
// A walk is over in less than a millisecond or two, and the main thread waits for it. What may take longer lets it go first: a pass over
// all vectors steps aside and goes on, a filtered search, which trusts indexes that a write changes, begins anew.

import { MARK_PAGES_MAX, PAGE_BITS, SCRATCH_BYTES } from "../layout";
import { PASS_QUERIES, PASS_RESULTS, passBeam, passCount, searchAllMany } from "../vectors/exact-search";
import { linkNode } from "../vectors/hnsw-insert";
import { linkCount } from "../vectors/links";
import { isOfBits, Metric } from "../kernels/distance";
import { compileFilter } from "../filters/filter";
import { normalize, normOf } from "../vectors/original";
import { enterSearch, searchedSet } from "../memory/thread-searches";
import {
  finishTaken,
  isWorker,
  leavePool,
  OWN_SCRATCH,
  takenEf,
  takenId,
  takenSet,
  takeWaiting,
} from "../memory/threads";
import { Plan } from "../planner/filter-planner";
import { hasGivenUp } from "../planner/vector-filter";
import {
  coverMarks,
  placeMarks,
  PROGRAM_BASE,
  PROGRAM_BYTES,
  QUERY_BASE,
  ROW_IDS,
  SECOND_VECTOR_BASE,
} from "../vectors/vector-scratch";
import { hasVectors, NodeState, nodeAt, rowOf, VectorSet, vectorSetAt } from "../vectors/vectorset";
import { askFor, askMatching, countWithin, exact, findNearest, foundBeam, selects } from "./vectors/nearest";

/** No set to search any more, no direction to search in, or no peace to do it: commands do it, or say what is wrong. */
const UNANSWERED: i32 = -1;
/** How often a search is begun that has to give up. */
const ATTEMPTS: u32 = 4;

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

// ---- searches

/** Whether queries come as they were given, not yet padded and of length one. */
let isRaw: bool = false;
/** Where the items of the queries that were answered last lie: in a beam, or in those of a pass over all vectors. */
let isPass: bool = false;

/**
 * Says what queries ask for from now on; the text of the filter, if there is one, lies at `filterAddress()`.
 *
 * @param raw whether queries come as they were given
 * @param filterBytes 0 for no filter
 */
export function askShared(
  ef: u32,
  all: bool,
  raw: bool,
  distanceMax: f64,
  scale: f64,
  filterBytes: u32,
  effort: u32,
  plan: u32,
): void {
  isRaw = raw;
  askFor(ef, all, distanceMax, scale);
  if (filterBytes == 0) return;
  const compiled = compileFilter(SECOND_VECTOR_BASE, filterBytes, PROGRAM_BASE, PROGRAM_BYTES);
  assert(compiled >= 0);
  askMatching(PROGRAM_BASE, effort, <Plan>plan, 0);
}

/** Whether the text of `bytes` bytes at `filterAddress()` is a filter. */
export function isFilter(bytes: u32): bool {
  return compileFilter(SECOND_VECTOR_BASE, bytes, PROGRAM_BASE, PROGRAM_BYTES) >= 0;
}

/** How many queries are answered at once in one pass over all vectors of a search's set: 1 where that is not how it is done. */
export function queriesAtOnce(number: u32, most: u32): u32 {
  if (ASC_FEATURE_THREADS) {
    const address = enterSearch(number);
    let queries: u32 = 1;
    if (address != 0 && isPassed(vectorSetAt(address), most)) {
      // They lie where queries and rows of hops do, which a pass has no use for.
      queries = min(PASS_QUERIES, (ROW_IDS - QUERY_BASE) / vectorSetAt(address).vectorBytes);
    }
    leavePool();
    return queries;
  }
  return 1;
}

@inline
function isPassed(set: VectorSet, most: u32): bool {
  return exact && !selects() && hasVectors(set) && most <= PASS_RESULTS;
}

/**
 * Searches for `queries` vectors, `stride` bytes apart from `queryAddress()` on, as a worker. Answers how many were found for the
 * first, `foundCount` for the others; UNANSWERED when commands have to do it.
 */
export function searchShared(number: u32, queries: u32, stride: u32, most: u32): i32 {
  if (ASC_FEATURE_THREADS) {
    for (let attempt: u32 = 0; attempt < ATTEMPTS; attempt++) {
      const address = enterSearch(number);
      const found = address == 0 ? UNANSWERED : searchSet(vectorSetAt(address), queries, stride, most);
      leavePool();
      if (!selects() || !hasGivenUp) return found;
    }
  }
  return UNANSWERED;
}

/** As `searchShared`, in the main thread: one query that workers found no peace to answer. */
export function searchUnshared(number: u32, stride: u32, most: u32): i32 {
  const address = searchedSet(number);
  return address == 0 ? UNANSWERED : searchSet(vectorSetAt(address), 1, stride, most);
}

function searchSet(set: VectorSet, queries: u32, stride: u32, most: u32): i32 {
  if (isWorker()) coverMarks(set.idsUsed);
  isPass = isWorker() && isPassed(set, most);
  if (exact && isWorker() && !selects() && !isPass) return UNANSWERED;
  for (let index: u32 = 0; index < queries; index++) {
    if (isRaw && !prepareQuery(set, QUERY_BASE + index * stride)) return UNANSWERED;
  }
  const limit = min(most, set.count);
  if (!isPass) return <i32>findNearest(set, limit);
  if (limit != 0 && !searchAllMany(set, QUERY_BASE, queries, limit)) return UNANSWERED;
  for (let index: u32 = 0; index < queries; index++) {
    store<u32>(counted(index), limit == 0 ? 0 : countWithin(set.metric, passBeam(index), passCount(index)));
  }
  return <i32>foundCount(0);
}

/** Where the number of results of a query of a pass is kept: in the place of the queries themselves. */
@inline
function counted(query: u32): usize {
  return QUERY_BASE + (query << 2);
}

/** Results of a query of those answered last, and where they are. */
export function foundCount(query: u32): u32 {
  return load<u32>(counted(query));
}

export function foundAddress(query: u32): u32 {
  return <u32>(isPass ? passBeam(query) : foundBeam());
}

/** Pads the numbers of a query with zeros to whole lanes, and gives it the length of one under cosine; false when it has none that a float32 holds. */
export function prepareQuery(set: VectorSet, query: usize): bool {
  const bytes = set.vectorBytes;
  for (let at = set.dimensions << 2; at < bytes; at += 4) store<u32>(query + at, 0);
  if (isOfBits(set.metric)) clearSigns(query, bytes);
  if (set.metric != Metric.Cosine) return true;
  const norm = normOf(query, bytes);
  if (norm != 0) normalize(query, bytes, norm, query);
  return norm != 0;
}

/** Zeros of zeros and ones may be negative, which is another pattern of bits. */
function clearSigns(query: usize, bytes: u32): void {
  for (let at: u32 = 0; at < bytes; at += 16) v128.store(query + at, f32x4.abs(v128.load(query + at)));
}

export function queryAddress(): u32 {
  return QUERY_BASE;
}

export function filterAddress(): u32 {
  return SECOND_VECTOR_BASE;
}
