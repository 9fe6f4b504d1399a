// Commands that wait for a key. One that finds nothing says which keys it waits for; the dispatcher then leaves the
// connection alone, with a copy of the command in its mailbox, until a key it waits for has changed (serving.ts), its time is
// over or it is ended. In a transaction, and where nobody could wake it, it is answered as if its time were over at once.

import { ConnectionMode } from "../../connection-layout";
import { list, Mailbox } from "../../events/mailbox";
import { addWait, dropWaits } from "../../events/waiting";
import { REGISTERS_BASE, Result, ZONE_VOLATILE } from "../../layout";
import { admit } from "../../keyspace/eviction";
import { database } from "../../keyspace/keyspace";
import { release } from "../../memory/memory";
import { parseDouble, parsedDouble } from "../../text/number-double";
import { argumentAddress, argumentBytes, argumentCount, argumentRecords, isArgumentPaged } from "../arguments";
import { running } from "../command-statistics";
import { Connection, hasMode, mailboxOf, setMode } from "../connection";
import { connection, hashOfArgument } from "../current";
import { areRepliesMuted, replyError, replyNoMemory, replyNull, replyNullArray } from "../reply";
import { keepCommand } from "../transaction-queue";

/** What a command answers whose time is over. */
export const NULL_ARRAY: u8 = 0;
export const NULL_VALUE: u8 = 1;

/** The command is run for somebody who waits; and it found nothing again. */
let isServing: bool = false;
let waitsOn: bool = false;

/** Runs what follows for somebody who waits already. */
export function beginServing(): void {
  isServing = true;
  waitsOn = false;
}

/** Whether the command that was served found nothing again. */
export function endServing(): bool {
  isServing = false;
  return waitsOn;
}

/** How long the running command may wait, ms; 0 for ever. */
export let timeoutMs: i64 = 0;

/** Reads a timeout in seconds; false after replying what is wrong with it. */
export function readTimeout(index: u32): bool {
  const isNumber = !isArgumentPaged(index) && parseDouble(argumentAddress(index), argumentBytes(index));
  if (!isNumber || parsedDouble != parsedDouble) {
    replyError("ERR timeout is not a float or out of range");
    return false;
  }
  const ms = ceil(parsedDouble * 1000);
  if (ms < 0 || parsedDouble < 0) {
    replyError("ERR timeout is negative");
    return false;
  }
  if (ms >= 9007199254740992) {
    replyError("ERR timeout is out of range");
    return false;
  }
  timeoutMs = <i64>ms;
  return true;
}

/** Sets the timeout in ms, 0 for ever, where a command does not use `readTimeout`. */
export function setTimeoutMs(ms: i64): void {
  timeoutMs = ms;
}

/**
 * Lets the running command wait for keys, its arguments from `first` on, until one holds a value of a type, or with `forNone` is deleted.
 * It must have replied nothing; when it is run again it does all it did before.
 */
export function waitForKeys(first: u32, count: u32, type: u8, nullReply: u8, forNone: bool = false): void {
  if (isServing) {
    waitsOn = true;
    return;
  }
  if (hasMode(connection, ConnectionMode.Executing | ConnectionMode.NeverBlocks)) {
    replyNone(nullReply);
    return;
  }
  const box = mailboxOf(connection);
  const kept: usize = admit(1) ? keepCommand(running, argumentRecords(), argumentCount) : 0;
  if (kept == 0) {
    if (admit(1)) replyError("ERR a command that waits may have at most 32 KiB of arguments");
    else replyNoMemory();
    return;
  }
  box.waitCommand = <u32>kept;
  box.waitType = type;
  box.waitNull = nullReply;
  box.waitsForNone = forNone ? 1 : 0;
  box.isMute = areRepliesMuted() ? 1 : 0;
  for (let index = first; index < first + count; index++) {
    if (addWait(box, database, argumentAddress(index), argumentBytes(index), hashOfArgument(index))) continue;
    forgetWait(connection);
    replyNoMemory();
    return;
  }
  setMode(connection, ConnectionMode.Blocked, true);
  store<i64>(REGISTERS_BASE + (Result.Place << 2), timeoutMs);
}

export function replyNone(nullReply: u8): void {
  if (nullReply == NULL_ARRAY) replyNullArray();
  else replyNull();
}

/** The connection waits no more; nothing is replied. */
export function forgetWait(waiter: Connection): void {
  const box = mailboxOf(waiter);
  dropWaits(box);
  if (box.waitCommand != 0) release(ZONE_VOLATILE, box.waitCommand);
  box.waitCommand = 0;
  setMode(waiter, ConnectionMode.Blocked, false);
}

/** The same, and the host learns that it may go on. */
export function wake(waiter: Connection): void {
  forgetWait(waiter);
  const box: Mailbox = mailboxOf(waiter);
  box.isAwake = 1;
  list(box);
}
