// Replies as people read them, in the manner of redis-cli: lists numbered and indented, strings quoted so that 1 and "1"
// differ, bytes that are no text escaped. Two liberties: a long row of numbers (a vector) is one line and not 784, and
// what nobody would read to its end is cut with a word on how much there was.

import type { Reply } from "../resp.ts";
import { ReplyError } from "../resp.ts";
import { quoteWord } from "./command-line.ts";

const ITEMS_MAX = 200;
const TEXT_MAX = 2000;
const BYTES_MAX = 64;
/** Names longer than this push their values to the right. */
const NAME_WIDTH_MAX = 24;
/** More numbers than this in a row are shown as a vector, this many of them. */
const NUMBERS_MAX = 12;
/** Status words are not quoted, as if they had come as status replies. */
const STATUS = /^(OK|PONG|QUEUED|RESET)$/;

/**
 * Writes a reply; lines are separated by line feeds.
 *
 * @param paired whether a list is a map whose keys and values take turns, as maps come when strings are bytes
 */
export function replyText(reply: Reply, paired = false): string {
  if (paired && Array.isArray(reply) && reply.length > 0) return pairsText(reply);
  const text = textOf(reply);
  if (text !== undefined && (STATUS.test(text) || /\n./.test(text))) return cut(text.trimEnd().replaceAll("\r", ""));
  return itemText(reply, "");
}

/** The text of a string reply; undefined for anything else and for bytes that are no text. */
function textOf(reply: Reply): string | undefined {
  if (typeof reply === "string") return reply;
  if (!(reply instanceof Uint8Array)) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(reply);
    // Control characters other than line ends and tabs are no text either.
    return /[^\P{Cc}\n\r\t]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function itemText(reply: Reply, indent: string): string {
  if (reply === null) return "(nil)";
  if (typeof reply === "boolean") return reply ? "(true)" : "(false)";
  if (typeof reply === "number" || typeof reply === "bigint") return String(reply);
  if (reply instanceof ReplyError) return `(error) ${reply.message}`;
  if (Array.isArray(reply)) return listText(reply, indent);
  const text = textOf(reply);
  if (text !== undefined) return JSON.stringify(cut(text));
  if (reply instanceof Uint8Array) return bytesText(reply);
  return mapText(reply as { [key: string]: Reply }, indent);
}

function listText(items: readonly Reply[], indent: string): string {
  if (items.length === 0) return "(empty)";
  if (items.length > NUMBERS_MAX && items.every((item) => typeof item === "number")) return vectorText(items);
  const width = String(Math.min(items.length, ITEMS_MAX)).length;
  const inner = `${indent}${" ".repeat(width + 2)}`;
  const lines = items.slice(0, ITEMS_MAX).map((item, index) => {
    return `${String(index + 1).padStart(width)}) ${itemText(item, inner)}`;
  });
  return withRest(lines, items.length).join(`\n${indent}`);
}

function mapText(map: { [key: string]: Reply }, indent: string): string {
  const entries = Object.entries(map);
  if (entries.length === 0) return "(empty)";
  const lines = entries.slice(0, ITEMS_MAX).map(([key, value]) => `${key} = ${itemText(value, `${indent}  `)}`);
  return withRest(lines, entries.length).join(`\n${indent}`);
}

/** Two columns: names without quotes where none are needed, and values. */
function pairsText(items: readonly Reply[]): string {
  const names: string[] = [];
  const values: Reply[] = [];
  for (let at = 0; at < items.length; at += 2) {
    names.push(quoteWord(textOf(items[at] as Reply) ?? itemText(items[at] as Reply, "")));
    values.push(items[at + 1] as Reply);
  }
  const width = Math.min(NAME_WIDTH_MAX, Math.max(...names.map((name) => name.length)));
  const indent = " ".repeat(width + 2);
  const lines = names.slice(0, ITEMS_MAX).map((name, index) => {
    return `${name.padEnd(width)}  ${itemText(values[index] as Reply, indent)}`;
  });
  return withRest(lines, names.length).join("\n");
}

function withRest(lines: readonly string[], count: number): readonly string[] {
  return count > ITEMS_MAX ? [...lines, `… and ${count - ITEMS_MAX} more`] : lines;
}

function vectorText(numbers: readonly number[]): string {
  const shown = numbers.slice(0, NUMBERS_MAX).map((number) => Number(number.toPrecision(4)));
  return `[${shown.join(", ")}, …] (${numbers.length} numbers)`;
}

function bytesText(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, BYTES_MAX), (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `"${shown.join("")}"${bytes.length > BYTES_MAX ? ` … (${bytes.length} bytes)` : ""}`;
}

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)} … (${text.length} characters)` : text;
}
