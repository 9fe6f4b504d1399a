// A stream: entries in rising order of their ids, in blocks (block.ts), and the groups that read it (group.ts). Blocks are
// found by the id that they began with, in an ordered tree; the last one, which entries are appended to, is not in the
// tree until it is full, so that appending touches this header and that block alone.
//
// Deleted entries are gone at once, so the first id is that of the first entry and needs no place of its own.

import { ZONE_OBJECT } from "../../layout";
import { allocate } from "../../memory/memory";
import { isBefore, IdTree, seekBack, seekFrom, seekLast, seekNext, soughtAddress } from "../id-tree";
import { Block, blockAt, entryEnd, entryMs, entrySeq, readEntry } from "./block";

@unmanaged
export class Stream {
  /** The last id that was given, whether its entry is there or not. */
  lastMs: u64;
  lastSeq: u64;
  /** The largest id that was deleted by name. */
  deletedMs: u64;
  deletedSeq: u64;
  /** Entries that were ever added. */
  added: u64;
  /** Bytes of the blocks. */
  blockBytes: u64;
  /** Entries. */
  length: u32;
  /** Address of the block that entries are appended to; 0 for none. */
  tail: u32;
  /** The blocks before it: an IdTree. */
  blocksRoot: u32;
  blocksCount: u32;
  blocksBytes: u32;
  /** Root of the groups by name, and how many there are. */
  groups: u32;
  groupCount: u32;
}

export const STREAM_BYTES: u32 = <u32>offsetof<Stream>();

@inline
export function streamAt(address: u32): Stream {
  return changetype<Stream>(<usize>address);
}

@inline
export function blocksOf(stream: Stream): IdTree {
  return changetype<IdTree>(changetype<usize>(stream) + offsetof<Stream>("blocksRoot"));
}

/** Makes an empty stream; answers its address. The memory is reserved. */
export function createStream(): u32 {
  const address = allocate(ZONE_OBJECT, STREAM_BYTES);
  memory.fill(address, 0, STREAM_BYTES);
  return <u32>address;
}

/** Blocks, the last one counted. */
@inline
export function countBlocks(stream: Stream): u32 {
  return stream.blocksCount + <u32>(stream.tail != 0);
}

// ---- blocks in order: addresses, 0 for none

export function firstBlock(stream: Stream): u32 {
  return seekFrom(blocksOf(stream), 0, 0) ? soughtAddress : stream.tail;
}

export function lastBlock(stream: Stream): u32 {
  if (stream.tail != 0) return stream.tail;
  return seekLast(blocksOf(stream)) ? soughtAddress : 0;
}

/** The block that an id would be in: the last that does not begin beyond it. */
export function blockFor(stream: Stream, ms: u64, seq: u64): u32 {
  if (stream.tail != 0 && !isBefore(ms, seq, blockAt(stream.tail).ms, blockAt(stream.tail).seq)) return stream.tail;
  return seekBack(blocksOf(stream), ms, seq) ? soughtAddress : 0;
}

export function blockAfter(stream: Stream, address: u32): u32 {
  if (address == stream.tail) return 0;
  const block = blockAt(address);
  const tree = blocksOf(stream);
  return seekFrom(tree, block.ms, block.seq) && seekNext(tree) ? soughtAddress : stream.tail;
}

export function blockBefore(stream: Stream, address: u32): u32 {
  if (address == stream.tail) return seekLast(blocksOf(stream)) ? soughtAddress : 0;
  const block = blockAt(address);
  // Ids are not 0-0, so there is one before this one.
  const ms = block.seq == 0 ? block.ms - 1 : block.ms;
  return seekBack(blocksOf(stream), ms, block.seq - 1) ? soughtAddress : 0;
}

// ---- the ends

/** Reads the first entry; false when there is none. */
export function readFirst(stream: Stream): bool {
  const address = firstBlock(stream);
  if (address != 0) readEntry(blockAt(address), blockAt(address).start);
  return address != 0;
}

/** Reads the last entry; false when there is none. */
export function readLast(stream: Stream): bool {
  const address = lastBlock(stream);
  if (address != 0) readEntry(blockAt(address), blockAt(address).last);
  return address != 0;
}

/** Reads the entry with an id; false when it is not there. */
export function findEntry(stream: Stream, ms: u64, seq: u64): bool {
  const address = blockFor(stream, ms, seq);
  return address != 0 && findInBlock(blockAt(address), ms, seq);
}

function findInBlock(block: Block, ms: u64, seq: u64): bool {
  for (let offset = block.start; offset < block.end; offset = entryEnd) {
    readEntry(block, offset);
    if (!isBefore(entryMs, entrySeq, ms, seq)) return entryMs == ms && entrySeq == seq;
  }
  return false;
}
