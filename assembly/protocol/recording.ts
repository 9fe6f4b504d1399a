// What the running command did, as effect records made of its arguments. Commands call these when they have changed
// something and never else; off, each call is one test. Before a command that writes the dispatcher asks for room
// (`admitRecords`), so that none of these can fail.

import {
  beginRecord,
  addIntegerPart,
  addPagedPart,
  addPart,
  addWordPart,
  copyCommand,
  endRecord,
  PART_BYTES,
} from "../effects/record";
import { CommandFlag } from "../layout";
import { beginWriting, closeLog, effectLog, endWriting, isLogFull, openLog } from "../effects/region";
import { clock, database } from "../keyspace/keyspace";
import { Command, commandAt, commandCount, hasFlag } from "./catalog";
import { Parsed } from "./group";
import { replyNoMemory, replyReadOnly } from "./reply";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "./arguments";

/** Bytes of the name of SET. */
const SET_BYTES: u32 = 3;
/** A word or a number, framed. */
const SHORT_BYTES: u32 = 24 + PART_BYTES;
/** A deletion of a key that had expired, beside the key. */
const REMOVAL_BYTES: u32 = 128;

@inline
export function isRecording(): bool {
  return effectLog.recording != 0;
}

/** Commands that may record more than that a key has expired: EXEC begins a group, and what it or a script runs may write. */
const RECORDED: u32 = CommandFlag.Write | CommandFlag.EndsGroup | CommandFlag.RunsScript;

/**
 * Begins to record; from `limitBytes` not written on writes wait. Commands that write are marked in the table, so that the
 * dispatcher has nothing to test for the others, nor for any while it is off.
 */
export function openEffects(limitBytes: u32): void {
  openLog(limitBytes);
  markCommands(true);
}

/** Ends it; what was not released is forgotten. */
export function closeEffects(): void {
  closeLog();
  markCommands(false);
}

function markCommands(on: bool): void {
  for (let index: u32 = 0; index < commandCount(); index++) {
    const command = commandAt(index);
    if ((<u32>command.flags & RECORDED) == 0) continue;
    command.flags = <u16>(on ? command.flags | CommandFlag.Recorded : command.flags & ~CommandFlag.Recorded);
  }
}

/** Where the running command lies as it came, 0 when its arguments are not where they were received together. */
let receivedAt: usize = 0;

/**
 * Runs a command that is recorded; false when it writes and must wait, which a transaction that runs does not.
 * `parsed`: the command as it came, null for one that was queued.
 */
export function runRecorded(command: Command, isExecuting: bool, parsed: Parsed | null): bool {
  receivedAt = parsed == null ? 0 : <usize>parsed.start;
  if (effectLog.refusing != 0) {
    refuse(command);
    return true;
  }
  if (!isExecuting && isLogFull()) return false;
  if (admitRecords()) {
    call_indirect<void>(command.handler);
    endWriting();
  } else {
    replyNoMemory();
  }
  return true;
}

/** Whether a script has to wait until the log has room; while it takes nothing at all, those that only read run. */
export function waitsForLog(isExecuting: bool): bool {
  return !isExecuting && effectLog.refusing == 0 && isLogFull();
}

/** Refuses a write; a transaction runs all the same, and only the writes in it are refused. */
function refuse(command: Command): void {
  if (hasFlag(command, CommandFlag.Write)) replyReadOnly();
  else call_indirect<void>(command.handler);
}

/** True when the running command may write: what it will record has room. `endWriting` follows it. */
export function admitRecords(): bool {
  let bytes: u64 = 0;
  for (let index: u32 = 0; index < argumentCount; index++) bytes += argumentBytes(index) + REMOVAL_BYTES;
  if (beginWriting(bytes)) return true;
  endWriting();
  return false;
}

/** Adds an argument of the command as the next part. */
export function addArgument(index: u32): void {
  if (isArgumentPaged(index)) addPagedPart(argumentAddress(index), argumentBytes(index));
  else addPart(argumentAddress(index), argumentBytes(index));
}

/** Bytes that an argument takes as a part. */
@inline
export function partBytes(index: u32): u64 {
  return <u64>argumentBytes(index) + PART_BYTES;
}

/** Ends a record of the selected database, of now. */
@inline
export function endEffect(): void {
  endRecord(database, clock);
}

const ARRAY_TYPE: u32 = 0x2a;

/**
 * Records the command as it came, if it lies there in one piece. Of the commands that are recorded under a name, only the one
 * that bears it has a name of so many bytes. The parser takes no second spelling of a length, so what came is canonical but for
 * the case of the name. One copy: a SET in a batch takes 46 ns more than unrecorded, and 70 with a record made of its arguments.
 */
