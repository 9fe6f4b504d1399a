// Reads replies of RESP2 and RESP3 from bytes that arrive in any pieces. All state outlives a call: the aggregates
// opened so far lie on an explicit stack, the length of a bulk string is read once, and the search for a line's end
// goes on where it stopped; what is left of a piece is copied into a buffer that doubles. So each byte is looked at a
// bounded number of times however the input is cut, and nesting costs no JavaScript stack. Numbers beyond 2^53 become
// bigint. Streamed strings and aggregates of RESP3, which no Redis sends, are protocol errors.

import { NearkeyError, ReplyError } from "./errors.ts";
import type { Reply, ReplyMap } from "./resp.ts";
import { readText } from "./text.ts";

/** How a ReplyDecoder turns bytes into values, and what it refuses. */
export interface ReplyDecoderOptions {
  /**
   * Strings as `Uint8Array`s (copies), and maps as flat arrays of key, value, key, value. Default false. With
   * `"unless-text"` only strings that are not UTF-8 become bytes, and only maps with such a key flat arrays.
   */
  bytes?: boolean | "unless-text";
  /** Longest bulk string, in bytes. Default 512 MiB. */
  maxBulkBytes?: number;
}

/** A decoded top-level reply; `push` is true for one that answers no command. */
export interface DecodedReply {
  value: Reply;
  push: boolean;
}

const CR = 13;
const LF = 10;
const MINUS = 45;
const MAX_DEPTH = 128;
const MAX_LINE_BYTES = 1 << 20;
const MAX_ELEMENTS = 0xffff_ffff;
/** Up to so many digits a decimal is exact in a double. */
const SAFE_DIGITS = 15;
const INITIAL_BYTES = 16 * 1024;

/** Type bytes as they stand on the wire. */
const enum Type {
  Simple = 43, // +
  Error = 45, // -
  Integer = 58, // :
  Bulk = 36, // $
  Array = 42, // *
  Null = 95, // _
  Double = 44, // ,
  Boolean = 35, // #
  BigNumber = 40, // (
  BulkError = 33, // !
  Verbatim = 61, // =
  Map = 37, // %
  Set = 126, // ~
  Push = 62, // >
  Attribute = 124, // |
}

interface Aggregate {
  type: Type;
  /** Elements still to come; a map counts keys and values. */
  missing: number;
  items: Reply[];
}

/** Never written: it has no room, so #append replaces it. */
const nothing = new Uint8Array(0);
const incomplete = Symbol("incomplete");
const opened = Symbol("opened");

/**
 * An incremental decoder. Feed it with `push`, then call `next` until it answers undefined; only then may the caller
 * reuse the bytes it pushed. After a protocol error it stays broken: the stream's borders are lost.
 */
export class ReplyDecoder {
  /** Whether strings become bytes; may be changed between two whole replies. */
  bytes: boolean | "unless-text";
  readonly #maxBulkBytes: number;
  readonly #stack: Aggregate[] = [];
  #input: Uint8Array = nothing;
  #at = 0;
  #end = 0;
  /** False while #input is the caller's piece. */
  #owned = true;
  /** Bytes from #at on that are known to hold no line end. */
  #searched = 0;
  /** Type and length of a bulk string whose header was read and whose body was not; length -1: none. */
  #bulkType: Type = Type.Bulk;
  #bulkBytes = -1;
  #broken = false;

  constructor(options: ReplyDecoderOptions = {}) {
    this.bytes = options.bytes ?? false;
    this.#maxBulkBytes = options.maxBulkBytes ?? 512 * 1024 * 1024;
  }

  /** Whether part of a reply has been read: the stream must not end here. */
  get partial(): boolean {
    return this.#at < this.#end || this.#stack.length > 0 || this.#bulkBytes >= 0;
  }

  /** Adds received bytes. They are borrowed until `next` answers undefined. */
  push(chunk: Uint8Array): void {
    if (this.#at === this.#end) {
      this.#input = chunk;
      this.#at = 0;
      this.#end = chunk.length;
      this.#owned = false;
      this.#searched = 0;
      return;
    }
    this.#append(chunk);
  }

