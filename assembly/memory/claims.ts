// Who owns what: for a state that comes from elsewhere, or is about to leave. A walk from the tables claims every cell and page
// it finds; what is claimed twice, lies outside of its page, or is of another kind, ends the walk, and so does what
// the page table says is in use and nobody claimed. The map of claims has a bit for each 8 bytes that mean anything; in a
// state that leaves, all others are zeroed. Lists of free cells are made anew from it, so that nothing of them is believed.
// The map lies behind the last page that the state knows: 1 KiB a page.

import {
  PAGE_BITS,
  PAGE_BYTES,
  PageKind,
  SLAB_CLASSES,
  SLAB_HEAD_BYTES,
  SLAB_HEADS_BASE,
  SLAB_HEADS_BYTES,
} from "../layout";
import { isDurable } from "./copies";
import { growTo, Page, pageAt, state } from "./memory";
import { heapPages } from "./settings";
import { cellBytes, cellsOf } from "./slabs";

const UNIT_BITS: u32 = 3;
const MAP_PAGE_BITS: u32 = PAGE_BITS - UNIT_BITS - 3;
/** What a claim marks at least, so that it is known. */
export const CLAIM_MARK: u32 = 1 << UNIT_BITS;

let map: usize = 0;
let zeroing: bool = false;

/** Begins with nothing claimed; false when the machine has no memory for the map. */
export function beginClaims(zeroes: bool): bool {
  const bytes = state.freshPage << MAP_PAGE_BITS;
  const end = state.freshPage + ((bytes + PAGE_BYTES - 1) >> PAGE_BITS);
  if (heapPages() < end && !growTo(end)) return false;
  map = (<usize>state.freshPage) << PAGE_BITS;
  zeroing = zeroes;
  memory.fill(map, 0, bytes);
  // A page counts its claims where its place in a list is.
  for (let number = state.heapStart; number < state.freshPage; number++) pageAt(number).next = 0;
  return true;
}

@inline
function isMarked(address: usize): bool {
  const unit = address >> UNIT_BITS;
  return ((load<u8>(map + (unit >> 3)) >> (<u8>unit & 7)) & 1) != 0;
}

/** Says that bytes mean something; they begin at a multiple of 4. */
export function markBytes(address: usize, bytes: u32): void {
  if (bytes == 0) return;
  const end = address + bytes;
  const last = (end - 1) >> UNIT_BITS;
  for (let unit = address >> UNIT_BITS; unit <= last; ) {
    const byte = map + (unit >> 3);
    if ((unit & 7) == 0 && last - unit >= 7) {
      store<u8>(byte, 0xff);
      unit += 8;
    } else {
      store<u8>(byte, load<u8>(byte) | ((<u8>1) << (<u8>unit & 7)));
      unit++;
    }
  }
}

/** Zeroes what lies between the end of something and the next unit. */
function zeroTail(address: usize, bytes: u32): void {
  const end = address + bytes;
  const next = (end + (1 << UNIT_BITS) - 1) & ~((1 << UNIT_BITS) - 1);
  if (zeroing) memory.fill(end, 0, <u32>(next - end));
}

/** Zeroes what means nothing amid a claimed cell, in a state that leaves. */
export function clearGap(address: usize, bytes: u32): void {
  if (zeroing) memory.fill(address, 0, bytes);
}

/** Size of the cell at an address; 0 when there is none of the zone. */
export function cellAt(address: usize, zone: u32): u32 {
  const number = <u32>(address >> PAGE_BITS);
  if (number < state.heapStart || number >= state.freshPage) return 0;
  const page = pageAt(number);
  if (page.kind != PageKind.EntrySlab + zone || <u32>page.sizeClass >= SLAB_CLASSES) return 0;
  const size = cellBytes(page.sizeClass);
  const offset = <u32>address & (PAGE_BYTES - 1);
  const index = offset / size;
  return index * size == offset && index < <u32>page.fresh && <u32>page.fresh <= cellsOf(page.sizeClass) ? size : 0;
}

