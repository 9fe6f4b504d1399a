// Many vectors at once, all or nothing. Everything that can be refused is refused before the first byte is stored, the
// memory is estimated and asked for, and then rows go in slice by slice with the event loop free in between. That
// freedom has a price: somebody else may take the memory meanwhile. Therefore the old values of elements that are
// overwritten are kept until the end, and an error in the middle takes everything back.

import { NearkeyError } from "../errors.ts";
import { pause } from "../event-loop.ts";
import type { Argument } from "../resp.ts";
import { readText, textBytes } from "../text.ts";
import type { Mode } from "./database-methods.ts";
import { checkKey, invalid, type Key, kindOf, type Operation, single } from "./operations.ts";
import { type Attributes, addCommand, attributesText, getVector, hasVector } from "./vector-operations.ts";
import { checkRow, type VectorSettings } from "./vector-options.ts";
import type { VectorPort } from "./vectors.ts";

/** How long checking may keep the event loop, in milliseconds. */
const CHECK_MS_MAX = 8;
/** Ids looked up at once. */
const LOOKUP_IDS = 1024;

interface Row {
  readonly id: Key;
  readonly vector: Float32Array;
  /** JSON text, "" for none, undefined for what the element has. */
  readonly attributes: string | undefined;
}

type Port = VectorPort<Mode>;
type AttributeList = readonly (Attributes | null | undefined)[];

/** VectorSet.setMany: its text says what this promises. */
export async function insertMany(
  port: Port,
  set: VectorSettings,
  ids: readonly Key[],
  matrix: Float32Array,
  attributes: AttributeList | undefined,
): Promise<void> {
  checkShape(set, ids, matrix, attributes);
  const rows = await checkedRows(set, ids, matrix, attributes);
  const known = await knownRows(port, set, rows);
  askForMemory(port, set, rows, known);
  const undo: (readonly Argument[])[] = [];
  try {
    for (const slice of slicesOf(newFirst(rows, known), port.sliceBytes)) {
      undo.push(...(await undoing(port, set, slice, known)));
      await port.runAll(slice.map((row) => silent(adding(set, row, known.has(row)))));
      await pause();
    }
    await port.runAll(persisting(set, [...known]));
  } catch (error) {
    // What was added goes first, vectors need no memory to come back, attributes the room of those that go.
    const inOrder = ["VREM", "VADD", "VSETATTR"].flatMap((name) => undo.filter((command) => command[0] === name));
    await port.runAll(inOrder.map(silent)).catch(() => undefined);
    throw error;
  }
}

function checkShape(
  set: VectorSettings,
  ids: readonly Key[],
  matrix: Float32Array,
  attributes: AttributeList | undefined,
): void {
  if (!(matrix instanceof Float32Array)) throw invalid(`the matrix must be a Float32Array, not ${kindOf(matrix)}`);
  if (matrix.length !== ids.length * set.dim) {
    const expected = `${ids.length} rows of ${set.dim}, ${ids.length * set.dim} in all`;
    throw new NearkeyError("wrong-dimension", `the matrix has ${matrix.length} numbers; the ids ask for ${expected}`);
  }
  if (attributes === undefined || attributes.length === ids.length) return;
  throw invalid(`there are ${ids.length} ids and ${attributes.length} attributes`);
}

async function checkedRows(
  set: VectorSettings,
  ids: readonly Key[],
  matrix: Float32Array,
  attributes: AttributeList | undefined,
): Promise<Row[]> {
  const rows: Row[] = [];
  const seen = new Set<string>();
  let started = performance.now();
  for (const [index, id] of ids.entries()) {
    const name = nameOf(id);
    if (seen.has(name)) throw invalid(`the id ${JSON.stringify(id)} comes twice`);
    seen.add(name);
    checkRow(matrix, index, set);
    const vector = matrix.subarray(index * set.dim, (index + 1) * set.dim);
    rows.push({ id, vector, attributes: attributesText(attributes?.[index]) });
    if (performance.now() - started < CHECK_MS_MAX) continue;
    await pause();
    started = performance.now();
  }
  return rows;
}

/** Equal for ids with equal bytes, be they text or bytes; bytes that are no UTF-8 get a name no text can have. */
function nameOf(id: Key): string {
  checkKey(id);
  if (typeof id === "string") return id;
  const text = readText(id, 0, id.length);
  return text.includes("\ufffd") ? `\ud800${id.join()}` : text;
}

/** Rows whose element exists already. */
async function knownRows(port: Port, set: VectorSettings, rows: readonly Row[]): Promise<Set<Row>> {
  const known = new Set<Row>();
  for (let start = 0; start < rows.length; start += LOOKUP_IDS) {
    const slice = rows.slice(start, start + LOOKUP_IDS);
    const found = await port.runAll(slice.map((row) => hasVector(set, row.id)));
    for (const [index, row] of slice.entries()) if (found[index]) known.add(row);
  }
  return known;
}

/** What needs memory first: should it run out, no element has been overwritten yet. */
function newFirst(rows: readonly Row[], known: ReadonlySet<Row>): readonly Row[] {
  if (known.size === 0) return rows;
  return [...rows.filter((row) => !known.has(row)), ...known];
}

