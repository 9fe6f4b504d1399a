// PFDEBUG and PFSELFTEST: what a sketch looks like inside, and whether the arithmetic is right on this machine.

import { CommandFlag, SCRATCH_BASE } from "../../layout";
import { valueOf } from "../../memory/entry";
import { slotEntry } from "../../memory/table";
import { argumentCount, argumentIs } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { errorArgument, QUOTED_BYTES_MAX } from "../../protocol/command-error";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import {
  beginError,
  endError,
  errorText,
  replyArray,
  replyError,
  replyInteger,
  replyOk,
  replySimple,
} from "../../protocol/reply";
import { setText } from "../strings/string-value";
import { addSketch, admitSketch, COPY, findSketch, NO_SKETCH, UNPACKED } from "./hyperloglogs";
import { estimate } from "./estimate";
import { DENSE_BYTES, denseRegister, isDense, mergeRegisters, REGISTERS, writeDense, writeSparse } from "./registers";

/** Working space behind the copy and the registers. */
const SPACE: usize = SCRATCH_BASE + 0x20000;

function pfDebug(): void {
  if (argumentCount != 3) {
    replyUnknown("ERR Wrong number of arguments for the '", "' subcommand");
    return;
  }
  const slot = findSketch(2);
  if (slot == NO_SKETCH) return;
  if (slot == 0) {
    replyError("ERR The specified key does not exist");
  } else if (argumentIs(1, "GETREG")) {
    replyRegisters(slotEntry(slot));
  } else if (argumentIs(1, "ENCODING")) {
    replySimple(isDense(valueOf(slotEntry(slot))) ? "dense" : "sparse");
  } else if (argumentIs(1, "TODENSE")) {
    makeDense(slot);
  } else {
    replyUnknown("ERR Unknown PFDEBUG subcommand '", "'");
  }
}

function replyUnknown(before: string, behind: string): void {
  beginError();
  errorText(before);
  errorArgument(1, QUOTED_BYTES_MAX);
  errorText(behind);
  endError();
}

function replyRegisters(entry: usize): void {
  memory.fill(UNPACKED, 0, REGISTERS);
  if (!addSketch(entry)) return;
  addWork(REGISTERS >> 2);
  replyArray(REGISTERS);
  for (let index: u32 = 0; index < REGISTERS; index++) replyInteger(load<u8>(UNPACKED + index));
}

function makeDense(slot: usize): void {
  if (isDense(valueOf(slotEntry(slot)))) {
    replyInteger(0);
    return;
  }
  if (!admitSketch(slot)) return;
  memory.fill(UNPACKED, 0, REGISTERS);
  if (!addSketch(slotEntry(slot))) return;
  const cardinality = load<u64>(valueOf(slotEntry(slot)), 8);
  writeDense(COPY, UNPACKED);
  store<u64>(COPY, cardinality, 8);
  setText(slot, hashOfArgument(2), 2, COPY, DENSE_BYTES);
  recordArguments("PFDEBUG");
  replyInteger(1);
}

/** Packs registers of all values both ways, unpacks them, and estimates what is known: none, and 2^14 of one each. */
function pfSelfTest(): void {
  addWork(REGISTERS >> 2);
  memory.fill(UNPACKED, 0, REGISTERS);
  if (estimate(UNPACKED, SPACE) != 0) {
    replyError("TESTFAILED the estimate of nothing is not 0");
    return;
  }
  for (let index: u32 = 0; index < REGISTERS; index++) store<u8>(UNPACKED + index, <u8>(index % 33));
  const bytes = writeSparse(COPY, UNPACKED, 0x8000);
  if (bytes == 0 || !isUnpackedFrom(bytes)) {
    replyError("TESTFAILED a sparse representation does not give back what it was made of");
    return;
  }
  for (let index: u32 = 0; index < REGISTERS; index++) store<u8>(UNPACKED + index, <u8>((index * 7) & 63));
  writeDense(COPY, UNPACKED);
  if (!isUnpackedFrom(DENSE_BYTES) || denseRegister(COPY, 9) != 63) {
    replyError("TESTFAILED a dense representation does not give back what it was made of");
    return;
  }
  replyOk();
}

function isUnpackedFrom(bytes: u32): bool {
  memory.fill(SPACE, 0, REGISTERS);
  return mergeRegisters(SPACE, COPY, bytes) && memory.compare(SPACE, UNPACKED, REGISTERS) == 0;
}

export function registerSketchDebug(): void {
  const write = CommandFlag.Write | CommandFlag.DenyOom;
  register("PFDEBUG", -3, write, 2, 2, 1, pfDebug, "2.8.9", "Shows what a HyperLogLog looks like inside.");
  register(
    "PFSELFTEST",
    1,
    CommandFlag.ReadOnly,
    0,
    0,
    0,
    pfSelfTest,
    "2.8.9",
    "Tests the arithmetic of HyperLogLogs.",
  );
}
