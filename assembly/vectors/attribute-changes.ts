// Changes of an element's attributes: the cell, the field indexes that list its values, and the verdicts of filters that
// were remembered go together.

import { indexElement, unindexElement } from "./field-changes";
import { ZONE_OBJECT } from "../layout";
import { allocate, copyBytes, dirty, release } from "../memory/memory";
import { holdSearches } from "../memory/thread-searches";
import { binaryOf, HEAD_BYTES, jsonOf } from "./vector-attributes";
import { cellBytesAt, Node, nodeAt, VECTOR_SET_BYTES, VectorSet } from "./vectorset";
import { forgetVerdict } from "./verdicts";

/** Replaces a node's attributes by the given ones. The caller has reserved what `pagesForAttributes` says. */
export function setAttributes(set: VectorSet, id: u32, json: usize, bytes: u32, binary: usize, encoded: u32): void {
  holdSearches();
  removeAttributes(set, id);
  const node = nodeAt(set, id);
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
  indexElement(set, id);
  forgetVerdict(set, id);
}

/** Frees a node's attributes, if it has any. */
export function removeAttributes(set: VectorSet, id: u32): void {
  const node = nodeAt(set, id);
  const cell = <usize>node.attributes;
  if (cell == 0) return;
  holdSearches();
  unindexElement(set, id);
  forgetVerdict(set, id);
  dirty(changetype<usize>(node), <u32>offsetof<Node>());
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.attributed--;
  set.cellBytes -= cellBytesAt(cell);
  release(ZONE_OBJECT, cell);
  node.attributes = 0;
}
