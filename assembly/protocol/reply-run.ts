// Elements of a run as replies, in one loop that keeps the place of the reply in registers: LRANGE is this loop.

import { bytesAt, contentAt, spanOf } from "../structures/packed-run";
import { copyShort, putBulkHeader, SHORT_BULK_MAX } from "./bulk-text";
import { moveReplyPlace, replyBulk, replyPlace, replyRoomEnd } from "./reply";

/** Bytes of a short bulk string beside its own. */
const BULK_FRAME_BYTES: usize = 8;

/** The elements between two places of a run (structures/packed-run.ts), at most so many, as bulk strings; answers how many are left of those. */
export function replyRun(run: usize, runEnd: usize, most: u32): u32 {
  let to = replyPlace();
  let end = replyRoomEnd();
  for (; most > 0 && run != runEnd; most--) {
    const bytes = bytesAt(run);
    const from = contentAt(run, bytes);
    run += spanOf(bytes);
    if (bytes <= SHORT_BULK_MAX && <usize>bytes + BULK_FRAME_BYTES <= end - to) {
      to = putBulkHeader(to, bytes);
      copyShort(to, from, bytes);
      to += bytes;
      store<u16>(to, 0x0a0d);
      to += 2;
    } else {
      moveReplyPlace(to);
      replyBulk(from, bytes);
      to = replyPlace();
      end = replyRoomEnd();
    }
  }
  moveReplyPlace(to);
  return most;
}
