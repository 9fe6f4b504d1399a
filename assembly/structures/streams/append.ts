// Appending to a stream. Entries go to the last block while it has room by the two limits that Redis has for a node of its own:
// bytes, and entries that were ever put in. A stream's first block begins as small as its first entry and doubles, later ones
// begin with all they may get, and each gives back what it did not need when the next one begins.
//
// What is appended are parts, field and value in turn, as the records of a command's arguments: address (u32) | bytes (u32),
// with ARGUMENT_PAGED_BIT where the address is that of a list of pages.

import { ARGUMENT_PAGED_BIT } from "../../connection-layout";
import { ARGUMENT_BYTES, PAGE_BITS, PAGE_BYTES, PageKind, ZONE_OBJECT } from "../../layout";
import { allocate, copyBytes, dirty, equalBytes, release, takePage } from "../../memory/memory";
import { streamBlockBytes, streamBlockEntries } from "../../memory/settings";
import { cellBytes, classOf } from "../../memory/slabs";
import { insertId } from "../id-tree-change";
import {
  beginNames,
  Block,
  BLOCK_HEADER_BYTES,
  blockAt,
  CELL_BYTES_MAX,
  ENTRY_BYTES_MAX,
  nameBytes,
  nextName,
  pageList,
  pagesOfBlock,
} from "./block";
import { blocksOf, Stream, STREAM_BYTES } from "./stream";

/** Most bytes that a number takes. */
const NUMBER_BYTES_MAX: u32 = 10;
/** Most bytes of an entry's head: its length, the two parts of its id, how many fields. */
const HEAD_BYTES_MAX: u32 = NUMBER_BYTES_MAX * 4;
/** Pages that appending may take beside those of a long entry: for cells of the key, header, blocks and nodes of the tree. */
const PAGES_OF_CELLS: u32 = 8;

@inline
function partAddress(parts: usize, index: u32): usize {
  return <usize>load<u32>(parts + index * ARGUMENT_BYTES);
}

@inline
function partBytes(parts: usize, index: u32): u32 {
  return load<u32>(parts + index * ARGUMENT_BYTES, 4) & ~ARGUMENT_PAGED_BIT;
}

@inline
function isPartPaged(parts: usize, index: u32): bool {
  return (load<u32>(parts + index * ARGUMENT_BYTES, 4) & ARGUMENT_PAGED_BIT) != 0;
}

/** Bytes that a number takes. */
@inline
function sizeOfNumber(value: u64): u32 {
  return value < 0x80 ? 1 : (70 - <u32>clz(value)) / 7;
}

/** Bytes of all parts, as Redis counts them against the limits. */
function bytesOfParts(parts: usize, pairs: u32): u64 {
  let bytes: u64 = 0;
  for (let index: u32 = 0; index < pairs << 1; index++) bytes += partBytes(parts, index);
  return bytes;
}

/** Bytes of the names, or of the values, with their lengths; `first` is 0 for names and 1 for values. */
function packedBytes(parts: usize, pairs: u32, first: u32): u64 {
  let bytes: u64 = 0;
  for (let index = first; index < pairs << 1; index += 2) {
    const own = partBytes(parts, index);
    bytes += sizeOfNumber(own) + own;
  }
  return bytes;
}

/** True when an entry is not too long to be stored. */
export function mayAppend(parts: usize, pairs: u32): bool {
  return longestOf(parts, pairs) <= <u64>ENTRY_BYTES_MAX;
}

/** Pages that appending an entry may take. */
export function pagesToAppend(parts: usize, pairs: u32): u32 {
  const bytes = longestOf(parts, pairs);
  const isLong = bytes + BLOCK_HEADER_BYTES > <u64>CELL_BYTES_MAX;
  return PAGES_OF_CELLS + (isLong ? <u32>((bytes + (PAGE_BYTES - 1)) >> PAGE_BITS) : 0);
}

/** Bytes of an entry at most. */
function longestOf(parts: usize, pairs: u32): u64 {
  return bytesOfParts(parts, pairs) + HEAD_BYTES_MAX + <u64>pairs * (NUMBER_BYTES_MAX * 2);
}

/** Appends an entry under an id beyond the last one. The memory is reserved. */
export function appendEntry(stream: Stream, ms: u64, seq: u64, parts: usize, pairs: u32): void {
  dirty(changetype<usize>(stream), STREAM_BYTES);
  if (stream.tail != 0 && isFull(blockAt(stream.tail), bytesOfParts(parts, pairs))) closeTail(stream);
  if (stream.tail != 0) appendToTail(stream, ms, seq, parts, pairs);
  else openBlock(stream, ms, seq, parts, pairs);
  stream.lastMs = ms;
  stream.lastSeq = seq;
  stream.length++;
  stream.added++;
}

