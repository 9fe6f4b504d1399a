// When elements of a vector set die: VEXPIRE, VTTL, VPERSIST and what goes with them. Forms, replies and error texts are
// those that Redis has for the fields of a hash (HEXPIRE, HTTL, HPERSIST), with ELEMENTS where those say FIELDS: an array
// with a number for each element, -2 for one that is not there.

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
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { addIntegerPart, addWordPart, beginRecord } from "../../effects/record";
import { admit } from "../../keyspace/eviction";
import { clock, findKey, noteChange, pin, readSlot, removeKey, shardOf } from "../../keyspace/keyspace";
import { slotEntry } from "../../memory/table";
import { addArgument, endEffect, isRecording, partBytes } from "../../protocol/recording";
import {
  replyArray,
  replyError,
  replyInteger,
  replyNoMemory,
  replyNotInteger,
  replyWrongType,
} from "../../protocol/reply";
import { PROGRAM_BASE, PROGRAM_BYTES } from "../../vectors/vector-scratch";
import { deathOf, pagesForDeaths, setDeath } from "../../vectors/upkeep/deaths";
import { NONE, VectorSet } from "../../vectors/vectorset";
import { findElement, isVectorSet, liveSlot, removeElement, setOf, workOfUnlinking } from "./elements";
import { EXPIRY_INVALID, replyInvalidExpiry } from "../keys/expiry-argument";

const NOT_THERE: i32 = -2;
const NEVER: i32 = -1;
const UNMET: i32 = 0;
const SET: i32 = 1;
const REMOVED: i32 = 2;

const enum When {
  Always = 0,
  /** The element does not die so far. */
  None = 1,
  Any = 2,
  Later = 3,
  Earlier = 4,
}

/** Bytes of the words and numbers of a record. */
const WORDS_BYTES: u32 = 160;

let when: When = When.Always;
/** The first argument that names an element; all behind it do. */
let firstElement: u32 = 0;

/** Reads `ELEMENTS count element …` from argument `index` on; false after replying an error. */
function parseElements(index: u32): bool {
  if (index + 1 >= argumentCount || !argumentIs(index, "ELEMENTS"))
    return refuse("ERR Mandatory argument ELEMENTS is missing or not at the right position");
  if (!argumentInteger(index + 1) || lastInteger() <= 0)
    return refuse("ERR Parameter `numElements` should be greater than 0");
  firstElement = index + 2;
  if (lastInteger() == <i64>argumentCount - firstElement && argumentCount <= PROGRAM_BYTES) return true;
  return refuse("ERR The `numElements` parameter must match the number of arguments");
}

function refuse(words: string): bool {
  replyError(words);
  return false;
}

/** Slot of the set in argument 1, 0 when there is none; NOT_A_SET after replying that it is something else. */
const NOT_A_SET: usize = 1;
function findSet(): usize {
  const slot = liveSlot(findArgument(1), hashOfArgument(1));
  if (slot == 0 || isVectorSet(slotEntry(slot))) return slot;
  replyWrongType();
  return NOT_A_SET;
}

function replyNobody(): void {
  replyArray(argumentCount - firstElement);
  for (let index = firstElement; index < argumentCount; index++) replyInteger(NOT_THERE);
}

// ---- VEXPIRE, VPEXPIRE, VEXPIREAT, VPEXPIREAT

/** Reads the time in argument 2; -1 after replying an error. One that has passed is as good as 0. */
function parseTime(seconds: bool, relative: bool): i64 {
  if (!argumentInteger(2)) {
    replyNotInteger();
    return -1;
  }
  const given = lastInteger();
  if (given < 0 || (seconds && given > i64.MAX_VALUE / 1000)) {
    replyInvalidExpiry(EXPIRY_INVALID);
    return -1;
  }
  const ms = seconds ? given * 1000 : given;
  if (!relative) return ms;
  if (ms <= i64.MAX_VALUE - clock) return ms + clock;
  replyInvalidExpiry(EXPIRY_INVALID);
  return -1;
}

function parseCondition(): u32 {
  when = When.Always;
  if (argumentIs(3, "NX")) when = When.None;
  else if (argumentIs(3, "XX")) when = When.Any;
  else if (argumentIs(3, "GT")) when = When.Later;
  else if (argumentIs(3, "LT")) when = When.Earlier;
  else return 3;
  return 4;
}

/** Whether the condition lets an element that dies at `death` (0 for never) die at `time`. Never is later than any time. */
function isMet(death: i64, time: i64): bool {
  if (when == When.None) return death == 0;
  if (when == When.Any) return death != 0;
  if (when == When.Later) return death != 0 && time > death;
  if (when == When.Earlier) return death == 0 || time < death;
  return true;
}

function expireWith(seconds: bool, relative: bool): void {
  const time = parseTime(seconds, relative);
  if (time < 0 || !parseElements(parseCondition())) return;
  const found = findSet();
  if (found == NOT_A_SET) return;
  if (found == 0) {
    replyNobody();
    return;
  }
  const elements = argumentCount - firstElement;
  pin(slotEntry(found));
  if (time > clock && !admit(pagesForDeaths(setOf(slotEntry(found)), elements))) {
    replyNoMemory();
    return;
  }
  addWork(elements);
  const hash = hashOfArgument(1);
  const slot = findKey(argumentAddress(1), argumentBytes(1), hash);
  const set = setOf(slotEntry(slot));
  let changed: u32 = 0;
  for (let index: u32 = 0; index < elements; index++) {
    const outcome = expireOne(set, firstElement + index, time, hash);
    store<i8>(PROGRAM_BASE + index, <i8>outcome);
    changed += <u32>(outcome > UNMET);
  }
  if (changed != 0) {
    noteChange(hash);
    recordDeaths(changed, time);
  }
  if (set.count == 0) removeKey(shardOf(hash), slot, hash);
  replyArray(elements);
  for (let index: u32 = 0; index < elements; index++) replyInteger(load<i8>(PROGRAM_BASE + index));
}

