// The keyspace: 16 databases of 256 shards, a table each. Expiry is lazy here: whoever finds a key whose time has
// passed removes it and goes on as if it had not been there. Slots and entry addresses are valid until the next
// insert, eviction or drain; nobody keeps one across commands.

import { SHARDS, ZONE_ENTRY } from "../layout";
import { counters, dirty, state } from "../memory/memory";
import { hashBytes } from "../memory/hash";
import {
  createEntry,
  entryAt,
  entryBytes,
  EXPIRES,
  expires,
  expiryOf,
  EXPIRY_BYTES,
  ENTRY_HEADER_BYTES,
  freeEntry,
  isPaged,
  keyOf,
  valueOf,
} from "../memory/entry";
import { copyBytes } from "../memory/memory";
import { beginAccess, inQueues, startAccess, touchEntry } from "./access";
import { distrustSlots, slotAhead } from "../memory/slot-ahead";
import { findSlot, markExpiring, removeSlot, setSlot, slotEntry, Table } from "../memory/table";
import { insert } from "../memory/table-grow";
import { clearTable, dispose } from "./graveyard";
import { enqueue } from "./queues";
import { effectLog, mayRecordRemoval } from "../effects/region";
import { recordRemoval } from "../effects/record";
import { countAllKeys, countKeys, databaseOf, shardAt } from "./shards";
import { notify } from "../events/notices";
import { Notice } from "../connection-layout";
import { anyInterest, tellChange, tellNewKey } from "./changes";

export { countAllKeys, countKeys, shardAt, touchEntry };

/** Time of the running call in ms since epoch, and the database it works on; call-scoped. */
export let clock: i64 = 0;
export let database: u32 = 0;
/** An entry that eviction must leave where it is, 0 for none; call-scoped. */
export let pinned: usize = 0;
/** While set, reads do not note an access: a connection asked for it by CLIENT NO-TOUCH; call-scoped. */
let untouching: bool = false;

export function setClock(now: i64): void {
  clock = now;
  beginAccess(now);
}

export function selectDatabase(number: u32): void {
  if (number != database) distrustSlots();
  database = number;
}

export function pin(entry: usize): void {
  pinned = entry;
}

export function setUntouching(yes: bool): void {
  untouching = yes;
}

/** Tells whoever wants to know that a key of the selected database has changed where it lies. */
@inline
export function noteChange(hash: u64): void {
  if (anyInterest()) tellChange(database, hash, 0);
}

@inline
export function shardOf(hash: u64): Table {
  return shardAt(database, <u32>(hash >> 56));
}

@inline
export function hashKey(key: usize, bytes: u32): u64 {
  return hashBytes(key, bytes, state.seed);
}

/** The slot of a live key; 0 when there is none or its time has passed, and then it is gone. */
export function findKey(key: usize, bytes: u32, hash: u64): usize {
  const table = shardOf(hash);
  const ahead = slotAhead(key, bytes, hash);
  const slot = ahead != 0 ? ahead : findSlot(table, key, bytes, hash);
  if (slot == 0) return 0;
  const entry = slotEntry(slot);
  return expires(entry) && expiryOf(entry) <= clock ? findDead(table, slot, hash) : slot;
}

/** What `findKey` answers for a key whose time has passed. */
function findDead(table: Table, slot: usize, hash: u64): usize {
  // What is replayed says itself which keys died.
  if (effectLog.replaying != 0) return slot;
  if (mayRecordRemoval()) expireKey(table, slot, hash, database);
  return 0;
}

/** Deletes a key of a database whose time has passed. */
export function expireKey(table: Table, slot: usize, hash: u64, db: u32): void {
  counters.keysExpired++;
  const entry = slotEntry(slot);
  notify(Notice.Expired, "expired", db, keyOf(entry), entryAt(entry).keyBytes);
  dropKey(table, slot, hash, db);
}

/** Tells that the key in a slot is about to be evicted. */
export function tellEvicted(slot: usize, db: u32): void {
  const entry = slotEntry(slot);
  notify(Notice.Evicted, "evicted", db, keyOf(entry), entryAt(entry).keyBytes);
}

/** Deletes a key that no command asked to delete. */
export function dropKey(table: Table, slot: usize, hash: u64, db: u32): void {
  const entry = slotEntry(slot);
  recordRemoval(db, clock, keyOf(entry), entryAt(entry).keyBytes);
  removeKey(table, slot, hash);
}

/** Finds for a reading command: counts the hit or miss and notes the access. Answers the entry, 0 for none. */
export function readKey(key: usize, bytes: u32, hash: u64): usize {
  return readSlot(findKey(key, bytes, hash));
}

