// One number for how durable memory is laid out: regions, constants and sizes of structures. A snapshot carries it, so that
// bytes are never read by an engine that would take them for something else. What keeps its size and changes its meaning
// is told apart by STATE_VERSION.

import {
  BLOCK_BITS,
  DATABASES,
  GHOSTS_BASE,
  HEAP_BASE,
  KEY_BYTES_MAX,
  PAGE_BITS,
  PAGE_RECORD_BYTES,
  PAGE_TABLE_BASE,
  PAGED_ARGUMENT_BYTES,
  SHARDS,
  SHARDS_BASE,
  SLAB_CLASSES,
  SLAB_HEADS_BASE,
  STATE_BASE,
  STATE_VERSION,
  TABLE_BYTES,
  ZONES,
} from "../layout";
import { ENTRY_HEADER_BYTES } from "../memory/entry";
import { State } from "../memory/memory";
import { cellBytes } from "../memory/slabs";
import { CHUNK_BYTES } from "../memory/table";
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
  mix(VECTOR_SET_BYTES);
  mix(<u32>offsetof<State>());
  mix(<u32>offsetof<Node>());
  mix(<u32>offsetof<Blocks>());
  for (let sizeClass: u32 = 0; sizeClass < SLAB_CLASSES; sizeClass++) mix(cellBytes(sizeClass));
  return sum;
}
