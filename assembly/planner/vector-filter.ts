// Filtered search. Three ways to the k nearest that match, between which filter-planner.ts chooses:
//
//   scan    every element that the field indexes list, or without them every element, is tested and the matching ones are
//           measured: exact, and the fastest where few match.
//   walk    through the graph of those that match: a node is expanded by its matching neighbours, and by those of
//           neighbours that do not match (two hops, as in ACORN by Patel and others, 2024, whose graph is denser where
//           ours only looks further). Only matching nodes are measured.
//   post    the plain walk, which measures whatever it meets and collects what matches, until the nearest node left is
//           farther than enough matches: for filters that most pass.
//
// A walk that comes back with fewer than were asked for has not proved that there are no more, so a scan follows.

import { EXPANDED, idOf, insertItem, itemAt, itemOf, keyOfItem } from "../vectors/beam";
import { addToHeap, dropFirst } from "../vectors/item-heap";
import { isExact, mayRepeat, rangesEnd, rangesFrom } from "./filter-ranges";
import { fieldAt } from "../vectors/field-index";
import { seek, soughtCount, soughtIds } from "../filters/postings";
import { descend, expandItem, nextUnexpanded, startWalk } from "../vectors/hnsw-search";
import { gatherUnmarked, measureRow, measureVectors, NO_BOUND } from "../vectors/hop";
import { rangeAt } from "../vectors/rank-range";
import { isInTheWay } from "../memory/thread-searches";
import { NodeState, nodeAt, rowOf, VectorSet } from "../vectors/vectorset";
import {
  BEAM_BASE,
  MATCHES_BASE,
  markOf,
  nextEpoch,
  ROW_IDS,
  ROW_KEYS,
  SELECTED_IDS,
  SINK,
} from "../vectors/vector-scratch";
import { judge, judgeRow, touchUntested } from "../vectors/verdicts";

/** Ids that are tested and measured together. */
const BATCH: u32 = 256;

/** Nodes whose distance the running search has computed, for `EXPLAIN`. */
export let measurements: u32 = 0;
/** Whether the last walk that collects came to its end, not just to its effort. */
export let isComplete: bool = false;

/** Whether the running search, of a worker, was given up because the main thread wants to change the set. */
export let hasGivenUp: bool = false;

export function countNothing(): void {
  measurements = 0;
  hasGivenUp = false;
}

/** Asked now and then by what may take long. */
@inline
function mustGiveUp(): bool {
  if (isInTheWay()) hasGivenUp = true;
  return hasGivenUp;
}

/** Whether scans measure float32 vectors whatever the points are; then their query is one. */
let byVectors: bool = false;

export function scanVectors(yes: bool): void {
  byVectors = yes;
}

/** Whether what ranges list is tested: it may be dead, or not match. */
let rangesTested: bool = false;

/** Tells that elements may be dead that ranges list. */
export function testRanges(mayBeDead: bool): void {
  rangesTested = mayBeDead || !isExact;
}

export function areRangesTested(): bool {
  return rangesTested;
}

// ---- scans

/** Leaves the `most` nearest of the elements in the ranges that match in MATCHES; `query` is a point, or a vector. Answers how many. */
export function scanRanges(set: VectorSet, query: usize, most: u32): u32 {
  const epoch = mayRepeat ? nextEpoch() : 0;
  let count: u32 = 0;
  for (let index = rangesFrom; index < rangesEnd; index++) {
    const range = rangeAt(index);
    const field = fieldAt(set, range.field);
    for (let rank = range.first; rank < range.end; ) {
      seek(field, rank);
      const taken = min(min(soughtCount, range.end - rank), BATCH);
      memory.copy(ROW_IDS, soughtIds, (<usize>taken) << 2);
      rank += taken;
      const fresh = mayRepeat ? keepUnmarked(taken, epoch) : taken;
      count = insertMatching(set, query, fresh, most, count, rangesTested);
      if (mustGiveUp()) return count;
    }
  }
  return count;
}

/** Keeps the gathered ids that were not met yet, and marks them. */
function keepUnmarked(gathered: u32, epoch: u32): u32 {
  let kept: u32 = 0;
  for (let index: u32 = 0; index < gathered; index++) {
    const id = load<u32>(ROW_IDS + (index << 2));
    const mark = markOf(id);
    if (<u32>load<u8>(mark) == epoch) continue;
    store<u8>(mark, <u8>epoch);
    store<u32>(ROW_IDS + (kept++ << 2), id);
  }
  return kept;
}

/** Leaves the `most` nearest of all elements that match in MATCHES. Answers how many. */
export function scanAll(set: VectorSet, query: usize, most: u32): u32 {
  let count: u32 = 0;
  let gathered: u32 = 0;
  const ids = set.idsUsed;
  for (let id: u32 = 0; id < ids; id++) {
    if (nodeAt(set, id).state == <u16>NodeState.Live) store<u32>(ROW_IDS + (gathered++ << 2), id);
    if (gathered != BATCH && id != ids - 1) continue;
    count = insertMatching(set, query, gathered, most, count, true);
    gathered = 0;
    if (mustGiveUp()) return count;
  }
  return count;
}

