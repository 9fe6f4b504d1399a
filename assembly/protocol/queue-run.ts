// Executing what was queued since MULTI. Nobody comes between the commands, so it may take longer than a call should.

import { ConnectionMode } from "../connection-layout";
import { endGroup } from "../effects/record";
import { setUntouching } from "../keyspace/keyspace";
import { ARGUMENTS_BASE, CommandFlag, Outcome } from "../layout";
import { setArguments } from "./arguments";
import { Command } from "./catalog";
import { setRunning } from "./command-statistics";
import { Connection, copyRecords, hasMode, setMode } from "./connection";
import { connection } from "./current";
import { hashFirstKey, performTracked } from "./perform";
import { dropFirst, queuedAt, recordsOf } from "./transaction-queue";

/** Executes the queued commands from the first on; Host when the first one left is the host's: finishHostCommand goes on. */
export function runQueue(): Outcome {
  let outcome = Outcome.Done;
  while (connection.queueHead != 0) {
    setUntouching(hasMode(connection, ConnectionMode.NoTouch));
    outcome = runFirstQueued();
    if (outcome != Outcome.Done) break;
    dropFirst(connection);
    setArguments(ARGUMENTS_BASE, 0);
  }
  if (outcome == Outcome.Done) {
    setMode(connection, ConnectionMode.Executing, false);
    endGroup();
  }
  setUntouching(false);
  return outcome;
}

function runFirstQueued(): Outcome {
  const queued = queuedAt(connection.queueHead);
  let records = recordsOf(queued);
  if (queued.recordsHead != 0) {
    records = ARGUMENTS_BASE;
    copyRecords(queued.recordsHead, records);
  }
  setArguments(records, queued.count);
  setRunning(queued.command);
  const hash = hashFirstKey(changetype<Command>(<usize>queued.command), queued.count);
  return performTracked(queued.command, records, queued.count, hash, null);
}

/** What a command has that may change something, or tell others: it waits while writes are paused. */
const CHANGES: u32 = CommandFlag.Write | CommandFlag.MayReplicate | CommandFlag.RunsScript;

/** Whether a command waits while writes are paused. */
export function mayChange(command: Command): bool {
  return (<u32>command.flags & CHANGES) != 0;
}

/** Whether any queued command does. */
export function queueMayChange(connection: Connection): bool {
  for (let at = connection.queueHead; at != 0; at = queuedAt(at).next) {
    if (mayChange(changetype<Command>(<usize>queuedAt(at).command))) return true;
  }
  return false;
}
