// What each method says to the engine and how it understands the answer, once for the embedded database, the client
// and its pipeline: an operation is one or more commands and a function from their replies to the method's result.
// Arguments are checked here, before a byte is written, so a refused call changes nothing wherever it runs.

import { NearkeyError } from "../errors.ts";
import { shown } from "../options.ts";
import type { Argument, Reply } from "../resp.ts";

/** A key, or the id of a vector: text is UTF-8. */
export type Key = string | Uint8Array;

/** A value as it is stored: text goes in as UTF-8. */
export type Value = string | Uint8Array;

/** How `set` writes. */
export interface SetOptions {
  /** The key expires after so many milliseconds, a whole number from 1. Without it an earlier expiry is dropped. */
  ttlMs?: number | undefined;
  /** `"absent"` writes only a key that does not exist, `"present"` only one that does. */
  onlyIf?: "absent" | "present" | undefined;
}

/** Commands and what their replies mean. */
export interface Operation<Result> {
  readonly commands: readonly (readonly Argument[])[];
  /** Whether `read` wants strings as bytes. */
  readonly bytes?: boolean;
  /** Takes one reply for each command, none of them an error reply. May throw a NearkeyError. */
  read(replies: readonly Reply[]): Result;
  /** Takes the change back; to be run when `read` throws. */
  readonly undo?: readonly Argument[];
}

/** Keys in one command; more are sent as several, which in between let nobody else in when embedded. */
export const KEYS_PER_COMMAND = 32768;

/** Most milliseconds that still are a date: what JavaScript and the engine agree on. */
const TTL_MS_MAX = 8.64e15;

export function getText(key: Key): Operation<string | undefined> {
  return single(["GET", checkKey(key)], (reply) => (reply === null ? undefined : (reply as string)));
}

export function getBytes(key: Key): Operation<Uint8Array | undefined> {
  const read = ([reply]: readonly Reply[]) => (reply === null ? undefined : (reply as Uint8Array));
  return { commands: [["GET", checkKey(key)]], bytes: true, read };
}

export function setValue(key: Key, value: Value, options: SetOptions = {}): Operation<boolean> {
  checkSetOptions(options);
  const command: Argument[] = ["SET", checkKey(key), checkValue(value)];
  if (options.ttlMs !== undefined) command.push("PX", checkTtl(options.ttlMs));
  if (options.onlyIf !== undefined) command.push(checkOnlyIf(options.onlyIf) === 1 ? "NX" : "XX");
  return single(command, (reply) => reply !== null);
}

export function getMany(keys: readonly Key[]): Operation<(string | undefined)[]> {
  const commands = slices(keys.map(checkKey), KEYS_PER_COMMAND).map((slice) => ["MGET", ...slice]);
  const read = (replies: readonly Reply[]) =>
    (replies as (string | null)[][]).flatMap((values) => values.map((value) => value ?? undefined));
  return { commands, read };
}

/** One MSET a slice: the caller decides what more than one slice may mean. */
export function setMany(entries: Iterable<readonly [Key, Value]>): Operation<void> {
  const pairs: Argument[] = [];
  for (const [key, value] of entries) pairs.push(checkKey(key), checkValue(value));
  const commands = slices(pairs, KEYS_PER_COMMAND * 2).map((slice) => ["MSET", ...slice]);
  return { commands, read: () => undefined };
}

export function deleteKeys(keys: readonly Key[]): Operation<number> {
  const commands = slices(keys.map(checkKey), KEYS_PER_COMMAND).map((slice) => ["DEL", ...slice]);
  return { commands, read: sum };
}

export function hasKey(key: Key): Operation<boolean> {
  return single(["EXISTS", checkKey(key)], (reply) => reply === 1);
}

export function increment(key: Key, by: number): Operation<number> {
  if (!Number.isSafeInteger(by)) throw invalid(`an increment must be a whole number up to 2^53 - 1, not ${shown(by)}`);
  const read = ([value]: readonly Reply[]) => {
    if (typeof value === "number") return value;
    throw new NearkeyError(
      "unsafe-integer",
      `the sum ${value} is beyond 2^53, where JavaScript's numbers are not exact; the increment was taken back, command("INCRBY", …) gives a bigint`,
    );
  };
  const name = checkKey(key);
  return { commands: [["INCRBY", name, by]], read, undo: ["DECRBY", name, by] };
}

