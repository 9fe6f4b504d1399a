// What the main thread has to do with workers that share an engine's memory: a part of the boundary that engine.ts is. The
// engine keeps them apart by itself (assembly/memory/threads.ts); here are the words by which the host tells it what goes on:
// how many tasks there are, which nodes wait for their links, which searches are under way.

import {
  BUILDS_MAX,
  FOUND_ITEMS_BASE,
  INPUT_BASE,
  INPUT_BYTES,
  MEMORY_PAGES_MAX,
  PAGE_BYTES,
  POOL_BASE,
  Pool,
  SCRATCH_BASE,
  SHARED_SEARCHES_MAX,
  WAITING,
  WORKER_BYTES,
  WORKERS_MAX,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type { EngineMemory } from "./engine-memory.ts";
import type { VectorSearches } from "./engine-search.ts";
import type { FoundElement } from "./engine-types.ts";

/** Workers that one memory has room for. */
export const workersMax = WORKERS_MAX;

/** Whether a compiled engine wants memory that threads share. */
export function isShared(module: WebAssembly.Module): boolean {
  return WebAssembly.Module.imports(module).some(({ name }) => name === "scratch");
}

/** Pages at the end of the memory that are not the engine's. */
export function poolPages(workers: number): number {
  return MEMORY_PAGES_MAX - POOL_BASE / PAGE_BYTES + (workers * WORKER_BYTES) / PAGE_BYTES;
}

/** Where the scratch of a worker lies; that of the main thread when there is no number. */
export function scratchOf(worker: number | undefined): number {
  return worker === undefined ? SCRATCH_BASE : POOL_BASE - (worker + 1) * WORKER_BYTES;
}

/** The pool's state in the memory of one engine. */
export class EnginePool {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  readonly #searches: VectorSearches;
  readonly #words: Int32Array;
  /** Numbers that no build, and no search, has. */
  readonly #builds = Array.from({ length: BUILDS_MAX }, (_, number) => number);
  readonly #searchNumbers = Array.from({ length: SHARED_SEARCHES_MAX }, (_, number) => number);

  constructor(memory: WebAssembly.Memory, exports: EngineExports, view: EngineMemory, searches: VectorSearches) {
    this.#exports = exports;
    this.#memory = view;
    this.#searches = searches;
    this.#words = new Int32Array(memory.buffer, POOL_BASE, PAGE_BYTES / 4);
  }

  #load(word: number): number {
    return Atomics.load(this.#words, word) >>> 0;
  }

  // ---- tasks

  /** Counts a task of a worker; before it is posted. */
  begin(): void {
    Atomics.add(this.#words, Pool.Active, 1);
  }

  end(): void {
    Atomics.sub(this.#words, Pool.Active, 1);
  }

  /** A worker broke, perhaps amid a change: nobody waits for it, and nothing in memory can be trusted. */
  fail(): void {
    Atomics.store(this.#words, Pool.Failed, 1);
    Atomics.notify(this.#words, Pool.Gate);
    Atomics.notify(this.#words, Pool.Tail);
  }

  // ---- builds

  /** Nodes that wait for their links. */
  get waiting(): number {
    return (this.#load(Pool.Tail) - this.#load(Pool.Head)) >>> 0;
  }

  /** Nodes that there is room for in the ring. */
  get room(): number {
    return WAITING - this.waiting;
  }

  /** Begins a build; undefined while there are too many. */
  openBuild(): number | undefined {
    const build = this.#builds.pop();
    if (build === undefined) return undefined;
    Atomics.store(this.#words, Pool.Done + build, 0);
    Atomics.add(this.#words, Pool.Builders, 1);
    return build;
  }

  /**
   * Runs `insert`, whose VADDs leave the links of their nodes to workers.
   *
   * @returns how many nodes were left to them; the others are linked
   */
  defer(build: number, insert: () => void): number {
    const before = this.#load(Pool.Tail);
    this.#exports.deferLinks(build);
    try {
      insert();
    } finally {
      this.#exports.deferLinks(-1);
      this.#exports.wakeLinkers();
    }
    return (this.#load(Pool.Tail) - before) >>> 0;
  }

  /** Nodes of a build that workers are done with. */
  done(build: number): number {
    return this.#load(Pool.Done + build);
  }

  /** No more nodes of this build will come. */
  endAdding(): void {
    Atomics.sub(this.#words, Pool.Builders, 1);
    Atomics.notify(this.#words, Pool.Tail);
  }

  /** Ends a build none of whose nodes waits. */
  closeBuild(build: number): void {
    this.#builds.push(build);
  }

  // ---- searches

  /** Whether there is room to show so many results of a query. */
  canShow(count: number): boolean {
    return count * 8 <= INPUT_BYTES - (FOUND_ITEMS_BASE - INPUT_BASE);
  }

  /**
   * Opens a search in a set.
   *
   * @returns its number; "empty" when there is no such set; undefined when commands have to search
   */
  openSearch(key: string | Uint8Array, dim: number, now: number): number | "empty" | undefined {
    const number = this.#searchNumbers.pop();
    if (number === undefined) return undefined;
    const keyBytes = this.#searches.putKey(key);
    const found = keyBytes === undefined ? -1 : this.#exports.openShared(number, keyBytes, dim, now);
    if (found === 1) {
      this.#words[Pool.Searching] = (this.#words[Pool.Searching] as number) + 1;
      return number;
    }
    this.#searchNumbers.push(number);
    return found === 0 ? "empty" : undefined;
  }

  /**
   * What workers found for one query.
   *
   * @param items ids and keys, as they answered them
   * @returns undefined when the set is gone
   */
  show(search: number, items: BigUint64Array): FoundElement[] | undefined {
    const place = new BigUint64Array(this.#memory.bytes().buffer, FOUND_ITEMS_BASE, items.length);
    place.set(items);
    const shown = this.#exports.showShared(search, items.length);
    return shown < 0 ? undefined : this.#searches.elements(0, shown);
  }

  closeSearch(search: number): void {
    this.#words[Pool.Sets + search] = 0;
    this.#words[Pool.Searching] = (this.#words[Pool.Searching] as number) - 1;
    this.#searchNumbers.push(search);
  }
}
