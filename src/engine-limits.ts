// The limits of an engine's memory: what the database may hold, what the memory needs beside that for replies and
// input, and how a limit that changes live becomes more memory. Growing takes the views of lent pages of replies away
// from the sockets that still write them, so it waits until none is lent.

import {
  HEAP_BASE,
  MEMORY_PAGES_MAX,
  PAGE_BYTES,
  Eviction as Policy,
  SETTINGS_BASE,
  Setting,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import { poolPages } from "./engine-pool.ts";
import type { EngineOptions, PackingLimits } from "./engine-types.ts";
import type { EvictionPolicy } from "./options.ts";

/** Pages that may be held beyond the database's limit and one client's replies: other clients' replies and input. */
const EXTRA_PAGES = 4096;
/** Replies of one connection, and one value, at most, unless the options say otherwise. */
export const DEFAULT_BYTES = 64 * 1024 * 1024;
/** Most bytes one memory can hold for a database: a full one must still be able to reply. */
export const memoryBytesMax = (MEMORY_PAGES_MAX - EXTRA_PAGES) * PAGE_BYTES;

/** The same where threads share the memory. */
export function sharedBytesMax(workers: number): number {
  return memoryBytesMax - poolPages(workers) * PAGE_BYTES;
}

const policyNumbers: Readonly<Record<EvictionPolicy, Policy>> = {
  noeviction: Policy.None,
  "allkeys-lru": Policy.AllKeysLru,
  "allkeys-lfu": Policy.AllKeysLfu,
  "allkeys-random": Policy.AllKeysRandom,
  "volatile-lru": Policy.VolatileLru,
  "volatile-lfu": Policy.VolatileLfu,
  "volatile-random": Policy.VolatileRandom,
  "volatile-ttl": Policy.VolatileTtl,
  "allkeys-s3fifo": Policy.AllKeysS3Fifo,
};

/** Pages of replies that one connection may hold. */
function outputPages(options: EngineOptions): number {
  return Math.ceil((options.outputLimitBytes ?? DEFAULT_BYTES) / PAGE_BYTES) + 1;
}

/** The limits of one engine, and the memory they are about. */
export class EngineLimits {
  readonly memory: WebAssembly.Memory;
  /** Pages from address 0 on that the engine may have at all. */
  readonly #pagesMax: number;
  /** Pages that the memory needs to have beside the database's own. */
  readonly #otherPages: number;
  readonly #reserves: boolean;
  /** Of memory that is there as a whole: pages that the engine has now. */
  #fixedPages: number | undefined;
  /** Pages of replies that the host holds views of, and pages the memory grows to once there are none. */
  #lent = 0;
  #wantedPages = 0;

  /** @param shared the engine is the one for memory that threads share */
  constructor(options: EngineOptions, shared: boolean) {
    this.#otherPages = (options.heapStart ?? HEAP_BASE) / PAGE_BYTES + outputPages(options) + EXTRA_PAGES;
    this.#reserves = options.reserveMemory === true || shared;
    this.#pagesMax = MEMORY_PAGES_MAX - (shared ? poolPages(options.workers ?? 0) : 0);
    if (shared) {
      this.memory = new WebAssembly.Memory({ initial: MEMORY_PAGES_MAX, maximum: MEMORY_PAGES_MAX, shared });
      this.#fixedPages = this.#pagesFor(pagesUnder(options.maxMemoryBytes));
      return;
    }
    const initial = this.#reserves ? this.#pagesFor(pagesUnder(options.maxMemoryBytes)) : HEAP_BASE / PAGE_BYTES + 32;
    this.memory = new WebAssembly.Memory({ initial, maximum: MEMORY_PAGES_MAX });
  }

  /** The limit that was set, in bytes. */
  limitBytes(): number {
    const words = new Uint32Array(this.memory.buffer);
    return HEAP_BASE + (words[(SETTINGS_BASE >> 2) + Setting.TargetPages] as number) * PAGE_BYTES;
  }

  /** What is reserved is all the engine takes by itself. */
  applyMemory(): void {
    const pages = this.#fixedPages ?? (this.#reserves ? this.#pages() : MEMORY_PAGES_MAX);
    new Uint32Array(this.memory.buffer)[(SETTINGS_BASE >> 2) + Setting.MemoryPages] = pages;
  }

  setMaxMemory(exports: EngineExports, bytes: number): void {
    const most = (this.#pagesMax - EXTRA_PAGES) * PAGE_BYTES;
    if (!(bytes > 0 && bytes <= most)) throw new RangeError(`a memory limit of ${bytes} bytes`);
    // Less than an empty engine has is no room at all: every write that may need some is refused.
    const limitPages = pagesUnder(Math.max(bytes, HEAP_BASE));
    exports.setLimit(limitPages);
    if (this.#reserves) this.#wantedPages = this.#pagesFor(limitPages);
    if (this.#lent === 0) this.#grow();
  }

  setEviction(exports: EngineExports, policy: EvictionPolicy): void {
    exports.setEviction(policyNumbers[policy]);
  }

  /** Counts a page of replies that the host has a view of. */
  lend(): void {
    this.#lent++;
  }

  /** Counts it back. */
  takeBack(): void {
    if (--this.#lent === 0 && this.#wantedPages !== 0) this.#grow();
  }

  #pages(): number {
    return this.memory.buffer.byteLength / PAGE_BYTES;
  }

  #pagesFor(limitPages: number): number {
    return Math.min(limitPages + this.#otherPages, this.#pagesMax);
  }

  #grow(): void {
    if (this.#fixedPages !== undefined) {
      this.#fixedPages = Math.max(this.#fixedPages, this.#wantedPages);
      this.#wantedPages = 0;
      this.applyMemory();
      return;
    }
    const missing = this.#wantedPages - this.#pages();
    this.#wantedPages = 0;
    if (missing <= 0) return;
    try {
      this.memory.grow(missing);
    } catch {
      return; // the machine has no more: writes are answered as in a full memory
    }
    this.applyMemory();
  }
}

/** Pages that the database may hold under a limit in bytes. */
function pagesUnder(bytes: number): number {
  return Math.max(0, Math.floor((bytes - HEAP_BASE) / PAGE_BYTES));
}

/** Words of the settings that hold them. */
const WORDS: Readonly<Record<keyof PackingLimits, Setting>> = {
  integerSetEntries: Setting.IntegerSetEntries,
  packedSetEntries: Setting.PackedSetEntries,
  packedSetValue: Setting.PackedSetValue,
  streamBlockBytes: Setting.StreamBlockBytes,
  streamBlockEntries: Setting.StreamBlockEntries,
  hllSparseBytes: Setting.HllSparseBytes,
  sortedSetEntries: Setting.SortedSetEntries,
  sortedSetValue: Setting.SortedSetValue,
  hashEntries: Setting.HashEntries,
  hashValue: Setting.HashValue,
};

/** Writes limits into an engine's memory. */
export function writePacking(words: Uint32Array, limits: PackingLimits): void {
  for (const [name, word] of Object.entries(WORDS)) {
    const limit = limits[name as keyof PackingLimits];
    if (limit !== undefined) words[(SETTINGS_BASE >> 2) + word] = limit;
  }
}
