// An engine as a worker has it: another instance of the same module over the same memory, which links nodes and searches and
// never executes a command. A part of the boundary that engine.ts is, loaded in workers alone.

import { instantiateSync } from "@assemblyscript/loader";
import { PAGE_BYTES, POOL_BASE, Pool } from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import { scratchOf, workersMax } from "./engine-pool.ts";

/** Instead of how many were found for a query: it was not answered yet, or its set is gone. */
export const UNANSWERED = -1;
const GONE = -2;

/** What several workers share of one search for many queries. */
export interface SharedQueries {
  /** The number of the search. */
  readonly search: number;
  /** Results of a query at most, and candidates kept. */
  readonly most: number;
  readonly ef: number;
  readonly dim: number;
  /** The queries, one after another. */
  readonly vectors: Float32Array;
  /** The next query that nobody has taken; whoever takes one adds 1. */
  readonly next: Int32Array;
  /** Of each query how many were found, or UNANSWERED; stored behind its items. */
  readonly counts: Int32Array;
  /** Of each query `most` items: ids and keys. */
  readonly items: BigUint64Array;
}

/** One worker's instance. */
export class EngineWorker {
  readonly #exports: EngineExports;
  readonly #words: Int32Array;
  readonly #floats: Float32Array;
  readonly #items: BigUint64Array;

  /**
   * @param module the engine for memory that threads share
   * @param worker its number, from 0
   */
  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, worker: number) {
    if (worker >= workersMax) throw new RangeError(`worker ${worker} of at most ${workersMax}`);
    const env = { memory, clock: () => 0, scratch: () => scratchOf(worker) };
    this.#exports = instantiateSync<EngineExports & Record<string, unknown>>(module, { env }).exports;
    this.#exports.startWorker();
    this.#words = new Int32Array(memory.buffer, POOL_BASE, PAGE_BYTES / 4);
    this.#floats = new Float32Array(memory.buffer, this.#exports.queryAddress() >>> 0, PAGE_BYTES / 4);
    this.#items = new BigUint64Array(memory.buffer, this.#exports.beamAddress() >>> 0, PAGE_BYTES / 4);
  }

  /** Links nodes until none waits and no build goes on. */
  link(): void {
    this.#guard(() => this.#exports.linkWaiting());
  }

  /** Answers queries until all are taken, or the set is gone. */
  search(queries: SharedQueries): void {
    this.#guard(() => {
      for (let index = Atomics.add(queries.next, 0, 1); index < queries.counts.length; ) {
        if (!this.#searchOne(queries, index)) return;
        index = Atomics.add(queries.next, 0, 1);
      }
    });
  }

  #searchOne({ search, most, ef, dim, vectors, counts, items }: SharedQueries, index: number): boolean {
    this.#floats.set(vectors.subarray(index * dim, (index + 1) * dim));
    const found = this.#exports.searchShared(search, most, ef);
    if (found > 0) items.set(this.#items.subarray(0, found), index * most);
    Atomics.store(counts, index, found < 0 ? GONE : found);
    return found >= 0;
  }

  /** A trap may have left locks behind: nobody may wait for them. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      Atomics.store(this.#words, Pool.Failed, 1);
      throw error;
    }
  }
}
