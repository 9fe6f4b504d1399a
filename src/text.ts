// UTF-8 in and out of byte arrays by the fastest way the runtime has, found by feature, never by name: Node's Buffer
// methods work on any Uint8Array and beat TextEncoder and TextDecoder two to one on short strings; elsewhere the web
// standard does it. Both replace lone surrogates and malformed bytes with U+FFFD and keep a leading BOM, so every
// runtime agrees on every byte. No import: a browser's bundle reaches this file.

interface ByteMethods {
  utf8Write(this: Uint8Array, text: string, offset: number, bytes: number): number;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
}

/** Below this a loop over char codes beats any call out of JavaScript, on all runtimes measured. */
const LOOP_CHARACTERS = 24;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const methods = byteMethods();

/** Node's methods when they exist and work on a plain Uint8Array (a polyfill's may not). */
function byteMethods(): ByteMethods | undefined {
  const prototype = (globalThis as { Buffer?: { prototype?: Partial<ByteMethods> } }).Buffer?.prototype;
  if (!prototype?.utf8Write || !prototype.utf8Slice) return undefined;
  const probe = new Uint8Array(8);
  try {
    const written = prototype.utf8Write.call(probe, "\u00e9\ud800", 1, 7);
    const agrees = written === 5 && prototype.utf8Slice.call(probe, 1, 6) === "\u00e9\ufffd";
    return agrees ? (prototype as ByteMethods) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes text as UTF-8 and answers how many bytes it took.
 *
 * @param at where the first byte goes; the caller has left room for three bytes a character
 */
export function writeText(text: string, into: Uint8Array, at: number): number {
  const characters = text.length;
  if (characters > LOOP_CHARACTERS) return writeLongText(text, into, at);
  for (let index = 0; index < characters; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return writeLongText(text, into, at);
    into[at + index] = code;
  }
  return characters;
}

function writeLongText(text: string, into: Uint8Array, at: number): number {
  // Not simply the rest of `into`: Node 20 writes nothing when told of more than 2 GiB.
  if (methods) return methods.utf8Write.call(into, text, at, Math.min(text.length * 3, into.length - at));
  return encoder.encodeInto(text, into.subarray(at)).written;
}

/** Reads bytes[start, end) as UTF-8; malformed bytes become U+FFFD. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  if (methods) return methods.utf8Slice.call(bytes, start, end);
  return decoder.decode(bytes.subarray(start, end));
}

/** Text as UTF-8 in bytes of its own. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** How many bytes a text takes as UTF-8, without encoding it where the runtime can count. */
export function textBytes(text: string): number {
  const count = (globalThis as { Buffer?: { byteLength?(text: string): number } }).Buffer?.byteLength;
  return count ? count(text) : encoder.encode(text).length;
}
