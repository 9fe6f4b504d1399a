// Records as an engine makes them, without an engine: what the log's own tests write, and read back.

import type { ReplayEnd } from "../src/log/log-reader.ts";
import type { RecordSource } from "../src/log/record-source.ts";

const HEADER_BYTES = 32;
const MASK = (1n << 64n) - 1n;

/** A record with so many bytes of payload that tell its number. */
export function makeRecord(sequence: number, payloadBytes: number, continues = false): Uint8Array {
  const padding = -payloadBytes & 7;
  const bytes = new Uint8Array(HEADER_BYTES + payloadBytes + padding);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint8(5, continues ? 1 : 0);
  view.setUint16(6, padding, true);
  view.setBigUint64(8, BigInt(sequence), true);
  view.setBigUint64(16, 1_700_000_000_000n, true);
  bytes.fill(sequence * 31, HEADER_BYTES, HEADER_BYTES + payloadBytes);
  view.setBigUint64(24, sumOf(view), true);
  return bytes;
}

function sumOf(view: DataView): bigint {
  let sum = 0xcbf29ce484222325n;
  for (let at = 0; at < view.byteLength; at += 8) {
    if (at !== 24) sum = ((sum ^ view.getBigUint64(at, true)) * 0x100000001b3n) & MASK;
  }
  return sum;
}

/** The records of a process that wait for the log. */
export class ModelSource implements RecordSource {
  position: number;
  private untaken: Uint8Array[] = [];
  private readonly taken: Uint8Array[] = [];

  constructor(position: number) {
    this.position = position;
  }

  get pendingBytes(): number {
    return this.untaken.reduce((bytes, record) => bytes + record.length, 0);
  }

  /** Bytes that are not released. */
  get heldBytes(): number {
    return this.pendingBytes + this.taken.reduce((bytes, record) => bytes + record.length, 0);
  }

  /** Makes a group of records. */
  write(payloads: readonly number[]): void {
    for (const [index, bytes] of payloads.entries()) {
      this.untaken.push(makeRecord(++this.position, bytes, index < payloads.length - 1));
    }
  }

  take(): Uint8Array[] {
    const pieces = this.untaken;
    this.taken.push(...pieces);
    this.untaken = [];
    return pieces;
  }

  release(bytes: number): void {
    let left = bytes;
    while (left > 0) {
      const record = this.taken.shift();
      if (record === undefined) throw new RangeError("more is released than was taken");
      left -= record.length;
    }
    if (left < 0) throw new RangeError("a part of a record is released");
  }

  rewind(): void {
    this.untaken.unshift(...this.taken.splice(0));
  }
}

/** Reads records back: all that must hold of them is checked, and only whole groups count. */
export class ModelTarget {
  /** What `position` was after each group. */
  readonly groupEnds: number[];

  constructor(public position: number) {
    this.groupEnds = [position];
  }

  replay(bytes: Uint8Array): { bytes: number; end: ReplayEnd } {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    let group = 0;
    let next = bytes.length < HEADER_BYTES ? 0 : Math.min(this.position + 1, Number(view.getBigUint64(8, true)));
    while (at + HEADER_BYTES <= bytes.length) {
      const end = this.faultAt(view, at, next);
      if (end !== undefined) return { bytes: group, end };
      const continues = (view.getUint8(at + 5) & 1) !== 0;
      at += view.getUint32(at, true);
      next++;
      if (continues) continue;
      group = at;
      if (next - 1 <= this.position) continue;
      this.position = next - 1;
      this.groupEnds.push(this.position);
    }
    return { bytes: group, end: group === bytes.length ? "done" : "incomplete" };
  }

  private faultAt(view: DataView, at: number, next: number): ReplayEnd | undefined {
    const bytes = view.getUint32(at, true);
    if (bytes === 0) return "zero";
    if (bytes % 8 !== 0 || bytes < HEADER_BYTES) return "malformed";
    if (at + bytes > view.byteLength) return "incomplete";
    const record = new DataView(view.buffer, view.byteOffset + at, bytes);
    if (record.getBigUint64(24, true) !== sumOf(record)) return "checksum";
    return Number(record.getBigUint64(8, true)) === next ? undefined : "sequence";
  }
}
