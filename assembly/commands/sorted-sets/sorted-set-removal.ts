// Removing what a range holds, or the first or last members: ZREMRANGEBY…, ZPOPMIN, ZPOPMAX and ZMPOP.

import { CommandFlag } from "../../layout";
import { slotEntry } from "../../memory/table";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { noteChange, removeKey, shardOf } from "../../keyspace/keyspace";
import { register } from "../../protocol/catalog";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments, recordPop } from "../../protocol/recording";
import {
  protocol,
  replyArray,
  replyBulk,
  replyDouble,
  replyError,
  replyInteger,
  replyNullArray,
  replySyntaxError,
} from "../../protocol/reply";
import {
  findSortedSet,
  NOT_A_SORTED_SET,
  parseRange,
  placeRange,
  rangeEnd,
  rangeFirst,
  RangeKind,
} from "./sorted-set-argument";
import {
  countMembers,
  memberName,
  memberNameBytes,
  memberScore,
  nextMember,
  removeRanks,
  startMembers,
} from "./sorted-set-value";

/** Finding and removing a member, in units of work. */
const WORK_A_REMOVAL: u32 = 4;

function zRemRangeByRank(): void {
  removeRange(RangeKind.Ranks, "ZREMRANGEBYRANK");
}

function zRemRangeByScore(): void {
  removeRange(RangeKind.Scores, "ZREMRANGEBYSCORE");
}

function zRemRangeByLex(): void {
  removeRange(RangeKind.Members, "ZREMRANGEBYLEX");
}

function removeRange(kind: RangeKind, name: string): void {
  if (!parseRange(kind, 2, 3)) return;
  const slot = findSortedSet(1);
  if (slot == NOT_A_SORTED_SET) return;
  if (slot == 0) {
    replyInteger(0);
    return;
  }
  placeRange(slotEntry(slot), kind, false);
  const count = rangeEnd - rangeFirst;
  if (count != 0) {
    removeMembers(slot, hashOfArgument(1), rangeFirst, rangeEnd);
    recordArguments(name);
  }
  replyInteger(count);
}

/** Removes the members from one rank up to another, and the key with its last. */
function removeMembers(slot: usize, hash: u64, first: u32, end: u32): void {
  addWork((end - first) * WORK_A_REMOVAL);
  if (end - first == countMembers(slotEntry(slot))) {
    removeKey(shardOf(hash), slot, hash);
    return;
  }
  removeRanks(slot, first, end);
  noteChange(hash);
}

// ---- pops

function zPopMin(): void {
  pop(false, "ZPOPMIN");
}

function zPopMax(): void {
  pop(true, "ZPOPMAX");
}

function pop(fromEnd: bool, name: string): void {
  if (argumentCount > 3) {
    replySyntaxError();
    return;
  }
  const hasCount = argumentCount == 3;
  const count = !hasCount ? 1 : argumentInteger(2) ? lastInteger() : -1;
  if (count < 0) {
    replyError("ERR value is out of range, must be positive");
    return;
  }
  const slot = findSortedSet(1);
  if (slot == NOT_A_SORTED_SET) return;
  if (slot == 0 || count == 0) {
    replyArray(0);
    return;
  }
  const nests = hasCount && protocol == 3;
  popMembers(slot, 1, fromEnd, count, nests);
  recordArguments(name);
}

/** Replies the first or last members of the sorted set of an argument and removes them; `nests`: each is an array with its score. */
export function popMembers(slot: usize, key: u32, fromEnd: bool, count: i64, nests: bool, headed: bool = true): u32 {
  const entry = slotEntry(slot);
  const total = countMembers(entry);
  const popped = <u32>min<i64>(count, total);
  const first = fromEnd ? total - popped : 0;
  if (headed) replyArray(nests ? popped : popped << 1);
  startMembers(entry, first, first + popped, fromEnd);
  while (nextMember()) {
    if (nests) replyArray(2);
    replyBulk(memberName, memberNameBytes);
    replyDouble(memberScore);
  }
  removeMembers(slot, hashOfArgument(key), first, first + popped);
  return popped;
}

function zMPop(): void {
  if (zMPopFrom(1) != 0) replyNullArray();
}

/** Runs ZMPOP whose arguments begin with the number of keys at a place; answers that number when none of them is a sorted set, else 0. */
export function zMPopFrom(at: u32): u32 {
  if (!argumentInteger(at) || lastInteger() < 1) {
    replyError("ERR numkeys should be greater than 0");
    return 0;
  }
  if (lastInteger() > <i64>argumentCount - at - 2) {
    replySyntaxError();
    return 0;
  }
  const keys = <u32>lastInteger();
  const where = at + 1 + keys;
  if (!argumentIs(where, "MIN") && !argumentIs(where, "MAX")) {
    replySyntaxError();
    return 0;
  }
  const count = countOption(where + 1);
  return count != 0 && !popFirstOf(at + 1, keys, argumentIs(where, "MAX"), count) ? keys : 0;
}

/** Reads COUNT, 1 without; 0 after replying an error. */
function countOption(index: u32): i64 {
  if (index == argumentCount) return 1;
  if (index + 2 != argumentCount || !argumentIs(index, "COUNT")) {
    replySyntaxError();
    return 0;
  }
  if (argumentInteger(index + 1) && lastInteger() > 0) return lastInteger();
  replyError("ERR count should be greater than 0");
  return 0;
}

/** Pops from the first of the keys from an argument on that holds a sorted set; false, and nothing is replied, when none does. */
function popFirstOf(first: u32, keys: u32, fromEnd: bool, count: i64): bool {
  for (let key = first; key < first + keys; key++) {
    // No key is as long as an argument that lies in pages.
    if (isArgumentPaged(key)) continue;
    const slot = findSortedSet(key);
    if (slot == NOT_A_SORTED_SET) return true;
    if (slot == 0) continue;
    replyArray(2);
    replyBulk(argumentAddress(key), argumentBytes(key));
    const popped = popMembers(slot, key, fromEnd, count, true);
    recordPop(fromEnd ? "ZPOPMAX" : "ZPOPMIN", key, popped);
    return true;
  }
  return false;
}

export function registerSortedSetRemoval(): void {
  const write = CommandFlag.Write;
  const fast = CommandFlag.Write | CommandFlag.Fast;
  register("ZREMRANGEBYRANK", 4, write, 1, 1, 1, zRemRangeByRank, "2.0.0", "Removes the members in a range of ranks.");
  register(
    "ZREMRANGEBYSCORE",
    4,
    write,
    1,
    1,
    1,
    zRemRangeByScore,
    "1.2.0",
    "Removes the members in a range of scores.",
  );
  register("ZREMRANGEBYLEX", 4, write, 1, 1, 1, zRemRangeByLex, "2.8.9", "Removes the members in a range of names.");
  register("ZPOPMIN", -2, fast, 1, 1, 1, zPopMin, "5.0.0", "Removes and answers the members with the lowest scores.");
  register("ZPOPMAX", -2, fast, 1, 1, 1, zPopMax, "5.0.0", "Removes and answers the members with the highest scores.");
  register(
    "ZMPOP",
    -4,
    write,
    0,
    0,
    0,
    zMPop,
    "7.0.0",
    "Removes and answers members of the first of several sorted sets that has any.",
  );
}
