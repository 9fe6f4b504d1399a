// A vector set that comes from elsewhere: every address is claimed before it is followed, every id is held against the
// number of ids, every link must be answered by one back. Reachability is not asked for: a graph in pieces finds less,
// and harms nobody. Costs a look at each link, and a search of the row that it leads to.

import { Blocks, recordAt, roomOf } from "./blocks";
import { pointBytesOf } from "./codes";
import { codeRecordBytes } from "./coding";
import { Metric } from "../kernels/distance";
import { PAGE_BYTES, PageKind, ZONE_OBJECT } from "../layout";
import { CLAIM_MARK, cellAt, claimCell, claimPage, claimPart, markBytes } from "../memory/claims";
import { fieldCount } from "./field-index";
import { claimFields, claimPostings, COLUMN_RECORD_BYTES, columnAt, markColumn } from "./field-walk";
import { DEATHS_BYTES, deathColumn, deathOf, deathsAt, joinRing } from "./upkeep/deaths";
import { seek, soughtCount, soughtIds, soughtKeys } from "../filters/postings";
import { hasLink, linkAt, linkCount } from "./links";
import { binaryBytes, jsonBytes } from "./vector-attributes";
import {
  Coding,
  codesOf,
  DIMENSIONS_MAX,
  hasVectors,
  linksMax,
  M_MAX,
  M_MIN,
  Node,
  nodeAt,
  NodeState,
  nodesOf,
  NONE,
  offsetsOf,
  roundingsOf,
  rowOf,
  vectorAt,
  VectorSet,
  vectorsOf,
} from "./vectorset";

const BLOCK_TABLES: u32 = 4;
const TABLE_ADDRESSES: u32 = 16384;
const LEVEL_MAX: u32 = 24;
const ATTRIBUTES_HEAD_BYTES: u32 = 8;

/** Claims what a set has but its own cell and its names; false when something cannot be. */
export function claimSetBlocks(set: VectorSet): bool {
  if (!areParametersRight(set)) return false;
  if (!claimBlocks(nodesOf(set), <u32>offsetof<Node>() + (set.m << 3), set.idsUsed)) return false;
  if (!claimVectors(set) || !claimCodes(set)) return false;
  let attributed: u32 = 0;
  let live: u32 = 0;
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    const node = nodeAt(set, id);
    markBytes(changetype<usize>(node), <u32>offsetof<Node>());
    if (node.state != <u16>NodeState.Live) continue;
    if (!claimNode(set, id, node)) return false;
    if (node.attributes != 0) attributed++;
    live++;
  }
  if (live != set.count || attributed != set.attributed || !isFreeListWhole(set)) return false;
  return areLinksRight(set) && claimIndexes(set) && claimDeaths(set);
}

/** Claims what a set knows of when its elements die, and puts it into the ring, which begins anew with a walk. */
function claimDeaths(set: VectorSet): bool {
  if (set.deaths == 0) return true;
  if (!claimCell(set.deaths, DEATHS_BYTES, ZONE_OBJECT)) return false;
  const deaths = deathsAt(set.deaths);
  if (<usize>deaths.set != changetype<usize>(set) || !claimPostings(set, deaths, deaths.entries)) return false;
  const column = deathColumn(deaths);
  if (!claimBlocks(column, COLUMN_RECORD_BYTES, 0)) return false;
  markColumn(column);
  joinRing(deaths);
  let dying: u32 = 0;
  for (let id: u32 = 0; id < roomOf(column); id++) dying += <u32>(load<i64>(recordAt(column, id)) != 0);
  if (dying != deaths.entries) return false;
  for (let rank: u32 = 0; rank < dying; ) {
    seek(deaths, rank);
    rank += soughtCount;
    for (let index: u32 = 0; index < soughtCount; index++) {
      const time = load<i64>(soughtKeys + (index << 3));
      if (time <= 0 || deathOf(set, load<u32>(soughtIds + (index << 2))) != time) return false;
    }
  }
  return true;
}

function claimIndexes(set: VectorSet): bool {
  if (!claimFields(set)) return false;
  for (let index: u32 = 0; index < fieldCount(set); index++) {
    if (!claimBlocks(columnAt(set, index), COLUMN_RECORD_BYTES, 0)) return false;
    markColumn(columnAt(set, index));
  }
  return true;
}

function areParametersRight(set: VectorSet): bool {
  if (set.dimensions == 0 || set.dimensions > DIMENSIONS_MAX || set.metric > <u32>Metric.Jaccard) return false;
  if (set.vectorBytes != ((set.dimensions + 3) & ~3) << 2 || set.m < M_MIN || set.m > M_MAX) return false;
  if (set.givenDimensions != 0 && (set.givenDimensions <= set.dimensions || set.givenDimensions > DIMENSIONS_MAX))
    return false;
  // Codes and order are complete: an image is not exported before they are.
  if (set.orderedIds != NONE) return false;
  if (set.codedIds != NONE || set.dropsVectors > 1 || set.quantization > <u32>Coding.Binary) return false;
  if (set.coding != <u32>Coding.Float32 && set.coding != set.quantization) return false;
  return set.pointBytes == pointBytesOf(set.coding, set.dimensions);
}

function claimVectors(set: VectorSet): bool {
  const roundingBytes = ((set.dimensions + 15) >> 4) << 2;
  if (!hasVectors(set)) return vectorsOf(set).count == 0 && roundingsOf(set).count == 0;
  if (!claimBlocks(vectorsOf(set), set.vectorBytes, set.idsUsed)) return false;
  return claimBlocks(roundingsOf(set), roundingBytes, set.metric == Metric.Cosine ? set.idsUsed : 0);
}

