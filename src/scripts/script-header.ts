// The first line of a script that begins with `#!`: the engine, flags, and of a library its name. Words may be quoted, as everywhere
// in Redis's own lines.

/** What a script may, or may not, as its header says. */
export type ScriptFlag = "no-writes" | "allow-oom" | "allow-stale" | "no-cluster" | "allow-cross-slot-keys";

/** In the order in which FUNCTION LIST tells them. */
export const scriptFlags: readonly ScriptFlag[] = [
  "no-writes",
  "allow-oom",
  "allow-stale",
  "no-cluster",
  "allow-cross-slot-keys",
];

/** A header that was read; the code begins with the line end, so that lines keep their numbers. */
export interface ScriptHeader {
  /** Undefined for a script without a header, which may do what its commands may. */
  readonly flags: ReadonlySet<ScriptFlag> | undefined;
  readonly code: Uint8Array;
}

/** A library's header. */
export interface LibraryHeader {
  readonly engine: string;
  readonly name: string;
  readonly code: Uint8Array;
}

const HASH = 0x23;
const MARK = 0x21;
const LINE_END = 0x0a;

function lineOf(script: Uint8Array): { words: string[] | undefined; code: Uint8Array } | undefined {
  const end = script.indexOf(LINE_END);
  if (end < 0) return undefined;
  return { words: splitWords(new TextDecoder().decode(script.subarray(0, end))), code: script.subarray(end) };
}

function hasHeader(script: Uint8Array): boolean {
  return script[0] === HASH && script[1] === MARK;
}

/** Reads the header of a script; why it cannot be, as a text. */
export function readScriptHeader(script: Uint8Array): ScriptHeader | string {
  if (!hasHeader(script)) return { flags: undefined, code: script };
  const line = lineOf(script);
  if (line === undefined) return "Invalid script shebang";
  const [engine, ...options] = line.words ?? [];
  if (engine === undefined) return "Invalid engine in script shebang";
  if (engine !== "#!lua") return `Unexpected engine in script shebang: ${engine}`;
  const flags = new Set<ScriptFlag>();
  for (const option of options) {
    if (!option.startsWith("flags=")) return `Unknown lua shebang option: ${option}`;
    for (const name of option.slice("flags=".length).split(",")) {
      const flag = scriptFlags.find((known) => known === name);
      if (flag === undefined && option !== "flags=") return `Unexpected flag in script shebang: ${name}`;
      if (flag !== undefined) flags.add(flag);
    }
  }
  return { flags, code: line.code };
}

/** Reads the header of a library; why it cannot be, as a text. */
export function readLibraryHeader(library: Uint8Array): LibraryHeader | string {
  if (!hasHeader(library)) return "Missing library metadata";
  const line = lineOf(library);
  const [engine, ...options] = line?.words ?? [];
  if (line === undefined || engine === undefined) return "Invalid library metadata";
  let name: string | undefined;
  for (const option of options) {
    if (!/^name=/i.test(option)) return `Invalid metadata value given: ${option}`;
    if (name !== undefined) return "Invalid metadata value, name argument was given multiple times";
    name = option.slice("name=".length);
  }
  if (name === undefined) return "Library name was not given";
  return { engine: engine.slice("#!".length), name, code: line.code };
}

const SPACE = /\s/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };

/** Splits a line at spaces; undefined where a quote does not end, or something follows it directly. */
function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  for (let at = 0; at < line.length; ) {
    if (SPACE.test(line[at] as string)) {
      at++;
      continue;
    }
    let word = "";
    while (at < line.length && !SPACE.test(line[at] as string)) {
      const quote = line[at] as string;
      if (quote !== '"' && quote !== "'") {
        word += line[at++];
        continue;
      }
      const quoted = readQuoted(line, at + 1, quote);
      if (quoted === undefined) return undefined;
      word += quoted.text;
      at = quoted.end;
    }
    words.push(word);
  }
  return words;
}

function readQuoted(line: string, start: number, quote: string): { text: string; end: number } | undefined {
  let text = "";
  for (let at = start; at < line.length; at++) {
    const character = line[at] as string;
    if (character === quote) {
      const next = line[at + 1];
      return next === undefined || SPACE.test(next) ? { text, end: at + 1 } : undefined;
    }
    const escaped = line[at + 1];
    if (character !== "\\" || escaped === undefined) {
      text += character;
    } else if (quote === '"') {
      text += ESCAPES[escaped] ?? escaped;
      at++;
    } else if (escaped === "'") {
      text += "'";
      at++;
    } else {
      text += character;
    }
  }
  return undefined;
}
