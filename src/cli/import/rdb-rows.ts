// Keys of a file of Redis, on their way into a server: which command stores what, and what becomes of the keys that
// nearkey has no type for, those that have died, and databases that are not there. A type that nearkey learns is one more
// line in `COMMANDS`. A collection longer than a batch comes in several: they are one row to whoever counts, and if one of
// them is refused, or the import ends amid them, the key is removed, so that no part of a value is taken for all of it.

import type { Client } from "../../client.ts";
import { scoresFirst } from "../../content/content.ts";
import type { RdbItem, RdbKey } from "../../rdb/rdb-reader.ts";
import { readRdb } from "../../rdb/rdb-reader.ts";
import { streamCommands } from "../../rdb/rdb-stream.ts";
import type { RdbKind } from "../../rdb/rdb-types.ts";
import type { Argument } from "../../resp.ts";
import { RowProblem } from "./found-row.ts";
import type { InputFile } from "./input-file.ts";
import { concernsRowOnly, type Sendable, type Sink } from "./sinks.ts";

/** A key of a file, or a batch of one that is there already. */
export interface RdbRow {
  /** Offset in the file. */
  readonly place: number;
  /** Belongs to the row before. */
  readonly continues: boolean;
  readonly item: Exclude<RdbItem, { readonly what: "fact" }>;
}

/** What a file says of itself, by the names that Redis gives: `redis-ver`, `ctime` … */
export type RdbFacts = Map<string, string>;

const DATABASES = 16;
const SHOWN_CHARACTERS = 60;
/** Bytes of a command beside its arguments. */
const COMMAND_BYTES = 64;
/** What an element takes beside its bytes, in memory and on its way. */
const ELEMENT_BYTES = 64;

type Command = readonly [string, ...Argument[]];

/** How a batch of elements is added to a key that holds nothing of another kind. */
const COMMANDS: ReadonlyMap<RdbKind, (key: Uint8Array, elements: Uint8Array[]) => Command> = new Map([
  ["hash", (key, elements) => ["HSET", key, ...elements]],
  ["list", (key, elements) => ["RPUSH", key, ...elements]],
  ["set", (key, elements) => ["SADD", key, ...elements]],
  ["sorted set", (key, elements) => ["ZADD", key, ...scoresFirst(elements)]],
]);

/** Kinds whose batches must come one behind another: no command takes them twice. */
const ORDERED: ReadonlySet<RdbKind> = new Set(["list", "stream"]);

const NAMES: Readonly<Record<RdbKind, string>> = {
  string: "strings",
  list: "lists",
  set: "sets",
  "sorted set": "sorted sets",
  hash: "hashes",
  "hash whose fields expire": "hashes whose fields expire",
  stream: "streams",
  "module value": "values of modules",
};

/** Reads the rows of a file; what it says of itself is noted in `facts`. */
export async function* readRdbRows(input: InputFile, facts: RdbFacts): AsyncIterable<RdbRow[]> {
  const bytes = input.isPacked ? undefined : input.size;
  for await (const items of readRdb(input.chunks(), input.name, bytes)) {
    const rows: RdbRow[] = [];
    for (const item of items) {
      if (item.what === "fact") facts.set(item.name, item.value);
      else rows.push({ place: item.offset, continues: item.what === "key" && !item.isFirst, item });
    }
    yield rows;
  }
}

/** Names a row for people. */
export function placeOfRdbRow({ place, item }: RdbRow): string {
  if (item.what !== "key") return `offset ${place}`;
  const text = new TextDecoder().decode(item.key);
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return `${JSON.stringify(shown)} of database ${item.database}, offset ${place}`;
}

/** A value that comes in several batches. */
interface Parts {
  /**
   * Kept once the first of them is there, or never will be: it begins with DEL, so that none may be sent before, lest one
   * whose connection broke is sent again behind another. Those of a list wait for the one before each.
   */
  begun: Promise<void>;
  begin: () => void;
  hasFailed: boolean;
  /** Elements of the batches so far. */
  elements: number;
}

/** Sends keys to the databases that they were in. */
export class RdbSink implements Sink<RdbRow> {
  /** Keys whose time had passed: they are left out, as Redis leaves them out. */
  expired = 0;
  readonly #connect: ((database: number) => Promise<Client>) | undefined;
  readonly #clients = new Map<number, Client | Promise<Client>>();
  readonly #prefix: Uint8Array;
  #parts: Parts | undefined;
  /** Removes the key of which not all batches were sent. */
  #removeBegun: (() => Promise<unknown>) | undefined;
  /** What follows of the present key is not wanted. */
  #isPassed = false;

  /**
   * @param connect gives a client that works in a database; undefined for a dry run
   * @param prefix goes before each key
   */
  constructor(connect: ((database: number) => Promise<Client>) | undefined, prefix: string) {
    this.#connect = connect;
    this.#prefix = new TextEncoder().encode(prefix);
  }

