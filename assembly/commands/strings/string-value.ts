// Storing and growing string values: from an argument, whose pages are adopted when it has its own, in place where the
// cell's class fits, else into a new entry. Callers have been admitted (see eviction.ts) before they come here.

import { PAGE_BYTES, ZONE_ENTRY } from "../../layout";
import { copyBytes, dirty } from "../../memory/memory";
import { adoptPages, argumentAddress, argumentBytes, isArgumentPaged } from "../../protocol/arguments";
import {
  copyValue,
  createEntry,
  ENTRY_HEADER_BYTES,
  entryAt,
  entryBytes,
  expires,
  expiryOf,
  fitsCell,
  freeEntry,
  INLINE_VALUE_MAX,
  isPaged,
  keyOf,
  pagesFor,
  takeValuePages,
  TYPE_STRING,
  typeOf,
  valueOf,
  writeValue,
  zeroValue,
} from "../../memory/entry";
import { admit, admitEntry, admitMove } from "../../keyspace/eviction";
import { insertKey, moveValue, noteChange, pin, replaceKey, resizeEntry, touchEntry } from "../../keyspace/keyspace";
import { setSlot, slotEntry } from "../../memory/table";

/** No expiry. */
export const NEVER: i64 = -1;

/**
 * True when the argument may become the value of the key, with or without an expiry; a received page is held already and
 * costs nothing more.
 */
export function admitValue(keyIndex: u32, valueIndex: u32, expiring: bool = true): bool {
  if (isArgumentPaged(valueIndex)) return admit(1);
  return admitEntry(argumentBytes(keyIndex), argumentBytes(valueIndex), expiring);
}

/** A new string entry from two arguments. */
function createFromArguments(keyIndex: u32, valueIndex: u32, expiry: i64): usize {
  const bytes = argumentBytes(valueIndex);
  const keyBytes = argumentBytes(keyIndex);
  const entry = createEntry(ZONE_ENTRY, argumentAddress(keyIndex), keyBytes, TYPE_STRING, bytes, expiry >= 0);
  if (expiry >= 0) store<i64>(entry, expiry, ENTRY_HEADER_BYTES);
  if (isArgumentPaged(valueIndex)) adoptPages(valueIndex, valueOf(entry));
  else copyBytes(valueOf(entry), argumentAddress(valueIndex), bytes);
  return entry;
}

/** Sets a key to a string, whatever it was; `slot` is where findKey found it, 0 for not. */
export function setString(slot: usize, hash: u64, keyIndex: u32, valueIndex: u32, expiry: i64): void {
  if (slot == 0) {
    insertKey(createFromArguments(keyIndex, valueIndex, expiry), hash);
    return;
  }
  const entry = slotEntry(slot);
  if (overwrite(entry, valueIndex, expiry)) noteChange(hash);
  else {
    replaceKey(slot, createFromArguments(keyIndex, valueIndex, expiry), hash);
  }
}

/** Replaces a string in its cell when that is of the right class. */
function overwrite(entry: usize, valueIndex: u32, expiry: i64): bool {
  if (typeOf(entry) != TYPE_STRING || isPaged(entry) || isArgumentPaged(valueIndex)) return false;
  if (expires(entry) != expiry >= 0) return false;
  const bytes = argumentBytes(valueIndex);
  const whole = entryBytes(entryAt(entry).keyBytes, bytes, expiry >= 0);
  if (!fitsCell(entry, whole)) return false;
  dirty(entry, whole);
  entryAt(entry).valueBytes = bytes;
  if (expiry >= 0) store<i64>(entry, expiry, ENTRY_HEADER_BYTES);
  copyBytes(valueOf(entry), argumentAddress(valueIndex), bytes);
  touchEntry(entry);
  return true;
}

/** Sets a key to a short text in linear memory, keeping its expiry. */
export function setText(slot: usize, hash: u64, keyIndex: u32, text: usize, bytes: u32): void {
  if (slot == 0) {
    const entry = createEntry(
      ZONE_ENTRY,
      argumentAddress(keyIndex),
      argumentBytes(keyIndex),
      TYPE_STRING,
      bytes,
      false,
    );
    copyBytes(valueOf(entry), text, bytes);
    insertKey(entry, hash);
    return;
  }
  const entry = resizeString(slot, bytes);
  writeValue(entry, 0, text, bytes);
  touchEntry(entry);
  noteChange(hash);
}

