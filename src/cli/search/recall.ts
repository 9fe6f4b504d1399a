// How good and how fast a set's graph answers: the same queries walked at several lengths of the beam and compared with
// every vector. A result counts as found when it is as near as the exact one of its rank, so that ties harm nobody.

import type { SearchOptions, SearchResult } from "../../database/vector-operations.ts";
import type { VectorSet } from "../../database/vectors.ts";
import type { Query } from "./query-vector.ts";

/** What one way of searching came to. */
export interface RecallRow {
  /** Length of the beam; undefined for the exact search. */
  readonly ef: number | undefined;
  /** Share of the exact results that were found, 0 to 1. */
  readonly recall: number;
  /** Round trips in milliseconds. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Distances are sums in another order: equal ones may differ in their last digits. */
const TIE = 1e-5;

/** Searches, and leaves out the element that the query came from. */
export async function searchFor(
  set: VectorSet<"promise">,
  query: Query,
  options: SearchOptions & { k: number },
): Promise<SearchResult[]> {
  if (query.self === undefined) return set.search(query.vector, options);
  const found = await set.search(query.vector, { ...options, k: options.k + 1 });
  return found.filter(({ id }) => id !== query.self).slice(0, options.k);
}

/**
 * Measures recall, query after query.
 *
 * @param efs lengths of the beam to try
 * @returns one row for each, then the exact search
 */
export async function measureRecall(
  set: VectorSet<"promise">,
  queries: readonly Query[],
  efs: readonly number[],
  options: SearchOptions & { k: number },
): Promise<RecallRow[]> {
  const exact = await runAll(set, queries, { ...options, exact: true });
  const rows: RecallRow[] = [];
  for (const ef of efs) {
    const walked = await runAll(set, queries, { ...options, ef });
    rows.push({ ef, recall: recallOf(walked.found, exact.found), ...timesOf(walked.ms) });
  }
  return [...rows, { ef: undefined, recall: 1, ...timesOf(exact.ms) }];
}

async function runAll(set: VectorSet<"promise">, queries: readonly Query[], options: SearchOptions & { k: number }) {
  const found: SearchResult[][] = [];
  const ms: number[] = [];
  for (const query of queries) {
    const started = performance.now();
    found.push(await searchFor(set, query, options));
    ms.push(performance.now() - started);
  }
  return { found, ms };
}

/** The share of exact results whose distance, or a smaller one, was reached. */
export function recallOf(found: readonly SearchResult[][], exact: readonly SearchResult[][]): number {
  let hits = 0;
  let wanted = 0;
  for (const [index, truth] of exact.entries()) {
    const farthest = truth.at(-1)?.distance ?? 0;
    const limit = farthest + Math.abs(farthest) * TIE + Number.MIN_VALUE;
    wanted += truth.length;
    hits += Math.min(truth.length, found[index]?.filter(({ distance }) => distance <= limit).length ?? 0);
  }
  return wanted === 0 ? 1 : hits / wanted;
}

function timesOf(ms: readonly number[]): Pick<RecallRow, "medianMs" | "p99Ms"> {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { medianMs: at(0.5), p99Ms: at(0.99) };
}
