// The walk through one level of the graph, for queries and for building, as in Malkov and Yashunin's paper but for
// two things: the candidates and the results are one sorted array (see beam.ts), and a hop expands the two nearest
// nodes at once, so that twice as many cache misses are in flight; the few nodes too many that are measured that way
// raise recall a little at the same ef.

import { PAGE_BYTES } from "../layout";
import { EXPANDED, idOf, insertItem, itemAt, itemOf, keyOfItem } from "./beam";
import { pointOfQuery } from "./codes";
import { gatherUnmarked, measureRow, NO_BOUND } from "./hop";
import { measurePoints, pointAt } from "./points";
import { NONE, rowOf, topLevelOf, VectorSet } from "./vectorset";
import { BEAM_BASE, markOf, nextEpoch, ROW_IDS, ROW_KEYS, SINK } from "./vector-scratch";

/** Nodes kept on the levels that a search only passes. */
const DESCENT_EF: u32 = 2;

/** Index of the first item from `cursor` on that was not expanded, `count` when there is none. */
@inline
export function nextUnexpanded(beam: usize, cursor: u32, count: u32): u32 {
  while (cursor < count && (itemAt(beam, cursor) & EXPANDED) != 0) cursor++;
  return cursor;
}

/** Notes that an item is expanded; answers its id. */
@inline
export function expandItem(beam: usize, index: u32): u32 {
  const item = itemAt(beam, index);
  store<u64>(beam + ((<usize>index) << 3), item | EXPANDED);
  return idOf(item);
}

/** Puts the entry point of the set alone into the beam. Answers how many that are: 0 when no node is linked. */
export function startBeam(set: VectorSet, query: usize): u32 {
  const entry = set.entry;
  if (entry == NONE) return 0;
  store<u64>(BEAM_BASE, itemOf(measurePoints(set, query, pointAt(set, entry)), entry));
  return 1;
}

/** Begins a walk from the `count` nodes in the beam: marks them, and notes that none is expanded. Answers the epoch. */
export function startWalk(count: u32): u32 {
  const epoch = nextEpoch();
  for (let index: u32 = 0; index < count; index++) {
    const item = itemAt(BEAM_BASE, index) & ~EXPANDED;
    store<u64>(BEAM_BASE + (index << 3), item);
    store<u8>(markOf(idOf(item)), <u8>epoch);
  }
  return epoch;
}

/**
 * Reads a word of each of the first cache lines of the rows that the next hop will most likely expand, so that they
 * arrive while this hop's points do: a twelfth more queries at an ef of 40, no fewer at 10.
 */
@inline
function touchNextRows(set: VectorSet, beam: usize, from: u32, count: u32, level: u32): void {
  const third = nextUnexpanded(beam, from, count);
  if (third == count) return;
  const fourth = nextUnexpanded(beam, third + 1, count);
  const first = rowOf(set, idOf(itemAt(beam, third)), level);
  const next = fourth == count ? first : rowOf(set, idOf(itemAt(beam, fourth)), level);
  store<u32>(SINK, touchRow(first) + touchRow(next));
}

/** A row ends in the page it begins in: what lies behind the page may be behind the memory. */
@inline
function touchRow(row: usize): u32 {
  const last = (row | (PAGE_BYTES - 1)) - 3;
  return load<u32>(row) + load<u32>(min(row + 64, last)) + load<u32>(min(row + 128, last));
}

/**
 * Walks one level from the nearest of the `from` nodes in the beam (at most `ef`) towards `query`, a point, and
 * leaves the up to `ef` nearest nodes seen in the beam, nearest first. Answers how many. Marks for every id of the set exist.
 */
export function walk(set: VectorSet, query: usize, level: u32, ef: u32, from: u32): u32 {
  const beam = <usize>BEAM_BASE;
  let count = min(from, ef);
  const epoch = startWalk(count);
  let cursor: u32 = 0;
  while (cursor < count) {
    let end = gatherUnmarked(rowOf(set, expandItem(beam, cursor), level), epoch, ROW_IDS);
    const second = nextUnexpanded(beam, cursor + 1, count);
    if (second < count) {
      end = gatherUnmarked(rowOf(set, expandItem(beam, second), level), epoch, end);
      touchNextRows(set, beam, second + 1, count, level);
    }
    let worst = count < ef ? NO_BOUND : keyOfItem(itemAt(beam, count - 1));
    const near = measureRow(set, query, <u32>(end - ROW_IDS) >> 2, worst);
    for (let index: u32 = 0; index < near << 2; index += 4) {
      const key = load<u32>(ROW_KEYS + index);
      if (key >= worst) continue;
      const position = insertItem(beam, count - <u32>(count == ef), itemOf(key, load<u32>(ROW_IDS + index)));
      count += <u32>(count < ef);
      if (position < cursor) cursor = position;
      if (count == ef) worst = keyOfItem(itemAt(beam, count - 1));
    }
    cursor = nextUnexpanded(beam, cursor, count);
  }
  return count;
}

/**
 * Descends from the top to above `level` and leaves a few nodes near to `query` in the beam. Answers how many. The paper
 * keeps one; in clustered sets that one is now and then in the wrong cluster, and the walk below cannot leave it.
 */
export function descend(set: VectorSet, query: usize, level: u32): u32 {
  const top = topLevelOf(set);
  let count = startBeam(set, query);
  for (let above = top; above > level; above--) count = walk(set, query, above, DESCENT_EF, count);
  return count;
}

/**
 * Leaves the about `ef` nearest nodes to `query`, a padded vector, in the beam, in the order of their points. Answers how
 * many; 0 for an empty set.
 */
export function search(set: VectorSet, query: usize, ef: u32): u32 {
  if (set.count == 0) return 0;
  const point = pointOfQuery(set, query);
  return walk(set, point, 0, ef, descend(set, point, 0));
}
