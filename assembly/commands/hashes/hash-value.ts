// The value of a hash: a few short fields packed one after another inside the entry, or a table of field entries. Packed,
// a hash costs 2 bytes a field and is read by a walk of at most 2 KiB; the first field or value over 255 bytes, the
// 129th field (or what hash-max-listpack-value and -entries say), or 2 KiB turn it into a table, which it stays.
//
// Packed: 0 count (u16), then for each field: length (u8) | length of its value (u8) | field | value

import { hashEntriesMax, hashValueMax } from "../../memory/settings";
import { ZONE_ENTRY, ZONE_FIELD } from "../../layout";
import { copyBytes, dirty, equalBytes } from "../../memory/memory";
import {
  createEntry,
  ENCODING_TABLE,
  ENTRY_HEADER_BYTES,
  entryAt,
  entryBytes,
  expires,
  expiryOf,
  fitsCell,
  freeEntry,
  isPaged,
  keyOf,
  TYPE_HASH,
  valueOf,
} from "../../memory/entry";
import { hashKey, insertKey } from "../../keyspace/keyspace";
import { splice } from "../../keyspace/splice";
import { createField, fieldTable, giveTable, TABLE_ADDRESS_BYTES } from "../../structures/field-table";
import { findSlot, removeSlot, setSlot, slotEntry, Table } from "../../memory/table";
import { insert } from "../../memory/table-grow";
import { nextEntry, startWalk } from "../../memory/table-walk";

const PACKED_HEADER_BYTES: u32 = 2;
const PACKED_BYTES_MAX: u32 = 2048;
const PACKED_FIELDS_MAX: u32 = 512;
const PACKED_LENGTH_MAX: u32 = 255;

// The field found or walked to last; call-scoped, valid until the hash changes.
/** Its entry in a table; 0 when the hash is packed. */
export let fieldEntry: usize = 0;
export let fieldName: usize = 0;
export let fieldNameBytes: u32 = 0;
/** Its value, unless it is paged. */
export let fieldValue: usize = 0;
export let fieldValueBytes: u32 = 0;

@inline
export function isTable(entry: usize): bool {
  return (entryAt(entry).type & ENCODING_TABLE) != 0;
}

@inline
export function countFields(entry: usize): u32 {
  return isTable(entry) ? fieldTable(entry).count : <u32>load<u16>(valueOf(entry));
}

/** Makes an empty packed hash under a key that is not there; answers its slot. The caller fills it at once. */
export function createHash(key: usize, keyBytes: u32, hash: u64): usize {
  const entry = createEntry(ZONE_ENTRY, key, keyBytes, TYPE_HASH, PACKED_HEADER_BYTES, false);
  store<u16>(valueOf(entry), 0);
  return insertKey(entry, hash);
}

@inline
function recordBytes(record: usize): u32 {
  return 2 + <u32>load<u8>(record) + <u32>load<u8>(record, 1);
}

function showRecord(record: usize): void {
  fieldEntry = 0;
  fieldName = record + 2;
  fieldNameBytes = load<u8>(record);
  fieldValue = fieldName + fieldNameBytes;
  fieldValueBytes = load<u8>(record, 1);
}

function showEntry(entry: usize): void {
  fieldEntry = entry;
  fieldName = keyOf(entry);
  fieldNameBytes = entryAt(entry).keyBytes;
  fieldValue = valueOf(entry);
  fieldValueBytes = entryAt(entry).valueBytes;
}

/** Looks a field up; true when it is there, and then the registers show it. */
export function findField(entry: usize, field: usize, bytes: u32): bool {
  if (isTable(entry)) {
    const slot = findSlot(fieldTable(entry), field, bytes, hashKey(field, bytes));
    if (slot == 0) return false;
    showEntry(slotEntry(slot));
    return true;
  }
  const record = findRecord(entry, field, bytes);
  if (record == 0) return false;
  showRecord(record);
  return true;
}

function findRecord(entry: usize, field: usize, bytes: u32): usize {
  let record = valueOf(entry) + PACKED_HEADER_BYTES;
  for (let left = <u32>load<u16>(valueOf(entry)); left > 0; left--) {
    if (<u32>load<u8>(record) == bytes && equalBytes(record + 2, field, bytes)) return record;
    record += recordBytes(record);
  }
  return 0;
}

/**
 * Sets a field to a value in linear memory; for one that is copied in otherwise (from pages) `value` is 0 and the field
 * is left with undefined content, its pages taken. Answers whether it is new; the registers show it. `slot` is the
 * hash's, and its entry may move. The caller has reserved memory.
 */
export function setField(slot: usize, field: usize, bytes: u32, value: usize, valueBytes: u32): bool {
  const entry = slotEntry(slot);
  if (!isTable(entry)) {
    if (setRecord(slot, field, bytes, value, valueBytes)) return recordIsNew;
    unpack(slot);
  }
  return setInTable(fieldTable(slotEntry(slot)), field, bytes, value, valueBytes);
}

let recordIsNew: bool = false;

