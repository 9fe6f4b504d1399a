// The log as it is found: the segments in order, each record given to whoever replays it, and a judgement of how it
// ends. A log ends where no whole record follows. That is all there is to know after a crash: what had not reached the
// disk is missing, in any order of blocks. But when a mark behind it, or the head of a later segment, says that more had
// been on disk, then the log is damaged, and nothing is cut without being asked for. A segment that was begun anew
// supersedes what the one before it holds from the same sequence number on.

import type { Storage, StorageFile } from "../storage/storage.ts";
import { findHeads } from "./log-heads.ts";
import {
  claimedIdentity,
  decodeMark,
  decodeSegmentHeader,
  LOG_VERSION,
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  viewOf,
} from "./record-format.ts";
import { type FoundSegments, segmentName, segmentNumber } from "./segment-files.ts";

/** Why a replay stopped: `done` with all that it was given, or at a place where no record to replay begins. */
export type ReplayEnd = "done" | "incomplete" | "zero" | "malformed" | "checksum" | "sequence" | "refused";

/** Who takes the records. */
export interface RecordTarget {
  /** Sequence number of the last record that it holds. */
  readonly position: number;
  /**
   * Replays whole records, and groups of them, as far as they are right; those that it holds already are passed over.
   *
   * @returns how many bytes it took, why it stopped there, and in words what was refused
   */
  replay(bytes: Uint8Array): { readonly bytes: number; readonly end: ReplayEnd; readonly text?: string };
}

/** A log that is not as it was written. */
export interface LogDamage {
  readonly file: string;
  readonly offset: number;
  readonly reason: string;
  /** Last record before the damage. */
  readonly position: number;
  /** A record that had been on disk, if that is known; those between are lost. */
  readonly known: number | undefined;
  /** Nothing is wrong but that a newer release wrote it. */
  readonly isNewer?: boolean;
}

/** What reading a log came to. */
export interface LogFound {
  /** Last record that was replayed, or that the target held before. */
  readonly position: number;
  readonly identity: bigint | undefined;
  readonly segments: FoundSegments;
  readonly damage: LogDamage | undefined;
  /** Where the log ends; undefined when there is none. */
  readonly end: { readonly file: string; readonly offset: number } | undefined;
  /** Of records that were read. */
  readonly bytes: number;
}

interface Segment {
  readonly number: number;
  readonly name: string;
  readonly header: SegmentHeader | undefined;
  /** Which log its head says this is, though the head is not to be believed: marks that agree prove it. */
  readonly claimed: bigint;
}

interface SegmentEnd {
  readonly offset: number;
  readonly reason: ReplayEnd;
  readonly text?: string | undefined;
}

/** What a log is read from. */
export type LogFiles = Pick<Storage, "list" | "open">;

const READ_BYTES = 1024 * 1024;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Reads the log of a storage from behind what the target holds. Nothing is changed, but where it is undamaged its last
 * records are brought to disk: they may have been in the system's memory alone.
 */
export async function readLog(storage: LogFiles, target: RecordTarget): Promise<LogFound> {
  return new LogReader(storage, target).read();
}

class LogReader {
  private bytes = 0;
  /** Last record that was on disk when the marks that were read were written. */
  private marked = 0;
  private all: Segment[] = [];
  /** How far each segment was read. */
  private readonly ends = new Map<string, number>();

  constructor(
    private readonly storage: LogFiles,
    private readonly target: RecordTarget,
  ) {}

  async read(): Promise<LogFound> {
    this.all = await this.survey();
    const newer = this.all.find(({ header }) => header !== undefined && header.version > LOG_VERSION);
    if (newer !== undefined) {
      const reason = `it is of format ${newer.header?.version}, and this release reads up to ${LOG_VERSION}: use the release that wrote it, or a newer one`;
      return this.found([], undefined, { ...this.damageAt(newer.name, 0, reason), isNewer: true });
    }
    const chain = chainOf(this.all);
    const first = chain.findLastIndex(({ header }) => header.first <= this.target.position + 1);
    if (first >= 0) return this.replayFrom(chain, first);
    const found = await this.judge([], undefined, undefined);
    // A crash leaves no head at all, or a part of one, and never a whole one with a bit that is another.
    const heads = chain.length === 0 && found.damage === undefined ? await findHeads(this.storage) : [];
    const broken = heads.find(({ isProven }) => isProven);
    if (broken !== undefined) return { ...found, damage: this.damageAt(broken.name, 0, HEAD_DAMAGED) };
    const oldest = chain[0];
    if (found.damage === undefined || oldest === undefined) return found;
    const reason = `the log begins with record ${oldest.header.first}, and the newest snapshot holds all up to ${this.target.position}: a segment or a snapshot is missing`;
    return { ...found, damage: { ...found.damage, file: oldest.name, offset: 0, reason } };
  }

