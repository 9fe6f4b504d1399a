// The embedded database: the methods on keys, answered at once by an engine in this process. Reads and writes of one
// short string take a path of their own that skips the protocol; everything else is a command, so that the embedded
// database, the client and a Redis client can never differ in what a command means. It has no clock of its own and no
// timer: the entry hands both in, and tests hand in others.

import type { Engine } from "../engine.ts";
import type { EngineStats } from "../engine-types.ts";
import { NearkeyError } from "../errors.ts";
import { HostCommands } from "../host/host-commands.ts";
import type { ProcessFacts } from "../host/host-facts.ts";
import type { DatabaseSettings } from "../options.ts";
import type { KeptDatabase } from "../persistence/kept-database.ts";
import type { Threads } from "../pool/threads.ts";
import type { Argument, Reply } from "../resp.ts";
import type { ScriptSource } from "../scripts/script-source.ts";
import { writeImage } from "../snapshot/image.ts";
import { HURRIED } from "../snapshot/take-snapshot.ts";
import type { StorageFile } from "../storage/storage.ts";
import { textBytes } from "../text.ts";
import { DatabaseConnection, Embedded } from "./database-connection.ts";
import { databaseFacts } from "./database-facts.ts";
import { DatabaseMethods } from "./database-methods.ts";
import { EmbeddedVectors } from "./embedded-vectors.ts";
import {
  anyCommand,
  checkKey,
  checkOnlyIf,
  checkSetOptions,
  checkTtl,
  checkValue,
  type Key,
  type Operation,
  type SetOptions,
  setMany,
  setValue,
  type Value,
} from "./operations.ts";
import { openSet } from "./vector-operations.ts";
import type { VectorOptions } from "./vector-options.ts";
import { VectorSet } from "./vectors.ts";

/** What surrounds an embedded database. */
export interface DatabaseHost {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `tick` regularly until the function it answers is called; `failed` when that throws. */
  startTicking?(tick: (nowMs: number) => boolean, failed: (error: unknown) => void): () => void;
  processFacts?: () => ProcessFacts;
  /**
   * Where scripts come to run; absent where there is no Lua.
   *
   * @internal
   */
  scripts?: ScriptSource;
  /**
   * Makes an engine that nobody uses yet, without eviction: a copy of the database passes through it on its way out.
   *
   * @internal
   */
  createCopy?(): Engine;
  /**
   * Writes a whole file: it is there complete, or not at all. Absent where there are no files.
   *
   * @internal
   */
  writeFile?(path: string, write: (file: Pick<StorageFile, "append">) => Promise<void>): Promise<void>;
  /** Where the database is kept; absent when it is only in memory. */
  persistence?: KeptDatabase;
  /**
   * Threads over the engine's memory; absent where everything is done in this one.
   *
   * @internal
   */
  threads?: Threads;
}

/** What a database has counted since it was opened. */
export type DatabaseStats = EngineStats;

const NEVER = -1;
const always = 0;

/**
 * A database in this process, made by `open()`. Point operations are synchronous; bulk inserts of vectors give a
 * promise. Methods, `vectors()` and the sets it made throw `closed` after `close()`, and `engine-failed` once the
 * engine broke (a defect: please report it).
 */
export class Database extends DatabaseMethods<"value"> {
  readonly #embedded: Embedded;
  readonly #engine: Engine;
  readonly #settings: DatabaseSettings;
  readonly #host: DatabaseHost;
  readonly #stopTicking: () => void;
  readonly #persistence: KeptDatabase | undefined;
  /** For the methods; nothing that `command` or `execute` do to their connections reaches it. */
  readonly #methods: DatabaseConnection;
  readonly #commands: DatabaseConnection;
  readonly #stream: DatabaseConnection;
  readonly #vectors: EmbeddedVectors;

