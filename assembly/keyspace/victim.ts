// Choosing the key that goes. As in Redis samples stand for an order of all keys that nobody keeps: of the keys in a
// random chunk or two (8 each on average, found by reading one cache line) of each database, the one that the policy
// values least. Policies that evict only what expires pass over tables and chunks without such keys and read no entry
// for it: a chunk knows which of its slots expire. Vector sets are never evicted, nor is the key under work.

import { DATABASES, Eviction, SHARDS } from "../layout";
import { entryAt, expires, expiryOf, keyOf, TYPE_VECTOR_SET, typeOf } from "../memory/entry";
import { counters, pageOf, random } from "../memory/memory";
import { evictionPolicy } from "../memory/settings";
import { CHUNK_BYTES, chunksOfCode, codeOf, slotAddress, slotEntry, Table } from "../memory/table";
import { directorySize, liveSlots, segmentAt } from "../memory/table-walk";
import { evictsExpiringOnly, frequencyOf, idleOf, usesOf } from "./access";
import { hashKey, pinned, removeKey, shardAt } from "./keyspace";
import { foundTable } from "./queues";
import { nextVictim } from "./victim-queue";

/** Evictions after which it is looked anew which databases hold keys. */
const EVICTIONS_A_LOOK: u32 = 256;
/** Random chunks of each database whose keys are compared. */
const CHUNKS_SAMPLED: u32 = 2;
const ATTEMPTS: u32 = 16;

/** Size class of the entry evicted last. */
export let evictedClass: u32 = 0;

// The candidate found so far: its table and slot (0 for none), and how little it is worth.
let victimTable: usize = 0;
let victimSlot: usize = 0;
let victimScore: i64 = 0;
// What runs, read once an eviction.
let policy: u32 = 0;
let expiringOnly: bool = false;

/** Vector sets stay: nobody wants half an index gone because a cache beside it grew. */
@inline
export function mayEvict(entry: usize): bool {
  return entry != pinned && typeOf(entry) != TYPE_VECTOR_SET && (!evictsExpiringOnly() || expires(entry));
}

/** Evicts one key as the policy says; false when there is none that may go. */
export function evictOne(): bool {
  policy = evictionPolicy();
  expiringOnly = evictsExpiringOnly();
  for (let attempt: u32 = 0; attempt < ATTEMPTS; attempt++) {
    if (counters.untilLook == 0) lookForKeys();
    counters.untilLook--;
    if (counters.inhabited == 0) break;
    if (policy == Eviction.AllKeysS3Fifo && attempt == 0 && evictQueued()) return true;
    victimSlot = 0;
    if (isRandom()) sample(randomDatabase());
    else sampleAll();
    if (victimSlot != 0) {
      evictSlot(changetype<Table>(victimTable), victimSlot);
      return true;
    }
  }
  return evictAny();
}

function evictQueued(): bool {
  const slot = nextVictim();
  if (slot == 0) return false;
  evictSlot(changetype<Table>(foundTable), slot);
  return true;
}

@inline
function isRandom(): bool {
  return policy == Eviction.AllKeysRandom || policy == Eviction.VolatileRandom;
}

/** Forgets which databases hold keys that may go: another policy asks for others. */
export function forgetSamples(): void {
  counters.untilLook = 0;
}

/** Keys of a table that may be evicted, vector sets and the pinned key not left out. */
@inline
function candidates(table: Table): u32 {
  return expiringOnly ? table.expiring : table.count;
}

/** Notes which databases hold keys: to find out that one holds none, all its shards are read. */
function lookForKeys(): void {
  counters.untilLook = EVICTIONS_A_LOOK;
  counters.inhabited = 0;
  for (let db: u32 = 0; db < DATABASES; db++) {
    if (firstShardFrom(db, 0) != SHARDS) counters.inhabited |= 1 << db;
  }
}

/** A database that holds keys, each as likely as it has many: as many as one of its shards. */
function randomDatabase(): u32 {
  const inhabited = counters.inhabited;
  if ((inhabited & (inhabited - 1)) == 0) return ctz(inhabited);
  const draw = random();
  const shard = <u32>draw & (SHARDS - 1);
  let all: u32 = 0;
  for (let left = inhabited; left != 0; left &= left - 1) all += candidates(shardAt(ctz(left), shard));
  if (all == 0) return ctz(inhabited);
  let place = <u32>(draw >> 32) % all;
  let left = inhabited;
  while (place >= candidates(shardAt(ctz(left), shard))) {
    place -= candidates(shardAt(ctz(left), shard));
    left &= left - 1;
  }
  return ctz(left);
}

