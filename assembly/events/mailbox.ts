// What the engine has for connections other than the one that runs: each has a mailbox, a queue of letters, and a mailbox
// with news stands in one list that the host takes from after each call. A letter refers to a message, which is encoded
// once however many are to have it, and goes into pages of replies only when its connection's turn to be sent has come: a
// message to ten thousand idle subscribers takes ten thousand cells of 8 bytes, not as many pages. Nothing here stops a
// batch; messages of a call are bounded by ending it (`mailBytes`), and a connection that memory has no letter for is ended.
// All of it is volatile.
//
// Events, the head of the region: 0 first mailbox with news (u32) | 4 last (u32) | then what names.ts and notices.ts keep there

import {
  EVENTS_BASE,
  EVENTS_BYTES,
  INPUT_BASE,
  INPUT_BYTES,
  KEY_BYTES_MAX,
  PAGE_BITS,
  PAGE_BYTES,
  PageKind,
  SPARE_PAGES,
  ZONE_VOLATILE,
} from "../layout";
import { allocate, copyBytes, hasMemory, pageAt, release, releasePage, takePage } from "../memory/memory";
import { formatInteger } from "../text/number";

/** The part of a connection that events are about. */
@unmanaged
export class Mailbox {
  /** Next mailbox with news. */
  next: u32;
  isListed: u8;
  /** It has left the state in which it waited for a key. */
  isAwake: u8;
  /** No memory held what was for it. */
  isLost: u8;
  /** Replies to the command that waits are not written. */
  isMute: u8;
  /** Queue of letters. */
  firstLetter: u32;
  lastLetter: u32;
  /** Links (see names.ts) of what it is subscribed to, of keys it waits for, tracks, and of prefixes it is told of. */
  subscriptions: u32;
  waits: u32;
  tracked: u32;
  prefixes: u32;
  channels: u32;
  patterns: u32;
  shardChannels: u32;
  /** The command that waits, as transaction-queue.ts keeps one; what type of value it waits for, and whether for none too. */
  waitCommand: u32;
  waitType: u8;
  waitsForNone: u8;
  /** What it is answered when its time is over: 0 an array, 1 a value. */
  waitNull: u8;
  /** Bits of Tracking. */
  tracking: u8;
  /** Mailbox that is told instead, 0 for its own, and what clients call it; how many tell this one. */
  redirect: u32;
  redirectId: u32;
  redirectors: u32;
  /** Neighbours in the list of those that track. */
  nextTracker: u32;
  previousTracker: u32;
  /** 2 or 3. */
  protocol: u32;
}

@unmanaged
class Letter {
  next: u32;
  message: u32;
}

// A message: references (u32) | bytes (u32) | first page, 0 when they follow (u32) | unused (u32) | bytes. Its first byte is not there: it is
// ">" in RESP3 and "*" in RESP2.
@unmanaged
export class Message {
  references: u32;
  bytes: u32;
  pages: u32;
  unused: u32;
}

@unmanaged
export class Events {
  first: u32;
  last: u32;
  /** Bits of Notice, 0 while none are asked for; the page that they are put together in. */
  notices: u32;
  noticePage: u32;
  /** Connections that track, and how many of them are told of prefixes. */
  trackers: u32;
  broadcasts: u32;
  /** Keys that waited for have changed: the first name, and the last (see names.ts). */
  readyFirst: u32;
  readyLast: u32;
}

/** Bytes of the region that are the mailboxes', the rest is names.ts's. */
export const EVENTS_HEAD_BYTES: u32 = 64;
if (offsetof<Events>() > EVENTS_HEAD_BYTES || EVENTS_HEAD_BYTES > EVENTS_BYTES) ERROR("the head of events must fit");

const LETTER_BYTES: u32 = 8;
const MESSAGE_HEAD_BYTES: u32 = 16;
/** A message up to this size is one cell. */
const CELL_BYTES_MAX: u32 = KEY_BYTES_MAX - MESSAGE_HEAD_BYTES;
/** Free pages of the machine that messages leave to writes that were admitted. */
const SPARED_PAGES: u32 = SPARE_PAGES / 2;

