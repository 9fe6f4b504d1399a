// SORT and SORT_RO: the elements of a list, sorted, with what other keys say of them. Everything is admitted before anything is
// looked at, because items are addresses. With STORE the size of the result is known only when all is looked up: where it
// then needs memory that must be made, which may move what items refer to, all is done once more.

import { CommandFlag, PAGE_BITS, PAGE_BYTES } from "../../layout";
import { entryPages, pagesFor, takeValuePages, TYPE_SET, typeOf, valueOf, writeValue } from "../../memory/entry";
import { copyBytes, hasPages } from "../../memory/memory";
import { admit } from "../../keyspace/eviction";
import { findKey, insertKey, pin, readSlot, removeKey, shardOf } from "../../keyspace/keyspace";
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
import { replyOverlong } from "../../protocol/command-error";
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import {
  replyArray,
  replyBulk,
  replyError,
  replyInteger,
  replyNoMemory,
  replyNotInteger,
  replyNull,
  replyPages,
  replySyntaxError,
  replyWrongType,
} from "../../protocol/reply";
import { createLong } from "../../structures/list-chain";
import { RUN_ELEMENT_MAX, spanOf } from "../../structures/packed-run";
import { parsedDouble, parseDouble } from "../../text/number";
import { BYTES_A_PAGE_BITS, NODE_SIZES, PAGES_OF_ONE } from "../lists/list-ends";
import { addElement, addLong, createList, UNPACKABLE } from "../lists/list-value";
import { endItems, ITEMS_MAX, NOTHING, PAGED, pagesForItems, sortItemAt, sortItems, startItems } from "./sort-items";
import { foundAddress, foundBytes, hasStar, lookUp } from "./sort-pattern";
import { collectElements, isSortable, lengthOf } from "./sort-source";

// What the options ask for; call-scoped.
let descending: bool = false;
let byText: bool = false;
/** Nothing is sorted: BY names no key. */
let isOrdered: bool = false;
/** Indexes of the patterns and the key of BY and STORE, 0 for none, and how many times GET is given. */
let byIndex: u32 = 0;
let storeIndex: u32 = 0;
let gets: u32 = 0;
let limitStart: i64 = 0;
let limitCount: i64 = -1;
/** The part of the elements that is answered. */
let first: u32 = 0;
let end: u32 = 0;

/** Arguments that the option at an index takes with its name; 0 when it is none. */
function widthOf(index: u32, mayStore: bool): u32 {
  const behind = argumentCount - index - 1;
  if (argumentIs(index, "ASC") || argumentIs(index, "DESC") || argumentIs(index, "ALPHA")) return 1;
  if (argumentIs(index, "LIMIT")) return behind >= 2 ? 3 : 0;
  const takesOne = argumentIs(index, "BY") || argumentIs(index, "GET") || (mayStore && argumentIs(index, "STORE"));
  return takesOne && behind >= 1 ? 2 : 0;
}

/** Reads the options; false after replying an error. */
function parseSortOptions(mayStore: bool): bool {
  descending = false;
  byText = false;
  isOrdered = false;
  byIndex = 0;
  storeIndex = 0;
  gets = 0;
  limitStart = 0;
  limitCount = -1;
  for (let index: u32 = 2; index < argumentCount; ) {
    const width = widthOf(index, mayStore);
    if (width == 0) {
      replySyntaxError();
      return false;
    }
    if (!takeOption(index)) return false;
    index += width;
  }
  if (storeIndex == 0 || !isArgumentPaged(storeIndex)) return true;
  replyOverlong("key");
  return false;
}

function takeOption(index: u32): bool {
  if (argumentIs(index, "LIMIT")) return takeLimit(index);
  if (argumentIs(index, "ASC")) descending = false;
  else if (argumentIs(index, "DESC")) descending = true;
  else if (argumentIs(index, "ALPHA")) byText = true;
  else if (argumentIs(index, "GET")) gets++;
  else if (argumentIs(index, "STORE")) storeIndex = index + 1;
  else {
    byIndex = index + 1;
    if (!hasStar(byIndex)) isOrdered = true;
  }
  return true;
}

