// What each command did: calls by duration, failures, refusals; and error replies by their code. Counted in linear
// memory outside the durable state, where the host reads them when someone asks. The number of calls is stored nowhere:
// it is the sum of the buckets, so a histogram and its count cannot differ. Buckets are powers of two of 250 ns: found
// by one `clz`, and 28 of them reach 16.8 s (the last one takes what is longer).
//
// Statistics of a command, 256 bytes:
//   0 nanoseconds of all timed calls (f64) | 8 failed calls | 16 rejected calls | 24 calls that were not timed | 32 calls
//   by duration (28 x u64)

import {
  COMMAND_RECORD_BYTES,
  COMMANDS_BASE,
  DURATION_BUCKETS,
  DURATION_FIRST_NANOSECONDS,
  ERROR_CODE_BYTES,
  ERROR_CODES_MAX,
  ERROR_RECORD_BYTES,
  ERRORS_BASE,
  STATISTICS_BASE,
  STATISTICS_RECORD_BYTES,
} from "../layout";

@unmanaged
class CommandStatistics {
  nanoseconds: f64;
  failed: u64;
  rejected: u64;
  untimed: u64;
}

const BUCKETS_OFFSET: u32 = 32;

if (offsetof<CommandStatistics>() != BUCKETS_OFFSET) ERROR("the buckets follow the fields");
if (BUCKETS_OFFSET + DURATION_BUCKETS * 8 != STATISTICS_RECORD_BYTES)
  ERROR("the statistics of a command take 256 bytes");

/** The command that runs, or was refused, or that the host answers; 0 for an unknown one. */
export let running: usize = 0;

/** Notes the command that what follows is about, 0 for an unknown one. */
@inline
export function setRunning(command: usize): void {
  running = command;
}

function statisticsOf(command: usize): CommandStatistics {
  const index = (<u32>command - COMMANDS_BASE) / COMMAND_RECORD_BYTES;
  return changetype<CommandStatistics>(<usize>(STATISTICS_BASE + index * STATISTICS_RECORD_BYTES));
}

/** Counts calls of a command that took so long each. */
export function countCalls(command: usize, calls: u32, nanoseconds: f64): void {
  const statistics = statisticsOf(command);
  statistics.nanoseconds += nanoseconds * calls;
  const bucket = changetype<usize>(statistics) + BUCKETS_OFFSET + (bucketOf(nanoseconds) << 3);
  store<u64>(bucket, load<u64>(bucket) + calls);
}

/** Counts calls that no clock was read for. */
export function countUntimed(command: usize, calls: u32): void {
  statisticsOf(command).untimed += calls;
}

/** The first bucket whose bound is not below. */
function bucketOf(nanoseconds: f64): u32 {
  if (nanoseconds <= DURATION_FIRST_NANOSECONDS) return 0;
  const firsts = (<u64>ceil(nanoseconds) - 1) / DURATION_FIRST_NANOSECONDS;
  return min<u32>(64 - <u32>clz(firsts), DURATION_BUCKETS - 1);
}

/** The error that was written last refused its command: it counts as rejected, not as failed. */
export function countRejection(): void {
  if (running == 0) return;
  const statistics = statisticsOf(running);
  statistics.failed--;
  statistics.rejected++;
}

/** Counts an error reply by the first word of its text, a literal, for the running command. */
export function countError(words: string): void {
  let bytes: u32 = 0;
  const from = changetype<usize>(words);
  const most = min<u32>(<u32>words.length, ERROR_CODE_BYTES);
  startCode();
  while (bytes < most && load<u16>(from + (bytes << 1)) != 0x20) addToCode(load<u8>(from + (bytes++ << 1)));
  countCode();
}

/** The same for an error of the host, whose text is bytes. */
export function countErrorBytes(from: usize, bytes: u32): void {
  startCode();
  const most = min(bytes, ERROR_CODE_BYTES);
  for (let at: u32 = 0; at < most && load<u8>(from + at) > 0x20; at++) addToCode(load<u8>(from + at));
  countCode();
}

// ---- the code of an error, in three words

let code0: u64 = 0;
let code1: u64 = 0;
let code2: u64 = 0;
let codeBytes: u32 = 0;

function startCode(): void {
  code0 = 0;
  code1 = 0;
  code2 = 0;
  codeBytes = 0;
}

function addToCode(byte: u8): void {
  const bits = (<u64>byte) << ((codeBytes & 7) << 3);
  if (codeBytes < 8) code0 |= bits;
  else if (codeBytes < 16) code1 |= bits;
  else code2 |= bits;
  codeBytes++;
}

/** Counts in the record of the code, taking a new one for a new code; once all are taken the last one has the rest. */
function countCode(): void {
  if (running != 0) statisticsOf(running).failed++;
  let record: usize = ERRORS_BASE;
  for (let index: u32 = 1; index < ERROR_CODES_MAX; index++) {
    const free = load<u64>(record, ERROR_CODE_BYTES) == 0;
    if (free) store<u64>(record, code0);
    if (free) store<u64>(record, code1, 8);
    if (free) store<u64>(record, code2, 16);
    if (load<u64>(record) == code0 && load<u64>(record, 8) == code1 && load<u64>(record, 16) == code2) break;
    record += ERROR_RECORD_BYTES;
  }
  store<u64>(record, load<u64>(record, ERROR_CODE_BYTES) + 1, ERROR_CODE_BYTES);
}
