// Insertion into the graph. Unlike the textbook all links are mutual: a node that is linked to links back. That makes
// deletion exact (whoever links to a node is in its own row) and keeps each level connected, provably, because a
// full row gives up only a link that a triangle replaces: of the neighbours of a full node the farthest one goes that
// is also a neighbour of a nearer neighbour. The paper instead re-selects the whole row and leaves links that
// point one way, from which a node can become unreachable. Where no triangle is found the new node is put between:
// the link e–f becomes e–q–f.
//
// Cost: the walk (efConstruction) is about two thirds, choosing neighbours a third.

import { idOf, insertItem, itemAt, itemOf, keyOfItem } from "./beam";
import { measure, measure4 } from "./distance";
import { descend, walk } from "./hnsw-search";
import { measureRow, NO_BOUND } from "./hop";
import { addLink, dropLink, hasLink, linkAt, linkCount, replaceLink } from "./links";
import { copyBytes, dirty } from "./memory";
import { linksMax, NONE, nodeAt, rowOf, VectorSet, VECTOR_SET_BYTES, vectorAt } from "./vectorset";
import { BEAM_BASE, MATCHES_BASE, markOf, nextEpoch, ROW_IDS, ROW_KEYS, SELECTED_ADDRESSES, SELECTED_IDS } from "./vector-scratch";

/** Links a node, whose vector is stored, into the graph. */
export function linkNode(set: VectorSet, id: u32): void {
  const level = <u32>nodeAt(set, id).level;
  if (set.entry == NONE) {
    set.entry = id;
    set.topLevel = level;
    return;
  }
  const query = vectorAt(set, id);
  let entry = descend(set, query, level);
  for (let at = <i32>min(level, set.topLevel); at >= 0; at--) {
    const found = walk(set, query, at, set.efConstruction, entry);
    entry = idOf(itemAt(BEAM_BASE, 0));
    const chosen = choose(set, found, set.m);
    for (let index: u32 = 0; index < chosen; index++) {
      connect(set, id, load<u32>(SELECTED_IDS + (index << 2)), at);
    }
  }
  if (level > set.topLevel) {
    dirty(changetype<usize>(set), VECTOR_SET_BYTES);
    set.topLevel = level;
    set.entry = id;
  }
}

/**
 * The paper's heuristic (algorithm 4) over the `found` nodes of the beam: nearest first, a node is chosen unless it is
 * nearer to a chosen one than to the query. Fills SELECTED with up to `limit` ids and addresses; returns how many.
 */
export function choose(set: VectorSet, found: u32, limit: u32): u32 {
  let chosen: u32 = 0;
  for (let index: u32 = 0; index < found && chosen < limit; index++) {
    const item = itemAt(BEAM_BASE, index);
    const vector = vectorAt(set, idOf(item));
    if (isOccluded(set, vector, keyOfItem(item), chosen)) continue;
    store<u32>(SELECTED_IDS + (chosen << 2), idOf(item));
    v128.store(SELECTED_ADDRESSES + (chosen << 2), i32x4.splat(<i32>vector));
    chosen++;
  }
  return chosen;
}

/** True when `vector` is nearer to one of the chosen than `key`. The last address stands four times, so groups of four are whole. */
@inline
function isOccluded(set: VectorSet, vector: usize, key: u32, chosen: u32): bool {
  const limit = i32x4.splat(<i32>(key ^ 0x80000000));
  const metric = set.metric;
  const bytes = set.vectorBytes;
  for (let index: u32 = 0; index < chosen << 2; index += 16) {
    const at = SELECTED_ADDRESSES + index;
    const keys = measure4(metric, vector, load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12), bytes);
    if (v128.any_true(i32x4.lt_s(v128.xor(keys, i32x4.splat(0x80000000)), limit))) return true;
  }
  return false;
}

/** Makes the mutual link q–e, at the price of another of e's links where e is full. q's row may refuse it when it is full. */
export function connect(set: VectorSet, q: u32, e: u32, level: u32): void {
  const row = rowOf(set, e, level);
  const ownRow = rowOf(set, q, level);
  const limit = linksMax(set, level);
  if (linkCount(ownRow) == limit || hasLink(ownRow, e)) return;
  if (linkCount(row) == limit) {
    makeRoom(set, q, e, level);
    return;
  }
  addLink(row, q);
  addLink(ownRow, e);
}

/** e is full: one of its links, or q–e itself, must go. See the head of this file. */
function makeRoom(set: VectorSet, q: u32, e: u32, level: u32): void {
  const row = rowOf(set, e, level);
  const ownRow = rowOf(set, q, level);
  const count = sortNeighbours(set, row, q, e);
  const far = findReplaceable(set, count, level);
  if (far == q) return;
  if (far != NONE) {
    dropLink(rowOf(set, far, level), e);
    replaceLink(row, far, q);
    addLink(ownRow, e);
    return;
  }
  if (linkCount(ownRow) != 0) return;
  const last = idOf(itemAt(MATCHES_BASE, count - 1));
  const f = last == q ? idOf(itemAt(MATCHES_BASE, count - 2)) : last;
  replaceLink(rowOf(set, f, level), e, q);
  replaceLink(row, f, q);
  addLink(ownRow, e);
  addLink(ownRow, f);
}

/** Sorts the neighbours of e, and q, by distance to e into MATCHES. Returns how many. */
function sortNeighbours(set: VectorSet, row: usize, q: u32, e: u32): u32 {
  const links = linkCount(row);
  copyBytes(ROW_IDS, row + 4, links << 2);
  store<u32>(ROW_IDS + (links << 2), q);
  measureRow(set, vectorAt(set, e), links + 1, NO_BOUND);
  for (let index: u32 = 0; index <= links; index++) {
    insertItem(MATCHES_BASE, index, itemOf(load<u32>(ROW_KEYS + (index << 2)), load<u32>(ROW_IDS + (index << 2))));
  }
  return links + 1;
}

/**
 * The farthest of the sorted neighbours of a node that has a nearer one for a neighbour, to which it is nearer than to
 * the node; failing that, the farthest that has a nearer one for a neighbour at all; failing that, NONE.
 */
function findReplaceable(set: VectorSet, count: u32, level: u32): u32 {
  const epoch = nextEpoch();
  for (let index: u32 = 0; index < count; index++) store<u8>(markOf(idOf(itemAt(MATCHES_BASE, index))), <u8>epoch);
  let fallback = NONE;
  for (let index = count - 1; index > 0; index--) {
    const item = itemAt(MATCHES_BASE, index);
    const far = idOf(item);
    store<u8>(markOf(far), 0);
    const row = rowOf(set, far, level);
    const links = linkCount(row);
    for (let link: u32 = 0; link < links; link++) {
      const near = linkAt(row, link);
      if (<u32>load<u8>(markOf(near)) != epoch) continue;
      if (fallback == NONE) fallback = far;
      if (measure(set.metric, vectorAt(set, far), vectorAt(set, near), set.vectorBytes) < keyOfItem(item)) return far;
    }
  }
  return fallback;
}
