// Ids of stream entries as arguments and in replies: milliseconds, a hyphen, a sequence number. Reading them follows
// Redis to its corners: numbers may have a sign, zeros and spaces in front, as strtoull takes them, and the text ends at its
// first zero byte.

import { WORKSPACE_BASE } from "../../layout";
import { addPart } from "../../effects/record";
import { argumentAddress, argumentBytes, isArgumentPaged } from "../../protocol/arguments";
import { replyBulk, replyError } from "../../protocol/reply";
import { countDigits, writeDigits } from "../../text/number-digits";

/** Longest text that may be an id, as in Redis. */
const ID_TEXT_MAX: u32 = 127;
/** Most bytes of an id as it is written. */
const ID_BYTES_MAX: u32 = 41;
const HYPHEN: u32 = 0x2d;
const PLUS: u32 = 0x2b;
const STAR: u32 = 0x2a;
const OPEN: u32 = 0x28;

/** The id that was read last. */
export let idMs: u64 = 0;
export let idSeq: u64 = 0;
/** Whether it had a sequence number, or `*` in its place. */
export let hasSequence: bool = true;

export function setId(ms: u64, seq: u64): void {
  idMs = ms;
  idSeq = seq;
}

/** True when an argument is this one character. */
@inline
export function isCharacter(index: u32, character: u32): bool {
  return argumentBytes(index) == 1 && <u32>load<u8>(argumentAddress(index)) == character;
}

function replyInvalid(): bool {
  replyError("ERR Invalid stream ID specified as stream command argument");
  return false;
}

/** Reads an id; without a sequence number it gets `missing`. `-` and `+` are the smallest and the largest. */
function readId(address: usize, bytes: u32, missing: u64, takesStar: bool): bool {
  hasSequence = true;
  if (bytes == 1 && <u32>load<u8>(address) == HYPHEN) {
    setId(0, 0);
    return true;
  }
  if (bytes == 1 && <u32>load<u8>(address) == PLUS) {
    setId(u64.MAX_VALUE, u64.MAX_VALUE);
    return true;
  }
  let hyphen: u32 = 0;
  while (hyphen < bytes && <u32>load<u8>(address + hyphen) != HYPHEN) hyphen++;
  if (!readNumber(address, hyphen)) return false;
  idMs = number;
  idSeq = missing;
  if (hyphen == bytes) return true;
  const rest = address + hyphen + 1;
  const left = bytes - hyphen - 1;
  if (takesStar && left == 1 && <u32>load<u8>(rest) == STAR) {
    idSeq = 0;
    hasSequence = false;
    return true;
  }
  if (!readNumber(rest, left)) return false;
  idSeq = number;
  return true;
}

let number: u64 = 0;

/** Reads a natural number as C does. */
function readNumber(address: usize, bytes: u32): bool {
  let at = address;
  const end = address + bytes;
  while (at < end && isSpace(load<u8>(at))) at++;
  const isNegative = at < end && <u32>load<u8>(at) == HYPHEN;
  // Redis reads it as a signed number before, and takes no negative one that is written as usual.
  if (isNegative && at == address && at + 1 < end && <u32>load<u8>(at, 1) != 0x30) return false;
  if (isNegative || (at < end && <u32>load<u8>(at) == PLUS)) at++;
  if (at == end) return false;
  let value: u64 = 0;
  for (; at < end; at++) {
    const digit = <u64>load<u8>(at) - 0x30;
    if (digit > 9 || value > (u64.MAX_VALUE - digit) / 10) return false;
    value = value * 10 + digit;
  }
  number = isNegative ? 0 - value : value;
  return true;
}

