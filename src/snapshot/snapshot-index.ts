// The index of a snapshot file: for each piece of a page, in the order of their blocks in the file, which page, which of its
// 16 blocks (a bit each) and their checksum. 16 bytes an entry; where blocks lie in the file follows from the counts.
//
// Entry: 0 page (u16) | 2 blocks (u16) | 4 zero (u32) | 8 checksum (u64)

import type { PageBlocks } from "../engine-snapshot.ts";
import { INDEX_ENTRY_BYTES } from "./snapshot-format.ts";

const ENTRIES_FIRST = 1024;

/** An index that grows. */
export class SnapshotIndex {
  #view = new DataView(new ArrayBuffer(ENTRIES_FIRST * INDEX_ENTRY_BYTES));
  #bytes = 0;
  /** Blocks of all entries. */
  blocks = 0;

  get entries(): number {
    return this.#bytes / INDEX_ENTRY_BYTES;
  }

  add({ page, blocks, checksum }: PageBlocks): void {
    if (this.#bytes === this.#view.byteLength) this.#grow();
    this.#view.setUint16(this.#bytes, page, true);
    this.#view.setUint16(this.#bytes + 2, blocks, true);
    this.#view.setBigUint64(this.#bytes + 8, checksum, true);
    this.#bytes += INDEX_ENTRY_BYTES;
    this.blocks += countBlocks(blocks);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#view.byteLength * 2);
    larger.set(this.bytes());
    this.#view = new DataView(larger.buffer);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.#bytes);
  }
}

/** Reads an index entry by entry. */
export function* readIndex(bytes: Uint8Array): Generator<PageBlocks> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += INDEX_ENTRY_BYTES) {
    yield {
      page: view.getUint16(at, true),
      blocks: view.getUint16(at + 2, true),
      checksum: view.getBigUint64(at + 8, true),
    };
  }
}

/** Blocks that are meant by bits. */
export function countBlocks(blocks: number): number {
  let count = 0;
  for (let left = blocks; left !== 0; left &= left - 1) count++;
  return count;
}
