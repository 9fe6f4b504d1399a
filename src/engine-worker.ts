// An engine as a worker has it: another instance of the same module over the same memory, which links nodes and searches and
// never executes a command. A part of the boundary that engine.ts is, loaded in workers alone.

import { instantiateSync } from "@assemblyscript/loader";
import { PAGE_BYTES, POOL_BASE, Pool } from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import { askEngine, paddedBytes, type SharedAsk, scratchOf, workersMax } from "./engine-pool.ts";

/** Instead of how many were found for a query: it was not answered yet, or commands have to do it. */
export const UNANSWERED = -1;
const GONE = -2;

/** What several workers share of one search for many queries. */
export interface SharedQueries {
  /** The number of the search. */
  readonly search: number;
  readonly ask: SharedAsk;
  readonly dim: number;
  /** The queries, one after another. */
  readonly vectors: Float32Array;
  /** The next query that nobody has taken; whoever takes some adds how many. */
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
    this.#floats = new Float32Array(memory.buffer);
    this.#items = new BigUint64Array(memory.buffer);
  }

  /** Links nodes until none waits and no build goes on. */
  link(): void {
    this.#guard(() => this.#exports.linkWaiting());
  }

  /** Answers queries until all are taken, or the set is gone. */
  search(queries: SharedQueries): void {
    this.#guard(() => {
      const { next, counts, search, ask } = queries;
      askEngine(this.#exports, this.#words.buffer, ask);
      const atOnce = this.#exports.queriesAtOnce(search, ask.most) >>> 0;
      for (let first = Atomics.add(next, 0, atOnce); first < counts.length; first = Atomics.add(next, 0, atOnce)) {
        this.#searchSome(queries, first, Math.min(atOnce, counts.length - first));
      }
    });
  }

  #searchSome({ search, ask, dim, vectors, counts, items }: SharedQueries, first: number, count: number): void {
    const stride = paddedBytes(dim);
    const place = (this.#exports.queryAddress() >>> 0) / 4;
    for (let index = 0; index < count; index++) {
      const query = vectors.subarray((first + index) * dim, (first + index + 1) * dim);
      this.#floats.set(query, place + (index * stride) / 4);
    }
    const answered = this.#exports.searchShared(search, count, stride, ask.most);
    for (let index = 0; index < count; index++) {
      const found = index === 0 || answered < 0 ? answered : this.#exports.foundCount(index) >>> 0;
      const from = (this.#exports.foundAddress(index) >>> 0) / 8;
      if (found > 0) items.set(this.#items.subarray(from, from + found), (first + index) * ask.most);
      Atomics.store(counts, first + index, found < 0 ? GONE : found);
    }
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
