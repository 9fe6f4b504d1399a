// Views of the engine's memory, shared by the parts of the boundary that engine.ts is. A view dies when memory grows, so
// it is made anew when it is found empty: asking a view so costs a tenth of asking for the memory's buffer.

import {
  HEAP_BASE,
  INPUT_BASE,
  INPUT_BYTES,
  PAGE_BYTES,
  PAGE_TABLE_BASE,
  REGISTERS_BASE,
  type Result,
} from "../assembly/layout.ts";
import { readText } from "./text.ts";

/** Views of blocks that are kept, a power of two. */
const KEPT_BLOCKS = 512;

/** The memory of one engine. */
export class EngineMemory {
  readonly #memory: WebAssembly.Memory;
  #bytes = new Uint8Array(0);
  #words = new Uint32Array(0);
  /** Where the table of pages and the first page lie: elsewhere in an engine of another layout. */
  pageTable: number = PAGE_TABLE_BASE;
  heap: number = HEAP_BASE;
  readonly #blocks: (Uint8Array | undefined)[] = new Array(KEPT_BLOCKS).fill(undefined);

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#memory.buffer);
    return this.#bytes;
  }

  words(): Uint32Array {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#memory.buffer);
    return this.#words;
  }

  /** What the last call left in a register. */
  result(word: Result): number {
    return this.words()[(REGISTERS_BASE >> 2) + word] as number;
  }

  /** The error reply of a replayed command: replies that nobody reads go behind the input. */
  refusal(): string {
    const start = INPUT_BASE + INPUT_BYTES + 1;
    return readText(this.bytes(), start, this.bytes().indexOf(0x0d, start));
  }

  /**
   * A view of the first bytes of a page. Short replies of a few lengths stand in the same few pages again and again, and
   * making a view costs 120 ns, a fiftieth of a command that comes alone: the last ones are kept.
   */
  block(page: number, bytes: number): Uint8Array {
    const address = page * PAGE_BYTES;
    const place = (page * 37 + bytes) & (KEPT_BLOCKS - 1);
    const kept = this.#blocks[place];
    if (kept !== undefined && kept.byteOffset === address && kept.length === bytes) return kept;
    const made = this.bytes().subarray(address, address + bytes);
    this.#blocks[place] = made;
    return made;
  }

  copy(address: number, bytes: number): Uint8Array {
    return this.bytes().slice(address, address + bytes);
  }

  /** Copies bytes that lie in pages whose addresses are listed at `list`, aligned or not. */
  readPages(list: number, bytes: number): Uint8Array {
    const whole = new Uint8Array(bytes);
    const addresses = new DataView(this.#memory.buffer);
    for (let at = 0; at < bytes; at += PAGE_BYTES) {
      const page = addresses.getUint32(list + (at / PAGE_BYTES) * 4, true);
      whole.set(this.bytes().subarray(page, page + Math.min(PAGE_BYTES, bytes - at)), at);
    }
    return whole;
  }
}
