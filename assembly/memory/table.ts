// The hash table of the keyspace, of large hashes and of a vector set's names: extendible hashing over segments of
// chunks. A chunk is one cache line, probed with one SIMD compare of 12 tags (as F14 does); a key that finds its
// chunk full goes to the next ones and is counted in those it passed, so that a miss stops at the first chunk that
// nothing overflowed and deletion needs no tombstones. Unlike a textbook table it never rehashes as a whole: a
// segment grows in steps to 64 chunks, then splits in two (evenly or not), and no operation moves more than 768 entries.
// A table of one segment has no directory.
//
// Chunk, 64 bytes:
//   0 tags (12 x u8, 0 is empty) | 12 keys that overflowed from here (u8, 255 sticks) | 13 size of the segment (u8, first
//   chunk only) | 14 which slots expire (12 bits), local depth << 12 (first chunk only) | 16 entries (12 x u32)

import { TABLE_BYTES, ZONE_OBJECT } from "../layout";
import { allocate, counters, dirty, equalBytes, release, state } from "./memory";
import { hashBytes } from "./hash";
import { entryAt, keyOf } from "./entry";

@unmanaged
export class Table {
  /** The only segment when depth is 0, else the cell of 1 << depth segment addresses. */
  directory: u32;
  depth: u32;
  count: u32;
  /** Entries with an expiry. */
  expiring: u32;
  reserved0: u32;
  reserved1: u32;
}

if (offsetof<Table>() != TABLE_BYTES) ERROR("a table must stay 24 bytes");

export const CHUNK_BYTES: u32 = 64;
export const SLOTS: u32 = 12;
export const SLOT_MASK: u32 = 0xfff;
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

@inline
export function tableAt(address: usize): Table {
  return changetype<Table>(address);
}

/** Chunks of a segment by its size code: 1, 2, 3, 4, 6, 8, 12, 16, 24, … 1,024. */
@inline
export function chunksOfCode(code: u32): u32 {
  if (code < 3) return code + 1;
  const doubling = (code - 3) >> 1;
  return ((code - 3) & 1) == 0 ? 4 << doubling : 6 << doubling;
}

@inline
export function codeOf(segment: usize): u32 {
  return load<u8>(segment, 13);
}

@inline
export function localDepth(segment: usize): u32 {
  return load<u16>(segment, 14) >> 12;
}

@inline
export function homeChunk(hash: u64, chunks: u32): u32 {
  return ((<u32>(hash >> 16) & 0xffff) * chunks) >> 16;
}

@inline
function tagOf(hash: u64): u32 {
  const tag = <u32>hash & 0xff;
  return tag == 0 ? 1 : tag;
}

@inline
function directoryIndex(hash: u64, depth: u32): u32 {
  return <u32>((hash >> (56 - depth)) & ((1 << depth) - 1));
}

@inline
export function segmentOf(table: Table, hash: u64): usize {
  if (table.depth == 0) return table.directory;
  return load<u32>(<usize>table.directory + (directoryIndex(hash, table.depth) << 2));
}

@inline
export function tagsEqual(chunk: usize, tag: u32): u32 {
  return <u32>i8x16.bitmask(i8x16.eq(v128.load(chunk), i8x16.splat(<i8>tag))) & SLOT_MASK;
}

@inline
export function slotAddress(chunk: usize, slot: u32): usize {
  return chunk + 16 + (slot << 2);
}

/** The chunk a hash is looked up in first, for touching it ahead; 0 for an empty table. */
@inline
export function chunkOf(table: Table, hash: u64): usize {
  const segment = segmentOf(table, hash);
  if (segment == 0) return 0;
  return segment + homeChunk(hash, chunksOfCode(codeOf(segment))) * CHUNK_BYTES;
}

/** The first entry in a chunk whose tag fits, for touching it ahead; 0 for none. */
@inline
export function likelyEntry(chunk: usize, hash: u64): usize {
  const fitting = tagsEqual(chunk, tagOf(hash));
  return fitting == 0 ? 0 : <usize>load<u32>(slotAddress(chunk, ctz(fitting)));
}

