// Commands that look at a vector set without searching it. Replies are Redis 8's; VINFO says `metric` and
// `ef-construction` besides, and that the stored numbers are float32. VEMB answers the very numbers that were given.

import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { replyArity } from "../../protocol/command-error";
import { addWork, connection, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { countLive, findElement, isDead, isVectorSet, liveSlot, replyName, setOf } from "./elements";
import { readSlot } from "../../keyspace/keyspace";
import { linkAt, linkCount } from "../../vectors/links";
import { random } from "../../memory/memory";
import { readOriginal } from "../../vectors/original";
import {
  replyArray,
  replyBoolean,
  replyBulk,
  replyDouble,
  replyError,
  replyInteger,
  replyMap,
  replyNull,
  replyNullArray,
  replySimple,
  replyWrongType,
} from "../../protocol/reply";
import { jsonBytes, jsonOf } from "../../vectors/vector-attributes";
import { distanceFrom, scoreFrom, wordOfMetric } from "../../vectors/vector-score";
import { BEAM_BASE, BEAM_MAX, markOf, nextEpoch, SECOND_VECTOR_BASE } from "../../vectors/vector-scratch";
import { isAtWork } from "../../vectors/upkeep/work-list";
import { measureStored, readStored } from "../../vectors/rescore";
import { bytesOfSet, Coding, NodeState, nodeAt, NONE, rowOf, VectorSet } from "../../vectors/vectorset";

/** The entry of the set in argument 1: 0 when there is no key, NONE after replying that it holds something else. */
function readSet(): u32 {
  const entry = readSlot(liveSlot(findArgument(1), hashOfArgument(1)));
  if (entry == 0 || isVectorSet(entry)) return <u32>entry;
  replyWrongType();
  return NONE;
}

/** The set and node of the element in argument 2; `node` is NONE when either is missing. False after replying an error. */
let found: VectorSet = changetype<VectorSet>(<usize>0);
let node: u32 = NONE;
function readElement(): bool {
  node = NONE;
  const entry = readSet();
  if (entry == NONE) return false;
  if (entry == 0) return true;
  found = setOf(entry);
  node = findElement(found, 2);
  return true;
}

export function vCard(): void {
  const entry = readSet();
  if (entry != NONE) replyInteger(entry == 0 ? 0 : countLive(setOf(entry)));
}

export function vDim(): void {
  const entry = readSet();
  if (entry == NONE) return;
  if (entry == 0) replyError("ERR key does not exist");
  else replyInteger(setOf(entry).dimensions);
}

export function vIsMember(): void {
  if (readElement()) replyBoolean(node != NONE);
}

export function vGetAttr(): void {
  if (!readElement()) return;
  const cell = node == NONE ? <usize>0 : <usize>nodeAt(found, node).attributes;
  if (cell == 0) replyNull();
  else replyBulk(jsonOf(cell), jsonBytes(cell));
}

export function vEmb(): void {
  let raw = false;
  for (let index: u32 = 3; index < argumentCount; index++) {
    raw = argumentIs(index, "RAW");
    if (raw) continue;
    replyError("ERR invalid option");
    return;
  }
  if (!readElement()) return;
  if (node == NONE) {
    replyNull();
    return;
  }
  if (raw) {
    replyArray(3);
    replySimple("f32");
    readStored(found, node, SECOND_VECTOR_BASE);
    replyBulk(SECOND_VECTOR_BASE, found.dimensions << 2);
    replyDouble(<f64>nodeAt(found, node).norm);
    return;
  }
  readOriginal(found, node, SECOND_VECTOR_BASE);
  addWork(found.dimensions >> 1);
  replyArray(found.dimensions);
  for (let index: u32 = 0; index < found.dimensions; index++) {
    replyDouble(<f64>load<f32>(SECOND_VECTOR_BASE + (index << 2)));
  }
}

export function vInfo(): void {
  const entry = readSet();
  if (entry == NONE) return;
  if (entry == 0) {
    replyNullArray();
    return;
  }
  const set = setOf(entry);
  replyMap(15);
  replySimple("quant-type");
  replySimple(quantizationName(set.quantization));
  replySimple("quantized");
  replyBoolean(set.coding == set.quantization);
  replySimple("optimizing");
  replyBoolean(isAtWork(set));
  replySimple("originals");
  replyBoolean(set.dropsVectors == 0);
  replyNumber("bytes", bytesOfSet(set));
  replySimple("metric");
  replySimple(wordOfMetric(set.metric));
  replyNumber("hnsw-m", set.m);
  replyNumber("ef-construction", set.efConstruction);
  replyNumber("vector-dim", set.dimensions);
  replyNumber("projection-input-dim", set.givenDimensions);
  replyNumber("size", countLive(set));
  replyNumber("max-level", set.topLevel);
  replyNumber("attributes-count", set.attributed);
  replyNumber("vset-uid", changetype<usize>(set));
  replyNumber("hnsw-max-node-uid", set.idsUsed);
}

/** Names of Redis, where it has the coding. */
function quantizationName(coding: u32): string {
  if (coding == Coding.Int8) return "int8";
  if (coding == Coding.Int4) return "int4";
  if (coding == Coding.Binary) return "bin";
  return coding == Coding.Float16 ? "f16" : "f32";
}

function replyNumber(name: string, value: i64): void {
  replySimple(name);
  replyInteger(value);
}

export function vLinks(): void {
  const withScores = argumentCount == 4 && argumentIs(3, "WITHSCORES");
  if (argumentCount > 4 || (argumentCount == 4 && !withScores)) {
    replyArity();
    return;
  }
  if (!readElement()) return;
  if (node == NONE) {
    replyNull();
    return;
  }
  const levels = <u32>nodeAt(found, node).level + 1;
  replyArray(levels);
  for (let level = levels; level > 0; level--) replyLinks(rowOf(found, node, level - 1), withScores);
}

function replyLinks(row: usize, withScores: bool): void {
  const links = linkCount(row);
  let live: u32 = 0;
  for (let link: u32 = 0; link < links; link++) live += <u32>!isDead(found, linkAt(row, link));
  if (withScores) replyMap(live);
  else replyArray(live);
  if (withScores) readStored(found, node, SECOND_VECTOR_BASE);
  for (let link: u32 = 0; link < links; link++) {
    const other = linkAt(row, link);
    if (isDead(found, other)) continue;
    replyName(found, other);
    if (!withScores) continue;
    const key = measureStored(found, SECOND_VECTOR_BASE, other);
    replyDouble(scoreFrom(found.metric, distanceFrom(found.metric, key)));
  }
}

// ---- VRANDMEMBER

export function vRandMember(): void {
  if (argumentCount > 3) {
    replyArity();
    return;
  }
  const counted = argumentCount == 3;
  if (counted && !argumentInteger(2)) {
    replyError("ERR COUNT value is not an integer");
    return;
  }
  const count = counted ? lastInteger() : 1;
  const entry = readSet();
  if (entry == NONE) return;
  if (entry == 0 || count == 0) {
    if (counted) replyArray(0);
    else replyNull();
    return;
  }
  const set = setOf(entry);
  if (!counted) replyName(set, randomNode(set));
  else if (count < 0) replyRepeated(set, count);
  else replyDistinct(set, <u32>min<u64>(<u64>count, countLive(set)));
}

/** Whether a node is there and does not only seem so. */
@inline
function isLive(set: VectorSet, id: u32): bool {
  return nodeAt(set, id).state == <u16>NodeState.Live && !isDead(set, id);
}

/** Members with repetition are limited as a reply's length is. */
const REPEATED_MAX: i64 = 1 << 20;

function replyRepeated(set: VectorSet, count: i64): void {
  if (count < -REPEATED_MAX) {
    replyError("ERR value is out of range");
    return;
  }
  replyArray(<u32>-count);
  const live = countLive(set) < set.idsUsed >> SPARSE_SHIFT ? gatherLive(set) : 0;
  for (let left = -count; left > 0 && !connection.overflowed; left--) {
    if (live == 0) replyName(set, randomNode(set));
    else replyName(set, load<u32>(BEAM_BASE + <u32>(((random() >> 32) * live) >> 32) * 4));
  }
  addWork(<u32>-count);
}

/** A set with fewer live nodes than this part of its ids is walked rather than drawn from. */
const SPARSE_SHIFT: u32 = 4;
const GATHERED_MAX: u32 = 2 * BEAM_MAX;

/** Lists the live nodes at BEAM_BASE; answers how many, 0 when they are too many for the beam. */
function gatherLive(set: VectorSet): u32 {
  const live = countLive(set);
  if (live > GATHERED_MAX) return 0;
  let gathered: u32 = 0;
  for (let id: u32 = 0; gathered < live; id++) {
    if (isLive(set, id)) store<u32>(BEAM_BASE + (gathered++ << 2), id);
  }
  addWork(set.idsUsed >> 3);
  return gathered;
}

/** Few of many are drawn until they differ; otherwise each node is taken with the probability that is left. */
function replyDistinct(set: VectorSet, count: u32): void {
  replyArray(count);
  addWork(set.idsUsed >> 3);
  let left = countLive(set);
  if (count < left >> 2) {
    const epoch = nextEpoch();
    while (count > 0) {
      const id = randomNode(set);
      if (<u32>load<u8>(markOf(id)) == epoch) continue;
      store<u8>(markOf(id), <u8>epoch);
      replyName(set, id);
      count--;
    }
    return;
  }
  for (let id: u32 = 0; count > 0; id++) {
    if (!isLive(set, id)) continue;
    if (<u32>(((random() >> 32) * left--) >> 32) >= count) continue;
    replyName(set, id);
    count--;
  }
}

/** A live node. When most ids are free the first live one after a draw must do. */
function randomNode(set: VectorSet): u32 {
  let id: u32 = 0;
  for (let draw: u32 = 0; draw < 64; draw++) {
    id = <u32>(((random() >> 32) * set.idsUsed) >> 32);
    if (isLive(set, id)) return id;
  }
  const from = id;
  while (!isLive(set, id)) id = id + 1 == set.idsUsed ? 0 : id + 1;
  addWork((id >= from ? id - from : id + set.idsUsed - from) >> 3);
  return id;
}
