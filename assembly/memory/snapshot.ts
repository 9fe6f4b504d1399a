// Reading the database as it was at one moment while it goes on. The cut marks every block that the snapshot wants: all
// of those in use, or for an incremental one those that changed since the last cut. Then the host fetches page after page,
// a bounded number a call; a block that is about to change before its turn has come is copied first (copies.ts), and
// the host fetches the copy. The state below the heap is small and everything in it changes: the host copies it whole
// at the cut. What belongs to connections, replies and searches is never wanted.

import {
  BLOCK_BITS,
  COPIES_BASE,
  COPIES_BYTES,
  COPY_PAGES_MAX,
  DIRTY_BASE,
  PAGE_BITS,
  PAGE_BYTES,
  PageKind,
  REGISTERS_BASE,
  Result,
  WORKSPACE_BASE,
} from "../layout";
import { addToChecksum, beginChecksum, endChecksum } from "./checksum";
import { copies, copyAt, Copying, copyPageSlot, isDurable, Mark } from "./copies";
import { hasMemory, pageAt, releasePage, state, takePage } from "./memory";

const BLOCKS_A_PAGE: u32 = 16;
const BLOCK_BYTES: u32 = 1 << BLOCK_BITS;
const MARKS_CHANGED: u64 = 0x0101010101010101;
const MARKS_WANTED: u64 = 0x0202020202020202;
/** Free pages of the machine that are left for replies while copies take theirs. */
const PAGES_LEFT: u32 = 512;

@inline
function marksOf(number: u32): usize {
  return <usize>DIRTY_BASE + ((<usize>number) << (PAGE_BITS - BLOCK_BITS));
}

/**
 * Makes the cut: what is in memory now is what the snapshot will have. Takes pages for copies, beside the memory limit.
 *
 * @param whole every block in use; else those that changed since the last cut
 * @returns pages wanted
 */
export function beginSnapshot(whole: bool): u32 {
  assert(copies.status == Copying.Off);
  let wanted: u32 = 0;
  for (let number = state.heapStart; number < state.freshPage; number++) {
    const marks = marksOf(number);
    const low = wantedOf(number, marks, whole);
    const high = wantedOf(number, marks + 8, whole);
    store<u64>(marks, low);
    store<u64>(marks, high, 8);
    if ((low | high) != 0) wanted++;
  }
  copies.cursor = state.heapStart;
  copies.end = state.freshPage;
  takeCopyPages(roomFor(wanted));
  copies.status = Copying.On;
  return wanted;
}

/** The marks of eight blocks of a page behind a cut. */
@inline
function wantedOf(number: u32, marks: usize, whole: bool): u64 {
  if (!isDurable(pageAt(number).kind)) return 0;
  // A byte is 0 or 1 here: twice that is what changed and is wanted then.
  return whole ? MARKS_WANTED : (load<u64>(marks) & MARKS_CHANGED) << 1;
}

/**
 * Takes pages for copies before the cut and touches them: behind it the first commands would wait for memory that nobody has
 * used, 11 µs for each block in a virtual machine that gives memory back to its host. To be called until there is no more
 * to do, or given up by `endSnapshot`.
 *
 * @param whole as of the cut that follows
 * @param most pages to be taken now
 * @returns whether more are wanted
 */
export function prepareSnapshot(whole: bool, most: u32): bool {
  assert(copies.status == Copying.Off);
  if (copies.numbers == 0) copies.likely = countWanted(whole);
  const pages = roomFor(copies.likely);
  const before = copies.pages;
  takeCopyPages(min(pages, before + most));
  for (let index = before; index < copies.pages; index++) touch(load<u32>(copyPageSlot(index)));
  return copies.pages < pages && copies.pages > before;
}

function countWanted(whole: bool): u32 {
  let wanted: u32 = 0;
  for (let number = state.heapStart; number < state.freshPage; number++) {
    const marks = marksOf(number);
    if ((wantedOf(number, marks, whole) | wantedOf(number, marks + 8, whole)) != 0) wanted++;
  }
  return wanted;
}

function touch(page: usize): void {
  for (let at: u32 = 0; at < PAGE_BYTES; at += BLOCK_BYTES) store<u8>(page + at, 0);
}

/** Pages for copies: a quarter of what is wanted, within bounds. */
function roomFor(wanted: u32): u32 {
  return min((wanted >> 2) + 16, COPY_PAGES_MAX);
}

/** As far as the machine has them. */
function takeCopyPages(pages: u32): void {
  if (!hasMemory(PAGES_LEFT + 1)) return;
  if (copies.numbers == 0) copies.numbers = <u32>takeAside();
  while (copies.pages < pages && hasMemory(PAGES_LEFT + 1)) {
    store<u32>(copyPageSlot(copies.pages), <u32>takeAside());
    copies.pages++;
  }
  copies.room = copies.pages * BLOCKS_A_PAGE;
}

/** A page that the memory limit does not count: a snapshot must not evict. */
function takeAside(): usize {
  const page = takePage(PageKind.Copies);
  state.heldPages--;
  return page;
}

