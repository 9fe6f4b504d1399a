// What runs in a worker of the pool: piscina calls the default export with a task, which is done before it returns. A number
// of its own tells the worker where in the shared memory its scratch lies.

import { workerData } from "node:worker_threads";
import { EngineWorker, type SharedQueries } from "./engine-worker.ts";

/** What every worker is started with. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** How many workers have started: the next one's number. */
  readonly started: Int32Array;
}

/** What a worker may be asked to do. */
export type WorkerTask = { readonly kind: "link" } | { readonly kind: "search"; readonly queries: SharedQueries };

const { module, memory, started } = workerData as WorkerStart;
const engine = new EngineWorker(module, memory, Atomics.add(started, 0, 1));

export default function run(task: WorkerTask): void {
  if (task.kind === "link") engine.link();
  else engine.search(task.queries);
}
