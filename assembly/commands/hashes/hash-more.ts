// Hash commands that count, draw and scan.

import { CommandFlag, SCRATCH_BASE } from "../../layout";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { parseDecimalU64, parsedU64 } from "../../text/cursor";
import { addWork, connection, hashOfArgument } from "../../protocol/dispatch";
import { isPaged } from "../../memory/entry";
import { cellShare } from "../../keyspace/eviction";
import { matchGlob } from "../../text/glob";
import {
  countFields,
  fieldEntry,
  fieldName,
  fieldNameBytes,
  fieldValue,
  fieldValueBytes,
  isTable,
  nextField,
  setField,
  showField,
  startFields,
} from "./hash-value";
import {
  admitFields,
  fieldTooLong,
  findFieldArgument,
  findHash,
  NOT_A_HASH,
  readHash,
  replyFieldValue,
} from "./hashes";
import { addToText, NOT_FINITE, TEXT_BASE } from "../strings/increments";
import { noteChange, touchEntry } from "../../keyspace/keyspace";
import { random } from "../../memory/memory";
import { DecimalError } from "../../text/number-long-double";
import { formatInteger, parsedInteger, parseInteger } from "../../text/number";
import {
  areRepliesMuted,
  protocol,
  replyArray,
  replyBulk,
  replyError,
  replyInteger,
  replyIntegerBulk,
  replyNotInteger,
  replyNull,
  replySyntaxError,
} from "../../protocol/reply";
import { recordField } from "../../protocol/recording";
import { fieldTable } from "../../structures/field-table";
import { parseScanOptions, ScanOf, scanCount, scanNoValues, scanPattern } from "../keys/keys";
import { slotEntry } from "../../memory/table";
import { randomEntry, SCAN_END, scanNext, scanTable } from "../../memory/table-walk";

/** Sets the field of argument 2 to a text in scratch memory; false after replying an error. */
export function setFieldText(bytes: u32, text: usize): bool {
  const slot = admitFields(cellShare(argumentBytes(2), bytes), 1);
  if (slot == NOT_A_HASH) return false;
  setField(slot, argumentAddress(2), argumentBytes(2), text, bytes);
  touchEntry(slotEntry(slot));
  noteChange(hashOfArgument(1));
  recordField(text, bytes);
  return true;
}

function hIncrBy(): void {
  if (!argumentInteger(3)) {
    replyNotInteger();
    return;
  }
  const by = lastInteger();
  const found = findHash();
  if (found == NOT_A_HASH || fieldTooLong(2)) return;
  let value: i64 = 0;
  if (found != 0 && findFieldArgument(slotEntry(found), 2)) {
    if ((fieldEntry != 0 && isPaged(fieldEntry)) || !parseInteger(fieldValue, fieldValueBytes)) {
      replyError("ERR hash value is not an integer");
      return;
    }
    value = parsedInteger;
  }
  if (by > 0 ? value > i64.MAX_VALUE - by : value < i64.MIN_VALUE - by) {
    replyError("ERR increment or decrement would overflow");
    return;
  }
  value += by;
  if (setFieldText(formatInteger(value, TEXT_BASE), TEXT_BASE)) replyInteger(value);
}

function hIncrByFloat(): void {
  const increment = isArgumentPaged(3) ? DecimalError.SecondInvalid : addToText(0, 0, 3);
  if (increment < 0) {
    replyFloatError(increment);
    return;
  }
  const found = findHash();
  if (found == NOT_A_HASH || fieldTooLong(2)) return;
  const present = found != 0 && findFieldArgument(slotEntry(found), 2);
  if (present && fieldEntry != 0 && isPaged(fieldEntry)) {
    replyError("ERR hash value is not a float");
    return;
  }
  const bytes = addToText(present ? fieldValue : 0, present ? fieldValueBytes : 0, 3);
  if (bytes < 0) {
    replyFloatError(bytes);
    return;
  }
  if (setFieldText(bytes, TEXT_BASE)) replyBulk(TEXT_BASE, bytes);
}

/** What addDecimal's statuses mean for a field. */
function replyFloatError(status: i32): void {
  if (status == DecimalError.SecondInvalid) replyError("ERR value is not a valid float");
  else if (status == DecimalError.FirstInvalid) replyError("ERR hash value is not a float");
  else if (status == DecimalError.NotFinite) replyError(NOT_FINITE);
  else replyError("ERR value is NaN or Infinity");
}

// ---- HSCAN

