// The entry for Node: `open` finds the engine beside itself, compiles it once a process, and gives each database a
// memory of its own and a timer that does not keep the process alive. Everything else is the same on every runtime.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Database } from "./database/database.ts";
import { startTicking } from "./database/ticker.ts";
import { Engine, memoryBytesMax } from "./engine.ts";
import type { EngineOptions } from "./engine-types.ts";
import { NearkeyError } from "./errors.ts";
import { type OpenOptions, resolveOptions } from "./options.ts";
import { processFacts } from "./server/process-facts.ts";
import { openImage, sourceOf } from "./snapshot/image.ts";
import { readFileOf, writeFile } from "./storage/node-image-file.ts";

export { Database, type DatabaseStats } from "./database/database.ts";
export type { Answer, Mode } from "./database/database-methods.ts";
export type { Key, SetOptions, Value } from "./database/operations.ts";
export type { Attributes, SearchOptions, SearchResult } from "./database/vector-operations.ts";
export type { Metric, Quantization, Vector, VectorOptions } from "./database/vector-options.ts";
export type { Explanation, FieldIndex } from "./database/vector-planning.ts";
export { VectorSet } from "./database/vectors.ts";
export { errorCodes, NearkeyError, type NearkeyErrorCode, ReplyError } from "./errors.ts";
export type { EvictionPolicy, OpenOptions } from "./options.ts";
export type { Argument, Reply, ReplyMap } from "./resp.ts";

/** Replies that `execute` and the methods may hold at once. */
const OUTPUT_LIMIT_BYTES = 256 * 1024 * 1024;

let compiled: Promise<WebAssembly.Module> | undefined;

/** The engine, compiled once a process. */
function engineModule(): Promise<WebAssembly.Module> {
  compiled ??= readFile(new URL("./engine.wasm", import.meta.url)).then((bytes) => WebAssembly.compile(bytes));
  return compiled;
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
}

/**
 * Opens a database in this process: an empty one, or what is in an image.
 *
 * ```ts
 * const db = await open({ maxMemory: "512mb", eviction: "allkeys-lru" });
 * db.set("user:1", "Ada", { ttlMs: 60_000 });
 * ```
 *
 * @throws NearkeyError `invalid-option` for settings that cannot be; for an image `storage-damaged`, `storage-failed`,
 *   `unsupported` when another version wrote it, `out-of-memory`
 */
export async function open({ worker = false, image, ...options }: NodeOpenOptions = {}): Promise<Database> {
  const settings = resolveOptions(options, memoryBytesMax);
  if (worker !== false) {
    throw new NearkeyError("invalid-option", "worker can only be false in Node: the database is in this thread");
  }
  const module = await engineModule();
  const memory = { outputLimitBytes: OUTPUT_LIMIT_BYTES, reserveMemory: true };
  // A clock would cost a command that comes alone 40 to 90 ns, and nobody scrapes an embedded database.
  const create = (given: EngineOptions): Engine => Engine.create(module, { ...given, ...memory, timed: false });
  const engine = image === undefined ? create(settings) : await openImageFile(image, () => create(settings));
  const createCopy = (): Engine => create({ ...settings, eviction: "noeviction" });
  return new Database(engine, settings, { now: Date.now, startTicking, processFacts, createCopy, writeFile });
}

function openImageFile(image: string | URL | Uint8Array, create: () => Engine): Promise<Engine> {
  if (image instanceof Uint8Array) return openImage(sourceOf(image), "the image", create);
  const path = image instanceof URL ? fileURLToPath(image) : image;
  return readFileOf(path, (file) => openImage(file, path, create));
}
