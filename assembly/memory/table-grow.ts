// How a table gains room. A segment grows in steps from 1 chunk to 64, then splits in two, evenly or not, and a table of
// one segment has no directory; so no insertion moves more than 768 entries, and a table of a few keys costs a cell of
// 64 bytes. The price of small steps: an entry moves three times on average before its table has a million.

import { TABLE_BYTES, ZONE_OBJECT, ZONE_SEGMENT } from "../layout";
import { allocate, counters, dirty, release, state } from "./memory";
import { hashBytes } from "./hash";
import { entryAt, keyOf } from "./entry";
import { distrustSlots } from "./slot-ahead";
import {
  CHUNK_BYTES,
  chunksOfCode,
  codeOf,
  directoryIndex,
  localDepth,
  place,
  segmentOf,
  SLOT_MASK,
  slotAddress,
  slotEntry,
  Table,
  tagsEqual,
  vacate,
} from "./table";

/** Chunks that may be searched for room: a longer walk costs more than a split saves. Fill before a split, see docs/memory.md. */
const WALK_MAX: u32 = 6;
/** More chunks than a segment has. */
const WALK_FREELY: u32 = 2048;
/** Chunks of a segment that splits instead of growing, and of the two that come of it. */
const SPLIT_CHUNKS: u32 = 64;
const HALF_CHUNKS_CODE: u32 = 10;
/** Entries that 48 chunks take with room to spare: with more on one side the split is uneven, and 32 chunks do for the rest. */
const HALF_ENTRIES_MAX: u32 = 480;
const SIBLING_CHUNKS_CODE: u32 = 9;
/** A directory is one cell, so at most a page. Beyond it segments grow on, to a page each. */
const DEPTH_MAX: u32 = 14;
const CODE_MAX: u32 = 19;

/** Inserts an entry whose key is not there. The caller has reserved pages for a segment and a directory. */
export function insert(table: Table, entry: usize, hash: u64, expiring: bool): usize {
  dirty(changetype<usize>(table), TABLE_BYTES);
  table.count++;
  table.expiring += <u32>expiring;
  if (table.directory == 0) table.directory = <u32>createSegment(table, 0, 0);
  let slot = place(segmentOf(table, hash), entry, hash, expiring, WALK_MAX);
  if (slot != 0) return slot;
  moved = 0;
  while (slot == 0) {
    grow(table, hash);
    // Once is enough: where the keys are crowded still, this one walks on instead of moving them all again.
    slot = place(segmentOf(table, hash), entry, hash, expiring, WALK_FREELY);
  }
  if (<u64>moved > counters.movedMax) counters.movedMax = moved;
  return slot;
}

export function createSegment(table: Table, code: u32, depth: u32): usize {
  const bytes = chunksOfCode(code) * CHUNK_BYTES;
  const segment = allocate(ZONE_SEGMENT, bytes);
  memory.fill(segment, 0, bytes);
  store<u32>(slotAddress(segment, 0), <u32>changetype<usize>(table));
  store<u8>(segment, <u8>code, 13);
  store<u16>(segment, <u16>(depth << 12), 14);
  return segment;
}

/** Entries moved to make room for one. */
let moved: u32 = 0;

/** Makes room where `hash` goes: the next larger segment, or two for a full one of 64 chunks. */
function grow(table: Table, hash: u64): void {
  const segment = segmentOf(table, hash);
  const code = codeOf(segment);
  const depth = localDepth(segment);
  if (chunksOfCode(code) < SPLIT_CHUNKS || depth == DEPTH_MAX) {
    assert(code < CODE_MAX);
    const larger = createSegment(table, code + 1, depth);
    moveEntries(segment, larger, larger, 0);
    replaceSegment(table, directoryIndex(hash, table.depth), depth, larger, larger);
    release(ZONE_SEGMENT, segment);
    return;
  }
  if (depth == table.depth) doubleDirectory(table);
  const index = directoryIndex(hash, table.depth);
  const bit = 55 - depth;
  const counts = countSides(segment, bit);
  if (counts >> 16 > HALF_ENTRIES_MAX) {
    replaceSegment(table, index, depth, moveOut(table, segment, 0, bit, counts & 0xffff), segment);
  } else if ((counts & 0xffff) > HALF_ENTRIES_MAX) {
    replaceSegment(table, index, depth, segment, moveOut(table, segment, 1, bit, counts >> 16));
  } else {
    const low = createSegment(table, HALF_CHUNKS_CODE, depth + 1);
    const other = createSegment(table, HALF_CHUNKS_CODE, depth + 1);
    moveEntries(segment, low, other, bit);
    replaceSegment(table, index, depth, low, other);
    release(ZONE_SEGMENT, segment);
  }
}

