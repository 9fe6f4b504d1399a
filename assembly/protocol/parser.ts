// Parsing requests: RESP arrays of bulk strings and inline commands, in place, bounds tested before every read. The
// texts of protocol errors are Redis's. A command that ends within the bytes is parsed to records of (address, length);
// one that does not is kept as a tail or, when it is long, collected (see connection.ts).

import { ConnectionMode } from "../connection-layout";
import { ARGUMENT_BYTES, ARGUMENTS_BASE, INPUT_HEADROOM, PAGED_ARGUMENT_BYTES, REGISTERS_BASE } from "../layout";
import { addPacked, Connection, fillLarge, hasMode, keepTail, startLarge } from "./connection";
import { hexDigit, unescaped } from "../text/escape";
import { parsedInteger, parseInteger } from "../text/number";
import { beginError, endError, errorBytes, errorInteger, errorText } from "./reply";
import { argumentsMax, valueBytesMax } from "../memory/settings";
import { recordRepeated, repeatedCommand, repeatedCount, repeats } from "./repeated-request";
import { admit, mayAdmit } from "../keyspace/eviction";
import { pagesFor } from "../memory/entry";
import { keepLine } from "./kept-line";

export const PARSED: u32 = 0;
/** The bytes end inside the command. */
export const INCOMPLETE: u32 = 1;
/** Nothing to execute: an empty line or array. */
export const EMPTY: u32 = 2;
/** A protocol error: replyMalformed tells which; the connection ends. */
export const MALFORMED: u32 = 3;
/** The command does not fit the argument records left, or must come first in its group: execute what is parsed first. */
export const FULL: u32 = 4;

/** End of the command parsed last, and how many arguments it has. */
export let parsedEnd: usize = 0;
export let parsedCount: u32 = 0;

/** A line of a request is refused when it is longer; with its end it fits a tail. */
const LINE_BYTES_MAX: usize = INPUT_HEADROOM - 2;
const UNAUTHENTICATED_ARGUMENTS: i64 = 10;
const UNAUTHENTICATED_BYTES: i64 = 16384;

/** The command of the last parsed request, when its beginning was that of one found before; else 0. */
export let parsedCommand: u32 = 0;

/** Parses the command at `at` to records from `records` on, of which `room` are left. */
export function parseCommand(connection: Connection, at: usize, end: usize, records: usize, room: u32): u32 {
  parsedCommand = repeats(at, end) ? repeatedCommand : 0;
  if (parsedCommand == 0) {
    if (load<u8>(at) != 0x2a) return parseInline(at, end, records);
    const header = parseHeader(connection, at, end);
    if (header != PARSED) return header;
  }
  const count = parsedCommand == 0 ? parsedCount : repeatedCount;
  if (count > room) return FULL;
  let next = parsedEnd;
  let index: u32 = 0;
  if (parsedCommand != 0) {
    next = recordRepeated(at, records);
    records += ARGUMENT_BYTES;
    index = 1;
  }
  for (; index < count; index++) {
    // What nearly every argument is, here rather than in parseBulk: a call and its results in globals took 2 ns.
    const short = readShortPrefix(0x24, next, end);
    if (short != 0 && shortNumber + 2 <= <u32>(end - short) && shortNumber <= valueBytesMax()) {
      store<u32>(records, <u32>short);
      store<u32>(records, shortNumber, 4);
      next = short + shortNumber + 2;
    } else {
      const status = parseBulk(connection, next, end);
      if (status != PARSED) return status;
      const left = <u32>(end - bulkStart);
      if (bulkBytes > left || left - bulkBytes < 2) return INCOMPLETE;
      if (bulkBytes > PAGED_ARGUMENT_BYTES) return INCOMPLETE; // collected, so that it gets pages of its own
      store<u32>(records, <u32>bulkStart);
      store<u32>(records, bulkBytes, 4);
      next = bulkStart + bulkBytes + 2;
    }
    records += ARGUMENT_BYTES;
  }
  parsedEnd = next;
  parsedCount = count;
  return PARSED;
}

