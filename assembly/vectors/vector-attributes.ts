// The attributes of an element: its JSON as it came, for VGETATTR and WITHATTRIBS, and the binary form that filters
// read (see attributes.ts), in one cell.
//
//   0 JSON bytes (u32) | 4 binary bytes (u32) | 8 binary | JSON

import { evaluateFilter } from "./filter";
import { PAGE_BYTES, ZONE_OBJECT } from "../layout";
import { allocate, copyBytes, dirty, release } from "../memory/memory";
import { cellBytesAt, Node, VECTOR_SET_BYTES, VectorSet } from "./vectorset";

const HEAD_BYTES: u32 = 8;
/** JSON and binary form together fit one cell. */
export const ATTRIBUTES_BYTES_MAX: u32 = PAGE_BYTES - HEAD_BYTES;

@inline
export function jsonBytes(cell: usize): u32 {
  return load<u32>(cell);
}

@inline
export function binaryBytes(cell: usize): u32 {
  return load<u32>(cell, 4);
}

@inline
export function binaryOf(cell: usize): usize {
  return cell + HEAD_BYTES;
}

@inline
export function jsonOf(cell: usize): usize {
  return cell + HEAD_BYTES + load<u32>(cell, 4);
}

/** Replaces a node's attributes by the given ones. The caller has reserved a page. */
export function setAttributes(set: VectorSet, node: Node, json: usize, bytes: u32, binary: usize, encoded: u32): void {
  removeAttributes(set, node);
  const cell = allocate(ZONE_OBJECT, HEAD_BYTES + bytes + encoded);
  store<u32>(cell, bytes);
  store<u32>(cell, encoded, 4);
  copyBytes(binaryOf(cell), binary, encoded);
  copyBytes(jsonOf(cell), json, bytes);
  dirty(changetype<usize>(node), <u32>offsetof<Node>());
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  node.attributes = <u32>cell;
  set.attributed++;
  set.cellBytes += cellBytesAt(cell);
}

/** Frees a node's attributes, if it has any. */
export function removeAttributes(set: VectorSet, node: Node): void {
  const cell = <usize>node.attributes;
  if (cell == 0) return;
  dirty(changetype<usize>(node), <u32>offsetof<Node>());
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.attributed--;
  set.cellBytes -= cellBytesAt(cell);
  release(ZONE_OBJECT, cell);
  node.attributes = 0;
}

/** Whether a node's attributes pass a compiled filter; one without attributes never does. */
export function matches(node: Node, program: usize): bool {
  const cell = <usize>node.attributes;
  return cell != 0 && evaluateFilter(program, binaryOf(cell), binaryBytes(cell));
}
