// XREADGROUP: entries for a consumer of a group, new ones or those that it has not acknowledged. What a read of new ones did
// is recorded as that read with the number of entries it came to: it does the same again. A read of a consumer's own
// history changes when and how often its entries were delivered; that is not recorded, as Redis does not propagate it.

import { ARGUMENTS_MAX, CommandFlag, SCRATCH_BASE, SCRATCH_BYTES } from "../../layout";
import { addIntegerPart, addWordPart, beginRecord } from "../../effects/record";
import { TYPE_STREAM } from "../../memory/entry";
import { NULL_ARRAY, setTimeoutMs, waitForKeys } from "../../protocol/events/blocking";
import { clock } from "../../keyspace/keyspace";
import { dirty } from "../../memory/memory";
import { argumentAddress, argumentBytes } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork } from "../../protocol/dispatch";
import { addArgument, endEffect, isRecording, partBytes } from "../../protocol/recording";
import { replyArray, replyError, replyNullArray } from "../../protocol/reply";
import { isBefore, seekAfter, seekNext, soughtAddress, soughtMs, soughtSeq } from "../../structures/id-tree";
import { entryBlock, entryMs, entryOffset, entrySeq } from "../../structures/streams/block";
import {
  Consumer,
  createConsumer,
  createPending,
  findPending,
  Group,
  GROUP_BYTES,
  noteConsumer,
  pagesForPending,
  Pending,
  pendingAt,
  pendingOfConsumer,
  reassign,
  setDelivery,
} from "../../structures/streams/group";
import { countInRange, nextInRange, startRange, startRangeAt } from "../../structures/streams/range";
import { findEntry, readLast, Stream } from "../../structures/streams/stream";
import { replyEntry } from "./entry-reply";
import { advance } from "./group-progress";
import {
  firstStream,
  groupArgument,
  isNoAck,
  parseReadOptions,
  readCount,
  readStreams,
  readTimeout,
} from "./read-options";
import { idMs, idSeq, isCharacter, parseId, replyId, setId, incrementId } from "./stream-id";
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
import { beginStreams, replyStreamKey } from "./xread";

const DOLLAR: u32 = 0x24;
const PLUS: u32 = 0x2b;
const GREATER: u32 = 0x3e;
/** A word or a number in a record. */
const WORD_BYTES: u32 = 48;

function xReadGroup(): void {
  if (!parseReadOptions(true) || isNameTooLong(groupArgument + 1)) return;
  let pages: u32 = 0;
  for (let index: u32 = 0; index < readStreams; index++) {
    const stream = findStream(firstStream + index);
    if (stream == REFUSED || !isReadable(stream, index)) return;
    pages += pagesToServe(stream, groupNamed(stream, groupArgument), index);
  }
  if (pages != 0 && !mayTake(pages)) return;
  let served: u32 = 0;
  for (let index: u32 = 0; index < readStreams; index++) {
    // Room may have been made by evicting one of them.
    const stream = findStream(firstStream + index);
    store<u32>(serving(index), NOTHING, COUNT);
    if (isThere(stream) && serve(stream, groupNamed(stream, groupArgument), index)) served++;
  }
  if (served == 0) {
    setTimeoutMs(readTimeout);
    if (readTimeout < 0) replyNullArray();
    else waitForKeys(firstStream, readStreams, TYPE_STREAM, NULL_ARRAY, true);
    return;
  }
  beginStreams(served);
  for (let index: u32 = 0; index < readStreams; index++) {
    if (load<u32>(serving(index), COUNT) != NOTHING) replyServed(index);
  }
}

// What each stream is answered: entries are given before the answer begins, which says of how many streams there are any, and
// a stream may be named twice. In scratch memory:
//   0 block of the first entry (u32) | 4 its offset there (u32) | 8 entries (u32)

const SERVING_BYTES: u32 = 12;
const OFFSET: usize = 4;
const COUNT: usize = 8;
const NOTHING: u32 = u32.MAX_VALUE;
if ((ARGUMENTS_MAX / 2) * SERVING_BYTES > SCRATCH_BYTES) ERROR("what streams are answered must fit scratch memory");

@inline
function serving(index: u32): usize {
  return SCRATCH_BASE + index * SERVING_BYTES;
}

@inline
function isHistory(index: u32): bool {
  return !isCharacter(firstStream + readStreams + index, GREATER);
}

/** True when a stream has the group, and what stands for its id may stand there; false after replying an error. */
function isReadable(stream: Stream, index: u32): bool {
  if (!isThere(stream) || groupNamed(stream, groupArgument) == NO_GROUP) {
    replyNoGroup(firstStream + index, groupArgument, "' in XREADGROUP with GROUP option");
    return false;
  }
  const argument = firstStream + readStreams + index;
  if (isCharacter(argument, DOLLAR)) {
    replyError(
      "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
    );
    return false;
  }
  if (isCharacter(argument, PLUS)) {
    replyError(
      "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.",
    );
    return false;
  }
  return !isHistory(index) || parseId(argument);
}

/** New entries that the group is given now. */
function countNew(stream: Stream, group: Group): u32 {
  if (!readLast(stream) || !isBefore(group.lastMs, group.lastSeq, entryMs, entrySeq)) return 0;
  setId(group.lastMs, group.lastSeq);
  incrementId();
  const most = readCount == 0 ? u64.MAX_VALUE : readCount;
  return countInRange(stream, idMs, idSeq, u64.MAX_VALUE, u64.MAX_VALUE, most);
}

/** Pages that serving a stream may take. */
function pagesToServe(stream: Stream, group: Group, index: u32): u32 {
  const consumer = consumerNamed(group, groupArgument + 1);
  const entries = isHistory(index) || isNoAck ? 0 : countNew(stream, group);
  if (entries == 0 && consumer != NO_CONSUMER) return 0;
  return pagesForPending(group, consumer == NO_CONSUMER ? null : consumer, entries);
}

