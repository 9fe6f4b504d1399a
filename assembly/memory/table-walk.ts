// Ways through a table other than by key: every entry once, a scan that survives changes between its calls, a random
// entry, and taking it apart piece by piece. A scan goes through positions that depend on the hash alone (16 bits
// of the segment's prefix, then 16 of the chunk), so that an entry present from the first call to the last is met
// at least once however the table grew meanwhile; one may be met twice after a split, as Redis's SCAN allows.

import { ZONE_OBJECT } from "../layout";
import { pageOf, random, release, state } from "./memory";
import { cellBytes } from "./slabs";
import { hashBytes } from "./hash";
import { entryAt, keyOf } from "./entry";
import {
  CHUNK_BYTES,
  chunksOfCode,
  codeOf,
  homeChunk,
  localDepth,
  SLOT_MASK,
  SLOTS,
  slotAddress,
  Table,
  tagsEqual,
} from "./table";

@inline
export function liveSlots(chunk: usize): u32 {
  return ~tagsEqual(chunk, 0) & SLOT_MASK;
}

/** Segment addresses in the directory, several of which may be the same. */
@inline
export function directorySize(table: Table): u32 {
  return table.directory == 0 ? 0 : (<u32>1) << table.depth;
}

@inline
export function segmentAt(table: Table, index: u32): usize {
  return table.depth == 0 ? <usize>table.directory : <usize>load<u32>(<usize>table.directory + (index << 2));
}

/** Directory entries that refer to the segment at `index`, counted from its first. */
@inline
export function segmentSpan(table: Table, segment: usize): u32 {
  return (<u32>1) << (table.depth - localDepth(segment));
}

@inline
export function segmentEnd(segment: usize): usize {
  return segment + chunksOfCode(codeOf(segment)) * CHUNK_BYTES;
}

// ---- every entry once; call-scoped, one walk at a time, the table must not change meanwhile

let walkTable: usize = 0;
let walkIndex: u32 = 0;
let walkChunk: usize = 0;
let walkEnd: usize = 0;
let walkLive: u32 = 0;

export function startWalk(table: Table): void {
  walkTable = changetype<usize>(table);
  walkIndex = 0;
  walkChunk = 0;
  walkEnd = 0;
  walkLive = 0;
}

/** The next entry, 0 after the last. */
export function nextEntry(): usize {
  while (walkLive == 0) {
    walkChunk += CHUNK_BYTES;
    if (walkChunk >= walkEnd && !nextSegment()) return 0;
    walkLive = liveSlots(walkChunk);
  }
  const slot = ctz(walkLive);
  walkLive &= walkLive - 1;
  return <usize>load<u32>(slotAddress(walkChunk, slot));
}

function nextSegment(): bool {
  const table = changetype<Table>(walkTable);
  if (walkIndex >= directorySize(table)) return false;
  const segment = segmentAt(table, walkIndex);
  walkIndex += segmentSpan(table, segment);
  walkChunk = segment;
  walkEnd = segmentEnd(segment);
  return true;
}

// ---- scan

/**
 * Where the scan goes on: prefix << 16 | place in the segment; SCAN_END after the last. Where the place is not 0 the prefix is
 * that of the segment with the first bit set that the segment does not tell apart, so that a cursor says how much of the
 * hashes it stands in: if the halves of the table were merged since, their segment is gone through anew.
 */
export let scanNext: u32 = 0;
export const SCAN_END: u32 = 0xffffffff;

/**
 * Appends the addresses of entries from position `from` on to `out` (u32 each), whole home chunks at a time, until at
 * least `count` are there or the table ends; answers how many. `out` must have room for count + 1,024 addresses.
 */
