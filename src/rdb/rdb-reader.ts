// Reads the files that Redis writes with SAVE and BGSAVE, of every release up to 8.0: as a stream, so that memory holds a
// chunk and one string of it. What is read are keys with batches of their elements, whatever way they are written in, and
// what stands beside keys. The checksum at the end tells of damage only when everything has been read: who must know
// before reads the file twice.

import { RdbCursor } from "./rdb-cursor.ts";
import { type Elements, passModuleData, type RdbKind, rdbTypes } from "./rdb-types.ts";

/**
 * The newest version that is known whole: Redis 7.4 and 8.0. A version is raised with a new type or code, and those have
 * numbers of their own; so newer files are read as far as they hold nothing new.
 */
const VERSION_KNOWN = 12;
/** From here on a file ends with a checksum. */
const VERSION_OF_CHECKSUM = 5;
const HEADER_BYTES = 9;
/** `REDIS0012`; Valkey writes that too up to 8, and from 9 on a word of its own, with types of its own from 22 on. */
const HEADER = /^(REDIS(?=\d{4})|VALKEY(?=\d{3}))(\d+)$/;
const VALKEY_SHARED_TYPE_MAX = 21;
const CHECKSUM_BYTES = 8;

const enum Opcode {
  SlotInfo = 244,
  Functions = 245,
  FunctionsBeforeRelease = 246,
  ModuleAux = 247,
  Idle = 248,
  Frequency = 249,
  Aux = 250,
  ResizeDatabase = 251,
  ExpiresMs = 252,
  Expires = 253,
  SelectDatabase = 254,
  End = 255,
}

/** Numbers behind the codes that carry nothing else. */
const NUMBERS_BEHIND: ReadonlyMap<number, number> = new Map([
  [Opcode.SlotInfo, 3],
  [Opcode.Idle, 1],
  [Opcode.ResizeDatabase, 2],
]);