export const events = changetype<Events>(<usize>EVENTS_BASE);

/** Mailbox of the connection whose command runs, 0 for none; call-scoped. */
let own: usize = 0;
/** The connection that runs has mail, a key that somebody waits for has changed, or a call must end: set until it was seen to. */
export let interrupted: bool = false;
/** Bytes of messages in this call. */
export let mailBytes: u32 = 0;

@inline
export function mailboxAt(address: usize): Mailbox {
  return changetype<Mailbox>(address);
}

/** From now on commands of this connection run; 0 for none. */
export function setOwnMailbox(address: usize): void {
  own = address;
}

export function ownMailbox(): usize {
  return own;
}

export function interrupt(yes: bool): void {
  interrupted = yes;
}

export function beginMail(): void {
  mailBytes = 0;
}

/** Lets the host know that a connection has news. */
export function list(box: Mailbox): void {
  const address = <u32>changetype<usize>(box);
  if (<usize>address == own) {
    interrupted = true;
    return;
  }
  if (box.isListed) return;
  box.isListed = 1;
  box.next = 0;
  if (events.last == 0) events.first = address;
  else mailboxAt(events.last).next = address;
  events.last = address;
}

/** The mailbox that has waited longest, 0 for none; it stands in the list no more. */
export function takeListed(): usize {
  const address = <usize>events.first;
  if (address == 0) return 0;
  const box = mailboxAt(address);
  events.first = box.next;
  if (box.next == 0) events.last = 0;
  box.isListed = 0;
  return address;
}

/** Takes a mailbox out of the list, and what is in it. */
export function clearMailbox(box: Mailbox): void {
  while (box.firstLetter != 0) dropLetter(box);
  if (!box.isListed) return;
  let before: u32 = 0;
  for (let at = events.first; at != <u32>changetype<usize>(box); at = mailboxAt(at).next) before = at;
  if (before == 0) events.first = box.next;
  else mailboxAt(before).next = box.next;
  if (box.next == 0) events.last = before;
  box.isListed = 0;
}

// ---- messages

/** The message being written, 0 when memory had no room for it; call-scoped. */
let written: usize = 0;
let at: usize = 0;
let end: usize = 0;

/** Begins a message of exactly so many bytes. */
export function beginMessage(bytes: u32): void {
  written = 0;
  const isShort = bytes <= CELL_BYTES_MAX;
  const pages = isShort ? 1 : bytes >> PAGE_BITS;
  if (!hasMemory(SPARED_PAGES + pages + 1)) {
    writeNowhere();
    return;
  }
  written = allocate(ZONE_VOLATILE, isShort ? MESSAGE_HEAD_BYTES + bytes : MESSAGE_HEAD_BYTES);
  const message = messageAt(written);
  message.references = 0;
  message.bytes = bytes;
  message.pages = 0;
  mailBytes += bytes;
  if (isShort) {
    at = written + MESSAGE_HEAD_BYTES;
    end = at + bytes;
    return;
  }
  message.pages = <u32>(takePage(PageKind.Output) >> PAGE_BITS);
  at = (<usize>message.pages) << PAGE_BITS;
  end = at + (PAGE_BYTES - 1);
}

/** To the slack behind the input, where nothing has a meaning. */
function writeNowhere(): void {
  at = INPUT_BASE + INPUT_BYTES;
  end = at + (PAGE_BYTES - 1);
}

function nextPage(): void {
  if (written == 0) {
    writeNowhere();
    return;
  }
  const last = <u32>((end - 1) >> PAGE_BITS);
  const fresh = takePage(PageKind.Output);
  if (fresh == 0) unreachable(); // beginMessage has looked
  pageAt(last).bytes = PAGE_BYTES - 1;
  pageAt(last).next = <u16>(fresh >> PAGE_BITS);
  at = fresh;
  end = at + (PAGE_BYTES - 1);
}

