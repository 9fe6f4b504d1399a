// The attributes of an element: its JSON as it came, for VGETATTR and WITHATTRIBS, and the binary form that filters
// read (see attributes.ts), in one cell.
//
//   0 JSON bytes (u32) | 4 binary bytes (u32) | 8 binary | JSON

import { evaluateFilter } from "../filters/filter";
import { PAGE_BYTES } from "../layout";
import { Node } from "./vectorset";

export const HEAD_BYTES: u32 = 8;
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

/** Whether a node's attributes pass a compiled filter; one without attributes never does. */
export function matches(node: Node, program: usize): bool {
  const cell = <usize>node.attributes;
  return cell != 0 && evaluateFilter(program, binaryOf(cell), binaryBytes(cell));
}
