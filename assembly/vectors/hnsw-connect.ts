// Links between nodes. Unlike the textbook all of them are mutual: a node that is linked to links back. That makes
// deletion exact (whoever links to a node is in its own row) and keeps each level in one piece: a full row gives up only
// a link that a triangle replaces. Of the neighbours of a full node the farthest one goes that has a nearer neighbour of
// the node for a neighbour of its own, and is nearer to it. The paper instead chooses the whole row anew and leaves
// links that point one way; a node can become unreachable by that.
//
// Where no triangle is found, a new node is put between two: the link e–f becomes e–q–f.
//
// Threads that build together lock both nodes of each link they change (see memory/threads.ts), and a triangle is only trusted while
// the node that it lets go is locked too: then neither of the links that replace its own can be dropped at the same time.

import { idOf, insertItem, itemAt, itemOf, keyOfItem } from "./beam";
import { measureRow, NO_BOUND } from "./hop";
import { addLink, dropLink, hasLink, linkAt, linkCount, replaceLink } from "./links";
import { copyBytes } from "../memory/memory";
import { measurePoints, pointAt } from "./points";
import { isWorker, lockPair, lockThird, unlockPair, unlockThird } from "../memory/threads";
import { linksMax, NONE, rowOf, VectorSet } from "./vectorset";
import { MATCHES_BASE, markOf, nextEpoch, ROW_IDS, ROW_KEYS, ROW_MAX } from "./vector-scratch";

/** Makes the mutual link q–e, at the price of another of e's links where e is full. False when it was not made. */
export function connect(set: VectorSet, q: u32, e: u32, level: u32): bool {
  while (true) {
    lockPair(q, e);
    const made = connectLocked(set, q, e, level);
    unlockPair(q, e);
    if (made != Made.Again) return made == Made.Yes;
  }
}

const enum Made {
  No = 0,
  Yes = 1,
  /** Another thread is at a node that this takes. */
  Again = 2,
}

function connectLocked(set: VectorSet, q: u32, e: u32, level: u32): Made {
  const row = rowOf(set, e, level);
  const ownRow = rowOf(set, q, level);
  const limit = linksMax(set, level);
  if (hasLink(ownRow, e)) return Made.Yes;
  if (linkCount(ownRow) == limit) return Made.No;
  if (linkCount(row) == limit) return connectToFull(set, q, e, level);
  addBoth(set, q, e, level);
  return Made.Yes;
}

function addBoth(set: VectorSet, q: u32, e: u32, level: u32): void {
  addLink(rowOf(set, e, level), q);
  addLink(rowOf(set, q, level), e);
}

/** e is full: one of its links, or q–e itself, must go. See the head of this file. */
function connectToFull(set: VectorSet, q: u32, e: u32, level: u32): Made {
  const row = rowOf(set, e, level);
  store<u32>(ROW_IDS, q);
  const count = sortNeighbours(set, e, row, 1);
  const far = findReplaceable(set, count, level);
  if (far == q) return Made.No;
  if (far == NONE && linkCount(rowOf(set, q, level)) != 0) return Made.No;
  const last = idOf(itemAt(MATCHES_BASE, count - 1));
  const third = far != NONE ? far : last == q ? idOf(itemAt(MATCHES_BASE, count - 2)) : last;
  if (!lockThird(third, q, e)) return Made.Again;
  const holds = far == NONE || isTriangle(set, far, e, q, level);
  if (holds) takePlace(set, q, e, third, level);
  // The link e–f has become e–q–f.
  if (holds && far == NONE) addBoth(set, q, third, level);
  unlockThird(third, q, e);
  return holds ? Made.Yes : Made.Again;
}

/** Gives q the place of `third` in the row of e. */
function takePlace(set: VectorSet, q: u32, e: u32, third: u32, level: u32): void {
  dropLink(rowOf(set, third, level), e);
  replaceLink(rowOf(set, e, level), third, q);
  addLink(rowOf(set, q, level), e);
}

/** True when the locked node `far` is still linked to a neighbour of e, or to q, which becomes one. */
@inline
function isTriangle(set: VectorSet, far: u32, e: u32, q: u32, level: u32): bool {
  return !isWorker() || sharesLink(rowOf(set, far, level), rowOf(set, e, level), q);
}

function sharesLink(far: usize, row: usize, q: u32): bool {
  const count = linkCount(far);
  for (let link: u32 = 0; link < count; link++) {
    const near = linkAt(far, link);
    if (near == q || hasLink(row, near)) return true;
  }
  return false;
}

/**
 * Frees a place in the row of a node, without tearing its level: by a triangle, or by handing a neighbour over to another
 * one that has room. Where all neighbours are full too, and none of them know each other, room is made further away and
 * handed on, node by node. False only when none is found within the nodes that a search keeps.
 */
