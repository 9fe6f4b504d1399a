// How much memory many vectors will take, from above: it is asked for before the first of them is stored. Vectors and nodes
// are counted in whole pages, the rest in cells. An element's level is drawn: links above the lowest level are counted
// twice their expectation.

import { textBytes } from "../text.ts";
import type { Key } from "./operations.ts";
import type { VectorSettings } from "./vector-options.ts";

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

/** An upper estimate of the bytes that elements will take, which are counted one by one. */
export class MemoryEstimate {
  readonly #set: VectorSettings;
  readonly #upperBytes: number;
  #added = 0;
  #cells = 0;

  constructor(set: VectorSettings) {
    this.#set = set;
    this.#upperBytes = (2 * 4 * (set.m + 1)) / (set.m - 1);
  }

  /** @param attributes JSON text, undefined for what an element has already */
  add(id: Key, attributes: string | undefined, isNew: boolean): void {
    this.#cells += ATTRIBUTES_FACTOR * textBytes(attributes ?? "");
    if (!isNew) return;
    this.#added++;
    this.#cells += NAME_BYTES + this.#upperBytes + (typeof id === "string" ? textBytes(id) : id.length);
  }

  get bytes(): number {
    const added = this.#added;
    if (added === 0 && this.#cells === 0) return 0;
    const set = this.#set;
    // Vectors that are dropped for their codes are there until codes begin.
    const kept = set.keepOriginals ? added : Math.min(added, CODED_ALONE_FROM);
    const vectors = pagesOf(kept, Math.ceil(storedDim(set) / 4) * 16);
    const codes = set.quantization === "f32" ? 0 : pagesOf(added, codeBytes(set)) + 4;
    const nodes = pagesOf(added, NODE_BYTES + 8 * set.m);
    // What brings the originals back from vectors of length one: two bits a number.
    const originals = set.metric === "cosine" ? pagesOf(kept, Math.ceil(storedDim(set) / 16) * 4) : 0;
    return Math.ceil((vectors + codes + nodes + originals) * PAGE_BYTES + this.#cells * CELL_FACTOR + OPENED_BYTES);
  }
}

/** Bytes of a vector's codes, and of what stands behind them under inner product. */
function codeBytes(set: VectorSettings): number {
  const { quantization, metric } = set;
  const perRegister = { f32: 4, f16: 8, int8: 16, int4: 32, binary: 128 }[quantization];
  return Math.ceil(storedDim(set) / perRegister) * 16 + (metric === "ip" ? 4 : 0);
}

function pagesOf(records: number, recordBytes: number): number {
  return Math.ceil(records / Math.floor(PAGE_BYTES / recordBytes));
}

/** Numbers of a vector as it is stored. */
function storedDim({ dim, reduce }: VectorSettings): number {
  return reduce ?? dim;
}
