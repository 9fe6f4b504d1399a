// Insertion into the graph, as in the paper: a walk on each level finds the ef nearest nodes, its heuristic
// (algorithm 4) chooses among them, and the node is linked to those. How links are made mutual and rows kept within
// bounds is in hnsw-connect.ts. The walks are about two thirds of the cost, choosing a third.

import { dropItem, idOf, itemAt, keyOfItem } from "./beam";
import { connect } from "./hnsw-connect";
import { descend, walk } from "./hnsw-search";
import { linkCount } from "./links";
import { measurePoints4, pointAt } from "./points";
import { holdPool, isWorker, lockTop, unlockTop } from "../memory/threads";
import { linksMax, NONE, nodeAt, rowOf, setEntry, VectorSet } from "./vectorset";
import { BEAM_BASE, BEAM_MAX, SELECTED_ADDRESSES, SELECTED_IDS } from "./vector-scratch";

/** Links a node, whose vector and codes are stored, into the graph; `ef` nodes are kept while searching for its neighbours. */
export function linkNode(set: VectorSet, id: u32, ef: u32): void {
  holdPool();
  const level = <u32>nodeAt(set, id).level;
  const locked = lockTop(set.entry == NONE || level > set.topLevel);
  if (set.entry == NONE) setEntry(set, id, level);
  else linkLevels(set, id, level, ef);
  if (locked) unlockTop();
}

function linkLevels(set: VectorSet, id: u32, level: u32, ef: u32): void {
  const query = pointAt(set, id);
  let count = descend(set, query, level);
  for (let at = <i32>min(level, set.topLevel); at >= 0; at--) {
    count = dropOwn(walk(set, query, at, min(ef, BEAM_MAX), count), id);
    const chosen = choose(set, count, set.m);
    for (let index: u32 = 0; index < chosen; index++) {
      connect(set, id, load<u32>(SELECTED_IDS + (index << 2)), at);
    }
    fillRow(set, id, count, at);
  }
  if (level > set.topLevel) setEntry(set, id, level);
}

/**
 * Links a node to the nearest of the `found` nodes of the beam that have room, until it has M / 2 links: full nodes refuse most
 * of those that were chosen. It is the paper's option to keep pruned connections, but only where they cost nobody
 * another (counts are read without a lock: now and then one does). Recall@10 without, up to M / 2 and up to M links: clustered 200,000
 * × 128 at ef 14 0.976, 0.983, 0.989; MNIST at ef 10 0.943, 0.948, 0.963; unclustered 100,000 × 128 at ef 320 0.949, 0.954, 0.966.
 * With M links builds take a quarter longer and each ef costs more: where the shortest beam finds enough, that is lost.
 */
function fillRow(set: VectorSet, id: u32, found: u32, level: u32): void {
  const row = rowOf(set, id, level);
  const limit = linksMax(set, level);
  for (let index: u32 = 0; index < found && linkCount(row) < set.m >> 1; index++) {
    const other = idOf(itemAt(BEAM_BASE, index));
    if (linkCount(rowOf(set, other, level)) < limit) connect(set, id, other, level);
  }
}

/** Takes the node itself out of the beam: while it is being linked, other threads may have linked to it. Answers how many are left. */
@inline
function dropOwn(count: u32, id: u32): u32 {
  return isWorker() ? dropItem(BEAM_BASE, count, id) : count;
}

/**
 * The paper's heuristic (algorithm 4) over the `found` nodes of the beam: nearest first, a node is chosen unless it is
 * nearer to a chosen one than to the query. Fills SELECTED with up to `limit` ids and addresses; returns how many.
 */
export function choose(set: VectorSet, found: u32, limit: u32): u32 {
  let chosen: u32 = 0;
  for (let index: u32 = 0; index < found && chosen < limit; index++) {
    const item = itemAt(BEAM_BASE, index);
    const point = pointAt(set, idOf(item));
    if (isOccluded(set, point, keyOfItem(item), chosen)) continue;
    store<u32>(SELECTED_IDS + (chosen << 2), idOf(item));
    v128.store(SELECTED_ADDRESSES + (chosen << 2), i32x4.splat(<i32>point));
    chosen++;
  }
  return chosen;
}

/** True when `point` is nearer to one of the chosen than `key`. The last address stands four times, so groups of four are whole. */
@inline
function isOccluded(set: VectorSet, point: usize, key: u32, chosen: u32): bool {
  const limit = i32x4.splat(<i32>(key ^ 0x80000000));
  for (let index: u32 = 0; index < chosen << 2; index += 16) {
    const at = SELECTED_ADDRESSES + index;
    const keys = measurePoints4(set, point, load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12));
    if (v128.any_true(i32x4.lt_s(v128.xor(keys, i32x4.splat(0x80000000)), limit))) return true;
  }
  return false;
}
