// Commands that a script calls, one at a time: the second way into the engine, beside batches. The script's connection is the
// host's own; the host has put the arguments into the input and their records where a batch has them, and reads the reply
// from the connection's page, which is kept from call to call. Nothing of a batch is under way meanwhile: the command that
// runs the script is the host's, and has left nothing on the stack. What a script records is one group, as a
// transaction's, and inside of one it is part of it.

import { runMarked } from "./events/command-notices";
import { ConnectionMode, ScriptCall } from "../connection-layout";
import { ARGUMENTS_BASE, CommandFlag, INPUT_BASE, PAGED_ARGUMENT_BYTES, Result } from "../layout";
import { beginGroup, endGroup } from "../effects/record";
import { admit } from "../keyspace/eviction";
import { pin, selectDatabase, setUntouching } from "../keyspace/keyspace";
import { counters, pageAt } from "../memory/memory";
import { Command, hasFlag } from "./catalog";
import { countUntimed, setRunning } from "./command-statistics";
import {
  addPacked,
  Connection,
  connectionAt,
  copyRecords,
  dropInput,
  fillLarge,
  hasMode,
  releaseOutput,
  setMode,
  startLarge,
  takeOutput,
} from "./connection";
import { setConnection, setFirstKey } from "./current";
import { attendIdle } from "./events/serving";
import { trackReads } from "./events/tracked-reads";
import { hasPagedKey, parsedAt, prepare, takeUp } from "./group";
import { setResult } from "./perform";
import { beginReplies, endReplies } from "./reply";
import { addWork } from "./work";

/** Whose script runs; its reads are tracked as this connection's. */
let caller: Connection = changetype<Connection>(<usize>0);

/** What a script's connection is while the script runs: nobody comes between, and nothing waits. */
const RUNNING: ConnectionMode = ConnectionMode.Executing | ConnectionMode.NeverBlocks;

/** The connection begins a script of another connection: in its database, and as it notes accesses. */
export function beginScript(address: usize, from: usize): void {
  const script = connectionAt(address);
  caller = connectionAt(from);
  script.database = caller.database;
  script.protocol = 2;
  setMode(script, RUNNING, true);
  if (!hasMode(caller, ConnectionMode.Executing)) beginGroup();
  setUntouching(hasMode(caller, ConnectionMode.NoTouch));
}

/**
 * Ends the script. Unless a transaction goes on, the host may take what it has recorded, and whoever waits for a key that the script
 * has filled is served.
 */
export function endScript(address: usize): void {
  const script = connectionAt(address);
  recycleReplies(script);
  setMode(script, RUNNING, false);
  setUntouching(false);
  if (hasMode(caller, ConnectionMode.Executing)) return;
  endGroup();
  attendIdle();
}

/** Whether a write would find memory. */
export function hasMemoryForScript(): bool {
  return admit(1);
}

/** Adds `bytes` at INPUT_BASE to an argument of `whole` bytes: for a command whose arguments do not fit the input, or are large. */
export function addScriptArgument(address: usize, whole: u32, bytes: u32): void {
  const script = connectionAt(address);
  if (whole <= PAGED_ARGUMENT_BYTES) {
    addPacked(script, INPUT_BASE, bytes);
    return;
  }
  if (script.largeBytes == 0) startLarge(script, whole);
  fillLarge(script, INPUT_BASE, bytes);
}

/** Runs the command whose arguments were added one by one. */
export function callCollected(address: usize, mayWrite: bool): ScriptCall {
  const script = connectionAt(address);
  const count = script.collected;
  let ending = ScriptCall.NoMemory;
  if (!script.discarding) {
    copyRecords(script.recordsHead, ARGUMENTS_BASE);
    ending = callFromScript(address, count, mayWrite);
  }
  // The host copies the arguments of what it answers before it lets go of them.
  if (ending != ScriptCall.Host) dropScriptArguments(address);
  return ending;
}

/** Lets go of the arguments that were added. */
export function dropScriptArguments(address: usize): void {
  const script = connectionAt(address);
  dropInput(script);
  script.discarding = 0;
}

/** Runs the command whose arguments, or their records, are where a batch has them. Whether it writes is in Result.Count. */
export function callFromScript(address: usize, count: u32, mayWrite: bool): ScriptCall {
  const script = connectionAt(address);
  recycleReplies(script);
  const parsed = parsedAt(0);
  parsed.start = 0;
  parsed.records = ARGUMENTS_BASE;
  parsed.count = count;
  prepare(parsed);
  takeUp(parsed);
  setRunning(parsed.command);
  const refusal = refusalOf(parsed.command, count, mayWrite);
  if (refusal != ScriptCall.Replied) return refusal;
  if (hasPagedKey(parsed)) return ScriptCall.NoMemory;
  const command = changetype<Command>(<usize>parsed.command);
  beginReplies(script);
  selectDatabase(script.database);
  setConnection(script);
  setFirstKey(command, parsed.hash);
  addWork(1 + (count >> 2));
  runMarked(command);
  pin(0);
  if (hasMode(caller, ConnectionMode.Tracking)) trackReads(caller, command);
  endReplies();
  counters.commands++;
  countUntimed(parsed.command, 1);
  setResult(Result.Count, <u32>hasFlag(command, CommandFlag.Write));
  setResult(Result.Address, script.outputHead);
  setResult(Result.Bytes, script.outputHead == 0 ? 0 : pageAt(script.outputHead).bytes);
  return ScriptCall.Replied;
}

/** Why a script may not have the command, or that the host answers it; Replied for one that may run here. */
function refusalOf(address: u32, count: u32, mayWrite: bool): ScriptCall {
  if (address == 0) return ScriptCall.Unknown;
  const command = changetype<Command>(<usize>address);
  const arity = <i32>command.arity;
  if (arity > 0 ? <u32>arity != count : count < <u32>-arity) return ScriptCall.Arity;
  if (hasFlag(command, CommandFlag.NoScript)) return ScriptCall.Forbidden;
  if (!mayWrite && hasFlag(command, CommandFlag.Write)) return ScriptCall.ReadOnly;
  return hasFlag(command, CommandFlag.Host) ? ScriptCall.Host : ScriptCall.Replied;
}

/** Empties the page of replies, and gives back what a long reply took beside it. */
function recycleReplies(script: Connection): void {
  script.overflowed = 0;
  if (script.outputPages == 1) {
    pageAt(script.outputHead).bytes = 0;
    return;
  }
  while (script.outputHead != 0) releaseOutput(script, takeOutput(script));
}
