// The command table: name, arity, flags, key positions and handler of every command, and one sentence for the docs.
// Arity errors, COMMAND, docs/commands.md and the fuzzer's grammar come from it. Handlers are function-table indexes,
// so the table lies outside the durable state and is filled anew by each instance. A name is found by its upper-cased
// bytes as three words: one multiplication, one load, three compares.
//
// Record, 64 bytes: 0 name (24 bytes, zero-padded) | 24 handler (u32) | 28 flags (u16) | 30 name bytes (u8) | 31 arity (i8)
//   32 first key, last key, step (3 x i8) | 36 summary, 40 group, 44 since (addresses of UTF-16 literals) | 48 calls whose duration is
//   not known yet (u32)

import {
  COMMAND_BUCKETS,
  COMMAND_INDEX_BASE,
  COMMAND_RECORD_BYTES,
  COMMANDS_BASE,
  COMMANDS_MAX,
  CommandFlag,
} from "../layout";

@unmanaged
export class Command {
  name0: u64;
  name1: u64;
  name2: u64;
  handler: u32;
  flags: u16;
  nameBytes: u8;
  /** As in Redis: exact when positive, at least -arity when negative; the name counts. */
  arity: i8;
  firstKey: i8;
  lastKey: i8;
  keyStep: i8;
  /** Which keyspace events it causes, while any are told: see events/event-rules.ts; 0 for none. */
  rule: u8;
  summary: u32;
  group: u32;
  since: u32;
  pending: u32;
}

if (offsetof<Command>() > COMMAND_RECORD_BYTES) ERROR("a command record must fit 64 bytes");

const NAME_BYTES_MAX: u32 = 24;
let count: u32 = 0;
let group: u32 = 0;

@inline
export function commandAt(index: u32): Command {
  return changetype<Command>(<usize>(COMMANDS_BASE + index * COMMAND_RECORD_BYTES));
}

export function commandCount(): u32 {
  return count;
}

/** The group that the commands registered next belong to. */
export function startGroup(name: string): void {
  group = <u32>changetype<usize>(name);
}

/** Adds a command and answers its record; a handler of 0 arguments reads them from the running command's records. */
export function register(
  name: string,
  arity: i32,
  flags: u32,
  firstKey: i32,
  lastKey: i32,
  keyStep: i32,
  handler: () => void,
  since: string,
  summary: string,
): usize {
  assert(count < COMMANDS_MAX && <u32>name.length <= NAME_BYTES_MAX);
  const command = commandAt(count);
  const address = changetype<usize>(command);
  memory.fill(address, 0, COMMAND_RECORD_BYTES);
  for (let index = 0; index < name.length; index++) {
    store<u8>(address + index, <u8>load<u16>(changetype<usize>(name) + (index << 1)));
  }
  command.handler = <u32>load<u32>(changetype<usize>(handler));
  command.flags = <u16>flags;
  command.nameBytes = <u8>name.length;
  command.arity = <i8>arity;
  command.firstKey = <i8>firstKey;
  command.lastKey = <i8>lastKey;
  command.keyStep = <i8>keyStep;
  command.summary = <u32>changetype<usize>(summary);
  command.since = <u32>changetype<usize>(since);
  command.group = group;
  let bucket = bucketOf(command.name0, command.name1, command.name2);
  while (load<u16>(COMMAND_INDEX_BASE + (bucket << 1)) != 0) bucket = (bucket + 1) & (COMMAND_BUCKETS - 1);
  count++;
  store<u16>(COMMAND_INDEX_BASE + (bucket << 1), <u16>count);
  return address;
}

@inline
function bucketOf(name0: u64, name1: u64, name2: u64): u32 {
  return <u32>(((name0 ^ rotl(name1, 17) ^ rotl(name2, 31)) * 0x9e3779b97f4a7c15) >> 54);
}

/** Up to 8 bytes of a name as a word, letters in upper case. May read up to 8 bytes past `bytes`. */
@inline
function upperWord(address: usize, bytes: u32): u64 {
  const word = load<u64>(address) & 0xdfdfdfdfdfdfdfdf;
  return bytes >= 8 ? word : word & (((<u64>1) << (bytes << 3)) - 1);
}

/** The command of this name in any case; 0 when there is none. */
export function findCommand(address: usize, bytes: u32): usize {
  if (bytes > NAME_BYTES_MAX || bytes == 0) return 0;
  const name0 = upperWord(address, bytes);
  const name1 = bytes > 8 ? upperWord(address + 8, bytes - 8) : 0;
  const name2 = bytes > 16 ? upperWord(address + 16, bytes - 16) : 0;
  let bucket = bucketOf(name0, name1, name2);
  while (true) {
    const index: u32 = load<u16>(COMMAND_INDEX_BASE + (bucket << 1));
    if (index == 0) return 0;
    const command = commandAt(index - 1);
    // The length too: upperWord makes a space a zero byte, and "GET " is not GET.
    if (command.name0 == name0 && command.name1 == name1 && command.name2 == name2 && <u32>command.nameBytes == bytes) {
      return changetype<usize>(command);
    }
    bucket = (bucket + 1) & (COMMAND_BUCKETS - 1);
  }
}

/** Marks a command that the host answers. */
export function answeredByHost(): void {}

export function hasFlag(command: Command, flag: CommandFlag): bool {
  return (command.flags & <u16>flag) != 0;
}

/** Whether a command, 0 for an unknown one, is EXEC: the only one that ends its group. */
export function isExec(command: usize): bool {
  return command != 0 && hasFlag(changetype<Command>(command), CommandFlag.EndsGroup);
}
