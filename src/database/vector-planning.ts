// How searches are done, and what makes filtered ones fast: indexes over fields of the attributes, explanations, and many
// queries at once.

import type { FoundElement } from "../engine-types.ts";
import { NearkeyError } from "../errors.ts";
import { shown } from "../options.ts";
import type { Argument, Reply } from "../resp.ts";
import { invalid, kindOf, type Operation, single } from "./operations.ts";
import {
  checkedCounts,
  type DirectPort,
  resultOf,
  type SearchOptions,
  type SearchResult,
  searchCommand,
  searchDirectly,
  searchResults,
} from "./vector-operations.ts";
import { checkVector, type Vector, type VectorSettings } from "./vector-options.ts";

/** An index over a field of the attributes. */
export interface FieldIndex {
  /** As it stands in filters: `.year`, `.author.name`. */
  path: string;
  /** Values that are listed; an array counts once for each distinct element. */
  entries: number;
  /** Bytes of the list, without the 8 bytes an element that the column takes. */
  bytes: number;
  /** Elements whose value is a number or boolean, a text, an array, null. Fields of one kind answer the most filters. */
  numbers: number;
  texts: number;
  arrays: number;
  nulls: number;
}

/** How a search was done. */
export interface Explanation {
  /**
   * `"graph"` without a filter, `"truth"` with `exact`; with a filter `"scan"`: what may match was tested and measured,
   * `"walk"`: through the graph of what matches, `"post"`: through the graph, collecting what matches.
   */
  plan: "graph" | "truth" | "scan" | "walk" | "post";
  /** Elements of the set. */
  size: number;
  /** Results. */
  found: number;
  /** Only with a filter, as all that follows: elements that match, estimated unless `matchingExact`. */
  matching?: number;
  matchingExact?: boolean;
  /** Elements that indexes list as possible matches; null when no index tells. */
  indexedCandidates?: number | null;
  /** Elements that the filter was tested on. */
  evaluated?: number;
  /** Elements whose distance was computed. */
  measured?: number;
  /** Whether a walk found too few and a scan followed. */
  fellBack?: boolean;
}

/** Queries of one call. */
const QUERIES_MAX = 4096;

export function createIndex(set: VectorSettings, path: string): Operation<boolean> {
  return single(["VINDEX", set.name, "ADD", checkPath(path)], (reply) => reply === 1 || reply === true);
}

export function dropIndex(set: VectorSettings, path: string): Operation<boolean> {
  return single(["VINDEX", set.name, "DEL", checkPath(path)], (reply) => reply === 1 || reply === true);
}

export function listIndexes(set: VectorSettings): Operation<FieldIndex[]> {
  return single(["VINDEXES", set.name], (reply) => (reply as unknown as FieldIndex[]).map((index) => ({ ...index })));
}

const PATH = /^(\.[A-Za-z0-9_-]+){1,8}$/;

function checkPath(path: string): string {
  if (typeof path === "string" && PATH.test(path)) return path;
  throw invalid(`a path is text such as ".year", or ".author.name" for a field of an object, not ${shown(path)}`);
}

export function explain(set: VectorSettings, query: Vector, options: SearchOptions = {}): Operation<Explanation> {
  const command = [...searchCommand(set, query, options), "EXPLAIN"];
  return single(command, (reply) => {
    // A set that does not exist has nothing to explain.
    if (Array.isArray(reply)) return { plan: "graph", size: 0, found: 0 };
    return explanation(reply as Record<string, Reply>);
  });
}

function explanation(reply: Record<string, Reply>): Explanation {
  const { plan, size, found } = reply as unknown as Explanation;
  if (reply.matching === undefined) return { plan, size, found };
  return {
    ...{ plan, size, found },
    matching: Number(reply.matching),
    matchingExact: isTrue(reply["matching-exact"]),
    indexedCandidates: reply["indexed-candidates"] as number | null,
    evaluated: reply.evaluated as number,
    measured: reply.measured as number,
    fellBack: isTrue(reply["fell-back"]),
  };
}

function isTrue(reply: Reply | undefined): boolean {
  return reply === 1 || reply === true;
}

export function searchMany(
  set: VectorSettings,
  queries: readonly Vector[],
  options: SearchOptions = {},
): Operation<SearchResult[][]> {
  if (!Array.isArray(queries)) throw invalid(`queries must be an array of vectors, not ${kindOf(queries)}`);
  if (queries.length > QUERIES_MAX) throw invalid(`${queries.length} queries are over the maximum of ${QUERIES_MAX}`);
  const commands = queries.map((query, index): Argument[] => {
    const command = ofQuery(index, () => searchCommand(set, query, options));
    return [...command, "WITHSCORES", "WITHDISTANCES", "WITHATTRIBS"];
  });
  return { commands, bytes: true, read: (replies) => replies.map((reply) => searchResults(reply as Reply[])) };
}

/** How an engine that is at hand measures all elements for several checked queries at once; undefined where it cannot. */
export type NearestOfAll = (
  set: VectorSettings,
  queries: readonly Float32Array[],
  k: number,
) => FoundElement[][] | undefined;

/** Queries that the engine measures in one pass over a set. */
const PASS_QUERIES = 8;

/** Searches without commands, where the port has a way: exact ones that ask for nothing else several in each pass over the set. */
export function searchManyDirectly(
  port: DirectPort & { nearestOfAll?: NearestOfAll },
  set: VectorSettings,
  queries: readonly Vector[],
  options: SearchOptions = {},
): SearchResult[][] | undefined {
  if (port.nearest === undefined || !Array.isArray(queries) || queries.length > QUERIES_MAX) return undefined;
  const { filter, exact, maxDistance } = options;
  const isShared = exact === true && filter === undefined && maxDistance === undefined;
  if (isShared && port.nearestOfAll !== undefined)
    return searchAllTogether(port.nearestOfAll.bind(port), set, queries, options);
  const results: SearchResult[][] = [];
  for (const [index, query] of queries.entries()) {
    const found = ofQuery(index, () => searchDirectly(port, set, query, options));
    if (found === undefined) return undefined;
    results.push(found);
  }
  return results;
}

function searchAllTogether(
  nearestOfAll: NearestOfAll,
  set: VectorSettings,
  queries: readonly Vector[],
  options: SearchOptions,
): SearchResult[][] | undefined {
  const rows = queries.map((query, index) => ofQuery(index, () => checkVector(query, set)));
  const { k } = checkedCounts(options);
  const results: SearchResult[][] = [];
  for (let from = 0; from < rows.length; from += PASS_QUERIES) {
    const found = nearestOfAll(set, rows.slice(from, from + PASS_QUERIES), k);
    if (found === undefined) return undefined;
    for (const elements of found) results.push(elements.map(resultOf));
  }
  return results;
}

/** Makes something of one of many queries; an error tells which. */
export function ofQuery<Made>(index: number, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof NearkeyError)) throw error;
    throw new NearkeyError(error.code, `query ${index}: ${error.message}`, { cause: error });
  }
}