/** The same for a slot that was found, 0 for none. */
@inline
export function readSlot(slot: usize): usize {
  if (slot == 0) {
    counters.misses++;
    return 0;
  }
  counters.hits++;
  const entry = slotEntry(slot);
  if (!untouching) touchEntry(entry);
  return entry;
}

/** Deletes the key in a slot with all that belongs to it; large objects are freed later, piece by piece. */
export function removeKey(table: Table, slot: usize, hash: u64): void {
  const entry = slotEntry(slot);
  vacateSlot(table, slot, hash);
  dispose(ZONE_ENTRY, entry);
}

/** Empties a slot; with its last key a shard gives its memory back. The entry is the caller's. */
export function vacateSlot(table: Table, slot: usize, hash: u64): void {
  if (anyInterest()) tellChange(databaseOf(table), hash, slotEntry(slot));
  removeSlot(table, slot, hash);
  counters.removed++;
  if (table.count == 0) clearTable(table);
}

/** Inserts a new entry under a key that is not there. */
export function insertKey(entry: usize, hash: u64): usize {
  if (anyInterest()) tellNewKey(database, hash, entry);
  const slot = insert(shardOf(hash), entry, hash, expires(entry));
  // A queue may drop words meanwhile whose entries it does not find.
  if (inQueues()) enqueue(entry, hash, database);
  else startAccess(entry);
  return slot;
}

/** Lets a slot refer to another entry of the same key and frees the old one and what belonged to it. */
export function replaceKey(slot: usize, entry: usize, hash: u64): void {
  const old = slotEntry(slot);
  entryAt(entry).access = entryAt(old).access;
  touchEntry(entry);
  noteChange(hash);
  markExpiring(shardOf(hash), slot, expires(entry));
  setSlot(slot, entry);
  dispose(ZONE_ENTRY, old);
}

/**
 * Gives the entry of a slot room for a value of other length, keeping key, type, expiry and the first bytes of an inline
 * value; answers its new address. Neither value may be paged. The caller has reserved an entry.
 */
export function resizeEntry(slot: usize, valueBytes: u32): usize {
  const entry = slotEntry(slot);
  const record = entryAt(entry);
  const needed = entryBytes(record.keyBytes, valueBytes, expires(entry));
  const kept = min(record.valueBytes, valueBytes);
  const larger = createEntry(ZONE_ENTRY, keyOf(entry), record.keyBytes, record.type, valueBytes, expires(entry));
  assert(!isPaged(entry) && !isPaged(larger) && needed != 0);
  if (expires(entry)) store<i64>(larger, expiryOf(entry), ENTRY_HEADER_BYTES);
  copyBytes(valueOf(larger), valueOf(entry), kept);
  entryAt(larger).access = record.access;
  setSlot(slot, larger);
  freeEntry(ZONE_ENTRY, entry);
  return larger;
}

/**
 * Sets or (with `expiry` negative) removes the time a key dies, ms since epoch. An entry that had none moves to a larger
 * cell; the caller has reserved an entry. Answers the entry's address.
 */
export function setExpiry(slot: usize, hash: u64, expiry: i64): usize {
  const entry = slotEntry(slot);
  const wanted = expiry >= 0;
  if (wanted || expires(entry)) noteChange(hash);
  if (expires(entry) == wanted) {
    if (wanted) {
      dirty(entry + ENTRY_HEADER_BYTES, EXPIRY_BYTES);
      store<i64>(entry, expiry, ENTRY_HEADER_BYTES);
    }
    return entry;
  }
  const record = entryAt(entry);
  const other = createEntry(ZONE_ENTRY, keyOf(entry), record.keyBytes, record.type, record.valueBytes, wanted);
  if (wanted) store<i64>(other, expiry, ENTRY_HEADER_BYTES);
  entryAt(other).access = record.access;
  moveValue(other, entry);
  setSlot(slot, other);
  markExpiring(shardOf(hash), slot, wanted);
  return other;
}

/** Hands a value, its pages or the object it refers to over to another entry of the same length and frees the cell. */
export function moveValue(to: usize, from: usize): void {
  const held = isPaged(from) ? ((entryAt(from).valueBytes + 0xffff) >> 16) << 2 : entryAt(from).valueBytes;
  copyBytes(valueOf(to), valueOf(from), held);
  dirty(from, ENTRY_HEADER_BYTES);
  entryAt(from).flags &= EXPIRES; // its pages are no longer its own
  freeEntry(ZONE_ENTRY, from);
}

/** Keys of a database that have an expiry. */
export function countExpiring(db: u32): u32 {
  let count: u32 = 0;
  for (let shard: u32 = 0; shard < SHARDS; shard++) count += shardAt(db, shard).expiring;
  return count;
}
