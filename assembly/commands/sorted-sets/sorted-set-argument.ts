// What arguments of sorted set commands mean: the sorted set of a key, a member, a score, a range of scores, of members or of
// ranks. A range becomes two ranks, whichever way it was given, so that everything that reads, counts or removes a range is
// written once; in a large set that costs two ways down, not a walk.

import { KEY_BYTES_MAX } from "../../layout";
import { TYPE_SORTED_SET, typeOf } from "../../memory/entry";
import { slotEntry } from "../../memory/table";
import {
  argumentAddress,
  argumentBytes,
  argumentInteger,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { replyOverlong } from "../../protocol/command-error";
import { findArgument, readKeyArgument } from "../../protocol/dispatch";
import { replyError, replyNotInteger, replyWrongType } from "../../protocol/reply";
import { parseDouble, parsedDouble, parseDoubleSaturating } from "../../text/number";
import { countBelowKey, countBelowScore, countMembers, findMember } from "./sorted-set-value";

/** Instead of a slot or an entry, after replying that the key holds something else. */
export const NOT_A_SORTED_SET: usize = 1;

/** Slot of the sorted set in an argument, 0 when there is none; NOT_A_SORTED_SET after replying that it is something else. */
export function findSortedSet(index: u32): usize {
  const slot = findArgument(index);
  if (slot == 0 || typeOf(slotEntry(slot)) == TYPE_SORTED_SET) return slot;
  replyWrongType();
  return NOT_A_SORTED_SET;
}

/** The same for reading: answers the entry, counts hit or miss. */
export function readSortedSet(index: u32): usize {
  const entry = readKeyArgument(index);
  if (entry == 0 || typeOf(entry) == TYPE_SORTED_SET) return entry;
  replyWrongType();
  return NOT_A_SORTED_SET;
}

/** Looks the member in an argument up. */
export function findMemberArgument(entry: usize, index: u32): bool {
  return !isArgumentPaged(index) && findMember(entry, argumentAddress(index), argumentBytes(index));
}

/** True after replying that a member is longer than an entry can hold. */
export function memberTooLong(index: u32): bool {
  if (argumentBytes(index) <= KEY_BYTES_MAX) return false;
  replyOverlong("sorted set member");
  return true;
}

/** The score that `scoreArgument` read. */
export let argumentScore: f64 = 0;

/** Reads a score; false after replying that it is none. */
export function scoreArgument(index: u32): bool {
  if (isScore(index)) return true;
  replyError("ERR value is not a valid float");
  return false;
}

/** Reads a number that is a score; false when it is none. */
export function isScore(index: u32): bool {
  if (isArgumentPaged(index) || !parseDouble(argumentAddress(index), argumentBytes(index))) return false;
  argumentScore = parsedDouble;
  return true;
}

// ---- ranges

export const enum RangeKind {
  Ranks = 0,
  Scores = 1,
  Members = 2,
}

/** Where the range in question begins, and where it ends: the rank behind its last member. */
export let rangeFirst: u32 = 0;
export let rangeEnd: u32 = 0;

// The borders that were read last: numbers of a range of ranks, scores, or members.
let firstNumber: i64 = 0;
let lastNumber: i64 = 0;
let minScore: f64 = 0;
let maxScore: f64 = 0;
let minExcluded: bool = false;
let maxExcluded: bool = false;
let minKind: u32 = 0;
let maxKind: u32 = 0;
let minArgument: u32 = 0;
let maxArgument: u32 = 0;

/** Reads the borders of a range from two arguments, the lower one first; false after replying why they are none. */
export function parseRange(kind: RangeKind, low: u32, high: u32): bool {
  if (kind == RangeKind.Ranks) return parseRanks(low, high);
  return kind == RangeKind.Scores ? parseScores(low, high) : parseMembers(low, high);
}

function parseRanks(first: u32, last: u32): bool {
  if (argumentInteger(first)) {
    firstNumber = lastInteger();
    if (argumentInteger(last)) {
      lastNumber = lastInteger();
      return true;
    }
  }
  replyNotInteger();
  return false;
}

/** A score, behind "(" one that is not in the range; numbers too large are infinite, and no digits are zero. */
function parseBorder(index: u32): bool {
  if (isArgumentPaged(index)) return false;
  let address = argumentAddress(index);
  let bytes = argumentBytes(index);
  borderExcluded = bytes > 0 && load<u8>(address) == 0x28;
  if (borderExcluded) {
    address++;
    bytes--;
  }
  if (bytes == 0) {
    border = 0;
    return true;
  }
  if (!parseDoubleSaturating(address, bytes)) return false;
  border = parsedDouble;
  return true;
}

let border: f64 = 0;
let borderExcluded: bool = false;

function parseScores(low: u32, high: u32): bool {
  if (parseBorder(low)) {
    minScore = border;
    minExcluded = borderExcluded;
    if (parseBorder(high)) {
      maxScore = border;
      maxExcluded = borderExcluded;
      return true;
    }
  }
  replyError("ERR min or max is not a float");
  return false;
}

/** What a border of a range of members begins with: nothing comes before "-", nothing behind "+". */
const LEAST: u32 = 0x2d;
const GREATEST: u32 = 0x2b;
const EXCLUDED: u32 = 0x28;
const INCLUDED: u32 = 0x5b;
/** What cannot be the border of a range of members. */
const NO_BORDER: u32 = 0;

function kindOfBorder(index: u32): u32 {
  if (isArgumentPaged(index) || argumentBytes(index) == 0) return NO_BORDER;
  const first: u32 = load<u8>(argumentAddress(index));
  if (first == EXCLUDED || first == INCLUDED) return first;
  return (first == LEAST || first == GREATEST) && argumentBytes(index) == 1 ? first : NO_BORDER;
}

function parseMembers(low: u32, high: u32): bool {
  minKind = kindOfBorder(low);
  maxKind = kindOfBorder(high);
  minArgument = low;
  maxArgument = high;
  if (minKind != NO_BORDER && maxKind != NO_BORDER) return true;
  replyError("ERR min or max not valid string range item");
  return false;
}

/** Finds where the range that was read lies in a sorted set: `rangeFirst` and `rangeEnd`, equal when it is empty. */
export function placeRange(entry: usize, kind: RangeKind, backwards: bool): void {
  if (kind == RangeKind.Ranks) {
    placeRanks(countMembers(entry), backwards);
  } else if (kind == RangeKind.Scores) {
    rangeFirst = countBelowScore(entry, minScore, minExcluded);
    rangeEnd = countBelowScore(entry, maxScore, !maxExcluded);
  } else {
    rangeFirst = countBelowBorder(entry, minKind, minArgument, minKind == EXCLUDED);
    rangeEnd = countBelowBorder(entry, maxKind, maxArgument, maxKind == INCLUDED);
  }
  if (rangeEnd < rangeFirst) rangeEnd = rangeFirst;
}

function countBelowBorder(entry: usize, kind: u32, index: u32, passesEqual: bool): u32 {
  if (kind == LEAST) return 0;
  if (kind == GREATEST) return countMembers(entry);
  return countBelowKey(entry, argumentAddress(index) + 1, argumentBytes(index) - 1, passesEqual);
}

/** Negative numbers count from the end. */
function placeRanks(count: u32, backwards: bool): void {
  const first = max<i64>(firstNumber < 0 ? firstNumber + count : firstNumber, 0);
  const last = min<i64>(lastNumber < 0 ? lastNumber + count : lastNumber, <i64>count - 1);
  if (first > last || first >= <i64>count) {
    rangeFirst = 0;
    rangeEnd = 0;
  } else if (backwards) {
    rangeFirst = count - 1 - <u32>last;
    rangeEnd = count - <u32>first;
  } else {
    rangeFirst = <u32>first;
    rangeEnd = <u32>last + 1;
  }
}

/** Takes from the range only `count` members, all when negative, behind the first `offset`; none when that is negative. */
export function limitRange(offset: i64, count: i64, backwards: bool): void {
  const size = <i64>(rangeEnd - rangeFirst);
  const skipped = offset < 0 ? size : min(offset, size);
  const taken = <u32>(count < 0 ? size - skipped : min(count, size - skipped));
  if (backwards) {
    rangeEnd -= <u32>skipped;
    rangeFirst = rangeEnd - taken;
  } else {
    rangeFirst += <u32>skipped;
    rangeEnd = rangeFirst + taken;
  }
}
