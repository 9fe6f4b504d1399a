// The index of a snapshot file: for each piece of a page, in the order of their blocks in the file, which page, which of its
// 16 blocks (a bit each) and their checksum. 16 bytes an entry; where blocks lie in the file follows from the counts. The
// engine writes the entries and checks them, here they are only gathered, and grouped for reading.
//
// Entry: 0 page (u16) | 2 blocks (u16) | 4 zero (u32) | 8 checksum (u64)

import { BLOCK_BYTES, INDEX_ENTRY_BYTES, RUN_BYTES } from "../engine-snapshot.ts";

const WORDS_AN_ENTRY = INDEX_ENTRY_BYTES / 2;
const WHOLE_PAGE = 0xffff;
/** Pages that are read in place at once. */
const PAGES_A_RUN = 64;

/** An index that is gathered. */
export class SnapshotIndex {
  readonly #bytes: Uint8Array;
  #used = 0;

  /** @param entries so many at most: room that is not used costs nothing, and moving to more would take milliseconds */
  constructor(entries: number) {
    this.#bytes = new Uint8Array(entries * INDEX_ENTRY_BYTES);
  }

  get entries(): number {
    return this.#used / INDEX_ENTRY_BYTES;
  }

  add(entries: Uint8Array): void {
    this.#bytes.set(entries, this.#used);
    this.#used += entries.length;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }
}

/** Entries whose blocks lie behind each other in the file. */
export interface IndexRun {
  /** Whole pages that lie behind each other in memory too begin with this one; 0 for pieces. */
  readonly page: number;
  readonly firstEntry: number;
  entries: number;
  /** Where the blocks begin, from the first block of the file on. */
  readonly offset: number;
  bytes: number;
}

/**
 * Groups the entries for reading, in the order of the file.
 *
 * @param index at an even address
 * @param wanted true for pages whose blocks are needed
 */
export function* groupIndex(index: Uint8Array, wanted: (page: number) => boolean): Generator<IndexRun> {
  const words = new Uint16Array(index.buffer, index.byteOffset, index.length / 2);
  let offset = 0;
  let run: IndexRun | undefined;
  for (let entry = 0; entry * INDEX_ENTRY_BYTES < index.length; entry++) {
    const page = words[entry * WORDS_AN_ENTRY] as number;
    const blocks = words[entry * WORDS_AN_ENTRY + 1] as number;
    const bytes = countBlocks(blocks) * BLOCK_BYTES;
    const isWanted = wanted(page);
    if (run !== undefined && !(isWanted && continues(run, page, blocks, bytes))) {
      yield run;
      run = undefined;
    }
    if (isWanted) {
      run ??= { page: blocks === WHOLE_PAGE ? page : 0, firstEntry: entry, entries: 0, offset, bytes: 0 };
      run.entries++;
      run.bytes += bytes;
    }
    offset += bytes;
  }
  if (run !== undefined) yield run;
}

function continues(run: IndexRun, page: number, blocks: number, bytes: number): boolean {
  if (run.page === 0) return blocks !== WHOLE_PAGE && run.bytes + bytes <= RUN_BYTES;
  return blocks === WHOLE_PAGE && page === run.page + run.entries && run.entries < PAGES_A_RUN;
}

/** Blocks that are meant by bits. */
export function countBlocks(blocks: number): number {
  const pairs = blocks - ((blocks >>> 1) & 0x5555);
  const fours = (pairs & 0x3333) + ((pairs >>> 2) & 0x3333);
  const eights = (fours + (fours >>> 4)) & 0x0f0f;
  return (eights + (eights >>> 8)) & 0x1f;
}
