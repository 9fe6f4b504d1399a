// An ordered index: pairs of a 64-bit key and a node id, in a tree of nodes of 4 KiB (a B+ tree after Bayer and McCreight)
// that also counts what lies below each child. Counts are what the textbook lacks: how many entries a range has, and
// which entry stands at a rank, take one way down, so a planner learns the size of an answer before it reads any. There
// are no links between leaves; whoever reads a range seeks each next leaf by rank, once in about 240 entries.
//
//   node   0 count (u16) | 2 capacity (u16) | 4 level (u32), 0 for a leaf
//          8 keys (u64 x capacity) | ids (u32 x capacity)
//          above the leaves further: children (u32 x capacity) | entries below each (u32 x capacity)
//
// A pair above the leaves is the least that its child may hold; that of the first child is never looked at. A lone leaf
// begins at 128 bytes and doubles. Cost: 12 bytes an entry and what splits leave empty, about 17 in random order, 13 in
// rising order, where full leaves stay full.

import { dirty, release } from "../memory/memory";
import { ZONE_OBJECT } from "../layout";

export const POSTINGS_NODE_BYTES: u32 = 4096;
export const LEAF_FIRST_BYTES: u32 = 128;
const PAIR_BYTES: u32 = 12;
const CHILD_BYTES: u32 = 8;

@unmanaged
export class Postings {
  /** Address of the root, 0 while there are no entries. */
  root: u32;
  /** Bytes of the nodes. */
  bytes: u32;
}

@unmanaged
export class PostingsNode {
  count: u16;
  capacity: u16;
  level: u32;
}

const KEYS: usize = offsetof<PostingsNode>();

/** Entries that a node of `bytes` bytes has room for. */
export function capacityOf(bytes: u32, level: u32): u32 {
  return (bytes - <u32>KEYS) / (level == 0 ? PAIR_BYTES : PAIR_BYTES + CHILD_BYTES);
}

/** Bytes of a node: a lone leaf may be smaller than others. */
export function nodeBytes(node: PostingsNode): u32 {
  if (node.level != 0) return POSTINGS_NODE_BYTES;
  let bytes = LEAF_FIRST_BYTES;
  while (capacityOf(bytes, 0) != node.capacity) bytes <<= 1;
  return bytes;
}

@inline
export function nodeOf(address: u32): PostingsNode {
  return changetype<PostingsNode>(<usize>address);
}

@inline
export function keySlot(node: PostingsNode, index: u32): usize {
  return changetype<usize>(node) + KEYS + ((<usize>index) << 3);
}

@inline
export function idSlot(node: PostingsNode, index: u32): usize {
  return changetype<usize>(node) + KEYS + ((<usize>node.capacity) << 3) + ((<usize>index) << 2);
}

@inline
export function childSlot(node: PostingsNode, index: u32): usize {
  return changetype<usize>(node) + KEYS + <usize>node.capacity * PAIR_BYTES + ((<usize>index) << 2);
}

@inline
export function belowSlot(node: PostingsNode, index: u32): usize {
  return childSlot(node, <u32>node.capacity + index);
}

/** How many pairs of a node come before the given one. */
export function positionIn(node: PostingsNode, key: u64, id: u32): u32 {
  let low: u32 = 0;
  let high: u32 = node.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = load<u64>(keySlot(node, middle));
    if (other < key || (other == key && load<u32>(idSlot(node, middle)) < id)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The child that may hold a pair: the last whose least one is not beyond it. */
export function childFor(node: PostingsNode, key: u64, id: u32): u32 {
  const position = positionIn(node, key, id);
  if (position < node.count && load<u64>(keySlot(node, position)) == key && load<u32>(idSlot(node, position)) == id) {
    return position;
  }
  return position == 0 ? 0 : position - 1;
}

/** Entries below a node. */
export function entriesBelow(node: PostingsNode): u32 {
  if (node.level == 0) return node.count;
  let sum: u32 = 0;
  for (let index: u32 = 0; index < node.count; index++) sum += load<u32>(belowSlot(node, index));
  return sum;
}

/** How many entries have a key below the given one: the rank of the first that has not. */
export function rankOf(postings: Postings, key: u64): u32 {
  if (postings.root == 0) return 0;
  let node = nodeOf(postings.root);
  let rank: u32 = 0;
  while (node.level != 0) {
    const child = childFor(node, key, 0);
    for (let index: u32 = 0; index < child; index++) rank += load<u32>(belowSlot(node, index));
    node = nodeOf(load<u32>(childSlot(node, child)));
  }
  return rank + positionIn(node, key, 0);
}

/** Where the last `seek` came to: the entries from its rank to the end of their leaf. */
export let soughtIds: usize = 0;
export let soughtKeys: usize = 0;
export let soughtCount: u32 = 0;
export let soughtKey: u64 = 0;

/** Finds the entry at a rank; there must be one. */
export function seek(postings: Postings, rank: u32): void {
  let node = nodeOf(postings.root);
  while (node.level != 0) {
    let child: u32 = 0;
    for (let below = load<u32>(belowSlot(node, 0)); rank >= below; below = load<u32>(belowSlot(node, child))) {
      rank -= below;
      child++;
      assert(child < node.count);
    }
    node = nodeOf(load<u32>(childSlot(node, child)));
  }
  assert(rank < node.count);
  soughtIds = idSlot(node, rank);
  soughtCount = node.count - rank;
  soughtKeys = keySlot(node, rank);
  soughtKey = load<u64>(soughtKeys);
}

/** Frees at most about `limit` nodes, leaves first; true when nothing is left. The caller announces `postings`. */
export function releasePostings(postings: Postings, limit: u32): bool {
  while (postings.root != 0 && limit != 0) {
    const root = nodeOf(postings.root);
    if (root.level != 0 && root.count != 0) {
      limit = releaseLast(root, limit);
      continue;
    }
    release(ZONE_OBJECT, postings.root);
    postings.root = 0;
  }
  return postings.root == 0;
}

/** Frees the last nodes below one; what was freed is taken out of it. Answers how many more may be freed. */
function releaseLast(node: PostingsNode, limit: u32): u32 {
  while (node.count != 0 && limit != 0) {
    const child = nodeOf(load<u32>(childSlot(node, node.count - 1)));
    if (child.level != 0 && child.count != 0) {
      limit = releaseLast(child, limit);
      continue;
    }
    release(ZONE_OBJECT, changetype<usize>(child));
    dirty(changetype<usize>(node), <u32>KEYS);
    node.count--;
    limit--;
  }
  return limit;
}