/** Ends a snapshot, complete or not, and gives its pages back. */
export function endSnapshot(): void {
  for (let number = copies.cursor; number < copies.end; number++) {
    const marks = marksOf(number);
    store<u64>(marks, load<u64>(marks) & MARKS_CHANGED);
    store<u64>(marks, load<u64>(marks, 8) & MARKS_CHANGED, 8);
  }
  for (let index: u32 = 0; index < copies.pages; index++) giveBack(load<u32>(copyPageSlot(index)));
  if (copies.numbers != 0) giveBack(copies.numbers);
  memory.fill(COPIES_BASE, 0, COPIES_BYTES);
}

function giveBack(page: usize): void {
  state.heldPages++;
  releasePage(page);
}

/**
 * Hands out the next page that has blocks the snapshot wants: its number, with its entry of the index at WORKSPACE_BASE. The
 * host copies the blocks before anything else runs. 0 after the last page.
 */
export function nextSnapshotPage(): u32 {
  while (copies.cursor < copies.end) {
    const number = copies.cursor++;
    const blocks = takeWanted(marksOf(number));
    if (blocks == 0) continue;
    putEntry(WORKSPACE_BASE, number, blocks, blocksChecksum(number, blocks));
    return number;
  }
  return 0;
}

// An entry of the index: 0 page (u16) | 2 which of its 16 blocks, a bit each (u16) | 4 zero (u32) | 8 checksum (u64)

const ENTRY_BYTES: u32 = 16;

function putEntry(at: usize, number: u32, blocks: u32, sum: u64): void {
  store<u16>(at, <u16>number);
  store<u16>(at, <u16>blocks, 2);
  store<u32>(at, 0, 4);
  store<u64>(at, sum, 8);
}

/** The wanted blocks among 16, a bit each; they are not wanted any more. */
function takeWanted(marks: usize): u32 {
  const bytes = v128.load(marks);
  const wanted = <u32>i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(<i8>Mark.Wanted)));
  if (wanted == 0) return 0;
  v128.store(marks, v128.and(bytes, i8x16.splat(<i8>Mark.Changed)));
  return wanted;
}

/**
 * Hands out the copies made last, up to 16 that lie behind each other: where, 0 when there are none; how many is in the
 * registers, their entries of the index are at WORKSPACE_BASE.
 */
export function popCopies(): usize {
  if (copies.count == 0) return 0;
  const first = (copies.count - 1) & ~(BLOCKS_A_PAGE - 1);
  const count = copies.count - first;
  for (let index: u32 = 0; index < count; index++) {
    const block = load<u32>(<usize>copies.numbers + ((<usize>(first + index)) << 2));
    const number = block >> (PAGE_BITS - BLOCK_BITS);
    const bit = (<u32>1) << (block & (BLOCKS_A_PAGE - 1));
    beginChecksum();
    addPlace(number, bit);
    addToChecksum(copyAt(first + index), BLOCK_BYTES);
    putEntry(WORKSPACE_BASE + index * ENTRY_BYTES, number, bit, endChecksum(0, 0, BLOCK_BYTES));
  }
  copies.count = first;
  store<u32>(REGISTERS_BASE + (Result.Count << 2), count);
  return copyAt(first);
}

/** A stripe that says where the blocks belong, so that blocks in the wrong place are found out too. */
const PLACE_BYTES: u32 = 32;
const PLACE_BASE: usize = REGISTERS_BASE + (Result.Place << 2);

function addPlace(number: u32, blocks: u32): void {
  memory.fill(PLACE_BASE, 0, PLACE_BYTES);
  store<u32>(PLACE_BASE, number);
  store<u32>(PLACE_BASE, blocks, 4);
  addToChecksum(PLACE_BASE, PLACE_BYTES);
}

/** Checksum of some of a page's 16 blocks (a bit each), and of their place. */
export function blocksChecksum(number: u32, blocks: u32): u64 {
  beginChecksum();
  addPlace(number, blocks);
  const page = (<usize>number) << PAGE_BITS;
  for (let left = blocks; left != 0; left &= left - 1) addToChecksum(page + (ctz(left) << BLOCK_BITS), BLOCK_BYTES);
  return endChecksum(0, 0, popcnt(blocks) << BLOCK_BITS);
}

/**
 * Puts blocks where entries of the index say and checks them there.
 *
 * @param index the entries
 * @param from the blocks, behind each other; 0: they are where they belong
 * @returns entries that are right before the first one that is not
 */
export function putBlocks(index: usize, count: u32, from: usize): u32 {
  for (let entry: u32 = 0; entry < count; entry++) {
    const at = index + entry * ENTRY_BYTES;
    const number = load<u16>(at);
    const blocks = load<u16>(at, 2);
    if (from != 0) from = placeBlocks(number, blocks, from);
    if (blocksChecksum(number, blocks) != load<u64>(at, 8)) return entry;
  }
  return count;
}

function placeBlocks(number: u32, blocks: u32, from: usize): usize {
  const page = (<usize>number) << PAGE_BITS;
  for (let left = blocks; left != 0; left &= left - 1) {
    memory.copy(page + (ctz(left) << BLOCK_BITS), from, BLOCK_BYTES);
    from += BLOCK_BYTES;
  }
  return from;
}

/** One of Copying. */
export function copyingStatus(): u32 {
  return copies.status;
}

/** Copies that wait for the host, and how many there is room for. */
export function copiesWaiting(): u32 {
  return copies.count;
}

export function copiesRoom(): u32 {
  return copies.room;
}
