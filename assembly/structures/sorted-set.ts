// A large sorted set: each member is an entry in ZONE_OBJECT, which never moves, whose value is its score; a table finds it by
// name, a tree keeps it in order. The score stands in both: a search in the order seldom has to read a member, and a look by
// name none of the order. Cost: 20 bytes a member beside its name, 6 to 10 of the table, about 18 of the order.

import { ZONE_OBJECT } from "../layout";
import { createEntry, entryAt, freeEntry, keyOf, TYPE_STRING, valueOf } from "../memory/entry";
import { hashBytes } from "../memory/hash";
import { allocate, dirty, state } from "../memory/memory";
import { findSlot, removeSlot, slotEntry, slotHolding, Table, tableAt } from "../memory/table";
import { insert } from "../memory/table-grow";
import { goToRank, memberOf, pathNode, pathPlace, SORTED_SET_BYTES, SortedSet, sortedSetAt } from "./score-tree";
import { insertPair, movePair, removeAtRank, removePair } from "./score-tree-change";

/** Bytes of a member's value. */
export const SCORE_BYTES: u32 = 8;

/** Makes an empty one. */
export function createSortedSet(): SortedSet {
  const address = allocate(ZONE_OBJECT, SORTED_SET_BYTES);
  memory.fill(address, 0, SORTED_SET_BYTES);
  return sortedSetAt(address);
}

@inline
export function membersOf(set: SortedSet): Table {
  return tableAt(changetype<usize>(set));
}

@inline
export function scoreOfMember(member: usize): f64 {
  return load<f64>(valueOf(member));
}

/** The member with a name; 0 when there is none. */
export function memberNamed(set: SortedSet, name: usize, bytes: u32, hash: u64): usize {
  const slot = findSlot(membersOf(set), name, bytes, hash);
  return slot == 0 ? 0 : slotEntry(slot);
}

/** The member at a rank; there must be one. */
export function memberAtRank(set: SortedSet, rank: u32): usize {
  goToRank(set, rank);
  return memberOf(pathNode(0), pathPlace(0));
}

function announce(set: SortedSet): void {
  dirty(changetype<usize>(set), SORTED_SET_BYTES);
}

/** Adds a member that is not there. The caller has reserved memory. */
export function addMember(set: SortedSet, name: usize, bytes: u32, hash: u64, score: f64): void {
  const member = createEntry(ZONE_OBJECT, name, bytes, TYPE_STRING, SCORE_BYTES, false);
  entryAt(member).access = <u32>changetype<usize>(set);
  store<f64>(valueOf(member), score);
  insert(membersOf(set), member, hash, false);
  announce(set);
  insertPair(set, score, member);
}

/** Gives a member another score. */
export function rescoreMember(set: SortedSet, member: usize, score: f64): void {
  const before = scoreOfMember(member);
  if (before == score) return;
  announce(set);
  movePair(set, before, score, member);
  dirty(valueOf(member), SCORE_BYTES);
  store<f64>(valueOf(member), score);
}

/** Removes a member; `hash` is its name's. */
export function removeMember(set: SortedSet, member: usize, hash: u64): void {
  announce(set);
  removePair(set, scoreOfMember(member), member);
  forget(set, member, hash);
}

/** Removes the member at a rank. */
export function removeRank(set: SortedSet, rank: u32): void {
  announce(set);
  const member = removeAtRank(set, rank);
  forget(set, member, hashBytes(keyOf(member), entryAt(member).keyBytes, state.seed));
}

/** Takes a member that has left the order out of the table too. */
function forget(set: SortedSet, member: usize, hash: u64): void {
  const table = membersOf(set);
  removeSlot(table, slotHolding(table, member, hash), hash);
  freeEntry(ZONE_OBJECT, member);
}

/** Copies all members to another, empty one, in order, which leaves its nodes full. */
export function copyMembers(to: SortedSet, from: SortedSet): void {
  for (let rank: u32 = 0; rank < from.count; ) {
    goToRank(from, rank);
    const leaf = pathNode(0);
    for (let place: u32 = 0; place < <u32>leaf.count; place++) {
      const member = memberOf(leaf, place);
      const name = keyOf(member);
      const bytes: u32 = entryAt(member).keyBytes;
      addMember(to, name, bytes, hashBytes(name, bytes, state.seed), scoreOfMember(member));
    }
    rank += leaf.count;
  }
}
