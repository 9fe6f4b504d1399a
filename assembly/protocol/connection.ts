// A connection: all that outlives one call for one client, in a volatile cell. Received bytes that end inside a command
// are kept as a tail of up to 64 KiB and put before the next bytes; a longer command is collected argument by
// argument: small ones are packed into pages, one over 32 KiB gets pages of its own, which a value adopts. Replies
// are chains of pages; the host takes one at a time and releases it when the socket has drained it.

import { ARGUMENT_PAGED_BIT, ConnectionMode } from "../connection-layout";
import { INPUT_BASE, PAGE_BITS, PAGE_BYTES, PageKind, SPARE_PAGES, ZONE_VOLATILE } from "../layout";
import { allocate, copyBytes, hasMemory, pageAt, release, releasePage, takePage, state } from "../memory/memory";
import { admit } from "../keyspace/eviction";
import { Mailbox, mailboxAt } from "../events/mailbox";
import { Watcher } from "../keyspace/watch";

@unmanaged
export class Connection {
  /** Bits of ConnectionMode; 0 for nearly every connection, so that a command tests all of them at once. */
  mode: u16;
  protocol: u8;
  /** Set when replies went over the limit or the machine has no memory: nothing more is written, the host destroys it. */
  overflowed: u8;
  database: u8;
  /** Set when the memory limit cannot hold the command being collected: its arguments are counted, not kept. */
  discarding: u8;
  /** Partial command, at most INPUT_HEADROOM bytes, in a volatile cell. */
  tail: u32;
  tailBytes: u32;
  /** Collected command: arguments announced (0 when none is being collected) and whole ones so far. */
  announced: u32;
  collected: u32;
  /** First and last page of (address, bytes) records of collected arguments, as page numbers. */
  recordsHead: u32;
  recordsTail: u32;
  /** First and current page of small collected arguments. */
  packedHead: u32;
  packedTail: u32;
  /** List of pages of the large argument being received, a volatile cell of addresses; 0 when it is only counted. */
  large: u32;
  largeBytes: u32;
  largeFilled: u32;
  /** Line end after a large argument still to be passed over. */
  skip: u32;
  /** Replies not taken yet, as page numbers; and pages of replies not released, taken or not. */
  outputHead: u32;
  outputTail: u32;
  outputPages: u32;
  /** Command that ran last in the last batch, an address in the command table. */
  lastCommand: u32;
  /** Commands queued since MULTI, oldest first (see transaction-queue.ts), how many, and what they are charged. */
  queueHead: u32;
  queueTail: u32;
  queueCount: u32;
  queueBytes: u32;
  /** A Watcher (see keyspace/watch.ts). */
  watches: u32;
  watchedCount: u32;
  watchBroken: u32;
}

/** Behind a connection lies its Mailbox (see events/mailbox.ts). */
const MAILBOX_OFFSET: u32 = 128;
const CONNECTION_BYTES: u32 = MAILBOX_OFFSET + 96;
if (offsetof<Connection>() > MAILBOX_OFFSET) ERROR("a connection must fit 128 bytes");
if (offsetof<Mailbox>() > CONNECTION_BYTES - MAILBOX_OFFSET) ERROR("a mailbox must fit 96 bytes");

@inline
export function connectionAt(address: usize): Connection {
  return changetype<Connection>(address);
}

export function openConnection(authenticated: bool): usize {
  const address = allocate(ZONE_VOLATILE, CONNECTION_BYTES);
  memory.fill(address, 0, CONNECTION_BYTES);
  const connection = connectionAt(address);
  setProtocol(connection, 2);
  if (!authenticated) connection.mode = <u16>ConnectionMode.Stranger;
  return address;
}

@inline
export function hasMode(connection: Connection, mode: ConnectionMode): bool {
  return (connection.mode & <u16>mode) != 0;
}

export function setMode(connection: Connection, mode: ConnectionMode, on: bool): void {
  connection.mode = <u16>(on ? connection.mode | mode : connection.mode & ~mode);
}

export function setProtocol(connection: Connection, version: u32): void {
  connection.protocol = <u8>version;
  mailboxOf(connection).protocol = version;
}

@inline
export function mailboxOf(connection: Connection): Mailbox {
  return mailboxAt(changetype<usize>(connection) + MAILBOX_OFFSET);
}

/** The connection that a mailbox belongs to. */
@inline
export function connectionOf(box: Mailbox): Connection {
  return connectionAt(changetype<usize>(box) - MAILBOX_OFFSET);
}

export function watcherOf(connection: Connection): Watcher {
  return changetype<Watcher>(changetype<usize>(connection) + offsetof<Connection>("watches"));
}

