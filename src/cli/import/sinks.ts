// Where rows go: a vector set of a server, keys of a server, or nowhere (a dry run, which checks what can be checked
// without one). Whatever is sent may be sent twice, so a row whose connection broke is simply sent again.

import type { Client } from "../../client.ts";
import {
  checkOptions,
  checkVector,
  newSettings,
  type VectorOptions,
  type VectorSettings,
} from "../../database/vector-options.ts";
import type { VectorSet } from "../../database/vectors.ts";
import { NearkeyError } from "../../errors.ts";
import { type FoundRow, RowProblem } from "./found-row.ts";
import { entryOf, type KeyFields } from "./key-row.ts";
import type { LabelOf } from "./row-labels.ts";
import { type Element, elementOf, type VectorFields } from "./vector-row.ts";

/** A row that can be sent. */
export interface Sendable {
  /** About what it takes on the way. */
  readonly bytes: number;
  /** Sends it; resolves to false when it replaced an element that was there. Rejects with a NearkeyError. */
  send(): Promise<unknown>;
  /** What is in once it was sent, in rows; 1 when absent. */
  stored?(): number;
  /** Called once its fate is known, whatever it is. */
  settled?(): void;
}

/** Takes rows. */
export interface Sink<Row = FoundRow> {
  /**
   * Makes a row ready to be sent, or says why it will not be; undefined when there is nothing to send and nothing wrong.
   * May reject: then no row can be.
   */
  prepare(row: Row, number: number): Promise<Sendable | RowProblem | undefined> | Sendable | RowProblem | undefined;
}

/** Bytes of a command beside its vector and its id. */
const COMMAND_BYTES = 96;

/** Where a file names its rows itself: decided by the first row, so that a later one without is refused. */
function idFieldOf(row: FoundRow, given: string | undefined, usual: string): string | undefined {
  return given ?? ("fields" in row && row.fields[usual] !== undefined ? usual : undefined);
}

/** Opens the set that elements go to; the dimension is that of the first, where the set does not exist. */
export type OpenSet = (dim: number) => Promise<Pick<VectorSet<"promise">, "set">>;

/** Sends elements to a vector set. */
export class VectorSink implements Sink {
  #names: VectorFields;
  #named = false;
  readonly #labelOf: LabelOf | undefined;
  readonly #open: OpenSet;
  #set: Pick<VectorSet<"promise">, "set"> | undefined;

  constructor(names: VectorFields, labelOf: LabelOf | undefined, open: OpenSet) {
    this.#names = names;
    this.#labelOf = labelOf;
    this.#open = open;
  }

  prepare(row: FoundRow, number: number): Promise<Sendable | RowProblem> | Sendable | RowProblem {
    if (!this.#named) this.#names = { ...this.#names, id: idFieldOf(row, this.#names.id, "id") };
    this.#named = true;
    const element = elementOf(row, number, this.#names, this.#labelOf?.(number));
    if (element instanceof RowProblem) return element;
    const set = this.#set;
    return set === undefined ? this.#first(element) : sendable(set, element);
  }

  async #first(element: Element): Promise<Sendable> {
    const set = await this.#open(element.vector.length);
    this.#set = set;
    return sendable(set, element);
  }
}

function sendable(set: Pick<VectorSet<"promise">, "set">, { id, vector, attributes }: Element): Sendable {
  return {
    bytes: vector.byteLength + id.length + COMMAND_BYTES,
    send: () => set.set(id, vector, attributes),
  };
}

/** Opens a set of a server; one that exists keeps its dimension, and says so to rows that have another. */
export function setOfServer(client: Client, name: string, options: VectorOptions): OpenSet {
  return async (dim) => {
    const exists = await client.has(name);
    return client.vectors(name, exists ? options : { dim, ...options });
  };
}

/** Opens no set: elements are checked as a set would. */
export function setOfNobody(name: string, options: VectorOptions): OpenSet {
  checkOptions(options);
  return async (dim) => {
    const settings: VectorSettings = newSettings(name, { dim, ...options });
    const set: VectorSet<"promise">["set"] = async (_id, vector) => checkVector(vector, settings).length > 0;
    return { set };
  };
}

/** Sends keys. */
export class KeySink implements Sink {
  #names: KeyFields;
  #named = false;
  readonly #client: Client | undefined;

  /** @param client undefined for a dry run */
  constructor(names: KeyFields, client: Client | undefined) {
    this.#names = names;
    this.#client = client;
  }

  prepare(row: FoundRow, number: number): Sendable | RowProblem {
    if (!this.#named) this.#names = { ...this.#names, id: idFieldOf(row, this.#names.id, "key") };
    this.#named = true;
    const entry = entryOf(row, number, this.#names);
    if (entry instanceof RowProblem) return entry;
    const client = this.#client;
    const send = (): Promise<unknown> => {
      if (client === undefined) return Promise.resolve();
      const sent = entry.commands.map(([name, ...args]) => client.command(name, ...args));
      return sent.length === 1 ? (sent[0] as Promise<unknown>) : Promise.all(sent);
    };
    return { bytes: entry.bytes + COMMAND_BYTES, send };
  }
}

/** Whether an error is the row's own, so that the next one may fare better. */
export function concernsRowOnly(error: unknown): error is NearkeyError {
  return error instanceof NearkeyError && !FATAL_CODES.has(error.code);
}

/** Whether the row may be sent again: the connection broke, or the server ended it for a row before this one. */
export function mayBeRepeated(error: unknown): boolean {
  return error instanceof NearkeyError && (error.code === "connection-lost" || error.code === "closed-by-server");
}

const FATAL_CODES: ReadonlySet<string> = new Set([
  "authentication-required",
  "closed",
  "closed-by-server",
  "connection-failed",
  "connection-lost",
  "engine-failed",
  "not-permitted",
  "not-sent",
  "options-differ",
  "out-of-memory",
  "unknown-command",
]);
