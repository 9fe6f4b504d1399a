// XREAD: entries beyond an id, of several streams. What is answered begins with how many streams have any, so they are
// looked at twice.

import { CommandFlag, SCRATCH_BASE, SCRATCH_BYTES } from "../../layout";
import { TYPE_STREAM } from "../../memory/entry";
import { argumentAddress, argumentBytes, setArgument } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { NULL_ARRAY, setTimeoutMs, waitForKeys } from "../../protocol/events/blocking";
import { protocol, replyArray, replyBulk, replyError, replyMap, replyNullArray } from "../../protocol/reply";
import { isBefore } from "../../structures/id-tree";
import { entryMs, entrySeq } from "../../structures/streams/block";
import { readLast, Stream } from "../../structures/streams/stream";
import { replyRange } from "./entry-reply";
import { firstStream, parseReadOptions, readCount, readStreams, readTimeout } from "./read-options";
import { decrementId, idMs, idSeq, incrementId, isCharacter, parseId, putId, setId } from "./stream-id";
import { isThere, readStream, REFUSED } from "./stream-key";

const DOLLAR: u32 = 0x24;
const PLUS: u32 = 0x2b;
const GREATER: u32 = 0x3e;

function xRead(): void {
  if (!parseReadOptions(false)) return;
  let served: u32 = 0;
  for (let index: u32 = 0; index < readStreams; index++) {
    const stream = readStream(firstStream + index);
    if (stream == REFUSED || !parseReadId(stream, index)) return;
    if (hasBeyond(stream)) served++;
  }
  if (served == 0) {
    if (readTimeout < 0) replyNullArray();
    else waitForEntries();
    return;
  }
  beginStreams(served);
  for (let index: u32 = 0; index < readStreams; index++) {
    const stream = readStream(firstStream + index);
    parseReadId(stream, index);
    if (!hasBeyond(stream)) continue;
    replyStreamKey(firstStream + index);
    incrementId();
    const most = readCount == 0 ? u64.MAX_VALUE : readCount;
    replyRange(stream, idMs, idSeq, u64.MAX_VALUE, u64.MAX_VALUE, most, false);
  }
}

const ID_BYTES: u32 = 48;
/** Most streams whose last ids are written out: a command that waits has no more arguments. */
const LAST_IDS_MAX: u32 = SCRATCH_BYTES / ID_BYTES;

/** Waits for entries; what stands for the last one is written out, since that is another when the command runs again. */
function waitForEntries(): void {
  for (let index: u32 = 0; index < min(readStreams, LAST_IDS_MAX); index++) {
    const argument = firstStream + readStreams + index;
    if (!isCharacter(argument, PLUS) && !isCharacter(argument, DOLLAR)) continue;
    const stream = readStream(firstStream + index);
    if (isThere(stream)) setId(stream.lastMs, stream.lastSeq);
    else setId(0, 0);
    const at = SCRATCH_BASE + index * ID_BYTES;
    setArgument(argument, at, putId(idMs, idSeq, at));
  }
  setTimeoutMs(readTimeout);
  waitForKeys(firstStream, readStreams, TYPE_STREAM, NULL_ARRAY);
}

/** Reads the id behind which a stream is wanted; false after replying an error. */
function parseReadId(stream: Stream, index: u32): bool {
  const argument = firstStream + readStreams + index;
  if (isCharacter(argument, GREATER)) {
    replyError("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
    return false;
  }
  const isLast = isCharacter(argument, PLUS);
  if (!isLast && !isCharacter(argument, DOLLAR)) return parseId(argument);
  if (!isThere(stream)) {
    setId(0, 0);
    return true;
  }
  setId(stream.lastMs, stream.lastSeq);
  if (!isLast || decrementId()) return true;
  replyError("ERR the stream last element ID is 0-0");
  return false;
}

/** True when a stream has an entry beyond the id that was read. */
function hasBeyond(stream: Stream): bool {
  return isThere(stream) && readLast(stream) && isBefore(idMs, idSeq, entryMs, entrySeq);
}

/** Begins the answer with so many streams. */
export function beginStreams(count: u32): void {
  if (protocol == 3) replyMap(count);
  else replyArray(count);
}

/** Begins the answer of one stream. */
export function replyStreamKey(index: u32): void {
  if (protocol == 2) replyArray(2);
  replyBulk(argumentAddress(index), argumentBytes(index));
}

export function registerXRead(): void {
  const read = CommandFlag.ReadOnly | CommandFlag.Blocking;
  register("XREAD", -4, read, 0, 0, 0, xRead, "5.0.0", "Answers the entries of streams beyond given ids.");
}
