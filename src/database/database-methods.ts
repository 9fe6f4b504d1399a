// The methods on keys, written once: the embedded database answers them at once, the client with promises, a pipeline
// by growing its list of results. Which it is says the type parameter; a class adds only the way its operations run.

import type { Argument, Reply } from "../resp.ts";
import type { Pipeline } from "./client-pipeline.ts";
import {
  anyCommand,
  deleteKeys,
  expireKey,
  getBytes,
  getMany,
  getText,
  hasKey,
  increment,
  type Key,
  type Operation,
  type SetOptions,
  setMany,
  setValue,
  ttlOfKey,
  type Value,
} from "./operations.ts";

/** How methods answer: at once, with a promise, or by a pipeline that knows one result more. */
export type Mode = "value" | "promise" | { readonly results: unknown[] };

/** What a method that results in T answers in a mode. */
export type Answer<M extends Mode, T> = M extends "value"
  ? T
  : M extends "promise"
    ? Promise<T>
    : M extends { readonly results: infer Results extends unknown[] }
      ? Pipeline<[...Results, T]>
      : never;

/**
 * The methods on keys. Every one of them may throw (or reject with) a `NearkeyError`: `invalid-argument` for arguments
 * that cannot be meant, `closed` after `close()`, and what its own text names.
 */
export abstract class DatabaseMethods<M extends Mode> {
  /** Makes an operation and runs or queues it; where methods give promises, a refused argument rejects. */
  protected abstract run<Args extends unknown[], Result>(
    make: (...args: Args) => Operation<Result>,
    ...args: Args
  ): Answer<M, Result>;

  /**
   * Reads a string.
   *
   * @returns the value as text (malformed UTF-8 becomes U+FFFD), undefined when there is no such key
   * @throws NearkeyError `wrong-type` when the key holds something else
   */
  get(key: Key): Answer<M, string | undefined> {
    return this.run(getText, key);
  }

  /**
   * Reads a string as bytes.
   *
   * @returns a copy, undefined when there is no such key
   * @throws NearkeyError `wrong-type` when the key holds something else
   */
  getBytes(key: Key): Answer<M, Uint8Array | undefined> {
    return this.run(getBytes, key);
  }

  /**
   * Writes a string, whatever the key held before. Without `ttlMs` the key never expires.
   *
   * @returns true, or false when `onlyIf` did not hold and nothing was written
   * @throws NearkeyError `out-of-memory` at the memory limit: nothing was written
   */
  set(key: Key, value: Value, options?: SetOptions): Answer<M, boolean> {
    return this.run(setValue, key, value, options);
  }

  /**
   * Reads many strings.
   *
   * @returns their values in the order of the keys, undefined where there is none or the key holds something else
   */
  getMany(keys: readonly Key[]): Answer<M, (string | undefined)[]> {
    return this.run(getMany, keys);
  }

  /**
   * Writes many strings, all or none of them. They never expire; of a key that comes twice the last value stays. The
   * client takes at most 32,768 pairs in a call, the embedded database any number.
   *
   * @throws NearkeyError `out-of-memory` when they do not fit under the memory limit: none was written
   */
  setMany(entries: Iterable<readonly [Key, Value]>): Answer<M, void> {
    return this.run(setMany, entries);
  }

  /**
   * Deletes keys of any type.
   *
   * @returns how many of them existed
   */
  delete(...keys: Key[]): Answer<M, number> {
    return this.run(deleteKeys, keys);
  }

  /** Whether a key exists, of any type. */
  has(key: Key): Answer<M, boolean> {
    return this.run(hasKey, key);
  }

  /**
   * Adds to a decimal integer; a key that does not exist counts as 0 and is made. The expiry stays.
   *
   * @param by a whole number, negative to subtract, up to 2^53 - 1
   * @returns the sum
   * @throws NearkeyError `not-a-number` when the value is no integer, `unsafe-integer` when the sum is beyond 2^53 - 1,
   *   `integer-overflow` beyond 64 bits, `wrong-type`, `out-of-memory`: the value is as before
   */
  increment(key: Key, by = 1): Answer<M, number> {
    return this.run(increment, key, by);
  }

  /**
   * Lets a key expire.
   *
   * @param ttlMs milliseconds from now, a whole number; 0 or less deletes the key at once
   * @returns whether there is such a key
   */
  expire(key: Key, ttlMs: number): Answer<M, boolean> {
    return this.run(expireKey, key, ttlMs);
  }

  /**
   * How long a key still lives.
   *
   * @returns milliseconds, `Infinity` for a key without expiry, undefined when there is no such key
   */
  ttlMs(key: Key): Answer<M, number | undefined> {
    return this.run(ttlOfKey, key);
  }

  /**
   * Runs any command: `command("HSET", "h", "f", "v")`. The methods work in database 0: `SELECT` concerns the
   * `command`s after it when embedded, and a client refuses it.
   *
   * @returns the reply: text, numbers (bigint beyond 2^53), booleans, null, arrays, and objects without a prototype for
   *   RESP3's maps. An error reply inside an array stays a value, a `ReplyError`.
   * @throws NearkeyError for an error reply, with the code that docs/errors.md lists for it
   */
  command(name: string, ...args: Argument[]): Answer<M, Reply> {
    return this.run(anyCommand, [name, ...args], false);
  }

  /**
   * Runs any command, and gives every string of the reply as bytes (copies) and every map as a flat array of key,
   * value, key, value, so that no byte is lost.
   *
   * @throws NearkeyError as `command`
   */
  commandBytes(name: string, ...args: Argument[]): Answer<M, Reply> {
    return this.run(anyCommand, [name, ...args], true);
  }
}