/** Reads "*n\r\n": the count in parsedCount, the place after it in parsedEnd. */
function parseHeader(connection: Connection, at: usize, end: usize): u32 {
  const start = readShortPrefix(0x2a, at, end);
  if (start != 0 && shortNumber - 1 < <u32>UNAUTHENTICATED_ARGUMENTS && shortNumber <= argumentsMax()) {
    parsedEnd = start;
    parsedCount = shortNumber;
    return PARSED;
  }
  const line = findLineEnd(at, end);
  if (line == 0) {
    return end - at > LINE_BYTES_MAX ? malformed("Protocol error: too big mbulk count string") : INCOMPLETE;
  }
  if (end - line < 2) return INCOMPLETE;
  parsedEnd = line + 2;
  if (!readLength(at + 1, line)) return malformed("Protocol error: invalid multibulk length");
  if (length > <i64>argumentsMax()) {
    malformed("Protocol error: invalid multibulk length");
    tooMany = true;
    return MALFORMED;
  }
  const count = length;
  if (hasMode(connection, ConnectionMode.Stranger) && count > UNAUTHENTICATED_ARGUMENTS) {
    return malformed("Protocol error: unauthenticated multibulk length");
  }
  if (count <= 0) return EMPTY;
  parsedCount = <u32>count;
  return PARSED;
}

let shortNumber: u32 = 0;

/**
 * Reads a prefix of one or two digits, "$3\r\n" or "*12\r\n", by one load: the number in shortNumber, and the place after it.
 * 0 for anything else, which takes the long way. Nearly all prefixes are such: a GET of 16-byte keys has three.
 */
@inline
function readShortPrefix(type: u32, at: usize, end: usize): usize {
  if (end - at < 5) return 0;
  const word = load<u32>(at);
  const first = ((word >> 8) & 0xff) - 0x30;
  if ((word & 0xff) != type || first > 9) return 0;
  const next = (word >> 16) & 0xff;
  if (next == 0x0d) {
    shortNumber = first;
    return at + 4;
  }
  const second = next - 0x30;
  if (second > 9 || first == 0 || word >> 24 != 0x0d) return 0;
  shortNumber = first * 10 + second;
  return at + 5;
}

let length: i64 = 0;

/** Reads the number between two places into `length`; false when it is none, in Redis's strict form. */
@inline
function readLength(at: usize, line: usize): bool {
  const bytes = <u32>(line - at);
  if (bytes == 1) {
    const digit = <u32>load<u8>(at) - 0x30;
    length = digit;
    return digit < 10;
  }
  if (!parseInteger(at, bytes)) return false;
  length = parsedInteger;
  return true;
}

/** The next '\r', 0 for none. */
@inline
function findLineEnd(at: usize, end: usize): usize {
  const limit = end - at > LINE_BYTES_MAX ? at + LINE_BYTES_MAX : end;
  while (at < limit) {
    if (load<u8>(at) == 0x0d) return at;
    at++;
  }
  return 0;
}

let bulkStart: usize = 0;
let bulkBytes: u32 = 0;

/** Reads "$n\r\n": where the bytes start and how many they are. */
function parseBulk(connection: Connection, at: usize, end: usize): u32 {
  if (at >= end) return INCOMPLETE;
  const start = readShortPrefix(0x24, at, end);
  if (start != 0 && shortNumber <= valueBytesMax()) {
    bulkStart = start;
    bulkBytes = shortNumber;
    return PARSED;
  }
  // The line before its first byte: Redis waits for the end of a wrong one too.
  const line = findLineEnd(at, end);
  if (line == 0) {
    return end - at > LINE_BYTES_MAX ? malformed("Protocol error: too big bulk count string") : INCOMPLETE;
  }
  if (end - line < 2) return INCOMPLETE;
  const type: u32 = load<u8>(at);
  if (type != 0x24) {
    malformed("Protocol error: expected '$', got '");
    unexpected = type | UNEXPECTED;
    return MALFORMED;
  }
  if (!readLength(at + 1, line) || length < 0 || length > <i64>valueBytesMax()) {
    return malformed("Protocol error: invalid bulk length");
  }
  if (hasMode(connection, ConnectionMode.Stranger) && length > UNAUTHENTICATED_BYTES) {
    return malformed("Protocol error: unauthenticated bulk length");
  }
  bulkStart = line + 2;
  bulkBytes = <u32>length;
  return PARSED;
}

