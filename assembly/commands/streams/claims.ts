// XCLAIM and XAUTOCLAIM: entries that were given to one consumer go to another. An entry that is pending and not in the stream any
// more is not pending from then on. What was claimed is noted in scratch memory, since the answer begins with how many they are;
// it is recorded with the time and the number of deliveries that came of it, so that nothing depends on when it is replayed.

import { CommandFlag, SCRATCH_BASE, SCRATCH_BYTES } from "../../layout";
import { addIntegerPart, addWordPart, beginRecord } from "../../effects/record";
import { clock } from "../../keyspace/keyspace";
import { dirty } from "../../memory/memory";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { errorArgument, QUOTED_BYTES_MAX } from "../../protocol/command-error";
import { addWork } from "../../protocol/dispatch";
import { addArgument, endEffect, isRecording, partBytes } from "../../protocol/recording";
import { beginError, endError, errorText, replyArray, replyError, replySyntaxError } from "../../protocol/reply";
import { isBefore, seekAfter, seekFrom, soughtAddress, soughtMs, soughtSeq } from "../../structures/id-tree";
import {
  Consumer,
  createConsumer,
  createPending,
  findPending,
  Group,
  GROUP_BYTES,
  noteConsumer,
  pagesForPending,
  pendingAt,
  pendingOfGroup,
  reassign,
  removePending,
  setDelivery,
} from "../../structures/streams/group";
import { findEntry, Stream } from "../../structures/streams/stream";
import { replyEntry } from "./entry-reply";
import { addIdPart, ID_PART_BYTES, idMs, idSeq, isId, parseId, parseStart, replyId, setId } from "./stream-id";
import {
  consumerNamed,
  findStream,
  groupNamed,
  isNameTooLong,
  isThere,
  mayTake,
  NO_CONSUMER,
  NO_GROUP,
  REFUSED,
  replyNoGroup,
} from "./stream-key";
import { recordConsumer } from "./xreadgroup";

/** Arguments before the ids of XCLAIM, and before the options of XAUTOCLAIM. */
const FIRST_ID: u32 = 5;
const FIRST_OPTION: u32 = 6;
/** Entries that one XAUTOCLAIM may claim: so many ids fit scratch memory. */
const CLAIMS_MAX: u32 = SCRATCH_BYTES / 16;
const CLAIMS_USUAL: u32 = 100;
/** The largest COUNT that Redis takes. */
const COUNT_MAX: i64 = i64.MAX_VALUE / 16;
/** Entries looked at for each that may be claimed. */
const ATTEMPTS: u64 = 10;
/** A word or a number in a record, and ids in one. */
const WORD_BYTES: u32 = 48;
const IDS_A_RECORD: u32 = 1024;

let group: Group = NO_GROUP;
let consumer: Consumer = NO_CONSUMER;
let isNewConsumer: bool = false;
let leastIdle: i64 = 0;
let justIds: bool = false;

// ---- what was claimed, and what turned out not to be there: ids, claimed ones from the start, others from the end

let claimed: u32 = 0;
let vanished: u32 = 0;

@inline
function claimedAt(index: u32): usize {
  return SCRATCH_BASE + (index << 4);
}

@inline
function vanishedAt(index: u32): usize {
  return SCRATCH_BASE + SCRATCH_BYTES - ((index + 1) << 4);
}

function noteId(place: usize, ms: u64, seq: u64): void {
  store<u64>(place, ms);
  store<u64>(place, seq, 8);
}

/** Finds the stream, the group and the consumer, making one for whom there is room; false after replying an error. */
function findClaimant(stream: Stream, entries: u32): bool {
  consumer = consumerNamed(group, 3);
  isNewConsumer = consumer == NO_CONSUMER;
  if (isNewConsumer && isNameTooLong(3)) return false;
  if (!mayTake(pagesForPending(group, isNewConsumer ? null : consumer, entries))) return false;
  assert(isThere(stream));
  if (isNewConsumer) consumer = createConsumer(group, argumentAddress(3), argumentBytes(3), clock);
  noteConsumer(consumer, clock, false);
  claimed = 0;
  vanished = 0;
  return true;
}

function findGroup(stream: Stream): bool {
  group = isThere(stream) ? groupNamed(stream, 2) : NO_GROUP;
  if (group != NO_GROUP) return true;
  replyNoGroup(1, 2, "'");
  return false;
}

function parseIdle(index: u32, error: string): bool {
  if (!argumentInteger(index)) {
    replyError(error);
    return false;
  }
  leastIdle = max<i64>(lastInteger(), 0);
  return true;
}

/** Lets a pending entry be nobody's, since it is not in the stream any more. */
function forget(ms: u64, seq: u64, address: u32): void {
  removePending(group, ms, seq, address);
  noteId(vanishedAt(vanished++), ms, seq);
}