/** Lets the element that an argument names die at a time, or removes it when that has passed. */
function expireOne(set: VectorSet, index: u32, time: i64, hash: u64): i32 {
  const id = findElement(set, index);
  if (id == NONE) return NOT_THERE;
  if (!isMet(deathOf(set, id), time)) return UNMET;
  if (time > clock) {
    setDeath(set, id, time, hash);
    return SET;
  }
  addWork(workOfUnlinking(set));
  removeElement(set, id);
  return REMOVED;
}

/** Records the time of those elements whose outcome says that something was done: replayed at the same time it does the same. */
function recordDeaths(changed: u32, time: i64): void {
  if (!isRecording()) return;
  beginChanged(changed, 3);
  addWordPart("VPEXPIREAT");
  addArgument(1);
  addIntegerPart(time);
  addChanged(changed);
}

function beginChanged(changed: u32, parts: u32): void {
  let bound: u64 = WORDS_BYTES + partBytes(1);
  for (let index = firstElement; index < argumentCount; index++) bound += partBytes(index);
  beginRecord(parts + 2 + changed, bound);
}

function addChanged(changed: u32): void {
  addWordPart("ELEMENTS");
  addIntegerPart(changed);
  for (let index = firstElement; index < argumentCount; index++) {
    if (<i32>load<i8>(PROGRAM_BASE + index - firstElement) > UNMET) addArgument(index);
  }
  endEffect();
}

function vExpire(): void {
  expireWith(true, true);
}

function vPExpire(): void {
  expireWith(false, true);
}

function vExpireAt(): void {
  expireWith(true, false);
}

function vPExpireAt(): void {
  expireWith(false, false);
}

// ---- VPERSIST

function vPersist(): void {
  if (!parseElements(2)) return;
  const slot = findSet();
  if (slot == NOT_A_SET) return;
  if (slot == 0) {
    replyNobody();
    return;
  }
  const set = setOf(slotEntry(slot));
  const elements = argumentCount - firstElement;
  addWork(elements);
  let changed: u32 = 0;
  for (let index: u32 = 0; index < elements; index++) {
    const id = findElement(set, firstElement + index);
    const outcome: i32 = id == NONE ? NOT_THERE : deathOf(set, id) == 0 ? NEVER : SET;
    if (outcome == SET) setDeath(set, id, 0, 0);
    store<i8>(PROGRAM_BASE + index, <i8>outcome);
    changed += <u32>(outcome == SET);
  }
  if (changed != 0) {
    noteChange(hashOfArgument(1));
    if (isRecording()) {
      beginChanged(changed, 2);
      addWordPart("VPERSIST");
      addArgument(1);
      addChanged(changed);
    }
  }
  replyArray(elements);
  for (let index: u32 = 0; index < elements; index++) replyInteger(load<i8>(PROGRAM_BASE + index));
}

// ---- VTTL, VPTTL, VEXPIRETIME, VPEXPIRETIME

function replyTimes(seconds: bool, from: i64): void {
  if (!parseElements(2)) return;
  const slot = findSet();
  if (slot == NOT_A_SET) return;
  const entry = readSlot(slot);
  if (entry == 0) {
    replyNobody();
    return;
  }
  const set = setOf(entry);
  addWork(argumentCount - firstElement);
  replyArray(argumentCount - firstElement);
  for (let index = firstElement; index < argumentCount; index++) {
    const id = findElement(set, index);
    const death = id == NONE ? 0 : deathOf(set, id);
    if (death == 0) replyInteger(id == NONE ? NOT_THERE : NEVER);
    else replyInteger(seconds ? (death - from - 1) / 1000 + 1 : death - from);
  }
}

function vTtl(): void {
  replyTimes(true, clock);
}

function vPTtl(): void {
  replyTimes(false, clock);
}

function vExpireTime(): void {
  replyTimes(true, 0);
}

function vPExpireTime(): void {
  replyTimes(false, 0);
}

export function registerVectorExpiry(): void {
  const read = CommandFlag.ReadOnly | CommandFlag.Fast;
  const write = CommandFlag.Write;
  const grow = CommandFlag.Write | CommandFlag.DenyOom;
  register("VEXPIRE", -6, grow, 1, 1, 1, vExpire, "8.0.0", "Sets the seconds that elements live.");
  register("VPEXPIRE", -6, grow, 1, 1, 1, vPExpire, "8.0.0", "Sets the milliseconds that elements live.");
  register("VEXPIREAT", -6, grow, 1, 1, 1, vExpireAt, "8.0.0", "Sets when elements die, in seconds since epoch.");
  register(
    "VPEXPIREAT",
    -6,
    grow,
    1,
    1,
    1,
    vPExpireAt,
    "8.0.0",
    "Sets when elements die, in milliseconds since epoch.",
  );
  register("VPERSIST", -5, write, 1, 1, 1, vPersist, "8.0.0", "Lets elements live for ever.");
  register("VTTL", -5, read, 1, 1, 1, vTtl, "8.0.0", "Answers the seconds that elements still live.");
  register("VPTTL", -5, read, 1, 1, 1, vPTtl, "8.0.0", "Answers the milliseconds that elements still live.");
  register(
    "VEXPIRETIME",
    -5,
    read,
    1,
    1,
    1,
    vExpireTime,
    "8.0.0",
    "Answers when elements die, in seconds since epoch.",
  );
  register(
    "VPEXPIRETIME",
    -5,
    read,
    1,
    1,
    1,
    vPExpireTime,
    "8.0.0",
    "Answers when elements die, in milliseconds since epoch.",
  );
}
