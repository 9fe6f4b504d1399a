// The value of a set: integers packed in order, short members packed in the order they came in, or a table of entries
// without values. It grows from one to the next when the limits of the settings are passed, or a member does not fit in,
// and never goes back. Packed values are bounded whatever the settings say, so that none takes longer than a few
// microseconds to walk.

import { SCRATCH_BASE, SCRATCH_BYTES, ZONE_ENTRY, ZONE_FIELD } from "../../layout";
import {
  createEntry,
  ENCODING_INTEGERS,
  ENCODING_TABLE,
  ENTRY_HEADER_BYTES,
  entryAt,
  expires,
  expiryOf,
  freeEntry,
  keyOf,
  TYPE_SET,
  valueOf,
} from "../../memory/entry";
import { copyBytes, random } from "../../memory/memory";
import { integerSetEntries, packedSetEntries, packedSetValue } from "../../memory/settings";
import { findSlot, removeSlot, setSlot, slotEntry, Table } from "../../memory/table";
import { drawEntry } from "../../memory/table-draw";
import { insert } from "../../memory/table-grow";
import { shrinkAround } from "../../memory/table-shrink";
import { nextEntry, startWalk } from "../../memory/table-walk";
import { hashKey, resizeEntry } from "../../keyspace/keyspace";
import { splice } from "../../keyspace/splice";
import { createField, fieldTable, giveTable, TABLE_ADDRESS_BYTES } from "../../structures/field-table";
import {
  countIntegers,
  hasInteger,
  INTEGERS_HEADER_BYTES,
  integerAt,
  integerWidth,
  placeOfInteger,
  putInteger,
  widenIntegers,
  widthFor,
} from "../../structures/integer-set";
import {
  countPacked,
  findPacked,
  firstRecord,
  MEMBER_BYTES_MAX,
  MEMBERS_HEADER_BYTES,
  packedAt,
  recordAfter,
} from "../../structures/packed-members";
import { formatInteger, INTEGER_TEXT_BYTES, parsedInteger, parseInteger } from "../../text/number";

/** Most bytes of a packed value. */
export const PACKED_BYTES_MAX: u32 = 16384;
/** Where the text of a number is made. */
const NUMBER_TEXT: usize = SCRATCH_BASE + SCRATCH_BYTES - 64;
/** The same of a member of a set that changes its form. */
const FORMER_TEXT: usize = NUMBER_TEXT + 32;

// The member walked to or drawn last; call-scoped, valid until the set changes.
export let memberAddress: usize = 0;
export let memberBytes: u32 = 0;
/** It is a number, in `memberNumber`; its text is made by `showText`. */
export let memberIsNumber: bool = false;
export let memberNumber: i64 = 0;

@inline
export function isTable(entry: usize): bool {
  return (entryAt(entry).type & ENCODING_TABLE) != 0;
}

@inline
export function isIntegers(entry: usize): bool {
  return (entryAt(entry).type & ENCODING_INTEGERS) != 0;
}

export function countMembers(entry: usize): u32 {
  if (isTable(entry)) return fieldTable(entry).count;
  return isIntegers(entry) ? countIntegers(valueOf(entry), entryAt(entry).valueBytes) : countPacked(valueOf(entry));
}

/** Makes an entry with an empty set that begins as integers or as packed members. Whoever calls fills it at once. */
export function createSet(key: usize, keyBytes: u32, ofIntegers: bool): usize {
  const type = <u8>(ofIntegers ? TYPE_SET | ENCODING_INTEGERS : TYPE_SET);
  const entry = createEntry(ZONE_ENTRY, key, keyBytes, type, MEMBERS_HEADER_BYTES, false);
  // The width of integers, or how many members there are.
  store<u16>(valueOf(entry), ofIntegers ? 2 : 0);
  return entry;
}

/** Whether a set has a member. */
export function hasMember(entry: usize, member: usize, bytes: u32): bool {
  if (isTable(entry)) return findSlot(fieldTable(entry), member, bytes, hashKey(member, bytes)) != 0;
  if (!isIntegers(entry)) return findPacked(valueOf(entry), member, bytes) != 0;
  return parseInteger(member, bytes) && hasInteger(valueOf(entry), countMembers(entry), parsedInteger);
}

/** Whether a set has the member shown, of another one. */
export function hasShownMember(entry: usize): bool {
  if (memberIsNumber && isIntegers(entry)) return hasInteger(valueOf(entry), countMembers(entry), memberNumber);
  showText();
  return hasMember(entry, memberAddress, memberBytes);
}

// ---- adding

const PRESENT: u32 = 0;
const ADDED: u32 = 1;
/** It does not fit in, as the set is. */
const UNFIT: u32 = 2;