function takeLimit(index: u32): bool {
  for (let place: u32 = 1; place <= 2; place++) {
    if (!argumentInteger(index + place)) {
      replyNotInteger();
      return false;
    }
    if (place == 1) limitStart = lastInteger();
    else limitCount = lastInteger();
  }
  return true;
}

/** The index of the next GET's pattern behind an index; there is one. */
function nextGet(index: u32): u32 {
  while (true) {
    const isGet = argumentIs(index, "GET");
    if (isGet) return index + 1;
    index += widthOf(index, true);
  }
}

/** Makes of LIMIT a part of `length` elements. */
function placeLimit(length: u32): void {
  const start = min<i64>(max<i64>(limitStart, 0), length);
  const most = min<i64>(max<i64>(limitCount, -1), length);
  const last = most < 0 ? <i64>length : min<i64>(start + most, length);
  first = <u32>start;
  end = <u32>max<i64>(last, start);
}

function sortAny(mayStore: bool): void {
  if (!parseSortOptions(mayStore)) return;
  const entry = readSlot(findArgument(1));
  if (entry != 0 && !isSortable(entry)) {
    replyWrongType();
    return;
  }
  if (entry != 0) pin(entry);
  // A set has no order of its own that a second time would be the same.
  if (isOrdered && storeIndex != 0 && entry != 0 && typeOf(entry) == TYPE_SET) {
    isOrdered = false;
    byText = true;
    byIndex = 0;
  }
  const length: u32 = entry == 0 ? 0 : lengthOf(entry);
  placeLimit(length);
  if (length > ITEMS_MAX) replyNoMemory();
  else arrangeAndAnswer(entry, length);
}

/** Twice at most: the second time there is memory for the result too. */
function arrangeAndAnswer(entry: usize, length: u32): void {
  let pages = pagesForItems(length);
  for (let attempt = 0; attempt < 2; attempt++) {
    if (pages != 0 && !admit(pages)) break;
    startItems();
    const isDone = answerOnce(entry, length);
    endItems();
    if (isDone) return;
    pages += pagesOfResult();
  }
  replyNoMemory();
}

/** False when the result does not fit yet. */
function answerOnce(entry: usize, length: u32): bool {
  if (!arrange(entry, length)) {
    replyError("ERR One or more scores can't be converted into double");
    return true;
  }
  if (storeIndex != 0) return storeIfRoom();
  replyArray((end - first) * max<u32>(gets, 1));
  passResult(REPLY);
  return true;
}

/** Makes the items and puts those that are answered in order; false when a number is wanted and there is none. */
function arrange(entry: usize, length: u32): bool {
  if (entry == 0) return true;
  addWork(length);
  collectElements(entry, descending && isOrdered);
  if (isOrdered) return true;
  addWork((length * (32 - clz(length))) >> 3);
  for (let index: u32 = 0; index < length; index++)
    if (!findSortKey(changetype<usize>(sortItemAt(index)))) return false;
  sortItems(first, end, byText, byIndex != 0, descending);
  return true;
}

/** Finds what an item is sorted by. */
function findSortKey(item: usize): bool {
  let address = <usize>load<u32>(item);
  let bytes = load<u32>(item, 4);
  if (byIndex != 0) {
    lookUp(byIndex, address, bytes);
    address = foundAddress;
    bytes = foundBytes;
  }
  if (byText) {
    if (byIndex == 0) return true;
    store<u32>(item, <u32>address, 8);
    store<u32>(item, bytes, 12);
    return true;
  }
  // What is not there, or empty, is 0.
  if (bytes == NOTHING || bytes == 0) return true;
  if ((bytes & PAGED) != 0 || !parseDouble(address, bytes)) return false;
  store<f64>(item, parsedDouble, 8);
  return true;
}

// ---- answering

/** What becomes of the texts of the result, one after another. */
const REPLY: u32 = 0;
const MEASURE: u32 = 1;
const STORE: u32 = 2;

