// The search of embedding without a protocol: the key's bytes at INPUT_BASE, the query's numbers behind them from the next
// multiple of 16, and the answer as records of 32 bytes at INPUT_BASE again. Names and attributes stay where they are:
// the host reads them before its next call. Beside VSIM this saves parsing, replies and decoding.
//
//   record   0 distance (f64) | 8 score (f64) | 16 name, its bytes | 24 attributes as text (0 for none), their bytes

import { FOUND_BYTES, FOUND_ITEMS_BASE, INPUT_BASE } from "../../layout";
import { copyBytes, counters } from "../../memory/memory";
import { entryAt, keyOf } from "../../memory/entry";
import { searchedSet, setSearched } from "../../memory/thread-searches";
import { hashKey, readKey, selectDatabase, setClock } from "../../keyspace/keyspace";
import { idOf, itemAt, keyOfItem } from "../../vectors/beam";
import { PASS_QUERIES, PASS_RESULTS, passBeam, searchAllMany } from "../../vectors/exact-search";
import { compileFilter } from "../../filters/filter";
import { Plan } from "../../planner/filter-planner";
import { jsonBytes, jsonOf } from "../../vectors/vector-attributes";
import { distanceFrom, scoreFrom } from "../../vectors/vector-score";
import { PROGRAM_BASE, PROGRAM_BYTES, QUERY_BASE } from "../../vectors/vector-scratch";
import { hasVectors, NodeState, nodeAt, VectorSet, vectorSetAt } from "../../vectors/vectorset";
import { countLive, deadline, hasDead, isVectorSet, setOf, touchNames } from "./elements";
import { prepareQuery } from "../shared-work";
import { askFor, askMatching, findNearest, foundBeam } from "./nearest";

/** What cannot be answered here: the host sends VSIM, which says what is wrong. */
const ASK_VSIM: i32 = -1;

/**
 * Finds the `most` elements nearest to a query, among those that match a filter (its text lies behind the query; no bytes
 * for none), not farther than `farthest`, by measuring all if `exact`; answers how many records there are.
 */
export function searchDirect(
  keyBytes: u32,
  dimensions: u32,
  filterBytes: u32,
  most: u32,
  ef: u32,
  exact: bool,
  farthest: f64,
  now: f64,
): i32 {
  const entry = readSet(keyBytes, 1, now);
  if (entry == 0) return 0;
  if (!isVectorSet(entry)) return ASK_VSIM;
  const set = setOf(entry);
  if (!takesQuery(set, dimensions)) return ASK_VSIM;
  const query = queriesAfter(keyBytes);
  const text = query + (dimensions << 2);
  if (filterBytes != 0 && compileFilter(text, filterBytes, PROGRAM_BASE, PROGRAM_BYTES) < 0) return ASK_VSIM;
  copyBytes(QUERY_BASE, query, dimensions << 2);
  if (!prepareQuery(set, QUERY_BASE)) return ASK_VSIM;
  const limit = min(most, countLive(set));
  if (limit == 0) return 0;
  askFor(ef, exact, farthest, 1);
  askMatching(filterBytes != 0 ? <usize>PROGRAM_BASE : 0, 0, Plan.Auto, hasDead(set) ? deadline() : 0);
  const found = findNearest(set, limit);
  putRecords(set, foundBeam(), found, INPUT_BASE);
  return <i32>found;
}

/**
 * Finds the `most` elements nearest to each of several queries by measuring all, in one pass. The queries lie behind one
 * another, each from a whole lane on. Answers how many records there are for each.
 */
export function searchDirectMany(keyBytes: u32, dimensions: u32, queries: u32, most: u32, now: f64): i32 {
  const entry = readSet(keyBytes, queries, now);
  if (entry == 0) return 0;
  if (!isVectorSet(entry)) return ASK_VSIM;
  const set = setOf(entry);
  if (!takesQuery(set, dimensions) || !hasVectors(set) || hasDead(set)) return ASK_VSIM;
  if (queries > PASS_QUERIES || most > PASS_RESULTS) return ASK_VSIM;
  const first = queriesAfter(keyBytes);
  for (let index: u32 = 0; index < queries; index++) {
    if (!prepareQuery(set, first + index * set.vectorBytes)) return ASK_VSIM;
  }
  const found = min(most, set.count);
  if (found != 0) searchAllMany(set, first, queries, found);
  for (let index: u32 = 0; index < queries; index++) {
    putRecords(set, passBeam(index), found, INPUT_BASE + index * found * FOUND_BYTES);
  }
  return found;
}

/** Looks up the key that is searched `searches` times; answers its entry, 0 for none. */
function readSet(keyBytes: u32, searches: u32, now: f64): usize {
  setClock(<i64>now);
  selectDatabase(0);
  counters.directSearches += searches;
  return readKey(INPUT_BASE, keyBytes, hashKey(INPUT_BASE, keyBytes));
}

/** Whether a query of so many numbers is answered here: not by a set that projects it. */
@inline
function takesQuery(set: VectorSet, dimensions: u32): bool {
  return set.dimensions == dimensions && set.givenDimensions == 0;
}

@inline
function queriesAfter(keyBytes: u32): usize {
  return INPUT_BASE + ((keyBytes + 15) & ~15);
}

function putRecords(set: VectorSet, beam: usize, found: u32, at: usize): void {
  touchNames(set, beam, found);
  for (let index: u32 = 0; index < found; index++) putRecord(set, itemAt(beam, index), at + index * FOUND_BYTES);
}

// ---- searches on threads, which answer items: ids and keys

/** Names the set under the key at INPUT_BASE for a search on threads; as `searchDirect`, 1 when there is one. */
export function openShared(search: u32, keyBytes: u32, dimensions: u32, now: f64): i32 {
  const entry = readSet(keyBytes, 0, now);
  if (entry == 0) return 0;
  if (!isVectorSet(entry)) return ASK_VSIM;
  const set = setOf(entry);
  if (!takesQuery(set, dimensions) || hasDead(set)) return ASK_VSIM;
  setSearched(search, changetype<usize>(set));
  return 1;
}

/**
 * Turns `count` items at FOUND_ITEMS_BASE into records at INPUT_BASE; those of elements that were deleted since are left out.
 * Answers how many records there are, ASK_VSIM when the set is gone or elements have expired.
 */
export function showShared(search: u32, count: u32): i32 {
  const address = searchedSet(search);
  if (address == 0) return ASK_VSIM;
  const set = vectorSetAt(address);
  if (hasDead(set)) return ASK_VSIM;
  counters.directSearches++;
  let shown: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const item = itemAt(FOUND_ITEMS_BASE, index);
    if (nodeAt(set, idOf(item)).state != <u16>NodeState.Live) continue;
    putRecord(set, item, INPUT_BASE + shown++ * FOUND_BYTES);
  }
  return shown;
}

function putRecord(set: VectorSet, item: u64, at: usize): void {
  const node = nodeAt(set, idOf(item));
  const distance = distanceFrom(set.metric, keyOfItem(item));
  const cell = <usize>node.attributes;
  store<f64>(at, distance);
  store<f64>(at, scoreFrom(set.metric, distance), 8);
  store<u32>(at, <u32>keyOf(node.name), 16);
  store<u32>(at, entryAt(node.name).keyBytes, 20);
  store<u32>(at, cell == 0 ? 0 : <u32>jsonOf(cell), 24);
  store<u32>(at, cell == 0 ? 0 : jsonBytes(cell), 28);
}