/** Entries whose hash has `bit` set << 16 | those where it is not. */
function countSides(segment: usize, bit: u32): u32 {
  const end = segment + chunksOfCode(codeOf(segment)) * CHUNK_BYTES;
  touchKeys(segment, end);
  let counts: u32 = 0;
  for (let chunk = segment; chunk < end; chunk += CHUNK_BYTES) {
    for (let used = ~tagsEqual(chunk, 0) & SLOT_MASK; used != 0; used &= used - 1) {
      counts += 1 << ((<u32>(hashOfEntry(slotEntry(slotAddress(chunk, ctz(used)))) >> bit) & 1) << 4);
    }
  }
  return counts;
}

@inline
export function hashOfEntry(entry: usize): u64 {
  return hashBytes(keyOf(entry), entryAt(entry).keyBytes, state.seed);
}

/**
 * The uneven split: the `count` entries with `side` move to a new segment, the others stay where they are, a level deeper.
 * Keys that come in the order of another table's walk share the upper bits of their hashes: all may go to one half.
 */
function moveOut(table: Table, segment: usize, side: u64, bit: u32, count: u32): usize {
  const end = segment + chunksOfCode(codeOf(segment)) * CHUNK_BYTES;
  const depth = localDepth(segment) + 1;
  const sibling = createSegment(table, count == 0 ? 0 : SIBLING_CHUNKS_CODE, depth);
  dirty(segment, <u32>(end - segment));
  store<u16>(segment, <u16>((load<u16>(segment, 14) & SLOT_MASK) | (depth << 12)), 14);
  for (let chunk = segment; count != 0 && chunk < end; chunk += CHUNK_BYTES) {
    for (let used = ~tagsEqual(chunk, 0) & SLOT_MASK; used != 0; used &= used - 1) {
      const slot = slotAddress(chunk, ctz(used));
      const entry = slotEntry(slot);
      const hash = hashOfEntry(entry);
      if (((hash >> bit) & 1) != side) continue;
      if (place(sibling, entry, hash, vacate(table, segment, slot, hash), WALK_FREELY) == 0) unreachable();
      moved++;
    }
  }
  return sibling;
}

/** Moves all entries: to `high` where the hash has `bit` set, else to `low`; bit 0 sends all to `low`. */
export function moveEntries(segment: usize, low: usize, high: usize, bit: u32): void {
  const end = segment + chunksOfCode(codeOf(segment)) * CHUNK_BYTES;
  touchKeys(segment, end);
  for (let chunk = segment; chunk < end; chunk += CHUNK_BYTES) {
    const expiring: u32 = load<u16>(chunk, 14);
    for (let used = ~tagsEqual(chunk, 0) & SLOT_MASK; used != 0; used &= used - 1) {
      const slot = ctz(used);
      const entry = <usize>load<u32>(slotAddress(chunk, slot));
      const hash = hashOfEntry(entry);
      const to = bit != 0 && ((hash >> bit) & 1) != 0 ? high : low;
      // A moved key may walk further than an inserted one: there is room, the segment is not smaller by more than it loses.
      if (place(to, entry, hash, ((expiring >> slot) & 1) != 0, WALK_FREELY) == 0) unreachable();
      moved++;
    }
  }
}

/** Reads one byte of each key: many cache misses at once instead of one after another when they are hashed. */
function touchKeys(segment: usize, end: usize): void {
  let sum: u32 = 0;
  for (let chunk = segment; chunk < end; chunk += CHUNK_BYTES) {
    for (let used = ~tagsEqual(chunk, 0) & SLOT_MASK; used != 0; used &= used - 1) {
      sum += load<u8>(<usize>load<u32>(slotAddress(chunk, ctz(used))), 12);
    }
  }
  counters.touched = sum;
}

function doubleDirectory(table: Table): void {
  const depth = table.depth + 1;
  const directory = allocate(ZONE_OBJECT, 4 << depth);
  const old = <usize>table.directory;
  if (table.depth == 0) {
    store<u32>(directory, <u32>old);
    store<u32>(directory, <u32>old, 4);
  } else {
    for (let index: u32 = 0; index < (<u32>1) << table.depth; index++) {
      const segment = load<u32>(old + (index << 2));
      store<u64>(directory + (index << 3), <u64>segment | ((<u64>segment) << 32));
    }
    release(ZONE_OBJECT, old);
  }
  table.directory = <u32>directory;
  table.depth = depth;
}

/** Points the directory's entries of the segment at `index` (of local depth `depth`) to its successors. */
export function replaceSegment(table: Table, index: u32, depth: u32, low: usize, high: usize): void {
  distrustSlots();
  if (table.depth == 0) {
    dirty(changetype<usize>(table), TABLE_BYTES);
    table.directory = <u32>low;
    return;
  }
  const span = (<u32>1) << (table.depth - depth);
  const first = index & ~(span - 1);
  const directory = <usize>table.directory;
  dirty(directory + (first << 2), span << 2);
  const half = span >> 1;
  for (let place: u32 = 0; place < span; place++) {
    store<u32>(directory + ((first + place) << 2), <u32>(place < half || low == high ? low : high));
  }
}
