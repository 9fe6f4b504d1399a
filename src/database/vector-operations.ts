// What the methods of a vector set say to the engine, as operations.ts does for keys: Redis 8's vector commands, plus
// METRIC on VADD and WITHDISTANCES on VSIM. Replies that list ids are read as bytes: a RESP3 map turned into an object
// would list ids that look like numbers first, and nearest first is the whole point.

import type { AskedSearch, FoundElement } from "../engine-types.ts";
import { shown } from "../options.ts";
import type { Argument, Reply } from "../resp.ts";
import { readText } from "../text.ts";
import {
  checkExpiry,
  checkKey,
  checkTtl,
  invalid,
  type Key,
  kindOf,
  type Operation,
  single,
  sum,
  ttlOf,
} from "./operations.ts";
import {
  checkOptions,
  checkSame,
  checkVector,
  type Metric,
  newSettings,
  type Quantization,
  type Vector,
  type VectorOptions,
  type VectorSettings,
} from "./vector-options.ts";

/** Attributes of an element: any JSON object. Filters read its fields, `.author.name` too. */
export type Attributes = Record<string, unknown>;

/** How `set` of a vector set writes. */
export interface ElementOptions {
  /** The element expires after so many milliseconds, a whole number from 1. Without it an earlier expiry is dropped. */
  ttlMs?: number | undefined;
}

/** How `search` searches. */
export interface SearchOptions {
  /** Results at most, 1 to 16,384. Default 10. */
  k?: number | undefined;
  /** Candidates kept during the walk, 1 to 16,384: higher is slower and finds better. Default max(64, 2·k). */
  ef?: number | undefined;
  /** An expression over the attributes, as Redis 8 defines them: `.lang == "en" and .year > 2000`. */
  filter?: string | undefined;
  /** Compare with every vector instead of walking the graph: exact and slow. Default false. */
  exact?: boolean | undefined;
  /** Leaves out what is farther, in the metric's distance: with a large `k`, all elements within it. Default none. */
  maxDistance?: number | undefined;
}

/** An element that was found. */
export interface SearchResult {
  /** Text; malformed UTF-8 became U+FFFD. */
  id: string;
  /** As the metric's name says: Euclidean for `l2`, 1 − cosine, or minus the inner product. */
  distance: number;
  /** Grows with nearness: (1 + cosine) / 2, 1 / (1 + distance) for `l2`, or the inner product. */
  score: number;
  /** Missing when the element has none. */
  attributes?: Attributes;
}

/** The engine's beam: results and candidates at most. */
const BEAM_MAX = 16_384;
const K_DEFAULT = 10;
const EF_DEFAULT = 64;

/** Finds the settings of a set: the stored ones, or for a set that does not exist those asked for. */
export function openSet(name: Key, options: VectorOptions): Operation<VectorSettings> {
  checkOptions(options);
  return single(["VINFO", checkKey(name)], (reply) => {
    if (reply === null) return newSettings(name, options);
    const stored = storedSettings(name, reply as Record<string, Reply>);
    checkSame(options, stored);
    return stored;
  });
}

function storedSettings(name: Key, reply: Record<string, Reply>): VectorSettings {
  const given = reply["projection-input-dim"] as number;
  const stored = reply["vector-dim"] as number;
  return {
    name,
    dim: given === 0 ? stored : given,
    reduce: given === 0 ? undefined : stored,
    metric: String(reply.metric).toLowerCase() as Metric,
    m: reply["hnsw-m"] as number,
    efConstruction: reply["ef-construction"] as number,
    quantization: reply["quant-type"] === "bin" ? "binary" : (reply["quant-type"] as Quantization),
    keepOriginals: Boolean(reply.originals),
  };
}

/** Options of VADD that name a quantization. */
export const quantizationWords = { f32: "NOQUANT", f16: "F16", int8: "Q8", int4: "Q4", binary: "BIN" } as const;

/** `attributes` undefined leaves those of an element that exists; null removes them. */
export function setVector(
  set: VectorSettings,
  id: Key,
  vector: Vector,
  attributes: Attributes | null | undefined,
  options: ElementOptions = {},
): Operation<boolean> {
  checkElementOptions(options);
  const row = checkVector(vector, set);
  const command = addCommand(set, id, row, attributesText(attributes));
  if (options.ttlMs !== undefined) command.push("PX", checkTtl(options.ttlMs));
  return single(command, (reply) => reply === 1 || reply === true);
}

