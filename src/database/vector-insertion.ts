// Many vectors at once, all or nothing. Everything that can be refused is refused before the first byte is stored, the
// memory is estimated and asked for, and then rows go in slice by slice with the event loop free in between. That
// freedom has a price: somebody else may take the memory meanwhile. Therefore the old values of elements that are
// overwritten are kept until the end, and an error in the middle takes everything back.
//
// How many rows a slice has is found out as it goes: so many as took about a millisecond the last time. Where there are
// threads, new elements are stored here and linked there.

import { NearkeyError } from "../errors.ts";
import { checkAborted, pause, Turn, TurnPieces } from "../event-loop.ts";
import type { Build } from "../pool/threads.ts";
import type { Argument, Reply } from "../resp.ts";
import { readText } from "../text.ts";
import type { Mode } from "./database-methods.ts";
import { insertionOrder } from "./insertion-order.ts";
import { checkKey, invalid, type Key, kindOf, type Operation, single } from "./operations.ts";
import { MemoryEstimate } from "./vector-memory.ts";
import {
  type Attributes,
  addCommand,
  attributesText,
  countVectors,
  getVector,
  hasVector,
} from "./vector-operations.ts";
import { checkRow, type VectorSettings } from "./vector-options.ts";
import type { VectorPort } from "./vectors.ts";

/** Rows of the first slice, and of any slice at most. */
const SLICE_ROWS_FIRST = 4;
const SLICE_ROWS_MAX = 1024;
/** Overwritten elements that get their vectors back without others in between. */
const TAKEN_BACK_AT_ONCE = 8;
/** What commands answer of an element that there is none of. */
const NOT_THERE = -2;
/** New elements from which on it pays to let threads link them. */
const BUILD_ROWS_MIN = 256;

interface Row {
  readonly id: Key;
  readonly vector: Float32Array;
  /** JSON text, "" for none, undefined for what the element has. */
  readonly attributes: string | undefined;
}

type Port = VectorPort<Mode>;
type AttributeList = readonly (Attributes | null | undefined)[];

/** How `setMany` goes about it. */
export interface SetManyOptions {
  /** For each row as in `set`; left out, existing elements keep their own. */
  attributes?: AttributeList | undefined;
  /** Called after each slice: rows that are stored and searchable, and rows in all. What it throws ends the insertion. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Once aborted, everything is taken back and the promise rejects with `aborted`, whose cause is the signal's reason. */
  signal?: AbortSignal | undefined;
}

const optionNames = ["attributes", "onProgress", "signal"] as const satisfies (keyof SetManyOptions)[];

/** VectorSet.setMany: its text says what this promises. */
export async function insertMany(
  port: Port,
  set: VectorSettings,
  ids: readonly Key[],
  matrix: Float32Array,
  given: AttributeList | SetManyOptions = {},
): Promise<void> {
  const options: SetManyOptions = Array.isArray(given) ? { attributes: given } : (given as SetManyOptions);
  checkOptions(options);
  const { attributes } = options;
  checkShape(set, ids, matrix, attributes);
  await insertTexts(port, set, ids, matrix, (index) => attributesText(attributes?.[index]), options);
}

/** The same, with attributes as texts: what is no JSON object is stored too, and matches no filter. */
export async function insertTexts(
  port: Port,
  set: VectorSettings,
  ids: readonly Key[],
  matrix: Float32Array,
  textOf: (index: number) => string | undefined,
  options: Omit<SetManyOptions, "attributes">,
): Promise<void> {
  checkAborted(options.signal);
  const turn = new Turn(options.signal);
  const rows = await checkedRows(set, ids, matrix, textOf, turn);
  const known = await knownRows(port, set, rows, turn);
  await askForMemory(port, set, rows, known, turn);
  // What needs memory first: should it run out, no element has been overwritten yet.
  const fresh = known.size === 0 ? rows : rows.filter((row) => !known.has(row));
  await new Insertion(port, set, options).run(await insertionOrder(fresh, turn), [...known]);
}

