// How far a group has come: the entries that were delivered since the stream began, and those that are ahead of it. Both are
// known only while nothing was deleted ahead of the group; the rules are Redis's, which answers null for the rest.

import { isBefore } from "../../structures/id-tree";
import { entryMs, entrySeq } from "../../structures/streams/block";
import { Group, READ_UNKNOWN } from "../../structures/streams/group";
import { readFirst, Stream } from "../../structures/streams/stream";

/** True when an entry that was deleted by name may lie ahead of an id. */
function hasGapsFrom(stream: Stream, ms: u64, seq: u64): bool {
  if (stream.length == 0 || (stream.deletedMs == 0 && stream.deletedSeq == 0)) return false;
  return !isBefore(stream.deletedMs, stream.deletedSeq, ms, seq);
}

/** Moves a group on to an entry that is being delivered. The change of `group` is announced. */
export function advance(stream: Stream, group: Group, ms: u64, seq: u64): void {
  if (!isBefore(group.lastMs, group.lastSeq, ms, seq)) return;
  if (group.read != READ_UNKNOWN && !hasGapsFrom(stream, group.lastMs, group.lastSeq)) group.read++;
  else if (stream.added != 0) group.read = countBefore(stream, ms, seq);
  group.lastMs = ms;
  group.lastSeq = seq;
}

/** Entries from the first that the stream ever had up to an id; READ_UNKNOWN when nobody can tell. May read the first entry. */
function countBefore(stream: Stream, ms: u64, seq: u64): i64 {
  if (stream.added == 0) return 0;
  const isAhead = isBefore(stream.lastMs, stream.lastSeq, ms, seq);
  if (stream.length == 0 && !isAhead) return stream.added;
  const isStart = ms == 0 && seq == 0;
  if (!isStart && isBefore(ms, seq, stream.deletedMs, stream.deletedSeq)) return READ_UNKNOWN;
  if (ms == stream.lastMs && seq == stream.lastSeq) return stream.added;
  if (isAhead) return READ_UNKNOWN;
  if (!isGapBeforeFirst(stream)) return READ_UNKNOWN;
  if (isBefore(ms, seq, firstMs, firstSeq)) return stream.added - stream.length;
  return ms == firstMs && seq == firstSeq ? stream.added - stream.length + 1 : READ_UNKNOWN;
}

let firstMs: u64 = 0;
let firstSeq: u64 = 0;

/** True when nothing behind the first entry was deleted by name; reads that entry. */
function isGapBeforeFirst(stream: Stream): bool {
  firstMs = 0;
  firstSeq = 0;
  if (readFirst(stream)) {
    firstMs = entryMs;
    firstSeq = entrySeq;
  }
  const isNone = stream.deletedMs == 0 && stream.deletedSeq == 0;
  return isNone || isBefore(stream.deletedMs, stream.deletedSeq, firstMs, firstSeq);
}

/** Entries that a group has before it; READ_UNKNOWN when nobody can tell. */
export function lagOf(stream: Stream, group: Group): i64 {
  if (stream.added == 0 || stream.length == 0) return 0;
  readFirst(stream);
  const isBehindFirst = isBefore(group.lastMs, group.lastSeq, entryMs, entrySeq);
  if (isBehindFirst && isBefore(stream.deletedMs, stream.deletedSeq, entryMs, entrySeq)) return stream.length;
  if (group.read != READ_UNKNOWN && !hasGapsFrom(stream, group.lastMs, group.lastSeq)) return stream.added - group.read;
  const read = countBefore(stream, group.lastMs, group.lastSeq);
  return read == READ_UNKNOWN ? READ_UNKNOWN : <i64>stream.added - read;
}
