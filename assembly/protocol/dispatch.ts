// Executing a batch. Commands are taken in groups of 32, parsed ahead (see group.ts), and executed one after another. A
// call yields at a command's border when it has done about a millisecond of work; inside a group the host then gives
// the bytes of the commands that did not run again. A command of the host ends the call too, with nothing on the stack.

import { ConnectionMode } from "../connection-layout";
import { beginMail, interrupted, mailBytes, setOwnMailbox } from "../events/mailbox";
import { ARGUMENTS_BASE, CommandFlag, INPUT_BASE, Outcome, PAGE_BITS, Result } from "../layout";
import { Command, hasFlag, isExec } from "./catalog";
import { errorCommandName, replyOverlong } from "./command-error";
import { countRejection, running, setRunning } from "./command-statistics";
import { beginTiming, endHostCommand, settleSpan } from "./command-timing";
import { connectionAt, copyRecords, dropInput, hasMode, mailboxOf, prependTail, setMode } from "./connection";
import { connection, findArgument, hashOfArgument, readKeyArgument, setConnection } from "./current";
import { selectDatabase, setClock, setUntouching } from "../keyspace/keyspace";
import { groupCount, groupEnd, hasPagedKey, Parsed, parsedAt, parseGroup, prepare, takeUp } from "./group";
import { collect, EMPTY, INCOMPLETE, keepPartial, MALFORMED, parsedEnd, replyMalformed } from "./parser";
import {
  abortTransaction,
  beginPerforming,
  endCommand,
  isRefused,
  perform,
  performTracked,
  setResult,
  slowFull,
} from "./perform";
import { runPlainly } from "./plain-commands";
import { beginCall, isToBeRepeated, outcomeOfCall } from "./left-work";
import { mayChange, queueMayChange, runQueue } from "./queue-run";
import { attend } from "./events/serving";
import { silence } from "./silence";
import { restoreLine } from "./kept-line";
import { forgetRequest } from "./repeated-request";
import {
  beginError,
  beginReplies,
  endError,
  endReplies,
  errorText,
  muteReplies,
  pagesWritten,
  replyError,
  replyNoMemory,
  replySimple,
  unmuteReplies,
} from "./reply";
import { endCaching } from "./events/tracked-reads";
import { discardTransaction, dropFirst, queueCommand } from "./transaction-queue";
import { addWork, beginWork, work } from "./work";

export { addWork, connection, findArgument, hashOfArgument, readKeyArgument };

/** Work a call may do before it yields at a command's border: a plain command counts 1, an argument 1/4. About a millisecond. */
const WORK_A_CALL: u32 = 8192;
/** Pages of replies after which a call yields, so that the host can send them. */
const PAGES_A_CALL: u32 = 16;

/**
 * Parses and executes `bytes` received at INPUT_BASE; how many were consumed is in Result.Consumed. `started`: the
 * host's clock right before the call, 0 for the engine to read it.
 */
export function execute(address: usize, bytes: u32, now: i64, started: f64): Outcome {
  setClock(now);
  setConnection(connectionAt(address));
  beginReplies(connection);
  selectDatabase(connection.database);
  beginWork();
  beginTiming(started);
  beginPerforming();
  beginMail();
  setOwnMailbox(changetype<usize>(mailboxOf(connection)));
  forgetRequest();
  at = INPUT_BASE;
  beginCall();
  const isBlocked = hasMode(connection, ConnectionMode.Blocked);
  const outcome = outcomeOfCall(isBlocked ? Outcome.Blocked : run(prependTail(connection), INPUT_BASE + bytes));
  settleSpan(work, address);
  connection.lastCommand = <u32>running;
  endCall();
  setResult(Result.Consumed, at > INPUT_BASE ? <u32>(at - INPUT_BASE) : 0);
  return afterOverflow(outcome);
}

/** Sees to what is due behind the last command, unless a transaction goes on. */
function endCall(): void {
  if (interrupted && !hasMode(connection, ConnectionMode.Executing)) attend();
  endReplies();
  setOwnMailbox(0);
}

