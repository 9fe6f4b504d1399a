// The order of a large sorted set: pairs of a score and a member, by score and then by the member's bytes, in a tree of small
// nodes (a B+ tree after Bayer and McCreight) that also counts what lies below each child. Redis links its members in a skip
// list instead, of which a search reads some ten members that are elsewhere in memory each; here the scores stand side by
// side, members are read only where scores are equal, and the counts give ranks in one way down. There are no links between
// leaves: whoever reads a range seeks each next leaf by its rank. Pairs hold addresses of members, so these must not move.
//
//   node   0 count (u16) | 2 capacity (u16) | 4 level (u32), 0 for a leaf
//          8 scores (f64 x capacity) | members (u32 x capacity)
//          above the leaves further: children (u32 x capacity) | pairs below each (u32 x capacity)
//
// A pair above the leaves is the least that lies below its child; that of the first child is never read, and may name a
// member that is gone. A lone leaf begins at 128 bytes and doubles. Cost: 12 bytes a member and what splits leave empty,
// about 18 in random order, 13 in rising order.

import { SCRATCH_BASE, SCRATCH_BYTES, TABLE_BYTES, ZONE_OBJECT } from "../layout";
import { entryAt, keyOf } from "../memory/entry";
import { counters, dirty, release } from "../memory/memory";
import { compareBytes } from "./byte-order";

export const LEAF_BYTES: u32 = 1024;
export const INNER_BYTES: u32 = 2048;
export const LEAF_FIRST_BYTES: u32 = 128;
/** Levels above the leaves: 4 hold a billion members. */
export const LEVELS_MAX: u32 = 12;
const PAIR_BYTES: u32 = 12;
const CHILD_BYTES: u32 = 8;
const LINE_BYTES: u32 = 64;

/** A large sorted set: the table of its members, whose values are their scores, and their order. */
@unmanaged
export class SortedSet {
  /** A Table, see memory/table.ts; members find it at this address. */
  directory: u32;
  depth: u32;
  count: u32;
  expiring: u32;
  reserved0: u32;
  reserved1: u32;
  /** The root of the tree, 0 while there are no members. */
  root: u32;
  /** Bytes of its nodes. */
  nodeBytes: u32;
}

export const SORTED_SET_BYTES: u32 = 32;
if (offsetof<SortedSet>() != SORTED_SET_BYTES) ERROR("a sorted set must stay 32 bytes");
if (offsetof<SortedSet>("root") != TABLE_BYTES) ERROR("a sorted set must begin with a table");

@unmanaged
export class OrderNode {
  count: u16;
  capacity: u16;
  level: u32;
}

const SCORES: usize = offsetof<OrderNode>();

@inline
export function sortedSetAt(address: usize): SortedSet {
  return changetype<SortedSet>(address);
}

@inline
export function nodeOf(address: u32): OrderNode {
  return changetype<OrderNode>(<usize>address);
}

/** Pairs that a node of so many bytes has room for. */
export function capacityOf(bytes: u32, level: u32): u32 {
  return (bytes - <u32>SCORES) / (level == 0 ? PAIR_BYTES : PAIR_BYTES + CHILD_BYTES);
}

/** Bytes of a node: a lone leaf may be smaller than others. */
export function nodeBytes(node: OrderNode): u32 {
  if (node.level != 0) return INNER_BYTES;
  let bytes = LEAF_FIRST_BYTES;
  while (capacityOf(bytes, 0) != node.capacity) bytes <<= 1;
  return bytes;
}

/** Bytes that a leaf uses of its cell. */
@inline
export function leafBytes(capacity: u32): u32 {
  return <u32>SCORES + capacity * PAIR_BYTES;
}

@inline
export function scoreSlot(node: OrderNode, index: u32): usize {
  return changetype<usize>(node) + SCORES + ((<usize>index) << 3);
}

@inline
export function memberSlot(node: OrderNode, index: u32): usize {
  return changetype<usize>(node) + SCORES + ((<usize>node.capacity) << 3) + ((<usize>index) << 2);
}

@inline
export function childSlot(node: OrderNode, index: u32): usize {
  return changetype<usize>(node) + SCORES + <usize>node.capacity * PAIR_BYTES + ((<usize>index) << 2);
}

@inline
export function belowSlot(node: OrderNode, index: u32): usize {
  return childSlot(node, <u32>node.capacity + index);
}

