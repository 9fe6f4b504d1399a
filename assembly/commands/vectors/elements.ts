// Elements of a vector set: a name, a node, perhaps attributes. The keyspace entry of a set holds the address of the
// set's cell; names are entries of the set's own table, in the zone whose cells never move, because nodes refer to them.
//
// An element whose time has passed is as good as gone from then on, though it may be there until active expiry comes to it
// (element-expiry.ts); a set of none but such elements is gone with its key.

import { ZONE_ENTRY, ZONE_OBJECT } from "../../layout";
import { recordElementRemoval } from "../../effects/record";
import { effectLog, mayRecordRemoval } from "../../effects/region";
import { counters, dirty } from "../../memory/memory";
import { argumentAddress, argumentBytes, isArgumentPaged } from "../../protocol/arguments";
import { addWork } from "../../protocol/dispatch";
import {
  createEntry,
  entryAt,
  freeEntry,
  keyOf,
  TYPE_STRING,
  TYPE_VECTOR_SET,
  typeOf,
  valueOf,
} from "../../memory/entry";
import { unlinkNode } from "../../vectors/hnsw-delete";
import { clock, database, dropKey, hashKey, insertKey, shardOf } from "../../keyspace/keyspace";
import { replyBulk } from "../../protocol/reply";
import { findSlot, removeSlot, slotEntry, Table } from "../../memory/table";
import { insert } from "../../memory/table-grow";
import { idOf, itemAt } from "../../vectors/beam";
import { SINK } from "../../vectors/vector-scratch";
import { removeAttributes } from "../../vectors/attribute-changes";
import {
  cellBytesAt,
  createVectorSet,
  namesOf,
  NONE,
  nodeAt,
  releaseNode,
  VECTOR_SET_BYTES,
  VectorSet,
  vectorSetAt,
} from "../../vectors/vectorset";
import { countDeadAt, firstDeadAt, forgetDeath, isDeadAt } from "../../vectors/upkeep/deaths";
import { forgetVerdicts } from "../../vectors/verdicts";

/** Bytes of a set's value in its keyspace entry. */
export const SET_VALUE_BYTES: u32 = 4;
const ID_BYTES: u32 = 4;

@inline
export function isVectorSet(entry: usize): bool {
  return typeOf(entry) == TYPE_VECTOR_SET;
}

/** The set that a keyspace entry holds. */
export function setOf(entry: usize): VectorSet {
  return vectorSetAt(load<u32>(valueOf(entry)));
}

/** Makes an empty set under the key in argument 1, which is not there. The caller has reserved the memory. */
export function createSet(
  hash: u64,
  dimensions: u32,
  metric: u32,
  m: u32,
  efConstruction: u32,
  quantization: u32,
  dropsVectors: bool,
): VectorSet {
  const address = createVectorSet(dimensions, metric, m, efConstruction, quantization, dropsVectors);
  forgetVerdicts(vectorSetAt(address));
  const entry = createEntry(ZONE_ENTRY, argumentAddress(1), argumentBytes(1), TYPE_VECTOR_SET, SET_VALUE_BYTES, false);
  store<u32>(valueOf(entry), <u32>address);
  insertKey(entry, hash);
  return vectorSetAt(address);
}

/** The time by which elements are dead: none is while records are replayed, which say themselves who died. */
@inline
export function deadline(): i64 {
  return effectLog.replaying != 0 ? 0 : clock;
}

/** Whether some elements of a set are there though they are dead. */
@inline
export function hasDead(set: VectorSet): bool {
  return set.deaths != 0 && firstDeadAt(set, deadline()) != NONE;
}

@inline
export function isDead(set: VectorSet, id: u32): bool {
  return isDeadAt(set, id, deadline());
}

/** Elements that are not dead. */
export function countLive(set: VectorSet): u32 {
  return set.count - countDeadAt(set, deadline());
}

/** A slot of the keyspace as it was found, 0 for none; 0 too when it holds a vector set of the dead, whose key goes then. */
export function liveSlot(slot: usize, hash: u64): usize {
  if (slot == 0 || !isVectorSet(slotEntry(slot))) return slot;
  const set = setOf(slotEntry(slot));
  if (set.deaths == 0 || countLive(set) != 0) return slot;
  if (mayRecordRemoval()) expireSet(shardOf(hash), slot, hash, database);
  return 0;
}

