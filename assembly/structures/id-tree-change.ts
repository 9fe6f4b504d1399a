// Changes of an ordered tree of ids (id-tree.ts). Full nodes split in the middle, or at their end when the new id comes last,
// so that rising ids leave full nodes behind. A node that is down to a quarter joins a neighbour of the same parent when
// the two fill three quarters of one at most; an empty one goes. What an insertion takes has been reserved; a removal
// takes nothing.

import { ZONE_OBJECT } from "../layout";
import { allocate, dirty, release } from "../memory/memory";
import {
  addressSlot,
  bytesOfNode,
  childAt,
  childFor,
  FIRST_CAPACITY,
  ID_NODE_HEADER_BYTES,
  IdNode,
  idNode,
  idSlot,
  IdTree,
  isAt,
  NODE_CAPACITY,
  positionIn,
  seekLast,
  SECOND_CAPACITY,
  soughtAddress,
  soughtMs,
  soughtSeq,
} from "./id-tree";

/** Insertions after which a half full node may split again. */
const HALF: u32 = NODE_CAPACITY / 2;
/** Levels that a tree may have: fifty to this power is more than there is memory for. */
const LEVELS: u32 = 6;

/**
 * Nodes that a tree may gain when so many ids are inserted, wherever they go: full leaves may each split at their first one, then
 * each takes half a node's worth before the next.
 */
export function nodesToInsert(tree: IdTree, ids: u32): u32 {
  const leaves = min(ids, tree.count / NODE_CAPACITY + 1) + ids / HALF;
  return leaves + leaves / HALF + LEVELS;
}

// What the last step of a change tells the one above it.
let removed: bool = false;

function createNode(tree: IdTree, level: u32, capacity: u32): IdNode {
  const node = changetype<IdNode>(allocate(ZONE_OBJECT, bytesOfNode(capacity)));
  node.count = 0;
  node.capacity = <u16>capacity;
  node.level = level;
  tree.bytes += bytesOfNode(capacity);
  return node;
}

function freeNode(tree: IdTree, node: IdNode): void {
  tree.bytes -= bytesOfNode(node.capacity);
  release(ZONE_OBJECT, changetype<usize>(node));
}

function announce(node: IdNode): void {
  dirty(changetype<usize>(node), bytesOfNode(node.capacity));
}

/** Moves `count` items, within a node or to another of the same level. */
function moveItems(from: IdNode, at: u32, to: IdNode, place: u32, count: u32): void {
  memory.copy(idSlot(to, place), idSlot(from, at), (<usize>count) << 4);
  memory.copy(addressSlot(to, place), addressSlot(from, at), (<usize>count) << 2);
}

/** Opens a place for an item in a node that has room. At the end, where most go, nothing moves and little is announced. */
function openPlace(node: IdNode, place: u32, ms: u64, seq: u64, address: u32): void {
  const slot = idSlot(node, place);
  if (place == <u32>node.count) {
    dirty(changetype<usize>(node), ID_NODE_HEADER_BYTES);
    dirty(slot, 16);
    dirty(addressSlot(node, place), 4);
  } else {
    announce(node);
    moveItems(node, place, node, place + 1, node.count - place);
  }
  store<u64>(slot, ms);
  store<u64>(slot, seq, 8);
  store<u32>(addressSlot(node, place), address);
  node.count++;
}

function closePlace(node: IdNode, place: u32): void {
  announce(node);
  moveItems(node, place + 1, node, place, node.count - place - 1);
  node.count--;
}

/** Splits a full node for an item that goes to `place`; answers the new right one. */
function split(tree: IdTree, node: IdNode, place: u32): IdNode {
  const right = createNode(tree, node.level, NODE_CAPACITY);
  const kept: u32 = place == <u32>node.count ? place : node.count >> 1;
  announce(node);
  moveItems(node, kept, right, 0, node.count - kept);
  right.count = <u16>(<u32>node.count - kept);
  node.count = <u16>kept;
  return right;
}

/** Inserts an id that is not there. The caller announces the change of `tree`. */
export function insertId(tree: IdTree, ms: u64, seq: u64, address: u32): void {
  if (tree.root == 0) tree.root = <u32>changetype<usize>(createNode(tree, 0, FIRST_CAPACITY));
  let root = idNode(tree.root);
  if (root.count == root.capacity && <u32>root.capacity < NODE_CAPACITY) root = growLeaf(tree, root);
  const right = insertBelow(tree, root, ms, seq, address);
  if (right != 0) growUp(tree, root, idNode(right));
  tree.count++;
}

