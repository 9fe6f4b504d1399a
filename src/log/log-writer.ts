// The log as it grows. One commit is on its way and everything else gathers behind it, so the slower the disk, the more
// a commit carries. Records go to the file straight from the engine's memory and stay there until they are on disk:
// what a failed fsync dropped (the system says so once and forgets) is written anew, to another segment, before anybody
// is told anything. The price is memory for the records of one flush, which is bounded: a flush begins early when they
// are many, and the engine makes its writers wait when they are too many.

import type { StorageFile } from "../storage/storage.ts";
import { CommitQueue, type CommitWaiter } from "./commit-queue.ts";
import { LogMarks } from "./log-marks.ts";
import {
  FLUSH_BYTES,
  type LogFailure,
  type LogHost,
  type LogOptions,
  type LogStart,
  SEGMENT_BYTES,
} from "./log-options.ts";
import { LogTrouble } from "./log-trouble.ts";
import { lengthOf, put, restOfBlock } from "./pieces.ts";
import { RECORD_HEADER_BYTES } from "./record-format.ts";
import type { RecordSource } from "./record-source.ts";
import { RepeatedTimer } from "./repeated-timer.ts";
import type { OpenSegment, SegmentFiles } from "./segment-files.ts";
import { SyncPlace } from "./sync-place.ts";

/** Writes records, and knows what of them lasts. */
export class LogWriter {
  private readonly queue = new CommitQueue();
  private segment: OpenSegment | undefined;
  /** Where the next byte goes. */
  private offset = 0;
  /** Files with bytes that no sync has covered, oldest first. */
  private readonly unsynced = new Set<StorageFile>();
  /** Files that a sync is at work on. */
  private syncing: readonly StorageFile[] = [];
  /** Records that the engine was given back may be lost: marks do not speak of what came after them. */
  private isUnsure = false;
  /** Last record taken from the source, given to the system, on disk, given back to the engine. */
  private taken: number;
  private writtenPosition: number;
  private syncedPosition: number;
  private releasedPosition: number;
  /** Bytes of records since the start: given to the system, and given back to the engine. */
  writtenBytes = 0;
  private releasedBytes = 0;
  private roomWaiters: (() => void)[] = [];
  private scheduled = false;
  /** A commit is on its way; its end, where that takes a while. */
  private busy = false;
  private step: Promise<void> | undefined;
  private flushing: Promise<void> | undefined;
  private readonly flushTimer: RepeatedTimer;
  private readonly trouble: LogTrouble;
  private readonly place: SyncPlace;
  private readonly marks: LogMarks;
  private closed = false;
  private readonly segmentBytes: number;
  private readonly atOnceBytesMax: number;
  constructor(
    private readonly segments: SegmentFiles,
    private readonly source: RecordSource,
    private readonly options: LogOptions,
    private readonly host: LogHost,
    start: LogStart,
  ) {
    this.segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.atOnceBytesMax = options.atOnceBytesMax ?? Number.POSITIVE_INFINITY;
    this.marks = new LogMarks(start.identity, host.now);
    this.place = new SyncPlace(options.fsync === "always" ? (options.waitMsMax ?? 0) : 0);
    this.flushTimer = new RepeatedTimer(host, options.fsyncIntervalMs, () => this.flushNow());
    // Nobody is left waiting for an answer when it takes longer than one try.
    const tired = (): void => this.queue.reached(this.coveredPosition, Number.POSITIVE_INFINITY);
    this.trouble = new LogTrouble(host, () => this.retry(), tired);
    this.taken = start.position;
    this.writtenPosition = start.position;
    this.syncedPosition = start.position;
    this.releasedPosition = start.position;
  }

  /** Last record whose write may be told to whoever asked for it. */
  get coveredPosition(): number {
    return this.options.fsync === "always" ? this.syncedPosition : this.writtenPosition;
  }

  /** Last record that is on disk. */
  get syncedThrough(): number {
    return this.syncedPosition;
  }

  /** Why nothing may be written. */
  get failure(): LogFailure | undefined {
    return this.trouble.failure;
  }

  /** Makes the first segment. */
  async begin(): Promise<void> {
    await this.segments.prepare();
    this.roll();
  }

  /**
   * Lets somebody wait until its record is covered; it does not go on at once. When the disk refuses the record for longer
   * than the first try to write it anew, it goes on without.
   */
  whenCovered(waiter: CommitWaiter): void {
    this.queue.add(waiter);
    this.schedule();
  }

  /** Sees to it that records at hand are written once the events at hand are over. */
  schedule(): void {
    if (this.scheduled || this.busy || this.closed) return;
    this.scheduled = true;
    this.host.soon(this.run);
  }

  /** Does what is scheduled, at once: for who knows that the events at hand are over. */
  readonly run = (): void => {
    if (!this.scheduled) return;
    this.scheduled = false;
    if (this.busy || this.closed || this.trouble.isBlocking) return;
    if (this.source.position === this.taken) {
      this.queue.reached(this.coveredPosition);
      return;
    }
    this.busy = true;
    const startMs = this.host.clock();
    try {
      let step = this.write();
      if (step === undefined && this.syncsHere()) this.syncNow(startMs);
      else if (this.options.fsync === "always") step = step?.then(() => this.flush()) ?? this.flush();
      if (step === undefined) this.wrote(startMs);
      else this.step = step.then(() => this.wrote(startMs)).catch((error) => this.failed(error));
    } catch (error) {
      this.failed(error);
    }
  };

