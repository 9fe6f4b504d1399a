// BITFIELD: numbers of 1 to 64 bits anywhere in a string. The operations are parsed twice, first to find errors and how far the
// string must reach, then to be carried out: nothing is kept between.

import { CommandFlag, SCRATCH_BASE } from "../../layout";
import { writeValue } from "../../memory/entry";
import { copyBytes } from "../../memory/memory";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import {
  replyArray,
  replyError,
  replyInteger,
  replyNotInteger,
  replyNull,
  replySyntaxError,
} from "../../protocol/reply";
import { noteChange, touchEntry } from "../../keyspace/keyspace";
import { parsedInteger, parseInteger } from "../../text/number";
import {
  addressOf,
  bitOffset,
  bitsMax,
  bytesOf,
  growString,
  hasGrown,
  NOT_A_STRING,
  pieceAt,
  readBitOffset,
  readString,
  replyBadOffset,
} from "./bit-value";

const enum Operation {
  Get,
  Set,
  Add,
}

const enum Overflow {
  Wrap,
  Saturate,
  Fail,
}

// The operation parsed last.
let operation: Operation = Operation.Get;
let overflow: Overflow = Overflow.Wrap;
let isSigned: bool = false;
let width: u32 = 0;
let given: i64 = 0;
/** The argument behind it. */
let next: u32 = 0;
let failed: bool = false;

/** Parses the next operation; false behind the last, or with `failed` after replying an error. */
function nextOperation(): bool {
  while (next < argumentCount && argumentIs(next, "OVERFLOW") && next + 1 < argumentCount) {
    if (!readOverflow(next + 1)) return fail();
    next += 2;
  }
  if (next >= argumentCount) return false;
  const left = argumentCount - next - 1;
  if (argumentIs(next, "GET") && left >= 2) operation = Operation.Get;
  else if (argumentIs(next, "SET") && left >= 3) operation = Operation.Set;
  else if (argumentIs(next, "INCRBY") && left >= 3) operation = Operation.Add;
  else {
    replySyntaxError();
    return fail();
  }
  if (!readType(next + 1) || !readBitOffset(next + 2, width)) return fail();
  if (operation != Operation.Get) {
    if (!argumentInteger(next + 3)) {
      replyNotInteger();
      return fail();
    }
    given = lastInteger();
  }
  next += operation == Operation.Get ? 3 : 4;
  return true;
}

function fail(): bool {
  failed = true;
  return false;
}

function startOperations(): void {
  next = 2;
  overflow = Overflow.Wrap;
  failed = false;
}

function readOverflow(index: u32): bool {
  if (argumentIs(index, "WRAP")) overflow = Overflow.Wrap;
  else if (argumentIs(index, "SAT")) overflow = Overflow.Saturate;
  else if (argumentIs(index, "FAIL")) overflow = Overflow.Fail;
  else {
    replyError("ERR Invalid OVERFLOW type specified");
    return false;
  }
  return true;
}

