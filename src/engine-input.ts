// The engine's input as sockets use it: what they read to, where frames are taken apart, and what is left of a piece
// when something else comes between.

import { INPUT_BASE, INPUT_BYTES } from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type { EngineMemory } from "./engine-memory.ts";

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
