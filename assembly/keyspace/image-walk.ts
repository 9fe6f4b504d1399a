// A whole database that comes from elsewhere, or is about to leave: a walk from the tables of the keyspace to everything they
// lead to. Nothing is followed before it is claimed (memory/claims.ts), so that no address, length or number in the image
// can lead out of it; each key must be found where it lies, in its own shard, by the hash that the image's seed gives.
// Costs a look at everything, 0.16 µs a key with 200,000 keys of 100 bytes and 0.32 with two million; a snapshot of one's
// own directory is not walked, its checksums suffice.

import {
  DATABASES,
  KEY_BYTES_MAX,
  MARK_PAGES_MAX,
  PAGE_BITS,
  PAGE_BYTES,
  PageKind,
  SHARDS,
  TABLE_BYTES,
  VALUE_BYTES_MAX,
  ZONE_ENTRY,
  ZONE_FIELD,
  ZONE_OBJECT,
  ZONE_SEGMENT,
} from "../layout";
import { beginClaims, cellAt, claimCell, claimPage, endClaims } from "../memory/claims";
import {
  ENCODING_INTEGERS,
  ENCODING_TABLE,
  ENTRY_HEADER_BYTES,
  entryAt,
  entryBytes,
  EXPIRES,
  expires,
  INLINE_VALUE_MAX,
  isPaged,
  keyOf,
  PAGED,
  pagesFor,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_SORTED_SET,
  TYPE_STRING,
  TYPE_VECTOR_SET,
  typeOf,
  valueOf,
} from "../memory/entry";
import { state } from "../memory/memory";
import {
  CHUNK_BYTES,
  chunksOfCode,
  codeOf,
  findSlot,
  localDepth,
  SLOT_MASK,
  slotAddress,
  Table,
  tableAt,
} from "../memory/table";
import { hashOfEntry } from "../memory/table-grow";
import { directorySize, liveSlots, segmentAt, segmentEnd, segmentSpan } from "../memory/table-walk";
import { hasFieldTable } from "../structures/field-table";
import { isIntegerSet } from "../structures/integer-set";
import { arePackedMembers } from "../structures/packed-members";
import { claimStream } from "../structures/streams/claim";
import { arePackedScoresRight } from "../structures/packed-scores";
import { SORTED_SET_BYTES, sortedSetAt } from "../structures/score-tree";
import { claimOrder } from "../structures/score-tree-walk";
import { SCORE_BYTES } from "../structures/sorted-set";
import { deathsAt } from "../vectors/upkeep/deaths";
import { claimSetBlocks } from "../vectors/vector-walk";
import { NodeState, namesOf, nodeAt, VECTOR_SET_BYTES, VectorSet, vectorSetAt } from "../vectors/vectorset";
import { claimChain, isPackedListRight } from "./list-claims";
import { shardAt } from "./shards";

/** What contradicts itself. */
export const enum ImageFault {
  None = 0,
  /** The machine has no memory for the walk. */
  NoMemory = 1,
  /** Something waits to be freed, or a number of pages cannot be. */
  State = 2,
  /** A table, or what it leads to. */
  Table = 3,
  /** Something in use that no table leads to. */
  Unclaimed = 4,
}

/** Whose entries a table has. */
const KEYS: u32 = 0;
const FIELDS: u32 = 1;
const NAMES: u32 = 2;
const MEMBERS: u32 = 3;
const SCORED: u32 = 4;

const DEPTH_MAX: u32 = 14;
const SEGMENT_CODE_MAX: u32 = 19;
const ADDRESS_BYTES: u32 = 4;

/** The set whose names are walked. */
let namedSet: usize = 0;
/** Most ids of a set. */
let idsMax: u32 = 0;

/**
 * Walks the state in memory.
 *
 * @param zeroes what means nothing is zeroed, for an image that leaves
 */
export function walkImage(zeroes: bool): ImageFault {
  if (state.graveyard != 0 || state.coding != 0 || state.markPages > MARK_PAGES_MAX) return ImageFault.State;
  if (!beginClaims(zeroes)) return ImageFault.NoMemory;
  idsMax = 0;
  state.deaths = 0;
  for (let db: u32 = 0; db < DATABASES; db++) {
    for (let shard: u32 = 0; shard < SHARDS; shard++) {
      const table = shardAt(db, shard);
      if (!walkTable(table, ZONE_ENTRY, KEYS) || !isInShard(table, shard)) return ImageFault.Table;
    }
  }
  if (!endClaims()) return ImageFault.Unclaimed;
  state.markPages = (idsMax + PAGE_BYTES - 1) >> PAGE_BITS;
  return state.markPages > MARK_PAGES_MAX ? ImageFault.State : ImageFault.None;
}