  /**
   * Writes all that waits; nothing when it is done already. When the next segment is not made in time, this one grows over
   * its size: that makes commits slower, and waiting would stop them.
   */
  private write(): Promise<void> | undefined {
    if (!this.isFull() || this.segments.ready === undefined) return this.writeRecords();
    return this.roll()?.then(() => this.writeRecords()) ?? this.writeRecords();
  }

  private writeRecords(atOnceBytesMax = this.atOnceBytesMax): Promise<void> | undefined {
    const { file, number } = this.segment as OpenSegment;
    const first = this.taken + 1;
    const pieces = this.source.take();
    this.taken = this.source.position;
    const position = this.taken;
    const bytes = lengthOf(pieces);
    const before = this.marks.before(number, this.offset, first, this.syncedPosition);
    const at = this.offset;
    this.offset += lengthOf(before) + bytes;
    const written = [...before, ...pieces, restOfBlock(at, this.offset)];
    const isThere = (): void => {
      this.unsynced.add(file);
      this.writtenBytes += bytes;
      this.writtenPosition = position;
    };
    const writing = put(file, at, written, atOnceBytesMax);
    if (writing !== undefined) return writing.then(isThere);
    isThere();
    return undefined;
  }

  private isFull(): boolean {
    return this.offset > 0 && this.offset + this.source.pendingBytes + RECORD_HEADER_BYTES > this.segmentBytes;
  }

  /** Goes on in the next segment if that is made; else the present one grows over its size. */
  private roll(): Promise<void> | undefined {
    if (this.segments.ready === undefined) return undefined;
    const { segment: old, offset: at } = this;
    this.segment = this.segments.take(this.taken + 1);
    this.offset = 0;
    this.segments.prepare().catch(this.lackRoom);
    if (old === undefined) return undefined;
    this.unsynced.add(old.file);
    return put(old.file, at, [this.marks.mark(old.number, at, this.syncedPosition, true)], Number.POSITIVE_INFINITY);
  }

  /** All that was written goes on to disk and is given back. */
  private flush(): Promise<void> {
    this.flushing ??= this.sync().finally(() => {
      this.flushing = undefined;
    });
    return this.flushing;
  }

  private async sync(): Promise<void> {
    const startMs = this.host.clock();
    const files = [...this.unsynced];
    const position = this.writtenPosition;
    const bytes = this.writtenBytes;
    this.unsynced.clear();
    this.syncing = files;
    for (const file of files) await file.sync();
    this.syncing = [];
    this.place.took(this.host.clock() - startMs);
    if (this.trouble.isBlocking) return;
    this.lasts(position);
    this.giveBack(bytes, position);
    for (const file of files) if (file !== this.segment?.file && !this.unsynced.has(file)) await file.close();
  }

  /** Whether what was just written is brought to disk while this thread waits. */
  private syncsHere(): boolean {
    if (!this.place.isHere(this.writtenBytes - this.releasedBytes)) return false;
    // A file that another follows is closed behind its sync, which takes turns.
    return this.flushing === undefined && this.unsynced.size === 1 && this.segment?.file.now !== undefined;
  }

  private syncNow(startMs: number): void {
    for (const file of new Set([...this.syncing, ...this.unsynced])) file.now?.sync();
    this.place.took(this.host.clock() - startMs);
    if (this.segment !== undefined) this.unsynced.delete(this.segment.file);
    this.lasts(this.writtenPosition);
    this.giveBack(this.writtenBytes, this.writtenPosition);
  }

  private lasts(position: number): void {
    if (this.isUnsure || position <= this.syncedPosition) return;
    this.syncedPosition = position;
    this.marks.due = true;
  }

  /** Gives everything back up to so many bytes since the start, unless it was before. */
  private giveBack(bytes: number, position: number): void {
    if (bytes <= this.releasedBytes) return;
    this.source.release(bytes - this.releasedBytes);
    this.releasedBytes = bytes;
    this.releasedPosition = position;
    for (const resume of this.roomWaiters.splice(0)) resume();
  }

  /** Calls `resume` when records were given back; everything at hand is brought to disk for that. */
  whenRoom(resume: () => void): void {
    this.roomWaiters.push(resume);
    this.schedule();
    if (this.options.fsync === "periodic") this.flushNow();
  }

  /**
   * Writes and syncs everything at once, for callers that cannot wait for an event.
   *
   * @returns whether the engine was given anything back
   */
  makeRoomNow(): boolean {
    const before = this.releasedBytes;
    if (this.busy || this.closed || this.trouble.isBlocking || this.segment?.file.now === undefined) return false;
    try {
      // A segment that is not made yet is not waited for: the present one grows over its size.
      if (this.isFull()) this.roll();
      if (this.source.position > this.taken) this.writeRecords(Number.POSITIVE_INFINITY);
      this.syncNow(this.host.clock());
    } catch (error) {
      this.failed(error);
    }
    return this.releasedBytes > before;
  }

