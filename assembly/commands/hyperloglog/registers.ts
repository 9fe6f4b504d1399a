// The bytes of a HyperLogLog as Redis keeps them in a string: 16,384 registers of 6 bits, dense, or sparse as runs of equal
// ones while few are set. Commands work on a copy in scratch memory and write back what has changed.
//
//   0 "HYLL" | 4 encoding (0 dense, 1 sparse) | 5 unused (3) | 8 cardinality (u64, the highest bit: it is not known) | 16 registers
//
// Sparse: 00nnnnnn n + 1 zeros | 01nnnnnn nnnnnnnn n + 1 zeros | 1vvvvvnn n + 1 registers of v + 1
// Flajolet, Fusy, Gandouet, Meunier: HyperLogLog (2007); Ertl: New cardinality estimation algorithms (2017).

import { SCRATCH_BASE } from "../../layout";
import { copyBytes } from "../../memory/memory";

export const REGISTERS: u32 = 16384;
export const HEADER_BYTES: u32 = 16;
export const DENSE_BYTES: u32 = HEADER_BYTES + (REGISTERS * 6) / 8;
const MAGIC: u32 = 0x4c4c5948; // "HYLL"
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
const ZEROS_MAX: u32 = 64;
const SPARSE_VALUE_MAX: u32 = 32;
const RUN_MAX: u32 = 4;
/** Where the runs are made that one becomes. */
const SPLIT: usize = SCRATCH_BASE + 0x30000;
/** Runs that are looked at for equal neighbours after a change. */
const MERGED_RUNS: u32 = 5;

/** True when the bytes of a string are a HyperLogLog as far as can be told without reading the registers. */
export function isHyperLogLog(value: usize, bytes: u32): bool {
  if (bytes < HEADER_BYTES || load<u32>(value) != MAGIC) return false;
  const encoding = load<u8>(value, 4);
  return encoding == SPARSE || (encoding == DENSE && bytes == DENSE_BYTES);
}

@inline
export function isDense(value: usize): bool {
  return load<u8>(value, 4) == DENSE;
}

/** Writes an empty one; answers its bytes. */
export function writeEmpty(value: usize): u32 {
  writeHeader(value, SPARSE);
  return HEADER_BYTES + writeZeros(value + HEADER_BYTES, REGISTERS);
}

function writeHeader(value: usize, encoding: u8): void {
  store<u32>(value, MAGIC);
  store<u32>(value, encoding, 4);
  store<u64>(value, 0, 8);
}

/** The cardinality that is kept; negative when it is not known. */
@inline
export function keptCardinality(value: usize): i64 {
  return load<i64>(value, 8);
}

/** Says that the cardinality is not known any more. */
@inline
export function forgetCardinality(value: usize): void {
  store<u8>(value, load<u8>(value, 15) | 0x80, 15);
}

// ---- dense

export function denseRegister(value: usize, index: u32): u32 {
  const bit = index * 6;
  const at = value + HEADER_BYTES + (bit >> 3);
  // The last one ends with its byte, behind which there may be nothing.
  return (bit & 7) <= 2 ? (<u32>load<u8>(at) >> (bit & 7)) & 63 : (<u32>load<u16>(at) >> (bit & 7)) & 63;
}

function setDense(value: usize, index: u32, count: u32): void {
  const bit = index * 6;
  const at = value + HEADER_BYTES + (bit >> 3);
  const shift = bit & 7;
  store<u16>(at, <u16>((<u32>load<u16>(at) & ~(63 << shift)) | (count << shift)));
}

/** Writes registers of a byte each as a dense one; answers its bytes. */
export function writeDense(value: usize, registers: usize): u32 {
  writeHeader(value, DENSE);
  memory.fill(value + HEADER_BYTES, 0, DENSE_BYTES);
  for (let index: u32 = 0; index < REGISTERS; index++) setDense(value, index, load<u8>(registers + index));
  return DENSE_BYTES;
}

// ---- sparse

/** Registers of the run at an address, and the bytes that it takes. */
@inline
function runOf(at: usize): u32 {
  const byte: u32 = load<u8>(at);
  if ((byte & 0x80) != 0) return (byte & 3) + 1;
  return (byte & 0x40) != 0 ? (((byte & 63) << 8) | <u32>load<u8>(at, 1)) + 1 : (byte & 63) + 1;
}

@inline
function bytesOfRun(at: usize): u32 {
  return (load<u8>(at) & 0xc0) == 0x40 ? 2 : 1;
}

/** What the registers of a run are. */
@inline
function valueOfRun(at: usize): u32 {
  const byte: u32 = load<u8>(at);
  return (byte & 0x80) != 0 ? ((byte >> 2) & 31) + 1 : 0;
}