// What was wrong with the command parsed last. The byte that stood where '$' should has UNEXPECTED added: it may be 0.
let complaint: string = "";
let unexpected: u32 = 0;
/** Set when it has more arguments than the setting allows, which the reply then names. */
let tooMany: bool = false;
const UNEXPECTED: u32 = 0x100;

function malformed(words: string): u32 {
  complaint = words;
  unexpected = 0;
  tooMany = false;
  return MALFORMED;
}

/** Replies what was wrong; commands parsed before have been executed by then. */
export function replyMalformed(): void {
  beginError();
  errorText("ERR ");
  errorText(complaint);
  if (unexpected != 0) {
    store<u8>(REGISTERS_BASE, <u8>unexpected);
    errorBytes(REGISTERS_BASE, 1);
    errorText("'");
  }
  if (tooMany) {
    errorText(", a command has at most ");
    errorInteger(argumentsMax());
    errorText(" arguments (--max-arguments)");
  }
  endError();
}

// ---- inline commands: a line of words, with quotes as in Redis's sdssplitargs, decoded in place (they only shrink)

function parseInline(at: usize, end: usize, records: usize): u32 {
  let line = at;
  while (line < end && load<u8>(line) != 0x0a) line++;
  if (line - at > INPUT_HEADROOM) return malformed("Protocol error: too big inline request");
  if (line == end) return INCOMPLETE;
  // Only as the first of a group: words are decoded in place, which cannot be done twice, and what a call leaves
  // unexecuted is parsed again.
  if (records != ARGUMENTS_BASE) return FULL;
  parsedEnd = line + 1;
  keepLine(at, <u32>(parsedEnd - at));
  const last = textEnd(at, line > at && load<u8>(line - 1) == 0x0d ? line - 1 : line);
  let count: u32 = 0;
  while (true) {
    while (at < last && isSpace(load<u8>(at))) at++;
    if (at == last) break;
    const word = at;
    at = decodeWord(at, last);
    if (at == 0) return malformed("Protocol error: unbalanced quotes in request");
    if (wordBytes > PAGED_ARGUMENT_BYTES) return malformed("Protocol error: too big inline request");
    store<u32>(records, <u32>word);
    store<u32>(records, wordBytes, 4);
    records += ARGUMENT_BYTES;
    count++;
  }
  parsedCount = count;
  return count == 0 ? EMPTY : PARSED;
}

/** The first zero byte of a line, or its end: to Redis the line is a C string. */
function textEnd(at: usize, last: usize): usize {
  while (at < last && load<u8>(at) != 0) at++;
  return at;
}

