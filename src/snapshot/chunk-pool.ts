// Buffers that snapshots are gathered in, one after another. They begin where pages of memory begin, as a storage that writes past the system's
// cache wants it, which of all that JavaScript can allocate only WebAssembly's memories promise; and they are used again,
// because memory that was not touched before costs more than what is copied to it.

export const CHUNK_BYTES = 4 * 1024 * 1024;
/** Each memory takes gigabytes of addresses to guard it, whatever its size: so chunks share one. */
const CHUNKS_A_MEMORY = 4;
const WASM_PAGE_BYTES = 64 * 1024;

/** What is touched at once. */
const TOUCHED_BYTES = 256 * 1024;
/** The machine's pages, for which a first touch is paid. */
const MACHINE_PAGE_BYTES = 4096;

/** Chunks of the snapshots of one directory, made when it is opened: later they would make the collector run amid one. */
export class ChunkPool {
  /** Those that stay, and the ones that are free; the last is taken first. */
  readonly #kept: readonly Uint8Array[] = makeChunks();
  #free: Uint8Array[] = [...this.#kept];
  #touchedBytes = 0;

  /**
   * Makes the memory of chunks ready, a step a call.
   *
   * @param bytes so much will be written
   * @returns false when that is done
   */
  touch(bytes: number): boolean {
    const chunk = this.#kept[this.#kept.length - 1 - Math.floor(this.#touchedBytes / CHUNK_BYTES)];
    if (chunk === undefined || this.#touchedBytes >= bytes) return false;
    const from = this.#touchedBytes % CHUNK_BYTES;
    for (let at = from; at < from + TOUCHED_BYTES; at += MACHINE_PAGE_BYTES) chunk[at] = 0;
    this.#touchedBytes += TOUCHED_BYTES;
    return true;
  }

  take(): Uint8Array {
    if (this.#free.length === 0) this.#free = makeChunks();
    return this.#free.pop() as Uint8Array;
  }

  /** Takes a chunk back; the last one given back is the next one taken, as it is in the cache. */
  giveBack(chunk: Uint8Array): void {
    this.#free.push(chunk);
  }

  /** Ends a snapshot, of which nothing is on its way any more: what had to be added goes. */
  reset(): void {
    this.#free = [...this.#kept];
  }
}

function makeChunks(): Uint8Array[] {
  const pages = (CHUNKS_A_MEMORY * CHUNK_BYTES) / WASM_PAGE_BYTES;
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return Array.from(
    { length: CHUNKS_A_MEMORY },
    (_, index) => new Uint8Array(buffer, index * CHUNK_BYTES, CHUNK_BYTES),
  );
}
