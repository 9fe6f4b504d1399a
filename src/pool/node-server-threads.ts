// Starts the workers of a server, which is all that it needs to know of them before it listens.

import type { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { ThreadPool } from "./node-thread-pool.ts";
import { VectorThreads } from "./vector-threads.ts";

/** Starts the workers of an engine, if there shall be some. */
export async function startThreads(
  module: WebAssembly.Module,
  engine: Engine,
  { threads, workerFile }: { readonly threads: number; readonly workerFile: URL | undefined },
  failed: (error: unknown) => void,
): Promise<VectorThreads | undefined> {
  if (threads === 0) return undefined;
  if (workerFile === undefined) throw new NearkeyError("invalid-option", "threads need workerFile, which they run");
  const started = new VectorThreads(new ThreadPool(module, engine, threads, workerFile));
  started.onFailure = (cause) => {
    failed(cause);
    return cause;
  };
  engine.beforeCut = () => started.hold();
  await started.start();
  return started;
}