/** Adds a member; false when it was there. `slot` is the set's, and its entry may move. The caller has reserved memory. */
export function addMember(slot: usize, member: usize, bytes: u32): bool {
  while (!isTable(slotEntry(slot))) {
    const wasIntegers = isIntegers(slotEntry(slot));
    const outcome = wasIntegers ? addInteger(slot, member, bytes) : addPacked(slot, member, bytes);
    if (outcome != UNFIT) return outcome == ADDED;
    if (!wasIntegers || !becomePacked(slot, member, bytes)) becomeTable(slot);
  }
  return addToTable(fieldTable(slotEntry(slot)), member, bytes);
}

function addInteger(slot: usize, member: usize, bytes: u32): u32 {
  if (!parseInteger(member, bytes)) return UNFIT;
  const number = parsedInteger;
  const entry = slotEntry(slot);
  const count = countMembers(entry);
  const place = placeOfInteger(valueOf(entry), count, number);
  if (place < count && integerAt(valueOf(entry), place) == number) return PRESENT;
  const width = max(integerWidth(valueOf(entry)), widthFor(number));
  const whole = INTEGERS_HEADER_BYTES + (count + 1) * width;
  if (count >= integerSetEntries() || whole > PACKED_BYTES_MAX) return UNFIT;
  if (width == integerWidth(valueOf(entry))) {
    const grown = splice(slot, INTEGERS_HEADER_BYTES + place * width, 0, width);
    putInteger(valueOf(grown), place, number);
    return ADDED;
  }
  // What needs more bytes than all others is smaller or larger than they.
  const wider = resizeEntry(slot, whole);
  widenIntegers(valueOf(wider), count, width, number < 0 ? 1 : 0);
  putInteger(valueOf(wider), number < 0 ? 0 : count, number);
  return ADDED;
}

function addPacked(slot: usize, member: usize, bytes: u32): u32 {
  const entry = slotEntry(slot);
  if (findPacked(valueOf(entry), member, bytes) != 0) return PRESENT;
  const held = entryAt(entry).valueBytes;
  if (countPacked(valueOf(entry)) >= packedSetEntries() || held + 1 + bytes > PACKED_BYTES_MAX) return UNFIT;
  if (bytes > min(packedSetValue(), MEMBER_BYTES_MAX)) return UNFIT;
  const value = valueOf(splice(slot, held, 0, 1 + bytes));
  store<u16>(value, <u16>(countPacked(value) + 1));
  store<u8>(value + held, <u8>bytes);
  copyBytes(value + held + 1, member, bytes);
  return ADDED;
}

// Members are gone through elsewhere while a set changes its form, so neither the registers nor the walk is touched here.

/** Turns packed integers into packed members, if they fit and the one that is about to come does; false when not. */
function becomePacked(slot: usize, member: usize, bytes: u32): bool {
  const entry = slotEntry(slot);
  const count = countMembers(entry);
  const longest = min(packedSetValue(), MEMBER_BYTES_MAX);
  if (parseInteger(member, bytes) || count >= packedSetEntries() || bytes > longest) return false;
  let whole = MEMBERS_HEADER_BYTES;
  for (let index: u32 = 0; index < count; index++) {
    const digits = formatInteger(integerAt(valueOf(entry), index), FORMER_TEXT);
    if (digits > longest) return false;
    whole += 1 + digits;
  }
  if (whole + 1 + bytes > PACKED_BYTES_MAX) return false;
  const other = createAs(entry, TYPE_SET, whole);
  let record = firstRecord(valueOf(other));
  store<u16>(valueOf(other), <u16>count);
  for (let index: u32 = 0; index < count; index++) {
    const digits = formatInteger(integerAt(valueOf(entry), index), FORMER_TEXT);
    store<u8>(record, <u8>digits);
    copyBytes(record + 1, FORMER_TEXT, digits);
    record = recordAfter(record);
  }
  setSlot(slot, other);
  freeEntry(ZONE_ENTRY, entry);
  return true;
}

function becomeTable(slot: usize): void {
  const entry = slotEntry(slot);
  const other = createAs(entry, <u8>(TYPE_SET | ENCODING_TABLE), TABLE_ADDRESS_BYTES);
  giveTable(other);
  const table = fieldTable(other);
  const ofIntegers = isIntegers(entry);
  let record = firstRecord(valueOf(entry));
  for (let index: u32 = 0; index < countMembers(entry); index++) {
    if (ofIntegers) {
      addToTable(table, FORMER_TEXT, formatInteger(integerAt(valueOf(entry), index), FORMER_TEXT));
    } else {
      addToTable(table, record + 1, load<u8>(record));
      record = recordAfter(record);
    }
  }
  setSlot(slot, other);
  freeEntry(ZONE_ENTRY, entry);
}

/** An entry with the key, the expiry and the access of another one, and a value of undefined content. */
function createAs(entry: usize, type: u8, valueBytes: u32): usize {
  const other = createEntry(ZONE_ENTRY, keyOf(entry), entryAt(entry).keyBytes, type, valueBytes, expires(entry));
  if (expires(entry)) store<i64>(other, expiryOf(entry), ENTRY_HEADER_BYTES);
  entryAt(other).access = entryAt(entry).access;
  return other;
}

