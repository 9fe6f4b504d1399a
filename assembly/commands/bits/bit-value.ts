// A string as bits: where it lies in pieces, how it grows, and an offset of bits as commands give it. Bit 0 is the highest of
// the first byte, as in Redis.

import { PAGE_BITS, PAGE_BYTES } from "../../layout";
import { entryAt, isPaged, TYPE_STRING, typeOf, valueOf, zeroValue } from "../../memory/entry";
import { valueBytesMax } from "../../memory/settings";
import { slotEntry } from "../../memory/table";
import { admitEntry } from "../../keyspace/eviction";
import {
  argumentAddress,
  argumentBytes,
  argumentInteger,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { addWork, findArgument, hashOfArgument, readKeyArgument } from "../../protocol/dispatch";
import { replyError, replyNoMemory, replyWrongType } from "../../protocol/reply";
import { parsedInteger, parseInteger } from "../../text/number";
import { admitResize, createZeroed, resizeString } from "../strings/string-value";

/** Stands for an entry after replying an error. */
export const NOT_A_STRING: usize = 1;
/** Bytes gone through for a unit of work, as a power of two. */
export const WORK_SHIFT: u32 = 9;
const HASH_SIGN: u32 = 0x23;

/** The string whose key is an argument, 0 when there is none; NOT_A_STRING after replying that it is something else. */
export function readString(index: u32): usize {
  const entry = readKeyArgument(index);
  if (entry == 0 || typeOf(entry) == TYPE_STRING) return entry;
  replyWrongType();
  return NOT_A_STRING;
}

/** Bytes of a string, 0 for none. */
@inline
export function bytesOf(entry: usize): u32 {
  return entry == 0 ? 0 : entryAt(entry).valueBytes;
}

/** Where the byte at `offset` of a string lies. What follows in the same page, or to its end, lies behind it. */
@inline
export function addressOf(entry: usize, offset: u32): usize {
  if (!isPaged(entry)) return valueOf(entry) + offset;
  return <usize>load<u32>(valueOf(entry) + ((offset >> PAGE_BITS) << 2)) + (offset & (PAGE_BYTES - 1));
}

/** Bytes from `offset` on that lie in one piece. */
@inline
export function pieceAt(entry: usize, offset: u32): u32 {
  const left = entryAt(entry).valueBytes - offset;
  return isPaged(entry) ? min(left, PAGE_BYTES - (offset & (PAGE_BYTES - 1))) : left;
}

/** The offset read last. */
export let bitOffset: u64 = 0;

/** Reads an offset of bits, or with `#` of numbers of `width` bits (0: not allowed); false after replying that it is none. */
export function readBitOffset(index: u32, width: u32): bool {
  const counts = width != 0 && argumentBytes(index) > 0 && load<u8>(argumentAddress(index)) == HASH_SIGN;
  const isNumber = counts ? parseInteger(argumentAddress(index) + 1, argumentBytes(index) - 1) : argumentInteger(index);
  const number = parsedInteger;
  const factor: u64 = counts ? width : 1;
  const most = bitsMax();
  if (isArgumentPaged(index) || !isNumber || number < 0 || <u64>number >= most || <u64>number * factor >= most) {
    replyBadOffset();
    return false;
  }
  bitOffset = <u64>number * factor;
  return true;
}

/** Bits of the longest string. */
export function bitsMax(): u64 {
  return (<u64>valueBytesMax()) << 3;
}

export function replyBadOffset(): void {
  replyError("ERR bit offset is not an integer or out of range");
}

/** Whether the string was made or became longer. */
export let hasGrown: bool = false;

/** The string in argument 1, `bytes` long at least, zeros behind what it was; NOT_A_STRING after replying an error. */
export function growString(bytes: u32): usize {
  const slot = findArgument(1);
  const held: u32 = slot == 0 ? 0 : entryAt(slotEntry(slot)).valueBytes;
  hasGrown = bytes > held;
  if (slot != 0 && typeOf(slotEntry(slot)) != TYPE_STRING) {
    replyWrongType();
    return NOT_A_STRING;
  }
  if (!hasGrown) return slotEntry(slot);
  const isAdmitted = slot == 0 ? admitEntry(argumentBytes(1), bytes, false) : admitResize(slot, bytes);
  if (!isAdmitted) {
    replyNoMemory();
    return NOT_A_STRING;
  }
  addWork((bytes - held) >> WORK_SHIFT);
  if (slot == 0) return createZeroed(1, hashOfArgument(1), bytes);
  const entry = resizeString(slot, bytes);
  zeroValue(entry, held, bytes - held);
  return entry;
}

/** A bit as an argument; -1 when it is none. */
export function bitArgument(index: u32): i32 {
  return argumentInteger(index) && <u64>lastInteger() <= 1 ? <i32>lastInteger() : -1;
}
