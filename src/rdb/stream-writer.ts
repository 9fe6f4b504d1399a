// A batch of a stream's entries as Redis packs them: one listpack, whose first elements are the names of the first entry's fields,
// so that entries with the same names have values alone. Numbers are written in one byte or in nine.

import type { StreamEntry } from "../content/stream-content.ts";
import { lengthOfLength } from "./packed-lists.ts";

const HAS_NAMES_OF_PACK = 2;
const HEAD_BYTES = 6;
const END = 0xff;
const COUNT_MAX = 0xffff;
const ID_BYTES = 16;

/** An id as Redis keeps it: both numbers with their largest byte first. */
export function idBytes(id: string): Uint8Array {
  const [ms, sequence] = numbersOf(id);
  const bytes = new Uint8Array(ID_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, ms);
  view.setBigUint64(8, sequence);
  return bytes;
}

/** Milliseconds and sequence number of an id. */
export function numbersOf(id: string): [ms: bigint, sequence: bigint] {
  const [ms = "0", sequence = "0"] = id.split("-");
  return [BigInt(ms), BigInt(sequence)];
}

/** Packs entries, at least one, relative to the id of the first. */
export function packEntries(entries: readonly StreamEntry[]): Uint8Array {
  const pack = new Listpack();
  const [first] = entries as [StreamEntry];
  const names = namesOf(first[1]);
  const [baseMs, baseSequence] = numbersOf(textOf(first[0]));
  for (const head of [entries.length, 0, names.length]) pack.integer(head);
  for (const name of names) pack.text(name);
  pack.integer(0);
  for (const [id, fields] of entries) {
    const same = hasNames(fields, names);
    const [ms, sequence] = numbersOf(textOf(id));
    pack.integer(same ? HAS_NAMES_OF_PACK : 0);
    pack.integer(ms - baseMs);
    pack.integer(BigInt.asIntN(64, sequence - baseSequence));
    if (!same) pack.integer(fields.length / 2);
    const texts = same ? fields.filter((_, at) => at % 2 === 1) : fields;
    for (const text of texts) pack.text(text);
    pack.integer(texts.length + (same ? 3 : 4));
  }
  return pack.bytes();
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const namesOf = (fields: readonly Uint8Array[]): Uint8Array[] => fields.filter((_, at) => at % 2 === 0);

function hasNames(fields: readonly Uint8Array[], names: readonly Uint8Array[]): boolean {
  if (fields.length !== names.length * 2) return false;
  return names.every((name, at) => isSame(name, fields[at * 2] as Uint8Array));
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** `bytes (u32) | elements (u16) | elements, each with its own length behind it | 255` */
class Listpack {
  #pieces: Uint8Array[] = [];
  #bytes = HEAD_BYTES;
  #count = 0;

  integer(value: number | bigint): void {
    const number = BigInt(value);
    if (number >= 0n && number < 0x80n) {
      this.#add([Uint8Array.of(Number(number))]);
      return;
    }
    const bytes = new Uint8Array(9);
    bytes[0] = 0xf4;
    new DataView(bytes.buffer).setBigInt64(1, BigInt.asIntN(64, number), true);
    this.#add([bytes]);
  }

  text(bytes: Uint8Array): void {
    this.#add([textHead(bytes.length), bytes]);
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#bytes + 1);
    const view = new DataView(whole.buffer);
    view.setUint32(0, whole.length, true);
    view.setUint16(4, Math.min(this.#count, COUNT_MAX), true);
    let at = HEAD_BYTES;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    whole[at] = END;
    return whole;
  }

  #add(pieces: Uint8Array[]): void {
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    const all = [...pieces, lengthBehind(bytes)];
    this.#pieces.push(...all);
    this.#bytes += all.reduce((sum, { length }) => sum + length, 0);
    this.#count++;
  }
}

/** What stands before a text of so many bytes. */
function textHead(length: number): Uint8Array {
  if (length < 0x40) return Uint8Array.of(0x80 | length);
  if (length < 0x1000) return Uint8Array.of(0xe0 | (length >> 8), length & 0xff);
  const head = new Uint8Array(5);
  head[0] = 0xf0;
  new DataView(head.buffer).setUint32(1, length, true);
  return head;
}

/** The length behind an element, seven bits in each byte; all but the first have their highest bit set. */
function lengthBehind(bytes: number): Uint8Array {
  const length = lengthOfLength(bytes);
  return Uint8Array.from({ length }, (_, at) => {
    const part = Math.floor(bytes / 128 ** (length - 1 - at)) % 128;
    return at === 0 ? part : part | 0x80;
  });
}