function sampleAll(): void {
  for (let left = counters.inhabited; left != 0; left &= left - 1) {
    for (let round: u32 = 0; round < CHUNKS_SAMPLED; round++) sample(ctz(left));
  }
}

/** Looks for a candidate at a random place of a database, and from there on to the end of its shard. */
function sample(db: u32): void {
  const draw = random();
  const shard = firstShardFrom(db, <u32>draw & (SHARDS - 1));
  if (shard == SHARDS) {
    counters.inhabited &= ~(1 << db);
    return;
  }
  const table = shardAt(db, shard);
  const size = directorySize(table);
  let index = <u32>(draw >> 16) & (size - 1);
  let place = <u32>(draw >> 48);
  for (let left = size; left > 0; left--) {
    const segment = segmentAt(table, index);
    const chunks = chunksOfCode(codeOf(segment));
    if (sampleSegment(table, segment, chunks, (place * chunks) >> 16)) return;
    index = (index + 1) & (size - 1);
    place = 0;
  }
}

/** The first shard with keys that may go, SHARDS when there is none. */
function firstShardFrom(db: u32, first: u32): u32 {
  for (let step: u32 = 0; step < SHARDS; step++) {
    const shard = (first + step) & (SHARDS - 1);
    if (candidates(shardAt(db, shard)) != 0) return shard;
  }
  return SHARDS;
}

/** Looks at the first of the segment's chunks, from `first` on, that holds what may be evicted. */
function sampleSegment(table: Table, segment: usize, chunks: u32, first: u32): bool {
  let at = first;
  for (let left = chunks; left > 0; left--) {
    if (sampleChunk(table, segment + at * CHUNK_BYTES)) return true;
    if (++at == chunks) at = 0;
  }
  return false;
}

function sampleChunk(table: Table, chunk: usize): bool {
  let live = liveSlots(chunk);
  if (expiringOnly) live &= load<u16>(chunk, 14);
  let found = false;
  while (live != 0) {
    const slot = slotAddress(chunk, ctz(live));
    live &= live - 1;
    const entry = slotEntry(slot);
    if (entry == pinned || typeOf(entry) == TYPE_VECTOR_SET) continue;
    found = true;
    const score = scoreOf(entry);
    if (victimSlot == 0 || score > victimScore) {
      victimTable = changetype<usize>(table);
      victimSlot = slot;
      victimScore = score;
    }
  }
  return found;
}

/** How little an entry is worth to the policy. */
@inline
function scoreOf(entry: usize): i64 {
  // Idle time is signed: when the clock was set back, what was just asked for is not the oldest.
  if (policy == Eviction.AllKeysLru || policy == Eviction.VolatileLru) return idleOf(entry);
  if (policy == Eviction.VolatileTtl) return -expiryOf(entry);
  if (isRandom()) return <i64>(random() >> 1);
  if (policy == Eviction.AllKeysS3Fifo) return ((<i64>(3 - usesOf(entry))) << 32) + idleOf(entry);
  return ((<i64>(255 - frequencyOf(entry))) << 32) + idleOf(entry);
}

function evictSlot(table: Table, slot: usize): void {
  const entry = slotEntry(slot);
  counters.keysEvicted++;
  evictedClass = pageOf(entry).sizeClass;
  removeKey(table, slot, hashKey(keyOf(entry), entryAt(entry).keyBytes));
}

/** Evicts a key of the first table that has one to evict; for when random draws met none. */
function evictAny(): bool {
  for (let number: u32 = 0; number < DATABASES * SHARDS; number++) {
    const table = shardAt(number >> 8, number & (SHARDS - 1));
    if (candidates(table) == 0) continue;
    victimSlot = 0;
    for (let index: u32 = 0; victimSlot == 0 && index < directorySize(table); index++) {
      const segment = segmentAt(table, index);
      sampleSegment(table, segment, chunksOfCode(codeOf(segment)), 0);
    }
    if (victimSlot == 0) continue;
    evictSlot(table, victimSlot);
    return true;
  }
  return false;
}
