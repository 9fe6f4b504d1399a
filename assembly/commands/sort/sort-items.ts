// What SORT has in hand: an item of 16 bytes for each element, that says where its bytes lie and what it is sorted by. Nothing is
// copied, so nothing may be admitted, evicted or moved until the reply is written. The first 32,768 items lie in scratch memory;
// more take pages of the pool, which are given back at once. Sorted by quicksort that leaves alone what LIMIT does not ask for,
// and by heapsort where pivots are bad. The order is total: items that compare alike are told apart by their elements' bytes.
//
// Item: 0 address (u32) | 4 bytes, PAGED where the address is that of a list of pages (u32)
//       8 the number it is sorted by (f64), or address and bytes of a text (2 x u32), NOTHING bytes for none

import { PAGE_BITS, PAGE_BYTES, PageKind, SCRATCH_BASE } from "../../layout";
import { copyBytes, releasePage, takePage } from "../../memory/memory";

@unmanaged
export class SortItem {
  address: u32;
  bytes: u32;
  key: f64;
}

/** Set in a length: the address is that of a list of pages of 64 KiB. */
export const PAGED: u32 = 1 << 31;
/** The length of a text that is not there. */
export const NOTHING: u32 = 0xffffffff;

const ITEM_BITS: u32 = 4;
const PAGE_ITEM_BITS: u32 = PAGE_BITS - ITEM_BITS;
if (offsetof<SortItem>() != 1 << ITEM_BITS) ERROR("an item must stay 16 bytes");

// Scratch: addresses of pages of items (64 KiB) | the first pages of items | texts | the key looked up, by sort-pattern.ts
const TABLE_BASE: usize = SCRATCH_BASE;
const OWN_BASE: usize = SCRATCH_BASE + PAGE_BYTES;
const OWN_PAGES: u32 = 8;
const TEXTS_BASE: usize = OWN_BASE + OWN_PAGES * PAGE_BYTES;
export const TEXTS_BYTES: u32 = 3 * PAGE_BYTES;
/** Where a key may be put together. */
export const KEY_BASE: usize = TEXTS_BASE + TEXTS_BYTES;
/** The item that others are compared with. */
const PIVOT: usize = KEY_BASE + 2 * PAGE_BYTES;

/** Most elements that SORT takes. */
export const ITEMS_MAX: u32 = (PAGE_BYTES >> 2) << PAGE_ITEM_BITS;

let count: u32 = 0;
/** Pages that hold them. */
let pages: u32 = 0;
let textAt: usize = 0;

/** Pages of the pool that so many items take. */
export function pagesForItems(items: u32): u32 {
  const whole = (items + (1 << PAGE_ITEM_BITS) - 1) >> PAGE_ITEM_BITS;
  return whole > OWN_PAGES ? whole - OWN_PAGES : 0;
}

/** Begins with no items. */
export function startItems(): void {
  count = 0;
  pages = 0;
  textAt = TEXTS_BASE;
}

@inline
export function sortItemAt(index: u32): SortItem {
  const page = <usize>load<u32>(TABLE_BASE + ((index >> PAGE_ITEM_BITS) << 2));
  return changetype<SortItem>(page + ((<usize>(index & ((1 << PAGE_ITEM_BITS) - 1))) << ITEM_BITS));
}

/** Adds an item; the memory was admitted. */
export function addItem(address: usize, bytes: u32): void {
  if ((count & ((1 << PAGE_ITEM_BITS) - 1)) == 0) {
    const own = pages < OWN_PAGES;
    const page = own ? OWN_BASE + ((<usize>pages) << PAGE_BITS) : takePage(PageKind.Scratch);
    store<u32>(TABLE_BASE + ((<usize>pages) << 2), <u32>page);
    pages++;
  }
  const item = sortItemAt(count++);
  item.address = <u32>address;
  item.bytes = bytes;
  item.key = 0;
}

/** Adds an item with a copy of its text: of a number in a packed set, all of which have room here. */
export function addText(text: usize, bytes: u32): void {
  assert(textAt + bytes <= TEXTS_BASE + TEXTS_BYTES);
  copyBytes(textAt, text, bytes);
  addItem(textAt, bytes);
  textAt += bytes;
}

/** Gives back what the items took. */
export function endItems(): void {
  for (let page = OWN_PAGES; page < pages; page++) releasePage(<usize>load<u32>(TABLE_BASE + ((<usize>page) << 2)));
  pages = 0;
}

// ---- comparing

/** How items are compared; call-scoped. */
let byText: bool = false;
let byKeys: bool = false;
let descending: bool = false;

/** The bytes of a text from an offset on that lie in one piece: where, and in `pieceBytes` how many. */
let pieceBytes: u32 = 0;
function pieceOf(address: usize, bytes: u32, offset: u32): usize {
  const left = (bytes & ~PAGED) - offset;
  pieceBytes = left;
  if ((bytes & PAGED) == 0) return address + offset;
  const within = offset & (PAGE_BYTES - 1);
  pieceBytes = min(left, PAGE_BYTES - within);
  return <usize>load<u32>(address + ((offset >> PAGE_BITS) << 2)) + within;
}

function comparePaged(a: usize, aBytes: u32, b: usize, bBytes: u32): i32 {
  const common = min(aBytes & ~PAGED, bBytes & ~PAGED);
  for (let offset: u32 = 0; offset < common; ) {
    const one = pieceOf(a, aBytes, offset);
    const oneBytes = pieceBytes;
    const other = pieceOf(b, bBytes, offset);
    const bytes = min(min(oneBytes, pieceBytes), common - offset);
    const order = memory.compare(one, other, bytes);
    if (order != 0) return order;
    offset += bytes;
  }
  return lengthOrder(aBytes & ~PAGED, bBytes & ~PAGED);
}

