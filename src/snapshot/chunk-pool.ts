// Buffers that a snapshot is gathered in. They begin where pages of memory begin, as a storage that writes past the system's
// cache wants it, which of all that JavaScript can allocate only WebAssembly's memories promise; and they are used again,
// because memory that was not touched before costs more than what is copied to it.

export const CHUNK_BYTES = 4 * 1024 * 1024;
/** Each memory takes gigabytes of addresses to guard it, whatever its size: so chunks share one. */
const CHUNKS_A_MEMORY = 4;
const WASM_PAGE_BYTES = 64 * 1024;

/** Chunks of one snapshot. */
export class ChunkPool {
  readonly #free: Uint8Array[] = [];

  take(): Uint8Array {
    if (this.#free.length === 0) this.#grow();
    return this.#free.pop() as Uint8Array;
  }

  /** Takes a chunk back; the last one given back is the next one taken, as it is in the cache. */
  giveBack(chunk: Uint8Array): void {
    this.#free.push(chunk);
  }

  #grow(): void {
    const pages = (CHUNKS_A_MEMORY * CHUNK_BYTES) / WASM_PAGE_BYTES;
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
    for (let index = CHUNKS_A_MEMORY - 1; index >= 0; index--) {
      this.#free.push(new Uint8Array(buffer, index * CHUNK_BYTES, CHUNK_BYTES));
    }
  }
}
