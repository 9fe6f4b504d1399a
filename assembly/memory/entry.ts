// One entry: a key with its value in one cell, or a field with its value in a large hash. The header is 12 bytes;
// an expiry costs 8 more only where there is one. A value over 32 KiB lies in pages of its own and the entry holds
// their addresses, so that no value needs more contiguous memory than a page and a received one is adopted, not
// copied. The price: such a value's last page is not shared (32 KiB lost on average).
//
//   0 value bytes (u32) | 4 key bytes (u16) | 6 type, encoding << 4 (u8) | 7 flags (u8) | 8 access (u32)
//   12 expiry, ms since epoch (i64), only with EXPIRES | key | value, or with PAGED one u32 address for each 64 KiB

import { PAGE_BITS, PAGE_BYTES, PageKind, PAGED_ARGUMENT_BYTES } from "../layout";
import { allocate, copyBytes, dirty, pageOf, release, releasePage, takePage } from "./memory";
import { classOf } from "./slabs";

@unmanaged
export class Entry {
  valueBytes: u32;
  keyBytes: u16;
  type: u8;
  flags: u8;
  /** Time or frequency of the last access, as the eviction policy reads it. Not announced as dirty. */
  access: u32;
}

export const ENTRY_HEADER_BYTES: u32 = 12;
export const EXPIRY_BYTES: u32 = 8;
export const EXPIRES: u8 = 1;
export const PAGED: u8 = 2;
/** A longer value is paged. */
export const INLINE_VALUE_MAX: u32 = PAGED_ARGUMENT_BYTES;

if (offsetof<Entry>() != ENTRY_HEADER_BYTES) ERROR("an entry header must stay 12 bytes");

export const TYPE_STRING: u8 = 0;
export const TYPE_HASH: u8 = 1;
export const TYPE_LIST: u8 = 2;
export const TYPE_SET: u8 = 3;
export const TYPE_SORTED_SET: u8 = 4;
export const TYPE_STREAM: u8 = 5;
export const TYPE_VECTOR_SET: u8 = 6;
export const TYPE_MASK: u8 = 15;
/** A hash or set whose value is a Table of field entries. */
export const ENCODING_TABLE: u8 = 16;
/** A set whose value is packed integers. */
export const ENCODING_INTEGERS: u8 = 32;

@inline
export function entryAt(address: usize): Entry {
  return changetype<Entry>(address);
}

@inline
export function typeOf(entry: usize): u8 {
  return entryAt(entry).type & TYPE_MASK;
}

@inline
export function keyOf(entry: usize): usize {
  return entry + ENTRY_HEADER_BYTES + ((<usize>(entryAt(entry).flags & EXPIRES)) << 3);
}

/** Where the value lies, or where the addresses of its pages lie when it is paged. */
@inline
export function valueOf(entry: usize): usize {
  return keyOf(entry) + entryAt(entry).keyBytes;
}

@inline
export function isPaged(entry: usize): bool {
  return (entryAt(entry).flags & PAGED) != 0;
}

@inline
export function expires(entry: usize): bool {
  return (entryAt(entry).flags & EXPIRES) != 0;
}

/** Expiry in ms since epoch; only where `expires`. */
@inline
export function expiryOf(entry: usize): i64 {
  return load<i64>(entry, ENTRY_HEADER_BYTES);
}

@inline
export function pagesFor(valueBytes: u32): u32 {
  return (valueBytes + PAGE_BYTES - 1) >> PAGE_BITS;
}

/** Bytes of the cell that holds such an entry. */
@inline
export function entryBytes(keyBytes: u32, valueBytes: u32, expiring: bool): u32 {
  const held = valueBytes > INLINE_VALUE_MAX ? pagesFor(valueBytes) << 2 : valueBytes;
  return ENTRY_HEADER_BYTES + ((<u32>expiring) << 3) + keyBytes + held;
}

/** Pages that making such an entry may take: one for its cell, the rest for a paged value. */
@inline
export function entryPages(valueBytes: u32): u32 {
  return 1 + (valueBytes > INLINE_VALUE_MAX ? pagesFor(valueBytes) : 0);
}

/**
 * Makes an entry with its key written and its value undefined. A paged one (over 32 KiB) has no pages yet: the caller
 * stores their addresses, or calls `takeValuePages`. The caller has reserved the memory.
 */
