// Putting the nodes of a set in order, so that those a walk visits together lie together, and ids are dense again after
// deletions. The order is that of a search of level 0, breadth first, from the entry point, and it is found and made in one go as
// Cheney's collector copies (*A nonrecursive list compacting algorithm*, 1970): ids below `placedIds` are in order, of
// those below `orderedIds` the neighbours too; each neighbour that is not, changes places with whoever has the next id. No
// queue and no map are needed beside two numbers, and between two changes of places the set is whole: searches and writes
// come between as they like.
//
// Ids that are free when it begins are taken out of their list and filled (state Lost); at the end the last ids are free,
// and their blocks are given back. Costs about 12 µs a node.

import { Blocks, recordAt, shrinkTo } from "../blocks";
import { indexElement, pagesToIndex, unindexElement } from "../field-changes";
import { fieldCount } from "../field-index";
import { linkAt, linkCount } from "../links";
import { entryAt, valueOf } from "../../memory/entry";
import { SPARE_PAGES } from "../../layout";
import { copyBytes, dirty, hasMemory } from "../../memory/memory";
import { mayRenameIds } from "../../memory/threads";
import { DECODED, markOf, nextEpoch, ROW_IDS } from "../vector-scratch";
import { jsonBytes } from "../vector-attributes";
import {
  codesOf,
  Node,
  NodeState,
  nodeAt,
  nodesOf,
  NONE,
  roundingsOf,
  rowOf,
  VECTOR_SET_BYTES,
  VectorSet,
  vectorsOf,
} from "../vectorset";
import { forgetVerdict } from "../verdicts";
import { deathOf, pagesForDeaths, setDeath } from "./deaths";
import { isAtWork, joinWork, leaveWork } from "./work-list";

/** Nodes that one step puts in their place: about 0.4 ms. */
const PLACED_A_STEP: u32 = 32;
/** Nodes and free ids that one step looks at. */
const SEEN_A_STEP: u32 = 512;

/** Begins to put the nodes of a set in order, unless it is at it. */
export function startOrdering(set: VectorSet): void {
  if (set.orderedIds != NONE) return;
  if (!isAtWork(set)) joinWork(set);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.orderedIds = 0;
  set.placedIds = 0;
}

/** Goes on with a set that is put in order; false when it has no memory for that now, or threads know nodes by their ids. */
export function orderSome(set: VectorSet): bool {
  if (!mayRenameIds()) return false;
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  placed = 0;
  for (let seen: u32 = 0; seen < SEEN_A_STEP && placed < PLACED_A_STEP; seen++) {
    if (set.placedIds == 0) {
      if (!loseFree(set) && !place(set, set.entry)) return false;
    } else if (set.orderedIds < set.placedIds) {
      if (!placeNeighbours(set, set.orderedIds)) return false;
      if (placed < PLACED_A_STEP) set.orderedIds++;
    } else if (set.placedIds < set.idsUsed) {
      if (!placeLast(set)) return false;
    } else {
      finishOrdering(set);
      return true;
    }
  }
  return true;
}

/** Nodes that the running step has put in their place. */
let placed: u32 = 0;

/** Takes the first id out of the list of free ones; false when there is none. */
function loseFree(set: VectorSet): bool {
  const id = set.freeHead;
  if (id == NONE) return false;
  const node = nodeAt(set, id);
  dirty(changetype<usize>(node), <u32>offsetof<Node>());
  set.freeHead = node.upper;
  node.state = <u16>NodeState.Lost;
  node.upper = 0;
  return true;
}

/** Places the neighbours of a node that are not in order. It may stop amid them: the node is then looked at again. */
function placeNeighbours(set: VectorSet, id: u32): bool {
  if (nodeAt(set, id).state != <u16>NodeState.Live) return true;
  const row = rowOf(set, id, 0);
  for (let link: u32 = 0; link < linkCount(row) && placed < PLACED_A_STEP; link++) {
    if (linkAt(row, link) >= set.placedIds && !place(set, linkAt(row, link))) return false;
  }
  return true;
}

/** Nobody leads to what is left, which came meanwhile: the last id goes where the next one should be. */
function placeLast(set: VectorSet): bool {
  const last = set.idsUsed - 1;
  if (nodeAt(set, last).state == <u16>NodeState.Lost) {
    set.idsUsed = last;
    return true;
  }
  return place(set, nodeAt(set, set.placedIds).state == <u16>NodeState.Live ? set.placedIds : last);
}

/** Gives a live node the next id in order; false when there is no memory for that. */
function place(set: VectorSet, id: u32): bool {
  const to = set.placedIds;
  if (id != to) {
    if (!mayMove(set, id, to)) return false;
    exchange(set, id, to);
    placed++;
  }
  set.placedIds = to + 1;
  return true;
}

