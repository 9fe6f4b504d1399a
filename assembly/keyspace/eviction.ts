// Admission of writes and making room for them. A write is admitted when the pages it may take are below the limit
// and the spare ones are left; then nothing in it can fail. Without room, deleted objects are freed first, then, if
// the policy allows, keys are evicted. LRU is approximated as in Redis by samples: the oldest of all entries in one
// random chunk (8 on average) of each database goes, so one cache line finds the candidates. Evicting frees cells, not pages: when
// another class needs a page, a page with many free cells is drained by moving its entries to others of its class,
// at most one page's worth a time.

import {
  DATABASES,
  Eviction,
  PAGE_BITS,
  PAGE_BYTES,
  SCRATCH_BASE,
  SHARDS,
  SLAB_CLASSES,
  SPARE_PAGES,
  ZONE_ENTRY,
} from "../layout";
import {
  allocateCell,
  availablePages,
  copyBytes,
  counters,
  detachPage,
  freeCells,
  hasFreeCell,
  hasMemory,
  hasPages,
  Page,
  pageAt,
  pageOf,
  pagesWithRoom,
  random,
  releasePage,
} from "../memory/memory";
import { cellBytes, cellsOf, classOf } from "../memory/slabs";
import { entryAt, entryBytes, entryPages, INLINE_VALUE_MAX, keyOf, TYPE_VECTOR_SET, typeOf } from "../memory/entry";
import { CHUNK_BYTES, chunksOfCode, codeOf, findSlot, setSlot, slotAddress, slotEntry, Table } from "../memory/table";
import { directorySize, liveSlots, segmentAt } from "../memory/table-walk";
import { accessTime, hashKey, pinned, removeKey, shardAt } from "./keyspace";
import { freeStep } from "./graveyard";
import { evictionPolicy, limitPages } from "../memory/settings";

/** Bytes of chunks for an entry, at the emptiest. */
const SLOT_SHARE: u32 = 16;
/** Evictions after which it is looked anew which databases hold keys. */
const EVICTIONS_A_LOOK: u32 = 256;
/** Keys evicted before a page is drained whatever it holds. */
const EVICTIONS_BEFORE_DRAIN: u32 = 1024;
/** Pages of a class looked at to find the emptiest. */
const DRAIN_CANDIDATES: u32 = 8;

/** True when a command may take `pages` pages; makes room first where the policy allows. Comes before any change. */
export function admit(pages: u32): bool {
  return hasPages(pages) || makeRoom(pages, SLAB_CLASSES);
}

/** `admit` for what is received over time and admitted page by page: false when it cannot fit even then. */
export function mayAdmit(pages: u32): bool {
  return evictionPolicy() == Eviction.None ? admit(pages) : pages + SPARE_PAGES <= limitPages();
}

/** `admit` for one entry: at the limit a free cell of its class is enough, so that replacing costs no page. */
export function admitEntry(keyBytes: u32, valueBytes: u32, expiring: bool): bool {
  if (hasPages(entryPages(valueBytes))) return true;
  if (valueBytes > INLINE_VALUE_MAX) return makeRoom(entryPages(valueBytes), SLAB_CLASSES);
  return makeRoom(1, classOf(entryBytes(keyBytes, valueBytes, expiring)));
}

/**
 * `admit` for moving an entry, with the value it has, to another cell: under another key, or with or without an expiry.
 * It must be possible to let keys die at the limit.
 */
export function admitMove(keyBytes: u32, valueBytes: u32, expiring: bool): bool {
  return hasPages(1) || makeRoom(1, classOf(entryBytes(keyBytes, valueBytes, expiring))) || maySpare();
}

/** `admit` for a cell in the place of one that is no smaller. */
export function admitReplacement(): bool {
  return admit(1) || maySpare();
}

/** Half of the spare pages may be used where an old cell comes free. */
function maySpare(): bool {
  return availablePages() > SPARE_PAGES / 2 && hasMemory(SPARE_PAGES);
}

/** Bytes of memory that an entry takes with its slot of the index, its part of what its page cannot use included. */
export function cellShare(keyBytes: u32, valueBytes: u32): u32 {
  return PAGE_BYTES / cellsOf(classOf(entryBytes(keyBytes, valueBytes, false))) + SLOT_SHARE;
}

@inline
function hasRoom(pages: u32, sizeClass: u32): bool {
  if (hasPages(pages)) return true;
  if (sizeClass == SLAB_CLASSES || !hasFreeCell(ZONE_ENTRY, sizeClass)) return false;
  return availablePages() >= SPARE_PAGES && hasMemory(SPARE_PAGES);
}