  /** Ends its connections, once nothing is on the way. */
  async close(): Promise<void> {
    await this.#removeBegun?.().catch(() => undefined);
    for (const client of this.#clients.values()) await (await client).close();
  }

  prepare({ item }: RdbRow): Promise<Sendable | undefined> | Sendable | RowProblem | undefined {
    if (item.what !== "key") return new RowProblem("not-supported", "functions are not supported yet");
    if (!item.isFirst && this.#isPassed) return undefined;
    if (item.isFirst) {
      const problem = problemOf(item);
      const isDead = item.expiresAtMs !== undefined && item.expiresAtMs <= Date.now();
      this.#isPassed = problem !== undefined || isDead;
      if (problem !== undefined) return problem;
      if (isDead) this.expired++;
      if (isDead) return undefined;
    }
    const client = this.#connect === undefined ? undefined : this.#clientOf(item.database, this.#connect);
    if (item.isFirst && item.isLast) {
      return client instanceof Promise ? client.then((there) => this.#whole(item, there)) : this.#whole(item, client);
    }
    return this.#prepareBatch(item, client);
  }

  async #prepareBatch(item: RdbKey, connecting: Promise<Client> | Client | undefined): Promise<Sendable | undefined> {
    const client = await connecting;
    if (item.isFirst) this.#parts = newParts();
    const parts = this.#parts as Parts;
    if (!item.isFirst) await parts.begun;
    if (!item.isFirst && ORDERED.has(item.kind)) Object.assign(parts, newTurn());
    this.#removeBegun = item.isLast || parts.hasFailed ? undefined : () => run(client, [["DEL", this.#keyOf(item)]]);
    return parts.hasFailed ? undefined : this.#batch(item, client, parts);
  }

  #clientOf(database: number, connect: (database: number) => Promise<Client>): Client | Promise<Client> {
    const known = this.#clients.get(database);
    if (known !== undefined) return known;
    const connecting = connect(database).then((client) => {
      this.#clients.set(database, client);
      return client;
    });
    this.#clients.set(database, connecting);
    connecting.catch(() => this.#clients.delete(database));
    return connecting;
  }

  #whole(item: RdbKey, client: Client | undefined): Sendable {
    const key = this.#keyOf(item);
    return { bytes: bytesOf(item), send: () => run(client, commandsOf(item, key)) };
  }

  #batch(item: RdbKey, client: Client | undefined, parts: Parts): Sendable {
    const key = this.#keyOf(item);
    const before = parts.elements;
    parts.elements += item.elements.length;
    const send = async (): Promise<void> => {
      try {
        await run(client, commandsOf(item, key, before));
      } catch (error) {
        if (!concernsRowOnly(error)) throw error;
        parts.hasFailed = true;
        await run(client, [["DEL", key]]);
        throw error;
      }
    };
    const stored = (): number => (item.isLast && !parts.hasFailed ? 1 : 0);
    const waitsForThis = item.isFirst || ORDERED.has(item.kind);
    return { bytes: bytesOf(item), send, stored, settled: waitsForThis ? parts.begin : () => undefined };
  }

  #keyOf({ key }: RdbKey): Uint8Array {
    return this.#prefix.length === 0 ? key : new Uint8Array([...this.#prefix, ...key]);
  }
}

function bytesOf({ key, elements }: RdbKey): number {
  return elements.reduce((sum, { length }) => sum + length + ELEMENT_BYTES, key.length + COMMAND_BYTES);
}

function run(client: Client | undefined, commands: readonly Command[]): Promise<unknown> {
  return Promise.all(commands.map(([name, ...args]) => client?.command(name, ...args)));
}

function newTurn(): Pick<Parts, "begun" | "begin"> {
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  return { begun, begin };
}

function newParts(): Parts {
  return { ...newTurn(), hasFailed: false, elements: 0 };
}

function problemOf({ kind, database, elements, isFirst, isLast }: RdbKey): RowProblem | undefined {
  if (database >= DATABASES) {
    return new RowProblem("no-database", `database ${database}, and there are 0 to ${DATABASES - 1}`);
  }
  if (kind !== "string" && kind !== "stream" && !COMMANDS.has(kind)) {
    const module = kind === "module value" ? ` (${new TextDecoder().decode(elements[0])})` : "";
    return new RowProblem(`not-supported ${kind}${module}`, `${NAMES[kind]}${module} are not supported yet`);
  }
  if (isFirst && isLast && elements.length === 0) return new RowProblem("no-value", "a collection without elements");
  return undefined;
}

/**
 * Commands that may run twice, and leave the key with this batch and those before it; of a stream only the first batch may: another
 * one that is sent again is refused for its ids, and the key with it.
 *
 * @param before elements of those: what a list has beyond them is of this batch, sent before
 */
function commandsOf({ kind, elements, expiresAtMs, isFirst, isLast }: RdbKey, key: Uint8Array, before = 0): Command[] {
  if (kind === "string") {
    const expiry = expiresAtMs === undefined ? [] : ["PXAT", expiresAtMs];
    return [["SET", key, elements[0] as Uint8Array, ...expiry]];
  }
  const commands: Command[] = isFirst ? [["DEL", key]] : [];
  if (!isFirst && kind === "list") commands.push(["LTRIM", key, 0, before - 1]);
  const add = COMMANDS.get(kind);
  if (add === undefined) commands.push(...streamCommands(key, elements));
  else commands.push(add(key, elements));
  if (isLast && expiresAtMs !== undefined) commands.push(["PEXPIREAT", key, expiresAtMs]);
  return commands;
}