/** Deletes the key of a set whose elements are all dead. */
export function expireSet(table: Table, slot: usize, hash: u64, db: u32): void {
  counters.elementsExpired += setOf(slotEntry(slot)).count;
  dropKey(table, slot, hash, db);
}

/** The node of the live element that an argument names; NONE when there is none. */
export function findElement(set: VectorSet, index: u32): u32 {
  const id = findNamed(set, index);
  return id != NONE && isDead(set, id) ? NONE : id;
}

/** The same, dead or not. */
export function findNamed(set: VectorSet, index: u32): u32 {
  if (isArgumentPaged(index)) return NONE;
  const name = argumentAddress(index);
  const bytes = argumentBytes(index);
  const slot = findSlot(namesOf(set), name, bytes, hashKey(name, bytes));
  return slot == 0 ? NONE : load<u32>(valueOf(slotEntry(slot)));
}

/** Gives a fresh node the name in an argument, which no element has. */
export function nameElement(set: VectorSet, id: u32, index: u32): void {
  const name = argumentAddress(index);
  const bytes = argumentBytes(index);
  const entry = createEntry(ZONE_OBJECT, name, bytes, TYPE_STRING, ID_BYTES, false);
  store<u32>(valueOf(entry), id);
  entryAt(entry).access = <u32>changetype<usize>(namesOf(set));
  insert(namesOf(set), entry, hashKey(name, bytes), false);
  const node = nodeAt(set, id);
  dirty(changetype<usize>(node), 4);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  node.name = <u32>entry;
  set.cellBytes += cellBytesAt(entry);
}

/** Takes an element out of the graph and the table of names, and frees all it had. */
export function removeElement(set: VectorSet, id: u32): void {
  const node = nodeAt(set, id);
  unlinkNode(set, id);
  removeAttributes(set, id);
  forgetDeath(set, id);
  const entry = <usize>node.name;
  const hash = hashKey(keyOf(entry), entryAt(entry).keyBytes);
  removeSlot(namesOf(set), findSlot(namesOf(set), keyOf(entry), entryAt(entry).keyBytes, hash), hash);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.cellBytes -= cellBytesAt(entry);
  freeEntry(ZONE_OBJECT, entry);
  releaseNode(set, id);
}

/** Removes an element whose time has passed; another one is left. */
export function expireElement(set: VectorSet, id: u32, db: u32, key: usize, keyBytes: u32): void {
  const name = <usize>nodeAt(set, id).name;
  recordElementRemoval(db, clock, key, keyBytes, keyOf(name), entryAt(name).keyBytes);
  removeElement(set, id);
  counters.elementsExpired++;
}

/** Units of work of taking a node out: every pair of its 2 M neighbours may be measured. */
export function workOfUnlinking(set: VectorSet): u32 {
  return workOfDistances(set, <u64>set.m * set.m * 2);
}

/** Distances on the way down to the level that is searched. */
export const DISTANCES_OF_DESCENT: u32 = 200;
/** More than any call may do. */
const WORK_MAX: u64 = 1 << 20;

/** Adds the work of measuring `count` points of a set: each waits for memory, and reads about 40 bytes a ns. */
export function addDistances(set: VectorSet, count: u64): void {
  addWork(workOfDistances(set, count));
}

function workOfDistances(set: VectorSet, count: u64): u32 {
  return <u32>min<u64>((min<u64>(count, WORK_MAX << 12) * (set.pointBytes + 512)) >> 12, WORK_MAX);
}

export function replyName(set: VectorSet, id: u32): void {
  const entry = <usize>nodeAt(set, id).name;
  replyBulk(keyOf(entry), entryAt(entry).keyBytes);
}

/** Reads a word of each result's name, so that the misses overlap instead of following one another. */
export function touchNames(set: VectorSet, beam: usize, found: u32): void {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < found; index++) sum += load<u32>(nodeAt(set, idOf(itemAt(beam, index))).name);
  store<u32>(SINK, sum);
}
