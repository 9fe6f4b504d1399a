// The entry for browsers, and for runtimes at the edge that hand the compiled engine in: `open` gives a database in
// memory, in a worker unless asked otherwise. Nothing in here or below imports Node, and no memory is shared, so a page
// needs no cross-origin isolation.

import { createDatabase } from "./browser/browser-database.ts";
import { type BrowserOpenOptions, resolveBrowserOptions } from "./browser/browser-options.ts";
import { engineModule } from "./browser/engine-source.ts";
import { EngineWorker } from "./browser/engine-worker.ts";
import { imageBytes } from "./browser/image-source.ts";
import { WorkerDatabase } from "./browser/worker-database.ts";
import type { Database } from "./database/database.ts";

export type { BrowserOpenOptions, EngineSource, ImageSource } from "./browser/browser-options.ts";
export { WorkerDatabase } from "./browser/worker-database.ts";
export type { CallOptions } from "./client/pending-call.ts";
export { Pipeline, type Settled } from "./database/client-pipeline.ts";
export { Database, type DatabaseStats } from "./database/database.ts";
export type { Answer, Mode } from "./database/database-methods.ts";
export type { Key, SetOptions, Value } from "./database/operations.ts";
export type { Attributes, ElementOptions, SearchOptions, SearchResult } from "./database/vector-operations.ts";
export type { OptimizeOptions } from "./database/vector-optimizing.ts";
export type { Metric, Quantization, Vector, VectorOptions } from "./database/vector-options.ts";
export type { Explanation, FieldIndex } from "./database/vector-planning.ts";
export { VectorSet } from "./database/vectors.ts";
export { errorCodes, NearkeyError, type NearkeyErrorCode, ReplyError } from "./errors.ts";
export type { EvictionPolicy, OpenOptions } from "./options.ts";
export type { Argument, Reply, ReplyMap } from "./resp.ts";

/**
 * Opens a database in this page, empty or with what is in an image: in its own thread, where point operations answer at once.
 *
 * @throws NearkeyError `invalid-option`, `load-failed` when `engine.wasm` cannot be had, `unsupported` in a browser
 *   without SIMD or under a policy that forbids WebAssembly, `out-of-memory`
 */
export function open(options: BrowserOpenOptions & { worker: false }): Promise<Database>;
/**
 * Opens a database in a worker of this page, empty or with what is in an image; its methods give promises.
 *
 * ```ts
 * const db = await open({ maxMemory: "128mb", eviction: "allkeys-lru" });
 * await db.set("user:1", "Ada", { ttlMs: 60_000 });
 * ```
 *
 * @throws NearkeyError `invalid-option`, `load-failed` when `engine.wasm` or `browser-worker.js` cannot be had,
 *   `unsupported` in a browser without SIMD or under a policy that forbids WebAssembly, `out-of-memory`
 */
export function open(options?: BrowserOpenOptions & { worker?: true | undefined }): Promise<WorkerDatabase>;
export function open(options: BrowserOpenOptions): Promise<Database | WorkerDatabase>;
export async function open(options: BrowserOpenOptions = {}): Promise<Database | WorkerDatabase> {
  const settings = resolveBrowserOptions(options);
  const [module, image] = await Promise.all([engineModule(settings.module), imageBytes(settings.image)]);
  if (!settings.worker) return createDatabase(module, settings.database, image);
  return WorkerDatabase.open(await EngineWorker.start(settings.workerUrl, module, settings.database, image));
}
