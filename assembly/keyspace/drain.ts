// Emptying a page: its cells move to free ones in other pages of their class, and the page goes back to the pool. That
// is how free cells of one class become memory for another. A cell moves when whoever refers to it is found: an entry
// by its key, a field by its table, whose address it carries, a segment by what its first slot holds (see table.ts).
// At most one page's worth of cells moves at a time. Whoever calls has an empty graveyard, so that every cell has an
// owner. The page of the pinned entry stays, and so does that of the segment that refers to it.

import {
  DATABASES,
  PAGE_BITS,
  PageKind,
  SCRATCH_BASE,
  SHARDS,
  SHARDS_BASE,
  SHARDS_BYTES,
  SLAB_CLASSES,
  TABLE_BYTES,
  ZONE_ENTRY,
  ZONE_FIELD,
  ZONE_SEGMENT,
} from "../layout";
import {
  allocateCell,
  copyBytes,
  counters,
  detachPage,
  freeCells,
  hasFreeCell,
  hasMemory,
  Page,
  pageAt,
  pageOf,
  pagesWithRoom,
  releasePage,
} from "../memory/memory";
import { entryAt, keyOf } from "../memory/entry";
import { cellBytes, cellsOf } from "../memory/slabs";
import { findSlot, localDepth, setSlot, slotAddress, slotEntry, Table, tableAt } from "../memory/table";
import { hashOfEntry, replaceSegment } from "../memory/table-grow";
import { shrinkTable } from "../memory/table-shrink";
import { directorySize, segmentAt } from "../memory/table-walk";
import { countAllKeys, dropKey, pinned, shardAt, tellEvicted } from "./keyspace";
import { databaseOf } from "./shards";
import { effectLog } from "../effects/region";
import { mayEvict } from "./victim";

/** Pages of a class looked at to find the emptiest. */
const DRAIN_CANDIDATES: u32 = 8;
/** Tables are looked at again when a sixteenth of the keys was removed since: less is not worth reading all chunks. */
const SHRINK_SHARE: u32 = 4;

/** Drains a page of entries of the class when all it holds finds a free cell in the others; false when it did not. */
export function drainSpare(sizeClass: u32): bool {
  if (freeCells(ZONE_ENTRY, sizeClass) < cellsOf(sizeClass)) return false;
  return drain(ZONE_ENTRY, sizeClass);
}

/** Drains a page of the zone and class whose free cells are worth most pages, at least one; false when there is none. */
export function drainPage(): bool {
  let bestZone: u32 = ZONE_ENTRY;
  let best: u32 = SLAB_CLASSES;
  let bestPages: u32 = 0;
  for (let number: u32 = 0; number < 3; number++) {
    const zone = number == 0 ? ZONE_ENTRY : number == 1 ? ZONE_FIELD : ZONE_SEGMENT;
    for (let sizeClass: u32 = 0; sizeClass < SLAB_CLASSES; sizeClass++) {
      const free = freeCells(zone, sizeClass);
      if (free == 0 || free / cellsOf(sizeClass) <= bestPages) continue;
      bestPages = free / cellsOf(sizeClass);
      bestZone = zone;
      best = sizeClass;
    }
  }
  return best != SLAB_CLASSES && drain(bestZone, best);
}

/** Pages for recording that all entries of a page went. */
const RECORD_PAGES_A_DRAIN: u32 = 8;

/** Drains a page of entries where most of it finds a free cell, and evicts the rest; false when it cannot. */
export function drainWithLoss(): bool {
  let best: u32 = SLAB_CLASSES;
  let bestShare: u32 = 0;
  for (let sizeClass: u32 = 0; sizeClass < SLAB_CLASSES; sizeClass++) {
    const share = (freeCells(ZONE_ENTRY, sizeClass) << 8) / cellsOf(sizeClass);
    if (share <= bestShare) continue;
    bestShare = share;
    best = sizeClass;
  }
  if (effectLog.recording != 0 && !hasMemory(RECORD_PAGES_A_DRAIN)) return false;
  return best != SLAB_CLASSES && drain(ZONE_ENTRY, best);
}

/** The page of a class with the fewest cells in use among some that may be drained; 0 for none. */
function emptiestPage(zone: u32, sizeClass: u32): u32 {
  const kept = zone == ZONE_ENTRY ? <u32>(pinned >> PAGE_BITS) : zone == ZONE_SEGMENT ? pageOfPinnedSlot() : 0;
  let emptiest: u32 = 0;
  let seen: u32 = 0;
  for (let number = pagesWithRoom(zone, sizeClass); number != 0 && seen < DRAIN_CANDIDATES; ) {
    const page = pageAt(number);
    if (number != kept) {
      seen++;
      if (emptiest == 0 || page.used < pageAt(emptiest).used) emptiest = number;
    }
    number = page.next;
  }
  return emptiest;
}

/** Page of the slot that refers to the pinned entry: whoever pinned it holds the slot's address; 0 for none. */
function pageOfPinnedSlot(): u32 {
  return pinned == 0 ? 0 : <u32>(slotOf(pinned) >> PAGE_BITS);
}

