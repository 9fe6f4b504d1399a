// Elements of a vector set: a name, a node, perhaps attributes. The keyspace entry of a set holds the address of the
// set's cell; names are entries of the set's own table, in the zone whose cells never move, because nodes refer to them.

import { ZONE_ENTRY, ZONE_OBJECT } from "../layout";
import { dirty } from "../memory/memory";
import { argumentAddress, argumentBytes, isArgumentPaged } from "../protocol/arguments";
import { addWork } from "../protocol/dispatch";
import { createEntry, entryAt, freeEntry, keyOf, TYPE_STRING, TYPE_VECTOR_SET, typeOf, valueOf } from "../memory/entry";
import { unlinkNode } from "../vectors/hnsw-delete";
import { hashKey, insertKey } from "../keyspace/keyspace";
import { replyBulk } from "../protocol/reply";
import { findSlot, removeSlot, slotEntry } from "../memory/table";
import { insert } from "../memory/table-grow";
import { idOf, itemAt } from "../vectors/beam";
import { SINK } from "../vectors/vector-scratch";
import { removeAttributes } from "../vectors/attribute-changes";
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
} from "../vectors/vectorset";
import { forgetVerdicts } from "../vectors/verdicts";

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

/** The node of the element that an argument names; NONE when there is none. */
export function findElement(set: VectorSet, index: u32): u32 {
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
  const entry = <usize>node.name;
  const hash = hashKey(keyOf(entry), entryAt(entry).keyBytes);
  removeSlot(namesOf(set), findSlot(namesOf(set), keyOf(entry), entryAt(entry).keyBytes, hash), hash);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.cellBytes -= cellBytesAt(entry);
  freeEntry(ZONE_OBJECT, entry);
  releaseNode(set, id);
}

/** Distances on the way down to the level that is searched. */
export const DISTANCES_OF_DESCENT: u32 = 200;
/** More than any call may do. */
const WORK_MAX: u64 = 1 << 20;

/** Adds the work of measuring `count` points of a set: each waits for memory, and reads about 40 bytes a ns. */
export function addDistances(set: VectorSet, count: u64): void {
  addWork(<u32>min<u64>((min<u64>(count, WORK_MAX << 12) * (set.pointBytes + 512)) >> 12, WORK_MAX));
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
