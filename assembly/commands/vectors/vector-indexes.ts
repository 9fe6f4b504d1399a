// VINDEX and VINDEXES, ours: indexes over fields of the attributes of a vector set, which searches with a filter use.
// Declaring one lists what all elements have there in one go, about 0.4 µs a value.

import { CommandFlag } from "../../layout";
import { argumentAddress, argumentBytes, argumentIs, isArgumentPaged } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { isVectorSet, liveSlot, setOf } from "./elements";
import { admit } from "../../keyspace/eviction";
import { noteChange, pin, readSlot } from "../../keyspace/keyspace";
import { slotEntry } from "../../memory/table";
import {
  replyArray,
  replyBoolean,
  replyBulk,
  replyError,
  replyInteger,
  replyMap,
  replyNoMemory,
  replySimple,
  replyWrongType,
} from "../../protocol/reply";
import { recordArguments } from "../../protocol/recording";
import { compilePath, PROGRAM_EXPANSION } from "../../filters/filter";
import { FIELDS_MAX, fieldAt, fieldCount, findFieldIndex } from "../../vectors/field-index";
import { declareField, dropField, pagesForField } from "../../vectors/field-changes";
import { PROGRAM_BASE, PROGRAM_BYTES, QUERY_BASE } from "../../vectors/vector-scratch";
import { VectorSet } from "../../vectors/vectorset";
import { PATH_HEAD_BYTES } from "../../text/attributes";

/** Puts the path in argument 3 at PROGRAM_BASE; false after replying an error. */
function readPath(): bool {
  const fits = !isArgumentPaged(3) && argumentBytes(3) * PROGRAM_EXPANSION <= PROGRAM_BYTES;
  if (fits && compilePath(argumentAddress(3), argumentBytes(3), PROGRAM_BASE) != 0) return true;
  replyError("ERR invalid path, use .name, or .name.name for a field of an object");
  return false;
}

function vIndex(): void {
  const adds = argumentIs(2, "ADD");
  if (!adds && !argumentIs(2, "DEL")) {
    replyError("ERR syntax error, use VINDEX key ADD path or VINDEX key DEL path");
    return;
  }
  const slot = liveSlot(findArgument(1), hashOfArgument(1));
  if (slot == 0) {
    replyError("ERR an index is declared once its vector set has an element: there is no such key");
    return;
  }
  if (!isVectorSet(slotEntry(slot))) {
    replyWrongType();
    return;
  }
  if (!readPath()) return;
  const set = setOf(slotEntry(slot));
  const index = findFieldIndex(set, PROGRAM_BASE);
  if (adds) {
    addIndex(slotEntry(slot), set, index);
    return;
  }
  if (index >= 0) {
    dropField(set, index);
    noteChange(hashOfArgument(1));
    recordArguments("VINDEX");
  }
  replyBoolean(index >= 0);
}

function addIndex(entry: usize, set: VectorSet, index: i32): void {
  if (index >= 0) {
    replyBoolean(false);
    return;
  }
  if (fieldCount(set) == FIELDS_MAX) {
    replyError("ERR a vector set has 16 indexes at most, drop one with VINDEX key DEL path");
    return;
  }
  pin(entry);
  addWork(set.idsUsed);
  if (!admit(pagesForField(set, PROGRAM_BASE))) {
    replyNoMemory();
    return;
  }
  declareField(set, PROGRAM_BASE);
  noteChange(hashOfArgument(1));
  recordArguments("VINDEX");
  replyBoolean(true);
}

/** The indexes of a set: for each path the entries, the bytes, and how many elements have numbers, texts, arrays, null there. */
function vIndexes(): void {
  const entry = readSlot(liveSlot(findArgument(1), hashOfArgument(1)));
  if (entry == 0) {
    replyArray(0);
    return;
  }
  if (!isVectorSet(entry)) {
    replyWrongType();
    return;
  }
  const set = setOf(entry);
  const count = fieldCount(set);
  replyArray(count);
  for (let index: u32 = 0; index < count; index++) replyIndex(set, index);
}

function replyIndex(set: VectorSet, index: u32): void {
  const field = fieldAt(set, index);
  replyMap(7);
  replySimple("path");
  replyBulk(QUERY_BASE, writePath(field.path));
  replySimple("entries");
  replyInteger(field.entries);
  replySimple("bytes");
  replyInteger(field.bytes);
  replySimple("numbers");
  replyInteger(field.numbers);
  replySimple("texts");
  replyInteger(field.texts);
  replySimple("arrays");
  replyInteger(field.arrays);
  replySimple("nulls");
  replyInteger(field.nulls);
}

/** Writes a path as text at QUERY_BASE; answers its bytes. */
function writePath(path: usize): u32 {
  const end = path + load<u16>(path);
  let to = <usize>QUERY_BASE;
  for (let step = path + PATH_HEAD_BYTES; step < end; ) {
    const bytes = load<u32>(step) >> 16;
    store<u8>(to, 0x2e);
    memory.copy(to + 1, step + 4, bytes);
    to += 1 + bytes;
    step += 4 + bytes;
  }
  return <u32>(to - QUERY_BASE);
}

export function registerVectorIndexes(): void {
  const change = CommandFlag.Write | CommandFlag.DenyOom;
  register("VINDEX", 4, change, 1, 1, 1, vIndex, "8.0.0", "Declares or drops an index over a field of the attributes.");
  register("VINDEXES", 2, CommandFlag.ReadOnly | CommandFlag.Fast, 1, 1, 1, vIndexes, "8.0.0", "Answers the indexes.");
}
