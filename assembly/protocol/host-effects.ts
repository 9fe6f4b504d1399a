// What the host does with effect records: takes them, releases them, replays them.

import { INPUT_BASE, REGISTERS_BASE, Result } from "../layout";
import { effectLog, runAddress, takeRun } from "../effects/region";
import { addToChecksum, beginChecksum, endChecksum } from "../memory/checksum";
import { state } from "../memory/memory";
import { advance, enterRecord, follows } from "./replay";

export {
  refuseWrites as effectsRefuse,
  releaseRun as effectsRelease,
  rewindRuns as effectsRewind,
} from "../effects/region";
export { closeEffects as effectsClose, openEffects as effectsOpen } from "./recording";
export { beginReplay, endReplay, replayPiece, replayRecords } from "./replay";

/** Takes the next run of effect records: its length in bytes, 0 for none; where it begins is in Result.Address. */
export function effectsNext(): u32 {
  const bytes = takeRun();
  store<u32>(REGISTERS_BASE + (Result.Address << 2), <u32>runAddress);
  return bytes;
}

/** Bytes of effect records that are not taken yet. */
export function effectsPending(): u32 {
  return effectLog.untakenBytes;
}

/** Bytes of effect records that are not released yet. */
export function effectsHeld(): u32 {
  return effectLog.heldBytes;
}

/** Sequence number of the record written, or replayed, last. */
export function effectsPosition(): f64 {
  return <f64>state.sequence;
}

/** Goes on behind a record of another engine, whose content was carried over to this one. */
export function effectsContinue(sequence: f64): void {
  advance(<u64>sequence);
}

/** Begins the sum of a record that comes in pieces of INPUT. */
export function beginRecordSum(): void {
  beginChecksum();
}

/** Adds a piece, a multiple of 32 bytes. */
export function addToRecordSum(bytes: u32): void {
  addToChecksum(INPUT_BASE, bytes);
}

/** The sum, with the last piece and the length of all. */
export function endRecordSum(bytes: u32, whole: u32): u64 {
  return endChecksum(INPUT_BASE, bytes, whole);
}

/** Begins a record that comes in pieces; false when its sequence number does not follow. */
export function beginPieces(database: u32, time: f64, sequence: f64): bool {
  if (!follows(<u64>sequence)) return false;
  enterRecord(database, <i64>time);
  return true;
}

/** Notes that a record that came in pieces is replayed. */
export function endPieces(sequence: f64): void {
  advance(<u64>sequence);
}
