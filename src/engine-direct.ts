// Reads and writes of single strings without a protocol, for embedding: a part of the boundary that engine.ts is. Most
// calls go without the time, which JavaScript takes as long to tell as the engine to find a key: an entry that does not
// expire is the same at any time, and for the order of eviction the time of a few calls ago serves.

import {
  Direct,
  INPUT_BASE,
  KEY_BYTES_MAX,
  PAGED_ARGUMENT_BYTES,
  Result,
  SETTINGS_BASE,
  Setting,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type { EngineMemory } from "./engine-memory.ts";
import { NearkeyError } from "./errors.ts";
import { bytesOf, readAscii, readText, writeText } from "./text.ts";

/** Calls that may go by the time that was told to the engine last. */
const CALLS_A_TIME = 64;
const NEVER = -1;
const ALWAYS = 0;

/** The strings of database 0 of one engine. `now` answers ms since epoch and is called only where it matters. */
export class DirectPaths {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  /**
   * Called when a write must wait because too many effect records are not released: releases some and answers true, or
   * answers false, and then the write is refused.
   */
  onLogFull: (() => boolean) | undefined;
  #calls = 0;
  #keyBytes = 0;

  constructor(exports: EngineExports, memory: EngineMemory) {
    this.#exports = exports;
    this.#memory = memory;
  }

  /**
   * The value of a string key as text; undefined when there is none.
   *
   * @throws NearkeyError `wrong-type`
   */
  getText(key: string | Uint8Array, now: () => number): string | undefined {
    const found = this.#find(key, now);
    if (found === Direct.Absent) return undefined;
    const bytes = this.#memory.result(Result.Bytes);
    if (found === Direct.Paged) return readText(this.#pages(), 0, bytes);
    const address = this.#memory.result(Result.Address);
    const read = found === Direct.FoundAscii ? readAscii : readText;
    return read(this.#memory.bytes(), address, address + bytes);
  }

  /** The value of a string key as a copy; else as getText. */
  getBytes(key: string | Uint8Array, now: () => number): Uint8Array | undefined {
    const found = this.#find(key, now);
    if (found === Direct.Absent) return undefined;
    if (found === Direct.Paged) return this.#pages();
    return this.#memory.copy(this.#memory.result(Result.Address), this.#memory.result(Result.Bytes));
  }

  #pages(): Uint8Array {
    return this.#memory.readPages(this.#memory.result(Result.Address), this.#memory.result(Result.Bytes));
  }

  #find(key: string | Uint8Array, now: () => number): Direct {
    const keyBytes = this.#putKey(key);
    let found: Direct = this.#timeIsNear() ? this.#exports.getDirect(keyBytes) : Direct.Expiring;
    if (found === Direct.Expiring) found = this.#exports.getDirectAt(keyBytes, now());
    if (found === Direct.WrongType) {
      throw new NearkeyError("wrong-type", "the key holds a value of another type than a string");
    }
    return found;
  }

  #timeIsNear(): boolean {
    return this.#calls++ % CALLS_A_TIME !== 0;
  }

  /**
   * Sets a string key to a value without expiry. False when the value is too long for this path: send SET.
   *
   * @throws NearkeyError `out-of-memory`, `log-full`
   */
  set(key: string | Uint8Array, value: string | Uint8Array, now: () => number): boolean {
    if (!this.#timeIsNear()) return this.setIf(key, value, NEVER, ALWAYS, now()) === true;
    const bytes = this.#putPair(key, value);
    if (bytes < 0) return false;
    const stored: Direct = this.#exports.setDirect(this.#keyBytes, bytes);
    if (stored !== Direct.LogFull) return wasStored(stored);
    this.makeLogRoom();
    return this.setIf(key, value, NEVER, ALWAYS, now()) === true;
  }

  /**
   * The same with an expiry or a condition; answers whether it set the key, `undefined` for a value too long.
   *
   * @param expiry ms since epoch, -1 for never
   * @param only 1: when absent, 2: when present, 0: always
   * @param now ms since epoch
   */
  setIf(
    key: string | Uint8Array,
    value: string | Uint8Array,
    expiry: number,
    only: 0 | 1 | 2,
    now: number,
  ): boolean | undefined {
    const bytes = this.#putPair(key, value);
    if (bytes < 0) return undefined;
    const stored: Direct = this.#exports.setDirectAt(this.#keyBytes, bytes, expiry, only, now);
    if (stored !== Direct.LogFull) return wasStored(stored);
    this.makeLogRoom();
    return this.setIf(key, value, expiry, only, now);
  }

  /**
   * Lets records be written, so that a write that had to wait may be tried again.
   *
   * @throws NearkeyError `log-full`, or what `onLogFull` throws
   */
  makeLogRoom(): void {
    if (this.onLogFull?.() === true) return;
    throw new NearkeyError("log-full", "the log is behind by all it may be: await db.commit() and write again");
  }

  /** Puts a key and a value into the input; answers the value's bytes, -1 when they must go into pages of their own. */
  #putPair(key: string | Uint8Array, value: string | Uint8Array): number {
    if (value.length > PAGED_ARGUMENT_BYTES) {
      this.#checkLength(value);
      return -1;
    }
    this.#keyBytes = this.#putKey(key);
    const bytes = this.#put(value, INPUT_BASE + this.#keyBytes);
    return bytes > PAGED_ARGUMENT_BYTES ? -1 : bytes;
  }

  /** A command would end in a protocol error, which says less. */
  #checkLength(value: string | Uint8Array): void {
    const most = this.#memory.words()[(SETTINGS_BASE >> 2) + Setting.ValueBytesMax] as number;
    const bytes = typeof value === "string" ? bytesOf(value).length : value.length;
    if (bytes > most) throw new NearkeyError("invalid-argument", `a value is at most ${most} bytes long, not ${bytes}`);
  }

  #putKey(key: string | Uint8Array): number {
    const bytes = key.length > KEY_BYTES_MAX ? key.length : this.#put(key, INPUT_BASE);
    if (bytes > KEY_BYTES_MAX) {
      throw new NearkeyError("invalid-argument", `a key is at most ${KEY_BYTES_MAX} bytes long, not ${bytes}`);
    }
    return bytes;
  }

  #put(bytes: string | Uint8Array, at: number): number {
    if (typeof bytes === "string") return writeText(bytes, this.#memory.bytes(), at);
    this.#memory.bytes().set(bytes, at);
    return bytes.length;
  }
}

function wasStored(stored: Direct): boolean {
  if (stored === Direct.NoMemory) throw new NearkeyError("out-of-memory", "the value does not fit under maxMemory");
  return stored === Direct.Found;
}