/** i1 to i64, u1 to u63. */
function readType(index: u32): bool {
  const bytes = argumentBytes(index);
  const letter: u32 = bytes == 0 ? 0 : load<u8>(argumentAddress(index));
  isSigned = letter == 0x69;
  if ((isSigned || letter == 0x75) && parseInteger(argumentAddress(index) + 1, bytes - 1)) {
    width = <u32>parsedInteger;
    if (parsedInteger >= 1 && parsedInteger <= (isSigned ? 64 : 63)) return true;
  }
  replyError("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
  return false;
}

// ---- fields

/** The bytes of a field and what lies before and behind it in them, zeros where the string ends. */
const WINDOW: usize = SCRATCH_BASE;
const WINDOW_BYTES: u32 = 16;

/** Brings the bytes around a field into the window; answers how many of them there are. */
function readWindow(entry: usize, first: u32): u32 {
  memory.fill(WINDOW, 0, WINDOW_BYTES);
  const end = min<u64>(bytesOf(entry), <u64>first + WINDOW_BYTES);
  if (<u64>first >= end) return 0;
  const bytes = <u32>end - first;
  for (let at: u32 = 0; at < bytes; ) {
    const piece = min(pieceAt(entry, first + at), bytes - at);
    copyBytes(WINDOW + at, addressOf(entry, first + at), piece);
    at += piece;
  }
  return bytes;
}

@inline
function swapped(address: usize): u64 {
  return bswap<u64>(load<u64>(address));
}

/** The field at an offset of bits, as it is stored: the lowest `width` bits. */
function readField(entry: usize, offset: u64): u64 {
  readWindow(entry, <u32>(offset >> 3));
  const shift = offset & 7;
  const high = swapped(WINDOW) << shift;
  const bits = shift == 0 ? high : high | (swapped(WINDOW + 8) >> (64 - shift));
  return bits >> (64 - width);
}

function writeField(entry: usize, offset: u64, bits: u64): void {
  const first = <u32>(offset >> 3);
  const bytes = readWindow(entry, first);
  const shift = <u32>offset & 7;
  for (let bit: u32 = 0; bit < width; bit++) {
    const at = shift + bit;
    const mask = <u8>(<u32>0x80 >> (at & 7));
    const isSet = ((bits >> (width - 1 - bit)) & 1) != 0;
    const byte = load<u8>(WINDOW + (at >> 3));
    store<u8>(WINDOW + (at >> 3), isSet ? byte | mask : byte & ~mask);
  }
  writeValue(entry, first, WINDOW, min(bytes, (shift + width + 7) >> 3));
}

/** A stored field as a number. */
@inline
function signExtended(bits: u64): i64 {
  return isSigned ? <i64>(bits << (64 - width)) >> (64 - width) : <i64>bits;
}

// ---- overflow

/** What is stored when a sum leaves the range; `ranOver` says whether it does. */
let ranOver: bool = false;

/** The sum of a field's value and an increment as it is stored. */
function addTo(value: i64, increment: i64): i64 {
  return isSigned ? addSigned(value, increment) : addUnsigned(<u64>value, increment);
}

/** Differences wrap around as Redis's do: a negative number far out of the range of SET saturates at the upper end. */
function addSigned(value: i64, increment: i64): i64 {
  const most: i64 = width == 64 ? i64.MAX_VALUE : ((<i64>1) << (width - 1)) - 1;
  const least: i64 = -most - 1;
  const up = most - value;
  const down = least - value;
  const isNarrow = width != 64;
  const isOver = value > most || ((isNarrow || (value >= 0 && increment > 0)) && increment > up);
  const isUnder = value < least || ((isNarrow || (value < 0 && increment < 0)) && increment < down);
  ranOver = isOver || isUnder;
  const sum = value + increment;
  if (!ranOver) return sum;
  if (overflow == Overflow.Saturate) return isOver ? most : least;
  return (sum << (64 - width)) >> (64 - width);
}

function addUnsigned(value: u64, increment: i64): i64 {
  const most = ((<u64>1) << width) - 1;
  const isOver = value > most || (increment > 0 && <u64>increment > most - value);
  const isUnder = !isOver && increment < 0 && <u64>-increment > value;
  ranOver = isOver || isUnder;
  if (!ranOver) return <i64>(value + increment);
  if (overflow == Overflow.Saturate) return isOver ? <i64>most : 0;
  return <i64>((value + increment) & most);
}

// ---- commands

function bitField(): void {
  operate(false);
}

function bitFieldReadOnly(): void {
  operate(true);
}

function operate(onlyReads: bool): void {
  let operations: u32 = 0;
  let reach: u64 = 0;
  let writes = false;
  startOperations();
  while (nextOperation()) {
    operations++;
    if (operation == Operation.Get) continue;
    writes = true;
    reach = max<u64>(reach, bitOffset + width);
  }
  if (failed) return;
  if (writes && onlyReads) {
    replyError("ERR BITFIELD_RO only supports the GET subcommand");
    return;
  }
  if (reach > bitsMax()) {
    replyBadOffset();
    return;
  }
  const entry = writes ? growString(<u32>((reach + 7) >> 3)) : readString(1);
  if (entry == NOT_A_STRING) return;
  replyArray(operations);
  let changed = writes && hasGrown;
  startOperations();
  while (nextOperation()) {
    if (perform(entry, bitOffset)) changed = true;
  }
  if (!writes) return;
  touchEntry(entry);
  if (!changed) return;
  noteChange(hashOfArgument(1));
  recordArguments("BITFIELD");
}

/** Carries an operation out and replies; answers whether it changed the string. */
function perform(entry: usize, offset: u64): bool {
  const old = signExtended(readField(entry, offset));
  if (operation == Operation.Get) {
    replyInteger(old);
    return false;
  }
  const isSet = operation == Operation.Set;
  const value = addTo(isSet ? given : old, isSet ? 0 : given);
  if (ranOver && overflow == Overflow.Fail) {
    replyNull();
    return false;
  }
  replyInteger(isSet ? old : value);
  if (value == old) return false;
  writeField(entry, offset, <u64>value);
  return true;
}

export function registerBitField(): void {
  const write = CommandFlag.Write | CommandFlag.DenyOom;
  const read = CommandFlag.ReadOnly | CommandFlag.Fast;
  register("BITFIELD", -2, write, 1, 1, 1, bitField, "3.2.0", "Reads and changes numbers of any width in a string.");
  register("BITFIELD_RO", -2, read, 1, 1, 1, bitFieldReadOnly, "6.0.0", "Reads numbers of any width in a string.");
}
