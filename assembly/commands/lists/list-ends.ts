// List commands at the ends: pushing, popping, and moving an element from one list to another. What is pushed to a key that is
// not there comes into the keyspace by insertKey, as everything does that a client may wait for.

import { CommandFlag, SCRATCH_BASE } from "../../layout";
import { slotEntry } from "../../memory/table";
import { copyBytes } from "../../memory/memory";
import { admit } from "../../keyspace/eviction";
import { findKey, noteChange, pin, touchEntry } from "../../keyspace/keyspace";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { replyArity, replyOverlong } from "../../protocol/command-error";
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments, recordPop } from "../../protocol/recording";
import {
  replyArray,
  replyBulk,
  replyError,
  replyInteger,
  replyNoMemory,
  replyNull,
  replyNullArray,
  replySyntaxError,
  replyWrongType,
} from "../../protocol/reply";
import { element, elementBytes, elementEntry } from "../../structures/list-chain";
import { spanOf } from "../../structures/packed-run";
import {
  addArgument,
  addElement,
  addLong,
  dropListEnd,
  isList,
  listLength,
  openEnd,
  settleList,
  showListEnd,
  spanOfArgument,
  trimList,
  UNPACKABLE,
} from "./list-value";
import { findList, NOT_A_LIST, replyElement, replyElements } from "./list-access";

// ---- pushing

/** Most sizes of nodes that a list grows through. */
export const NODE_SIZES: u32 = 16;
/** Bytes of elements whose nodes fill a page at least. */
export const BYTES_A_PAGE_BITS: u32 = 15;
/** Pages that one element may take: the list's entry, a node for what was packed, a node, a long element. */
export const PAGES_OF_ONE: u32 = 4;

/** Pages that pushing the arguments from `first` on may take. */
function pagesToPush(first: u32): u32 {
  let bytes: u64 = 0;
  let long: u32 = 0;
  for (let index = first; index < argumentCount; index++) {
    const span = spanOfArgument(index);
    if (span == UNPACKABLE) long++;
    else bytes += span;
  }
  return PAGES_OF_ONE + min(argumentCount - first - 1, NODE_SIZES) + long + <u32>(bytes >> BYTES_A_PAGE_BITS);
}

/** Bytes of a run that the arguments from `first` on take together, UNPACKABLE at most. */
function spanOfArguments(first: u32): u32 {
  let span: u32 = 0;
  for (let index = first; index < argumentCount; index++) span = min(span + spanOfArgument(index), UNPACKABLE);
  return span;
}

/** Pushes all arguments behind the key; replies the length. */
function push(atHead: bool, onlyPresent: bool): void {
  const found = findList(1);
  if (found == NOT_A_LIST) return;
  if (found == 0 && onlyPresent) {
    replyInteger(0);
    return;
  }
  if (found != 0) pin(slotEntry(found));
  if (!admit(pagesToPush(2))) {
    replyNoMemory();
    return;
  }
  const hash = hashOfArgument(1);
  const slot = openEnd(found, argumentAddress(1), argumentBytes(1), hash, atHead, spanOfArguments(2));
  const entry = slotEntry(slot);
  for (let index: u32 = 2; index < argumentCount; index++) addArgument(entry, atHead, index);
  if (found != 0) touchEntry(entry);
  noteChange(hash);
  if (atHead) recordArguments("LPUSH");
  else recordArguments("RPUSH");
  replyInteger(listLength(entry));
}

function lPush(): void {
  push(true, false);
}

function rPush(): void {
  push(false, false);
}

function lPushX(): void {
  push(true, true);
}

function rPushX(): void {
  push(false, true);
}

// ---- popping

/** Removes the element at an end of a list and replies it. */
export function popOne(slot: usize, hash: u64, atHead: bool): void {
  const entry = slotEntry(slot);
  showListEnd(entry, atHead);
  replyElement();
  touchEntry(entry);
  dropListEnd(slot, atHead, false);
  settleList(slot, hash);
  noteChange(hash);
}

