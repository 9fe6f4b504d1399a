// What the page asks of the database: how many digits, some at random, their pictures, and the nearest of a drawing. A
// search is one command; the pictures of what it found come as a second, MGET, and are kept, since a digit never
// changes. How long the engine takes is measured from here: the page's clock is too coarse for one search and the wire
// costs more than the engine, so a batch in one frame is set against a single one.

import type { PromiseMethods } from "../database/promise-methods.ts";
import type { SearchResult } from "../database/vector-operations.ts";
import type { VectorSet } from "../database/vectors.ts";
import type { GridDigit } from "./digit-grid.ts";
import { DIGITS_KEY, labelOf, pictureKey } from "./digit-names.ts";

/** What to search for. */
export interface Query {
  /** CELLS numbers from 0 to 1. */
  readonly cells: Float32Array;
  /** The digit that was picked, which is not to be found again; undefined for a drawing. */
  readonly id: string | undefined;
  /** Only digits of this label; undefined for any. */
  readonly label: number | undefined;
  /** Whether the pen rests: what is found then is announced and timed. */
  readonly settled: boolean;
}

/** What was found, nearest first. */
export interface Found {
  readonly digits: readonly GridDigit[];
  /** From the call to the reply, milliseconds. */
  readonly roundTripMs: number;
}

/** Neighbours that the page shows. */
export const NEIGHBOURS = 12;
/** Searches in the frame that is timed, beside the one that is subtracted. */
const TIMED_SEARCHES = 32;
/** The quickest of so many rounds counts: the browser and the server share a machine, and often a core. */
const TIMED_ROUNDS = 3;

/** The digits, as the page needs them. */
export class DigitStore {
  readonly #client: () => Promise<PromiseMethods>;
  readonly #pictures = new Map<string, Uint8Array>();
  #set: VectorSet<"promise"> | undefined;

  /** @param client the database, once it can be asked */
  constructor(client: () => Promise<PromiseMethods>) {
    this.#client = client;
  }

  /** How many digits there are; 0 in a server that has none. */
  async count(): Promise<number> {
    const client = await this.#client();
    return Number(await client.command("VCARD", DIGITS_KEY));
  }

  /** Some digits at random, none twice. */
  async sample(count: number): Promise<GridDigit[]> {
    const client = await this.#client();
    const ids = (await client.command("VRANDMEMBER", DIGITS_KEY, count)) as string[];
    await this.#fetchPictures(ids);
    return ids.map((id) => ({ id, label: labelOf(id), picture: this.#picture(id) }));
  }

  /** The nearest digits. */
  async search({ cells, id, label }: Query): Promise<Found> {
    const set = await this.#digits();
    const start = performance.now();
    // One more than is shown: a picked digit is its own nearest neighbour, and left out.
    const results = await set.search(cells, { k: NEIGHBOURS + 1, ...filterOf(label) });
    const roundTripMs = performance.now() - start;
    const others = results.filter((result) => result.id !== id).slice(0, NEIGHBOURS);
    await this.#fetchPictures(others.map((other) => other.id));
    return { roundTripMs, digits: others.map((other) => this.#digitOf(other)) };
  }

  /** What one search costs when it does not travel alone, milliseconds. */
  async searchMs({ cells, label }: Query): Promise<number> {
    const set = await this.#digits();
    const timed = async (searches: number): Promise<number> => {
      const start = performance.now();
      // Issued in one tick, so that they travel in one frame. The walk is that of a search for more, the reply short.
      await Promise.all(Array.from({ length: searches }, () => set.search(cells, { k: 1, ...filterOf(label) })));
      return performance.now() - start;
    };
    let one = Infinity;
    let many = Infinity;
    for (let round = 0; round < TIMED_ROUNDS; round++) {
      one = Math.min(one, await timed(1));
      many = Math.min(many, await timed(1 + TIMED_SEARCHES));
    }
    return Math.max(0, many - one) / TIMED_SEARCHES;
  }

  async #digits(): Promise<VectorSet<"promise">> {
    this.#set ??= await (await this.#client()).vectors(DIGITS_KEY);
    return this.#set;
  }

  #digitOf({ id, distance, attributes }: SearchResult): GridDigit {
    return { id, distance, label: Number(attributes?.label ?? labelOf(id)), picture: this.#picture(id) };
  }

  #picture(id: string): Uint8Array {
    return this.#pictures.get(id) ?? new Uint8Array();
  }

  async #fetchPictures(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !this.#pictures.has(id));
    if (missing.length === 0) return;
    const client = await this.#client();
    const reply = (await client.commandBytes("MGET", ...missing.map(pictureKey))) as (Uint8Array | null)[];
    for (const [index, id] of missing.entries()) this.#pictures.set(id, reply[index] ?? new Uint8Array());
  }
}

function filterOf(label: number | undefined): { filter?: string } {
  return label === undefined ? {} : { filter: filterText(label) };
}

/** The expression that restricts a search to a label. */
export function filterText(label: number): string {
  return `.label == ${label}`;
}
