// The bytes of the log, beside the records that the engine makes: what a segment begins with, and marks between records.
// A mark says which record was certainly on disk when it was written: so a reader that finds less knows that something
// was damaged, and one that finds more than nothing but no mark of it knows a torn tail. Without marks the two look the
// same, and a flipped bit would silently end the log. A mark costs 32 bytes a commit. All numbers are little-endian.
//
//   record   0 bytes of all, a multiple of 8 (u32) | 4 database (u8) | 5 flags (u8) | 6 bytes of padding (u16)
//            8 sequence number (u64) | 16 ms since epoch (u64) | 24 checksum (u64) | 32 the command as RESP, zeros
//   mark     0 32 (u32) | 4 0 (u8) | 5 flags (u8): 2, with 4 when the next segment goes on | 6 0 (u16)
//            8 sequence number of the last record that was on disk (u64) | 16 ms since epoch (u64) | 24 check (u64)
//   segment  0 "nearklog" | 8 version (u32) | 12 64 (u32) | 16 number of the segment (u64)
//            24 sequence number of its first record (u64) | 32 which log this is (u64)
//            40 sequence number of the last record that was on disk (u64) | 48 0 (u64) | 56 check (u64) | 64 records
//
// The check of a mark is seeded with where it stands (log, segment and offset), so neither what a segment held in an
// earlier life nor what a client stored is ever taken for one.

/** Bytes before the payload of a record; all of a mark. */
export const RECORD_HEADER_BYTES = 32;
/** Bytes before the first record of a segment. */
export const SEGMENT_HEADER_BYTES = 64;
/** What this release writes, and the newest that it reads. */
export const LOG_VERSION = 1;

/** Bits of a record's flags. */
export const RecordFlag = {
  /** The next record belongs to the same group: all of a group or nothing counts. */
  Continues: 1,
  /** No record but a mark. */
  Mark: 2,
  /** With Mark: the next segment goes on. */
  Sealed: 4,
} as const;

const MAGIC = 0x6e6561726b6c6f67n; // "nearklog", read as big-endian
const WORD = 2 ** 32;

/** What a segment says about itself. */
export interface SegmentHeader {
  readonly version: number;
  readonly number: number;
  /** Sequence number of its first record. */
  readonly first: number;
  /** Drawn when the log began: segments of another directory have another. */
  readonly identity: bigint;
  /** Last record that was on disk when this was written. */
  readonly synced: number;
}

/** Where in a log something stands. */
export interface Place {
  readonly identity: bigint;
  readonly segment: number;
  readonly offset: number;
}

/** A mark that was found. */
export interface Mark {
  readonly synced: number;
  readonly sealed: boolean;
}

/** Makes the bytes that a segment begins with. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, MAGIC, false);
  view.setUint32(8, header.version, true);
  view.setUint32(12, SEGMENT_HEADER_BYTES, true);
  writeNumber(view, 16, header.number);
  writeNumber(view, 24, header.first);
  view.setBigUint64(32, header.identity, true);
  writeNumber(view, 40, header.synced);
  writeCheck(view, 0, 56, headPlace(header.number));
  return bytes;
}

/**
 * Reads what a segment begins with.
 *
 * @param number of the segment by its name
 * @returns undefined when these are no such bytes, or another segment's
 */
export function decodeSegmentHeader(bytes: Uint8Array, number: number): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  if (view.getBigUint64(0, false) !== MAGIC || !isChecked(view, 0, 56, headPlace(number))) return undefined;
  return {
    version: view.getUint32(8, true),
    number: readNumber(view, 16),
    first: readNumber(view, 24),
    identity: view.getBigUint64(32, true),
    synced: readNumber(view, 40),
  };
}

/** Which log the first bytes of a segment name, whether or not they are right. */
export function claimedIdentity(bytes: Uint8Array): bigint {
  return viewOf(bytes).getBigUint64(32, true);
}

function headPlace(segment: number): Place {
  return { identity: 0n, segment, offset: 0 };
}

/** Makes the mark that stands at a place. */
export function encodeMark({ synced, sealed }: Mark, place: Place, nowMs: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, RECORD_HEADER_BYTES, true);
  view.setUint8(5, RecordFlag.Mark | (sealed ? RecordFlag.Sealed : 0));
  writeNumber(view, 8, synced);
  writeNumber(view, 16, nowMs);
  writeCheck(view, 0, 24, place);
  return bytes;
}

function looksLikeMark(view: DataView, at: number): boolean {
  return view.getUint32(at, true) === RECORD_HEADER_BYTES && (view.getUint8(at + 5) & RecordFlag.Mark) !== 0;
}

/** Reads the mark at view[at..] that stands at a place of the log; undefined when there is none. */
export function decodeMark(view: DataView, at: number, place: Place): Mark | undefined {
  if (at + RECORD_HEADER_BYTES > view.byteLength || !looksLikeMark(view, at)) return undefined;
  if (!isChecked(view, at, 24, place)) return undefined;
  return { synced: readNumber(view, at + 8), sealed: (view.getUint8(at + 5) & RecordFlag.Sealed) !== 0 };
}

/** A view of all of an array. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % WORD, true);
  view.setUint32(at + 4, Math.floor(value / WORD), true);
}

function readNumber(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * WORD;
}

/** Two lanes of 32 bits over view[at..at + bytes], which go through the mixer of MurmurHash3 at the end. */
function checkOf(view: DataView, at: number, bytes: number, place: Place): [number, number] {
  let low = mixed(place.segment ^ 0x9e3779b9) ^ Number(place.identity & 0xffffffffn);
  let high = mixed(place.offset ^ 0x85ebca6b) ^ Number(place.identity >> 32n);
  for (let word = at; word < at + bytes; word += 4) {
    const value = view.getUint32(word, true);
    low = Math.imul(((low << 13) | (low >>> 19)) ^ value, 0xcc9e2d51);
    high = Math.imul(((high << 11) | (high >>> 21)) ^ value, 0x1b873593) + low;
  }
  return [mixed(low ^ high), mixed(high)];
}

function mixed(value: number): number {
  let word = value;
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

function writeCheck(view: DataView, at: number, bytes: number, place: Place): void {
  const [low, high] = checkOf(view, at, bytes, place);
  view.setUint32(at + bytes, low, true);
  view.setUint32(at + bytes + 4, high, true);
}

function isChecked(view: DataView, at: number, bytes: number, place: Place): boolean {
  const [low, high] = checkOf(view, at, bytes, place);
  return view.getUint32(at + bytes, true) === low && view.getUint32(at + bytes + 4, true) === high;
}
