// Parsing ahead: up to 16 commands are parsed, their first keys hashed and the cache lines of their chunks and likely
// entries touched, before the first executes. The touching loads are the prefetch that WebAssembly lacks: the misses
// of a group overlap, which doubles the rate at a million keys. A group never outlives the call.

import {
  ARGUMENT_BYTES,
  ARGUMENTS_BASE,
  ARGUMENTS_MAX,
  CommandFlag,
  GROUP_BASE,
  GROUP_COMMANDS,
  GROUP_RECORD_BYTES,
} from "../layout";
import { counters } from "../memory/memory";
import { chunkOf, likelyEntry } from "../memory/table";
import { hashKey, shardOf } from "../keyspace/keyspace";
import { Command, findCommand, hasFlag } from "./catalog";
import { replyOverlong } from "./command-error";
import { countRejection, setRunning } from "./command-statistics";
import { Connection, PAGED_BIT } from "./connection";
import { EMPTY, PARSED, parseCommand, parsedCount, parsedEnd } from "./parser";

// A command parsed ahead, 32 bytes:
//   0 where it starts | 4 its argument records | 8 their count | 12 command, 0 unknown | 16 hash of its first key | 24 chunk
@unmanaged
export class Parsed {
  start: u32;
  records: u32;
  count: u32;
  command: u32;
  hash: u64;
  chunk: u32;
}

if (offsetof<Parsed>() > GROUP_RECORD_BYTES) ERROR("a group record must fit 32 bytes");

@inline
export function parsedAt(index: u32): Parsed {
  return changetype<Parsed>(<usize>(GROUP_BASE + index * GROUP_RECORD_BYTES));
}

export let groupCount: u32 = 0;
/** Where the group ends in the input. */
export let groupEnd: usize = 0;

/** Parses up to 16 commands from `at` on and touches what they will read; tells why it stopped. */
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
    const endsGroup = prepare(parsed);
    records += parsedCount * ARGUMENT_BYTES;
    room -= parsedCount;
    next = parsedEnd;
    groupEnd = next;
    groupCount++;
    if (endsGroup) break;
  }
  touchEntries();
  return status;
}

/** Looks the command up, hashes its first key and touches the chunk it is in; true when nothing may be parsed past it. */
export function prepare(parsed: Parsed): bool {
  const name = <usize>parsed.records;
  const command = findCommand(load<u32>(name), load<u32>(name, 4));
  parsed.command = <u32>command;
  parsed.chunk = 0;
  if (command == 0) return false;
  const firstKey = <i32>changetype<Command>(command).firstKey;
  if (firstKey <= 0) return hasFlag(changetype<Command>(command), CommandFlag.EndsGroup);
  if (<u32>firstKey >= parsed.count) return false;
  const record = name + <usize>firstKey * ARGUMENT_BYTES;
  const bytes = load<u32>(record, 4);
  if (bytes & PAGED_BIT) return false;
  parsed.hash = hashKey(load<u32>(record), bytes);
  const chunk = chunkOf(shardOf(parsed.hash), parsed.hash);
  parsed.chunk = <u32>chunk;
  counters.touched += load<u8>(chunk);
  return false;
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

/** A key lies in one piece inside its entry, so it is at most KEY_BYTES_MAX long: refuses a command with a longer one. */
export function hasPagedKey(parsed: Parsed): bool {
  const command = changetype<Command>(<usize>parsed.command);
  if (parsed.command == 0 || command.firstKey == 0) return false;
  const count = <i32>parsed.count;
  const last = command.lastKey < 0 ? count + command.lastKey : min<i32>(command.lastKey, count - 1);
  for (let index: i32 = command.firstKey; index <= last; index += command.keyStep) {
    if (load<u32>(<usize>parsed.records + <usize>index * ARGUMENT_BYTES, 4) & PAGED_BIT) {
      setRunning(parsed.command);
      replyOverlong("key");
      countRejection();
      return true;
    }
  }
  return false;
}