/** The slot of an entry of the keyspace; its table is in `slotTable`. */
function slotOf(entry: usize): usize {
  const hash = hashOfEntry(entry);
  let slot: usize = 0;
  for (let db: u32 = 0; slot == 0 || slotEntry(slot) != entry; db++) {
    if (db == DATABASES) unreachable(); // the graveyard is empty here, so every entry is in a table
    slotTable = changetype<usize>(shardAt(db, <u32>(hash >> 56)));
    slot = findSlot(changetype<Table>(slotTable), keyOf(entry), entryAt(entry).keyBytes, hash);
  }
  return slot;
}

let slotTable: usize = 0;

/** Moves a page's cells to other pages of its class, evicts entries that find none, and releases the page. */
function drain(zone: u32, sizeClass: u32): bool {
  const number = emptiestPage(zone, sizeClass);
  if (number == 0) return false;
  const page = pageAt(number);
  const base = (<usize>number) << PAGE_BITS;
  const fresh: u32 = page.fresh;
  markFreeCells(page, base, sizeClass);
  const elsewhere = freeCells(zone, sizeClass) - (cellsOf(sizeClass) - page.used);
  if (elsewhere < <u32>page.used && elsewhere < countKept(base, fresh, sizeClass)) return false;
  detachPage(zone, number);
  // What must not be lost moves first.
  for (let evictable = 0; evictable < (zone == ZONE_ENTRY ? 2 : 1); evictable++) {
    for (let cell: u32 = 0; cell < fresh; cell++) {
      const address = base + cell * cellBytes(sizeClass);
      if (load<u8>(SCRATCH_BASE + cell) != 0) continue;
      if (zone == ZONE_FIELD) moveField(address, sizeClass);
      else if (zone == ZONE_SEGMENT) moveSegment(address, sizeClass);
      else if (mayEvict(address) == (evictable == 1)) moveOrEvict(address, sizeClass);
    }
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

/** Entries of a page that may not be evicted. */
function countKept(base: usize, fresh: u32, sizeClass: u32): u32 {
  let kept: u32 = 0;
  for (let cell: u32 = 0; cell < fresh; cell++) {
    if (load<u8>(SCRATCH_BASE + cell) == 0 && !mayEvict(base + cell * cellBytes(sizeClass))) kept++;
  }
  return kept;
}

function moveOrEvict(entry: usize, sizeClass: u32): void {
  const slot = slotOf(entry);
  if (hasFreeCell(ZONE_ENTRY, sizeClass)) {
    setSlot(slot, copyCell(entry, ZONE_ENTRY, sizeClass));
  } else {
    counters.keysEvicted++;
    const table = changetype<Table>(slotTable);
    tellEvicted(slot, databaseOf(table));
    dropKey(table, slot, hashOfEntry(entry), databaseOf(table));
  }
}

function copyCell(from: usize, zone: u32, sizeClass: u32): usize {
  const cell = allocateCell(zone, sizeClass);
  copyBytes(cell, from, cellBytes(sizeClass));
  return cell;
}

function moveField(entry: usize, sizeClass: u32): void {
  const table = tableAt(entryAt(entry).access);
  const slot = findSlot(table, keyOf(entry), entryAt(entry).keyBytes, hashOfEntry(entry));
  assert(slot != 0 && slotEntry(slot) == entry);
  setSlot(slot, copyCell(entry, ZONE_FIELD, sizeClass));
}

function moveSegment(segment: usize, sizeClass: u32): void {
  const first = <usize>load<u32>(slotAddress(segment, 0));
  const inUse = load<u8>(segment) != 0;
  const ofKeys = inUse
    ? pageOf(first).kind == PageKind.EntrySlab
    : first >= SHARDS_BASE && first < SHARDS_BASE + SHARDS_BYTES;
  if (!ofKeys) {
    replaceIn(tableAt(inUse ? entryAt(first).access : <u32>first), segment, sizeClass);
    return;
  }
  const shard = inUse ? <u32>(hashOfEntry(first) >> 56) : <u32>((first - SHARDS_BASE) / TABLE_BYTES) & (SHARDS - 1);
  for (let db: u32 = 0; db < DATABASES; db++) if (replaceIn(shardAt(db, shard), segment, sizeClass)) return;
  unreachable(); // the graveyard is empty here, so every segment is in a table
}

/** Moves a segment when it is this table's. */
function replaceIn(table: Table, segment: usize, sizeClass: u32): bool {
  const size = directorySize(table);
  for (let index: u32 = 0; index < size; index++) {
    if (segmentAt(table, index) != segment) continue;
    const cell = copyCell(segment, ZONE_SEGMENT, sizeClass);
    replaceSegment(table, index, localDepth(segment), cell, cell);
    return true;
  }
  return false;
}

/** Makes all tables of the keyspace as small as their keys allow, but for the pinned one's; true when that freed anything. */
export function shrinkTables(): bool {
  const removed = counters.removed - counters.removedAtShrink;
  if (removed == 0 || removed < countAllKeys() >> SHRINK_SHARE) return false;
  counters.removedAtShrink = counters.removed;
  let kept: usize = 0;
  if (pinned != 0) {
    slotOf(pinned);
    kept = slotTable;
  }
  let shrunk = false;
  for (let number: u32 = 0; number < DATABASES * SHARDS; number++) {
    const table = shardAt(number >> 8, number & (SHARDS - 1));
    if (changetype<usize>(table) != kept && shrinkTable(table)) shrunk = true;
  }
  return shrunk;
}
