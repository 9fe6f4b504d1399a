// The value of a list: a run of elements inside the entry up to 2 KiB, behind their number, or the head of a chain of nodes
// (see structures/list-chain.ts). A packed list pays for a push with a move of what it holds, 40 ns at most, and costs 4
// bytes an element less than anything with pointers; a chain that has shrunk to half of that is packed again.
//
// Packed: 0 count (u16) | run

import { ZONE_ENTRY, ZONE_OBJECT } from "../../layout";
import {
  createEntry,
  ENCODING_TABLE,
  ENTRY_HEADER_BYTES,
  entryAt,
  entryBytes,
  expires,
  expiryOf,
  freeEntry,
  keyOf,
  TYPE_LIST,
  typeOf,
  valueOf,
} from "../../memory/entry";
import { copyBytes, dirty, hasFreeCell, hasPages, release } from "../../memory/memory";
import { classOf } from "../../memory/slabs";
import { listpackSize } from "../../memory/settings";
import { setSlot, slotEntry } from "../../memory/table";
import { insertKey, removeKey, shardOf } from "../../keyspace/keyspace";
import { splice } from "../../keyspace/splice";
import { adoptPages, argumentAddress, argumentBytes, isArgumentPaged } from "../../protocol/arguments";
import {
  adoptRun,
  createLong,
  dropEnd,
  emptyList,
  isLong,
  LIST_HEAD_BYTES,
  ListHead,
  listAt,
  listNodeAt,
  pushElement,
  pushLong,
  runBytes,
  runStart,
  showAt,
  showEnd,
} from "../../structures/list-chain";
import { trimEnd } from "../../structures/list-edit";
import { walkTo, walkToInRun } from "../../structures/list-walk";
import { RUN_ELEMENT_MAX, skipBackward, skipForward, spanOf, writeElement } from "../../structures/packed-run";

export const PACKED_HEADER_BYTES: u32 = 2;
const PACKED_BYTES_MAX: u32 = 2048;
/** A chain is packed again when its only run has become so short. */
const REPACKED_BYTES_MAX: u32 = PACKED_BYTES_MAX / 2;
/** More than a packed list may hold: what an element that is not packed counts as. */
export const UNPACKABLE: u32 = PACKED_BYTES_MAX + 1;

@inline
export function isList(entry: usize): bool {
  return typeOf(entry) == TYPE_LIST;
}

@inline
export function isChain(entry: usize): bool {
  return (entryAt(entry).type & ENCODING_TABLE) != 0;
}

@inline
export function chainOf(entry: usize): ListHead {
  return listAt(valueOf(entry));
}

@inline
export function listLength(entry: usize): u32 {
  return isChain(entry) ? chainOf(entry).count : <u32>load<u16>(valueOf(entry));
}

/** Bytes that the elements of a list take, their lengths included. */
export function listBytes(entry: usize): u64 {
  return isChain(entry) ? chainOf(entry).bytes : entryAt(entry).valueBytes - PACKED_HEADER_BYTES;
}

/** Bytes of Redis's listpack for the settings -1 to -5. */
const LISTPACK_BYTES_MIN: u32 = 4096;
const LISTPACK_SIZES: u64 = 5;

/** True for a list that Redis would keep in one listpack, as the setting says: so many elements at most, or with a negative one 4 to 64 KiB. */
export function isListpack(entry: usize): bool {
  const limit = listpackSize();
  if (limit >= 0) return listLength(entry) <= <u32>max(limit, 1) && listBytes(entry) <= LISTPACK_BYTES_MIN * 2;
  return listBytes(entry) <= (<u64>LISTPACK_BYTES_MIN) << (min<u64>(-limit, LISTPACK_SIZES) - 1);
}

/** Where the run of a packed list begins, and ends. */
@inline
export function packedStart(entry: usize): usize {
  return valueOf(entry) + PACKED_HEADER_BYTES;
}

@inline
export function packedEnd(entry: usize): usize {
  return valueOf(entry) + entryAt(entry).valueBytes;
}

// ---- changing a packed list

