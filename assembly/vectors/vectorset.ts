// A vector set: its parameters, the table of its elements' names, and arrays of records found by node id (see
// blocks.ts): nodes with their links, the vectors (float32, padded with zeros to whole lanes), the codes of a quantized
// set (see codes.ts), and under cosine what brings the original vectors back exactly (see original.ts). A node id is a
// small number; ids of deleted nodes are handed out again, so the arrays stay dense under churn. Under cosine the stored vector has length one and the node keeps the
// norm, so that the original can be given back. Locks are not part of a node: they lie where threads have what is
// theirs (see memory/threads.ts), since a build may not touch durable memory that it does not change.
//
//   node   0 name | 4 attributes | 8 upper rows | 12 norm | 16 level (u16) | 18 state (u16)
//          20 count | 24 link ids, 2 M of them          (from 20 on: the row of level 0)
//   upper  a cell with a row for each level above 0: count | link ids, M of them
//   name   an entry (see entry.ts) whose value is the node's id (u32)

import { Blocks, bytesOfBlocks, growTo, initializeBlocks, pagesToGrow, recordAt } from "./blocks";
import { PAGE_BYTES, TABLE_BYTES, ZONE_OBJECT } from "../layout";
import { allocate, dirty, pageOf, random, release } from "../memory/memory";
import { cellBytes } from "../memory/slabs";
import { Metric } from "../kernels/distance";
import { Table, tableAt } from "../memory/table";
import { mayReuseIds } from "../memory/threads";

/** No node: the entry point of an empty set, the end of the list of free ids. */
export const NONE: u32 = 0xffffffff;
export const DIMENSIONS_MAX: u32 = PAGE_BYTES / 4;
export const M_MIN: u32 = 4;
export const M_MAX: u32 = 4096;
const LEVEL_MAX: u32 = 24;

/** What the walk reads of a vector. The number is stored in the set. */
export const enum Coding {
  Float32 = 0,
  Float16 = 1,
  /** A byte a number. */
  Int8 = 2,
  /** Four bits a number. */
  Int4 = 3,
  /** A bit a number. */
  Binary = 4,
}

export const enum NodeState {
  /** In the list of free ids. */
  Free = 0,
  Live = 1,
  /** Free, and not in the list: while nodes are put in order. */
  Lost = 2,
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
  /** The coding that was asked for. */
  quantization: u32;
  /** The coding of the points: Float32 until there are enough vectors to train codes on. */
  coding: u32;
  /** Bytes of a point that are measured, a multiple of 16. */
  pointBytes: u32;
  /** What one step of a code is worth, and half of its square. */
  step: f32;
  halfStep: f32;
  /** Vectors far outside the range of the codes, since those were trained. */
  outside: u32;
  /** While the vectors that are there get codes: ids below have them. NONE otherwise. */
  codedIds: u32;
  /** The next set that has something to do (see upkeep/work-list.ts), 0 for none. */
  nextCoding: u32;
  /** 1 when the numbers are of sizes that codes cannot have. */
  uncodable: u32;
  /** 1 when float32 vectors go once there are codes. */
  dropsVectors: u32;
  /** Cell of the field indexes (see field-index.ts), 0 for none, and the bytes of all they and the deaths have. */
  fields: u32;
  fieldBytes: u32;
  /** When elements die (see upkeep/deaths.ts), 0 while none does. */
  deaths: u32;
  /** Numbers of a vector as it is given, where a projection makes it shorter (see upkeep/projection.ts); else 0. */
  givenDimensions: u32;
  /** While nodes are put in order (see upkeep/reorder.ts): ids below have their neighbours behind them. NONE otherwise. */
  orderedIds: u32;
  /** While nodes are put in order: ids below are those of nodes in order. */
  placedIds: u32;
}

const NAMES_OFFSET: usize = offsetof<VectorSet>();
const NODES_OFFSET: usize = NAMES_OFFSET + TABLE_BYTES;
const VECTORS_OFFSET: usize = NODES_OFFSET + offsetof<Blocks>();
const ROUNDINGS_OFFSET: usize = VECTORS_OFFSET + offsetof<Blocks>();
const CODES_OFFSET: usize = ROUNDINGS_OFFSET + offsetof<Blocks>();
const OFFSETS_OFFSET: usize = CODES_OFFSET + offsetof<Blocks>();
export const VECTOR_SET_BYTES: u32 = <u32>(OFFSETS_OFFSET + offsetof<Blocks>());

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

/** The codes of quantized vectors; under inner product half the squared length of each follows its codes. */
@inline
export function codesOf(set: VectorSet): Blocks {
  return changetype<Blocks>(changetype<usize>(set) + CODES_OFFSET);
}

