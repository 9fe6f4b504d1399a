// Writing replies as RESP2 or RESP3 into the connection's pages of replies. The cursor lives in registers for one call;
// a reply of any length goes on in the next page. Over the connection's limit everything written goes nowhere and
// the connection is marked, as Redis closes a client over its hard limit.

import { INPUT_BASE, INPUT_BYTES, PAGE_BITS, PAGE_BYTES } from "../layout";
import { copyBytes, pageAt } from "../memory/memory";
import { countError } from "./command-statistics";
import { addOutputPage, Connection } from "./connection";
import { entryAt, isPaged, pagesFor, valueOf } from "../memory/entry";
import { putBulkHeader, SHORT_BULK_MAX } from "./bulk-text";
import { formatDouble, formatInteger } from "../text/number";
import { outputPagesMax } from "../memory/settings";
import { addWork } from "./work";

let at: usize = 0;
let end: usize = 0;
let page: u32 = 0;
let connection: usize = 0;
/** 2 or 3. */
export let protocol: u32 = 2;
/** An error has begun and nothing of its text is written. */
let isErrorEmpty: bool = false;
/** Pages begun in this call. */
export let pagesWritten: u32 = 0;

export function beginReplies(to: Connection, amidCall: bool = false): void {
  connection = changetype<usize>(to);
  protocol = to.protocol;
  if (!amidCall) pagesWritten = 0;
  page = to.outputTail;
  at = ((<usize>page) << PAGE_BITS) + (page == 0 ? 0 : pageAt(page).bytes);
  end = page == 0 ? 0 : ((<usize>page) << PAGE_BITS) + (PAGE_BYTES - 1);
}

/** The first byte of something whose other bytes follow by replyBytes. */
export function replyType(type: u8): void {
  room(1);
  store<u8>(at++, type);
}

/** A push of `count` parts; in RESP2 an array. */
export function replyPush(count: u32): void {
  header(protocol == 3 ? 0x3e : 0x2a, count);
}

/** Whether what is written goes nowhere. */
export function areRepliesMuted(): bool {
  return muted;
}

/** Notes how far the last page is filled. */
export function endReplies(): void {
  if (page != 0) pageAt(page).bytes = <u32>(at - ((<usize>page) << PAGE_BITS));
}

// Where replies go on once they are written again.
let mutedAt: usize = 0;
let mutedEnd: usize = 0;
let mutedPage: u32 = 0;
let muted: bool = false;

/** From now on what is written goes nowhere. */
export function muteReplies(): void {
  mutedAt = at;
  mutedEnd = end;
  mutedPage = page;
  muted = true;
  writeNowhere();
}

export function unmuteReplies(): void {
  at = mutedAt;
  end = mutedEnd;
  page = mutedPage;
  muted = false;
}

/** To the slack that may be over-read: what lies there means nothing. */
function writeNowhere(): void {
  page = 0;
  at = INPUT_BASE + INPUT_BYTES;
  end = at + (PAGE_BYTES - 1);
}

function nextPage(): void {
  if (muted) {
    writeNowhere();
    return;
  }
  endReplies();
  const to = changetype<Connection>(connection);
  if (to.outputPages < outputPagesMax() && !to.overflowed) {
    const fresh = addOutputPage(to);
    if (fresh != 0) {
      page = fresh;
      at = (<usize>page) << PAGE_BITS;
      // The last byte stays unused, so that `end` fits 32 bits whatever the page.
      end = at + (PAGE_BYTES - 1);
      pagesWritten++;
      return;
    }
  }
  to.overflowed = 1;
  writeNowhere();
}

/** Makes room for a small piece, at most 256 bytes. */
@inline
function room(bytes: u32): void {
  if (end - at < <usize>bytes) nextPage();
}

export function replyBytes(from: usize, bytes: u32): void {
  while (bytes > 0) {
    let left = <u32>(end - at);
    if (left == 0) {
      nextPage();
      left = <u32>(end - at);
    }
    const piece = min(bytes, left);
    copyBytes(at, from, piece);
    at += piece;
    from += piece;
    bytes -= piece;
  }
}

@inline
function lineEnd(): void {
  store<u16>(at, 0x0a0d);
  at += 2;
}

function text(words: string): void {
  const bytes = <u32>words.length;
  const from = changetype<usize>(words);
  for (let index: u32 = 0; index < bytes; index++) {
    room(1);
    store<u8>(at++, <u8>load<u16>(from + (index << 1)));
  }
}

function header(type: u8, number: i64): void {
  room(32);
  store<u8>(at++, type);
  at += formatInteger(number, at);
  lineEnd();
}

/** "$n\r\n". With the general way alone a GET of a short value took 6 ns more. */
@inline
function bulkHeader(bytes: u32): void {
  if (bytes <= SHORT_BULK_MAX) {
    room(32);
    at = putBulkHeader(at, bytes);
  } else {
    header(0x24, bytes);
  }
}

export function replyOk(): void {
  room(8);
  store<u32>(at, 0x0d4b4f2b); // "+OK\r"
  store<u8>(at, 0x0a, 4);
  at += 5;
}

/** A simple string. */
export function replySimple(words: string): void {
  room(1);
  store<u8>(at++, 0x2b);
  text(words);
  room(2);
  lineEnd();
}

/** An error; `words` begin with its code, e.g. "ERR syntax error". */
export function replyError(words: string): void {
  beginError();
  errorText(words);
  endError();
}

/** An error in pieces: beginError, errorText with its code, errorText or errorBytes as often as needed, endError. */
export function beginError(): void {
  room(1);
  store<u8>(at++, 0x2d);
  isErrorEmpty = true;
}

