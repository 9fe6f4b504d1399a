// Changing a large list amid it. A run makes room by moving whichever side of it is shorter; a node that has none gives way to
// its neighbour's end, else it splits where the element goes, and both parts keep cells of its size, so that the next
// insertions find room. Nodes that have become sparse are joined, so that no two neighbours would fit one.

import { ZONE_OBJECT } from "../layout";
import { copyBytes, dirty } from "../memory/memory";
import { entryAt, freeEntry } from "../memory/entry";
import {
  backRoom,
  createLongNode,
  createNode,
  dropNode,
  endNode,
  extendRun,
  frontRoom,
  isLong,
  linkBehind,
  LIST_HEAD_BYTES,
  LIST_NODE_BYTES,
  ListHead,
  listNodeAt,
  longEntry,
  runBytes,
  runEnd,
  runStart,
} from "./list-chain";
import { bytesAt, skipBackward, skipForward, spanOf, writeElement } from "./packed-run";

/** Takes the element at a place out of its run, which may be left empty; answers where the next one is then. */
function cutElement(list: ListHead, node: usize, at: usize): usize {
  const head = listNodeAt(node);
  const span = spanOf(bytesAt(at));
  const before = <u32>(at - runStart(node));
  const after = <u32>(runEnd(node) - at) - span;
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  dirty(node, LIST_NODE_BYTES);
  let next = at;
  if (before < after) {
    if (before != 0) dirty(runStart(node) + span, before);
    memory.copy(runStart(node) + span, runStart(node), before);
    head.start += <u16>span;
    next += span;
  } else {
    if (after != 0) dirty(at, after);
    memory.copy(at, at + span, after);
    head.end -= <u16>span;
  }
  head.count--;
  list.count--;
  list.bytes -= span;
  return next;
}

/** Removes a node of one long element, and frees that. */
function dropLong(list: ListHead, node: usize): void {
  const entry = longEntry(node);
  dropNode(list, node);
  list.bytes -= entryAt(entry).valueBytes;
  freeEntry(ZONE_OBJECT, entry);
}

/**
 * Removes the element at a place of a node. Answers where the next one of the same node is, at the end of its run behind the
 * last; 0 when the node went with it.
 */
export function removeAt(list: ListHead, node: usize, at: usize): usize {
  if (isLong(node)) {
    dropLong(list, node);
    return 0;
  }
  const next = cutElement(list, node, at);
  if (listNodeAt(node).count != 0) return next;
  dropNode(list, node);
  return 0;
}

/** Removes so many elements from an end of a list that has more; answers how many nodes it went through. */
export function trimEnd(list: ListHead, atHead: bool, count: u32): u32 {
  let nodes: u32 = 0;
  while (count > 0) {
    const node = endNode(list, atHead);
    const removed = min<u32>(count, listNodeAt(node).count);
    trimNode(list, node, atHead, removed);
    count -= removed;
    nodes++;
  }
  return nodes;
}

function trimNode(list: ListHead, node: usize, atHead: bool, count: u32): void {
  const head = listNodeAt(node);
  if (count == <u32>head.count) {
    if (isLong(node)) {
      dropLong(list, node);
      return;
    }
    const bytes = runBytes(node);
    dropNode(list, node);
    list.bytes -= bytes;
    return;
  }
  const removed = <u32>(
    (atHead ? skipForward(runStart(node), count) - runStart(node) : runEnd(node) - skipBackward(runEnd(node), count))
  );
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  dirty(node, LIST_NODE_BYTES);
  if (atHead) head.start += <u16>removed;
  else head.end -= <u16>removed;
  head.count -= <u16>count;
  list.count -= count;
  list.bytes -= removed;
}

// ---- inserting

/** Inserts an element of at most RUN_ELEMENT_MAX bytes before a place of a run, or at its end. The memory of two nodes is reserved. */
export function insertAt(list: ListHead, node: usize, at: usize, from: usize, bytes: u32): void {
  const span = spanOf(bytes);
  if (frontRoom(node) + backRoom(node) >= span) {
    insertInRun(list, node, <u32>(at - runStart(node)), from, bytes);
    return;
  }
  insertBehind(list, splitAt(list, node, at), from, bytes);
}

/** The same for a long element, whose entry is the list's from now on. */
export function insertLongAt(list: ListHead, node: usize, at: usize, entry: usize): void {
  insertLongBehind(list, splitAt(list, node, at), entry);
}

/** Inserts between a node, 0 for none, and the next: at an end of one of them, else in a node of its own. */
export function insertBehind(list: ListHead, left: usize, from: usize, bytes: u32): void {
  const span = spanOf(bytes);
  const right = <usize>(left == 0 ? list.first : listNodeAt(left).next);
  let node = left;
  let atHead = false;
  if (left == 0 || backRoom(left) < span) {
    node = right;
    atHead = true;
    if (right == 0 || frontRoom(right) < span) {
      node = createNode(span + LIST_NODE_BYTES, false);
      linkBehind(list, left, node);
      atHead = false;
    }
  }
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  dirty(node, LIST_NODE_BYTES);
  extendRun(node, atHead, from, bytes);
  list.count++;
  list.bytes += span;
}

