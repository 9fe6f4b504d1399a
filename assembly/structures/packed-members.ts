// Short members of a set, packed one after another in the order they came in: a byte each beside their own. A member is
// found by a walk; a longer set becomes a table.
//
// 0 count (u16) | for each member: length (u8) | member

import { equalBytes } from "../memory/memory";

/** Bytes before the members. */
export const MEMBERS_HEADER_BYTES: u32 = 2;
/** Most bytes of a member. */
export const MEMBER_BYTES_MAX: u32 = 255;

@inline
export function countPacked(value: usize): u32 {
  return load<u16>(value);
}

/** The record behind another one. */
@inline
export function recordAfter(record: usize): usize {
  return record + 1 + <u32>load<u8>(record);
}

/** The first record. */
@inline
export function firstRecord(value: usize): usize {
  return value + MEMBERS_HEADER_BYTES;
}

/** The record of a member; 0 when it is not there. */
export function findPacked(value: usize, member: usize, bytes: u32): usize {
  let record = firstRecord(value);
  for (let left = countPacked(value); left > 0; left--) {
    if (<u32>load<u8>(record) == bytes && equalBytes(record + 1, member, bytes)) return record;
    record = recordAfter(record);
  }
  return 0;
}

/** The record at `index`, counted from the first. */
export function packedAt(value: usize, index: u32): usize {
  let record = firstRecord(value);
  for (; index > 0; index--) record = recordAfter(record);
  return record;
}

/** True when `bytes` from elsewhere are such members and at least one. */
export function arePackedMembers(value: usize, bytes: u32): bool {
  if (bytes < MEMBERS_HEADER_BYTES || countPacked(value) == 0) return false;
  let at = MEMBERS_HEADER_BYTES;
  for (let left = countPacked(value); left > 0; left--) {
    if (at >= bytes) return false;
    at += 1 + <u32>load<u8>(value + at);
  }
  return at == bytes;
}