export function putBytes(from: usize, bytes: u32): void {
  while (bytes != 0) {
    if (at == end) nextPage();
    const piece = min(bytes, <u32>(end - at));
    copyBytes(at, from, piece);
    at += piece;
    from += piece;
    bytes -= piece;
  }
}

const WORD_BASE: usize = INPUT_BASE + INPUT_BYTES + PAGE_BYTES / 2;

/** An ASCII literal, at most 256 letters. */
export function putWord(word: string): void {
  const bytes = <u32>word.length;
  for (let index: u32 = 0; index < bytes; index++) {
    store<u8>(WORD_BASE + index, <u8>load<u16>(changetype<usize>(word) + (index << 1)));
  }
  putBytes(WORD_BASE, bytes);
}

/** A type byte, a number and a line end. */
export function putHeader(type: u8, number: u32): void {
  store<u8>(WORD_BASE, type);
  const digits = formatInteger(number, WORD_BASE + 1);
  store<u16>(WORD_BASE + digits, 0x0a0d, 1);
  putBytes(WORD_BASE, digits + 3);
}

/** Bytes that `putHeader` puts. */
export function headerBytes(number: u32): u32 {
  return formatInteger(number, WORD_BASE) + 3;
}

/** Bytes that a bulk string of so many bytes takes. */
export function bulkBytes(bytes: u32): u32 {
  return formatInteger(bytes, WORD_BASE) + 5 + bytes;
}

export function putBulk(from: usize, bytes: u32): void {
  putHeader(0x24, bytes);
  putBytes(from, bytes);
  putWord("\r\n");
}

export function putBulkWord(word: string): void {
  putHeader(0x24, word.length);
  putWord(word);
  putWord("\r\n");
}

/** The message that was written; it is posted, or dropped by `endMessage`. */
export function writtenMessage(): usize {
  return written;
}

/** Nobody else gets it: it goes unless somebody has. */
export function endMessage(): void {
  if (written == 0) return;
  messageAt(written).references++;
  unrefer(written);
}

@inline
export function messageAt(address: usize): Message {
  return changetype<Message>(address);
}

/** Where the bytes of a message lie that has no pages. */
@inline
export function bytesOf(message: usize): usize {
  return message + MESSAGE_HEAD_BYTES;
}

function unrefer(address: usize): void {
  const message = messageAt(address);
  if (--message.references != 0) return;
  let page = message.pages;
  while (page != 0) {
    const next: u32 = pageAt(page).next;
    releasePage((<usize>page) << PAGE_BITS);
    page = next;
  }
  release(ZONE_VOLATILE, address);
}

/** Puts the message that was written into a mailbox. */
export function post(box: Mailbox): void {
  list(box);
  if (written == 0 || !hasMemory(SPARED_PAGES + 1)) {
    box.isLost = 1;
    return;
  }
  const address = allocate(ZONE_VOLATILE, LETTER_BYTES);
  const letter = changetype<Letter>(address);
  letter.next = 0;
  letter.message = <u32>written;
  messageAt(written).references++;
  if (box.lastLetter == 0) box.firstLetter = <u32>address;
  else changetype<Letter>(<usize>box.lastLetter).next = <u32>address;
  box.lastLetter = <u32>address;
}

/** The message of the oldest letter, 0 for none. */
export function firstMessage(box: Mailbox): usize {
  return box.firstLetter == 0 ? 0 : <usize>changetype<Letter>(<usize>box.firstLetter).message;
}

/** Lets go of the oldest letter. */
export function dropLetter(box: Mailbox): void {
  const address = <usize>box.firstLetter;
  const letter = changetype<Letter>(address);
  box.firstLetter = letter.next;
  if (letter.next == 0) box.lastLetter = 0;
  unrefer(letter.message);
  release(ZONE_VOLATILE, address);
}
