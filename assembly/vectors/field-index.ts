// Indexes over fields of the attributes, declared by VINDEX: for each an ordered index (filters/postings.ts) of the values
// that elements have there, an array by its elements. Which answers an index can give exactly depends on what kinds of
// values the field holds, because filters compare numbers with texts as Redis does (a text counts as the number it
// spells): so each kind is counted, and a field of mixed kinds answers fewer questions.
//
//   fields  0 how many (u32) | 4 unused | 8 records: see FieldIndex, then the column
//   column  the key of each element's value by id, in blocks (u64): ABSENT for none, NO_KEY for an array or null
//   key     of a number: its bits, ordered as numbers are, without the last
//           of a text: 1, its first 31 bits, and 32 bits of hash
//
// A key may stand for two values. That is noticed when the second one comes: the index is then no longer exact, and what
// it lists is tested by the filter itself. The column makes a test of an element that no range lists a load and a compare.
// Cost: what postings.ts says for each value, 8 bytes an element, and 104 bytes and the path a field.

import { Blocks, recordAt } from "./blocks";
import { Postings } from "../filters/postings";
import { Node, nodeAt, VectorSet } from "./vectorset";
import { binaryBytes, binaryOf } from "./vector-attributes";
import { findPath, foundBody, foundHead, Kind, readValue, Value } from "../text/attributes";

/** Fields of a set that may be indexed. */
export const FIELDS_MAX: u32 = 16;
/** Elements of one array that are indexed; of longer arrays the rest is counted as odd. */
export const ELEMENTS_MAX: u32 = 64;

@unmanaged
export class FieldIndex extends Postings {
  /** Cell of the path, as programs have it. */
  path: u32;
  /** Entries of the index. */
  entries: u32;
  /** Elements whose value is a number, a text, an array, null. */
  numbers: u32;
  texts: u32;
  arrays: u32;
  nulls: u32;
  /** Elements of arrays that are texts, and those that no index lists. */
  elementTexts: u32;
  oddElements: u32;
  /** 1 when a key has come to stand for two values. */
  collided: u32;
  padding: u32;
}

const COLUMN_OFFSET: usize = offsetof<FieldIndex>();
export const FIELD_BYTES: u32 = <u32>(COLUMN_OFFSET + offsetof<Blocks>());
export const FIELDS_HEAD_BYTES: u32 = 8;

/** Keys of numbers lie below, keys of texts from here on. */
export const TEXT_KEYS: u64 = 0x8000000000000000;
/** No value in the column; above every key. */
export const ABSENT: u64 = 0xffffffffffffffff;
/** In the column: a value that has no key. */
export const NO_KEY: u64 = 0xfffffffffffffffe;

@inline
export function fieldCount(set: VectorSet): u32 {
  return set.fields == 0 ? 0 : load<u32>(set.fields);
}

@inline
export function fieldAt(set: VectorSet, index: u32): FieldIndex {
  return changetype<FieldIndex>(<usize>set.fields + FIELDS_HEAD_BYTES + index * FIELD_BYTES);
}

@inline
export function columnOf(field: FieldIndex): Blocks {
  return changetype<Blocks>(changetype<usize>(field) + COLUMN_OFFSET);
}

/** Where the key of an element's value stands; the column has room for the id. */
@inline
export function columnSlot(field: FieldIndex, id: u32): usize {
  return recordAt(columnOf(field), id);
}

/** The number of the index over a path, -1 when there is none. */
export function findFieldIndex(set: VectorSet, path: usize): i32 {
  const count = fieldCount(set);
  const bytes = <u32>load<u16>(path);
  for (let index: u32 = 0; index < count; index++) {
    const own = <usize>fieldAt(set, index).path;
    if (<u32>load<u16>(own) == bytes && memory.compare(own, path, bytes) == 0) return <i32>index;
  }
  return -1;
}

/** The key of a number. */
export function numberKey(value: f64): u64 {
  // Minus zero equals zero.
  const bits = value == 0 ? <i64>0 : reinterpret<i64>(value);
  return <u64>(bits ^ ((bits >> 63) | ((<i64>1) << 63))) >> 1;
}

/** The key of a text. */
export function textKey(text: usize, bytes: u32): u64 {
  let hash: u32 = 0x811c9dc5;
  for (let at: u32 = 0; at < bytes; at++) hash = (hash ^ load<u8>(text + at)) * 0x01000193;
  // The last two hashes would look like the marks of a column.
  hash = min(hash ^ (hash >> 15), 0xfffffffd);
  return openingKey(text, bytes) | hash;
}

/** The key below those of all texts that begin so. */
export function openingKey(text: usize, bytes: u32): u64 {
  let first: u32 = 0;
  for (let at: u32 = 0; at < min<u32>(bytes, 4); at++) first |= (<u32>load<u8>(text + at)) << (24 - (at << 3));
  return TEXT_KEYS | ((<u64>(first >> 1)) << 32);
}

/** The key of a number or text. */
export function keyOfValue(value: Value): u64 {
  return value.kind == Kind.Number ? numberKey(value.number) : textKey(value.address, value.bytes);
}

/** Reads what a node has at the field's path; false when that is nothing. */
export function readField(node: Node, field: FieldIndex, value: Value): bool {
  const cell = <usize>node.attributes;
  if (cell == 0 || !findPath(binaryOf(cell), binaryBytes(cell), field.path)) return false;
  readValue(value, foundHead, foundBody);
  return true;
}

/** As `readField`, for the node of an id. */
export function readFieldOf(set: VectorSet, id: u32, field: FieldIndex, value: Value): bool {
  return readField(nodeAt(set, id), field, value);
}