export function scanTable(table: Table, from: u32, count: u32, out: usize): u32 {
  const size = directorySize(table);
  let found: u32 = 0;
  let prefix = from >> 16;
  let place = from & 0xffff;
  if (place != 0) {
    const middle = prefix & (~prefix + 1);
    prefix -= middle;
    if (size != 0 && spanAt(table, prefix) > middle << 1) place = 0;
  }
  while (size != 0 && prefix < 0x10000) {
    const depth = table.depth;
    const segment = segmentAt(table, prefix >> (16 - depth));
    const chunks = chunksOfCode(codeOf(segment));
    let home = (place * chunks) >> 16;
    while (home < chunks) {
      found += scanHome(segment, chunks, home, out + (found << 2));
      home++;
      if (found >= count && home < chunks) {
        // The first place whose home is the next chunk.
        const span = spanAt(table, prefix);
        scanNext = (((prefix & ~(span - 1)) | (span >> 1)) << 16) | (((home << 16) + chunks - 1) / chunks);
        return found;
      }
    }
    const span = spanAt(table, prefix);
    prefix = (prefix & ~(span - 1)) + span;
    place = 0;
    if (found >= count) break;
  }
  scanNext = size == 0 || prefix >= 0x10000 ? SCAN_END : prefix << 16;
  return found;
}

/** How many prefixes lead to the segment of one. */
@inline
function spanAt(table: Table, prefix: u32): u32 {
  return (<u32>1) << (16 - localDepth(segmentAt(table, prefix >> (16 - table.depth))));
}

/** The entries whose home is one chunk, wherever on the walk from it they lie. */
function scanHome(segment: usize, chunks: u32, home: u32, out: usize): u32 {
  let found: u32 = 0;
  let at = home;
  do {
    const chunk = segment + at * CHUNK_BYTES;
    let live = liveSlots(chunk);
    while (live != 0) {
      const entry = load<u32>(slotAddress(chunk, ctz(live)));
      live &= live - 1;
      if (homeOf(entry, chunks) == home) {
        store<u32>(out + (found << 2), entry);
        found++;
      }
    }
    if (load<u8>(chunk, 12) == 0) break;
    if (++at == chunks) at = 0;
  } while (at != home);
  return found;
}

function homeOf(entry: usize, chunks: u32): u32 {
  return homeChunk(hashBytes(keyOf(entry), entryAt(entry).keyBytes, state.seed), chunks);
}

// ---- random

/** A random entry of a table that is not empty, nearly uniform: places are drawn until one is taken. */
export function randomEntry(table: Table): usize {
  const size = directorySize(table);
  for (let attempt = 0; attempt < 128; attempt++) {
    const draw = random();
    const segment = segmentAt(table, <u32>(draw >> 32) & (size - 1));
    const chunks = chunksOfCode(codeOf(segment));
    const chunk = segment + (((<u32>draw & 0xffff) * chunks) >> 16) * CHUNK_BYTES;
    const slot = ((<u32>draw >> 16) * SLOTS) >> 16;
    if (load<u8>(chunk + slot) != 0) return load<u32>(slotAddress(chunk, slot));
  }
  return firstEntryFrom(table, <u32>random() & (size - 1));
}

function firstEntryFrom(table: Table, index: u32): usize {
  const size = directorySize(table);
  for (let step: u32 = 0; step < size; step++) {
    const segment = segmentAt(table, (index + step) & (size - 1));
    for (let chunk = segment; chunk < segmentEnd(segment); chunk += CHUNK_BYTES) {
      const live = liveSlots(chunk);
      if (live != 0) return load<u32>(slotAddress(chunk, ctz(live)));
    }
  }
  return 0;
}

/** Bytes of a table's segments and directory, cells counted whole. */
export function bytesOfTable(table: Table): u32 {
  let bytes = table.depth == 0 ? 0 : cellOf(table.directory);
  for (let index: u32 = 0; index < directorySize(table); ) {
    const segment = segmentAt(table, index);
    bytes += cellOf(segment);
    index += segmentSpan(table, segment);
  }
  return bytes;
}

function cellOf(address: usize): u32 {
  return cellBytes(pageOf(address).sizeClass);
}

// ---- taking apart

/** Frees the directory of a table whose segments are freed. */
export function releaseDirectory(table: Table): void {
  if (table.depth != 0) release(ZONE_OBJECT, table.directory);
}