@inline
export function childOf(node: OrderNode, index: u32): OrderNode {
  return nodeOf(load<u32>(childSlot(node, index)));
}

@inline
export function scoreOf(node: OrderNode, index: u32): f64 {
  return load<f64>(scoreSlot(node, index));
}

@inline
export function memberOf(node: OrderNode, index: u32): usize {
  return <usize>load<u32>(memberSlot(node, index));
}

/** Pairs below a node. */
export function pairsBelow(node: OrderNode): u32 {
  if (node.level == 0) return node.count;
  let sum: u32 = 0;
  for (let index: u32 = 0; index < node.count; index++) sum += load<u32>(belowSlot(node, index));
  return sum;
}

// ---- within a node

/** The first place from `from` on whose score is not below the given one. The steps have no branch that could be foretold wrongly. */
function placeNotBelow(node: OrderNode, from: u32, score: f64): u32 {
  const scores = scoreSlot(node, 0);
  let place = from;
  let left = <u32>node.count - from;
  while (left > 0) {
    const half = (left + 1) >> 1;
    place = load<f64>(scores + ((place + half - 1) << 3)) < score ? place + half : place;
    left -= half;
  }
  return place;
}

/** The first place from `from` on whose score is above the given one. */
function placeAbove(node: OrderNode, from: u32, score: f64): u32 {
  const scores = scoreSlot(node, 0);
  let place = from;
  let left = <u32>node.count - from;
  while (left > 0) {
    const half = (left + 1) >> 1;
    place = load<f64>(scores + ((place + half - 1) << 3)) <= score ? place + half : place;
    left -= half;
  }
  return place;
}

/** Compares the member at a place with a key. */
@inline
function compareMember(node: OrderNode, index: u32, key: usize, bytes: u32): i32 {
  const member = memberOf(node, index);
  return compareBytes(keyOf(member), entryAt(member).keyBytes, key, bytes);
}

/** Between two places, whose members are in order: the first whose member comes behind the key, or is it unless `passesEqual`. */
function placeOfKey(node: OrderNode, from: u32, to: u32, key: usize, bytes: u32, passesEqual: bool): u32 {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareMember(node, middle, key, bytes) < <i32>passesEqual) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first place from `from` on whose pair comes behind the given one, or is it unless `passesEqual`. */
function placeOfPair(node: OrderNode, from: u32, score: f64, key: usize, bytes: u32, passesEqual: bool): u32 {
  const first = placeNotBelow(node, from, score);
  if (first == <u32>node.count || scoreOf(node, first) != score) return first;
  return placeOfKey(node, first, placeAbove(node, first, score), key, bytes, passesEqual);
}

// ---- ranks

/** Pairs that come before the children from `child` on. */
@inline
function pairsBefore(node: OrderNode, child: u32): u32 {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < child; index++) sum += load<u32>(belowSlot(node, index));
  return sum;
}

/** How many pairs have a score below the given one, or equal to it where `passesEqual`. */
export function rankOfScore(set: SortedSet, score: f64, passesEqual: bool): u32 {
  if (set.root == 0) return 0;
  let node = nodeOf(set.root);
  let rank: u32 = 0;
  while (node.level != 0) {
    const child = (passesEqual ? placeAbove(node, 1, score) : placeNotBelow(node, 1, score)) - 1;
    rank += pairsBefore(node, child);
    node = childOf(node, child);
  }
  return rank + (passesEqual ? placeAbove(node, 0, score) : placeNotBelow(node, 0, score));
}

/** How many members come before a key, or are it where `passesEqual`, in a set whose members have one score. */
export function rankOfKey(set: SortedSet, key: usize, bytes: u32, passesEqual: bool): u32 {
  if (set.root == 0) return 0;
  let node = nodeOf(set.root);
  let rank: u32 = 0;
  while (node.level != 0) {
    const child = placeOfKey(node, 1, node.count, key, bytes, passesEqual) - 1;
    rank += pairsBefore(node, child);
    node = childOf(node, child);
  }
  return rank + placeOfKey(node, 0, node.count, key, bytes, passesEqual);
}

/** How many pairs come before the given one. */
export function rankOfPair(set: SortedSet, score: f64, key: usize, bytes: u32): u32 {
  if (set.root == 0) return 0;
  let node = nodeOf(set.root);
  let rank: u32 = 0;
  while (node.level != 0) {
    const child = placeOfPair(node, 1, score, key, bytes, true) - 1;
    rank += pairsBefore(node, child);
    node = childOf(node, child);
  }
  return rank + placeOfPair(node, 0, score, key, bytes, false);
}

