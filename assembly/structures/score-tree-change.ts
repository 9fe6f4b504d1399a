// Changes of the order of a sorted set (score-tree.ts), from the leaf upwards along the way that led there. Full nodes split in
// the middle, or at their end when the new pair comes last, so that rising scores leave full nodes behind. A node that is
// down to a quarter joins a neighbour of the same parent when the two fill three quarters of one at most; an empty one goes.
// The least pair of each child but the first is kept exact, since what it names is read: a tree of numbers could leave it be.
// What a change takes has been reserved.

import { PAGE_BITS, PAGE_BYTES, ZONE_OBJECT } from "../layout";
import { entryAt, keyOf } from "../memory/entry";
import { allocate, dirty, release } from "../memory/memory";
import {
  belowSlot,
  capacityOf,
  childOf,
  childSlot,
  goToPair,
  goToRank,
  INNER_BYTES,
  LEAF_BYTES,
  LEAF_FIRST_BYTES,
  leafBytes,
  leastLeaf,
  memberOf,
  memberSlot,
  nodeBytes,
  nodeOf,
  OrderNode,
  pairsBelow,
  pathNode,
  pathPlace,
  scoreOf,
  scoreSlot,
  SortedSet,
} from "./score-tree";

/** Pages that nodes for so many new pairs may take: each may split a leaf, and half as many nodes above as leaves is too much. */
export function pagesToInsert(pairs: u32): u32 {
  return 2 + <u32>((<u64>pairs * (LEAF_BYTES + INNER_BYTES / 2) + PAGE_BYTES - 1) >> PAGE_BITS);
}

function createNode(set: SortedSet, level: u32, bytes: u32): OrderNode {
  const node = changetype<OrderNode>(allocate(ZONE_OBJECT, bytes));
  node.count = 0;
  node.capacity = <u16>capacityOf(bytes, level);
  node.level = level;
  set.nodeBytes += bytes;
  return node;
}

function freeNode(set: SortedSet, node: OrderNode): void {
  set.nodeBytes -= nodeBytes(node);
  release(ZONE_OBJECT, changetype<usize>(node));
}

@inline
function announce(node: OrderNode): void {
  dirty(changetype<usize>(node), node.level == 0 ? leafBytes(node.capacity) : INNER_BYTES);
}

/** Moves pairs within a node or to another of the same level. */
function movePairs(from: OrderNode, at: u32, to: OrderNode, place: u32, count: u32): void {
  memory.copy(scoreSlot(to, place), scoreSlot(from, at), (<usize>count) << 3);
  memory.copy(memberSlot(to, place), memberSlot(from, at), (<usize>count) << 2);
  if (from.level == 0) return;
  memory.copy(childSlot(to, place), childSlot(from, at), (<usize>count) << 2);
  memory.copy(belowSlot(to, place), belowSlot(from, at), (<usize>count) << 2);
}

@inline
function putPair(node: OrderNode, place: u32, score: f64, member: usize): void {
  store<f64>(scoreSlot(node, place), score);
  store<u32>(memberSlot(node, place), <u32>member);
}

/** Opens a place for a pair in a node that has room. */
function openPlace(node: OrderNode, place: u32, score: f64, member: usize): void {
  announce(node);
  movePairs(node, place, node, place + 1, node.count - place);
  putPair(node, place, score, member);
  node.count++;
}

function closePlace(node: OrderNode, place: u32): void {
  announce(node);
  movePairs(node, place + 1, node, place, node.count - place - 1);
  node.count--;
}

// ---- insertion

