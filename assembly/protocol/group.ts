// Parsing ahead: up to 32 commands are parsed, their first keys hashed and the cache lines of their chunks and likely
// entries touched, before the first executes. The touching loads are the prefetch that WebAssembly lacks: the misses
// of a group overlap, which doubles the rate at a million keys. A group never outlives the call.

import { inQueues } from "../keyspace/access";
import { touchGhost } from "../keyspace/ghosts";
import {
  ARGUMENT_BYTES,
  ARGUMENTS_BASE,
  ARGUMENTS_MAX,
  CommandFlag,
  GROUP_BASE,
  GROUP_COMMANDS,
  GROUP_RECORD_BYTES,
  PAGE_BYTES,
} from "../layout";
import { counters } from "../memory/memory";
import { expectSlot, trustSlots } from "../memory/slot-ahead";
import { chunkOf, likelySlot, slotEntry } from "../memory/table";
import { entryAt } from "../memory/entry";
import { hashKey, shardOf } from "../keyspace/keyspace";
import { setArguments } from "./arguments";
import { Command, findCommand } from "./catalog";
import { Connection, PAGED_BIT } from "./connection";
import { EMPTY, PARSED, parseCommand, parsedCommand, parsedCount, parsedEnd } from "./parser";
import { rememberRequest } from "./repeated-request";

// A command parsed ahead, 32 bytes:
//   0 where it starts | 4 its argument records | 8 their count | 12 command, 0 unknown | 16 hash of its first key | 24 chunk, then slot | 28 its record
@unmanaged
export class Parsed {
  start: u32;
  records: u32;
  count: u32;
  command: u32;
  hash: u64;
  /** The chunk of its first key while that is touched ahead, then the slot where the key should be; 0 for none. */
  place: u32;
  /** The argument record of its first key; 0 when it has none that lies in one piece. */
  keyRecord: u32;
}

if (offsetof<Parsed>() > GROUP_RECORD_BYTES) ERROR("a group record must fit 32 bytes");

@inline
export function parsedAt(index: u32): Parsed {
  return changetype<Parsed>(<usize>(GROUP_BASE + index * GROUP_RECORD_BYTES));
}

export let groupCount: u32 = 0;
/** Where the group ends in the input. */
export let groupEnd: usize = 0;

/** Parses up to 32 commands from `at` on and touches what they will read; tells why it stopped. */
export function parseGroup(connection: Connection, at: usize, end: usize): u32 {
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
    const endsGroup = lookUp(parsed, parsedCommand != 0 ? <usize>parsedCommand : find(parsed));
    records += parsedCount * ARGUMENT_BYTES;
    room -= parsedCount;
    next = parsedEnd;
    groupEnd = next;
    groupCount++;
    if (endsGroup) break;
  }
  touchAhead();
  if (inQueues()) touchGhosts();
  return status;
}

/** Finds a command by its name. */
function find(parsed: Parsed): usize {
  const name = load<u32>(parsed.records);
  const bytes = load<u32>(parsed.records, 4);
  const command = findCommand(name, bytes);
  if (command != 0) rememberRequest(parsed.start, name, bytes, parsed.count, command);
  return command;
}

/** What the host answers ends the call anyway, and what was parsed past it would be parsed again. */
const ENDS_GROUP: u32 = CommandFlag.EndsGroup | CommandFlag.Host;

/** Notes the command and where its first key is; true when nothing may be parsed past it. */
@inline
function lookUp(parsed: Parsed, command: usize): bool {
  const name = <usize>parsed.records;
  parsed.command = <u32>command;
  parsed.place = 0;
  parsed.keyRecord = 0;
  if (command == 0) return false;
  const firstKey = <i32>changetype<Command>(command).firstKey;
  if (firstKey <= 0) return (changetype<Command>(command).flags & <u16>ENDS_GROUP) != 0;
  if (<u32>firstKey >= parsed.count) return false;
  const record = name + <usize>firstKey * ARGUMENT_BYTES;
  if ((load<u32>(record, 4) & PAGED_BIT) == 0) parsed.keyRecord = <u32>record;
  return false;
}

/** The command runs next: its arguments are set, and where its key should be. */
@inline
export function takeUp(parsed: Parsed): void {
  setArguments(parsed.records, parsed.count);
  expectSlot(parsed.place, parsed.hash);
}

/** What parseGroup does for each command, for one that was collected. */
export function prepare(parsed: Parsed): void {
  lookUp(parsed, findCommand(load<u32>(parsed.records), load<u32>(parsed.records, 4)));
  const record = <usize>parsed.keyRecord;
  if (record != 0) parsed.hash = hashKey(load<u32>(record), load<u32>(record, 4));
}

const LINE_BYTES: u32 = 64;
/** Header and key of a usual entry. */
const HEAD_BYTES: u32 = 28;
/** Of a value; the processor itself reads on from there. */
const TOUCHED_BYTES_MAX: u32 = 256;

/**
 * Hashes the keys, and touches their chunks and then their likely entries. Short loops, so that the misses of all
 * commands are under way at once: with the touch behind each parsed command, a GET of 100,000 keys took 85 ns, not 73.
 */
function touchAhead(): void {
  for (let index: u32 = 0; index < groupCount; index++) {
    const parsed = parsedAt(index);
    const record = <usize>parsed.keyRecord;
    if (record == 0) continue;
    const hash = hashKey(load<u32>(record), load<u32>(record, 4));
    parsed.hash = hash;
    parsed.place = <u32>chunkOf(shardOf(hash), hash);
  }
  let sum: u32 = 0;
  for (let index: u32 = 0; index < groupCount; index++) sum += load<u8>(<usize>parsedAt(index).place);
  for (let index: u32 = 0; index < groupCount; index++) {
    const parsed = parsedAt(index);
    if (parsed.place == 0) continue;
    const slot = likelySlot(parsed.place, parsed.hash);
    parsed.place = <u32>slot;
    if (slot != 0) sum += load<u8>(slotEntry(slot));
  }
  for (let index: u32 = 0; index < groupCount; index++) {
    const slot = <usize>parsedAt(index).place;
    if (slot == 0) continue;
    const entry = slotEntry(slot);
    // The lines behind its first, as far as it has more; not past the page, which may be the last one of the memory.
    const bytes = min<u32>(entryAt(entry).valueBytes, TOUCHED_BYTES_MAX) + HEAD_BYTES;
    const room = PAGE_BYTES - (<u32>entry & (PAGE_BYTES - 1));
    for (let at: u32 = LINE_BYTES; at < min(bytes, room); at += LINE_BYTES) sum += load<u8>(entry + at);
  }
  counters.touched += sum;
  trustSlots();
}

/** The same for the ghosts that new keys are looked for among. */
function touchGhosts(): void {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < groupCount; index++) {
    const parsed = parsedAt(index);
    if (parsed.keyRecord != 0 && parsed.place == 0) sum += touchGhost(parsed.hash);
  }
  counters.touched += sum;
}

/** Whether a key is too long: it lies in one piece inside its entry, so it is at most KEY_BYTES_MAX. */
export function hasPagedKey(parsed: Parsed): bool {
  const command = changetype<Command>(<usize>parsed.command);
  if (parsed.command == 0 || command.firstKey == 0) return false;
  const count = <i32>parsed.count;
  const last = command.lastKey < 0 ? count + command.lastKey : min<i32>(command.lastKey, count - 1);
  for (let index: i32 = command.firstKey; index <= last; index += command.keyStep) {
    if (load<u32>(<usize>parsed.records + <usize>index * ARGUMENT_BYTES, 4) & PAGED_BIT) return true;
  }
  return false;
}
