// The graph without the commands around it: its files compiled with assertions on into one module, driven directly. Ids
// are what the engine hands out; a set's address is its handle.

import { HEAP_BASE, REGISTERS_BASE, ZONE_OBJECT } from "../assembly/layout.ts";
import { Part } from "./compile-part.ts";

/** Numbers of Metric in distance.ts. */
export const COSINE = 0;
export const L2 = 1;
export const INNER_PRODUCT = 2;

/** Addresses come back signed. */
interface Exports {
  initializeMemory(heapStart: number, seed: bigint): void;
  createVectorSet(
    dimensions: number,
    metric: number,
    m: number,
    efConstruction: number,
    quantization: number,
    dropsVectors: number,
  ): number;
  startCoding(set: number): void;
  codeSome(set: number): void;
  lookAtRange(set: number): void;
  rescore(set: number, query: number, beam: number, found: number, most: number, ef: number): number;
  pointAt(set: number, id: number): number;
  measurePoints(set: number, a: number, b: number): number;
  encodeNode(set: number, id: number, vector: number): void;
  pointOfQuery(set: number, query: number): number;
  decodeNode(set: number, id: number, to: number): void;
  narrowVector(vector: number, bytes: number, to: number): number;
  widenVector(halves: number, bytes: number, to: number): void;
  drawLevel(set: number): number;
  takeNode(set: number, level: number): number;
  releaseNode(set: number, id: number): void;
  storeVector(set: number, id: number, original: number, norm: number): void;
  readOriginal(set: number, id: number, to: number): void;
  normOf(vector: number, bytes: number): number;
  normalize(vector: number, bytes: number, norm: number, to: number): void;
  linkNode(set: number, id: number, ef: number): void;
  unlinkNode(set: number, id: number): void;
  search(set: number, query: number, ef: number): number;
  searchAll(set: number, query: number, most: number, beam: number): number;
  validate(set: number): number;
  growMarks(ids: number): void;
  measureRow(set: number, query: number, count: number, bound: number): number;
  vectorAt(set: number, id: number): number;
  nodeAt(set: number, id: number): number;
  squaredL2(a: number, b: number, bytes: number): number;
  innerProduct(a: number, b: number, bytes: number): number;
  distanceOfKey(key: number): number;
  heldPages(): number;
  createEntry(zone: number, key: number, keyBytes: number, type: number, valueBytes: number, expiring: number): number;
  startOrdering(set: number): void;
  orderSome(set: number): number;
  readonly QUERY_BASE: WebAssembly.Global;
  readonly SECOND_VECTOR_BASE: WebAssembly.Global;
  readonly BEAM_BASE: WebAssembly.Global;
  readonly ROW_IDS: WebAssembly.Global;
  readonly ROW_KEYS: WebAssembly.Global;
}

const FILES = [
  "memory/memory",
  "kernels/distance",
  "vectors/hop",
  "vectors/vectorset",
  "vectors/vector-scratch",
  "vectors/original",
  "vectors/hnsw-insert",
  "vectors/hnsw-delete",
  "vectors/coding",
  "vectors/codes",
  "vectors/points",
  "vectors/rescore",
  "kernels/half-distance",
  "memory/entry",
  "vectors/upkeep/reorder",
];

/** Where fields of VectorSet in vectorset.ts lie; codedIds is all ones, NaN as a float, when no codes are being given. */
const CODING_AT = 52;
const STEP_AT = 60;
const CODED_IDS_AT = 72;
/** Likewise orderedIds: all ones when nodes are not put in order. */
const ORDERED_IDS_AT = 104;
/** Bytes of an entry without a key before its value. */
const ENTRY_BYTES = 12;

/** Numbers of Coding in vectorset.ts. */
export const CODINGS = { f32: 0, f16: 1, int8: 2, int4: 3, binary: 4 };

/** A module with the graph's functions. */
export class GraphPart {
  readonly #part: Part<Exports>;

  private constructor(part: Part<Exports>) {
    this.#part = part;
  }

  static async compile(): Promise<GraphPart> {
    return new GraphPart(
      await Part.compile(...FILES, "vectors/hnsw-search", "vectors/exact-search", "vectors/hnsw-validate"),
    );
  }

  get exports(): Exports {
    return this.#part.exports;
  }

  /** Begins anew with empty memory. Levels are drawn from the seed. */
  reset(seed: number): void {
    this.#part.bytes.fill(0, REGISTERS_BASE, HEAP_BASE);
    this.exports.initializeMemory(HEAP_BASE, BigInt(seed));
  }

  /** A set that keeps float32 vectors; codes begin with `graph.code()`. */
  create(dimensions: number, metric: number, m: number, efConstruction: number, coding = 0, drops = false): Graph {
    const { exports } = this;
    const address = exports.createVectorSet(dimensions, metric, m, efConstruction, coding, Number(drops)) >>> 0;
    return new Graph(this, address, dimensions, metric, efConstruction);
  }

