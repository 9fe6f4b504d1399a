// What an engine is made with and what it tells about itself.

import { HEAP_BASE } from "../assembly/layout.ts";
import type { EvictionPolicy } from "./options.ts";

/** Memory that every engine takes before it holds anything, bytes. */
export const FIXED_BYTES = HEAP_BASE;

/** Up to which size collections are packed; what is not given stays as it is. */
export interface PackingLimits {
  /** Members of a set of integers. */
  readonly integerSetEntries?: number;
  /** Members of another set. */
  readonly packedSetEntries?: number;
  /** Bytes of a member of such a set. */
  readonly packedSetValue?: number;
  /** Bytes and entries of a block of a stream. */
  readonly streamBlockBytes?: number;
  readonly streamBlockEntries?: number;
  /** Bytes of a HyperLogLog. */
  readonly hllSparseBytes?: number;
  /** Members of a sorted set, at most 1,024 whatever is given. */
  readonly sortedSetEntries?: number;
  /** Bytes of a member of one, at most 255 whatever is given. */
  readonly sortedSetValue?: number;
  /** Fields of a hash, at most 512 whatever is given. */
  readonly hashEntries?: number;
  /** Bytes of a field or value of one, at most 255 whatever is given. */
  readonly hashValue?: number;
}

/** What an engine is made with. */
export interface EngineOptions extends PackingLimits {
  /** Memory the database may hold, fixed regions included. */
  maxMemoryBytes: number;
  eviction: EvictionPolicy;
  /** Which lists OBJECT ENCODING names listpacks: elements at most, or with -1 to -5 KiB at most (4 to 64); -2. */
  listpackSize?: number;
  /** Replies one connection may hold undrained before it is cut off. Default 64 MiB. */
  outputLimitBytes?: number;
  /** One argument or value at most. Default 64 MiB, at most 512 MiB. */
  maxValueBytes?: number;
  /** Arguments of one command at most. Default and maximum 131,072. */
  maxArguments?: number;
  /** Connections start unauthenticated. Default false. */
  requireAuthentication?: boolean;
  /** Seed of hashes and random choices; drawn from the crypto source when absent. */
  seed?: bigint;
  /**
   * Takes the whole address range up to the limit at once: lazy where the runtime maps memory (Node), and then memory
   * never grows, which takes milliseconds there. Default false.
   */
  reserveMemory?: boolean;
  /** Reads a clock: milliseconds from any fixed moment, finely. Default `performance.now`. */
  clock?: () => number;
  /** Commands are timed, for 40 to 100 ns a call of `execute`; else they are only counted. Default true. */
  timed?: boolean;
  /**
   * Workers that shall have room in the memory, 0 to 16, where the module is the one for memory that threads share. Such
   * memory takes the whole address range at once, lazily, and never grows. Default 0.
   */
  workers?: number;
  /** Where the heap starts, for tests near the end of the address range. */
  heapStart?: number;
}

/** One page of replies, lent until it is released. */
export class OutputBlock {
  constructor(
    readonly view: Uint8Array,
    readonly page: number,
  ) {}
}

/** What the engine has counted. */
export interface EngineStats {
  memoryUsedBytes: number;
  memoryLimitBytes: number;
  /** Most that was held so far. */
  memoryPeakBytes: number;
  /** Keys of all databases; expired ones that nobody noticed yet are counted. */
  keys: number;
  evictedKeys: number;
  expiredKeys: number;
  /** Elements of vector sets that were removed because their time came. */
  expiredElements: number;
  commands: number;
  hits: number;
  misses: number;
  /** Most entries that moved to make room for one. */
  movedMax: number;
}

/** One row of the command table. */
export interface CommandDescription {
  name: string;
  /** As in Redis: exact when positive, at least -arity when negative; the name counts. */
  arity: number;
  flags: string[];
  firstKey: number;
  lastKey: number;
  keyStep: number;
  group: string;
  since: string;
  summary: string;
}

/** What one command did since the start, or since the statistics were reset. */
export interface CommandStatistics {
  /** In upper case. */
  readonly name: string;
  /** Executed, failed ones included. */
  readonly calls: number;
  /** Answered with an error. */
  readonly failed: number;
  /** Refused before they ran: a wrong number of arguments, no password. */
  readonly rejected: number;
  /** Executed without a clock: they are in `calls` and not in `buckets`. */
  readonly untimed: number;
  /** Duration of all timed calls together, microseconds. */
  readonly microseconds: number;
  /** Timed calls by duration: up to `durationBounds[index]` and above the one before; the last has the rest. */
  readonly buckets: readonly number[];
}

/** A command that took longer than the slow limit. */
export interface SlowCommand {
  readonly microseconds: number;
  /** The engine's connection that sent it. */
  readonly connection: number;
  /** How many it had, its name included. */
  readonly argumentCount: number;
  /** The first 32 of them. */
  readonly arguments: readonly SlowArgument[];
}

/** An argument of a slow command: at most 128 bytes of it, none when it was over 32 KiB. */
export interface SlowArgument {
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** Cells of one size in one zone of memory. */
export interface CellStatistics {
  readonly zone: "entry" | "object" | "connection" | "field" | "index";
  /** Size of a cell. */
  readonly bytes: number;
  readonly pages: number;
  readonly used: number;
  /** In the pages held, for the next allocations. */
  readonly free: number;
}

/** Where the memory is, at the moment of asking. */
export interface MemoryStatistics {
  /** Bytes by what holds them; all but `free`, `log` and `copies` add up to `memoryUsedBytes`. */
  readonly kinds: Readonly<Record<MemoryKind, number>>;
  readonly cells: readonly CellStatistics[];
  /** Pages of 64 KiB taken from those given back before, or fresh, and given back. */
  readonly pagesReused: number;
  readonly pagesFresh: number;
  readonly pagesReleased: number;
}

/** What memory is held for. */
export type MemoryKind =
  | "fixed"
  | "entries"
  | "fields"
  | "index"
  | "objects"
  | "values"
  | "vectors"
  | "queues"
  | "copies"
  | "moving"
  | "connections"
  | "input"
  | "output"
  | "scratch"
  | "log"
  | "free";

/** An element that was found: its name, how far and how near it is, and its attributes as JSON text. */
export interface FoundElement {
  readonly id: string;
  readonly distance: number;
  readonly score: number;
  readonly attributes: string | undefined;
}

/** Options of a search, checked and complete. */
export interface AskedSearch {
  readonly k: number;
  readonly ef: number;
  readonly filter: string | undefined;
  readonly exact: boolean;
  readonly maxDistance: number | undefined;
}