export function expireKey(key: Key, ttlMs: number): Operation<boolean> {
  return single(["PEXPIRE", checkKey(key), checkExpiry(ttlMs)], (reply) => reply === 1);
}

export function ttlOfKey(key: Key): Operation<number | undefined> {
  return single(["PTTL", checkKey(key)], (reply) => ttlOf(reply as number));
}

/** What PTTL and its like answer, as methods do: undefined for what is not there, Infinity for what does not die. */
export function ttlOf(reply: number): number | undefined {
  if (reply === -2) return undefined;
  return reply === -1 ? Infinity : reply;
}

export function anyCommand(args: readonly Argument[], bytes: boolean): Operation<Reply> {
  return { commands: [args], bytes, read: ([reply]) => reply as Reply };
}

/** An operation of one command with one reply. */
export function single<Result>(command: readonly Argument[], read: (reply: Reply) => Result): Operation<Result> {
  return { commands: [command], read: ([reply]) => read(reply as Reply) };
}

/** The sum of integer replies. */
export function sum(replies: readonly Reply[]): number {
  return (replies as number[]).reduce((total, count) => total + count, 0);
}

/**
 * Checks a key or an id.
 *
 * @throws NearkeyError `invalid-argument`
 */
export function checkKey(key: Key): Key {
  if (typeof key === "string" || key instanceof Uint8Array) return key;
  throw invalid(`a key must be text or bytes, not ${kindOf(key)}`);
}

/**
 * Checks a value.
 *
 * @throws NearkeyError `invalid-argument`
 */
export function checkValue(value: Value): Value {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  throw invalid(`a value must be text or bytes, not ${kindOf(value)}`);
}

/**
 * Checks a time to live.
 *
 * @throws NearkeyError `invalid-argument`
 */
export function checkTtl(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs > 0 && ttlMs <= TTL_MS_MAX) return ttlMs;
  throw invalid(`ttlMs must be a whole number of milliseconds from 1, not ${shown(ttlMs)}`);
}

/**
 * Checks an expiry, which may lie in the past.
 *
 * @throws NearkeyError `invalid-argument`
 */
export function checkExpiry(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs <= TTL_MS_MAX) return ttlMs;
  throw invalid(`an expiry must be a whole number of milliseconds, not ${shown(ttlMs)}`);
}

/**
 * Checks a condition: 1 for a key that must be absent, 2 for one that must be present.
 *
 * @throws NearkeyError `invalid-argument`
 */
export function checkOnlyIf(onlyIf: "absent" | "present"): 1 | 2 {
  if (onlyIf === "absent") return 1;
  if (onlyIf === "present") return 2;
  throw invalid(`onlyIf must be "absent" or "present", not ${shown(onlyIf)}`);
}

/**
 * Refuses options that there are not: with a misspelt `ttlMs` the key would live for ever.
 *
 * @throws NearkeyError `invalid-argument`
 */
export function checkSetOptions(options: SetOptions): void {
  if (typeof options !== "object" || options === null) {
    throw invalid(`the options of set must be an object such as { ttlMs: 60_000 }, not ${shown(options)}`);
  }
  for (const name in options) {
    if (name !== "ttlMs" && name !== "onlyIf") {
      throw invalid(`set has no option ${JSON.stringify(name)}; there are ttlMs and onlyIf`);
    }
  }
}

function slices<Item>(items: readonly Item[], length: number): (readonly Item[])[] {
  if (items.length === 0) return [];
  if (items.length <= length) return [items];
  const parts: (readonly Item[])[] = [];
  for (let start = 0; start < items.length; start += length) parts.push(items.slice(start, start + length));
  return parts;
}

/** The error for an argument that cannot be meant. */
export function invalid(message: string, cause?: unknown): NearkeyError {
  return new NearkeyError("invalid-argument", message, cause === undefined ? undefined : { cause });
}

/** What to call a value of the wrong type in a message. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}