  floats(address: number, count: number): Float32Array {
    return new Float32Array(this.#part.bytes.buffer, address >>> 0, count);
  }

  words(address: WebAssembly.Global, count: number): Uint32Array {
    return this.wordsAt(address.value >>> 0, count);
  }

  wordsAt(address: number, count: number): Uint32Array {
    return new Uint32Array(this.#part.bytes.buffer, address, count);
  }
}

/** One vector set. */
export class Graph {
  readonly #part: GraphPart;
  readonly #padded: number;
  #ids = 0;

  constructor(
    part: GraphPart,
    readonly address: number,
    readonly dimensions: number,
    readonly metric: number,
    readonly efConstruction: number,
  ) {
    this.#part = part;
    this.#padded = Math.ceil(dimensions / 4) * 4;
  }

  /** Puts a vector, padded, where queries lie; answers its norm under cosine, else 1. */
  #place(vector: ArrayLike<number>): number {
    const { exports } = this.#part;
    const place = this.#part.floats(exports.QUERY_BASE.value, this.#padded).fill(0);
    place.set(vector);
    return this.metric === COSINE ? exports.normOf(exports.QUERY_BASE.value, this.#padded * 4) : 1;
  }

  add(vector: ArrayLike<number>): number {
    const { exports } = this.#part;
    exports.growMarks(++this.#ids);
    const id = exports.takeNode(this.address, exports.drawLevel(this.address)) >>> 0;
    exports.storeVector(this.address, id, exports.QUERY_BASE.value, this.#place(vector));
    exports.codeSome(this.address);
    exports.linkNode(this.address, id, this.efConstruction);
    return id;
  }

  /** Trains codes on what is there, and gives them to `all` vectors, else to those that one step takes. */
  code(all = true): void {
    this.#part.exports.startCoding(this.address);
    for (let step = 0; all && step < 1000; step++) this.#part.exports.codeSome(this.address);
  }

  update(id: number, vector: ArrayLike<number>): void {
    const { exports } = this.#part;
    exports.unlinkNode(this.address, id);
    exports.storeVector(this.address, id, exports.QUERY_BASE.value, this.#place(vector));
    exports.linkNode(this.address, id, this.efConstruction);
  }

  /** Adds a node with a name, as the engine's have; answers where the name says which node it is. */
  addNamed(vector: ArrayLike<number>): number {
    const { exports } = this.#part;
    const id = this.add(vector);
    const entry = exports.createEntry(ZONE_OBJECT, 0, 0, 0, 4, 0) >>> 0;
    const [node] = this.#part.wordsAt(this.#nodeAt(id), 1);
    if (node !== 0) throw new Error("a new node has a name");
    this.#part.wordsAt(this.#nodeAt(id), 1)[0] = entry;
    this.#part.wordsAt(entry + ENTRY_BYTES, 1)[0] = id;
    return entry + ENTRY_BYTES;
  }

  #nodeAt(id: number): number {
    return this.#part.exports.nodeAt(this.address, id) >>> 0;
  }

  /** Goes on with putting nodes in order; true while it is not done. */
  order(): boolean {
    this.#part.exports.orderSome(this.address);
    return this.isOrdering();
  }

  startOrdering(): void {
    this.#part.exports.startOrdering(this.address);
  }

  isOrdering(): boolean {
    return !Number.isNaN(this.#part.floats(this.address + ORDERED_IDS_AT, 1)[0]);
  }

  delete(id: number): void {
    this.#part.exports.unlinkNode(this.address, id);
    this.#part.exports.releaseNode(this.address, id);
  }

  /** The vector that was given for a node. */
  get(id: number): Float32Array {
    const { exports } = this.#part;
    exports.readOriginal(this.address, id, exports.SECOND_VECTOR_BASE.value);
    return this.#part.floats(exports.SECOND_VECTOR_BASE.value, this.dimensions).slice();
  }

  /** Ids, nearest first, and their distances as searches order them. */
  search(vector: ArrayLike<number>, count: number, ef: number): [id: number, distance: number][] {
    this.#placeQuery(vector);
    const { exports } = this.#part;
    const query = exports.QUERY_BASE.value;
    const found = exports.search(this.address, query, ef);
    const left = exports.rescore(this.address, query, exports.BEAM_BASE.value, found, count, ef);
    return this.#results(Math.min(count, left));
  }

  searchAll(vector: ArrayLike<number>, count: number): [id: number, distance: number][] {
    this.#placeQuery(vector);
    const { exports } = this.#part;
    const beam = exports.BEAM_BASE.value;
    return this.#results(exports.searchAll(this.address, exports.QUERY_BASE.value, count, beam));
  }

  #placeQuery(vector: ArrayLike<number>): void {
    const norm = this.#place(vector);
    const query = this.#part.exports.QUERY_BASE.value;
    if (this.metric === COSINE) this.#part.exports.normalize(query, this.#padded * 4, norm, query);
  }

  #results(count: number): [number, number][] {
    const { exports } = this.#part;
    const items = this.#part.words(exports.BEAM_BASE, count * 2);
    return Array.from({ length: count }, (_, index) => {
      return [(items[index * 2] as number) >>> 1, exports.distanceOfKey(items[index * 2 + 1] as number)];
    });
  }

  /** What the codes of a node stand for. */
  decoded(id: number): Float32Array {
    const { exports } = this.#part;
    exports.decodeNode(this.address, id, exports.SECOND_VECTOR_BASE.value);
    return this.#part.floats(exports.SECOND_VECTOR_BASE.value, this.dimensions).slice();
  }

  /** The key of the distance between two points. */
  measure(a: number, b: number): number {
    const { exports } = this.#part;
    const { address } = this;
    return exports.measurePoints(address, exports.pointAt(address, a), exports.pointAt(address, b)) >>> 0;
  }

  /** What one step of a code is worth. */
  scale(): number {
    return this.#part.floats(this.address + STEP_AT, 1)[0] as number;
  }

  /** True when walks measure codes. */
  isCoded(): boolean {
    return this.#part.floats(this.address + CODING_AT, 1)[0] !== 0;
  }

  /** True when vectors are getting codes. */
  isAtIt(): boolean {
    return !Number.isNaN(this.#part.floats(this.address + CODED_IDS_AT, 1)[0]);
  }

  /** The number of the first broken promise, 0 for none (see GraphFault). */
  validate(): number {
    return this.#part.exports.validate(this.address);
  }
}
