// What the latest filters said of the elements they met, so that a filter that comes again costs a bit instead of an
// evaluation. Two bits a node, whether it was tested and whether it matched, stand in 16 bytes for each 64 nodes, in pages
// that are no part of the database. A filter that is new takes the place of the one longest unused; a change of an
// element's attributes makes it untested. Sets are told apart by address, so one that goes is forgotten first.
//
//   verdicts  0 clock (u32) | 4 slots
//   slot      see Slot; then addresses of its pages (u32 x PAGES_MAX), then the program
//
// Cost: 64 KiB for each 262,144 ids and filter, at most SLOTS filters, and none while less than an eighth of the memory
// limit is free. Measured on 200,000 elements: a test costs 60 to 90 ns the first time, about 2 ns later.

import { PAGE_BITS, PageKind, VERDICTS_BASE, VERDICTS_BYTES } from "../layout";
import { availablePages, hasPages, releasePage, takePage } from "../memory/memory";
import { hasTests, passesTests, touchColumns } from "./filter-columns";
import { limitPages } from "../memory/settings";
import { isWorker } from "../memory/threads";
import { isDeadAt } from "./upkeep/deaths";
import { matches } from "./vector-attributes";
import { nodeAt, nodesOf, VectorSet } from "./vectorset";
import { recordAt } from "./blocks";
import { SINK } from "./vector-scratch";

const SLOTS: u32 = 8;
const PAGES_MAX: u32 = 16;
/** Longer programs are not remembered. */
const PROGRAM_BYTES_MAX: u32 = 512;
const IDS_A_PAGE_BITS: u32 = PAGE_BITS + 2;
const IDS_A_PAGE_MASK: u32 = (1 << IDS_A_PAGE_BITS) - 1;

@unmanaged
class Slot {
  /** 0 for a slot that is free. */
  set: u32;
  /** When it was last used. */
  clock: u32;
  pages: u32;
  /** Nodes that were tested, and of those the ones that matched. */
  tested: u32;
  matched: u32;
  /** Ids that the pages have bits for. */
  ids: u32;
}

const CLOCK_BYTES: u32 = 4;
const SLOT_HEAD_BYTES: u32 = 32;
const SLOT_BYTES: u32 = SLOT_HEAD_BYTES + PAGES_MAX * 4 + PROGRAM_BYTES_MAX;
if (SLOTS * SLOT_BYTES > VERDICTS_BYTES - CLOCK_BYTES) ERROR("verdicts must fit their region");

/** The slot of the running search, null when nothing is remembered of it. */
let open: usize = 0;
let openSet: usize = 0;
let openProgram: usize = 0;
/** Whether columns tell; then nothing is remembered, since a test costs little more than remembering. */
let byColumns: bool = false;
/** When elements are dead that are there: nothing is remembered of it, since time goes on. */
let deadline: i64 = 0;
/** Elements that the running search has evaluated. */
export let evaluations: u32 = 0;

@inline
function slotAt(index: u32): Slot {
  return changetype<Slot>(<usize>(VERDICTS_BASE + CLOCK_BYTES + index * SLOT_BYTES));
}

@inline
function pageSlot(slot: usize, page: u32): usize {
  return slot + SLOT_HEAD_BYTES + (page << 2);
}

@inline
function programOf(slot: Slot): usize {
  return changetype<usize>(slot) + SLOT_HEAD_BYTES + PAGES_MAX * 4;
}

/** Begins to test elements of a set by a compiled filter, 0 for none; those that are dead at `now` never match, 0 when none is. */
export function openVerdicts(set: VectorSet, program: usize, now: i64): void {
  open = 0;
  openSet = changetype<usize>(set);
  openProgram = program;
  evaluations = 0;
  deadline = now;
  byColumns = hasTests();
  // A worker takes no memory, and shares none of what is remembered.
  if (byColumns || program == 0 || isWorker()) return;
  const bytes = load<u32>(program);
  const pages = (set.idsUsed + IDS_A_PAGE_MASK) >> IDS_A_PAGE_BITS;
  if (bytes > PROGRAM_BYTES_MAX || pages > PAGES_MAX) return;
  const slot = findSlot(set, program, bytes);
  if (slot.pages != 0 && slot.ids < set.idsUsed) clearBehind(slot, set.idsUsed);
  const short = pages > slot.pages ? pages - slot.pages : 0;
  if (short != 0 && (!hasPages(short) || availablePages() - short < limitPages() >> 3)) return;
  if (slot.set == 0) memory.copy(programOf(slot), program, bytes);
  slot.set = <u32>changetype<usize>(set);
  const clock = load<u32>(VERDICTS_BASE) + 1;
  store<u32>(VERDICTS_BASE, clock);
  slot.clock = clock;
  for (; slot.pages < pages; slot.pages++) {
    const page = takePage(PageKind.Scratch);
    // Of the last page no more is cleared than ids come to.
    const ids = min(set.idsUsed - (slot.pages << IDS_A_PAGE_BITS), IDS_A_PAGE_MASK + 1);
    memory.fill(page, 0, (<usize>((ids + 63) >> 6)) << 4);
    store<u32>(pageSlot(changetype<usize>(slot), slot.pages), <u32>page);
    slot.ids = set.idsUsed;
  }
  open = changetype<usize>(slot);
}

