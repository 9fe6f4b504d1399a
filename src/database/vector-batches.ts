// Searches that give promises: many queries without keeping the event loop, on threads where there are some, else in turns
// of about a millisecond; and single ones, which are done at once unless they are estimated to take long.

import { pause, Turn, TurnPieces } from "../event-loop.ts";
import type { Mode } from "./database-methods.ts";
import { invalid, kindOf } from "./operations.ts";
import {
  checkedSearch,
  countVectors,
  resultOf,
  type SearchOptions,
  type SearchResult,
  search,
  searchCommand,
  searchDirectly,
} from "./vector-operations.ts";
import { checkVector, type Vector, type VectorSettings } from "./vector-options.ts";
import { ofQuery } from "./vector-planning.ts";
import type { VectorPort } from "./vectors.ts";

/** Queries of the first turn, and of any turn at most. */
const QUERIES_FIRST = 4;
const QUERIES_MAX = 512;
/** Fewer queries are not worth a message to a thread. */
const SHARED_MIN = 8;
/** A search that is estimated to take longer is not done at once. */
const INLINE_US_MAX = 500;
/** Points that a walk measures for each candidate, and on its way down; and what reading memory costs. */
const MEASURED_PER_EF = 10;
const MEASURED_BEFORE = 200;
const BYTES_AHEAD = 512;
const BYTES_PER_US = 40_000;
const BYTES_OF_NUMBER = { f32: 4, f16: 2, int8: 1, int4: 0.5, binary: 0.125 } as const;
/** The same for comparing with every vector, which reads memory in order. */
const ROW_BYTES_AHEAD = 60;
const ROW_BYTES_PER_US = 20_000;
/** What a filter makes of it: elements are tested, and more are measured than match. */
const FILTER_TIMES = 4;

/** VectorSet.searchAsync: its text says what this promises. */
export async function searchSoon(
  port: VectorPort<Mode>,
  set: VectorSettings,
  query: Vector,
  options: SearchOptions = {},
): Promise<SearchResult[]> {
  searchCommand(set, query, options); // What is wrong with it is said here, without the number of a query.
  const isLong = port.nearestOfMany !== undefined && (await estimatedUs(port, set, options)) > INLINE_US_MAX;
  const shared = isLong ? await searchShared(port, set, [query], options) : undefined;
  const [found] = shared ?? (await searchInTurns(port, set, [query], options));
  return found as SearchResult[];
}

/** About how long a search takes: it waits for memory. */
async function estimatedUs(port: VectorPort<Mode>, set: VectorSettings, options: SearchOptions): Promise<number> {
  const { ef, exact, filter } = checkedSearch(options);
  if (exact) {
    const [count = 0] = await port.runAll([countVectors(set)]);
    return (count * (set.dim * BYTES_OF_NUMBER.f32 + ROW_BYTES_AHEAD)) / ROW_BYTES_PER_US;
  }
  const measured = MEASURED_BEFORE + ef * MEASURED_PER_EF;
  const walkUs = (measured * (set.dim * BYTES_OF_NUMBER[set.quantization] + BYTES_AHEAD)) / BYTES_PER_US;
  return filter === undefined ? walkUs : walkUs * FILTER_TIMES;
}

/** VectorSet.searchManyAsync: its text says what this promises. */
export async function searchManySoon(
  port: VectorPort<Mode>,
  set: VectorSettings,
  queries: readonly Vector[],
  options: SearchOptions = {},
): Promise<SearchResult[][]> {
  if (!Array.isArray(queries)) throw invalid(`queries must be an array of vectors, not ${kindOf(queries)}`);
  const shared = queries.length < SHARED_MIN ? undefined : await searchShared(port, set, queries, options);
  return shared ?? searchInTurns(port, set, queries, options);
}

/** Searches on threads; undefined when commands have to do it. */
async function searchShared(
  port: VectorPort<Mode>,
  set: VectorSettings,
  queries: readonly Vector[],
  options: SearchOptions,
): Promise<SearchResult[][] | undefined> {
  if (port.nearestOfMany === undefined) return undefined;
  const { k: most, ...asked } = checkedSearch(options);
  const rows: Float32Array[] = [];
  const turn = new Turn();
  for (const [index, query] of queries.entries()) {
    rows.push(ofQuery(index, () => checkVector(query, set)));
    if (turn.isOver) await turn.next();
  }
  const found = await port.nearestOfMany(set, { queries: rows, most, ...asked });
  if (found === undefined) return undefined;
  const missing = rows.filter((_, index) => found[index] === undefined);
  const others = await searchInTurns(port, set, missing, options);
  const results: SearchResult[][] = [];
  for (const elements of found) {
    results.push(elements?.map(resultOf) ?? (others.shift() as SearchResult[]));
    if (turn.isOver) await turn.next();
  }
  return results;
}

/** Searches without others in between; `first` is the number of the first query. */
function searchHere(
  port: VectorPort<Mode>,
  set: VectorSettings,
  queries: readonly Vector[],
  options: SearchOptions,
  first: number,
): Promise<SearchResult[][]> {
  const one = async (query: Vector, index: number): Promise<SearchResult[]> => {
    const direct = ofQuery(first + index, () => searchDirectly(port, set, query, options));
    if (direct !== undefined) return direct;
    const [found] = await port.runAll([ofQuery(first + index, () => search(set, query, options))]);
    return found as SearchResult[];
  };
  // Each in a promise of its own: what one query throws at once must not leave the failure of another to nobody.
  return Promise.all(queries.map(one));
}

async function searchInTurns(
  port: VectorPort<Mode>,
  set: VectorSettings,
  queries: readonly Vector[],
  options: SearchOptions,
): Promise<SearchResult[][]> {
  const results: SearchResult[][] = [];
  const pieces = new TurnPieces(QUERIES_FIRST, QUERIES_MAX);
  while (results.length < queries.length) {
    const slice = queries.slice(results.length, results.length + pieces.count);
    const first = results.length;
    results.push(...(await pieces.measured(slice.length, () => searchHere(port, set, slice, options, first))));
    if (results.length < queries.length) await pause();
  }
  return results;
}
