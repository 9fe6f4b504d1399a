// SPOP and SRANDMEMBER. Every member is as likely as every other, and what was popped is recorded as removed by name, so
// that a replay draws nothing.

import { CommandFlag, SCRATCH_BASE } from "../../layout";
import { argumentCount, argumentInteger, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, connection, hashOfArgument } from "../../protocol/dispatch";
import { recordKey } from "../../protocol/recording";
import { beginMembers, recordMember, reserveMembers } from "../../protocol/recording-members";
import {
  areRepliesMuted,
  replyArray,
  replyError,
  replyNoMemory,
  replyNotInteger,
  replyNull,
  replySet,
  replySyntaxError,
} from "../../protocol/reply";
import { random } from "../../memory/memory";
import { slotEntry } from "../../memory/table";
import { drawEntry } from "../../memory/table-draw";
import { noteChange, removeKey, shardOf } from "../../keyspace/keyspace";
import { fieldTable } from "../../structures/field-table";
import {
  countMembers,
  drawMember,
  isTable,
  longestMember,
  memberAddress,
  memberBytes,
  nextMember,
  removeMember,
  showEntry,
  showText,
  startMembers,
} from "./set-value";
import { findSet, NOT_A_SET, readSet, removeEmpty, replyMember } from "./sets";

/** Work of drawing a member. */
const WORK_A_DRAW: u32 = 1;

// ---- SPOP

function sPop(): void {
  if (argumentCount > 3) {
    replySyntaxError();
  } else if (argumentCount == 3) {
    popMany();
  } else {
    const slot = findSet(1);
    if (slot == 0) replyNull();
    else if (slot != NOT_A_SET) pop(slot, 1);
  }
}

/** Pops `count` members of a set that has as many at least. */
function pop(slot: usize, count: u32): void {
  const longest = longestMember(slotEntry(slot));
  beginMembers(count, longest);
  for (let left = count; left > 0; left--) {
    drawMember(slotEntry(slot));
    replyMember();
    showText();
    recordMember(memberAddress, memberBytes);
    removeMember(slot, memberAddress, memberBytes);
  }
  noteChange(hashOfArgument(1));
  removeEmpty(slot, 1);
}

function popMany(): void {
  if (!argumentInteger(2) || lastInteger() < 0) {
    replyError("ERR value is out of range, must be positive");
    return;
  }
  const wanted = lastInteger();
  const slot = findSet(1);
  if (slot == NOT_A_SET) return;
  if (slot == 0 || wanted == 0) {
    replySet(0);
    return;
  }
  const size = countMembers(slotEntry(slot));
  if (wanted >= <i64>size) {
    popAll(slot, size);
    return;
  }
  const count = <u32>wanted;
  if (!reserveMembers(count, longestMember(slotEntry(slot)))) {
    replyNoMemory();
    return;
  }
  addWork(count * WORK_A_DRAW);
  replySet(count);
  pop(slot, count);
}

function popAll(slot: usize, size: u32): void {
  addWork(size >> 1);
  replySet(size);
  startMembers(slotEntry(slot));
  while (nextMember()) replyMember();
  removeKey(shardOf(hashOfArgument(1)), slot, hashOfArgument(1));
  recordKey("DEL");
}

// ---- SRANDMEMBER

function sRandMember(): void {
  if (argumentCount > 3) {
    replySyntaxError();
    return;
  }
  if (argumentCount == 3) {
    drawMany();
    return;
  }
  const entry = readSet(1);
  if (entry == NOT_A_SET) return;
  if (entry == 0) {
    replyNull();
    return;
  }
  drawMember(entry);
  replyMember();
}

function drawMany(): void {
  if (!argumentInteger(2)) {
    replyNotInteger();
    return;
  }
  const count = lastInteger();
  if (count == i64.MIN_VALUE) {
    replyError("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
    return;
  }
  const entry = readSet(1);
  if (entry == NOT_A_SET) return;
  if (entry == 0 || count == 0) replyArray(0);
  else if (count < 0) drawRepeated(entry, <u64>-count);
  else drawDistinct(entry, <u32>min<i64>(count, countMembers(entry)));
}

/** Any member, any number of times; ends early when the replies go nowhere: over the connection's limit, or muted. */
function drawRepeated(entry: usize, count: u64): void {
  replyArray(<u32>min<u64>(count, u32.MAX_VALUE));
  addWork(<u32>min<u64>(count, 1 << 20) * WORK_A_DRAW);
  for (let drawn: u64 = 0; drawn < count && !connection.overflowed && !areRepliesMuted(); drawn++) {
    drawMember(entry);
    replyMember();
  }
}

/** With so many members for each that is wanted, drawing until another one comes is cheaper than a walk. */
const SPARSE_SHIFT: u32 = 3;
/** Members drawn at most so: their addresses fill half of the places in scratch memory. */
const NOTED_MAX: u32 = 1 << 16;

function drawDistinct(entry: usize, count: u32): void {
  replyArray(count);
  if (isTable(entry) && count <= NOTED_MAX && count < countMembers(entry) >> SPARSE_SHIFT) drawSparsely(entry, count);
  else drawWalking(entry, count);
}

/** Draws again when a member was drawn before. */
function drawSparsely(entry: usize, count: u32): void {
  addWork(count * WORK_A_DRAW);
  const table = fieldTable(entry);
  let places: u32 = 16;
  while (places < count << 1) places <<= 1;
  memory.fill(SCRATCH_BASE, 0, places << 2);
  for (let left = count; left > 0; ) {
    const drawn = drawEntry(table);
    if (!noteDrawn(<u32>drawn, places)) continue;
    showEntry(drawn);
    replyMember();
    left--;
  }
}

/** Notes an address among `places`, a power of two; false when it is there already. */
function noteDrawn(address: u32, places: u32): bool {
  let place = ((address * 0x9e3779b1) >> 8) & (places - 1);
  while (true) {
    const at = SCRATCH_BASE + (place << 2);
    const held = load<u32>(at);
    if (held == address) return false;
    if (held == 0) {
      store<u32>(at, address);
      return true;
    }
    place = (place + 1) & (places - 1);
  }
}

/** Goes through all members, each taken with the chance that fills the rest. */
function drawWalking(entry: usize, count: u32): void {
  let left = countMembers(entry);
  let wanted = count;
  addWork(left >> 1);
  startMembers(entry);
  while (wanted > 0 && nextMember()) {
    if (<u32>(((random() >> 32) * left) >> 32) < wanted) {
      replyMember();
      wanted--;
    }
    left--;
  }
}

export function registerRandomMembers(): void {
  const write = CommandFlag.Write | CommandFlag.Fast;
  register("SPOP", -2, write, 1, 1, 1, sPop, "1.0.0", "Removes random members of a set and answers them.");
  register("SRANDMEMBER", -2, CommandFlag.ReadOnly, 1, 1, 1, sRandMember, "1.0.0", "Answers random members of a set.");
}
