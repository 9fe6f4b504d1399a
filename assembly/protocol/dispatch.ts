// Executing a batch. Commands are taken in groups of 32, parsed ahead (see group.ts), and executed one after another. A
// call yields at a command's border when it has done about a millisecond of work; inside a group the host then gives
// the bytes of the commands that did not run again. A command of the host ends the call too, with nothing on the stack.

import { ARGUMENTS_BASE, CommandFlag, ConnectionMode, INPUT_BASE, Outcome, REGISTERS_BASE, Result } from "../layout";
import { endGroup } from "../effects/record";
import { argumentAddress, argumentBytes, setArguments } from "./arguments";
import { Command, hasFlag, isExec } from "./catalog";
import { replyArity, replyOverlong, replyUnknown } from "./command-error";
import { countRejection, running, setRunning } from "./command-statistics";
import { beginHostCommand, beginTiming, endHostCommand, noteCommand, settleSpan } from "./command-timing";
import { Connection, connectionAt, copyRecords, dropInput, hasMode, prependTail, setMode } from "./connection";
import { findKey, hashKey, pin, readSlot, selectDatabase, setClock, setUntouching } from "../keyspace/keyspace";
import { groupCount, groupEnd, hasPagedKey, Parsed, parsedAt, parseGroup, prepare, takeUp } from "./group";
import { collect, EMPTY, INCOMPLETE, keepPartial, MALFORMED, parsedEnd, replyMalformed } from "./parser";
import { runPlainly } from "./plain-commands";
import { allowLeaving, beginCall, hasLeft, isToBeRepeated, outcomeOfCall, waitsForLinks } from "./left-work";
import { runRecorded } from "./recording";
import { silence } from "./silence";
import { restoreLine } from "./kept-line";
import { forgetRequest } from "./repeated-request";
import {
  beginReplies,
  endReplies,
  muteReplies,
  pagesWritten,
  replyError,
  replyNoMemory,
  replySimple,
  unmuteReplies,
} from "./reply";
import { discardTransaction, dropFirst, queueCommand, queuedAt, recordsOf } from "./transaction-queue";
import { addWork, beginWork, work } from "./work";

export { addWork };

/** Work a call may do before it yields at a command's border: a plain command counts 1, an argument 1/4. About a millisecond. */
const WORK_A_CALL: u32 = 8192;
/** Pages of replies after which a call yields, so that the host can send them. */
const PAGES_A_CALL: u32 = 16;

/** The connection whose command runs; call-scoped. */
export let connection: Connection = changetype<Connection>(<usize>0);
/** Hash of the first key of the running command, valid when it has one. */
let firstKeyHash: u64 = 0;
let firstKeyIndex: u32 = 0;
/** Slow commands fill their place: the host fetches them before another call. */
let slowFull: bool = false;

/** Hash of the key in an argument; the first key's was computed when the command was parsed. */
export function hashOfArgument(index: u32): u64 {
  if (index == firstKeyIndex) return firstKeyHash;
  return hashKey(argumentAddress(index), argumentBytes(index));
}

/** The slot of the live key in an argument, 0 when there is none. */
export function findArgument(index: u32): usize {
  return findKey(argumentAddress(index), argumentBytes(index), hashOfArgument(index));
}

/** Finds the key in an argument for reading: counts the hit or miss, notes the access. The entry, 0 for none. */
export function readKeyArgument(index: u32): usize {
  return readSlot(findArgument(index));
}

function setResult(word: Result, value: u32): void {
  store<u32>(REGISTERS_BASE + ((<u32>word) << 2), value);
}

/**
 * Parses and executes `bytes` received at INPUT_BASE; how many were consumed is in Result.Consumed. `started`: the
 * host's clock right before the call, 0 for the engine to read it.
 */
export function execute(address: usize, bytes: u32, now: i64, started: f64): Outcome {
  setClock(now);
  connection = connectionAt(address);
  beginReplies(connection);
  selectDatabase(connection.database);
  beginWork();
  beginTiming(started);
  slowFull = false;
  forgetRequest();
  beginCall();
  const outcome = outcomeOfCall(run(prependTail(connection), INPUT_BASE + bytes));
  settleSpan(work, address);
  endReplies();
  connection.lastCommand = <u32>running;
  setResult(Result.Consumed, at > INPUT_BASE ? <u32>(at - INPUT_BASE) : 0);
  return afterOverflow(outcome);
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
  connection = connectionAt(address);
  endHostCommand(address);
  setMode(connection, ConnectionMode.Muted, false);
  if (connection.announced != 0 && connection.collected == connection.announced) dropInput(connection);
  if (!hasMode(connection, ConnectionMode.Executing)) return afterOverflow(Outcome.Done);
  beginReplies(connection);
  selectDatabase(connection.database);
  const isSilent = hasMode(connection, ConnectionMode.Silent);
  if (isSilent) muteReplies();
  dropFirst(connection);
  const outcome = runQueue();
  settleSpan(work, address);
  if (isSilent) unmuteReplies();
  endReplies();
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
    } else if (at < end && mustYield()) {
      return Outcome.Yield;
    }
  }
  return Outcome.Done;
}

