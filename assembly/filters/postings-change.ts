// Changes of an ordered index (postings.ts). Full nodes split in the middle, or at their end when the new pair comes
// last, so that rising keys leave full nodes behind. A node that is down to a quarter joins a neighbour of the same
// parent when the two fill three quarters of one at most; an empty one goes. What a change takes has been reserved.

import { allocate, dirty, release } from "../memory/memory";
import { ZONE_OBJECT } from "../layout";
import {
  belowSlot,
  capacityOf,
  childFor,
  childSlot,
  entriesBelow,
  idSlot,
  keySlot,
  LEAF_FIRST_BYTES,
  nodeBytes,
  nodeOf,
  positionIn,
  Postings,
  POSTINGS_NODE_BYTES,
  PostingsNode,
} from "./postings";

/** Nodes of 4 KiB that a tree gains at most when `entries` pairs are inserted: each may split a leaf, and the levels above. */
export function nodesToInsert(entries: u32): u32 {
  return entries + 4;
}

// What the last step of an insertion tells the one above it.
let inserted: bool = false;
let removed: bool = false;

function createNode(postings: Postings, level: u32, bytes: u32): PostingsNode {
  const node = changetype<PostingsNode>(allocate(ZONE_OBJECT, bytes));
  node.count = 0;
  node.capacity = <u16>capacityOf(bytes, level);
  node.level = level;
  postings.bytes += bytes;
  return node;
}

function freeNode(postings: Postings, node: PostingsNode): void {
  postings.bytes -= nodeBytes(node);
  release(ZONE_OBJECT, changetype<usize>(node));
}

function announce(node: PostingsNode): void {
  dirty(changetype<usize>(node), nodeBytes(node));
}

/** Moves `count` entries, within a node or to another of the same level. */
function moveEntries(from: PostingsNode, at: u32, to: PostingsNode, place: u32, count: u32): void {
  memory.copy(keySlot(to, place), keySlot(from, at), (<usize>count) << 3);
  memory.copy(idSlot(to, place), idSlot(from, at), (<usize>count) << 2);
  if (from.level == 0) return;
  memory.copy(childSlot(to, place), childSlot(from, at), (<usize>count) << 2);
  memory.copy(belowSlot(to, place), belowSlot(from, at), (<usize>count) << 2);
}

/** Opens a place for a pair in a node that has room. */
function openPlace(node: PostingsNode, place: u32, key: u64, id: u32): void {
  announce(node);
  moveEntries(node, place, node, place + 1, node.count - place);
  store<u64>(keySlot(node, place), key);
  store<u32>(idSlot(node, place), id);
  node.count++;
}

function closePlace(node: PostingsNode, place: u32): void {
  announce(node);
  moveEntries(node, place + 1, node, place, node.count - place - 1);
  node.count--;
}

/** Splits a full node for a pair that goes to `place`; answers the new right one. */
function split(postings: Postings, node: PostingsNode, place: u32): PostingsNode {
  const right = createNode(postings, node.level, POSTINGS_NODE_BYTES);
  const kept: u32 = place == node.count ? place : node.count >> 1;
  announce(node);
  moveEntries(node, kept, right, 0, node.count - kept);
  right.count = <u16>(node.count - kept);
  node.count = <u16>kept;
  return right;
}

/** Inserts a pair; false when it is there already. The caller announces the change of `postings`. */
export function insertPosting(postings: Postings, key: u64, id: u32): bool {
  if (postings.root == 0) {
    postings.root = <u32>changetype<usize>(createNode(postings, 0, LEAF_FIRST_BYTES));
  }
  let root = nodeOf(postings.root);
  if (root.level == 0 && root.count == root.capacity && nodeBytes(root) < POSTINGS_NODE_BYTES) {
    root = growLeaf(postings, root);
  }
  const right = insertBelow(postings, root, key, id);
  if (right != 0) growUp(postings, root, nodeOf(right));
  return inserted;
}

/** Replaces a small lone leaf by one twice as large. */
function growLeaf(postings: Postings, leaf: PostingsNode): PostingsNode {
  const larger = createNode(postings, 0, nodeBytes(leaf) << 1);
  moveEntries(leaf, 0, larger, 0, leaf.count);
  larger.count = leaf.count;
  freeNode(postings, leaf);
  postings.root = <u32>changetype<usize>(larger);
  return larger;
}

/** Puts a new root above two nodes. */
function growUp(postings: Postings, left: PostingsNode, right: PostingsNode): void {
  const root = createNode(postings, left.level + 1, POSTINGS_NODE_BYTES);
  openPlace(root, 0, 0, 0);
  setChild(root, 0, left);
  openPlace(root, 1, load<u64>(keySlot(right, 0)), load<u32>(idSlot(right, 0)));
  setChild(root, 1, right);
  postings.root = <u32>changetype<usize>(root);
}

