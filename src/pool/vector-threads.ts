// What an embedded database does on threads, behind one object: bulk builds and searches for many queries.

import { searchOnThreads } from "./batch-search.ts";
import { Builds } from "./builds.ts";
import type { ThreadPool } from "./node-thread-pool.ts";
import type { BatchQuery, BatchResults, Build, Threads } from "./threads.ts";

/** The threads of one engine. */
export class VectorThreads implements Threads {
  readonly #pool: ThreadPool;
  readonly #builds: Builds;
  #searches = 0;
  #closing: Promise<void> | undefined;

  constructor(pool: ThreadPool) {
    this.#pool = pool;
    this.#builds = new Builds(pool);
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

  hold(): Promise<() => void> {
    return this.#builds.hold();
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

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    await this.#builds.close();
    while (this.#searches > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await this.#pool.close();
  }
}
