// Set commands on single members.

import { CommandFlag, PAGE_BITS, SLAB_CLASSES } from "../../layout";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { replyOverlong } from "../../protocol/command-error";
import { addWork, findArgument, hashOfArgument, readKeyArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import {
  replyArray,
  replyBulk,
  replyInteger,
  replyIntegerBulk,
  replyNoMemory,
  replySet,
  replyWrongType,
} from "../../protocol/reply";
import { TYPE_SET, typeOf } from "../../memory/entry";
import { packedSetEntries, packedSetValue } from "../../memory/settings";
import { slotEntry } from "../../memory/table";
import { admit, cellShare } from "../../keyspace/eviction";
import { insertKey, noteChange, pin, removeKey, shardOf, touchEntry } from "../../keyspace/keyspace";
import { INTEGER_TEXT_BYTES, parseInteger } from "../../text/number";
import {
  addMember,
  countMembers,
  createSet,
  hasMember,
  isIntegers,
  isTable,
  memberAddress,
  memberBytes,
  memberIsNumber,
  memberNumber,
  nextMember,
  PACKED_BYTES_MAX,
  packedTextBytes,
  removeMember,
  startMembers,
} from "./set-value";

/** Stands for an entry or slot after replying that the key holds something else, or that there is no memory. */
export const NOT_A_SET: usize = 1;

/** Slot of the set whose key is an argument, 0 when there is none. */
export function findSet(index: u32): usize {
  const slot = findArgument(index);
  if (slot == 0 || typeOf(slotEntry(slot)) == TYPE_SET) return slot;
  replyWrongType();
  return NOT_A_SET;
}

/** The same for reading: answers the entry, counts hit or miss. */
export function readSet(index: u32): usize {
  const entry = readKeyArgument(index);
  if (entry == 0 || typeOf(entry) == TYPE_SET) return entry;
  replyWrongType();
  return NOT_A_SET;
}

/** The member that the registers show. */
export function replyMember(): void {
  if (memberIsNumber) replyIntegerBulk(memberNumber);
  else replyBulk(memberAddress, memberBytes);
}

function hasArgument(entry: usize, index: u32): bool {
  return entry != 0 && !isArgumentPaged(index) && hasMember(entry, argumentAddress(index), argumentBytes(index));
}

/** Removes the key of a set that has lost its last member. */
export function removeEmpty(slot: usize, index: u32): void {
  if (countMembers(slotEntry(slot)) == 0) removeKey(shardOf(hashOfArgument(index)), slot, hashOfArgument(index));
}

// ---- admission

/** Most classes that the members of a packed set can need when it becomes a table. */
const UNPACKED_CLASSES: u32 = 36;
/** Bytes of a cell, a slot and a word of the queue beside a member's own. */
const ENTRY_SHARE: u32 = 48;

/** Pages that a set may take when it becomes a table; 0 when so many members more, so long, leave it packed. */
function pagesOfUnpacking(entry: usize, members: u32, longest: u32): u32 {
  if (isTable(entry)) return 0;
  const count = countMembers(entry) + members;
  const bytes = packedTextBytes(entry) + members * (longest + 1);
  const staysPacked = count <= packedSetEntries() && longest <= packedSetValue() && bytes <= PACKED_BYTES_MAX;
  if (staysPacked && (!isIntegers(entry) || packedSetValue() >= INTEGER_TEXT_BYTES)) return 0;
  const share = packedTextBytes(entry) + countMembers(entry) * ENTRY_SHARE;
  return min(countMembers(entry), UNPACKED_CLASSES) + ((share + 0x3fff) >> PAGE_BITS);
}

/**
 * Makes room for adding the arguments from `first` to `last` to the set whose key is an argument; answers its slot, 0 when
 * it is not there yet, NOT_A_SET after replying an error.
 */
export function admitMembers(key: u32, first: u32, last: u32): usize {
  const found = findSet(key);
  if (found == NOT_A_SET) return NOT_A_SET;
  const count = last - first + 1;
  let share: u64 = 0;
  let longest: u32 = 0;
  for (let index = first; index <= last; index++) {
    const bytes = argumentBytes(index);
    share += cellShare(bytes, 0);
    longest = max(longest, bytes);
  }
  let pages = 1 + min(count, SLAB_CLASSES) + <u32>((share + 0x3fff) >> PAGE_BITS);
  if (found != 0) {
    pin(slotEntry(found));
    pages += pagesOfUnpacking(slotEntry(found), count, longest);
  }
  if (admit(pages)) return found;
  replyNoMemory();
  return NOT_A_SET;
}

/** True after replying that a member is longer than an entry can hold. */
export function memberTooLong(first: u32, last: u32): bool {
  for (let index = first; index <= last; index++) {
    if (isArgumentPaged(index)) {
      replyOverlong("set member");
      return true;
    }
  }
  return false;
}

/** Makes the set that `member`, an argument, is about to be the first of. */
function createFor(key: u32, member: u32): usize {
  const ofIntegers = parseInteger(argumentAddress(member), argumentBytes(member));
  return insertKey(createSet(argumentAddress(key), argumentBytes(key), ofIntegers), hashOfArgument(key));
}

// ---- commands

function sAdd(): void {
  const last = argumentCount - 1;
  if (memberTooLong(2, last)) return;
  let slot = admitMembers(1, 2, last);
  if (slot == NOT_A_SET) return;
  if (slot == 0) slot = createFor(1, 2);
  let added = 0;
  for (let index: u32 = 2; index <= last; index++) {
    if (addMember(slot, argumentAddress(index), argumentBytes(index))) added++;
  }
  touchEntry(slotEntry(slot));
  if (added != 0) {
    noteChange(hashOfArgument(1));
    recordArguments("SADD");
  }
  replyInteger(added);
}

function sRem(): void {
  const slot = findSet(1);
  if (slot == NOT_A_SET) return;
  let removed = 0;
  for (let index: u32 = 2; slot != 0 && index < argumentCount; index++) {
    if (isArgumentPaged(index) || countMembers(slotEntry(slot)) == 0) continue;
    if (removeMember(slot, argumentAddress(index), argumentBytes(index))) removed++;
  }
  if (removed != 0) {
    noteChange(hashOfArgument(1));
    recordArguments("SREM");
    removeEmpty(slot, 1);
  }
  replyInteger(removed);
}

function sIsMember(): void {
  const entry = readSet(1);
  if (entry != NOT_A_SET) replyInteger(<i64>hasArgument(entry, 2));
}

function sMIsMember(): void {
  const entry = readSet(1);
  if (entry == NOT_A_SET) return;
  replyArray(argumentCount - 2);
  for (let index: u32 = 2; index < argumentCount; index++) replyInteger(<i64>hasArgument(entry, index));
}

function sCard(): void {
  const entry = readSet(1);
  if (entry != NOT_A_SET) replyInteger(entry == 0 ? 0 : countMembers(entry));
}

function sMembers(): void {
  const entry = readSet(1);
  if (entry == NOT_A_SET) return;
  const count = entry == 0 ? 0 : countMembers(entry);
  addWork(count >> 1);
  replySet(count);
  startMembers(entry);
  while (nextMember()) replyMember();
}

/** Moves the member in argument 3 from the set in argument 1 to that in argument 2. */
function sMove(): void {
  const source = findArgument(1);
  if (source == 0) {
    replyInteger(0);
    return;
  }
  if (findSet(1) == NOT_A_SET) return;
  const target = findSet(2);
  if (target == NOT_A_SET) return;
  if (!hasArgument(slotEntry(source), 3)) {
    replyInteger(0);
  } else if (target == source) {
    replyInteger(1);
  } else {
    moveMember();
  }
}

/** Making room may evict the source, and then there is nothing to move. */
function moveMember(): void {
  let target = admitMembers(2, 3, 3);
  if (target == NOT_A_SET) return;
  const source = findArgument(1);
  if (source == 0) {
    replyInteger(0);
    return;
  }
  removeMember(source, argumentAddress(3), argumentBytes(3));
  noteChange(hashOfArgument(1));
  removeEmpty(source, 1);
  target = findArgument(2);
  if (target == 0) target = createFor(2, 3);
  if (addMember(target, argumentAddress(3), argumentBytes(3))) noteChange(hashOfArgument(2));
  touchEntry(slotEntry(target));
  recordArguments("SMOVE");
  replyInteger(1);
}

export function registerSets(): void {
  const read = CommandFlag.ReadOnly;
  const fast = CommandFlag.Fast;
  const write = CommandFlag.Write | fast;
  const grow = CommandFlag.Write | CommandFlag.DenyOom | fast;
  startGroup("set");
  register("SADD", -3, grow, 1, 1, 1, sAdd, "1.0.0", "Adds members to a set.");
  register("SREM", -3, write, 1, 1, 1, sRem, "1.0.0", "Removes members, and the set with its last.");
  register("SISMEMBER", 3, read | fast, 1, 1, 1, sIsMember, "1.0.0", "Tells whether a set has a member.");
  register("SMISMEMBER", -3, read | fast, 1, 1, 1, sMIsMember, "6.2.0", "Tells of each member whether a set has it.");
  register("SCARD", 2, read | fast, 1, 1, 1, sCard, "1.0.0", "Counts the members of a set.");
  register("SMEMBERS", 2, read, 1, 1, 1, sMembers, "1.0.0", "Answers all members of a set.");
  register("SMOVE", 4, write, 1, 2, 1, sMove, "1.0.0", "Moves a member from one set to another.");
}
