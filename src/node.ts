// The entry for Node: `open` finds the engine beside itself, compiles it once a process, and gives each database a
// memory of its own and a timer that does not keep the process alive. Everything else is the same on every runtime.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Database } from "./database/database.ts";
import { startTicking } from "./database/ticker.ts";
import { Engine, memoryBytesMax, sharedBytesMax } from "./engine.ts";
import { workersMax } from "./engine-pool.ts";
import type { EngineOptions } from "./engine-types.ts";
import { NearkeyError } from "./errors.ts";
import { type FsyncMode, fsyncModes } from "./log/log-options.ts";
import { checkObject, type OpenOptions, resolveOptions, shown } from "./options.ts";
import { engineCarrier } from "./persistence/carried-engines.ts";
import { Persistence, type PersistenceOptions, SNAPSHOT_DEFAULTS } from "./persistence/persistence.ts";
import { processHost } from "./persistence/process-host.ts";
import { ThreadPool } from "./pool/node-thread-pool.ts";
import { VectorThreads } from "./pool/vector-threads.ts";
import { processFacts } from "./server/process-facts.ts";
import { openImage, sourceOf } from "./snapshot/image.ts";
import { readFileOf, writeFile } from "./storage/node-image-file.ts";
import { nodeScripts } from "./storage/node-lua.ts";
import { NodeStorage } from "./storage/node-storage.ts";

export { Database, type DatabaseStats } from "./database/database.ts";
export type { Answer, Mode } from "./database/database-methods.ts";
export type { Key, SetOptions, Value } from "./database/operations.ts";
export type { SetManyOptions } from "./database/vector-insertion.ts";
export type { Attributes, ElementOptions, SearchOptions, SearchResult } from "./database/vector-operations.ts";
export type { OptimizeOptions } from "./database/vector-optimizing.ts";
export type { Metric, Quantization, Vector, VectorOptions } from "./database/vector-options.ts";
export type { Explanation, FieldIndex } from "./database/vector-planning.ts";
export { VectorSet } from "./database/vectors.ts";
export { errorCodes, NearkeyError, type NearkeyErrorCode, ReplyError } from "./errors.ts";
export type { EvictionPolicy, OpenOptions } from "./options.ts";
export type { Argument, Reply, ReplyMap } from "./resp.ts";

/** Replies that `execute` and the methods may hold at once. */
const OUTPUT_LIMIT_BYTES = 256 * 1024 * 1024;

const compiled = new Map<string, Promise<WebAssembly.Module>>();

function engineBytes(name = "engine.wasm"): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(new URL(`./${name}`, import.meta.url));
}

/** The engine, compiled once a process; `shared`: for memory that threads share. */
function engineModule(shared: boolean): Promise<WebAssembly.Module> {
  const name = shared ? "engine.shared.wasm" : "engine.wasm";
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const compiling = engineBytes(name).then((bytes) => WebAssembly.compile(bytes));
  compiled.set(name, compiling);
  return compiling;
}

/** Settings of `open` in Node; every one has a default. */
export interface NodeOpenOptions extends OpenOptions {
  /** The database is always in this thread; a program for browsers and Node alike may say so. */
  worker?: false | undefined;
  /**
   * The image that the database begins with, as `exportTo` wrote it: a path, or its bytes. Default: an empty database.
   * Everything in it is checked first; it need not come from somebody trusted.
   */
  image?: string | URL | Uint8Array | undefined;
  /** Directory that the database is kept in; made if it is not there. Default: none, and everything ends with the process. */
  dir?: string | undefined;
  /**
   * What `commit()` waits for, and how often what nobody waits for is brought to disk: `"always"` (default) as soon as it
   * can be, `"periodic"` every `fsyncIntervalMs`, `"never"` when the system likes. docs/durability.md compares them.
   */
  fsync?: FsyncMode | undefined;
  /** From 1 to 60,000. Default 10. */
  fsyncIntervalMs?: number | undefined;
  /** When snapshots of the directory are taken by themselves, beside those of `snapshot()` and `close()`. */
  snapshot?: SnapshotOptions | undefined;
  /**
   * Workers beside this thread that link the vectors of `setMany` and answer `searchManyAsync`, 0 to 16; as many as there
   * are cores to spare. They start when there is something for them. The memory is then shared by threads and reserved as a
   * whole, 4 GiB of addresses, and each worker takes up to 65 MiB off the largest `maxMemory`. Default 0: none.
   */
  threads?: number | undefined;
}

/** Settings of the snapshots of a directory; every one has a default. */
export interface SnapshotOptions {
  /** How often one is taken when anything changed, milliseconds; 0 is never. Default 300,000: five minutes. */
  everyMs?: number | undefined;
  /** After so many bytes of log one is taken; 0 is never. Default 256 MiB. */
  everyLogBytes?: number | undefined;
  /** Snapshots that are kept, 1 to 100; an older one serves when a newer one is damaged. Default 2. */
  keep?: number | undefined;
}

const OTHER_OPTIONS = ["dir", "fsync", "fsyncIntervalMs", "snapshot", "image", "worker", "threads"];
const INTERVAL_MS_MAX = 60_000;
const SNAPSHOTS_MAX = 100;

