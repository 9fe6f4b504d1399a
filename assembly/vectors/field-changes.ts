// Keeps field indexes (field-index.ts) equal to the attributes: values are listed when attributes are set and struck when
// they go; declaring an index lists those of all elements, about 0.4 µs each, in one go.

import {
  ABSENT,
  columnOf,
  columnSlot,
  ELEMENTS_MAX,
  FIELD_BYTES,
  FieldIndex,
  fieldAt,
  fieldCount,
  FIELDS_HEAD_BYTES,
  keyOfValue,
  NO_KEY,
  readField,
  readFieldOf,
} from "./field-index";
import { bytesOfBlocks, growTo, initializeBlocks, releaseBlocks, roomOf } from "./blocks";
import { nodesToInsert, insertPosting, removePosting } from "../filters/postings-change";
import { POSTINGS_NODE_BYTES, rankOf, releasePostings, seek, soughtIds, soughtKey } from "../filters/postings";
import { bodyBytes, equalBytes, Kind, readValue, Value } from "../text/attributes";
import { PAGE_BYTES, ZONE_OBJECT } from "../layout";
import { allocate, copyBytes, dirty, release } from "../memory/memory";
import { holdSearches } from "../memory/thread-searches";
import { FIELD_VALUES_BASE } from "./vector-scratch";
import { cellBytesAt, NodeState, nodeAt, VECTOR_SET_BYTES, VectorSet } from "./vectorset";

const VALUE_BYTES: usize = offsetof<Value>();
/** The value of the element under work, one of its array's elements, and the same two of another element. */
const OWN = changetype<Value>(<usize>FIELD_VALUES_BASE);
const ITEM = changetype<Value>(<usize>FIELD_VALUES_BASE + VALUE_BYTES);
const OTHER = changetype<Value>(<usize>FIELD_VALUES_BASE + 2 * VALUE_BYTES);
const OTHER_ITEM = changetype<Value>(<usize>FIELD_VALUES_BASE + 3 * VALUE_BYTES);

/** Nodes of postings in a page. */
const NODES_A_PAGE: u32 = PAGE_BYTES / POSTINGS_NODE_BYTES;

/** Pages that the indexes may take when an element gets attributes of `jsonBytes` bytes: two bytes make a value at least. */
export function pagesToIndex(set: VectorSet, jsonBytes: u32): u32 {
  const fields = fieldCount(set);
  if (fields == 0) return 0;
  const values = min(jsonBytes >> 1, fields * ELEMENTS_MAX);
  let pages = 2 + (values + fields * nodesToInsert(1)) / NODES_A_PAGE;
  for (let index: u32 = 0; index < fields; index++) pages += columnPages(fieldAt(set, index), set.idsUsed);
  return pages;
}

/** Pages that a column may take until it has room for an id: blocks, and twice a larger table. */
function columnPages(field: FieldIndex, id: u32): u32 {
  const room = roomOf(columnOf(field));
  return id < room ? 0 : 3 + (id - room) / (PAGE_BYTES >> 3);
}

/** Makes room in a column for an id and those before it. */
function growColumn(set: VectorSet, field: FieldIndex, id: u32): void {
  const column = columnOf(field);
  set.fieldBytes -= <u32>bytesOfBlocks(column);
  for (let room = roomOf(column); id >= room; ) {
    growTo(column, room);
    const end = roomOf(column);
    // A first block that doubled is another cell, whose content came along; of a block no end is known but its room.
    for (let fresh = room; fresh < end; fresh++) {
      const slot = columnSlot(field, fresh);
      dirty(slot, 8);
      store<u64>(slot, ABSENT);
    }
    room = end;
  }
  set.fieldBytes += <u32>bytesOfBlocks(column);
}

/** Lists the values of an element's attributes. The memory has been reserved. */
export function indexElement(set: VectorSet, id: u32): void {
  for (let index: u32 = 0; index < fieldCount(set); index++) changeElement(set, fieldAt(set, index), id, 1);
}

/** Strikes what `indexElement` listed; the attributes are still those. */
export function unindexElement(set: VectorSet, id: u32): void {
  for (let index: u32 = 0; index < fieldCount(set); index++) changeElement(set, fieldAt(set, index), id, -1);
}

/** Lists (1) or strikes (-1) what an element has in a field. */
function changeElement(set: VectorSet, field: FieldIndex, id: u32, by: i32): void {
  if (!readFieldOf(set, id, field, OWN)) return;
  dirty(changetype<usize>(field), FIELD_BYTES);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.fieldBytes -= field.bytes;
  const kind = OWN.kind;
  const key = kind == Kind.Number || kind == Kind.String ? keyOfValue(OWN) : NO_KEY;
  if (kind == Kind.Null) field.nulls += by;
  else if (kind == Kind.Array) changeItems(set, field, id, by);
  else changeValue(set, field, id, OWN, by);
  if (kind == Kind.Number) field.numbers += by;
  else if (kind == Kind.String) field.texts += by;
  else if (kind == Kind.Array) field.arrays += by;
  set.fieldBytes += field.bytes;
  if (by > 0) growColumn(set, field, id);
  const slot = columnSlot(field, id);
  dirty(slot, 8);
  store<u64>(slot, by < 0 ? ABSENT : key);
}

