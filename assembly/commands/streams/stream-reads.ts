// Commands that read entries of streams without a group: XRANGE, XREVRANGE, XREAD.

import { CommandFlag } from "../../layout";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { replyArray, replyNotInteger, replyNullArray, replySyntaxError } from "../../protocol/reply";
import { Stream } from "../../structures/streams/stream";
import { replyRange } from "./entry-reply";
import { idMs, idSeq, parseEnd, parseStart } from "./stream-id";
import { isThere, readStream, REFUSED } from "./stream-key";

function xRange(): void {
  rangeBetween(2, 3, false);
}

function xRevRange(): void {
  rangeBetween(3, 2, true);
}

function rangeBetween(startIndex: u32, endIndex: u32, reverse: bool): void {
  if (!parseStart(startIndex)) return;
  const ms = idMs;
  const seq = idSeq;
  if (!parseEnd(endIndex)) return;
  const endMs = idMs;
  const endSeq = idSeq;
  let most: i64 = i64.MAX_VALUE;
  for (let index: u32 = 4; index < argumentCount; index += 2) {
    if (index + 1 == argumentCount || !argumentIs(index, "COUNT")) {
      replySyntaxError();
      return;
    }
    if (!argumentInteger(index + 1)) {
      replyNotInteger();
      return;
    }
    most = max<i64>(lastInteger(), 0);
  }
  const stream: Stream = readStream(1);
  if (stream == REFUSED) return;
  if (!isThere(stream)) replyArray(0);
  else if (most == 0) replyNullArray();
  else replyRange(stream, ms, seq, endMs, endSeq, most, reverse);
}

export function registerStreamReads(): void {
  const read = CommandFlag.ReadOnly;
  register("XRANGE", -4, read, 1, 1, 1, xRange, "5.0.0", "Answers the entries of a stream between two ids.");
  register(
    "XREVRANGE",
    -4,
    read,
    1,
    1,
    1,
    xRevRange,
    "5.0.0",
    "Answers the entries of a stream from the last one back.",
  );
}
