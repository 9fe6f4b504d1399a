// What a command removed that it had to draw, by name: `SREM key member ...`, in records of a few thousand members, which
// belong together where it takes several. Members are added one by one, while they are removed.

import { addPart, addWordPart, beginGroup, beginRecord, endGroup, PART_BYTES } from "../effects/record";
import { beginWriting, effectLog } from "../effects/region";
import { addArgument, endEffect, isRecording, partBytes } from "./recording";

/** Members of a record. */
const MEMBERS_MAX: u32 = 4096;
/** The word and the number of parts, framed. */
const FRAME_BYTES: u64 = 64;

let ofRecord: u32 = 0;
let left: u32 = 0;
let memberBytesMax: u32 = 0;
let groups: bool = false;

/** Makes room for recording so many members; false when there is none. */
export function reserveMembers(count: u32, bytesMax: u32): bool {
  if (!isRecording()) return true;
  const records = count / MEMBERS_MAX + 1;
  return beginWriting(<u64>count * (bytesMax + PART_BYTES) + <u64>records * (partBytes(1) + FRAME_BYTES));
}

/** Begins to record that `count` members, of at most `bytesMax` bytes each, leave the set in argument 1. */
export function beginMembers(count: u32, bytesMax: u32): void {
  if (!isRecording()) return;
  left = count;
  ofRecord = 0;
  memberBytesMax = bytesMax;
  groups = count > MEMBERS_MAX && effectLog.inGroup == 0;
  if (groups) beginGroup();
}

/** Records one of them; the last ends it. */
export function recordMember(member: usize, bytes: u32): void {
  if (!isRecording()) return;
  if (ofRecord == 0) {
    ofRecord = min(left, MEMBERS_MAX);
    beginRecord(2 + ofRecord, FRAME_BYTES + partBytes(1) + <u64>ofRecord * (memberBytesMax + PART_BYTES));
    addWordPart("SREM");
    addArgument(1);
  }
  addPart(member, bytes);
  left--;
  if (--ofRecord != 0) return;
  endEffect();
  if (left == 0 && groups) endGroup();
}
