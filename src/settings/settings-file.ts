// The settings file: TOML with one key a setting and no tables, so that a key is named in it as everywhere. It is read
// with the place of each key, for errors, and edited in place, for CONFIG REWRITE: values change on their lines, and
// comments, order and everything else stay as a person wrote them.

import { parse, stringify, TomlError } from "smol-toml";
import type { TomlValue } from "./setting-kinds.ts";

/** Where something stands in a file, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A file that could be read, or why not. */
export type ParsedFile =
  | { readonly values: ReadonlyMap<string, unknown>; placeOf(key: string): Place | undefined }
  | { readonly message: string; readonly place: Place };

/** Reads a file's text. */
export function parseSettingsFile(text: string): ParsedFile {
  try {
    const values = new Map(Object.entries(parse(text)));
    return { values, placeOf: (key) => placeOf(text, key) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    return { message: reason, place: { line: error.line, column: error.column } };
  }
}

/** The assignment of a key at the top of a file: what is before its value, the value on this line, what follows. */
function assignment(key: string): RegExp {
  const name = key.replaceAll(/[^\w-]/g, "\\$&");
  return new RegExp(
    `^([ \\t]*(?:"${name}"|'${name}'|${name})[ \\t]*=[ \\t]*)("(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*'|[^\\s#]+)`,
    "m",
  );
}

/** Where a key is set; a table is found by its header. */
function placeOf(text: string, key: string): Place | undefined {
  const name = key.replaceAll(/[^\w-]/g, "\\$&");
  const found = new RegExp(`^[ \\t]*(\\[{0,2})[ \\t]*["']?(${name})["']?[ \\t]*[=.\\]]`, "m").exec(text);
  if (found === null) return undefined;
  const before = text.slice(0, found.index).split("\n").length;
  return { line: before, column: found[0].indexOf(found[2] as string) + 1 };
}

/** Writes a value as TOML does. */
export function tomlText(value: TomlValue): string {
  return stringify({ value })
    .replace(/^value = /, "")
    .trimEnd();
}

/**
 * Puts values into a file's text, each on its line or, where it was not set, at the end.
 *
 * @returns the new text, or undefined when it cannot be done without harm to what a person wrote
 */
export function editSettingsFile(
  text: string,
  changes: ReadonlyMap<string, TomlValue | undefined>,
): string | undefined {
  const before = parseSettingsFile(text);
  if ("message" in before) return undefined;
  let edited = text;
  for (const [key, value] of changes) {
    if (value === undefined) edited = edited.replace(new RegExp(`${assignment(key).source}[^\\n]*\\n?`, "m"), "");
    else if (before.values.has(key)) edited = edited.replace(assignment(key), (_, head) => `${head}${tomlText(value)}`);
    else edited += `${edited === "" || edited.endsWith("\n") ? "" : "\n"}${key} = ${tomlText(value)}\n`;
  }
  return saysExactly(edited, before.values, changes) ? edited : undefined;
}

/** Whether a text says what another said, but for the changes: the proof that an edit hit what it meant. */
function saysExactly(
  text: string,
  before: ReadonlyMap<string, unknown>,
  changes: ReadonlyMap<string, unknown>,
): boolean {
  const after = parseSettingsFile(text);
  if ("message" in after) return false;
  const wanted = [...new Map([...before, ...changes])].filter(([, value]) => value !== undefined);
  const sorted = (values: Iterable<[string, unknown]>): string =>
    JSON.stringify([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(after.values) === sorted(wanted);
}
