// What an engine is made with and what it tells about itself.

/** What an engine is made with. */
export interface EngineOptions {
  /** Memory the database may hold, fixed regions included. */
  maxMemoryBytes: number;
  eviction: "noeviction" | "allkeys-lru";
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
  /** Where the heap starts, for tests near the end of the address range. */
  heapStart?: number;
}

/** One page of replies, lent until it is released. */
export class OutputBlock {
  /** The memory that it lies in is lent too: a view of a block costs more than writing a short reply from its place. */
  constructor(
    readonly memory: Uint8Array,
    readonly start: number,
    readonly bytes: number,
    readonly page: number,
  ) {}

  get view(): Uint8Array {
    return this.memory.subarray(this.start, this.start + this.bytes);
  }
}

/** What the engine has counted. */
export interface EngineStats {
  memoryUsedBytes: number;
  memoryLimitBytes: number;
  /** Keys of all databases; expired ones that nobody noticed yet are counted. */
  keys: number;
  evictedKeys: number;
  expiredKeys: number;
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
