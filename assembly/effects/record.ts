// Writing effect records: what a command did, as a command that does the same at any time. A record is begun with a bound
// of its length, so that a short one lies in one piece and nothing asks for room while it is written; a longer one begins
// a page and goes on over as many as it needs. Its checksum is computed when it is known whether the group goes on: at
// once outside of transactions, else with the next record or at the end. The drawing of a record is in layout.ts.

import {
  EFFECTS_BASE,
  EFFECTS_BYTES,
  PAGE_BITS,
  PAGE_BYTES,
  RECORD_CHECKSUM_OFFSET,
  RECORD_FLAGS_OFFSET,
  RECORD_HEADER_BYTES,
  RECORD_SEQUENCE_OFFSET,
  RECORD_TIME_OFFSET,
  RecordFlag,
} from "../layout";
import { addToChecksum, beginChecksum, checksum, endChecksum } from "../memory/checksum";
import { copyBytes, dirty, pageAt, State, state } from "../memory/memory";
import { formatInteger } from "../text/number";
import { appendPage, effectLog } from "./region";

/** Bytes of a part beside its own: "$", its length, two line ends. */
export const PART_BYTES: u32 = 16;
/** Bytes of a record beside its parts: header, "*", their number, padding, and what may be written at once too much. */
const FRAME_BYTES: u32 = RECORD_HEADER_BYTES + 48;
/** Longest text that is made before it is put where two pages meet. */
const JOINT_BYTES: u32 = 64;
const JOINT_BASE: usize = EFFECTS_BASE + EFFECTS_BYTES - JOINT_BYTES;

// The record being written; call-scoped.
let start: usize = 0;
let at: usize = 0;
let end: usize = 0;
/** Bytes of it in pages before the one that is written to. */
let passed: u32 = 0;

/** Begins a record of `parts` arguments that take at most `bound` bytes, PART_BYTES beside each counted. */
export function beginRecord(parts: u32, bound: u64): void {
  begin(bound);
  prefix(0x2a, parts);
}

/** Begins a record of a command that is there as a RESP array already. */
export function copyCommand(from: usize, bytes: u32): void {
  begin(bytes);
  put(from, bytes);
}

@inline
function begin(bound: u64): void {
  const whole = bound + FRAME_BYTES;
  const hasRoom = effectLog.tail != 0 && whole <= <u64>(PAGE_BYTES - effectLog.tailFilled);
  const base = hasRoom ? (<usize>effectLog.tail) << PAGE_BITS : appendPage();
  start = base + effectLog.tailFilled;
  end = base + PAGE_BYTES;
  at = start + RECORD_HEADER_BYTES;
  passed = 0;
}

/** A type byte, a number and a line end. */
@inline
function prefix(type: u8, number: u32): void {
  if (end - at < JOINT_BYTES) {
    putPrefixAcross(type, number);
    return;
  }
  at += writePrefix(at, type, number);
}

@inline
function writePrefix(to: usize, type: u8, number: u32): u32 {
  store<u8>(to, type);
  if (number < 10) {
    store<u32>(to, 0x0a0d30 + number, 1);
    return 4;
  }
  const digits = formatInteger(number, to + 1);
  store<u16>(to + digits, 0x0a0d, 1);
  return digits + 3;
}

function putPrefixAcross(type: u8, number: u32): void {
  put(JOINT_BASE, writePrefix(JOINT_BASE, type, number));
}

/** Appends bytes, over as many pages as it takes. */
function put(from: usize, bytes: u32): void {
  while (true) {
    const piece = min(bytes, <u32>(end - at));
    copyBytes(at, from, piece);
    at += piece;
    from += piece;
    bytes -= piece;
    if (bytes == 0) return;
    passed += <u32>(at - (passed == 0 ? start : end - PAGE_BYTES));
    effectLog.tailFilled = PAGE_BYTES;
    at = appendPage();
    end = at + PAGE_BYTES;
  }
}

@inline
function lineEnd(): void {
  if (end - at < 2) {
    store<u16>(JOINT_BASE, 0x0a0d);
    put(JOINT_BASE, 2);
    return;
  }
  store<u16>(at, 0x0a0d);
  at += 2;
}

/** Adds an argument. */
export function addPart(from: usize, bytes: u32): void {
  prefix(0x24, bytes);
  if (end - at < <usize>bytes) {
    put(from, bytes);
  } else {
    copyBytes(at, from, bytes);
    at += bytes;
  }
  lineEnd();
}

/** Adds an argument that lies in the pages whose addresses are at `list`; the lowest bit of the first means nothing. */
export function addPagedPart(list: usize, bytes: u32): void {
  prefix(0x24, bytes);
  for (let offset: u32 = 0; offset < bytes; offset += PAGE_BYTES) {
    const page = <usize>load<u32>(list + ((offset >> PAGE_BITS) << 2)) & ~1;
    put(page, min(bytes - offset, PAGE_BYTES));
  }
  lineEnd();
}

