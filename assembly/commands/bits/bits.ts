// SETBIT, GETBIT, BITCOUNT, BITPOS.

import { CommandFlag } from "../../layout";
import { dirty } from "../../memory/memory";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import { replyError, replyInteger, replyNotInteger, replySyntaxError } from "../../protocol/reply";
import { noteChange, touchEntry } from "../../keyspace/keyspace";
import { countBits, countFilled } from "./bit-count";
import {
  addressOf,
  bitArgument,
  bitOffset,
  bytesOf,
  growString,
  hasGrown,
  NOT_A_STRING,
  pieceAt,
  readBitOffset,
  readString,
  WORK_SHIFT,
} from "./bit-value";

function setBit(): void {
  if (!readBitOffset(2, 0)) return;
  const bit = bitArgument(3);
  if (bit < 0) {
    replyError("ERR bit is not an integer or out of range");
    return;
  }
  const offset = bitOffset;
  const entry = growString(<u32>(offset >> 3) + 1);
  if (entry == NOT_A_STRING) return;
  const address = addressOf(entry, <u32>(offset >> 3));
  const place = 7 - (<u32>offset & 7);
  const byte: u32 = load<u8>(address);
  const old = (byte >> place) & 1;
  if (old != bit || hasGrown) {
    dirty(address, 1);
    store<u8>(address, <u8>(byte ^ ((old ^ bit) << place)));
    noteChange(hashOfArgument(1));
    recordArguments("SETBIT");
  }
  touchEntry(entry);
  replyInteger(old);
}

function getBit(): void {
  if (!readBitOffset(2, 0)) return;
  const entry = readString(1);
  if (entry == NOT_A_STRING) return;
  const at = <u32>(bitOffset >> 3);
  const byte: u32 = at < bytesOf(entry) ? load<u8>(addressOf(entry, at)) : 0;
  replyInteger((byte >> (7 - (<u32>bitOffset & 7))) & 1);
}

// ---- ranges

let rangeStart: i64 = 0;
let rangeEnd: i64 = 0;
let isBitRange: bool = false;
/** The range as bits, both ends in it; empty when the first is behind the last. */
let firstBit: i64 = 0;
let lastBit: i64 = 0;

/** Reads the unit in an argument; false after replying that it is none. */
function readUnit(index: u32): bool {
  isBitRange = false;
  if (index >= argumentCount || argumentIs(index, "BYTE")) return true;
  isBitRange = true;
  if (argumentIs(index, "BIT")) return true;
  replySyntaxError();
  return false;
}

/** Turns the range that was given for a string of `bytes` into bits of it. */
function resolveRange(bytes: u32): void {
  const units = isBitRange ? (<i64>bytes) << 3 : <i64>bytes;
  let start = rangeStart < 0 ? max<i64>(rangeStart + units, 0) : rangeStart;
  let end = rangeEnd < 0 ? max<i64>(rangeEnd + units, 0) : rangeEnd;
  end = min<i64>(end, units - 1);
  start = min<i64>(start, units);
  firstBit = isBitRange ? start : start << 3;
  lastBit = isBitRange ? end : (end << 3) + 7;
}

function bitCount(): void {
  if (argumentCount == 3 || argumentCount > 5) {
    replySyntaxError();
    return;
  }
  rangeStart = 0;
  rangeEnd = -1;
  isBitRange = false;
  if (argumentCount > 3) {
    if (!argumentInteger(2)) {
      replyNotInteger();
      return;
    }
    rangeStart = lastInteger();
    if (!argumentInteger(3)) {
      replyNotInteger();
      return;
    }
    rangeEnd = lastInteger();
    if (!readUnit(4)) return;
  }
  const entry = readString(1);
  if (entry == NOT_A_STRING) return;
  const isBackwards = rangeStart < 0 && rangeEnd < 0 && rangeStart > rangeEnd;
  resolveRange(bytesOf(entry));
  replyInteger(entry == 0 || isBackwards || firstBit > lastBit ? 0 : countRange(entry));
}