/** Sets how many elements a packed list has. */
@inline
export function setPackedCount(entry: usize, count: u32): void {
  dirty(valueOf(entry), PACKED_HEADER_BYTES);
  store<u16>(valueOf(entry), <u16>count);
}

/** True when a packed list may have so many bytes more. */
@inline
export function staysPacked(entry: usize, added: u32): bool {
  return entryAt(entry).valueBytes + added <= PACKED_BYTES_MAX;
}

// ---- the two forms

/** Another entry for a slot's key, with its expiry, of the other form; the value is undefined. The old entry is the caller's. */
function createOther(entry: usize, type: u8, valueBytes: u32): usize {
  const record = entryAt(entry);
  const other = createEntry(ZONE_ENTRY, keyOf(entry), record.keyBytes, type, valueBytes, expires(entry));
  if (expires(entry)) store<i64>(other, expiryOf(entry), ENTRY_HEADER_BYTES);
  entryAt(other).access = record.access;
  return other;
}

/** Makes a packed list a chain; answers its entry. The memory of an entry and a node is reserved. */
export function unpack(slot: usize): usize {
  const entry = slotEntry(slot);
  const other = createOther(entry, <u8>(TYPE_LIST | ENCODING_TABLE), LIST_HEAD_BYTES);
  const list = emptyList(valueOf(other));
  const count: u32 = load<u16>(valueOf(entry));
  if (count != 0) adoptRun(list, packedStart(entry), <u32>(packedEnd(entry) - packedStart(entry)), count);
  setSlot(slot, other);
  freeEntry(ZONE_ENTRY, entry);
  return other;
}

/** Packs a chain that has become small, if that costs no page at the limit. */
function repack(slot: usize): void {
  const entry = slotEntry(slot);
  const node = <usize>chainOf(entry).first;
  if (isLong(node)) return;
  const bytes = PACKED_HEADER_BYTES + runBytes(node);
  const whole = entryBytes(entryAt(entry).keyBytes, bytes, expires(entry));
  if (!hasFreeCell(ZONE_ENTRY, classOf(whole)) && !hasPages(1)) return;
  const other = createOther(entry, TYPE_LIST, bytes);
  store<u16>(valueOf(other), listNodeAt(node).count);
  copyBytes(packedStart(other), runStart(node), runBytes(node));
  setSlot(slot, other);
  freeEntry(ZONE_ENTRY, entry);
  release(ZONE_OBJECT, node);
}

// ---- pushing

// The gap of a packed list that elements are put into; call-scoped.
let gapStart: usize = 0;
let gapEnd: usize = 0;

/**
 * Makes room at an end of the list in a slot, or makes a list under a key that is not there (slot 0); answers its slot. What
 * `addElement` and the like add afterwards takes `added` bytes of a run, UNPACKABLE for more than that has. The caller has
 * been admitted.
 */
export function openEnd(slot: usize, key: usize, keyBytes: u32, hash: u64, atHead: bool, added: u32): usize {
  if (slot == 0) return insertKey(createList(key, keyBytes, added), hash);
  const entry = slotEntry(slot);
  if (isChain(entry)) return slot;
  if (!staysPacked(entry, added)) {
    unpack(slot);
    return slot;
  }
  const at = atHead ? PACKED_HEADER_BYTES : entryAt(entry).valueBytes;
  gapStart = valueOf(splice(slot, at, 0, added)) + at;
  gapEnd = gapStart + added;
  return slot;
}

/** Makes the entry of an empty list that no slot refers to yet; as `openEnd`, it is open at its tail. */
export function createList(key: usize, keyBytes: u32, added: u32): usize {
  const packs = PACKED_HEADER_BYTES + added <= PACKED_BYTES_MAX;
  const type = packs ? TYPE_LIST : <u8>(TYPE_LIST | ENCODING_TABLE);
  const bytes = packs ? PACKED_HEADER_BYTES + added : LIST_HEAD_BYTES;
  const entry = createEntry(ZONE_ENTRY, key, keyBytes, type, bytes, false);
  if (packs) {
    store<u16>(valueOf(entry), 0);
    gapStart = packedStart(entry);
    gapEnd = gapStart + added;
  } else {
    emptyList(valueOf(entry));
  }
  return entry;
}

