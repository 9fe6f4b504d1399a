// Entries of a stream in replies: an id with fields and values in turn.

import {
  beginPairs,
  entryMs,
  entryPairs,
  entrySeq,
  nameBytes,
  nameOffset,
  nextPair,
  pieceAt,
  pieceBytes,
  valueBytes,
  valueOffset,
} from "../../structures/streams/block";
import { countInRange, nextInRange, nextInReverse, startRange, startReverse } from "../../structures/streams/range";
import { Stream } from "../../structures/streams/stream";
import { addWork } from "../../protocol/dispatch";
import { beginBulk, endBulk, replyArray, replyBulk, replyBytes } from "../../protocol/reply";
import { replyId } from "./stream-id";

/** Entries answered in a unit of work. */
const ENTRIES_A_UNIT_BITS: u32 = 1;
/** Bytes of a long text answered in a unit of work. */
const BYTES_A_UNIT_BITS: u32 = 10;

/** Answers the entry that was read last. */
export function replyEntry(): void {
  replyArray(2);
  replyId(entryMs, entrySeq);
  beginPairs();
  const pairs = entryPairs;
  replyArray(pairs << 1);
  for (let left = pairs; left > 0; left--) {
    nextPair();
    replyText(nameOffset, nameBytes);
    replyText(valueOffset, valueBytes);
  }
}

/** A bulk string that lies in the block of the entry. */
function replyText(offset: u32, bytes: u32): void {
  const first = pieceAt(offset, bytes);
  if (pieceBytes == bytes) {
    replyBulk(first, bytes);
    return;
  }
  addWork(bytes >> BYTES_A_UNIT_BITS);
  beginBulk(bytes);
  for (let left = bytes; left > 0; ) {
    const piece = pieceAt(offset, left);
    const taken = pieceBytes;
    replyBytes(piece, taken);
    offset += taken;
    left -= taken;
  }
  endBulk();
}

/** Answers the entries of a range as an array, at most `most` of them. */
export function replyRange(stream: Stream, ms: u64, seq: u64, endMs: u64, endSeq: u64, most: u64, reverse: bool): void {
  const count = countInRange(stream, ms, seq, endMs, endSeq, most);
  addWork(count >> ENTRIES_A_UNIT_BITS);
  replyArray(count);
  if (reverse) {
    startReverse(stream, ms, seq, endMs, endSeq);
    for (let left = count; left > 0 && nextInReverse(); left--) replyEntry();
  } else {
    startRange(stream, ms, seq, endMs, endSeq);
    for (let left = count; left > 0 && nextInRange(); left--) replyEntry();
  }
}
