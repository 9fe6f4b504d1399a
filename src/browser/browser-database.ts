// An embedded database in a browser's thread, be it the page's or a worker's. Memory is not reserved as in Node: pages
// share an address space with everything else in their process, so it grows as it is used, and a browser that gives no
// more is met like the memory limit.

import { Database } from "../database/database.ts";
import { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { pause } from "../event-loop.ts";
import type { DatabaseSettings } from "../options.ts";
import { openImage, sourceOf } from "../snapshot/image.ts";

/** Replies that one call may hold at once. */
const OUTPUT_LIMIT_BYTES = 1024 * 1024 * 1024;
/** How often the engine is called when it has nothing left to do, milliseconds. A page out of sight gets fewer turns. */
const TICK_MS = 100;

/**
 * Makes a database in this thread.
 *
 * @param image what it begins with; absent for nothing
 * @throws NearkeyError `out-of-memory` when the browser does not give what it takes, `unsupported`, `storage-damaged`
 */
export async function createDatabase(
  module: WebAssembly.Module,
  settings: DatabaseSettings,
  image: Uint8Array | undefined,
): Promise<Database> {
  const create = (): Engine => createEngine(module, settings);
  const engine = image === undefined ? create() : await openImage(sourceOf(image), "the image", create);
  const createCopy = (): Engine => createEngine(module, { ...settings, eviction: "noeviction" });
  return new Database(engine, settings, { now: Date.now, startTicking, createCopy });
}

function createEngine(module: WebAssembly.Module, settings: DatabaseSettings): Engine {
  try {
    return Engine.create(module, { ...settings, outputLimitBytes: OUTPUT_LIMIT_BYTES, timed: false });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    // Chrome before 115 instantiates nothing as large on the page's thread.
    if (/main thread/i.test(cause.message)) {
      const message = "this browser runs the engine in a worker only: leave out worker: false";
      throw new NearkeyError("unsupported", message, { cause });
    }
    const message = `the browser does not give the memory that a database begins with (${cause.message}): close others first`;
    throw new NearkeyError("out-of-memory", message, { cause });
  }
}

/** Calls `tick` regularly, and again as soon as others had a turn while it answers true. */
function startTicking(tick: (nowMs: number) => boolean, failed: (error: unknown) => void): () => void {
  let working = false;
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    clearInterval(timer);
  };
  const run = async (): Promise<void> => {
    if (working) return;
    working = true;
    try {
      while (!stopped && tick(Date.now())) await pause();
    } catch (error) {
      stop();
      failed(error);
    }
    working = false;
  };
  const timer = setInterval(() => void run(), TICK_MS);
  return stop;
}
