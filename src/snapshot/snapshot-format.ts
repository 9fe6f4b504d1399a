// The bytes of a snapshot file, drawn in docs/formats.md: a header, blocks of 4 KiB, the state below the heap, an index
// that says where each block belongs, and a footer that only a complete file has. Numbers are little-endian. Every part has
// a 64-bit checksum, and the checksum of blocks covers their place too, so that nothing can stand elsewhere unnoticed.
// A file is written from front to back: what its header cannot know yet is in the footer.

import { NearkeyError } from "../errors.ts";

/** Raised when the drawing changes; files of other versions are refused. */
export const FORMAT_VERSION = 1;
export const HEADER_BYTES = 4096;
export const FOOTER_BYTES = 64;

const MAGIC = 0x1a79_656b_7261_656en; // "nearkey" and an end-of-file character, so that no text file begins so
const END_MAGIC = 0x0a64_6e65_796b_726en; // "nrkyend\n"

/** A flag: freed bytes are zeroed, and queues of eviction left out, for a file that leaves its machine. */
const EXPORTED = 1;

/** What is known at the cut. */
export interface SnapshotHeader {
  /** What the engine's structures look like; see `EngineSnapshot.layout`. */
  readonly layout: bigint;
  /** Number of the last effect record that the snapshot has. */
  readonly sequence: number;
  /** When it was cut, ms since epoch. */
  readonly timeMs: number;
  /** Drawn for each file. */
  readonly id: bigint;
  /** The file whose blocks this one changes; 0 for none. */
  readonly parent: bigint;
  /** What the access bits of entries mean. */
  readonly accessKind: number;
  readonly exported: boolean;
}

/** What is known at the end. */
export interface SnapshotFooter {
  readonly stateBytes: number;
  readonly indexEntries: number;
  readonly blocks: number;
  readonly headerChecksum: bigint;
  readonly stateChecksum: bigint;
  readonly indexChecksum: bigint;
  readonly id: bigint;
}

export type Checksum = (bytes: Uint8Array) => bigint;

export function encodeHeader(header: SnapshotHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, MAGIC, true);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, header.exported ? EXPORTED : 0, true);
  view.setBigUint64(16, header.layout, true);
  view.setBigUint64(24, BigInt(header.sequence), true);
  view.setBigUint64(32, BigInt(header.timeMs), true);
  view.setBigUint64(40, header.id, true);
  view.setBigUint64(48, header.parent, true);
  view.setUint32(56, header.accessKind, true);
  return bytes;
}

/**
 * Reads a header.
 *
 * @param place how messages name the file
 * @throws NearkeyError `storage-damaged` for a file that is none of ours, `unsupported` for another version
 */
export function decodeHeader(bytes: Uint8Array, place: string): SnapshotHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || view.getBigUint64(0, true) !== MAGIC) {
    throw damaged(place, 0, "it does not begin as a snapshot does", "is it the right file?");
  }
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION) {
    throw new NearkeyError(
      "unsupported",
      `${place}, offset 8: format ${version}, and this nearkey reads ${FORMAT_VERSION}: open it with a newer version of nearkey`,
    );
  }
  if (bytes.length < HEADER_BYTES) throw damaged(place, bytes.length, "it ends inside its header", RESTORE);
  return {
    exported: (view.getUint32(12, true) & EXPORTED) !== 0,
    layout: view.getBigUint64(16, true),
    sequence: Number(view.getBigUint64(24, true)),
    timeMs: Number(view.getBigUint64(32, true)),
    id: view.getBigUint64(40, true),
    parent: view.getBigUint64(48, true),
    accessKind: view.getUint32(56, true),
  };
}

export function encodeFooter(footer: SnapshotFooter, checksum: Checksum): Uint8Array {
  const bytes = new Uint8Array(FOOTER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, END_MAGIC, true);
  view.setUint32(8, footer.stateBytes, true);
  view.setUint32(12, footer.indexEntries, true);
  view.setUint32(16, footer.blocks, true);
  view.setBigUint64(24, footer.headerChecksum, true);
  view.setBigUint64(32, footer.stateChecksum, true);
  view.setBigUint64(40, footer.indexChecksum, true);
  view.setBigUint64(48, footer.id, true);
  view.setBigUint64(56, checksum(bytes.subarray(0, 56)), true);
  return bytes;
}

/**
 * Reads a footer.
 *
 * @param offset where in the file it stands, for messages
 * @throws NearkeyError `storage-damaged` when it is none: the file is not complete
 */
export function decodeFooter(bytes: Uint8Array, place: string, offset: number, checksum: Checksum): SnapshotFooter {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FOOTER_BYTES || view.getBigUint64(0, true) !== END_MAGIC) {
    throw damaged(place, offset, "it does not end as a complete snapshot does: it was cut off", RESTORE);
  }
  if (view.getBigUint64(56, true) !== checksum(bytes.subarray(0, 56))) {
    throw damaged(place, offset, "the checksum of its end is wrong", RESTORE);
  }
  return {
    stateBytes: view.getUint32(8, true),
    indexEntries: view.getUint32(12, true),
    blocks: view.getUint32(16, true),
    headerChecksum: view.getBigUint64(24, true),
    stateChecksum: view.getBigUint64(32, true),
    indexChecksum: view.getBigUint64(40, true),
    id: view.getBigUint64(48, true),
  };
}

export const RESTORE = "take an older snapshot or a copy of this one";

/** An error that names the file, the offset, what is wrong and what to do. */
export function damaged(place: string, offset: number, what: string, advice: string): NearkeyError {
  return new NearkeyError("storage-damaged", `${place}, offset ${offset}: ${what}; ${advice}`);
}
