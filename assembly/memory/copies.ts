// Copies of blocks that are about to change while a snapshot is written. WebAssembly has neither fork nor page protection,
// so the announcement that precedes every change does what those would: the first one of a block that the snapshot still
// needs copies its 4 KiB to pages set aside when the snapshot began, and the host fetches the copies between two calls.
// One byte a block says all there is to say, and the one a busy block has is the one that costs a load and nothing more.
// A command that changes more blocks than there is room for ends the snapshot, never the command.

import { BLOCK_BITS, COPIES_BASE, COPIES_BYTES, COPY_PAGES_MAX, DIRTY_BASE, PAGE_BITS, PageKind } from "../layout";

/** What the byte of a block in the map of changes says. */
export const enum Mark {
  /** Not changed since the last snapshot's cut. */
  Unchanged = 0,
  Changed = 1,
  /** The running snapshot has not taken it: it must be copied before it changes. */
  Wanted = 2,
}

export const enum Copying {
  Off = 0,
  On = 1,
  /** There was no room for a copy: what the snapshot has is not the state at its cut. */
  Outrun = 2,
}

// The record at COPIES_BASE; the addresses of the pages (u32 each) follow it.
@unmanaged
export class Copies {
  /** One of Copying. */
  status: u32;
  /** Copies made and not fetched. */
  count: u32;
  /** Copies there is room for. */
  room: u32;
  /** Page with the block number of each copy (u32). */
  numbers: u32;
  /** Page that the snapshot looks at next, and the first one that the cut does not know. */
  cursor: u32;
  end: u32;
  /** Pages taken for copies. */
  pages: u32;
  /** Pages that the cut will want, as they were counted when memory was made ready for it. */
  likely: u32;
}

const RECORD_BYTES: u32 = 32;
if (offsetof<Copies>() != RECORD_BYTES) ERROR("the record of copies must stay 32 bytes");
if (RECORD_BYTES + COPY_PAGES_MAX * 4 > COPIES_BYTES) ERROR("the record of copies must fit its region");

const BLOCKS_A_PAGE_BITS: u32 = PAGE_BITS - BLOCK_BITS;

export const copies = changetype<Copies>(<usize>COPIES_BASE);

/** Where the address of a page for copies stands. */
@inline
export function copyPageSlot(index: u32): usize {
  return <usize>(COPIES_BASE + RECORD_BYTES) + ((<usize>index) << 2);
}

/** Where a copy lies. */
@inline
export function copyAt(index: u32): usize {
  const page = <usize>load<u32>(copyPageSlot(index >> BLOCKS_A_PAGE_BITS));
  return page + ((<usize>(index & ((1 << BLOCKS_A_PAGE_BITS) - 1))) << BLOCK_BITS);
}

/** Notes that a block which was not marked as changed is about to change. */
export function changeBlock(block: usize): void {
  const mark = <usize>DIRTY_BASE + block;
  if (load<u8>(mark) == <u8>Mark.Wanted) copyAside(block);
  store<u8>(mark, <u8>Mark.Changed);
}

function copyAside(block: usize): void {
  if (copies.status != Copying.On) return;
  if (copies.count == copies.room) {
    copies.status = Copying.Outrun;
    return;
  }
  memory.copy(copyAt(copies.count), block << BLOCK_BITS, 1 << BLOCK_BITS);
  store<u32>(<usize>copies.numbers + ((<usize>copies.count) << 2), <u32>block);
  copies.count++;
}

/** True for pages that are part of the database; eviction's queues are made anew, their stamps change unannounced. */
export function isDurable(kind: u32): bool {
  switch (kind) {
    case PageKind.EntrySlab:
    case PageKind.ObjectSlab:
    case PageKind.FieldSlab:
    case PageKind.SegmentSlab:
    case PageKind.Value:
    case PageKind.Vector:
      return true;
    default:
      return false;
  }
}

/** A free page that the snapshot wants is about to be written without announcements: what it still wants of it is copied. */
export function keepPage(number: u32): void {
  const first = (<usize>number) << BLOCKS_A_PAGE_BITS;
  for (let block = first; block < first + (1 << BLOCKS_A_PAGE_BITS); block++) {
    if (load<u8>(<usize>DIRTY_BASE + block) == <u8>Mark.Wanted) changeBlock(block);
  }
}