/** A connection over its limit ends, but a transaction that waits for the host is executed to its end before. */
function afterOverflow(outcome: Outcome): Outcome {
  return connection.overflowed && outcome != Outcome.Host ? Outcome.Overflow : outcome;
}

/**
 * Ends the command that the host has answered. Inside EXEC the transaction goes on at once: Host when its next command is
 * the host's too. The clock is still that of the call that came to the command.
 */
export function finishHostCommand(address: usize): Outcome {
  setConnection(connectionAt(address));
  endHostCommand(address);
  setMode(connection, ConnectionMode.Muted, false);
  if (connection.announced != 0 && connection.collected == connection.announced) dropInput(connection);
  if (!hasMode(connection, ConnectionMode.Executing)) return afterOverflow(Outcome.Done);
  setOwnMailbox(changetype<usize>(mailboxOf(connection)));
  beginReplies(connection);
  selectDatabase(connection.database);
  const isSilent = hasMode(connection, ConnectionMode.Silent);
  if (isSilent) muteReplies();
  dropFirst(connection);
  const outcome = runQueue();
  settleSpan(work, address);
  if (isSilent) unmuteReplies();
  endCall();
  return afterOverflow(outcome);
}

/** Where the batch goes on. */
let at: usize = 0;

function run(start: usize, end: usize): Outcome {
  at = start;
  if (connection.announced != 0) {
    const outcome = runCollected(collect(connection, at, end), end);
    if (outcome != Outcome.Done || at == end) return outcome;
  }
  while (at < end) {
    const status = parseGroup(connection, at, end);
    const outcome = executeGroup();
    if (outcome != Outcome.Done) return outcome;
    if (status == MALFORMED) return endMalformed(end);
    if (status == INCOMPLETE) {
      const outcome = runCollected(keepPartial(connection, at, end), end);
      if (outcome != Outcome.Done) return outcome;
    } else if (at < end && mustYield() && attendAndYield()) {
      return Outcome.Yield;
    }
  }
  return Outcome.Done;
}

@inline
function mustYield(): bool {
  return work >= WORK_A_CALL || pagesWritten >= PAGES_A_CALL || interrupted;
}

/** Sees to what is due between two commands; true when the call must yield all the same. */
function attendAndYield(): bool {
  if (interrupted) attend();
  return work >= WORK_A_CALL || pagesWritten + (mailBytes >> PAGE_BITS) >= PAGES_A_CALL || slowFull;
}

function endMalformed(end: usize): Outcome {
  setRunning(0);
  replyMalformed();
  at = end;
  return Outcome.Close;
}

/** After collect: executes the command when it is whole. */
function runCollected(status: u32, end: usize): Outcome {
  if (status == INCOMPLETE) {
    at = end;
    return Outcome.Done;
  }
  if (status == MALFORMED) return endMalformed(end);
  at = parsedEnd;
  if (status == EMPTY) return Outcome.Done;
  const count = connection.announced;
  let outcome = Outcome.Done;
  if (connection.discarding) {
    refuseCollected(0);
  } else {
    copyRecords(connection.recordsHead, ARGUMENTS_BASE);
    const first = parsedAt(0);
    first.start = 0;
    first.records = ARGUMENTS_BASE;
    first.count = count;
    prepare(first);
    if (hasPagedKey(first)) refuseCollected(first.command);
    else outcome = executeOne(first);
    settleSpan(work, changetype<usize>(connection)); // its arguments are let go
  }
  if (outcome != Outcome.Host && !isToBeRepeated(outcome)) dropInput(connection);
  return outcome;
}

/** Replies that memory did not hold the command (0: it is not known which), or that its key is too long. */
function refuseCollected(command: u32): void {
  const isSilent = silence(connection);
  setRunning(command);
  if (command == 0) replyNoMemory();
  else replyOverlong("key");
  countRejection();
  if (isSilent) unmuteReplies();
  abortTransaction();
}

