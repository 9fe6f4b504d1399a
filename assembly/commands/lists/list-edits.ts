// List commands that change a list amid it: LSET, LINSERT, LREM, LTRIM.

import { CommandFlag } from "../../layout";
import { valueOf } from "../../memory/entry";
import { slotEntry } from "../../memory/table";
import { admit } from "../../keyspace/eviction";
import { noteChange, pin, removeKey, shardOf, touchEntry } from "../../keyspace/keyspace";
import { splice } from "../../keyspace/splice";
import { argumentAddress, argumentBytes, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import {
  replyError,
  replyInteger,
  replyNoMemory,
  replyNotInteger,
  replyOk,
  replySyntaxError,
} from "../../protocol/reply";
import {
  isLong,
  ListHead,
  listNodeAt,
  runEnd,
  runStart,
  showAt,
  showLong,
  longEntry,
} from "../../structures/list-chain";
import {
  insertAt,
  insertBehind,
  insertLongAt,
  insertLongBehind,
  join,
  removeAt,
  replaceAt,
  replaceByLong,
} from "../../structures/list-edit";
import { isNeedle, setNeedle, walkAt, walkNode, walkOn } from "../../structures/list-walk";
import { bytesAt, RUN_ELEMENT_MAX, skipBackward, skipForward, spanOf, writeElement } from "../../structures/packed-run";
import { findList, NOT_A_LIST } from "./list-access";
import { PAGES_OF_ONE } from "./list-ends";
import { placeOf, placeRange, rangeArguments, rangeCount, rangeStart } from "./list-reads";
import {
  chainOf,
  isChain,
  listLength,
  longArgument,
  PACKED_HEADER_BYTES,
  packedEnd,
  packedStart,
  setPackedCount,
  settleList,
  showListElement,
  spanOfArgument,
  staysPacked,
  trimList,
  unpack,
} from "./list-value";

/** Pages that a change amid a list may take: those of one element, and the other half of a node that splits. */
const PAGES_AMID: u32 = PAGES_OF_ONE + 1;

/** The change is done: all that any of these commands do afterwards. */
function noteEdit(slot: usize): void {
  touchEntry(slotEntry(slot));
  noteChange(hashOfArgument(1));
}

// ---- LSET

function lSet(): void {
  const slot = findList(1);
  if (slot == NOT_A_LIST) return;
  if (slot == 0) {
    replyError("ERR no such key");
    return;
  }
  if (!argumentInteger(2)) {
    replyNotInteger();
    return;
  }
  const place = placeOf(lastInteger(), listLength(slotEntry(slot)));
  if (place < 0) {
    replyError("ERR index out of range");
    return;
  }
  pin(slotEntry(slot));
  if (!admit(PAGES_AMID)) {
    replyNoMemory();
    return;
  }
  replaceElement(slot, <u32>place);
  settleList(slot, hashOfArgument(1));
  noteEdit(slot);
  recordArguments("LSET");
  replyOk();
}

/** Puts argument 3 in the place of an element. */
function replaceElement(slot: usize, index: u32): void {
  let entry = slotEntry(slot);
  if (!isChain(entry)) {
    showListElement(entry, index);
    const old = spanOf(bytesAt(walkAt));
    if (staysPacked(entry, spanOfArgument(3) - old)) {
      putPacked(slot, walkAt, old, 3);
      return;
    }
    entry = unpack(slot);
  }
  addWork(showListElement(entry, index));
  const bytes = argumentBytes(3);
  if (bytes > RUN_ELEMENT_MAX) replaceByLong(chainOf(entry), walkNode, walkAt, longArgument(3));
  else replaceAt(chainOf(entry), walkNode, walkAt, argumentAddress(3), bytes);
}

/** Puts an argument at a place of a packed list, instead of the element there that takes `removed` bytes. The caller counts. */
function putPacked(slot: usize, at: usize, removed: u32, index: u32): void {
  const offset = <u32>(at - packedStart(slotEntry(slot))) + PACKED_HEADER_BYTES;
  const entry = splice(slot, offset, removed, spanOfArgument(index));
  writeElement(valueOf(entry) + offset, argumentAddress(index), argumentBytes(index));
}

// ---- LINSERT

function lInsert(): void {
  const before = argumentIs(2, "BEFORE");
  if (!before && !argumentIs(2, "AFTER")) {
    replySyntaxError();
    return;
  }
  const slot = findList(1);
  if (slot == NOT_A_LIST) return;
  if (slot == 0) {
    replyInteger(0);
    return;
  }
  pin(slotEntry(slot));
  if (!admit(PAGES_AMID)) {
    replyNoMemory();
    return;
  }
  const length = listLength(slotEntry(slot));
  setNeedle(argumentAddress(3), argumentBytes(3));
  const place = indexOfNeedle(slotEntry(slot), length);
  addWork(min(place, length) >> 3);
  if (place == length) {
    replyInteger(-1);
    return;
  }
  insertElement(slot, place, before);
  noteEdit(slot);
  recordArguments("LINSERT");
  replyInteger(length + 1);
}

/** Index of the first element that is what is looked for, where the walk stays; the length when there is none. */
function indexOfNeedle(entry: usize, length: u32): u32 {
  showListElement(entry, 0);
  let index: u32 = 0;
  while (!isNeedle()) {
    index++;
    if (!walkOn(true)) return length;
  }
  return index;
}

/** Inserts argument 4 before or behind the element that the walk has come to. */
function insertElement(slot: usize, index: u32, before: bool): void {
  let entry = slotEntry(slot);
  if (!isChain(entry)) {
    if (staysPacked(entry, spanOfArgument(4))) {
      const count = listLength(entry);
      putPacked(slot, before ? walkAt : skipForward(walkAt, 1), 0, 4);
      setPackedCount(slotEntry(slot), count + 1);
      return;
    }
    entry = unpack(slot);
    showListElement(entry, index);
  }
  const list = chainOf(entry);
  const bytes = argumentBytes(4);
  if (isLong(walkNode)) {
    const left = before ? <usize>listNodeAt(walkNode).previous : walkNode;
    if (bytes > RUN_ELEMENT_MAX) insertLongBehind(list, left, longArgument(4));
    else insertBehind(list, left, argumentAddress(4), bytes);
    return;
  }
  const at = before ? walkAt : skipForward(walkAt, 1);
  if (bytes > RUN_ELEMENT_MAX) insertLongAt(list, walkNode, at, longArgument(4));
  else insertAt(list, walkNode, at, argumentAddress(4), bytes);
}

// ---- LREM

function lRem(): void {
  if (!argumentInteger(2)) {
    replyNotInteger();
    return;
  }
  const count = lastInteger();
  if (count == i64.MIN_VALUE) {
    replyError("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
    return;
  }
  const slot = findList(1);
  if (slot == NOT_A_LIST) return;
  if (slot == 0) {
    replyInteger(0);
    return;
  }
  const entry = slotEntry(slot);
  const length = listLength(entry);
  setNeedle(argumentAddress(3), argumentBytes(3));
  const most = count == 0 ? length : <u32>min<i64>(count < 0 ? -count : count, length);
  addWork(length >> 3);
  const removed = isChain(entry)
    ? removeFromChain(chainOf(entry), count >= 0, most)
    : removePacked(slot, count >= 0, most);
  if (removed != 0) {
    touchEntry(slotEntry(slot));
    settleList(slot, hashOfArgument(1));
    noteChange(hashOfArgument(1));
    recordArguments("LREM");
  }
  replyInteger(removed);
}

/** Removes up to `most` equal elements of a packed list, from either end on; answers how many. */
function removePacked(slot: usize, forward: bool, most: u32): u32 {
  let removed: u32 = 0;
  let at = forward ? packedStart(slotEntry(slot)) : packedEnd(slotEntry(slot));
  while (removed < most && at != (forward ? packedEnd(slotEntry(slot)) : packedStart(slotEntry(slot)))) {
    const place = forward ? at : skipBackward(at, 1);
    showAt(place);
    if (isNeedle()) {
      const offset = <u32>(place - packedStart(slotEntry(slot)));
      const count = listLength(slotEntry(slot)) - 1;
      const entry = splice(slot, offset + PACKED_HEADER_BYTES, spanOf(bytesAt(place)), 0);
      setPackedCount(entry, count);
      removed++;
      at = packedStart(entry) + offset;
    } else {
      at = forward ? skipForward(at, 1) : place;
    }
  }
  return removed;
}

/** The same of a chain. A node that has lost elements is joined with the one behind it that was looked through, where they fit one. */
function removeFromChain(list: ListHead, forward: bool, most: u32): u32 {
  let removed: u32 = 0;
  let node = <usize>(forward ? list.first : list.last);
  while (node != 0 && removed < most) {
    const next = <usize>(forward ? listNodeAt(node).next : listNodeAt(node).previous);
    const count: u32 = listNodeAt(node).count;
    const here = removeFromNode(list, node, forward, most - removed);
    removed += here;
    if (here != 0 && here != count) joinPassed(list, node, forward);
    node = next;
  }
  return removed;
}

/** The node that was looked through before is still the neighbour, or another one that was. */
function joinPassed(list: ListHead, node: usize, forward: bool): void {
  const passed = <usize>(forward ? listNodeAt(node).previous : listNodeAt(node).next);
  if (passed == 0) return;
  if (forward) join(list, passed, node);
  else join(list, node, passed);
}

/** Removes up to `most` equal elements of a node, which goes with its last one. */
function removeFromNode(list: ListHead, node: usize, forward: bool, most: u32): u32 {
  if (isLong(node)) {
    showLong(longEntry(node));
    if (!isNeedle()) return 0;
    removeAt(list, node, 0);
    return 1;
  }
  let removed: u32 = 0;
  let at = forward ? runStart(node) : runEnd(node);
  while (removed < most && at != (forward ? runEnd(node) : runStart(node))) {
    const place = forward ? at : skipBackward(at, 1);
    showAt(place);
    if (isNeedle()) {
      removed++;
      at = removeAt(list, node, place);
      if (at == 0) break;
    } else {
      at = forward ? skipForward(at, 1) : place;
    }
  }
  return removed;
}

// ---- LTRIM

function lTrim(): void {
  if (!rangeArguments(2)) return;
  const slot = findList(1);
  if (slot == NOT_A_LIST) return;
  if (slot == 0) {
    replyOk();
    return;
  }
  const length = listLength(slotEntry(slot));
  placeRange(length);
  const hash = hashOfArgument(1);
  if (rangeCount == 0) {
    removeKey(shardOf(hash), slot, hash);
  } else if (rangeCount != length) {
    if (rangeStart != 0) addWork(trimList(slot, true, rangeStart));
    const behind = length - rangeStart - rangeCount;
    if (behind != 0) addWork(trimList(slot, false, behind));
    touchEntry(slotEntry(slot));
    settleList(slot, hash);
    noteChange(hash);
  }
  if (rangeCount != length) recordArguments("LTRIM");
  replyOk();
}

export function registerListEdits(): void {
  const write = CommandFlag.Write;
  const grow = CommandFlag.Write | CommandFlag.DenyOom;
  register("LSET", 4, grow, 1, 1, 1, lSet, "1.0.0", "Replaces the element of a list at an index.");
  register("LINSERT", 5, grow, 1, 1, 1, lInsert, "2.2.0", "Inserts an element before or behind another one.");
  register("LREM", 4, write, 1, 1, 1, lRem, "1.0.0", "Removes elements that are equal to one.");
  register("LTRIM", 4, write, 1, 1, 1, lTrim, "1.0.0", "Removes all but a part of a list.");
}
