// From a row to an element of a vector set: its id, its vector, its attributes. Fields are found by the names that the
// flags give; numbers of a text format are checked one by one, because Float32Array would turn what is none into NaN
// and the message could not say what stood there.

import type { Attributes } from "../../database/vector-operations.ts";
import { type Fields, type FoundRow, RowProblem } from "./found-row.ts";

/** Which fields mean what. */
export interface VectorFields {
  /** The field that holds the id; undefined: rows are numbered. */
  readonly id: string | undefined;
  /** The field that holds the vector, or several columns of one number each; `v*` means all that begin with v. */
  readonly vector: readonly string[];
  /** Fields that become attributes, `*` for all others; one that holds an object is the attributes itself. */
  readonly attributes: readonly string[];
  /** What stands before each id. */
  readonly idPrefix: string;
}

/** An element as it will be stored. */
export interface Element {
  readonly id: string;
  readonly vector: Float32Array;
  readonly attributes: Attributes | undefined;
}

/**
 * Makes an element of a row.
 *
 * @param number of the row over all files, from 0: the id where no field holds one
 * @param label its label, where a file of labels was given
 * @returns the element, or why there is none
 */
export function elementOf(row: FoundRow, number: number, names: VectorFields, label: unknown): Element | RowProblem {
  if ("problem" in row) return row.problem;
  const numbered = `${names.idPrefix}${number}`;
  if ("vector" in row) return { id: numbered, vector: row.vector, attributes: withLabel(undefined, label) };
  const id = names.id === undefined ? numbered : idOf(row.fields, names.id, names.idPrefix);
  if (id instanceof RowProblem) return id;
  const vector = vectorOf(row.fields, names.vector);
  if (vector instanceof RowProblem) return vector;
  const attributes = attributesOf(row.fields, names);
  return attributes instanceof RowProblem ? attributes : { id, vector, attributes: withLabel(attributes, label) };
}

function withLabel(attributes: Attributes | undefined, label: unknown): Attributes | undefined {
  return label === undefined ? attributes : { ...attributes, label };
}

/** The id, or key, that a field holds. */
export function idOf(fields: Fields, name: string, prefix: string): string | RowProblem {
  const id = fields[name];
  if (typeof id === "number" || (typeof id === "string" && id !== "")) return `${prefix}${id}`;
  return new RowProblem(
    "no-id",
    `the field ${JSON.stringify(name)} holds neither text nor a number to name the row by`,
  );
}

function vectorOf(fields: Fields, names: readonly string[]): Float32Array | RowProblem {
  const columns = names.flatMap((name) => (name.endsWith("*") ? beginningWith(fields, name.slice(0, -1)) : [name]));
  const [only] = columns;
  if (only === undefined) return new RowProblem("no-vector", `no field begins as ${JSON.stringify(names.join())} says`);
  if (columns.length > 1) return numbersOf(columns.map((column) => cellNumber(fields[column])));
  const value = fields[only];
  if (Array.isArray(value)) return numbersOf(value);
  if (typeof value === "string" && value.trim() !== "") return numbersOf(textNumbers(value));
  return new RowProblem("no-vector", `the field ${JSON.stringify(only)} holds no vector`);
}

function beginningWith(fields: Fields, start: string): string[] {
  return Object.keys(fields).filter((name) => name.startsWith(start));
}

/** `[1, 2]`, `1,2`, `1 2` and `1;2` are the same vector. */
function textNumbers(text: string): unknown[] {
  const inside = text.trim().replace(/^\[|\]$/g, "");
  return inside
    .trim()
    .split(/[\s,;]+/)
    .map(cellNumber);
}

/** The number that a cell holds, else the cell itself, for the message. */
function cellNumber(cell: unknown): unknown {
  if (typeof cell !== "string" || cell.trim() === "") return cell;
  const value = Number(cell);
  return Number.isNaN(value) ? cell : value;
}

function numbersOf(values: readonly unknown[]): Float32Array | RowProblem {
  const vector = new Float32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (typeof value === "number") vector[index] = value;
    else return new RowProblem("not-a-number", `number ${index} of the vector is ${JSON.stringify(value)}`);
  }
  return vector;
}

function attributesOf(fields: Fields, names: VectorFields): Attributes | undefined | RowProblem {
  const [only] = names.attributes;
  if (only === undefined) return undefined;
  if (names.attributes.length === 1 && isObject(fields[only])) return fields[only];
  const chosen = only === "*" ? Object.keys(fields).filter((name) => isOther(name, names)) : names.attributes;
  const attributes: Attributes = {};
  for (const name of chosen) {
    const value = fields[name];
    if (value !== undefined && value !== null && value !== "") attributes[name] = typedCell(value);
  }
  return Object.keys(attributes).length === 0 ? undefined : attributes;
}

function isOther(name: string, { id, vector }: VectorFields): boolean {
  return (
    name !== id && !vector.some((each) => (each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each))
  );
}

function isObject(value: unknown): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A cell of a table has no type: what is written exactly as a number or a truth value is one, `007` stays text. */
export function typedCell(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (value === "true" || value === "false") return value === "true";
  return value !== "" && String(Number(value)) === value && Number.isFinite(Number(value)) ? Number(value) : value;
}
