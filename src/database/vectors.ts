// A vector set as an object: its name, its options and the methods on its elements, written once for the embedded
// database (which answers at once) and the client (with promises). The handle keeps the options, because a set exists
// in the keyspace only from its first element until its last, as in Redis; deleting its key empties it.

import type { BatchQuery, BatchResults, Build } from "../pool/threads.ts";
import type { Answer, Mode } from "./database-methods.ts";
import type { Key, Operation } from "./operations.ts";
import { searchManySoon, searchSoon } from "./vector-batches.ts";
import { insertMany, type SetManyOptions } from "./vector-insertion.ts";
import {
  type Attributes,
  countVectors,
  type DirectPort,
  deleteVectors,
  type ElementOptions,
  expireVector,
  getAttributes,
  getVector,
  hasVector,
  persistVector,
  type SearchOptions,
  type SearchResult,
  search,
  searchDirectly,
  setAttributes,
  setVector,
  ttlOfVector,
} from "./vector-operations.ts";
import { type OptimizeOptions, optimizeSet } from "./vector-optimizing.ts";
import type { Metric, Quantization, Vector, VectorSettings } from "./vector-options.ts";
import {
  createIndex,
  dropIndex,
  type Explanation,
  explain,
  type FieldIndex,
  listIndexes,
  type NearestOfAll,
  searchMany,
  searchManyDirectly,
} from "./vector-planning.ts";

/** Where the operations of a set run. */
export interface VectorPort<M extends Mode> extends DirectPort {
  /** Makes an operation and runs it. */
  run<Args extends unknown[], Result>(make: (...args: Args) => Operation<Result>, ...args: Args): Answer<M, Result>;
  /** Runs operations in their order; rejects with the first error once all have ended. */
  runAll<Result>(operations: readonly Operation<Result>[]): Promise<Result[]>;
  /** The same for several queries by measuring all elements. */
  nearestOfAll?: NearestOfAll;
  /** The nearest elements of many queries, on threads; undefined where they have to be asked here. Left out without threads. */
  nearestOfMany?(set: VectorSettings, query: Omit<BatchQuery, "key" | "dim">): Promise<BatchResults | undefined>;
  /** Begins to store elements whose nodes threads link. Left out without threads. */
  openBuild?(): Promise<Build>;
  /** What has to be waited for before more is stored; undefined when there is nothing. */
  flush?(): Promise<void> | undefined;
  /** Told when one call has stored so many new elements. */
  stored?(count: number): void;
  /** Whether so many bytes more would fit; left out where nobody can tell. */
  canHold?(bytes: number): boolean;
  /** Bytes of commands to send before waiting for their replies, and letting others in. */
  readonly sliceBytes: number;
}

/**
 * A set of vectors under one key, made by `vectors()`. Its methods may throw (or reject with) a `NearkeyError`:
 * `invalid-argument`, `closed` after `close()`, `wrong-type` when the key has come to hold something else, and what
 * their own texts name.
 */
export class VectorSet<M extends "value" | "promise" = "value"> {
  readonly #port: VectorPort<M>;
  #settings: VectorSettings;

  /** Made by `vectors()`, not by hand. */
  constructor(port: VectorPort<M>, settings: VectorSettings) {
    this.#port = port;
    this.#settings = settings;
  }

  /** The key that holds the set. */
  get name(): Key {
    return this.#settings.name;
  }

  /** Numbers in each vector as it is given. */
  get dim(): number {
    return this.#settings.dim;
  }

  /** Numbers of each vector as it is stored, when a projection makes them fewer. */
  get reduce(): number | undefined {
    return this.#settings.reduce;
  }

  get metric(): Metric {
    return this.#settings.metric;
  }

  /** Links of a node on the graph's upper levels; twice as many on the lowest. */
  get m(): number {
    return this.#settings.m;
  }

  /** Candidates kept while a node is linked. */
  get efConstruction(): number {
    return this.#settings.efConstruction;
  }

  /** How searches read vectors. */
  get quantization(): Quantization {
    return this.#settings.quantization;
  }

  /** Whether the float32 vectors are kept beside their codes. */
  get keepOriginals(): boolean {
    return this.#settings.keepOriginals;
  }

