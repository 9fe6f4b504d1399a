// A small sorted set, packed inside its entry: the members in order, each behind its score. It is searched by a walk, which up
// to a hundred members costs less than any structure, and changed by moving what follows. It stays packed as long as
// CONFIG's zset-max-listpack-entries and zset-max-listpack-value say, at most 1,024 members, 255 bytes a member and 16 KiB.
// What it looks like is in structures/packed-scores.ts.

import { entryAt, entryBytes, valueOf } from "../../memory/entry";
import { dirty, equalBytes } from "../../memory/memory";
import { classOf } from "../../memory/slabs";
import { SCORE_BYTES } from "../../structures/sorted-set";
import { sortedSetEntriesMax, sortedSetValueMax } from "../../memory/settings";
import { slotEntry } from "../../memory/table";
import { splice } from "../../keyspace/splice";
import { ORDER_PATH_BASE, ORDER_PATH_BYTES } from "../../structures/score-tree";
import { compareBytes } from "../../structures/byte-order";
import {
  countRecords,
  MEMBER_BYTES_MAX,
  PACKED_HEADER_BYTES,
  PACKED_MEMBERS_MAX,
  RECORD_HEADER_BYTES,
  recordBytes,
  recordName,
  recordNameBytes,
  recordScore,
  writeRecord,
} from "../../structures/packed-scores";

const PACKED_BYTES_MAX: u32 = 16384;

@inline
export function packedCount(entry: usize): u32 {
  return countRecords(valueOf(entry));
}

@inline
export function firstRecord(entry: usize): usize {
  return valueOf(entry) + PACKED_HEADER_BYTES;
}

@inline
function recordsEnd(entry: usize): usize {
  return valueOf(entry) + entryAt(entry).valueBytes;
}

/** The record of a member, 0 when it is not there. */
export function recordNamed(entry: usize, name: usize, bytes: u32): usize {
  const end = recordsEnd(entry);
  for (let record = firstRecord(entry); record < end; record += recordBytes(record)) {
    if (recordNameBytes(record) == bytes && equalBytes(recordName(record), name, bytes)) return record;
  }
  return 0;
}

/** The record at a rank; there must be one. */
export function recordAtRank(entry: usize, rank: u32): usize {
  let record = firstRecord(entry);
  for (let left = rank; left > 0; left--) record += recordBytes(record);
  return record;
}

/** How many members come before a pair. */
export function packedRankOfPair(entry: usize, score: f64, name: usize, bytes: u32): u32 {
  const end = recordsEnd(entry);
  let rank: u32 = 0;
  for (let record = firstRecord(entry); record < end; record += recordBytes(record)) {
    if (isNotBefore(record, score, name, bytes)) break;
    rank++;
  }
  return rank;
}

@inline
function isNotBefore(record: usize, score: f64, name: usize, bytes: u32): bool {
  const other = recordScore(record);
  if (other != score) return other > score;
  return compareBytes(recordName(record), recordNameBytes(record), name, bytes) >= 0;
}

/** How many members have a score below the given one, or equal to it where `passesEqual`. */
export function packedRankOfScore(entry: usize, score: f64, passesEqual: bool): u32 {
  const end = recordsEnd(entry);
  let rank: u32 = 0;
  for (let record = firstRecord(entry); record < end; record += recordBytes(record)) {
    const other = recordScore(record);
    if (passesEqual ? other > score : other >= score) break;
    rank++;
  }
  return rank;
}

/** How many members from the front come before a key, or are it where `passesEqual`. */
export function packedRankOfKey(entry: usize, key: usize, bytes: u32, passesEqual: bool): u32 {
  const end = recordsEnd(entry);
  let rank: u32 = 0;
  for (let record = firstRecord(entry); record < end; record += recordBytes(record)) {
    if (compareBytes(recordName(record), recordNameBytes(record), key, bytes) >= <i32>passesEqual) break;
    rank++;
  }
  return rank;
}