/** Frees the connection and all it holds; pages of replies still with the host are released by `releaseOutput` before. */
export function closeConnection(address: usize): void {
  const connection = connectionAt(address);
  dropInput(connection);
  while (connection.outputHead != 0) releaseOutput(connection, takeOutput(connection));
  release(ZONE_VOLATILE, address);
}

export function dropInput(connection: Connection): void {
  dropTail(connection);
  if (connection.large != 0) releaseLarge(connection.large, connection.largeFilled);
  connection.large = 0;
  connection.largeBytes = 0;
  connection.skip = 0;
  releaseArguments(connection.recordsHead, connection.packedHead);
  forgetArguments(connection);
}

/** Leaves the collected arguments to whoever took the heads of their chains. */
export function forgetArguments(connection: Connection): void {
  connection.packedHead = 0;
  connection.packedTail = 0;
  connection.recordsHead = 0;
  connection.recordsTail = 0;
  connection.announced = 0;
  connection.collected = 0;
}

/** Free pages of the machine below which replies and partial commands take none: a write that was admitted needs them. */
const CLIENT_SPARE_PAGES: u32 = SPARE_PAGES / 2;

// ---- tail

/** Keeps the start of a command. Not under the limit, as replies are not: a full database must still be read. */
export function keepTail(connection: Connection, from: usize, bytes: u32): void {
  if (bytes == 0) return;
  if (!hasMemory(CLIENT_SPARE_PAGES)) {
    connection.overflowed = 1;
    return;
  }
  connection.tail = <u32>allocate(ZONE_VOLATILE, bytes);
  connection.tailBytes = bytes;
  copyBytes(connection.tail, from, bytes);
}

export function dropTail(connection: Connection): void {
  if (connection.tailBytes != 0) release(ZONE_VOLATILE, connection.tail);
  connection.tailBytes = 0;
  connection.tail = 0;
}

/** Copies the partial command kept to just before the received bytes; answers where the batch begins. */
export function prependTail(connection: Connection): usize {
  const kept = connection.tailBytes;
  const start = <usize>(INPUT_BASE - kept);
  if (kept != 0) {
    copyBytes(start, connection.tail, kept);
    dropTail(connection);
  }
  return start;
}

// ---- collected arguments. A record is 8 bytes as in the ARGUMENTS region; bit 31 of its length says that the address
// is that of a list of pages.

export const PAGED_BIT: u32 = ARGUMENT_PAGED_BIT;

export function addRecord(connection: Connection, address: usize, bytes: u32): void {
  if (connection.recordsTail == 0 || pageAt(connection.recordsTail).bytes == PAGE_BYTES) {
    const page = <u32>(takePage(PageKind.Input) >> PAGE_BITS);
    if (connection.recordsTail == 0) connection.recordsHead = page;
    else pageAt(connection.recordsTail).next = <u16>page;
    connection.recordsTail = page;
  }
  const page = pageAt(connection.recordsTail);
  const at = ((<usize>connection.recordsTail) << PAGE_BITS) + page.bytes;
  store<u32>(at, <u32>address);
  store<u32>(at, bytes, 4);
  page.bytes += 8;
  connection.collected++;
}

/** Slack at a page's end, so that reading a few bytes past an argument stays inside the page. */
const PACKED_SLACK: u32 = 64;

/** Copies a small argument to the connection's pages. */
export function addPacked(connection: Connection, from: usize, bytes: u32): void {
  if (connection.discarding) {
    connection.collected++;
    return;
  }
  if (connection.packedTail == 0 || pageAt(connection.packedTail).bytes + bytes + PACKED_SLACK > PAGE_BYTES) {
    const page = <u32>(takePage(PageKind.Input) >> PAGE_BITS);
    if (connection.packedTail == 0) connection.packedHead = page;
    else pageAt(connection.packedTail).next = <u16>page;
    connection.packedTail = page;
  }
  const page = pageAt(connection.packedTail);
  const at = ((<usize>connection.packedTail) << PAGE_BITS) + page.bytes;
  copyBytes(at, from, bytes);
  page.bytes += bytes;
  addRecord(connection, at, bytes);
}

/** Begins to receive an argument of `bytes` into pages of its own. */
export function startLarge(connection: Connection, bytes: u32): void {
  const list = ((bytes + PAGE_BYTES - 1) >> PAGE_BITS) << 2;
  connection.large = connection.discarding ? 0 : <u32>allocate(ZONE_VOLATILE, list);
  connection.largeBytes = bytes;
  connection.largeFilled = 0;
}

