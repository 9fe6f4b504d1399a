// An array of fixed-size records in whole pages: record `index` lies in block index / perBlock, and a table gives the
// address of each block, so growing never copies records and nothing needs more contiguous memory than a page. The
// division is a multiply by a 40-bit reciprocal. Small arrays do not pay for a page: the first block starts as a slab
// cell of one record and doubles (copied, at most 32 KiB) until it is a page. The table of block addresses is a cell
// that doubles too, up to 16,384 addresses, then more tables follow (four cover every page there is).
//
// Where threads share the memory, others may read records while blocks are added; when the first block or a table moves,
// they are kept out for a while.

import { PAGE_BYTES, PageKind, ZONE_OBJECT } from "../layout";
import { allocate, copyBytes, dirty, release, releasePage, takePage } from "../memory/memory";
import { holdPool } from "../memory/threads";

const TABLES: u32 = 4;
const TABLE_BITS: u32 = 14;
const TABLE_ADDRESSES: u32 = 1 << TABLE_BITS;
const TABLE_FIRST: u32 = 16;
const RECIPROCAL_BITS: u64 = 40;

@unmanaged
export class Blocks {
  recordBytes: u32;
  perBlock: u32;
  /** 2^40 / perBlock rounded up; exact for every index that four tables can hold. */
  reciprocal: u64;
  /** Blocks held. */
  count: u32;
  /** Records the first block has room for; perBlock once it is a page. */
  firstRecords: u32;
  /** Addresses the last table has room for. */
  tableRoom: u32;
  padding: u32;
  table0: u32;
  table1: u32;
  table2: u32;
  table3: u32;
}

/** Prepares an empty array; `recordBytes` is a multiple of 4, at most a page. */
export function initializeBlocks(blocks: Blocks, recordBytes: u32): void {
  memory.fill(changetype<usize>(blocks), 0, offsetof<Blocks>());
  blocks.recordBytes = recordBytes;
  blocks.perBlock = PAGE_BYTES / recordBytes;
  blocks.reciprocal = ((<u64>1) << RECIPROCAL_BITS) / blocks.perBlock + 1;
}

@inline
function tableSlot(blocks: Blocks, table: u32): usize {
  return changetype<usize>(blocks) + offsetof<Blocks>("table0") + (table << 2);
}

@inline
function blockSlot(blocks: Blocks, block: u32): usize {
  return <usize>load<u32>(tableSlot(blocks, block >> TABLE_BITS)) + ((block & (TABLE_ADDRESSES - 1)) << 2);
}

/** Address of a record. The block must be held. */
@inline
export function recordAt(blocks: Blocks, index: u32): usize {
  const block = <u32>((<u64>index * blocks.reciprocal) >> RECIPROCAL_BITS);
  return <usize>load<u32>(blockSlot(blocks, block)) + (index - block * blocks.perBlock) * blocks.recordBytes;
}

/** Records there is room for without growing. */
export function roomOf(blocks: Blocks): u32 {
  return blocks.count < 2 ? blocks.firstRecords : blocks.count * blocks.perBlock;
}

/** Pages that growing to hold record `index` may take: a block, and a larger table where the last one is full. */
export function pagesToGrow(blocks: Blocks, index: u32): u32 {
  if (index < roomOf(blocks)) return 0;
  const place = blocks.count & (TABLE_ADDRESSES - 1);
  return 1 + <u32>(place == 0 || place == blocks.tableRoom);
}

/** Makes room for record `index`, which follows the last one. Pages must have been reserved. */
export function growTo(blocks: Blocks, index: u32): void {
  if (index < roomOf(blocks)) return;
  dirty(changetype<usize>(blocks), offsetof<Blocks>());
  if (index < blocks.perBlock) growFirst(blocks);
  else appendBlock(blocks, takePage(PageKind.Vector));
}

function growFirst(blocks: Blocks): void {
  holdPool();
  const records = min(max(blocks.firstRecords << 1, 1), blocks.perBlock);
  const bytes = blocks.firstRecords * blocks.recordBytes;
  const whole = records == blocks.perBlock;
  const block = whole ? takePage(PageKind.Vector) : allocate(ZONE_OBJECT, records * blocks.recordBytes);
  if (blocks.firstRecords == 0) {
    appendBlock(blocks, block);
  } else {
    const slot = blockSlot(blocks, 0);
    const old = <usize>load<u32>(slot);
    dirty(block, bytes);
    copyBytes(block, old, bytes);
    release(ZONE_OBJECT, old);
    dirty(slot, 4);
    store<u32>(slot, <u32>block);
  }
  blocks.firstRecords = records;
}

function appendBlock(blocks: Blocks, block: usize): void {
  const place = blocks.count & (TABLE_ADDRESSES - 1);
  const slot = tableSlot(blocks, blocks.count >> TABLE_BITS);
  if (place == 0) {
    assert(blocks.count >> TABLE_BITS < TABLES);
    blocks.tableRoom = TABLE_FIRST;
    store<u32>(slot, <u32>allocate(ZONE_OBJECT, TABLE_FIRST << 2));
  } else if (place == blocks.tableRoom) {
    holdPool();
    const old = <usize>load<u32>(slot);
    const table = allocate(ZONE_OBJECT, blocks.tableRoom << 3);
    copyBytes(table, old, blocks.tableRoom << 2);
    release(ZONE_OBJECT, old);
    store<u32>(slot, <u32>table);
    blocks.tableRoom <<= 1;
  }
  const at = blockSlot(blocks, blocks.count);
  dirty(at, 4);
  store<u32>(at, <u32>block);
  blocks.count++;
}

/** Gives back the blocks behind that of record `records` - 1, the last first; one block stays. */
export function shrinkTo(blocks: Blocks, records: u32): void {
  dirty(changetype<usize>(blocks), offsetof<Blocks>());
  while (blocks.count > 1 && (blocks.count - 1) * blocks.perBlock >= records) {
    const last = --blocks.count;
    releasePage(<usize>load<u32>(blockSlot(blocks, last)));
    if ((last & (TABLE_ADDRESSES - 1)) != 0) continue;
    release(ZONE_OBJECT, <usize>load<u32>(tableSlot(blocks, last >> TABLE_BITS)));
    blocks.tableRoom = TABLE_ADDRESSES;
  }
}

/** Gives up to `limit` blocks back, the last first, and the tables with the last block; true when nothing is left. */
export function releaseBlocks(blocks: Blocks, limit: u32): bool {
  dirty(changetype<usize>(blocks), offsetof<Blocks>());
  holdPool();
  while (blocks.count != 0 && limit != 0) {
    const last = --blocks.count;
    const block = <usize>load<u32>(blockSlot(blocks, last));
    if (last == 0 && blocks.firstRecords < blocks.perBlock) release(ZONE_OBJECT, block);
    else releasePage(block);
    if ((last & (TABLE_ADDRESSES - 1)) == 0)
      release(ZONE_OBJECT, <usize>load<u32>(tableSlot(blocks, last >> TABLE_BITS)));
    limit--;
  }
  return blocks.count == 0;
}

/** Bytes of the blocks and their tables. */
export function bytesOfBlocks(blocks: Blocks): u64 {
  const first =
    <u64>min(blocks.count, 1) *
    (blocks.firstRecords == blocks.perBlock ? PAGE_BYTES : blocks.firstRecords * blocks.recordBytes);
  const others = blocks.count > 1 ? <u64>(blocks.count - 1) * PAGE_BYTES : 0;
  const tables = <u64>(blocks.count >> TABLE_BITS) * (TABLE_ADDRESSES << 2);
  return first + others + tables + ((<u64>blocks.tableRoom) << 2);
}