/** Refuses options that there are not: with a misspelt `ttlMs` the element would live for ever. */
function checkElementOptions(options: ElementOptions): void {
  if (typeof options !== "object" || options === null) {
    throw invalid(`the options of set must be an object such as { ttlMs: 60_000 }, not ${shown(options)}`);
  }
  for (const name in options) {
    if (name !== "ttlMs") throw invalid(`set of a vector has no option ${JSON.stringify(name)}; there is ttlMs`);
  }
}

export function expireVector(set: VectorSettings, id: Key, ttlMs: number): Operation<boolean> {
  return single(["VPEXPIRE", set.name, Math.max(0, checkExpiry(ttlMs)), "ELEMENTS", 1, checkKey(id)], isChanged);
}

export function persistVector(set: VectorSettings, id: Key): Operation<boolean> {
  return single(["VPERSIST", set.name, "ELEMENTS", 1, checkKey(id)], isChanged);
}

function isChanged(reply: Reply): boolean {
  return ((reply as number[])[0] as number) > 0;
}

export function ttlOfVector(set: VectorSettings, id: Key): Operation<number | undefined> {
  return single(["VPTTL", set.name, "ELEMENTS", 1, checkKey(id)], (reply) => ttlOf((reply as number[])[0] as number));
}

/** VADD with a checked vector, `isStored` for one that the set gave, and attributes as JSON text, "" for none, undefined for those it has. */
export function addCommand(
  set: VectorSettings,
  id: Key,
  row: Float32Array,
  attributes: string | undefined,
  isStored = false,
): Argument[] {
  const blob = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
  const reduction = set.reduce === undefined || isStored ? [] : ["REDUCE", set.reduce];
  const command: Argument[] = ["VADD", set.name, ...reduction, "FP32", blob, checkKey(id)];
  if (set.reduce !== undefined && isStored) command.push("PROJECTED");
  if (attributes !== undefined) command.push("SETATTR", attributes);
  command.push("M", set.m, "EF", set.efConstruction, "METRIC", set.metric.toUpperCase());
  command.push(quantizationWords[set.quantization]);
  if (!set.keepOriginals) command.push("NOORIGINALS");
  return command;
}

export function getVector(set: VectorSettings, id: Key): Operation<Float32Array | undefined> {
  return single(["VEMB", set.name, checkKey(id)], (reply) => {
    return reply === null ? undefined : Float32Array.from(reply as number[]);
  });
}

export function getAttributes(set: VectorSettings, id: Key): Operation<Attributes | undefined> {
  return single(["VGETATTR", set.name, checkKey(id)], (reply) => {
    return reply === null ? undefined : attributesOf(reply as string);
  });
}

export function setAttributes(set: VectorSettings, id: Key, attributes: Attributes | null): Operation<boolean> {
  const text = attributesText(attributes) ?? "";
  return single(["VSETATTR", set.name, checkKey(id), text], (reply) => reply === 1 || reply === true);
}

export function hasVector(set: VectorSettings, id: Key): Operation<boolean> {
  return single(["VISMEMBER", set.name, checkKey(id)], (reply) => reply === 1 || reply === true);
}

export function deleteVectors(set: VectorSettings, ids: readonly Key[]): Operation<number> {
  const read = (replies: readonly Reply[]) => sum(replies.map(Number));
  return { commands: ids.map((id) => ["VREM", set.name, checkKey(id)]), read };
}

export function countVectors(set: VectorSettings): Operation<number> {
  return single(["VCARD", set.name], (reply) => reply as number);
}

export function search(set: VectorSettings, query: Vector, options: SearchOptions = {}): Operation<SearchResult[]> {
  const command = searchCommand(set, query, options);
  command.push("WITHSCORES", "WITHDISTANCES", "WITHATTRIBS");
  return { commands: [command], bytes: true, read: ([reply]) => searchResults(reply as Reply[]) };
}

/** The same without a command, where the port has a way. */
export function searchDirectly(
  port: DirectPort,
  set: VectorSettings,
  query: Vector,
  options: SearchOptions = {},
): SearchResult[] | undefined {
  if (port.nearest === undefined) return undefined;
  const asked = checkedSearch(options);
  // VSIM tells what is wrong with an empty filter.
  return asked.filter === "" ? undefined : port.nearest(set, checkVector(query, set), asked)?.map(resultOf);
}

/** Whether nothing but the nearest is asked for. */
export function isPlainSearch({ filter, exact, maxDistance }: SearchOptions): boolean {
  return filter === undefined && exact !== true && maxDistance === undefined;
}

/** An element that was found as the caller gets it. */
export function resultOf({ id, distance, score, attributes }: FoundElement): SearchResult {
  const object = attributes === undefined ? undefined : attributesOf(attributes);
  return object === undefined ? { id, distance, score } : { id, distance, score, attributes: object };
}

