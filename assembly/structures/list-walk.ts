// Going through a list, large or packed, from any element on in either direction. A place is a node and an address in its run;
// node 0 stands for a packed list's only run. Registers hold the place, so that a step costs no more than reading a length.

import { entryAt, isPaged, pagesFor, valueOf } from "../memory/entry";
import { equalBytes } from "../memory/memory";
import { PAGE_BITS, PAGE_BYTES } from "../layout";
import {
  element,
  elementBytes,
  elementEntry,
  isLong,
  ListHead,
  listNodeAt,
  longEntry,
  runEnd,
  runStart,
  showAt,
  showLong,
} from "./list-chain";
import { skipBackward, skipForward } from "./packed-run";

// The place of the element shown last, and the run it lies in; call-scoped, valid until the list changes. A long element is a
// run of no bytes.
export let walkNode: usize = 0;
export let walkAt: usize = 0;
let walkStart: usize = 0;
export let walkEnd: usize = 0;

/** Enters a node, before or behind its elements. */
function enterNode(node: usize): void {
  walkNode = node;
  walkStart = isLong(node) ? node : runStart(node);
  walkEnd = isLong(node) ? node : runEnd(node);
}

/** Shows the first or last element of the run entered. */
function showFrom(atHead: bool): void {
  if (walkStart == walkEnd) {
    walkAt = walkStart;
    showLong(longEntry(walkNode));
    return;
  }
  walkAt = atHead ? walkStart : skipBackward(walkEnd, 1);
  showAt(walkAt);
}

/** Goes on to the next element, or the one before, and shows it; false after the last. */
export function walkOn(forward: bool): bool {
  if (forward) {
    if (walkStart != walkEnd) walkAt = skipForward(walkAt, 1);
    if (walkAt == walkEnd) return enterNext(true);
  } else {
    if (walkAt == walkStart) return enterNext(false);
    walkAt = skipBackward(walkAt, 1);
  }
  showAt(walkAt);
  return true;
}

function enterNext(forward: bool): bool {
  if (walkNode == 0) return false;
  const node = <usize>(forward ? listNodeAt(walkNode).next : listNodeAt(walkNode).previous);
  if (node == 0) return false;
  enterNode(node);
  showFrom(forward);
  return true;
}

/** Goes to the element at an index, which is there, and shows it; answers how many nodes lay on the way from the nearer end. */
export function walkTo(list: ListHead, index: u32): u32 {
  const forward = index < list.count >> 1;
  let node = <usize>(forward ? list.first : list.last);
  let left = forward ? index : list.count - 1 - index;
  let passed: u32 = 1;
  while (left >= <u32>listNodeAt(node).count) {
    left -= listNodeAt(node).count;
    node = <usize>(forward ? listNodeAt(node).next : listNodeAt(node).previous);
    passed++;
  }
  enterNode(node);
  if (walkStart == walkEnd) showFrom(forward);
  else showInRun(listNodeAt(node).count, forward ? left : <u32>listNodeAt(node).count - 1 - left);
  return passed;
}

/** The same in a run of `count` elements that is no node's. */
export function walkToInRun(start: usize, end: usize, count: u32, index: u32): void {
  walkNode = 0;
  walkStart = start;
  walkEnd = end;
  showInRun(count, index);
}

function showInRun(count: u32, index: u32): void {
  walkAt = index < count >> 1 ? skipForward(walkStart, index) : skipBackward(walkEnd, count - index);
  showAt(walkAt);
}

// ---- comparing

// What elements are compared with; call-scoped.
let needle: usize = 0;
let needleBytes: u32 = 0;

/** Sets what elements are compared with: bytes in one piece, or over 32 KiB a list of the addresses of their pages. */
export function setNeedle(address: usize, bytes: u32): void {
  needle = address;
  needleBytes = bytes;
}

/** True when the element shown is equal to what was set. */
@inline
export function isNeedle(): bool {
  if (elementBytes != needleBytes) return false;
  return elementEntry == 0 ? equalBytes(element, needle, needleBytes) : isLongNeedle();
}

/** Both are paged or neither is: the length alone says so. */
function isLongNeedle(): bool {
  const value = valueOf(elementEntry);
  if (!isPaged(elementEntry)) return equalBytes(value, needle, needleBytes);
  const pages = pagesFor(entryAt(elementEntry).valueBytes);
  for (let index: u32 = 0; index < pages; index++) {
    const own = <usize>load<u32>(value + (index << 2));
    const other = <usize>load<u32>(needle + (index << 2));
    if (!equalBytes(own, other, min(needleBytes - (index << PAGE_BITS), PAGE_BYTES))) return false;
  }
  return true;
}