function recordReceived(nameBytes: u32): bool {
  if (receivedAt == 0 || argumentBytes(0) != nameBytes || <u32>load<u8>(receivedAt) != ARRAY_TYPE) return false;
  const last = argumentCount - 1;
  copyCommand(receivedAt, <u32>(argumentAddress(last) + argumentBytes(last) + 2 - receivedAt));
  endEffect();
  return true;
}

/** Records `name` with all arguments that the command has. */
@inline
export function recordArguments(name: string): void {
  if (isRecording()) writeArguments(name);
}

function writeArguments(name: string): void {
  if (recordReceived(name.length)) return;
  let bound: u64 = SHORT_BYTES;
  for (let index: u32 = 1; index < argumentCount; index++) bound += partBytes(index);
  beginRecord(argumentCount, bound);
  addWordPart(name);
  for (let index: u32 = 1; index < argumentCount; index++) addArgument(index);
  endEffect();
}

/** Records `name` with the arguments before one. */
export function recordLeading(name: string, before: u32): void {
  if (!isRecording()) return;
  let bound: u64 = SHORT_BYTES;
  for (let index: u32 = 1; index < before; index++) bound += partBytes(index);
  beginRecord(before, bound);
  addWordPart(name);
  for (let index: u32 = 1; index < before; index++) addArgument(index);
  endEffect();
}

/** Records `name` with nothing else. */
export function recordName(name: string): void {
  if (!isRecording()) return;
  beginRecord(1, SHORT_BYTES);
  addWordPart(name);
  endEffect();
}

/** Records `name` with the key in argument 1. */
export function recordKey(name: string): void {
  if (!isRecording()) return;
  beginRecord(2, SHORT_BYTES + partBytes(1));
  addWordPart(name);
  addArgument(1);
  endEffect();
}

/** Records `name` with a key in an argument and a count: that so many elements were taken from it. */
export function recordPop(name: string, key: u32, count: u32): void {
  if (!isRecording()) return;
  beginRecord(3, SHORT_BYTES * 2 + partBytes(key));
  addWordPart(name);
  addArgument(key);
  addIntegerPart(count);
  endEffect();
}

/** Records that the key in argument 1 was restored from argument 3 and dies at a time, ms since epoch, 0 for never. */
export function recordRestored(time: i64): void {
  if (!isRecording()) return;
  beginRecord(6, SHORT_BYTES * 4 + partBytes(1) + partBytes(3));
  addWordPart("RESTORE");
  addArgument(1);
  addIntegerPart(time);
  addArgument(3);
  addWordPart("REPLACE");
  addWordPart("ABSTTL");
  endEffect();
}

/** Records when the key in argument 1 dies, ms since epoch. */
export function recordExpiry(time: i64): void {
  if (!isRecording()) return;
  beginRecord(3, SHORT_BYTES * 2 + partBytes(1));
  addWordPart("PEXPIREAT");
  addArgument(1);
  addIntegerPart(time);
  endEffect();
}

/** Records that a key was set to a string, from two arguments; it dies at a time, ms since epoch, negative for never. */
@inline
export function recordString(key: u32, value: u32, time: i64): void {
  if (isRecording()) writeString(key, value, time);
}

function writeString(key: u32, value: u32, time: i64): void {
  if (time < 0 && argumentCount == 3 && recordReceived(SET_BYTES)) return;
  beginRecord(time < 0 ? 3 : 5, SHORT_BYTES * 3 + partBytes(key) + partBytes(value));
  addWordPart("SET");
  addArgument(key);
  addArgument(value);
  if (time >= 0) {
    addWordPart("PXAT");
    addIntegerPart(time);
  }
  endEffect();
}

/** Records that the key in argument 1 has a short text as its value and dies when it did before. */
export function recordText(text: usize, bytes: u32): void {
  if (!isRecording()) return;
  beginRecord(4, SHORT_BYTES * 3 + partBytes(1) + bytes);
  addWordPart("SET");
  addArgument(1);
  addPart(text, bytes);
  addWordPart("KEEPTTL");
  endEffect();
}

/** Records that the field in argument 2 of the hash in argument 1 has a short text as its value. */
export function recordField(text: usize, bytes: u32): void {
  if (!isRecording()) return;
  beginRecord(4, SHORT_BYTES * 2 + partBytes(1) + partBytes(2) + bytes);
  addWordPart("HSET");
  addArgument(1);
  addArgument(2);
  addPart(text, bytes);
  endEffect();
}
