// The files of a log: segments of one size, numbered, written one after another. The next one is always made ahead,
// full of zeros and on disk, because a commit into bytes that are there already needs no change of the file's size or
// blocks and takes half the time. A segment that a snapshot covers is used again under the next number as it is: its
// old records have lower sequence numbers, and its header and marks another segment's number. Only one that this process
// has written, though: behind the end of a log that a crash tore there may be whole records that never counted, and
// numbers that are given to others now.

import { NearkeyError } from "../errors.ts";
import { faultCode, type Storage, type StorageFile } from "../storage/storage.ts";

/**
 * Segments kept to be used again; more are removed. As many as are written between two snapshots unless their settings are
 * changed: then none is ever made anew. What that spares is the system's memory more than its disk: 16 MiB of zeros take
 * 3 to 5 ms of CPU, and 50 ms in a virtual machine whose memory was not touched before.
 */
const SPARE_SEGMENTS = 32;
/**
 * Zeros are written in pieces that a storage does not write at once, from memory that begins where pages begin: so they may go
 * past the system's cache, whose memory would cost as much as what is written there later.
 */
const ZEROS = new Uint8Array(new WebAssembly.Memory({ initial: 32, maximum: 32 }).buffer);
const NAME = /^log-(\d{12})$/;

/** Name of the file of a segment. */
export function segmentName(number: number): string {
  return `log-${String(number).padStart(12, "0")}`;
}

/** Number of a segment by the name of its file; undefined for other files. */
export function segmentNumber(name: string): number | undefined {
  const match = NAME.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** A segment that can be written to. */
export interface OpenSegment {
  readonly number: number;
  readonly file: StorageFile;
}

/** A segment that holds records. */
export interface KnownSegment {
  readonly number: number;
  /** Sequence number of its first record. */
  readonly first: number;
}

/** What is in a directory when writing begins. */
export interface FoundSegments {
  /** Those whose records count, oldest first. */
  readonly known: readonly KnownSegment[];
  /** Numbers of those whose records do not count. */
  readonly unused: readonly number[];
  /** Greatest number of any. */
  readonly lastNumber: number;
}

/** Makes, keeps and removes segments. */
export class SegmentFiles {
  /** Oldest first; the last one is being written. */
  private readonly known: KnownSegment[];
  private readonly spare: string[] = [];
  /** The last one that was there before this process. */
  private readonly foundNumber: number;
  private nextNumber: number;
  private making: Promise<OpenSegment> | undefined;
  private made: OpenSegment | undefined;
  private taken: StorageFile | undefined;
  /** Spares on their way, so that closing waits for them. */
  private tidying: Promise<void> = Promise.resolve();

  /**
   * @param segmentBytes size that they are made with
   * @param found what is there already
   */
  constructor(
    private readonly storage: Storage,
    private readonly segmentBytes: number,
    found: FoundSegments,
  ) {
    this.known = [...found.known];
    this.foundNumber = found.lastNumber;
    this.nextNumber = found.lastNumber + 1;
    for (const number of found.unused) this.letGo(number);
  }

  /** Bytes of all segments that hold records or will. */
  get bytes(): number {
    return (this.known.length + (this.made === undefined ? 0 : 1)) * this.segmentBytes;
  }

  /** The next segment, if it is made. */
  get ready(): OpenSegment | undefined {
    return this.made;
  }

  /** Makes the next segment, unless it is made or being made. */
  prepare(): Promise<OpenSegment> {
    if (this.made !== undefined) return Promise.resolve(this.made);
    this.making ??= this.make().then(
      (segment) => {
        this.making = undefined;
        this.made = segment;
        return segment;
      },
      (error) => {
        this.making = undefined;
        throw error;
      },
    );
    return this.making;
  }

  private async make(): Promise<OpenSegment> {
    const number = this.nextNumber;
    const name = segmentName(number);
    const old = this.spare.pop();
    if (old !== undefined) await this.storage.rename(old, name);
    const file = await this.storage.open(name, { create: true });
    try {
      await this.fill(file);
      await file.sync();
    } catch (error) {
      // What is there of it would take the space that is missing.
      await file.close().catch(() => undefined);
      await this.storage.remove(name).catch(() => undefined);
      throw error;
    }
    this.nextNumber = number + 1;
    return { number, file };
  }

  /** Step by step: a commit elsewhere waits behind one step at most, not behind all of a segment. */
  private async fill(file: StorageFile): Promise<void> {
    for (let at = file.size; at < this.segmentBytes; at += ZEROS.length) {
      await file.write(at, [ZEROS.subarray(0, Math.min(ZEROS.length, this.segmentBytes - at))]);
      await file.sync();
    }
  }

  /** Takes the segment that `prepare` made; from now on it holds the records from `first` on. */
  take(first: number): OpenSegment {
    const segment = this.made;
    if (segment === undefined) throw new NearkeyError("storage-failed", "no segment was made");
    this.made = undefined;
    this.taken = segment.file;
    this.begin(segment.number, first);
    return segment;
  }

  /** Notes that a segment is written from its start again, with the records from `first` on. */
  begin(number: number, first: number): void {
    while ((this.known.at(-1)?.number ?? -1) >= number) this.known.pop();
    this.known.push({ number, first });
  }

  /** Sequence number of the first record that is still there. */
  get oldest(): number | undefined {
    return this.known[0]?.first;
  }

  /** Lets go of the segments whose records are all up to `sequence`: a snapshot holds what they did. */
  covered(sequence: number): void {
    while (this.known.length > 1 && (this.known[1] as KnownSegment).first <= sequence + 1) {
      const { number } = this.known.shift() as KnownSegment;
      this.letGo(number);
    }
  }

  private letGo(number: number): void {
    const name = segmentName(number);
    if (number > this.foundNumber && this.spare.length < SPARE_SEGMENTS) this.spare.push(name);
    else this.tidying = this.tidying.then(() => this.storage.remove(name)).catch(() => undefined);
  }

  /** Removes the segment that was taken last, and nothing was written to. */
  async remove(number: number): Promise<void> {
    this.known.pop();
    await this.storage.remove(segmentName(number));
  }

  /**
   * Waits for what goes on, and removes what would only take space: spares, and the segment made ahead.
   *
   * @param others files to be closed beside the one that was taken last; a disk that refuses may have left some
   */
  async close(others: readonly StorageFile[]): Promise<void> {
    await this.making?.catch(() => undefined);
    await this.tidying;
    const open = this.taken === undefined ? others : [this.taken, ...others];
    for (const file of new Set(open)) await file.close().catch(() => undefined);
    const ahead = this.made;
    this.made = undefined;
    if (ahead !== undefined) {
      await ahead.file.close();
      this.spare.push(segmentName(ahead.number));
    }
    for (const name of this.spare.splice(0)) await this.storage.remove(name);
  }
}

/** What the system said, for people. */
export function faultText(error: unknown): string {
  const code = faultCode(error);
  const words: Readonly<Record<string, string>> = {
    ENOSPC: "the disk is full (ENOSPC)",
    EDQUOT: "the disk quota is used up (EDQUOT)",
    EFBIG: "the file may not grow so large (EFBIG)",
    EROFS: "the disk is mounted read-only (EROFS)",
    EIO: "the disk failed (EIO)",
    EACCES: "the file may not be written (EACCES)",
  };
  return words[code] ?? (error instanceof Error ? error.message : code);
}
