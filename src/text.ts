// UTF-8 in and out of byte arrays by the fastest way the runtime has, found by feature, never by name: Node's Buffer
// methods work on any Uint8Array and beat TextEncoder and TextDecoder two to one on short strings; elsewhere the web
// standard does it, and since a call to it costs a browser 200 to 300 ns, strings of up to a hundred characters go
// through loops there. All replace lone surrogates and malformed bytes with U+FFFD and keep a leading BOM, so every
// runtime agrees on every byte. No import: a browser's bundle reaches this file.

interface ByteMethods {
  utf8Write(this: Uint8Array, text: string, offset: number, bytes: number): number;
  utf8Slice(this: Uint8Array, start: number, end: number): string;
  latin1Slice(this: Uint8Array, start: number, end: number): string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const methods = byteMethods();

/**
 * Up to so many characters a loop over char codes beats a call out of JavaScript: 24 beside Node's methods; in Chromium
 * 156 the loop takes 1.4 ns a character and encodeInto 230 ns and more.
 */
const WRITE_LOOP_CHARACTERS = methods ? 24 : 160;
/** Reading likewise: there 1.7 ns a byte, against 200 ns for decode; Node's method is always faster. */
const READ_LOOP_BYTES = 96;

/** Node's methods when they exist and work on a plain Uint8Array (a polyfill's may not). */
function byteMethods(): ByteMethods | undefined {
  const prototype = (globalThis as { Buffer?: { prototype?: Partial<ByteMethods> } }).Buffer?.prototype;
  if (!prototype?.utf8Write || !prototype.utf8Slice || !prototype.latin1Slice) return undefined;
  const probe = new Uint8Array(8);
  try {
    const written = prototype.utf8Write.call(probe, "\u00e9\ud800", 1, 7);
    const text = prototype.utf8Slice.call(probe, 1, 6);
    const agrees = written === 5 && text === "\u00e9\ufffd" && prototype.latin1Slice.call(probe, 0, 1) === "\0";
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
  if (characters > WRITE_LOOP_CHARACTERS) return writeLongText(text, into, at);
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
  return (end - start <= READ_LOOP_BYTES ? readShortText(bytes, start, end) : undefined) ?? decode(bytes, start, end);
}

/**
 * The same for bytes that are known to be ASCII: Node need not look at them before it copies, which takes 100 to 150 ns of
 * a hundred bytes that are not in the cache.
 */
export function readAscii(bytes: Uint8Array, start: number, end: number): string {
  return methods ? methods.latin1Slice.call(bytes, start, end) : readText(bytes, start, end);
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}

/** The codes of a string in the making, for each length an array of its own: it is what makes the string, flat. */
const codesOfLength: number[][] = [];

/** ASCII as text; undefined when there is more to it. */
function readShortText(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start;
  codesOfLength[length] ??= new Array<number>(length).fill(0);
  const codes = codesOfLength[length] as number[];
  for (let index = 0; index < length; index++) {
    const code = bytes[start + index] as number;
    if (code > 0x7f) return undefined;
    codes[index] = code;
  }
  return String.fromCharCode.apply(null, codes);
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
