// One number for how durable memory is laid out: regions, constants and sizes of structures. A snapshot carries it, so that
// bytes are never read by an engine that would take them for something else. What keeps its size and changes its meaning
// is told apart by STATE_VERSION. A second number says whether a host may drive an engine of another layout, to carry what
// it holds over: what the host reads and writes must lie where it thinks, but for the two places that it asks for.

import {
  BLOCK_BITS,
  BOUNDARY_VERSION,
  DATABASES,
  GHOSTS_BASE,
  HEAP_BASE,
  INPUT_BASE,
  INPUT_BYTES,
  KEY_BYTES_MAX,
  PAGE_BITS,
  PAGE_RECORD_BYTES,
  PAGE_TABLE_BASE,
  PAGED_ARGUMENT_BYTES,
  RECORD_HEADER_BYTES,
  REGISTERS_BASE,
  SCRATCH_BASE,
  SCRATCH_BYTES,
  SETTINGS_BASE,
  SHARDS,
  SHARDS_BASE,
  SLAB_CLASSES,
  SLAB_HEADS_BASE,
  SLOW_BASE,
  STATE_BASE,
  STATE_VERSION,
  TABLE_BYTES,
  WORKSPACE_BASE,
  ZONES,
} from "../layout";
import { ENCODING_INTEGERS, ENTRY_HEADER_BYTES, TYPE_SET } from "../memory/entry";
import { State } from "../memory/memory";
import { cellBytes } from "../memory/slabs";
import { CHUNK_BYTES } from "../memory/table";
import { LIST_HEAD_BYTES, LIST_NODE_BYTES } from "../structures/list-chain";
import { RUN_ELEMENT_MAX } from "../structures/packed-run";
import { INTEGERS_HEADER_BYTES } from "../structures/integer-set";
import { MEMBERS_HEADER_BYTES } from "../structures/packed-members";
import { IdNode, NODE_CAPACITY } from "../structures/id-tree";
import { Block } from "../structures/streams/block";
import { Consumer, Group, Pending } from "../structures/streams/group";
import { Stream } from "../structures/streams/stream";
import { INNER_BYTES, LEAF_BYTES, LEAF_FIRST_BYTES, OrderNode, SORTED_SET_BYTES } from "../structures/score-tree";
import { Blocks } from "../vectors/blocks";
import { Node, VECTOR_SET_BYTES } from "../vectors/vectorset";

const PRIME: u64 = 0x9fb21c651e98df25;

let sum: u64 = 0;

function mix(value: u32): void {
  sum = rotl((sum ^ value) * PRIME, 29);
}

/** Equal in builds whose snapshots open in each other. */
export function layoutHash(): u64 {
  sum = PRIME;
  mix(STATE_VERSION);
  mix(STATE_BASE);
  mix(GHOSTS_BASE);
  mix(SLAB_HEADS_BASE);
  mix(SHARDS_BASE);
  mix(PAGE_TABLE_BASE);
  mix(HEAP_BASE);
  mix(BLOCK_BITS);
  mix(PAGE_BITS);
  mix(PAGE_RECORD_BYTES);
  mix(ZONES);
  mix(DATABASES);
  mix(SHARDS);
  mix(TABLE_BYTES);
  mix(CHUNK_BYTES);
  mix(KEY_BYTES_MAX);
  mix(PAGED_ARGUMENT_BYTES);
  mix(ENTRY_HEADER_BYTES);
  mix(TYPE_SET | ENCODING_INTEGERS);
  mix(INTEGERS_HEADER_BYTES);
  mix(MEMBERS_HEADER_BYTES);
  mix(VECTOR_SET_BYTES);
  mix(LIST_HEAD_BYTES);
  mix(LIST_NODE_BYTES);
  mix(RUN_ELEMENT_MAX);
  mix(SORTED_SET_BYTES);
  mix(LEAF_FIRST_BYTES);
  mix(LEAF_BYTES);
  mix(INNER_BYTES);
  mix(<u32>offsetof<OrderNode>());
  mix(<u32>offsetof<State>());
  mix(<u32>offsetof<Node>());
  mix(<u32>offsetof<Blocks>());
  mix(<u32>offsetof<Stream>());
  mix(<u32>offsetof<Block>());
  mix(<u32>offsetof<Group>());
  mix(<u32>offsetof<Consumer>());
  mix(<u32>offsetof<Pending>());
  mix(<u32>offsetof<IdNode>());
  mix(NODE_CAPACITY);
  for (let sizeClass: u32 = 0; sizeClass < SLAB_CLASSES; sizeClass++) mix(cellBytes(sizeClass));
  return sum;
}

/** Equal in engines that a host of either can drive. */
export function boundaryHash(): u64 {
  sum = PRIME;
  mix(BOUNDARY_VERSION);
  mix(PAGE_BITS);
  mix(BLOCK_BITS);
  mix(PAGE_RECORD_BYTES);
  mix(RECORD_HEADER_BYTES);
  mix(REGISTERS_BASE);
  mix(INPUT_BASE);
  mix(INPUT_BYTES);
  mix(SCRATCH_BASE);
  mix(SCRATCH_BYTES);
  mix(WORKSPACE_BASE);
  mix(SETTINGS_BASE);
  mix(SLOW_BASE);
  mix(STATE_BASE);
  mix(<u32>offsetof<State>("heapStart"));
  mix(<u32>offsetof<State>("freshPage"));
  return sum;
}

/** Where the table of pages begins. */
export function pageTableBase(): u32 {
  return PAGE_TABLE_BASE;
}

/** Where the first page may lie. */
export function heapBase(): u32 {
  return HEAP_BASE;
}
