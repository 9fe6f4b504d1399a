// PFADD, PFCOUNT, PFMERGE. A sketch is a string, so everything else that is done to strings is done to it. What PFCOUNT found is
// kept in it, as in Redis, where that can be recorded: as the bytes that it writes.

import { CommandFlag, SCRATCH_BASE } from "../../layout";
import { addIntegerPart, addPart, addWordPart, beginRecord } from "../../effects/record";
import { mayRecordRemoval } from "../../effects/region";
import { entryAt, isPaged, TYPE_STRING, typeOf, valueOf, writeValue } from "../../memory/entry";
import { copyBytes } from "../../memory/memory";
import { hllSparseBytes } from "../../memory/settings";
import { slotEntry } from "../../memory/table";
import { admitEntry } from "../../keyspace/eviction";
import { noteChange, readSlot, touchEntry } from "../../keyspace/keyspace";
import { argumentBytes, argumentCount, isArgumentPaged } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { replyOverlong } from "../../protocol/command-error";
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { addArgument, endEffect, isRecording, partBytes, recordArguments } from "../../protocol/recording";
import { replyError, replyInteger, replyNoMemory, replyOk, replyWrongType } from "../../protocol/reply";
import { admitResize, setText } from "../strings/string-value";
import { elementCount, elementIndex, estimate, placeElement } from "./estimate";
import {
  DENSE_BYTES,
  forgetCardinality,
  HEADER_BYTES,
  isDense,
  isHyperLogLog,
  keptCardinality,
  mergeRegisters,
  Raised,
  raisedBytes,
  raiseRegister,
  REGISTERS,
  writeDense,
  writeEmpty,
  writeSparse,
} from "./registers";

/** The copy that is changed, registers of a byte each, and working space. */
export const COPY: usize = SCRATCH_BASE;
export const UNPACKED: usize = SCRATCH_BASE + 0x10000;
const SPACE: usize = UNPACKED + REGISTERS;
/** A longer sparse one would need pages of its own. */
const SPARSE_BYTES_MAX: u32 = 32000;
const WORK_OF_REGISTERS: u32 = 64;

/** Where the cardinality lies in the string. */
const CARDINALITY: u32 = 8;

/** Stands for a slot after replying an error. */
export const NO_SKETCH: usize = 1;

/** Slot of the sketch whose key is an argument, 0 when there is none; NO_SKETCH after replying that it is something else. */
export function findSketch(index: u32): usize {
  const slot = findArgument(index);
  if (slot == 0) return 0;
  const entry = slotEntry(slot);
  if (typeOf(entry) != TYPE_STRING) {
    replyWrongType();
    return NO_SKETCH;
  }
  if (!isPaged(entry) && isHyperLogLog(valueOf(entry), entryAt(entry).valueBytes)) return slot;
  replyError("WRONGTYPE Key is not a valid HyperLogLog string value.");
  return NO_SKETCH;
}

export function replyDamaged(): void {
  replyError("INVALIDOBJ Corrupted HLL object detected");
}

/** Raises the unpacked registers to those of a sketch; false after replying that it is damaged. */
export function addSketch(entry: usize): bool {
  addWork(WORK_OF_REGISTERS);
  if (mergeRegisters(UNPACKED, valueOf(entry), entryAt(entry).valueBytes)) return true;
  replyDamaged();
  return false;
}

function sparseMax(): u32 {
  return min(hllSparseBytes(), SPARSE_BYTES_MAX);
}

/** Makes room for a sketch in place of what is in a slot, 0 for nothing; false after replying that there is none. */
export function admitSketch(slot: usize): bool {
  const most = max(DENSE_BYTES, SPARSE_BYTES_MAX);
  if (slot == 0 ? admitEntry(argumentBytes(1), most, false) : admitResize(slot, most)) return true;
  replyNoMemory();
  return false;
}

// ---- PFADD

