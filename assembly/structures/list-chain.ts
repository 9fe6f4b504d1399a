// A large list: nodes linked both ways, each a cell with a run of elements in it. A run lies somewhere inside its node: one that
// grows at the head begins at the node's end and comes towards its front, so pushing and popping move no byte at either
// end. Nodes grow with their list, from 512 bytes to 8 KiB, so that one just over what an entry packs does not waste three
// quarters of its memory. An element over 4 KiB is an entry without a key, alone in its node; its pages are adopted, not copied.
// The head of the chain is the value of the list's entry: nothing points back to it, so the entry may move.
//
// Head (24 bytes): 0 first node (u32) | 4 last node (u32) | 8 elements (u32) | 12 nodes (u32) | 16 bytes of all runs and long elements (u64)
// Node: 0 previous (u32) | 4 next (u32) | 8 elements (u16) | 10 where its run begins, 12 ends (u16, from the node's address)
//      14 bytes of its cell (u16) | 16 gap | run | gap
//   or, with 0 bytes of its cell: 16 entry of its only element (u32)

import { PAGE_BITS, ZONE_OBJECT } from "../layout";
import {
  copyValue,
  createEntry,
  entryAt,
  entryBytes,
  freeEntry,
  isPaged,
  pagesFor,
  takeValuePages,
  TYPE_STRING,
} from "../memory/entry";
import { allocateCell, copyBytes, dirty, release } from "../memory/memory";
import { cellBytes, classOf } from "../memory/slabs";
import { bytesAt, bytesBefore, contentAt, spanOf, writeElement } from "./packed-run";

@unmanaged
export class ListHead {
  first: u32;
  last: u32;
  count: u32;
  nodes: u32;
  bytes: u64;
}

@unmanaged
export class ListNode {
  previous: u32;
  next: u32;
  count: u16;
  start: u16;
  end: u16;
  /** 0 for a node of one long element. */
  cell: u16;
}

export const LIST_HEAD_BYTES: u32 = 24;
export const LIST_NODE_BYTES: u32 = 16;
/** Bytes of the cell of a node with one long element. */
export const LONG_NODE_BYTES: u32 = LIST_NODE_BYTES + 4;
export const LIST_NODE_MAX: u32 = 8192;
const NODE_MIN: u32 = 512;

if (offsetof<ListHead>() != LIST_HEAD_BYTES) ERROR("the head of a list must stay 24 bytes");
if (offsetof<ListNode>() != LIST_NODE_BYTES) ERROR("the head of a list's node must stay 16 bytes");

@inline
export function listAt(address: usize): ListHead {
  return changetype<ListHead>(address);
}

@inline
export function listNodeAt(address: usize): ListNode {
  return changetype<ListNode>(address);
}

@inline
export function isLong(node: usize): bool {
  return listNodeAt(node).cell == 0;
}

/** The entry of the element of a node that has a long one. */
@inline
export function longEntry(node: usize): usize {
  return <usize>load<u32>(node, LIST_NODE_BYTES);
}

@inline
export function runStart(node: usize): usize {
  return node + <usize>listNodeAt(node).start;
}

@inline
export function runEnd(node: usize): usize {
  return node + <usize>listNodeAt(node).end;
}

@inline
export function runBytes(node: usize): u32 {
  return <u32>listNodeAt(node).end - <u32>listNodeAt(node).start;
}

/** Room of a node before its run, and behind it; none where an element lies alone. */
@inline
export function frontRoom(node: usize): u32 {
  return isLong(node) ? 0 : <u32>listNodeAt(node).start - LIST_NODE_BYTES;
}

@inline
export function backRoom(node: usize): u32 {
  return isLong(node) ? 0 : <u32>listNodeAt(node).cell - <u32>listNodeAt(node).end;
}

/** The node at an end; 0 in an empty list. */
@inline
export function endNode(list: ListHead, atHead: bool): usize {
  return <usize>(atHead ? list.first : list.last);
}

// ---- nodes

/** Bytes of the next node's cell, for a list as it is now. */
function nextCell(list: ListHead, span: u32): u32 {
  const wanted = <u32>min<u64>(max<u64>(list.bytes >> 2, NODE_MIN), LIST_NODE_MAX);
  return max(wanted, span + LIST_NODE_BYTES);
}

