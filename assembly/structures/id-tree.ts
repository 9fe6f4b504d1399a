// An ordered tree of 128-bit ids, the milliseconds and sequence numbers of streams, each with an address: a B+ tree after
// Bayer and McCreight. Unlike in a radix tree, which ids suggest since they share their beginnings, an id takes the same
// bytes whatever the others are, and fifty of them lie side by side. There are no links between leaves: whoever comes to
// the end of one finds the next by its way down, once in up to fifty items.
//
//   node   0 count (u16) | 2 capacity (u16) | 4 level (u32), 0 for a leaf
//          8 ids (ms u64, sequence u64, x capacity) | addresses (u32 x capacity): of what the ids stand for, or of children
//
// An id above the leaves is the least that its child may hold; that of the first child is never looked at. A lone leaf
// begins with room for 4 items and gets room for 12, then 50. Cost: 20 bytes an item and what splits leave empty: nothing in
// rising order, where full leaves stay full.

import { dirty } from "../memory/memory";

export const NODE_CAPACITY: u32 = 50;
export const FIRST_CAPACITY: u32 = 4;
export const SECOND_CAPACITY: u32 = 12;
const ID_BYTES: u32 = 16;
const ADDRESS_BYTES: u32 = 4;

@unmanaged
export class IdTree {
  /** Address of the root, 0 while there are no items. */
  root: u32;
  count: u32;
  /** Bytes of the nodes. */
  bytes: u32;
}

@unmanaged
export class IdNode {
  count: u16;
  capacity: u16;
  level: u32;
}

const IDS: usize = offsetof<IdNode>();
export const ID_NODE_HEADER_BYTES: u32 = <u32>offsetof<IdNode>();

/** Bytes of a node with room for so many items. */
@inline
export function bytesOfNode(capacity: u32): u32 {
  return ID_NODE_HEADER_BYTES + capacity * (ID_BYTES + ADDRESS_BYTES);
}

@inline
export function idNode(address: u32): IdNode {
  return changetype<IdNode>(<usize>address);
}

@inline
export function idSlot(node: IdNode, index: u32): usize {
  return changetype<usize>(node) + IDS + ((<usize>index) << 4);
}

@inline
export function addressSlot(node: IdNode, index: u32): usize {
  return changetype<usize>(node) + IDS + ((<usize>node.capacity) << 4) + ((<usize>index) << 2);
}

@inline
export function childAt(node: IdNode, index: u32): IdNode {
  return idNode(load<u32>(addressSlot(node, index)));
}

/** True when the first id comes before the second. */
@inline
export function isBefore(ms: u64, seq: u64, otherMs: u64, otherSeq: u64): bool {
  return ms < otherMs || (ms == otherMs && seq < otherSeq);
}

/** How many ids of a node come before the given one. */
export function positionIn(node: IdNode, ms: u64, seq: u64): u32 {
  let low: u32 = 0;
  let high: u32 = node.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const slot = idSlot(node, middle);
    if (isBefore(load<u64>(slot), load<u64>(slot, 8), ms, seq)) low = middle + 1;
    else high = middle;
  }
  return low;
}

@inline
export function isAt(node: IdNode, position: u32, ms: u64, seq: u64): bool {
  if (position >= <u32>node.count) return false;
  const slot = idSlot(node, position);
  return load<u64>(slot) == ms && load<u64>(slot, 8) == seq;
}

/** The child that may hold an id: the last whose least one is not beyond it. */
export function childFor(node: IdNode, ms: u64, seq: u64): u32 {
  const position = positionIn(node, ms, seq);
  if (isAt(node, position, ms, seq)) return position;
  return position == 0 ? 0 : position - 1;
}

/** The address that an id stands for; 0 when it is not there. */
export function findId(tree: IdTree, ms: u64, seq: u64): u32 {
  if (tree.root == 0) return 0;
  let node = idNode(tree.root);
  while (node.level != 0) node = childAt(node, childFor(node, ms, seq));
  const position = positionIn(node, ms, seq);
  return isAt(node, position, ms, seq) ? load<u32>(addressSlot(node, position)) : 0;
}

/** Lets an id that is there stand for another address. */
export function replaceAddress(tree: IdTree, ms: u64, seq: u64, address: u32): void {
  let node = idNode(tree.root);
  while (node.level != 0) node = childAt(node, childFor(node, ms, seq));
  const slot = addressSlot(node, positionIn(node, ms, seq));
  dirty(slot, ADDRESS_BYTES);
  store<u32>(slot, address);
}

// ---- items in order; what was found is valid until the tree changes

/** What the last search came to. */
export let soughtMs: u64 = 0;
export let soughtSeq: u64 = 0;
export let soughtAddress: u32 = 0;

let soughtNode: u32 = 0;
let soughtIndex: u32 = 0;

function show(node: IdNode, index: u32): void {
  soughtNode = <u32>changetype<usize>(node);
  soughtIndex = index;
  const slot = idSlot(node, index);
  soughtMs = load<u64>(slot);
  soughtSeq = load<u64>(slot, 8);
  soughtAddress = load<u32>(addressSlot(node, index));
}

/** Finds the first item whose id is not before the given one; false when there is none. */
export function seekFrom(tree: IdTree, ms: u64, seq: u64): bool {
  if (tree.root == 0) return false;
  let node = idNode(tree.root);
  let after: u32 = 0;
  while (node.level != 0) {
    const child = childFor(node, ms, seq);
    if (child + 1 < <u32>node.count) after = load<u32>(addressSlot(node, child + 1));
    node = childAt(node, child);
  }
  let position = positionIn(node, ms, seq);
  if (position == <u32>node.count) {
    if (after == 0) return false;
    node = idNode(after);
    while (node.level != 0) node = childAt(node, 0);
    position = 0;
  }
  show(node, position);
  return true;
}

/** Goes on to the next item of the tree that was searched last; false after the last. */
export function seekNext(tree: IdTree): bool {
  const node = idNode(soughtNode);
  if (soughtIndex + 1 < <u32>node.count) {
    show(node, soughtIndex + 1);
    return true;
  }
  return seekAfter(tree, soughtMs, soughtSeq);
}

/** Finds the first item beyond an id; false when there is none. */
export function seekAfter(tree: IdTree, ms: u64, seq: u64): bool {
  if (seq != u64.MAX_VALUE) return seekFrom(tree, ms, seq + 1);
  return ms != u64.MAX_VALUE && seekFrom(tree, ms + 1, 0);
}

/** Finds the last item whose id is not beyond the given one; false when there is none. */
export function seekBack(tree: IdTree, ms: u64, seq: u64): bool {
  if (tree.root == 0) return false;
  let node = idNode(tree.root);
  let before: u32 = 0;
  while (node.level != 0) {
    const child = childFor(node, ms, seq);
    if (child > 0) before = load<u32>(addressSlot(node, child - 1));
    node = childAt(node, child);
  }
  let count = positionIn(node, ms, seq);
  if (isAt(node, count, ms, seq)) count++;
  if (count == 0) {
    if (before == 0) return false;
    node = idNode(before);
    while (node.level != 0) node = childAt(node, <u32>node.count - 1);
    count = node.count;
  }
  show(node, count - 1);
  return true;
}

/** Finds the last item; false when there is none. */
export function seekLast(tree: IdTree): bool {
  return seekBack(tree, u64.MAX_VALUE, u64.MAX_VALUE);
}