/** The slot of a filter, else a free one, else the one longest unused, emptied. */
function findSlot(set: VectorSet, program: usize, bytes: u32): Slot {
  let oldest = slotAt(0);
  for (let index: u32 = 0; index < SLOTS; index++) {
    const slot = slotAt(index);
    if (slot.set == 0) {
      oldest = slot;
      continue;
    }
    const same = <usize>slot.set == changetype<usize>(set) && load<u32>(programOf(slot)) == bytes;
    if (same && memory.compare(programOf(slot), program, bytes) == 0) return slot;
    if (oldest.set != 0 && slot.clock < oldest.clock) oldest = slot;
  }
  emptySlot(oldest);
  return oldest;
}

/** Clears the bits of ids that came since, as far as they lie in pages that are held. */
function clearBehind(slot: Slot, ids: u32): void {
  const end = min(ids, slot.pages << IDS_A_PAGE_BITS);
  for (let id = (slot.ids + 63) & ~63; id < end; id += 64) {
    v128.store(wordOf(changetype<usize>(slot), id), i64x2.splat(0));
  }
  slot.ids = max(slot.ids, end);
}

function emptySlot(slot: Slot): void {
  for (let page: u32 = 0; page < slot.pages; page++) releasePage(load<u32>(pageSlot(changetype<usize>(slot), page)));
  memory.fill(changetype<usize>(slot), 0, SLOT_HEAD_BYTES);
}

/** Where the 16 bytes lie that have a node's two bits: tested, and 8 bytes on, matched. */
@inline
function wordOf(slot: usize, id: u32): usize {
  const page = <usize>load<u32>(pageSlot(slot, id >> IDS_A_PAGE_BITS));
  return page + ((<usize>((id & IDS_A_PAGE_MASK) >> 6)) << 4);
}

/** Whether a node matches the filter of the running search, and lives. */
export function judge(id: u32): bool {
  if (deadline != 0 && isDeadAt(changetype<VectorSet>(openSet), id, deadline)) return false;
  if (openProgram == 0) return true;
  if (byColumns) {
    evaluations++;
    return passesTests(id);
  }
  if (open == 0) {
    evaluations++;
    return matches(nodeAt(changetype<VectorSet>(openSet), id), openProgram);
  }
  const word = wordOf(open, id);
  const bit = (<u64>1) << (<u64>(id & 63));
  if ((load<u64>(word) & bit) != 0) return (load<u64>(word, 8) & bit) != 0;
  evaluations++;
  const matched = matches(nodeAt(changetype<VectorSet>(openSet), id), openProgram);
  const slot = changetype<Slot>(open);
  store<u64>(word, load<u64>(word) | bit);
  slot.tested++;
  if (!matched) return false;
  store<u64>(word, load<u64>(word, 8) | bit, 8);
  slot.matched++;
  return true;
}

/** Whether a node has been tested already. */
@inline
function isTested(id: u32): bool {
  return open != 0 && (load<u64>(wordOf(open, id)) & ((<u64>1) << (<u64>(id & 63)))) != 0;
}

/**
 * Keeps of `count` ids at `ids` those that match, in their order, and moves the others to the list at `others`, if that
 * is not 0. Answers how many match. What evaluations will read is touched first, so that the misses overlap.
 */
export function judgeRow(ids: usize, count: u32, others: usize): u32 {
  touchUntested(ids, count);
  let kept = ids;
  const end = ids + ((<usize>count) << 2);
  for (let at = ids; at < end; at += 4) {
    const id = load<u32>(at);
    if (judge(id)) {
      store<u32>(kept, id);
      kept += 4;
    } else if (others != 0) {
      store<u32>(others, id);
      others += 4;
    }
  }
  return <u32>(kept - ids) >> 2;
}

/** Touches what testing `count` ids at `ids` will read. */
export function touchUntested(ids: usize, count: u32): void {
  if (openProgram == 0) return;
  if (byColumns) {
    touchColumns(ids, count);
    return;
  }
  const nodes = nodesOf(changetype<VectorSet>(openSet));
  let sum: u32 = 0;
  const end = ids + ((<usize>count) << 2);
  for (let at = ids; at < end; at += 4) {
    const id = load<u32>(at);
    if (!isTested(id)) sum += load<u32>(recordAt(nodes, id));
  }
  for (let at = ids; at < end; at += 4) {
    const id = load<u32>(at);
    if (isTested(id)) continue;
    const cell = nodeAt(changetype<VectorSet>(openSet), id).attributes;
    if (cell != 0) sum += load<u32>(cell);
  }
  store<u32>(SINK, sum);
}

/** How many nodes the filter of the running search has tested, ever. */
export function testedCount(): u32 {
  return open == 0 ? 0 : changetype<Slot>(open).tested;
}

/** How many of those matched. */
export function matchedCount(): u32 {
  return open == 0 ? 0 : changetype<Slot>(open).matched;
}

/** Makes a node whose attributes change untested by every filter. */
export function forgetVerdict(set: VectorSet, id: u32): void {
  for (let index: u32 = 0; index < SLOTS; index++) {
    const slot = slotAt(index);
    if (<usize>slot.set != changetype<usize>(set) || id >= slot.ids) continue;
    const word = wordOf(changetype<usize>(slot), id);
    const bit = (<u64>1) << (<u64>(id & 63));
    if ((load<u64>(word) & bit) == 0) continue;
    slot.tested--;
    slot.matched -= u32((load<u64>(word, 8) & bit) != 0);
    store<u64>(word, load<u64>(word) & ~bit);
    store<u64>(word, load<u64>(word, 8) & ~bit, 8);
  }
}

/** Forgets all filters of a set that begins or ends to exist. */
export function forgetVerdicts(set: VectorSet): void {
  for (let index: u32 = 0; index < SLOTS; index++) {
    const slot = slotAt(index);
    if (slot.set != 0 && <usize>slot.set == changetype<usize>(set)) emptySlot(slot);
  }
}
