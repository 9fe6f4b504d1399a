// Freeing what was deleted. A string is freed at once; a table or a vector set may hold millions of cells, so it is
// put on a list and freed a segment at a time, in `tick` or when a write needs the memory. That keeps DEL, expiry
// and FLUSHALL at constant cost; the price is that the memory comes back a little later.
//
// Grave: 0 next (u32) | 4 kind (u32) | 8 zone of the entries (u32) | 12 progress (u32) | 16 table (24 bytes) or address (u32)

import {
  DATABASES,
  SHARDS,
  SHARDS_BASE,
  STATE_BASE,
  TABLE_BYTES,
  ZONE_ENTRY,
  ZONE_FIELD,
  ZONE_OBJECT,
  ZONE_SEGMENT,
} from "../layout";
import { allocate, copyBytes, dirty, release, State, state } from "../memory/memory";
import {
  ENCODING_TABLE,
  entryAt,
  freeEntry,
  TYPE_LIST,
  TYPE_STREAM,
  TYPE_SORTED_SET,
  TYPE_VECTOR_SET,
  typeOf,
  valueOf,
} from "../memory/entry";
import { distrustSlots } from "../memory/slot-ahead";
import { CHUNK_BYTES, slotAddress, Table, tableAt } from "../memory/table";
import { directorySize, liveSlots, releaseDirectory, segmentAt, segmentEnd, segmentSpan } from "../memory/table-walk";
import { hasFieldTable } from "../structures/field-table";
import { freeNodes, listAt } from "../structures/list-chain";
import { groupAt } from "../structures/streams/group";
import { isReleasedAtOnce, releaseGroupStep, releaseStreamStep } from "../structures/streams/release";
import { streamAt } from "../structures/streams/stream";
import { releaseTree, sortedSetAt } from "../structures/score-tree";
import { clearQueues } from "./queues";
import { forgetWork } from "../vectors/upkeep/work-list";
import { leaveRing } from "../vectors/upkeep/deaths";
import { releaseSetStep } from "../vectors/vector-release";
import { namesOf, vectorSetAt } from "../vectors/vectorset";

@unmanaged
class Grave {
  next: u32;
  kind: u32;
  zone: u32;
  progress: u32;
  content: u32;
}

const GRAVE_BYTES: u32 = 16 + TABLE_BYTES;
const KIND_TABLE: u32 = 0;
const KIND_VECTOR_SET: u32 = 1;
const KIND_FIELDS: u32 = 2;
const KIND_LIST: u32 = 3;
const KIND_STREAM: u32 = 10;
const KIND_STREAM_GROUP: u32 = 11;
const KIND_SCORE_TREE: u32 = 4;

/** Nodes of a list, or of a sorted set's order, freed at once. A list that has no more is freed on the spot. */
const NODES_A_STEP: u32 = 64;

/** Frees an entry that no slot refers to any more, and what its value refers to. */
export function dispose(zone: u32, entry: usize): void {
  const type = typeOf(entry);
  if (hasFieldTable(entry)) buryFields(load<u32>(valueOf(entry)));
  if (type == TYPE_LIST && (entryAt(entry).type & ENCODING_TABLE) != 0) buryList(listAt(valueOf(entry)).first);
  if (entryAt(entry).type == (TYPE_SORTED_SET | ENCODING_TABLE)) burySortedSet(load<u32>(valueOf(entry)));
  if (type == TYPE_VECTOR_SET) buryVectorSet(load<u32>(valueOf(entry)));
  if (type == TYPE_STREAM) buryStream(load<u32>(valueOf(entry)));
  freeEntry(zone, entry);
}

/** The cell of a table goes with the last of its fields or members. */
function buryFields(table: usize): void {
  if (tableAt(table).directory == 0) release(ZONE_OBJECT, table);
  else bury(KIND_FIELDS, <u32>table, ZONE_FIELD);
}

function buryList(node: u32): void {
  const left = freeNodes(node, NODES_A_STEP);
  if (left != 0) bury(KIND_LIST, <u32>left, ZONE_OBJECT);
}

/** The members go like the fields of a hash, their order by itself. */
function burySortedSet(address: usize): void {
  const set = sortedSetAt(address);
  buryTable(address, ZONE_OBJECT);
  if (set.root != 0) bury(KIND_SCORE_TREE, set.root, ZONE_OBJECT);
  release(ZONE_OBJECT, address);
}

/** The names go like the fields of a hash, the nodes and blocks behind them. */
function buryVectorSet(set: u32): void {
  forgetWork(vectorSetAt(set));
  leaveRing(vectorSetAt(set));
  buryTable(changetype<usize>(namesOf(vectorSetAt(set))), ZONE_OBJECT);
  bury(KIND_VECTOR_SET, set, ZONE_OBJECT);
}

function buryStream(stream: u32): void {
  if (isReleasedAtOnce(streamAt(stream))) releaseStreamStep(streamAt(stream));
  else bury(KIND_STREAM, stream, ZONE_OBJECT);
}

/** Frees a group of a stream that nothing refers to any more. */
export function buryStreamGroup(group: u32): void {
  if (!releaseGroupStep(groupAt(group))) bury(KIND_STREAM_GROUP, group, ZONE_OBJECT);
}