/** Removes `count` elements, at least one and no more than there are, from an end, and replies them as an array. */
export function popMany(slot: usize, hash: u64, atHead: bool, count: u32): void {
  const entry = slotEntry(slot);
  replyArray(count);
  replyElements(entry, atHead ? 0 : listLength(entry) - 1, count, atHead);
  touchEntry(entry);
  addWork(trimList(slot, atHead, count));
  settleList(slot, hash);
  noteChange(hash);
}

function pop(atHead: bool): void {
  if (argumentCount > 3) {
    replyArity();
    return;
  }
  const many = argumentCount == 3;
  if (many && (!argumentInteger(2) || lastInteger() < 0)) {
    replyError("ERR value is out of range, must be positive");
    return;
  }
  const count = many ? lastInteger() : 1;
  const slot = findList(1);
  if (slot == NOT_A_LIST) return;
  if (slot == 0) {
    if (many) replyNullArray();
    else replyNull();
    return;
  }
  if (count == 0) {
    replyArray(0);
    return;
  }
  if (many) popMany(slot, hashOfArgument(1), atHead, <u32>min<i64>(count, listLength(slotEntry(slot))));
  else popOne(slot, hashOfArgument(1), atHead);
  if (atHead) recordArguments("LPOP");
  else recordArguments("RPOP");
}

function lPop(): void {
  pop(true);
}

function rPop(): void {
  pop(false);
}

// ---- moving

export const LEFT: u32 = 1;
const RIGHT: u32 = 2;

/** The end that an argument names, 0 after replying that it names none. */
export function endArgument(index: u32): u32 {
  if (argumentIs(index, "LEFT")) return LEFT;
  if (argumentIs(index, "RIGHT")) return RIGHT;
  replySyntaxError();
  return 0;
}

/** Moves an element from the list in argument 1 to that in argument 2 and replies it; false when nothing has changed. */
export function moveElement(fromHead: bool, toHead: bool): bool {
  const source = findArgument(1);
  if (source == 0) {
    replyNull();
    return false;
  }
  if (!isList(slotEntry(source)) || findList(2) == NOT_A_LIST) {
    if (!isList(slotEntry(source))) replyWrongType();
    return false;
  }
  pin(slotEntry(source));
  if (!admit(PAGES_OF_ONE)) {
    replyNoMemory();
    return false;
  }
  moveBetween(source, hashOfArgument(1), fromHead, toHead);
  return true;
}

/** The list that it comes from may be empty for a moment, and be the one that it goes to: it keeps its expiry then. */
function moveBetween(source: usize, hash: u64, fromHead: bool, toHead: bool): void {
  showListEnd(slotEntry(source), fromHead);
  replyElement();
  const long = elementEntry;
  const bytes = elementBytes;
  if (long == 0) copyBytes(SCRATCH_BASE, element, bytes);
  dropListEnd(source, fromHead, true);
  const other = hashOfArgument(2);
  const target = findKey(argumentAddress(2), argumentBytes(2), other);
  const added = long == 0 ? spanOf(bytes) : UNPACKABLE;
  const slot = openEnd(target, argumentAddress(2), argumentBytes(2), other, toHead, added);
  if (long == 0) addElement(slotEntry(slot), toHead, SCRATCH_BASE, bytes);
  else addLong(slotEntry(slot), toHead, long);
  touchEntry(slotEntry(slot));
  noteChange(other);
  settleList(findKey(argumentAddress(1), argumentBytes(1), hash), hash);
  noteChange(hash);
}

function lMove(): void {
  const from = endArgument(3);
  if (from == 0) return;
  const to = endArgument(4);
  if (to != 0 && moveElement(from == LEFT, to == LEFT)) recordArguments("LMOVE");
}

