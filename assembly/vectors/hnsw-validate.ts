// The graph's own validator, for tests and for sets that come from elsewhere: every promise that insertion and deletion
// make, checked node by node. Reaching every node takes one sweep over all ids for each step of the longest
// shortest path, so this is for thousands of nodes, not for every start.

import { linkAt, linkCount } from "./links";
import { linksMax, NodeState, NONE, Node, nodeAt, rowOf, VectorSet } from "./vectorset";
import { markOf, nextEpoch } from "./vector-scratch";

/** The first broken promise that was found. */
export const enum GraphFault {
  None = 0,
  /** The count of live nodes, or of free ids, is wrong. */
  Count = 1,
  /** The entry point is not live, or not of the highest level. */
  Entry = 2,
  /** A row holds more links than a node may have. */
  Degree = 3,
  /** A link leads to a freed node, to its own, to one of a lower level, or stands twice. */
  Link = 4,
  /** A link is not answered by one back. */
  OneWay = 5,
  /** A node of a level cannot be reached from the entry point on that level. */
  Unreachable = 6,
}

/** Checks a set; marks for all its ids exist. */
export function validate(set: VectorSet): GraphFault {
  const counted = checkCounts(set);
  if (counted != GraphFault.None || set.count == 0) return counted;
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    const node = nodeAt(set, id);
    if (node.state != <u16>NodeState.Live) continue;
    for (let level: u32 = 0; level <= <u32>node.level; level++) {
      const fault = checkRow(set, id, level);
      if (fault != GraphFault.None) return fault;
    }
  }
  for (let level: u32 = 0; level <= set.topLevel; level++) {
    if (!reachesAll(set, level)) return GraphFault.Unreachable;
  }
  return GraphFault.None;
}

function checkCounts(set: VectorSet): GraphFault {
  let live: u32 = 0;
  let free: u32 = 0;
  let highest: u32 = 0;
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    const node = nodeAt(set, id);
    free += <u32>(node.state == <u16>NodeState.Lost);
    if (node.state != <u16>NodeState.Live) continue;
    live++;
    highest = max(highest, <u32>node.level);
  }
  for (let id = set.freeHead; id != NONE && free <= set.idsUsed; id = nodeAt(set, id).upper) free++;
  if (live != set.count || live + free != set.idsUsed) return GraphFault.Count;
  if (live == 0) return set.entry == NONE ? GraphFault.None : GraphFault.Entry;
  if (set.entry >= set.idsUsed || set.topLevel != highest) return GraphFault.Entry;
  const entry = nodeAt(set, set.entry);
  return isOn(entry, highest) ? GraphFault.None : GraphFault.Entry;
}

@inline
function isOn(node: Node, level: u32): bool {
  return node.state == <u16>NodeState.Live && <u32>node.level >= level;
}

function checkRow(set: VectorSet, id: u32, level: u32): GraphFault {
  const row = rowOf(set, id, level);
  if (linkCount(row) > linksMax(set, level)) return GraphFault.Degree;
  for (let link: u32 = 0; link < linkCount(row); link++) {
    const other = linkAt(row, link);
    if (other >= set.idsUsed || other == id || !isOn(nodeAt(set, other), level)) return GraphFault.Link;
    if (countOf(row, other) != 1) return GraphFault.Link;
    if (countOf(rowOf(set, other, level), id) != 1) return GraphFault.OneWay;
  }
  return GraphFault.None;
}

function countOf(row: usize, id: u32): u32 {
  let count: u32 = 0;
  for (let link: u32 = 0; link < linkCount(row); link++) count += <u32>(linkAt(row, link) == id);
  return count;
}

/** Spreads a mark from the entry point until nothing changes; true when every node of the level bears it. */
function reachesAll(set: VectorSet, level: u32): bool {
  const epoch = nextEpoch();
  store<u8>(markOf(set.entry), <u8>epoch);
  let spread = true;
  while (spread) {
    spread = false;
    for (let id: u32 = 0; id < set.idsUsed; id++) {
      if (<u32>load<u8>(markOf(id)) == epoch && isOn(nodeAt(set, id), level))
        spread = markRow(rowOf(set, id, level), epoch) || spread;
    }
  }
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    if (isOn(nodeAt(set, id), level) && <u32>load<u8>(markOf(id)) != epoch) return false;
  }
  return true;
}

/** Marks the ids of a row; true when one of them was not marked. */
function markRow(row: usize, epoch: u32): bool {
  let fresh = false;
  for (let link: u32 = 0; link < linkCount(row); link++) {
    const mark = markOf(linkAt(row, link));
    if (<u32>load<u8>(mark) == epoch) continue;
    store<u8>(mark, <u8>epoch);
    fresh = true;
  }
  return fresh;
}
