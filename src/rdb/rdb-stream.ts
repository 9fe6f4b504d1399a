// Streams in files of Redis: packed lists of entries, counters, and groups with what their consumers have not acknowledged. A
// stream is no list of elements, so what is read of one are the commands that make it, without the key: each as the number of
// its words and the words. Entries come pack by pack; what is pending of a group is held until its consumers have been read.

import { PackDamage, unpackListpack } from "./packed-lists.ts";
import { digits, type RdbCursor } from "./rdb-cursor.ts";
import type { Elements, Steps } from "./rdb-types.ts";

const ID_BYTES = 16;
const IS_DELETED = 1;
const HAS_NAMES_OF_PACK = 2;
/** A batch is given at so many words or bytes. */
const BATCH_ELEMENTS = 2048;
const BATCH_BYTES = 256 * 1024;
/** Pending entries in a command. */
const PENDING_A_COMMAND = 1024;
/** What Redis writes for a number that is not known. */
const UNKNOWN = 0xffff_ffff_ffff_ffffn;

/** An id: milliseconds in the upper 64 bits. */
type Id = bigint;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const word = (text: string | number | bigint): Uint8Array => encoder.encode(String(text));
const idText = (id: Id): string => `${id >> 64n}-${id & UNKNOWN}`;

/** A command, as elements. */
function command(...words: readonly (Uint8Array | string | number | bigint)[]): Elements {
  return [digits(words.length), ...words.map((one) => (one instanceof Uint8Array ? one : word(one)))];
}

/** The commands in the elements of a stream, each with its key. */
export function* streamCommands(key: Uint8Array, elements: Elements): Generator<[string, ...Uint8Array[]]> {
  for (let at = 0; at < elements.length; ) {
    const count = Number(decoder.decode(elements[at]));
    const [name, ...words] = elements.slice(at + 1, at + 1 + count);
    const text = decoder.decode(name);
    // A subcommand stands before the key.
    yield text === "XGROUP" ? [text, words[0] as Uint8Array, key, ...words.slice(1)] : [text, key, ...words];
    at += 1 + count;
  }
}

/** What has been read of a stream. */
interface Counts {
  length: bigint;
  added: bigint;
  first: Id;
  last: Id;
  deleted: Id;
}

/**
 * Reads a stream.
 *
 * @param version 1, 2 since 7.0, 3 since 7.2
 */
export function stream(version: number): (cursor: RdbCursor) => Steps {
  return (cursor) => gathered(readStream(cursor, version));
}