function executeGroup(): Outcome {
  for (let index: u32 = 0; index < groupCount; index++) {
    const outcome = executeOne(parsedAt(index));
    if (isToBeRepeated(outcome)) {
      at = restoreLine(parsedAt(index).start);
      return outcome;
    }
    at = index + 1 < groupCount ? <usize>parsedAt(index + 1).start : groupEnd;
    if (outcome != Outcome.Done) return outcome;
    if (connection.overflowed) return Outcome.Overflow;
    if (mustYield() && attendAndYield() && index + 1 < groupCount) return Outcome.Yield;
  }
  at = groupEnd;
  // What follows may be parsed over the arguments of a lone command.
  if (groupCount == 1) settleSpan(work, changetype<usize>(connection));
  return Outcome.Done;
}

function executeOne(parsed: Parsed): Outcome {
  takeUp(parsed);
  setRunning(parsed.command);
  if (connection.mode != 0) return executeSpecially(parsed);
  if (runPlainly(parsed)) {
    addWork(1);
    return endCommand(changetype<Command>(<usize>parsed.command), work - 1);
  }
  if (isRefused(parsed.command, parsed.count)) {
    // It ends what is watched even so, as in Redis.
    if (isExec(parsed.command)) discardTransaction(connection);
    return Outcome.Done;
  }
  return perform(parsed.command, parsed.records, parsed.count, parsed.hash, parsed);
}

// ---- connections with a mode: not authenticated, in a transaction, without replies, not noting accesses

function executeSpecially(parsed: Parsed): Outcome {
  const skips = hasMode(connection, ConnectionMode.SkipsNext);
  const isSilent = silence(connection);
  setUntouching(hasMode(connection, ConnectionMode.NoTouch));
  const outcome = executeGuarded(parsed);
  if (isToBeRepeated(outcome)) setMode(connection, ConnectionMode.SkipsNext, skips);
  setUntouching(false);
  if (isSilent) {
    unmuteReplies();
    if (outcome == Outcome.Host) setMode(connection, ConnectionMode.Muted, true);
  }
  return outcome;
}

function executeGuarded(parsed: Parsed): Outcome {
  const command = changetype<Command>(<usize>parsed.command);
  if (isRefused(parsed.command, parsed.count)) {
    if (isExec(parsed.command)) discardTransaction(connection);
    else abortTransaction();
    return Outcome.Done;
  }
  if (hasMode(connection, ConnectionMode.Stranger) && !hasFlag(command, CommandFlag.NoAuth)) {
    replyError("NOAUTH Authentication required.");
    countRejection();
    return Outcome.Done;
  }
  if (hasMode(connection, ConnectionMode.Subscribed) && connection.protocol == 2 && !isAllowedSubscribed(command)) {
    replyNotSubscribed();
    return Outcome.Done;
  }
  if (hasMode(connection, PAUSED) && isPaused(command)) return Outcome.Paused;
  if (hasMode(connection, ConnectionMode.Queueing) && !hasFlag(command, CommandFlag.Immediate)) {
    queue(parsed);
    return Outcome.Done;
  }
  let outcome = performTracked(parsed.command, parsed.records, parsed.count, parsed.hash, parsed);
  if (hasMode(connection, ConnectionMode.Executing)) outcome = runQueue();
  if (hasMode(connection, ConnectionMode.Tracking) && !hasMode(connection, ConnectionMode.Queueing))
    endCaching(connection, command);
  return outcome;
}

function isAllowedSubscribed(command: Command): bool {
  return hasFlag(command, CommandFlag.PubSub);
}

function replyNotSubscribed(): void {
  beginError();
  errorText("ERR Can't execute '");
  errorCommandName();
  errorText("': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
  endError();
  countRejection();
  abortTransaction();
}

const PAUSED: u32 = ConnectionMode.PausedWrites | ConnectionMode.PausedAll;

/** Whether a command waits until clients are no longer paused. */
function isPaused(command: Command): bool {
  if (hasMode(connection, ConnectionMode.PausedAll)) return true;
  return mayChange(command) || (isExec(changetype<usize>(command)) && queueMayChange(connection));
}

/** What will be discarded anyway takes no memory. */
function queue(parsed: Parsed): void {
  const isDoomed = connection.watchBroken != 0 || hasMode(connection, ConnectionMode.Aborted);
  if (isDoomed || queueCommand(connection, parsed.command, parsed.records, parsed.count)) replySimple("QUEUED");
  else abortTransaction();
}
