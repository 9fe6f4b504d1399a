// Removing entries from a stream: one by its id, or the oldest ones. Nothing here takes memory, so a stream can be trimmed
// at the limit. What was removed at a block's front is zeroed and its bytes stay until the block goes, as in a tail that is trimmed by each
// entry that is added; anything else lets the rest of the block move up.

import { dirty } from "../../memory/memory";
import { isBefore } from "../id-tree";
import { removeId } from "../id-tree-change";
import {
  Block,
  BLOCK_HEADER_BYTES,
  blockAt,
  bytesOfBlock,
  entryBlock,
  entryEnd,
  entryMs,
  entryOffset,
  entrySeq,
  readEntry,
  releaseBlock,
} from "./block";
import { blocksOf, findEntry, firstBlock, Stream, STREAM_BYTES } from "./stream";

/** Removes the entry with an id; false when it is not there. */
export function removeEntry(stream: Stream, ms: u64, seq: u64): bool {
  if (!findEntry(stream, ms, seq)) return false;
  const block = blockAt(entryBlock);
  dirty(changetype<usize>(stream), STREAM_BYTES);
  if (block.entries == 1) {
    removeBlock(stream, block);
  } else {
    stream.length--;
    if (entryOffset == block.start) removeFirst(block);
    else closeGap(block, entryOffset, entryEnd);
  }
  if (isBefore(stream.deletedMs, stream.deletedSeq, ms, seq)) {
    stream.deletedMs = ms;
    stream.deletedSeq = seq;
  }
  return true;
}

/** Removes a block with all its entries. The change of `stream` is announced. */
function removeBlock(stream: Stream, block: Block): void {
  stream.length -= block.entries;
  stream.blockBytes -= bytesOfBlock(block);
  if (stream.tail == <u32>changetype<usize>(block)) stream.tail = 0;
  else removeId(blocksOf(stream), block.ms, block.seq);
  releaseBlock(block);
}

/** Removes the first entry of a block, which was read last, and of which it has others. */
function removeFirst(block: Block): void {
  const address = changetype<usize>(block);
  dirty(address, BLOCK_HEADER_BYTES);
  dirty(address + entryOffset, entryEnd - entryOffset);
  memory.fill(address + entryOffset, 0, entryEnd - entryOffset);
  block.start = entryEnd;
  block.entries--;
}

/** Takes out an entry that is not the first one of its block. */
function closeGap(block: Block, offset: u32, next: u32): void {
  const address = changetype<usize>(block);
  dirty(address, block.end);
  if (next == block.end) block.last = entryBefore(block, offset);
  else block.last -= next - offset;
  memory.copy(address + offset, address + next, block.end - next);
  block.end -= next - offset;
  block.entries--;
}

/** Where the entry before another one begins. */
function entryBefore(block: Block, offset: u32): u32 {
  let before = block.start;
  while (true) {
    readEntry(block, before);
    if (entryEnd == offset) return before;
    before = entryEnd;
  }
}

// ---- trimming

/** How far a stream is trimmed. */
@unmanaged
export class Trim {
  /** To a length, or to ids that are not before one. */
  length: u64;
  ms: u64;
  seq: u64;
  /** Entries that may go; 0 for any number. */
  limit: u64;
  byId: bool;
  /** Only whole blocks go. */
  roughly: bool;
}

/** What the next trim does; call-scoped. */
export const trim = changetype<Trim>(memory.data(40, 8));

/** Blocks that the last trim removed whole. */
export let trimmedBlocks: u32 = 0;

/** Removes the oldest entries, as `trim` says; answers how many. */
export function trimStream(stream: Stream): u32 {
  let removed: u32 = 0;
  trimmedBlocks = 0;
  dirty(changetype<usize>(stream), STREAM_BYTES);
  while (stream.length != 0 && (trim.byId || <u64>stream.length > trim.length)) {
    const block = blockAt(firstBlock(stream));
    const entries = block.entries;
    if (trim.limit != 0 && <u64>removed + entries > trim.limit) break;
    if (goesWhole(stream, block)) {
      removeBlock(stream, block);
      removed += entries;
      trimmedBlocks++;
      continue;
    }
    if (!trim.roughly) removed += trimBlock(stream, block);
    break;
  }
  return removed;
}

function goesWhole(stream: Stream, block: Block): bool {
  if (!trim.byId) return <u64>(stream.length - block.entries) >= trim.length;
  readEntry(block, block.last);
  return isBefore(entryMs, entrySeq, trim.ms, trim.seq);
}

/** Removes entries from the front of a block that keeps some. */
function trimBlock(stream: Stream, block: Block): u32 {
  const address = changetype<usize>(block);
  const from = block.start;
  let at = from;
  let removed: u32 = 0;
  while (trim.byId || <u64>(stream.length - removed) > trim.length) {
    readEntry(block, at);
    if (trim.byId && !isBefore(entryMs, entrySeq, trim.ms, trim.seq)) break;
    at = entryEnd;
    removed++;
  }
  if (removed == 0) return 0;
  dirty(address, BLOCK_HEADER_BYTES);
  dirty(address + from, at - from);
  memory.fill(address + from, 0, at - from);
  block.start = at;
  block.entries -= removed;
  stream.length -= removed;
  return removed;
}
