// Effect records at the boundary: what the engine did, to be taken and written by whoever keeps a log, and replayed from
// there. A part of the boundary that engine.ts is. Runs of records are lent where they lie, so nothing is copied between the
// engine and the file; what is replayed is copied to the engine's input, a mebibyte at a time.

import {
  INPUT_BASE,
  INPUT_BYTES,
  RECORD_CHECKSUM_OFFSET,
  RECORD_FLAGS_OFFSET,
  RECORD_HEADER_BYTES,
  RECORD_SEQUENCE_OFFSET,
  RECORD_TIME_OFFSET,
  RecordFlag,
  Replay,
  Result,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type { EngineLimits } from "./engine-limits.ts";
import type { EngineMemory } from "./engine-memory.ts";

export { Replay };

/** Records not released yet, in bytes, from which on writes wait, unless said otherwise. */
const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024;

/** How far a replay came. Offsets count from the first byte given. */
export interface Replayed {
  readonly outcome: Replay;
  /** Where the first record begins that is not part of the database: always the border of a group. */
  readonly consumed: number;
  /** Where the record begins that ended the replay; with Done, and often with Incomplete, the end of what was given. */
  readonly at: number;
  /** Records executed or passed over. */
  readonly records: number;
  /** The engine's error reply, when it refused a command. */
  readonly error?: string;
}

/** The effects of one engine. */
export class EngineEffects {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  readonly #limits: EngineLimits;
  /** Lengths of the runs that are lent, oldest first. */
  readonly #lent: number[] = [];

  constructor(exports: EngineExports, memory: EngineMemory, limits: EngineLimits) {
    this.#exports = exports;
    this.#memory = memory;
    this.#limits = limits;
  }

  /**
   * Begins to record what commands do. Once `limitBytes` of records are not released, `execute` ends with LogFull at a
   * command that writes. The records take memory beside the database's limit, a command's own beyond `limitBytes`.
   *
   * @param limitBytes default 64 MiB
   */
  open(limitBytes = DEFAULT_LIMIT_BYTES): void {
    this.#exports.effectsOpen(limitBytes);
  }

  /** Ends recording; records that were not released are forgotten. */
  close(): void {
    while (this.#lent.length > 0) this.#takeBack();
    this.#exports.effectsClose();
  }

  /** Sequence number of the record that was written, or replayed, last; 0 before the first. */
  get position(): number {
    return this.#exports.effectsPosition();
  }

  /** Goes on behind a record of another engine, whose content was carried over to this one. */
  continueFrom(position: number): void {
    this.#exports.effectsContinue(position);
  }

  /** Bytes of records to be taken. A transaction's are there once it has ended. */
  get pendingBytes(): number {
    return this.#exports.effectsPending() >>> 0;
  }

  /** Bytes of records that are not released, taken or not. */
  get heldBytes(): number {
    return this.#exports.effectsHeld() >>> 0;
  }

  /**
   * Lends the next run of records, at most 64 KiB, until it is released; undefined when there is none. A record, or its
   * group, may go on in the next run. The view dies when memory grows, which it never does with `reserveMemory`.
   */
  take(): Uint8Array | undefined {
    const bytes = this.#exports.effectsNext();
    if (bytes === 0) return undefined;
    this.#limits.lend();
    this.#lent.push(bytes);
    const address = this.#memory.result(Result.Address);
    return this.#memory.bytes().subarray(address, address + bytes);
  }

  /** Gives the oldest `bytes` of what was taken back: they are written. */
  release(bytes: number): void {
    this.#exports.effectsRelease(bytes);
    let left = bytes;
    while (left > 0) {
      const run = this.#lent[0] as number;
      if (run > left) {
        this.#lent[0] = run - left;
        return;
      }
      left -= run;
      this.#takeBack();
    }
  }

  /** Makes everything that was taken and not released wait to be taken again; what was lent may not be used any more. */
  rewind(): void {
    this.#exports.effectsRewind();
    while (this.#lent.length > 0) this.#takeBack();
  }

  /** From now on commands that write are answered with `-MISCONF`, or let in again. */
  refuseWrites(refuse: boolean): void {
    this.#exports.effectsRefuse(refuse ? 1 : 0);
  }

  #takeBack(): void {
    this.#lent.shift();
    this.#limits.takeBack();
  }

  /** Digest of what the databases hold: equal for equal content, wherever it lies. Reads everything once. */
  digest(): bigint {
    return BigInt.asUintN(64, this.#exports.digest());
  }

  /** The checksum of records and of a snapshot's pages. */
  checksum(bytes: Uint8Array): bigint {
    this.#exports.beginRecordSum();
    return this.#sum(bytes, 0, bytes.length);
  }

  /** Adds bytes to the sum that has begun, and ends it. */
  #sum(bytes: Uint8Array, from: number, to: number, put = (piece: Uint8Array): void => this.#put(piece)): bigint {
    let at = from;
    for (; to - at > INPUT_BYTES; at += INPUT_BYTES) {
      put(bytes.subarray(at, at + INPUT_BYTES));
      this.#exports.addToRecordSum(INPUT_BYTES);
    }
    put(bytes.subarray(at, to));
    return BigInt.asUintN(64, this.#exports.endRecordSum(to - at, to - from));
  }

  #put(bytes: Uint8Array): void {
    this.#memory.bytes().set(bytes, INPUT_BASE);
  }

  // ---- replay

  /**
   * Replays records, whole groups of them: what is not whole at the end is left, to be given again with what follows. Records
   * that the database has already are passed over. No client may be served meanwhile. What it does is not recorded.
   */
  replay(bytes: Uint8Array): Replayed {
    this.#exports.beginReplay();
    try {
      return this.#replayAll(bytes);
    } finally {
      this.#exports.endReplay();
    }
  }

  #replayAll(bytes: Uint8Array): Replayed {
    let consumed = 0;
    let records = 0;
    while (consumed < bytes.length) {
      const piece = bytes.subarray(consumed, consumed + INPUT_BYTES);
      this.#put(piece);
      const outcome: Replay = this.#exports.replayRecords(piece.length);
      const taken = this.#memory.result(Result.Consumed);
      const at = consumed + this.#memory.result(Result.Address);
      records += this.#memory.result(Result.Count);
      const error = outcome === Replay.Refused ? this.#error() : {};
      consumed += taken;
      if (outcome === Replay.Done || (outcome === Replay.Incomplete && taken > 0 && consumed < bytes.length)) continue;
      if (outcome !== Replay.Incomplete || piece.length < INPUT_BYTES)
        return { outcome, consumed, at, records, ...error };
      const long = this.#replayLong(bytes, consumed);
      records += long.records;
      consumed = long.consumed;
      if (long.outcome !== Replay.Done) return { ...long, records };
    }
    return { outcome: Replay.Done, consumed, at: consumed, records };
  }

  #error(): { error: string } {
    return { error: this.#memory.refusal() };
  }

  /** Replays a group that is longer than the input. */
  #replayLong(bytes: Uint8Array, start: number): Replayed {
    const group = findGroup(bytes, start);
    const stop = (outcome: Replay, at: number): Replayed => ({ outcome, consumed: start, at, records: 0 });
    if (group.records.length === 0 || group.outcome !== Replay.Done) return stop(group.outcome, group.end);
    for (const record of group.records)
      if (!this.#isWhole(record)) return stop(Replay.Checksum, record.byteOffset - bytes.byteOffset);
    for (const record of group.records) {
      const outcome = this.#replayPieces(record);
      if (outcome === Replay.Done) continue;
      const error = outcome === Replay.Refused ? this.#error() : {};
      return { ...stop(outcome, record.byteOffset - bytes.byteOffset), ...error };
    }
    return { outcome: Replay.Done, consumed: group.end, at: group.end, records: group.records.length };
  }

  #isWhole(record: Uint8Array): boolean {
    const { byteOffset, length } = record;
    const sum = new DataView(record.buffer, byteOffset, length).getBigUint64(RECORD_CHECKSUM_OFFSET, true);
    let isFirst = true;
    this.#exports.beginRecordSum();
    const found = this.#sum(record, 0, length, (piece) => {
      this.#put(piece);
      const field = INPUT_BASE + RECORD_CHECKSUM_OFFSET;
      if (isFirst) this.#memory.bytes().fill(0, field, field + 8);
      isFirst = false;
    });
    return found === sum;
  }

  #replayPieces(record: Uint8Array): Replay {
    const header = new DataView(record.buffer, record.byteOffset, record.length);
    const sequence = Number(header.getBigUint64(RECORD_SEQUENCE_OFFSET, true));
    const time = Number(header.getBigInt64(RECORD_TIME_OFFSET, true));
    const isKnown = sequence <= this.position;
    if (!this.#exports.beginPieces(record[4] as number, time, sequence)) return Replay.Sequence;
    if (isKnown) return Replay.Done;
    const end = record.length - header.getUint16(6, true);
    let outcome: Replay = Replay.Incomplete;
    for (let at = RECORD_HEADER_BYTES; at < end && outcome === Replay.Incomplete; at += INPUT_BYTES) {
      const piece = record.subarray(at, Math.min(at + INPUT_BYTES, end));
      this.#put(piece);
      outcome = this.#exports.replayPiece(piece.length);
    }
    if (outcome === Replay.Done) this.#exports.endPieces(sequence);
    return outcome === Replay.Incomplete ? Replay.Malformed : outcome;
  }
}

/** The records of the group that begins at `start`, or why it does not end within the bytes. */
function findGroup(bytes: Uint8Array, start: number): { outcome: Replay; records: Uint8Array[]; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: Uint8Array[] = [];
  for (let at = start; ; ) {
    const stop = (outcome: Replay) => ({ outcome, records, end: at });
    if (bytes.length - at < RECORD_HEADER_BYTES) return stop(Replay.Incomplete);
    const length = view.getUint32(at, true);
    if (length === 0) return stop(Replay.Zero);
    if (length <= RECORD_HEADER_BYTES || length % 8 !== 0) return stop(Replay.Malformed);
    if (length > bytes.length - at) return stop(Replay.Incomplete);
    records.push(bytes.subarray(at, at + length));
    const continues = ((bytes[at + RECORD_FLAGS_OFFSET] as number) & RecordFlag.Continues) !== 0;
    at += length;
    if (!continues) return { outcome: Replay.Done, records, end: at };
  }
}