/** Addresses that scanTable may write beyond the count asked for stay below the texts at the end of scratch. */
function hScan(): void {
  if (!parseDecimalU64(argumentAddress(2), argumentBytes(2))) {
    replyError("ERR invalid cursor");
    return;
  }
  const from = <u32>parsedU64;
  const entry = readHash();
  if (entry == NOT_A_HASH) return;
  if (entry == 0) {
    beginScan(0, 0);
    return;
  }
  if (!parseScanOptions(3, ScanOf.Hash)) return;
  if (!isTable(entry)) {
    scanPacked(entry);
    return;
  }
  const found = scanTable(fieldTable(entry), from, scanCount, SCRATCH_BASE);
  addWork(found >> 2);
  let kept: u32 = 0;
  for (let index: u32 = 0; index < found; index++) {
    const field = load<u32>(SCRATCH_BASE + (index << 2));
    showField(field);
    if (fieldMatches()) store<u32>(SCRATCH_BASE + (kept++ << 2), field);
  }
  beginScan(scanNext == SCAN_END ? 0 : scanNext, kept);
  for (let index: u32 = 0; index < kept; index++) {
    showField(load<u32>(SCRATCH_BASE + (index << 2)));
    replyScanned();
  }
}

function fieldMatches(): bool {
  return (
    scanPattern == 0 || matchGlob(argumentAddress(scanPattern), argumentBytes(scanPattern), fieldName, fieldNameBytes)
  );
}

function beginScan(cursor: i64, fields: u32): void {
  replyArray(2);
  replyIntegerBulk(cursor);
  replyArray(scanNoValues ? fields : fields << 1);
}

function replyScanned(): void {
  replyBulk(fieldName, fieldNameBytes);
  if (!scanNoValues) replyFieldValue();
}

/** A packed hash is answered whole, as Redis does. */
function scanPacked(entry: usize): void {
  let matching: u32 = 0;
  startFields(entry);
  while (nextField()) if (fieldMatches()) matching++;
  beginScan(0, matching);
  startFields(entry);
  while (nextField()) if (fieldMatches()) replyScanned();
}

// ---- HRANDFIELD

function hRandField(): void {
  if (argumentCount == 2) {
    const entry = readHash();
    if (entry == NOT_A_HASH) return;
    if (entry == 0) {
      replyNull();
      return;
    }
    drawField(entry);
    replyBulk(fieldName, fieldNameBytes);
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
  const withValues = argumentCount == 4 && argumentIs(3, "WITHVALUES");
  if (argumentCount > 4 || (argumentCount == 4 && !withValues)) {
    replySyntaxError();
  } else if (withValues && (count > i64.MAX_VALUE / 2 || count < -(i64.MAX_VALUE / 2))) {
    replyError("ERR value is out of range");
  } else {
    randomFields(count, withValues);
  }
}

function randomFields(count: i64, withValues: bool): void {
  const entry = readHash();
  if (entry == NOT_A_HASH) return;
  if (entry == 0 || count == 0) replyArray(0);
  else if (count < 0) replyRepeated(entry, <u64>-count, withValues);
  else if (count == 1) replyRepeated(entry, 1, withValues);
  else replyDistinct(entry, <u32>min<i64>(count, countFields(entry)), withValues);
}

/** Any field, any number of times; ends early when the replies go nowhere: over the connection's limit, or muted. */
function replyRepeated(entry: usize, count: u64, withValues: bool): void {
  beginFields(count, withValues);
  for (let drawn: u64 = 0; drawn < count && !connection.overflowed && !areRepliesMuted(); drawn++) {
    drawField(entry);
    replyDrawn(withValues);
  }
}

/** `count` different fields: each is taken with the chance that fills the rest. */
function replyDistinct(entry: usize, count: u32, withValues: bool): void {
  let left = countFields(entry);
  let wanted = count;
  addWork(left >> 1);
  beginFields(count, withValues);
  startFields(entry);
  while (wanted > 0 && nextField()) {
    if (<u32>(((random() >> 32) * left) >> 32) < wanted) {
      replyDrawn(withValues);
      wanted--;
    }
    left--;
  }
}

function beginFields(count: u64, withValues: bool): void {
  replyArray(<u32>(withValues && protocol == 2 ? count << 1 : count));
}

function replyDrawn(withValues: bool): void {
  if (withValues && protocol == 3) replyArray(2);
  replyBulk(fieldName, fieldNameBytes);
  if (withValues) replyFieldValue();
}

/** Shows a random field in the registers. */
function drawField(entry: usize): void {
  if (isTable(entry)) {
    showField(randomEntry(fieldTable(entry)));
    return;
  }
  let skip = <u32>(((random() >> 32) * countFields(entry)) >> 32);
  startFields(entry);
  nextField();
  while (skip-- > 0) nextField();
}

export function registerHashMore(): void {
  const read = CommandFlag.ReadOnly;
  const grow = CommandFlag.Write | CommandFlag.DenyOom | CommandFlag.Fast;
  register("HINCRBY", 4, grow, 1, 1, 1, hIncrBy, "2.0.0", "Adds an integer to the integer value of a field.");
  register("HINCRBYFLOAT", 4, grow, 1, 1, 1, hIncrByFloat, "2.6.0", "Adds a number to the decimal value of a field.");
  register("HSCAN", -3, read, 1, 1, 1, hScan, "2.8.0", "Goes through the fields of a hash in steps.");
  register("HRANDFIELD", -2, read, 1, 1, 1, hRandField, "6.2.0", "Answers random fields of a hash.");
}