function changeItems(set: VectorSet, field: FieldIndex, id: u32, by: i32): void {
  let at = OWN.address;
  const end = at + OWN.bytes;
  for (let item: u32 = 0; at < end; item++) {
    const head = <u32>load<u8>(at);
    readValue(ITEM, head, at + 1);
    at += 1 + bodyBytes(head, at + 1);
    if (item >= ELEMENTS_MAX || (ITEM.kind != Kind.Number && ITEM.kind != Kind.String)) {
      field.oddElements += by;
      continue;
    }
    if (ITEM.kind == Kind.String) field.elementTexts += by;
    changeValue(set, field, id, ITEM, by);
  }
}

function changeValue(set: VectorSet, field: FieldIndex, id: u32, value: Value, by: i32): void {
  const key = keyOfValue(value);
  if (by < 0) {
    field.entries -= u32(removePosting(field, key, id));
    return;
  }
  if (field.collided == 0 && !isAlone(set, field, key, value)) field.collided = 1;
  if (insertPosting(field, key, id)) field.entries++;
  else if (hasTwin(key, value)) field.collided = 1;
}

/** Whether another element of the array under work has the same key without being the same value. */
function hasTwin(key: u64, value: Value): bool {
  let at = OWN.address;
  const end = at + OWN.bytes;
  while (at < end) {
    const head = <u32>load<u8>(at);
    readValue(OTHER_ITEM, head, at + 1);
    at += 1 + bodyBytes(head, at + 1);
    if (OTHER_ITEM.kind == value.kind && keyOfValue(OTHER_ITEM) == key && !isSame(OTHER_ITEM, value)) return true;
  }
  return false;
}

/** Whether the elements that are listed under a key have this very value. One of them tells, since they are all alike. */
function isAlone(set: VectorSet, field: FieldIndex, key: u64, value: Value): bool {
  if (field.root == 0) return true;
  const rank = rankOf(field, key);
  if (rank == field.entries) return true;
  seek(field, rank);
  return soughtKey != key || hasValue(set, field, load<u32>(soughtIds), value);
}

/** Whether an element has a value in a field, alone or in an array. */
export function hasValue(set: VectorSet, field: FieldIndex, id: u32, value: Value): bool {
  if (!readField(nodeAt(set, id), field, OTHER)) return false;
  if (OTHER.kind != Kind.Array) return isSame(OTHER, value);
  let at = OTHER.address;
  const end = at + OTHER.bytes;
  while (at < end) {
    const head = <u32>load<u8>(at);
    readValue(OTHER_ITEM, head, at + 1);
    at += 1 + bodyBytes(head, at + 1);
    if (isSame(OTHER_ITEM, value)) return true;
  }
  return false;
}

function isSame(a: Value, b: Value): bool {
  if (a.kind != b.kind) return false;
  if (a.kind == Kind.Number) return a.number == b.number;
  return a.bytes == b.bytes && equalBytes(a.address, b.address, a.bytes);
}

// ---- declaring

/** Pages that an index over a path would take at most, for the elements that the set has. */
export function pagesForField(set: VectorSet, path: usize): u32 {
  let values: u64 = 0;
  const probe = changetype<FieldIndex>(<usize>FIELD_VALUES_BASE + 4 * VALUE_BYTES);
  probe.path = <u32>path;
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    const node = nodeAt(set, id);
    if (node.state != <u16>NodeState.Live || !readField(node, probe, OWN)) continue;
    // An element of an array has a head and, null and the empty text apart, a body.
    values += OWN.kind == Kind.Array ? min(OWN.bytes, ELEMENTS_MAX) : 1;
  }
  // Leaves are half full at least while nothing is struck; a third more for the nodes above and what begins a page.
  return 6 + <u32>((values * 32 + <u64>set.idsUsed * 8) / PAGE_BYTES);
}