/** Makes a string of zero bytes under a key that is not there. */
export function createZeroed(keyIndex: u32, hash: u64, bytes: u32): usize {
  const entry = createEntry(ZONE_ENTRY, argumentAddress(keyIndex), argumentBytes(keyIndex), TYPE_STRING, bytes, false);
  if (isPaged(entry)) takeValuePages(entry, 0);
  zeroValue(entry, 0, bytes);
  insertKey(entry, hash);
  return entry;
}

/** True when the string in a slot may become `bytes` long; leaves it pinned, so that the slot stays valid. */
export function admitResize(slot: usize, bytes: u32): bool {
  const entry = slotEntry(slot);
  pin(entry);
  const keyBytes: u32 = entryAt(entry).keyBytes;
  const held = isPaged(entry) ? pagesFor(entryAt(entry).valueBytes) : 0;
  if (held == 0 && bytes <= INLINE_VALUE_MAX && fitsCell(entry, entryBytes(keyBytes, bytes, expires(entry))))
    return true;
  if (bytes > INLINE_VALUE_MAX) return admit(1 + pagesFor(bytes) - min(held, pagesFor(bytes)));
  return admitEntry(keyBytes, bytes, expires(entry));
}

/** True when the entry in a slot may get or lose its expiry; leaves it pinned, so that the slot stays valid. */
export function admitExpiry(slot: usize, expiring: bool): bool {
  const entry = slotEntry(slot);
  pin(entry);
  return expires(entry) == expiring || admitMove(entryAt(entry).keyBytes, entryAt(entry).valueBytes, expiring);
}

/** Makes the string in a slot `bytes` long, longer or, when it is not paged, shorter: old bytes stay, new ones are undefined. */
export function resizeString(slot: usize, bytes: u32): usize {
  const entry = slotEntry(slot);
  const record = entryAt(entry);
  if (record.valueBytes == bytes) return entry;
  if (bytes > INLINE_VALUE_MAX || isPaged(entry)) return growPaged(slot, bytes);
  if (!fitsCell(entry, entryBytes(record.keyBytes, bytes, expires(entry)))) return resizeEntry(slot, bytes);
  dirty(entry, ENTRY_HEADER_BYTES);
  record.valueBytes = bytes;
  return entry;
}

/** The same for a value that is or becomes paged; it never shrinks. */
function growPaged(slot: usize, bytes: u32): usize {
  const entry = slotEntry(slot);
  const record = entryAt(entry);
  const held = isPaged(entry) ? pagesFor(record.valueBytes) : 0;
  assert(bytes > record.valueBytes);
  const other = createEntry(ZONE_ENTRY, keyOf(entry), record.keyBytes, record.type, bytes, expires(entry));
  if (expires(entry)) store<i64>(other, expiryOf(entry), ENTRY_HEADER_BYTES);
  entryAt(other).access = record.access;
  takeValuePages(other, held);
  if (held == 0) copyValue(other, entry, record.valueBytes);
  setSlot(slot, other);
  // Hands the pages held over: moveValue copies their addresses and frees the old cell alone.
  if (held != 0) moveValue(other, entry);
  else freeEntry(ZONE_ENTRY, entry);
  return other;
}

/** Writes an argument, paged or not, into a value at `offset`. */
export function writeArgument(entry: usize, offset: u32, index: u32): void {
  const bytes = argumentBytes(index);
  if (!isArgumentPaged(index)) {
    writeValue(entry, offset, argumentAddress(index), bytes);
    return;
  }
  const list = argumentAddress(index);
  for (let at: u32 = 0; at < bytes; at += PAGE_BYTES) {
    writeValue(entry, offset + at, <usize>load<u32>(list + ((at >> 16) << 2)), min(bytes - at, PAGE_BYTES));
  }
}