function claimCodes(set: VectorSet): bool {
  const coding = set.coding;
  const isTrained = coding != Coding.Float32 && coding != Coding.Float16;
  if (!claimBlocks(offsetsOf(set), set.vectorBytes, <u32>isTrained)) return false;
  if (offsetsOf(set).count != 0) markBytes(recordAt(offsetsOf(set), 0), set.vectorBytes);
  if (coding == Coding.Float32) return codesOf(set).count == 0;
  return claimBlocks(codesOf(set), codeRecordBytes(set), set.idsUsed);
}

function claimBlocks(blocks: Blocks, recordBytes: u32, records: u32): bool {
  if (blocks.recordBytes != recordBytes || blocks.perBlock != PAGE_BYTES / recordBytes) return false;
  if (blocks.reciprocal != ((<u64>1) << 40) / blocks.perBlock + 1 || blocks.firstRecords > blocks.perBlock)
    return false;
  if (blocks.count > BLOCK_TABLES * TABLE_ADDRESSES) return false;
  if (blocks.count > 1 && blocks.firstRecords != blocks.perBlock) return false;
  if (blocks.count == 0) return blocks.firstRecords == 0 && records == 0;
  const slots = changetype<usize>(blocks) + offsetof<Blocks>("table0");
  for (let first: u32 = 0; first < blocks.count; first += TABLE_ADDRESSES) {
    const isLast = blocks.count - first <= TABLE_ADDRESSES;
    const room = isLast ? blocks.tableRoom : TABLE_ADDRESSES;
    const used = min(blocks.count - first, TABLE_ADDRESSES);
    const table = <usize>load<u32>(slots + ((first / TABLE_ADDRESSES) << 2));
    if (room > TABLE_ADDRESSES || used > room || !claimPart(table, room << 2, used << 2, ZONE_OBJECT)) return false;
    for (let index: u32 = 0; index < used; index++) {
      if (!claimBlock(blocks, first + index, <usize>load<u32>(table + (index << 2)))) return false;
    }
  }
  return records <= roomOf(blocks);
}

function claimBlock(blocks: Blocks, index: u32, block: usize): bool {
  if (index > 0 || blocks.firstRecords == blocks.perBlock) return claimPage(block, PageKind.Vector, 0);
  return claimPart(block, blocks.firstRecords * blocks.recordBytes, 0, ZONE_OBJECT);
}

/** Claims a node's cells and marks its records. Links are only counted here: what they lead to may not be claimed yet. */
function claimNode(set: VectorSet, id: u32, node: Node): bool {
  if (node.count > linksMax(set, 0) || <u32>node.level > LEVEL_MAX) return false;
  markBytes(rowOf(set, id, 0), (node.count + 1) << 2);
  if (set.coding != Coding.Float32) markBytes(recordAt(codesOf(set), id), codesOf(set).recordBytes);
  if (hasVectors(set)) markBytes(vectorAt(set, id), set.vectorBytes);
  if (hasVectors(set) && set.metric == Metric.Cosine)
    markBytes(recordAt(roundingsOf(set), id), roundingsOf(set).recordBytes);
  const cell = <usize>node.attributes;
  if (cell != 0 && !claimAttributes(cell)) return false;
  if (node.level == 0) return node.upper == 0;
  if (!claimCell(node.upper, <u32>node.level * ((set.m + 1) << 2), ZONE_OBJECT)) return false;
  for (let level: u32 = 1; level <= <u32>node.level; level++)
    if (linkCount(rowOf(set, id, level)) > set.m) return false;
  return true;
}

function claimAttributes(cell: usize): bool {
  const size = cellAt(cell, ZONE_OBJECT);
  if (size < CLAIM_MARK || jsonBytes(cell) > size || binaryBytes(cell) > size) return false;
  return claimCell(cell, ATTRIBUTES_HEAD_BYTES + jsonBytes(cell) + binaryBytes(cell), ZONE_OBJECT);
}

function isFreeListWhole(set: VectorSet): bool {
  let free: u32 = 0;
  for (let id = set.freeHead; id != NONE; id = nodeAt(set, id).upper) {
    if (id >= set.idsUsed || nodeAt(set, id).state == <u16>NodeState.Live || ++free > set.idsUsed) return false;
  }
  return free + set.count == set.idsUsed;
}

function areLinksRight(set: VectorSet): bool {
  let highest: u32 = 0;
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    const node = nodeAt(set, id);
    if (node.state != <u16>NodeState.Live) continue;
    highest = max(highest, <u32>node.level);
    for (let level: u32 = 0; level <= <u32>node.level; level++) if (!isRowRight(set, id, level)) return false;
  }
  if (set.count == 0) return set.entry == NONE;
  return set.entry < set.idsUsed && hasLevel(set, set.entry, highest) && set.topLevel == highest;
}

@inline
function hasLevel(set: VectorSet, id: u32, level: u32): bool {
  return nodeAt(set, id).state == <u16>NodeState.Live && <u32>nodeAt(set, id).level >= level;
}

function isRowRight(set: VectorSet, id: u32, level: u32): bool {
  const row = rowOf(set, id, level);
  for (let link: u32 = 0; link < linkCount(row); link++) {
    const other = linkAt(row, link);
    if (other >= set.idsUsed || other == id || !hasLevel(set, other, level)) return false;
    if (!hasLink(rowOf(set, other, level), id)) return false;
    for (let before: u32 = 0; before < link; before++) if (linkAt(row, before) == other) return false;
  }
  return true;
}