// ---- ways down: for each level the node and the place in it, kept for whoever changes the tree there

/** Where the way lies: in what scratch memory has before the texts at its end. */
export const ORDER_PATH_BASE: u32 = SCRATCH_BASE + SCRATCH_BYTES - 12288;
export const ORDER_PATH_BYTES: u32 = 128;
if ((LEVELS_MAX + 1) << 3 > ORDER_PATH_BYTES) ERROR("the way down must fit its place");

@unmanaged
class Turn {
  node: u32;
  place: u32;
}

if (offsetof<Turn>() != 8) ERROR("a turn must stay 8 bytes");

@inline
function turnAt(level: u32): Turn {
  return changetype<Turn>(<usize>(ORDER_PATH_BASE + (level << 3)));
}

@inline
export function pathNode(level: u32): OrderNode {
  return nodeOf(turnAt(level).node);
}

@inline
export function pathPlace(level: u32): u32 {
  return turnAt(level).place;
}

@inline
export function setTurn(level: u32, node: OrderNode, place: u32): void {
  turnAt(level).node = <u32>changetype<usize>(node);
  turnAt(level).place = place;
}

/** Goes to where a pair is, or belongs. The set is not empty. */
export function goToPair(set: SortedSet, score: f64, key: usize, bytes: u32): void {
  let node = nodeOf(set.root);
  while (node.level != 0) {
    const child = placeOfPair(node, 1, score, key, bytes, true) - 1;
    setTurn(node.level, node, child);
    node = childOf(node, child);
  }
  if (set.root != <u32>changetype<usize>(node)) touchLeaf(node);
  setTurn(0, node, placeOfPair(node, 0, score, key, bytes, false));
}

/** Goes to the pair at a rank; there must be one. */
export function goToRank(set: SortedSet, rank: u32): void {
  let node = nodeOf(set.root);
  let left = rank;
  while (node.level != 0) {
    let child: u32 = 0;
    for (let below = load<u32>(belowSlot(node, 0)); left >= below; below = load<u32>(belowSlot(node, child))) {
      left -= below;
      child++;
      assert(child < node.count);
    }
    setTurn(node.level, node, child);
    node = childOf(node, child);
  }
  assert(left < node.count);
  setTurn(0, node, left);
}

/** Reads a byte of each line of a leaf, which is not a small one: the misses of a search in it are under way at once. */
@inline
function touchLeaf(node: OrderNode): void {
  let sum: u32 = 0;
  for (let at: usize = 0; at < LEAF_BYTES; at += LINE_BYTES) sum += load<u8>(changetype<usize>(node) + at);
  counters.touched = sum;
}

/** Reads a byte of each of some members of a leaf, so that the misses of a walk over them are under way at once. */
export function touchMembers(leaf: OrderNode, from: u32, count: u32): void {
  let sum: u32 = 0;
  for (let index = from; index < from + count; index++) sum += load<u8>(memberOf(leaf, index));
  counters.touched = sum;
}

/** The least pair below a node: its leaf; the pair is the first in it. */
export function leastLeaf(node: OrderNode): OrderNode {
  let leaf = node;
  while (leaf.level != 0) leaf = childOf(leaf, 0);
  return leaf;
}

// ---- taking apart

/** Frees at most about `limit` nodes below an address and at it, leaves first; answers what is left of it, 0 for nothing. */
export function releaseTree(root: u32, limit: u32): u32 {
  const node = nodeOf(root);
  if (node.level != 0 && releaseChildren(node, limit) == 0) return root;
  release(ZONE_OBJECT, <usize>root);
  return 0;
}

/** Frees the last nodes below one, and takes them out of it; answers how many more may be freed, 0 when some may be left. */
function releaseChildren(node: OrderNode, limit: u32): u32 {
  let left = limit;
  while (node.count != 0 && left != 0) {
    const child = childOf(node, node.count - 1);
    if (child.level != 0) left = releaseChildren(child, left);
    if (left == 0) break;
    release(ZONE_OBJECT, changetype<usize>(child));
    dirty(changetype<usize>(node), <u32>SCORES);
    node.count--;
    left--;
  }
  return left;
}
