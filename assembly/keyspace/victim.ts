// Choosing the keys that go. As in Redis samples stand for an order of all keys that nobody keeps: the entries in 8 runs of
// 12 neighbours in random pages compete with the best of earlier samples for 32 places, the 16 that the policy values
// least go one after another with the evictions to come, unless they were used meanwhile, and the rest stay for the next
// samples. Reading an entry is a cache miss, most of what an eviction costs: neighbours are read ahead by the processor,
// and the misses of many overlap. Where few pages hold candidates, random chunks of the tables are read instead: a chunk
// knows which of its slots expire. Vector sets are never evicted, nor is the key under work.

import { DATABASES, Eviction, PAGE_BITS, PageKind, SHARDS, VICTIMS_BASE, VICTIMS_BYTES } from "../layout";
import { entryAt, expires, expiryOf, keyOf, TYPE_VECTOR_SET, typeOf } from "../memory/entry";
import { counters, hasMemory, pageAt, pageOf, random, state } from "../memory/memory";
import { evictionPolicy } from "../memory/settings";
import { cellBytes } from "../memory/slabs";
import { CHUNK_BYTES, chunksOfCode, codeOf, slotAddress, slotEntry, slotHolding, Table } from "../memory/table";
import { directorySize, liveSlots, segmentAt, segmentEnd } from "../memory/table-walk";
import { evictsExpiringOnly, frequencyOf, idleOf, usesOf } from "./access";
import { dropKey, hashKey, pinned, shardAt, tellEvicted } from "./keyspace";
import { databaseOf } from "./shards";
import { effectLog } from "../effects/region";
import { foundTable } from "./queues";
import { offer, openVictims, prepareVictims, SCORE_MAX, takeWorst, VICTIMS_END } from "./victim-pool";
import { nextVictim } from "./victim-queue";

/** Evictions after which it is looked anew which databases hold keys. */
const EVICTIONS_A_LOOK: u32 = 256;
/** Runs or chunks whose keys are compared, and how many of the best of them wait for other samples. */
const DRAWS: u32 = 8;
const VICTIMS_WAITING: u32 = 16;

/** What is drawn, 16 bytes: a chunk in a segment with the slots of candidates, or cells that begin at `chunk`, `segment` apart. */
@unmanaged
class Draw {
  segment: u32;
  chunk: u32;
  slots: u32;
  padding: u32;
}

const DRAW_BYTES: u32 = 16;
const DRAWS_BASE: usize = (VICTIMS_END + 7) & ~7;
if (offsetof<Draw>() != DRAW_BYTES) ERROR("a draw must stay 16 bytes");
if (DRAWS_BASE + DRAW_BYTES * DRAWS > VICTIMS_BASE + VICTIMS_BYTES) ERROR("the draws must fit their region");

/** Size class of the entry evicted last. */
export let evictedClass: u32 = 0;

// What runs, read once an eviction.
let policy: u32 = 0;
let expiringOnly: bool = false;

@inline
function drawAt(index: u32): Draw {
  return changetype<Draw>(DRAWS_BASE + index * DRAW_BYTES);
}

/** Vector sets stay: nobody wants half an index gone because a cache beside it grew. */
@inline
export function mayEvict(entry: usize): bool {
  return entry != pinned && typeOf(entry) != TYPE_VECTOR_SET && (!evictsExpiringOnly() || expires(entry));
}

/** Evicts one key as the policy says; false when there is none that may go, or no page for saying so in the log. */
export function evictOne(): bool {
  if (effectLog.recording != 0 && !hasMemory(1)) return false;
  policy = evictionPolicy();
  expiringOnly = evictsExpiringOnly();
  if (counters.untilLook == 0) lookForKeys();
  counters.untilLook--;
  if (policy == Eviction.AllKeysS3Fifo && evictQueued()) return true;
  if (counters.victims <= VICTIMS_WAITING && counters.inhabited != 0) chooseFromPages();
  if (evictChosen()) return true;
  if (counters.inhabited != 0) chooseFromChunks();
  return evictChosen() || evictAny();
}

function evictQueued(): bool {
  const slot = nextVictim();
  if (slot == 0) return false;
  const entry = slotEntry(slot);
  evictSlot(changetype<Table>(foundTable), slot, hashKey(keyOf(entry), entryAt(entry).keyBytes));
  return true;
}

