// Many queries at once, answered by all workers: they take one query after another from shared memory and write down ids and
// keys; the main thread reads names and attributes behind them, while they go on. A query that found an element which was
// deleted meanwhile is to be asked again; while a search goes on no id of a deleted element is given to another.

import type { EnginePool, SharedAsk } from "../engine-pool.ts";
import { type SharedQueries, UNANSWERED } from "../engine-worker.ts";
import { Turn } from "../event-loop.ts";
import type { ThreadPool } from "./node-thread-pool.ts";
import type { BatchQuery, BatchResults } from "./threads.ts";

/** How often it is looked whether workers have come on. */
const POLL_MS = 1;

type Asked = Omit<BatchQuery, "key" | "dim" | "queries">;

/**
 * Searches on all workers.
 *
 * @param now ms since epoch
 * @returns undefined when commands have to do it
 * @throws what broke a worker
 */
export async function searchOnThreads(
  threads: ThreadPool,
  { key, dim, queries, ...asked }: BatchQuery,
  now: number,
): Promise<BatchResults | undefined> {
  const { engine } = threads;
  if (queries.length === 0 || !engine.canShow(asked.most)) return undefined;
  const ask = askOf(engine, asked);
  if (ask === undefined) return undefined;
  const search = engine.openSearch(key, dim, now);
  if (search === undefined) return undefined;
  if (search === "empty") return queries.map(() => []);
  try {
    const shared = await sharedQueries(search, dim, queries, ask);
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

/** What workers are asked; undefined for a filter that commands have to refuse. */
function askOf(engine: EnginePool, { filter, maxDistance, ...ask }: Asked): SharedAsk | undefined {
  const bytes = filter === undefined ? undefined : engine.filterBytes(filter);
  if (filter !== undefined && bytes === undefined) return undefined;
  return { ...ask, distanceMax: maxDistance ?? Infinity, scale: 1, filter: bytes, effort: 0, plan: 0, raw: true };
}

async function sharedQueries(
  search: number,
  dim: number,
  queries: readonly Float32Array[],
  ask: SharedAsk,
): Promise<SharedQueries> {
  const vectors = new Float32Array(new SharedArrayBuffer(queries.length * dim * 4));
  const turn = new Turn();
  for (const [index, query] of queries.entries()) {
    vectors.set(query, index * dim);
    if (turn.isOver) await turn.next();
  }
  return {
    ...{ search, ask, dim, vectors },
    next: new Int32Array(new SharedArrayBuffer(4)),
    counts: new Int32Array(new SharedArrayBuffer(queries.length * 4)).fill(UNANSWERED),
    items: new BigUint64Array(new SharedArrayBuffer(queries.length * ask.most * 8)),
  };
}

/** @param done when all workers have ended */
async function show(
  { engine }: ThreadPool,
  search: number,
  { counts, items, ask: { most } }: SharedQueries,
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
