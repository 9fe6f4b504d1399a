// The ways in which Redis packs a small collection into one string: listpack (since 5), ziplist (until 6.2), intset and
// zipmap (until 2.4). Each is unpacked to its elements in order, numbers as their digits, one at a time: as objects they take
// a hundred times what they take packed. Every length is held against what is there, and a pack must end where its string
// ends, or it is damaged, which is known when the last element has been given.

import { digits } from "./rdb-cursor.ts";

/** Why a string is not the pack that it should be. */
export class PackDamage extends Error {}

const END = 0xff;
/** A length of a zipmap, or of the entry before in a ziplist, that four bytes give. */
const LONG = 254;

/** A string that is read from front to back. */
class Pack {
  readonly #view: DataView;
  at = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(reason: string): never {
    throw new PackDamage(`a damaged ${this.name}: ${reason} at its byte ${this.at}`);
  }

  /** Goes on by so many bytes, and answers where they begin. */
  skip(bytes: number): number {
    const start = this.at;
    if (bytes > this.bytes.length - start) this.fail("it ends inside an element");
    this.at += bytes;
    return start;
  }

  byte(): number {
    return this.bytes[this.skip(1)] as number;
  }

  word(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  half(): number {
    return this.#view.getUint16(this.skip(2), true);
  }

  text(bytes: number): Uint8Array {
    const start = this.skip(bytes);
    return this.bytes.subarray(start, start + bytes);
  }

  /** A little-endian number with a sign. */
  integer(bytes: number): Uint8Array {
    const start = this.skip(bytes);
    if (bytes === 8) return digits(this.#view.getBigInt64(start, true));
    let value = 0;
    for (let index = bytes - 1; index >= 0; index--) value = (value << 8) | (this.bytes[start + index] as number);
    return digits((value << (32 - bytes * 8)) >> (32 - bytes * 8));
  }

  /** Makes sure that nothing follows. */
  end(): void {
    if (this.at !== this.bytes.length) this.fail("it has more bytes than it says");
  }
}

/** `bytes (u32) | elements (u16) | elements, each with its own length behind it | 255` */
export function* unpackListpack(bytes: Uint8Array): Generator<Uint8Array, void> {
  const pack = new Pack(bytes, "listpack");
  if (pack.word() !== bytes.length) pack.fail("its length is wrong");
  const count = pack.half();
  let found = 0;
  for (; pack.bytes[pack.at] !== END; found++) {
    const start = pack.at;
    const element = listpackElement(pack);
    pack.skip(lengthOfLength(pack.at - start));
    yield element;
  }
  pack.at++;
  pack.end();
  if (count !== 0xffff && count !== found) pack.fail(`it has ${found} elements and says ${count}`);
}

function listpackElement(pack: Pack): Uint8Array {
  const first = pack.byte();
  if (first < 0x80) return digits(first);
  if (first < 0xc0) return pack.text(first & 0x3f);
  if (first < 0xe0) return digits((((first & 0x1f) << 27) >> 19) | pack.byte());
  if (first < 0xf0) return pack.text(((first & 0x0f) << 8) | pack.byte());
  switch (first) {
    case 0xf0:
      return pack.text(pack.word());
    case 0xf1:
      return pack.integer(2);
    case 0xf2:
      return pack.integer(3);
    case 0xf3:
      return pack.integer(4);
    case 0xf4:
      return pack.integer(8);
    default:
      return pack.fail(`no element begins with 0x${first.toString(16)}`);
  }
}

/** Bytes of the length behind an element of so many bytes: seven bits in each, one too many at most borders. */
export function lengthOfLength(bytes: number): number {
  if (bytes <= 127) return 1;
  if (bytes < 16_383) return 2;
  if (bytes < 2_097_151) return 3;
  return bytes < 268_435_455 ? 4 : 5;
}

/** `bytes (u32) | where the last begins (u32) | elements (u16) | elements, each behind the length of the one before | 255` */
export function* unpackZiplist(bytes: Uint8Array): Generator<Uint8Array, void> {
  const pack = new Pack(bytes, "ziplist");
  if (pack.word() !== bytes.length) pack.fail("its length is wrong");
  pack.skip(4);
  const count = pack.half();
  let found = 0;
  for (let before = pack.byte(); before !== END; before = pack.byte(), found++) {
    if (before === LONG) pack.skip(4);
    yield ziplistElement(pack);
  }
  pack.end();
  if (count !== 0xffff && count !== found) pack.fail(`it has ${found} elements and says ${count}`);
}

function ziplistElement(pack: Pack): Uint8Array {
  const first = pack.byte();
  if (first < 0x40) return pack.text(first);
  if (first < 0x80) return pack.text(((first & 0x3f) << 8) | pack.byte());
  if (first > 0xf0 && first < 0xfe) return digits((first & 0x0f) - 1);
  switch (first) {
    case 0x80:
      // The only number of the format whose first byte counts most.
      return pack.text(((pack.byte() << 24) | (pack.byte() << 16) | (pack.byte() << 8) | pack.byte()) >>> 0);
    case 0xc0:
      return pack.integer(2);
    case 0xd0:
      return pack.integer(4);
    case 0xe0:
      return pack.integer(8);
    case 0xf0:
      return pack.integer(3);
    case 0xfe:
      return pack.integer(1);
    default:
      return pack.fail(`no element begins with 0x${first.toString(16)}`);
  }
}

/** `bytes of a number: 2, 4 or 8 (u32) | numbers (u32) | the numbers` */
export function* unpackIntset(bytes: Uint8Array): Generator<Uint8Array, void> {
  const pack = new Pack(bytes, "intset");
  const width = pack.word();
  if (width !== 2 && width !== 4 && width !== 8) pack.fail(`numbers of ${width} bytes`);
  const count = pack.word();
  if (count * width !== bytes.length - pack.at) pack.fail("its length is wrong");
  for (let left = count; left > 0; left--) yield pack.integer(width);
}

/** `elements (u8) | length, field, length, bytes to spare (u8), value, spare bytes … | 255` */
export function* unpackZipmap(bytes: Uint8Array): Generator<Uint8Array, void> {
  const pack = new Pack(bytes, "zipmap");
  pack.byte();
  for (let first = pack.byte(); first !== END; first = pack.byte()) {
    yield pack.text(first === LONG ? pack.word() : first);
    const second = pack.byte();
    const valueBytes = second === LONG ? pack.word() : second;
    const spare = pack.byte();
    yield pack.text(valueBytes);
    pack.skip(spare);
  }
  pack.end();
}
