// Filtered search. The walk goes through all nodes, matching or not, and collects the matching ones in a second sorted
// array; it ends when the nearest node left is farther than the worst of enough matches, or after `effort` nodes. Where
// the whole set is no larger than the effort allowed, every node is tried instead: that finds all matches however rare.

import { idOf, insertItem, itemAt, itemOf, keyOfItem } from "./beam";
import { searchAll } from "./exact-search";
import { pointOfQuery } from "./codes";
import { descend, expandItem, nextUnexpanded, startWalk } from "./hnsw-search";
import { gatherUnmarked, measureRow, NO_BOUND } from "./hop";
import { nodeAt, rowOf, VectorSet } from "./vectorset";
import { matches } from "./vector-attributes";
import { BEAM_BASE, BEAM_MAX, MATCHES_BASE, ROW_IDS, ROW_KEYS } from "./vector-scratch";

/** Leaves the about `ef` nearest nodes that pass the filter in MATCHES, nearest first. Answers how many. */
export function searchFiltered(set: VectorSet, query: usize, ef: u32, program: usize, effort: u32): u32 {
  if (set.count == 0) return 0;
  if (set.count <= effort) return searchAll(set, query, ef, program, MATCHES_BASE);
  const beam = <usize>BEAM_BASE;
  const point = pointOfQuery(set, query);
  let count = descend(set, point, 0);
  const epoch = startWalk(count);
  let matched: u32 = 0;
  for (let index: u32 = 0; index < count; index++) matched = keepMatch(set, program, itemAt(beam, index), matched, ef);
  let cursor: u32 = 0;
  let tried = count;
  while (tried < effort && cursor < count) {
    const worst = matched < ef ? NO_BOUND : keyOfItem(itemAt(MATCHES_BASE, matched - 1));
    if (keyOfItem(itemAt(beam, cursor)) > worst) break;
    const end = gatherUnmarked(rowOf(set, expandItem(beam, cursor), 0), epoch, ROW_IDS);
    const near = measureRow(set, point, <u32>(end - ROW_IDS) >> 2, worst);
    tried += <u32>(end - ROW_IDS) >> 2;
    for (let index: u32 = 0; index < near << 2; index += 4) {
      const key = load<u32>(ROW_KEYS + index);
      if (key >= worst || (count == BEAM_MAX && key >= keyOfItem(itemAt(beam, count - 1)))) continue;
      const item = itemOf(key, load<u32>(ROW_IDS + index));
      const position = insertItem(beam, count - <u32>(count == BEAM_MAX), item);
      count += <u32>(count < BEAM_MAX);
      if (position < cursor) cursor = position;
      matched = keepMatch(set, program, item, matched, ef);
    }
    cursor = nextUnexpanded(beam, cursor, count);
  }
  return matched;
}

/** Inserts an item among `matched` matches if it is one, and near enough. Answers how many there are then. */
function keepMatch(set: VectorSet, program: usize, item: u64, matched: u32, ef: u32): u32 {
  if (matched == ef && keyOfItem(item) >= keyOfItem(itemAt(MATCHES_BASE, matched - 1))) return matched;
  if (!matches(nodeAt(set, idOf(item)), program)) return matched;
  insertItem(MATCHES_BASE, matched - <u32>(matched == ef), item);
  return matched + <u32>(matched < ef);
}
