// Redis's wire format, versions 2 and 3, for everything outside the engine: commands out, replies out. The decoder is
// in resp-decoder.ts and exported from here. Unlike the usual encoder this one measures nothing beforehand: a string
// is written behind a length guessed from its characters, and moved only when the guess was wrong (text that is not
// ASCII and crosses a power of ten), so each character is touched once. No import beyond this folder's own: a browser's
// bundle reaches this file.

import { NearkeyError, ReplyError } from "./errors.ts";
import { bytesOf, writeText } from "./text.ts";

export { ReplyError } from "./errors.ts";
export type { ReplyDecoderOptions } from "./resp-decoder.ts";
export { ReplyDecoder } from "./resp-decoder.ts";

/** One argument of a command: text goes as UTF-8, numbers as JavaScript prints them. */
export type Argument = string | number | bigint | Uint8Array;

/** A reply as JavaScript values; `ReplyError` is an error reply that nobody has thrown yet. */
export type Reply = string | number | bigint | boolean | null | Uint8Array | ReplyError | Reply[] | ReplyMap;

/** A RESP3 map: an object without a prototype, so that no key, `__proto__` included, is special. */
export interface ReplyMap {
  [key: string]: Reply;
}

/** A status line such as `+OK`; plain strings are sent as bulk strings. */
export class SimpleString {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A set; in RESP2 an array. */
export class SetReply {
  readonly items: readonly ReplyValue[];

  constructor(items: readonly ReplyValue[]) {
    this.items = items;
  }
}

/** What encodeReply takes: a reply, with statuses anywhere in it. */
export type ReplyValue =
  | Reply
  | SimpleString
  | SetReply
  | readonly ReplyValue[]
  | { readonly [key: string]: ReplyValue };

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;
const INITIAL_BYTES = 1024;
/** A buffer that one large command has grown beyond this is not kept. */
const KEPT_BYTES = 1 << 20;
/** A type byte, the longest 32-bit decimal and two line ends. */
const HEADER_BYTES = 16;
const INT64_MAX = (1n << 63n) - 1n;

/** Collects encoded commands in one buffer that grows by doubling; a command that is refused leaves no byte. */
export class CommandWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(initialBytes = INITIAL_BYTES) {
    this.#bytes = new Uint8Array(initialBytes);
  }

  /** Bytes collected so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * Appends one command as an array of bulk strings.
   *
   * @throws NearkeyError `invalid-argument` for no arguments and for one that is not text, a number or bytes
   */
  command(args: readonly Argument[]): void {
    const start = this.#length;
    try {
      if (args.length === 0) throw new NearkeyError("invalid-argument", "a command needs a name");
      this.#header(STAR, args.length);
      for (const argument of args) this.#argument(argument);
    } catch (error) {
      this.#length = start;
      throw error;
    }
  }

  /** What was collected, not copied: valid until the next call of any method. Starts over. */
  view(): Uint8Array {
    const view = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(INITIAL_BYTES);
    return view;
  }

  /** What was collected, as bytes of the caller's own. Starts over. */
  take(): Uint8Array {
    return this.view().slice();
  }

  #argument(argument: Argument): void {
    if (typeof argument === "string") this.#text(argument);
    else if (argument instanceof Uint8Array) this.#body(argument);
    else if (typeof argument === "number" || typeof argument === "bigint") this.#text(String(argument));
    else {
      const given = argument === null ? "null" : typeof argument;
      throw new NearkeyError("invalid-argument", `an argument must be text, a number or bytes, not ${given}`);
    }
  }

  #body(bytes: Uint8Array): void {
    this.#header(DOLLAR, bytes.length);
    this.#reserve(bytes.length + 2);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#lineEnd();
  }

  #text(text: string): void {
    this.#reserve(text.length * 3 + HEADER_BYTES + 2);
    const start = this.#length;
    const guess = text.length;
    this.#header(DOLLAR, guess);
    const body = this.#length;
    const bytes = writeText(text, this.#bytes, body);
    this.#length = body + bytes;
    if (bytes !== guess) this.#correctHeader(start, body, bytes);
    this.#lineEnd();
  }

  /** Writes the true length before a body that stands at `body`, and moves it when that takes another digit. */
  #correctHeader(start: number, body: number, bytes: number): void {
    this.#length = start + 1 + digitsOf(bytes) + 2;
    this.#bytes.copyWithin(this.#length, body, body + bytes);
    this.#length = start;
    this.#header(DOLLAR, bytes);
    this.#length += bytes;
  }

  #header(type: number, count: number): void {
    this.#reserve(HEADER_BYTES);
    const bytes = this.#bytes;
    const digits = digitsOf(count);
    let at = this.#length;
    bytes[at++] = type;
    let rest = count;
    for (let place = at + digits - 1; place >= at; place--) {
      const next = Math.floor(rest / 10);
      bytes[place] = 48 + rest - next * 10;
      rest = next;
    }
    this.#length = at + digits;
    this.#lineEnd();
  }

  #lineEnd(): void {
    this.#bytes[this.#length++] = CR;
    this.#bytes[this.#length++] = LF;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/**
 * Encodes one command as an array of bulk strings, in bytes of its own.
 *
 * @throws NearkeyError `invalid-argument` for no arguments and for one that is not text, a number or bytes
 */