/** How an engine that is at hand searches. */
export interface DirectPort {
  /** The elements that are asked for without a command; undefined where one has to do it. Left out where there is no such way. */
  nearest?(set: VectorSettings, query: Float32Array, asked: AskedSearch): readonly FoundElement[] | undefined;
}

const searchOptions = ["k", "ef", "filter", "exact", "maxDistance"] as const satisfies (keyof SearchOptions)[];

/** Refuses options that there are not: with a misspelt `filter` everything would match. */
function checkNames(options: SearchOptions): void {
  if (typeof options !== "object" || options === null) {
    throw invalid(`the options of search must be an object such as { k: 10 }, not ${shown(options)}`);
  }
  for (const name of Object.keys(options)) {
    if ((searchOptions as readonly string[]).includes(name)) continue;
    throw invalid(`search has no option ${JSON.stringify(name)}; there are ${searchOptions.join(", ")}`);
  }
}

/** `k` and `ef` of checked options. */
export function checkedCounts(options: SearchOptions): { k: number; ef: number } {
  checkNames(options);
  const { k = K_DEFAULT, ef, exact, maxDistance } = options;
  if (exact !== undefined && typeof exact !== "boolean") {
    throw invalid(`exact must be true or false, not ${shown(exact)}`);
  }
  // A beam within a distance grows by itself.
  const candidates = ef ?? Math.min(BEAM_MAX, Math.max(EF_DEFAULT, maxDistance === undefined ? 2 * k : 0));
  checkCount("k", k);
  checkCount("ef", candidates);
  return { k, ef: candidates };
}

/** VSIM with checked options, but for those that shape the reply. */
export function searchCommand(set: VectorSettings, query: Vector, options: SearchOptions): Argument[] {
  const row = checkVector(query, set);
  const blob = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
  const { k, ef, filter, exact, maxDistance } = checkedSearch(options);
  const command: Argument[] = ["VSIM", set.name, "FP32", blob, "COUNT", k, "EF", ef];
  if (filter !== undefined) command.push("FILTER", filter);
  if (exact) command.push("TRUTH");
  if (maxDistance !== undefined) command.push("MAXDISTANCE", String(maxDistance));
  return command;
}

/** @throws NearkeyError `invalid-argument` */
export function checkedSearch(options: SearchOptions): AskedSearch {
  const { filter, exact = false, maxDistance } = options;
  const counts = checkedCounts(options);
  if (filter !== undefined && typeof filter !== "string") throw invalid(`filter must be text, not ${kindOf(filter)}`);
  if (maxDistance !== undefined && (typeof maxDistance !== "number" || Number.isNaN(maxDistance))) {
    throw invalid(`maxDistance must be a number, not ${shown(maxDistance)}`);
  }
  return { ...counts, filter, exact, maxDistance };
}

/** The reply is a map, flat: an id, then its score, distance and attributes (null without), nearest first. */
export function searchResults(reply: readonly Reply[]): SearchResult[] {
  const results: SearchResult[] = [];
  for (let at = 0; at < reply.length; at += 2) {
    const [score, distance, json] = reply[at + 1] as [number, number, Uint8Array | null];
    const result: SearchResult = { id: textOf(reply[at] as Uint8Array), distance, score };
    const attributes = json === null ? undefined : attributesOf(textOf(json));
    if (attributes !== undefined) result.attributes = attributes;
    results.push(result);
  }
  return results;
}

/** Attributes from their text; other clients may have stored any text, and what is no JSON object counts as none. */
function attributesOf(text: string): Attributes | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Attributes) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string {
  return readText(bytes, 0, bytes.length);
}

/**
 * Attributes as JSON text: "" for null (none), undefined for undefined.
 *
 * @throws NearkeyError `invalid-argument` for anything but a JSON object
 */
export function attributesText(attributes: Attributes | null | undefined): string | undefined {
  if (attributes === undefined) return undefined;
  if (attributes === null) return "";
  if (typeof attributes !== "object" || Array.isArray(attributes)) {
    throw invalid(`attributes must be a JSON object, not ${kindOf(attributes)}`);
  }
  try {
    return JSON.stringify(attributes);
  } catch (cause) {
    throw invalid(`attributes must be a JSON object: ${(cause as Error).message}`, cause);
  }
}

function checkCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= BEAM_MAX) return;
  throw invalid(`${name} must be a whole number from 1 to ${BEAM_MAX}, not ${shown(value)}`);
}