/** Makes a node that is linked to nothing, of at least so many bytes; its run is empty and begins at the front, or at the end. */
export function createNode(bytes: u32, atEnd: bool): usize {
  const sizeClass = classOf(bytes);
  const address = allocateCell(ZONE_OBJECT, sizeClass);
  const node = listNodeAt(address);
  const place = atEnd ? cellBytes(sizeClass) : LIST_NODE_BYTES;
  node.count = 0;
  node.start = <u16>place;
  node.end = <u16>place;
  node.cell = <u16>cellBytes(sizeClass);
  return address;
}

/** Makes a node of one long element; the entry is the node's from now on. */
export function createLongNode(entry: usize): usize {
  const address = allocateCell(ZONE_OBJECT, classOf(LONG_NODE_BYTES));
  const node = listNodeAt(address);
  node.count = 1;
  node.start = 0;
  node.end = 0;
  node.cell = 0;
  store<u32>(address, <u32>entry, LIST_NODE_BYTES);
  return address;
}

/** Makes the entry of a long element, its value undefined and, over 32 KiB, without pages. */
export function createLong(bytes: u32): usize {
  return createEntry(ZONE_OBJECT, 0, 0, TYPE_STRING, bytes, false);
}

/** Links a node behind another one, at the head with 0; its elements count from now on, their bytes are the caller's to count. */
export function linkBehind(list: ListHead, left: usize, node: usize): void {
  const right = <usize>(left == 0 ? list.first : listNodeAt(left).next);
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  listNodeAt(node).previous = <u32>left;
  listNodeAt(node).next = <u32>right;
  setNext(list, left, node);
  setPrevious(list, right, node);
  list.nodes++;
  list.count += listNodeAt(node).count;
}

/** Takes a node out of its chain and frees it. What it held is gone already, or its caller counts it. */
export function dropNode(list: ListHead, node: usize): void {
  const left = <usize>listNodeAt(node).previous;
  const right = <usize>listNodeAt(node).next;
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  setNext(list, left, right);
  setPrevious(list, right, left);
  list.nodes--;
  list.count -= listNodeAt(node).count;
  release(ZONE_OBJECT, node);
}

@inline
function setNext(list: ListHead, node: usize, next: usize): void {
  if (node == 0) {
    list.first = <u32>next;
    return;
  }
  dirty(node, LIST_NODE_BYTES);
  listNodeAt(node).next = <u32>next;
}

@inline
function setPrevious(list: ListHead, node: usize, previous: usize): void {
  if (node == 0) {
    list.last = <u32>previous;
    return;
  }
  dirty(node, LIST_NODE_BYTES);
  listNodeAt(node).previous = <u32>previous;
}

/** Frees a node with its elements, that is linked to nothing any more. */
export function freeNode(node: usize): void {
  if (isLong(node)) freeEntry(ZONE_OBJECT, longEntry(node));
  release(ZONE_OBJECT, node);
}

// ---- ends

/** Pushes an element of at most RUN_ELEMENT_MAX bytes. The caller has reserved the memory of a node. */
export function pushElement(list: ListHead, atHead: bool, from: usize, bytes: u32): void {
  const span = spanOf(bytes);
  let node = endNode(list, atHead);
  const room: u32 = node == 0 ? 0 : atHead ? frontRoom(node) : backRoom(node);
  if (room < span) {
    const fresh = createNode(nextCell(list, span), atHead);
    linkBehind(list, atHead ? 0 : node, fresh);
    node = fresh;
  } else {
    dirty(changetype<usize>(list), LIST_HEAD_BYTES);
    dirty(node, LIST_NODE_BYTES);
  }
  extendRun(node, atHead, from, bytes);
  list.count++;
  list.bytes += span;
}

/** Adds an element to an end of a run that has room for it; the node's head is announced, and the list is the caller's. */
@inline
export function extendRun(node: usize, atHead: bool, from: usize, bytes: u32): void {
  const span = spanOf(bytes);
  const head = listNodeAt(node);
  let at: usize;
  if (atHead) {
    head.start -= <u16>span;
    at = node + <usize>head.start;
  } else {
    at = node + <usize>head.end;
    head.end += <u16>span;
  }
  head.count++;
  dirty(at, span);
  writeElement(at, from, bytes);
}

/** Pushes a long element, whose entry is the list's from now on. */
export function pushLong(list: ListHead, atHead: bool, entry: usize): void {
  linkBehind(list, atHead ? 0 : <usize>list.last, createLongNode(entry));
  list.bytes += entryAt(entry).valueBytes;
}

