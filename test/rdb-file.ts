// Files of Redis made by hand, byte by byte, with every way of writing a value that any release had: what no server at hand
// writes any more, and what one of the tests wants to be wrong.

import { Crc64 } from "../src/rdb/crc64.ts";

/** Pieces behind each other; text is one byte a character, a number is a byte. */
export function bytesOf(...pieces: readonly (string | number | Uint8Array)[]): Uint8Array {
  const parts = pieces.map((piece) => {
    if (typeof piece === "number") return Uint8Array.of(piece);
    return typeof piece === "string" ? Buffer.from(piece, "latin1") : piece;
  });
  return new Uint8Array(Buffer.concat(parts));
}

/** A little-endian number of so many bytes. */
export function little(value: number | bigint, bytes: number): Uint8Array {
  let left = BigInt.asUintN(64, BigInt(value));
  return Uint8Array.from({ length: bytes }, () => {
    const byte = Number(left & 255n);
    left >>= 8n;
    return byte;
  });
}

/** A length as the format writes it. */
export function length(value: number): Uint8Array {
  if (value < 64) return Uint8Array.of(value);
  if (value < 16384) return Uint8Array.of(0x40 | (value >> 8), value & 255);
  return bytesOf(0x80, little(value, 4).reverse());
}

/** A string as it is. */
export const text = (value: string | Uint8Array): Uint8Array => bytesOf(length(value.length), value);

/** A file of this version with its checksum. */
export function rdbFile(version: number, ...pieces: readonly (string | number | Uint8Array)[]): Uint8Array {
  const body = bytesOf(`REDIS${String(version).padStart(4, "0")}`, ...pieces, 255);
  if (version < 5) return body;
  const sum = new Crc64();
  sum.add(body);
  return bytesOf(body, sum.bytes());
}

/** What DUMP answers for a value that is written already. */
export function payload(version: number, ...pieces: readonly (string | number | Uint8Array)[]): Buffer {
  return sealed(bytesOf(...pieces, little(version, 2)));
}

/** The same with its version, and a checksum behind it. */
export function sealed(body: Uint8Array): Buffer {
  const sum = new Crc64();
  sum.add(body);
  return Buffer.from(bytesOf(body, sum.bytes()));
}

/** A listpack of elements that are written already. */
export function listpack(...elements: readonly Uint8Array[]): Uint8Array {
  const body = bytesOf(...elements.map((element) => bytesOf(element, backLength(element.length))), 255);
  return bytesOf(little(body.length + 6, 4), little(elements.length, 2), body);
}

/** The length behind an element: seven bits a byte, the first byte without the highest bit. */
function backLength(bytes: number): Uint8Array {
  if (bytes <= 127) return Uint8Array.of(bytes);
  const low = (shift: number): number => 128 | ((bytes >> shift) & 127);
  if (bytes < 16_383) return Uint8Array.of(bytes >> 7, low(0));
  return Uint8Array.of(bytes >> 14, low(7), low(0));
}

/** Elements of a listpack in each of their forms. */
export const packs = {
  text6: (value: string) => bytesOf(0x80 | value.length, value),
  text12: (value: string) => bytesOf(0xe0 | (value.length >> 8), value.length & 255, value),
  text32: (value: string) => bytesOf(0xf0, little(value.length, 4), value),
  number7: (value: number) => bytesOf(value),
  number13: (value: number) => bytesOf(0xc0 | ((value >> 8) & 0x1f), value & 255),
  number16: (value: number) => bytesOf(0xf1, little(value, 2)),
  number24: (value: number) => bytesOf(0xf2, little(value, 3)),
  number32: (value: number) => bytesOf(0xf3, little(value, 4)),
  number64: (value: bigint) => bytesOf(0xf4, little(value, 8)),
};

/** A ziplist of elements that are written already. */
export function ziplist(...elements: readonly Uint8Array[]): Uint8Array {
  let before = 0;
  let last = 10;
  let at = 10;
  const written = elements.map((element) => {
    const entry = bytesOf(before < 254 ? before : bytesOf(254, little(before, 4)), element);
    last = at;
    at += entry.length;
    before = entry.length;
    return entry;
  });
  return bytesOf(little(at + 1, 4), little(last, 4), little(elements.length, 2), ...written, 255);
}

/** Elements of a ziplist in each of their forms. */
export const zips = {
  text6: (value: string) => bytesOf(value.length, value),
  text14: (value: string) => bytesOf(0x40 | (value.length >> 8), value.length & 255, value),
  text32: (value: string) => bytesOf(0x80, little(value.length, 4).reverse(), value),
  small: (value: number) => bytesOf(0xf1 + value),
  number8: (value: number) => bytesOf(0xfe, little(value, 1)),
  number16: (value: number) => bytesOf(0xc0, little(value, 2)),
  number24: (value: number) => bytesOf(0xf0, little(value, 3)),
  number32: (value: number) => bytesOf(0xd0, little(value, 4)),
  number64: (value: bigint) => bytesOf(0xe0, little(value, 8)),
};

/** An intset of numbers of so many bytes. */
export const intset = (bytes: number, ...values: readonly (number | bigint)[]): Uint8Array =>
  bytesOf(little(bytes, 4), little(values.length, 4), ...values.map((value) => little(value, bytes)));

/** A zipmap, each value with a byte to spare. */
export const zipmap = (...pairs: readonly (readonly [string, string])[]): Uint8Array =>
  bytesOf(
    pairs.length,
    ...pairs.map(([field, value]) => bytesOf(zipLength(field), field, zipLength(value), 1, value, 0)),
    255,
  );

const zipLength = ({ length }: string): Uint8Array =>
  length < 254 ? Uint8Array.of(length) : bytesOf(254, little(length, 4));

/** A double as the file has it. */
export const double = (value: number): Uint8Array => new Uint8Array(Float64Array.of(value).buffer);