function setChild(node: PostingsNode, place: u32, child: PostingsNode): void {
  store<u32>(childSlot(node, place), <u32>changetype<usize>(child));
  store<u32>(belowSlot(node, place), entriesBelow(child));
}

/** Inserts below a node; answers the address of its new right neighbour if it was split, else 0. */
function insertBelow(postings: Postings, node: PostingsNode, key: u64, id: u32): u32 {
  if (node.level == 0) return insertIntoLeaf(postings, node, key, id);
  const place = childFor(node, key, id);
  const address = insertBelow(postings, nodeOf(load<u32>(childSlot(node, place))), key, id);
  if (!inserted) return 0;
  dirty(belowSlot(node, place), 4);
  store<u32>(belowSlot(node, place), load<u32>(belowSlot(node, place)) + 1);
  if (address == 0) return 0;
  const child = nodeOf(address);
  store<u32>(belowSlot(node, place), load<u32>(belowSlot(node, place)) - entriesBelow(child));
  let home = node;
  let at = place + 1;
  let right: u32 = 0;
  if (node.count == node.capacity) {
    const other = split(postings, node, at);
    right = <u32>changetype<usize>(other);
    if (at >= node.count) {
      home = other;
      at -= node.count;
    }
  }
  openPlace(home, at, load<u64>(keySlot(child, 0)), load<u32>(idSlot(child, 0)));
  setChild(home, at, child);
  return right;
}

function insertIntoLeaf(postings: Postings, leaf: PostingsNode, key: u64, id: u32): u32 {
  const place = positionIn(leaf, key, id);
  inserted = !isAt(leaf, place, key, id);
  if (!inserted) return 0;
  if (leaf.count < leaf.capacity) {
    openPlace(leaf, place, key, id);
    return 0;
  }
  const right = split(postings, leaf, place);
  if (place < leaf.count) openPlace(leaf, place, key, id);
  else openPlace(right, place - leaf.count, key, id);
  return <u32>changetype<usize>(right);
}

function isAt(leaf: PostingsNode, place: u32, key: u64, id: u32): bool {
  return place < leaf.count && load<u64>(keySlot(leaf, place)) == key && load<u32>(idSlot(leaf, place)) == id;
}

/** Removes a pair; false when it is not there. The caller announces the change of `postings`. */
export function removePosting(postings: Postings, key: u64, id: u32): bool {
  if (postings.root == 0) return false;
  removeBelow(postings, nodeOf(postings.root), key, id);
  let root = nodeOf(postings.root);
  while (root.level != 0 && root.count == 1) {
    postings.root = load<u32>(childSlot(root, 0));
    freeNode(postings, root);
    root = nodeOf(postings.root);
  }
  if (root.count == 0) {
    freeNode(postings, root);
    postings.root = 0;
  }
  return removed;
}

function removeBelow(postings: Postings, node: PostingsNode, key: u64, id: u32): void {
  if (node.level == 0) {
    const place = positionIn(node, key, id);
    removed = isAt(node, place, key, id);
    if (removed) closePlace(node, place);
    return;
  }
  const place = childFor(node, key, id);
  const child = nodeOf(load<u32>(childSlot(node, place)));
  removeBelow(postings, child, key, id);
  if (!removed) return;
  dirty(belowSlot(node, place), 4);
  store<u32>(belowSlot(node, place), load<u32>(belowSlot(node, place)) - 1);
  if (child.count == 0) {
    freeNode(postings, child);
    closePlace(node, place);
  } else if (child.count < child.capacity >> 2) {
    if (place + 1 < <u32>node.count) join(postings, node, place);
    else if (place > 0) join(postings, node, place - 1);
  }
}

/** Joins the children at `place` and behind it, if one may hold both. */
function join(postings: Postings, node: PostingsNode, place: u32): void {
  const left = nodeOf(load<u32>(childSlot(node, place)));
  const right = nodeOf(load<u32>(childSlot(node, place + 1)));
  const count = <u32>left.count + right.count;
  if (count > (<u32>left.capacity >> 2) * 3) return;
  announce(left);
  const first = left.count;
  moveEntries(right, 0, left, first, right.count);
  // The least of the right one's first child is known only to the parent.
  store<u64>(
    keySlot(left, first),
    right.level == 0 ? load<u64>(keySlot(left, first)) : load<u64>(keySlot(node, place + 1)),
  );
  store<u32>(
    idSlot(left, first),
    right.level == 0 ? load<u32>(idSlot(left, first)) : load<u32>(idSlot(node, place + 1)),
  );
  left.count = <u16>count;
  freeNode(postings, right);
  announce(node);
  store<u32>(belowSlot(node, place), load<u32>(belowSlot(node, place)) + load<u32>(belowSlot(node, place + 1)));
  closePlace(node, place + 1);
}