function finishOrdering(set: VectorSet): void {
  set.orderedIds = NONE;
  if (!isAtWork(set)) leaveWork(set);
  shrinkTo(nodesOf(set), set.idsUsed);
  shrinkTo(vectorsOf(set), set.idsUsed);
  shrinkTo(roundingsOf(set), set.idsUsed);
  shrinkTo(codesOf(set), set.idsUsed);
}

// ---- two nodes change places

/**
 * Whether there is memory for listing the values of two elements anew, which may split nodes of the lists. The limit is not
 * asked: as much is given back, and a set in a full database would never be in order.
 */
function mayMove(set: VectorSet, a: u32, b: u32): bool {
  if (fieldCount(set) == 0 && set.deaths == 0) return true;
  const deaths: u32 = set.deaths == 0 ? 0 : pagesForDeaths(set, 2);
  const values = pagesToIndex(set, attributesBytes(set, a)) + pagesToIndex(set, attributesBytes(set, b));
  return hasMemory(deaths + values + SPARE_PAGES);
}

function attributesBytes(set: VectorSet, id: u32): u32 {
  const node = nodeAt(set, id);
  return node.state != <u16>NodeState.Live || node.attributes == 0 ? 0 : jsonBytes(node.attributes);
}

/** Exchanges the ids of a live node and of another one, or of none where the id is lost. */
function exchange(set: VectorSet, live: u32, other: u32): void {
  const isNode = nodeAt(set, other).state == <u16>NodeState.Live;
  const death = deathOf(set, live);
  const otherDeath: i64 = isNode ? deathOf(set, other) : 0;
  setDeath(set, live, 0, 0);
  if (isNode) setDeath(set, other, 0, 0);
  unindexElement(set, live);
  if (isNode) unindexElement(set, other);
  forgetVerdict(set, live);
  forgetVerdict(set, other);
  const highest: u32 = isNode ? max(nodeAt(set, live).level, nodeAt(set, other).level) : nodeAt(set, live).level;
  for (let level: u32 = 0; level <= highest; level++) renameLinks(set, live, other, isNode, level);
  if (set.entry == live) set.entry = other;
  else if (set.entry == other) set.entry = live;
  exchangeRecords(nodesOf(set), live, other);
  exchangeRecords(vectorsOf(set), live, other);
  exchangeRecords(roundingsOf(set), live, other);
  exchangeRecords(codesOf(set), live, other);
  nameAgain(set, other);
  if (isNode) nameAgain(set, live);
  indexElement(set, other);
  if (isNode) indexElement(set, live);
  setDeath(set, other, death, 0);
  if (isNode) setDeath(set, live, otherDeath, 0);
}

/** Lets the name of a node lead to its id. */
function nameAgain(set: VectorSet, id: u32): void {
  const entry = <usize>nodeAt(set, id).name;
  const value = valueOf(entry);
  dirty(value, entryAt(entry).valueBytes);
  store<u32>(value, id);
}

/** Exchanges two records of an array that has any; `DECODED` has room for one. */
function exchangeRecords(blocks: Blocks, a: u32, b: u32): void {
  if (blocks.count == 0) return;
  const bytes = blocks.recordBytes;
  const first = recordAt(blocks, a);
  const second = recordAt(blocks, b);
  copyBytes(DECODED, first, bytes);
  dirty(first, bytes);
  copyBytes(first, second, bytes);
  dirty(second, bytes);
  copyBytes(second, DECODED, bytes);
}

/** Exchanges two ids in the rows of their neighbours on a level, each row once. */
function renameLinks(set: VectorSet, a: u32, b: u32, bothNodes: bool, level: u32): void {
  const epoch = nextEpoch();
  let count: u32 = 0;
  if (<u32>nodeAt(set, a).level >= level) count = gatherRow(rowOf(set, a, level), epoch, 0);
  if (bothNodes && <u32>nodeAt(set, b).level >= level) count = gatherRow(rowOf(set, b, level), epoch, count);
  for (let index: u32 = 0; index < count; index++) {
    const row = rowOf(set, load<u32>(ROW_IDS + (index << 2)), level);
    const end = row + 4 + (linkCount(row) << 2);
    dirty(row, <u32>(end - row));
    for (let at = row + 4; at < end; at += 4) {
      const id = load<u32>(at);
      if (id == a) store<u32>(at, b);
      else if (id == b) store<u32>(at, a);
    }
  }
}

/** Appends the ids of a row that bear no mark yet to the `count` ones in ROW_IDS. Answers how many there are. */
function gatherRow(row: usize, epoch: u32, count: u32): u32 {
  for (let link: u32 = 0; link < linkCount(row); link++) {
    const id = linkAt(row, link);
    if (<u32>load<u8>(markOf(id)) == epoch) continue;
    store<u8>(markOf(id), <u8>epoch);
    store<u32>(ROW_IDS + (count++ << 2), id);
  }
  return count;
}
