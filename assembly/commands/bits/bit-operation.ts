// BITOP: strings combined bit by bit, the shorter ones as if zeros followed. The result is made page by page beside the
// key that it replaces, which may be one of the sources.

import { CommandFlag, PAGE_BYTES, ZONE_ENTRY } from "../../layout";
import { createEntry, entryPages, isPaged, takeValuePages, TYPE_STRING } from "../../memory/entry";
import { copyBytes, dirty } from "../../memory/memory";
import { slotEntry } from "../../memory/table";
import { admit } from "../../keyspace/eviction";
import { insertKey, removeKey, shardOf } from "../../keyspace/keyspace";
import { argumentAddress, argumentBytes, argumentCount, argumentIs, isArgumentPaged } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { replyOverlong } from "../../protocol/command-error";
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { addArgument, endEffect, isRecording, partBytes, recordArguments } from "../../protocol/recording";
import { beginRecord, addWordPart } from "../../effects/record";
import { replyError, replyInteger, replyNoMemory, replySyntaxError } from "../../protocol/reply";
import { addressOf, bytesOf, NOT_A_STRING, pieceAt, readString, WORK_SHIFT } from "./bit-value";

const enum Operation {
  And,
  Or,
  Xor,
  Not,
  None,
}

/** The first source. */
const FIRST: u32 = 3;

function operationOf(index: u32): Operation {
  if (argumentIs(index, "AND")) return Operation.And;
  if (argumentIs(index, "OR")) return Operation.Or;
  if (argumentIs(index, "XOR")) return Operation.Xor;
  return argumentIs(index, "NOT") ? Operation.Not : Operation.None;
}

function bitOp(): void {
  const operation = operationOf(1);
  if (operation == Operation.None) {
    replySyntaxError();
    return;
  }
  if (operation == Operation.Not && argumentCount != FIRST + 1) {
    replyError("ERR BITOP NOT must be called with a single source key.");
    return;
  }
  if (!areSourcesRight() || !admitLongest()) return;
  const bytes = longestSource();
  const made: usize = bytes == 0 ? 0 : combine(operation, bytes);
  const hash = hashOfArgument(2);
  const old = findArgument(2);
  if (old != 0) removeKey(shardOf(hash), old, hash);
  if (made != 0) {
    insertKey(made, hash);
    recordArguments("BITOP");
  } else if (old != 0) {
    recordTargetGone();
  }
  replyInteger(bytes);
}

/** False after replying that a source is no string, or no key. */
function areSourcesRight(): bool {
  for (let index = FIRST; index < argumentCount; index++) {
    if (isArgumentPaged(index)) {
      replyOverlong("key");
      return false;
    }
    if (readString(index) == NOT_A_STRING) return false;
  }
  return true;
}

/** Making room may evict a source, so the longest is looked for again. */
function admitLongest(): bool {
  if (admit(1 + entryPages(longestSource()))) return true;
  replyNoMemory();
  return false;
}

function sourceAt(index: u32): usize {
  const slot = findArgument(index);
  return slot == 0 ? 0 : slotEntry(slot);
}

function longestSource(): u32 {
  let longest: u32 = 0;
  for (let index = FIRST; index < argumentCount; index++) longest = max(longest, bytesOf(sourceAt(index)));
  return longest;
}

/** A string under the key of argument 2 that no slot refers to. */
function combine(operation: Operation, bytes: u32): usize {
  addWork((bytes >> WORK_SHIFT) * (argumentCount - FIRST));
  const made = createEntry(ZONE_ENTRY, argumentAddress(2), argumentBytes(2), TYPE_STRING, bytes, false);
  if (isPaged(made)) takeValuePages(made, 0);
  for (let at: u32 = 0; at < bytes; at += PAGE_BYTES) {
    const to = addressOf(made, at);
    const piece = pieceAt(made, at);
    dirty(to, piece);
    for (let index = FIRST; index < argumentCount; index++)
      apply(operation, sourceAt(index), at, to, piece, index == FIRST);
  }
  return made;
}

/** Combines the bytes of a source from `at` on with the `bytes` at `to`; the first is copied. */
function apply(operation: Operation, source: usize, at: u32, to: usize, bytes: u32, isFirst: bool): void {
  const held = at < bytesOf(source) ? min(bytes, pieceAt(source, at)) : 0;
  const from: usize = held == 0 ? to : addressOf(source, at);
  if (isFirst) {
    copyBytes(to, from, held);
    memory.fill(to + held, 0, bytes - held);
    if (operation == Operation.Not) combineBytes(operation, to, to, bytes);
    return;
  }
  combineBytes(operation, to, from, held);
  if (operation == Operation.And) memory.fill(to + held, 0, bytes - held);
}

function combineBytes(operation: Operation, to: usize, from: usize, bytes: u32): void {
  let at: u32 = 0;
  for (; at + 16 <= bytes; at += 16) {
    const own = v128.load(to + at);
    const other = v128.load(from + at);
    if (operation == Operation.And) v128.store(to + at, v128.and(own, other));
    else if (operation == Operation.Or) v128.store(to + at, v128.or(own, other));
    else if (operation == Operation.Xor) v128.store(to + at, v128.xor(own, other));
    else v128.store(to + at, v128.not(other));
  }
  for (; at < bytes; at++) {
    const own = load<u8>(to + at);
    const other = load<u8>(from + at);
    if (operation == Operation.And) store<u8>(to + at, own & other);
    else if (operation == Operation.Or) store<u8>(to + at, own | other);
    else if (operation == Operation.Xor) store<u8>(to + at, own ^ other);
    else store<u8>(to + at, ~other);
  }
}

/** All sources are empty: the key is deleted. */
function recordTargetGone(): void {
  if (!isRecording()) return;
  beginRecord(2, partBytes(2) + 32);
  addWordPart("DEL");
  addArgument(2);
  endEffect();
}

export function registerBitOperation(): void {
  const write = CommandFlag.Write | CommandFlag.DenyOom;
  register("BITOP", -4, write, 2, -1, 1, bitOp, "2.6.0", "Combines strings bit by bit and stores the result.");
}