  /** How many elements the set has. */
  get size(): Answer<M, number> {
    return this.#port.run(countVectors, this.#settings);
  }

  /**
   * Adds an element, or gives an existing one a new vector.
   *
   * @param vector `dim` numbers; they are copied
   * @param attributes any JSON object; left out, an existing element keeps its own; null removes them
   * @param options `ttlMs` lets the element expire; without it an earlier expiry is dropped, as with keys
   * @returns true when the element is new
   * @throws NearkeyError `wrong-dimension`, `not-finite` (NaN or infinity, as float32), `zero-vector` under cosine,
   *   `out-of-memory`, `options-differ` when the set was made anew with others: nothing was changed
   */
  set(id: Key, vector: Vector, attributes?: Attributes | null, options?: ElementOptions): Answer<M, boolean> {
    return this.#port.run(setVector, this.#settings, id, vector, attributes, options);
  }

  /**
   * Adds many elements, or gives existing ones new vectors, all or none of them; resolves when all can be found. Works
   * in slices of about a millisecond and lets others in between, who see the elements arrive; with `open({ threads })`
   * new elements are linked by threads. Ids and matrix must not change until the promise settles. What `set` refuses is
   * refused before anything is stored. Whether all fit under the memory limit is estimated first, and when an error comes
   * nevertheless (others may have taken the room meanwhile), or the signal is aborted, what was added is taken back.
   * `close()` ends it with `closed`, and what was added stays.
   *
   * @param matrix `ids.length` rows of `dim` numbers, one after the other
   * @param options attributes, progress and a signal; or, for short, the list of attributes alone
   * @throws NearkeyError as `set`; `invalid-argument` for lists whose lengths do not match or an id that comes twice;
   *   `aborted`, with the signal's reason as its cause; what `onProgress` threw
   */
  setMany(
    ids: readonly Key[],
    matrix: Float32Array,
    options?: readonly (Attributes | null | undefined)[] | SetManyOptions,
  ): Promise<void> {
    return insertMany(this.#port as VectorPort<Mode>, this.#settings, ids, matrix, options);
  }

  /**
   * Reads a vector.
   *
   * @returns the values that were set (without originals what their codes stand for), `dim` of them, as a copy; with
   *   `reduce` so many, the projection that is stored; undefined when there is no such element
   */
  get(id: Key): Answer<M, Float32Array | undefined> {
    return this.#port.run(getVector, this.#settings, id);
  }

  /** Whether there is such an element. */
  has(id: Key): Answer<M, boolean> {
    return this.#port.run(hasVector, this.#settings, id);
  }

  /** Reads the attributes of an element: undefined when it has none (or no JSON object), or there is no such element. */
  attributes(id: Key): Answer<M, Attributes | undefined> {
    return this.#port.run(getAttributes, this.#settings, id);
  }

  /**
   * Replaces the attributes of an element; null removes them.
   *
   * @returns whether there is such an element
   * @throws NearkeyError `out-of-memory`: the attributes are as before
   */
  setAttributes(id: Key, attributes: Attributes | null): Answer<M, boolean> {
    return this.#port.run(setAttributes, this.#settings, id, attributes);
  }

  /**
   * Lets an element expire: from then on nothing finds it, and its memory can be used again soon.
   *
   * @param ttlMs milliseconds from now, a whole number; 0 or less deletes the element at once
   * @returns whether there is such an element
   * @throws NearkeyError `out-of-memory`: it lives as long as before
   */
  expire(id: Key, ttlMs: number): Answer<M, boolean> {
    return this.#port.run(expireVector, this.#settings, id, ttlMs);
  }

  /**
   * Lets an element live for ever.
   *
   * @returns whether there is such an element, and it had an expiry
   */
  persist(id: Key): Answer<M, boolean> {
    return this.#port.run(persistVector, this.#settings, id);
  }

  /**
   * How long an element still lives.
   *
   * @returns milliseconds, `Infinity` for an element without expiry, undefined when there is no such element
   */
  ttlMs(id: Key): Answer<M, number | undefined> {
    return this.#port.run(ttlOfVector, this.#settings, id);
  }

  /**
   * Deletes elements; their memory can be used again.
   *
   * @returns how many of them existed
   */
  delete(...ids: Key[]): Answer<M, number> {
    return this.#port.run(deleteVectors, this.#settings, ids);
  }

  /**
   * Finds the elements nearest to a vector.
   *
   * @param query `dim` numbers
   * @returns at most `k` of them, nearest first; none for an empty set
   * @throws NearkeyError `wrong-dimension`, `not-finite`, `zero-vector` under cosine, `syntax-error` for a filter that cannot be
   *   read
   */
  search(query: Vector, options?: SearchOptions): Answer<M, SearchResult[]> {
    const found = searchDirectly(this.#port, this.#settings, query, options);
    if (found !== undefined) return found as Answer<M, SearchResult[]>;
    return this.#port.run(search, this.#settings, query, options);
  }

  /**
   * Finds the elements nearest to each of many vectors, in one call.
   *
   * @param queries at most 4,096 vectors of `dim` numbers
   * @returns for each query what `search` returns
   * @throws NearkeyError as `search`, and which query is to blame
   */
  searchMany(queries: readonly Vector[], options?: SearchOptions): Answer<M, SearchResult[][]> {
    const found = searchManyDirectly(this.#port, this.#settings, queries, options);
    if (found !== undefined) return found as Answer<M, SearchResult[][]>;
    return this.#port.run(searchMany, this.#settings, queries, options);
  }

  /**
   * As `search`, with a promise: done at once when it is estimated to take less than half a millisecond (an `ef` of several
   * hundred), else on a thread where there are some.
   *
   * @throws NearkeyError as `search`
   */
  searchAsync(query: Vector, options?: SearchOptions): Promise<SearchResult[]> {
    return searchSoon(this.#port as VectorPort<Mode>, this.#settings, query, options);
  }

  /**
   * As `searchMany`, with a promise: any number of queries, on all threads where there are some, else in turns of about a
   * millisecond with others in between. Elements that change meanwhile are found as they are when their query is answered.
   * In turns is everything while `setMany` builds on threads, and searches of a set that projects its vectors or keeps no originals
   * where all are compared; a query that a worker found no peace for, since others wrote all the time, is asked again here.
   *
   * @throws NearkeyError as `searchMany`
   */
  searchManyAsync(queries: readonly Vector[], options?: SearchOptions): Promise<SearchResult[][]> {
    return searchManySoon(this.#port as VectorPort<Mode>, this.#settings, queries, options);
  }

  /**
   * Searches as `search` does and tells how that was done instead of what was found.
   *
   * @throws NearkeyError as `search`
   */
  explain(query: Vector, options?: SearchOptions): Answer<M, Explanation> {
    return this.#port.run(explain, this.#settings, query, options);
  }

  /**
   * Makes the set as fast and as small as it can be: codes are trained anew where that changes them, nodes that searches
   * visit together are put together, and the memory of what was deleted is given back. Others search and write meanwhile;
   * the work is done in small steps by the engine's clock, about 12 µs an element in all. Comes back when it is done.
   *
   * @param options another quantization, or `keepOriginals: false`; objects that others have opened the set with keep the old
   *   options, and what they add is refused with `options-differ`: they call `vectors()` again
   * @throws NearkeyError `invalid-option`, also for what needs originals where there are none; `out-of-memory`: the set is as before
   */
  async optimize(options: OptimizeOptions = {}): Promise<void> {
    this.#settings = await optimizeSet(this.#port as VectorPort<Mode>, this.#settings, options);
  }

  /**
   * Declares an index over a field of the attributes, which searches with a filter use from then on; 16 at most. Lists
   * what all elements have there in one go, about 0.4 µs each. Indexes end with the set.
   *
   * @param path as in filters: `.year`, or `.author.name` for a field of an object
   * @returns false when there is one already
   * @throws NearkeyError `invalid-argument` for what is no path, or while the set has no element; `out-of-memory`
   */
  createIndex(path: string): Answer<M, boolean> {
    return this.#port.run(createIndex, this.#settings, path);
  }

  /** Drops an index; false when there was none. Filters give the same results without. */
  dropIndex(path: string): Answer<M, boolean> {
    return this.#port.run(dropIndex, this.#settings, path);
  }

  /** The indexes, and what they hold. */
  indexes(): Answer<M, FieldIndex[]> {
    return this.#port.run(listIndexes, this.#settings);
  }
}
