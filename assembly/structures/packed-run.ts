// Elements one after another, readable from both ends: what lists keep in their entries and in their nodes. Each has its length
// before and, mirrored, behind its bytes, so that a walk goes either way and both ends are found at once. An element of up
// to 127 bytes costs 2 bytes beside its own, a longer one 4.
//
//   length: below 128 one byte; else two, 0x80 | higher bits, then the lower ones | bytes | the same length, last byte first

import { copyBytes } from "../memory/memory";

/** The longest element that a run holds. */
export const RUN_ELEMENT_MAX: u32 = 4096;
const SHORT_MAX: u32 = 127;
const LONG: u32 = 0x80;

@inline
function lengthBytes(bytes: u32): u32 {
  return bytes <= SHORT_MAX ? 1 : 2;
}

/** Bytes that an element takes in a run. */
@inline
export function spanOf(bytes: u32): u32 {
  return bytes <= SHORT_MAX ? bytes + 2 : bytes + 4;
}

/** Bytes of the element that begins at an address. */
@inline
export function bytesAt(at: usize): u32 {
  const first: u32 = load<u8>(at);
  return first <= SHORT_MAX ? first : ((first & SHORT_MAX) << 8) | <u32>load<u8>(at, 1);
}

/** Bytes of the element that ends right before an address. */
@inline
export function bytesBefore(end: usize): u32 {
  const last: u32 = load<u8>(end - 1);
  return last <= SHORT_MAX ? last : ((last & SHORT_MAX) << 8) | <u32>load<u8>(end - 2);
}

/** Where the bytes of the element at an address lie; `bytes` is its length. */
@inline
export function contentAt(at: usize, bytes: u32): usize {
  return at + lengthBytes(bytes);
}

/** Writes an element; the caller has announced the change of `spanOf(bytes)` bytes. */
@inline
export function writeElement(at: usize, from: usize, bytes: u32): void {
  if (bytes <= SHORT_MAX) {
    store<u8>(at, <u8>bytes);
    copyBytes(at + 1, from, bytes);
    store<u8>(at + 1 + bytes, <u8>bytes);
    return;
  }
  store<u8>(at, <u8>(LONG | (bytes >> 8)));
  store<u8>(at, <u8>bytes, 1);
  copyBytes(at + 2, from, bytes);
  store<u8>(at + 2 + bytes, <u8>bytes);
  store<u8>(at + 2 + bytes, <u8>(LONG | (bytes >> 8)), 1);
}

/** Where the element behind the next `count` ones begins. */
export function skipForward(at: usize, count: u32): usize {
  for (; count > 0; count--) at += spanOf(bytesAt(at));
  return at;
}

/** Where the `count`th element before a place begins. */
export function skipBackward(at: usize, count: u32): usize {
  for (; count > 0; count--) at -= spanOf(bytesBefore(at));
  return at;
}

/** True when the bytes between two places, of elsewhere, are `count` elements that end where the last one must. */
export function isRunRight(at: usize, end: usize, count: u32): bool {
  for (; count > 0; count--) {
    if (end - at < 2) return false;
    const bytes = bytesAt(at);
    if (bytes > RUN_ELEMENT_MAX || <usize>spanOf(bytes) > end - at) return false;
    // A length has one form only.
    if (load<u8>(at) > <u8>SHORT_MAX && bytes <= SHORT_MAX) return false;
    at += spanOf(bytes);
    if (bytesBefore(at) != bytes || (load<u8>(at - 1) > <u8>SHORT_MAX && bytes <= SHORT_MAX)) return false;
  }
  return at == end;
}