  private async survey(): Promise<Segment[]> {
    const numbers = (await this.storage.list()).map(segmentNumber).filter((number) => number !== undefined);
    const segments: Segment[] = [];
    for (const number of numbers.sort((a, b) => a - b)) {
      const name = segmentName(number);
      const head = new Uint8Array(SEGMENT_HEADER_BYTES);
      const read = await this.withFile(name, (file) => file.read(0, head));
      const header = decodeSegmentHeader(head.subarray(0, read), number);
      segments.push({ number, name, header, claimed: claimedIdentity(head) });
    }
    return segments;
  }

  private async replayFrom(chain: readonly HeadedSegment[], first: number): Promise<LogFound> {
    for (let index = first; index < chain.length; index++) {
      const segment = chain[index] as HeadedSegment;
      const limit = chain[index + 1]?.header.first ?? NEVER;
      const end = await this.withFile(segment.name, (file) => this.replaySegment(file, segment));
      this.ends.set(segment.name, end.offset);
      if (this.target.position + 1 < limit) return this.judge(chain.slice(0, index + 1), segment, end);
    }
    throw new RangeError("a chain of segments ends with one that has no limit");
  }

  private async replaySegment(file: StorageFile, { number, header }: HeadedSegment): Promise<SegmentEnd> {
    const window = new FileWindow(file);
    let offset = SEGMENT_HEADER_BYTES;
    while (true) {
      const piece = await window.at(offset);
      const mark = decodeMark(viewOf(piece), 0, { identity: header.identity, segment: number, offset });
      if (mark !== undefined) this.marked = Math.max(this.marked, mark.synced);
      const { bytes, end, text } =
        mark === undefined ? this.target.replay(piece) : { bytes: RECORD_HEADER_BYTES, end: "done" as const, text: "" };
      this.bytes += bytes;
      offset += bytes;
      if (bytes > 0) continue;
      if (end !== "incomplete" && end !== "done") return { offset, reason: end, text };
      if (!(await window.grow())) return { offset, reason: end };
    }
  }

  /** Decides whether a log that ends here may end here. */
  private async judge(
    chain: readonly HeadedSegment[],
    last: HeadedSegment | undefined,
    end: SegmentEnd | undefined,
  ): Promise<LogFound> {
    const place = last === undefined || end === undefined ? undefined : { file: last.name, offset: end.offset };
    if (place !== undefined && end?.reason === "refused") {
      const reason = `record ${this.target.position + 1} was refused: ${end.text ?? "no reason"}`;
      return this.found(chain, place, this.damageAt(place.file, place.offset, reason));
    }
    const known = Math.max(this.marked, await this.findKnown(last, end?.offset ?? 0));
    if (known <= this.target.position) {
      await this.writeBack(chain, known);
      return this.found(chain, place, undefined);
    }
    const at = place ?? { file: this.all[0]?.name ?? "log", offset: 0 };
    const reason = end === undefined ? HEAD_DAMAGED : reasons[end.reason];
    return this.found(chain, place, this.damageAt(at.file, at.offset, reason, known));
  }

  /**
   * Brings to disk what was read and may be in the system's memory alone. After a failed sync the system takes it for
   * written, so it is written again, byte for byte where it stands.
   */
  private async writeBack(chain: readonly HeadedSegment[], known: number): Promise<void> {
    for (const [index, { name }] of chain.entries()) {
      const last = (chain[index + 1]?.header.first ?? this.target.position + 1) - 1;
      const end = this.ends.get(name);
      if (end !== undefined && last > known) await this.withFile(name, (file) => rewrite(file, end));
    }
  }

  /** The last record that anything behind a place says was on disk. */
  private async findKnown(last: HeadedSegment | undefined, offset: number): Promise<number> {
    let known = 0;
    const proven = last?.header.identity ?? this.identity();
    for (const { number, name, header, claimed } of this.all) {
      if (last !== undefined && number < last.number) continue;
      if (header !== undefined) known = Math.max(known, header.synced);
      const identity = proven ?? claimed;
      const from = number === last?.number ? offset : SEGMENT_HEADER_BYTES;
      known = Math.max(known, await this.withFile(name, (file) => lastMark(file, identity, number, from)));
    }
    return known;
  }

