// Replaying effect records: each is checked, then executed as it stands, with its own time and database. Nothing dies by
// itself meanwhile, nothing is evicted, recorded, replied or counted as a call, and limits that may be lower than they
// were when the record was written do not hold. A group is replayed when its end has been seen, or not at all. Records
// lie in INPUT as many as it holds; one too long for that comes in pieces, its arguments into pages that the value adopts.

import {
  ARGUMENTS_BASE,
  ARGUMENTS_MAX,
  DATABASES,
  Eviction,
  INPUT_BASE,
  INPUT_BYTES,
  RECORD_CHECKSUM_OFFSET,
  RECORD_FLAGS_OFFSET,
  RECORD_HEADER_BYTES,
  RECORD_SEQUENCE_OFFSET,
  RECORD_TIME_OFFSET,
  RecordFlag,
  REGISTERS_BASE,
  Replay,
  Result,
  VALUE_BYTES_MAX,
} from "../layout";
import { effectLog } from "../effects/region";
import { changeLimit } from "../keyspace/eviction";
import { hashKey, selectDatabase, setClock } from "../keyspace/keyspace";
import { checksum } from "../memory/checksum";
import { dirty, State, state } from "../memory/memory";
import {
  accessKind,
  argumentsMax,
  evictionPolicy,
  limitPages,
  memoryPagesMax,
  setArgumentLimits,
  setEvictionPolicy,
  setLimitPages,
  targetPages,
  valueBytesMax,
} from "../memory/settings";
import { argumentAddress, argumentBytes, isArgumentPaged, setArguments } from "./arguments";
import { Command, findCommand } from "./catalog";
import { setRunning } from "./command-statistics";
import { closeConnection, connectionAt, copyRecords, dropInput, openConnection, prependTail } from "./connection";
import { runReplayed } from "./perform";
import {
  collect,
  INCOMPLETE,
  keepPartial,
  PARSED,
  parseCommand,
  parsedCommand,
  parsedCount,
  parsedEnd,
} from "./parser";
import { forgetRequest, rememberRequest } from "./repeated-request";
import { beginReplies, muteReplies, unmuteReplies } from "./reply";

const ERROR_TYPE: u32 = 0x2d;
const ARRAY_TYPE: u32 = 0x2a;
/** Where replies go that nobody reads. */
const NOWHERE: usize = INPUT_BASE + INPUT_BYTES;
/** The sequence number that the next record must have, 0 when any will do. */
let expected: u64 = 0;

/** Comes before replays: from now on nothing dies by itself and no limit but the machine's holds. */
export function beginReplay(): void {
  effectLog.replaying = 1;
  effectLog.ownRecording = effectLog.recording;
  effectLog.recording = 0;
  effectLog.ownLimit = limitPages();
  effectLog.ownTarget = targetPages();
  effectLog.ownPolicy = evictionPolicy();
  effectLog.ownValueBytes = valueBytesMax();
  effectLog.ownArguments = argumentsMax();
  setLimitPages(memoryPagesMax(), memoryPagesMax());
  setEvictionPolicy(Eviction.None, accessKind());
  setArgumentLimits(VALUE_BYTES_MAX, ARGUMENTS_MAX);
  effectLog.replayer = <u32>openConnection(true);
  beginReplies(connectionAt(effectLog.replayer));
  expected = 0;
}

/** Ends it: limits hold again, and what is too much goes with the next ticks. */
export function endReplay(): void {
  unmuteReplies();
  closeConnection(effectLog.replayer);
  effectLog.replayer = 0;
  setArgumentLimits(effectLog.ownValueBytes, effectLog.ownArguments);
  setEvictionPolicy(effectLog.ownPolicy, accessKind());
  setLimitPages(effectLog.ownLimit, effectLog.ownTarget);
  changeLimit(effectLog.ownTarget);
  effectLog.replaying = 0;
  effectLog.recording = effectLog.ownRecording;
}

function setResult(word: Result, value: u32): void {
  store<u32>(REGISTERS_BASE + ((<u32>word) << 2), value);
}

/**
 * Replays the groups that lie whole in the `bytes` at INPUT_BASE: Consumed tells where the first record begins that was
 * not, Address which record is to blame, Count how many were. Records that the database has already are passed over.
 */
export function replayRecords(bytes: u32): Replay {
  const end = <usize>(INPUT_BASE + bytes);
  let group: usize = INPUT_BASE;
  let at = group;
  let count: u32 = 0;
  let status = Replay.Done;
  let expectedOfGroup = expected;
  forgetRequest();
  while (at < end) {
    status = checkRecord(at, end);
    if (status != Replay.Done) break;
    const next = at + load<u32>(at);
    const isLast = (load<u8>(at, RECORD_FLAGS_OFFSET) & <u8>RecordFlag.Continues) == 0;
    at = next;
    if (!isLast) continue;
    for (let record = group; record < next; record += load<u32>(record)) {
      at = record;
      status = replayRecord(record);
      if (status != Replay.Done) break;
      count++;
    }
    if (status != Replay.Done) break;
    at = next;
    group = next;
    expectedOfGroup = expected;
  }
  // What was looked at and not replayed comes again.
  expected = expectedOfGroup;
  if (status == Replay.Done && group != end) status = Replay.Incomplete;
  setResult(Result.Consumed, <u32>(group - INPUT_BASE));
  setResult(Result.Address, <u32>(at - INPUT_BASE));
  setResult(Result.Count, count);
  return status;
}

