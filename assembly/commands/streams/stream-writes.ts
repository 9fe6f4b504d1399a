// Commands that add entries to a stream and remove them.

import { CommandFlag } from "../../layout";
import { addIntegerPart, addWordPart, beginRecord } from "../../effects/record";
import { collect } from "../../events/collected";
import { clock, noteChange, touchEntry } from "../../keyspace/keyspace";
import { slotEntry } from "../../memory/table";
import { argumentCount, argumentIs, argumentInteger, argumentRecord, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { replyArity } from "../../protocol/command-error";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { addArgument, endEffect, isRecording, partBytes, recordArguments } from "../../protocol/recording";
import { replyError, replyInteger, replyNotInteger, replyNull, replyOk, replySyntaxError } from "../../protocol/reply";
import { isBefore } from "../../structures/id-tree";
import { appendEntry, mayAppend, pagesToAppend } from "../../structures/streams/append";
import { entryMs, entrySeq } from "../../structures/streams/block";
import { removeEntry, trimmedBlocks, trimStream } from "../../structures/streams/remove";
import { readLast, Stream, STREAM_BYTES } from "../../structures/streams/stream";
import { dirty } from "../../memory/memory";
import { idArgument, isIdGiven, isSequenceGiven, isTrimming, onlyExisting, parseAddOptions } from "./add-options";
import { addIdPart, ID_PART_BYTES, idMs, idSeq, incrementId, parseId, replyId, setId } from "./stream-id";
import { findStream, isThere, makeStream, mayTake, readStream, REFUSED, streamSlot } from "./stream-key";

/** A word or a number in a record. */
const WORD_BYTES: u32 = 48;

function xAdd(): void {
  if (!parseAddOptions(true)) return;
  const first = idArgument + 1;
  if (first + 2 > argumentCount || ((argumentCount - first) & 1) != 0) {
    replyArity();
    return;
  }
  if (isIdGiven && isSequenceGiven && idMs == 0 && idSeq == 0) {
    replyError("ERR The ID specified in XADD must be greater than 0-0");
    return;
  }
  const found = findStream(1);
  if (found == REFUSED) return;
  if (!isThere(found) && onlyExisting) {
    replyNull();
    return;
  }
  const pairs = (argumentCount - first) >> 1;
  const parts = argumentRecord(first);
  if (!chooseId(found)) return;
  if (!mayAppend(parts, pairs)) {
    replyError("ERR Elements are too large to be stored");
    return;
  }
  if (!mayTake(pagesToAppend(parts, pairs))) return;
  if (isThere(found)) touchEntry(slotEntry(streamSlot));
  const stream = isThere(found) ? found : makeStream(1);
  appendEntry(stream, idMs, idSeq, parts, pairs);
  const trimmed = isTrimming ? trimNow(stream) : 0;
  if (isRecording()) recordAdd(stream, first, trimmed != 0);
  noteChange(hashOfArgument(1));
  replyId(idMs, idSeq);
}

/** Decides the new id; false after replying why there is none. */
function chooseId(stream: Stream): bool {
  const lastMs = isThere(stream) ? stream.lastMs : 0;
  const lastSeq = isThere(stream) ? stream.lastSeq : 0;
  if (lastMs == u64.MAX_VALUE && lastSeq == u64.MAX_VALUE) {
    replyError("ERR The stream has exhausted the last possible ID, unable to add more items");
    return false;
  }
  if (!isIdGiven) {
    if (<u64>clock > lastMs) {
      setId(clock, 0);
    } else {
      setId(lastMs, lastSeq);
      incrementId();
    }
    return true;
  }
  if (!isSequenceGiven && idMs == lastMs && lastSeq != u64.MAX_VALUE) setId(lastMs, lastSeq + 1);
  if (isBefore(lastMs, lastSeq, idMs, idSeq)) return true;
  replyError("ERR The ID specified in XADD is equal or smaller than the target stream top item");
  return false;
}

/** Removes what the options say; answers how many entries. */
function trimNow(stream: Stream): u32 {
  const removed = trimStream(stream);
  addWork(trimmedBlocks >> 1);
  return removed;
}

/** Records the entry with the id that it got, and with the length that trimming led to, however it was told. */
function recordAdd(stream: Stream, first: u32, isTrimmed: bool): void {
  if (!isTrimming && idArgument == 2 && isIdGiven && isSequenceGiven) {
    recordArguments("XADD");
    return;
  }
  let bound: u64 = WORD_BYTES * 4 + ID_PART_BYTES + partBytes(1);
  for (let index = first; index < argumentCount; index++) bound += partBytes(index);
  beginRecord(3 + (isTrimmed ? 3 : 0) + argumentCount - first, bound);
  addWordPart("XADD");
  addArgument(1);
  if (isTrimmed) addLengthParts(stream);
  addIdPart(idMs, idSeq);
  for (let index = first; index < argumentCount; index++) addArgument(index);
  endEffect();
}

function addLengthParts(stream: Stream): void {
  addWordPart("MAXLEN");
  addWordPart("=");
  addIntegerPart(stream.length);
}

function xTrim(): void {
  if (!parseAddOptions(false)) return;
  const stream = findStream(1);
  if (stream == REFUSED) return;
  const removed = isThere(stream) ? trimNow(stream) : 0;
  if (removed != 0) {
    if (isRecording()) {
      beginRecord(5, WORD_BYTES * 4 + partBytes(1));
      addWordPart("XTRIM");
      addArgument(1);
      addLengthParts(stream);
      endEffect();
    }
    noteChange(hashOfArgument(1));
  }
  replyInteger(removed);
}

function xDel(): void {
  const stream = findStream(1);
  if (stream == REFUSED) return;
  if (!isThere(stream)) {
    replyInteger(0);
    return;
  }
  // All or nothing: a wrong id is told before anything is removed.
  for (let index: u32 = 2; index < argumentCount; index++) if (!parseId(index)) return;
  addWork(argumentCount << 1);
  let removed = 0;
  for (let index: u32 = 2; index < argumentCount; index++) {
    if (parseId(index) && removeEntry(stream, idMs, idSeq)) removed++;
  }
  if (removed != 0) {
    recordArguments("XDEL");
    noteChange(hashOfArgument(1));
  }
  replyInteger(removed);
}

function xLen(): void {
  const stream = readStream(1);
  if (stream != REFUSED) replyInteger(isThere(stream) ? stream.length : 0);
}

// ---- XSETID

let entriesAdded: i64 = -1;
let deletedMs: u64 = 0;
let deletedSeq: u64 = 0;

function xSetId(): void {
  if (!parseId(2)) return;
  const ms = idMs;
  const seq = idSeq;
  if (!parseSetOptions(ms, seq)) return;
  const stream = findStream(1);
  if (stream == REFUSED) return;
  if (!isThere(stream)) {
    replyError("ERR no such key");
    return;
  }
  if (!mayBeLast(stream, ms, seq)) return;
  dirty(changetype<usize>(stream), STREAM_BYTES);
  stream.lastMs = ms;
  stream.lastSeq = seq;
  if (entriesAdded != -1) stream.added = entriesAdded;
  if (deletedMs != 0 || deletedSeq != 0) {
    stream.deletedMs = deletedMs;
    stream.deletedSeq = deletedSeq;
  }
  collect(hashOfArgument(1)); // of what keyspace events tell, though no watch breaks
  recordArguments("XSETID");
  replyOk();
}

function parseSetOptions(ms: u64, seq: u64): bool {
  entriesAdded = -1;
  deletedMs = 0;
  deletedSeq = 0;
  for (let index: u32 = 3; index < argumentCount; index += 2) {
    const hasMore = index + 1 < argumentCount;
    if (hasMore && argumentIs(index, "ENTRIESADDED")) {
      if (!argumentInteger(index + 1)) {
        replyNotInteger();
        return false;
      }
      entriesAdded = lastInteger();
      if (entriesAdded < 0) {
        replyError("ERR entries_added must be positive");
        return false;
      }
    } else if (hasMore && argumentIs(index, "MAXDELETEDID")) {
      if (!parseId(index + 1)) return false;
      deletedMs = idMs;
      deletedSeq = idSeq;
      if (isBefore(ms, seq, deletedMs, deletedSeq)) {
        replyError("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
        return false;
      }
    } else {
      replySyntaxError();
      return false;
    }
  }
  return true;
}

/** Whether an id may be the last one of a stream; false after replying why not. */
function mayBeLast(stream: Stream, ms: u64, seq: u64): bool {
  if (isBefore(ms, seq, stream.deletedMs, stream.deletedSeq)) {
    replyError("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
    return false;
  }
  if (!readLast(stream)) return true;
  if (isBefore(ms, seq, entryMs, entrySeq)) {
    replyError("ERR The ID specified in XSETID is smaller than the target stream top item");
    return false;
  }
  if (entriesAdded == -1 || <u64>stream.length <= <u64>entriesAdded) return true;
  replyError("ERR The entries_added specified in XSETID is smaller than the target stream length");
  return false;
}

export function registerStreamWrites(): void {
  const write = CommandFlag.Write;
  const fast = CommandFlag.Fast;
  const grow = CommandFlag.Write | CommandFlag.DenyOom | CommandFlag.Fast;
  register("XADD", -5, grow, 1, 1, 1, xAdd, "5.0.0", "Appends an entry to a stream.");
  register("XTRIM", -4, write, 1, 1, 1, xTrim, "5.0.0", "Removes the oldest entries of a stream.");
  register("XDEL", -3, write | fast, 1, 1, 1, xDel, "5.0.0", "Removes entries of a stream by their ids.");
  register("XLEN", 2, CommandFlag.ReadOnly | fast, 1, 1, 1, xLen, "5.0.0", "Counts the entries of a stream.");
  register("XSETID", -3, grow, 1, 1, 1, xSetId, "5.0.0", "Sets the last id of a stream, and what it counts.");
}
