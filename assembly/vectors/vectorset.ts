// A vector set: its parameters, the table of its elements' names, and arrays of records found by node id (see
// blocks.ts): nodes with their links, the vectors (float32, padded with zeros to whole lanes), and under cosine what
// brings the original vectors back exactly (see original.ts). Codes of quantized sets will be one more such array. A node id is a small number; ids of deleted nodes are handed out
// again, so the arrays stay dense under churn. Under cosine the stored vector has length one and the node keeps the
// norm, so that the original can be given back. Locks are not part of a node: they will lie beside the scratch of a
// parallel build, which may not touch durable memory that it does not change.
//
//   node   0 name | 4 attributes | 8 upper rows | 12 norm | 16 level (u16) | 18 state (u16)
//          20 count | 24 link ids, 2 M of them          (from 20 on: the row of level 0)
//   upper  a cell with a row for each level above 0: count | link ids, M of them
//   name   an entry (see entry.ts) whose value is the node's id (u32)

import { Blocks, bytesOfBlocks, growTo, initializeBlocks, pagesToGrow, recordAt } from "./blocks";
import { PAGE_BYTES, TABLE_BYTES, ZONE_OBJECT } from "../layout";
import { allocate, dirty, pageOf, random, release } from "../memory/memory";
import { cellBytes } from "../memory/slabs";
import { Metric } from "./distance";
import { Table, tableAt } from "../memory/table";

/** No node: the entry point of an empty set, the end of the list of free ids. */
export const NONE: u32 = 0xffffffff;
export const DIMENSIONS_MAX: u32 = PAGE_BYTES / 4;
export const M_MIN: u32 = 4;
export const M_MAX: u32 = 4096;
const LEVEL_MAX: u32 = 24;

export const enum NodeState {
  Free = 0,
  Live = 1,
}

@unmanaged
export class Node {
  /** Address of the entry that holds the element's name. */
  name: u32;
  /** Cell of the attributes, 0 for none. */
  attributes: u32;
  /** Cell of the rows above level 0, 0 for none. In a free node: the next free id. */
  upper: u32;
  /** Length of the original vector under cosine, else 1. */
  norm: f32;
  level: u16;
  state: u16;
  /** Links of level 0; their ids follow. */
  count: u32;
}

const ROW_OFFSET: usize = offsetof<Node>("count");

@unmanaged
export class VectorSet {
  dimensions: u32;
  /** Bytes of a stored vector, a multiple of 16. */
  vectorBytes: u32;
  metric: u32;
  /** Links of a node on a level above 0 at most; twice that on level 0. */
  m: u32;
  efConstruction: u32;
  /** Live nodes. */
  count: u32;
  /** Ids handed out so far, free ones included. */
  idsUsed: u32;
  freeHead: u32;
  entry: u32;
  /** Level of the entry point. */
  topLevel: u32;
  /** Nodes with attributes. */
  attributed: u32;
  /** Bytes of the cells of names, attributes and upper rows. */
  cellBytes: u32;
}

const NAMES_OFFSET: usize = offsetof<VectorSet>();
const NODES_OFFSET: usize = NAMES_OFFSET + TABLE_BYTES;
const VECTORS_OFFSET: usize = NODES_OFFSET + offsetof<Blocks>();
const ROUNDINGS_OFFSET: usize = VECTORS_OFFSET + offsetof<Blocks>();
export const VECTOR_SET_BYTES: u32 = <u32>(ROUNDINGS_OFFSET + offsetof<Blocks>());

@inline
export function vectorSetAt(address: usize): VectorSet {
  return changetype<VectorSet>(address);
}

/** Element name → entry with the node's id. */
@inline
export function namesOf(set: VectorSet): Table {
  return tableAt(changetype<usize>(set) + NAMES_OFFSET);
}

@inline
export function nodesOf(set: VectorSet): Blocks {
  return changetype<Blocks>(changetype<usize>(set) + NODES_OFFSET);
}

@inline
export function vectorsOf(set: VectorSet): Blocks {
  return changetype<Blocks>(changetype<usize>(set) + VECTORS_OFFSET);
}

/** Two bits for each number of a vector; empty unless the metric is cosine. */
@inline
export function roundingsOf(set: VectorSet): Blocks {
  return changetype<Blocks>(changetype<usize>(set) + ROUNDINGS_OFFSET);
}

@inline
export function nodeAt(set: VectorSet, id: u32): Node {
  return changetype<Node>(recordAt(nodesOf(set), id));
}

@inline
export function vectorAt(set: VectorSet, id: u32): usize {
  return recordAt(vectorsOf(set), id);
}

/** Links a node may have on a level. */
@inline
export function linksMax(set: VectorSet, level: u32): u32 {
  return level == 0 ? set.m << 1 : set.m;
}

