// Heads of segments that can be made again. A head is 64 bytes with a check of its own, so one flipped bit is found by
// trying all of them; and where more is wrong, all that a head says stands behind it as well: the number of the first
// record in that record, the log's name in the head of any other segment. Whether a head that was made again is right is
// not decided here but by reading the log with it. The price of looking is one pass over the log.

import type { Storage, StorageFile } from "../storage/storage.ts";
import type { LogFiles } from "./log-reader.ts";
import {
  claimedIdentity,
  decodeSegmentHeader,
  encodeSegmentHeader,
  LOG_VERSION,
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  viewOf,
} from "./record-format.ts";
import { segmentNumber } from "./segment-files.ts";

/** The head that a segment must have had. */
export interface NewHead {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Its own check says that this is what was written; else reading the log with it must tell. */
  readonly isProven: boolean;
}

/** Where a head says which segment it belongs to, and a record its number. */
const NUMBER_AT = 16;
const SEQUENCE_AT = 8;

interface Opening {
  readonly name: string;
  readonly number: number;
  /** The head as it is found, and what a record begins with. */
  readonly bytes: Uint8Array;
}

/** Makes heads for the segments that have none and seem to hold records. Nothing is changed. */
export async function findHeads(storage: LogFiles): Promise<NewHead[]> {
  const openings: Opening[] = [];
  for (const name of (await storage.list()).sort()) {
    const number = segmentNumber(name);
    if (number !== undefined) openings.push({ name, number, bytes: await openingOf(storage, name) });
  }
  const sound = openings.map(({ bytes, number }) => decodeSegmentHeader(bytes, number));
  const identity = sound.findLast((header) => header !== undefined)?.identity;
  return openings.flatMap(({ name, number, bytes }, index) => {
    const head = sound[index] === undefined ? headFor(bytes, number, identity) : undefined;
    return head === undefined ? [] : [{ name, ...head }];
  });
}

async function openingOf(storage: LogFiles, name: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES);
  const file = await storage.open(name);
  try {
    await file.read(0, bytes);
  } finally {
    await file.close();
  }
  return bytes;
}

type Head = Omit<NewHead, "name">;

function headFor(bytes: Uint8Array, number: number, identity: bigint | undefined): Head | undefined {
  const claimed = Number(viewOf(bytes).getBigUint64(NUMBER_AT, true));
  // Used again under this number, and nothing was written to it yet: what stands there counts no more.
  if (decodeSegmentHeader(bytes, claimed) !== undefined) return undefined;
  return withBitFlipped(bytes, number) ?? madeAgain(bytes, number, identity ?? claimedIdentity(bytes));
}

function withBitFlipped(bytes: Uint8Array, number: number): Head | undefined {
  const head = bytes.slice(0, SEGMENT_HEADER_BYTES);
  for (let bit = 0; bit < SEGMENT_HEADER_BYTES * 8; bit++) {
    const at = bit >>> 3;
    const byte = head[at] as number;
    head[at] = byte ^ (1 << (bit & 7));
    if (decodeSegmentHeader(head, number) !== undefined) return { bytes: head, isProven: true };
    head[at] = byte;
  }
  return undefined;
}

/** It says of no record that it had been on disk: nothing is known of that. */
function madeAgain(bytes: Uint8Array, number: number, identity: bigint): Head | undefined {
  const view = viewOf(bytes);
  const length = view.getUint32(SEGMENT_HEADER_BYTES, true);
  if (length <= RECORD_HEADER_BYTES || length % 8 !== 0) return undefined;
  const first = Number(view.getBigUint64(SEGMENT_HEADER_BYTES + SEQUENCE_AT, true));
  if (first < 1 || !Number.isSafeInteger(first)) return undefined;
  const head = encodeSegmentHeader({ version: LOG_VERSION, number, first, identity, synced: 0 });
  return { bytes: head, isProven: false };
}

/** The same log with other heads, to be read: what is written to it goes nowhere. */
export function withHeads(storage: LogFiles, heads: readonly NewHead[]): LogFiles {
  const open = async (name: string): Promise<StorageFile> => {
    const file = await storage.open(name);
    const head = heads.find((each) => each.name === name)?.bytes ?? new Uint8Array();
    return new HeadedFile(file, head);
  };
  return { list: () => storage.list(), open };
}

class HeadedFile implements StorageFile {
  readonly name: string;
  readonly size: number;

  constructor(
    private readonly file: StorageFile,
    private readonly head: Uint8Array,
  ) {
    this.name = file.name;
    this.size = file.size;
  }

  async read(at: number, into: Uint8Array): Promise<number> {
    const read = await this.file.read(at, into);
    into.set(this.head.subarray(at, at + read));
    return read;
  }

  write(): undefined {}

  append(): undefined {}

  async sync(): Promise<void> {}

  async truncate(): Promise<void> {}

  close(): Promise<void> {
    return this.file.close();
  }
}

/**
 * Writes the heads; what stood in their places goes aside.
 *
 * @param aside names a file that there is none of
 * @returns the names of the files that were put aside
 */
export async function writeHeads(
  storage: Storage,
  heads: readonly NewHead[],
  aside: (name: string) => Promise<string>,
): Promise<string[]> {
  const made: string[] = [];
  for (const { name, bytes } of heads) {
    const old = (await openingOf(storage, name)).slice(0, SEGMENT_HEADER_BYTES);
    const kept = await aside(`${name}-head`);
    await storage.replace(kept, async (file) => void (await file.write(0, [old])));
    made.push(kept);
    const file = await storage.open(name);
    try {
      await file.write(0, [bytes]);
      await file.sync();
    } finally {
      await file.close();
    }
  }
  return made;
}