@inline
function isSpace(byte: u8): bool {
  return byte == 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Bytes of the text in an argument: up to its first zero byte. 0 for one that is too long. */
function textBytes(index: u32): u32 {
  const bytes = argumentBytes(index);
  if (bytes > ID_TEXT_MAX || isArgumentPaged(index)) return 0;
  const address = argumentAddress(index);
  for (let at: u32 = 0; at < bytes; at++) if (load<u8>(address + at) == 0) return at;
  return bytes;
}

/** Tells whether an argument is an id, and neither `-` nor `+`; replies nothing. */
export function isId(index: u32): bool {
  const bytes = textBytes(index);
  if (bytes == 0 || isCharacter(index, HYPHEN) || isCharacter(index, PLUS)) return false;
  return readId(argumentAddress(index), bytes, 0, false);
}

/** Reads the id in an argument, neither `-` nor `+`; false after replying an error. */
export function parseId(index: u32): bool {
  return isId(index) || replyInvalid();
}

/** The same where `*` may stand for the sequence number. */
export function parseNewId(index: u32): bool {
  const bytes = textBytes(index);
  if (bytes == 0 || isCharacter(index, HYPHEN) || isCharacter(index, PLUS)) return replyInvalid();
  return readId(argumentAddress(index), bytes, 0, true) || replyInvalid();
}

/** The same where `-` and `+` may stand. */
export function parseAnyId(index: u32): bool {
  const bytes = textBytes(index);
  return (bytes != 0 && readId(argumentAddress(index), bytes, 0, false)) || replyInvalid();
}

/** Reads where a range begins, with `(` beyond the id; false after replying an error. */
export function parseStart(index: u32): bool {
  if (!parseBound(index, 0)) return false;
  if (!isOpen || incrementId()) return true;
  replyError("ERR invalid start ID for the interval");
  return false;
}

/** Reads where a range ends, with `(` before the id. */
export function parseEnd(index: u32): bool {
  if (!parseBound(index, u64.MAX_VALUE)) return false;
  if (!isOpen || decrementId()) return true;
  replyError("ERR invalid end ID for the interval");
  return false;
}

let isOpen: bool = false;

function parseBound(index: u32, missing: u64): bool {
  const bytes = textBytes(index);
  const address = argumentAddress(index);
  isOpen = bytes > 1 && <u32>load<u8>(address) == OPEN;
  if (bytes == 0) return replyInvalid();
  if (!isOpen) return readId(address, bytes, missing, false) || replyInvalid();
  const first: u32 = load<u8>(address, 1);
  if (bytes == 2 && (first == HYPHEN || first == PLUS)) return replyInvalid();
  return readId(address + 1, bytes - 1, missing, false) || replyInvalid();
}

/** Goes on to the id that follows; false when there is none. */
export function incrementId(): bool {
  if (idSeq != u64.MAX_VALUE) {
    idSeq++;
  } else {
    if (idMs == u64.MAX_VALUE) return false;
    idMs++;
    idSeq = 0;
  }
  return true;
}

/** Goes back to the id before; false when there is none. */
export function decrementId(): bool {
  if (idSeq != 0) {
    idSeq--;
  } else {
    if (idMs == 0) return false;
    idMs--;
    idSeq = u64.MAX_VALUE;
  }
  return true;
}

// ---- writing

/** Writes an id into the workspace; answers how many bytes. */
function writeId(ms: u64, seq: u64): u32 {
  const digits = countDigits(ms);
  writeDigits(ms, digits, WORKSPACE_BASE);
  store<u8>(WORKSPACE_BASE + digits, <u8>HYPHEN);
  const more = countDigits(seq);
  writeDigits(seq, more, WORKSPACE_BASE + digits + 1);
  assert(digits + more < ID_BYTES_MAX);
  return digits + more + 1;
}

/** Writes an id to a place; answers how many bytes. */
export function putId(ms: u64, seq: u64, to: usize): u32 {
  const bytes = writeId(ms, seq);
  memory.copy(to, WORKSPACE_BASE, bytes);
  return bytes;
}

export function replyId(ms: u64, seq: u64): void {
  const bytes = writeId(ms, seq);
  replyBulk(WORKSPACE_BASE, bytes);
}

/** Bytes that an id takes in a record, at most. */
export const ID_PART_BYTES: u32 = 64;

/** Adds an id to the record that has begun. */
export function addIdPart(ms: u64, seq: u64): void {
  const bytes = writeId(ms, seq);
  addPart(WORKSPACE_BASE, bytes);
}
