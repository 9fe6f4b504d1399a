// JSON objects to attributes, in one pass: what no path of a filter leads to, and what is no proper object inside, is
// skipped by counting brackets. Every valid JSON object is taken; of the invalid ones, those that Redis would find a field
// in are mostly taken too, because it looks no closer: numbers as strtod reads them, any escape, any nested content
// whose brackets close.

import {
  FIELD_HEAD_BYTES,
  headOf,
  keyOf,
  Kind,
  LONG_BODY,
  LONG_LENGTH_BYTES,
  NAME_BYTES_MAX,
  NESTING_MAX,
  numberBytes,
  SHORT_BODY_MAX,
  writeNumber,
} from "./attributes";
import { findQuote, isDigit, skipSpaces, unescape } from "./json-text";
import { parsedDouble, parseDoubleSaturating } from "./number";

/** The text is no JSON object. */
export const NOT_AN_OBJECT: i32 = -1;
/** The attributes do not fit. */
export const NO_ROOM: i32 = -2;
/** A value that no filter can match. */
const OMITTED: i32 = -3;

/** Attributes never take more than this many bytes for a byte of JSON. */
export const ATTRIBUTES_EXPANSION: u32 = 3;

const QUOTE: u32 = 0x22;
const COMMA: u32 = 0x2c;
const COLON: u32 = 0x3a;
const OBJECT: u32 = 0x7b;
const OBJECT_END: u32 = 0x7d;
const ARRAY: u32 = 0x5b;
const ARRAY_END: u32 = 0x5d;

/** The text still to be read, and the room still to be written. */
let at: usize = 0;
let end: usize = 0;
let to: usize = 0;
let limit: usize = 0;
/** Objects around the field that is read. */
let depth: u32 = 0;

/**
 * Writes the fields of the JSON object at `json` as attributes at `out` and returns how many bytes, 0 for
 * an object without any that a filter could match; NOT_AN_OBJECT or NO_ROOM when it cannot. With a capacity of
 * ATTRIBUTES_EXPANSION times `bytes` there is always room.
 */
export function encodeAttributes(json: usize, bytes: u32, out: usize, capacity: u32): i32 {
  at = json;
  end = json + bytes;
  to = out;
  limit = out + capacity;
  depth = 1;
  skip();
  if (!take(OBJECT)) return NOT_AN_OBJECT;
  skip();
  if (!take(OBJECT_END)) {
    const status = encodeFields();
    if (status < 0) return status;
  }
  skip();
  return at == end ? <i32>(to - out) : NOT_AN_OBJECT;
}

/** Encodes all fields and takes the closing brace. */
function encodeFields(): i32 {
  while (true) {
    const status = encodeField();
    if (status < 0) return status;
    skip();
    if (take(OBJECT_END)) return 0;
    if (!take(COMMA)) return NOT_AN_OBJECT;
    skip();
  }
}

function encodeField(): i32 {
  if (peek() != QUOTE) return NOT_AN_OBJECT;
  const name = at + 1;
  const nameEnd = findQuote(name, end, QUOTE);
  if (nameEnd == 0) return NOT_AN_OBJECT;
  if (!hasRoom(FIELD_HEAD_BYTES + <u32>(nameEnd - name))) return NO_ROOM;
  const field = to;
  const nameBytes = unescape(name, nameEnd, field + FIELD_HEAD_BYTES);
  to = field + FIELD_HEAD_BYTES + nameBytes;
  at = nameEnd + 1;
  skip();
  if (!take(COLON)) return NOT_AN_OBJECT;
  skip();
  const head = encodeValue();
  if (head < 0 && head != OMITTED) return head;
  if (head == OMITTED || nameBytes > NAME_BYTES_MAX) to = field;
  else store<u32>(field, keyOf(field + FIELD_HEAD_BYTES, nameBytes) | ((<u32>head) << 24));
  return 0;
}

/** Writes the body of the value at `at` and returns its head, or why there is none. */
function encodeValue(): i32 {
  const first = peek();
  if (first == QUOTE) return encodeString();
  if (first == ARRAY) return encodeArray();
  if (first == OBJECT) return encodeObject();
  // "true", "fals" and "null", little-endian.
  if (first == 0x74) return takeWord(0x65757274) ? encodeNumber(1) : NOT_AN_OBJECT;
  if (first == 0x66) return takeWord(0x736c6166) && take(0x65) ? encodeNumber(0) : NOT_AN_OBJECT;
  if (first == 0x6e) return takeWord(0x6c6c756e) ? <i32>headOf(Kind.Null, 0) : NOT_AN_OBJECT;
  const start = at;
  while (isNumberLetter(peek())) at++;
  return parseDoubleSaturating(start, <u32>(at - start)) ? encodeNumber(parsedDouble) : NOT_AN_OBJECT;
}