/** How many size classes the members would need as entries: each has fewer than 64 words of 8 bytes. */
export function packedClasses(entry: usize): u32 {
  const end = recordsEnd(entry);
  let classes: u64 = 0;
  for (let record = firstRecord(entry); record < end; record += recordBytes(record)) {
    classes |= (<u64>1) << classOf(entryBytes(recordNameBytes(record), SCORE_BYTES, false));
  }
  return <u32>popcnt(classes);
}

// ---- changes

/** True when a set that is packed stays so with one more member of so many bytes. */
export function staysPacked(entry: usize, bytes: u32): bool {
  return (
    fitsPacked(packedCount(entry) + 1, bytes) &&
    entryAt(entry).valueBytes + RECORD_HEADER_BYTES + bytes <= PACKED_BYTES_MAX
  );
}

/** True when a set of so many members, the longest of so many bytes, may be packed, if it is not too long altogether. */
export function fitsPacked(count: u32, bytes: u32): bool {
  return count <= min(sortedSetEntriesMax(), PACKED_MEMBERS_MAX) && bytes <= min(sortedSetValueMax(), MEMBER_BYTES_MAX);
}

/** True when so many members with so many bytes in all may be packed, if each of them may. */
export function fitsPackedBytes(count: u32, bytes: u64): bool {
  return bytes + <u64>count * RECORD_HEADER_BYTES + PACKED_HEADER_BYTES <= PACKED_BYTES_MAX;
}

/** Where in the value a pair that is not there belongs. */
function placeOf(entry: usize, score: f64, name: usize, bytes: u32): u32 {
  const end = recordsEnd(entry);
  let record = firstRecord(entry);
  while (record < end && !isNotBefore(record, score, name, bytes)) record += recordBytes(record);
  return <u32>(record - valueOf(entry));
}

/** Adds a member that is not there; its name lies elsewhere. The entry may move. The caller has reserved memory. */
export function addRecord(slot: usize, score: f64, name: usize, bytes: u32): void {
  const place = placeOf(slotEntry(slot), score, name, bytes);
  const value = valueOf(splice(slot, place, 0, RECORD_HEADER_BYTES + bytes));
  writeRecord(value + place, score, name, bytes);
  store<u16>(value, load<u16>(value) + 1);
}

/** Removes the records that lie between two offsets of the value. The entry may move. */
export function removeRecords(slot: usize, from: u32, to: u32, count: u32): void {
  const value = valueOf(splice(slot, from, to - from, 0));
  store<u16>(value, load<u16>(value) - <u16>count);
}

/** Gives a member another score: its record moves to its new place, and what lies between moves the other way. */
export function rescoreRecord(entry: usize, record: usize, score: f64, name: usize): void {
  const bytes = recordNameBytes(record);
  const size = RECORD_HEADER_BYTES + bytes;
  const value = valueOf(entry);
  dirty(value, entryAt(entry).valueBytes);
  let place = value + placeOf(entry, score, name, bytes);
  if (place > record) {
    place -= size;
    memory.copy(record, record + size, place - record);
  } else {
    memory.copy(place + size, place, record - place);
  }
  writeRecord(place, score, name, bytes);
}

// ---- the other way round

/** Offsets of the records, u16 each: behind the way down a tree, in scratch memory. */
const MEMBER_PLACES_BASE: u32 = ORDER_PATH_BASE + ORDER_PATH_BYTES;

/** Notes where each record begins, so that they can be read from the last to the first. */
export function notePlaces(entry: usize): void {
  const value = valueOf(entry);
  const end = recordsEnd(entry);
  let rank: u32 = 0;
  for (let record = firstRecord(entry); record < end; record += recordBytes(record)) {
    store<u16>(MEMBER_PLACES_BASE + (rank++ << 1), <u16>(record - value));
  }
}

/** The record at a rank, as `notePlaces` found it. */
@inline
export function notedRecord(entry: usize, rank: u32): usize {
  return valueOf(entry) + load<u16>(MEMBER_PLACES_BASE + (rank << 1));
}
