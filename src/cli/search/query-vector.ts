// The vector that a search asks for: typed as a JSON array, a row of a file that import reads, or an element's own.

import type { VectorSet } from "../../database/vectors.ts";
import { NearkeyError } from "../../errors.ts";
import { formatOfName, readRows } from "../import/file-format.ts";
import { openInput } from "../import/input-file.ts";
import { elementOf } from "../import/vector-row.ts";

/** A vector to search for, and the element it was taken from: not worth finding. */
export interface Query {
  readonly vector: ArrayLike<number>;
  readonly self?: string;
}

const FIELDS = { id: undefined, vector: ["vector"], attributes: [], idPrefix: "" };

/**
 * Reads a query as it was typed: a JSON array, `-` for one on standard input, or a file.
 *
 * @param row of the file, from 0
 * @throws NearkeyError `invalid-argument`
 */
export async function typedQuery(text: string, row: number): Promise<Query> {
  const typed = text === "-" ? await readAll() : text;
  if (typed.trim().startsWith("[")) return { vector: parseVector(typed) };
  const [query] = await fileQueries(typed, row, 1);
  if (query === undefined) throw new NearkeyError("invalid-argument", `${typed} has no row ${row} (they count from 0)`);
  return query;
}

/** Reads up to `count` rows of a file, from `first` on. */
export async function fileQueries(path: string, first: number, count: number): Promise<Query[]> {
  const queries: Query[] = [];
  let number = 0;
  for await (const rows of readRows(await openInput(path), formatOfName(path))) {
    for (const row of rows) {
      if (number++ < first) continue;
      const element = elementOf(row, number, FIELDS, undefined);
      if (!("vector" in element)) throw new NearkeyError("invalid-argument", `${path}: ${element.message}`);
      queries.push({ vector: element.vector });
      if (queries.length === count) return queries;
    }
  }
  return queries;
}

/**
 * Takes an element's own vector.
 *
 * @throws NearkeyError `invalid-argument` when there is no such element
 */
export async function elementQuery(set: VectorSet<"promise">, id: string): Promise<Query> {
  const vector = await set.get(id);
  if (vector !== undefined) return { vector, self: id };
  throw new NearkeyError("invalid-argument", `${String(set.name)} has no element ${JSON.stringify(id)}`);
}

function parseVector(text: string): number[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((each) => typeof each === "number")) return value;
  } catch {
    // Said below, as for JSON that is something else.
  }
  throw new NearkeyError(
    "invalid-argument",
    "a query is a JSON array of numbers, such as '[0.1, 0.2, 0.3]', or a file",
  );
}

async function readAll(): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