function pfAdd(): void {
  const slot = findSketch(1);
  if (slot == NO_SKETCH || !admitSketch(slot)) return;
  let bytes = slot == 0 ? writeEmpty(COPY) : copySketch(slotEntry(slot));
  let changed = slot == 0;
  for (let index: u32 = 2; index < argumentCount; index++) {
    placeElement(index);
    let raised = raiseRegister(COPY, bytes, elementIndex, elementCount, sparseMax());
    if (raised == Raised.Unfit) {
      if (!becomeDense(bytes)) raised = Raised.Damaged;
      else raised = raiseRegister(COPY, DENSE_BYTES, elementIndex, elementCount, 0);
    }
    if (raised == Raised.Damaged) {
      replyDamaged();
      return;
    }
    bytes = raisedBytes;
    if (raised == Raised.Yes) changed = true;
  }
  if (changed) {
    forgetCardinality(COPY);
    setText(slot, hashOfArgument(1), 1, COPY, bytes);
    recordArguments("PFADD");
  } else {
    touchEntry(slotEntry(slot));
  }
  replyInteger(<i64>changed);
}

function copySketch(entry: usize): u32 {
  const bytes = entryAt(entry).valueBytes;
  copyBytes(COPY, valueOf(entry), bytes);
  return bytes;
}

/** Makes the copy dense; false when it is damaged. */
function becomeDense(bytes: u32): bool {
  addWork(WORK_OF_REGISTERS);
  memory.fill(UNPACKED, 0, REGISTERS);
  if (!mergeRegisters(UNPACKED, COPY, bytes)) return false;
  writeDense(COPY, UNPACKED);
  return true;
}

// ---- PFCOUNT

function pfCount(): void {
  if (argumentCount > 2) {
    countSeveral();
    return;
  }
  const slot = findSketch(1);
  if (slot == NO_SKETCH) return;
  const entry = readSlot(slot);
  if (entry == 0) {
    replyInteger(0);
    return;
  }
  const kept = keptCardinality(valueOf(entry));
  if (kept >= 0) {
    replyInteger(kept);
    return;
  }
  memory.fill(UNPACKED, 0, REGISTERS);
  if (!addSketch(entry)) return;
  const cardinality = estimate(UNPACKED, SPACE);
  keepCardinality(entry, cardinality);
  replyInteger(cardinality);
}

function keepCardinality(entry: usize, cardinality: i64): void {
  if (!mayRecordRemoval()) return;
  store<i64>(SPACE, cardinality);
  writeValue(entry, CARDINALITY, SPACE, 8);
  noteChange(hashOfArgument(1));
  if (!isRecording()) return;
  beginRecord(4, 128 + partBytes(1));
  addWordPart("SETRANGE");
  addArgument(1);
  addIntegerPart(CARDINALITY);
  addPart(SPACE, 8);
  endEffect();
}

/** Raises the unpacked registers to those of all sketches whose keys are arguments from `first` on; false after replying an error. */
function unpackAll(first: u32): bool {
  memory.fill(UNPACKED, 0, REGISTERS);
  hasDense = false;
  for (let index = first; index < argumentCount; index++) {
    if (isArgumentPaged(index)) {
      replyOverlong("key");
      return false;
    }
    const slot = findSketch(index);
    if (slot == NO_SKETCH) return false;
    const entry = readSlot(slot);
    if (entry == 0) continue;
    if (isDense(valueOf(entry))) hasDense = true;
    if (!addSketch(entry)) return false;
  }
  return true;
}

let hasDense: bool = false;

function countSeveral(): void {
  if (unpackAll(1)) replyInteger(estimate(UNPACKED, SPACE));
}

// ---- PFMERGE

/** Making room may evict what is merged, so it comes first. */
function pfMerge(): void {
  if (!admitSketch(findArgument(1)) || !unpackAll(1)) return;
  let bytes: u32 = hasDense ? 0 : writeSparse(COPY, UNPACKED, max(sparseMax(), HEADER_BYTES + 2));
  if (bytes == 0) bytes = writeDense(COPY, UNPACKED);
  forgetCardinality(COPY);
  setText(findArgument(1), hashOfArgument(1), 1, COPY, bytes);
  recordArguments("PFMERGE");
  replyOk();
}

export function registerHyperLogLogs(): void {
  const write = CommandFlag.Write | CommandFlag.DenyOom;
  startGroup("hyperloglog");
  register("PFADD", -2, write | CommandFlag.Fast, 1, 1, 1, pfAdd, "2.8.9", "Adds elements to a HyperLogLog.");
  register("PFCOUNT", -2, CommandFlag.ReadOnly, 1, -1, 1, pfCount, "2.8.9", "Estimates how many elements were added.");
  register("PFMERGE", -2, write, 1, -1, 1, pfMerge, "2.8.9", "Merges HyperLogLogs into one.");
}