/** Sets a field of a packed hash; false when it would not stay packed. */
function setRecord(slot: usize, field: usize, bytes: u32, value: usize, valueBytes: u32): bool {
  const longest = min(hashValueMax(), PACKED_LENGTH_MAX);
  if (bytes > longest || valueBytes > longest) return false;
  const entry = slotEntry(slot);
  const old = findRecord(entry, field, bytes);
  recordIsNew = old == 0;
  const held = entryAt(entry).valueBytes;
  const count: u32 = load<u16>(valueOf(entry));
  const oldBytes = old == 0 ? 0 : recordBytes(old);
  const newBytes = 2 + bytes + valueBytes;
  if (old == 0 && count >= min(hashEntriesMax(), PACKED_FIELDS_MAX)) return false;
  if (held - oldBytes + newBytes > PACKED_BYTES_MAX) return false;
  const at = old == 0 ? held : <u32>(old - valueOf(entry));
  const record = valueOf(splice(slot, at, oldBytes, newBytes)) + at;
  store<u8>(record, <u8>bytes);
  store<u8>(record, <u8>valueBytes, 1);
  copyBytes(record + 2, field, bytes);
  copyBytes(record + 2 + bytes, value, valueBytes);
  if (old == 0) store<u16>(valueOf(slotEntry(slot)), <u16>(count + 1));
  showRecord(record);
  return true;
}

/** Turns a packed hash into a table. */
function unpack(slot: usize): void {
  const entry = slotEntry(slot);
  const record = entryAt(entry);
  const type = <u8>(TYPE_HASH | ENCODING_TABLE);
  const other = createEntry(ZONE_ENTRY, keyOf(entry), record.keyBytes, type, TABLE_ADDRESS_BYTES, expires(entry));
  if (expires(entry)) store<i64>(other, expiryOf(entry), ENTRY_HEADER_BYTES);
  entryAt(other).access = record.access;
  giveTable(other);
  const table = fieldTable(other);
  let at = valueOf(entry) + PACKED_HEADER_BYTES;
  for (let left = <u32>load<u16>(valueOf(entry)); left > 0; left--) {
    showRecord(at);
    setInTable(table, fieldName, fieldNameBytes, fieldValue, fieldValueBytes);
    at = at + recordBytes(at);
  }
  setSlot(slot, other);
  freeEntry(ZONE_ENTRY, entry);
}

function setInTable(table: Table, field: usize, bytes: u32, value: usize, valueBytes: u32): bool {
  const hash = hashKey(field, bytes);
  const slot = findSlot(table, field, bytes, hash);
  let entry: usize;
  if (slot != 0 && overwriteField(slotEntry(slot), value, valueBytes)) {
    entry = slotEntry(slot);
  } else {
    entry = createField(table, field, bytes, valueBytes);
    if (value != 0) copyBytes(valueOf(entry), value, valueBytes);
    if (slot == 0) {
      insert(table, entry, hash, false);
    } else {
      freeEntry(ZONE_FIELD, slotEntry(slot));
      setSlot(slot, entry);
    }
  }
  showEntry(entry);
  return slot == 0;
}

function overwriteField(entry: usize, value: usize, valueBytes: u32): bool {
  if (value == 0 || isPaged(entry)) return false;
  const whole = entryBytes(entryAt(entry).keyBytes, valueBytes, false);
  if (!fitsCell(entry, whole)) return false;
  dirty(entry, whole);
  entryAt(entry).valueBytes = valueBytes;
  copyBytes(valueOf(entry), value, valueBytes);
  return true;
}

/** Removes a field; false when it is not there. The hash may be left empty: the caller removes the key then. */
export function removeField(slot: usize, field: usize, bytes: u32): bool {
  const entry = slotEntry(slot);
  if (isTable(entry)) {
    const hash = hashKey(field, bytes);
    const found = findSlot(fieldTable(entry), field, bytes, hash);
    if (found == 0) return false;
    const removed = slotEntry(found);
    removeSlot(fieldTable(entry), found, hash);
    freeEntry(ZONE_FIELD, removed);
    return true;
  }
  const record = findRecord(entry, field, bytes);
  if (record == 0) return false;
  const shorter = splice(slot, <u32>(record - valueOf(entry)), recordBytes(record), 0);
  store<u16>(valueOf(shorter), load<u16>(valueOf(shorter)) - 1);
  return true;
}

// ---- every field once; the hash must not change meanwhile

let walkLeft: u32 = 0;
let walkRecord: usize = 0;
let walkTable: bool = false;

export function startFields(entry: usize): void {
  walkTable = isTable(entry);
  if (walkTable) {
    startWalk(fieldTable(entry));
    return;
  }
  walkLeft = load<u16>(valueOf(entry));
  walkRecord = valueOf(entry) + PACKED_HEADER_BYTES;
}

/** Shows the next field in the registers; false after the last. */
export function nextField(): bool {
  if (walkTable) {
    const entry = nextEntry();
    if (entry == 0) return false;
    showEntry(entry);
    return true;
  }
  if (walkLeft-- == 0) return false;
  showRecord(walkRecord);
  walkRecord += recordBytes(walkRecord);
  return true;
}

/** Shows the field of an entry of the hash's table. */
export function showField(entry: usize): void {
  showEntry(entry);
}
