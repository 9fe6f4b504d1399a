// A stream as its own commands tell it: entries in batches, what it counts, its groups with their consumers and what is pending
// of each. Everything is read at one moment, so that times since something are times of it.

import { NearkeyError } from "../errors.ts";
import type { Argument, Reply } from "../resp.ts";
import { CommandRunner } from "./command-runner.ts";
import { textOf } from "./content.ts";

/** Most entries asked for at a time; fewer while they are long, since a reply has its limit. */
const ENTRIES_MAX = 100;
const BATCH_BYTES = 512 * 1024;
/** Pending entries asked for at a time. */
const PENDING_COUNT = 1024;
const LARGEST = "18446744073709551615";

/** An entry: its id, and fields and values in turn. */
export type StreamEntry = readonly [id: Uint8Array, fields: Uint8Array[]];

/** What a stream counts, beside its entries. */
export interface StreamFacts {
  readonly length: number;
  readonly added: string;
  readonly lastId: string;
  readonly deletedId: string;
  readonly firstId: string;
}

/** A group. */
export interface StreamGroup {
  readonly name: Uint8Array;
  readonly lastId: string;
  /** Entries that it has read, -1 when it is not known. */
  readonly read: number;
  readonly pending: number;
  readonly consumers: readonly StreamConsumer[];
}

/** A consumer of a group; times in ms since epoch, -1 for never. */
export interface StreamConsumer {
  readonly name: Uint8Array;
  readonly seenMs: number;
  readonly activeMs: number;
  readonly pending: number;
}

/** An entry that was delivered and not acknowledged. */
export interface PendingEntry {
  readonly id: string;
  readonly deliveredMs: number;
  readonly deliveries: number;
}

function pairsOf(flat: Reply): Map<string, Reply> {
  const items = flat as Reply[];
  return new Map(items.flatMap((name, at) => (at % 2 === 0 ? [[textOf(name), items[at + 1] as Reply] as const] : [])));
}

/** Reads what a stream counts. */
export function factsOf(runner: CommandRunner, key: Uint8Array): StreamFacts {
  const facts = pairsOf(runner.one("XINFO", "STREAM", key));
  const fact = (name: string): string => textOf(facts.get(name));
  return {
    length: Number(fact("length")),
    added: fact("entries-added"),
    lastId: fact("last-generated-id"),
    deletedId: fact("max-deleted-entry-id"),
    firstId: fact("recorded-first-entry-id"),
  };
}

/** Reads the entries in batches, which are the same each time. */
export function* entriesOf(runner: CommandRunner, database: number, key: Uint8Array): Generator<StreamEntry[]> {
  let from = "-";
  let count = 1;
  while (true) {
    const [entries, used] = someEntries(runner, database, key, from, count);
    if (entries.length === 0) return;
    yield entries;
    from = `(${textOf(entries.at(-1)?.[0])}`;
    if (from === `(${LARGEST}-${LARGEST}`) return;
    const bytes = entries.reduce((sum, [, fields]) => sum + fields.reduce((all, { length }) => all + length, 0), 0);
    count = bytes > BATCH_BYTES ? Math.max(1, used >> 1) : Math.min(ENTRIES_MAX, used * 2);
  }
}

/** Some entries and how many were asked for: one alone where several are longer than a reply may be. */
function someEntries(
  runner: CommandRunner,
  database: number,
  key: Uint8Array,
  from: string,
  count: number,
): [StreamEntry[], number] {
  const ask = (of: CommandRunner, most: number): StreamEntry[] =>
    of.one("XRANGE", key, from, "+", "COUNT", most) as unknown as StreamEntry[];
  if (count === 1) return [ask(runner, 1), 1];
  const other = new CommandRunner(runner.engine, runner.nowMs);
  try {
    other.one("SELECT", database);
    return [ask(other, count), count];
  } catch (error) {
    if (!(error instanceof NearkeyError) || error.code !== "engine-failed") throw error;
    return [ask(runner, 1), 1];
  } finally {
    other.close();
  }
}

/** Reads the groups. */
export function groupsOf(runner: CommandRunner, key: Uint8Array): StreamGroup[] {
  return (runner.one("XINFO", "GROUPS", key) as Reply[]).map((reply) => {
    const group = pairsOf(reply);
    const name = group.get("name") as Uint8Array;
    const read = group.get("entries-read");
    return {
      name,
      lastId: textOf(group.get("last-delivered-id")),
      read: read === null || read === undefined ? -1 : Number(read),
      pending: Number(group.get("pending")),
      consumers: consumersOf(runner, key, name),
    };
  });
}

function consumersOf(runner: CommandRunner, key: Uint8Array, group: Uint8Array): StreamConsumer[] {
  return (runner.one("XINFO", "CONSUMERS", key, group) as Reply[]).map((reply) => {
    const consumer = pairsOf(reply);
    const inactive = Number(consumer.get("inactive"));
    return {
      name: consumer.get("name") as Uint8Array,
      seenMs: runner.nowMs - Number(consumer.get("idle")),
      activeMs: inactive < 0 ? -1 : runner.nowMs - inactive,
      pending: Number(consumer.get("pending")),
    };
  });
}

/** Reads what is pending of a group, or of one of its consumers, in batches. */
export function* pendingOf(
  runner: CommandRunner,
  key: Uint8Array,
  group: Uint8Array,
  consumer?: Uint8Array,
): Generator<PendingEntry[]> {
  let from = "-";
  while (true) {
    const of: Argument[] = consumer === undefined ? [] : [consumer];
    const replies = runner.one("XPENDING", key, group, from, "+", PENDING_COUNT, ...of) as Reply[][];
    if (replies.length === 0) return;
    const batch = replies.map(([id, , elapsed, deliveries]) => ({
      id: textOf(id),
      deliveredMs: runner.nowMs - Number(elapsed),
      deliveries: Number(deliveries),
    }));
    yield batch;
    const last = batch.at(-1)?.id;
    if (last === `${LARGEST}-${LARGEST}`) return;
    from = `(${last}`;
  }
}

/** A stream as commands that make it again, in groups. */
export function* streamCommands(runner: CommandRunner, database: number, key: Uint8Array): Generator<Argument[][]> {
  const { length, added, lastId, deletedId } = factsOf(runner, key);
  if (length === 0) yield [["XADD", key, "MAXLEN", 0, "0-1", "f", "v"]];
  for (const entries of entriesOf(runner, database, key)) {
    yield entries.map(([id, fields]) => ["XADD", key, id, ...fields]);
  }
  yield [["XSETID", key, lastId, "ENTRIESADDED", added, "MAXDELETEDID", deletedId]];
  for (const group of groupsOf(runner, key)) {
    yield [["XGROUP", "CREATE", key, group.name, group.lastId, "ENTRIESREAD", group.read]];
    for (const { name, seenMs, activeMs } of group.consumers) {
      const set: Argument[] = ["XGROUP", "SETCONSUMER", key, group.name, name, seenMs, activeMs];
      yield [set];
      for (const batch of pendingOf(runner, key, group.name, name)) {
        yield [[...set, ...batch.flatMap(({ id, deliveredMs, deliveries }) => [id, deliveredMs, deliveries])]];
      }
    }
  }
}
