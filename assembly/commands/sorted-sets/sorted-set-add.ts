// ZADD and ZINCRBY. All scores are read before anything is changed, and the memory that the members may take is had.

import { CommandFlag, PAGE_BITS, SCRATCH_BASE, SLAB_CLASSES } from "../../layout";
import { entryAt } from "../../memory/entry";
import { slotEntry } from "../../memory/table";
import { admit, cellShare } from "../../keyspace/eviction";
import { noteChange, pin, touchEntry } from "../../keyspace/keyspace";
import { argumentAddress, argumentBytes, argumentCount, argumentIs } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import {
  replyDouble,
  replyError,
  replyInteger,
  replyNoMemory,
  replyNull,
  replySyntaxError,
} from "../../protocol/reply";
import { SCORE_BYTES } from "../../structures/sorted-set";
import { pagesToInsert } from "../../structures/score-tree-change";
import { fitsPacked, fitsPackedBytes, packedClasses, packedCount } from "./packed-set";
import {
  argumentScore,
  findMemberArgument,
  findSortedSet,
  memberTooLong,
  NOT_A_SORTED_SET,
  scoreArgument,
} from "./sorted-set-argument";
import { addNewMember, createPackedSet, isLarge, memberScore, rescoreFound } from "./sorted-set-value";

const ONLY_NEW: u32 = 1;
const ONLY_OLD: u32 = 2;
const ONLY_GREATER: u32 = 4;
const ONLY_LESS: u32 = 8;
const COUNTS_CHANGES: u32 = 16;
const INCREMENTS: u32 = 32;

/** Scores that were read, where more than one is given: behind what making room uses. */
const SCORES_BASE: usize = SCRATCH_BASE + 0x10000;
/** Finding and inserting a member of a large set, in units of work. */
const WORK_A_MEMBER: u32 = 4;

let options: u32 = 0;

function zAdd(): void {
  const first = readOptions();
  const pairs = argumentCount - first;
  if (pairs == 0 || (pairs & 1) != 0) {
    replySyntaxError();
  } else if ((options & (ONLY_NEW | ONLY_OLD)) == (ONLY_NEW | ONLY_OLD)) {
    replyError("ERR XX and NX options at the same time are not compatible");
  } else if (popcnt(options & (ONLY_NEW | ONLY_GREATER | ONLY_LESS)) > 1) {
    replyError("ERR GT, LT, and/or NX options at the same time are not compatible");
  } else if ((options & INCREMENTS) != 0 && pairs > 2) {
    replyError("ERR INCR option supports a single increment-element pair");
  } else {
    addPairs(first, "ZADD");
  }
}

/** Reads options from argument 2 on; answers where the scores begin. */
function readOptions(): u32 {
  options = 0;
  let index: u32 = 2;
  for (; index < argumentCount; index++) {
    if (argumentIs(index, "NX")) options |= ONLY_NEW;
    else if (argumentIs(index, "XX")) options |= ONLY_OLD;
    else if (argumentIs(index, "CH")) options |= COUNTS_CHANGES;
    else if (argumentIs(index, "INCR")) options |= INCREMENTS;
    else if (argumentIs(index, "GT")) options |= ONLY_GREATER;
    else if (argumentIs(index, "LT")) options |= ONLY_LESS;
    else break;
  }
  return index;
}

function zIncrBy(): void {
  options = INCREMENTS;
  addPairs(2, "ZINCRBY");
}

/** Reads all scores; one stays in `argumentScore`, more lie at SCORES_BASE. */
function readScores(first: u32): bool {
  const count = (argumentCount - first) >> 1;
  for (let pair: u32 = 0; pair < count; pair++) {
    if (!scoreArgument(first + (pair << 1))) return false;
    if (count > 1) store<f64>(SCORES_BASE + (pair << 3), argumentScore);
  }
  return true;
}

/** Adds the members of the pairs from argument `first` on, as the options say, and replies. */
function addPairs(first: u32, name: string): void {
  if (!readScores(first)) return;
  const found = findSortedSet(1);
  if (found == NOT_A_SORTED_SET) return;
  if (found == 0 && (options & ONLY_OLD) != 0) {
    if ((options & INCREMENTS) != 0) replyNull();
    else replyInteger(0);
    return;
  }
  const slot = admitMembers(found, first + 1, 2);
  if (slot == 0) return;
  const count = (argumentCount - first) >> 1;
  const single = argumentScore;
  added = 0;
  changed = 0;
  addWork(count * WORK_A_MEMBER);
  let outcome = NOTHING;
  for (let pair: u32 = 0; pair < count; pair++) {
    outcome = addPair(slot, first + 1 + (pair << 1), count == 1 ? single : load<f64>(SCORES_BASE + (pair << 3)));
  }
  if (added + changed != 0) {
    touchEntry(slotEntry(slot));
    noteChange(hashOfArgument(1));
    recordArguments(name);
  }
  if (outcome == NOT_A_NUMBER) replyError("ERR resulting score is not a number (NaN)");
  else if ((options & INCREMENTS) == 0) replyInteger(added + ((options & COUNTS_CHANGES) != 0 ? changed : 0));
  else if (outcome == NOTHING) replyNull();
  else replyDouble(newScore);
}

