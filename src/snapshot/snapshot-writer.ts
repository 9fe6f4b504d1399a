// Writes one snapshot file from an engine in which commands run between two calls. Blocks are gathered in chunks of 4 MiB,
// which go to the file one behind the other while the next is filled; so each byte is copied once more than the disk
// needs, and no view of the engine's memory is held while it waits.

import { BLOCK_BYTES, type Blocks, type Cut, type EngineSnapshot, PAGE_BYTES } from "../engine-snapshot.ts";
import type { StorageFile } from "../storage/storage.ts";
import { CHUNK_BYTES, type ChunkPool } from "./chunk-pool.ts";
import { encodeFooter, encodeHeader, type SnapshotHeader } from "./snapshot-format.ts";
import { SnapshotIndex } from "./snapshot-index.ts";

/** One snapshot file being written. */
export class SnapshotWriter {
  readonly #engine: EngineSnapshot;
  readonly #file: Pick<StorageFile, "append">;
  readonly #index: SnapshotIndex;
  readonly #chunks: ChunkPool;
  #chunk: Uint8Array;
  #used = 0;
  #blocks = 0;
  #writing: Promise<void>;
  #failed = false;
  #abandoned = false;
  readonly #header: Uint8Array;
  /** Bytes handed over that the storage has not taken. */
  backlogBytes = 0;
  /** Bytes of the file so far. */
  bytes = 0;

  constructor(
    engine: EngineSnapshot,
    file: Pick<StorageFile, "append">,
    private readonly header: SnapshotHeader,
    private readonly cut: Pick<Cut, "state" | "pages">,
    chunks: ChunkPool,
  ) {
    // A block comes with its page or as a copy, once.
    this.#index = new SnapshotIndex(cut.pages * (PAGE_BYTES / BLOCK_BYTES));
    this.#engine = engine;
    this.#chunks = chunks;
    this.#chunk = chunks.take();
    this.#file = file;
    this.#header = encodeHeader(header);
    this.#writing = Promise.resolve();
    this.#append(this.#header);
  }

  /** Whether the storage has refused a write: `settled` tells why. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Takes the next page that the snapshot wants; false after the last. */
  addPage(): boolean {
    this.#makeRoom(PAGE_BYTES);
    return this.#add(this.#engine.next(this.#chunk, this.#used));
  }

  /** Takes some copies of blocks that have changed since the cut, 16 at most; false when none waits. */
  addCopies(): boolean {
    this.#makeRoom(PAGE_BYTES);
    return this.#add(this.#engine.popCopies(this.#chunk, this.#used));
  }

  #add(found: Blocks | undefined): boolean {
    if (found === undefined) return false;
    this.#index.add(found.index);
    this.#used += found.bytes;
    this.#blocks += found.bytes / BLOCK_BYTES;
    return true;
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes > CHUNK_BYTES) this.#flush();
  }

  #flush(): void {
    const chunk = this.#chunk;
    this.#append(chunk.subarray(0, this.#used), () => this.#chunks.giveBack(chunk));
    this.#chunk = this.#chunks.take();
    this.#used = 0;
  }

  #append(bytes: Uint8Array, written?: () => void): void {
    this.backlogBytes += bytes.length;
    this.bytes += bytes.length;
    this.#writing = this.#writing.then(async () => {
      if (this.#abandoned) return;
      await this.#file.append([bytes]);
      this.backlogBytes -= bytes.length;
      written?.();
    });
    this.#writing.catch(() => {
      this.#failed = true;
    });
  }

  /** Waits until the storage has taken everything. */
  settled(): Promise<void> {
    return this.#writing;
  }

  /** Writes nothing more; nothing is on its way to the file when this is kept, which may then be closed. */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    await this.#writing.catch(() => undefined);
  }

  /** Writes what follows the blocks. */
  async finish(): Promise<void> {
    this.#flush();
    const index = this.#index.bytes();
    const checksum = (bytes: Uint8Array): bigint => this.#engine.checksum(bytes);
    const footer = {
      stateBytes: this.cut.state.length,
      indexEntries: this.#index.entries,
      blocks: this.#blocks,
      headerChecksum: checksum(this.#header),
      stateChecksum: checksum(this.cut.state),
      indexChecksum: checksum(index),
      id: this.header.id,
    };
    for (const part of [this.cut.state, index, encodeFooter(footer, checksum)]) this.#append(part);
    await this.settled();
  }
}
