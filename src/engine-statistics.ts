// What the engine counted, read from its memory when someone asks: commands with their durations, errors by code, slow
// commands, pages and cells. A part of the boundary that engine.ts is. Nothing here is kept or cached, so that asking
// costs and counting does not.

import {
  COMMAND_RECORD_BYTES,
  COMMANDS_BASE,
  COUNTERS_BASE,
  DATABASES,
  DURATION_BUCKETS,
  DURATION_FIRST_NANOSECONDS,
  ERROR_CODE_BYTES,
  ERROR_CODES_MAX,
  ERROR_RECORD_BYTES,
  ERRORS_BASE,
  GEOMETRY_BASE,
  HEAP_BASE,
  PAGE_BYTES,
  PageKind,
  SETTINGS_BASE,
  Setting,
  SLAB_CLASSES,
  SLOW_ARGUMENTS_MAX,
  SLOW_BASE,
  SLOW_BYTES,
  SLOW_HEAD_BYTES,
  SLOW_NEVER,
  STATISTICS_BASE,
  STATISTICS_BYTES,
  STATISTICS_RECORD_BYTES,
  ZONES,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type {
  CellStatistics,
  CommandStatistics,
  EngineStats,
  MemoryKind,
  MemoryStatistics,
  SlowArgument,
  SlowCommand,
} from "./engine-types.ts";
import { readText } from "./text.ts";

/** Upper bounds of the duration buckets but the last, microseconds: 0.25 to 16,777,216. */
export const durationBounds: readonly number[] = Array.from(
  { length: DURATION_BUCKETS - 1 },
  (_, index) => (DURATION_FIRST_NANOSECONDS * 2 ** index) / 1000,
);

/** Words of the counters, as assembly/memory/memory.ts draws them. */
const enum Count {
  Commands = 0,
  Hits = 1,
  Misses = 2,
  Expired = 3,
  Evicted = 4,
  MovedMax = 5,
  DirectReads = 6,
  DirectWrites = 7,
  PagesReused = 8,
  PagesFresh = 9,
  PagesReleased = 10,
  DirectSearches = 11,
  ElementsExpired = 12,
  /** Those before begin anew when the statistics are reset. */
  PagesMax = 13,
  Words = 14,
}

/** Where a kind of page is shown. */
const KIND_OF_PAGE: readonly (readonly [PageKind, MemoryKind])[] = [
  [PageKind.EntrySlab, "entries"],
  [PageKind.FieldSlab, "fields"],
  [PageKind.SegmentSlab, "index"],
  [PageKind.ObjectSlab, "objects"],
  [PageKind.VolatileSlab, "connections"],
  [PageKind.Value, "values"],
  [PageKind.Vector, "vectors"],
  [PageKind.Output, "output"],
  [PageKind.Input, "input"],
  [PageKind.Scratch, "scratch"],
  [PageKind.Queue, "queues"],
  [PageKind.Copies, "copies"],
  [PageKind.Draining, "moving"],
  [PageKind.Log, "log"],
  [PageKind.Free, "free"],
];
const KIND_WORDS = 16;
const ZONE_NAMES: readonly CellStatistics["zone"][] = ["entry", "object", "connection", "field", "index"];

/** The fields of a command's statistics; the buckets follow. */
const BUCKETS_OFFSET = 32;

/** Reads what an engine counted; made by the engine itself. */
export class EngineStatistics {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: EngineExports;
  /** Dies when memory grows. */
  #words = new Uint32Array(0);

  constructor(memory: WebAssembly.Memory, exports: EngineExports, timed: boolean) {
    this.#memory = memory;
    this.#exports = exports;
    new Uint32Array(memory.buffer)[(SETTINGS_BASE >>> 2) + Setting.Timed] = timed ? 1 : 0;
    this.slowMicroseconds = undefined;
  }

  /** Commands since the start or the last reset, modulo 2^32, cheaply. */
  get commandCount(): number {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#memory.buffer);
    return this.#words[COUNTERS_BASE >>> 2] as number;
  }

  /** Keys of one database, and those of them that expire. */
  countKeys(database: number): { keys: number; expiring: number } {
    return {
      keys: this.#exports.countKeys(database) >>> 0,
      expiring: this.#exports.countExpiring(database) >>> 0,
    };
  }

  /** The plain counters, memory and keys. */
  counted(): Omit<EngineStats, "memoryLimitBytes"> {
    const words = this.#counters();
    let keys = 0;
    for (let database = 0; database < DATABASES; database++) keys += this.countKeys(database).keys;
    return {
      memoryUsedBytes: HEAP_BASE + (this.#exports.heldPages() >>> 0) * PAGE_BYTES,
      memoryPeakBytes: HEAP_BASE + words[Count.PagesMax] * PAGE_BYTES,
      keys,
      commands:
        words[Count.Commands] + words[Count.DirectReads] + words[Count.DirectWrites] + words[Count.DirectSearches],
      hits: words[Count.Hits],
      misses: words[Count.Misses],
      expiredKeys: words[Count.Expired],
      expiredElements: words[Count.ElementsExpired],
      evictedKeys: words[Count.Evicted],
      movedMax: words[Count.MovedMax],
    };
  }

  #counters(): Record<Count, number> {
    const words = new BigUint64Array(this.#memory.buffer, COUNTERS_BASE, Count.Words);
    return Array.from(words, Number) as unknown as Record<Count, number>;
  }

  /** Commands that were called, failed or refused at least once, in the order of the command table. */
  commands(): CommandStatistics[] {
    const count = this.#exports.describedCommands();
    const direct = this.#counters();
    return Array.from({ length: count }, (_, index) => this.#command(index, direct)).filter(
      ({ calls, rejected }) => calls > 0 || rejected > 0,
    );
  }

  #command(index: number, direct: Record<Count, number>): CommandStatistics {
    const name = this.#name(index);
    const at = STATISTICS_BASE + index * STATISTICS_RECORD_BYTES;
    const record = new DataView(this.#memory.buffer, at, STATISTICS_RECORD_BYTES);
    const count = (offset: number): number => Number(record.getBigUint64(offset, true));
    const buckets = Array.from({ length: DURATION_BUCKETS }, (_, bucket) => count(BUCKETS_OFFSET + bucket * 8));
    let untimed = count(24);
    if (name === "GET") untimed += direct[Count.DirectReads];
    if (name === "SET") untimed += direct[Count.DirectWrites];
    if (name === "VSIM") untimed += direct[Count.DirectSearches];
    return {
      name,
      calls: buckets.reduce((sum, each) => sum + each, untimed),
      failed: count(8),
      rejected: count(16),
      untimed,
      microseconds: record.getFloat64(0, true) / 1000,
      buckets,
    };
  }

  #name(index: number): string {
    const at = COMMANDS_BASE + index * COMMAND_RECORD_BYTES;
    const bytes = new Uint8Array(this.#memory.buffer);
    return readText(bytes, at, at + (bytes[at + 30] as number));
  }

  /** Error replies by their first word, such as `WRONGTYPE`. */
  errors(): Map<string, number> {
    const counts = new Map<string, number>();
    const bytes = new Uint8Array(this.#memory.buffer);
    const words = new DataView(this.#memory.buffer);
    for (let index = 0; index < ERROR_CODES_MAX; index++) {
      const at = ERRORS_BASE + index * ERROR_RECORD_BYTES;
      const count = Number(words.getBigUint64(at + ERROR_CODE_BYTES, true));
      if (count === 0) break;
      const code = readText(bytes, at, at + ERROR_CODE_BYTES).replace(/\0+$/, "");
      counts.set(code, count);
    }
    return counts;
  }

  /** Passes over the records of all pages, 16 bytes each. */
  memory(): MemoryStatistics {
    const census = (this.#exports.takeCensus() >>> 0) >>> 2;
    const words = new Uint32Array(this.#memory.buffer);
    const geometry = GEOMETRY_BASE >>> 2;
    const kinds = Object.fromEntries(KIND_OF_PAGE.map(([, kind]) => [kind, 0])) as Record<MemoryKind, number>;
    for (const [page, kind] of KIND_OF_PAGE) kinds[kind] += (words[census + page] as number) * PAGE_BYTES;
    kinds.fixed = HEAP_BASE;
    const cells: CellStatistics[] = [];
    for (let index = 0; index < ZONES * SLAB_CLASSES; index++) {
      const pages = words[census + KIND_WORDS + index * 2] as number;
      if (pages === 0) continue;
      const used = words[census + KIND_WORDS + index * 2 + 1] as number;
      const sizeClass = index % SLAB_CLASSES;
      const bytes = words[geometry + sizeClass * 2] as number;
      const capacity = pages * (words[geometry + sizeClass * 2 + 1] as number);
      const zone = ZONE_NAMES[Math.floor(index / SLAB_CLASSES)] as CellStatistics["zone"];
      cells.push({ zone, bytes, pages, used, free: capacity - used });
    }
    const counters = this.#counters();
    return {
      kinds,
      cells,
      pagesReused: counters[Count.PagesReused],
      pagesFresh: counters[Count.PagesFresh],
      pagesReleased: counters[Count.PagesReleased],
    };
  }

  /** Begins to count anew. */
  reset(): void {
    new Uint8Array(this.#memory.buffer, STATISTICS_BASE, STATISTICS_BYTES).fill(0);
    new Uint8Array(this.#memory.buffer, ERRORS_BASE, ERROR_CODES_MAX * ERROR_RECORD_BYTES).fill(0);
    new BigUint64Array(this.#memory.buffer, COUNTERS_BASE, Count.PagesMax).fill(0n);
  }

  /** Microseconds from which a command is slow. Below 1,000 every command is timed by itself, which costs. */
  get slowMicroseconds(): number | undefined {
    const limit = new Uint32Array(this.#memory.buffer)[(SETTINGS_BASE >>> 2) + Setting.SlowMicroseconds] as number;
    return limit === SLOW_NEVER ? undefined : limit;
  }

  /** undefined keeps none. */
  set slowMicroseconds(limit: number | undefined) {
    const words = new Uint32Array(this.#memory.buffer);
    words[(SETTINGS_BASE >>> 2) + Setting.SlowMicroseconds] =
      limit === undefined ? SLOW_NEVER : Math.min(limit, SLOW_NEVER - 1);
  }

  /** Takes the slow commands that the engine kept since they were last taken, oldest first. */
  takeSlow(): SlowCommand[] {
    const view = new DataView(this.#memory.buffer, SLOW_BASE, SLOW_BYTES);
    const end = SLOW_HEAD_BYTES + view.getUint32(0, true);
    const list: SlowCommand[] = [];
    for (let at = SLOW_HEAD_BYTES; at < end; ) {
      const taken = readSlow(view, at);
      list.push(taken.command);
      at = taken.end;
    }
    view.setUint32(0, 0, true);
    return list;
  }
}

// Drawn in assembly/protocol/command-timing.ts.
function readSlow(view: DataView, start: number): { command: SlowCommand; end: number } {
  const connection = view.getUint32(start, true);
  const argumentCount = view.getUint32(start + 4, true);
  const microseconds = view.getFloat64(start + 8, true);
  const list: SlowArgument[] = [];
  let at = start + 16;
  for (let index = 0; index < Math.min(argumentCount, SLOW_ARGUMENTS_MAX); index++) {
    const length = view.getUint32(at, true);
    const kept = view.getUint32(at + 4, true);
    const first = view.byteOffset + at + 8;
    list.push({ length, bytes: new Uint8Array(view.buffer, first, kept).slice() });
    at += 8 + ((kept + 3) & ~3);
  }
  return { command: { connection, argumentCount, microseconds, arguments: list }, end: at };
}
