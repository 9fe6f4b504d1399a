// ZRANDMEMBER and ZSCAN. A rank is drawn, not a place in the table: every member is as likely as another.

import { CommandFlag, SCRATCH_BASE } from "../../layout";
import { random } from "../../memory/memory";
import { SCAN_END, scanNext, scanTable } from "../../memory/table-walk";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, connection } from "../../protocol/dispatch";
import {
  replyArray,
  replyBulk,
  replyDoubleBulk,
  replyError,
  replyIntegerBulk,
  replyNotInteger,
  replyNull,
  replySyntaxError,
} from "../../protocol/reply";
import { membersOf } from "../../structures/sorted-set";
import { matchGlob } from "../../text/glob";
import { parseDecimalU64, parsedU64 } from "../../text/cursor";
import { parseScanOptions, ScanOf, scanCount, scanPattern } from "../keys/keys";
import { NOT_A_SORTED_SET, readSortedSet } from "./sorted-set-argument";
import { beginMembers, replyMember } from "./sorted-set-ranges";
import {
  countMembers,
  isLarge,
  largeSet,
  memberName,
  memberNameBytes,
  memberScore,
  nextMember,
  showMemberEntry,
  startMembers,
} from "./sorted-set-value";

function zRandMember(): void {
  if (argumentCount == 2) {
    replyOneAtRandom();
    return;
  }
  if (!argumentInteger(2)) {
    replyNotInteger();
    return;
  }
  const count = lastInteger();
  if (count == i64.MIN_VALUE) {
    replyError("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
    return;
  }
  const withScores = argumentCount == 4 && argumentIs(3, "WITHSCORES");
  if (argumentCount > 4 || (argumentCount == 4 && !withScores)) {
    replySyntaxError();
  } else if (withScores && (count > i64.MAX_VALUE / 2 || count < -(i64.MAX_VALUE / 2))) {
    replyError("ERR value is out of range");
  } else {
    replyRandomly(count, withScores);
  }
}

function replyOneAtRandom(): void {
  const entry = readSortedSet(1);
  if (entry == NOT_A_SORTED_SET) return;
  if (entry == 0) {
    replyNull();
    return;
  }
  showRank(entry, draw(countMembers(entry)));
  replyBulk(memberName, memberNameBytes);
}

function replyRandomly(count: i64, withScores: bool): void {
  const entry = readSortedSet(1);
  if (entry == NOT_A_SORTED_SET) return;
  if (entry == 0 || count == 0) {
    replyArray(0);
  } else if (count < 0) {
    replyRepeated(entry, <u64>-count, withScores);
  } else {
    const total = countMembers(entry);
    const wanted = <u32>min<i64>(count, total);
    if (wanted < total >> FEW_SHIFT && total <= MARKS_MAX) replyFew(entry, wanted, withScores);
    else replyMany(entry, wanted, withScores);
  }
}

/** A number below `below`, each as likely as another to one in four billion. */
@inline
function draw(below: u32): u32 {
  return <u32>(((random() >> 32) * below) >> 32);
}

function showRank(entry: usize, rank: u32): void {
  startMembers(entry, rank, rank + 1, false);
  nextMember();
}

/** Any member, any number of times; ends early when the replies have gone over the connection's limit. */
function replyRepeated(entry: usize, count: u64, withScores: bool): void {
  const total = countMembers(entry);
  beginMembers(<u32>count, withScores);
  for (let drawn: u64 = 0; drawn < count && !connection.overflowed; drawn++) {
    showRank(entry, draw(total));
    replyMember(withScores);
  }
}

/** With fewer than one of eight wanted, few draws are in vain. */
const FEW_SHIFT: u32 = 3;
/** Members of a set whose ranks have a mark, a bit, in scratch memory. */
const MARKS_MAX: u32 = 1 << 22;

/** `count` different members: ranks are drawn until so many were. */
function replyFew(entry: usize, count: u32, withScores: bool): void {
  const total = countMembers(entry);
  memory.fill(SCRATCH_BASE, 0, (total >> 3) + 1);
  addWork(count + (total >> 12));
  beginMembers(count, withScores);
  for (let left = count; left > 0; ) {
    const rank = draw(total);
    const mark = SCRATCH_BASE + (rank >> 3);
    const bit = (<u8>1) << (<u8>rank & 7);
    if ((load<u8>(mark) & bit) != 0) continue;
    store<u8>(mark, load<u8>(mark) | bit);
    showRank(entry, rank);
    replyMember(withScores);
    left--;
  }
}

/** `count` different members, most of all: each is taken with the chance that fills the rest. */
function replyMany(entry: usize, count: u32, withScores: bool): void {
  let left = countMembers(entry);
  let wanted = count;
  addWork(left >> 1);
  beginMembers(count, withScores);
  startMembers(entry, 0, left, false);
  while (wanted > 0 && nextMember()) {
    if (draw(left) < wanted) {
      replyMember(withScores);
      wanted--;
    }
    left--;
  }
}

// ---- ZSCAN

function zScan(): void {
  if (!parseDecimalU64(argumentAddress(2), argumentBytes(2))) {
    replyError("ERR invalid cursor");
    return;
  }
  const from = <u32>parsedU64;
  const entry = readSortedSet(1);
  if (entry == NOT_A_SORTED_SET) return;
  if (entry == 0) {
    beginScan(0, 0);
    return;
  }
  if (!parseScanOptions(3, ScanOf.Set)) return;
  if (isLarge(entry)) scanLarge(entry, from);
  else scanWhole(entry);
}

function memberMatches(): bool {
  return (
    scanPattern == 0 || matchGlob(argumentAddress(scanPattern), argumentBytes(scanPattern), memberName, memberNameBytes)
  );
}

function beginScan(cursor: i64, members: u32): void {
  replyArray(2);
  replyIntegerBulk(cursor);
  replyArray(members << 1);
}

function replyScanned(): void {
  replyBulk(memberName, memberNameBytes);
  replyDoubleBulk(memberScore);
}

/** A packed set is answered whole, as Redis does. */
function scanWhole(entry: usize): void {
  const count = countMembers(entry);
  let matching: u32 = 0;
  startMembers(entry, 0, count, false);
  while (nextMember()) if (memberMatches()) matching++;
  beginScan(0, matching);
  startMembers(entry, 0, count, false);
  while (nextMember()) if (memberMatches()) replyScanned();
}

function scanLarge(entry: usize, from: u32): void {
  const found = scanTable(membersOf(largeSet(entry)), from, scanCount, SCRATCH_BASE);
  addWork(found >> 2);
  let kept: u32 = 0;
  for (let index: u32 = 0; index < found; index++) {
    const member = load<u32>(SCRATCH_BASE + (index << 2));
    showMemberEntry(member);
    if (memberMatches()) store<u32>(SCRATCH_BASE + (kept++ << 2), member);
  }
  beginScan(scanNext == SCAN_END ? 0 : scanNext, kept);
  for (let index: u32 = 0; index < kept; index++) {
    showMemberEntry(load<u32>(SCRATCH_BASE + (index << 2)));
    replyScanned();
  }
}

export function registerSortedSetSampling(): void {
  const read = CommandFlag.ReadOnly;
  register("ZRANDMEMBER", -2, read, 1, 1, 1, zRandMember, "6.2.0", "Answers random members of a sorted set.");
  register("ZSCAN", -3, read, 1, 1, 1, zScan, "2.8.0", "Goes through the members of a sorted set in steps.");
}