/** Adds an element of at most RUN_ELEMENT_MAX bytes at the end that was opened. */
export function addElement(entry: usize, atHead: bool, from: usize, bytes: u32): void {
  if (isChain(entry)) {
    pushElement(chainOf(entry), atHead, from, bytes);
    return;
  }
  const span = spanOf(bytes);
  if (atHead) gapEnd -= span;
  writeElement(atHead ? gapEnd : gapStart, from, bytes);
  if (!atHead) gapStart += span;
  store<u16>(valueOf(entry), load<u16>(valueOf(entry)) + 1);
}

/** Bytes of a run that an argument takes as an element. */
@inline
export function spanOfArgument(index: u32): u32 {
  const bytes = argumentBytes(index);
  return bytes > RUN_ELEMENT_MAX ? UNPACKABLE : spanOf(bytes);
}

/** Makes the entry of a long element from an argument, whose pages it adopts. */
export function longArgument(index: u32): usize {
  const bytes = argumentBytes(index);
  const entry = createLong(bytes);
  if (isArgumentPaged(index)) adoptPages(index, valueOf(entry));
  else copyBytes(valueOf(entry), argumentAddress(index), bytes);
  return entry;
}

/** Adds an element of more bytes than that, whose entry is the list's from now on. */
export function addLong(entry: usize, atHead: bool, long: usize): void {
  pushLong(chainOf(entry), atHead, long);
}

/** Adds an argument at the end that was opened. */
export function addArgument(entry: usize, atHead: bool, index: u32): void {
  const bytes = argumentBytes(index);
  if (bytes > RUN_ELEMENT_MAX) addLong(entry, atHead, longArgument(index));
  else addElement(entry, atHead, argumentAddress(index), bytes);
}

// ---- reading and removing at the ends

/** Shows the element at an end of a list that has one. */
export function showListEnd(entry: usize, atHead: bool): void {
  if (isChain(entry)) showEnd(chainOf(entry), atHead);
  else showAt(atHead ? packedStart(entry) : skipBackward(packedEnd(entry), 1));
}

/** Shows the element at an index that is there; answers how many nodes lay on the way. */
export function showListElement(entry: usize, index: u32): u32 {
  if (isChain(entry)) return walkTo(chainOf(entry), index);
  walkToInRun(packedStart(entry), packedEnd(entry), load<u16>(valueOf(entry)), index);
  return 0;
}

/** Removes the element at an end; `settleList` follows. The entry of a long one may be kept by the caller. */
export function dropListEnd(slot: usize, atHead: bool, keepLong: bool): void {
  const entry = slotEntry(slot);
  if (isChain(entry)) dropEnd(chainOf(entry), atHead, keepLong);
  else trimPacked(slot, atHead, 1);
}

/** Removes so many elements, fewer than there are, from an end; `settleList` follows. Answers how many nodes it went through. */
export function trimList(slot: usize, atHead: bool, count: u32): u32 {
  const entry = slotEntry(slot);
  if (isChain(entry)) return trimEnd(chainOf(entry), atHead, count);
  trimPacked(slot, atHead, count);
  return 0;
}

function trimPacked(slot: usize, atHead: bool, count: u32): void {
  const entry = slotEntry(slot);
  const left = <u32>load<u16>(valueOf(entry)) - count;
  const start = packedStart(entry);
  const end = packedEnd(entry);
  const removed = <u32>(atHead ? skipForward(start, count) - start : end - skipBackward(end, count));
  const at = atHead ? PACKED_HEADER_BYTES : entryAt(entry).valueBytes - removed;
  setPackedCount(splice(slot, at, removed, 0), left);
}

/** After elements were removed: an empty list goes with its key, a small one is packed. */
export function settleList(slot: usize, hash: u64): void {
  const entry = slotEntry(slot);
  if (listLength(entry) == 0) {
    removeKey(shardOf(hash), slot, hash);
    return;
  }
  if (!isChain(entry)) return;
  const list = chainOf(entry);
  if (list.nodes == 1 && list.bytes <= REPACKED_BYTES_MAX) repack(slot);
}
