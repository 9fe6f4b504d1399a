// All that an engine holds, key by key and in pieces, as its own commands tell it: for formats that know nothing of its
// memory. The engine must be one that nobody writes to: then a scan meets every key once.

import { NearkeyError } from "../errors.ts";
import type { Reply } from "../resp.ts";
import type { CommandRunner } from "./command-runner.ts";

/** Databases of an engine. */
export const DATABASES = 16;

/** A key. */
export interface ContentKey {
  readonly database: number;
  readonly key: Uint8Array;
  /** As TYPE names it. */
  readonly type: string;
  /** When it dies, ms since epoch; undefined for never. */
  readonly expiresAtMs: number | undefined;
}

/** Keys asked for at a time. */
const SCAN_COUNT = 256;
/** Fields or members asked for at a time. */
const FIELD_COUNT = 512;

/** Keys of a database and how many of them die, before it is read. */
export function countKeys({ engine, nowMs }: CommandRunner, database: number): { keys: number; expiring: number } {
  while (engine.tick(nowMs));
  return engine.countKeys(database);
}

/** Reads the keys of a database, which `countKeys` has counted. */
export function* keysOf(runner: CommandRunner, database: number): Generator<ContentKey> {
  runner.one("SELECT", database);
  let cursor = "0";
  do {
    const [next, keys] = runner.one("SCAN", cursor, "COUNT", SCAN_COUNT) as [Reply, Uint8Array[]];
    cursor = textOf(next);
    const replies = runner.run(keys.flatMap((key) => [["TYPE", key] as const, ["PEXPIRETIME", key] as const]));
    for (const [index, key] of keys.entries()) {
      const time = Number(replies[index * 2 + 1]);
      yield { database, key, type: textOf(replies[index * 2]), expiresAtMs: time < 0 ? undefined : time };
    }
  } while (cursor !== "0");
}

/** Reads a string. */
export function stringOf(runner: CommandRunner, key: Uint8Array): Uint8Array {
  return runner.one("GET", key) as Uint8Array;
}

/** Fields of a hash. */
export function countFields(runner: CommandRunner, key: Uint8Array): number {
  return Number(runner.one("HLEN", key));
}

/**
 * Reads a hash in pieces of fields and values in turn.
 *
 * @throws NearkeyError `engine-failed` when it does not have as many as it says: what was written of it is wrong
 */
export function* fieldsOf(runner: CommandRunner, key: Uint8Array, count: number): Generator<Uint8Array[]> {
  let cursor = "0";
  let found = 0;
  do {
    const [next, fields] = runner.one("HSCAN", key, cursor, "COUNT", FIELD_COUNT) as [Reply, Uint8Array[]];
    cursor = textOf(next);
    found += fields.length / 2;
    if (fields.length > 0) yield fields;
  } while (cursor !== "0");
  if (found !== count)
    throw new NearkeyError("engine-failed", `a hash of ${count} fields gave ${found}; please report it`);
}

/** Elements of a list asked for at a time. */
const ELEMENT_COUNT = 512;

/** Elements of a list. */
export function countElements(runner: CommandRunner, key: Uint8Array): number {
  return Number(runner.one("LLEN", key));
}

/** Reads a list in pieces, from its head on. */
export function* elementsOf(runner: CommandRunner, key: Uint8Array, count: number): Generator<Uint8Array[]> {
  for (let from = 0; from < count; from += ELEMENT_COUNT) {
    yield runner.one("LRANGE", key, from, from + ELEMENT_COUNT - 1) as Uint8Array[];
  }
}

/** Members of a set. */
export function countMembers(runner: CommandRunner, key: Uint8Array): number {
  return Number(runner.one("SCARD", key));
}

/**
 * Reads a set in pieces.
 *
 * @throws NearkeyError `engine-failed` when it does not have as many as it says: what was written of it is wrong
 */
export function* membersOf(runner: CommandRunner, key: Uint8Array, count: number): Generator<Uint8Array[]> {
  let cursor = "0";
  let found = 0;
  do {
    const [next, members] = runner.one("SSCAN", key, cursor, "COUNT", FIELD_COUNT) as [Reply, Uint8Array[]];
    cursor = textOf(next);
    found += members.length;
    if (members.length > 0) yield members;
  } while (cursor !== "0");
  if (found !== count) {
    throw new NearkeyError("engine-failed", `a set of ${count} members gave ${found}; please report it`);
  }
}

/** Members of a sorted set. */
export function countScored(runner: CommandRunner, key: Uint8Array): number {
  return Number(runner.one("ZCARD", key));
}

/**
 * Reads a sorted set in pieces of members and scores in turn, in order.
 *
 * @throws NearkeyError `engine-failed` when it does not have as many as it says: what was written of it is wrong
 */
export function* scoredOf(runner: CommandRunner, key: Uint8Array, count: number): Generator<Uint8Array[]> {
  for (let first = 0; first < count; first += FIELD_COUNT) {
    const last = Math.min(first + FIELD_COUNT, count) - 1;
    const members = runner.one("ZRANGE", key, first, last, "WITHSCORES") as Uint8Array[];
    if (members.length !== (last + 1 - first) * 2) {
      throw new NearkeyError("engine-failed", `a sorted set of ${count} members ended before; please report it`);
    }
    yield members;
  }
}

/** Pairs the other way round: what ZADD takes. */
export function scoresFirst(members: readonly Uint8Array[]): Uint8Array[] {
  return members.map((_, index) => members[index ^ 1] as Uint8Array);
}

/** A reply that is text, however it was sent. */
export function textOf(reply: Reply | undefined): string {
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : String(reply);
}
