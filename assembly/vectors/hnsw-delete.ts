// Deletion from the graph, for good: the node's links are taken out of its neighbours' rows, which are all in its own
// row because links are mutual. Its neighbours lose what connected them, so they are repaired on each level in two
// steps. First they are joined: those that neither know each other nor share a neighbour get a link, nearest pair first,
// so that the level stays in one piece. Then each one that is short of links takes further neighbours of the deleted
// node that the paper's heuristic accepts. Marking nodes as deleted instead would cost memory and recall for ever.
//
// Cost: at most 2 M (2 M - 1) / 2 distances on level 0, about that of an insertion; no walk.

import { idOf, insertItem, itemAt, itemOf, keyOfItem } from "./beam";
import { connect, makeRoom } from "./hnsw-connect";
import { measureRow, NO_BOUND } from "./hop";
import { dropLink, hasLink, linkAt, linkCount } from "./links";
import { copyBytes, dirty } from "../memory/memory";
import { measurePoints, pointAt } from "./points";
import { forgetWaiting, holdPool } from "../memory/threads";
import { linksMax, NONE, nodeAt, rowOf, VECTOR_SET_BYTES, VectorSet } from "./vectorset";
import { BEAM_BASE, MATCHES_BASE, markOf, nextEpoch, ROW_IDS, ROW_KEYS, SELECTED_IDS } from "./vector-scratch";

// In SELECTED_IDS while a level is repaired: the deleted node's neighbours, and behind them the group each is joined to.

@inline
function neighbour(index: u32): u32 {
  return load<u32>(SELECTED_IDS + (index << 2));
}

/** Takes a node out of the graph. It keeps its id, level and vector, and has no links afterwards. */
export function unlinkNode(set: VectorSet, id: u32): void {
  holdPool();
  if (linkCount(rowOf(set, id, 0)) == 0) forgetWaiting(changetype<usize>(set), id);
  if (set.entry == id) replaceEntry(set, id);
  for (let level = <i32>nodeAt(set, id).level; level >= 0; level--) {
    const row = rowOf(set, id, level);
    const count = linkCount(row);
    copyBytes(SELECTED_IDS, row + 4, count << 2);
    for (let index: u32 = 0; index < count; index++) dropLink(rowOf(set, neighbour(index), level), id);
    dirty(row, 4);
    store<u32>(row, 0);
    joinNeighbours(set, count, level);
    for (let index: u32 = 0; index < count; index++) refill(set, neighbour(index), count, level);
  }
}

/** Chooses another entry point: on the highest level where the node has neighbours all of them are as high as it goes. */
function replaceEntry(set: VectorSet, id: u32): void {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.entry = NONE;
  set.topLevel = 0;
  for (let level = <i32>nodeAt(set, id).level; level >= 0 && set.entry == NONE; level--) {
    const row = rowOf(set, id, level);
    if (linkCount(row) == 0) continue;
    set.entry = linkAt(row, 0);
    set.topLevel = level;
  }
}

// ---- joining

/** Where the group of a neighbour stands; groups are numbered by their first member. */
@inline
function groupSlot(count: u32, index: u32): usize {
  return SELECTED_IDS + ((count + index) << 2);
}

/** Gives the neighbours that the deletion tore apart a link between their groups. */
function joinNeighbours(set: VectorSet, count: u32, level: u32): void {
  let groups = count;
  for (let index: u32 = 0; index < count; index++) store<u32>(groupSlot(count, index), index);
  for (let index: u32 = 0; index < count && groups > 1; index++) groups -= mergeKnown(set, count, index, level);
  while (groups > 1) {
    if (!joinNearest(set, count, level)) return;
    groups--;
  }
}

/** Merges the groups of neighbour `index` and of those after it that it is linked to or shares a link with. Answers how many merged. */
function mergeKnown(set: VectorSet, count: u32, index: u32, level: u32): u32 {
  const epoch = nextEpoch();
  const row = rowOf(set, neighbour(index), level);
  store<u8>(markOf(neighbour(index)), <u8>epoch);
  for (let link: u32 = 0; link < linkCount(row); link++) store<u8>(markOf(linkAt(row, link)), <u8>epoch);
  let merged: u32 = 0;
  for (let other: u32 = index + 1; other < count; other++) {
    const group = load<u32>(groupSlot(count, index));
    if (load<u32>(groupSlot(count, other)) == group || !touchesMarked(set, neighbour(other), level, epoch)) continue;
    mergeGroups(count, group, load<u32>(groupSlot(count, other)));
    merged++;
  }
  return merged;
}

