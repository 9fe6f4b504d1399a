// From a row to a key: a string from one field, a hash from an object or from several columns, and a time to live.

import type { Argument } from "../../resp.ts";
import { type Fields, type FoundRow, RowProblem } from "./found-row.ts";
import { idOf } from "./vector-row.ts";

/** Which fields mean what. */
export interface KeyFields {
  /** The field that holds the key; undefined: rows are numbered. */
  readonly id: string | undefined;
  /** What stands before each key. */
  readonly idPrefix: string;
  /** The field that holds the value; an object becomes a hash. */
  readonly value: string;
  /** Fields that make a hash, `*` for all others; empty: a value is read. */
  readonly hashFields: readonly string[];
  /** The field that holds seconds to live; absent, empty and null: for ever. */
  readonly ttl: string;
}

/** A key as commands that may run twice: what a broken connection left open is sent again. */
export interface Entry {
  readonly commands: readonly (readonly [string, ...Argument[]])[];
  /** About what they take on the way. */
  readonly bytes: number;
}

/** Makes the commands that store a row, or says why there are none. */
export function entryOf(row: FoundRow, number: number, names: KeyFields): Entry | RowProblem {
  if ("problem" in row) return row.problem;
  if ("vector" in row) return new RowProblem("no-fields", "rows of numbers have no keys: import them into a set");
  const { fields } = row;
  const key = names.id === undefined ? `${names.idPrefix}${number}` : idOf(fields, names.id, names.idPrefix);
  if (key instanceof RowProblem) return key;
  const ttlMs = ttlOf(fields[names.ttl], names.ttl);
  if (ttlMs instanceof RowProblem) return ttlMs;
  if (names.hashFields.length > 0) return hashEntry(key, chosenFields(fields, names), ttlMs);
  const value = fields[names.value];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return hashEntry(key, Object.entries(value), ttlMs);
  }
  const text = textOf(value);
  if (text === undefined) return new RowProblem("no-value", `the field ${JSON.stringify(names.value)} holds no value`);
  const command: [string, ...Argument[]] = ["SET", key, text];
  if (ttlMs !== undefined) command.push("PX", ttlMs);
  return { commands: [command], bytes: key.length + text.length };
}

/** Text of what a string of Redis can hold. */
function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

function ttlOf(value: unknown, name: string): number | undefined | RowProblem {
  if (value === undefined || value === null || value === "") return undefined;
  const ms = Math.round(Number(value) * 1000);
  if (Number.isSafeInteger(ms) && ms > 0) return ms;
  return new RowProblem("no-ttl", `the field ${JSON.stringify(name)} is ${JSON.stringify(value)}: no seconds to live`);
}

function chosenFields(fields: Fields, names: KeyFields): [string, unknown][] {
  const all = names.hashFields[0] === "*";
  const chosen = all ? Object.keys(fields).filter((name) => name !== names.id && name !== names.ttl) : names.hashFields;
  return chosen.map((name) => [name, fields[name]]);
}

function hashEntry(key: string, fields: readonly [string, unknown][], ttlMs: number | undefined): Entry | RowProblem {
  const command: [string, ...Argument[]] = ["HSET", key];
  let bytes = key.length;
  for (const [name, value] of fields) {
    if (value === undefined || value === null) continue;
    const text = textOf(value) ?? JSON.stringify(value);
    command.push(name, text);
    bytes += name.length + text.length;
  }
  if (command.length === 2) return new RowProblem("no-value", "no field of the hash is there");
  const expiry: [string, ...Argument[]][] = ttlMs === undefined ? [] : [["PEXPIRE", key, ttlMs]];
  return { commands: [command, ...expiry], bytes };
}