  private identity(): bigint | undefined {
    return this.all.findLast(({ header }) => header !== undefined)?.header?.identity;
  }

  private damageAt(file: string, offset: number, reason: string, known?: number): LogDamage {
    return { file, offset, reason, position: this.target.position, known };
  }

  private found(
    chain: readonly HeadedSegment[],
    end: { file: string; offset: number } | undefined,
    damage: LogDamage | undefined,
  ): LogFound {
    const known = chain.map(({ number, header }) => ({ number, first: header.first }));
    const used = new Set(known.map(({ number }) => number));
    const unused = this.all.map(({ number }) => number).filter((number) => !used.has(number));
    const segments = { known, unused, lastNumber: this.all.at(-1)?.number ?? 0 };
    return { position: this.target.position, identity: this.identity(), segments, damage, end, bytes: this.bytes };
  }

  private async withFile<Result>(name: string, use: (file: StorageFile) => Promise<Result>): Promise<Result> {
    const file = await this.storage.open(name);
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  }
}

const HEAD_DAMAGED = "the head of the segment is not what was written";

const reasons: Readonly<Record<ReplayEnd, string>> = {
  done: "the file ends in the middle of the log",
  incomplete: "a record is cut off",
  zero: "a record is missing",
  malformed: "these bytes are no record",
  checksum: "a record does not match its checksum",
  sequence: "a record with another number stands here",
  refused: "a record was refused",
};

type HeadedSegment = Segment & { readonly header: SegmentHeader };

/** The segments whose records count: a later one that begins at the same record or before supersedes those. */
function chainOf(segments: readonly Segment[]): HeadedSegment[] {
  const chain: HeadedSegment[] = [];
  let limit = NEVER;
  for (const segment of segments.toReversed()) {
    if (segment.header === undefined || segment.header.first >= limit) continue;
    chain.push({ ...segment, header: segment.header });
    limit = segment.header.first;
  }
  return chain.reverse();
}

/** Writes the first bytes of a file where they stand, and syncs it. */
async function rewrite(file: StorageFile, bytes: number): Promise<void> {
  const buffer = new Uint8Array(Math.min(bytes, READ_BYTES));
  for (let at = 0; at < bytes; at += buffer.length) {
    const read = await file.read(at, buffer.subarray(0, Math.min(buffer.length, bytes - at)));
    await file.write(at, [buffer.subarray(0, read)]);
  }
  await file.sync();
}

/** The greatest record that a mark at or behind an offset says was on disk; 0 without any. */
async function lastMark(file: StorageFile, identity: bigint, segment: number, from: number): Promise<number> {
  const window = new FileWindow(file);
  let known = 0;
  for (let offset = from; offset < file.size; ) {
    const piece = await window.at(offset);
    const view = viewOf(piece);
    for (let at = 0; at + RECORD_HEADER_BYTES <= piece.length; at += 8) {
      if (view.getUint32(at, true) !== RECORD_HEADER_BYTES) continue;
      const mark = decodeMark(view, at, { identity, segment, offset: offset + at });
      if (mark !== undefined) known = Math.max(known, mark.synced);
    }
    if (piece.length <= RECORD_HEADER_BYTES) break;
    // What a piece cuts is in the next one too.
    offset += piece.length - RECORD_HEADER_BYTES;
  }
  return known;
}

/** A part of a file that moves over it and grows where a record needs it. */
class FileWindow {
  private buffer = new Uint8Array(READ_BYTES);
  private start = 0;
  private length = 0;

  constructor(private readonly file: StorageFile) {}

  /** The bytes from an offset on, at least a quarter of a window of them unless the file ends. */
  async at(offset: number): Promise<Uint8Array> {
    const left = this.start + this.length - offset;
    if (offset < this.start || (left < this.buffer.length / 4 && this.start + this.length < this.file.size)) {
      this.start = offset;
      this.length = await this.file.read(offset, this.buffer);
    }
    return this.buffer.subarray(offset - this.start, this.length);
  }

  /** Makes the next `at` answer more; false when the file has no more. */
  async grow(): Promise<boolean> {
    if (this.start + this.length >= this.file.size) return false;
    this.buffer = new Uint8Array(this.buffer.length * 2);
    this.length = 0;
    return true;
  }
}