/** One record: what the code 0 stands for in each dimension. Empty until codes are trained. */
@inline
export function offsetsOf(set: VectorSet): Blocks {
  return changetype<Blocks>(changetype<usize>(set) + OFFSETS_OFFSET);
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
export function createVectorSet(
  dimensions: u32,
  metric: u32,
  m: u32,
  efConstruction: u32,
  quantization: u32,
  dropsVectors: bool,
): usize {
  const address = allocate(ZONE_OBJECT, VECTOR_SET_BYTES);
  memory.fill(address, 0, VECTOR_SET_BYTES);
  const set = vectorSetAt(address);
  set.dimensions = dimensions;
  set.vectorBytes = ((dimensions + 3) & ~3) << 2;
  set.metric = metric;
  set.quantization = quantization;
  set.dropsVectors = <u32>dropsVectors;
  set.codedIds = NONE;
  set.orderedIds = NONE;
  set.pointBytes = set.vectorBytes;
  set.m = m;
  set.efConstruction = efConstruction;
  set.freeHead = NONE;
  set.entry = NONE;
  initializeBlocks(nodesOf(set), <u32>offsetof<Node>() + (m << 3));
  initializeBlocks(vectorsOf(set), set.vectorBytes);
  initializeBlocks(roundingsOf(set), ((dimensions + 15) >> 4) << 2);
  initializeBlocks(offsetsOf(set), set.vectorBytes);
  return address;
}

/** Notes that the set gets vectors of so many numbers, which are projected. */
export function setGivenDimensions(set: VectorSet, dimensions: u32): void {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.givenDimensions = dimensions;
}

/** True when half the squared length of each vector stands behind its codes: kernels measure squared distances only. */
@inline
export function hasHalfSquares(metric: u32, coding: u32): bool {
  return metric == Metric.InnerProduct && (coding == Coding.Int8 || coding == Coding.Int4);
}

/** True when float32 vectors are kept; else there are codes alone. */
@inline
export function hasVectors(set: VectorSet): bool {
  return set.dropsVectors == 0 || set.coding == Coding.Float32;
}

/** True when a node of this id has codes. */
@inline
export function isCoded(set: VectorSet, id: u32): bool {
  return set.coding != Coding.Float32 || (set.codedIds != NONE && id < set.codedIds);
}

/** Pages that the cells of one more node may take: its name, attributes and upper rows, the names' segment and directory. */
const NODE_CELL_PAGES: u32 = 5;

/** Pages that one more node may take at most. */
export function pagesForNode(set: VectorSet): u32 {
  if (reusesId(set)) return NODE_CELL_PAGES;
  const id = set.idsUsed;
  let pages = NODE_CELL_PAGES + pagesToGrow(nodesOf(set), id);
  if (hasVectors(set)) pages += pagesToGrow(vectorsOf(set), id);
  if (hasRoundings(set)) pages += pagesToGrow(roundingsOf(set), id);
  if (growsCodes(set)) pages += pagesToGrow(codesOf(set), id);
  return pages;
}

/** True when the next node gets the id of a deleted one. */
@inline
function reusesId(set: VectorSet): bool {
  return set.freeHead != NONE && mayReuseIds();
}

/** True when every vector has what brings its original back. */
@inline
function hasRoundings(set: VectorSet): bool {
  return set.metric == Metric.Cosine && hasVectors(set);
}

/** True when a new node needs room for codes. */
@inline
function growsCodes(set: VectorSet): bool {
  return set.coding != Coding.Float32 || set.codedIds != NONE;
}

/** Takes an id whose node has the given level and no links. Its vector is undefined; `linkNode` makes it part of the graph. */
export function takeNode(set: VectorSet, level: u32): u32 {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  let id = set.freeHead;
  if (reusesId(set)) {
    set.freeHead = nodeAt(set, id).upper;
  } else {
    id = set.idsUsed++;
    growTo(nodesOf(set), id);
    if (hasVectors(set)) growTo(vectorsOf(set), id);
    if (hasRoundings(set)) growTo(roundingsOf(set), id);
    if (growsCodes(set)) growTo(codesOf(set), id);
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
  set.count--;
  // While nodes are put in order an id that is not is filled by and by.
  if (set.orderedIds != NONE && id >= set.placedIds) {
    node.state = <u16>NodeState.Lost;
    return;
  }
  node.state = <u16>NodeState.Free;
  node.upper = set.freeHead;
  set.freeHead = id;
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

/** Makes a node the entry point. It is stored before its level: whoever reads the level first finds an entry that has it. */
export function setEntry(set: VectorSet, id: u32, level: u32): void {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.entry = id;
  if (ASC_FEATURE_THREADS) atomic.store<u32>(changetype<usize>(set), level, offsetof<VectorSet>("topLevel"));
  else set.topLevel = level;
}

/** Level of the entry point, read before the entry point is: see `setEntry`. */
@inline
export function topLevelOf(set: VectorSet): u32 {
  return ASC_FEATURE_THREADS ? atomic.load<u32>(changetype<usize>(set), offsetof<VectorSet>("topLevel")) : set.topLevel;
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
    set.fieldBytes +
    bytesOfBlocks(nodesOf(set)) +
    bytesOfBlocks(vectorsOf(set)) +
    bytesOfBlocks(roundingsOf(set)) +
    bytesOfBlocks(codesOf(set)) +
    bytesOfBlocks(offsetsOf(set))
  );
}