/** Takes up to `bytes` more of the large argument; answers how many. It becomes a record when it is whole. */
export function fillLarge(connection: Connection, from: usize, bytes: u32): u32 {
  const wanted = min(bytes, connection.largeBytes - connection.largeFilled);
  if (connection.large != 0) copyToLarge(connection, from, wanted);
  else connection.largeFilled += wanted;
  if (connection.largeFilled == connection.largeBytes) {
    if (connection.large != 0) addRecord(connection, connection.large, connection.largeBytes | PAGED_BIT);
    else connection.collected++;
    connection.large = 0;
    connection.largeBytes = 0;
  }
  return wanted;
}

/** Pages are admitted as they are filled: what was announced and never comes takes no memory from others. */
function copyToLarge(connection: Connection, from: usize, bytes: u32): void {
  while (bytes > 0) {
    const within = connection.largeFilled & (PAGE_BYTES - 1);
    const slot = <usize>connection.large + ((connection.largeFilled >> PAGE_BITS) << 2);
    if (within == 0) {
      if (!admit(1)) {
        discardLarge(connection);
        connection.largeFilled += bytes;
        return;
      }
      store<u32>(slot, <u32>takePage(PageKind.Input));
    }
    const piece = min(bytes, PAGE_BYTES - within);
    memory.copy(<usize>load<u32>(slot) + within, from, piece);
    connection.largeFilled += piece;
    from += piece;
    bytes -= piece;
  }
}

function discardLarge(connection: Connection): void {
  releaseLarge(connection.large, connection.largeFilled);
  connection.large = 0;
  connection.discarding = 1;
}

/** Releases a list of pages, and the pages unless a value has adopted them: then the first address has its lowest bit set. */
function releaseLarge(list: usize, filled: u32): void {
  const pages = (filled + PAGE_BYTES - 1) >> PAGE_BITS;
  if (pages > 0 && (load<u32>(list) & 1) == 0) {
    for (let index: u32 = 0; index < pages; index++) releasePage(<usize>load<u32>(list + (index << 2)));
  }
  release(ZONE_VOLATILE, list);
}

/** Frees collected arguments: their records, the pages of small ones and those of large ones that nothing adopted. */
export function releaseArguments(recordsHead: u32, packedHead: u32): void {
  releaseChain(packedHead);
  releaseLargeRecords(recordsHead);
  releaseChain(recordsHead);
}

function releaseLargeRecords(number: u32): void {
  while (number != 0) {
    const base = (<usize>number) << PAGE_BITS;
    for (let at = base; at < base + pageAt(number).bytes; at += 8) {
      const bytes = load<u32>(at, 4);
      if (bytes & PAGED_BIT) releaseLarge(load<u32>(at), bytes & ~PAGED_BIT);
    }
    number = pageAt(number).next;
  }
}

/** Copies a chain of records to `to`, the ARGUMENTS region. */
export function copyRecords(number: u32, to: usize): void {
  while (number != 0) {
    memory.copy(to, (<usize>number) << PAGE_BITS, pageAt(number).bytes);
    to += pageAt(number).bytes;
    number = pageAt(number).next;
  }
}

function releaseChain(number: u32): void {
  while (number != 0) {
    const next: u32 = pageAt(number).next;
    releasePage((<usize>number) << PAGE_BITS);
    number = next;
  }
}

// ---- replies

/** Pages that a connection with replies leaves to those that have none: who reads slowly shall not silence all others. */
function sparedForOthers(): u32 {
  return (<u32>memory.size() - state.heapStart) >> 7;
}

/** Appends an empty page to the replies; 0 when memory cannot grow any more. */
export function addOutputPage(connection: Connection): u32 {
  if (!hasMemory(CLIENT_SPARE_PAGES + (connection.outputPages == 0 ? 0 : sparedForOthers()))) return 0;
  const number = <u32>(takePage(PageKind.Output) >> PAGE_BITS);
  if (connection.outputTail == 0) connection.outputHead = number;
  else pageAt(connection.outputTail).next = <u16>number;
  connection.outputTail = number;
  connection.outputPages++;
  return number;
}

/** Hands the oldest page of replies to the host; 0 for none. */
export function takeOutput(connection: Connection): u32 {
  const number = connection.outputHead;
  if (number == 0) return 0;
  connection.outputHead = pageAt(number).next;
  if (connection.outputHead == 0) connection.outputTail = 0;
  return number;
}

export function releaseOutput(connection: Connection, number: u32): void {
  connection.outputPages--;
  releasePage((<usize>number) << PAGE_BITS);
}