  /**
   * Answers the next whole reply, undefined when more bytes are needed.
   *
   * @throws NearkeyError `protocol-error` when the bytes are no RESP, too deeply nested or longer than the limit
   */
  next(): DecodedReply | undefined {
    if (this.#broken)
      throw new NearkeyError("protocol-error", "the reply stream is broken: an earlier reply could not be read");
    try {
      return this.#reply();
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }

  #reply(): DecodedReply | undefined {
    while (true) {
      const element = this.#element();
      if (element === incomplete) {
        this.#keepRest();
        return undefined;
      }
      if (element === opened) continue;
      const whole = this.#close(element, false);
      if (whole) return whole;
    }
  }

  /** Adds a finished value to the aggregate on top, closes what that completes; answers a finished top-level reply. */
  #close(element: Reply, push: boolean): DecodedReply | undefined {
    let value = element;
    let isPush = push;
    while (true) {
      const top = this.#stack[this.#stack.length - 1];
      if (!top) return { value, push: isPush };
      top.items.push(value);
      if (--top.missing > 0) return undefined;
      this.#stack.pop();
      // An attribute describes the value that follows it and is none itself.
      if (top.type === Type.Attribute) return undefined;
      value = top.type !== Type.Map || this.#staysFlat(top.items) ? top.items : mapOf(top.items);
      isPush = top.type === Type.Push;
    }
  }

  #element(): Reply | typeof incomplete | typeof opened {
    if (this.#bulkBytes >= 0) return this.#bulkBody();
    const end = this.#lineEnd();
    if (end < 0) return incomplete;
    const start = this.#at + 1;
    const type = this.#input[this.#at] as Type;
    this.#at = end + 2;
    this.#searched = 0;
    switch (type) {
      case Type.Simple:
        return this.#string(start, end);
      case Type.Error:
        return new ReplyError(readText(this.#input, start, end));
      case Type.Integer:
        return this.#integer(start, end);
      case Type.Bulk:
      case Type.BulkError:
      case Type.Verbatim:
        return this.#bulkHeader(type, start, end);
      case Type.Array:
      case Type.Map:
      case Type.Set:
      case Type.Push:
      case Type.Attribute:
        return this.#open(type, start, end);
      case Type.Null:
        return null;
      case Type.Double:
        return this.#double(start, end);
      case Type.Boolean:
        return this.#boolean(start, end);
      case Type.BigNumber:
        return this.#bigNumber(start, end);
      default:
        throw malformed(`a reply cannot start with byte ${type}`);
    }
  }

  /** Where the line that starts at #at ends (its CR), -1 when that has not arrived. */
  #lineEnd(): number {
    const bytes = this.#input;
    const last = this.#end - 1;
    let at = this.#at + this.#searched;
    while (at < last && (bytes[at] !== CR || bytes[at + 1] !== LF)) at++;
    if (at < last) return at;
    this.#searched = Math.max(0, last - this.#at);
    if (this.#searched > MAX_LINE_BYTES) throw malformed(`a line is longer than ${MAX_LINE_BYTES} bytes`);
    return -1;
  }

  #open(type: Type, start: number, end: number): Reply | typeof opened {
    const count = this.#length(start, end, MAX_ELEMENTS);
    if (count < 0) {
      if (type !== Type.Array) throw malformed("only arrays and strings can be null by length");
      return null;
    }
    const pairs = type === Type.Map || type === Type.Attribute;
    if (count === 0) {
      if (type === Type.Attribute) return opened;
      if (type === Type.Push) throw malformed("a push cannot be empty");
      return pairs && this.bytes !== true ? mapOf([]) : [];
    }
    if (this.#stack.length === MAX_DEPTH) throw malformed(`replies nest deeper than ${MAX_DEPTH}`);
    if (type === Type.Push && this.#stack.length > 0) throw malformed("a push cannot stand inside a reply");
    this.#stack.push({ type, missing: pairs ? count * 2 : count, items: [] });
    return opened;
  }

  #bulkHeader(type: Type, start: number, end: number): Reply | typeof incomplete {
    const bytes = this.#length(start, end, this.#maxBulkBytes);
    if (bytes < 0) {
      if (type !== Type.Bulk) throw malformed("only arrays and strings can be null by length");
      return null;
    }
    this.#bulkType = type;
    this.#bulkBytes = bytes;
    return this.#bulkBody();
  }

  #bulkBody(): Reply | typeof incomplete {
    const start = this.#at;
    const bytes = this.#bulkBytes;
    if (this.#end - start < bytes + 2) return incomplete;
    const end = start + bytes;
    if (this.#input[end] !== CR || this.#input[end + 1] !== LF)
      throw malformed("a string is longer than its length says");
    this.#at = end + 2;
    this.#bulkBytes = -1;
    if (this.#bulkType === Type.Bulk) return this.#string(start, end);
    if (this.#bulkType === Type.BulkError) return new ReplyError(readText(this.#input, start, end));
    if (bytes < 4) throw malformed("a verbatim string must name its format");
    return this.#string(start + 4, end);
  }

  #string(start: number, end: number): Reply {
    if (this.bytes === true) return this.#input.slice(start, end);
    const text = readText(this.#input, start, end);
    if (this.bytes === false || !text.includes("\ufffd")) return text;
    const bytes = this.#input.slice(start, end);
    return isText(bytes) ? text : bytes;
  }

  #staysFlat(items: readonly Reply[]): boolean {
    if (this.bytes !== "unless-text") return this.bytes;
    return items.some((item, index) => index % 2 === 0 && item instanceof Uint8Array);
  }

  /** A length or count: -1 or digits, at most `max`. */
  #length(start: number, end: number, max: number): number {
    const value = this.#integer(start, end);
    if (typeof value === "bigint" || value < -1) throw malformed("a length must be a small whole number");
    if (value > max) throw malformed(`a length of ${value} is over the limit of ${max}`);
    return value;
  }

  #integer(start: number, end: number): number | bigint {
    const bytes = this.#input;
    const negative = bytes[start] === MINUS;
    let at = negative || bytes[start] === Type.Simple ? start + 1 : start;
    if (at === end) throw malformed("a number has no digits");
    if (end - at > SAFE_DIGITS) return this.#longInteger(start, end);
    let value = 0;
    for (; at < end; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) throw malformed(`${quoted(bytes, start, end)} is no whole number`);
      value = value * 10 + digit;
    }
    return negative && value > 0 ? -value : value;
  }

  #longInteger(start: number, end: number): number | bigint {
    const value = this.#bigNumber(start, end);
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }

