// Views of the engine's memory, shared by the parts of the boundary that engine.ts is. A view dies when memory grows, so
// it is made anew when it is found empty: asking a view so costs a tenth of asking for the memory's buffer. And the input as
// sockets use it: what they read to, and where frames are taken apart.

import {
  HEAP_BASE,
  INPUT_BASE,
  INPUT_BYTES,
  PAGE_BYTES,
  PAGE_TABLE_BASE,
  REGISTERS_BASE,
  type Result,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
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

/** The input of one engine. What was put there is there until any method of the engine is called. */
export class EngineInput {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(exports: EngineExports, memory: EngineMemory) {
    this.#exports = exports;
    this.#memory = memory;
  }

  /** All of it. The view dies when memory grows, and is then made anew. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = this.view(INPUT_BYTES);
    return this.#bytes;
  }

  /** Where a socket may read to, valid with `reserveMemory`. */
  view(bytes: number): Uint8Array {
    return this.#memory.bytes().subarray(INPUT_BASE, INPUT_BASE + Math.min(bytes, INPUT_BYTES));
  }

  /** A copy of what was read. */
  copy(start: number, end: number): Uint8Array {
    return this.#memory.copy(INPUT_BASE + start, end - start);
  }

  /**
   * Takes a mask off bytes while they move.
   *
   * @param to not behind `from`
   * @param mask its lowest byte belongs to the first byte at `from`
   */
  unmask(from: number, to: number, bytes: number, mask: number): void {
    this.#exports.unmask(from, to, bytes, mask);
  }
}
