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
import { bytesOf } from "./text.ts";

/** The number of searches that are over before anything else happens. */
const SPARE_SEARCH = SHARED_SEARCHES_MAX - 1;
/** A longer filter does not fit the place that it is given to workers in. */
const FILTER_BYTES_MAX = PAGE_BYTES;

/** What queries ask for, beside their vectors. */
export interface SharedAsk {
  /** Results of a query at most, and candidates kept. */
  readonly most: number;
  readonly ef: number;
  /** Whether all elements are measured. */
  readonly exact: boolean;
  /** Results are not farther than this over the scale; Infinity for any distance. */
  readonly distanceMax: number;
  readonly scale: number;
  /** A filter that was compiled before, as text; what a walk may measure, 0 for as much as it takes; how it is done. */
  readonly filter: Uint8Array | undefined;
  readonly effort: number;
  readonly plan: number;
  /** Whether queries come as they were given: not padded, and of any length under cosine. */
  readonly raw: boolean;
}

/** A search as the engine describes it: assembly/commands/vectors/left-search.ts. */
type LeftDescription = readonly [
  ...[numbers: number, most: number, ef: number, exact: number, distanceMax: number, scale: number],
  ...[filter: number, filterBytes: number, effort: number, plan: number, shown: number],
];

/** A search that a command has left to the host. */
export interface LeftQuery {
  readonly search: number;
  readonly ask: SharedAsk;
  /** As the engine has it, padded. */
  readonly vector: Float32Array;
  /** What the reply shows. */
  readonly shown: number;
}

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

/** Says what queries ask for to an instance of the engine. */
export function askEngine(exports: EngineExports, buffer: ArrayBufferLike, ask: SharedAsk): void {
  const { filter, ef, exact, raw, distanceMax, scale, effort, plan } = ask;
  if (filter !== undefined) new Uint8Array(buffer, exports.filterAddress() >>> 0, filter.length).set(filter);
  exports.askShared(ef, exact ? 1 : 0, raw ? 1 : 0, distanceMax, scale, filter?.length ?? 0, effort, plan);
}

/** Bytes of a query as the engine has it, padded to whole lanes. */
export function paddedBytes(dim: number): number {
  return ((dim + 3) & ~3) * 4;
}