function addToTable(table: Table, member: usize, bytes: u32): bool {
  const hash = hashKey(member, bytes);
  if (findSlot(table, member, bytes, hash) != 0) return false;
  insert(table, createField(table, member, bytes, 0), hash, false);
  if (bytes > table.longest) table.longest = bytes;
  return true;
}

// ---- removing

/** Removes a member; false when it is not there. The set may be left empty: the caller removes the key then. */
export function removeMember(slot: usize, member: usize, bytes: u32): bool {
  const entry = slotEntry(slot);
  if (isTable(entry)) return removeFromTable(fieldTable(entry), member, bytes);
  if (isIntegers(entry)) return removeInteger(slot, member, bytes);
  const record = findPacked(valueOf(entry), member, bytes);
  if (record == 0) return false;
  const value = valueOf(splice(slot, <u32>(record - valueOf(entry)), 1 + bytes, 0));
  store<u16>(value, <u16>(countPacked(value) - 1));
  return true;
}

function removeInteger(slot: usize, member: usize, bytes: u32): bool {
  if (!parseInteger(member, bytes)) return false;
  const value = valueOf(slotEntry(slot));
  const count = countMembers(slotEntry(slot));
  const place = placeOfInteger(value, count, parsedInteger);
  if (place == count || integerAt(value, place) != parsedInteger) return false;
  splice(slot, INTEGERS_HEADER_BYTES + place * integerWidth(value), integerWidth(value), 0);
  return true;
}

function removeFromTable(table: Table, member: usize, bytes: u32): bool {
  const hash = hashKey(member, bytes);
  const found = findSlot(table, member, bytes, hash);
  if (found == 0) return false;
  const removed = slotEntry(found);
  removeSlot(table, found, hash);
  freeEntry(ZONE_FIELD, removed);
  shrinkAround(table, found & ~63, hash);
  return true;
}

// ---- every member once; the set must not change meanwhile

let walked: usize = 0;
let walkAt: u32 = 0;
let walkCount: u32 = 0;
let walkRecord: usize = 0;

/** Begins with a set, none for 0. */
export function startMembers(entry: usize): void {
  walked = entry;
  walkAt = 0;
  walkCount = entry == 0 ? 0 : countMembers(entry);
  if (entry == 0) return;
  if (isTable(entry)) startWalk(fieldTable(entry));
  else walkRecord = firstRecord(valueOf(entry));
}

/** Shows the next member in the registers; false after the last. */
export function nextMember(): bool {
  if (walkAt == walkCount) return false;
  if (isTable(walked)) {
    showEntry(nextEntry());
  } else if (isIntegers(walked)) {
    showNumber(integerAt(valueOf(walked), walkAt));
  } else {
    showRecord(walkRecord);
    walkRecord = recordAfter(walkRecord);
  }
  walkAt++;
  return true;
}

/** Shows the member of an entry of a set's table. */
export function showEntry(entry: usize): void {
  memberIsNumber = false;
  memberAddress = keyOf(entry);
  memberBytes = entryAt(entry).keyBytes;
}

function showRecord(record: usize): void {
  memberIsNumber = false;
  memberAddress = record + 1;
  memberBytes = load<u8>(record);
}

export function showNumber(number: i64): void {
  memberIsNumber = true;
  memberNumber = number;
  memberBytes = 0;
}

/** Shows bytes that lie elsewhere. */
export function showBytes(address: usize, bytes: u32): void {
  memberIsNumber = false;
  memberAddress = address;
  memberBytes = bytes;
}

/** Makes the text of a number that is shown, once. */
export function showText(): void {
  if (!memberIsNumber || memberBytes != 0) return;
  memberAddress = NUMBER_TEXT;
  memberBytes = formatInteger(memberNumber, NUMBER_TEXT);
}

/** Shows a random member of a set that is not empty, each as likely as every other. */
export function drawMember(entry: usize): void {
  if (isTable(entry)) {
    showEntry(drawEntry(fieldTable(entry)));
    return;
  }
  const index = <u32>(((random() >> 32) * countMembers(entry)) >> 32);
  if (isIntegers(entry)) showNumber(integerAt(valueOf(entry), index));
  else showRecord(packedAt(valueOf(entry), index));
}

/** No member of a set has more bytes. */
export function longestMember(entry: usize): u32 {
  if (isTable(entry)) return fieldTable(entry).longest;
  return isIntegers(entry) ? INTEGER_TEXT_BYTES : MEMBER_BYTES_MAX;
}

/** Bytes that the members of a packed set take as text, at most. */
export function packedTextBytes(entry: usize): u32 {
  if (!isIntegers(entry)) return entryAt(entry).valueBytes;
  return countMembers(entry) * INTEGER_TEXT_BYTES;
}
