// Every way in which RDB files of Redis up to 8.0 write a value, and how each is read: by the number that stands before the
// key. A reader gives a value in batches of its elements, so that a collection larger than memory passes through; it yields
// nothing while bytes are missing. A type that nearkey learns needs nothing here: its elements come already.

import { PackDamage, unpackIntset, unpackListpack, unpackZiplist, unpackZipmap } from "./packed-lists.ts";
import { digits, type RdbCursor } from "./rdb-cursor.ts";
import { stream } from "./rdb-stream.ts";

/** What a value is, whatever way it is written in. */
export type RdbKind =
  | "string"
  | "list"
  | "set"
  | "sorted set"
  | "hash"
  | "hash whose fields expire"
  | "stream"
  | "module value";

/**
 * Elements of a value in order: of a hash field and value in turn, of a sorted set member and score, of a module's value the
 * module's name; a stream gives the commands that make it (rdb-stream.ts).
 */
export type Elements = Uint8Array[];

/** Gives elements; undefined while bytes are missing. */
export type Steps = Generator<Elements | undefined, void>;

/** One way of writing a value. */
export interface RdbType {
  readonly kind: RdbKind;
  readonly read: (cursor: RdbCursor) => Steps;
}

/** A batch is given at so many elements or bytes. */
const BATCH_ELEMENTS = 256;
const BATCH_BYTES = 256 * 1024;
/** A packed collection is given in batches of so many times what belongs together: nearly always in one. */
const PACKED_BATCH = 4096;
/** How quicklists since 7.0 keep an element that is too long to be packed. */
const ALONE = 1;

/** Reads one thing of a collection, when all of it is there. */
interface Unit {
  /** Strings of it, in the order of the file. */
  readonly strings: number;
  /** What follows the strings. */
  readonly score?: "text" | "double";
}

function* oneString(cursor: RdbCursor): Steps {
  while (!cursor.hasString()) yield undefined;
  yield [cursor.string()];
}

/** A number of things, one behind the other. */
function many({ strings, score }: Unit): (cursor: RdbCursor) => Steps {
  return function* (cursor) {
    while (!cursor.hasLength()) yield undefined;
    let batch: Elements = [];
    let bytes = 0;
    const add = (element: Uint8Array): void => {
      batch.push(element);
      bytes += element.length;
    };
    for (let left = cursor.length(); left > 0; left--) {
      for (let string = 0; string < strings; string++) {
        while (!cursor.hasString()) yield undefined;
        add(cursor.string());
      }
      if (score === "double") {
        while (!cursor.has(8)) yield undefined;
        add(scoreText(cursor.double()));
      } else if (score === "text") {
        while (!hasScore(cursor)) yield undefined;
        add(textScore(cursor));
      }
      if (batch.length < BATCH_ELEMENTS && bytes < BATCH_BYTES) continue;
      yield batch;
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) yield batch;
  };
}

function scoreText(score: number): Uint8Array {
  const text = Number.isFinite(score) ? String(score) : score > 0 ? "inf" : score < 0 ? "-inf" : "nan";
  return new TextEncoder().encode(text);
}

/** Lengths of a score of the oldest files that stand for what has no digits. */
const NO_DIGITS: readonly (readonly [number, number])[] = [
  [253, Number.NaN],
  [254, Number.POSITIVE_INFINITY],
  [255, Number.NEGATIVE_INFINITY],
];

function hasScore(cursor: RdbCursor): boolean {
  if (!cursor.has(1)) return false;
  const first = cursor.rest[0] as number;
  return first >= 253 || cursor.has(1 + first);
}

function textScore(cursor: RdbCursor): Uint8Array {
  const length = cursor.byte();
  const special = NO_DIGITS.find(([code]) => code === length);
  return special === undefined ? cursor.take(length) : scoreText(special[1]);
}

/** Reads what a string packs. */
type Unpack = (bytes: Uint8Array) => Iterable<Uint8Array>;

/** Elements packed into one string; `width` of them belong together. */
function packed(unpack: Unpack, width = 1): (cursor: RdbCursor) => Steps {
  return function* (cursor) {
    while (!cursor.hasString()) yield undefined;
    yield* unpacked(cursor, unpack, width);
  };
}

/**
 * The elements of a string in batches, once it is known to be whole. Whoever was told to pack more than Redis packs by itself
 * has collections too long for one command, and a few kilobytes of a damaged file may unpack to millions of elements: what
 * is more than a batch is unpacked again.
 */
function* unpacked(cursor: RdbCursor, unpack: Unpack, width: number): Generator<Elements, void> {
  const { offset } = cursor;
  const most = PACKED_BATCH * width;
  const bytes = cursor.string();
  let batch: Elements = [];
  let count = 0;
  try {
    for (const element of unpack(bytes)) if (count++ < most) batch.push(element);
  } catch (error) {
    if (error instanceof PackDamage) cursor.fail(error.message, offset);
    throw error;
  }
  if (count % width !== 0) {
    cursor.fail(`${count} elements where ${width} belong together: the file is damaged here`, offset);
  }
  if (count > most) {
    batch = [];
    for (const element of unpack(bytes)) {
      if (batch.length === most) {
        yield batch;
        batch = [];
      }
      batch.push(element);
    }
  }
  if (count > 0) yield batch;
}

/** A list of packed lists: of ziplists, or since 7.0 of listpacks and of elements alone. */
function quicklist(unpack: Unpack, hasContainers: boolean): (cursor: RdbCursor) => Steps {
  return function* (cursor) {
    while (!cursor.hasLength()) yield undefined;
    for (let left = cursor.length(); left > 0; left--) {
      let isAlone = false;
      if (hasContainers) {
        while (!cursor.hasLength()) yield undefined;
        isAlone = cursor.length() === ALONE;
      }
      while (!cursor.hasString()) yield undefined;
      if (isAlone) yield [cursor.string()];
      else yield* unpacked(cursor, unpack, 1);
    }
  };
}