  #bigNumber(start: number, end: number): bigint {
    const text = readText(this.#input, start, end);
    if (!/^[+-]?\d+$/.test(text)) throw malformed(`${quoted(this.#input, start, end)} is no whole number`);
    return BigInt(text.startsWith("+") ? text.slice(1) : text);
  }

  #double(start: number, end: number): number {
    const text = readText(this.#input, start, end);
    if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
    if (/^[+-]?inf$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
    if (/^-?nan$/i.test(text)) return Number.NaN;
    throw malformed(`${quoted(this.#input, start, end)} is no double`);
  }

  #boolean(start: number, end: number): boolean {
    const letter = end - start === 1 ? this.#input[start] : 0;
    if (letter !== 116 && letter !== 102) throw malformed(`${quoted(this.#input, start, end)} is no boolean`);
    return letter === 116;
  }

  /** Copies what is left of a borrowed piece, so that the caller gets its bytes back. */
  #keepRest(): void {
    if (this.#owned) return;
    const piece = this.#input;
    const start = this.#at;
    const end = this.#end;
    this.#input = nothing;
    this.#at = 0;
    this.#end = 0;
    this.#owned = true;
    if (start < end) this.#append(piece.subarray(start, end));
  }

  /** Room for the rest plus the piece; growing doubles, so the copies stay linear in the bytes received. */
  #append(chunk: Uint8Array): void {
    const rest = this.#end - this.#at;
    const needed = rest + chunk.length;
    if (!this.#owned || this.#end + chunk.length > this.#input.length) {
      const roomy = this.#owned && needed * 2 <= this.#input.length;
      const room = roomy ? this.#input : new Uint8Array(Math.max(INITIAL_BYTES, needed * 2));
      room.set(this.#input.subarray(this.#at, this.#end));
      this.#input = room;
      this.#at = 0;
      this.#end = rest;
      this.#owned = true;
    }
    this.#input.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** Tells a string that holds U+FFFD from one in which it stands for malformed bytes. */
function isText(bytes: Uint8Array): boolean {
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function mapOf(items: readonly Reply[]): ReplyMap {
  const map: ReplyMap = Object.create(null);
  for (let index = 0; index < items.length; index += 2) {
    const key = items[index] as Reply;
    if (typeof key === "object" && key !== null) throw malformed("the key of a map must be text or a number");
    map[String(key)] = items[index + 1] as Reply;
  }
  return map;
}

function quoted(bytes: Uint8Array, start: number, end: number): string {
  return JSON.stringify(readText(bytes, start, Math.min(end, start + 32)));
}

function malformed(reason: string): NearkeyError {
  return new NearkeyError("protocol-error", `malformed reply: ${reason}`);
}
