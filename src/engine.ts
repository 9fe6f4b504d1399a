// The only file that touches the engine's memory: everything else handles bytes, values and handles. It gives a batch
// to the engine in pieces of at most 1 MiB, lends pages of replies out as views until they are released, and offers
// the direct paths of embedding. Views die when memory grows, so they are made anew whenever the buffer has changed.

import { instantiateSync } from "@assemblyscript/loader";
import { ConnectionMode, Notice, Tracking } from "../assembly/connection-layout.ts";
import {
  ARGUMENTS_MAX,
  INPUT_BASE,
  INPUT_BYTES,
  Outcome,
  PAGE_BYTES,
  PAGE_RECORD_BYTES,
  Result,
  SETTINGS_BASE,
  Setting,
  SLOW_BASE,
  VALUE_BYTES_MAX,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import { EngineClock } from "./engine-clock.ts";
import { readCommands } from "./engine-commands.ts";
import { EngineConnections, type EngineEvent, EngineEvents } from "./engine-connections.ts";
import { DirectPaths } from "./engine-direct.ts";
import { EngineEffects, Replay, type Replayed } from "./engine-effects.ts";
import { DEFAULT_BYTES, EngineLimits, memoryBytesMax, sharedBytesMax, writePacking } from "./engine-limits.ts";
import { EngineInput, EngineMemory } from "./engine-memory.ts";
import { EnginePool, isShared, scratchOf } from "./engine-pool.ts";
import { EngineScripts } from "./engine-scripts.ts";
import { VectorSearches } from "./engine-search.ts";
import { EngineSnapshot } from "./engine-snapshot.ts";
import { EngineStatistics } from "./engine-statistics.ts";
import type { CommandDescription, EngineOptions, EngineStats, PackingLimits, SlowCommand } from "./engine-types.ts";
import { OutputBlock } from "./engine-types.ts";

export type { CommandDescription, EngineEvent, EngineEvents, EngineOptions, EngineStats, Replayed };
export { ConnectionMode, memoryBytesMax, Notice, Outcome, OutputBlock, Replay, sharedBytesMax, Tracking };

/** Room for copies of a snapshot that is taken when they are fetched at once. */
const COPIES_PRESSING = 0.5;

/** One database in one linear memory. */
export class Engine {
  readonly #exports: EngineExports;
  readonly #memory: WebAssembly.Memory;
  readonly #view: EngineMemory;
  /** Reads and writes of embedding that skip the protocol. */
  readonly direct: DirectPaths;
  readonly searches: VectorSearches;
  /** Where sockets may put what they read. */
  readonly input: EngineInput;
  readonly #limits: EngineLimits;
  readonly #authenticated: boolean;
  /** What was counted, in detail. */
  readonly statistics: EngineStatistics;
  /** Called after a call of `execute` with the slow commands in it. */
  onSlow: ((commands: SlowCommand[]) => void) | undefined;
  /** What commands do, for a log, and replays. */
  readonly effects: EngineEffects;
  /** The state as a whole: for snapshots. */
  readonly snapshot: EngineSnapshot;
  /** While a snapshot is taken: called before a call of `execute` when there is little room for copies. */
  onCopies: (() => void) | undefined;
  /** Called and awaited before a snapshot's cut; what it answers is called once the snapshot is taken. */
  beforeCut: (() => Promise<() => void>) | undefined;
  /** What workers do in the same memory; undefined where no memory is shared. */
  readonly pool: EnginePool | undefined;
  /** News for connections other than the one that runs. */
  readonly events: EngineEvents;
  /** How connections stand. */
  readonly connections: EngineConnections;
  /** Commands that scripts call. */
  readonly scripts: EngineScripts;
  /** Asked for the time right before `execute`, it spares the engine a reading. */
  readonly clock: EngineClock;
  /** Bytes of input that the last `execute` consumed. */
  consumed = 0;

  private constructor(module: WebAssembly.Module, options: EngineOptions) {
    const shared = isShared(module);
    this.#limits = new EngineLimits(options, shared);
    this.#memory = this.#limits.memory;
    this.#view = new EngineMemory(this.#memory);
    this.clock = new EngineClock(options.clock);
    const env = { memory: this.#memory, clock: this.clock.read, scratch: () => scratchOf(undefined) };
    this.#exports = instantiateSync<EngineExports & Record<string, unknown>>(module, { env }).exports;
    this.#view.pageTable = this.#exports.pageTableBase() >>> 0;
    this.#view.heap = this.#exports.heapBase() >>> 0;
    this.direct = new DirectPaths(this.#exports, this.#view);
    this.searches = new VectorSearches(this.#exports, this.#view);
    this.input = new EngineInput(this.#exports, this.#view);
    if (shared) this.pool = new EnginePool(this.#memory, this.#exports, this.#view, this.searches);
    this.effects = new EngineEffects(this.#exports, this.#view, this.#limits);
    this.snapshot = new EngineSnapshot(this.#exports, this.#view, (bytes) => this.effects.checksum(bytes));
    this.#authenticated = !options.requireAuthentication;
    this.events = new EngineEvents(this.#exports, this.#view);
    this.connections = new EngineConnections(this.#exports);
    this.scripts = new EngineScripts(this.#exports, this.#view, (connection) => this.#takeAll(connection));
    this.statistics = new EngineStatistics(this.#memory, this.#exports, options.timed ?? true);
    this.setClientLimits(options);
    this.#limits.applyMemory();
    this.#exports.initialize(options.heapStart ?? 0, options.seed ?? drawSeed());
    this.setPacking(options);
    this.setEviction(options.eviction);
    if (options.listpackSize !== undefined) this.setListpackSize(options.listpackSize);
    this.setMaxMemory(options.maxMemoryBytes);
  }

  /**
   * Makes an empty database.
   *
   * @param module the compiled engine
   */
  static create(module: WebAssembly.Module, options: EngineOptions): Engine {
    return new Engine(module, options);
  }

  /** The memory of an engine: for workers that share it, and for tests that check its layout. */
  static memoryOf(engine: Engine): WebAssembly.Memory {
    return engine.#memory;
  }

  /**
   * Changes the memory limit of the running engine. A lower one than is in use is reached by and by: `tick` evicts
   * in short steps, and until then a write makes the room that it takes; without eviction writes are refused meanwhile.
   * For a higher one than was reserved the memory grows once no page of replies is lent, at once when none is.
   *
   * @param bytes fixed regions included, at most `memoryBytesMax`
   */
  setMaxMemory(bytes: number): void {
    this.#limits.setMaxMemory(this.#exports, bytes);
  }

  /** Changes what a write does at the limit, from the next one on. */
  setEviction(policy: EngineOptions["eviction"]): void {
    this.#limits.setEviction(this.#exports, policy);
  }

  /** Changes up to which size collections are packed that are added to from now on. */
  setPacking(limits: PackingLimits): void {
    writePacking(this.#view.words(), limits);
  }

  /** Changes which lists are named listpacks; see `EngineOptions`. */
  setListpackSize(size: number): void {
    this.#exports.setListpackSize(size);
  }

  /** Changes what one connection may send and leave unread, for commands from now on; see `EngineOptions`. */
  setClientLimits(limits: Pick<EngineOptions, "maxValueBytes" | "maxArguments" | "outputLimitBytes">): void {
    const at = SETTINGS_BASE >> 2;
    const words = this.#view.words();
    const { maxValueBytes = DEFAULT_BYTES, maxArguments = ARGUMENTS_MAX, outputLimitBytes = DEFAULT_BYTES } = limits;
    words[at + Setting.OutputPagesMax] = Math.ceil(outputLimitBytes / PAGE_BYTES) + 1;
    words[at + Setting.ValueBytesMax] = Math.min(maxValueBytes, VALUE_BYTES_MAX);
    words[at + Setting.ArgumentsMax] = Math.min(maxArguments, ARGUMENTS_MAX);
  }

  // ---- connections

  /** Opens a connection: RESP2, database 0, unauthenticated when the engine requires it. */
  connect(): number {
    return this.#exports.openConnection(this.#authenticated ? 1 : 0) >>> 0;
  }

  /** Frees a connection and all it holds; blocks taken from it must have been released. */
  disconnect(connection: number): void {
    this.#exports.closeConnection(connection);
  }

  setAuthenticated(connection: number, yes: boolean): void {
    this.connections.setMode(connection, ConnectionMode.Stranger, !yes);
  }

  setProtocol(connection: number, protocol: 2 | 3): void {
    this.#exports.setProtocol(connection, protocol);
  }

  protocol(connection: number): 2 | 3 {
    return this.#exports.protocolOf(connection) === 3 ? 3 : 2;
  }

  database(connection: number): number {
    return this.#exports.databaseOf(connection);
  }

  /** Back to database 0 and RESP2, out of a transaction, with replies. */
  reset(connection: number): void {
    this.#exports.resetConnection(connection);
  }

  /**
   * Feeds input[offset..] to a connection: parses and executes whole commands, keeps a partial one for the next call.
   * `consumed` tells how far it came; Done means to the end. One call takes at most 1 MiB, so that others may go between.
   *
   * @param now ms since epoch
   */
  execute(connection: number, input: Uint8Array, offset: number, now: number): Outcome {
    const bytes = Math.min(input.length - offset, INPUT_BYTES);
    const whole = offset === 0 && bytes === input.length;
    this.#view.bytes().set(whole ? input : input.subarray(offset, offset + bytes), INPUT_BASE);
    const outcome = this.#call(connection, bytes, now);
    this.consumed = this.#view.result(Result.Consumed);
    return outcome === Outcome.Done && offset + bytes < input.length ? Outcome.Yield : outcome;
  }

  #call(connection: number, bytes: number, now: number): Outcome {
    // Before, not behind: what a call leaves in the registers is the host's to read, and copies use them too.
    if (this.onCopies !== undefined && this.snapshot.fill > COPIES_PRESSING) this.onCopies();
    const outcome = this.#exports.execute(connection, bytes, now, this.clock.takeStarted()) as Outcome;
    if (this.#view.words()[SLOW_BASE >>> 2] !== 0) this.onSlow?.(this.statistics.takeSlow());
    this.events.tell();
    return outcome;
  }

  /** As `execute`, of the first bytes of `input`. */
  executeInPlace(connection: number, bytes: number, now: number): Outcome {
    const outcome = this.#call(connection, bytes, now);
    this.consumed = outcome === Outcome.Done ? bytes : this.#view.result(Result.Consumed);
    return outcome;
  }

  /** The arguments of the command that waits for the host, name first, as copies. */
  hostArguments(): Uint8Array[] {
    const words = this.#view.words();
    const records = this.#view.result(Result.Address) >>> 2;
    const list: Uint8Array[] = [];
    for (let index = 0; index < this.#view.result(Result.Count); index++) {
      const address = words[records + index * 2] as number;
      const length = words[records + index * 2 + 1] as number;
      list.push(length >>> 31 ? this.#view.readPages(address, length & 0x7fffffff) : this.#view.copy(address, length));
    }
    return list;
  }

  /**
   * Appends the host's reply to the connection's output and ends the command it answers. Host when that was a command of a
   * transaction, which has gone on to another one of the host's: it must be answered before anything else is executed.
   */
  reply(connection: number, resp: Uint8Array): Outcome {
    for (let at = 0; at < resp.length; at += INPUT_BYTES) {
      const piece = resp.subarray(at, at + INPUT_BYTES);
      this.#view.bytes().set(piece, INPUT_BASE);
      this.#exports.writeReply(connection, piece.length);
    }
    const outcome = this.#exports.finishHostCommand(connection) as Outcome;
    this.events.tell();
    return outcome;
  }

  /** The oldest block of replies not taken yet; it stays valid, and charged to the connection, until it is released. */
  takeOutput(connection: number): OutputBlock | undefined {
    const page = this.#exports.takeOutput(connection);
    if (page === 0) return undefined;
    this.#limits.lend();
    const bytes = this.#view.words()[(this.#view.pageTable + page * PAGE_RECORD_BYTES + 12) >>> 2] as number;
    return new OutputBlock(this.#view.block(page, bytes), page);
  }

  /** All replies of a connection, copied. */
  #takeAll(connection: number): Uint8Array {
    const whole = new Uint8Array(this.#exports.pinnedPages(connection) * PAGE_BYTES);
    let at = 0;
    for (let block = this.takeOutput(connection); block !== undefined; block = this.takeOutput(connection)) {
      whole.set(block.view, at);
      at += block.view.length;
      this.release(connection, block.page);
    }
    return whole.subarray(0, at);
  }

  /** Gives a block back. */
  release(connection: number, page: number): void {
    this.#exports.releaseOutput(connection, page);
    this.#limits.takeBack();
  }

  /** Memory of replies held for a connection, taken or not. */
  pinnedBytes(connection: number): number {
    return this.#exports.pinnedPages(connection) * PAGE_BYTES;
  }

  // ---- upkeep

  /** Removes expired keys and frees deleted objects, a bounded number; true when more waits. */
  tick(now: number): boolean {
    this.clock.adjust();
    const more = this.#exports.tick(now) !== 0;
    this.events.tell();
    return more;
  }

  /**
   * Bytes that a key takes, its share of the index counted; undefined when there is none.
   *
   * @param samples fields of a large hash that are read and stand for all; 0 reads all
   */
  memoryUsage(database: number, key: Uint8Array, samples: number, now: number): number | undefined {
    this.#view.bytes().set(key, INPUT_BASE);
    const bytes = this.#exports.memoryUsage(database, key.length, samples, now);
    return bytes < 0 ? undefined : bytes;
  }

  /** Whether `bytes` more fit under the limit now, without evicting. */
  canHold(bytes: number): boolean {
    return bytes <= (this.#exports.roomInPages() >>> 0) * PAGE_BYTES;
  }

  /** Keys of one database, and those of them that expire. */
  countKeys(database: number): { keys: number; expiring: number } {
    return this.statistics.countKeys(database);
  }

  stats(): EngineStats {
    return { memoryLimitBytes: this.#limits.limitBytes(), ...this.statistics.counted() };
  }

  /** The command table, in the order of registration. */
  commands(): CommandDescription[] {
    return readCommands(this.#memory.buffer, this.#exports.describedCommands());
  }
}

function drawSeed(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0] as bigint;
}
