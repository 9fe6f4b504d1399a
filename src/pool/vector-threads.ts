// What a database does on threads, behind one object: bulk builds, searches for many queries, and for a server the links of VADDs
// in pipelines and the searches that commands leave.

import { searchOnThreads } from "./batch-search.ts";
import { Builds } from "./builds.ts";
import { LeftSearches } from "./left-searches.ts";
import type { ThreadPool } from "./node-thread-pool.ts";
import { PipelineBuilds } from "./pipeline-builds.ts";
import type { BatchQuery, BatchResults, Build, Threads } from "./threads.ts";

/** The threads of one engine. */
export class VectorThreads implements Threads {
  readonly #pool: ThreadPool;
  readonly #builds: Builds;
  readonly #left: LeftSearches;
  #pipelines: PipelineBuilds | undefined;
  #searches = 0;
  #closing: Promise<void> | undefined;

  constructor(pool: ThreadPool) {
    this.#pool = pool;
    this.#builds = new Builds(pool);
    this.#left = new LeftSearches(pool);
  }

  get onFailure(): ((cause: unknown) => unknown) | undefined {
    return this.#pool.onFailure;
  }

  set onFailure(failed: ((cause: unknown) => unknown) | undefined) {
    this.#pool.onFailure = failed;
  }

  openBuild(): Promise<Build> {
    return this.#builds.open();
  }

  async hold(): Promise<() => void> {
    this.#pipelines?.pause();
    try {
      const release = await this.#builds.hold();
      return () => {
        release();
        this.#pipelines?.resume();
      };
    } catch (error) {
      this.#pipelines?.resume();
      throw error;
    }
  }

  async search(query: BatchQuery, now: number): Promise<BatchResults | undefined> {
    if (this.#builds.isBusy || this.#closing !== undefined) return undefined;
    this.#searches++;
    try {
      return await searchOnThreads(this.#pool, query, now);
    } finally {
      this.#searches--;
    }
  }

  // ---- for a server, whose connections can wait

  /** From now on VADDs in pipelines leave their nodes to workers. */
  servePipelines(): PipelineBuilds {
    this.#pipelines ??= new PipelineBuilds(this.#pool, this.#builds);
    return this.#pipelines;
  }

  /**
   * From now on commands leave searches that are estimated to take longer than so many microseconds.
   *
   * @returns what does them
   */
  serveSearches(inlineUs: number): LeftSearches {
    // One that leaves all is told the least there is.
    this.#pool.engine.leaveLonger(Math.max(1, inlineUs * 1000));
    return this.#left;
  }

  /** Starts the workers, so that the first task does not wait for them. */
  start(): Promise<void> {
    return this.#pool.start();
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#pipelines?.close();
    this.#pool.engine.leaveLonger(0);
    await this.#builds.close();
    while (this.#searches > 0 || this.#left.isBusy) await new Promise((resolve) => setTimeout(resolve, 1));
    await this.#pool.close();
  }
}