/**
 * A hash of which fields expire: field, value and ms since epoch (0 for never) in turn.
 *
 * @param isRelative times count from the earliest, which stands at the front (7.4 as released)
 */
function expiringHash(isRelative: boolean): (cursor: RdbCursor) => Steps {
  return function* (cursor) {
    let earliest = 1;
    if (isRelative) {
      while (!cursor.has(8)) yield undefined;
      earliest = cursor.milliseconds();
    }
    while (!cursor.hasLength()) yield undefined;
    for (let left = cursor.length(); left > 0; left--) {
      while (!cursor.hasLength()) yield undefined;
      const time = cursor.length();
      const strings: Elements = [];
      while (strings.length < 2) {
        while (!cursor.hasString()) yield undefined;
        strings.push(cursor.string());
      }
      yield [...strings, digits(time === 0 ? 0 : earliest + time - 1)];
    }
  };
}

/** The same in one listpack. */
function packedExpiringHash(hasEarliest: boolean): (cursor: RdbCursor) => Steps {
  return function* (cursor) {
    while (hasEarliest && !cursor.has(8)) yield undefined;
    if (hasEarliest) cursor.milliseconds();
    yield* packed(unpackListpack, 3)(cursor);
  };
}

// ---- what is only passed over

function* passStrings(cursor: RdbCursor, count: number): Steps {
  for (let left = count; left > 0; left--) {
    while (!cursor.hasString()) yield undefined;
    cursor.string();
  }
}

function* passLengths(cursor: RdbCursor, count: number): Steps {
  for (let left = count; left > 0; left--) {
    while (!cursor.hasLength()) yield undefined;
    cursor.wideLength();
  }
}

function* passBytes(cursor: RdbCursor, bytes: number): Steps {
  while (!cursor.has(bytes)) yield undefined;
  cursor.take(bytes);
}

function* readLength(cursor: RdbCursor): Generator<undefined, number> {
  while (!cursor.hasLength()) yield undefined;
  return cursor.length();
}

/** Bytes of what a module wrote, by the number before it; 0 ends a value. */
const MODULE_END = 0;
const MODULE_STRING = 5;
const MODULE_FIXED = new Map([
  [3, 4],
  [4, 8],
]);

/** What a module wrote of a value or beside values, up to its end. */
export function* passModuleData(cursor: RdbCursor): Steps {
  while (true) {
    const what = yield* readLength(cursor);
    const bytes = MODULE_FIXED.get(what);
    if (what === MODULE_END) return;
    if (what === MODULE_STRING) yield* passStrings(cursor, 1);
    else if (bytes !== undefined) yield* passBytes(cursor, bytes);
    else if (what <= 2) yield* passLengths(cursor, 1);
    else cursor.fail(`a module's value in an unknown form (${what})`);
  }
}

function* moduleValue(cursor: RdbCursor): Steps {
  while (!cursor.hasLength()) yield undefined;
  const name = moduleName(cursor.wideLength());
  yield* passModuleData(cursor);
  yield [new TextEncoder().encode(name)];
}

const NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The nine characters of a module's name, which its 64 bits begin with; ten bits of version follow. */
function moduleName(id: bigint): string {
  return Array.from({ length: 9 }, (_, place) => NAME_CHARACTERS[Number((id >> BigInt(58 - place * 6)) & 63n)]).join(
    "",
  );
}

const pair: Unit = { strings: 2 };

/** Ways of writing a value by their numbers. Those of modules before 5.0 cannot be passed over and are not here. */
export const rdbTypes: ReadonlyMap<number, RdbType> = new Map<number, RdbType>([
  [0, { kind: "string", read: oneString }],
  [1, { kind: "list", read: many({ strings: 1 }) }],
  [2, { kind: "set", read: many({ strings: 1 }) }],
  [3, { kind: "sorted set", read: many({ strings: 1, score: "text" }) }],
  [4, { kind: "hash", read: many(pair) }],
  [5, { kind: "sorted set", read: many({ strings: 1, score: "double" }) }],
  [7, { kind: "module value", read: moduleValue }],
  [9, { kind: "hash", read: packed(unpackZipmap, 2) }],
  [10, { kind: "list", read: packed(unpackZiplist) }],
  [11, { kind: "set", read: packed(unpackIntset) }],
  [12, { kind: "sorted set", read: packed(unpackZiplist, 2) }],
  [13, { kind: "hash", read: packed(unpackZiplist, 2) }],
  [14, { kind: "list", read: quicklist(unpackZiplist, false) }],
  [15, { kind: "stream", read: stream(1) }],
  [16, { kind: "hash", read: packed(unpackListpack, 2) }],
  [17, { kind: "sorted set", read: packed(unpackListpack, 2) }],
  [18, { kind: "list", read: quicklist(unpackListpack, true) }],
  [19, { kind: "stream", read: stream(2) }],
  [20, { kind: "set", read: packed(unpackListpack) }],
  [21, { kind: "stream", read: stream(3) }],
  [22, { kind: "hash whose fields expire", read: expiringHash(false) }],
  [23, { kind: "hash whose fields expire", read: packedExpiringHash(false) }],
  [24, { kind: "hash whose fields expire", read: expiringHash(true) }],
  [25, { kind: "hash whose fields expire", read: packedExpiringHash(true) }],
]);