  /**
   * Made by `open()`, not by hand.
   *
   * @internal
   */
  constructor(engine: Engine, settings: DatabaseSettings, host: DatabaseHost) {
    super();
    const facts = databaseFacts(engine, settings, () => this.#clients(), host);
    this.#engine = engine;
    this.#persistence = host.persistence;
    this.#persistence?.poll();
    this.#settings = settings;
    this.#host = host;
    this.#embedded = new Embedded(engine, new HostCommands(engine, facts), () => host.now());
    this.#embedded.onFailure = () => {
      host.persistence?.snapshots.abandon();
      engine.pool?.fail();
    };
    this.#methods = new DatabaseConnection(this.#embedded, 3, 1);
    this.#commands = new DatabaseConnection(this.#embedded, 3, 2);
    this.#stream = new DatabaseConnection(this.#embedded, 2, 3);
    this.#vectors = new EmbeddedVectors({
      ...{ engine, embedded: this.#embedded, connection: this.#methods },
      ...{ persistence: host.persistence, threads: host.threads },
      canHold: (bytes) => this.#canHold(bytes),
    });
    const tick = (nowMs: number) => engine.tick(nowMs);
    this.#stopTicking = host.startTicking?.(tick, (error) => this.#embedded.failure(error)) ?? (() => undefined);
  }

  #clients() {
    return [this.#methods, this.#commands, this.#stream].map((connection) => connection.client);
  }

  override get(key: Key): string | undefined {
    this.#embedded.check();
    try {
      return this.#engine.direct.getText(checkKey(key), this.#embedded.now);
    } catch (error) {
      throw this.#embedded.failure(error);
    }
  }

  override getBytes(key: Key): Uint8Array | undefined {
    this.#embedded.check();
    try {
      return this.#engine.direct.getBytes(checkKey(key), this.#embedded.now);
    } catch (error) {
      throw this.#embedded.failure(error);
    }
  }

  override set(key: Key, value: Value, options?: SetOptions): boolean {
    this.#embedded.check();
    let stored: boolean | undefined;
    try {
      stored = this.#setDirectly(checkKey(key), checkValue(value), options);
    } catch (error) {
      throw this.#embedded.failure(error);
    }
    return stored ?? this.run(setValue, key, value, options);
  }

  /** `undefined` when the value is too long for this. */
  #setDirectly(key: Key, value: Value, options: SetOptions | undefined): boolean | undefined {
    if (options === undefined) return this.#engine.direct.set(key, value, this.#embedded.now) || undefined;
    checkSetOptions(options);
    const now = this.#embedded.now();
    const expiry = options.ttlMs === undefined ? NEVER : now + checkTtl(options.ttlMs);
    const only = options.onlyIf === undefined ? always : checkOnlyIf(options.onlyIf);
    return this.#engine.direct.setIf(key, value, expiry, only, now);
  }

  override setMany(entries: Iterable<readonly [Key, Value]>): void {
    const operation = setMany(entries);
    if (operation.commands.length > 1) this.#askForMemory(operation.commands);
    this.run(() => operation);
  }

  /** One MSET is all or nothing by itself; for several the memory is asked for first, estimated from above. */
  #askForMemory(commands: readonly (readonly Argument[])[]): void {
    this.#embedded.check();
    let bytes = 0;
    for (const [, ...pairs] of commands) for (const part of pairs) bytes += cellBytes(part as Key | Value);
    if (this.#canHold(bytes)) return;
    throw new NearkeyError(
      "out-of-memory",
      `the entries need about ${bytes} bytes more than the memory limit leaves; none was stored`,
    );
  }

  #canHold(bytes: number): boolean {
    if (this.#settings.eviction === "noeviction") return this.#engine.canHold(bytes);
    return bytes <= this.#settings.maxMemoryBytes;
  }

  override command(name: string, ...args: Argument[]): Reply {
    return this.#commands.run(anyCommand([name, ...args], false));
  }

  override commandBytes(name: string, ...args: Argument[]): Reply {
    return this.#commands.run(anyCommand([name, ...args], true));
  }

  /**
   * Executes a batch of commands in RESP, all of them in one call into the engine. The batches of a database are one
   * stream with a connection of its own, which starts with RESP2 (`HELLO 3` changes that): an incomplete command at
   * the end of a batch waits for the next one.
   *
   * @returns the replies in RESP, error replies included
   * @throws NearkeyError `reply-too-large` when they take more than 256 MiB
   */
  execute(batch: Uint8Array): Uint8Array {
    if (!(batch instanceof Uint8Array)) throw new NearkeyError("invalid-argument", "a batch must be a Uint8Array");
    return this.#stream.execute(batch);
  }

  /**
   * Whether the last batch of `execute` ended early, at bytes that are no command: the error is its last reply.
   *
   * @internal
   */
  get cutShort(): boolean {
    return this.#stream.cutShort;
  }

  /**
   * Opens the vector set under a key, or prepares one. The set comes into being with its first element and ends with
   * its last, as in Redis; until then, and after, its options live in the object that this answers.
   *
   * @param options all have defaults but `dim`; for a set that exists they may be left out
   * @throws NearkeyError `invalid-option`, `options-differ` when the set exists with others (both are named),
   *   `wrong-type` when the key holds something else
   */
  vectors(name: Key, options: VectorOptions = {}): VectorSet {
    const settings = this.run(openSet, name, options);
    return new VectorSet(this.#vectors, settings);
  }

  /**
   * Writes the whole database into one file, an image: `open({ image })` opens it on any machine, in Node and in browsers,
   * without building anything anew. What was deleted, overwritten or has expired is not in it. It holds the state at the
   * moment of the call; commands go on meanwhile. Takes the memory of the database a second time.
   *
   * @param path where to; a file that is there is replaced once the new one is complete
   * @throws NearkeyError `storage-failed`, `out-of-memory`, `unsupported` where there are no files, `aborted` while a snapshot is
   *   being taken
   */
  async exportTo(path: string): Promise<void> {
    const { writeFile } = this.#host;
    if (writeFile === undefined) {
      throw new NearkeyError("unsupported", "there are no files here: exportImage() gives the bytes");
    }
    this.#embedded.check();
    await writeFile(path, (file) => this.#export(file));
  }

  /** The bytes of an image, as `exportTo` writes it. */
  async exportImage(): Promise<Uint8Array<ArrayBuffer>> {
    this.#embedded.check();
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    const append = (added: readonly Uint8Array[]): undefined => {
      for (const piece of added) pieces.push(new Uint8Array(piece));
    };
    await this.#export({ append });
    return new Uint8Array(await new Blob(pieces).arrayBuffer());
  }

  async #export(file: Pick<StorageFile, "append">): Promise<void> {
    const { createCopy } = this.#host;
    if (createCopy === undefined) throw new NearkeyError("unsupported", "this database cannot be exported");
    await writeImage(this.#engine, createCopy, file, this.#embedded.now(), HURRIED);
  }

  /** Memory held and its limit, keys, hits and misses, what expired and was evicted. */
  stats(): DatabaseStats {
    this.#embedded.check();
    return this.#engine.stats();
  }

  /**
   * Waits until everything done so far is on disk; with `fsync: "never"` until the system has it. Many may wait at once:
   * they share a commit. Of a database without a directory it is done at once.
   *
   * @throws NearkeyError `read-only` when the disk refuses it
   */
  async commit(): Promise<void> {
    this.#embedded.check();
    await this.#persistence?.commit();
  }

  /**
   * Takes a snapshot of a database with a directory, so that the next opening reads less of the log; what did not change since
   * the last one is not written again. Snapshots are also taken by themselves, see `open`, and by `close()`.
   *
   * @throws NearkeyError `unsupported` without a directory, `storage-failed`, `read-only` when the disk refuses it, `aborted`
   *   when too much changed meanwhile; what was there before is untouched
   */
  async snapshot(): Promise<void> {
    this.#embedded.check();
    if (this.#persistence === undefined) {
      throw new NearkeyError(
        "unsupported",
        "there is no directory to take a snapshot in: open({ dir }), or exportTo(path)",
      );
    }
    await this.#persistence.snapshots.take(false);
  }

  /**
   * Ends the database; its memory is freed once nothing refers to this object. One with a directory brings everything to
   * disk first, and takes a snapshot where anything changed since the last one. May be called again.
   *
   * @throws NearkeyError `read-only` when the disk refuses it
   */
  async close(): Promise<void> {
    this.#stopTicking();
    this.#embedded.close();
    await this.#host.threads?.close();
    await this.#persistence?.close();
  }

  /** `await using db = await open()` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected override run<Args extends unknown[], Result>(
    make: (...args: Args) => Operation<Result>,
    ...args: Args
  ): Result {
    return this.#methods.run(make(...args));
  }
}

/** An entry's header, expiry and place in the table are shared by its key and its value. */
const HALF_ENTRY_BYTES = 24;
const SMALL_BYTES = 4096;

/** From above: size classes waste an eighth to 4 KiB, half beyond. */
function cellBytes(part: Key | Value): number {
  const bytes = typeof part === "string" ? textBytes(part) : part.length;
  return HALF_ENTRY_BYTES + (bytes <= SMALL_BYTES ? bytes * 1.125 : bytes * 2);
}