function touchesMarked(set: VectorSet, id: u32, level: u32, epoch: u32): bool {
  if (<u32>load<u8>(markOf(id)) == epoch) return true;
  const row = rowOf(set, id, level);
  for (let link: u32 = 0; link < linkCount(row); link++)
    if (<u32>load<u8>(markOf(linkAt(row, link))) == epoch) return true;
  return false;
}

function mergeGroups(count: u32, into: u32, from: u32): void {
  for (let index: u32 = 0; index < count; index++) {
    if (load<u32>(groupSlot(count, index)) == from) store<u32>(groupSlot(count, index), into);
  }
}

/** Links the nearest pair of neighbours of different groups that can be linked, and merges their groups; false when none can. */
function joinNearest(set: VectorSet, count: u32, level: u32): bool {
  let pairs: u32 = 0;
  const first = load<u32>(groupSlot(count, 0));
  for (let a: u32 = 0; a < count; a++) {
    if (load<u32>(groupSlot(count, a)) != first) continue;
    for (let b: u32 = 0; b < count; b++) {
      if (load<u32>(groupSlot(count, b)) == first) continue;
      const key = measurePoints(set, pointAt(set, neighbour(a)), pointAt(set, neighbour(b)));
      pairs = keepNearestPair(pairs, itemOf(key, (a << 13) | b));
    }
  }
  for (let index: u32 = 0; index < pairs; index++) {
    const pair = idOf(itemAt(BEAM_BASE, index));
    const b = pair & 0x1fff;
    if (!join(set, neighbour(pair >> 13), neighbour(b), level)) continue;
    mergeGroups(count, first, load<u32>(groupSlot(count, b)));
    return true;
  }
  return false;
}

/** Links two nodes, making room in both where needed. */
function join(set: VectorSet, a: u32, b: u32, level: u32): bool {
  const limit = linksMax(set, level);
  if (!makeRoom(set, a, level) || !makeRoom(set, b, level)) return false;
  // The room of a went to b's side: then a way between them exists already.
  if (linkCount(rowOf(set, a, level)) == limit) return true;
  return connect(set, a, b, level);
}

const PAIRS_MAX: u32 = 64;

function keepNearestPair(pairs: u32, item: u64): u32 {
  if (pairs == PAIRS_MAX && item >= itemAt(BEAM_BASE, pairs - 1)) return pairs;
  insertItem(BEAM_BASE, pairs - <u32>(pairs == PAIRS_MAX), item);
  return min(pairs + 1, PAIRS_MAX);
}

// ---- refilling

/** Offers the other neighbours of the deleted node to `id`, nearest first: it links to those the heuristic accepts while both have room. */
function refill(set: VectorSet, id: u32, count: u32, level: u32): void {
  const row = rowOf(set, id, level);
  const limit = linksMax(set, level);
  let offered: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const other = neighbour(index);
    if (other == id || hasLink(row, other) || linkCount(rowOf(set, other, level)) >= limit) continue;
    store<u32>(ROW_IDS + (offered++ << 2), other);
  }
  measureRow(set, pointAt(set, id), offered, NO_BOUND);
  for (let index: u32 = 0; index < offered; index++) {
    insertItem(MATCHES_BASE, index, itemOf(load<u32>(ROW_KEYS + (index << 2)), load<u32>(ROW_IDS + (index << 2))));
  }
  for (let index: u32 = 0; index < offered && linkCount(row) < set.m; index++) {
    const item = itemAt(MATCHES_BASE, index);
    if (!isOccludedByLinks(set, row, idOf(item), keyOfItem(item))) connect(set, id, idOf(item), level);
  }
}

/** True when one of the links in a row is nearer to `other` than `key`. */
function isOccludedByLinks(set: VectorSet, row: usize, other: u32, key: u32): bool {
  const point = pointAt(set, other);
  for (let link: u32 = 0; link < linkCount(row); link++) {
    if (measurePoints(set, point, pointAt(set, linkAt(row, link))) < key) return true;
  }
  return false;
}
