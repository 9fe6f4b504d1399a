// Commands of scripts at the boundary: a part of it that engine.ts is. Arguments are put where the engine reads them, one copy
// from Lua's memory to the engine's, and the reply is read from the page it was written to. What does not fit the input, or has
// an argument over 32 KiB, goes in pieces.

import { ScriptCall } from "../assembly/connection-layout.ts";
import {
  ARGUMENTS_BASE,
  INPUT_BASE,
  INPUT_BYTES,
  PAGE_BYTES,
  PAGED_ARGUMENT_BYTES,
  Result,
} from "../assembly/layout.ts";
import type { EngineExports } from "../build/engine-exports.d.ts";
import type { EngineMemory } from "./engine-memory.ts";

export { ScriptCall };

/** Up to so many bytes a loop copies faster than a view that is made for the copy. */
const LOOP_BYTES_MAX = 48;

/** How scripts call commands; made by the engine itself. */
export class EngineScripts {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  readonly #takeOutput: (connection: number) => Uint8Array;
  #connection = 0;
  #count = 0;
  #at = INPUT_BASE;
  #isCollected = false;
  /** Whether the command that ran last may write. */
  wrote = false;
  /** Where the last reply lies; valid until the engine is called. */
  reply: Uint8Array = new Uint8Array(0);
  replyFrom = 0;

  /** @param takeOutput takes all replies of a connection, as bytes of the caller's own */
  constructor(exports: EngineExports, memory: EngineMemory, takeOutput: (connection: number) => Uint8Array) {
    this.#exports = exports;
    this.#memory = memory;
    this.#takeOutput = takeOutput;
  }

  /** The connection of scripts: RESP2 when a script begins. */
  get connection(): number {
    if (this.#connection === 0) this.#connection = this.#exports.openConnection(1) >>> 0;
    return this.#connection;
  }

  /** A script of a connection begins; `end` must follow whatever happens. */
  begin(caller: number): void {
    this.#exports.beginScript(this.connection, caller);
  }

  end(): void {
    this.#exports.endScript(this.#connection);
  }

  setProtocol(version: 2 | 3): void {
    this.#exports.setProtocol(this.#connection, version);
  }

  /** Whether a write would find memory, which may evict. */
  hasMemory(): boolean {
    return this.#exports.hasMemoryForScript() !== 0;
  }

  // ---- one command

  /** Begins a command without arguments. */
  start(): void {
    this.#count = 0;
    this.#at = INPUT_BASE;
    this.#isCollected = false;
  }

  /** Adds an argument; false when it does not fit: then the command has to be begun anew with `addLarge`. */
  add(source: Uint8Array, from: number, bytes: number): boolean {
    const at = this.#at;
    if (bytes > PAGED_ARGUMENT_BYTES || at + bytes > INPUT_BASE + INPUT_BYTES) return false;
    const target = this.#memory.bytes();
    if (bytes > LOOP_BYTES_MAX) target.set(source.subarray(from, from + bytes), at);
    else for (let index = 0; index < bytes; index++) target[at + index] = source[from + index] as number;
    const words = this.#memory.words();
    const record = (ARGUMENTS_BASE >>> 2) + this.#count * 2;
    words[record] = at;
    words[record + 1] = bytes;
    this.#count++;
    this.#at = at + bytes;
    return true;
  }

  /** Adds an argument of any length; all of the command's must come this way. */
  addLarge(bytes: Uint8Array): void {
    this.#isCollected = true;
    let at = 0;
    do {
      const piece = bytes.subarray(at, at + INPUT_BYTES);
      this.#memory.bytes().set(piece, INPUT_BASE);
      this.#exports.addScriptArgument(this.#connection, bytes.length, piece.length);
      at += piece.length;
    } while (at < bytes.length);
  }

  /** Runs the command. After Replied the reply is at `reply[replyFrom]`. */
  call(mayWrite: boolean): ScriptCall {
    const exports = this.#exports;
    const ending: ScriptCall = this.#isCollected
      ? exports.callCollected(this.#connection, mayWrite ? 1 : 0)
      : exports.callFromScript(this.#connection, this.#count, mayWrite ? 1 : 0);
    if (ending === ScriptCall.Replied) this.#findReply();
    return ending;
  }

  #findReply(): void {
    const page = this.#memory.result(Result.Address);
    this.wrote = this.#memory.result(Result.Count) !== 0;
    if (this.#exports.pinnedPages(this.#connection) > 1) {
      this.reply = this.#takeOutput(this.#connection);
      this.replyFrom = 0;
      return;
    }
    this.reply = this.#memory.bytes();
    this.replyFrom = page * PAGE_BYTES;
  }

  /** Lets go of the arguments of a command that the host has answered. */
  finishHostCall(): void {
    if (this.#isCollected) this.#exports.dropScriptArguments(this.#connection);
  }
}