/** The pool's state in the memory of one engine. */
export class EnginePool {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  readonly #searches: VectorSearches;
  readonly #words: Int32Array;
  /** Numbers that no build, and no search, has. */
  readonly #builds = Array.from({ length: BUILDS_MAX }, (_, number) => number);
  readonly #searchNumbers = Array.from({ length: SPARE_SEARCH }, (_, number) => number);
  /** How far the ring had come when nodes were counted last. */
  #counted = 0;
  /** The build that pipelines leave their nodes for. */
  #pipelines = -1;

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
    const build = this.reserveBuild();
    if (build !== undefined) this.beginAdding();
    return build;
  }

  /** Takes a number for a build to come; undefined while there are none. */
  reserveBuild(): number | undefined {
    const build = this.#builds.pop();
    if (build !== undefined) Atomics.store(this.#words, Pool.Done + build, 0);
    return build;
  }

  /** Nodes of a build will come: workers wait for them. */
  beginAdding(): void {
    Atomics.add(this.#words, Pool.Builders, 1);
  }

  /**
   * Runs `insert`, whose VADDs leave the links of their nodes to workers.
   *
   * @returns how many nodes were left to them; the others are linked
   */
  defer(build: number, insert: () => void): number {
    this.countLeft();
    this.#exports.deferLinks(build);
    try {
      insert();
    } finally {
      this.#exports.deferLinks(-1);
      this.#exports.wakeLinkers();
    }
    return this.countLeft();
  }

  /** From now on VADDs that come in pipelines leave the links of their nodes to workers, for this build; -1 for none. */
  deferPipelines(build: number): void {
    this.#pipelines = build;
    this.#exports.deferPipelines(build);
  }

  /** Runs `work`, whose VADDs link their nodes themselves: for whoever cannot wait. */
  withoutPipelines<Result>(work: () => Result): Result {
    this.#exports.deferPipelines(-1);
    try {
      return work();
    } finally {
      this.#exports.deferPipelines(this.#pipelines);
    }
  }

  /** Whether nodes were left to workers since they were counted last. */
  get hasLeft(): boolean {
    return this.#load(Pool.Tail) !== this.#counted;
  }

  /** Nodes that were left to workers since they were counted last; wakes them. */
  countLeft(): number {
    const tail = this.#load(Pool.Tail);
    const left = (tail - this.#counted) >>> 0;
    this.#counted = tail;
    if (left > 0) this.#exports.wakeLinkers();
    return left;
  }

  /** Resolves when workers have done something for a build of which `done` nodes were done, or soon after. */
  async hasChanged(build: number, done: number, ms: number): Promise<void> {
    const waiting = Atomics.waitAsync(this.#words, Pool.Done + build, done | 0, ms);
    if (waiting.async) await waiting.value;
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

  /** The filter as bytes that workers take; undefined when commands have to say what is wrong with it. */
  filterBytes(filter: string): Uint8Array | undefined {
    const bytes = bytesOf(filter);
    if (bytes.length > FILTER_BYTES_MAX) return undefined;
    new Uint8Array(this.#words.buffer, this.#exports.filterAddress() >>> 0, bytes.length).set(bytes);
    return this.#exports.isFilter(bytes.length) !== 0 ? bytes : undefined;
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
    if (search !== SPARE_SEARCH) this.#searchNumbers.push(search);
  }

  // ---- searches that commands leave

  /** The number of a search that is closed before anything else is done. */
  readonly spareSearch = SPARE_SEARCH;

  /** Commands leave searches that are estimated to take longer, in ns; 0 leaves none. */
  leaveLonger(ns: number): void {
    this.#words[Pool.InlineNs] = ns;
  }

  /** The search that a command has left just now; undefined while there are too many. */
  openLeft(): LeftQuery | undefined {
    const number = this.#searchNumbers.pop();
    return number === undefined ? undefined : this.#readLeft(number);
  }

  /** As `openLeft`, for a search that is closed before anything else is done. */
  openLeftSpare(): LeftQuery {
    return this.#readLeft(SPARE_SEARCH);
  }

  #readLeft(search: number): LeftQuery {
    const { buffer } = this.#words;
    this.#words[Pool.Searching] = (this.#words[Pool.Searching] as number) + 1;
    this.#exports.openLeft(search);
    const described = new Float64Array(buffer, POOL_BASE + Pool.Left * 4, 11);
    const [numbers, most, ef, exact, distanceMax, scale, filterAt, filterBytes, effort, plan, shown] =
      described as unknown as LeftDescription;
    const filter = filterBytes === 0 ? undefined : new Uint8Array(buffer, filterAt, filterBytes).slice();
    const ask = { most, ef, exact: exact !== 0, distanceMax, scale, filter, effort, plan, raw: false };
    const vector = new Float32Array(buffer, this.#exports.queryAddress() >>> 0, numbers).slice();
    return { search, ask, vector, shown };
  }

  /** Does a search that was left in this thread; none are found where the set is gone. */
  findHere({ search, ask, vector }: LeftQuery): BigUint64Array {
    const { buffer } = this.#words;
    askEngine(this.#exports, buffer, ask);
    new Float32Array(buffer, this.#exports.queryAddress() >>> 0, vector.length).set(vector);
    const found = Math.max(0, this.#exports.searchUnshared(search, paddedBytes(vector.length), ask.most));
    return new BigUint64Array(buffer, this.#exports.foundAddress(0) >>> 0, found).slice();
  }

  /** Writes the reply to a search that was left. */
  replyLeft(connection: number, { search, shown }: LeftQuery, items: BigUint64Array): void {
    new BigUint64Array(this.#words.buffer, FOUND_ITEMS_BASE, items.length).set(items);
    this.#exports.replyLeft(connection, search, items.length, shown);
  }
}