/** Gives the consumer what it gets of a stream; false when the stream is not in the answer. */
function serve(stream: Stream, group: Group, index: u32): bool {
  let consumer = consumerNamed(group, groupArgument + 1);
  const isNew = consumer == NO_CONSUMER;
  if (isNew) {
    const name = groupArgument + 1;
    consumer = createConsumer(group, argumentAddress(name), argumentBytes(name), clock);
  }
  noteConsumer(consumer, clock, false);
  const entries = isHistory(index) ? 0 : countNew(stream, group);
  if (entries != 0) {
    deliver(stream, group, consumer, index, entries);
    recordDelivery(index, entries);
    return true;
  }
  if (isNew) recordConsumer(firstStream + index, groupArgument, groupArgument + 1);
  if (!isHistory(index)) return false;
  store<u32>(serving(index), countHistory(consumer, index), COUNT);
  return true;
}

/** Gives the consumer the next entries of the group, and lets them be pending. */
function deliver(stream: Stream, group: Group, consumer: Consumer, index: u32, entries: u32): void {
  addWork(entries);
  dirty(changetype<usize>(group), GROUP_BYTES);
  startRange(stream, idMs, idSeq, u64.MAX_VALUE, u64.MAX_VALUE);
  for (let number: u32 = 0; number < entries && nextInRange(); number++) {
    if (number == 0) {
      store<u32>(serving(index), entryBlock);
      store<u32>(serving(index), entryOffset, OFFSET);
    }
    const ms = entryMs;
    const seq = entrySeq;
    if (!isNoAck) letPend(group, consumer, ms, seq);
    advance(stream, group, ms, seq);
  }
  store<u32>(serving(index), entries, COUNT);
  if (!isNoAck) noteConsumer(consumer, clock, true);
}

function replyServed(index: u32): void {
  const stream = findStream(firstStream + index);
  const entries = load<u32>(serving(index), COUNT);
  replyStreamKey(firstStream + index);
  replyArray(entries);
  if (isHistory(index)) {
    const group = groupNamed(stream, groupArgument);
    replyHistory(stream, consumerNamed(group, groupArgument + 1), index, entries);
    return;
  }
  startRangeAt(stream, load<u32>(serving(index)), load<u32>(serving(index), OFFSET));
  for (let left = entries; left > 0 && nextInRange(); left--) replyEntry();
}

/** An entry may be pending already, of anybody: the group's last id can be set back. */
function letPend(group: Group, consumer: Consumer, ms: u64, seq: u64): void {
  const address = findPending(group, ms, seq);
  let pending: Pending;
  if (address == 0) {
    pending = createPending(group, consumer, ms, seq);
  } else {
    pending = pendingAt(address);
    setDelivery(pending, clock, 1);
    reassign(pending, consumer, ms, seq);
  }
  setDelivery(pending, clock, 1);
}

/** What is pending of a consumer beyond an id, as far as it is wanted. */
function countHistory(consumer: Consumer, index: u32): u32 {
  parseId(firstStream + readStreams + index);
  const pending = pendingOfConsumer(consumer);
  const most = readCount == 0 ? u32.MAX_VALUE - 1 : <u32>min<u64>(readCount, u32.MAX_VALUE - 1);
  let count: u32 = 0;
  for (let more = seekAfter(pending, idMs, idSeq); more && count < most; more = seekNext(pending)) count++;
  addWork(count);
  return count;
}

/** Answers it, and counts it as delivered once more. */
function replyHistory(stream: Stream, consumer: Consumer, index: u32, count: u32): void {
  parseId(firstStream + readStreams + index);
  const pending = pendingOfConsumer(consumer);
  let ms = idMs;
  let seq = idSeq;
  for (let left = count; left > 0 && seekAfter(pending, ms, seq); left--) {
    ms = soughtMs;
    seq = soughtSeq;
    const one = pendingAt(soughtAddress);
    if (findEntry(stream, ms, seq)) {
      replyEntry();
      setDelivery(one, clock, one.deliveries + 1);
    } else {
      replyArray(2);
      replyId(ms, seq);
      replyNullArray();
    }
  }
}

/** Records that a consumer got the next entries. */
function recordDelivery(index: u32, entries: u32): void {
  if (!isRecording()) return;
  const key = firstStream + index;
  const bound = partBytes(groupArgument) + partBytes(groupArgument + 1) + partBytes(key) + WORD_BYTES * 7;
  beginRecord(isNoAck ? 10 : 9, bound);
  addWordPart("XREADGROUP");
  addWordPart("GROUP");
  addArgument(groupArgument);
  addArgument(groupArgument + 1);
  addWordPart("COUNT");
  addIntegerPart(entries);
  if (isNoAck) addWordPart("NOACK");
  addWordPart("STREAMS");
  addArgument(key);
  addWordPart(">");
  endEffect();
}

/** Records that a consumer was made; arguments that name the key, the group and the consumer. */
export function recordConsumer(key: u32, group: u32, consumer: u32): void {
  if (!isRecording()) return;
  beginRecord(5, partBytes(key) + partBytes(group) + partBytes(consumer) + WORD_BYTES * 2);
  addWordPart("XGROUP");
  addWordPart("CREATECONSUMER");
  addArgument(key);
  addArgument(group);
  addArgument(consumer);
  endEffect();
}

export function registerXReadGroup(): void {
  const flags = CommandFlag.Write | CommandFlag.Blocking;
  const summary = "Answers entries of streams for a consumer of a group.";
  register("XREADGROUP", -7, flags, 0, 0, 0, xReadGroup, "5.0.0", summary);
}
