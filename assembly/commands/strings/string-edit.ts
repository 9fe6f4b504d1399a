// String commands that read or change a part of a value.

import { CommandFlag, PAGE_BITS, PAGE_BYTES } from "../../layout";
import { argumentAddress, argumentBytes, argumentInteger, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, findArgument, hashOfArgument, readKeyArgument } from "../../protocol/dispatch";
import { entryAt, isPaged, TYPE_STRING, typeOf, valueOf, zeroValue } from "../../memory/entry";
import { admitEntry } from "../../keyspace/eviction";
import { findKey, noteChange, touchEntry } from "../../keyspace/keyspace";
import {
  beginBulk,
  endBulk,
  replyBulk,
  replyBytes,
  replyError,
  replyInteger,
  replyNoMemory,
  replyNotInteger,
  replyTooLong,
  replyWrongType,
} from "../../protocol/reply";
import { recordArguments, recordString } from "../../protocol/recording";
import { valueBytesMax } from "../../memory/settings";
import { admitResize, admitValue, createZeroed, NEVER, resizeString, setString, writeArgument } from "./string-value";
import { slotEntry } from "../../memory/table";

/** Bytes written for a unit of work, as a power of two. */
const WORK_SHIFT: u32 = 9;

function strLen(): void {
  const entry = readKeyArgument(1);
  if (entry != 0 && typeOf(entry) != TYPE_STRING) replyWrongType();
  else replyInteger(entry == 0 ? 0 : entryAt(entry).valueBytes);
}

function append(): void {
  const hash = hashOfArgument(1);
  const slot = findKey(argumentAddress(1), argumentBytes(1), hash);
  if (slot == 0) {
    if (!admitValue(1, 2, false)) {
      replyNoMemory();
      return;
    }
    setString(0, hash, 1, 2, NEVER);
    recordString(1, 2, NEVER);
    replyInteger(argumentBytes(2));
    return;
  }
  extend(slot, entryAt(slotEntry(slot)).valueBytes);
}

/** APPEND to an existing value of `bytes`; replies. */
function extend(slot: usize, bytes: u32): void {
  const added = argumentBytes(2);
  if (typeOf(slotEntry(slot)) != TYPE_STRING) {
    replyWrongType();
  } else if (<u64>bytes + added > valueBytesMax()) {
    replyTooLong();
  } else if (!admitResize(slot, bytes + added)) {
    replyNoMemory();
  } else {
    const entry = resizeString(slot, bytes + added);
    addWork(added >> WORK_SHIFT);
    writeArgument(entry, bytes, 2);
    touchEntry(entry);
    noteChange(hashOfArgument(1));
    if (added != 0) recordArguments("APPEND");
    replyInteger(bytes + added);
  }
}

function setRange(): void {
  if (!argumentInteger(2)) {
    replyNotInteger();
    return;
  }
  const offset = lastInteger();
  const added = argumentBytes(3);
  if (offset < 0) {
    replyError("ERR offset is out of range");
    return;
  }
  const slot = findArgument(1);
  const bytes = slot == 0 ? 0 : entryAt(slotEntry(slot)).valueBytes;
  if (slot != 0 && typeOf(slotEntry(slot)) != TYPE_STRING) {
    replyWrongType();
  } else if (added == 0) {
    replyInteger(bytes);
  } else if (offset > <i64>valueBytesMax() - <i64>added) {
    replyTooLong();
  } else {
    overlay(slot, bytes, <u32>offset, added);
  }
}

/** Writes argument 3 at `offset`, zeroes between the old end and it; replies. */
function overlay(slot: usize, bytes: u32, offset: u32, added: u32): void {
  const longer = max(bytes, offset + added);
  const admitted = slot == 0 ? admitEntry(argumentBytes(1), longer, false) : admitResize(slot, longer);
  if (!admitted) {
    replyNoMemory();
    return;
  }
  addWork((longer - bytes + added) >> WORK_SHIFT);
  const entry = slot == 0 ? createZeroed(1, hashOfArgument(1), longer) : resizeString(slot, longer);
  if (slot != 0 && offset > bytes) zeroValue(entry, bytes, offset - bytes);
  writeArgument(entry, offset, 3);
  touchEntry(entry);
  noteChange(hashOfArgument(1));
  recordArguments("SETRANGE");
  replyInteger(longer);
}

function getRange(): void {
  if (!argumentInteger(2)) {
    replyNotInteger();
    return;
  }
  let start = lastInteger();
  if (!argumentInteger(3)) {
    replyNotInteger();
    return;
  }
  let end = lastInteger();
  const entry = readKeyArgument(1);
  if (entry != 0 && typeOf(entry) != TYPE_STRING) {
    replyWrongType();
    return;
  }
  const bytes = entry == 0 ? 0 : <i64>entryAt(entry).valueBytes;
  if (start < 0) start += bytes;
  if (end < 0) end += bytes;
  // From 8.0 on; before, an end before the first byte stood for that byte.
  const isEmpty = end < 0 || start > end;
  start = max<i64>(start, 0);
  end = min<i64>(end, bytes - 1);
  if (isEmpty || start > end) replyBulk(0, 0);
  else replyPart(entry, <u32>start, <u32>(end - start + 1));
}

function replyPart(entry: usize, offset: u32, bytes: u32): void {
  if (!isPaged(entry)) {
    replyBulk(valueOf(entry) + offset, bytes);
    return;
  }
  const list = valueOf(entry);
  beginBulk(bytes);
  while (bytes > 0) {
    const within = offset & (PAGE_BYTES - 1);
    const piece = min(bytes, PAGE_BYTES - within);
    replyBytes(<usize>load<u32>(list + ((offset >> PAGE_BITS) << 2)) + within, piece);
    offset += piece;
    bytes -= piece;
  }
  endBulk();
}

export function registerStringEdits(): void {
  const read = CommandFlag.ReadOnly;
  const grow = CommandFlag.Write | CommandFlag.DenyOom;
  register("STRLEN", 2, read | CommandFlag.Fast, 1, 1, 1, strLen, "2.2.0", "Answers the length of a string value.");
  register("APPEND", 3, grow | CommandFlag.Fast, 1, 1, 1, append, "2.0.0", "Appends to a string value, or makes it.");
  register("SETRANGE", 4, grow, 1, 1, 1, setRange, "2.2.0", "Overwrites part of a string value from an offset on.");
  register("GETRANGE", 4, read, 1, 1, 1, getRange, "2.4.0", "Answers part of a string value.");
  register("SUBSTR", 4, read, 1, 1, 1, getRange, "1.0.0", "Answers part of a string value (the old name of GETRANGE).");
}
