// The commands between MULTI and EXEC. A short command is copied to one cell, its records and bytes together, so that it
// runs from there; a longer one keeps the chains of pages in which its arguments were collected, and large values
// are adopted from there without a copy. All of it is charged to the connection and bounded by the limit of its replies,
// and admitted under the memory limit like any write.
//
// Queued: 0 next (u32) | 4 command (u32) | 8 arguments (u32) | 12 charged bytes (u32)
//   16 first page of records, 0 when they follow (u32) | 20 first page of small arguments (u32) | 24 records | bytes

import { ConnectionMode } from "../connection-layout";
import { ARGUMENT_BYTES, PAGE_BITS, PAGE_BYTES, ZONE_VOLATILE } from "../layout";
import { allocate, copyBytes, release } from "../memory/memory";
import { endGroup } from "../effects/record";
import { dropWatches } from "../keyspace/watch";
import { admit } from "../keyspace/eviction";
import { outputPagesMax } from "../memory/settings";
import {
  addPacked,
  Connection,
  forgetArguments,
  hasMode,
  PAGED_BIT,
  releaseArguments,
  setMode,
  watcherOf,
} from "./connection";
import { beginError, endError, errorInteger, errorText, replyNoMemory } from "./reply";

@unmanaged
export class Queued {
  next: u32;
  command: u32;
  count: u32;
  charged: u32;
  recordsHead: u32;
  packedHead: u32;
}

const QUEUED_BYTES: u32 = 24;
if (offsetof<Queued>() != QUEUED_BYTES) ERROR("a queued command must stay 24 bytes");

/** Longest command that is kept in one cell: two of them share a page. */
const SHORT_BYTES_MAX: u64 = PAGE_BYTES / 2 - 64;
/** Bytes past an argument that finding a command may read. */
const SLACK_BYTES: u32 = 8;

@inline
export function queuedAt(address: usize): Queued {
  return changetype<Queued>(address);
}

/** Where the records of a short command lie. */
@inline
export function recordsOf(queued: Queued): usize {
  return changetype<usize>(queued) + QUEUED_BYTES;
}

/** Queues a command whose arguments lie at `records`; false after replying why not. */
export function queueCommand(connection: Connection, command: usize, records: usize, count: u32): bool {
  let argumentBytes: u64 = 0;
  let paged = false;
  for (let index: u32 = 0; index < count; index++) {
    const bytes = load<u32>(records + index * ARGUMENT_BYTES, 4);
    if (bytes & PAGED_BIT) paged = true;
    argumentBytes += bytes & ~PAGED_BIT;
  }
  const whole: u64 = QUEUED_BYTES + SLACK_BYTES + <u64>count * ARGUMENT_BYTES + argumentBytes;
  const short = !paged && whole <= SHORT_BYTES_MAX;
  // Of a longer one a page of each chain may be partly filled, and pages of small arguments begin anew for a long one.
  const charged = short ? whole : (whole << 1) + (PAGE_BYTES << 1);
  if (charged + connection.queueBytes > (<u64>outputPagesMax()) << PAGE_BITS) {
    replyTooMuch();
    return false;
  }
  const isCollected = connection.announced != 0;
  if (!admit(short || isCollected ? 1 : <u32>(charged >> PAGE_BITS) + 1)) {
    replyNoMemory();
    return false;
  }
  const queued = queuedAt(allocate(ZONE_VOLATILE, short ? <u32>whole : QUEUED_BYTES));
  queued.command = <u32>command;
  queued.count = count;
  queued.charged = <u32>charged;
  queued.recordsHead = 0;
  queued.packedHead = 0;
  if (short) copyArguments(recordsOf(queued), records, count);
  else takeArguments(connection, queued, records, count, isCollected);
  append(connection, queued);
  return true;
}

/** Copies a command to one cell, as a queued one; 0 when it is too long for that. The caller has reserved a page. */
export function keepCommand(command: usize, records: usize, count: u32): usize {
  let whole: u64 = QUEUED_BYTES + SLACK_BYTES + <u64>count * ARGUMENT_BYTES;
  for (let index: u32 = 0; index < count; index++) whole += load<u32>(records + index * ARGUMENT_BYTES, 4);
  if (whole > SHORT_BYTES_MAX) return 0; // PAGED_BIT makes it long
  const address = allocate(ZONE_VOLATILE, <u32>whole);
  const queued = queuedAt(address);
  queued.command = <u32>command;
  queued.count = count;
  queued.recordsHead = 0;
  queued.packedHead = 0;
  copyArguments(recordsOf(queued), records, count);
  return address;
}

function append(connection: Connection, queued: Queued): void {
  const address = <u32>changetype<usize>(queued);
  queued.next = 0;
  if (connection.queueTail == 0) connection.queueHead = address;
  else queuedAt(connection.queueTail).next = address;
  connection.queueTail = address;
  connection.queueCount++;
  connection.queueBytes += queued.charged;
}

/** Copies arguments to right behind their records. */
function copyArguments(to: usize, records: usize, count: u32): void {
  let at = to + count * ARGUMENT_BYTES;
  for (let index: u32 = 0; index < count; index++) {
    const bytes = load<u32>(records + index * ARGUMENT_BYTES, 4);
    copyBytes(at, load<u32>(records + index * ARGUMENT_BYTES), bytes);
    store<u32>(to + index * ARGUMENT_BYTES, <u32>at);
    store<u32>(to + index * ARGUMENT_BYTES, bytes, 4);
    at += bytes;
  }
}

/** Takes the chains of a collected command over; one that came whole is collected first. */
function takeArguments(connection: Connection, queued: Queued, records: usize, count: u32, isCollected: bool): void {
  if (!isCollected) {
    connection.discarding = 0;
    for (let index: u32 = 0; index < count; index++) {
      const record = records + index * ARGUMENT_BYTES;
      addPacked(connection, load<u32>(record), load<u32>(record, 4));
    }
  }
  queued.recordsHead = connection.recordsHead;
  queued.packedHead = connection.packedHead;
  forgetArguments(connection);
}

function replyTooMuch(): void {
  beginError();
  errorText("ERR the transaction takes more than ");
  errorInteger((<i64>outputPagesMax()) << PAGE_BITS);
  errorText(" bytes, the limit of a connection's output (--output-limit)");
  endError();
}

/** Frees the oldest queued command. */
export function dropFirst(connection: Connection): void {
  const address = <usize>connection.queueHead;
  const queued = queuedAt(address);
  connection.queueHead = queued.next;
  if (queued.next == 0) connection.queueTail = 0;
  connection.queueCount--;
  connection.queueBytes -= queued.charged;
  releaseArguments(queued.recordsHead, queued.packedHead);
  release(ZONE_VOLATILE, address);
}

/** Leaves the transaction: nothing is queued or watched any more. */
export function discardTransaction(connection: Connection): void {
  if (hasMode(connection, ConnectionMode.Executing)) endGroup();
  while (connection.queueHead != 0) dropFirst(connection);
  setMode(connection, ConnectionMode.Queueing | ConnectionMode.Aborted | ConnectionMode.Executing, false);
  dropWatches(watcherOf(connection));
}