function makeRoom(pages: u32, sizeClass: u32): bool {
  if (hasRoom(pages, sizeClass)) return true;
  while (freeStep()) if (hasRoom(pages, sizeClass)) return true;
  if (hasRoom(pages, sizeClass)) return true;
  if (pages + SPARE_PAGES > limitPages()) return false;
  return evictionPolicy() == Eviction.None ? gather(pages, sizeClass) : evictFor(pages, sizeClass);
}

/** Makes room without losing anything: from free cells that are worth whole pages. */
function gather(pages: u32, sizeClass: u32): bool {
  while (drainPage(true)) if (hasRoom(pages, sizeClass)) return true;
  return false;
}

/**
 * Evicts until there is room. Evicted cells of other classes help only when they are worth a page, so it goes on until
 * one class has that many and then drains a page without loss; keys that were just used are not drained away with
 * the page they happen to share.
 */
function evictFor(pages: u32, sizeClass: u32): bool {
  while (true) {
    let evicted: u32 = 0;
    let drained = false;
    while (!drained && evicted < EVICTIONS_BEFORE_DRAIN && evictOne()) {
      evicted++;
      while (freeStep()) {}
      if (hasRoom(pages, sizeClass)) return true;
      drained = hasSparePage(evictedClass) && drain(emptiestPage(evictedClass), evictedClass);
    }
    if (!drained) drained = drainPage(false);
    if (hasRoom(pages, sizeClass)) return true;
    if (!drained && evicted == 0) return false;
  }
}

// ---- choosing a key

// The candidate found so far: its table and slot (0 for none), and how long nobody has asked for it.
let oldestTable: usize = 0;
let oldestSlot: usize = 0;
let longestIdle: i32 = 0;

/** Evicts the least recently used key of a random chunk of each database; false when no key may be evicted. */
function evictOne(): bool {
  for (let attempt = 0; attempt < 16; attempt++) {
    if (counters.untilLook == 0) lookForKeys();
    counters.untilLook--;
    if (counters.inhabited == 0) break;
    oldestSlot = 0;
    for (let left = counters.inhabited; left != 0; left &= left - 1) sample(ctz(left));
    if (oldestSlot != 0) {
      evictSlot(changetype<Table>(oldestTable), oldestSlot);
      return true;
    }
  }
  return evictAny();
}

/** Notes which databases hold keys: to find out that one holds none, all its shards are read. */
function lookForKeys(): void {
  counters.untilLook = EVICTIONS_A_LOOK;
  counters.inhabited = 0;
  for (let db: u32 = 0; db < DATABASES; db++) {
    if (firstShardFrom(db, 0) != SHARDS) counters.inhabited |= 1 << db;
  }
}

/** Looks for a candidate at a random place of a database. */
function sample(db: u32): void {
  const draw = random();
  const shard = firstShardFrom(db, <u32>draw & (SHARDS - 1));
  if (shard == SHARDS) {
    counters.inhabited &= ~(1 << db);
    return;
  }
  const table = shardAt(db, shard);
  const segment = segmentAt(table, <u32>(draw >> 16) & (directorySize(table) - 1));
  const chunks = chunksOfCode(codeOf(segment));
  sampleSegment(table, segment, chunks, (<u32>(draw >> 48) * chunks) >> 16);
}

/** The first shard with keys, SHARDS when there is none. */
function firstShardFrom(db: u32, first: u32): u32 {
  for (let step: u32 = 0; step < SHARDS; step++) {
    const shard = (first + step) & (SHARDS - 1);
    if (shardAt(db, shard).count != 0) return shard;
  }
  return SHARDS;
}

/** Looks at the first of the segment's chunks, from `first` on, that holds what may be evicted. */
function sampleSegment(table: Table, segment: usize, chunks: u32, first: u32): void {
  for (let step: u32 = 0; step < chunks; step++) {
    if (sampleChunk(table, segment + ((first + step) % chunks) * CHUNK_BYTES)) return;
  }
}

function sampleChunk(table: Table, chunk: usize): bool {
  let live = liveSlots(chunk);
  let found = false;
  const now = accessTime();
  while (live != 0) {
    const slot = slotAddress(chunk, ctz(live));
    live &= live - 1;
    const entry = slotEntry(slot);
    if (!mayEvict(entry)) continue;
    found = true;
    // Signed: when the clock was set back, what was just asked for is not the oldest.
    const idle = <i32>(now - entryAt(entry).access);
    if (oldestSlot == 0 || idle > longestIdle) {
      oldestTable = changetype<usize>(table);
      oldestSlot = slot;
      longestIdle = idle;
    }
  }
  return found;
}

/** Vector sets stay: nobody wants half an index gone because a cache beside it grew. */
@inline
function mayEvict(entry: usize): bool {
  return entry != pinned && typeOf(entry) != TYPE_VECTOR_SET;
}

/** Size class of the entry evicted last. */
let evictedClass: u32 = 0;