/** The slot that refers to the entry with this key; 0 when there is none. A slot is valid until the next insert. */
export function findSlot(table: Table, key: usize, bytes: u32, hash: u64): usize {
  const segment = segmentOf(table, hash);
  if (segment == 0) return 0;
  const chunks = chunksOfCode(codeOf(segment));
  const tag = tagOf(hash);
  const home = homeChunk(hash, chunks);
  let at = home;
  do {
    const chunk = segment + at * CHUNK_BYTES;
    let fitting = tagsEqual(chunk, tag);
    while (fitting != 0) {
      const slot = slotAddress(chunk, ctz(fitting));
      const entry = <usize>load<u32>(slot);
      if (<u32>entryAt(entry).keyBytes == bytes && equalBytes(keyOf(entry), key, bytes)) return slot;
      fitting &= fitting - 1;
    }
    if (load<u8>(chunk, 12) == 0) return 0;
    if (++at == chunks) at = 0;
  } while (at != home);
  return 0;
}

/** Entries the table can gain before its only segment takes another cell; for admission of many inserts. */
export function segmentBytesFor(entries: u32): u32 {
  return entries * 10 + CHUNK_BYTES;
}

/** Inserts an entry whose key is not there. The caller has reserved pages for a segment and a directory. */
export function insert(table: Table, entry: usize, hash: u64, expiring: bool): usize {
  dirty(changetype<usize>(table), TABLE_BYTES);
  table.count++;
  table.expiring += <u32>expiring;
  if (table.directory == 0) table.directory = <u32>createSegment(0, 0);
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

function createSegment(code: u32, depth: u32): usize {
  const bytes = chunksOfCode(code) * CHUNK_BYTES;
  const segment = allocate(ZONE_OBJECT, bytes);
  memory.fill(segment, 0, bytes);
  store<u8>(segment, <u8>code, 13);
  store<u16>(segment, <u16>(depth << 12), 14);
  return segment;
}

/** Puts an entry into the first chunk with room among `walkMax` from its home on; 0 when all are full, and then nothing is changed. */
function place(segment: usize, entry: usize, hash: u64, expiring: bool, walkMax: u32): usize {
  const chunks = chunksOfCode(codeOf(segment));
  const home = homeChunk(hash, chunks);
  const walk = min(chunks, walkMax);
  let at = home;
  for (let step: u32 = 0; step < walk; step++) {
    const chunk = segment + at * CHUNK_BYTES;
    const empty = tagsEqual(chunk, 0);
    if (empty != 0) {
      const slot = ctz(empty);
      countOverflow(segment, chunks, home, step);
      dirty(chunk, CHUNK_BYTES);
      store<u8>(chunk + slot, <u8>tagOf(hash));
      if (expiring) store<u16>(chunk, load<u16>(chunk, 14) | <u16>((<u32>1) << slot), 14);
      store<u32>(slotAddress(chunk, slot), <u32>entry);
      return slotAddress(chunk, slot);
    }
    if (++at == chunks) at = 0;
  }
  return 0;
}

/** Notes in the `passed` chunks from `home` on that a key walked past them. */
function countOverflow(segment: usize, chunks: u32, home: u32, passed: u32): void {
  let at = home;
  for (; passed > 0; passed--) {
    const chunk = segment + at * CHUNK_BYTES;
    const overflow = load<u8>(chunk, 12);
    if (overflow != 255) {
      dirty(chunk, CHUNK_BYTES);
      store<u8>(chunk, overflow + 1, 12);
    }
    if (++at == chunks) at = 0;
  }
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
    const larger = createSegment(code + 1, depth);
    move(segment, larger, larger, 0);
    replaceSegment(table, hash, depth, larger, larger);
    release(ZONE_OBJECT, segment);
    return;
  }
  if (depth == table.depth) doubleDirectory(table);
  const bit = 55 - depth;
  const counts = countSides(segment, bit);
  if (counts >> 16 > HALF_ENTRIES_MAX) {
    replaceSegment(table, hash, depth, moveOut(segment, 0, bit, counts & 0xffff), segment);
  } else if ((counts & 0xffff) > HALF_ENTRIES_MAX) {
    replaceSegment(table, hash, depth, segment, moveOut(segment, 1, bit, counts >> 16));
  } else {
    const low = createSegment(HALF_CHUNKS_CODE, depth + 1);
    const other = createSegment(HALF_CHUNKS_CODE, depth + 1);
    move(segment, low, other, bit);
    replaceSegment(table, hash, depth, low, other);
    release(ZONE_OBJECT, segment);
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
function hashOfEntry(entry: usize): u64 {
  return hashBytes(keyOf(entry), entryAt(entry).keyBytes, state.seed);
}

/**
 * The uneven split: the `count` entries with `side` move to a new segment, the others stay where they are, a level deeper.
 * Keys that come in the order of another table's walk share the upper bits of their hashes: all may go to one half.
 */
function moveOut(segment: usize, side: u64, bit: u32, count: u32): usize {
  const end = segment + chunksOfCode(codeOf(segment)) * CHUNK_BYTES;
  const depth = localDepth(segment) + 1;
  const sibling = createSegment(count == 0 ? 0 : SIBLING_CHUNKS_CODE, depth);
  dirty(segment, <u32>(end - segment));
  store<u16>(segment, <u16>((load<u16>(segment, 14) & SLOT_MASK) | (depth << 12)), 14);
  for (let chunk = segment; count != 0 && chunk < end; chunk += CHUNK_BYTES) {
    for (let used = ~tagsEqual(chunk, 0) & SLOT_MASK; used != 0; used &= used - 1) {
      const slot = slotAddress(chunk, ctz(used));
      const entry = slotEntry(slot);
      const hash = hashOfEntry(entry);
      if (((hash >> bit) & 1) != side) continue;
      if (place(sibling, entry, hash, vacate(segment, slot, hash), WALK_FREELY) == 0) unreachable();
      moved++;
    }
  }
  return sibling;
}

/** Moves all entries: to `high` where the hash has `bit` set, else to `low`; bit 0 sends all to `low`. */
function move(segment: usize, low: usize, high: usize, bit: u32): void {
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

/** Points the directory's entries of one segment (of local depth `depth`) to its successors. */
function replaceSegment(table: Table, hash: u64, depth: u32, low: usize, high: usize): void {
  if (table.depth == 0) {
    table.directory = <u32>low;
    return;
  }
  const span = (<u32>1) << (table.depth - depth);
  const first = directoryIndex(hash, table.depth) & ~(span - 1);
  const directory = <usize>table.directory;
  dirty(directory + (first << 2), span << 2);
  const half = span >> 1;
  for (let index: u32 = 0; index < span; index++) {
    store<u32>(directory + ((first + index) << 2), <u32>(index < half || low == high ? low : high));
  }
}

/** Empties a slot. The entry is the caller's. */
export function removeSlot(table: Table, slot: usize, hash: u64): void {
  dirty(changetype<usize>(table), TABLE_BYTES);
  table.expiring -= <u32>vacate(segmentOf(table, hash), slot, hash);
  table.count--;
}

/** Takes an entry out of its segment; answers whether it expires. */
function vacate(segment: usize, slot: usize, hash: u64): bool {
  const chunk = slot & ~63;
  const index = <u32>(((slot & 63) - 16) >> 2);
  const bit = <u16>((<u32>1) << index);
  dirty(chunk, CHUNK_BYTES);
  const marks = load<u16>(chunk, 14);
  store<u16>(chunk, marks & ~bit, 14);
  store<u8>(chunk + index, 0);
  store<u32>(slot, 0);
  const chunks = chunksOfCode(codeOf(segment));
  const holder = <u32>((chunk - segment) / CHUNK_BYTES);
  for (let at = homeChunk(hash, chunks); at != holder; ) {
    const passed = segment + at * CHUNK_BYTES;
    const overflow = load<u8>(passed, 12);
    if (overflow != 255) {
      dirty(passed, CHUNK_BYTES);
      store<u8>(passed, overflow - 1, 12);
    }
    if (++at == chunks) at = 0;
  }
  return (marks & bit) != 0;
}

/** Notes whether the entry of a slot expires. */
export function markExpiring(table: Table, slot: usize, expiring: bool): void {
  const chunk = slot & ~63;
  const bit = <u16>((<u32>1) << (<u32>(((slot & 63) - 16) >> 2)));
  const marks = load<u16>(chunk, 14);
  if (((marks & bit) != 0) == expiring) return;
  dirty(chunk, CHUNK_BYTES);
  dirty(changetype<usize>(table), TABLE_BYTES);
  store<u16>(chunk, marks ^ bit, 14);
  if (expiring) table.expiring++;
  else table.expiring--;
}

/** Lets a slot refer to another cell that holds the same key. */
@inline
export function setSlot(slot: usize, entry: usize): void {
  dirty(slot, 4);
  store<u32>(slot, <u32>entry);
}

@inline
export function slotEntry(slot: usize): usize {
  return <usize>load<u32>(slot);
}
