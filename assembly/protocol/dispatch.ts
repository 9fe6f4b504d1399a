// Executing a batch. Commands are taken in groups of 16: all are parsed, their first keys hashed and the cache lines
// of their chunks and likely entries touched, then all execute. The touching loads are the prefetch that WebAssembly
// lacks: the misses of a group overlap, which doubles the rate at a million keys. A group never outlives the call:
// when the call yields inside one, the host gives the bytes of the commands that did not run again.

import {
  ARGUMENT_BYTES,
  ARGUMENTS_BASE,
  ARGUMENTS_MAX,
  CommandFlag,
  GROUP_BASE,
  GROUP_COMMANDS,
  GROUP_RECORD_BYTES,
  INPUT_BASE,
  Outcome,
  REGISTERS_BASE,
  Result,
} from "../layout";
import { copyBytes, counters } from "../memory/memory";
import { argumentAddress, argumentBytes, setArguments } from "./arguments";
import { Command, findCommand, hasFlag } from "./catalog";
import { replyArity, replyOverlong, replyUnknown, setRunning } from "./command-error";
import { Connection, connectionAt, copyRecords, dropInput, dropTail, PAGED_BIT } from "./connection";
import { findKey, hashKey, pin, selectDatabase, setClock, shardOf } from "../keyspace/keyspace";
import { chunkOf, likelyEntry } from "../memory/table";
import {
  collect,
  EMPTY,
  INCOMPLETE,
  keepPartial,
  MALFORMED,
  PARSED,
  parseCommand,
  parsedCount,
  parsedEnd,
  replyMalformed,
} from "./parser";
import { beginReplies, endReplies, pagesWritten, replyBytes, replyError, replyNoMemory } from "./reply";

// A command parsed ahead, 32 bytes:
//   0 where it starts | 4 its argument records | 8 their count | 12 command, 0 unknown | 16 hash of its first key | 24 chunk
@unmanaged
class Parsed {
  start: u32;
  records: u32;
  count: u32;
  command: u32;
  hash: u64;
  chunk: u32;
}

if (offsetof<Parsed>() > GROUP_RECORD_BYTES) ERROR("a group record must fit 32 bytes");

@inline
function parsedAt(index: u32): Parsed {
  return changetype<Parsed>(<usize>(GROUP_BASE + index * GROUP_RECORD_BYTES));
}

/** Work a call may do before it yields at a command's border: a plain command counts 1, an argument 1/4. About a millisecond. */
const WORK_A_CALL: u32 = 8192;
/** Pages of replies after which a call yields, so that the host can send them. */
const PAGES_A_CALL: u32 = 16;

/** The connection whose command runs; call-scoped. */
export let connection: Connection = changetype<Connection>(<usize>0);
/** Hash of the first key of the running command, valid when it has one. */
let firstKeyHash: u64 = 0;
let firstKeyIndex: u32 = 0;
let work: u32 = 0;

/** Adds to the work of this call: 1 is about 100 ns. */
export function addWork(units: u32): void {
  work += units;
}

/** Hash of the key in an argument; the first key's was computed when the command was parsed. */
export function hashOfArgument(index: u32): u64 {
  if (index == firstKeyIndex) return firstKeyHash;
  return hashKey(argumentAddress(index), argumentBytes(index));
}

/** The slot of the live key in an argument, 0 when there is none. */
export function findArgument(index: u32): usize {
  return findKey(argumentAddress(index), argumentBytes(index), hashOfArgument(index));
}

function setResult(word: Result, value: u32): void {
  store<u32>(REGISTERS_BASE + ((<u32>word) << 2), value);
}

/** Parses and executes `bytes` received at INPUT_BASE; how many were consumed is in Result.Consumed. */
export function execute(address: usize, bytes: u32, now: i64): Outcome {
  setClock(now);
  connection = connectionAt(address);
  beginReplies(connection);
  selectDatabase(connection.database);
  work = 0;
  const end = <usize>(INPUT_BASE + bytes);
  const outcome = run(prependTail(), end);
  endReplies();
  setResult(Result.Consumed, at > INPUT_BASE ? <u32>(at - INPUT_BASE) : 0);
  if (connection.overflowed) return Outcome.Overflow;
  return outcome;
}

/** Appends a reply that the host made and put at INPUT_BASE; the command it answers is done. */
export function writeReply(address: usize, bytes: u32): Outcome {
  connection = connectionAt(address);
  beginReplies(connection);
  replyBytes(INPUT_BASE, bytes);
  endReplies();
  if (connection.announced != 0 && connection.collected == connection.announced) dropInput(connection);
  return connection.overflowed ? Outcome.Overflow : Outcome.Done;
}

/** Copies the partial command kept to just before the received bytes; answers where the batch begins. */
function prependTail(): usize {
  const kept = connection.tailBytes;
  const start = <usize>(INPUT_BASE - kept);
  if (kept != 0) {
    copyBytes(start, connection.tail, kept);
    dropTail(connection);
  }
  return start;
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
    const status = parseGroup(end);
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
  return work >= WORK_A_CALL || pagesWritten >= PAGES_A_CALL;
}

