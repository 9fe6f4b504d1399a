// Reading a range of a sorted set: ZRANGE with its options, and the seven older commands that each are one case of it. A range
// is two ranks by the time it is read (sorted-set-argument.ts), so LIMIT is arithmetic: its offset costs nothing.

import { CommandFlag } from "../../layout";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork } from "../../protocol/dispatch";
import {
  protocol,
  replyArray,
  replyBulk,
  replyDouble,
  replyError,
  replyNotInteger,
  replySyntaxError,
} from "../../protocol/reply";
import { collect, mustCollectAgain, openCollection, startCollection, storeCollection } from "./collection";
import {
  limitRange,
  NOT_A_SORTED_SET,
  parseRange,
  placeRange,
  rangeEnd,
  rangeFirst,
  RangeKind,
  readSortedSet,
} from "./sorted-set-argument";
import { memberName, memberNameBytes, memberScore, nextMember, startMembers } from "./sorted-set-value";

// What the running command asks for.
let kind: RangeKind = RangeKind.Ranks;
let backwards: bool = false;
let withScores: bool = false;
let offset: i64 = 0;
let limit: i64 = -1;

/** Reads the options from `index` on; `isFixed` where the command's name says what range it is. False after replying an error. */
function readRangeOptions(index: u32, isFixed: bool, stores: bool): bool {
  withScores = false;
  offset = 0;
  limit = -1;
  for (; index < argumentCount; index++) {
    if (!stores && argumentIs(index, "WITHSCORES")) {
      withScores = true;
    } else if (argumentIs(index, "LIMIT") && index + 2 < argumentCount) {
      if (!readLimit(index + 1)) return false;
      index += 2;
    } else if (!isFixed && !backwards && argumentIs(index, "REV")) {
      backwards = true;
    } else if (!isFixed && kind == RangeKind.Ranks && argumentIs(index, "BYSCORE")) {
      kind = RangeKind.Scores;
    } else if (!isFixed && kind == RangeKind.Ranks && argumentIs(index, "BYLEX")) {
      kind = RangeKind.Members;
    } else {
      replySyntaxError();
      return false;
    }
  }
  return areOptionsAllowed();
}

function readLimit(index: u32): bool {
  if (argumentInteger(index)) {
    offset = lastInteger();
    if (argumentInteger(index + 1)) {
      limit = lastInteger();
      return true;
    }
  }
  replyNotInteger();
  return false;
}

function areOptionsAllowed(): bool {
  if (limit != -1 && kind == RangeKind.Ranks) {
    replyError("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (withScores && kind == RangeKind.Members) {
    replyError("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  return true;
}

/** Finds the range between the arguments at `border` and behind it in the sorted set of an argument; its entry, 0 for nothing. */
function findRange(key: u32, border: u32): usize {
  const swapped = backwards && kind != RangeKind.Ranks;
  if (!parseRange(kind, swapped ? border + 1 : border, swapped ? border : border + 1)) return NOT_A_SORTED_SET;
  const entry = readSortedSet(key);
  if (entry == 0 || entry == NOT_A_SORTED_SET) return entry;
  placeRange(entry, kind, backwards);
  if (kind != RangeKind.Ranks) limitRange(offset, limit, backwards);
  addWork((rangeEnd - rangeFirst) >> 1);
  return entry;
}

/** Answers the range that the command's name and its options ask for. */
function range(givenKind: RangeKind, isBackwards: bool, isFixed: bool): void {
  kind = givenKind;
  backwards = isBackwards;
  if (!readRangeOptions(4, isFixed, false)) return;
  const entry = findRange(1, 2);
  if (entry == NOT_A_SORTED_SET) return;
  if (entry == 0) {
    replyArray(0);
    return;
  }
  beginMembers(rangeEnd - rangeFirst, withScores);
  startMembers(entry, rangeFirst, rangeEnd, backwards);
  while (nextMember()) replyMember(withScores);
}

/** Begins a reply of so many members; in RESP2 each score is an element of its own. */
export function beginMembers(count: u32, hasScores: bool): void {
  replyArray(hasScores && protocol == 2 ? count << 1 : count);
}

/** The member in the registers, as an element of such a reply. */
export function replyMember(hasScore: bool): void {
  if (hasScore && protocol == 3) replyArray(2);
  replyBulk(memberName, memberNameBytes);
  if (hasScore) replyDouble(memberScore);
}

function zRange(): void {
  range(RangeKind.Ranks, false, false);
}

function zRevRange(): void {
  range(RangeKind.Ranks, true, true);
}

function zRangeByScore(): void {
  range(RangeKind.Scores, false, true);
}

function zRevRangeByScore(): void {
  range(RangeKind.Scores, true, true);
}

function zRangeByLex(): void {
  range(RangeKind.Members, false, true);
}

function zRevRangeByLex(): void {
  range(RangeKind.Members, true, true);
}

function zRangeStore(): void {
  kind = RangeKind.Ranks;
  backwards = false;
  if (!readRangeOptions(5, false, true)) return;
  openCollection(0);
  do {
    const entry = findRange(2, 3);
    if (entry == NOT_A_SORTED_SET) return;
    startCollection();
    if (entry == 0) break;
    startMembers(entry, rangeFirst, rangeEnd, false);
    while (nextMember()) collect(memberScore, memberName, memberNameBytes);
  } while (mustCollectAgain(true));
  storeCollection(1, "ZRANGESTORE");
}

export function registerSortedSetRanges(): void {
  const read = CommandFlag.ReadOnly;
  register("ZRANGE", -4, read, 1, 1, 1, zRange, "1.2.0", "Answers a range of members, by rank, score or name.");
  register("ZREVRANGE", -4, read, 1, 1, 1, zRevRange, "1.2.0", "Answers a range of ranks, the highest score first.");
  register("ZRANGEBYSCORE", -4, read, 1, 1, 1, zRangeByScore, "1.0.5", "Answers the members in a range of scores.");
  register(
    "ZREVRANGEBYSCORE",
    -4,
    read,
    1,
    1,
    1,
    zRevRangeByScore,
    "2.2.0",
    "Answers the members in a range of scores, the highest first.",
  );
  register("ZRANGEBYLEX", -4, read, 1, 1, 1, zRangeByLex, "2.8.9", "Answers the members in a range of names.");
  register(
    "ZREVRANGEBYLEX",
    -4,
    read,
    1,
    1,
    1,
    zRevRangeByLex,
    "2.8.9",
    "Answers the members in a range of names, the last first.",
  );
  register(
    "ZRANGESTORE",
    -5,
    CommandFlag.Write | CommandFlag.DenyOom,
    1,
    2,
    1,
    zRangeStore,
    "6.2.0",
    "Stores a range of members under another key.",
  );
}
