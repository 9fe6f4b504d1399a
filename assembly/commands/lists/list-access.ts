// Finding the list that a command names, and answering its elements. A range is answered run by run, each in one loop.

import { slotEntry } from "../../memory/table";
import { addWork, findArgument, readKeyArgument } from "../../protocol/dispatch";
import { replyBulk, replyValue, replyWrongType } from "../../protocol/reply";
import { replyRun } from "../../protocol/reply-run";
import {
  element,
  elementBytes,
  elementEntry,
  isLong,
  listNodeAt,
  longEntry,
  runEnd,
  runStart,
} from "../../structures/list-chain";
import { walkAt, walkEnd, walkNode, walkOn } from "../../structures/list-walk";
import { isList, showListElement } from "./list-value";

/** What `findList` answers after replying that a key holds something else. */
export const NOT_A_LIST: usize = 1;

/** Slot of the list in an argument, 0 when there is none; NOT_A_LIST after replying that it is something else. */
export function findList(index: u32): usize {
  const slot = findArgument(index);
  if (slot == 0 || isList(slotEntry(slot))) return slot;
  replyWrongType();
  return NOT_A_LIST;
}

/** The same for reading the key in argument 1: answers the entry, counts hit or miss. */
export function readList(): usize {
  const entry = readKeyArgument(1);
  if (entry == 0 || isList(entry)) return entry;
  replyWrongType();
  return NOT_A_LIST;
}

/** The element shown, as a bulk string. */
export function replyElement(): void {
  if (elementEntry != 0) replyValue(elementEntry);
  else replyBulk(element, elementBytes);
}

/** `count` elements from an index on, or towards the head, all of which there are, as bulk strings. */
export function replyElements(entry: usize, index: u32, count: u32, forward: bool): void {
  if (count == 0) return;
  addWork((count >> 2) + showListElement(entry, index));
  if (forward) {
    replyForward(count);
    return;
  }
  replyElement();
  while (--count > 0) {
    walkOn(false);
    replyElement();
  }
}

/** From the element shown on, a run at a time. */
function replyForward(count: u32): void {
  let node = walkNode;
  if (elementEntry == 0) count = replyRun(walkAt, walkEnd, count);
  else count = replyLong(node, count);
  while (count > 0) {
    node = <usize>listNodeAt(node).next;
    count = isLong(node) ? replyLong(node, count) : replyRun(runStart(node), runEnd(node), count);
  }
}

function replyLong(node: usize, count: u32): u32 {
  replyValue(longEntry(node));
  return count - 1;
}
