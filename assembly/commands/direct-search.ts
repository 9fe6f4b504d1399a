// The search of embedding without a protocol: the key's bytes at INPUT_BASE, the query's numbers behind them from the next
// multiple of 16, and the answer as records of 32 bytes at INPUT_BASE again. Names and attributes stay where they are:
// the host reads them before its next call. Beside VSIM this saves parsing, replies and decoding.
//
//   record   0 distance (f64) | 8 score (f64) | 16 name, its bytes | 24 attributes as text (0 for none), their bytes

import { FOUND_BYTES, INPUT_BASE } from "../layout";
import { copyBytes, counters } from "../memory/memory";
import { entryAt, keyOf } from "../memory/entry";
import { hashKey, readKey, selectDatabase, setClock } from "../keyspace/keyspace";
import { Metric } from "../kernels/distance";
import { idOf, itemAt, keyOfItem } from "../vectors/beam";
import { PASS_QUERIES, PASS_RESULTS, passBeam, searchAllMany } from "../vectors/exact-search";
import { search } from "../vectors/hnsw-search";
import { normalize, normOf } from "../vectors/original";
import { rescore } from "../vectors/rescore";
import { jsonBytes, jsonOf } from "../vectors/vector-attributes";
import { distanceFrom, scoreFrom } from "../vectors/vector-score";
import { BEAM_BASE, BEAM_MAX, QUERY_BASE } from "../vectors/vector-scratch";
import { hasVectors, nodeAt, VectorSet } from "../vectors/vectorset";
import { hasDead, isVectorSet, setOf, touchNames } from "./elements";

/** What cannot be answered here: the host sends VSIM, which says what is wrong. */
const ASK_VSIM: i32 = -1;

/** Finds the `most` elements nearest to a query; answers how many records there are. */
export function searchDirect(keyBytes: u32, dimensions: u32, most: u32, ef: u32, now: f64): i32 {
  const entry = readSet(keyBytes, 1, now);
  if (entry == 0) return 0;
  if (!isVectorSet(entry)) return ASK_VSIM;
  const set = setOf(entry);
  if (set.dimensions != dimensions || hasDead(set)) return ASK_VSIM;
  v128.store(QUERY_BASE + set.vectorBytes - 16, i32x4.splat(0));
  copyBytes(QUERY_BASE, queriesAfter(keyBytes), dimensions << 2);
  prepare(set, QUERY_BASE);
  const limit = min(most, set.count);
  const wanted = min(min(max(ef, limit), BEAM_MAX), set.count);
  const walked = search(set, QUERY_BASE, wanted);
  const found = min(rescore(set, QUERY_BASE, BEAM_BASE, walked, limit, wanted), limit);
  putRecords(set, BEAM_BASE, found, INPUT_BASE);
  return found;
}

/**
 * Finds the `most` elements nearest to each of several queries by measuring all, in one pass. The queries, padded with
 * zeros to whole lanes, lie behind one another. Answers how many records there are for each.
 */
export function searchDirectMany(keyBytes: u32, dimensions: u32, queries: u32, most: u32, now: f64): i32 {
  const entry = readSet(keyBytes, queries, now);
  if (entry == 0) return 0;
  if (!isVectorSet(entry)) return ASK_VSIM;
  const set = setOf(entry);
  if (set.dimensions != dimensions || hasDead(set) || !hasVectors(set)) return ASK_VSIM;
  if (queries > PASS_QUERIES || most > PASS_RESULTS) return ASK_VSIM;
  const first = queriesAfter(keyBytes);
  for (let index: u32 = 0; index < queries; index++) prepare(set, first + index * set.vectorBytes);
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

@inline
function queriesAfter(keyBytes: u32): usize {
  return INPUT_BASE + ((keyBytes + 15) & ~15);
}

/** Gives a padded query length one under cosine. */
function prepare(set: VectorSet, query: usize): void {
  const bytes = set.vectorBytes;
  if (set.metric == Metric.Cosine) normalize(query, bytes, normOf(query, bytes), query);
}

function putRecords(set: VectorSet, beam: usize, found: u32, at: usize): void {
  touchNames(set, beam, found);
  for (let index: u32 = 0; index < found; index++) putRecord(set, itemAt(beam, index), at + index * FOUND_BYTES);
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
