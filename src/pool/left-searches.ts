// Searches that commands leave to the host because they are estimated to take long: a worker does each, while its connection rests and
// others go on. Elements that are deleted meanwhile are not in the reply.

import type { LeftQuery } from "../engine-pool.ts";
import { type SharedQueries, UNANSWERED } from "../engine-worker.ts";
import type { ThreadPool } from "./node-thread-pool.ts";

/** The searches that commands of one engine leave. */
export class LeftSearches {
  readonly #threads: ThreadPool;
  #running = 0;

  constructor(threads: ThreadPool) {
    this.#threads = threads;
  }

  /** Whether some go on. */
  get isBusy(): boolean {
    return this.#running > 0;
  }

  /**
   * Does the search that a command has left just now, and writes its reply.
   *
   * @param isOpen whether the connection is still there
   * @throws what broke a worker
   */
  async answer(connection: number, isOpen: () => boolean): Promise<void> {
    const { engine } = this.#threads;
    const left = engine.openLeft() ?? engine.openLeftSpare();
    try {
      const isSpare = left.search === engine.spareSearch;
      const items = isSpare ? engine.findHere(left) : await this.#find(left);
      if (isOpen()) engine.replyLeft(connection, left, items);
    } finally {
      engine.closeSearch(left.search);
    }
  }

  async #find(left: LeftQuery): Promise<BigUint64Array> {
    const queries = queriesOf(left);
    this.#running++;
    try {
      await this.#threads.run({ kind: "search", queries });
    } finally {
      this.#running--;
    }
    const found = queries.counts[0] ?? UNANSWERED;
    // Where others write all the time a worker may find no peace for it.
    return found < 0 ? this.#threads.engine.findHere(left) : queries.items.subarray(0, found);
  }
}

function queriesOf({ search, ask, vector }: LeftQuery): SharedQueries {
  const vectors = new Float32Array(new SharedArrayBuffer(vector.byteLength));
  vectors.set(vector);
  return {
    ...{ search, ask, dim: vector.length, vectors },
    next: new Int32Array(new SharedArrayBuffer(4)),
    counts: new Int32Array(new SharedArrayBuffer(4)).fill(UNANSWERED),
    items: new BigUint64Array(new SharedArrayBuffer(ask.most * 8)),
  };
}