function evictSlot(table: Table, slot: usize): void {
  const entry = slotEntry(slot);
  counters.keysEvicted++;
  evictedClass = pageOf(entry).sizeClass;
  removeKey(table, slot, hashKey(keyOf(entry), entryAt(entry).keyBytes));
}

/** Evicts a key of the first chunk that has one to evict; for when random draws met none. */
function evictAny(): bool {
  for (let number: u32 = 0; number < DATABASES * SHARDS; number++) {
    const table = shardAt(number >> 8, number & (SHARDS - 1));
    for (let index: u32 = 0; table.count != 0 && index < directorySize(table); index++) {
      const segment = segmentAt(table, index);
      oldestSlot = 0;
      sampleSegment(table, segment, chunksOfCode(codeOf(segment)), 0);
      if (oldestSlot != 0) {
        evictSlot(table, oldestSlot);
        return true;
      }
    }
  }
  return false;
}

// ---- draining a page

/** True when a page of the class can be drained and all it holds finds a free cell in the others. */
function hasSparePage(sizeClass: u32): bool {
  return freeCells(ZONE_ENTRY, sizeClass) >= cellsOf(sizeClass);
}

/** Drains a page of the class with the most free cells; `lossless` only where they are worth a page. False when it did not. */
function drainPage(lossless: bool): bool {
  let best: u32 = SLAB_CLASSES;
  let bestPages: u64 = lossless ? 255 : 0;
  for (let sizeClass: u32 = 0; sizeClass < SLAB_CLASSES; sizeClass++) {
    const pages = ((<u64>freeCells(ZONE_ENTRY, sizeClass)) << 8) / cellsOf(sizeClass);
    if (pages > bestPages) {
      bestPages = pages;
      best = sizeClass;
    }
  }
  if (best == SLAB_CLASSES) return false;
  return drain(emptiestPage(best), best);
}

function emptiestPage(sizeClass: u32): u32 {
  let number = pagesWithRoom(ZONE_ENTRY, sizeClass);
  let emptiest = number;
  for (let seen: u32 = 0; seen < DRAIN_CANDIDATES && number != 0; seen++) {
    if (pageAt(number).used < pageAt(emptiest).used) emptiest = number;
    number = pageAt(number).next;
  }
  return emptiest;
}

/** Moves a page's entries to other pages of its class, evicts those that find no cell, and releases the page. */
function drain(number: u32, sizeClass: u32): bool {
  const page = pageAt(number);
  const base = (<usize>number) << PAGE_BITS;
  if (pinned != 0 && <u32>(pinned >> PAGE_BITS) == number) return false;
  const fresh: u32 = page.fresh;
  markFreeCells(page, base, sizeClass);
  if (
    holdsVectorSet(base, fresh, sizeClass) &&
    freeCells(ZONE_ENTRY, sizeClass) - (cellsOf(sizeClass) - page.used) < <u32>page.used
  )
    return false;
  detachPage(ZONE_ENTRY, number);
  for (let cell: u32 = 0; cell < fresh; cell++) {
    if (load<u8>(SCRATCH_BASE + cell) == 0) moveOrEvict(base + cell * cellBytes(sizeClass), sizeClass);
  }
  releasePage(base);
  return true;
}

/** SCRATCH[cell] = 1 for each free cell among those ever used. */
function markFreeCells(page: Page, base: usize, sizeClass: u32): void {
  memory.fill(SCRATCH_BASE, 0, page.fresh);
  let free: u32 = page.free;
  while (free != 0) {
    store<u8>(SCRATCH_BASE + free - 1, 1);
    free = load<u16>(base + (free - 1) * cellBytes(sizeClass));
  }
}

function holdsVectorSet(base: usize, fresh: u32, sizeClass: u32): bool {
  for (let cell: u32 = 0; cell < fresh; cell++) {
    if (load<u8>(SCRATCH_BASE + cell) == 0 && typeOf(base + cell * cellBytes(sizeClass)) == TYPE_VECTOR_SET)
      return true;
  }
  return false;
}

function moveOrEvict(entry: usize, sizeClass: u32): void {
  const key = keyOf(entry);
  const bytes: u32 = entryAt(entry).keyBytes;
  const hash = hashKey(key, bytes);
  for (let db: u32 = 0; db < DATABASES; db++) {
    const table = shardAt(db, <u32>(hash >> 56));
    const slot = findSlot(table, key, bytes, hash);
    if (slot == 0 || slotEntry(slot) != entry) continue;
    if (hasFreeCell(ZONE_ENTRY, sizeClass)) {
      const cell = allocateCell(ZONE_ENTRY, sizeClass);
      copyBytes(cell, entry, cellBytes(sizeClass));
      setSlot(slot, cell);
    } else {
      counters.keysEvicted++;
      removeKey(table, slot, hash);
    }
    return;
  }
  unreachable(); // the graveyard is empty here, so every entry is in a table
}