  private wrote(startMs: number): void {
    this.busy = false;
    if (this.trouble.isBlocking) return;
    this.host.committed?.(this.host.clock() - startMs, this.writtenBytes);
    if (this.options.fsync === "never") {
      this.giveBack(this.writtenBytes, this.writtenPosition);
      // A file that another follows is synced all the same, and closed.
      if (this.unsynced.size > 1) this.flushNow();
    }
    if (this.options.fsync === "periodic") this.flushLater();
    this.queue.reached(this.coveredPosition);
    if (this.source.position > this.taken || this.queue.length > 0) this.schedule();
  }

  private flushLater(): void {
    if (this.writtenBytes - this.releasedBytes >= (this.options.flushBytes ?? FLUSH_BYTES)) this.flushNow();
    this.flushTimer.start();
  }

  /** False when there is nothing to flush. */
  private flushNow(): boolean {
    if (this.closed || (this.writtenBytes === this.releasedBytes && this.unsynced.size === 0)) return false;
    if (!this.trouble.isBlocking) this.flush().catch((error) => this.failed(error));
    return true;
  }

  /**
   * Waits until everything that was done so far lasts: on disk, in the mode never with the system.
   *
   * @throws NearkeyError `read-only` when the disk refuses it
   */
  async commit(): Promise<void> {
    const position = this.source.position;
    if (this.trouble.isBlocking) throw this.trouble.refusal;
    if (this.coveredPosition < position) {
      await new Promise<void>((resolve, reject) => {
        this.whenCovered({ position, goOn: (covered) => (covered ? resolve() : reject(this.trouble.refusal)) });
      });
    }
    if (this.options.fsync === "periodic") await this.synced(position);
  }

  /** Waits until records that were written are on disk, whatever the mode, unless a failing disk left them unsure. */
  async synced(position: number): Promise<void> {
    while (this.syncedPosition < position && !this.isUnsure) {
      if (this.trouble.isBlocking) throw this.trouble.refusal;
      await this.flush().catch((error) => this.failed(error));
    }
  }

  /** The next segment cannot be made: what is at hand still has room, more is not taken on. */
  private readonly lackRoom = (error: unknown): void => this.trouble.begin(error, false);

  private failed(error: unknown): void {
    this.busy = false;
    this.trouble.begin(error, true);
  }

  private async retry(): Promise<void> {
    await this.step;
    await this.flushing?.catch(() => undefined);
    if (this.closed) return;
    await this.segments.prepare();
    if (this.trouble.isBlocking) await this.writeAnew();
    this.trouble.over();
    this.segments.prepare().catch(this.lackRoom);
    this.schedule();
  }

  /** Writes everything that is not certainly on disk to a fresh segment, which supersedes what stands in the old one. */
  private async writeAnew(): Promise<void> {
    const old = this.segment;
    this.segment = this.segments.take(this.releasedPosition + 1);
    this.offset = 0;
    this.isUnsure ||= this.releasedPosition > this.syncedPosition;
    this.unsynced.clear();
    this.syncing = [];
    await old?.file.close().catch(() => undefined);
    this.source.rewind();
    this.taken = this.releasedPosition;
    this.writtenPosition = this.releasedPosition;
    this.writtenBytes = this.releasedBytes;
    // The head comes last: until it is there the old segment counts, which a process that is killed leaves as it was.
    const head = this.marks.before(this.segment.number, 0, this.taken + 1, this.syncedPosition);
    this.offset = lengthOf(head);
    await this.writeRecords();
    this.writtenPosition = this.releasedPosition;
    await put(this.segment.file, 0, head, Number.POSITIVE_INFINITY);
    this.writtenPosition = this.taken;
    await this.segment.file.sync();
    this.unsynced.clear();
    this.lasts(this.writtenPosition);
    this.giveBack(this.writtenBytes, this.writtenPosition);
    this.queue.reached(this.coveredPosition);
  }

  // ---- the end

  /** Tells that a snapshot holds everything up to `position`. */
  snapshotTaken(position: number): void {
    this.segments.covered(position);
  }

  /**
   * Brings everything to disk and closes the files; behind it a reader finds a mark that nothing is missing.
   *
   * @throws NearkeyError `read-only` when the disk refuses it
   */
  async close(): Promise<void> {
    this.flushTimer.stop();
    try {
      await this.commit();
      await this.flush();
      await this.sealEnd();
    } finally {
      this.closed = true;
      await this.trouble.end();
      await Promise.allSettled([this.step, this.flushing]);
      await this.segments.close([...this.unsynced, ...this.syncing]);
      this.queue.reached(this.coveredPosition, Number.POSITIVE_INFINITY);
    }
  }

  private async sealEnd(): Promise<void> {
    const { file, number } = this.segment as OpenSegment;
    if (this.offset === 0) return this.segments.remove(number);
    const mark = this.marks.mark(number, this.offset, this.syncedPosition, false);
    await file.write(this.offset, [mark]);
    await file.truncate(this.offset + mark.length);
    await file.sync();
  }
}