/** A key, or a further batch of its elements. */
export interface RdbKey {
  readonly what: "key";
  /** Where it begins in the file. */
  readonly offset: number;
  readonly database: number;
  readonly key: Uint8Array;
  readonly kind: RdbKind;
  /** When it dies, ms since epoch; undefined for never. */
  readonly expiresAtMs: number | undefined;
  readonly elements: Elements;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** What stands beside keys: facts about the writer, and functions. */
export interface RdbNote {
  readonly what: "fact" | "functions";
  readonly offset: number;
  readonly name: string;
  readonly value: string;
}

/** What a file holds, in order. */
export type RdbItem = RdbKey | RdbNote;

/** Items that are ready; undefined while bytes are missing. */
type ItemSteps = Generator<RdbItem | undefined, void>;

/** What holds for the key that comes. */
interface Present {
  database: number;
  expiresAtMs: number | undefined;
}

/** Items given at a time, and elements in them. */
const BATCH_ITEMS = 128;
const BATCH_ELEMENTS = 8192;

/**
 * Reads a file.
 *
 * @param chunks its bytes
 * @param name how messages name it
 * @param bytes its length where that is known: then a length that leads out of it is found out at once
 * @throws NearkeyError `invalid-argument` with the offset, for what is cut off, damaged, of a newer version or no such file
 */
export async function* readRdb(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  bytes = Number.POSITIVE_INFINITY,
): AsyncGenerator<RdbItem[]> {
  const cursor = new RdbCursor(name);
  const source = chunks[Symbol.asyncIterator]();
  let items: RdbItem[] = [];
  let elements = 0;
  try {
    for (const item of itemsOf(cursor)) {
      if (item !== undefined) {
        items.push(item);
        elements += item.what === "key" ? item.elements.length : 0;
        if (items.length < BATCH_ITEMS && elements < BATCH_ELEMENTS) continue;
      } else await refill(cursor, source, bytes);
      if (items.length === 0) continue;
      yield items;
      items = [];
      elements = 0;
    }
    await checkEnd(cursor, source);
    if (items.length > 0) yield items;
  } catch (error) {
    // What stands before the damage is as good as it was.
    if (items.length > 0) yield items;
    throw error;
  } finally {
    await source.return?.();
  }
}

/** Brings as many bytes as the cursor wants, in one piece. */
async function refill(cursor: RdbCursor, source: AsyncIterator<Uint8Array>, bytes: number): Promise<void> {
  const pieces = [cursor.rest];
  let have = cursor.rest.length;
  if (cursor.offset + cursor.wanted > bytes) endsEarly(cursor, bytes);
  while (have < cursor.wanted) {
    const next = await source.next();
    if (next.done) endsEarly(cursor, cursor.offset + have);
    pieces.push(next.value);
    have += next.value.length;
  }
  const whole = new Uint8Array(have);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  cursor.refill(whole);
}

function endsEarly(cursor: RdbCursor, bytes: number): never {
  const text = "Redis had not finished writing it, or a copy was cut off";
  return cursor.fail(`it ends after ${bytes} bytes, in the middle of what begins here: ${text}`);
}

/** Behind a file's end nothing may stand; an append-only file goes on with commands there. */
async function checkEnd(cursor: RdbCursor, source: AsyncIterator<Uint8Array>): Promise<void> {
  let follows = cursor.rest.length > 0;
  while (!follows) {
    const next = await source.next();
    if (next.done) return;
    follows = next.value.length > 0;
  }
  cursor.fail("bytes follow its end: an append-only file may begin so, but the commands in it are not read");
}

function* itemsOf(cursor: RdbCursor): ItemSteps {
  const format = yield* readHeader(cursor);
  const present: Present = { database: 0, expiresAtMs: undefined };
  while (true) {
    while (!cursor.has(1)) yield undefined;
    const { offset } = cursor;
    const code = cursor.byte();
    if (code === Opcode.End) return yield* readChecksum(cursor, format);
    if (code >= Opcode.SlotInfo) yield* readAside(cursor, code, offset, present);
    else yield* readKey(cursor, code, offset, present, format);
  }
}

/** What the first bytes of a file say. */
interface Format {
  readonly version: number;
  readonly isOfValkey: boolean;
}

function* readHeader(cursor: RdbCursor): Generator<undefined, Format> {
  while (!cursor.has(HEADER_BYTES)) yield undefined;
  const text = String.fromCharCode(...cursor.take(HEADER_BYTES));
  const [, word, digits] = HEADER.exec(text) ?? [];
  const version = Number(digits);
  if (!(version >= 1)) {
    cursor.fail(`it begins with ${JSON.stringify(text)}, which no file of Redis does: is it the right one?`, 0);
  }
  return { version, isOfValkey: word === "VALKEY" };
}

/** Why a value cannot be read. */
function unknownType(code: number, { version, isOfValkey }: Format): string {
  if (isOfValkey) {
    return `a value has the type ${code} of Valkey's own, which is not read: up to ${VALKEY_SHARED_TYPE_MAX} the types are Redis's`;
  }
  if (version <= VERSION_KNOWN) return `no value has the type ${code}: the file is damaged here or before`;
  return (
    `a value has the type ${code}, and the file is of version ${version} of the format, of which ${VERSION_KNOWN} (Redis 8.0) ` +
    "is known: remove keys of types that came later, or save it with Redis 8.0"
  );
}

/** What is no key: it is passed over, or told of, or concerns the next key. */
function* readAside(cursor: RdbCursor, code: number, offset: number, present: Present): ItemSteps {
  switch (code) {
    case Opcode.SelectDatabase:
      present.database = yield* readNumber(cursor);
      break;
    case Opcode.ExpiresMs:
      while (!cursor.has(8)) yield undefined;
      present.expiresAtMs = cursor.milliseconds();
      break;
    case Opcode.Expires:
      while (!cursor.has(4)) yield undefined;
      present.expiresAtMs = cursor.seconds() * 1000;
      break;
    case Opcode.Aux: {
      const name = yield* readText(cursor);
      const value = yield* readText(cursor);
      yield { what: "fact", offset, name, value };
      break;
    }
    case Opcode.Functions:
      yield { what: "functions", offset, name: "functions", value: yield* readText(cursor) };
      break;
    default:
      yield* passAside(cursor, code, offset);
  }
}

/** What nobody here wants to know. */
function* passAside(cursor: RdbCursor, code: number, offset: number): Generator<undefined, void> {
  switch (code) {
    case Opcode.ModuleAux:
      return yield* passModuleAux(cursor);
    case Opcode.Frequency:
      while (!cursor.has(1)) yield undefined;
      cursor.byte();
      break;
    case Opcode.FunctionsBeforeRelease:
      return cursor.fail("functions of a release candidate of Redis 7, which later ones do not read either", offset);
    default:
      for (let left = NUMBERS_BEHIND.get(code) ?? 0; left > 0; left--) yield* readNumber(cursor);
  }
}

/** What a module keeps beside keys: its number, when it wants it (as a number of its own), and its data. */
function* passModuleAux(cursor: RdbCursor): Generator<undefined, void> {
  for (let numbers = 3; numbers > 0; numbers--) {
    while (!cursor.hasLength()) yield undefined;
    cursor.wideLength();
  }
  for (const step of passModuleData(cursor)) if (step === undefined) yield undefined;
}

function* readNumber(cursor: RdbCursor): Generator<undefined, number> {
  while (!cursor.hasLength()) yield undefined;
  return cursor.length();
}

function* readText(cursor: RdbCursor): Generator<undefined, string> {
  while (!cursor.hasString()) yield undefined;
  return new TextDecoder().decode(cursor.string());
}

function* readKey(cursor: RdbCursor, code: number, offset: number, present: Present, format: Format): ItemSteps {
  const type = format.isOfValkey && code > VALKEY_SHARED_TYPE_MAX ? undefined : rdbTypes.get(code);
  if (type === undefined) return cursor.fail(unknownType(code, format), offset);
  while (!cursor.hasString()) yield undefined;
  const { database, expiresAtMs } = present;
  const key = cursor.string();
  present.expiresAtMs = undefined;
  const whole = { what: "key", offset, database, key, kind: type.kind, expiresAtMs } as const;
  // The last batch is known for it only when the next step has ended the value.
  let held: Elements | undefined;
  let isFirst = true;
  for (const elements of type.read(cursor)) {
    if (elements === undefined) {
      yield undefined;
      continue;
    }
    if (held !== undefined) yield { ...whole, elements: held, isFirst, isLast: false };
    if (held !== undefined) isFirst = false;
    held = elements;
  }
  yield { ...whole, elements: held ?? [], isFirst, isLast: true };
}

/** Eight zeros stand for no checksum: Redis may be told to make none. */
function* readChecksum(cursor: RdbCursor, { version }: Format): ItemSteps {
  if (version < VERSION_OF_CHECKSUM) return;
  const sum = cursor.sum();
  const { offset } = cursor;
  while (!cursor.has(CHECKSUM_BYTES)) yield undefined;
  const written = cursor.take(CHECKSUM_BYTES);
  if (written.every((byte) => byte === 0) || written.every((byte, index) => byte === sum[index])) return;
  cursor.fail("the checksum of the file is wrong: something in it is damaged, and nobody knows where", offset);
}
