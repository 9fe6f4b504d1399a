// Telling what a command did to its keys: which of them changed is collected while it runs, and told behind it, key by key in the
// order of its arguments. A collection that ends with keys gone says "del" of them, as Redis does.

import { Notice } from "../../connection-layout";
import { beginCollecting, endCollecting, hasChanged, takeChanged } from "../../events/collected";
import { notices, notify } from "../../events/notices";
import { CommandFlag } from "../../layout";
import { database, findKey, selectDatabase } from "../../keyspace/keyspace";
import { expires } from "../../memory/entry";
import { slotEntry } from "../../memory/table";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  isArgumentPaged,
  lastInteger,
} from "../arguments";
import { Command, hasFlag } from "../catalog";
import { hashOfArgument } from "../current";
import { runRecorded } from "../recording";
import { classOf, eventOf, kindOf } from "./event-rules";

const EACH: u32 = 0x61; // a
const BIT: u32 = 0x62; // b: the destination is the second argument
const DELETED: u32 = 0x64; // d
const ENDS: u32 = 0x65; // e: as a pair, with the ends that are named
const FIRST: u32 = 0x66; // f
const GROUPS: u32 = 0x67; // g: the subcommand ends the event
const MOVED: u32 = 0x6d; // m
const COUNTED: u32 = 0x6e; // n
const PAIR: u32 = 0x70; // p
const STORED: u32 = 0x73; // s: behind STORE

/** Runs a command that nothing may hold back, as scripts and those who are served do: recorded and told of where that is asked for. */
export function runMarked(command: Command): void {
  const isNoticed = hasFlag(command, CommandFlag.Noticed);
  if (isNoticed) beginNotices();
  if (hasFlag(command, CommandFlag.Recorded)) runRecorded(command, true, null);
  else call_indirect<void>(command.handler);
  if (isNoticed) endNotices(command);
}

/** Begins to collect what the next command does to its keys. */
export function beginNotices(): void {
  beginCollecting();
}

/** Tells of the command that has run, whose arguments are still set. */
export function endNotices(command: Command): void {
  endCollecting();
  tellOf(command);
}

function tellOf(command: Command): void {
  if (command.rule == 0) {
    if (hasFlag(command, CommandFlag.ReadOnly)) tellMisses(command);
    return;
  }
  const rule = <u32>command.rule;
  const kind = kindOf(rule);
  if (kind == EACH || kind == DELETED) tellEach(command, rule);
  else if (kind == FIRST) tellStored(rule, 1);
  else if (kind == BIT) tellStored(rule, 2);
  else if (kind == STORED) tellBehindStore(rule);
  else if (kind == COUNTED) tellCounted(rule);
  else if (kind == GROUPS) tellGroup(rule);
  else if (kind == PAIR || kind == ENDS || kind == MOVED) tellPair(rule, kind);
}

function has(index: u32): bool {
  return slotOf(index) != 0;
}

function slotOf(index: u32): usize {
  return findKey(argumentAddress(index), argumentBytes(index), hashOfArgument(index));
}

function say(kind: u32, event: string, index: u32): void {
  notify(kind, event, database, argumentAddress(index), argumentBytes(index));
}

/** Whether the key in an argument changed. */
function changed(index: u32): bool {
  return index < argumentCount && !isArgumentPaged(index) && hasChanged(hashOfArgument(index));
}

function tellEach(command: Command, rule: u32): void {
  const count = <i32>argumentCount;
  const last = command.lastKey < 0 ? count + command.lastKey : min<i32>(command.lastKey, count - 1);
  for (let index: i32 = command.firstKey; index <= last; index += command.keyStep) {
    if (!changed(index)) continue;
    // A key that is named twice is deleted but once.
    if (kindOf(rule) != DELETED || takeChanged(hashOfArgument(index))) tellKey(rule, index);
  }
}

/** An event of one key, and what belongs to it. */
function tellKey(rule: u32, index: u32): void {
  const slot = slotOf(index);
  const event = eventOf(rule);
  const kind = classOf(rule);
  if (slot == 0) {
    if (kind != Notice.Generic) say(kind, event, index);
    say(Notice.Generic, "del", index);
    return;
  }
  if (kind == Notice.Generic && event == "expire" && !expires(slotEntry(slot))) say(kind, "persist", index);
  else if (event == "zadd" && isIncrement()) say(kind, "zincr", index);
  else say(kind, event, index);
  if (event == "set" && argumentCount > 3 && setsExpiry() && expires(slotEntry(slot)))
    say(Notice.Generic, "expire", index);
}

function isIncrement(): bool {
  for (let index: u32 = 2; index < argumentCount; index++) {
    if (!isArgumentPaged(index) && argumentIs(index, "INCR")) return true;
  }
  return false;
}