/** What may stand between words; two of them, vertical tab and form feed, do not end one. */
@inline
function isSpace(byte: u8): bool {
  return byte == 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

@inline
function endsWord(byte: u8): bool {
  return byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d;
}

let wordBytes: u32 = 0;

/** Decodes the word at `at` to the same place; answers where it ends, 0 when a quote is unbalanced. */
function decodeWord(at: usize, last: usize): usize {
  const out = at;
  let to = at;
  let quote: u8 = 0;
  while (at < last) {
    const byte = load<u8>(at);
    if (quote == 0) {
      if (endsWord(byte)) break;
      if (byte == 0x22 || byte == 0x27) quote = byte;
      else store<u8>(to++, byte);
      at++;
    } else if (byte == quote) {
      at++;
      if (at < last && !isSpace(load<u8>(at))) return 0;
      quote = 0;
    } else if (byte == 0x5c && at + 1 < last) {
      at += decodeEscape(at, last, quote, to);
      to++;
    } else {
      store<u8>(to++, byte);
      at++;
    }
  }
  if (quote != 0) return 0;
  wordBytes = <u32>(to - out);
  return at;
}

/** Decodes one escape of a quoted word to one byte; answers the bytes read. */
function decodeEscape(at: usize, last: usize, quote: u8, to: usize): u32 {
  const next = load<u8>(at + 1);
  if (quote == 0x27) {
    store<u8>(to, next == 0x27 ? next : 0x5c);
    return next == 0x27 ? 2 : 1;
  }
  if (next == 0x78 && at + 3 < last && hexDigit(load<u8>(at + 2)) >= 0 && hexDigit(load<u8>(at + 3)) >= 0) {
    store<u8>(to, <u8>((hexDigit(load<u8>(at + 2)) << 4) | hexDigit(load<u8>(at + 3))));
    return 4;
  }
  store<u8>(to, unescaped(next));
  return 2;
}

// ---- partial commands

/** Keeps the bytes of a command that does not end within them: as they are, or when they are many, collected. */
export function keepPartial(connection: Connection, at: usize, end: usize): u32 {
  const bytes = <u32>(end - at);
  if (load<u8>(at) != 0x2a || (bytes < INPUT_HEADROOM && !waitsForLarge(connection, at, end))) {
    if (bytes > INPUT_HEADROOM) return malformed("Protocol error: too big inline request");
    keepTail(connection, at, bytes);
    return INCOMPLETE;
  }
  const status = parseHeader(connection, at, end);
  if (status == INCOMPLETE) keepTail(connection, at, bytes);
  if (status != PARSED) return status;
  connection.announced = parsedCount;
  connection.collected = 0;
  connection.discarding = 0;
  return collect(connection, parsedEnd, end);
}

/** True when an argument of the partial command is over 32 KiB, so that its bytes are better received into pages at once. */
function waitsForLarge(connection: Connection, at: usize, end: usize): bool {
  if (parseHeader(connection, at, end) != PARSED) return false;
  const count = parsedCount;
  let next = parsedEnd;
  for (let index: u32 = 0; index < count; index++) {
    if (next >= end || load<u8>(next) != 0x24 || parseBulk(connection, next, end) != PARSED) return false;
    if (bulkBytes > PAGED_ARGUMENT_BYTES) return true;
    if (bulkBytes + 2 > <u32>(end - bulkStart)) return false;
    next = bulkStart + bulkBytes + 2;
  }
  return false;
}

/** Goes on collecting; PARSED when the command is whole, with the place after it in parsedEnd. */
export function collect(connection: Connection, at: usize, end: usize): u32 {
  while (true) {
    if (connection.largeBytes != 0) {
      at += fillLarge(connection, at, <u32>(end - at));
      if (connection.largeBytes != 0) return INCOMPLETE;
      connection.skip = 2;
    }
    const skipped = min(connection.skip, <u32>(end - at));
    at += skipped;
    connection.skip -= skipped;
    if (connection.skip != 0) return INCOMPLETE;
    if (connection.collected == connection.announced) {
      parsedEnd = at;
      return PARSED;
    }
    const status = collectOne(connection, at, end);
    if (status == INCOMPLETE) keepTail(connection, at, <u32>(end - at));
    if (status != PARSED) return status;
    at = parsedEnd;
  }
}

/** Collects the argument at `at`, or begins to receive it into pages. */
function collectOne(connection: Connection, at: usize, end: usize): u32 {
  const status = parseBulk(connection, at, end);
  if (status != PARSED) return status;
  if (bulkBytes > PAGED_ARGUMENT_BYTES) {
    if (!mayAdmit(pagesFor(bulkBytes) + 1)) connection.discarding = 1;
    startLarge(connection, bulkBytes);
    parsedEnd = bulkStart;
    return PARSED;
  }
  if (bulkBytes + 2 > <u32>(end - bulkStart)) return INCOMPLETE;
  if (!admit(2)) connection.discarding = 1;
  addPacked(connection, bulkStart, bulkBytes);
  parsedEnd = bulkStart + bulkBytes + 2;
  return PARSED;
}