/** Gives a pending entry to the consumer. */
function take(ms: u64, seq: u64, address: u32, time: i64, deliveries: u64): void {
  const pending = pendingAt(address);
  setDelivery(pending, time, deliveries);
  reassign(pending, consumer, ms, seq);
  noteConsumer(consumer, clock, true);
  noteId(claimedAt(claimed++), ms, seq);
}

// ---- XCLAIM

let deliveryTime: i64 = -1;
let retryCount: i64 = -1;
let forces: bool = false;
let lastMs: u64 = 0;
let lastSeq: u64 = 0;

function xClaim(): void {
  const stream = findStream(1);
  if (stream == REFUSED || !findGroup(stream)) return;
  if (!parseIdle(4, "ERR Invalid min-idle-time argument for XCLAIM")) return;
  let options = FIRST_ID;
  while (options < argumentCount && isId(options)) options++;
  if (!parseClaimOptions(options)) return;
  addWork(options << 1);
  if (!findClaimant(stream, options - FIRST_ID)) return;
  if (isBefore(group.lastMs, group.lastSeq, lastMs, lastSeq)) setLast();
  for (let index = FIRST_ID; index < options && claimed + vanished < CLAIMS_MAX; index++) {
    if (isId(index)) claim(stream, idMs, idSeq);
  }
  recordClaims(deliveryTime);
  replyClaims(stream);
}

/** Parses what follows the ids; false after replying an error. */
function parseClaimOptions(first: u32): bool {
  deliveryTime = -1;
  retryCount = -1;
  forces = false;
  justIds = false;
  lastMs = 0;
  lastSeq = 0;
  for (let index = first; index < argumentCount; index++) {
    const hasMore = index + 1 < argumentCount;
    if (argumentIs(index, "FORCE")) {
      forces = true;
    } else if (argumentIs(index, "JUSTID")) {
      justIds = true;
    } else if (hasMore && argumentIs(index, "IDLE")) {
      if (!parseNumber(++index, "ERR Invalid IDLE option argument for XCLAIM")) return false;
      deliveryTime = clock - lastInteger();
    } else if (hasMore && argumentIs(index, "TIME")) {
      if (!parseNumber(++index, "ERR Invalid TIME option argument for XCLAIM")) return false;
      deliveryTime = lastInteger();
    } else if (hasMore && argumentIs(index, "RETRYCOUNT")) {
      if (!parseNumber(++index, "ERR Invalid RETRYCOUNT option argument for XCLAIM")) return false;
      retryCount = lastInteger();
    } else if (hasMore && argumentIs(index, "LASTID")) {
      if (!parseId(++index)) return false;
      lastMs = idMs;
      lastSeq = idSeq;
    } else {
      replyUnknownOption(index);
      return false;
    }
  }
  // A time that has not come, or never was, is not worth an error: clients reckon with clocks of their own.
  if (deliveryTime < 0 || deliveryTime > clock) deliveryTime = clock;
  return true;
}

function parseNumber(index: u32, error: string): bool {
  if (argumentInteger(index)) return true;
  replyError(error);
  return false;
}

function replyUnknownOption(index: u32): void {
  beginError();
  errorText("ERR Unrecognized XCLAIM option '");
  errorArgument(index, QUOTED_BYTES_MAX);
  errorText("'");
  endError();
}

function setLast(): void {
  dirty(changetype<usize>(group), GROUP_BYTES);
  group.lastMs = lastMs;
  group.lastSeq = lastSeq;
  recordLast();
}

function claim(stream: Stream, ms: u64, seq: u64): void {
  let address = findPending(group, ms, seq);
  if (!findEntry(stream, ms, seq)) {
    if (address != 0) forget(ms, seq, address);
    return;
  }
  let deliveries: u64 = 1;
  if (address != 0) {
    const pending = pendingAt(address);
    if (leastIdle != 0 && clock - pending.delivered < leastIdle) return;
    deliveries = pending.deliveries;
  } else {
    if (!forces) return;
    const pending = createPending(group, consumer, ms, seq);
    address = <u32>changetype<usize>(pending);
  }
  if (retryCount >= 0) deliveries = retryCount;
  else if (!justIds) deliveries++;
  take(ms, seq, address, deliveryTime, deliveries);
}

// ---- XAUTOCLAIM

function xAutoClaim(): void {
  if (!parseIdle(4, "ERR Invalid min-idle-time argument for XAUTOCLAIM") || !parseStart(5)) return;
  const ms = idMs;
  const seq = idSeq;
  if (!parseAutoOptions()) return;
  const stream = findStream(1);
  if (stream == REFUSED || !findGroup(stream)) return;
  const most = min(autoCount, group.pendingCount);
  if (!findClaimant(stream, most)) return;
  const tree = pendingOfGroup(group);
  let left = autoCount;
  let attempts = ATTEMPTS * autoCount;
  let more = seekFrom(tree, ms, seq);
  for (; more && left > 0 && attempts > 0; attempts--) {
    if (visit(stream, soughtMs, soughtSeq, soughtAddress)) left--;
    more = seekAfter(tree, idMs, idSeq);
  }
  addWork(<u32>(ATTEMPTS * autoCount - attempts));
  replyArray(3);
  if (more) replyId(soughtMs, soughtSeq);
  else replyId(0, 0);
  recordClaims(clock);
  replyClaims(stream);
  replyArray(vanished);
  for (let index: u32 = 0; index < vanished; index++) replyNoted(vanishedAt(index));
}

