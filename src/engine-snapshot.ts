// The state of the engine for snapshots, a part of the boundary that engine.ts is: the cut, the pages that were in memory
// at it, one after another while commands run between two calls, and the way back. Bytes are copied out in the call that
// tells of them; nothing here is a view that lives on.

import {
  BLOCK_BITS,
  GHOSTS_BASE,
  MEMORY_PAGES_MAX,
  PAGE_BYTES,
  PAGE_RECORD_BYTES,
  PageKind,
  QUEUES_BASE,
  Result,
  SCRATCH_BASE,
  SCRATCH_BYTES,
  SETTINGS_BASE,
  Setting,
  STATE_BASE,
  WORKSPACE_BASE,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type { EngineMemory } from "./engine-memory.ts";

export const BLOCK_BYTES = 1 << BLOCK_BITS;
export { PAGE_BYTES };
/** An entry of a snapshot's index, as docs/formats.md draws it. */
export const INDEX_ENTRY_BYTES = 16;
/** Blocks that are put in place at once, at most. */
export const RUN_BYTES = SCRATCH_BYTES;
/** Blocks of a page. */
const BLOCKS = PAGE_BYTES / BLOCK_BYTES;

/** Blocks as they were at the cut. */
export interface Blocks {
  /** Entries of the index: which blocks, and a checksum over them and their place. */
  readonly index: Uint8Array;
  readonly bytes: number;
}

/** What a cut found. */
export interface Cut {
  /** Everything below the heap: header, tables of the keyspace, one record a page. */
  readonly state: Uint8Array;
  /** Sequence number of the effect record written last. */
  readonly sequence: number;
  /** What the access bits of entries mean. */
  readonly accessKind: number;
  /** Pages that have blocks to be fetched. */
  readonly pages: number;
}

/** How a running snapshot stands; `outrun` when more blocks changed at once than there was room for copies. */
export type CopyingStatus = "off" | "on" | "outrun";

/** What contradicts itself in a state. */
export type ImageFault = "none" | "no-memory" | "state" | "table" | "unclaimed";

/** Pages that a step of `prepare` takes: 0.7 ms where memory is dearest. */
const PREPARED_PAGES = 4;
/** Pages for copies that a cut has beside a quarter of what it wants. */
const COPY_PAGES_MIN = 16;

const FAULTS: readonly ImageFault[] = ["none", "no-memory", "state", "table", "unclaimed"];
const STATUS: readonly CopyingStatus[] = ["off", "on", "outrun"];
const DURABLE: ReadonlySet<PageKind> = new Set([
  PageKind.EntrySlab,
  PageKind.ObjectSlab,
  PageKind.FieldSlab,
  PageKind.SegmentSlab,
  PageKind.Value,
  PageKind.Vector,
]);
const STATE_HEAP_START = 16;
const STATE_FRESH_PAGE = 20;

/** Snapshots of one engine. */
export class EngineSnapshot {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  /** The 64-bit checksum of any bytes, as that of blocks. */
  readonly checksum: (bytes: Uint8Array) => bigint;
  #whole = true;
  #isPreparing = false;

  constructor(exports: EngineExports, memory: EngineMemory, checksum: (bytes: Uint8Array) => bigint) {
    this.#exports = exports;
    this.#memory = memory;
    this.checksum = checksum;
  }

  /** Forgets what the last snapshot had: it did not last, and the next one must be whole. */
  forgetMarks(): void {
    this.#whole = true;
  }

  /** Whether the last cut's snapshot is complete, so that the next one can build upon it. */
  get hasBase(): boolean {
    return !this.#whole;
  }

  /** A number that differs between versions of nearkey whose memory is laid out differently. */
  get layout(): bigint {
    return BigInt.asUintN(64, this.#exports.layoutHash());
  }

  /** A number that differs between engines that one host cannot drive. */
  get boundary(): bigint {
    return BigInt.asUintN(64, this.#exports.boundaryHash());
  }

  get status(): CopyingStatus {
    return STATUS[this.#exports.copyingStatus()] as CopyingStatus;
  }

  /** Whether one is being prepared or taken: one at a time. */
  get isBusy(): boolean {
    return this.#isPreparing || this.status !== "off";
  }

  /**
   * Makes memory ready for copies, a step a call, before `begin` makes the cut; `end` ends that too.
   *
   * @param whole as of the cut that follows
   * @returns whether there is more to do
   */
  prepare(whole: boolean): boolean {
    this.#isPreparing = true;
    return this.#exports.prepareSnapshot(whole ? 1 : 0, PREPARED_PAGES) !== 0;
  }

  /** Share of the room for copies that is taken, 0 to 1. */
  get fill(): number {
    const room = this.#exports.copiesRoom();
    return room === 0 ? 0 : this.#exports.copiesWaiting() / room;
  }

  /** About what the cut that was prepared will want, from below: room for copies is a quarter of it. */
  get wantedBytes(): number {
    return (this.#exports.copiesRoom() - COPY_PAGES_MIN * BLOCKS) * 4 * BLOCK_BYTES;
  }

  /**
   * Makes the cut: what is in memory now is what `next` and `popCopy` tell of. One at a time.
   *
   * @param whole everything; else what changed since the cut before, which must have ended complete
   */
  begin(whole: boolean): Cut {
    if (!whole && this.#whole) throw new RangeError("there is no snapshot to build upon");
    const pages = this.#exports.cutSnapshot(whole ? 1 : 0);
    this.#isPreparing = false;
    this.#whole = true;
    const end = this.#memory.pageTable + this.#stateWord(STATE_FRESH_PAGE) * PAGE_RECORD_BYTES;
    const accessKind = this.#memory.words()[(SETTINGS_BASE >>> 2) + Setting.AccessKind] as number;
    const sequence = this.#exports.effectsPosition();
    return { state: this.#memory.copy(STATE_BASE, end - STATE_BASE), sequence, accessKind, pages };
  }

  /** Ends it; `complete` when everything was fetched and is safe. Otherwise the next one must be whole. */
  end(complete: boolean): void {
    this.#exports.endSnapshot();
    this.#isPreparing = false;
    this.#whole = !complete;
  }

  /** Copies the wanted blocks of the next page to `into`, 64 KiB at most; undefined after the last. */
  next(into: Uint8Array, at: number): Blocks | undefined {
    const page = this.#exports.nextSnapshotPage();
    if (page === 0) return undefined;
    const index = this.#memory.copy(WORKSPACE_BASE, INDEX_ENTRY_BYTES);
    const bytes = this.#memory.bytes();
    let to = at;
    for (const [first, count] of runsOf((index[2] as number) | ((index[3] as number) << 8))) {
      const from = page * PAGE_BYTES + first * BLOCK_BYTES;
      into.set(bytes.subarray(from, from + count * BLOCK_BYTES), to);
      to += count * BLOCK_BYTES;
    }
    return { index, bytes: to - at };
  }

  /** Copies blocks that have changed since, as they were, to `into`, 64 KiB at most; undefined when no copy waits. */
  popCopies(into: Uint8Array, at: number): Blocks | undefined {
    const from = this.#exports.popCopies() >>> 0;
    if (from === 0) return undefined;
    const count = this.#memory.result(Result.Count);
    const bytes = count * BLOCK_BYTES;
    into.set(this.#memory.bytes().subarray(from, from + bytes), at);
    return { index: this.#memory.copy(WORKSPACE_BASE, count * INDEX_ENTRY_BYTES), bytes };
  }

  // ---- the way back, into an engine that nobody has used

  /**
   * Puts the state below the heap where it belongs and makes room for its pages.
   *
   * @returns pages that the state knows, from address 0 on; undefined when the machine has no memory for them, or the
   *   state is none
   */
  putState(state: Uint8Array): number | undefined {
    const words = new DataView(state.buffer, state.byteOffset, state.byteLength);
    const pages = words.getUint32(STATE_FRESH_PAGE, true);
    const first = words.getUint32(STATE_HEAP_START, true);
    if (state.length !== this.#memory.pageTable - STATE_BASE + pages * PAGE_RECORD_BYTES) return undefined;
    if (first < this.#memory.heap / PAGE_BYTES || pages < first || pages > MEMORY_PAGES_MAX) return undefined;
    if (!this.#exports.growMemory(pages)) return undefined;
    this.#memory.bytes().set(state, STATE_BASE);
    return pages;
  }

  /** Whether a page belongs to the database in the state that was put in place. */
  isDurable(page: number): boolean {
    return DURABLE.has(this.#memory.bytes()[this.#memory.pageTable + page * PAGE_RECORD_BYTES] as PageKind);
  }

  /** Where the bytes of some pages lie, to read them in; valid until anything else is called. */
  pagesView(page: number, bytes: number): Uint8Array {
    return this.#memory.bytes().subarray(page * PAGE_BYTES, page * PAGE_BYTES + bytes);
  }

  /**
   * Checks blocks in memory, and puts them there first unless they were read into `pagesView`.
   *
   * @param index entries of the index, at most 4,096
   * @param blocks the blocks behind each other, at most `RUN_BYTES`
   * @returns entries that are right before the first one that is not
   */
  putBlocks(index: Uint8Array, blocks?: Uint8Array): number {
    const bytes = this.#memory.bytes();
    bytes.set(index, WORKSPACE_BASE);
    if (blocks !== undefined) bytes.set(blocks, SCRATCH_BASE);
    const from = blocks === undefined ? 0 : SCRATCH_BASE;
    return this.#exports.putBlocks(WORKSPACE_BASE, index.length / INDEX_ENTRY_BYTES, from) >>> 0;
  }

  /**
   * Makes the state that was put in place the database's.
   *
   * @param accessKind as the cut told
   * @param buildUpon the next snapshot may be one of changes since this one
   * @returns false when the machine has no memory for it
   */
  restore(accessKind: number, buildUpon: boolean): boolean {
    this.#whole = !buildUpon;
    return this.#exports.restoreState(accessKind) !== 0;
  }

  /**
   * Walks everything that the state in memory leads to, before it is restored, or in an engine that nobody uses any more.
   *
   * @param zeroes bytes that mean nothing are zeroed
   */
  walk(zeroes: boolean): ImageFault {
    return FAULTS[this.#exports.walkImage(zeroes ? 1 : 0)] as ImageFault;
  }

  /** True when the state has neither queues nor ghosts of eviction: one that was exported. */
  get hasNoQueues(): boolean {
    const bytes = this.#memory.bytes().subarray(QUEUES_BASE, GHOSTS_BASE + 16);
    return bytes.every((byte) => byte === 0);
  }

  #stateWord(offset: number): number {
    return this.#memory.words()[(STATE_BASE + offset) >>> 2] as number;
  }
}

/** Blocks that lie behind each other: first and count. */
function runsOf(blocks: number): [number, number][] {
  if (blocks === 0xffff) return [[0, BLOCKS]];
  const runs: [number, number][] = [];
  for (let block = 0; block < BLOCKS; block++) {
    if ((blocks & (1 << block)) === 0) continue;
    const last = runs[runs.length - 1];
    if (last !== undefined && last[0] + last[1] === block) last[1]++;
    else runs.push([block, 1]);
  }
  return runs;
}
