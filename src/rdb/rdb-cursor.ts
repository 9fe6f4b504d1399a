// Bytes of an RDB file as far as they have arrived, and the pieces that everything in it is made of: lengths and strings.
// Nothing here waits: `has…` tells whether a whole piece is there and otherwise how much is wanted, and then reading it
// cannot fail for want of bytes. What was read is summed up when it is let go.

import { NearkeyError } from "../errors.ts";
import { Crc64 } from "./crc64.ts";
import { unpackLzf } from "./lzf.ts";

/** Longer ones are in no file of Redis: a string ends at 512 MiB, a packed list at 1 GiB. */
const STRING_BYTES_MAX = 1024 ** 3;
/** The longest header of a string: a byte and two lengths of 64 bits. */
const HEADER_BYTES_MAX = 19;

/** How a string is written. */
const enum Form {
  Plain = -1,
  Int8 = 0,
  Int16 = 1,
  Int32 = 2,
  Lzf = 3,
}

/** A place in a file. */
export class RdbCursor {
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #summedTo = 0;
  /** Where `#bytes` begins in the file. */
  #start = 0;
  readonly #sum = new Crc64();
  /** Bytes from here on that must be there before what was asked for can be read. */
  wanted = 1;

  /** @param name how messages name the file */
  constructor(readonly name: string) {}

  /** Bytes of the file before the next one. */
  get offset(): number {
    return this.#start + this.#at;
  }

  /** Bytes that have arrived and are not read. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  /** Takes `rest` with what follows it, in one piece. */
  refill(bytes: Uint8Array<ArrayBuffer>): void {
    this.#addToSum();
    this.#start += this.#at;
    this.#at = 0;
    this.#summedTo = 0;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The checksum of everything read so far. */
  sum(): Uint8Array {
    this.#addToSum();
    return this.#sum.bytes();
  }

  #addToSum(): void {
    this.#sum.add(this.#bytes.subarray(this.#summedTo, this.#at));
    this.#summedTo = this.#at;
  }

  /**
   * Ends the reading.
   *
   * @param reason what is wrong there
   */
  fail(reason: string, offset = this.offset): never {
    throw new NearkeyError("invalid-argument", `${this.name}, offset ${offset}: ${reason}`);
  }

  // ---- whether it is there

  has(bytes: number): boolean {
    this.wanted = bytes;
    return this.#bytes.length - this.#at >= bytes;
  }

  hasLength(): boolean {
    return this.has(1) && this.has(this.#lengthBytes(this.#at));
  }

  hasString(): boolean {
    if (!this.has(1)) return false;
    const form = this.#form();
    if (form === Form.Plain) {
      const header = this.#lengthBytes(this.#at);
      return this.has(header) && this.has(header + this.#checked(this.#lengthAt(this.#at)));
    }
    if (form !== Form.Lzf) return this.has(1 + (1 << form));
    if (!this.has(2) || !this.has(1 + this.#lengthBytes(this.#at + 1))) return false;
    const second = this.#at + 1 + this.#lengthBytes(this.#at + 1);
    if (!this.has(second - this.#at + 1) || !this.has(second - this.#at + this.#lengthBytes(second))) return false;
    const header = second - this.#at + this.#lengthBytes(second);
    return this.has(header + this.#checked(this.#lengthAt(this.#at + 1)));
  }

  #checked(bytes: number): number {
    if (bytes <= STRING_BYTES_MAX) return bytes;
    return this.fail(`a string of ${bytes} bytes, which no Redis writes: the file is damaged here or before`);
  }

  // ---- reading what is there

  byte(): number {
    return this.#bytes[this.#at++] as number;
  }

  /** Bytes where they lie, valid as long as anybody likes. */
  take(bytes: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + bytes);
    this.#at += bytes;
    return taken;
  }

  /** Seconds since the epoch, as the oldest files tell time. */
  seconds(): number {
    this.#at += 4;
    return this.#view.getInt32(this.#at - 4, true);
  }

  /** Milliseconds since the epoch. */
  milliseconds(): number {
    this.#at += 8;
    return Number(this.#view.getBigInt64(this.#at - 8, true));
  }

  double(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  /** A length, or a number that is written as one. */
  length(): number {
    const length = this.#lengthAt(this.#at);
    if (!Number.isSafeInteger(length)) this.fail(`a length of ${length}: the file is damaged here or before`);
    this.#at += this.#lengthBytes(this.#at);
    return length;
  }

  /** The same of any 64 bits. */
  wideLength(): bigint {
    const bytes = this.#lengthBytes(this.#at);
    const length = bytes === 9 ? this.#view.getBigUint64(this.#at + 1) : BigInt(this.#lengthAt(this.#at));
    this.#at += bytes;
    return length;
  }

  /** A string: as it lies, as the digits of the number that it is kept as, or unpacked. */
  string(): Uint8Array {
    const form = this.#form();
    if (form === Form.Plain) return this.take(this.length());
    if (form === Form.Lzf) return this.#unpacked();
    const at = this.#at + 1;
    this.#at = at + (1 << form);
    if (form === Form.Int8) return digits(this.#view.getInt8(at));
    return digits(form === Form.Int16 ? this.#view.getInt16(at, true) : this.#view.getInt32(at, true));
  }

  #unpacked(): Uint8Array {
    const { offset } = this;
    this.#at++;
    const packedBytes = this.length();
    const bytes = this.#checked(this.length());
    // A copy of three bytes makes 264 at most: a length beyond that is not worth the memory.
    const made = bytes > packedBytes * 88 + HEADER_BYTES_MAX ? undefined : unpackLzf(this.take(packedBytes), bytes);
    return made ?? this.fail("a packed string cannot be unpacked: the file is damaged here", offset);
  }

  #form(): Form {
    const first = this.#bytes[this.#at] as number;
    if (first < 0xc0) return Form.Plain;
    if (first > 0xc0 + Form.Lzf) this.fail(`a string in an unknown form (0x${first.toString(16)})`);
    return first - 0xc0;
  }

  /** Bytes of the length that begins there. */
  #lengthBytes(at: number): number {
    const first = this.#bytes[at] as number;
    if (first < 0x40) return 1;
    if (first < 0x80) return 2;
    if (first === 0x80) return 5;
    if (first === 0x81) return 9;
    return this.fail(`no length begins with 0x${first.toString(16)}`);
  }

  #lengthAt(at: number): number {
    const first = this.#bytes[at] as number;
    if (first < 0x40) return first;
    if (first < 0x80) return ((first & 0x3f) << 8) | (this.#bytes[at + 1] as number);
    if (first === 0x80) return this.#view.getUint32(at + 1);
    return this.#view.getUint32(at + 1) * 2 ** 32 + this.#view.getUint32(at + 5);
  }
}

/** A whole number as text. */
export function digits(value: number | bigint): Uint8Array {
  const text = String(value);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
