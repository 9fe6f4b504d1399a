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
//
// A slot that was emptied, and the first one of a new segment, holds the address of its table: so a segment's first
// slot always leads to whoever refers to it, and the segment can be moved (see keyspace/drain.ts).

import { TABLE_BYTES } from "../layout";
import { dirty, equalBytes } from "./memory";
import { entryAt, keyOf } from "./entry";

@unmanaged
export class Table {
  /** The only segment when depth is 0, else the cell of 1 << depth segment addresses. */
  directory: u32;
  depth: u32;
  count: u32;
  /** Entries with an expiry. */
  expiring: u32;
  /** Of a set: bytes of the longest member that it ever had. */
  longest: u32;
  reserved: u32;
}

if (offsetof<Table>() != TABLE_BYTES) ERROR("a table must stay 24 bytes");

export const CHUNK_BYTES: u32 = 64;
export const SLOTS: u32 = 12;
export const SLOT_MASK: u32 = 0xfff;
@inline
export function tableAt(address: usize): Table {
  return changetype<Table>(address);
}

/** Chunks of a segment by its size code: 1, 2, 3, 4, 6, 8, 12, 16, 24, … 1,024. Without a branch: nobody could foretell it. */
@inline
export function chunksOfCode(code: u32): u32 {
  return ((3 - (code & 1)) << ((code + 1) >> 1)) >> 1;
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
export function tagOf(hash: u64): u32 {
  const tag = <u32>hash & 0xff;
  return tag == 0 ? 1 : tag;
}

@inline
export function directoryIndex(hash: u64, depth: u32): u32 {
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

/** The chunk of a segment that a hash is looked up in first. */
@inline
export function chunkIn(segment: usize, hash: u64): usize {
  return segment + homeChunk(hash, chunksOfCode(codeOf(segment))) * CHUNK_BYTES;
}

/** The same of a table, for touching it ahead; 0 for an empty one. */
@inline
export function chunkOf(table: Table, hash: u64): usize {
  const segment = segmentOf(table, hash);
  return segment == 0 ? 0 : chunkIn(segment, hash);
}

/** The first slot in a chunk whose tag fits; 0 for none. */
@inline
export function likelySlot(chunk: usize, hash: u64): usize {
  const fitting = tagsEqual(chunk, tagOf(hash));
  return fitting == 0 ? 0 : slotAddress(chunk, ctz(fitting));
}

/** Its entry, for touching it ahead; 0 for none. */
@inline
export function likelyEntry(chunk: usize, hash: u64): usize {
  const slot = likelySlot(chunk, hash);
  return slot == 0 ? 0 : slotEntry(slot);
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

/** The slot that refers to an entry whose key has this hash; 0 when there is none. It does not read the entry. */
export function slotHolding(table: Table, entry: usize, hash: u64): usize {
  const segment = segmentOf(table, hash);
  const chunks = chunksOfCode(codeOf(segment));
  const tag = tagOf(hash);
  const home = homeChunk(hash, chunks);
  let at = home;
  do {
    const chunk = segment + at * CHUNK_BYTES;
    for (let fitting = tagsEqual(chunk, tag); fitting != 0; fitting &= fitting - 1) {
      if (slotEntry(slotAddress(chunk, ctz(fitting))) == entry) return slotAddress(chunk, ctz(fitting));
    }
    if (load<u8>(chunk, 12) == 0) return 0;
    if (++at == chunks) at = 0;
  } while (at != home);
  return 0;
}

/** Puts an entry into the first chunk with room among `walkMax` from its home on; 0 when all are full, and then nothing is changed. */
export function place(segment: usize, entry: usize, hash: u64, expiring: bool, walkMax: u32): usize {
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

/** Empties a slot. The entry is the caller's. */
export function removeSlot(table: Table, slot: usize, hash: u64): void {
  dirty(changetype<usize>(table), TABLE_BYTES);
  table.expiring -= <u32>vacate(table, segmentOf(table, hash), slot, hash);
  table.count--;
}

/** Takes an entry out of its segment; answers whether it expires. The slot names the table from then on. */
export function vacate(table: Table, segment: usize, slot: usize, hash: u64): bool {
  const chunk = slot & ~63;
  const index = <u32>(((slot & 63) - 16) >> 2);
  const bit = <u16>((<u32>1) << index);
  dirty(chunk, CHUNK_BYTES);
  const marks = load<u16>(chunk, 14);
  store<u16>(chunk, marks & ~bit, 14);
  store<u8>(chunk + index, 0);
  store<u32>(slot, <u32>changetype<usize>(table));
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