/** Encodes an object inside; one that is not proper is passed over as long as its brackets close. */
function encodeObject(): i32 {
  const object = at;
  const body = to;
  if (!hasRoom(LONG_LENGTH_BYTES)) return NO_ROOM;
  if (depth < NESTING_MAX) {
    to += LONG_LENGTH_BYTES;
    at++;
    skip();
    depth++;
    const status = take(OBJECT_END) ? 0 : encodeFields();
    depth--;
    if (status == NO_ROOM) return status;
    if (status == 0) {
      store<u32>(body, <u32>(to - body) - LONG_LENGTH_BYTES);
      return <i32>headOf(Kind.Object, LONG_BODY);
    }
  }
  to = body;
  at = object;
  return skipNested() ? OMITTED : NOT_AN_OBJECT;
}

function encodeNumber(value: f64): i32 {
  const size = numberBytes(value);
  if (!hasRoom(size)) return NO_ROOM;
  writeNumber(to, size, value);
  to += size;
  return <i32>headOf(Kind.Number, size);
}

function encodeString(): i32 {
  const text = at + 1;
  const textEnd = findQuote(text, end, QUOTE);
  if (textEnd == 0) return NOT_AN_OBJECT;
  at = textEnd + 1;
  const room = <u32>(textEnd - text);
  if (!hasRoom(room + LONG_LENGTH_BYTES)) return NO_ROOM;
  const lengthBytes = room > SHORT_BODY_MAX ? LONG_LENGTH_BYTES : 0;
  const bytes = unescape(text, textEnd, to + lengthBytes);
  if (lengthBytes != 0) store<u32>(to, bytes);
  to += lengthBytes + bytes;
  return <i32>headOf(Kind.String, lengthBytes != 0 ? LONG_BODY : bytes);
}

function encodeArray(): i32 {
  const array = at;
  const body = to;
  if (!hasRoom(LONG_LENGTH_BYTES)) return NO_ROOM;
  to += LONG_LENGTH_BYTES;
  at++;
  skip();
  if (!take(ARRAY_END)) {
    const status = encodeElements();
    if (status == OMITTED) {
      to = body;
      at = array;
      return skipNested() ? OMITTED : NOT_AN_OBJECT;
    }
    if (status < 0) return status;
  }
  store<u32>(body, <u32>(to - body) - LONG_LENGTH_BYTES);
  return <i32>headOf(Kind.Array, LONG_BODY);
}

/** Encodes all elements and takes the closing bracket. */
function encodeElements(): i32 {
  while (true) {
    const element = to;
    if (!hasRoom(1)) return NO_ROOM;
    to++;
    if (peek() == OBJECT) return OMITTED;
    const head = peek() != ARRAY ? encodeValue() : skipNested() ? <i32>headOf(Kind.Array, 0) : NOT_AN_OBJECT;
    if (head < 0) return head;
    store<u8>(element, <u8>head);
    skip();
    if (take(ARRAY_END)) return 0;
    if (!take(COMMA)) return NOT_AN_OBJECT;
    skip();
  }
}

/** Skips an object or array with all it holds, whatever that is; tells whether it ends. */
function skipNested(): bool {
  let depth = 0;
  while (at < end) {
    const letter = <u32>load<u8>(at);
    if (letter == QUOTE) {
      at = findQuote(at + 1, end, QUOTE);
      if (at == 0) return false;
    } else if (letter == OBJECT || letter == ARRAY) {
      depth++;
    } else if (letter == OBJECT_END || letter == ARRAY_END) {
      depth--;
    }
    at++;
    if (depth == 0) return true;
  }
  return false;
}

function hasRoom(bytes: u32): bool {
  return limit - to >= <usize>bytes;
}

/** The next letter, 0 at the end. */
function peek(): u32 {
  return at < end ? <u32>load<u8>(at) : 0;
}

function take(letter: u32): bool {
  if (at == end || load<u8>(at) != letter) return false;
  at++;
  return true;
}

function takeWord(letters: u32): bool {
  if (end - at < 4 || load<u32>(at) != letters) return false;
  at += 4;
  return true;
}

function skip(): void {
  at = skipSpaces(at, end);
}

/** Digits, signs, point and exponent; zero, which `peek` gives at the end, is none of them. */
function isNumberLetter(letter: u32): bool {
  return isDigit(letter) || letter == 0x2d || letter == 0x2b || letter == 0x2e || (letter | 0x20) == 0x65;
}