/** @throws NearkeyError `invalid-option` */
function persistenceOptions({ fsync = "always", fsyncIntervalMs = 10, snapshot }: NodeOpenOptions): PersistenceOptions {
  if (!fsyncModes.includes(fsync)) {
    throw new NearkeyError("invalid-option", `fsync must be one of ${fsyncModes.join(", ")}, not ${String(fsync)}`);
  }
  if (!Number.isInteger(fsyncIntervalMs) || fsyncIntervalMs < 1 || fsyncIntervalMs > INTERVAL_MS_MAX) {
    throw new NearkeyError("invalid-option", `fsyncIntervalMs must be a whole number from 1 to ${INTERVAL_MS_MAX}`);
  }
  return { fsync, fsyncIntervalMs, snapshot: snapshotOptions(snapshot) };
}

/** @throws NearkeyError `invalid-option` */
function snapshotOptions(given: SnapshotOptions = {}): PersistenceOptions["snapshot"] {
  checkObject("snapshot", given, "{ everyMs: 60_000 }");
  const { everyMs, everyLogBytes, keep } = SNAPSHOT_DEFAULTS;
  const check = (name: keyof SnapshotOptions, byDefault: number, min: number, max: number): number => {
    const value = given[name] ?? byDefault;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    const allowed = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
    throw new NearkeyError("invalid-option", `snapshot.${name} must be a whole number, ${allowed}`);
  };
  for (const name of Object.keys(given)) {
    if (name in SNAPSHOT_DEFAULTS) continue;
    const text = `there is no option snapshot.${name}; there are everyMs, everyLogBytes and keep`;
    throw new NearkeyError("invalid-option", text);
  }
  return {
    everyMs: check("everyMs", everyMs, 0, Number.MAX_SAFE_INTEGER),
    everyLogBytes: check("everyLogBytes", everyLogBytes, 0, Number.MAX_SAFE_INTEGER),
    keep: check("keep", keep, 1, SNAPSHOTS_MAX),
  };
}

/**
 * Opens a database in this process: an empty one, or what a directory or an image holds.
 *
 * ```ts
 * const db = await open({ maxMemory: "512mb", eviction: "allkeys-lru" });
 * db.set("user:1", "Ada", { ttlMs: 60_000 });
 * ```
 *
 * @throws NearkeyError `invalid-option` for settings that cannot be; of a directory `directory-in-use`; of a directory or
 *   an image `storage-damaged`, `storage-failed`, `unsupported` when another version wrote it, `out-of-memory`
 */
export async function open(given: NodeOpenOptions = {}): Promise<Database> {
  checkObject("the argument of open", given, '{ dir: "data" }');
  const { worker = false, image, dir, fsync, fsyncIntervalMs, snapshot, threads = 0, ...options } = given;
  checkThreads(threads);
  const bytesMax = threads === 0 ? memoryBytesMax : sharedBytesMax(threads);
  const settings = resolveOptions(options, bytesMax, OTHER_OPTIONS);
  for (const [name, value] of Object.entries({ fsync, fsyncIntervalMs, snapshot })) {
    if (dir !== undefined || value === undefined) continue;
    throw new NearkeyError("invalid-option", `${name} is for a database in a directory, and there is no dir`);
  }
  const kept = persistenceOptions(given);
  if (dir !== undefined && (typeof dir !== "string" || dir === "")) {
    throw new NearkeyError("invalid-option", `dir must be the path of a directory, not ${shown(dir)}`);
  }
  if (worker !== false) {
    throw new NearkeyError("invalid-option", "worker can only be false in Node: the database is in this thread");
  }
  const module = await engineModule(threads > 0);
  const memory = { outputLimitBytes: OUTPUT_LIMIT_BYTES, reserveMemory: true, workers: threads };
  // A clock would cost a command that comes alone 40 to 90 ns, and nobody scrapes an embedded database.
  const create = (given: EngineOptions): Engine => Engine.create(module, { ...given, ...memory, timed: false });
  if (image !== undefined && dir !== undefined) {
    throw new NearkeyError("invalid-option", "dir and image exclude each other: a directory begins with what it holds");
  }
  const createEmpty = (): Engine => create(settings);
  const createCopy = (): Engine => create({ ...settings, eviction: "noeviction" });
  const scripts = nodeScripts(new URL("./lua.wasm", import.meta.url));
  const host = { now: Date.now, startTicking, processFacts, createCopy, writeFile, scripts };
  const threaded = (engine: Engine) => (threads > 0 ? { threads: threadsOver(module, engine, threads) } : {});
  if (dir === undefined) {
    const engine = image === undefined ? createEmpty() : await openImageFile(image, createEmpty);
    return new Database(engine, settings, { ...host, ...threaded(engine) });
  }
  const carrier = engineCarrier(() => engineBytes());
  const persistence = await Persistence.open(createEmpty, new NodeStorage(dir), { ...kept, carrier }, processHost());
  const { engine } = persistence;
  return new Database(engine, settings, { ...host, ...threaded(engine), persistence });
}

/** @throws NearkeyError `invalid-option` */
function checkThreads(threads: number): void {
  if (Number.isInteger(threads) && threads >= 0 && threads <= workersMax) return;
  throw new NearkeyError("invalid-option", `threads must be a whole number from 0 to ${workersMax}, not ${threads}`);
}

function threadsOver(module: WebAssembly.Module, engine: Engine, threads: number): VectorThreads {
  return new VectorThreads(new ThreadPool(module, engine, threads, new URL("./pool-worker.js", import.meta.url)));
}

function openImageFile(image: string | URL | Uint8Array, create: () => Engine): Promise<Engine> {
  if (image instanceof Uint8Array) return openImage(sourceOf(image), "the image", create);
  const path = image instanceof URL ? fileURLToPath(image) : image;
  return readFileOf(path, (file) => openImage(file, path, create));
}