/** Measures the gathered ids, those that match if they are to be tested, and inserts the nearer ones into MATCHES. */
function insertMatching(set: VectorSet, query: usize, gathered: u32, most: u32, count: u32, tested: bool): u32 {
  const matching = tested ? judgeRow(ROW_IDS, gathered, 0) : gathered;
  if (matching == 0) return count;
  measurements += matching;
  let worst = count < most ? NO_BOUND : keyOfItem(itemAt(MATCHES_BASE, count - 1));
  const near = byVectors ? measureVectors(set, query, matching, worst) : measureRow(set, query, matching, worst);
  for (let index: u32 = 0; index < near << 2; index += 4) {
    const key = load<u32>(ROW_KEYS + index);
    if (key >= worst) continue;
    insertItem(MATCHES_BASE, count - <u32>(count == most), itemOf(key, load<u32>(ROW_IDS + index)));
    count += <u32>(count < most);
    if (count == most) worst = keyOfItem(itemAt(MATCHES_BASE, count - 1));
  }
  return count;
}

// ---- the plain walk that collects

/**
 * Leaves about `ef` of the nearest nodes of a level that match in MATCHES, of at most `effort` nodes that are measured.
 * Answers how many. Where the nearest do not match, hundreds of nodes wait to be expanded: they are a heap.
 */
export function walkCollecting(set: VectorSet, query: usize, level: u32, ef: u32, effort: u32): u32 {
  let waiting = descend(set, query, level); // sorted, and so a heap
  const epoch = startWalk(waiting);
  let matched: u32 = 0;
  for (let index: u32 = 0; index < waiting; index++) matched = keepMatch(itemAt(BEAM_BASE, index), matched, ef);
  let tried = waiting;
  isComplete = true;
  while (waiting != 0) {
    if (tried >= effort || mustGiveUp()) {
      isComplete = false;
      break;
    }
    const worst = matched < ef ? NO_BOUND : keyOfItem(itemAt(MATCHES_BASE, matched - 1));
    let nearest = itemAt(BEAM_BASE, 0);
    if (keyOfItem(nearest) > worst) break;
    waiting = dropFirst(BEAM_BASE, waiting);
    let end = gatherUnmarked(rowOf(set, idOf(nearest), level), epoch, ROW_IDS);
    nearest = itemAt(BEAM_BASE, 0);
    if (waiting != 0 && keyOfItem(nearest) <= worst) {
      waiting = dropFirst(BEAM_BASE, waiting);
      end = gatherUnmarked(rowOf(set, idOf(nearest), level), epoch, end);
    }
    const gathered = <u32>(end - ROW_IDS) >> 2;
    tried += gathered;
    const near = keepNear(measureRow(set, query, gathered, worst), worst);
    touchUntested(ROW_IDS, near);
    for (let index: u32 = 0; index < near << 2; index += 4) {
      const item = itemOf(load<u32>(ROW_KEYS + index), load<u32>(ROW_IDS + index));
      waiting = addToHeap(BEAM_BASE, waiting, item);
      matched = keepMatch(item, matched, ef);
    }
  }
  measurements += tried;
  return matched;
}

/** Keeps of `count` measured ids those whose key is below `bound`. Answers how many. */
function keepNear(count: u32, bound: u32): u32 {
  let kept: u32 = 0;
  for (let index: u32 = 0; index < count << 2; index += 4) {
    const key = load<u32>(ROW_KEYS + index);
    store<u32>(ROW_IDS + kept, load<u32>(ROW_IDS + index));
    store<u32>(ROW_KEYS + kept, key);
    kept += (<u32>(key < bound)) << 2;
  }
  return kept >> 2;
}

/** Inserts an item among `matched` matches if it is one, and near enough. Answers how many there are then. */
function keepMatch(item: u64, matched: u32, ef: u32): u32 {
  if (matched == ef && keyOfItem(item) >= keyOfItem(itemAt(MATCHES_BASE, matched - 1))) return matched;
  if (!judge(idOf(item))) return matched;
  insertItem(MATCHES_BASE, matched - <u32>(matched == ef), item & ~EXPANDED);
  return matched + <u32>(matched < ef);
}

// ---- the walk through what matches

/** Matches that the walk starts from, found on level 1, where it is not far to another cluster. */
const STARTS: u32 = 16;
/** Nodes that may be measured to find them. */
const START_EFFORT: u32 = 2000;
/** Matching neighbours that a hop looks for before it goes through those that do not match. */
const ENOUGH_NEAR: u32 = 16;

