// Vector searches without a protocol, for embedding: a part of the boundary that engine.ts is.

import { FOUND_BYTES, INPUT_BASE, INPUT_BYTES } from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type { EngineMemory } from "./engine-memory.ts";
import type { AskedSearch, FoundElement } from "./engine-types.ts";
import { readText, writeText } from "./text.ts";

/** A key beyond this goes by VSIM: with the longest vector behind it the query still fits the input. */
const KEY_BYTES_MAX = 4096;

/** A longer filter goes by VSIM. */
const FILTER_CHARACTERS_MAX = 16_384;

/** The vector sets of database 0 of one engine. */
export class VectorSearches {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  #floats: Float32Array = new Float32Array(0);
  #doubles: Float64Array = new Float64Array(0);

  constructor(exports: EngineExports, memory: EngineMemory) {
    this.#exports = exports;
    this.#memory = memory;
  }

  /**
   * The elements nearest to a checked query, nearest first, as they are asked for. Undefined when VSIM has to say what is wrong.
   *
   * @param asked `k` at most, as many as the input has room for
   * @param now ms since epoch
   */
  nearest(key: string | Uint8Array, query: Float32Array, asked: AskedSearch, now: number): FoundElement[] | undefined {
    const { k, ef, filter = "", exact, maxDistance = Number.POSITIVE_INFINITY } = asked;
    if (k * FOUND_BYTES > INPUT_BYTES || filter.length > FILTER_CHARACTERS_MAX) return undefined;
    const keyBytes = this.#put(key, [query], query.length);
    if (keyBytes === undefined) return undefined;
    const behind = INPUT_BASE + ((keyBytes + 15) & ~15) + query.length * 4;
    const filterBytes = filter === "" ? 0 : writeText(filter, this.#memory.bytes(), behind);
    const found = this.#exports.searchDirect(
      keyBytes,
      query.length,
      filterBytes,
      k,
      ef,
      exact ? 1 : 0,
      maxDistance,
      now,
    );
    return found < 0 ? undefined : this.elements(0, found);
  }

  /**
   * The elements nearest to each of several checked queries of one length, found by measuring all, nearest first.
   * Undefined when VSIM has to search or to say what is wrong.
   */
  nearestOfAll(
    key: string | Uint8Array,
    queries: readonly Float32Array[],
    count: number,
    now: number,
  ): FoundElement[][] | undefined {
    const dimensions = queries[0]?.length ?? 0;
    const stride = (dimensions + 3) & ~3;
    const bytes = queries.length * Math.max(stride * 4, count * FOUND_BYTES);
    if (bytes + KEY_BYTES_MAX > INPUT_BYTES) return undefined;
    const keyBytes = this.#put(key, queries, stride);
    if (keyBytes === undefined) return undefined;
    const found = this.#exports.searchDirectMany(keyBytes, dimensions, queries.length, count, now);
    return found < 0 ? undefined : queries.map((_, query) => this.elements(query * found, found));
  }

  /** Writes the key and behind it the queries, one every `stride` numbers; answers the key's bytes, as `putKey`. */
  #put(key: string | Uint8Array, queries: readonly Float32Array[], stride: number): number | undefined {
    const keyBytes = this.putKey(key);
    if (keyBytes === undefined) return undefined;
    const { buffer } = this.#memory.bytes();
    if (this.#floats.buffer !== buffer) this.#floats = new Float32Array(buffer);
    let at = (INPUT_BASE + ((keyBytes + 15) & ~15)) >>> 2;
    for (const query of queries) {
      this.#floats.set(query, at);
      at += stride;
    }
    return keyBytes;
  }

  /** The elements that `count` records in the input from number `first` on tell of. */
  elements(first: number, count: number): FoundElement[] {
    const { buffer } = this.#memory.bytes();
    if (this.#doubles.buffer !== buffer) this.#doubles = new Float64Array(buffer);
    const elements: FoundElement[] = [];
    for (let index = first; index < first + count; index++)
      elements.push(this.#element(INPUT_BASE + index * FOUND_BYTES));
    return elements;
  }

  /** Puts a key into the input and answers its bytes; undefined when it may be too long for this way. */
  putKey(key: string | Uint8Array): number | undefined {
    if (key.length > KEY_BYTES_MAX / 3) return undefined;
    const bytes = this.#memory.bytes();
    if (typeof key === "string") return writeText(key, bytes, INPUT_BASE);
    bytes.set(key, INPUT_BASE);
    return key.length;
  }

  #element(at: number): FoundElement {
    const words = this.#memory.words();
    const name = words[(at + 16) >>> 2] as number;
    const json = words[(at + 24) >>> 2] as number;
    const bytes = this.#memory.bytes();
    return {
      id: readText(bytes, name, name + (words[(at + 20) >>> 2] as number)),
      distance: this.#doubles[at >>> 3] as number,
      score: this.#doubles[(at + 8) >>> 3] as number,
      attributes: json === 0 ? undefined : readText(bytes, json, json + (words[(at + 28) >>> 2] as number)),
    };
  }
}
