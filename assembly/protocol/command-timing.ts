// How long commands take. The engine knows no clock; the host lends one, and a reading costs as much as half a GET. So
// it is read when a call begins, after a command that announced much work, after about 128 plain ones, and when the
// call ends. What lies between two readings is a span: its plain commands get its mean, the one of much work that ends
// it gets the share that its work has. With a slow limit below a millisecond every command is a span of its own.
// Parsing counts, as in no other server, since it cannot be told apart; waiting in sockets does not.
//
// A slow command, behind the bytes-written word of SLOW_BASE (8 bytes with its padding):
//   0 connection (u32) | 4 arguments (u32) | 8 microseconds (f64) | then for each of the first 32: its length (u32) | how
//   much of it follows (u32) | these bytes, padded to 4

import {
  SLOW_ARGUMENT_BYTES,
  SLOW_ARGUMENTS_MAX,
  SLOW_BASE,
  SLOW_BYTES,
  SLOW_HEAD_BYTES,
  SLOW_NEVER,
  SPAN_BASE,
} from "../layout";
import { copyBytes, counters } from "../memory/memory";
import { isTimed, slowMicroseconds } from "../memory/settings";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "./arguments";
import { Command } from "./catalog";
import { countCalls, countUntimed, running } from "./command-statistics";

/** Milliseconds from any fixed moment, with as fine a fraction as the host has. */
@external("env", "clock")
declare function clock(): f64;

/** Work that ends a span: a plain command counts 1. Half of it cost GET in batches of 128 another 1.5 %. */
const SPAN_WORK: u32 = 128;
/** A command that announced so much is told apart from the plain ones before it: 3 µs or more. */
const HEAVY_WORK: u32 = 32;
/** Below this limit for slow commands each one is timed by itself. */
const EXACT_MICROSECONDS: u32 = 1000;
/** A slow command takes at most so much. */
const SLOW_RECORD_BYTES_MAX: u32 = 16 + SLOW_ARGUMENTS_MAX * (8 + SLOW_ARGUMENT_BYTES);

/** Work of the call at which the span ends, and at which it began. */
let spanEnd: u32 = 0;
let spanStart: u32 = 0;
let timed: bool = false;
/** When the clock was last read, ms. */
let mark: f64 = 0;
/** Different commands of the span, listed at SPAN_BASE. */
let different: u32 = 0;
/** The command that the host answers, and the connection that waits for it. */
let hostCommand: usize = 0;
let hostConnection: usize = 0;
let hostMark: f64 = 0;
let isHostAnswering: bool = false;

/** Begins a call. `started`: the clock as the host read it just now, 0 when it did not. */
export function beginTiming(started: f64): void {
  if (different != 0) flushSpan(-1); // a transaction went on behind a command of the host, and no call has settled it
  timed = isTimed();
  if (timed) mark = started > 0 ? started : clock();
  beginSpan(0);
}

@inline
function beginSpan(work: u32): void {
  spanStart = work;
  spanEnd = work + (timed && slowMicroseconds() < EXACT_MICROSECONDS ? 1 : SPAN_WORK);
}

/**
 * Notes a command that has run; `before` and `work` are the work of the call before and after it. True when slow
 * commands must be fetched before another may run.
 */
@inline
export function noteCommand(command: Command, before: u32, work: u32, connection: usize): bool {
  if (command.pending++ == 0) store<u32>(SPAN_BASE + (different++ << 2), <u32>changetype<usize>(command));
  return work >= spanEnd && endSpan(command, before, work, connection);
}

/** Ends the span, if a command ran in it: before a call returns, and before a lone command's arguments are let go. */
export function settleSpan(work: u32, connection: usize): void {
  if (different == 0) return;
  const last = changetype<Command>(<usize>load<u32>(SPAN_BASE + ((different - 1) << 2)));
  endSpan(last, work, work, connection);
}