export function insertLongBehind(list: ListHead, left: usize, entry: usize): void {
  linkBehind(list, left, createLongNode(entry));
  list.bytes += entryAt(entry).valueBytes;
}

/** Inserts at an offset of a run whose node has room, on whichever side. */
function insertInRun(list: ListHead, node: usize, offset: u32, from: usize, bytes: u32): void {
  const span = spanOf(bytes);
  const head = listNodeAt(node);
  const after = runBytes(node) - offset;
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  dirty(node, LIST_NODE_BYTES);
  if (frontRoom(node) < span && backRoom(node) < span) compact(node);
  if (backRoom(node) >= span && (after <= offset || frontRoom(node) < span)) {
    const at = runStart(node) + offset;
    dirty(at, after + span);
    memory.copy(at + span, at, after);
    head.end += <u16>span;
    writeElement(at, from, bytes);
  } else {
    const start = runStart(node) - span;
    dirty(start, offset + span);
    memory.copy(start, start + span, offset);
    head.start -= <u16>span;
    writeElement(start + offset, from, bytes);
  }
  head.count++;
  list.count++;
  list.bytes += span;
}

/** Moves a run to the front of its node, whose head is announced. */
function compact(node: usize): void {
  const head = listNodeAt(node);
  const bytes = runBytes(node);
  if (bytes != 0) dirty(node + LIST_NODE_BYTES, bytes);
  memory.copy(node + LIST_NODE_BYTES, runStart(node), bytes);
  head.start = <u16>LIST_NODE_BYTES;
  head.end = <u16>(LIST_NODE_BYTES + bytes);
}

/** Splits a node at a place where an element begins, or not at an end; answers the node that what is inserted follows, 0 for none. */
function splitAt(list: ListHead, node: usize, at: usize): usize {
  if (isLong(node) || at == runStart(node)) return <usize>listNodeAt(node).previous;
  if (at == runEnd(node)) return node;
  const head = listNodeAt(node);
  const right = createNode(head.cell, true);
  const bytes = <u32>(runEnd(node) - at);
  const before = countBefore(node, at);
  listNodeAt(right).start -= <u16>bytes;
  copyBytes(runStart(right), at, bytes);
  listNodeAt(right).count = <u16>(<u32>head.count - before);
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  dirty(node, LIST_NODE_BYTES);
  list.count -= listNodeAt(right).count; // they are counted again as the node is linked
  head.end -= <u16>bytes;
  head.count = <u16>before;
  linkBehind(list, node, right);
  return node;
}

function countBefore(node: usize, at: usize): u32 {
  let count: u32 = 0;
  for (let place = runStart(node); place < at; place = skipForward(place, 1)) count++;
  return count;
}

// ---- replacing

/** Puts an element of at most RUN_ELEMENT_MAX bytes in the place of another. The memory of two nodes is reserved. */
export function replaceAt(list: ListHead, node: usize, at: usize, from: usize, bytes: u32): void {
  if (isLong(node)) {
    insertBehind(list, node, from, bytes);
    dropLong(list, node);
    return;
  }
  if (bytesAt(at) == bytes) {
    dirty(at, spanOf(bytes));
    writeElement(at, from, bytes);
    return;
  }
  const next = cutElement(list, node, at);
  insertAt(list, node, next, from, bytes);
  settle(list, node);
}

/** The same for a long element, whose entry is the list's from now on. */
export function replaceByLong(list: ListHead, node: usize, at: usize, entry: usize): void {
  if (isLong(node)) {
    insertLongBehind(list, node, entry);
    dropLong(list, node);
    return;
  }
  const next = cutElement(list, node, at);
  insertLongAt(list, node, next, entry);
  settle(list, node);
}

/** Frees a node that has become empty, or joins it with a neighbour where one node holds both. */
export function settle(list: ListHead, node: usize): void {
  if (listNodeAt(node).count == 0) {
    dropNode(list, node);
    return;
  }
  const next = <usize>listNodeAt(node).next;
  const previous = <usize>listNodeAt(node).previous;
  if (next != 0 && join(list, node, next)) return;
  if (previous != 0) join(list, previous, node);
}

/** Moves all of the right one of two neighbours to the left one, if that holds it. */
export function join(list: ListHead, left: usize, right: usize): bool {
  if (isLong(left) || isLong(right)) return false;
  const bytes = runBytes(right);
  if (frontRoom(left) + backRoom(left) < bytes) return false;
  const head = listNodeAt(left);
  const count = listNodeAt(right).count;
  dirty(left, LIST_NODE_BYTES);
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  if (backRoom(left) < bytes) compact(left);
  dirty(runEnd(left), bytes);
  copyBytes(runEnd(left), runStart(right), bytes);
  head.end += <u16>bytes;
  head.count += count;
  list.count += count;
  dropNode(list, right);
  return true;
}
