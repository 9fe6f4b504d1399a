// What the host does with connections, by address and page number.

import { clearMailbox } from "../events/mailbox";
import { unsubscribeAll } from "../events/subscriptions";
import { breakRedirections, stopTracking } from "../events/tracking";
import { forgetWait } from "./events/blocking";
import {
  Connection,
  mailboxOf,
  setProtocol as setProtocolOf,
  closeConnection as close,
  connectionAt,
  openConnection as openNew,
  releaseOutput as releasePageOf,
  setMode as setModeOf,
  takeOutput as take,
  watcherOf,
} from "./connection";
import { ConnectionMode } from "../connection-layout";
import { COMMAND_RECORD_BYTES, COMMANDS_BASE } from "../layout";
import { discardTransaction } from "./transaction-queue";

/** Opens a connection: RESP2, database 0. */
export function openConnection(authenticated: bool): usize {
  return openNew(authenticated);
}

export function closeConnection(connection: usize): void {
  endListening(connectionAt(connection));
  discardTransaction(connectionAt(connection));
  close(connection);
}

/** The oldest page of replies not taken yet, by number; 0 for none. */
export function takeOutput(connection: usize): u32 {
  return take(connectionAt(connection));
}

/** Gives a taken page back. */
export function releaseOutput(connection: usize, page: u32): void {
  releasePageOf(connectionAt(connection), page);
}

export function pinnedPages(connection: usize): u32 {
  return connectionAt(connection).outputPages;
}

/** Sets or clears bits of ConnectionMode. */
export function setMode(connection: usize, mode: u32, on: bool): void {
  setModeOf(connectionAt(connection), mode, on);
}

export function modeOf(connection: usize): u32 {
  return connectionAt(connection).mode;
}

/** Commands queued since MULTI, keys watched, and bytes the queue is charged. */
export function queuedCommands(connection: usize): u32 {
  return connectionAt(connection).queueCount;
}

export function watchedKeys(connection: usize): u32 {
  return watcherOf(connectionAt(connection)).count;
}

export function queuedBytes(connection: usize): u32 {
  return connectionAt(connection).queueBytes;
}

/** Number in the command table of the command that ran last in the last batch; ~0 for none. */
export function lastCommandOf(connection: usize): u32 {
  const address = connectionAt(connection).lastCommand;
  return address == 0 ? ~0 : (address - COMMANDS_BASE) / COMMAND_RECORD_BYTES;
}

export function setProtocol(connection: usize, version: u32): void {
  setProtocolOf(connectionAt(connection), version);
}

export function protocolOf(connection: usize): u32 {
  return connectionAt(connection).protocol;
}

export function databaseOf(connection: usize): u32 {
  return connectionAt(connection).database;
}

/** The connection ends: it listens, waits and tracks no more, and nothing is told to it. */
function endListening(record: Connection): void {
  const box = mailboxOf(record);
  unsubscribeAll(box);
  forgetWait(record);
  stopTracking(box);
  breakRedirections(box);
  clearMailbox(box);
}

/** Modes that RESET leaves: what others have set. */
const KEPT_BY_RESET: u32 =
  ConnectionMode.Stranger | ConnectionMode.PausedWrites | ConnectionMode.PausedAll | ConnectionMode.NeverBlocks;

/** Back to database 0 and RESP2, out of a transaction, with replies, as RESET does. */
export function resetConnection(connection: usize): void {
  const record = connectionAt(connection);
  discardTransaction(record);
  const box = mailboxOf(record);
  unsubscribeAll(box);
  stopTracking(box);
  record.mode &= <u16>KEPT_BY_RESET;
  record.database = 0;
  setProtocolOf(record, 2);
}
