// Replies as redis-cli prints them: with types and numbers for a person, raw for a pipe, and as JSON. One liberty: text
// that is UTF-8 is shown as it is and not byte by byte. Control characters stay escaped: what is stored in a cache must not
// be able to draw on the terminal of whoever reads it.

import { isUtf8 } from "node:buffer";
import { pairsOf, type WireReply } from "./wire-reply.ts";

const EMPTY = { array: "(empty array)", set: "(empty set)", push: "(empty push)", map: "(empty hash)" } as const;
const SEPARATOR = { array: ")", push: ")", set: "~", map: "#" } as const;
const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
  '"': '\\"',
  "\\": "\\\\",
};

type Aggregate = Extract<WireReply, { readonly items: readonly WireReply[] }>;

/** Writes a reply for a person. */
export function shownReply(reply: WireReply): string {
  return shown(reply, "");
}

function shown(reply: WireReply, prefix: string): string {
  switch (reply.kind) {
    case "status":
      return reply.text;
    case "error":
      return `(error) ${reply.text}`;
    case "integer":
    case "double":
      return `(${reply.kind}) ${reply.text}`;
    case "string":
      return quotedBytes(reply.bytes);
    case "verbatim":
      return reply.bytes.toString();
    case "null":
      return "(nil)";
    case "boolean":
      return reply.value ? "(true)" : "(false)";
    default:
      return reply.items.length === 0 ? EMPTY[reply.kind] : shownItems(reply, prefix);
  }
}

function shownItems(reply: Aggregate, prefix: string): string {
  const isMap = reply.kind === "map";
  const count = isMap ? reply.items.length / 2 : reply.items.length;
  const width = String(count).length;
  const inner = prefix + " ".repeat(width + 2);
  const entries = isMap
    ? pairsOf(reply.items).map(([key, value]) => `${shown(key, inner)} => ${shownValue(value, inner)}`)
    : reply.items.map((item) => shown(item, inner));
  const number = (index: number): string => `${String(index + 1).padStart(width)}${SEPARATOR[reply.kind]} `;
  return entries.map((entry, index) => `${index === 0 ? "" : prefix}${number(index)}${entry}`).join("\n");
}

/** A list of several lines begins on a line of its own, where its numbers stand under each other. */
function shownValue(value: WireReply, prefix: string): string {
  const text = shown(value, prefix);
  return "items" in value && text.includes("\n") ? `\n${prefix}${text}` : text;
}

/** A string in double quotes, which splitLine reads again. */
export function quotedBytes(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) return `"${Array.from(bytes, (byte) => escaped(String.fromCharCode(byte))).join("")}"`;
  return `"${Buffer.from(bytes)
    .toString()
    .replace(/["\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)}"`;
}

/** One character, its UTF-8 bytes in hexadecimal where it cannot be shown. */
function escaped(character: string): string {
  const named = ESCAPES[character];
  if (named !== undefined) return named;
  const code = character.charCodeAt(0);
  if (code >= 0x20 && code < 0x7f) return character;
  const bytes = code <= 0xff ? [code] : Buffer.from(character);
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

/** Writes a reply for another program: strings as they are, a line for each item. */
export function rawReply(reply: WireReply): Buffer {
  const pieces: Buffer[] = [];
  addRaw(reply, pieces);
  return Buffer.concat(pieces);
}

function addRaw(reply: WireReply, pieces: Buffer[]): void {
  switch (reply.kind) {
    case "string":
    case "verbatim":
      pieces.push(reply.bytes);
      return;
    case "null":
      return;
    case "boolean":
      pieces.push(Buffer.from(reply.value ? "(true)" : "(false)"));
      return;
    case "array":
    case "set":
    case "push":
    case "map":
      for (const [index, item] of reply.items.entries()) {
        const between = reply.kind === "map" && index % 2 === 1 ? " " : "\n";
        if (index > 0) pieces.push(Buffer.from(between));
        addRaw(item, pieces);
      }
      return;
    default:
      pieces.push(Buffer.from(reply.text));
  }
}

/** Writes a reply as JSON: bytes that are not UTF-8 as `{"base64":"…"}`, integers beyond 2^53 as strings. */
export function jsonReply(reply: WireReply): string {
  switch (reply.kind) {
    case "error":
      return JSON.stringify({ error: reply.text });
    case "status":
      return JSON.stringify(reply.text);
    case "integer":
      return Number.isSafeInteger(Number(reply.text)) ? reply.text : JSON.stringify(reply.text);
    case "double":
      return Number.isFinite(Number(reply.text)) ? String(Number(reply.text)) : JSON.stringify(reply.text);
    case "string":
    case "verbatim":
      return JSON.stringify(jsonBytes(reply.bytes));
    case "null":
      return "null";
    case "boolean":
      return String(reply.value);
    case "map":
      return `{${pairsOf(reply.items).map(([key, value]) => `${jsonKey(key)}:${jsonReply(value)}`)}}`;
    default:
      return `[${reply.items.map(jsonReply)}]`;
  }
}

function jsonBytes(bytes: Buffer): string | { base64: string } {
  return isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString("base64") };
}

/** A key of an object is text: bytes that are none stand there as base64. */
function jsonKey(key: WireReply): string {
  const json = jsonReply(key);
  return json.startsWith('"') ? json : JSON.stringify(json);
}
