// Performing one command whose arguments are set: here, or by leaving it to the host. Commands that only run take the short
// way; those that the host answers, are recorded or may wait for a key are told apart by one test of their flags.

import { ConnectionMode } from "../connection-layout";
import { interrupt } from "../events/mailbox";
import { CommandFlag, Outcome, REGISTERS_BASE, Result } from "../layout";
import { hashKey, pin } from "../keyspace/keyspace";
import { argumentAddress, argumentBytes } from "./arguments";
import { Command, hasFlag } from "./catalog";
import { replyArity, replyUnknown } from "./command-error";
import { countRejection } from "./command-statistics";
import { beginHostCommand, noteCommand, settleSpan } from "./command-timing";
import { Connection, hasMode, setMode } from "./connection";
import { connection, setConnection, setFirstKey } from "./current";
import { Parsed } from "./group";
import { beginNotices, endNotices } from "./events/command-notices";
import { allowLeaving, hasLeft, waitsForLinks } from "./left-work";
import { runRecorded, waitsForLog } from "./recording";
import { trackReads } from "./events/tracked-reads";
import { addWork, work } from "./work";

/** Slow commands fill their place: the host fetches them before another call. */
export let slowFull: bool = false;

export function beginPerforming(): void {
  slowFull = false;
}

export function setResult(word: Result, value: u32): void {
  store<u32>(REGISTERS_BASE + ((<u32>word) << 2), value);
}

/** True after replying that there is no such command or that it takes other arguments. */
@inline
export function isRefused(command: usize, count: u32): bool {
  if (command == 0) {
    replyUnknown();
    return true;
  }
  const arity = <i32>changetype<Command>(command).arity;
  if (arity > 0 ? <u32>arity == count : count >= <u32>-arity) return false;
  replyArity();
  countRejection();
  return true;
}

/** Executes a command whose arguments are set, or leaves it to the host. */
@inline
export function perform(address: usize, records: usize, count: u32, hash: u64, parsed: Parsed | null): Outcome {
  const command = changetype<Command>(address);
  if ((<u32>command.flags & UNUSUAL) != 0) return performUnusually(command, records, count, hash, parsed);
  setFirstKey(command, hash);
  const before = work;
  addWork(1 + (count >> 2));
  call_indirect<void>(command.handler);
  return endCommand(command, before);
}

/** What a command that only runs does not have. */
const UNUSUAL: u32 =
  CommandFlag.Host |
  CommandFlag.Recorded |
  CommandFlag.ReadsGraph |
  CommandFlag.EndsGroup |
  CommandFlag.Blocking |
  CommandFlag.Noticed;

/** Executes a command that is recorded or may wait, or leaves one to the host. `parsed` is null for one that was queued. */
function performUnusually(command: Command, records: usize, count: u32, hash: u64, parsed: Parsed | null): Outcome {
  const isExecuting = hasMode(connection, ConnectionMode.Executing);
  if (waitsForLinks(command, isExecuting)) return Outcome.Links;
  if (hasFlag(command, CommandFlag.Host)) {
    const waits = hasFlag(command, CommandFlag.Recorded) && waitsForLog(isExecuting);
    return waits ? Outcome.LogFull : leave(command, records, count);
  }
  setFirstKey(command, hash);
  const before = work;
  addWork(1 + (count >> 2));
  const isNoticed = hasFlag(command, CommandFlag.Noticed);
  if (isNoticed) beginNotices();
  if (hasFlag(command, CommandFlag.Recorded)) {
    if (!runRecorded(command, isExecuting, parsed)) return Outcome.LogFull;
  } else {
    allowLeaving(!isExecuting);
    call_indirect<void>(command.handler);
    if (hasLeft()) return leave(command, records, count);
  }
  if (isNoticed) endNotices(command);
  endCommand(command, before);
  return hasMode(connection, ConnectionMode.Blocked) ? Outcome.Blocked : Outcome.Done;
}

/** Leaves a command to the host. */
function leave(command: Command, records: usize, count: u32): Outcome {
  pin(0);
  settleSpan(work, changetype<usize>(connection));
  beginHostCommand(changetype<usize>(command), changetype<usize>(connection));
  setResult(Result.Address, <u32>records);
  setResult(Result.Count, count);
  return Outcome.Host;
}

@inline
export function endCommand(command: Command, before: u32): Outcome {
  pin(0);
  if (noteCommand(command, before, work, changetype<usize>(connection))) {
    slowFull = true;
    interrupt(true);
  }
  return Outcome.Done;
}

/** `perform` of a connection with a mode: notes the keys that it reads, where it tracks them. */
export function performTracked(address: usize, records: usize, count: u32, hash: u64, parsed: Parsed | null): Outcome {
  const outcome = perform(address, records, count, hash, parsed);
  if (outcome == Outcome.Done && hasMode(connection, ConnectionMode.Tracking)) {
    trackReads(connection, changetype<Command>(address));
  }
  return outcome;
}

/** Hash of the first key of a command whose arguments are set; 0 when it has none. */
export function hashFirstKey(command: Command, count: u32): u64 {
  const firstKey = <i32>command.firstKey;
  if (firstKey <= 0 || <u32>firstKey >= count) return 0;
  return hashKey(argumentAddress(firstKey), argumentBytes(firstKey));
}

/** Runs a command of the log, whose arguments are set, for the connection that replays. */
export function runReplayed(replayer: Connection, command: Command, hash: u64): void {
  setConnection(replayer);
  setFirstKey(command, hash);
  call_indirect<void>(command.handler);
  pin(0);
}

/** EXEC will discard the transaction, if there is one. */
export function abortTransaction(): void {
  if (hasMode(connection, ConnectionMode.Queueing)) setMode(connection, ConnectionMode.Aborted, true);
}
