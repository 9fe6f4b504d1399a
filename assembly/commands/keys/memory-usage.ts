// What a key takes: its cell with what its size class rounds up, its share of the table's chunks, the pages of a long
// value, the fields of a large hash or the members of a large set, the nodes of a large list, the blocks and groups of a
// stream, the graph of a vector set. All of it is read, nothing estimated, except the fields beyond the samples asked for.

import { INPUT_BASE, PAGE_BITS } from "../../layout";
import {
  entryAt,
  isPaged,
  pagesFor,
  TYPE_LIST,
  TYPE_STREAM,
  TYPE_SORTED_SET,
  TYPE_VECTOR_SET,
  typeOf,
  valueOf,
} from "../../memory/entry";
import { pageOf } from "../../memory/memory";
import { cellBytes } from "../../memory/slabs";
import { slotEntry, Table } from "../../memory/table";
import { bytesOfTable, nextEntry, startWalk } from "../../memory/table-walk";
import { findKey, hashKey, selectDatabase, setClock, shardOf } from "../../keyspace/keyspace";
import { bytesOfStream } from "../../structures/streams/copy";
import { bytesOfSet, vectorSetAt } from "../../vectors/vectorset";
import { fieldTable, hasFieldTable } from "../../structures/field-table";
import { isLong, ListHead, listNodeAt, longEntry } from "../../structures/list-chain";
import { streamOf } from "../streams/stream-key";
import { chainOf, isChain } from "../lists/list-value";
import { SORTED_SET_BYTES } from "../../structures/score-tree";
import { membersOf } from "../../structures/sorted-set";
import { isLarge, largeSet } from "../sorted-sets/sorted-set-value";

/** Bytes of the cell and, of a paged value, the pages. */
function bytesOfEntry(entry: usize): u64 {
  const pages = isPaged(entry) ? pagesFor(entryAt(entry).valueBytes) : 0;
  return <u64>cellBytes(pageOf(entry).sizeClass) + ((<u64>pages) << PAGE_BITS);
}

/** Bytes of a table and its entries, of which `samples` are read and stand for all; all are for 0. */
function bytesOfFields(table: Table, samples: u32): u64 {
  let seen: u32 = 0;
  let bytes: u64 = 0;
  startWalk(table);
  for (let entry = nextEntry(); entry != 0 && (samples == 0 || seen < samples); entry = nextEntry()) {
    bytes += bytesOfEntry(entry);
    seen++;
  }
  if (seen != 0 && seen < table.count) bytes = (bytes * table.count) / seen;
  return bytes + bytesOfTable(table);
}

/** Bytes of the nodes of a list, and of its long elements. */
function bytesOfNodes(list: ListHead): u64 {
  let bytes: u64 = 0;
  for (let node = <usize>list.first; node != 0; node = <usize>listNodeAt(node).next) {
    bytes += cellBytes(pageOf(node).sizeClass);
    if (isLong(node)) bytes += bytesOfEntry(longEntry(node));
  }
  return bytes;
}

/** Bytes that the key at INPUT_BASE takes, -1 when there is none. */
export function memoryUsage(db: u32, keyBytes: u32, samples: u32, now: f64): f64 {
  setClock(<i64>now);
  selectDatabase(db);
  const hash = hashKey(INPUT_BASE, keyBytes);
  const slot = findKey(INPUT_BASE, keyBytes, hash);
  if (slot == 0) return -1;
  const entry = slotEntry(slot);
  const shard = shardOf(hash);
  let bytes = bytesOfEntry(entry) + bytesOfTable(shard) / shard.count;
  if (hasFieldTable(entry)) bytes += bytesOfFields(fieldTable(entry), samples);
  if (typeOf(entry) == TYPE_LIST && isChain(entry)) bytes += bytesOfNodes(chainOf(entry));
  if (typeOf(entry) == TYPE_STREAM) bytes += bytesOfStream(streamOf(entry));
  if (typeOf(entry) == TYPE_SORTED_SET && isLarge(entry)) {
    const set = largeSet(entry);
    bytes += bytesOfFields(membersOf(set), samples) + set.nodeBytes + SORTED_SET_BYTES;
  }
  if (typeOf(entry) == TYPE_VECTOR_SET) bytes += bytesOfSet(vectorSetAt(load<u32>(valueOf(entry))));
  return <f64>bytes;
}
