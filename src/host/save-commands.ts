// SAVE, BGSAVE, BGREWRITEAOF and LASTSAVE, as Redis answers them. All of them take the same snapshot beside commands: nothing
// is ever blocked by one, so SAVE differs from BGSAVE only in that its client waits. Rewriting the log means writing
// everything, after which the log before it may go.

import { ReplyError, SimpleString } from "../resp.ts";
import { type HostCall, type HostReply, NOT_IN_TRANSACTION } from "./host-call.ts";

const OK = new SimpleString("OK");
const IN_PROGRESS = new ReplyError("ERR Background save already in progress");
const NO_DIRECTORY = new ReplyError("ERR there is no directory to save to: start the server with --dir");
const IMMEDIATE = new ReplyError("ERR commands are answered at once here: use BGSAVE, or await db.snapshot()");

/** `SAVE`: answers when the snapshot is safe. */
export function saveCommand({ facts, inTransaction }: HostCall): HostReply | Promise<HostReply> {
  const { snapshots } = facts;
  if (snapshots === undefined) return NO_DIRECTORY;
  if (inTransaction) return new ReplyError(NOT_IN_TRANSACTION);
  if (snapshots.isImmediate) return IMMEDIATE;
  if (snapshots.isTaking) return IN_PROGRESS;
  return snapshots.take(false).then(
    () => OK,
    (error: unknown) => new ReplyError(`ERR ${error instanceof Error ? error.message : String(error)}`),
  );
}

/** `BGSAVE [SCHEDULE]`: answers at once. */
export function backgroundSaveCommand({ facts, words }: HostCall): HostReply {
  const { snapshots } = facts;
  if (words.length > 1 || (words.length === 1 && words[0]?.toUpperCase() !== "SCHEDULE")) {
    return new ReplyError("ERR syntax error");
  }
  if (snapshots === undefined) return NO_DIRECTORY;
  if (snapshots.isTaking) return IN_PROGRESS;
  // What becomes of it is told by INFO and LASTSAVE.
  snapshots.take(false).catch(() => undefined);
  return new SimpleString("Background saving started");
}

/** `BGREWRITEAOF`: a snapshot of everything, so that the log before it may go. */
export function rewriteLogCommand({ facts }: HostCall): HostReply {
  const { snapshots } = facts;
  if (snapshots === undefined) return NO_DIRECTORY;
  if (snapshots.isTaking) return new ReplyError("ERR Background append only file rewriting already in progress");
  snapshots.take(true).catch(() => undefined);
  return new SimpleString("Background append only file rewriting started");
}

/** `LASTSAVE`: when the last snapshot was cut, or the start; seconds since epoch. */
export function lastSaveCommand({ facts }: HostCall): HostReply {
  return Math.floor((facts.snapshots?.lastTakenMs ?? facts.startedMs) / 1000);
}
