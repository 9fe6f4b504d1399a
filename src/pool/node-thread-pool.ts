// Workers over the memory of one engine, run by piscina and started when there is a first task for them. A task that is
// rejected broke amid its work: then nothing in the memory can be trusted any more, and whoever waits is told so.

import type { Piscina } from "piscina";
import { Engine } from "../engine.ts";
import type { EnginePool } from "../engine-pool.ts";
import type { WorkerStart, WorkerTask } from "../pool-worker.ts";

/** The workers of one engine. */
export class ThreadPool {
  readonly threads: number;
  /** The engine's side of it. */
  readonly engine: EnginePool;
  readonly #start: WorkerStart;
  readonly #worker: URL;
  #workers: Promise<Piscina> | undefined;
  #failure: { readonly cause: unknown } | undefined;
  /** Called once, when a worker broke; answers what everybody is told from then on. */
  onFailure: ((cause: unknown) => unknown) | undefined;

  /**
   * @param module the engine for memory that threads share, of which `engine` is an instance
   * @param threads how many workers; the engine was made with room for them
   * @param worker the file that pool-worker.ts is built to
   */
  constructor(module: WebAssembly.Module, engine: Engine, threads: number, worker: URL) {
    if (engine.pool === undefined) throw new RangeError("the engine shares its memory with nobody");
    this.engine = engine.pool;
    this.threads = threads;
    this.#worker = worker;
    const started = new Int32Array(new SharedArrayBuffer(4));
    this.#start = { module, memory: Engine.memoryOf(engine), started };
  }

  /**
   * Runs a task in the next worker that is free.
   *
   * @throws what `onFailure` answered when a worker broke, now or before
   */
  async run(task: WorkerTask): Promise<void> {
    this.check();
    this.engine.begin();
    try {
      this.#workers ??= this.#startWorkers();
      await (await this.#workers).run(task);
    } catch (error) {
      this.#fail(error);
      this.check();
    } finally {
      this.engine.end();
    }
  }

  /** Starts the workers now. */
  async start(): Promise<void> {
    this.#workers ??= this.#startWorkers();
    await this.#workers;
  }

  /** @throws what `onFailure` answered, if a worker broke */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }

  async #startWorkers(): Promise<Piscina> {
    const { Piscina } = await import("piscina");
    return new Piscina({
      filename: this.#worker.href,
      minThreads: this.threads,
      maxThreads: this.threads,
      workerData: this.#start,
    });
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    this.engine.fail();
    this.#failure = { cause: this.onFailure?.(cause) ?? cause };
  }

  /** Ends the workers; no task may be running. */
  async close(): Promise<void> {
    const workers = await this.#workers?.catch(() => undefined);
    await workers?.destroy();
  }
}
