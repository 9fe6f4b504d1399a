// FUNCTION DUMP and RESTORE: libraries in the form of Redis's files, each a code and its text, and behind all of them the version of
// the format and a checksum.

import { Crc64 } from "../rdb/crc64.ts";
import { RdbCursor } from "../rdb/rdb-cursor.ts";

const LIBRARY = 245;
const LIBRARY_OF_A_CANDIDATE = 246;
/** The version that Redis 8.0 writes, and the newest that is read. */
const VERSION = 12;
const TAIL_BYTES = 10;

/** Libraries as one payload. */
export function dumpLibraries(codes: readonly Uint8Array[]): Uint8Array {
  const bytes = codes.reduce((sum, code) => sum + code.length + 6, TAIL_BYTES);
  const payload = new Uint8Array(bytes);
  const view = new DataView(payload.buffer);
  let at = 0;
  for (const code of codes) {
    payload[at] = LIBRARY;
    payload[at + 1] = 0x80; // a length of 32 bits, the highest first
    view.setUint32(at + 2, code.length);
    payload.set(code, at + 6);
    at += code.length + 6;
  }
  view.setUint16(at, VERSION, true);
  payload.set(sumOf(payload.subarray(0, at + 2)), at + 2);
  return payload;
}

/** The codes of a payload's libraries, or why it is none. */
export function readLibraries(payload: Uint8Array): Uint8Array[] | string {
  const end = payload.length - TAIL_BYTES;
  const version = end < 0 ? VERSION + 1 : (payload[end] as number) | ((payload[end + 1] as number) << 8);
  if (version > VERSION || !isEqual(sumOf(payload.subarray(0, end + 2)), payload.subarray(end + 2))) {
    return "DUMP payload version or checksum are wrong";
  }
  const cursor = new RdbCursor("the payload");
  cursor.refill(payload.slice(0, end));
  const codes: Uint8Array[] = [];
  while (cursor.has(1)) {
    const type = cursor.byte();
    if (type === LIBRARY_OF_A_CANDIDATE) return "Pre-GA function format not supported";
    if (type !== LIBRARY) return "given type is not a function";
    if (!cursor.hasString()) return "failed loading the given functions payload";
    codes.push(cursor.string());
  }
  return codes;
}

function sumOf(bytes: Uint8Array): Uint8Array {
  const sum = new Crc64();
  sum.add(bytes);
  return sum.bytes();
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
