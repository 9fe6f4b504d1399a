// What RESTORE was given, read from front to back: bytes of the argument, wherever they lie, and the lengths and strings that
// Redis's format is made of. Every read is held against what is left; the first that does not fit marks the payload as damaged,
// and from then on nothing is read. A string of up to 256 KiB is shown in scratch memory, unpacked; a longer one is shown by
// its place, and written in pieces to the entry that takes it.

import { SCRATCH_BASE, VALUE_BYTES_MAX } from "../../layout";
import { writeValue } from "../../memory/entry";
import { argumentBytes, readArgument } from "../../protocol/arguments";
import { formatInteger } from "../../text/number";
import { addToCrc } from "./crc64";

// Scratch: two texts by turns (256 KiB each) | a packed value, or what a long text is unpacked in (384 KiB) | a piece
const TEXT_BYTES: u32 = 0x40000;
const WINDOW: usize = SCRATCH_BASE + 2 * TEXT_BYTES;
const WINDOW_BYTES: u32 = 0x60000;
const PIECE: usize = WINDOW + WINDOW_BYTES;
const PIECE_BYTES: u32 = 0x10000;

let source: u32 = 0;
let offset: u32 = 0;
let end: u32 = 0;
/** Something was read that no Redis writes, or a pack that is longer than is taken. */
export let isDamaged: bool = false;
export let isTooLong: bool = false;

// The string read last; call-scoped. The one before stays where it is too.
/** Where it lies, 0 for a long one. */
export let text: usize = 0;
export let textBytes: u32 = 0;
/** Of a long one: where it begins in the payload, and the bytes that it is packed in, 0 for none. */
let longOffset: u32 = 0;
let longPacked: u32 = 0;
/** Which of the two places is next. */
let turn: u32 = 0;

/** Begins at an offset of an argument and ends at another. */
export function openPayload(argument: u32, from: u32, to: u32): void {
  source = argument;
  offset = from;
  end = to;
  isDamaged = false;
  isTooLong = false;
  turn = 0;
}

/** True when all of it is read. */
export function isAtEnd(): bool {
  return offset == end;
}

export function damage(): void {
  isDamaged = true;
}

/** Copies the next bytes; zeros when there are not so many. */
function take(to: usize, bytes: u32): void {
  if (isDamaged || bytes > end - offset) {
    isDamaged = true;
    memory.fill(to, 0, min(bytes, PIECE_BYTES));
    return;
  }
  readArgument(source, offset, to, bytes);
  offset += bytes;
}

export function takeByte(): u32 {
  take(PIECE, 1);
  return load<u8>(PIECE);
}

export function takeDouble(): f64 {
  take(PIECE, 8);
  return load<f64>(PIECE);
}

/** Set in what `lengthOrForm` answers: the rest is the form of a string, not a length. */
const FORM: u32 = 1 << 31;

function lengthOrForm(): u32 {
  const first = takeByte();
  if (first < 0x40) return first;
  if (first < 0x80) return ((first & 0x3f) << 8) | takeByte();
  if (first >= 0xc0) return FORM | (first & 0x3f);
  take(PIECE, first == 0x81 ? 8 : 4);
  if (first == 0x80) return checkedLength(bswap<u32>(load<u32>(PIECE)));
  if (first != 0x81 || load<u32>(PIECE) != 0) isDamaged = true;
  return checkedLength(bswap<u32>(load<u32>(PIECE, 4)));
}

function checkedLength(length: u32): u32 {
  if (length < FORM) return length;
  isDamaged = true;
  return 0;
}

/** A length, or a number that is written as one. */
export function takeLength(): u32 {
  const length = lengthOrForm();
  if (length < FORM) return isDamaged ? 0 : length;
  isDamaged = true;
  return 0;
}

const FORM_PACKED: u32 = FORM | 3;

/** Reads a string to the registers. */
export function takeString(): void {
  const place = SCRATCH_BASE + turn * TEXT_BYTES;
  turn ^= 1;
  const length = lengthOrForm();
  if (length >= FORM) {
    if (length == FORM_PACKED) takePacked(place);
    else takeNumber(place, length & ~FORM);
    return;
  }
  textBytes = length;
  text = place;
  if (length <= TEXT_BYTES) {
    take(place, length);
    return;
  }
  showLongText(length, 0);
}

/** A number of 1, 2 or 4 bytes becomes its digits. */
function takeNumber(place: usize, form: u32): void {
  text = place;
  textBytes = 0;
  if (form > 2) {
    isDamaged = true;
    return;
  }
  take(PIECE, 1 << form);
  const number = form == 0 ? <i64>load<i8>(PIECE) : form == 1 ? <i64>load<i16>(PIECE) : <i64>load<i32>(PIECE);
  textBytes = formatInteger(number, place);
}