@inline
function mustYield(): bool {
  return work >= WORK_A_CALL || pagesWritten >= PAGES_A_CALL || slowFull;
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
    if (mustYield() && index + 1 < groupCount) return Outcome.Yield;
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

/** True after replying that there is no such command or that it takes other arguments. */
@inline
function isRefused(command: usize, count: u32): bool {
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
function perform(address: usize, records: usize, count: u32, hash: u64, parsed: Parsed | null): Outcome {
  const command = changetype<Command>(address);
  if ((<u32>command.flags & UNUSUAL) != 0) return performUnusually(command, records, count, hash, parsed);
  setFirstKey(command, hash);
  const before = work;
  addWork(1 + (count >> 2));
  call_indirect<void>(command.handler);
  return endCommand(command, before);
}

/** What a command that only runs does not have. */
const UNUSUAL: u32 = CommandFlag.Host | CommandFlag.Recorded | CommandFlag.ReadsGraph | CommandFlag.EndsGroup;

/** Executes such a command, or leaves it to the host. `parsed` is null for one that was queued. */
function performUnusually(command: Command, records: usize, count: u32, hash: u64, parsed: Parsed | null): Outcome {
  const isExecuting = hasMode(connection, ConnectionMode.Executing);
  if (waitsForLinks(command, isExecuting)) return Outcome.Links;
  if (hasFlag(command, CommandFlag.Host)) return leave(command, records, count);
  setFirstKey(command, hash);
  const before = work;
  addWork(1 + (count >> 2));
  if (hasFlag(command, CommandFlag.Recorded)) {
    if (!runRecorded(command, isExecuting, parsed)) return Outcome.LogFull;
  } else {
    allowLeaving(!isExecuting);
    call_indirect<void>(command.handler);
    if (hasLeft()) return leave(command, records, count);
  }
  return endCommand(command, before);
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
function endCommand(command: Command, before: u32): Outcome {
  pin(0);
  if (noteCommand(command, before, work, changetype<usize>(connection))) slowFull = true;
  return Outcome.Done;
}

@inline
function setFirstKey(command: Command, hash: u64): void {
  firstKeyIndex = command.firstKey > 0 ? <u32>command.firstKey : ~0;
  firstKeyHash = hash;
}

/** Runs a command of the log, whose arguments are set, for the connection that replays. */
export function runReplayed(replayer: Connection, command: Command, hash: u64): void {
  connection = replayer;
  setFirstKey(command, hash);
  call_indirect<void>(command.handler);
  pin(0);
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
  if (hasMode(connection, ConnectionMode.Queueing) && !hasFlag(command, CommandFlag.Immediate)) {
    queue(parsed);
    return Outcome.Done;
  }
  const outcome = perform(parsed.command, parsed.records, parsed.count, parsed.hash, parsed);
  return hasMode(connection, ConnectionMode.Executing) ? runQueue() : outcome;
}

/** EXEC will discard the transaction, if there is one. */
function abortTransaction(): void {
  if (hasMode(connection, ConnectionMode.Queueing)) setMode(connection, ConnectionMode.Aborted, true);
}

/** What will be discarded anyway takes no memory. */
function queue(parsed: Parsed): void {
  const isDoomed = connection.watchBroken != 0 || hasMode(connection, ConnectionMode.Aborted);
  if (isDoomed || queueCommand(connection, parsed.command, parsed.records, parsed.count)) replySimple("QUEUED");
  else abortTransaction();
}

/**
 * Executes the queued commands from the first on. Nobody comes between them, so it may take longer than a call should;
 * Host when the first one left is the host's, and then finishHostCommand goes on.
 */
function runQueue(): Outcome {
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
  const firstKey = <i32>changetype<Command>(<usize>queued.command).firstKey;
  const hasKey = firstKey > 0 && <u32>firstKey < queued.count;
  const hash = hasKey ? hashKey(argumentAddress(firstKey), argumentBytes(firstKey)) : 0;
  return perform(queued.command, records, queued.count, hash, null);
}