function endMalformed(end: usize): Outcome {
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
    replyNoMemory();
  } else {
    copyRecords(connection, ARGUMENTS_BASE);
    const first = parsedAt(0);
    first.records = ARGUMENTS_BASE;
    first.count = count;
    prepare(first);
    outcome = hasPagedKey(first) ? Outcome.Done : executeOne(first);
  }
  if (outcome != Outcome.Host) dropInput(connection);
  return outcome;
}

// ---- groups

let groupCount: u32 = 0;
let groupEnd: usize = 0;

/** Parses up to 16 commands from `at` on and touches what they will read; tells why it stopped. */
function parseGroup(end: usize): u32 {
  groupCount = 0;
  groupEnd = at;
  let next = at;
  let records: usize = ARGUMENTS_BASE;
  let room = ARGUMENTS_MAX;
  let status = PARSED;
  while (groupCount < GROUP_COMMANDS && next < end) {
    const parsed = parsedAt(groupCount);
    status = parseCommand(connection, next, end, records, room);
    if (status == EMPTY) {
      next = parsedEnd;
      groupEnd = next;
      status = PARSED;
      continue;
    }
    if (status != PARSED) break;
    parsed.start = <u32>next;
    parsed.records = <u32>records;
    parsed.count = parsedCount;
    prepare(parsed);
    records += parsedCount * ARGUMENT_BYTES;
    room -= parsedCount;
    next = parsedEnd;
    groupEnd = next;
    groupCount++;
  }
  touchEntries();
  return status;
}

/** Looks the command up, hashes its first key and touches the chunk it is in. */
function prepare(parsed: Parsed): void {
  const name = <usize>parsed.records;
  const command = findCommand(load<u32>(name), load<u32>(name, 4));
  parsed.command = <u32>command;
  parsed.chunk = 0;
  if (command == 0) return;
  const firstKey = <i32>changetype<Command>(command).firstKey;
  if (firstKey <= 0 || <u32>firstKey >= parsed.count) return;
  const record = name + <usize>firstKey * ARGUMENT_BYTES;
  const bytes = load<u32>(record, 4);
  if (bytes & PAGED_BIT) return;
  parsed.hash = hashKey(load<u32>(record), bytes);
  const chunk = chunkOf(shardOf(parsed.hash), parsed.hash);
  parsed.chunk = <u32>chunk;
  counters.touched += load<u8>(chunk);
}

/** Touches the entries that the group's commands will most likely read: three cache lines of each. */
function touchEntries(): void {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < groupCount; index++) {
    const parsed = parsedAt(index);
    if (parsed.chunk == 0) continue;
    const entry = likelyEntry(parsed.chunk, parsed.hash);
    // Not past the page: it may be the last one of the memory.
    if (entry == 0 || (entry & 0xffff) > 0xff80) continue;
    sum += load<u8>(entry) + load<u8>(entry, 64) + load<u8>(entry, 120);
  }
  counters.touched += sum;
}

function executeGroup(): Outcome {
  for (let index: u32 = 0; index < groupCount; index++) {
    const outcome = executeOne(parsedAt(index));
    at = index + 1 < groupCount ? <usize>parsedAt(index + 1).start : groupEnd;
    if (outcome != Outcome.Done) return outcome;
    if (connection.overflowed) return Outcome.Overflow;
    if (mustYield() && index + 1 < groupCount) return Outcome.Yield;
  }
  at = groupEnd;
  return Outcome.Done;
}

function executeOne(parsed: Parsed): Outcome {
  setArguments(parsed.records, parsed.count);
  setRunning(parsed.command);
  const command = changetype<Command>(<usize>parsed.command);
  if (parsed.command == 0) {
    replyUnknown();
    return Outcome.Done;
  }
  const arity = <i32>command.arity;
  if (arity > 0 ? <u32>arity != parsed.count : parsed.count < <u32>-arity) {
    replyArity();
    return Outcome.Done;
  }
  if (!connection.authenticated && !hasFlag(command, CommandFlag.NoAuth)) {
    replyError("NOAUTH Authentication required.");
    return Outcome.Done;
  }
  if (hasFlag(command, CommandFlag.Host)) {
    counters.commands++;
    setResult(Result.Address, parsed.records);
    setResult(Result.Count, parsed.count);
    return Outcome.Host;
  }
  firstKeyIndex = <u32>max<i32>(command.firstKey, 0);
  if (firstKeyIndex == 0) firstKeyIndex = ~0;
  firstKeyHash = parsed.hash;
  counters.commands++;
  command.calls++;
  work += 1 + (parsed.count >> 2);
  call_indirect<void>(command.handler);
  pin(0);
  return Outcome.Done;
}

/** A key lies in one piece inside its entry, so it is at most KEY_BYTES_MAX long: refuses a command with a longer one. */
function hasPagedKey(parsed: Parsed): bool {
  const command = changetype<Command>(<usize>parsed.command);
  if (parsed.command == 0 || command.firstKey == 0) return false;
  const count = <i32>parsed.count;
  const last = command.lastKey < 0 ? count + command.lastKey : min<i32>(command.lastKey, count - 1);
  for (let index: i32 = command.firstKey; index <= last; index += command.keyStep) {
    if (load<u32>(<usize>parsed.records + <usize>index * ARGUMENT_BYTES, 4) & PAGED_BIT) {
      replyOverlong("key");
      return true;
    }
  }
  return false;
}