/** Whether SET or its like says when the key dies. */
function setsExpiry(): bool {
  if (argumentIs(0, "SETEX") || argumentIs(0, "PSETEX")) return true;
  if (!argumentIs(0, "SET")) return false;
  for (let index: u32 = 3; index < argumentCount; index++) {
    if (argumentIs(index, "EX") || argumentIs(index, "PX") || argumentIs(index, "EXAT") || argumentIs(index, "PXAT"))
      return true;
  }
  return false;
}

/** A key that a result was stored in, or that is gone since there was none. */
function tellStored(rule: u32, index: u32): void {
  if (!changed(index)) return;
  if (has(index)) say(classOf(rule), eventOf(rule), index);
  else say(Notice.Generic, "del", index);
}

function tellBehindStore(rule: u32): void {
  for (let index: u32 = 2; index + 1 < argumentCount; index++) {
    if (isArgumentPaged(index) || !(argumentIs(index, "STORE") || argumentIs(index, "STOREDIST"))) continue;
    tellStored(rule, index + 1);
    return;
  }
}

/** Keys behind a count, of which one was popped from, and the end or the order behind them. */
function tellCounted(rule: u32): void {
  const at: u32 = argumentIs(0, "LMPOP") || argumentIs(0, "ZMPOP") ? 1 : 2;
  if (!argumentInteger(at)) return;
  const behind = at + 1 + <u32>lastInteger();
  if (behind >= argumentCount) return;
  const second = argumentIs(behind, "RIGHT") || argumentIs(behind, "MAX");
  for (let index = at + 1; index < behind; index++) {
    if (!changed(index)) continue;
    say(classOf(rule), partOf(eventOf(rule), second), index);
    if (!has(index)) say(Notice.Generic, "del", index);
  }
}

function partOf(event: string, second: bool): string {
  switch (event.charCodeAt(0)) {
    case 0x6c: // lpop rpop
      return second ? "rpop" : "lpop";
    case 0x7a:
      return second ? "zpopmax" : "zpopmin";
    default:
      return event;
  }
}

function tellGroup(rule: u32): void {
  if (!changed(2)) return;
  const kind = classOf(rule);
  if (argumentIs(1, "CREATE")) say(kind, "xgroup-create", 2);
  else if (argumentIs(1, "SETID")) say(kind, "xgroup-setid", 2);
  else if (argumentIs(1, "DESTROY")) say(kind, "xgroup-destroy", 2);
  else if (argumentIs(1, "CREATECONSUMER")) say(kind, "xgroup-createconsumer", 2);
  else if (argumentIs(1, "DELCONSUMER")) say(kind, "xgroup-delconsumer", 2);
}

/** Something went from one key to another. */
function tellPair(rule: u32, kind: u32): void {
  const event = eventOf(rule);
  const class_ = classOf(rule);
  const own = database;
  if (kind == MOVED) {
    if (!changed(1)) return;
    say(class_, "move_from", 1);
    if (argumentInteger(2)) notify(class_, "move_to", <u32>lastInteger(), argumentAddress(1), argumentBytes(1));
    return;
  }
  if (event == "- copy_to") {
    if (changed(2)) tellCopy(class_);
    selectDatabase(own);
    return;
  }
  if (event == "rename_from rename_to") {
    if (!changed(2) || argumentIs(0, "COPY")) return;
    say(class_, "rename_from", 1);
    say(class_, "rename_to", 2);
    return;
  }
  if (!changed(1) && !changed(2)) return;
  if (event == "srem sadd") {
    say(class_, "srem", 1);
    if (!has(1)) say(Notice.Generic, "del", 1);
    if (changed(2)) say(class_, "sadd", 2);
    return;
  }
  const toLeft = kind == ENDS ? argumentIs(4, "LEFT") : true;
  const fromLeft = kind == ENDS && argumentIs(3, "LEFT");
  say(class_, toLeft ? "lpush" : "rpush", 2);
  say(class_, fromLeft ? "lpop" : "rpop", 1);
  if (!has(1)) say(Notice.Generic, "del", 1);
}

/** COPY may go to another database. */
function tellCopy(kind: u32): void {
  let target = database;
  for (let index: u32 = 3; index + 1 < argumentCount; index++) {
    if (argumentIs(index, "DB") && argumentInteger(index + 1)) target = <u32>lastInteger();
  }
  notify(kind, "copy_to", target, argumentAddress(2), argumentBytes(2));
}

/** Keys that a command looked for and that there are not. */
function tellMisses(command: Command): void {
  if ((notices() & Notice.Miss) == 0) return;
  const count = <i32>argumentCount;
  const last = command.lastKey < 0 ? count + command.lastKey : min<i32>(command.lastKey, count - 1);
  for (let index: i32 = command.firstKey; index <= last; index += command.keyStep) {
    if (!isArgumentPaged(index) && !has(index)) say(Notice.Miss, "keymiss", index);
  }
}