/** Evicts the chosen key worth least that is still there and was not used since; false when none is left. */
function evictChosen(): bool {
  while (counters.victims != 0) {
    const victim = takeWorst();
    const entry = <usize>victim.entry;
    const slot = findVictim(entry, victim.hash);
    if (slot == 0 || !mayEvict(entry) || entryAt(entry).access != victim.access) continue;
    evictSlot(changetype<Table>(victimTable), slot, victim.hash);
    return true;
  }
  return false;
}

let victimTable: usize = 0;

/** The slot that refers to an entry, its table in `victimTable`; 0 when the entry is gone. */
function findVictim(entry: usize, hash: u64): usize {
  for (let left = counters.inhabited; left != 0; left &= left - 1) {
    const table = shardAt(ctz(left), <u32>(hash >> 56));
    const slot = table.count == 0 ? <usize>0 : slotHolding(table, entry, hash);
    if (slot == 0) continue;
    victimTable = changetype<usize>(table);
    return slot;
  }
  return 0;
}

@inline
function isRandom(): bool {
  return policy == Eviction.AllKeysRandom || policy == Eviction.VolatileRandom;
}

/** Forgets which databases hold keys that may go: another policy asks for others. */
export function forgetSamples(): void {
  counters.untilLook = 0;
  counters.victims = 0;
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

// ---- choosing among neighbours in memory

const RUN_CELLS: u32 = 12;
const PAGES_TRIED: u32 = 64;

/**
 * Compares the entries in runs of cells of random pages. Neighbours lie at equal distances, which the processor reads
 * ahead; entries in chunks lie anywhere. A cell that is free looks like the entry that it was: it is found out when the
 * table does not refer to it.
 */
function chooseFromPages(): void {
  let runs: u32 = 0;
  let sum: u32 = 0;
  const pages = state.freshPage - state.heapStart;
  openVictims(policy == Eviction.AllKeysLru || policy == Eviction.VolatileLru);
  for (let tried: u32 = 0; tried < PAGES_TRIED && runs < DRAWS; tried++) {
    const bits = random();
    const number = state.heapStart + <u32>(((bits & 0xffffffff) * pages) >> 32);
    const page = pageAt(number);
    if (page.kind != PageKind.EntrySlab) continue;
    const draw = drawAt(runs++);
    const fresh: u32 = page.fresh;
    const cells = min(isRandom() ? 1 : RUN_CELLS, fresh);
    const first = (<u32>(bits >> 48) * (fresh - cells + 1)) >> 16;
    draw.chunk = (number << PAGE_BITS) + first * cellBytes(page.sizeClass);
    draw.segment = cellBytes(page.sizeClass);
    draw.slots = cells;
  }
  for (let index: u32 = 0; index < runs; index++) sum += touchRun(drawAt(index));
  for (let index: u32 = 0; index < runs; index++) compareRun(drawAt(index));
  prepareVictims(VICTIMS_WAITING);
  counters.touched += sum;
}

/** Reads a byte of each entry, and does nothing that would have to wait for it. */
function touchRun(draw: Draw): u32 {
  let entry = <usize>draw.chunk;
  let sum: u32 = 0;
  for (let left = draw.slots; left > 0; left--) {
    sum += load<u8>(entry);
    entry += draw.segment;
  }
  return sum;
}

function compareRun(draw: Draw): void {
  let entry = <usize>draw.chunk;
  for (let left = draw.slots; left > 0; left--) {
    if (entry != pinned && typeOf(entry) != TYPE_VECTOR_SET && (!expiringOnly || expires(entry)))
      offer(entry, entryAt(entry).access, scoreOf(entry));
    entry += draw.segment;
  }
}

// ---- choosing: each step goes through all draws, so that their cache misses overlap

function chooseFromChunks(): void {
  openVictims(false);
  let draws: u32 = 0;
  let sum: u32 = 0;
  let left = counters.inhabited;
  for (let round: u32 = 0; round < DRAWS && counters.inhabited != 0; round++) {
    if (left == 0) left = counters.inhabited;
    if (!drawSegment(drawAt(draws), isRandom() ? randomDatabase() : ctz(left))) continue;
    left &= left - 1;
    sum += load<u8>(<usize>drawAt(draws).segment);
    draws++;
  }
  for (let index: u32 = 0; index < draws; index++) {
    const draw = drawAt(index);
    const segment = <usize>draw.segment;
    draw.chunk = <u32>(segment + ((draw.chunk * chunksOfCode(codeOf(segment))) >> 16) * CHUNK_BYTES);
    sum += load<u8>(<usize>draw.chunk);
  }
  for (let index: u32 = 0; index < draws; index++) sum += touchCandidates(drawAt(index));
  for (let index: u32 = 0; index < draws; index++) compareCandidates(drawAt(index));
  prepareVictims(VICTIMS_WAITING);
  counters.touched += sum;
}

/** Draws a segment at a random place of a database, and a 16-bit place in it; false when the database holds no keys. */
function drawSegment(draw: Draw, db: u32): bool {
  const bits = random();
  const shard = firstShardFrom(db, <u32>bits & (SHARDS - 1));
  if (shard == SHARDS) {
    counters.inhabited &= ~(1 << db);
    return false;
  }
  const table = shardAt(db, shard);
  draw.segment = <u32>segmentAt(table, <u32>(bits >> 16) & (directorySize(table) - 1));
  draw.chunk = <u32>(bits >> 48);
  return true;
}

/** Slots of a chunk whose keys may go, but for what only their entries tell. */
@inline
function slotsOf(chunk: usize): u32 {
  const live = liveSlots(chunk);
  return expiringOnly ? live & load<u16>(chunk, 14) : live;
}

/** Goes on to the first chunk of the segment with candidates, and reads a byte of each. */
function touchCandidates(draw: Draw): u32 {
  const segment = <usize>draw.segment;
  const end = segmentEnd(segment);
  let chunk = <usize>draw.chunk;
  let slots = slotsOf(chunk);
  for (let left = chunksOfCode(codeOf(segment)); slots == 0 && left > 1; left--) {
    chunk += CHUNK_BYTES;
    if (chunk == end) chunk = segment;
    slots = slotsOf(chunk);
  }
  if (isRandom() && slots != 0) slots = oneOf(slots);
  draw.chunk = <u32>chunk;
  draw.slots = slots;
  let sum: u32 = 0;
  for (; slots != 0; slots &= slots - 1) sum += load<u8>(slotEntry(slotAddress(chunk, ctz(slots))));
  return sum;
}

/** A random one of some slots. */
function oneOf(slots: u32): u32 {
  let passed = <u32>(random() >> 40) % <u32>popcnt(slots);
  for (; passed > 0; passed--) slots &= slots - 1;
  return slots & -slots;
}

function compareCandidates(draw: Draw): void {
  for (let slots = draw.slots; slots != 0; slots &= slots - 1) {
    const entry = slotEntry(slotAddress(<usize>draw.chunk, ctz(slots)));
    if (entry != pinned && typeOf(entry) != TYPE_VECTOR_SET) offer(entry, entryAt(entry).access, scoreOf(entry));
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

/** How little an entry is worth to the policy. */
@inline
function scoreOf(entry: usize): i64 {
  // Idle time is signed: when the clock was set back, what was just asked for is not the oldest.
  if (policy == Eviction.AllKeysLru || policy == Eviction.VolatileLru) return idleOf(entry);
  if (policy == Eviction.VolatileTtl) return max(-expiryOf(entry), -SCORE_MAX);
  if (isRandom()) return <i64>(random() >> 8);
  if (policy == Eviction.AllKeysS3Fifo) return ((<i64>(3 - usesOf(entry))) << 32) + idleOf(entry);
  return ((<i64>(255 - frequencyOf(entry))) << 32) + idleOf(entry);
}

function evictSlot(table: Table, slot: usize, hash: u64): void {
  counters.keysEvicted++;
  evictedClass = pageOf(slotEntry(slot)).sizeClass;
  tellEvicted(slot, databaseOf(table));
  dropKey(table, slot, hash, databaseOf(table));
}

/** Evicts a key of the first table that has one to evict; for when random draws met none. */
function evictAny(): bool {
  for (let number: u32 = 0; number < DATABASES * SHARDS; number++) {
    const table = shardAt(number >> 8, number & (SHARDS - 1));
    if (candidates(table) != 0 && evictAnyOf(table)) return true;
  }
  return false;
}

function evictAnyOf(table: Table): bool {
  for (let index: u32 = 0; index < directorySize(table); index++) {
    const segment = segmentAt(table, index);
    for (let chunk = segment; chunk < segmentEnd(segment); chunk += CHUNK_BYTES) {
      for (let slots = slotsOf(chunk); slots != 0; slots &= slots - 1) {
        const slot = slotAddress(chunk, ctz(slots));
        const entry = slotEntry(slot);
        if (entry == pinned || typeOf(entry) == TYPE_VECTOR_SET) continue;
        evictSlot(table, slot, hashKey(keyOf(entry), entryAt(entry).keyBytes));
        return true;
      }
    }
  }
  return false;
}
