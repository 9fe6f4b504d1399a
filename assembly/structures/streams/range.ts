// Entries of a stream between two ids, forwards or backwards. Forwards is a walk from block to block; backwards the places of
// one block's entries are noted in scratch memory and taken from the end. Each entry that is shown is the one that was
// read last (block.ts). The stream must not change meanwhile.

import { SCRATCH_BASE } from "../../layout";
import { isBefore } from "../id-tree";
import { Block, blockAt, entryEnd, entryMs, entrySeq, readEntry } from "./block";
import { blockAfter, blockBefore, blockFor, firstBlock, Stream } from "./stream";

let from: Stream = changetype<Stream>(<usize>0);
let blockAddress: u32 = 0;
let offset: u32 = 0;
let firstMs: u64 = 0;
let firstSeq: u64 = 0;
let lastMs: u64 = 0;
let lastSeq: u64 = 0;
/** Places that are noted and not shown yet. */
let noted: u32 = 0;

function setRange(stream: Stream, ms: u64, seq: u64, endMs: u64, endSeq: u64): void {
  from = stream;
  firstMs = ms;
  firstSeq = seq;
  lastMs = endMs;
  lastSeq = endSeq;
}

/** Begins with the first entry whose id is not before `ms`-`seq`, for those up to the end. */
export function startRange(stream: Stream, ms: u64, seq: u64, endMs: u64, endSeq: u64): void {
  setRange(stream, ms, seq, endMs, endSeq);
  blockAddress = blockFor(stream, ms, seq);
  if (blockAddress == 0) blockAddress = firstBlock(stream);
  if (blockAddress != 0) offset = blockAt(blockAddress).start;
}

/** Begins with the entry at a place, for all that follow. */
export function startRangeAt(stream: Stream, address: u32, place: u32): void {
  setRange(stream, 0, 0, u64.MAX_VALUE, u64.MAX_VALUE);
  blockAddress = address;
  offset = place;
}

/** Reads the next entry of the range; false after the last. */
export function nextInRange(): bool {
  while (blockAddress != 0) {
    const block = blockAt(blockAddress);
    while (offset < block.end) {
      readEntry(block, offset);
      offset = entryEnd;
      if (isBefore(entryMs, entrySeq, firstMs, firstSeq)) continue;
      if (!isBefore(lastMs, lastSeq, entryMs, entrySeq)) return true;
      blockAddress = 0;
      return false;
    }
    blockAddress = blockAfter(from, blockAddress);
    if (blockAddress != 0) offset = blockAt(blockAddress).start;
  }
  return false;
}

/** Begins with the last entry whose id is not beyond `endMs`-`endSeq`, for those down to the start. */
export function startReverse(stream: Stream, ms: u64, seq: u64, endMs: u64, endSeq: u64): void {
  setRange(stream, ms, seq, endMs, endSeq);
  noted = 0;
  blockAddress = blockFor(stream, endMs, endSeq);
  if (blockAddress != 0) noteEntries(blockAt(blockAddress));
}

/** Reads the entry before; false after the first of the range. */
export function nextInReverse(): bool {
  while (blockAddress != 0) {
    while (noted != 0) {
      readEntry(blockAt(blockAddress), load<u32>(SCRATCH_BASE + (--noted << 2)));
      if (isBefore(lastMs, lastSeq, entryMs, entrySeq)) continue;
      if (!isBefore(entryMs, entrySeq, firstMs, firstSeq)) return true;
      blockAddress = 0;
      return false;
    }
    blockAddress = blockBefore(from, blockAddress);
    if (blockAddress != 0) noteEntries(blockAt(blockAddress));
  }
  return false;
}

/** Entries take three bytes at least, so those of a block fit. */
function noteEntries(block: Block): void {
  for (let at = block.start; at < block.end; at = entryEnd) {
    readEntry(block, at);
    store<u32>(SCRATCH_BASE + (noted++ << 2), at);
  }
}

/** Counts the entries of a range, up to `most`; blocks that lie in it as a whole are not read. */
export function countInRange(stream: Stream, ms: u64, seq: u64, endMs: u64, endSeq: u64, most: u64): u32 {
  let count: u64 = 0;
  let address = blockFor(stream, ms, seq);
  if (address == 0) address = firstBlock(stream);
  for (; address != 0 && count < most; address = blockAfter(stream, address)) {
    const block = blockAt(address);
    readEntry(block, block.last);
    const endsInside = !isBefore(endMs, endSeq, entryMs, entrySeq);
    readEntry(block, block.start);
    if (isBefore(endMs, endSeq, entryMs, entrySeq)) break;
    if (endsInside && !isBefore(entryMs, entrySeq, ms, seq)) {
      count += block.entries;
      continue;
    }
    count += countInBlock(block, ms, seq, endMs, endSeq);
    if (!endsInside) break;
  }
  return <u32>min(count, most);
}

function countInBlock(block: Block, ms: u64, seq: u64, endMs: u64, endSeq: u64): u32 {
  let count: u32 = 0;
  for (let at = block.start; at < block.end; at = entryEnd) {
    readEntry(block, at);
    if (isBefore(endMs, endSeq, entryMs, entrySeq)) break;
    if (!isBefore(entryMs, entrySeq, ms, seq)) count++;
  }
  return count;
}