@inline
function lengthOrder(a: u32, b: u32): i32 {
  return <i32>(a > b) - <i32>(a < b);
}

/** Order of two texts by their bytes. */
function compareTexts(a: usize, aBytes: u32, b: usize, bBytes: u32): i32 {
  if (((aBytes | bBytes) & PAGED) != 0) return comparePaged(a, aBytes, b, bBytes);
  const order = memory.compare(a, b, min(aBytes, bBytes));
  return order != 0 ? order : lengthOrder(aBytes, bBytes);
}

/** Order of the texts that two items are sorted by; one that has none comes first. */
function compareKeys(a: usize, b: usize): i32 {
  const aBytes = load<u32>(a, 12);
  const bBytes = load<u32>(b, 12);
  if (aBytes == NOTHING || bBytes == NOTHING) return <i32>(aBytes != NOTHING) - <i32>(bBytes != NOTHING);
  return compareTexts(load<u32>(a, 8), aBytes, load<u32>(b, 8), bBytes);
}

function compareItems(one: SortItem, other: SortItem): i32 {
  let order: i32 = 0;
  if (!byText) order = <i32>(one.key > other.key) - <i32>(one.key < other.key);
  else if (byKeys) order = compareKeys(changetype<usize>(one), changetype<usize>(other));
  if (order == 0) order = compareTexts(one.address, one.bytes, other.address, other.bytes);
  return descending ? -order : order;
}

// ---- sorting

/** Shorter stretches are sorted by insertion. */
const SHORT: u32 = 16;
/** What is wanted in order. */
let wantedStart: u32 = 0;
let wantedEnd: u32 = 0;

/**
 * Puts the items from `start` to `end` where they belong among all.
 *
 * @param text by texts, else by numbers
 * @param keys by the texts set as keys, else by the elements themselves
 */
export function sortItems(start: u32, end: u32, text: bool, keys: bool, backwards: bool): void {
  byText = text;
  byKeys = keys;
  descending = backwards;
  wantedStart = start;
  wantedEnd = end;
  if (count > 1) sortRange(0, count, (32 - clz(count)) << 1);
}

@inline
function copyItem(to: SortItem, from: SortItem): void {
  v128.store(changetype<usize>(to), v128.load(changetype<usize>(from)));
}

function exchange(one: u32, other: u32): void {
  const a = changetype<usize>(sortItemAt(one));
  const b = changetype<usize>(sortItemAt(other));
  const kept = v128.load(a);
  v128.store(a, v128.load(b));
  v128.store(b, kept);
}

function sortRange(low: u32, high: u32, depth: u32): void {
  while (high - low > SHORT) {
    if (low >= wantedEnd || high <= wantedStart) return;
    if (depth-- == 0) {
      sortByHeap(low, high);
      return;
    }
    const middle = divide(low, high);
    // The smaller part by a call of its own, so that these stay few.
    if (middle - low < high - middle) {
      sortRange(low, middle, depth);
      low = middle;
    } else {
      sortRange(middle, high, depth);
      high = middle;
    }
  }
  sortByInsertion(low, high);
}

/** Hoare's partition by the median of three; answers where the second part begins, neither is empty. */
function divide(low: u32, high: u32): u32 {
  const pivot = changetype<SortItem>(PIVOT);
  const middle = low + ((high - low) >> 1);
  if (compareItems(sortItemAt(middle), sortItemAt(low)) < 0) exchange(middle, low);
  if (compareItems(sortItemAt(high - 1), sortItemAt(middle)) < 0) {
    exchange(high - 1, middle);
    if (compareItems(sortItemAt(middle), sortItemAt(low)) < 0) exchange(middle, low);
  }
  copyItem(pivot, sortItemAt(middle));
  let left = low;
  let right = high - 1;
  while (true) {
    do left++;
    while (compareItems(sortItemAt(left), pivot) < 0);
    do right--;
    while (compareItems(pivot, sortItemAt(right)) < 0);
    if (left >= right) return left;
    exchange(left, right);
  }
}

function sortByInsertion(low: u32, high: u32): void {
  const held = changetype<SortItem>(PIVOT);
  for (let index = low + 1; index < high; index++) {
    copyItem(held, sortItemAt(index));
    let place = index;
    while (place > low && compareItems(held, sortItemAt(place - 1)) < 0) {
      copyItem(sortItemAt(place), sortItemAt(place - 1));
      place--;
    }
    copyItem(sortItemAt(place), held);
  }
}

function sortByHeap(low: u32, high: u32): void {
  const items = high - low;
  for (let root = items >> 1; root > 0; root--) siftDown(low, root - 1, items);
  for (let left = items - 1; left > 0; left--) {
    exchange(low, low + left);
    siftDown(low, 0, left);
  }
}

function siftDown(low: u32, root: u32, items: u32): void {
  while (true) {
    let child = (root << 1) + 1;
    if (child >= items) return;
    if (child + 1 < items && compareItems(sortItemAt(low + child), sortItemAt(low + child + 1)) < 0) child++;
    if (compareItems(sortItemAt(low + root), sortItemAt(low + child)) >= 0) return;
    exchange(low + root, low + child);
    root = child;
  }
}