export function createEntry(zone: u32, key: usize, keyBytes: u32, type: u8, valueBytes: u32, expiring: bool): usize {
  const address = allocate(zone, entryBytes(keyBytes, valueBytes, expiring));
  const entry = entryAt(address);
  entry.valueBytes = valueBytes;
  entry.keyBytes = <u16>keyBytes;
  entry.type = type;
  entry.flags = <u8>expiring | (valueBytes > INLINE_VALUE_MAX ? PAGED : 0);
  entry.access = 0;
  copyBytes(keyOf(address), key, keyBytes);
  return address;
}

/** Gives a paged entry its pages from number `from` on, undefined in content. */
export function takeValuePages(entry: usize, from: u32): void {
  const list = valueOf(entry);
  const count = pagesFor(entryAt(entry).valueBytes);
  for (let index = from; index < count; index++) {
    store<u32>(list + (index << 2), <u32>takePage(PageKind.Value));
  }
}

/** Frees the cell and the pages of the value; objects inside the value are the caller's. */
export function freeEntry(zone: u32, entry: usize): void {
  if (isPaged(entry)) {
    const list = valueOf(entry);
    const count = pagesFor(entryAt(entry).valueBytes);
    for (let index: u32 = 0; index < count; index++) releasePage(<usize>load<u32>(list + (index << 2)));
  }
  release(zone, entry);
}

/** True when the cell of `entry` is of the class that `bytes` would get. */
@inline
export function fitsCell(entry: usize, bytes: u32): bool {
  return classOf(bytes) == <u32>pageOf(entry).sizeClass;
}

/** Copies `bytes` that lie in the pages listed at `list`, from `offset` on, to `to`. */
export function readPages(list: usize, offset: u32, to: usize, bytes: u32): void {
  while (bytes > 0) {
    const within = offset & (PAGE_BYTES - 1);
    const piece = min(bytes, PAGE_BYTES - within);
    memory.copy(to, <usize>load<u32>(list + ((offset >> PAGE_BITS) << 2)) + within, piece);
    to += piece;
    offset += piece;
    bytes -= piece;
  }
}

/** Copies `bytes` from `from` into the value at `offset`, which must lie within it. Announces the change. */
export function writeValue(entry: usize, offset: u32, from: usize, bytes: u32): void {
  if (!isPaged(entry)) {
    const to = valueOf(entry) + offset;
    if (bytes > 0) dirty(to, bytes);
    copyBytes(to, from, bytes);
    return;
  }
  const list = valueOf(entry);
  while (bytes > 0) {
    const within = offset & (PAGE_BYTES - 1);
    const piece = min(bytes, PAGE_BYTES - within);
    const to = <usize>load<u32>(list + ((offset >> PAGE_BITS) << 2)) + within;
    dirty(to, piece);
    memory.copy(to, from, piece);
    from += piece;
    offset += piece;
    bytes -= piece;
  }
}

/** Zeroes `bytes` of the value from `offset` on. */
export function zeroValue(entry: usize, offset: u32, bytes: u32): void {
  if (!isPaged(entry)) {
    if (bytes > 0) dirty(valueOf(entry) + offset, bytes);
    memory.fill(valueOf(entry) + offset, 0, bytes);
    return;
  }
  const list = valueOf(entry);
  while (bytes > 0) {
    const within = offset & (PAGE_BYTES - 1);
    const piece = min(bytes, PAGE_BYTES - within);
    const to = <usize>load<u32>(list + ((offset >> PAGE_BITS) << 2)) + within;
    dirty(to, piece);
    memory.fill(to, 0, piece);
    offset += piece;
    bytes -= piece;
  }
}

/** Copies `bytes` of one entry's value to another's, either of them paged or not. */
export function copyValue(to: usize, from: usize, bytes: u32): void {
  if (!isPaged(from)) {
    writeValue(to, 0, valueOf(from), bytes);
    return;
  }
  const list = valueOf(from);
  for (let offset: u32 = 0; offset < bytes; offset += PAGE_BYTES) {
    const piece = min(bytes - offset, PAGE_BYTES);
    writeValue(to, offset, <usize>load<u32>(list + ((offset >> PAGE_BITS) << 2)), piece);
  }
}