/** Claims a table's segments and entries, and holds its counts against them. */
function walkTable(table: Table, zone: u32, kind: u32): bool {
  if (table.directory == 0) return table.count == 0 && table.depth == 0 && table.expiring == 0;
  if (table.depth > DEPTH_MAX) return false;
  if (table.depth != 0 && !claimCell(table.directory, 4 << table.depth, ZONE_OBJECT)) return false;
  let count: u32 = 0;
  let expiring: u32 = 0;
  for (let index: u32 = 0; index < directorySize(table); ) {
    const segment = segmentAt(table, index);
    if (!claimSegment(segment) || !isSpanRight(table, segment, index)) return false;
    // Whoever moves the segment finds its table here.
    if (load<u8>(segment) == 0) store<u32>(slotAddress(segment, 0), <u32>changetype<usize>(table));
    for (let chunk = segment; chunk < segmentEnd(segment); chunk += CHUNK_BYTES) {
      const marks = <u32>load<u16>(chunk, 14) & SLOT_MASK;
      if ((marks & ~liveSlots(chunk)) != 0) return false;
      for (let live = liveSlots(chunk); live != 0; live &= live - 1) {
        const entry = <usize>load<u32>(slotAddress(chunk, ctz(live)));
        if (!claimEntry(entry, zone, kind, table)) return false;
        if (expires(entry) != (((marks >> ctz(live)) & 1) != 0)) return false;
        expiring += <u32>expires(entry);
        count++;
      }
    }
    index += segmentSpan(table, segment);
  }
  return count == table.count && expiring == table.expiring && areKeysFound(table);
}

function claimSegment(segment: usize): bool {
  if (cellAt(segment, ZONE_SEGMENT) < CHUNK_BYTES || (segment & (CHUNK_BYTES - 1)) != 0) return false;
  return (
    codeOf(segment) <= SEGMENT_CODE_MAX && claimCell(segment, chunksOfCode(codeOf(segment)) * CHUNK_BYTES, ZONE_SEGMENT)
  );
}

/** True when the directory leads to the segment from all places that its depth says, the first of them at `index`. */
function isSpanRight(table: Table, segment: usize, index: u32): bool {
  if (localDepth(segment) > table.depth) return false;
  const span = segmentSpan(table, segment);
  if ((index & (span - 1)) != 0) return false;
  for (let place: u32 = 1; place < span; place++) if (segmentAt(table, index + place) != segment) return false;
  return true;
}

/** True when each key is found, and only where it lies. All entries are claimed by now. */
function areKeysFound(table: Table): bool {
  for (let index: u32 = 0; index < directorySize(table); ) {
    const segment = segmentAt(table, index);
    for (let chunk = segment; chunk < segmentEnd(segment); chunk += CHUNK_BYTES) {
      for (let live = liveSlots(chunk); live != 0; live &= live - 1) {
        const slot = slotAddress(chunk, ctz(live));
        const entry = <usize>load<u32>(slot);
        if (findSlot(table, keyOf(entry), entryAt(entry).keyBytes, hashOfEntry(entry)) != slot) return false;
      }
    }
    index += segmentSpan(table, segment);
  }
  return true;
}

/** True when the hash of each key leads to this shard. */
function isInShard(table: Table, shard: u32): bool {
  for (let index: u32 = 0; index < directorySize(table); ) {
    const segment = segmentAt(table, index);
    for (let chunk = segment; chunk < segmentEnd(segment); chunk += CHUNK_BYTES) {
      for (let live = liveSlots(chunk); live != 0; live &= live - 1) {
        if (<u32>(hashOfEntry(<usize>load<u32>(slotAddress(chunk, ctz(live)))) >> 56) != shard) return false;
      }
    }
    index += segmentSpan(table, segment);
  }
  return true;
}