/** Declares an index over a path, which has none and for which the pages are reserved, and lists what is there. */
export function declareField(set: VectorSet, path: usize): void {
  holdSearches();
  const count = fieldCount(set);
  const cell = allocate(ZONE_OBJECT, FIELDS_HEAD_BYTES + (count + 1) * FIELD_BYTES);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  if (set.fields != 0) {
    copyBytes(cell, set.fields, FIELDS_HEAD_BYTES + count * FIELD_BYTES);
    freeCell(set, set.fields);
  }
  store<u32>(cell, count + 1);
  store<u32>(cell, 0, 4);
  set.fieldBytes += cellBytesAt(cell);
  set.fields = <u32>cell;
  const field = fieldAt(set, count);
  memory.fill(changetype<usize>(field), 0, FIELD_BYTES);
  const bytes = <u32>load<u16>(path);
  const own = allocate(ZONE_OBJECT, bytes);
  copyBytes(own, path, bytes);
  set.fieldBytes += cellBytesAt(own);
  field.path = <u32>own;
  initializeBlocks(columnOf(field), 8);
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    if (nodeAt(set, id).state == <u16>NodeState.Live) changeElement(set, field, id, 1);
  }
}

function freeCell(set: VectorSet, cell: usize): void {
  set.fieldBytes -= cellBytesAt(cell);
  release(ZONE_OBJECT, cell);
}

/** Drops an index and frees all it has. */
export function dropField(set: VectorSet, index: u32): void {
  holdSearches();
  const field = fieldAt(set, index);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  dirty(<usize>set.fields, FIELDS_HEAD_BYTES + fieldCount(set) * FIELD_BYTES);
  set.fieldBytes -= field.bytes + <u32>bytesOfBlocks(columnOf(field));
  releasePostings(field, <u32>-1);
  releaseBlocks(columnOf(field), <u32>-1);
  freeCell(set, field.path);
  const last = fieldCount(set) - 1;
  if (last == 0) {
    freeCell(set, set.fields);
    set.fields = 0;
    return;
  }
  memory.copy(changetype<usize>(field), changetype<usize>(field) + FIELD_BYTES, (last - index) * FIELD_BYTES);
  store<u32>(set.fields, last);
}

/** Frees about `limit` nodes of a set's indexes; true when nothing is left. For sets that are freed piece by piece. */
export function releaseFields(set: VectorSet, limit: u32): bool {
  while (set.fields != 0) {
    const last = fieldCount(set) - 1;
    const field = fieldAt(set, last);
    dirty(<usize>set.fields, FIELDS_HEAD_BYTES + (last + 1) * FIELD_BYTES);
    dirty(changetype<usize>(set), VECTOR_SET_BYTES);
    if (!releasePostings(field, limit) || !releaseBlocks(columnOf(field), limit)) return false;
    release(ZONE_OBJECT, field.path);
    if (last == 0) {
      release(ZONE_OBJECT, set.fields);
      set.fields = 0;
    } else {
      store<u32>(set.fields, last);
    }
  }
  return true;
}

// ---- the validator

/** The first broken promise of an index. */
export const enum FieldFault {
  None = 0,
  /** An element is not listed under a value that it has. */
  Missing = 1,
  /** There are more entries than elements have values. */
  Surplus = 2,
  /** A counter of kinds is wrong. */
  Kinds = 3,
  /** The column has another key than an element's value. */
  Column = 4,
}

/** Checks the indexes of a set against its attributes, for tests. */
export function validateFields(set: VectorSet): FieldFault {
  for (let index: u32 = 0; index < fieldCount(set); index++) {
    const fault = validateField(set, fieldAt(set, index));
    if (fault != FieldFault.None) return fault;
  }
  return FieldFault.None;
}

/** Strikes everything and finds the index empty: so what was listed is what elements have. Then lists it again. */
function validateField(set: VectorSet, field: FieldIndex): FieldFault {
  const entries = field.entries;
  const kinds = field.numbers + field.texts + field.arrays + field.nulls + field.elementTexts + field.oddElements;
  if (rankOf(field, ABSENT) != entries) return FieldFault.Surplus;
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    if (!isColumnRight(set, field, id)) return FieldFault.Column;
    if (nodeAt(set, id).state == <u16>NodeState.Live) changeElement(set, field, id, -1);
  }
  if (field.entries != 0 || field.root != 0 || field.bytes != 0) return FieldFault.Surplus;
  if ((field.numbers | field.texts | field.arrays | field.nulls | field.elementTexts | field.oddElements) != 0)
    return FieldFault.Kinds;
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    if (nodeAt(set, id).state == <u16>NodeState.Live) changeElement(set, field, id, 1);
  }
  if (field.entries != entries) return FieldFault.Missing;
  const again = field.numbers + field.texts + field.arrays + field.nulls + field.elementTexts + field.oddElements;
  return again == kinds ? FieldFault.None : FieldFault.Kinds;
}

function isColumnRight(set: VectorSet, field: FieldIndex, id: u32): bool {
  const key = id < roomOf(columnOf(field)) ? load<u64>(columnSlot(field, id)) : ABSENT;
  if (nodeAt(set, id).state != <u16>NodeState.Live || !readFieldOf(set, id, field, OWN)) return key == ABSENT;
  return key == (OWN.kind == Kind.Number || OWN.kind == Kind.String ? keyOfValue(OWN) : NO_KEY);
}