let autoCount: u32 = CLAIMS_USUAL;

function parseAutoOptions(): bool {
  autoCount = CLAIMS_USUAL;
  justIds = false;
  for (let index = FIRST_OPTION; index < argumentCount; index++) {
    if (index + 1 < argumentCount && argumentIs(index, "COUNT")) {
      index++;
      if (!argumentInteger(index) || lastInteger() < 1 || lastInteger() > COUNT_MAX) {
        replyError("ERR COUNT must be > 0");
        return false;
      }
      autoCount = <u32>min<i64>(lastInteger(), CLAIMS_MAX);
    } else if (argumentIs(index, "JUSTID")) {
      justIds = true;
    } else {
      replySyntaxError();
      return false;
    }
  }
  return true;
}

/** Looks at a pending entry, whose id is in the registers then; true when it counts. */
function visit(stream: Stream, ms: u64, seq: u64, address: u32): bool {
  setId(ms, seq);
  if (!findEntry(stream, ms, seq)) {
    forget(ms, seq, address);
    return true;
  }
  const pending = pendingAt(address);
  if (leastIdle != 0 && clock - pending.delivered < leastIdle) return false;
  take(ms, seq, address, clock, pending.deliveries + <u64>!justIds);
  return true;
}

// ---- replies and records

function replyNoted(place: usize): void {
  replyId(load<u64>(place), load<u64>(place, 8));
}

function replyClaims(stream: Stream): void {
  replyArray(claimed);
  for (let index: u32 = 0; index < claimed; index++) {
    const place = claimedAt(index);
    if (justIds) replyNoted(place);
    else if (findEntry(stream, load<u64>(place), load<u64>(place, 8))) replyEntry();
  }
}

/** Records what was claimed at a time: as many entries together as were delivered equally often. */
function recordClaims(time: i64): void {
  if (!isRecording()) return;
  if (claimed == 0 && isNewConsumer) recordConsumer(1, 2, 3);
  for (let first: u32 = 0; first < claimed; ) {
    const deliveries = deliveriesOf(first);
    let next = first + 1;
    while (next < claimed && next - first < IDS_A_RECORD && deliveriesOf(next) == deliveries) next++;
    recordClaim(first, next, time, deliveries);
    first = next;
  }
  for (let first: u32 = 0; first < vanished; first += IDS_A_RECORD) {
    const next = min(first + IDS_A_RECORD, vanished);
    beginRecord(3 + next - first, boundOf(next - first));
    addWordPart("XACK");
    addArgument(1);
    addArgument(2);
    for (let index = first; index < next; index++) addNotedPart(vanishedAt(index));
    endEffect();
  }
}

function deliveriesOf(index: u32): u64 {
  const place = claimedAt(index);
  return pendingAt(findPending(group, load<u64>(place), load<u64>(place, 8))).deliveries;
}

function boundOf(ids: u32): u64 {
  return partBytes(1) + partBytes(2) + partBytes(3) + WORD_BYTES * 8 + <u64>ids * ID_PART_BYTES;
}

function addNotedPart(place: usize): void {
  addIdPart(load<u64>(place), load<u64>(place, 8));
}

function recordClaim(first: u32, next: u32, time: i64, deliveries: u64): void {
  beginRecord(11 + next - first, boundOf(next - first));
  addWordPart("XCLAIM");
  addArgument(1);
  addArgument(2);
  addArgument(3);
  addIntegerPart(0);
  for (let index = first; index < next; index++) addNotedPart(claimedAt(index));
  addWordPart("TIME");
  addIntegerPart(time);
  addWordPart("RETRYCOUNT");
  addIntegerPart(deliveries);
  addWordPart("FORCE");
  addWordPart("JUSTID");
  endEffect();
}

/** Records the last id of the group. */
function recordLast(): void {
  if (!isRecording()) return;
  beginRecord(7, boundOf(1));
  addWordPart("XGROUP");
  addWordPart("SETID");
  addArgument(1);
  addArgument(2);
  addIdPart(group.lastMs, group.lastSeq);
  addWordPart("ENTRIESREAD");
  addIntegerPart(group.read);
  endEffect();
}

export function registerClaims(): void {
  const fast = CommandFlag.Write | CommandFlag.Fast;
  register("XCLAIM", -6, fast, 1, 1, 1, xClaim, "5.0.0", "Gives pending entries to another consumer.");
  const summary = "Gives pending entries that are idle to another consumer.";
  register("XAUTOCLAIM", -6, fast, 1, 1, 1, xAutoClaim, "6.2.0", summary);
}