/** The row of a node's links on a level it has: count (u32), then ids. */
@inline
export function rowOf(set: VectorSet, id: u32, level: u32): usize {
  const record = recordAt(nodesOf(set), id);
  if (level == 0) return record + ROW_OFFSET;
  return <usize>changetype<Node>(record).upper + (level - 1) * ((set.m + 1) << 2);
}

/** Makes an empty set. The caller has reserved a page. */
export function createVectorSet(dimensions: u32, metric: u32, m: u32, efConstruction: u32): usize {
  const address = allocate(ZONE_OBJECT, VECTOR_SET_BYTES);
  memory.fill(address, 0, VECTOR_SET_BYTES);
  const set = vectorSetAt(address);
  set.dimensions = dimensions;
  set.vectorBytes = ((dimensions + 3) & ~3) << 2;
  set.metric = metric;
  set.m = m;
  set.efConstruction = efConstruction;
  set.freeHead = NONE;
  set.entry = NONE;
  initializeBlocks(nodesOf(set), <u32>offsetof<Node>() + (m << 3));
  initializeBlocks(vectorsOf(set), set.vectorBytes);
  initializeBlocks(roundingsOf(set), ((dimensions + 15) >> 4) << 2);
  return address;
}

/** Pages that the cells of one more node may take: its name, attributes and upper rows, the names' segment and directory. */
const NODE_CELL_PAGES: u32 = 5;

/** Pages that one more node may take at most. */
export function pagesForNode(set: VectorSet): u32 {
  if (set.freeHead != NONE) return NODE_CELL_PAGES;
  const id = set.idsUsed;
  return (
    NODE_CELL_PAGES +
    pagesToGrow(nodesOf(set), id) +
    pagesToGrow(vectorsOf(set), id) +
    pagesToGrow(roundingsOf(set), id)
  );
}

/** Takes an id whose node has the given level and no links. Its vector is undefined; `linkNode` makes it part of the graph. */
export function takeNode(set: VectorSet, level: u32): u32 {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  let id = set.freeHead;
  if (id != NONE) {
    set.freeHead = nodeAt(set, id).upper;
  } else {
    id = set.idsUsed++;
    growTo(nodesOf(set), id);
    growTo(vectorsOf(set), id);
    if (set.metric == Metric.Cosine) growTo(roundingsOf(set), id);
  }
  set.count++;
  const node = nodeAt(set, id);
  dirty(changetype<usize>(node), nodesOf(set).recordBytes);
  node.name = 0;
  node.attributes = 0;
  node.norm = 1;
  node.state = <u16>NodeState.Live;
  node.count = 0;
  setLevel(set, node, level);
  return id;
}

/** Gives a node without links the rows of `level`. */
function setLevel(set: VectorSet, node: Node, level: u32): void {
  node.level = <u16>level;
  node.upper = 0;
  if (level == 0) return;
  const bytes = level * ((set.m + 1) << 2);
  const upper = allocate(ZONE_OBJECT, bytes);
  for (let row: u32 = 0; row < level; row++) store<u32>(upper + row * ((set.m + 1) << 2), 0);
  set.cellBytes += cellBytesAt(upper);
  node.upper = <u32>upper;
}

/** Frees the upper rows and the id. The node has no links any more; name and attributes are the caller's. */
export function releaseNode(set: VectorSet, id: u32): void {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  const node = nodeAt(set, id);
  dirty(changetype<usize>(node), <u32>offsetof<Node>());
  releaseUpper(set, node);
  node.state = <u16>NodeState.Free;
  node.upper = set.freeHead;
  set.freeHead = id;
  set.count--;
}

function releaseUpper(set: VectorSet, node: Node): void {
  if (node.upper == 0) return;
  set.cellBytes -= cellBytesAt(node.upper);
  release(ZONE_OBJECT, node.upper);
  node.upper = 0;
}

/** Bytes of the cell at an address, for accounting. */
@inline
export function cellBytesAt(address: usize): u32 {
  return cellBytes(pageOf(address).sizeClass);
}

/** Draws a level: l or more with probability M^-l, as in the paper. */
export function drawLevel(set: VectorSet): u32 {
  const uniform = <f64>((random() >> 11) + 1) * (1.0 / <f64>(1 << 53));
  const level = <u32>(-Math.log(uniform) / Math.log(<f64>set.m));
  const rowsMax = PAGE_BYTES / ((set.m + 1) << 2);
  return min(level, min(rowsMax, LEVEL_MAX));
}

/** Bytes that a set holds, cells counted whole. */
export function bytesOfSet(set: VectorSet): u64 {
  return (
    <u64>VECTOR_SET_BYTES +
    set.cellBytes +
    bytesOfBlocks(nodesOf(set)) +
    bytesOfBlocks(vectorsOf(set)) +
    bytesOfBlocks(roundingsOf(set))
  );
}