/** Replaces a small lone leaf by a larger one. */
function growLeaf(tree: IdTree, leaf: IdNode): IdNode {
  const larger = createNode(tree, 0, <u32>leaf.capacity == FIRST_CAPACITY ? SECOND_CAPACITY : NODE_CAPACITY);
  moveItems(leaf, 0, larger, 0, leaf.count);
  larger.count = leaf.count;
  freeNode(tree, leaf);
  tree.root = <u32>changetype<usize>(larger);
  return larger;
}

/** Puts a new root above two nodes. */
function growUp(tree: IdTree, left: IdNode, right: IdNode): void {
  const root = createNode(tree, left.level + 1, NODE_CAPACITY);
  openPlace(root, 0, 0, 0, <u32>changetype<usize>(left));
  const least = idSlot(right, 0);
  openPlace(root, 1, load<u64>(least), load<u64>(least, 8), <u32>changetype<usize>(right));
  tree.root = <u32>changetype<usize>(root);
}

/** Inserts below a node; answers the address of its new right neighbour if it was split, else 0. */
function insertBelow(tree: IdTree, node: IdNode, ms: u64, seq: u64, address: u32): u32 {
  if (node.level == 0) return insertInto(tree, node, positionIn(node, ms, seq), ms, seq, address);
  const place = childFor(node, ms, seq);
  const below = insertBelow(tree, childAt(node, place), ms, seq, address);
  if (below == 0) return 0;
  const least = idSlot(idNode(below), 0);
  return insertInto(tree, node, place + 1, load<u64>(least), load<u64>(least, 8), below);
}

function insertInto(tree: IdTree, node: IdNode, place: u32, ms: u64, seq: u64, address: u32): u32 {
  if (node.count < node.capacity) {
    openPlace(node, place, ms, seq, address);
    return 0;
  }
  // Above the leaves too the first slot of the right one holds its least id, which its parent takes.
  const right = split(tree, node, place);
  const kept: u32 = node.count;
  if (place < kept) openPlace(node, place, ms, seq, address);
  else openPlace(right, place - kept, ms, seq, address);
  return <u32>changetype<usize>(right);
}

/** Removes an id; false when it is not there. The caller announces the change of `tree`. */
export function removeId(tree: IdTree, ms: u64, seq: u64): bool {
  if (tree.root == 0) return false;
  removeBelow(tree, idNode(tree.root), ms, seq);
  if (!removed) return false;
  tree.count--;
  let root = idNode(tree.root);
  while (root.level != 0 && root.count == 1) {
    tree.root = load<u32>(addressSlot(root, 0));
    freeNode(tree, root);
    root = idNode(tree.root);
  }
  if (root.count == 0) {
    freeNode(tree, root);
    tree.root = 0;
  }
  return true;
}

function removeBelow(tree: IdTree, node: IdNode, ms: u64, seq: u64): void {
  if (node.level == 0) {
    const place = positionIn(node, ms, seq);
    removed = isAt(node, place, ms, seq);
    if (removed) closePlace(node, place);
    return;
  }
  const place = childFor(node, ms, seq);
  const child = childAt(node, place);
  removeBelow(tree, child, ms, seq);
  if (!removed) return;
  if (child.count == 0) {
    freeNode(tree, child);
    closePlace(node, place);
  } else if (<u32>child.count < NODE_CAPACITY >> 2) {
    if (place + 1 < <u32>node.count) join(tree, node, place);
    else if (place > 0) join(tree, node, place - 1);
  }
}

/** Joins the children at `place` and behind it, if one may hold both. */
function join(tree: IdTree, node: IdNode, place: u32): void {
  const left = childAt(node, place);
  const right = childAt(node, place + 1);
  const count = <u32>left.count + <u32>right.count;
  if (count > (NODE_CAPACITY >> 2) * 3 || count > <u32>left.capacity) return;
  announce(left);
  const first: u32 = left.count;
  moveItems(right, 0, left, first, right.count);
  if (right.level != 0) {
    // The least of the right one's first child is known only to the parent.
    const least = idSlot(node, place + 1);
    store<u64>(idSlot(left, first), load<u64>(least));
    store<u64>(idSlot(left, first), load<u64>(least, 8), 8);
  }
  left.count = <u16>count;
  freeNode(tree, right);
  closePlace(node, place + 1);
}

/** Removes the last item and answers its address; 0 when nothing is left. The caller announces the change of `tree`. */
export function removeLast(tree: IdTree): u32 {
  if (!seekLast(tree)) return 0;
  const address = soughtAddress;
  removeId(tree, soughtMs, soughtSeq);
  return address;
}