// The element shown last; call-scoped, valid until its list changes.
/** Its entry where it is a long one, else 0. */
export let elementEntry: usize = 0;
/** Its bytes, unless it is paged. */
export let element: usize = 0;
export let elementBytes: u32 = 0;

/** Shows the element that begins at a place of a run. */
@inline
export function showAt(at: usize): void {
  elementEntry = 0;
  elementBytes = bytesAt(at);
  element = contentAt(at, elementBytes);
}

/** Shows a long element. */
export function showLong(entry: usize): void {
  elementEntry = entry;
  element = 0;
  elementBytes = entryAt(entry).valueBytes;
}

/** Shows the element at an end of a list that has one. */
export function showEnd(list: ListHead, atHead: bool): void {
  const node = endNode(list, atHead);
  if (isLong(node)) showLong(longEntry(node));
  else if (atHead) showAt(runStart(node));
  else showAt(runEnd(node) - spanOf(bytesBefore(runEnd(node))));
}

/**
 * Removes the element at an end of a list that has one.
 *
 * @param keepLong the entry of a long one is the caller's from now on
 */
export function dropEnd(list: ListHead, atHead: bool, keepLong: bool): void {
  const node = endNode(list, atHead);
  const head = listNodeAt(node);
  if (isLong(node)) {
    const entry = longEntry(node);
    dropNode(list, node);
    list.bytes -= entryAt(entry).valueBytes;
    if (!keepLong) freeEntry(ZONE_OBJECT, entry);
    return;
  }
  const span = spanOf(atHead ? bytesAt(runStart(node)) : bytesBefore(runEnd(node)));
  if (head.count == 1) {
    dropNode(list, node);
    list.bytes -= span;
    return;
  }
  dirty(changetype<usize>(list), LIST_HEAD_BYTES);
  dirty(node, LIST_NODE_BYTES);
  if (atHead) head.start += <u16>span;
  else head.end -= <u16>span;
  head.count--;
  list.count--;
  list.bytes -= span;
}

// ---- whole lists

/** Makes the value at an address an empty list; it is announced. */
export function emptyList(address: usize): ListHead {
  memory.fill(address, 0, LIST_HEAD_BYTES);
  return listAt(address);
}

/** Makes a copy of a run that lies elsewhere the last node of a list. */
export function adoptRun(list: ListHead, run: usize, bytes: u32, count: u32): void {
  const node = createNode(LIST_NODE_BYTES + bytes, false);
  copyBytes(runStart(node), run, bytes);
  listNodeAt(node).end += <u16>bytes;
  listNodeAt(node).count = <u16>count;
  linkBehind(list, <usize>list.last, node);
  list.bytes += bytes;
}

/** Bytes of the cells that a copy of a node takes, and the pages of its long element. */
export function bytesToCopy(node: usize): u64 {
  if (!isLong(node)) return cellBytes(classOf(LIST_NODE_BYTES + runBytes(node)));
  const bytes = entryAt(longEntry(node)).valueBytes;
  if (isPaged(longEntry(node))) return ((<u64>pagesFor(bytes) + 1) << PAGE_BITS) + cellBytes(classOf(LONG_NODE_BYTES));
  return cellBytes(classOf(entryBytes(0, bytes, false))) + cellBytes(classOf(LONG_NODE_BYTES));
}

/** Copies all nodes of a list to an empty one, without the gaps in them. The memory is reserved. */
export function copyChain(to: ListHead, from: ListHead): void {
  for (let node = <usize>from.first; node != 0; node = <usize>listNodeAt(node).next) {
    if (isLong(node)) pushLong(to, false, copyLong(longEntry(node)));
    else adoptRun(to, runStart(node), runBytes(node), listNodeAt(node).count);
  }
}

function copyLong(entry: usize): usize {
  const bytes = entryAt(entry).valueBytes;
  const copy = createLong(bytes);
  if (isPaged(copy)) takeValuePages(copy, 0);
  copyValue(copy, entry, bytes);
  return copy;
}

/** Frees the nodes from one on, at most so many; answers the first one left, 0 after the last. */
export function freeNodes(node: usize, most: u32): usize {
  while (node != 0 && most > 0) {
    const next = <usize>listNodeAt(node).next;
    freeNode(node);
    node = next;
    most--;
  }
  return node;
}
