// Hash commands.

import { CommandFlag, PAGE_BITS, SLAB_CLASSES } from "../../layout";
import { adoptPages, argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { replyArity, replyOverlong } from "../../protocol/command-error";
import { addWork, findArgument, hashOfArgument, readKeyArgument } from "../../protocol/dispatch";
import { TYPE_HASH, typeOf, valueOf } from "../../memory/entry";
import { admit, cellShare } from "../../keyspace/eviction";
import {
  countFields,
  createHash,
  fieldEntry,
  fieldName,
  fieldNameBytes,
  fieldValue,
  fieldValueBytes,
  findField,
  isTable,
  nextField,
  removeField,
  setField,
  startFields,
} from "./hash-value";
import { noteChange, pin, removeKey, shardOf, touchEntry } from "../../keyspace/keyspace";
import {
  replyArray,
  replyBulk,
  replyInteger,
  replyMap,
  replyNoMemory,
  replyNull,
  replyOk,
  replyValue,
  replyWrongType,
} from "../../protocol/reply";
import { recordArguments } from "../../protocol/recording";
import { slotEntry } from "../../memory/table";

/** Slot of the hash in argument 1, 0 when there is none; NOT_A_HASH after replying that it is something else. */
export const NOT_A_HASH: usize = 1;

export function findHash(): usize {
  const slot = findArgument(1);
  if (slot == 0 || typeOf(slotEntry(slot)) == TYPE_HASH) return slot;
  replyWrongType();
  return NOT_A_HASH;
}

/** The same for reading: answers the entry, counts hit or miss. */
export function readHash(): usize {
  const entry = readKeyArgument(1);
  if (entry == 0 || typeOf(entry) == TYPE_HASH) return entry;
  replyWrongType();
  return NOT_A_HASH;
}

export function findFieldArgument(entry: usize, index: u32): bool {
  return !isArgumentPaged(index) && findField(entry, argumentAddress(index), argumentBytes(index));
}

/** The value of the field that the registers show. */
export function replyFieldValue(): void {
  if (fieldEntry != 0) replyValue(fieldEntry);
  else replyBulk(fieldValue, fieldValueBytes);
}

/** True after replying that a field is longer than an entry can hold; fields lie at every second argument from `first`. */
export function fieldTooLong(first: u32): bool {
  for (let index = first; index < argumentCount; index += 2) {
    if (isArgumentPaged(index)) {
      replyOverlong("hash field");
      return true;
    }
  }
  return false;
}

/** Most classes that the fields of a packed hash can need when it becomes a table. */
const UNPACKED_CLASSES: u32 = 24;

/**
 * Finds or makes the hash in argument 1 for setting fields, which take `share` bytes of memory as entries; NOT_A_HASH after
 * replying an error.
 */
export function admitFields(share: u64, fields: u32): usize {
  const found = findHash();
  if (found == NOT_A_HASH) return NOT_A_HASH;
  if (found != 0) pin(slotEntry(found));
  const unpacked = found != 0 && !isTable(slotEntry(found)) ? min(countFields(slotEntry(found)), UNPACKED_CLASSES) : 0;
  // The entry of the hash, a page that each class may begin, the cells of what was packed.
  if (!admit(1 + min(fields + unpacked, SLAB_CLASSES) + <u32>((share + 0x3fff) >> PAGE_BITS))) {
    replyNoMemory();
    return NOT_A_HASH;
  }
  return found != 0 ? found : createHash(argumentAddress(1), argumentBytes(1), hashOfArgument(1));
}

/** Sets a field from two arguments; answers whether it is new. */
function setFromArguments(slot: usize, field: u32, value: u32): bool {
  if (!isArgumentPaged(value)) {
    return setField(slot, argumentAddress(field), argumentBytes(field), argumentAddress(value), argumentBytes(value));
  }
  const isNew = setField(slot, argumentAddress(field), argumentBytes(field), 0, argumentBytes(value));
  adoptPages(value, valueOf(fieldEntry));
  return isNew;
}

/** Sets all pairs; answers how many fields are new, or -1 after replying an error. */
function setAll(): i64 {
  if ((argumentCount & 1) == 1) {
    replyArity();
    return -1;
  }
  if (fieldTooLong(2)) return -1;
  let share: u64 = 0;
  for (let index: u32 = 2; index < argumentCount; index += 2) {
    share += cellShare(argumentBytes(index), argumentBytes(index + 1));
  }
  const slot = admitFields(share, (argumentCount - 2) >> 1);
  if (slot == NOT_A_HASH) return -1;
  let added: i64 = 0;
  for (let index: u32 = 2; index < argumentCount; index += 2) {
    if (setFromArguments(slot, index, index + 1)) added++;
  }
  touchEntry(slotEntry(slot));
  noteChange(hashOfArgument(1));
  recordArguments("HSET");
  return added;
}

function hSet(): void {
  const added = setAll();
  if (added >= 0) replyInteger(added);
}

function hMSet(): void {
  if (setAll() >= 0) replyOk();
}

function hSetNx(): void {
  const found = findHash();
  if (found == NOT_A_HASH) return;
  if (found != 0 && findFieldArgument(slotEntry(found), 2)) {
    replyInteger(0);
    return;
  }
  const added = setAll();
  if (added >= 0) replyInteger(added);
}

function hGet(): void {
  const entry = readHash();
  if (entry == NOT_A_HASH) return;
  if (entry != 0 && findFieldArgument(entry, 2)) replyFieldValue();
  else replyNull();
}

function hMGet(): void {
  const entry = readHash();
  if (entry == NOT_A_HASH) return;
  replyArray(argumentCount - 2);
  for (let index: u32 = 2; index < argumentCount; index++) {
    if (entry != 0 && findFieldArgument(entry, index)) replyFieldValue();
    else replyNull();
  }
}

function hExists(): void {
  const entry = readHash();
  if (entry != NOT_A_HASH) replyInteger(<i64>(entry != 0 && findFieldArgument(entry, 2)));
}

function hStrLen(): void {
  const entry = readHash();
  if (entry == NOT_A_HASH) return;
  replyInteger(entry != 0 && findFieldArgument(entry, 2) ? fieldValueBytes : 0);
}

function hLen(): void {
  const entry = readHash();
  if (entry != NOT_A_HASH) replyInteger(entry == 0 ? 0 : countFields(entry));
}

function hGetAll(): void {
  const entry = readHash();
  if (entry == NOT_A_HASH) return;
  replyMap(entry == 0 ? 0 : countFields(entry));
  replyFields(entry, true, true);
}

function hKeys(): void {
  replyAll(true, false);
}

function hVals(): void {
  replyAll(false, true);
}

function replyAll(names: bool, values: bool): void {
  const entry = readHash();
  if (entry == NOT_A_HASH) return;
  replyArray(entry == 0 ? 0 : countFields(entry));
  replyFields(entry, names, values);
}

function replyFields(entry: usize, names: bool, values: bool): void {
  if (entry == 0) return;
  addWork(countFields(entry) >> 1);
  startFields(entry);
  while (nextField()) {
    if (names) replyBulk(fieldName, fieldNameBytes);
    if (values) replyFieldValue();
  }
}

function hDel(): void {
  const slot = findHash();
  if (slot == NOT_A_HASH) return;
  if (slot == 0) {
    replyInteger(0);
    return;
  }
  let removed = 0;
  for (let index: u32 = 2; index < argumentCount; index++) {
    if (isArgumentPaged(index) || countFields(slotEntry(slot)) == 0) continue;
    if (removeField(slot, argumentAddress(index), argumentBytes(index))) removed++;
  }
  if (removed != 0) {
    noteChange(hashOfArgument(1));
    recordArguments("HDEL");
  }
  if (countFields(slotEntry(slot)) == 0) removeKey(shardOf(hashOfArgument(1)), slot, hashOfArgument(1));
  replyInteger(removed);
}

export function registerHashes(): void {
  const read = CommandFlag.ReadOnly;
  const fast = CommandFlag.Fast;
  const grow = CommandFlag.Write | CommandFlag.DenyOom | CommandFlag.Fast;
  startGroup("hash");
  register("HSET", -4, grow, 1, 1, 1, hSet, "2.0.0", "Sets fields of a hash.");
  register("HMSET", -4, grow, 1, 1, 1, hMSet, "2.0.0", "Sets fields of a hash (the old form of HSET).");
  register("HSETNX", 4, grow, 1, 1, 1, hSetNx, "2.0.0", "Sets a field of a hash when it does not exist.");
  register("HGET", 3, read | fast, 1, 1, 1, hGet, "2.0.0", "Answers the value of a field.");
  register("HMGET", -3, read | fast, 1, 1, 1, hMGet, "2.0.0", "Answers the values of several fields.");
  register("HGETALL", 2, read, 1, 1, 1, hGetAll, "2.0.0", "Answers all fields and values of a hash.");
  register("HDEL", -3, CommandFlag.Write | fast, 1, 1, 1, hDel, "2.0.0", "Deletes fields, and the hash with its last.");
  register("HEXISTS", 3, read | fast, 1, 1, 1, hExists, "2.0.0", "Tells whether a field exists.");
  register("HLEN", 2, read | fast, 1, 1, 1, hLen, "2.0.0", "Counts the fields of a hash.");
  register("HKEYS", 2, read, 1, 1, 1, hKeys, "2.0.0", "Answers the fields of a hash.");
  register("HVALS", 2, read, 1, 1, 1, hVals, "2.0.0", "Answers the values of a hash.");
  register("HSTRLEN", 3, read | fast, 1, 1, 1, hStrLen, "3.2.0", "Answers the length of a field's value.");
}