/** Most bytes of a block of several entries. */
@inline
function bytesMax(): u32 {
  const wanted = streamBlockBytes();
  return wanted == 0 || wanted > CELL_BYTES_MAX ? CELL_BYTES_MAX : wanted;
}

function isFull(block: Block, bytes: u64): bool {
  if (block.paged != 0 || <u64>block.end + bytes >= <u64>bytesMax()) return true;
  return streamBlockEntries() != 0 && block.made >= streamBlockEntries();
}

/** Puts the tail into the tree, in a cell of its size. */
function closeTail(stream: Stream): void {
  const full = blockAt(stream.tail);
  if (full.paged == 0 && cellBytes(classOf(full.end)) < full.room) moveTail(stream, full.end);
  const block = blockAt(stream.tail);
  insertId(blocksOf(stream), block.ms, block.seq, stream.tail);
  stream.tail = 0;
}

/** Gives the tail a cell for so many bytes. */
function moveTail(stream: Stream, bytes: u32): void {
  const block = blockAt(stream.tail);
  const address = createBlock(stream, bytes);
  const room = blockAt(address).room;
  memory.copy(address, changetype<usize>(block), block.end);
  blockAt(address).room = room;
  stream.blockBytes -= block.room;
  release(ZONE_OBJECT, changetype<usize>(block));
  stream.tail = address;
}

/** A block with room for so many bytes at least; the rest of its header is undefined. */
function createBlock(stream: Stream, bytes: u32): u32 {
  const room = cellBytes(classOf(bytes));
  const address = <u32>allocate(ZONE_OBJECT, bytes);
  blockAt(address).room = room;
  stream.blockBytes += room;
  return address;
}

function beginBlock(block: Block, ms: u64, seq: u64): void {
  block.ms = ms;
  block.seq = seq;
  block.last = 0;
  block.entries = 1;
  block.made = 1;
  block.paged = 0;
}

function openBlock(stream: Stream, ms: u64, seq: u64, parts: usize, pairs: u32): void {
  if (longestOf(parts, pairs) + BLOCK_HEADER_BYTES > <u64>CELL_BYTES_MAX) openPaged(stream, ms, seq, parts, pairs);
  else openTail(stream, ms, seq, parts, pairs);
}

/** Makes a block that begins with an entry and keeps its names. */
function openTail(stream: Stream, ms: u64, seq: u64, parts: usize, pairs: u32): void {
  const names = sizeOfNumber(pairs) + <u32>packedBytes(parts, pairs, 0);
  const rest = 2 + <u32>packedBytes(parts, pairs, 1);
  const whole = BLOCK_HEADER_BYTES + names + sizeOfNumber(rest << 1) + rest;
  const address = createBlock(stream, stream.blocksCount == 0 ? whole : max(whole, bytesMax()));
  const block = blockAt(address);
  stream.tail = address;
  beginBlock(block, ms, seq);
  beginWriting(address, 0, BLOCK_HEADER_BYTES);
  putNumber(pairs);
  putParts(parts, pairs, 0, 2);
  block.start = to;
  block.last = to;
  putNumber(rest << 1);
  putNumber(0);
  putNumber(0);
  putParts(parts, pairs, 1, 2);
  block.end = to;
  assert(to == whole);
}

/** Makes a block in pages for one long entry. */
function openPaged(stream: Stream, ms: u64, seq: u64, parts: usize, pairs: u32): void {
  const body = sizeOfNumber(pairs) + packedBytes(parts, pairs, 0) + packedBytes(parts, pairs, 1);
  const rest = body + 2;
  const whole = sizeOfNumber(rest << 1) + rest;
  const count = <u32>((whole + (PAGE_BYTES - 1)) >> PAGE_BITS);
  const address = createBlock(stream, BLOCK_HEADER_BYTES + (count << 2));
  const block = blockAt(address);
  stream.tail = address;
  beginBlock(block, ms, seq);
  block.paged = 1;
  block.start = 0;
  block.end = <u32>whole;
  assert(pagesOfBlock(block) == count);
  for (let index: u32 = 0; index < count; index++) {
    const page = <u32>takePage(PageKind.Value);
    dirty(page, PAGE_BYTES);
    store<u32>(pageList(block) + (index << 2), page);
  }
  stream.blockBytes += (<u64>count) << PAGE_BITS;
  beginWriting(0, pageList(block), 0);
  putNumber((rest << 1) | 1);
  putNumber(0);
  putNumber(0);
  putNumber(pairs);
  putParts(parts, pairs, 0, 1);
  assert(to == block.end);
}

