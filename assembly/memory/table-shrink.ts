// Giving back what a table no longer needs. Removal does not shrink the tables of the keyspace: it would cost every removal
// a count of its segment, for memory that the next keys want again. Where memory is short and nothing else gives any, a
// table is made as small as its keys allow: sparse segments are moved into smaller ones, two halves that fit together
// become one, and the directory halves while nothing is as deep as it. Costs a look at each chunk and a move of each key
// that changes its segment. A set does the same to the segment around a chunk that has become empty: who draws members draws
// places until he meets a taken one.

import { TABLE_BYTES, ZONE_OBJECT, ZONE_SEGMENT } from "../layout";
import { allocate, copyBytes, dirty, hasPages, release } from "./memory";
import { CHUNK_BYTES, chunksOfCode, codeOf, directoryIndex, localDepth, segmentOf, Table } from "./table";
import { createSegment, moveEntries, replaceSegment } from "./table-grow";
import { directorySize, liveSlots, segmentAt, segmentEnd, segmentSpan } from "./table-walk";

/** Keys to a chunk of a segment that was made smaller: 8 of 12 slots. */
const FILL_SHIFT: u32 = 3;
/** Keys of two halves that become one again: it takes as many more before it is split. */
const MERGED_KEYS_MAX: u32 = 256;

/** Makes a table as small as it can be; true when that freed anything. Takes one page at most before it frees one. */
export function shrinkTable(table: Table): bool {
  if (table.directory == 0) return false;
  let shrunk = false;
  for (let index: u32 = 0; index < directorySize(table); index += segmentSpan(table, segmentAt(table, index))) {
    if (shrinkSegment(table, index)) shrunk = true;
  }
  while (mergeHalves(table)) shrunk = true;
  while (halveDirectory(table)) shrunk = true;
  return shrunk;
}

/**
 * Makes the segment around a chunk that a removal may have emptied as small as its keys allow, and one with its other half
 * where that suffices. `hash`: of an entry of the segment. Nothing happens where the chunk is not empty, or no page is free.
 */
export function shrinkAround(table: Table, chunk: usize, hash: u64): void {
  if (liveSlots(chunk) != 0 || !hasPages(1)) return;
  const span = segmentSpan(table, segmentOf(table, hash));
  const index = table.depth == 0 ? 0 : directoryIndex(hash, table.depth) & ~(span - 1);
  shrinkSegment(table, index);
  if (!mergeHalf(table, index & ~span)) return;
  while (halveDirectory(table));
}

function countKeys(segment: usize): u32 {
  const end = segmentEnd(segment);
  let count: u32 = 0;
  for (let chunk = segment; chunk < end; chunk += CHUNK_BYTES) count += popcnt(liveSlots(chunk));
  return count;
}

/** The size of a segment for so many keys. */
function codeFor(keys: u32): u32 {
  let code: u32 = 0;
  while (chunksOfCode(code) << FILL_SHIFT < keys) code++;
  return code;
}

function shrinkSegment(table: Table, index: u32): bool {
  const segment = segmentAt(table, index);
  const code = codeFor(countKeys(segment));
  if (chunksOfCode(code) << 1 > chunksOfCode(codeOf(segment))) return false;
  const depth = localDepth(segment);
  const smaller = createSegment(table, code, depth);
  moveEntries(segment, smaller, smaller, 0);
  replaceSegment(table, index, depth, smaller, smaller);
  release(ZONE_SEGMENT, segment);
  return true;
}

/** Goes through the directory once and makes one segment of every two halves with few keys; true when it did. */
function mergeHalves(table: Table): bool {
  let merged = false;
  for (let index: u32 = 0; index < directorySize(table); index += segmentSpan(table, segmentAt(table, index))) {
    if (mergeHalf(table, index)) merged = true;
  }
  return merged;
}

/** Makes one segment of the one at `index` and the other half, if it is the lower one and both have few keys; true when it did. */
function mergeHalf(table: Table, index: u32): bool {
  const segment = segmentAt(table, index);
  const depth = localDepth(segment);
  const span = segmentSpan(table, segment);
  if (depth == 0 || (index & span) != 0) return false;
  const other = segmentAt(table, index + span);
  if (localDepth(other) != depth) return false;
  const keys = countKeys(segment) + countKeys(other);
  if (keys > MERGED_KEYS_MAX) return false;
  const whole = createSegment(table, codeFor(keys), depth - 1);
  moveEntries(segment, whole, whole, 0);
  moveEntries(other, whole, whole, 0);
  replaceSegment(table, index, depth - 1, whole, whole);
  release(ZONE_SEGMENT, segment);
  release(ZONE_SEGMENT, other);
  return true;
}

/** Halves a directory in which every address stands at least twice. */
function halveDirectory(table: Table): bool {
  if (table.depth == 0) return false;
  const size = directorySize(table);
  for (let index: u32 = 0; index < size; index += segmentSpan(table, segmentAt(table, index))) {
    if (localDepth(segmentAt(table, index)) == table.depth) return false;
  }
  const old = <usize>table.directory;
  dirty(changetype<usize>(table), TABLE_BYTES);
  if (table.depth == 1) {
    table.directory = load<u32>(old);
  } else {
    const directory = allocate(ZONE_OBJECT, size << 1);
    for (let index: u32 = 0; index < size >> 1; index++) copyBytes(directory + (index << 2), old + (index << 3), 4);
    table.directory = <u32>directory;
  }
  table.depth--;
  release(ZONE_OBJECT, old);
  return true;
}
