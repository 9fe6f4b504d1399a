// List commands that read: LLEN, LRANGE, LINDEX, LPOS.

import { CommandFlag } from "../../layout";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork } from "../../protocol/dispatch";
import {
  replyArray,
  replyError,
  replyInteger,
  replyNotInteger,
  replyNull,
  replySyntaxError,
} from "../../protocol/reply";
import { isNeedle, setNeedle, walkOn } from "../../structures/list-walk";
import { NOT_A_LIST, readList, replyElement, replyElements } from "./list-access";
import { listLength, showListElement } from "./list-value";

function lLen(): void {
  const entry = readList();
  if (entry != NOT_A_LIST) replyInteger(entry == 0 ? 0 : listLength(entry));
}

/** A part of a list, from the first to the last index; call-scoped. */
export let rangeStart: u32 = 0;
export let rangeCount: u32 = 0;

/** Reads two arguments as indexes, negative ones from the end; false after replying that one is none. They become a range by `placeRange`. */
export function rangeArguments(first: u32): bool {
  for (let index = first; index <= first + 1; index++) {
    if (!argumentInteger(index)) {
      replyNotInteger();
      return false;
    }
    if (index == first) wantedStart = lastInteger();
    else wantedEnd = lastInteger();
  }
  return true;
}

let wantedStart: i64 = 0;
let wantedEnd: i64 = 0;

/** Makes the indexes read last a range of a list of `length` elements. */
export function placeRange(length: i64): void {
  const start = max<i64>(wantedStart < 0 ? wantedStart + length : wantedStart, 0);
  const end = min<i64>(wantedEnd < 0 ? wantedEnd + length : wantedEnd, length - 1);
  rangeStart = <u32>min<i64>(start, length);
  rangeCount = start > end ? 0 : <u32>(end - start + 1);
}

function lRange(): void {
  if (!rangeArguments(2)) return;
  const entry = readList();
  if (entry == NOT_A_LIST) return;
  if (entry == 0) {
    replyArray(0);
    return;
  }
  placeRange(listLength(entry));
  replyArray(rangeCount);
  replyElements(entry, rangeStart, rangeCount, true);
}

/** The place of an index in a list of `length` elements, negative ones from the end; -1 when there is none. */
export function placeOf(index: i64, length: u32): i64 {
  const place = index < 0 ? index + length : index;
  return place < 0 || place >= <i64>length ? -1 : place;
}

function lIndex(): void {
  const entry = readList();
  if (entry == NOT_A_LIST) return;
  if (entry == 0) {
    replyNull();
    return;
  }
  if (!argumentInteger(2)) {
    replyNotInteger();
    return;
  }
  const place = placeOf(lastInteger(), listLength(entry));
  if (place < 0) {
    replyNull();
    return;
  }
  addWork(showListElement(entry, <u32>place));
  replyElement();
}

// ---- LPOS

// What a search looks for; call-scoped.
/** The match to begin with, from the head or, where it is negative, from the tail. */
let rank: i64 = 0;
/** Matches to answer, 0 for all of them; -1 for one, and not as an array. */
let wanted: i64 = 0;
/** Elements to look at, 0 for all. */
let looked: i64 = 0;

/** Reads the options of LPOS; false after replying an error. */
function parsePositionOptions(): bool {
  rank = 1;
  wanted = -1;
  looked = 0;
  for (let index: u32 = 3; index < argumentCount; index += 2) {
    const isRank = argumentIs(index, "RANK");
    const isCount = argumentIs(index, "COUNT");
    if (index + 1 == argumentCount || !(isRank || isCount || argumentIs(index, "MAXLEN"))) {
      replySyntaxError();
      return false;
    }
    const isInteger = argumentInteger(index + 1);
    if (isRank) {
      if (!parseRank(isInteger)) return false;
    } else if (!isInteger || lastInteger() < 0) {
      replyError(isCount ? "ERR COUNT can't be negative" : "ERR MAXLEN can't be negative");
      return false;
    } else if (isCount) {
      wanted = lastInteger();
    } else {
      looked = lastInteger();
    }
  }
  return true;
}

function parseRank(isInteger: bool): bool {
  if (!isInteger) {
    replyNotInteger();
    return false;
  }
  rank = lastInteger();
  if (rank == i64.MIN_VALUE) {
    replyError("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
    return false;
  }
  if (rank != 0) return true;
  replyError(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
  );
  return false;
}

function lPos(): void {
  if (!parsePositionOptions()) return;
  const entry = readList();
  if (entry == NOT_A_LIST) return;
  if (entry == 0) {
    if (wanted < 0) replyNull();
    else replyArray(0);
    return;
  }
  setNeedle(argumentAddress(2), argumentBytes(2));
  const length = listLength(entry);
  addWork(length >> 3);
  if (wanted >= 0) {
    replyArray(search(entry, length, false));
    search(entry, length, true);
  } else {
    wanted = 1;
    if (search(entry, length, true) == 0) replyNull();
  }
}

/** Looks for what is wanted; answers how many there are. With `answers` it replies their places. */
function search(entry: usize, length: u32, answers: bool): u32 {
  const forward = rank > 0;
  const end = looked == 0 ? length : <u32>min<i64>(looked, length);
  let skipped = (forward ? rank : -rank) - 1;
  let found: u32 = 0;
  showListElement(entry, forward ? 0 : length - 1);
  for (let index: u32 = 0; index < end; index++) {
    if (index != 0) walkOn(forward);
    if (!isNeedle() || skipped-- > 0) continue;
    if (answers) replyInteger(forward ? index : length - 1 - index);
    found++;
    if (<i64>found == wanted) break;
  }
  return found;
}

export function registerListReads(): void {
  const read = CommandFlag.ReadOnly;
  register("LLEN", 2, read | CommandFlag.Fast, 1, 1, 1, lLen, "1.0.0", "Counts the elements of a list.");
  register("LRANGE", 4, read, 1, 1, 1, lRange, "1.0.0", "Answers a part of a list.");
  register("LINDEX", 3, read, 1, 1, 1, lIndex, "1.0.0", "Answers the element of a list at an index.");
  register("LPOS", -3, read, 1, 1, 1, lPos, "6.0.6", "Answers where an element is in a list.");
}
