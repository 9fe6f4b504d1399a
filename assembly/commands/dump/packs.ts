// The ways in which Redis packs a small value into one string, an element at a time: listpacks (since 5), ziplists (until 6.2) and
// sets of integers. Nothing of what stands in a pack is believed: each length is held against its end.

import { damage, isDamaged, showDigits, showText } from "./payload";

export const enum Pack {
  Listpack = 0,
  Ziplist = 1,
  Integers = 2,
}

const LISTPACK_HEADER_BYTES: u32 = 6;
const ZIPLIST_HEADER_BYTES: u32 = 10;
const INTEGERS_HEADER_BYTES: u32 = 8;
const END: u32 = 0xff;

let kind: Pack = Pack.Listpack;
let at: usize = 0;
let end: usize = 0;
/** Bytes of an integer of a set. */
let width: u32 = 0;

/** Begins with a pack that has so many bytes; zeros may be read up to 16 bytes past it. */
export function openPack(pack: Pack, address: usize, bytes: u32): void {
  kind = pack;
  at = address;
  end = address + bytes;
  store<u64>(end, 0);
  store<u64>(end, 0, 8);
  if (pack == Pack.Integers) openIntegers(address, bytes);
  else openList(address, bytes, pack == Pack.Listpack ? LISTPACK_HEADER_BYTES : ZIPLIST_HEADER_BYTES);
}

function openIntegers(address: usize, bytes: u32): void {
  if (bytes < INTEGERS_HEADER_BYTES) {
    damage();
    return;
  }
  width = load<u32>(address);
  const right = width == 2 || width == 4 || width == 8;
  if (!right || <u64>load<u32>(address, 4) * width != bytes - INTEGERS_HEADER_BYTES) damage();
  at = address + INTEGERS_HEADER_BYTES;
}

/** Both kinds begin with their length and end with a byte of ones. */
function openList(address: usize, bytes: u32, header: u32): void {
  if (bytes <= header || load<u32>(address) != bytes || <u32>load<u8>(end - 1) != END) {
    damage();
    return;
  }
  at = address + header;
  end--;
}

/** Shows the next element of the pack; false after the last, or when the pack is damaged. */
export function nextOfPack(): bool {
  if (isDamaged || at == end) return false;
  if (kind == Pack.Integers) {
    showDigits(integerOf(at, width));
    at += width;
  } else if (kind == Pack.Listpack) {
    nextOfListpack();
  } else {
    nextOfZiplist();
  }
  if (at > end) damage();
  return !isDamaged;
}

/** A little-endian integer with a sign. */
function integerOf(address: usize, bytes: u32): i64 {
  const unused = (8 - bytes) << 3;
  return (load<i64>(address) << unused) >> unused;
}

function showPiece(bytes: u32, address: usize): void {
  if (<usize>bytes > end - min(address, end)) damage();
  else showText(address, bytes);
}

function nextOfListpack(): void {
  const first: u32 = load<u8>(at);
  const second: u32 = load<u8>(at, 1);
  let bytes: u32 = 1;
  if (first < 0x80) {
    showDigits(first);
  } else if (first < 0xc0) {
    bytes += first & 0x3f;
    showPiece(first & 0x3f, at + 1);
  } else if (first < 0xe0) {
    bytes = 2;
    // 13 bits with a sign.
    showDigits(<i64>(<i32>((((first & 0x1f) << 8) | second) << 19) >> 19));
  } else if (first < 0xf0) {
    const length = ((first & 0x0f) << 8) | second;
    bytes = 2 + length;
    showPiece(length, at + 2);
  } else if (first == 0xf0) {
    const length = load<u32>(at, 1);
    bytes = 5 + min<u32>(length, 0x40000000);
    showPiece(length, at + 5);
  } else if (first <= 0xf4) {
    const width = first == 0xf4 ? 8 : first - 0xef;
    bytes = 1 + width;
    showDigits(integerOf(at + 1, width));
  } else {
    damage();
  }
  at += bytes + lengthBehind(bytes);
}

/** Bytes of the length that stands behind an element; from the second border on they are one lower than seven bits a byte. */
function lengthBehind(bytes: u32): u32 {
  if (bytes < 1 << 7) return 1;
  if (bytes < (1 << 14) - 1) return 2;
  if (bytes < (1 << 21) - 1) return 3;
  return bytes < (1 << 28) - 1 ? 4 : 5;
}

function nextOfZiplist(): void {
  at += <u32>load<u8>(at) < 254 ? 1 : 5;
  if (at >= end) {
    damage();
    return;
  }
  const first: u32 = load<u8>(at);
  if (first < 0x40) {
    takePiece(first, 1);
  } else if (first < 0x80) {
    takePiece(((first & 0x3f) << 8) | <u32>load<u8>(at, 1), 2);
  } else if (first == 0x80) {
    takePiece(bswap<u32>(load<u32>(at, 1)), 5);
  } else {
    const bytes = ziplistWidth(first);
    if (bytes == 0 && (first <= 0xf0 || first >= 0xfe)) damage();
    showDigits(bytes == 0 ? <i64>(first & 0x0f) - 1 : integerOf(at + 1, bytes));
    at += 1 + bytes;
  }
}

function takePiece(length: u32, header: u32): void {
  showPiece(length, at + header);
  at += header + min<u32>(length, 0x40000000);
}

/** Bytes of the integer that a byte announces; 0 for one that is in the byte itself, or none. */
function ziplistWidth(first: u32): u32 {
  if (first == 0xc0) return 2;
  if (first == 0xd0) return 4;
  if (first == 0xe0) return 8;
  if (first == 0xf0) return 3;
  return first == 0xfe ? 1 : 0;
}