/** Members that are new, and others whose score has changed. */
let added: u32 = 0;
let changed: u32 = 0;
/** The score of the member that `addPair` processed last. */
let newScore: f64 = 0;

/** What became of a pair: an option left it out, it is as it was wanted, or an increment has no result. */
const NOTHING: u32 = 0;
const PROCESSED: u32 = 1;
const NOT_A_NUMBER: u32 = 2;

function addPair(slot: usize, member: u32, score: f64): u32 {
  const name = argumentAddress(member);
  if (!findMemberArgument(slotEntry(slot), member)) {
    if ((options & ONLY_OLD) != 0) return NOTHING;
    addNewMember(slot, name, argumentBytes(member), score);
    newScore = score;
    added++;
    return PROCESSED;
  }
  if ((options & ONLY_NEW) != 0) return NOTHING;
  newScore = (options & INCREMENTS) != 0 ? memberScore + score : score;
  if (newScore != newScore) return NOT_A_NUMBER;
  if ((options & ONLY_LESS) != 0 && newScore >= memberScore) return NOTHING;
  if ((options & ONLY_GREATER) != 0 && newScore <= memberScore) return NOTHING;
  if (newScore != memberScore) {
    rescoreFound(slot, name, newScore);
    changed++;
  }
  return PROCESSED;
}

/**
 * Has the memory for members in the arguments from `first` on, every `step`th, in the sorted set of argument 1, whose slot is
 * `found`, 0 for none: then it is made. Answers the slot, which is pinned, 0 after replying an error.
 */
export function admitMembers(found: usize, first: u32, step: u32): usize {
  let share: u64 = 0;
  let bytes: u64 = 0;
  let longest: u32 = 0;
  let count: u32 = 0;
  for (let index = first; index < argumentCount; index += step) {
    if (memberTooLong(index)) return 0;
    const length = argumentBytes(index);
    share += cellShare(length, SCORE_BYTES);
    bytes += length;
    longest = max(longest, length);
    count++;
  }
  if (found != 0) pin(slotEntry(found));
  if (!admit(pagesFor(found == 0 ? 0 : slotEntry(found), count, longest, bytes, share))) {
    replyNoMemory();
    return 0;
  }
  return found != 0 ? found : createPackedSet(argumentAddress(1), argumentBytes(1), hashOfArgument(1));
}

/** Pages that so many new members may take in a sorted set, 0 for none yet; as entries of a large one they take `share` bytes. */
function pagesFor(entry: usize, count: u32, longest: u32, bytes: u64, share: u64): u32 {
  if (entry != 0 && isLarge(entry)) return 1 + largePages(min(count, SLAB_CLASSES), count, share);
  const packed = entry == 0 ? 0 : packedCount(entry);
  const held = entry == 0 ? 0 : entryAt(entry).valueBytes;
  if (fitsPacked(packed + count, longest) && fitsPackedBytes(count, bytes + held)) return 1;
  // What was packed takes the rest of its entries beside its bytes.
  const classes = min(count, SLAB_CLASSES) + (entry == 0 ? 0 : packedClasses(entry));
  return 2 + largePages(classes, packed + count, share + held + <u64>packed * cellShare(0, SCORE_BYTES));
}

/** Each class may begin a page. */
function largePages(classes: u32, count: u32, share: u64): u32 {
  return classes + <u32>((share + 0x3fff) >> PAGE_BITS) + pagesToInsert(count);
}

export function registerSortedSetAdd(): void {
  const grow = CommandFlag.Write | CommandFlag.DenyOom | CommandFlag.Fast;
  register(
    "ZADD",
    -4,
    grow,
    1,
    1,
    1,
    zAdd,
    "1.2.0",
    "Adds members with scores to a sorted set, or changes their scores.",
  );
  register("ZINCRBY", 4, grow, 1, 1, 1, zIncrBy, "1.2.0", "Adds a number to the score of a member.");
}
