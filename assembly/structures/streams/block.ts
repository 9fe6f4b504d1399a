// A block of a stream: up to about a hundred entries packed one after another in a cell, each with the difference of its id to
// the block's, and without the names of its fields where they are those that the block keeps. An entry that is removed at the
// front moves the start, as trimming does, any other lets what follows move up. There is nothing to read an entry backwards by:
// whoever goes backwards notes where the entries of one block begin, which takes less than the bytes would.
//
//   block   see Block, then number of field names | for each: length | bytes            these and all below are varints
//           entries, from `start` to `end`
//   entry   bytes that follow << 1, + 1 when it has names of its own | ms beyond the block's id | its sequence number, beyond the
//           block's where ms is the same | with names of its own: fields | for each: length | name | length | value
//           without: for each: length | value
//
// What does not fit a cell, an entry of more than 32 KiB, is a block of its own that lies in pages: the block's cell then holds
// their addresses, and offsets count in them. Such an entry has names of its own.

import { PAGE_BITS, PAGE_BYTES, PAGED_ARGUMENT_BYTES, ZONE_OBJECT } from "../../layout";
import { release, releasePage } from "../../memory/memory";
import { readPages } from "../../memory/entry";

@unmanaged
export class Block {
  /** The id that the first entry had when the block was made. */
  ms: u64;
  seq: u64;
  /** Offsets behind the last entry, of the first and of the last one. */
  end: u32;
  start: u32;
  last: u32;
  /** Bytes of the cell. */
  room: u32;
  /** Entries that are there, and that ever were. */
  entries: u32;
  made: u32;
  /** 1 when the entry lies in pages. */
  paged: u32;
}

export const BLOCK_HEADER_BYTES: u32 = <u32>offsetof<Block>();
/** A block of more bytes lies in pages. */
export const CELL_BYTES_MAX: u32 = PAGED_ARGUMENT_BYTES;
/** Most bytes of an entry: the addresses of its pages fit a cell. */
export const ENTRY_BYTES_MAX: u32 = 16000 << PAGE_BITS;

@inline
export function blockAt(address: u32): Block {
  return changetype<Block>(<usize>address);
}

/** Pages that a block in pages has. */
@inline
export function pagesOfBlock(block: Block): u32 {
  return (block.end + (PAGE_BYTES - 1)) >> PAGE_BITS;
}

/** Bytes of memory that a block takes. */
export function bytesOfBlock(block: Block): u64 {
  return <u64>block.room + (block.paged != 0 ? (<u64>pagesOfBlock(block)) << PAGE_BITS : 0);
}

/** Where the addresses of a block's pages lie. */
@inline
export function pageList(block: Block): usize {
  return changetype<usize>(block) + BLOCK_HEADER_BYTES;
}

export function releaseBlock(block: Block): void {
  if (block.paged != 0) {
    const count = pagesOfBlock(block);
    for (let index: u32 = 0; index < count; index++) releasePage(<usize>load<u32>(pageList(block) + (index << 2)));
  }
  release(ZONE_OBJECT, changetype<usize>(block));
}

// ---- reading

/** The block that is read, and where in it. */
let base: usize = 0;
let pages: usize = 0;
let at: u32 = 0;

@inline
function byteAt(offset: u32): u32 {
  if (pages == 0) return load<u8>(base + offset);
  return load<u8>(<usize>load<u32>(pages + ((offset >> PAGE_BITS) << 2)) + (offset & (PAGE_BYTES - 1)));
}

@inline
function readNumber(): u64 {
  const byte = byteAt(at++);
  return byte < 0x80 ? byte : readLong(byte);
}

function readLong(first: u32): u64 {
  let value = <u64>(first & 0x7f);
  let shift: u64 = 7;
  let byte: u32;
  do {
    byte = byteAt(at++);
    value |= (<u64>(byte & 0x7f)) << shift;
    shift += 7;
  } while (byte >= 0x80 && shift < 64);
  return value;
}

/** The entry that was read last, valid until its block changes: its block, where it begins and where the next one would. */
export let entryBlock: u32 = 0;
export let entryOffset: u32 = 0;
export let entryEnd: u32 = 0;
export let entryMs: u64 = 0;
export let entrySeq: u64 = 0;
/** Fields, once `beginPairs` was called. */
export let entryPairs: u32 = 0;

let bodyAt: u32 = 0;
let namesAt: u32 = 0;
let hasOwnNames: bool = false;

/** Reads where an entry begins. */
export function readEntry(block: Block, offset: u32): void {
  base = changetype<usize>(block);
  pages = block.paged != 0 ? pageList(block) : 0;
  at = offset;
  const head = readNumber();
  const next = at + <u32>(head >> 1);
  const ahead = readNumber();
  const second = readNumber();
  entryBlock = <u32>base;
  entryOffset = offset;
  entryEnd = next;
  entryMs = block.ms + ahead;
  entrySeq = ahead == 0 ? block.seq + second : second;
  hasOwnNames = (head & 1) != 0;
  bodyAt = at;
}

/** Comes before the fields of the entry that was read: `entryPairs` tells how many `nextPair` will show. */
export function beginPairs(): void {
  at = hasOwnNames ? bodyAt : BLOCK_HEADER_BYTES;
  entryPairs = <u32>readNumber();
  if (hasOwnNames) bodyAt = at;
  else namesAt = at;
}

/** A field and its value: offsets in the block. */
export let nameOffset: u32 = 0;
export let nameBytes: u32 = 0;
export let valueOffset: u32 = 0;
export let valueBytes: u32 = 0;

/** Shows the next field of the entry that was read. */
export function nextPair(): void {
  at = hasOwnNames ? bodyAt : namesAt;
  nameBytes = <u32>readNumber();
  nameOffset = at;
  if (hasOwnNames) {
    at += nameBytes;
  } else {
    namesAt = at + nameBytes;
    at = bodyAt;
  }
  valueBytes = <u32>readNumber();
  valueOffset = at;
  bodyAt = at + valueBytes;
}

/** Copies bytes of the block of the entry that was read. */
export function readBlock(offset: u32, to: usize, bytes: u32): void {
  if (pages == 0) memory.copy(to, base + offset, bytes);
  else readPages(pages, offset, to, bytes);
}

/** Where bytes at an offset lie, and in `pieceBytes` how many of them lie together. */
export function pieceAt(offset: u32, bytes: u32): usize {
  if (pages == 0) {
    pieceBytes = bytes;
    return base + offset;
  }
  const within = offset & (PAGE_BYTES - 1);
  pieceBytes = min(bytes, PAGE_BYTES - within);
  return <usize>load<u32>(pages + ((offset >> PAGE_BITS) << 2)) + within;
}

export let pieceBytes: u32 = 0;

/** True when a block keeps so many names. */
export function beginNames(block: Block, pairs: u32): bool {
  base = changetype<usize>(block);
  pages = 0;
  at = BLOCK_HEADER_BYTES;
  return <u32>readNumber() == pairs;
}

/** The next of a block's names, `nameBytes` long. */
export function nextName(): usize {
  nameBytes = <u32>readNumber();
  const name = base + at;
  at += nameBytes;
  return name;
}