/** Small batches in one, since each waits for the one before. */
function* gathered(steps: Steps): Steps {
  let batch: Elements = [];
  let bytes = 0;
  for (const elements of steps) {
    if (elements === undefined) {
      yield undefined;
      continue;
    }
    for (const element of elements) {
      batch.push(element);
      bytes += element.length;
    }
    if (batch.length < BATCH_ELEMENTS && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function* readStream(cursor: RdbCursor, version: number): Steps {
  let first: Id | undefined;
  for (let packs = yield* count(cursor); packs > 0; packs--) {
    while (!cursor.hasString()) yield undefined;
    const base = bigEndian(cursor.string());
    while (!cursor.hasString()) yield undefined;
    const { offset } = cursor;
    const entries = entriesOf(cursor, offset, base, cursor.string());
    first ??= entries.first;
    yield entries.commands;
  }
  const counts = yield* readCounts(cursor, version, first ?? 0n);
  const [last, deleted] = [idText(counts.last), idText(counts.deleted)];
  const made = first === undefined ? command("XADD", "MAXLEN", 0, "0-1", "f", "v") : [];
  yield [...made, ...command("XSETID", last, "ENTRIESADDED", counts.added, "MAXDELETEDID", deleted)];
  for (let groups = yield* count(cursor); groups > 0; groups--) yield* readGroup(cursor, version, counts);
}

function* count(cursor: RdbCursor): Generator<undefined, number> {
  while (!cursor.hasLength()) yield undefined;
  return cursor.length();
}

function* number(cursor: RdbCursor): Generator<undefined, bigint> {
  while (!cursor.hasLength()) yield undefined;
  return cursor.wideLength();
}

function* id(cursor: RdbCursor): Generator<undefined, Id> {
  const ms = yield* number(cursor);
  return (ms << 64n) | (yield* number(cursor));
}

function* rawId(cursor: RdbCursor): Generator<undefined, Id> {
  while (!cursor.has(ID_BYTES)) yield undefined;
  return bigEndian(cursor.take(ID_BYTES));
}

function* time(cursor: RdbCursor): Generator<undefined, number> {
  while (!cursor.has(8)) yield undefined;
  return cursor.milliseconds();
}

function* name(cursor: RdbCursor): Generator<undefined, Uint8Array> {
  while (!cursor.hasString()) yield undefined;
  return cursor.string();
}

function bigEndian(bytes: Uint8Array): Id {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

// ---- entries

/** The entries of a pack that are not deleted, as commands. */
function entriesOf(
  cursor: RdbCursor,
  offset: number,
  base: Id,
  pack: Uint8Array,
): { commands: Elements; first: Id | undefined } {
  const commands: Elements = [];
  let first: Id | undefined;
  try {
    for (const { at, flags, fields } of unpackEntries(base, pack)) {
      if ((flags & IS_DELETED) !== 0) continue;
      first ??= at;
      for (const one of command("XADD", idText(at), ...fields)) commands.push(one);
    }
  } catch (error) {
    if (error instanceof PackDamage) cursor.fail(error.message, offset);
    throw error;
  }
  return { commands, first };
}

/**
 * `live, deleted, number of names, names, 0`, then each entry: `flags, ms beyond the base, sequence beyond the base, [number of
 * fields,] fields and values, or values alone, number of what came before`.
 */
function* unpackEntries(base: Id, bytes: Uint8Array): Generator<{ at: Id; flags: number; fields: Uint8Array[] }, void> {
  const pack = unpackListpack(bytes);
  const next = (): Uint8Array => {
    const { done, value } = pack.next();
    if (done || value === undefined) throw new PackDamage("a damaged listpack of a stream: it ends inside an entry");
    return value;
  };
  const integer = (): bigint => BigInt(decoder.decode(next()));
  const several = (elements: bigint): Uint8Array[] => Array.from({ length: checked(elements, bytes.length) }, next);
  integer();
  integer();
  const names = several(integer());
  next();
  for (let { done, value } = pack.next(); !done; { done, value } = pack.next()) {
    const flags = Number(decoder.decode(value as Uint8Array));
    const ms = (base >> 64n) + integer();
    const sequence = (base & UNKNOWN) + integer();
    let fields: Uint8Array[];
    if ((flags & HAS_NAMES_OF_PACK) === 0) fields = several(integer() * 2n);
    else fields = names.flatMap((one) => [one, next()]);
    next();
    yield { at: (ms << 64n) | (sequence & UNKNOWN), flags, fields };
  }
}

/** A number of elements, each of which takes a byte at least. */
function checked(elements: bigint, bytes: number): number {
  if (elements >= 0n && elements <= BigInt(bytes)) return Number(elements);
  throw new PackDamage(`a damaged listpack of a stream: ${elements} elements in ${bytes} bytes`);
}

// ---- counters and groups

function* readCounts(cursor: RdbCursor, version: number, first: Id): Generator<undefined, Counts> {
  const length = yield* number(cursor);
  const last = yield* id(cursor);
  if (version < 2) return { length, last, first, deleted: 0n, added: length };
  yield* id(cursor);
  const deleted = yield* id(cursor);
  return { length, last, first, deleted, added: yield* number(cursor) };
}

function* readGroup(cursor: RdbCursor, version: number, counts: Counts): Steps {
  const group = yield* name(cursor);
  const last = yield* id(cursor);
  const read = version >= 2 ? yield* number(cursor) : readBefore(counts, last);
  yield command("XGROUP", "CREATE", group, idText(last), "ENTRIESREAD", read === UNKNOWN ? -1 : read);
  const pending = new Map<Id, readonly [deliveredMs: number, deliveries: bigint]>();
  for (let left = yield* count(cursor); left > 0; left--) {
    const at = yield* rawId(cursor);
    pending.set(at, [yield* time(cursor), yield* number(cursor)]);
  }
  for (let left = yield* count(cursor); left > 0; left--) yield* readConsumer(cursor, version, group, pending);
}

/** Entries up to an id, where files before 7.0 do not tell; a stream without deletions is taken for granted, as Redis does. */
function readBefore({ length, added, first, last }: Counts, at: Id): bigint {
  if (added === 0n) return 0n;
  if (at === last || (length === 0n && at < last)) return added;
  if (at > first) return UNKNOWN;
  return at === first ? added - length + 1n : added - length;
}

function* readConsumer(
  cursor: RdbCursor,
  version: number,
  group: Uint8Array,
  pending: ReadonlyMap<Id, readonly [number, bigint]>,
): Steps {
  const consumer = yield* name(cursor);
  const seen = yield* time(cursor);
  const active = version >= 3 ? yield* time(cursor) : seen;
  const set = ["XGROUP", "SETCONSUMER", group, consumer, seen, active] as const;
  let words: (string | number | bigint)[] = [];
  for (let left = yield* count(cursor); left > 0; left--) {
    const at = yield* rawId(cursor);
    const [delivered, deliveries] = pending.get(at) ?? cursor.fail("a consumer has an entry that its group has not");
    words.push(idText(at), delivered, deliveries);
    if (words.length < PENDING_A_COMMAND * 3) continue;
    yield command(...set, ...words);
    words = [];
  }
  yield command(...set, ...words);
}
