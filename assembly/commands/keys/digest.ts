// A digest of what the databases hold: keys, types, values, times of death; of vector sets the metric, the coding and each
// element's name, vector, attributes and time of death, not the graph; no vectors of a set that drops them, whose codes depend on when
// it was coded. Everything is summed, so neither order nor place in memory counts, and sums of what belongs together are
// mixed before they are added, so that nothing can change places with something else. Seeded with nothing: two databases
// that hold the same have the same digest. It reads everything once.

import { DATABASES, PAGE_BYTES, SHARDS } from "../../layout";
import { addToChecksum, beginChecksum, checksum, endChecksum } from "../../memory/checksum";
import {
  entryAt,
  expires,
  expiryOf,
  isPaged,
  keyOf,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_SORTED_SET,
  TYPE_VECTOR_SET,
  typeOf,
  valueOf,
} from "../../memory/entry";
import { liveSlots, directorySize, segmentAt, segmentEnd, segmentSpan } from "../../memory/table-walk";
import { CHUNK_BYTES, slotAddress, slotEntry, Table } from "../../memory/table";
import { shardAt } from "../../keyspace/keyspace";
import { readOriginal } from "../../vectors/original";
import { jsonBytes, jsonOf } from "../../vectors/vector-attributes";
import { SECOND_VECTOR_BASE } from "../../vectors/vector-scratch";
import { deathOf } from "../../vectors/upkeep/deaths";
import { NodeState, nodeAt, VectorSet } from "../../vectors/vectorset";
import { element, elementBytes, elementEntry } from "../../structures/list-chain";
import { walkOn } from "../../structures/list-walk";
import { showListElement } from "../lists/list-value";
import { digestStream } from "../streams/stream-digest";
import { streamOf } from "../streams/stream-key";
import { setOf } from "../vectors/elements";
import { mix } from "./digest-mix";
import {
  fieldEntry,
  fieldName,
  fieldNameBytes,
  fieldValue,
  fieldValueBytes,
  nextField,
  startFields,
} from "../hashes/hash-value";
import { memberAddress, memberBytes, nextMember, showText, startMembers } from "../sets/set-value";
import {
  countMembers,
  memberName,
  memberNameBytes,
  memberScore,
  nextMember as nextScored,
  startMembers as startScored,
} from "../sorted-sets/sorted-set-value";

/** Digest of all databases. */
export function digestAll(): u64 {
  let sum: u64 = 0;
  for (let db: u32 = 0; db < DATABASES; db++) {
    for (let shard: u32 = 0; shard < SHARDS; shard++) sum += digestTable(shardAt(db, shard), db);
  }
  return sum;
}

/** Walks by itself: the walk of memory/table-walk.ts goes through the fields of hashes meanwhile. */
function digestTable(table: Table, db: u32): u64 {
  let sum: u64 = 0;
  for (let index: u32 = 0; index < directorySize(table); ) {
    const segment = segmentAt(table, index);
    index += segmentSpan(table, segment);
    for (let chunk = segment; chunk < segmentEnd(segment); chunk += CHUNK_BYTES) {
      for (let live = liveSlots(chunk); live != 0; live &= live - 1) {
        sum += digestEntry(slotEntry(slotAddress(chunk, ctz(live))), db);
      }
    }
  }
  return sum;
}

function digestEntry(entry: usize, db: u32): u64 {
  const type = typeOf(entry);
  const key = mix(checksum(keyOf(entry), entryAt(entry).keyBytes), ((<u64>db) << 8) | type);
  const dies = mix(key, expires(entry) ? <u64>expiryOf(entry) + 1 : 0);
  if (type == TYPE_HASH) return mix(dies, digestFields(entry));
  if (type == TYPE_LIST) return mix(dies, digestList(entry));
  if (type == TYPE_SET) return mix(dies, digestMembers(entry));
  if (type == TYPE_STREAM) return mix(dies, digestStream(streamOf(entry)));
  if (type == TYPE_SORTED_SET) return mix(dies, digestScores(entry));
  if (type == TYPE_VECTOR_SET) return mix(dies, digestElements(setOf(entry)));
  return mix(dies, digestValue(entry));
}

/** Digest of a string, whether it lies in pages or not. */
function digestValue(entry: usize): u64 {
  const bytes = entryAt(entry).valueBytes;
  if (!isPaged(entry)) return checksum(valueOf(entry), bytes);
  let list = valueOf(entry);
  let left = bytes;
  beginChecksum();
  for (; left > PAGE_BYTES; left -= PAGE_BYTES) {
    addToChecksum(load<u32>(list), PAGE_BYTES);
    list += 4;
  }
  return endChecksum(load<u32>(list), left, bytes);
}

function digestFields(entry: usize): u64 {
  let sum: u64 = 0;
  startFields(entry);
  while (nextField()) {
    const value = fieldEntry != 0 ? digestValue(fieldEntry) : checksum(fieldValue, fieldValueBytes);
    sum += mix(checksum(fieldName, fieldNameBytes), value);
  }
  return sum;
}

/** In their order: what comes later is mixed with all before it. */
function digestList(entry: usize): u64 {
  let sum: u64 = 0;
  showListElement(entry, 0);
  do {
    sum = mix(sum, elementEntry != 0 ? digestValue(elementEntry) : checksum(element, elementBytes));
  } while (walkOn(true));
  return sum;
}

/** Whatever way they are packed in. */
function digestMembers(entry: usize): u64 {
  let sum: u64 = 0;
  startMembers(entry);
  while (nextMember()) {
    showText();
    sum += mix(checksum(memberAddress, memberBytes), 0);
  }
  return sum;
}

function digestScores(entry: usize): u64 {
  let sum: u64 = 0;
  startScored(entry, 0, countMembers(entry), false);
  while (nextScored()) sum += mix(checksum(memberName, memberNameBytes), reinterpret<u64>(memberScore));
  return sum;
}

function digestElements(set: VectorSet): u64 {
  let sum = mix(
    mix(set.metric, ((<u64>set.givenDimensions) << 32) | set.dimensions),
    (set.quantization << 1) | set.dropsVectors,
  );
  for (let id: u32 = 0; id < set.idsUsed; id++) {
    const node = nodeAt(set, id);
    if (node.state != <u16>NodeState.Live) continue;
    const vector = set.dropsVectors != 0 ? 0 : digestVector(set, id);
    const cell = <usize>node.attributes;
    const attributes = cell == 0 ? 0 : checksum(jsonOf(cell), jsonBytes(cell));
    const name = <usize>node.name;
    const death = deathOf(set, id);
    const element = mix(mix(checksum(keyOf(name), entryAt(name).keyBytes), vector), attributes);
    sum += death == 0 ? element : mix(element, death);
  }
  return sum;
}

function digestVector(set: VectorSet, id: u32): u64 {
  readOriginal(set, id, SECOND_VECTOR_BASE);
  return checksum(SECOND_VECTOR_BASE, set.dimensions << 2);
}
