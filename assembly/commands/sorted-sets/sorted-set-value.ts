// The value of a sorted set: packed inside its entry (packed-set.ts) while it is small, else the address of its table and order
// (structures/sorted-set.ts), which it stays. What commands do with either goes through here: by name, by rank, by walk.

import { ZONE_ENTRY } from "../../layout";
import {
  createEntry,
  ENCODING_TABLE,
  ENTRY_HEADER_BYTES,
  entryAt,
  expires,
  expiryOf,
  freeEntry,
  keyOf,
  TYPE_SORTED_SET,
  valueOf,
} from "../../memory/entry";
import { setSlot, slotEntry } from "../../memory/table";
import { hashKey, insertKey } from "../../keyspace/keyspace";
import {
  PACKED_HEADER_BYTES,
  recordBytes,
  recordName,
  recordNameBytes,
  recordScore,
} from "../../structures/packed-scores";
import {
  goToRank,
  memberOf,
  OrderNode,
  pathNode,
  pathPlace,
  rankOfKey,
  rankOfPair,
  rankOfScore,
  SortedSet,
  sortedSetAt,
  touchMembers,
} from "../../structures/score-tree";
import {
  addMember,
  createSortedSet,
  memberNamed,
  removeMember,
  removeRank,
  rescoreMember,
  scoreOfMember,
} from "../../structures/sorted-set";
import {
  addRecord,
  firstRecord,
  notedRecord,
  notePlaces,
  packedCount,
  packedRankOfKey,
  packedRankOfPair,
  packedRankOfScore,
  recordAtRank,
  recordNamed,
  removeRecords,
  rescoreRecord,
  staysPacked,
} from "./packed-set";

/** Value of a large sorted set: its address. */
export const SET_ADDRESS_BYTES: u32 = 4;

// The member found or walked to last; call-scoped, valid until the set changes.
export let memberName: usize = 0;
export let memberNameBytes: u32 = 0;
export let memberScore: f64 = 0;
/** The entry of a large set's, the record of a packed one's. */
let memberPlace: usize = 0;

@inline
export function isLarge(entry: usize): bool {
  return (entryAt(entry).type & ENCODING_TABLE) != 0;
}

@inline
export function largeSet(entry: usize): SortedSet {
  return sortedSetAt(load<u32>(valueOf(entry)));
}

@inline
export function countMembers(entry: usize): u32 {
  return isLarge(entry) ? largeSet(entry).count : packedCount(entry);
}

@inline
function showRecord(record: usize): void {
  memberPlace = record;
  memberName = recordName(record);
  memberNameBytes = recordNameBytes(record);
  memberScore = recordScore(record);
}

@inline
function showMember(member: usize): void {
  memberPlace = member;
  memberName = keyOf(member);
  memberNameBytes = entryAt(member).keyBytes;
  memberScore = scoreOfMember(member);
}

/** Shows a member of a large set, by its entry. */
export function showMemberEntry(member: usize): void {
  showMember(member);
}

/** Makes an empty, packed sorted set under a key that is not there; answers its slot. The caller fills it at once. */
export function createPackedSet(key: usize, keyBytes: u32, hash: u64): usize {
  const entry = createEntry(ZONE_ENTRY, key, keyBytes, TYPE_SORTED_SET, PACKED_HEADER_BYTES, false);
  store<u16>(valueOf(entry), 0);
  return insertKey(entry, hash);
}

/** Gives an entry an empty large set. */
export function giveLargeSet(entry: usize): void {
  store<u32>(valueOf(entry), <u32>changetype<usize>(createSortedSet()));
}

// ---- by name

/** Hash of the name looked for last, when the set was large. */
let nameHash: u64 = 0;

/** Looks a member up; true when it is there, and then the registers show it. */
export function findMember(entry: usize, name: usize, bytes: u32): bool {
  if (!isLarge(entry)) {
    const record = recordNamed(entry, name, bytes);
    if (record == 0) return false;
    showRecord(record);
    return true;
  }
  nameHash = hashKey(name, bytes);
  const member = memberNamed(largeSet(entry), name, bytes, nameHash);
  if (member == 0) return false;
  showMember(member);
  return true;
}

/** Adds a member that `findMember` has just not found. The slot's entry may move. The caller has reserved memory. */
export function addNewMember(slot: usize, name: usize, bytes: u32, score: f64): void {
  const entry = slotEntry(slot);
  if (!isLarge(entry)) {
    if (staysPacked(entry, bytes)) {
      addRecord(slot, score + 0, name, bytes);
      return;
    }
    unpack(slot);
    nameHash = hashKey(name, bytes);
  }
  // A negative zero becomes zero: they are one place in the order.
  addMember(largeSet(slotEntry(slot)), name, bytes, nameHash, score + 0);
}

/** Gives the member that `findMember` has just found another score; its name must not be the set's own copy. */
export function rescoreFound(slot: usize, name: usize, score: f64): void {
  const entry = slotEntry(slot);
  if (memberScore == score) return;
  if (isLarge(entry)) rescoreMember(largeSet(entry), memberPlace, score + 0);
  else rescoreRecord(entry, memberPlace, score + 0, name);
}