function writeZeros(at: usize, run: u32): u32 {
  if (run <= ZEROS_MAX) {
    store<u8>(at, <u8>(run - 1));
    return 1;
  }
  store<u8>(at, <u8>(((run - 1) >> 8) | 0x40));
  store<u8>(at, <u8>(run - 1), 1);
  return 2;
}

/** Writes a run, none for 0 registers; answers its bytes. */
function writeRun(at: usize, value: u32, run: u32): u32 {
  if (run == 0) return 0;
  if (value == 0) return writeZeros(at, run);
  store<u8>(at, <u8>(((value - 1) << 2) | (run - 1) | 0x80));
  return 1;
}

/** Writes registers of a byte each as a sparse one of `most` bytes; answers its bytes, 0 when it needs more. */
export function writeSparse(value: usize, registers: usize, most: u32): u32 {
  writeHeader(value, SPARSE);
  let bytes = HEADER_BYTES;
  for (let index: u32 = 0; index < REGISTERS; ) {
    const register: u32 = load<u8>(registers + index);
    if (register > SPARSE_VALUE_MAX || bytes + 2 > most) return 0;
    const limit = register == 0 ? REGISTERS : RUN_MAX;
    let run: u32 = 1;
    while (run < limit && index + run < REGISTERS && <u32>load<u8>(registers + index + run) == register) run++;
    bytes += writeRun(value + bytes, register, run);
    index += run;
  }
  return bytes;
}

/**
 * Raises registers of a byte each to those of a HyperLogLog; false when its bytes are damaged. Registers beyond the last are
 * not read.
 */
export function mergeRegisters(registers: usize, value: usize, bytes: u32): bool {
  if (isDense(value)) {
    for (let index: u32 = 0; index < REGISTERS; index++) raise(registers + index, denseRegister(value, index));
    return true;
  }
  const end = value + bytes;
  let index: u32 = 0;
  for (let at = value + HEADER_BYTES; at < end; at += bytesOfRun(at)) {
    if (at + bytesOfRun(at) > end || index + runOf(at) > REGISTERS) return false;
    const count = valueOfRun(at);
    const last = index + runOf(at);
    for (; index < last; index++) raise(registers + index, count);
  }
  return index == REGISTERS;
}

@inline
function raise(register: usize, count: u32): void {
  if (<u32>load<u8>(register) < count) store<u8>(register, <u8>count);
}

// ---- raising one register

/** Bytes of the copy after a register was to be raised. */
export let raisedBytes: u32 = 0;

/** How raising went. */
export const enum Raised {
  No,
  Yes,
  /** The bytes are damaged. */
  Damaged,
  /** It does not stay sparse. */
  Unfit,
}

/** Raises the register at `index` to `count` in the copy at `value`; `most` bytes of a sparse one. */
export function raiseRegister(value: usize, bytes: u32, index: u32, count: u32, most: u32): Raised {
  raisedBytes = bytes;
  if (!isDense(value)) return raiseSparse(value, bytes, index, count, most);
  if (denseRegister(value, index) >= count) return Raised.No;
  setDense(value, index, count);
  return Raised.Yes;
}

function raiseSparse(value: usize, bytes: u32, index: u32, count: u32, most: u32): Raised {
  if (count > SPARSE_VALUE_MAX) return Raised.Unfit;
  const end = value + bytes;
  let first: u32 = 0;
  let previous = value + HEADER_BYTES;
  let at = previous;
  while (at < end && first + runOf(at) <= index) {
    first += runOf(at);
    previous = at;
    at += bytesOfRun(at);
  }
  if (at + bytesOfRun(at) > end) return Raised.Damaged;
  const old = valueOfRun(at);
  if (old >= count) return Raised.No;
  // The run becomes up to three: what is before the register, the register, what is behind it.
  const behind = first + runOf(at) - 1 - index;
  const held = bytesOfRun(at);
  let made = writeRun(SPLIT, old, index - first);
  made += writeRun(SPLIT + made, count, 1);
  made += writeRun(SPLIT + made, old, behind);
  if (made > held && bytes + made - held > most) return Raised.Unfit;
  memory.copy(at + made, at + held, end - (at + held));
  copyBytes(at, SPLIT, made);
  raisedBytes = mergeRuns(value, bytes + made - held, previous);
  return Raised.Yes;
}

/** Makes one run of equal ones behind each other, from `at` on; answers the bytes that are left. */
function mergeRuns(value: usize, bytes: u32, at: usize): u32 {
  let end = value + bytes;
  for (let left = MERGED_RUNS; left > 0 && at < end; left--) {
    const next = at + 1;
    const fits = valueOfRun(at) != 0 && next < end && valueOfRun(next) == valueOfRun(at);
    if (fits && runOf(at) + runOf(next) <= RUN_MAX) {
      writeRun(next, valueOfRun(at), runOf(at) + runOf(next));
      memory.copy(at, next, end - next);
      end--;
    } else {
      at += bytesOfRun(at);
    }
  }
  return <u32>(end - value);
}