function claimEntry(entry: usize, zone: u32, kind: u32, table: Table): bool {
  if (cellAt(entry, zone) < ENTRY_HEADER_BYTES) return false;
  const bytes = entryAt(entry).valueBytes;
  const flags = entryAt(entry).flags;
  if ((flags & ~(EXPIRES | PAGED)) != 0 || <u32>entryAt(entry).keyBytes > KEY_BYTES_MAX || bytes > VALUE_BYTES_MAX)
    return false;
  if (isPaged(entry) != bytes > INLINE_VALUE_MAX) return false;
  if (!claimCell(entry, entryBytes(entryAt(entry).keyBytes, bytes, expires(entry)), zone)) return false;
  if (isPaged(entry) && !claimPages(entry)) return false;
  if (kind == KEYS) return claimValue(entry);
  // Fields and names say which table they are in.
  if (entryAt(entry).type != TYPE_STRING || expires(entry)) return false;
  if (entryAt(entry).access != <u32>changetype<usize>(table)) return false;
  if (kind == SCORED) return bytes == SCORE_BYTES;
  if (kind == MEMBERS) table.longest = max(table.longest, <u32>entryAt(entry).keyBytes);
  return kind == FIELDS || (kind == MEMBERS ? bytes == 0 : isNameRight(entry));
}

function claimPages(entry: usize): bool {
  const list = valueOf(entry);
  const bytes = entryAt(entry).valueBytes;
  for (let index: u32 = 0; index < pagesFor(bytes); index++) {
    const meant = min(bytes - (index << PAGE_BITS), PAGE_BYTES);
    if (!claimPage(<usize>load<u32>(list + (index << 2)), PageKind.Value, meant)) return false;
  }
  return true;
}

function claimValue(entry: usize): bool {
  const type = entryAt(entry).type;
  if (type == TYPE_STRING) return true;
  if (isPaged(entry)) return false;
  const bytes = entryAt(entry).valueBytes;
  if (type == TYPE_HASH) return isPackedRight(entry);
  if (type == TYPE_LIST) return isPackedListRight(entry);
  if (type == (TYPE_LIST | ENCODING_TABLE)) return claimChain(entry);
  if (type == TYPE_SET) return arePackedMembers(valueOf(entry), bytes);
  if (type == (TYPE_SET | ENCODING_INTEGERS)) return isIntegerSet(valueOf(entry), bytes);
  if (type == TYPE_SORTED_SET) return arePackedScoresRight(valueOf(entry), bytes);
  if (bytes != ADDRESS_BYTES) return false;
  const address = <usize>load<u32>(valueOf(entry));
  if (hasFieldTable(entry)) {
    if (!claimCell(address, TABLE_BYTES, ZONE_OBJECT)) return false;
    tableAt(address).longest = 0;
    return walkTable(tableAt(address), ZONE_FIELD, typeOf(entry) == TYPE_SET ? MEMBERS : FIELDS);
  }
  if (type == TYPE_STREAM) return claimStream(<u32>address);
  if (type == (TYPE_SORTED_SET | ENCODING_TABLE)) {
    if (!claimCell(address, SORTED_SET_BYTES, ZONE_OBJECT) || !walkTable(tableAt(address), ZONE_OBJECT, SCORED))
      return false;
    return claimOrder(sortedSetAt(address));
  }
  return type == TYPE_VECTOR_SET && claimSet(entry, address);
}

/** Packed: 0 count (u16), then for each field: length (u8) | length of its value (u8) | field | value */
function isPackedRight(entry: usize): bool {
  const bytes = entryAt(entry).valueBytes;
  if (bytes < 2) return false;
  const value = valueOf(entry);
  let at: u32 = 2;
  for (let left: u32 = load<u16>(value); left > 0; left--) {
    if (bytes - at < 2) return false;
    const field: u32 = 2 + <u32>load<u8>(value + at) + <u32>load<u8>(value + at, 1);
    if (bytes - at < field) return false;
    at += field;
  }
  return at == bytes;
}

function claimSet(entry: usize, address: usize): bool {
  if (!claimCell(address, VECTOR_SET_BYTES, ZONE_OBJECT)) return false;
  const set = vectorSetAt(address);
  if (!claimSetBlocks(set)) return false;
  if (set.deaths != 0) deathsAt(set.deaths).hash = hashOfEntry(entry);
  namedSet = address;
  idsMax = max(idsMax, set.idsUsed);
  return namesOf(set).count == set.count && walkTable(namesOf(set), ZONE_OBJECT, NAMES);
}

/** True when the node that a name leads to bears it. */
function isNameRight(entry: usize): bool {
  if (entryAt(entry).valueBytes != ADDRESS_BYTES) return false;
  const set: VectorSet = vectorSetAt(namedSet);
  const id = load<u32>(valueOf(entry));
  if (id >= set.idsUsed) return false;
  const node = nodeAt(set, id);
  return node.state == <u16>NodeState.Live && node.name == <u32>entry;
}
