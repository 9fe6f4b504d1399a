// The members of a small sorted set, packed one behind the other in order, each behind its score.
//
//   packed  0 count (u16), then for each member: score (f64) | length (u8) | member

import { copyBytes } from "../memory/memory";
import { compareBytes } from "./byte-order";

/** Most members of a packed set, whatever the settings say. */
export const PACKED_MEMBERS_MAX: u32 = 1024;
export const PACKED_HEADER_BYTES: u32 = 2;
/** Bytes of a record beside the member's. */
export const RECORD_HEADER_BYTES: u32 = 9;
export const MEMBER_BYTES_MAX: u32 = 255;

@inline
export function countRecords(value: usize): u32 {
  return load<u16>(value);
}

@inline
export function recordScore(record: usize): f64 {
  return load<f64>(record);
}

@inline
export function recordName(record: usize): usize {
  return record + RECORD_HEADER_BYTES;
}

@inline
export function recordNameBytes(record: usize): u32 {
  return load<u8>(record, 8);
}

@inline
export function recordBytes(record: usize): u32 {
  return RECORD_HEADER_BYTES + recordNameBytes(record);
}

@inline
export function writeRecord(record: usize, score: f64, name: usize, bytes: u32): void {
  store<f64>(record, score);
  store<u8>(record, <u8>bytes, 8);
  copyBytes(record + RECORD_HEADER_BYTES, name, bytes);
}

// ---- of elsewhere

/** True when bytes that nobody has checked are such members. */
export function arePackedScoresRight(value: usize, bytes: u32): bool {
  if (bytes < PACKED_HEADER_BYTES || countRecords(value) > PACKED_MEMBERS_MAX) return false;
  const end = value + bytes;
  let record = value + PACKED_HEADER_BYTES;
  let before: usize = 0;
  for (let left = countRecords(value); left > 0; left--) {
    if (end - record < RECORD_HEADER_BYTES || end - record < recordBytes(record)) return false;
    if (!isBehind(record, before)) return false;
    before = record;
    record += recordBytes(record);
  }
  return record == end && before != 0;
}

/** True when a record has a score and comes behind another one, 0 for the first. */
function isBehind(record: usize, before: usize): bool {
  const score = recordScore(record);
  if (score != score || before == 0) return score == score;
  if (score != recordScore(before)) return score > recordScore(before);
  const name = recordName(before);
  return compareBytes(recordName(record), recordNameBytes(record), name, recordNameBytes(before)) > 0;
}
