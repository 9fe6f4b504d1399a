// SINTER, SUNION, SDIFF, what counts them and what stores them. A reply must begin with how many members follow, so what was
// found is noted, 31,000 members at most, and only a longer result is gone through twice. What is stored is made beside the
// key that it replaces, and nothing has changed when memory does not hold it.

import { CommandFlag, PAGE_BITS, SCRATCH_BASE, ZONE_ENTRY } from "../../layout";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { findArgument, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments, recordKey } from "../../protocol/recording";
import { replyError, replyInteger, replyNoMemory, replySet, replySyntaxError } from "../../protocol/reply";
import { hasPages } from "../../memory/memory";
import { slotEntry } from "../../memory/table";
import { admit, cellShare } from "../../keyspace/eviction";
import { dispose } from "../../keyspace/graveyard";
import { insertKey, removeKey, shardOf } from "../../keyspace/keyspace";
import {
  addMember,
  countMembers,
  createSet,
  memberAddress,
  memberBytes,
  memberIsNumber,
  memberNumber,
  showBytes,
  showNumber,
  showText,
} from "./set-value";
import { boundResult, findSets, Kind, longestOfResult, nextOfResult, readSets, startResult } from "./set-result";
import { replyMember } from "./sets";

/** Members found, 16 bytes each: address, length (NUMBER for a number), the number. */
const FOUND_BASE: usize = SCRATCH_BASE + 0x80000;
const FOUND_BITS: u32 = 4;
const FOUND_MAX: u32 = 0x7c00;
const NUMBER: u32 = 0xffffffff;
/** Stands for the slot of the set that is being made. */
const MADE: usize = FOUND_BASE + (FOUND_MAX << FOUND_BITS);

// ---- replies

function sInter(): void {
  replyResult(Kind.Intersection);
}

function sUnion(): void {
  replyResult(Kind.Union);
}

function sDiff(): void {
  replyResult(Kind.Difference);
}

function replyResult(kind: Kind): void {
  if (!readSets(kind, 1, argumentCount - 1)) return;
  const count = noteResult();
  replySet(count);
  if (count > FOUND_MAX) {
    startResult();
    while (nextOfResult(true)) replyMember();
    return;
  }
  for (let index: u32 = 0; index < count; index++) {
    showFound(index);
    replyMember();
  }
}

/** Counts the members and notes the first of them. */
function noteResult(): u32 {
  let count: u32 = 0;
  startResult();
  while (nextOfResult(true)) {
    if (count < FOUND_MAX) noteFound(FOUND_BASE + (count << FOUND_BITS));
    count++;
  }
  return count;
}

function noteFound(at: usize): void {
  store<u32>(at, <u32>memberAddress);
  store<u32>(at, memberIsNumber ? NUMBER : memberBytes, 4);
  store<i64>(at, memberNumber, 8);
}

function showFound(index: u32): void {
  const at = FOUND_BASE + (index << FOUND_BITS);
  if (load<u32>(at, 4) == NUMBER) showNumber(load<i64>(at, 8));
  else showBytes(load<u32>(at), load<u32>(at, 4));
}

/** SINTERCARD numkeys key [key ...] [LIMIT limit] */
function sInterCard(): void {
  if (!argumentInteger(1) || lastInteger() < 1) {
    replyError("ERR numkeys should be greater than 0");
    return;
  }
  if (lastInteger() > <i64>argumentCount - 2) {
    replyError("ERR Number of keys can't be greater than number of args");
    return;
  }
  const keys = <u32>lastInteger();
  let limit: i64 = 0;
  for (let index: u32 = 2 + keys; index < argumentCount; index += 2) {
    if (!argumentIs(index, "LIMIT") || index + 1 == argumentCount) {
      replySyntaxError();
      return;
    }
    if (!argumentInteger(index + 1) || lastInteger() < 0) {
      replyError("ERR LIMIT can't be negative");
      return;
    }
    limit = lastInteger();
  }
  if (!readSets(Kind.Intersection, 2, keys)) return;
  let count: i64 = 0;
  startResult();
  while ((limit == 0 || count < limit) && nextOfResult(true)) count++;
  replyInteger(count);
}

// ---- storing

function sInterStore(): void {
  storeResult(Kind.Intersection, "SINTERSTORE");
}

function sUnionStore(): void {
  storeResult(Kind.Union, "SUNIONSTORE");
}

function sDiffStore(): void {
  storeResult(Kind.Difference, "SDIFFSTORE");
}

function storeResult(kind: Kind, name: string): void {
  if (!readSets(kind, 2, argumentCount - 2)) return;
  if (!admitResult()) {
    replyNoMemory();
    return;
  }
  findSets(2);
  if (!makeResult()) {
    dispose(ZONE_ENTRY, slotEntry(MADE));
    replyNoMemory();
    return;
  }
  const made = slotEntry(MADE);
  const count = countMembers(made);
  const hash = hashOfArgument(1);
  const old = findArgument(1);
  if (old != 0) removeKey(shardOf(hash), old, hash);
  if (count != 0) {
    insertKey(made, hash);
    recordArguments(name);
  } else {
    dispose(ZONE_ENTRY, made);
    if (old != 0) recordKey("DEL");
  }
  replyInteger(count);
}

/** Makes room for as many members as there may be, as far as they are no larger than usual: what is missing shows as they are added. */
function admitResult(): bool {
  const share = <u64>boundResult() * cellShare(min(longestOfResult, USUAL_BYTES), 0);
  return admit(<u32>min<u64>((share >> PAGE_BITS) + RESULT_PAGES, <u64>i32.MAX_VALUE));
}

/** Members that make room for themselves when it is asked for them. */
const USUAL_BYTES: u32 = 64;
const RESULT_PAGES: u32 = 8;
/** A cell of the class that a member needs, and one of the next segment. */
const MEMBER_PAGES: u32 = 2;

/** Makes the set; false when memory does not hold it, and then it is there in part. */
function makeResult(): bool {
  store<u32>(MADE, <u32>createSet(argumentAddress(1), argumentBytes(1), true));
  startResult();
  while (nextOfResult(false)) {
    if (!hasPages(MEMBER_PAGES)) return false;
    showText();
    addMember(MADE, memberAddress, memberBytes);
  }
  return true;
}

export function registerSetAlgebra(): void {
  const read = CommandFlag.ReadOnly;
  const grow = CommandFlag.Write | CommandFlag.DenyOom;
  register("SINTER", -2, read, 1, -1, 1, sInter, "1.0.0", "Answers the members that all sets have.");
  register("SINTERCARD", -3, read, 0, 0, 0, sInterCard, "7.0.0", "Counts the members that all sets have.");
  register("SINTERSTORE", -3, grow, 1, -1, 1, sInterStore, "1.0.0", "Stores the members that all sets have.");
  register("SUNION", -2, read, 1, -1, 1, sUnion, "1.0.0", "Answers the members that any set has.");
  register("SUNIONSTORE", -3, grow, 1, -1, 1, sUnionStore, "1.0.0", "Stores the members that any set has.");
  register("SDIFF", -2, read, 1, -1, 1, sDiff, "1.0.0", "Answers the members of the first set that no other has.");
  register("SDIFFSTORE", -3, grow, 1, -1, 1, sDiffStore, "1.0.0", "Stores what the first set has and no other.");
}
