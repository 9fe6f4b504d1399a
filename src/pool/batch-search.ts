// Many queries at once, answered by all workers: they take one query after another from shared memory and write down ids and
// keys; the main thread reads names and attributes behind them, while they go on. A query that found an element which was
// deleted meanwhile is to be asked again; while a search goes on no id of a deleted element is given to another.

import { type SharedQueries, UNANSWERED } from "../engine-worker.ts";
import { Turn } from "../event-loop.ts";
import type { ThreadPool } from "./node-thread-pool.ts";
import type { BatchQuery, BatchResults } from "./threads.ts";

/** How often it is looked whether workers have come on. */
const POLL_MS = 1;

/**
 * Searches on all workers.
 *
 * @param now ms since epoch
 * @returns undefined when commands have to do it
 * @throws what broke a worker
 */
export async function searchOnThreads(
  threads: ThreadPool,
  { key, dim, queries, most, ef }: BatchQuery,
  now: number,
): Promise<BatchResults | undefined> {
  const { engine } = threads;
  if (queries.length === 0 || !engine.canShow(most)) return undefined;
  const search = engine.openSearch(key, dim, now);
  if (search === undefined) return undefined;
  if (search === "empty") return queries.map(() => []);
  try {
    const shared = await sharedQueries(search, dim, queries, most, ef);
    const workers = Math.min(threads.threads, queries.length);
    const tasks = Array.from({ length: workers }, () => threads.run({ kind: "search", queries: shared }));
    const done = Promise.all(tasks);
    try {
      return await show(threads, search, shared, done);
    } finally {
      // No worker may be at it once its number is given to another search.
      await done;
    }
  } finally {
    engine.closeSearch(search);
  }
}

async function sharedQueries(
  search: number,
  dim: number,
  queries: readonly Float32Array[],
  most: number,
  ef: number,
): Promise<SharedQueries> {
  const vectors = new Float32Array(new SharedArrayBuffer(queries.length * dim * 4));
  const turn = new Turn();
  for (const [index, query] of queries.entries()) {
    vectors.set(query, index * dim);
    if (turn.isOver) await turn.next();
  }
  return {
    ...{ search, most, ef, dim, vectors },
    next: new Int32Array(new SharedArrayBuffer(4)),
    counts: new Int32Array(new SharedArrayBuffer(queries.length * 4)).fill(UNANSWERED),
    items: new BigUint64Array(new SharedArrayBuffer(queries.length * most * 8)),
  };
}

/** @param done when all workers have ended */
async function show(
  { engine }: ThreadPool,
  search: number,
  { counts, items, most }: SharedQueries,
  done: Promise<unknown>,
): Promise<BatchResults> {
  const found: BatchResults = [];
  const turn = new Turn();
  let isDone = false;
  const end = (): void => {
    isDone = true;
  };
  const ended = done.then(end, end);
  for (let index = 0; index < counts.length; index++) {
    while (!isDone && Atomics.load(counts, index) === UNANSWERED) await Promise.race([ended, turn.rest(POLL_MS)]);
    const count = counts[index] as number;
    const elements = count < 0 ? undefined : engine.show(search, items.subarray(index * most, index * most + count));
    found.push(elements?.length === count ? elements : undefined);
    if (turn.isOver) await turn.next();
  }
  return found;
}