/** Puts the content of a table on the list; `zone` is its entries'. The 24 bytes at `table` may be reused at once. */
export function buryTable(table: usize, zone: u32): void {
  if (tableAt(table).directory == 0) return;
  distrustSlots();
  copyBytes(bury(KIND_TABLE, 0, zone) + offsetof<Grave>("content"), table, TABLE_BYTES);
}

/** Gives back the segments of a table that has become empty. */
export function clearTable(table: Table): void {
  distrustSlots();
  if (table.depth == 0) release(ZONE_SEGMENT, table.directory);
  else buryTable(changetype<usize>(table), ZONE_ENTRY);
  dirty(changetype<usize>(table), TABLE_BYTES);
  memory.fill(changetype<usize>(table), 0, TABLE_BYTES);
}

function bury(kind: u32, content: u32, zone: u32): usize {
  const address = allocate(ZONE_OBJECT, GRAVE_BYTES);
  const grave = changetype<Grave>(address);
  grave.next = state.graveyard;
  grave.kind = kind;
  grave.zone = zone;
  grave.progress = 0;
  grave.content = content;
  dirty(STATE_BASE, offsetof<State>());
  state.graveyard = <u32>address;
  return address;
}

/** Empties a database; what it held is freed later. */
export function buryDatabase(db: u32): void {
  const first = <usize>(SHARDS_BASE + (db << 8) * TABLE_BYTES);
  for (let shard: u32 = 0; shard < SHARDS; shard++) buryTable(first + shard * TABLE_BYTES, ZONE_ENTRY);
  dirty(first, SHARDS * TABLE_BYTES);
  memory.fill(first, 0, SHARDS * TABLE_BYTES);
}

export function buryAllDatabases(): void {
  clearQueues();
  for (let db: u32 = 0; db < DATABASES; db++) buryDatabase(db);
}

/** Frees one segment, one block of vectors or some nodes of a list, of the newest grave. Answers whether anything is left. */
export function freeStep(): bool {
  const address = <usize>state.graveyard;
  if (address == 0) return false;
  const grave = changetype<Grave>(address);
  const done = freeStepOf(grave);
  if (done) {
    // A hash inside a flushed database was buried above this one: unlink it wherever it is.
    unlink(address);
    release(ZONE_OBJECT, address);
  }
  return state.graveyard != 0;
}

function freeStepOf(grave: Grave): bool {
  if (grave.kind == KIND_LIST) return freeList(grave);
  if (grave.kind == KIND_STREAM) return releaseStreamStep(streamAt(grave.content));
  if (grave.kind == KIND_STREAM_GROUP) return releaseGroupStep(groupAt(grave.content));
  if (grave.kind == KIND_SCORE_TREE) return freeTreeNodes(grave);
  return grave.kind == KIND_VECTOR_SET ? freeSet(grave) : freeSegment(grave);
}

/** Frees the next nodes of a buried list; true after the last. */
function freeList(grave: Grave): bool {
  dirty(changetype<usize>(grave), GRAVE_BYTES);
  grave.content = <u32>freeNodes(grave.content, NODES_A_STEP);
  return grave.content == 0;
}

function unlink(address: usize): void {
  const next = changetype<Grave>(address).next;
  if (<usize>state.graveyard == address) {
    dirty(STATE_BASE, offsetof<State>());
    state.graveyard = next;
    return;
  }
  let at = <usize>state.graveyard;
  while (<usize>changetype<Grave>(at).next != address) at = changetype<Grave>(at).next;
  dirty(at, GRAVE_BYTES);
  changetype<Grave>(at).next = next;
}

/** Frees the next nodes of a buried vector set, then its blocks; true after the last. */
function freeSet(grave: Grave): bool {
  dirty(changetype<usize>(grave), GRAVE_BYTES);
  grave.progress = releaseSetStep(vectorSetAt(grave.content), grave.progress);
  return grave.progress == 0;
}

/** Frees the next nodes of the order of a buried sorted set; true after the last. */
function freeTreeNodes(grave: Grave): bool {
  dirty(changetype<usize>(grave), GRAVE_BYTES);
  grave.content = releaseTree(grave.content, NODES_A_STEP);
  return grave.content == 0;
}

/** Frees the entries of the next segment of a buried table, then the segment; true after the last. */
function freeSegment(grave: Grave): bool {
  const ofFields = grave.kind == KIND_FIELDS;
  const table = tableAt(ofFields ? <usize>grave.content : changetype<usize>(grave) + offsetof<Grave>("content"));
  if (grave.progress < directorySize(table)) {
    const segment = segmentAt(table, grave.progress);
    const zone = grave.zone;
    dirty(changetype<usize>(grave), GRAVE_BYTES);
    grave.progress += segmentSpan(table, segment);
    for (let chunk = segment; chunk < segmentEnd(segment); chunk += CHUNK_BYTES) {
      let live = liveSlots(chunk);
      while (live != 0) {
        dispose(zone, load<u32>(slotAddress(chunk, ctz(live))));
        live &= live - 1;
      }
    }
    release(ZONE_SEGMENT, segment);
  }
  if (grave.progress < directorySize(table)) return false;
  releaseDirectory(table);
  if (ofFields) release(ZONE_OBJECT, changetype<usize>(table));
  return true;
}