function appendToTail(stream: Stream, ms: u64, seq: u64, parts: usize, pairs: u32): void {
  let block = blockAt(stream.tail);
  const ahead = ms - block.ms;
  const second = ahead == 0 ? seq - block.seq : seq;
  const own = !keepsNames(block, parts, pairs);
  let body = packedBytes(parts, pairs, 1);
  if (own) body += sizeOfNumber(pairs) + packedBytes(parts, pairs, 0);
  const rest = body + sizeOfNumber(ahead) + sizeOfNumber(second);
  const bytes = rest + sizeOfNumber(rest << 1);
  if (<u64>block.end + bytes > <u64>block.room) {
    if (<u64>block.end + bytes > <u64>CELL_BYTES_MAX) {
      closeTail(stream);
      openBlock(stream, ms, seq, parts, pairs);
      return;
    }
    moveTail(stream, max(block.end + <u32>bytes, min(block.room << 1, bytesMax())));
    block = blockAt(stream.tail);
  } else {
    dirty(changetype<usize>(block), BLOCK_HEADER_BYTES);
    dirty(changetype<usize>(block) + block.end, <u32>bytes);
  }
  beginWriting(stream.tail, 0, block.end);
  putNumber((rest << 1) | <u64>own);
  putNumber(ahead);
  putNumber(second);
  if (own) {
    putNumber(pairs);
    putParts(parts, pairs, 0, 1);
  } else {
    putParts(parts, pairs, 1, 2);
  }
  block.last = block.end;
  block.end = to;
  block.entries++;
  block.made++;
}

/** True when the block keeps the very names that an entry has. */
function keepsNames(block: Block, parts: usize, pairs: u32): bool {
  if (!beginNames(block, pairs)) return false;
  for (let index: u32 = 0; index < pairs << 1; index += 2) {
    const name = nextName();
    if (nameBytes != partBytes(parts, index) || isPartPaged(parts, index)) return false;
    if (!equalBytes(name, partAddress(parts, index), nameBytes)) return false;
  }
  return true;
}

// ---- writing

/** The block that is written to, or the list of its pages, and where in it. */
let target: usize = 0;
let targetPages: usize = 0;
let to: u32 = 0;

function beginWriting(block: u32, pages: usize, offset: u32): void {
  target = block;
  targetPages = pages;
  to = offset;
}

@inline
function placeOf(offset: u32): usize {
  if (targetPages == 0) return target + offset;
  return <usize>load<u32>(targetPages + ((offset >> PAGE_BITS) << 2)) + (offset & (PAGE_BYTES - 1));
}

@inline
function putNumber(value: u64): void {
  let rest = value;
  for (; rest >= 0x80; rest >>= 7) store<u8>(placeOf(to++), <u8>(rest | 0x80));
  store<u8>(placeOf(to++), <u8>rest);
}

function putBytes(from: usize, bytes: u32): void {
  if (targetPages == 0) {
    copyBytes(target + to, from, bytes);
    to += bytes;
    return;
  }
  while (bytes > 0) {
    const piece = min(bytes, PAGE_BYTES - (to & (PAGE_BYTES - 1)));
    memory.copy(placeOf(to), from, piece);
    to += piece;
    from += piece;
    bytes -= piece;
  }
}

/** Parts from number `first` on, every `step`th of them, each behind its length. */
function putParts(parts: usize, pairs: u32, first: u32, step: u32): void {
  for (let index = first; index < pairs << 1; index += step) {
    const bytes = partBytes(parts, index);
    const from = partAddress(parts, index);
    putNumber(bytes);
    if (!isPartPaged(parts, index)) {
      putBytes(from, bytes);
      continue;
    }
    for (let offset: u32 = 0; offset < bytes; offset += PAGE_BYTES) {
      putBytes(<usize>load<u32>(from + ((offset >> PAGE_BITS) << 2)), min(bytes - offset, PAGE_BYTES));
    }
  }
}

// ---- copies

/** Appends a copy of another stream's block, whose ids are beyond the last. The memory is reserved. */
export function appendCopy(stream: Stream, from: Block, isTail: bool): void {
  const held = from.paged != 0 ? BLOCK_HEADER_BYTES + (pagesOfBlock(from) << 2) : from.end;
  const address = createBlock(stream, isTail ? from.room : held);
  const block = blockAt(address);
  const room = block.room;
  memory.copy(address, changetype<usize>(from), held);
  block.room = room;
  if (block.paged != 0) copyPages(stream, block);
  stream.length += block.entries;
  if (isTail) stream.tail = address;
  else insertId(blocksOf(stream), block.ms, block.seq, address);
}

function copyPages(stream: Stream, block: Block): void {
  const count = pagesOfBlock(block);
  stream.blockBytes += (<u64>count) << PAGE_BITS;
  for (let index: u32 = 0; index < count; index++) {
    const slot = pageList(block) + (index << 2);
    const page = takePage(PageKind.Value);
    dirty(page, PAGE_BYTES);
    memory.copy(page, <usize>load<u32>(slot), PAGE_BYTES);
    store<u32>(slot, <u32>page);
  }
}