/** Leaves about `ef` of the nearest nodes that match in MATCHES. Answers how many. */
export function walkMatching(set: VectorSet, query: usize, ef: u32): u32 {
  const level = min<u32>(1, set.topLevel);
  const found = walkCollecting(set, query, level, min(STARTS, ef), START_EFFORT);
  return continueMatching(set, query, ef, found != 0 ? found : walkCollecting(set, query, 0, 1, START_EFFORT));
}

/** Goes on from the `from` matching nodes in MATCHES, `ef` at most, as `walkMatching` does. */
export function continueMatching(set: VectorSet, query: usize, ef: u32, from: u32): u32 {
  const matches = <usize>MATCHES_BASE;
  let count = from;
  const odd = nextEpoch();
  const epoch = nextEpoch();
  for (let index: u32 = 0; index < count; index++) {
    const item = itemAt(matches, index) & ~EXPANDED;
    store<u64>(matches + ((<usize>index) << 3), item);
    store<u8>(markOf(idOf(item)), <u8>epoch);
  }
  let cursor: u32 = 0;
  while (cursor < count && !mustGiveUp()) {
    const gathered = gatherMatching(set, expandItem(matches, cursor), epoch, odd);
    let worst = count < ef ? NO_BOUND : keyOfItem(itemAt(matches, count - 1));
    measurements += gathered;
    const near: u32 = gathered == 0 ? 0 : measureRow(set, query, gathered, worst);
    for (let index: u32 = 0; index < near << 2; index += 4) {
      const key = load<u32>(ROW_KEYS + index);
      if (key >= worst) continue;
      const position = insertItem(matches, count - <u32>(count == ef), itemOf(key, load<u32>(ROW_IDS + index)));
      count += <u32>(count < ef);
      if (position < cursor) cursor = position;
      if (count == ef) worst = keyOfItem(itemAt(matches, count - 1));
    }
    cursor = nextUnexpanded(matches, cursor, count);
  }
  return count;
}

/**
 * Gathers a node's matching neighbours that were not met in ROW_IDS, and where those are few, theirs. Nodes that match or
 * were gone through bear `epoch`, those that do not match the one drawn before it. Answers how many.
 */
function gatherMatching(set: VectorSet, id: u32, epoch: u32, odd: u32): u32 {
  const base = <usize>ROW_IDS;
  let between = <usize>SELECTED_IDS;
  const fresh = gatherUntested(rowOf(set, id, 0), epoch, odd, base, between);
  between = passed;
  let matching = judgeRow(base, fresh, between);
  between += (<usize>(fresh - matching)) << 2;
  touchRows(set, between);
  for (let at = <usize>SELECTED_IDS; at < between; at += 4) {
    const other = load<u32>(at);
    store<u8>(markOf(other), <u8>(matching < ENOUGH_NEAR ? epoch : odd));
    if (matching >= ENOUGH_NEAR) continue;
    const from = base + ((<usize>matching) << 2);
    const far = gatherUntested(rowOf(set, other, 0), epoch, odd, from, 0);
    const kept = judgeRow(from, far, between);
    for (let rest = between, end = between + ((<usize>(far - kept)) << 2); rest < end; rest += 4) {
      store<u8>(markOf(load<u32>(rest)), <u8>odd);
    }
    matching += kept;
  }
  return matching;
}

/** Where the list of nodes ends that `gatherUntested` found not to match. */
let passed: usize = 0;

/**
 * Puts the ids of a row that bear neither mark at `to`, marked, and those known not to match at `others` if that is not 0.
 * Answers how many of the first.
 */
function gatherUntested(row: usize, epoch: u32, odd: u32, to: usize, others: usize): u32 {
  const from = to;
  const end = row + 4 + ((<usize>load<u32>(row)) << 2);
  for (let at = row + 4; at < end; at += 4) {
    const id = load<u32>(at);
    const mark = markOf(id);
    const seen = <u32>load<u8>(mark);
    if (seen == epoch) continue;
    if (seen == odd) {
      if (others == 0) continue;
      store<u32>(others, id);
      others += 4;
      continue;
    }
    store<u8>(mark, <u8>epoch);
    store<u32>(to, id);
    to += 4;
  }
  passed = others;
  return <u32>(to - from) >> 2;
}

/** Touches the rows of the nodes that are gone through, from SELECTED_IDS to `end`, as many as will do. */
function touchRows(set: VectorSet, end: usize): void {
  let sum: u32 = 0;
  const last = min(end, <usize>SELECTED_IDS + (ENOUGH_NEAR << 2));
  const bytes = (set.m << 3) + 4;
  for (let at = <usize>SELECTED_IDS; at < last; at += 4) {
    const row = rowOf(set, load<u32>(at), 0);
    for (let line: u32 = 0; line < bytes; line += 64) sum += load<u32>(row + line);
  }
  store<u32>(SINK, sum);
}