function countRange(entry: usize): i64 {
  const first = <u32>(firstBit >> 3);
  const last = <u32>(lastBit >> 3);
  addWork((last - first) >> WORK_SHIFT);
  let count: u64 = 0;
  for (let at = first; at <= last; ) {
    const piece = min(pieceAt(entry, at), last - at + 1);
    count += countBits(addressOf(entry, at), piece);
    at += piece;
  }
  // What of the first and of the last byte is outside.
  const before = <u32>load<u8>(addressOf(entry, first)) & ~(<u32>0xff >> (<u32>firstBit & 7));
  const behind = <u32>load<u8>(addressOf(entry, last)) & (<u32>0x7f >> (<u32>lastBit & 7));
  return count - popcnt<u32>(before) - popcnt<u32>(behind);
}

function bitPos(): void {
  if (!argumentInteger(2)) {
    replyNotInteger();
    return;
  }
  const bit = lastInteger();
  if (<u64>bit > 1) {
    replyError("ERR The bit argument must be 1 or 0.");
    return;
  }
  if (argumentCount > 6) {
    replySyntaxError();
    return;
  }
  rangeStart = 0;
  rangeEnd = -1;
  if (argumentCount > 3) {
    if (!argumentInteger(3)) {
      replyNotInteger();
      return;
    }
    rangeStart = lastInteger();
  }
  if (!readUnit(5)) return;
  if (argumentCount > 4) {
    if (!argumentInteger(4)) {
      replyNotInteger();
      return;
    }
    rangeEnd = lastInteger();
  }
  const entry = readString(1);
  if (entry == NOT_A_STRING) return;
  if (entry == 0) {
    replyInteger(bit == 1 ? -1 : 0);
    return;
  }
  resolveRange(bytesOf(entry));
  if (firstBit > lastBit) {
    replyInteger(-1);
    return;
  }
  const found = findBit(entry, <u32>bit);
  // Behind a string without an end that was given lie zeros.
  replyInteger(found < 0 && bit == 0 && argumentCount < 5 ? lastBit + 1 : found);
}

/** The first such bit of the range; -1 when there is none. */
function findBit(entry: usize, bit: u32): i64 {
  const first = <u32>(firstBit >> 3);
  const last = <u32>(lastBit >> 3);
  const unwanted: u32 = bit == 1 ? 0 : 0xff;
  for (let at = first; at <= last; ) {
    const piece = min(pieceAt(entry, at), last - at + 1);
    const address = addressOf(entry, at);
    // The first byte is looked at as a whole only when its first bits are not asked for.
    const filled = at == first ? 0 : countFilled(address, piece, <u8>unwanted);
    addWork(filled >> WORK_SHIFT);
    at += filled;
    if (filled == piece) continue;
    let wanted = <u32>load<u8>(address + filled) ^ unwanted;
    if (at == first) wanted &= <u32>0xff >> (<u32>firstBit & 7);
    if (at == last) wanted &= <u32>0xff80 >> (<u32>lastBit & 7);
    if (wanted != 0) return ((<i64>at) << 3) + clz(wanted) - 24;
    at++;
  }
  return -1;
}

export function registerBits(): void {
  const read = CommandFlag.ReadOnly;
  const write = CommandFlag.Write | CommandFlag.DenyOom;
  startGroup("bitmap");
  register("SETBIT", 4, write, 1, 1, 1, setBit, "2.2.0", "Sets a bit of a string and answers what it was.");
  register("GETBIT", 3, read | CommandFlag.Fast, 1, 1, 1, getBit, "2.2.0", "Answers a bit of a string.");
  register("BITCOUNT", -2, read, 1, 1, 1, bitCount, "2.6.0", "Counts the bits of a string that are set.");
  register("BITPOS", -3, read, 1, 1, 1, bitPos, "2.8.7", "Answers where the first bit is that is set, or is not.");
}
