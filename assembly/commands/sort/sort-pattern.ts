// What SORT looks up for an element: a pattern with the element in the place of its first "*" names a key, and behind "->" a
// field of the hash there. "#" is the element itself. A key whose time has passed is not there, and is left for others to
// delete: a deletion here would have to be recorded, and there may be millions.

import { KEY_BYTES_MAX } from "../../layout";
import { entryAt, expires, expiryOf, isPaged, TYPE_HASH, TYPE_STRING, typeOf, valueOf } from "../../memory/entry";
import { copyBytes } from "../../memory/memory";
import { findSlot, slotEntry } from "../../memory/table";
import { clock, hashKey, readSlot, shardOf } from "../../keyspace/keyspace";
import { argumentAddress, argumentBytes, isArgumentPaged } from "../../protocol/arguments";
import { fieldEntry, fieldValue, fieldValueBytes, findField } from "../hashes/hash-value";
import { KEY_BASE, NOTHING, PAGED } from "./sort-items";

const STAR: u8 = 0x2a;
const ITSELF: u8 = 0x23;
/** "->" as a number. */
const ARROW: u16 = 0x3e2d;

// What was found last: call-scoped, valid until something changes.
export let foundAddress: usize = 0;
/** PAGED where the address is that of a list of pages, NOTHING when nothing was found. */
export let foundBytes: u32 = 0;

/** Bytes of a pattern before its first "*"; NOTHING when it has none. */
function starOf(pattern: usize, bytes: u32): u32 {
  for (let at: u32 = 0; at < bytes; at++) if (load<u8>(pattern + at) == STAR) return at;
  return NOTHING;
}

/** Whether the pattern in an argument depends on the element. One that names no key, since it is too long, is looked up too. */
export function hasStar(index: u32): bool {
  return isArgumentPaged(index) || starOf(argumentAddress(index), argumentBytes(index)) != NOTHING;
}

/** Bytes of a pattern before "->" and a field, behind its star; all of them when there is no field. */
function arrowOf(pattern: usize, star: u32, bytes: u32): u32 {
  for (let at = star + 1; at + 2 < bytes; at++) if (load<u16>(pattern + at) == ARROW) return at;
  return bytes;
}

/** Looks up what the pattern in an argument says of an element: in the registers. */
export function lookUp(index: u32, element: usize, elementBytes: u32): void {
  foundBytes = NOTHING;
  if (isArgumentPaged(index)) return;
  const pattern = argumentAddress(index);
  const bytes = argumentBytes(index);
  if (bytes == 1 && load<u8>(pattern) == ITSELF) {
    foundAddress = element;
    foundBytes = elementBytes;
    return;
  }
  const star = starOf(pattern, bytes);
  if (star == NOTHING || (elementBytes & PAGED) != 0) return;
  const arrow = arrowOf(pattern, star, bytes);
  const keyBytes = arrow - 1 + elementBytes;
  if (keyBytes > KEY_BYTES_MAX) return;
  copyBytes(KEY_BASE, pattern, star);
  copyBytes(KEY_BASE + star, element, elementBytes);
  copyBytes(KEY_BASE + star + elementBytes, pattern + star + 1, arrow - star - 1);
  const entry = findLive(KEY_BASE, keyBytes);
  if (entry == 0) return;
  if (arrow == bytes) showString(entry);
  else showField(entry, pattern + arrow + 2, bytes - arrow - 2);
}

/** The entry of a key that lives, 0 for none; nothing is deleted. */
function findLive(key: usize, bytes: u32): usize {
  const hash = hashKey(key, bytes);
  const slot = findSlot(shardOf(hash), key, bytes, hash);
  if (slot == 0) return readSlot(0);
  const entry = slotEntry(slot);
  return readSlot(expires(entry) && expiryOf(entry) <= clock ? 0 : slot);
}

function showString(entry: usize): void {
  if (typeOf(entry) == TYPE_STRING) showValue(entry);
}

function showValue(entry: usize): void {
  foundAddress = valueOf(entry);
  foundBytes = isPaged(entry) ? entryAt(entry).valueBytes | PAGED : entryAt(entry).valueBytes;
}

function showField(entry: usize, field: usize, bytes: u32): void {
  if (typeOf(entry) != TYPE_HASH || !findField(entry, field, bytes)) return;
  if (fieldEntry != 0) {
    showValue(fieldEntry);
    return;
  }
  foundAddress = fieldValue;
  foundBytes = fieldValueBytes;
}