/** Ends the span with the command that ran last, whose work took the call's from `before` to `work`. */
function endSpan(last: Command, before: u32, work: u32, connection: usize): bool {
  let full = false;
  if (timed) {
    const now = clock();
    let nanoseconds = max<f64>(0, (now - mark) * 1e6);
    mark = now;
    const alone = different == 1 && last.pending == 1;
    if (alone || work - before >= HEAVY_WORK) {
      // What ran inside of it (EXEC) may have ended spans before.
      const own = alone ? nanoseconds : (nanoseconds * <f64>(work - max(before, spanStart))) / <f64>(work - spanStart);
      nanoseconds -= own;
      last.pending--;
      counters.commands++;
      countCalls(changetype<usize>(last), 1, own);
      // Only with its own arguments: not when others follow that were refused or are the host's, or a transaction let go of them.
      if (running == changetype<usize>(last) && argumentCount != 0) full = noteSlow(own / 1000, connection);
    }
    flushSpan(nanoseconds / pendingCalls());
  } else {
    flushSpan(-1);
  }
  beginSpan(work);
  return full;
}

function pendingCalls(): u32 {
  let calls: u32 = 0;
  for (let index: u32 = 0; index < different; index++) {
    calls += changetype<Command>(<usize>load<u32>(SPAN_BASE + (index << 2))).pending;
  }
  return calls;
}

/** Counts the commands of the span, each with this share of its time; negative when there was no clock. */
function flushSpan(share: f64): void {
  for (let index: u32 = 0; index < different; index++) {
    const command = changetype<Command>(<usize>load<u32>(SPAN_BASE + (index << 2)));
    const calls = command.pending;
    if (calls == 0) continue;
    command.pending = 0;
    counters.commands += calls;
    if (share < 0) countUntimed(changetype<usize>(command), calls);
    else countCalls(changetype<usize>(command), calls, share);
  }
  different = 0;
}

// ---- commands that the host answers

/** The host answers the command from now on. */
export function beginHostCommand(command: usize, connection: usize): void {
  endHostCommand(hostConnection);
  hostCommand = command;
  hostConnection = connection;
  hostMark = mark;
  counters.commands++;
  isHostAnswering = false;
}

/** The command of this connection that the host answers, once; 0 when it has begun its answer before. */
export function takeHostCommand(connection: usize): usize {
  if (isHostAnswering || connection != hostConnection) return 0;
  isHostAnswering = true;
  return hostCommand;
}

/** The host has answered, or never will. Without effect when another connection waits. */
export function endHostCommand(connection: usize): void {
  if (hostCommand == 0 || connection != hostConnection) return;
  if (timed) countCalls(hostCommand, 1, max<f64>(0, (clock() - hostMark) * 1e6));
  else countUntimed(hostCommand, 1);
  hostCommand = 0;
}

// ---- slow commands

/** Keeps the command that ran last when it was slow; true when there may be no room for another. */
function noteSlow(microseconds: f64, connection: usize): bool {
  const limit = slowMicroseconds();
  if (limit == SLOW_NEVER || microseconds < limit) return false;
  const written = load<u32>(SLOW_BASE);
  // Only inside a transaction, which nothing interrupts: what finds no room is not kept.
  if (written + SLOW_HEAD_BYTES + SLOW_RECORD_BYTES_MAX > SLOW_BYTES) return true;
  let at = <usize>(SLOW_BASE + SLOW_HEAD_BYTES + written);
  store<u32>(at, <u32>connection);
  store<u32>(at, argumentCount, 4);
  store<f64>(at, microseconds, 8);
  at += 16;
  const shown = min(argumentCount, SLOW_ARGUMENTS_MAX);
  for (let index: u32 = 0; index < shown; index++) at = writeArgument(index, at);
  const total = <u32>(at - SLOW_BASE) - SLOW_HEAD_BYTES;
  store<u32>(SLOW_BASE, total);
  return total + SLOW_HEAD_BYTES + SLOW_RECORD_BYTES_MAX > SLOW_BYTES;
}

/** A paged argument's pages may have become a value, or free: only its length is told. */
function writeArgument(index: u32, at: usize): usize {
  const bytes = argumentBytes(index);
  const kept = isArgumentPaged(index) ? 0 : min(bytes, SLOW_ARGUMENT_BYTES);
  store<u32>(at, bytes);
  store<u32>(at, kept, 4);
  copyBytes(at + 8, argumentAddress(index), kept);
  return at + 8 + ((kept + 3) & ~3);
}
