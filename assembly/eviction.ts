// Admission of writes and making room for them. A write is admitted when the pages it may take are below the limit
// and the spare ones are left; then nothing in it can fail. Without room, deleted objects are freed first, then, if
// the policy allows, keys are evicted. LRU is approximated as in Redis by samples: the oldest of all entries in one
// random chunk (8 on average) goes, so one cache line finds the candidates. Evicting frees cells, not pages: when
// another class needs a page, a page with many free cells is drained by moving its entries to others of its class,
// at most one page's worth a time.

import { DATABASES, Eviction, PAGE_BITS, SCRATCH_BASE, SHARDS, SLAB_CLASSES, SPARE_PAGES, ZONE_ENTRY } from "./layout";
import {
  allocateCell,
  availablePages,
  cellBytes,
  cellsOf,
  classOf,
  copyBytes,
  counters,
  detachPage,
  freeCells,
  hasFreeCell,
  hasPages,
  Page,
  pageAt,
  pagesWithRoom,
  random,
  releasePage,
} from "./memory";
import { entryAt, entryBytes, entryPages, INLINE_VALUE_MAX, keyOf, TYPE_VECTOR_SET, typeOf } from "./entry";
import { CHUNK_BYTES, chunksOfCode, codeOf, findSlot, setSlot, slotAddress, slotEntry, Table } from "./table";
import { directorySize, liveSlots, segmentAt } from "./table-walk";
import { clock, hashKey, pinned, removeKey, shardAt } from "./keyspace";
import { freeStep } from "./graveyard";
import { evictionPolicy, limitPages } from "./settings";

/** Keys evicted for one write before a page is drained whatever it holds. */
const EVICTIONS_BEFORE_DRAIN: u32 = 64;
/** Pages of a class looked at to find the emptiest. */
const DRAIN_CANDIDATES: u32 = 8;

/** True when a command may take `pages` pages; makes room first where the policy allows. Comes before any change. */
export function admit(pages: u32): bool {
  return hasPages(pages) || makeRoom(pages, SLAB_CLASSES);
}

/** `admit` for one entry: at the limit a free cell of its class is enough, so that replacing costs no page. */
export function admitEntry(keyBytes: u32, valueBytes: u32, expiring: bool): bool {
  if (hasPages(entryPages(valueBytes))) return true;
  if (valueBytes > INLINE_VALUE_MAX) return makeRoom(entryPages(valueBytes), SLAB_CLASSES);
  return makeRoom(1, classOf(entryBytes(keyBytes, valueBytes, expiring)));
}

@inline
function hasRoom(pages: u32, sizeClass: u32): bool {
  if (hasPages(pages)) return true;
  return sizeClass != SLAB_CLASSES && availablePages() >= SPARE_PAGES && hasFreeCell(ZONE_ENTRY, sizeClass);
}

function makeRoom(pages: u32, sizeClass: u32): bool {
  if (hasRoom(pages, sizeClass)) return true;
  while (freeStep()) if (hasRoom(pages, sizeClass)) return true;
  if (hasRoom(pages, sizeClass)) return true;
  if (evictionPolicy() == Eviction.None || pages + SPARE_PAGES > limitPages()) return false;
  while (true) {
    let evicted: u32 = 0;
    while (evicted < EVICTIONS_BEFORE_DRAIN && evictOne()) {
      evicted++;
      while (freeStep()) {}
      if (hasRoom(pages, sizeClass)) return true;
    }
    const drained = drainPage();
    if (hasRoom(pages, sizeClass)) return true;
    if (!drained && evicted == 0) return false;
  }
}

// ---- choosing a key

/** Evicts the least recently used key of a random chunk; false when no key may be evicted. */
function evictOne(): bool {
  for (let attempt = 0; attempt < 16; attempt++) {
    const draw = random();
    const db = firstDatabaseFrom(<u32>draw & (DATABASES - 1));
    if (db == DATABASES) return false;
    const table = firstShardFrom(db, <u32>(draw >> 8) & (SHARDS - 1));
    const segment = segmentAt(table, <u32>(draw >> 16) & (directorySize(table) - 1));
    const chunks = chunksOfCode(codeOf(segment));
    if (evictFrom(table, segment, chunks, (<u32>(draw >> 48) * chunks) >> 16)) return true;
  }
  return evictAny();
}

function firstDatabaseFrom(first: u32): u32 {
  for (let step: u32 = 0; step < DATABASES; step++) {
    const db = (first + step) & (DATABASES - 1);
    for (let shard: u32 = 0; shard < SHARDS; shard++) if (shardAt(db, shard).count != 0) return db;
  }
  return DATABASES;
}

/** The first shard with keys; there is one. */
function firstShardFrom(db: u32, first: u32): Table {
  let shard = first;
  while (shardAt(db, shard).count == 0) shard = (shard + 1) & (SHARDS - 1);
  return shardAt(db, shard);
}

/** Evicts from the first of the segment's chunks, from `first` on, that holds a candidate. */
function evictFrom(table: Table, segment: usize, chunks: u32, first: u32): bool {
  for (let step: u32 = 0; step < chunks; step++) {
    const chunk = segment + ((first + step) % chunks) * CHUNK_BYTES;
    const slot = oldestSlot(chunk);
    if (slot != 0) {
      evictSlot(table, slot);
      return true;
    }
  }
  return false;
}

function oldestSlot(chunk: usize): usize {
  let live = liveSlots(chunk);
  let oldest: usize = 0;
  let longest: u32 = 0;
  const now = <u32>(clock >> 3);
  while (live != 0) {
    const slot = slotAddress(chunk, ctz(live));
    live &= live - 1;
    const entry = slotEntry(slot);
    if (!mayEvict(entry)) continue;
    const idle = now - entryAt(entry).access;
    if (oldest == 0 || idle > longest) {
      oldest = slot;
      longest = idle;
    }
  }
  return oldest;
}

/** Vector sets stay: nobody wants half an index gone because a cache beside it grew. */
@inline
function mayEvict(entry: usize): bool {
  return entry != pinned && typeOf(entry) != TYPE_VECTOR_SET;
}

function evictSlot(table: Table, slot: usize): void {
  const entry = slotEntry(slot);
  counters.keysEvicted++;
  removeKey(table, slot, hashKey(keyOf(entry), entryAt(entry).keyBytes));
}

/** The first evictable key of all; for when random draws met none. */
function evictAny(): bool {
  for (let number: u32 = 0; number < DATABASES * SHARDS; number++) {
    const table = shardAt(number >> 8, number & (SHARDS - 1));
    for (let index: u32 = 0; table.count != 0 && index < directorySize(table); index++) {
      const segment = segmentAt(table, index);
      if (evictFrom(table, segment, chunksOfCode(codeOf(segment)), 0)) return true;
    }
  }
  return false;
}

// ---- draining a page

/** Empties the page with the most free cells and gives it back; false when no class has a page to spare. */
function drainPage(): bool {
  let best: u32 = SLAB_CLASSES;
  let bestPages: u32 = 0;
  for (let sizeClass: u32 = 0; sizeClass < SLAB_CLASSES; sizeClass++) {
    const pages = (freeCells(ZONE_ENTRY, sizeClass) << 8) / cellsOf(sizeClass);
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