export function makeRoom(set: VectorSet, e: u32, level: u32): bool {
  while (linkCount(rowOf(set, e, level)) == linksMax(set, level)) {
    if (giveUpLink(set, e, level, NONE)) continue;
    const next = findRoom(set, e, level);
    if (next == NONE) return false;
    if (next != 0 && !giveUpLink(set, foundAt(next), level, foundAt(parentOf(next)))) return false;
  }
  return true;
}

/** Takes one link from a full node where that leaves the level in one piece; the neighbour `kept` is not handed over. False when it does not see how. */
function giveUpLink(set: VectorSet, e: u32, level: u32, kept: u32): bool {
  const row = rowOf(set, e, level);
  const count = sortNeighbours(set, e, row, 0);
  const far = findReplaceable(set, count, level);
  if (far != NONE) {
    dropLink(rowOf(set, far, level), e);
    dropLink(row, far);
    return true;
  }
  for (let index = count; index > 0; index--) {
    const given = idOf(itemAt(MATCHES_BASE, index - 1));
    if (given == kept) continue;
    for (let taker: u32 = 0; taker < count; taker++) {
      const to = idOf(itemAt(MATCHES_BASE, taker));
      if (to == given || linkCount(rowOf(set, to, level)) >= linksMax(set, level)) continue;
      replaceLink(rowOf(set, given, level), e, to);
      addLink(rowOf(set, to, level), given);
      dropLink(row, given);
      return true;
    }
  }
  return false;
}

// While room is looked for: the ids that were found, and for each the place of the one it was found from.

@inline
function foundAt(place: u32): u32 {
  return load<u32>(ROW_IDS + (place << 2));
}

@inline
function parentOf(place: u32): u32 {
  return load<u32>(ROW_KEYS + (place << 2));
}

/**
 * Spreads from a full node over a level, breadth first, until a node has room or a link closes a cycle, which is then
 * dropped: nobody becomes unreachable by that. Where all rows are full there is a cycle. Answers the place of the node
 * on the way whose neighbour has room now (0, the full node's own, also when the room is there), NONE when the lists
 * are too short.
 *
 * Rare: about one deletion in 300,000 at M = 4.
 */
function findRoom(set: VectorSet, e: u32, level: u32): u32 {
  const epoch = nextEpoch();
  const limit = linksMax(set, level);
  let found: u32 = 1;
  store<u32>(ROW_IDS, e);
  store<u32>(ROW_KEYS, 0);
  store<u8>(markOf(e), <u8>epoch);
  for (let at: u32 = 0; at < found; at++) {
    const id = foundAt(at);
    const row = rowOf(set, id, level);
    if (linkCount(row) < limit) return parentOf(at);
    for (let link: u32 = 0; link < linkCount(row); link++) {
      const other = linkAt(row, link);
      if (other == foundAt(parentOf(at))) continue;
      if (<u32>load<u8>(markOf(other)) == epoch) {
        dropLink(rowOf(set, other, level), id);
        dropLink(row, other);
        return parentOf(at);
      }
      if (found == ROW_MAX) return NONE;
      store<u8>(markOf(other), <u8>epoch);
      store<u32>(ROW_IDS + (found << 2), other);
      store<u32>(ROW_KEYS + (found << 2), at);
      found++;
    }
  }
  return NONE;
}

/** Sorts the neighbours of e, and the ids that lie in ROW_IDS already, by distance to e into MATCHES. Answers how many. */
function sortNeighbours(set: VectorSet, e: u32, row: usize, more: u32): u32 {
  const count = linkCount(row) + more;
  copyBytes(ROW_IDS + (more << 2), row + 4, linkCount(row) << 2);
  measureRow(set, pointAt(set, e), count, NO_BOUND);
  for (let index: u32 = 0; index < count; index++) {
    insertItem(MATCHES_BASE, index, itemOf(load<u32>(ROW_KEYS + (index << 2)), load<u32>(ROW_IDS + (index << 2))));
  }
  return count;
}

/**
 * The farthest of the sorted neighbours of a node that has a nearer one for a neighbour, to which it is nearer than to
 * the node; failing that, the farthest that has a nearer one for a neighbour at all; failing that, NONE. Those with few
 * links themselves (M / 2) are spared while another can go: they are what searches miss.
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
    const spared = links <= set.m >> 1;
    for (let link: u32 = 0; link < links; link++) {
      const near = linkAt(row, link);
      if (<u32>load<u8>(markOf(near)) != epoch) continue;
      if (fallback == NONE) fallback = far;
      if (spared) break;
      if (measurePoints(set, pointAt(set, far), pointAt(set, near)) < keyOfItem(item)) return far;
    }
  }
  return fallback;
}
