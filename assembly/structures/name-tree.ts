// Cells with names, in the order of their bytes: the groups of a stream, the consumers of a group. A treap (Seidel and
// Aragon): a search tree by name that is a heap by priority, and the priority is a seeded hash of the name, so the shape
// depends on who is there alone and nobody can make it deep. The links lie in the cells themselves, so a tree of one costs
// nothing beside it. Few names are expected; a million would be some fifty steps.
//
//   0 left (u32) | 4 right (u32) | 8 priority (u32) | 12 bytes of the name (u16) | 14 where in the cell it lies (u16)

import { dirty, state } from "../memory/memory";
import { hashBytes } from "../memory/hash";

@unmanaged
export class NamedCell {
  left: u32;
  right: u32;
  priority: u32;
  nameBytes: u16;
  nameOffset: u16;
}

export const NAMED_HEADER_BYTES: u32 = <u32>offsetof<NamedCell>();

@inline
export function namedCell(address: u32): NamedCell {
  return changetype<NamedCell>(<usize>address);
}

@inline
export function nameOf(address: u32): usize {
  return <usize>address + namedCell(address).nameOffset;
}

/** The priority that a name has. */
export function priorityOf(name: usize, bytes: u32): u32 {
  return <u32>(hashBytes(name, bytes, state.seed) >> 32);
}

/** Compares two names as bytes: negative, 0 or positive. */
export function compareNames(name: usize, bytes: u32, other: usize, otherBytes: u32): i32 {
  const shared = min(bytes, otherBytes);
  const difference = memory.compare(name, other, shared);
  return difference != 0 ? difference : <i32>bytes - <i32>otherBytes;
}

@inline
function compareTo(address: u32, name: usize, bytes: u32): i32 {
  return compareNames(nameOf(address), namedCell(address).nameBytes, name, bytes);
}

/** The cell that bears a name; 0 when there is none. */
export function findNamed(root: u32, name: usize, bytes: u32): u32 {
  let at = root;
  while (at != 0) {
    const order = compareTo(at, name, bytes);
    if (order == 0) return at;
    at = order < 0 ? namedCell(at).right : namedCell(at).left;
  }
  return 0;
}

/** The first cell by name; 0 when there is none. */
export function firstNamed(root: u32): u32 {
  if (root == 0) return 0;
  let at = root;
  while (namedCell(at).left != 0) at = namedCell(at).left;
  return at;
}

/** The cell that follows one by name; 0 after the last. */
export function nextNamed(root: u32, address: u32): u32 {
  const name = nameOf(address);
  const bytes: u32 = namedCell(address).nameBytes;
  let next: u32 = 0;
  let at = root;
  while (at != 0) {
    if (compareTo(at, name, bytes) > 0) {
      next = at;
      at = namedCell(at).left;
    } else {
      at = namedCell(at).right;
    }
  }
  return next;
}

/** Inserts a cell whose name is written and not there yet; answers the new root. */
export function insertNamed(root: u32, address: u32): u32 {
  const cell = namedCell(address);
  if (root == 0) return address;
  const below = namedCell(root);
  dirty(root, NAMED_HEADER_BYTES);
  if (cell.priority > below.priority) {
    splitNamed(root, nameOf(address), cell.nameBytes);
    dirty(address, NAMED_HEADER_BYTES);
    cell.left = splitLeft;
    cell.right = splitRight;
    return address;
  }
  if (compareTo(root, nameOf(address), cell.nameBytes) < 0) below.right = insertNamed(below.right, address);
  else below.left = insertNamed(below.left, address);
  return root;
}

let splitLeft: u32 = 0;
let splitRight: u32 = 0;

/** Takes a tree apart into what comes before a name and what comes after it. */
function splitNamed(root: u32, name: usize, bytes: u32): void {
  if (root == 0) {
    splitLeft = 0;
    splitRight = 0;
    return;
  }
  const cell = namedCell(root);
  dirty(root, NAMED_HEADER_BYTES);
  if (compareTo(root, name, bytes) < 0) {
    splitNamed(cell.right, name, bytes);
    cell.right = splitLeft;
    splitLeft = root;
  } else {
    splitNamed(cell.left, name, bytes);
    cell.left = splitRight;
    splitRight = root;
  }
}

/** Takes a cell that is there out of a tree; answers the new root. */
export function removeNamed(root: u32, address: u32): u32 {
  const cell = namedCell(root);
  if (root == address) return joinNamed(cell.left, cell.right);
  dirty(root, NAMED_HEADER_BYTES);
  const removed = namedCell(address);
  if (compareTo(root, nameOf(address), removed.nameBytes) < 0) cell.right = removeNamed(cell.right, address);
  else cell.left = removeNamed(cell.left, address);
  return root;
}

/** Joins two trees of which the first comes before the second. */
function joinNamed(left: u32, right: u32): u32 {
  if (left == 0) return right;
  if (right == 0) return left;
  const first = namedCell(left);
  const second = namedCell(right);
  if (first.priority > second.priority) {
    dirty(left, NAMED_HEADER_BYTES);
    first.right = joinNamed(first.right, right);
    return left;
  }
  dirty(right, NAMED_HEADER_BYTES);
  second.left = joinNamed(left, second.left);
  return right;
}