function takePacked(place: usize): void {
  const packed = takeLength();
  const bytes = takeLength();
  text = place;
  textBytes = bytes;
  if (bytes <= TEXT_BYTES) {
    unpack(packed, bytes, place, TEXT_BYTES, 0);
    return;
  }
  showLongText(bytes, packed);
}

function showLongText(bytes: u32, packed: u32): void {
  const held = packed == 0 ? bytes : packed;
  text = 0;
  textBytes = bytes;
  longOffset = offset;
  longPacked = packed;
  if (bytes > VALUE_BYTES_MAX || held > end - offset) isDamaged = true;
  else if (packed == 0) offset += held;
  // To know that it can be unpacked, and to come behind it.
  else unpack(packed, bytes, WINDOW, WINDOW_BYTES, 0);
}

/** Writes the long string shown to an entry whose value is as long. */
export function writeLong(entry: usize): void {
  const next = offset;
  offset = longOffset;
  if (longPacked != 0) {
    unpack(longPacked, textBytes, WINDOW, WINDOW_BYTES, entry);
  } else {
    for (let at: u32 = 0; at < textBytes; at += PIECE_BYTES) {
      const piece = min(textBytes - at, PIECE_BYTES);
      take(PIECE, piece);
      writeValue(entry, at, PIECE, piece);
    }
  }
  offset = next;
}

// ---- LZF: a byte below 32 and so many and one more bytes as they are, or a length and a distance to copy from

/** Bytes that a step makes at most. */
const STEP_BYTES: u32 = 264 + 32;
/** A copy begins at most so far back. */
const DISTANCE_MAX: u32 = 8192;

/**
 * Unpacks the next `packed` bytes to `bytes` in a window, which is all of them where they fit; else they are written to an
 * entry (0: nowhere) as the window fills.
 */
function unpack(packed: u32, bytes: u32, window: usize, windowBytes: u32, entry: usize): void {
  if (isDamaged || packed > end - offset) {
    isDamaged = true;
    return;
  }
  const last = offset + packed;
  let made: u32 = 0;
  let gone: u32 = 0;
  while (offset < last && !isDamaged) {
    const control = takeByte();
    if (bytes > windowBytes && made - gone + STEP_BYTES > windowBytes) {
      const flushed = made - gone - DISTANCE_MAX;
      if (entry != 0) writeValue(entry, gone, window, flushed);
      memory.copy(window, window + flushed, DISTANCE_MAX);
      gone += flushed;
    }
    const to = window + (made - gone);
    const step = control < 32 ? control + 1 : copyLength(control);
    if (step > bytes - made || offset >= last) {
      isDamaged = true;
    } else if (control < 32) {
      take(to, step);
    } else {
      copyBack(to, ((control & 31) << 8) + takeByte() + 1, step, made);
    }
    made += step;
  }
  if (made != bytes || offset != last) isDamaged = true;
  if (entry != 0 && !isDamaged) writeValue(entry, gone, window, made - gone);
}

function copyLength(control: u32): u32 {
  const length = control >> 5;
  return length == 7 ? 9 + takeByte() : length + 2;
}

/** Byte by byte: a copy may overlap what it makes. */
function copyBack(to: usize, distance: u32, bytes: u32, made: u32): void {
  if (distance > made) {
    isDamaged = true;
    return;
  }
  for (let at: u32 = 0; at < bytes; at++) store<u8>(to + at, load<u8>(to + at - distance));
}

/** The string shown as a value that is packed in one piece: where it lies, 0 when it is longer than is taken. */
export function takePack(): usize {
  takeString();
  if (text == 0) {
    isTooLong = !isDamaged;
    isDamaged = true;
  }
  if (isDamaged) return 0;
  // Out of the way of its elements that are numbers.
  memory.copy(WINDOW, text, textBytes);
  return WINDOW;
}

/** Shows bytes of a pack. */
export function showText(address: usize, bytes: u32): void {
  text = address;
  textBytes = bytes;
}

/** Shows the digits of a number of a pack. */
export function showDigits(number: i64): void {
  text = SCRATCH_BASE + turn * TEXT_BYTES;
  turn ^= 1;
  textBytes = formatInteger(number, text);
}

/** The checksum of so many bytes of an argument from its front. */
export function crcOfArgument(index: u32, bytes: u32): u64 {
  let sum: u64 = 0;
  for (let at: u32 = 0; at < bytes; at += PIECE_BYTES) {
    const piece = min(bytes - at, PIECE_BYTES);
    readArgument(index, at, PIECE, piece);
    sum = addToCrc(sum, PIECE, piece);
  }
  return sum;
}

/** Bytes of an argument as a number: the footer of a payload. */
export function wordOfArgument(index: u32, at: u32, bytes: u32): u64 {
  assert(at + bytes <= argumentBytes(index));
  store<u64>(PIECE, 0);
  readArgument(index, at, PIECE, bytes);
  return load<u64>(PIECE);
}
