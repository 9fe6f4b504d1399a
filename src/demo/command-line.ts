// Splits a typed line into arguments as redis-cli does: blanks separate, double quotes take escapes (\n \r \t \b \a \"
// \\ and \xHH for any byte), single quotes only \'. A quote may open inside a word, and its end is the word's. An argument
// with an \xHH in it becomes bytes, others stay text. The page's console and the command line's share it.

/** A line that was understood, or why it was not. */
export type Split = { readonly words: readonly (string | Uint8Array)[] } | { readonly problem: string };

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };
const WORD = /\s*(?=\S)([^\s"']*)(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')?(?=\s|$)/suy;

/** Splits a line; no words for an empty one. */
export function splitLine(line: string): Split {
  const words: (string | Uint8Array)[] = [];
  const end = line.trimEnd().length;
  for (let at = 0; at < end; at = WORD.lastIndex) {
    WORD.lastIndex = at;
    const match = WORD.exec(line);
    if (match === null) return { problem: "a quote is open, or something follows a closing quote without a blank" };
    const [, plain = "", double, single] = match;
    if (double !== undefined) words.push(joined(plain, resolveEscapes(double)));
    else words.push(plain + (single?.replaceAll("\\'", "'") ?? ""));
  }
  return { words };
}

function joined(plain: string, quoted: string | Uint8Array): string | Uint8Array {
  if (typeof quoted === "string") return plain + quoted;
  return Uint8Array.from([...new TextEncoder().encode(plain), ...quoted]);
}

/** Resolves the escapes of a double-quoted word. */
function resolveEscapes(text: string): string | Uint8Array {
  const pieces = text.split(/(\\x[0-9a-f]{2}|\\.)/isu);
  if (!pieces.some((piece) => /^\\x[0-9a-f]{2}$/i.test(piece))) return pieces.map(resolve).join("");
  const encoder = new TextEncoder();
  const bytes = pieces.flatMap((piece) => {
    const code = /^\\x([0-9a-f]{2})$/i.exec(piece)?.[1];
    return code === undefined ? [...encoder.encode(resolve(piece))] : [Number.parseInt(code, 16)];
  });
  return Uint8Array.from(bytes);
}

function resolve(piece: string): string {
  return piece.length === 2 && piece.startsWith("\\") ? (ESCAPES[piece.charAt(1)] ?? piece.charAt(1)) : piece;
}

/** Writes an argument so that splitLine reads it again. */
export function quoteWord(word: string): string {
  return /^[^\s"'\\]+$/.test(word) ? word : `"${word.replace(/["\\]/g, "\\$&")}"`;
}