/** Adds an ASCII literal as an argument. */
export function addWordPart(word: string): void {
  const bytes = <u32>word.length;
  assert(bytes <= JOINT_BYTES - PART_BYTES);
  const inPlace = end - at >= JOINT_BYTES;
  const to = inPlace ? at : JOINT_BASE;
  let next = to + writePrefix(to, 0x24, bytes);
  for (let index: u32 = 0; index < bytes; index++) {
    store<u8>(next++, <u8>load<u16>(changetype<usize>(word) + (index << 1)));
  }
  store<u16>(next, 0x0a0d);
  next += 2;
  if (inPlace) at = next;
  else put(JOINT_BASE, <u32>(next - JOINT_BASE));
}

/** Adds a number as an argument. */
export function addIntegerPart(number: i64): void {
  const text = JOINT_BASE + JOINT_BYTES / 2;
  const bytes = formatInteger(number, text);
  addPart(text, bytes);
}

/** Ends the record: what it says was done in a database at a time, ms since epoch. */
export function endRecord(database: u32, time: i64): void {
  let bytes = passed + <u32>(at - (passed == 0 ? start : end - PAGE_BYTES));
  const padding = -bytes & 7;
  for (let left = padding; left != 0; left--) store<u8>(at++, 0);
  bytes += padding;
  dirty(changetype<usize>(state), offsetof<State>());
  state.sequence++;
  store<u32>(start, bytes);
  store<u32>(start, database | (padding << 16), 4);
  store<u64>(start, state.sequence, RECORD_SEQUENCE_OFFSET);
  store<i64>(start, time, RECORD_TIME_OFFSET);
  effectLog.tailFilled = <u32>(at - (end - PAGE_BYTES));
  effectLog.heldBytes += bytes;
  if (effectLog.inGroup == 0) {
    seal(start, 0);
    effectLog.untakenBytes += bytes;
    return;
  }
  sealOpen(<u8>RecordFlag.Continues);
  effectLog.openPage = <u32>(start >> PAGE_BITS);
  effectLog.openOffset = <u32>start & (PAGE_BYTES - 1);
  effectLog.groupBytes += bytes;
}

function seal(record: usize, flags: u8): void {
  store<u8>(record, flags, RECORD_FLAGS_OFFSET);
  store<u64>(record, 0, RECORD_CHECKSUM_OFFSET);
  store<u64>(record, sumOf(record), RECORD_CHECKSUM_OFFSET);
}

/** Checksum of a record whose own field is zero; one that fills more than its page begins it. */
function sumOf(record: usize): u64 {
  const bytes = load<u32>(record);
  const room = PAGE_BYTES - (<u32>record & (PAGE_BYTES - 1));
  if (bytes <= room) return checksum(record, bytes);
  let page = <u32>(record >> PAGE_BITS);
  let left = bytes;
  beginChecksum();
  for (; left > PAGE_BYTES; left -= PAGE_BYTES) {
    addToChecksum((<usize>page) << PAGE_BITS, PAGE_BYTES);
    page = pageAt(page).next;
  }
  return endChecksum((<usize>page) << PAGE_BITS, left, bytes);
}

function sealOpen(flags: u8): void {
  if (effectLog.openPage == 0) return;
  seal(((<usize>effectLog.openPage) << PAGE_BITS) + effectLog.openOffset, flags);
}

/** From here on records belong together, until `endGroup`. */
export function beginGroup(): void {
  effectLog.inGroup = effectLog.recording;
}

/** Ends the group: the host may take it now. */
export function endGroup(): void {
  sealOpen(0);
  effectLog.inGroup = 0;
  effectLog.openPage = 0;
  effectLog.untakenBytes += effectLog.groupBytes;
  effectLog.groupBytes = 0;
}

/** Records that a key is deleted which no command asked to: its time has passed, or it was evicted. */
export function recordRemoval(database: u32, time: i64, key: usize, bytes: u32): void {
  if (effectLog.recording == 0) return;
  beginRecord(2, <u64>bytes + PART_BYTES + PART_BYTES);
  addWordPart("DEL");
  addPart(key, bytes);
  endRecord(database, time);
}

/** Records that an element of a vector set is removed which no command asked to: its time has passed. */
export function recordElementRemoval(
  database: u32,
  time: i64,
  key: usize,
  keyBytes: u32,
  element: usize,
  elementBytes: u32,
): void {
  if (effectLog.recording == 0) return;
  beginRecord(3, <u64>keyBytes + elementBytes + 3 * PART_BYTES);
  addWordPart("VREM");
  addPart(key, keyBytes);
  addPart(element, elementBytes);
  endRecord(database, time);
}
