// A snapshot file to be read: its header, footer, index and state are checked before anything is believed, its blocks as they
// are put in place. Whole pages that follow each other are read straight into the engine's memory, pieces of pages by way
// of a buffer.

import { BLOCK_BYTES, type EngineSnapshot, type PageBlocks } from "../engine-snapshot.ts";
import { NearkeyError } from "../errors.ts";
import type { StorageFile } from "../storage/storage.ts";
import {
  damaged,
  decodeFooter,
  decodeHeader,
  FOOTER_BYTES,
  HEADER_BYTES,
  INDEX_ENTRY_BYTES,
  RESTORE,
  type SnapshotFooter,
  type SnapshotHeader,
} from "./snapshot-format.ts";
import { countBlocks, readIndex } from "./snapshot-index.ts";

/** What a snapshot is read from. */
export type SnapshotSource = Pick<StorageFile, "size" | "read">;

const READ_BYTES = 4 * 1024 * 1024;
const WHOLE_PAGE = 0xffff;

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

/** Entries whose blocks lie behind each other in the file and are read at once. */
interface Run {
  readonly entries: PageBlocks[];
  /** Whole pages that follow each other in memory. */
  readonly pages: boolean;
  readonly offset: number;
  bytes: number;
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
   * @param pages pages that the memory has
   */
  async putBlocks(engine: EngineSnapshot, wanted: (page: number) => boolean, pages: number): Promise<void> {
    for (const run of this.#runs(wanted)) {
      const last = run.entries[run.entries.length - 1] as PageBlocks;
      if (run.entries.some(({ page }) => page === 0 || page >= pages)) {
        throw damaged(this.place, run.offset, `it has blocks of page ${last.page}, which it does not know`, RESTORE);
      }
      const into = run.pages
        ? engine.pagesView((run.entries[0] as PageBlocks).page, run.bytes)
        : new Uint8Array(run.bytes);
      if ((await this.source.read(run.offset, into)) < run.bytes) {
        throw damaged(this.place, run.offset, "it ends early", RESTORE);
      }
      this.#check(engine, run, into);
    }
  }

  #check(engine: EngineSnapshot, run: Run, read: Uint8Array): void {
    let at = 0;
    for (const entry of run.entries) {
      const bytes = countBlocks(entry.blocks) * BLOCK_BYTES;
      if (!run.pages) engine.putBlocks(entry.page, entry.blocks, read.subarray(at, at + bytes));
      if (!engine.hasBlocks(entry)) {
        throw damaged(this.place, run.offset + at, `the checksum of page ${entry.page} is wrong`, RESTORE);
      }
      at += bytes;
    }
  }

  *#runs(wanted: (page: number) => boolean): Generator<Run> {
    let offset = HEADER_BYTES;
    let run: Run | undefined;
    for (const entry of readIndex(this.index)) {
      const bytes = countBlocks(entry.blocks) * BLOCK_BYTES;
      const skipped = !wanted(entry.page);
      if (run !== undefined && (skipped || !continues(run, entry, bytes))) {
        yield run;
        run = undefined;
      }
      if (!skipped) {
        run ??= { entries: [], pages: entry.blocks === WHOLE_PAGE, offset, bytes: 0 };
        run.entries.push(entry);
        run.bytes += bytes;
      }
      offset += bytes;
    }
    if (run !== undefined) yield run;
  }
}

function continues(run: Run, entry: PageBlocks, bytes: number): boolean {
  if (run.bytes + bytes > READ_BYTES) return false;
  if (!run.pages) return entry.blocks !== WHOLE_PAGE;
  const last = run.entries[run.entries.length - 1] as PageBlocks;
  return entry.blocks === WHOLE_PAGE && entry.page === last.page + 1;
}

function otherLayout(place: string): NearkeyError {
  return new NearkeyError(
    "unsupported",
    `${place}, offset 16: it was written by a version of nearkey that lays out its memory differently: open it with that version`,
  );
}