/** Inserts a pair that is not there. The caller announces the change of `set`. */
export function insertPair(set: SortedSet, score: f64, member: usize): void {
  if (set.root == 0) set.root = <u32>changetype<usize>(createNode(set, 0, LEAF_FIRST_BYTES));
  goToPair(set, score, keyOf(member), entryAt(member).keyBytes);
  let leaf = pathNode(0);
  const place = pathPlace(0);
  if (leaf.count == leaf.capacity && leaf.capacity < <u16>capacityOf(LEAF_BYTES, 0)) leaf = growLeaf(set, leaf);
  let right: u32 = 0;
  if (leaf.count < leaf.capacity) {
    openPlace(leaf, place, score, member);
  } else {
    const other = split(set, leaf, place);
    right = <u32>changetype<usize>(other);
    if (place < <u32>leaf.count) openPlace(leaf, place, score, member);
    else openPlace(other, place - leaf.count, score, member);
  }
  countInsertion(set, right);
}

/** Replaces a small lone leaf by one twice as large. */
function growLeaf(set: SortedSet, leaf: OrderNode): OrderNode {
  const larger = createNode(set, 0, nodeBytes(leaf) << 1);
  movePairs(leaf, 0, larger, 0, leaf.count);
  larger.count = leaf.count;
  freeNode(set, leaf);
  set.root = <u32>changetype<usize>(larger);
  return larger;
}

/** Splits a full node for a pair that goes to `place`; answers the new right one, which is empty when the pair comes last. */
function split(set: SortedSet, node: OrderNode, place: u32): OrderNode {
  const right = createNode(set, node.level, node.level == 0 ? LEAF_BYTES : INNER_BYTES);
  const kept: u32 = place == <u32>node.count ? place : node.count >> 1;
  announce(node);
  movePairs(node, kept, right, 0, node.count - kept);
  right.count = <u16>(node.count - kept);
  node.count = <u16>kept;
  return right;
}

/** One pair more along the way, and the new right neighbours of the nodes that were split: `right` is the leaf's, 0 for none. */
function countInsertion(set: SortedSet, right: u32): void {
  const top = nodeOf(set.root).level;
  let carried = right;
  for (let level: u32 = 1; level <= top; level++) {
    const node = pathNode(level);
    const place = pathPlace(level);
    const below = belowSlot(node, place);
    dirty(below, 4);
    store<u32>(below, load<u32>(below) + 1);
    if (carried == 0) continue;
    const child = nodeOf(carried);
    store<u32>(below, load<u32>(below) - pairsBelow(child));
    carried = insertChild(set, node, place + 1, child);
  }
  if (carried != 0) growUp(set, nodeOf(set.root), nodeOf(carried));
}

/** Puts a child behind another one; answers the new right neighbour of the node if it was split for it, else 0. */
function insertChild(set: SortedSet, node: OrderNode, place: u32, child: OrderNode): u32 {
  let home = node;
  let at = place;
  let right: u32 = 0;
  if (node.count == node.capacity) {
    const other = split(set, node, at);
    right = <u32>changetype<usize>(other);
    if (at >= <u32>node.count) {
      home = other;
      at -= node.count;
    }
  }
  openPlace(home, at, scoreOf(child, 0), memberOf(child, 0));
  setChild(home, at, child);
  return right;
}

function setChild(node: OrderNode, place: u32, child: OrderNode): void {
  store<u32>(childSlot(node, place), <u32>changetype<usize>(child));
  store<u32>(belowSlot(node, place), pairsBelow(child));
}

/** Puts a new root above two nodes. */
function growUp(set: SortedSet, left: OrderNode, right: OrderNode): void {
  const root = createNode(set, left.level + 1, INNER_BYTES);
  openPlace(root, 0, 0, 0);
  setChild(root, 0, left);
  openPlace(root, 1, scoreOf(right, 0), memberOf(right, 0));
  setChild(root, 1, right);
  set.root = <u32>changetype<usize>(root);
}

// ---- removal

/** Removes a pair that is there. The caller announces the change of `set`. */
export function removePair(set: SortedSet, score: f64, member: usize): void {
  goToPair(set, score, keyOf(member), entryAt(member).keyBytes);
  assert(memberOf(pathNode(0), pathPlace(0)) == member);
  removeHere(set);
}