/** Claims a cell that must have `bytes`, of which the first `meant` mean something; the rest is marked by whoever knows. */
export function claimPart(address: usize, bytes: u32, meant: u32, zone: u32): bool {
  const size = cellAt(address, zone);
  if (size == 0 || bytes == 0 || bytes > size || isMarked(address)) return false;
  pageAt(<u32>(address >> PAGE_BITS)).next++;
  markBytes(address, max(meant, CLAIM_MARK));
  zeroTail(address, meant);
  return true;
}

@inline
export function claimCell(address: usize, bytes: u32, zone: u32): bool {
  return claimPart(address, bytes, bytes, zone);
}

/** Claims a whole page, of which the first `meant` bytes mean something. */
export function claimPage(address: usize, kind: u32, meant: u32): bool {
  const number = <u32>(address >> PAGE_BITS);
  if ((address & (PAGE_BYTES - 1)) != 0 || number < state.heapStart || number >= state.freshPage) return false;
  if (pageAt(number).kind != kind || isMarked(address)) return false;
  pageAt(number).next++;
  markBytes(address, max(meant, CLAIM_MARK));
  zeroTail(address, meant);
  return true;
}

/** Ends the claims: false when something in use was not claimed. Otherwise the lists of free cells are new. */
export function endClaims(): bool {
  for (let number = state.heapStart; number < state.freshPage; number++) {
    if (isDurable(pageAt(number).kind) && !isAllClaimed(pageAt(number))) return false;
  }
  memory.fill(SLAB_HEADS_BASE, 0, SLAB_HEADS_BYTES);
  for (let number = state.heapStart; number < state.freshPage; number++) {
    const page = pageAt(number);
    if (!isDurable(page.kind)) continue;
    if (zeroing) zeroRest(number);
    page.next = 0;
    page.previous = 0;
    if (isSlab(page)) listCells(number, page);
  }
  return true;
}

@inline
function isSlab(page: Page): bool {
  return page.kind >= <u8>PageKind.EntrySlab && page.kind <= <u8>PageKind.SegmentSlab;
}

function isAllClaimed(page: Page): bool {
  if (!isSlab(page)) return page.next == 1;
  return page.next == page.used && page.used != 0;
}

/** Zeroes what means nothing in a page. */
function zeroRest(number: u32): void {
  const page = (<usize>number) << PAGE_BITS;
  const first = map + ((<usize>number) << MAP_PAGE_BITS);
  for (let index: u32 = 0; index < 1 << MAP_PAGE_BITS; index++) {
    const bits = load<u8>(first + index);
    if (bits == 0xff) continue;
    const eight = page + ((<usize>index) << (UNIT_BITS + 3));
    for (let bit: u32 = 0; bit < 8; bit++) if (((bits >> <u8>bit) & 1) == 0) store<u64>(eight + (bit << UNIT_BITS), 0);
  }
}

/** Links the free cells of a page, and the page with others of its class. */
function listCells(number: u32, page: Page): void {
  const size = cellBytes(page.sizeClass);
  const cells = cellsOf(page.sizeClass);
  const base = (<usize>number) << PAGE_BITS;
  page.free = 0;
  for (let index: u32 = page.fresh; index > 0; index--) {
    const cell = base + (index - 1) * size;
    if (isMarked(cell)) continue;
    store<u16>(cell, page.free);
    page.free = <u16>index;
  }
  if (<u32>page.used == cells) return;
  const zone = <u32>page.kind - <u32>PageKind.EntrySlab;
  const head = SLAB_HEADS_BASE + (zone * SLAB_CLASSES + page.sizeClass) * SLAB_HEAD_BYTES;
  const first: u32 = load<u16>(head);
  page.next = <u16>first;
  if (first != 0) pageAt(first).previous = <u16>number;
  store<u16>(head, <u16>number);
  store<u32>(head, load<u32>(head, 4) + cells - page.used, 4);
}