export function errorText(words: string): void {
  if (isErrorEmpty) countError(words);
  isErrorEmpty = false;
  text(words);
}

/** Bytes of a client in an error: line ends become spaces, as in Redis. */
export function errorBytes(from: usize, bytes: u32): void {
  for (let index: u32 = 0; index < bytes; index++) {
    const byte = load<u8>(from + index);
    room(1);
    store<u8>(at++, byte == 0x0d || byte == 0x0a ? 0x20 : byte);
  }
}

export function errorInteger(number: i64): void {
  room(32);
  at += formatInteger(number, at);
}

export function endError(): void {
  room(2);
  lineEnd();
}

export function replyInteger(number: i64): void {
  if (<u64>number < 10) {
    room(4);
    store<u32>(at, 0x0a0d303a + ((<u32>number) << 8)); // ":n\r\n"
    at += 4;
    return;
  }
  header(0x3a, number);
}

export function replyBulk(from: usize, bytes: u32): void {
  bulkHeader(bytes);
  if (<usize>bytes + 2 <= end - at) {
    copyBytes(at, from, bytes);
    at += bytes;
  } else {
    replyBytes(from, bytes);
    room(2);
  }
  lineEnd();
}

/** Where the next byte of a reply goes, and where its page ends, for whoever writes several at once and then says how far. */
export function replyPlace(): usize {
  return at;
}

export function replyRoomEnd(): usize {
  return end;
}

export function moveReplyPlace(to: usize): void {
  at = to;
}

/** A bulk string of an ASCII literal. */
export function replyBulkText(words: string): void {
  header(0x24, words.length);
  text(words);
  room(2);
  lineEnd();
}

/** The value of a string entry, or of a field, as a bulk string. */
export function replyValue(entry: usize): void {
  const bytes = entryAt(entry).valueBytes;
  if (!isPaged(entry)) {
    replyBulk(valueOf(entry), bytes);
    return;
  }
  replyPages(valueOf(entry), bytes);
}

/** Work of copying a page: 6 µs. */
const WORK_A_PAGE: u32 = 64;

/** A bulk string that lies in a list of pages. */
export function replyPages(list: usize, bytes: u32): void {
  header(0x24, bytes);
  const pages = pagesFor(bytes);
  addWork(pages * WORK_A_PAGE);
  for (let index: u32 = 0; index < pages; index++) {
    replyBytes(<usize>load<u32>(list + (index << 2)), min(bytes - (index << PAGE_BITS), PAGE_BYTES));
  }
  room(2);
  lineEnd();
}

/** A bulk string that follows in pieces by replyBytes, ended by endBulk. */
export function beginBulk(bytes: u32): void {
  header(0x24, bytes);
}

export function endBulk(): void {
  room(2);
  lineEnd();
}

export function replyIntegerBulk(number: i64): void {
  room(64);
  const digits = formatInteger(number, at + 8);
  store<u8>(at++, 0x24);
  at += formatInteger(digits, at);
  lineEnd();
  at += formatInteger(number, at);
  lineEnd();
}

export function replyNull(): void {
  room(8);
  if (protocol == 3) {
    store<u32>(at, 0x000a0d5f); // "_\r\n"
    at += 3;
  } else {
    store<u32>(at, 0x0d312d24); // "$-1\r"
    store<u8>(at, 0x0a, 4);
    at += 5;
  }
}

export function replyNullArray(): void {
  if (protocol == 3) {
    replyNull();
    return;
  }
  room(8);
  store<u32>(at, 0x0d312d2a); // "*-1\r"
  store<u8>(at, 0x0a, 4);
  at += 5;
}

export function replyArray(count: u32): void {
  header(0x2a, count);
}

/** A map of `count` pairs; in RESP2 an array of twice as many. */
export function replyMap(count: u32): void {
  if (protocol == 3) header(0x25, count);
  else header(0x2a, (<i64>count) << 1);
}

/** A set; in RESP2 an array. */
export function replySet(count: u32): void {
  header(protocol == 3 ? 0x7e : 0x2a, count);
}

/** A boolean; in RESP2 the integer 1 or 0. */
export function replyBoolean(value: bool): void {
  if (protocol == 3) {
    room(4);
    store<u32>(at, value ? 0x0a0d7423 : 0x0a0d6623); // "#t\r\n", "#f\r\n"
    at += 4;
  } else {
    replyInteger(<i64>value);
  }
}

/** A double; in RESP2 a bulk string. Shortest digits that read back as the same number. */
export function replyDouble(value: f64): void {
  if (protocol == 3) {
    room(96);
    store<u8>(at++, 0x2c);
    at += formatDouble(value, at);
    lineEnd();
    return;
  }
  replyDoubleBulk(value);
}

/** A double as a bulk string. */
export function replyDoubleBulk(value: f64): void {
  room(96);
  const digits = at + 48;
  replyBulk(digits, formatDouble(value, digits));
}

// ---- errors that many commands share

export function replyWrongType(): void {
  replyError("WRONGTYPE Operation against a key holding the wrong kind of value");
}

export function replySyntaxError(): void {
  replyError("ERR syntax error");
}

export function replyNotInteger(): void {
  replyError("ERR value is not an integer or out of range");
}

export function replyNoMemory(): void {
  replyError("OOM command not allowed when used memory > 'maxmemory'.");
}

export function replyReadOnly(): void {
  replyError(
    "MISCONF the log cannot be written, so nothing may be changed: make room on the disk or mend it, and writes are let in again; INFO persistence says what failed",
  );
}

export function replyTooLong(): void {
  replyError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}