export function encodeCommand(args: readonly Argument[]): Uint8Array {
  let bytes = HEADER_BYTES;
  for (const argument of args) {
    bytes += HEADER_BYTES + 2;
    if (typeof argument === "string") bytes += argument.length * 3;
    else if (argument instanceof Uint8Array) bytes += argument.length;
    else bytes += 24;
  }
  const writer = new CommandWriter(bytes);
  writer.command(args);
  return writer.view();
}

/**
 * Encodes a reply: text and bytes as bulk strings, whole numbers as integers, objects as maps.
 *
 * @param protocol 2 has neither maps, booleans, doubles nor big numbers: they become flat arrays, integers and strings
 */
export function encodeReply(value: ReplyValue, protocol: 2 | 3): Uint8Array {
  const writer = new ReplyWriter(protocol);
  writer.value(value);
  return writer.take();
}

/** Pieces first, one copy at the end: replies of the host are rare and small. */
class ReplyWriter {
  readonly #pieces: Uint8Array[] = [];
  readonly #protocol: 2 | 3;
  #bytes = 0;

  constructor(protocol: 2 | 3) {
    this.#protocol = protocol;
  }

  value(value: ReplyValue): void {
    if (typeof value === "string") this.#bulk(bytesOf(value));
    else if (value instanceof Uint8Array) this.#bulk(value);
    else if (value instanceof SimpleString) this.#line(`+${singleLine(value.text)}`);
    else if (value instanceof ReplyError) this.#line(`-${singleLine(value.message)}`);
    else if (value instanceof SetReply) this.#items(this.#protocol === 3 ? "~" : "*", value.items);
    else if (Array.isArray(value)) this.#items("*", value);
    else if (value === null) this.#line(this.#protocol === 3 ? "_" : "$-1");
    else if (typeof value === "object") this.#map(value as { readonly [key: string]: ReplyValue });
    else this.#scalar(value);
  }

  take(): Uint8Array {
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  #scalar(value: number | bigint | boolean): void {
    if (this.#protocol === 3) this.#line(scalarLine(value));
    else if (typeof value === "boolean") this.#line(value ? ":1" : ":0");
    else if (fitsInteger(value)) this.#line(`:${value}`);
    else this.#bulk(bytesOf(typeof value === "number" ? doubleText(value) : String(value)));
  }

  #items(type: "*" | "~", items: readonly ReplyValue[]): void {
    this.#line(`${type}${items.length}`);
    for (const item of items) this.value(item);
  }

  #map(map: { readonly [key: string]: ReplyValue }): void {
    const entries = Object.entries(map);
    this.#line(this.#protocol === 3 ? `%${entries.length}` : `*${entries.length * 2}`);
    for (const [key, value] of entries) {
      this.#bulk(bytesOf(key));
      this.value(value);
    }
  }

  #bulk(bytes: Uint8Array): void {
    this.#line(`$${bytes.length}`);
    this.#piece(bytes);
    this.#piece(lineEnd);
  }

  #line(text: string): void {
    this.#piece(bytesOf(`${text}\r\n`));
  }

  #piece(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
  }
}

const lineEnd = Uint8Array.of(CR, LF);
/** Statuses and errors end at the first line end: one inside would desynchronise the reader. */
function singleLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}

function scalarLine(value: number | bigint | boolean): string {
  if (typeof value === "boolean") return value ? "#t" : "#f";
  if (fitsInteger(value)) return `:${value}`;
  return typeof value === "number" ? `,${doubleText(value)}` : `(${value}`;
}

/** Whether an integer reply can carry the value: whole, and 64 bits. */
function fitsInteger(value: number | bigint): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  return value <= INT64_MAX && value >= -INT64_MAX - 1n;
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  return value === -Infinity ? "-inf" : String(value);
}

function digitsOf(count: number): number {
  let digits = 1;
  for (let limit = 10; count >= limit; limit *= 10) digits++;
  return digits;
}
