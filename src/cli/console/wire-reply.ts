// A reply with its wire type kept: a person at a console wants to see whether 1 is an integer or a string, and a map's
// pairs in the order they came. ReplyDecoder, which throws both away because programs do not want them, still finds the
// replies' borders and refuses what is malformed, however it arrives; this file reads whole replies only, and trusts them.

import { ReplyDecoder } from "../../resp.ts";

/** A reply as RESP3 types it. Numbers keep the letters they were sent with. */
export type WireReply =
  | { readonly kind: "status" | "error" | "integer" | "double"; readonly text: string }
  | { readonly kind: "string" | "verbatim"; readonly bytes: Buffer }
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** A map's items are key, value, key, value. */
  | { readonly kind: "array" | "set" | "push" | "map"; readonly items: readonly WireReply[] };

const CR = 13;
const VERBATIM_PREFIX = 4;
const AGGREGATES: Readonly<Record<string, "array" | "set" | "push" | "map">> = {
  "*": "array",
  "~": "set",
  ">": "push",
  "%": "map",
};

/** Turns received bytes into replies. */
export class WireReader {
  readonly #decoder = new ReplyDecoder({ bytes: true });
  #pieces: Uint8Array[] = [];

  /**
   * Takes bytes and gives the replies that are whole now.
   *
   * @throws NearkeyError `protocol-error` for bytes that are no RESP
   */
  read(bytes: Uint8Array): WireReply[] {
    this.#pieces.push(bytes.slice());
    this.#decoder.push(bytes);
    let whole = 0;
    while (this.#decoder.next() !== undefined) whole++;
    if (whole === 0) return [];
    const cursor = new Cursor(Buffer.concat(this.#pieces));
    const replies = Array.from({ length: whole }, () => cursor.reply());
    this.#pieces = [cursor.rest()];
    return replies;
  }
}

/** Reads whole replies from bytes that hold them. */
class Cursor {
  #at = 0;

  constructor(private readonly bytes: Buffer) {}

  rest(): Uint8Array {
    return this.bytes.subarray(this.#at);
  }

  reply(): WireReply {
    const type = String.fromCharCode(this.bytes[this.#at] as number);
    const text = this.#line();
    const aggregate = AGGREGATES[type];
    if (aggregate !== undefined) return this.#aggregate(aggregate, Number(text));
    switch (type) {
      case "+":
        return { kind: "status", text };
      case "-":
        return { kind: "error", text };
      case "$":
      case "=":
      case "!":
        return this.#bulk(type, Number(text));
      case ",":
        return { kind: "double", text };
      case "#":
        return { kind: "boolean", value: text === "t" };
      case "|":
        // An attribute describes the reply behind it.
        this.#aggregate("map", Number(text));
        return this.reply();
      case "_":
        return { kind: "null" };
      default:
        return { kind: "integer", text };
    }
  }

  /** What stands between the type and the line's end. */
  #line(): string {
    const end = this.bytes.indexOf(CR, this.#at);
    const text = this.bytes.toString("utf8", this.#at + 1, end);
    this.#at = end + 2;
    return text;
  }

  #bulk(type: string, length: number): WireReply {
    if (length < 0) return { kind: "null" };
    const bytes = Buffer.from(this.bytes.subarray(this.#at, this.#at + length));
    this.#at += length + 2;
    if (type === "!") return { kind: "error", text: bytes.toString() };
    return type === "=" ? { kind: "verbatim", bytes: bytes.subarray(VERBATIM_PREFIX) } : { kind: "string", bytes };
  }

  #aggregate(kind: "array" | "set" | "push" | "map", count: number): WireReply {
    if (count < 0) return { kind: "null" };
    const items = Array.from({ length: kind === "map" ? count * 2 : count }, () => this.reply());
    return { kind, items };
  }
}

/** A reply as plain values: maps by name, strings as text; for replies whose shape is known. */
export function plainOf(reply: WireReply): unknown {
  switch (reply.kind) {
    case "string":
    case "verbatim":
      return reply.bytes.toString();
    case "status":
    case "error":
      return reply.text;
    case "integer":
    case "double":
      return Number(reply.text);
    case "null":
      return null;
    case "boolean":
      return reply.value;
    case "map":
      return new Map(pairsOf(reply.items).map(([key, value]) => [String(plainOf(key)), plainOf(value)]));
    default:
      return reply.items.map(plainOf);
  }
}

/** The pairs of a map's items. */
export function pairsOf(items: readonly WireReply[]): [WireReply, WireReply][] {
  const pairs: [WireReply, WireReply][] = [];
  for (let at = 0; at + 1 < items.length; at += 2) pairs.push([items[at] as WireReply, items[at + 1] as WireReply]);
  return pairs;
}
