// A snapshot file to be read: its header, footer, index and state are checked before anything is believed, its blocks as they
// are put in place. Whole pages that follow each other are read straight into the engine's memory, pieces of pages by way
// of a buffer.

import { BLOCK_BYTES, type EngineSnapshot, INDEX_ENTRY_BYTES } from "../engine-snapshot.ts";
import { NearkeyError } from "../errors.ts";
import type { StorageFile } from "../storage/storage.ts";
import {
  damaged,
  decodeFooter,
  decodeHeader,
  FOOTER_BYTES,
  HEADER_BYTES,
  RESTORE,
  type SnapshotFooter,
  type SnapshotHeader,
} from "./snapshot-format.ts";
import { countBlocks, groupIndex, type IndexRun } from "./snapshot-index.ts";

/** Runs that are read while others are checked: memory that nobody has touched yet is what takes the time. */
const READS_AHEAD = 4;

/** What a snapshot is read from. */
export type SnapshotSource = Pick<StorageFile, "size" | "read">;

/**
 * Reads the header alone.
 *
 * @throws NearkeyError `storage-damaged`, `unsupported`
 */
export async function readHeader(source: SnapshotSource, place: string): Promise<SnapshotHeader> {
  return decodeHeader(await readAt(source, 0, Math.min(HEADER_BYTES, source.size), place), place);
}

async function readAt(source: SnapshotSource, at: number, bytes: number, place: string): Promise<Uint8Array> {
  const into = new Uint8Array(bytes);
  const read = await source.read(at, into);
  if (read < bytes) throw damaged(place, at + read, "it ends early", RESTORE);
  return into;
}

/** A file whose frame is whole. */
export class SnapshotFile {
  private constructor(
    private readonly source: SnapshotSource,
    private readonly place: string,
    readonly header: SnapshotHeader,
    private readonly footer: SnapshotFooter,
    private readonly index: Uint8Array,
  ) {}

  /**
   * Checks header, footer and index.
   *
   * @param place how messages name the file
   * @throws NearkeyError `storage-damaged` with the offset; `unsupported` for another format, or another layout of memory
   */
  static async open(source: SnapshotSource, place: string, engine: EngineSnapshot): Promise<SnapshotFile> {
    const head = await readAt(source, 0, Math.min(HEADER_BYTES, source.size), place);
    const header = decodeHeader(head, place);
    const end = Math.max(0, source.size - FOOTER_BYTES);
    const checksum = (bytes: Uint8Array): bigint => engine.checksum(bytes);
    const tail = await readAt(source, end, source.size - end, place);
    const footer = decodeFooter(tail, place, end, checksum);
    const indexBytes = footer.indexEntries * INDEX_ENTRY_BYTES;
    const indexAt = end - indexBytes;
    if (HEADER_BYTES + footer.blocks * BLOCK_BYTES + footer.stateBytes !== indexAt || footer.id !== header.id) {
      throw damaged(place, end, "its length does not fit its end: bytes are missing or too many", RESTORE);
    }
    if (checksum(head) !== footer.headerChecksum) throw damaged(place, 0, "the header's checksum is wrong", RESTORE);
    const index = await readAt(source, indexAt, indexBytes, place);
    if (checksum(index) !== footer.indexChecksum) {
      throw damaged(place, indexAt, "the index's checksum is wrong", RESTORE);
    }
    if (header.layout !== engine.layout) throw otherLayout(place);
    return new SnapshotFile(source, place, header, footer, index);
  }

  /** The state below the heap, checked. */
  async readState(engine: EngineSnapshot): Promise<Uint8Array> {
    const at = HEADER_BYTES + this.footer.blocks * BLOCK_BYTES;
    const state = await readAt(this.source, at, this.footer.stateBytes, this.place);
    if (engine.checksum(state) !== this.footer.stateChecksum) {
      throw damaged(this.place, at, "the state's checksum is wrong", RESTORE);
    }
    return state;
  }

  /**
   * Puts the blocks of pages that `wanted` names into an engine's memory and checks them there.
   *
   * @param wanted true for a page of which this file's blocks are needed, false for one that is free by now
   */
  async putBlocks(engine: EngineSnapshot, wanted: (page: number) => boolean): Promise<void> {
    const reads: Promise<() => void>[] = [];
    try {
      for (const run of groupIndex(this.index, wanted)) {
        reads.push(this.#read(engine, run));
        if (reads.length === READS_AHEAD) (await (reads.shift() as Promise<() => void>))();
      }
      while (reads.length > 0) (await (reads.shift() as Promise<() => void>))();
    } finally {
      await Promise.allSettled(reads);
    }
  }

  /** Reads the blocks of a run; answers what then checks them. */
  async #read(engine: EngineSnapshot, run: IndexRun): Promise<() => void> {
    const into = run.page === 0 ? new Uint8Array(run.bytes) : engine.pagesView(run.page, run.bytes);
    const at = HEADER_BYTES + run.offset;
    if ((await this.source.read(at, into)) < run.bytes) throw damaged(this.place, at, "it ends early", RESTORE);
    return () => {
      const firstByte = run.firstEntry * INDEX_ENTRY_BYTES;
      const entries = this.index.subarray(firstByte, firstByte + run.entries * INDEX_ENTRY_BYTES);
      const right = engine.putBlocks(entries, run.page === 0 ? into : undefined);
      if (right < run.entries) throw this.#wrong(entries, right, at);
    };
  }

  #wrong(entries: Uint8Array, right: number, start: number): NearkeyError {
    const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
    let at = start;
    for (let entry = 0; entry < right; entry++) {
      at += countBlocks(view.getUint16(entry * INDEX_ENTRY_BYTES + 2, true)) * BLOCK_BYTES;
    }
    const page = view.getUint16(right * INDEX_ENTRY_BYTES, true);
    return damaged(this.place, at, `the checksum of blocks of page ${page} is wrong`, RESTORE);
  }
}

function otherLayout(place: string): NearkeyError {
  return new NearkeyError(
    "unsupported",
    `${place}, offset 16: it was written by a version of nearkey that lays out its memory differently, and the engine of that ` +
      "version is not beside it: open it with that version",
  );
}