/** Gives the member of a pair another score. The caller announces the change of `set`. */
export function movePair(set: SortedSet, before: f64, after: f64, member: usize): void {
  goToPair(set, before, keyOf(member), entryAt(member).keyBytes);
  assert(memberOf(pathNode(0), pathPlace(0)) == member);
  if (staysInPlace(pathNode(0), pathPlace(0), after)) {
    dirty(scoreSlot(pathNode(0), pathPlace(0)), 8);
    store<f64>(scoreSlot(pathNode(0), pathPlace(0)), after);
    return;
  }
  removeHere(set);
  insertPair(set, after, member);
}

/** True when a score leaves a pair between its neighbours in the leaf: their members need not be read then. */
@inline
function staysInPlace(leaf: OrderNode, place: u32, score: f64): bool {
  if (place == 0 || place + 1 == <u32>leaf.count) return false;
  return scoreOf(leaf, place - 1) < score && score < scoreOf(leaf, place + 1);
}

/** Removes the pair at a rank; answers its member. The caller announces the change of `set`. */
export function removeAtRank(set: SortedSet, rank: u32): usize {
  goToRank(set, rank);
  const member = memberOf(pathNode(0), pathPlace(0));
  removeHere(set);
  return member;
}

/** Removes the pair that the way leads to. */
function removeHere(set: SortedSet): void {
  closePlace(pathNode(0), pathPlace(0));
  const top = nodeOf(set.root).level;
  /** The least pair below the node of this level is another one now. */
  let isLeast = pathPlace(0) == 0;
  for (let level: u32 = 1; level <= top; level++) {
    const node = pathNode(level);
    const place = pathPlace(level);
    const child = pathNode(level - 1);
    dirty(belowSlot(node, place), 4);
    store<u32>(belowSlot(node, place), load<u32>(belowSlot(node, place)) - 1);
    if (child.count == 0) {
      freeNode(set, child);
      closePlace(node, place);
      isLeast = place == 0;
      continue;
    }
    if (isLeast && place != 0) {
      renewLeast(node, place);
      isLeast = false;
    }
    if (child.count < child.capacity >> 2) joinAround(set, node, place);
  }
  lowerRoot(set);
}

/** Puts the least pair below a child into its place. */
function renewLeast(node: OrderNode, place: u32): void {
  const leaf = leastLeaf(childOf(node, place));
  announce(node);
  putPair(node, place, scoreOf(leaf, 0), memberOf(leaf, 0));
}

/** Joins a child that holds little with one beside it. */
function joinAround(set: SortedSet, node: OrderNode, place: u32): void {
  if (place + 1 < <u32>node.count) join(set, node, place);
  else if (place > 0) join(set, node, place - 1);
}

/** Joins the children at `place` and behind it, if one may hold both. */
function join(set: SortedSet, node: OrderNode, place: u32): void {
  const left = childOf(node, place);
  const right = childOf(node, place + 1);
  const first: u32 = left.count;
  const count = first + right.count;
  if (count > (<u32>left.capacity >> 2) * 3) return;
  announce(left);
  movePairs(right, 0, left, first, right.count);
  // The least of the right one's first child is known only to the parent.
  putPair(left, first, scoreOf(node, place + 1), memberOf(node, place + 1));
  left.count = <u16>count;
  freeNode(set, right);
  announce(node);
  store<u32>(belowSlot(node, place), load<u32>(belowSlot(node, place)) + load<u32>(belowSlot(node, place + 1)));
  closePlace(node, place + 1);
}

/** A root with one child gives way to it, an empty one goes. */
function lowerRoot(set: SortedSet): void {
  let root = nodeOf(set.root);
  while (root.level != 0 && root.count == 1) {
    set.root = load<u32>(childSlot(root, 0));
    freeNode(set, root);
    root = nodeOf(set.root);
  }
  if (root.count != 0) return;
  freeNode(set, root);
  set.root = 0;
}