function rPopLPush(): void {
  if (moveElement(false, true)) recordArguments("RPOPLPUSH");
}

// ---- popping from the first list that there is

function lMPop(): void {
  if (lMPopFrom(1) != 0) replyNullArray();
}

/** Runs LMPOP whose arguments begin with the number of keys at a place; answers that number when none of them is a list, else 0. */
export function lMPopFrom(at: u32): u32 {
  if (!argumentInteger(at) || lastInteger() <= 0) {
    replyError("ERR numkeys should be greater than 0");
    return 0;
  }
  if (lastInteger() > <i64>argumentCount - at - 2) {
    replySyntaxError();
    return 0;
  }
  const keys = <u32>lastInteger();
  const behind = at + 1 + keys;
  const end = endArgument(behind);
  if (end == 0 || !parseMost(behind + 1)) return 0;
  for (let index = at + 1; index < behind; index++) {
    if (isArgumentPaged(index)) {
      replyOverlong("key");
      return 0;
    }
  }
  for (let index = at + 1; index < behind; index++) {
    const slot = findList(index);
    if (slot == NOT_A_LIST) return 0;
    if (slot == 0) continue;
    popFrom(index, slot, end == LEFT);
    return 0;
  }
  return keys;
}

/** How many elements LMPOP takes at most. */
let most: i64 = 1;

/** Reads what follows the end's name; false after replying an error. */
function parseMost(index: u32): bool {
  most = 1;
  let isGiven = false;
  for (; index < argumentCount; index += 2) {
    if (isGiven || index + 1 == argumentCount || !argumentIs(index, "COUNT")) {
      replySyntaxError();
      return false;
    }
    isGiven = true;
    if (!argumentInteger(index + 1) || lastInteger() <= 0) {
      replyError("ERR count should be greater than 0");
      return false;
    }
    most = lastInteger();
  }
  return true;
}

function popFrom(index: u32, slot: usize, atHead: bool): void {
  const count = <u32>min<i64>(most, listLength(slotEntry(slot)));
  replyArray(2);
  replyBulk(argumentAddress(index), argumentBytes(index));
  popMany(slot, hashOfArgument(index), atHead, count);
  recordPop(atHead ? "LPOP" : "RPOP", index, count);
}

export function registerListEnds(): void {
  const grow = CommandFlag.Write | CommandFlag.DenyOom;
  const fast = CommandFlag.Fast;
  const take = CommandFlag.Write | CommandFlag.Fast;
  startGroup("list");
  register("LPUSH", -3, grow | fast, 1, 1, 1, lPush, "1.0.0", "Puts elements before the first of a list, or makes it.");
  register("RPUSH", -3, grow | fast, 1, 1, 1, rPush, "1.0.0", "Puts elements behind the last of a list, or makes it.");
  register(
    "LPUSHX",
    -3,
    grow | fast,
    1,
    1,
    1,
    lPushX,
    "2.2.0",
    "Puts elements before the first of a list that exists.",
  );
  register("RPUSHX", -3, grow | fast, 1, 1, 1, rPushX, "2.2.0", "Puts elements behind the last of a list that exists.");
  register("LPOP", -2, take, 1, 1, 1, lPop, "1.0.0", "Removes the first elements of a list and answers them.");
  register("RPOP", -2, take, 1, 1, 1, rPop, "1.0.0", "Removes the last elements of a list and answers them.");
  register("LMOVE", 5, grow, 1, 2, 1, lMove, "6.2.0", "Moves an element from an end of a list to an end of another.");
  register(
    "RPOPLPUSH",
    3,
    grow,
    1,
    2,
    1,
    rPopLPush,
    "1.2.0",
    "Moves the last element of a list to the front of another.",
  );
  register(
    "LMPOP",
    -4,
    CommandFlag.Write,
    0,
    0,
    0,
    lMPop,
    "7.0.0",
    "Removes elements from the first list that there is.",
  );
}
