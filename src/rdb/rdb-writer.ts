// Writes a file that Redis loads: version 7 of the format, which every release since 3.2 reads, with values in their plain
// forms, which Redis packs again as it loads them. Bytes go to the file in pieces of a quarter of a mebibyte, and what is
// longer as it is.

import type { StorageFile } from "../storage/storage.ts";
import { Crc64 } from "./crc64.ts";

const HEADER = "REDIS0007";
const PIECE_BYTES = 256 * 1024;
/** A code, a time, a type and two lengths, at most. */
const HEAD_BYTES = 32;

const AUX = 250;
const RESIZE_DATABASE = 251;
const EXPIRES_MS = 252;
const SELECT_DATABASE = 254;
const END = 255;
/** Lengths of a score that stand for what has no digits. */
const SCORE_INFINITE = 254;
const SCORE_NEGATIVE_INFINITE = 255;

const STRING = 0;
const LIST = 1;
const SET = 2;
const SORTED_SET = 3;
const HASH = 4;
const STREAM = 19;

/** Writes one file from front to back. After each of its calls `flush` may be awaited. */
export class RdbWriter {
  readonly #file: Pick<StorageFile, "append">;
  readonly #sum = new Crc64();
  #piece = new Uint8Array(PIECE_BYTES);
  #used = 0;
  readonly #full: Uint8Array[] = [];

  constructor(file: Pick<StorageFile, "append">) {
    this.#file = file;
    for (const character of HEADER) this.#byte(character.charCodeAt(0));
  }

  /** Says something about the file, before anything else. */
  fact(name: string, value: string): void {
    const encoder = new TextEncoder();
    this.#byte(AUX);
    this.text(encoder.encode(name));
    this.text(encoder.encode(value));
  }

  /** Begins a database: keys that follow are in it. The counts make room in who loads it. */
  database(number: number, keys: number, expiring: number): void {
    this.#byte(SELECT_DATABASE);
    this.#length(number);
    this.#byte(RESIZE_DATABASE);
    this.#length(keys);
    this.#length(expiring);
  }

  /** @param expiresAtMs ms since epoch; undefined for never */
  string(key: Uint8Array, value: Uint8Array, expiresAtMs: number | undefined): void {
    this.#key(STRING, key, expiresAtMs);
    this.text(value);
  }

  /** Begins a hash: so many fields and values follow, as texts in turn. */
  hash(key: Uint8Array, fields: number, expiresAtMs: number | undefined): void {
    this.#key(HASH, key, expiresAtMs);
    this.#length(fields);
  }

  /** Begins a list: so many elements follow, as texts. */
  list(key: Uint8Array, elements: number, expiresAtMs: number | undefined): void {
    this.#key(LIST, key, expiresAtMs);
    this.#length(elements);
  }

  /** Begins a set: so many members follow, as texts. */
  set(key: Uint8Array, members: number, expiresAtMs: number | undefined): void {
    this.#key(SET, key, expiresAtMs);
    this.#length(members);
  }

  /** Begins a stream, as Redis 7.0 and later read it: so many pairs of an id and a pack follow, as texts. */
  stream(key: Uint8Array, packs: number, expiresAtMs: number | undefined): void {
    this.#key(STREAM, key, expiresAtMs);
    this.#length(packs);
  }

  /** A number of up to 64 bits, without a sign. */
  number(value: number | bigint): void {
    if (value <= 0xffff_ffff) {
      this.#length(Number(value));
      return;
    }
    this.#reserve(HEAD_BYTES);
    this.#byte(0x81);
    new DataView(this.#piece.buffer).setBigUint64(this.#used, BigInt(value));
    this.#used += 8;
  }

  /** A time, ms since epoch. */
  time(ms: number): void {
    this.#reserve(HEAD_BYTES);
    new DataView(this.#piece.buffer).setBigInt64(this.#used, BigInt(ms), true);
    this.#used += 8;
  }

  /** Bytes without a length, at most 16. */
  raw(bytes: Uint8Array): void {
    this.#reserve(HEAD_BYTES);
    this.#piece.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Begins a sorted set: so many members follow, each as a text and a score. */
  sortedSet(key: Uint8Array, members: number, expiresAtMs: number | undefined): void {
    this.#key(SORTED_SET, key, expiresAtMs);
    this.#length(members);
  }

  /** A score, as the engine writes it. */
  score(text: Uint8Array): void {
    const isNegative = text[0] === 0x2d;
    const isInfinite = text[isNegative ? 1 : 0] === 0x69;
    this.#reserve(HEAD_BYTES + text.length);
    if (isInfinite) {
      this.#byte(isNegative ? SCORE_NEGATIVE_INFINITE : SCORE_INFINITE);
      return;
    }
    this.#byte(text.length);
    this.#piece.set(text, this.#used);
    this.#used += text.length;
  }

  /** A string, behind its length. */
  text(bytes: Uint8Array): void {
    this.#length(bytes.length);
    if (bytes.length > PIECE_BYTES / 2) {
      this.#turn();
      this.#full.push(bytes);
      return;
    }
    this.#reserve(bytes.length);
    this.#piece.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Gives what is complete to the file. */
  async flush(): Promise<void> {
    if (this.#full.length === 0) return;
    const pieces = this.#full.splice(0);
    for (const piece of pieces) this.#sum.add(piece);
    await this.#file.append(pieces);
  }

  /** Ends the file. */
  async end(): Promise<void> {
    this.#byte(END);
    this.#turn();
    await this.flush();
    await this.#file.append([this.#sum.bytes()]);
  }

  #key(type: number, key: Uint8Array, expiresAtMs: number | undefined): void {
    if (expiresAtMs !== undefined) {
      this.#reserve(HEAD_BYTES);
      this.#byte(EXPIRES_MS);
      new DataView(this.#piece.buffer).setBigInt64(this.#used, BigInt(expiresAtMs), true);
      this.#used += 8;
    }
    this.#byte(type);
    this.text(key);
  }

  #length(length: number): void {
    this.#reserve(HEAD_BYTES);
    const view = new DataView(this.#piece.buffer);
    if (length < 1 << 6) {
      this.#piece[this.#used] = length;
      this.#used += 1;
    } else if (length < 1 << 14) {
      view.setUint16(this.#used, length | 0x4000);
      this.#used += 2;
    } else {
      this.#piece[this.#used] = 0x80;
      view.setUint32(this.#used + 1, length);
      this.#used += 5;
    }
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#piece[this.#used++] = value;
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes > PIECE_BYTES) this.#turn();
  }

  #turn(): void {
    if (this.#used === 0) return;
    this.#full.push(this.#piece.subarray(0, this.#used));
    this.#piece = new Uint8Array(PIECE_BYTES);
    this.#used = 0;
  }
}