/** Removes the member that `findMember` has just found. The set may be left empty: the caller removes the key then. */
export function removeFound(slot: usize): void {
  const entry = slotEntry(slot);
  if (isLarge(entry)) {
    removeMember(largeSet(entry), memberPlace, nameHash);
    return;
  }
  const from = <u32>(memberPlace - valueOf(entry));
  removeRecords(slot, from, from + recordBytes(memberPlace), 1);
}

/** Turns a packed set into a large one. */
function unpack(slot: usize): void {
  const entry = slotEntry(slot);
  const record = entryAt(entry);
  const type = <u8>(TYPE_SORTED_SET | ENCODING_TABLE);
  const other = createEntry(ZONE_ENTRY, keyOf(entry), record.keyBytes, type, SET_ADDRESS_BYTES, expires(entry));
  if (expires(entry)) store<i64>(other, expiryOf(entry), ENTRY_HEADER_BYTES);
  entryAt(other).access = record.access;
  giveLargeSet(other);
  const set = largeSet(other);
  let at = firstRecord(entry);
  for (let left = packedCount(entry); left > 0; left--) {
    const bytes = recordNameBytes(at);
    addMember(set, recordName(at), bytes, hashKey(recordName(at), bytes), recordScore(at));
    at += recordBytes(at);
  }
  setSlot(slot, other);
  freeEntry(ZONE_ENTRY, entry);
}

// ---- by rank

/** Members that come before the one in the registers. */
export function rankOfFound(entry: usize): u32 {
  if (isLarge(entry)) return rankOfPair(largeSet(entry), memberScore, memberName, memberNameBytes);
  return packedRankOfPair(entry, memberScore, memberName, memberNameBytes);
}

/** Members whose score is below the given one, or equal to it where `passesEqual`. */
export function countBelowScore(entry: usize, score: f64, passesEqual: bool): u32 {
  return isLarge(entry)
    ? rankOfScore(largeSet(entry), score, passesEqual)
    : packedRankOfScore(entry, score, passesEqual);
}

/** Members that come before a key, or are it where `passesEqual`, in a set whose members have one score. */
export function countBelowKey(entry: usize, key: usize, bytes: u32, passesEqual: bool): u32 {
  if (isLarge(entry)) return rankOfKey(largeSet(entry), key, bytes, passesEqual);
  return packedRankOfKey(entry, key, bytes, passesEqual);
}

/** Removes the members from rank `first` up to `end`. The set may be left empty: the caller removes the key then. */
export function removeRanks(slot: usize, first: u32, end: u32): void {
  const entry = slotEntry(slot);
  if (isLarge(entry)) {
    for (let rank = end; rank > first; rank--) removeRank(largeSet(entry), rank - 1);
    return;
  }
  const from = recordAtRank(entry, first);
  let to = from;
  for (let left = end - first; left > 0; left--) to += recordBytes(to);
  const value = valueOf(entry);
  removeRecords(slot, <u32>(from - value), <u32>(to - value), end - first);
}

// ---- a walk in either direction; the set must not change meanwhile

let walkEntry: usize = 0;
let walkRank: u32 = 0;
let walkLeft: u32 = 0;
let walkBackwards: bool = false;
/** Of a packed set walked forwards the record that comes; of a large one the leaf. */
let walkPlace: usize = 0;
/** The place in the leaf, and the members that are still to come from it. */
let walkIndex: u32 = 0;
let walkInLeaf: u32 = 0;

/** Begins a walk over the members from rank `first` up to `end`, backwards from the last of them if wanted. */
export function startMembers(entry: usize, first: u32, end: u32, backwards: bool): void {
  walkEntry = entry;
  walkLeft = end - first;
  walkBackwards = backwards;
  walkRank = backwards ? end - 1 : first;
  walkInLeaf = 0;
  if (isLarge(entry) || walkLeft == 0) return;
  if (backwards) notePlaces(entry);
  else walkPlace = recordAtRank(entry, first);
}

/** Shows the next member in the registers; false after the last. */
export function nextMember(): bool {
  if (walkLeft == 0) return false;
  walkLeft--;
  if (isLarge(walkEntry)) {
    showNextInLeaf();
  } else if (walkBackwards) {
    showRecord(notedRecord(walkEntry, walkRank--));
  } else {
    showRecord(walkPlace);
    walkPlace += recordBytes(walkPlace);
  }
  return true;
}

function showNextInLeaf(): void {
  if (walkInLeaf == 0) seekLeaf();
  walkInLeaf--;
  showMember(memberOf(changetype<OrderNode>(walkPlace), walkIndex));
  if (walkBackwards) {
    walkIndex--;
    walkRank--;
  } else {
    walkIndex++;
    walkRank++;
  }
}

/** Finds the leaf that the walk goes on in. */
function seekLeaf(): void {
  goToRank(largeSet(walkEntry), walkRank);
  const leaf = pathNode(0);
  walkPlace = changetype<usize>(leaf);
  walkIndex = pathPlace(0);
  walkInLeaf = min(walkLeft + 1, walkBackwards ? walkIndex + 1 : <u32>leaf.count - walkIndex);
  touchMembers(leaf, walkBackwards ? walkIndex + 1 - walkInLeaf : walkIndex, walkInLeaf);
}