/** Takes each text of the result: of each item its element, or what GET says of it. */
function passResult(what: u32): void {
  for (let index = first; index < end; index++) {
    const item = sortItemAt(index);
    if (gets == 0) takeText(what, item.address, item.bytes);
    let option: u32 = 2;
    for (let left = gets; left > 0; left--) {
      option = nextGet(option);
      lookUp(option, item.address, item.bytes);
      takeText(what, foundAddress, foundBytes);
      option++;
    }
  }
  addWork((end - first) * (gets + 1));
}

function takeText(what: u32, address: usize, bytes: u32): void {
  if (what == REPLY) replyText(address, bytes);
  // In a list what is not there is an empty element.
  else if (what == MEASURE) measureText(bytes == NOTHING ? 0 : bytes & ~PAGED);
  else storeText(address, bytes == NOTHING ? 0 : bytes);
}

function replyText(address: usize, bytes: u32): void {
  if (bytes == NOTHING) replyNull();
  else if ((bytes & PAGED) != 0) replyPages(address, bytes & ~PAGED);
  else replyBulk(address, bytes);
}

// The result as a list; call-scoped.
/** Bytes of a run that its elements take, and pages that its long elements may. */
let resultSpan: u64 = 0;
let longPages: u32 = 0;
/** The list that is made. */
let result: usize = 0;

function measureText(bytes: u32): void {
  if (bytes <= RUN_ELEMENT_MAX) resultSpan += spanOf(bytes);
  else longPages += 1 + entryPages(bytes);
}

function storeText(address: usize, bytes: u32): void {
  const length = bytes & ~PAGED;
  if (length <= RUN_ELEMENT_MAX) addElement(result, false, address, length);
  else addLong(result, false, copyOfLong(address, bytes));
}

/** The entry of a long element of a list, copied from a text. */
function copyOfLong(address: usize, bytes: u32): usize {
  const long = createLong(bytes & ~PAGED);
  if ((bytes & PAGED) == 0) {
    copyBytes(valueOf(long), address, bytes);
    return long;
  }
  takeValuePages(long, 0);
  for (let index: u32 = 0; index < pagesFor(bytes & ~PAGED); index++) {
    const piece = min((bytes & ~PAGED) - (index << PAGE_BITS), PAGE_BYTES);
    writeValue(long, index << PAGE_BITS, load<u32>(address + (index << 2)), piece);
  }
  return long;
}

/** Pages that the result may take: those of its last node and its entry, of every size of nodes, and of what they hold. */
function pagesOfResult(): u32 {
  return PAGES_OF_ONE + NODE_SIZES + longPages + <u32>(resultSpan >> BYTES_A_PAGE_BITS);
}

/** Stores the result if there is room for it, and replies how many elements it has. */
function storeIfRoom(): bool {
  resultSpan = 0;
  longPages = 0;
  passResult(MEASURE);
  if (!hasPages(pagesOfResult())) return false;
  const count = (end - first) * max<u32>(gets, 1);
  const added = longPages != 0 ? UNPACKABLE : <u32>min<u64>(resultSpan, UNPACKABLE);
  if (count != 0) {
    result = createList(argumentAddress(storeIndex), argumentBytes(storeIndex), added);
    passResult(STORE);
  }
  const hash = hashOfArgument(storeIndex);
  const old = findKey(argumentAddress(storeIndex), argumentBytes(storeIndex), hash);
  if (old != 0) removeKey(shardOf(hash), old, hash);
  if (count != 0) insertKey(result, hash);
  if (old != 0 || count != 0) recordArguments("SORT");
  replyInteger(count);
  return true;
}

function sort(): void {
  sortAny(true);
}

function sortReadOnly(): void {
  sortAny(false);
}

export function registerSort(): void {
  const grow = CommandFlag.Write | CommandFlag.DenyOom;
  startGroup("generic");
  register(
    "SORT",
    -2,
    grow,
    1,
    1,
    1,
    sort,
    "1.0.0",
    "Answers or stores the elements of a list, a set or a sorted set in order.",
  );
  register(
    "SORT_RO",
    -2,
    CommandFlag.ReadOnly,
    1,
    1,
    1,
    sortReadOnly,
    "7.0.0",
    "Answers elements in order, and stores nothing.",
  );
}
