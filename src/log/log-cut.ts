// What a damaged log would lose, and the cut that makes it one that opens: everything behind the last record that can be
// reached goes aside, into files whose names end in `.cut`, and nothing is deleted. Unlike reading a log, which stops where
// records end, this looks behind that place for records that are whole by their checksums, at every eighth byte. The price
// is a segment in memory at a time, and one pass over what is behind the damage.

import type { Storage, StorageFile } from "../storage/storage.ts";
import type { LogDamage, LogFiles } from "./log-reader.ts";
import { RECORD_HEADER_BYTES, RecordFlag, SEGMENT_HEADER_BYTES, viewOf } from "./record-format.ts";
import { segmentNumber } from "./segment-files.ts";

const ASIDE = ".cut";
const CHECKSUM_AT = 24;
/** `*`, with which the command of every record begins. */
const ARRAY = 0x2a;

/** One file that a cut concerns. */
export interface CutFile {
  readonly name: string;
  /** What is behind it goes aside; 0 for the whole file. */
  readonly from: number;
  /** Bytes from there to the last one that is not zero. */
  readonly bytes: number;
}

/** What a cut would take away. */
export interface LogLoss {
  /** The damaged file first. */
  readonly files: readonly CutFile[];
  /** Sequence number of the first record that is lost; 0 when none is known of. */
  readonly first: number;
  /** Of the last one that is known of. */
  readonly last: number;
  /** Records from `first` to `last`. */
  readonly records: number;
  /** How many of them are whole behind the damage, where nothing leads to them. */
  readonly readable: number;
  /** Times of the oldest and the newest of those, ms since epoch; undefined without any. */
  readonly timesMs: readonly [oldest: number, newest: number] | undefined;
  /** Bytes that go aside, without the zeros at the end of each file. */
  readonly bytes: number;
}

/** The checksum of records. */
export type RecordChecksum = (bytes: Uint8Array) => bigint;

/**
 * Tells what would be lost by ending a log before a damage. Nothing is changed.
 *
 * @param checksum of the engine
 */
export async function findLoss(storage: LogFiles, damage: LogDamage, checksum: RecordChecksum): Promise<LogLoss> {
  const files: CutFile[] = [];
  const found = new FoundRecords(damage.position, checksum);
  for (const name of await concerned(storage, damage)) {
    const from = name === damage.file && damage.offset > SEGMENT_HEADER_BYTES ? damage.offset : 0;
    const tail = await readFrom(storage, name, from);
    found.look(tail, from === 0 ? SEGMENT_HEADER_BYTES : 0);
    files.push({ name, from, bytes: tail.length });
  }
  const last = Math.max(found.last, damage.known ?? 0);
  const records = Math.max(0, last - damage.position);
  const first = records === 0 ? 0 : damage.position + 1;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { files, first, last, records, readable: found.count, timesMs: found.timesMs, bytes };
}

/** The damaged segment and those behind it; all of them when what is missing is before the first. */
async function concerned(storage: LogFiles, { file, offset }: LogDamage): Promise<string[]> {
  const segments = (await storage.list()).filter((name) => segmentNumber(name) !== undefined).sort();
  return offset === 0 ? segments : segments.filter((name) => name >= file);
}

async function readFrom(storage: LogFiles, name: string, from: number): Promise<Uint8Array> {
  return withFile(storage, name, async (file) => {
    const tail = new Uint8Array(Math.max(0, file.size - from));
    const read = await file.read(from, tail);
    return tail.subarray(0, tail.subarray(0, read).findLastIndex((byte) => byte !== 0) + 1);
  });
}

async function withFile<Result>(
  storage: LogFiles,
  name: string,
  use: (file: StorageFile) => Promise<Result>,
): Promise<Result> {
  const file = await storage.open(name);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Records behind a position that are whole, each number once: a segment that supersedes another repeats some. */
class FoundRecords {
  last = 0;
  timesMs: readonly [number, number] | undefined;
  private readonly numbers = new Set<number>();

  constructor(
    private readonly position: number,
    private readonly checksum: RecordChecksum,
  ) {}

  get count(): number {
    return this.numbers.size;
  }

  /** Looks at a part of a file that begins where a record may. */
  look(bytes: Uint8Array, from: number): void {
    // The zeros that end the last record were cut off with those behind it.
    const padded = new Uint8Array(bytes.length + 8);
    padded.set(bytes);
    const view = viewOf(padded);
    for (let at = from; at + RECORD_HEADER_BYTES < padded.length; ) {
      const length = view.getUint32(at, true);
      const isRecord = this.mayBegin(view, at, length) && this.isWhole(padded.slice(at, at + length));
      if (isRecord) this.note(Number(view.getBigUint64(at + 8, true)), Number(view.getBigInt64(at + 16, true)));
      at += isRecord ? length : 8;
    }
  }

  private mayBegin(view: DataView, at: number, length: number): boolean {
    if (length <= RECORD_HEADER_BYTES || length % 8 !== 0 || at + length > view.byteLength) return false;
    if ((view.getUint8(at + 5) & ~RecordFlag.Continues) !== 0 || view.getUint16(at + 6, true) > 7) return false;
    return view.getUint8(at + RECORD_HEADER_BYTES) === ARRAY && view.getBigUint64(at + 8, true) > this.position;
  }

  private isWhole(record: Uint8Array): boolean {
    const view = viewOf(record);
    const written = view.getBigUint64(CHECKSUM_AT, true);
    view.setBigUint64(CHECKSUM_AT, 0n, true);
    return this.checksum(record) === written;
  }

  private note(sequence: number, timeMs: number): void {
    this.numbers.add(sequence);
    this.last = Math.max(this.last, sequence);
    const [oldest, newest] = this.timesMs ?? [timeMs, timeMs];
    this.timesMs = [Math.min(oldest, timeMs), Math.max(newest, timeMs)];
  }
}

/**
 * Cuts: what is behind the damage goes aside. Each step lasts before the next begins, from the last file to the damaged one,
 * so a crash in between leaves a log that is damaged at the same place, or cut.
 *
 * @returns the names of the files that were put aside
 * @throws the system's error; then run it again
 */
export async function cutLog(storage: Storage, { files }: LogLoss): Promise<string[]> {
  const made: string[] = [];
  for (const { name, from } of files.toReversed()) {
    if (from === 0) made.push(await putAside(storage, name));
    else made.push(...(await cutTail(storage, name, from)));
  }
  return made;
}

/**
 * Gives a file a name that ends in `.cut`, which nothing reads.
 *
 * @returns the name
 */
export async function putAside(storage: Storage, name: string): Promise<string> {
  const aside = await freeName(storage, name);
  await storage.rename(name, aside);
  return aside;
}

async function cutTail(storage: Storage, name: string, from: number): Promise<string[]> {
  const tail = await readFrom(storage, name, from);
  const made: string[] = [];
  if (tail.length > 0) {
    const aside = await freeName(storage, `${name}-from-${from}`);
    await storage.replace(aside, async (file) => void (await file.write(0, [tail])));
    made.push(aside);
  }
  await withFile(storage, name, async (file) => {
    await file.truncate(from);
    await file.sync();
  });
  return made;
}

/** A name that ends in `.cut` and that no file has: nothing that an earlier cut put aside is written over. */
export async function freeName(storage: Storage, name: string): Promise<string> {
  const taken = new Set(await storage.list());
  let free = name + ASIDE;
  for (let number = 2; taken.has(free); number++) free = `${name}-${number}${ASIDE}`;
  return free;
}