function checkOptions(options: SetManyOptions): void {
  for (const name of Object.keys(options)) {
    if ((optionNames as readonly string[]).includes(name)) continue;
    throw invalid(`setMany has no option ${JSON.stringify(name)}; there are ${optionNames.join(", ")}`);
  }
  const { onProgress, signal } = options;
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalid(`onProgress must be a function, not ${kindOf(onProgress)}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalid(`signal must be an AbortSignal (controller.signal), not ${kindOf(signal)}`);
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
  textOf: (index: number) => string | undefined,
  turn: Turn,
): Promise<Row[]> {
  const rows: Row[] = [];
  const seen = new Set<string>();
  for (const [index, id] of ids.entries()) {
    const name = nameOf(id);
    if (seen.has(name)) throw invalid(`the id ${JSON.stringify(id)} comes twice`);
    seen.add(name);
    checkRow(matrix, index, set);
    const vector = matrix.subarray(index * set.dim, (index + 1) * set.dim);
    rows.push({ id, vector, attributes: textOf(index) });
    if (turn.isOver) await turn.next();
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
async function knownRows(port: Port, set: VectorSettings, rows: readonly Row[], turn: Turn): Promise<Set<Row>> {
  const known = new Set<Row>();
  const [size] = await port.runAll([countVectors(set)]);
  if (size === 0) return known;
  for (const slice of new Slices(rows, port.sliceBytes)) {
    const found = await slice.run(() => port.runAll(slice.rows.map((row) => hasVector(set, row.id))));
    for (const [index, row] of slice.rows.entries()) if (found[index]) known.add(row);
    await turn.next();
  }
  return known;
}

async function askForMemory(
  port: Port,
  set: VectorSettings,
  rows: readonly Row[],
  known: ReadonlySet<Row>,
  turn: Turn,
): Promise<void> {
  const estimate = new MemoryEstimate(set);
  for (const row of rows) {
    estimate.add(row.id, row.attributes, !known.has(row));
    if (turn.isOver) await turn.next();
  }
  const { bytes } = estimate;
  if (port.canHold?.(bytes) ?? true) return;
  throw new NearkeyError(
    "out-of-memory",
    `${rows.length} vectors of ${set.dim} numbers need about ${bytes} bytes more than the memory limit leaves; none was stored`,
  );
}

/** Some rows that are handled without others in between. */
interface Slice {
  readonly rows: readonly Row[];
  /** How many rows were before these. */
  readonly start: number;
  /** Runs the work on them; how long it keeps the thread is what the next slice is made by. */
  run<Result>(work: () => Result): Result;
}

/** Rows in slices of about a millisecond of work, and of not much more than `bytes` bytes. */
class Slices implements Iterable<Slice> {
  readonly #rows: readonly Row[];
  readonly #bytes: number;
  readonly #pieces = new TurnPieces(SLICE_ROWS_FIRST, SLICE_ROWS_MAX);

  constructor(rows: readonly Row[], bytes: number) {
    this.#rows = rows;
    this.#bytes = bytes;
  }

  *[Symbol.iterator](): Generator<Slice> {
    for (let start = 0; start < this.#rows.length; ) {
      const rows = this.#rows.slice(start, this.#endOf(start));
      yield { rows, start, run: (work) => this.#pieces.measured(rows.length, work) };
      start += rows.length;
    }
  }

  #endOf(start: number): number {
    const last = Math.min(start + this.#pieces.count, this.#rows.length);
    let filled = 0;
    let end = start;
    while (end < last && filled < this.#bytes) {
      const row = this.#rows[end++] as Row;
      filled += row.vector.byteLength + (row.attributes ?? "").length;
    }
    return end;
  }
}

/** Storing checked rows, and taking them back. */
class Insertion {
  readonly #port: Port;
  readonly #set: VectorSettings;
  readonly #options: SetManyOptions;
  #total = 0;
  /** New rows that may be stored: the first so many. */
  #begun = 0;
  #stored = 0;
  /** New rows that somebody else had added by then: the elements are theirs. */
  readonly #others = new Set<Row>();
  /** Commands that bring overwritten elements back to what they were. */
  readonly #former: (readonly Argument[])[] = [];

  constructor(port: Port, set: VectorSettings, options: SetManyOptions) {
    this.#port = port;
    this.#set = set;
    this.#options = options;
  }

  /** @throws what a command, the signal or `onProgress` threw; then everything is as before */
  async run(fresh: readonly Row[], existing: readonly Row[]): Promise<void> {
    this.#total = fresh.length + existing.length;
    const build = fresh.length < BUILD_ROWS_MIN ? undefined : await this.#port.openBuild?.();
    try {
      await this.#addAll(fresh, build);
      await build?.settled(() => this.#report(build.waiting));
      if (build !== undefined) this.#report(0);
      // What follows is done here: threads that are idle must not ask for work all the while.
      build?.close();
      await this.#overwrite(existing);
    } catch (error) {
      await this.#takeBack(fresh).catch(() => undefined);
      throw error;
    } finally {
      // What could not be taken back is linked.
      await build?.settled().catch(() => undefined);
      build?.close();
    }
    this.#port.stored?.(fresh.length);
  }

  async #addAll(rows: readonly Row[], build?: Build): Promise<void> {
    for (const slice of new Slices(rows, this.#port.sliceBytes)) {
      await build?.ready(slice.rows.length);
      this.#begun = slice.start + slice.rows.length;
      const isNew = await slice.run(() => this.#add(slice.rows, build));
      for (const [index, row] of slice.rows.entries()) if (isNew[index] === false) this.#others.add(row);
      await this.#afterSlice(slice.rows.length, build);
    }
  }

  /** Stores rows; answers which of them were new. */
  #add(rows: readonly Row[], build: Build | undefined): Promise<boolean[]> {
    const isNew = (reply: Reply): boolean => reply === 1 || reply === true;
    const operations = rows.map((row) => single(adding(this.#set, row), isNew));
    if (build === undefined) return this.#port.runAll(operations);
    let inserted: Promise<boolean[]> = Promise.resolve([]);
    build.add(() => {
      inserted = this.#port.runAll(operations);
    });
    return inserted;
  }

  async #overwrite(rows: readonly Row[]): Promise<void> {
    const dying = new Map<Row, Row>();
    for (const slice of new Slices(rows, this.#port.sliceBytes)) {
      for (const [row, whole] of await dyingRows(this.#port, this.#set, slice.rows)) dying.set(row, whole);
      this.#former.push(...(await former(this.#port, this.#set, slice.rows)));
      // They keep their expiry until all is done: they may have to come back with it.
      const replace = (row: Row) => silent([...adding(this.#set, row), "KEEPTTL"]);
      await slice.run(() => this.#port.runAll(slice.rows.map(replace)));
      await this.#afterSlice(slice.rows.length);
    }
    // What needs no memory and cannot fail comes last, but for elements whose time has come meanwhile.
    const died: Row[] = [];
    for (const slice of new Slices(rows, this.#port.sliceBytes)) {
      const persist = askingAll("VPERSIST", this.#set, slice.rows);
      const [outcomes = []] = await slice.run(() => this.#port.runAll([persist]));
      for (const [index, row] of slice.rows.entries()) {
        const whole = dying.get(row);
        if (outcomes[index] === NOT_THERE && whole !== undefined) died.push(whole);
      }
      await pause();
    }
    for (const slice of new Slices(died, this.#port.sliceBytes)) {
      await slice.run(() => this.#port.runAll(slice.rows.map((row) => silent(adding(this.#set, row)))));
      await pause();
    }
  }

  async #afterSlice(rows: number, build?: Build): Promise<void> {
    this.#stored += rows;
    this.#report(build?.waiting ?? 0);
    await this.#port.flush?.();
    await pause();
    checkAborted(this.#options.signal);
  }

  /** @param waiting stored rows that are not searchable yet */
  #report(waiting: number): void {
    checkAborted(this.#options.signal);
    this.#options.onProgress?.(this.#stored - waiting, this.#total);
  }

  /**
   * What was added goes first, the newest before the others, which may still wait for their links; vectors need no memory to
   * come back, attributes the room of those that went.
   */
  async #takeBack(fresh: readonly Row[]): Promise<void> {
    const added = fresh
      .slice(0, this.#begun)
      .filter((row) => !this.#others.has(row))
      .reverse();
    for (const slice of new Slices(added, this.#port.sliceBytes)) {
      await slice.run(() => this.#port.runAll(slice.rows.map((row) => silent(["VREM", this.#set.name, row.id]))));
      await pause();
    }
    const inOrder = ["VREM", "VADD", "VSETATTR"].flatMap((name) => this.#former.filter(([first]) => first === name));
    for (let at = 0; at < inOrder.length; at += TAKEN_BACK_AT_ONCE) {
      await this.#port.runAll(inOrder.slice(at, at + TAKEN_BACK_AT_ONCE).map(silent));
      await pause();
    }
  }
}

/** Rows whose element dies by itself, each with all that it shall have if it does so too early. */
async function dyingRows(port: Port, set: VectorSettings, rows: readonly Row[]): Promise<[Row, Row][]> {
  const [times = []] = await port.runAll([askingAll("VPEXPIRETIME", set, rows)]);
  const dying = rows.filter((_, index) => (times[index] ?? 0) > 0);
  if (dying.length === 0) return [];
  const texts = await port.runAll(dying.map((row) => attributesOf(set, row.id)));
  return dying.map((row, index) => [row, { ...row, attributes: row.attributes ?? texts[index] ?? undefined }]);
}

/** A command about the elements of some rows that answers a number for each. */
function askingAll(name: string, set: VectorSettings, rows: readonly Row[]): Operation<number[]> {
  const ids = rows.map(({ id }) => id);
  return single([name, set.name, "ELEMENTS", ids.length, ...ids], (reply) => reply as number[]);
}

/** Commands that bring the elements of a slice back to what they are now. */
async function former(port: Port, set: VectorSettings, rows: readonly Row[]): Promise<(readonly Argument[])[]> {
  const vectors = await port.runAll(rows.map((row) => getVector(set, row.id)));
  const texts = await port.runAll(rows.map((row) => attributesOf(set, row.id)));
  return rows.flatMap((row, index) => {
    const old = vectors[index];
    // Deleted by somebody else since it was looked up: then it is new.
    if (old === undefined) return [["VREM", set.name, row.id]];
    const vector = [...addCommand(set, row.id, old, undefined, true), "KEEPTTL"];
    return row.attributes === undefined ? [vector] : [vector, ["VSETATTR", set.name, row.id, texts[index] ?? ""]];
  });
}

function attributesOf(set: VectorSettings, id: Key): Operation<string | null> {
  return single(["VGETATTR", set.name, id], (reply) => reply as string | null);
}

/** VADD of a row. */
function adding(set: VectorSettings, row: Row): Argument[] {
  return addCommand(set, row.id, row.vector, row.attributes);
}

function silent(command: readonly Argument[]): Operation<void> {
  return single(command, () => undefined);
}