/** Whether a whole record lies at a place, unharmed and the next in order. */
function checkRecord(at: usize, end: usize): Replay {
  const left = <u32>(end - at);
  if (left < 8) return Replay.Incomplete;
  const bytes = load<u32>(at);
  if (bytes == 0) return Replay.Zero;
  const padding = <u32>load<u16>(at, 6);
  if (bytes <= RECORD_HEADER_BYTES || (bytes & 7) != 0 || padding > 7) return Replay.Malformed;
  if (<u32>load<u8>(at, 4) >= DATABASES) return Replay.Malformed;
  if (left < bytes) return Replay.Incomplete;
  const sum = load<u64>(at, RECORD_CHECKSUM_OFFSET);
  store<u64>(at, 0, RECORD_CHECKSUM_OFFSET);
  const found = checksum(at, bytes);
  store<u64>(at, sum, RECORD_CHECKSUM_OFFSET);
  if (found != sum) return Replay.Checksum;
  return follows(load<u64>(at, RECORD_SEQUENCE_OFFSET)) ? Replay.Done : Replay.Sequence;
}

/** Whether a number is the one behind the record before, or, for the first one, leaves no gap behind the database's. */
export function follows(sequence: u64): bool {
  if (expected == 0 ? sequence == 0 || sequence > state.sequence + 1 : sequence != expected) return false;
  expected = sequence + 1;
  return true;
}

function replayRecord(record: usize): Replay {
  const sequence = load<u64>(record, RECORD_SEQUENCE_OFFSET);
  if (sequence <= state.sequence) return Replay.Done;
  const start = record + RECORD_HEADER_BYTES;
  const end = record + load<u32>(record) - load<u16>(record, 6);
  enterRecord(load<u8>(record, 4), load<i64>(record, RECORD_TIME_OFFSET));
  if (<u32>load<u8>(start) != ARRAY_TYPE) return Replay.Malformed;
  const connection = connectionAt(effectLog.replayer);
  let status = parseCommand(connection, start, end, ARGUMENTS_BASE, ARGUMENTS_MAX);
  let outcome = Replay.Malformed;
  if (status == PARSED) {
    if (parsedEnd == end) outcome = run(parsedCommand != 0 ? <usize>parsedCommand : find(start), parsedCount);
  } else if (status == INCOMPLETE) {
    status = keepPartial(connection, start, end);
    if (status == PARSED && parsedEnd == end) outcome = runCollected();
    dropInput(connection);
  }
  if (outcome == Replay.Done) advance(sequence);
  return outcome;
}

/** Sets the database and the time of a record. */
export function enterRecord(database: u32, time: i64): void {
  setClock(time);
  selectDatabase(database);
}

/** Notes that a record is part of the database now. */
export function advance(sequence: u64): void {
  dirty(changetype<usize>(state), offsetof<State>());
  state.sequence = sequence;
}

function find(start: usize): usize {
  const name = load<u32>(ARGUMENTS_BASE);
  const bytes = load<u32>(ARGUMENTS_BASE, 4);
  const command = findCommand(name, bytes);
  if (command != 0) rememberRequest(start, name, bytes, parsedCount, command);
  return command;
}

/** Executes the command that the replaying connection has collected. */
function runCollected(): Replay {
  const connection = connectionAt(effectLog.replayer);
  if (connection.discarding) return Replay.Refused;
  copyRecords(connection.recordsHead, ARGUMENTS_BASE);
  return run(findCommand(load<u32>(ARGUMENTS_BASE), load<u32>(ARGUMENTS_BASE, 4)), connection.announced);
}

/** Executes a command whose records are at ARGUMENTS_BASE. */
function run(address: usize, count: u32): Replay {
  setArguments(ARGUMENTS_BASE, count);
  if (address == 0) return Replay.Malformed;
  const command = changetype<Command>(address);
  const key = <i32>command.firstKey;
  const hasKey = key > 0 && <u32>key < count && !isArgumentPaged(key);
  setRunning(address);
  muteReplies();
  store<u8>(NOWHERE, 0);
  runReplayed(
    connectionAt(effectLog.replayer),
    command,
    hasKey ? hashKey(argumentAddress(key), argumentBytes(key)) : 0,
  );
  return <u32>load<u8>(NOWHERE) == ERROR_TYPE ? Replay.Refused : Replay.Done;
}

/**
 * Goes on with a command that comes in pieces of INPUT: Incomplete until its last byte is there, then what became of it.
 * `enterRecord` comes before the first piece.
 */
export function replayPiece(bytes: u32): Replay {
  const connection = connectionAt(effectLog.replayer);
  const start = prependTail(connection);
  const end = <usize>(INPUT_BASE + bytes);
  const status = connection.announced == 0 ? keepPartial(connection, start, end) : collect(connection, start, end);
  if (status == INCOMPLETE) return Replay.Incomplete;
  const outcome = status == PARSED && parsedEnd == end ? runCollected() : Replay.Malformed;
  dropInput(connection);
  return outcome;
}