function askForMemory(port: Port, set: VectorSettings, rows: readonly Row[], known: ReadonlySet<Row>): void {
  const bytes = memoryOf(set, rows, known);
  if (port.canHold?.(bytes) ?? true) return;
  throw new NearkeyError(
    "out-of-memory",
    `${rows.length} vectors of ${set.dim} numbers need about ${bytes} bytes more than the memory limit leaves; none was stored`,
  );
}

const PAGE_BYTES = 65536;
const NODE_BYTES = 24;
/** Vectors that a set without originals keeps until its codes are trained. */
const CODED_ALONE_FROM = 1024;
/** Header, expiry-less, of a name and its node's id, and its place in the table of names. */
const NAME_BYTES = 12 + 4 + 10;
/** Attributes are stored as text and in the parsed form that filters read. */
const ATTRIBUTES_FACTOR = 2.5;
/** What size classes and half-filled pages cost on top of small cells. */
const CELL_FACTOR = 1.15;
/** One page for each size class that the cells may open, and the tables of blocks. */
const OPENED_BYTES = 16 * PAGE_BYTES;

/**
 * An upper estimate of the bytes that the rows will take: vectors and nodes in whole pages, the rest in cells. An
 * element's level is drawn: links above the lowest level are counted twice their expectation.
 */
function memoryOf(set: VectorSettings, rows: readonly Row[], known: ReadonlySet<Row>): number {
  const upperBytes = (2 * 4 * (set.m + 1)) / (set.m - 1);
  let added = 0;
  let cells = 0;
  for (const row of rows) {
    cells += ATTRIBUTES_FACTOR * textBytes(row.attributes ?? "");
    if (known.has(row)) continue;
    added++;
    cells += NAME_BYTES + upperBytes + (typeof row.id === "string" ? textBytes(row.id) : row.id.length);
  }
  if (added === 0 && cells === 0) return 0;
  // Vectors that are dropped for their codes are there until codes begin.
  const kept = set.keepOriginals ? added : Math.min(added, CODED_ALONE_FROM);
  const vectors = pagesOf(kept, Math.ceil(set.dim / 4) * 16);
  const codes = set.quantization === "f32" ? 0 : pagesOf(added, codeBytes(set)) + 4;
  const nodes = pagesOf(added, NODE_BYTES + 8 * set.m);
  // What brings the originals back from vectors of length one: two bits a number.
  const originals = set.metric === "cosine" ? pagesOf(kept, Math.ceil(set.dim / 16) * 4) : 0;
  return Math.ceil((vectors + codes + nodes + originals) * PAGE_BYTES + cells * CELL_FACTOR + OPENED_BYTES);
}

/** Bytes of a vector's codes, and of what stands behind them under inner product. */
function codeBytes({ dim, quantization, metric }: VectorSettings): number {
  const perRegister = { f32: 4, f16: 8, int8: 16, int4: 32, binary: 128 }[quantization];
  return Math.ceil(dim / perRegister) * 16 + (metric === "ip" ? 4 : 0);
}

function pagesOf(records: number, recordBytes: number): number {
  return Math.ceil(records / Math.floor(PAGE_BYTES / recordBytes));
}

/** Commands that bring the elements of a slice back to what they are now. */
async function undoing(
  port: Port,
  set: VectorSettings,
  slice: readonly Row[],
  known: ReadonlySet<Row>,
): Promise<(readonly Argument[])[]> {
  const existing = slice.filter((row) => known.has(row));
  const vectors = await port.runAll(existing.map((row) => getVector(set, row.id)));
  const texts = await port.runAll(existing.map((row) => attributesOf(set, row.id)));
  const before = new Map(existing.map((row, index) => [row, { vector: vectors[index], text: texts[index] ?? "" }]));
  return slice.flatMap((row) => {
    const old = before.get(row);
    if (!old?.vector) return [["VREM", set.name, row.id]];
    const vector = [...addCommand(set, row.id, old.vector, undefined), "KEEPTTL"];
    return row.attributes === undefined ? [vector] : [vector, ["VSETATTR", set.name, row.id, old.text]];
  });
}

/** Lets rows live for ever, in slices: what needs no memory and cannot fail comes when all else is done. */
function persisting(set: VectorSettings, rows: readonly Row[]): Operation<void>[] {
  const operations: Operation<void>[] = [];
  for (let start = 0; start < rows.length; start += LOOKUP_IDS) {
    const ids = rows.slice(start, start + LOOKUP_IDS).map(({ id }) => id);
    operations.push(silent(["VPERSIST", set.name, "ELEMENTS", ids.length, ...ids]));
  }
  return operations;
}

function attributesOf(set: VectorSettings, id: Key): Operation<string | null> {
  return single(["VGETATTR", set.name, id], (reply) => reply as string | null);
}

/** VADD of a row. An element that is there keeps its expiry until all are: it may have to come back with it. */
function adding(set: VectorSettings, row: Row, isKnown: boolean): Argument[] {
  const command = addCommand(set, row.id, row.vector, row.attributes);
  return isKnown ? [...command, "KEEPTTL"] : command;
}

function silent(command: readonly Argument[]): Operation<void> {
  return single(command, () => undefined);
}

function* slicesOf(rows: readonly Row[], bytes: number): Generator<readonly Row[]> {
  let start = 0;
  let filled = 0;
  for (const [index, row] of rows.entries()) {
    filled += row.vector.byteLength + (row.attributes ?? "").length;
    if (filled < bytes && index < rows.length - 1) continue;
    yield rows.slice(start, index + 1);
    start = index + 1;
    filled = 0;
  }
}
