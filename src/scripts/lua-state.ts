// One interpreter and what is done with its stack: bytes in and out, errors, functions of ours. Views of its memory die when it
// grows, which any allocation may do, so they are asked for where they are used. A piece of memory is kept for strings on
// their way in; longer ones get their own.

import { bytesOf, readText } from "../text.ts";
import { instantiateLua, type LuaExports, type LuaFunction, type LuaHook, placeFunctions } from "./lua-module.ts";

/** Lua's names of its types, by their numbers. */
export const typeNames = ["nil", "boolean", "userdata", "number", "string", "table", "function", "userdata", "thread"];

const SCRATCH_BYTES = 64 * 1024;
/** Up to so many bytes a loop copies faster than a view that is made for the copy. */
const LOOP_BYTES_MAX = 48;

/** A Lua state of its own memory. */
export class LuaState {
  readonly api: LuaExports;
  /** The main thread. */
  readonly main: number;
  readonly #scratch: number;
  readonly #lengthAt: number;
  readonly #names = new Map<string, number>();
  #bytes = new Uint8Array(0);
  #words = new Uint32Array(0);
  /** Where the string read last lies, and its length; valid until Lua runs again. */
  textAt = 0;
  textBytes = 0;

  constructor(module: WebAssembly.Module, memoryBytesMax: number) {
    this.api = instantiateLua(module, memoryBytesMax);
    this.#scratch = this.api.malloc(SCRATCH_BYTES + 8);
    this.#lengthAt = this.#scratch + SCRATCH_BYTES;
    this.main = this.api.luaL_newstate();
    if (this.#scratch === 0 || this.main === 0) throw new Error("Lua has no memory");
    this.api.luaL_openlibs(this.main);
  }

  /** Bytes of memory that the interpreter has. */
  get memoryBytes(): number {
    return this.api.memory.buffer.byteLength;
  }

  bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.api.memory.buffer);
    return this.#bytes;
  }

  #lengths(): Uint32Array {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.api.memory.buffer);
    return this.#words;
  }

  /** The address of a name that is kept for good, ended by a zero. */
  name(text: string): number {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const bytes = bytesOf(`${text}\0`);
    const address = this.api.malloc(bytes.length);
    this.bytes().set(bytes, address);
    this.#names.set(text, address);
    return address;
  }

  /** Places of functions for `pushFunction`. */
  place(functions: readonly (LuaFunction | LuaHook)[]): number[] {
    return placeFunctions(this.api, functions);
  }

  // ---- strings

  /** Finds where a string or a number as text lies: false for other values. A number on the stack becomes its text. */
  readText(state: number, index: number): boolean {
    const address = this.api.lua_tolstring(state, index, this.#lengthAt);
    if (address === 0) return false;
    this.textAt = address;
    this.textBytes = this.#lengths()[this.#lengthAt >>> 2] as number;
    return true;
  }

  /** The string at an index, as bytes of the caller's own; undefined for what is none. */
  copyText(state: number, index: number): Uint8Array | undefined {
    if (!this.readText(state, index)) return undefined;
    return this.bytes().slice(this.textAt, this.textAt + this.textBytes);
  }

  /** The string at an index, read as UTF-8. */
  text(state: number, index: number): string | undefined {
    return this.readText(state, index) ? readText(this.bytes(), this.textAt, this.textAt + this.textBytes) : undefined;
  }

  /** Copies the string read last to bytes elsewhere. */
  copyTo(target: Uint8Array, at: number): void {
    const source = this.bytes();
    const from = this.textAt;
    const count = this.textBytes;
    if (count > LOOP_BYTES_MAX) {
      target.set(source.subarray(from, from + count), at);
      return;
    }
    for (let index = 0; index < count; index++) target[at + index] = source[from + index] as number;
  }

  /** Pushes bytes as a string. */
  pushBytes(state: number, source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (count > SCRATCH_BYTES) {
      this.#pushLong(state, source.subarray(from, to));
      return;
    }
    const target = this.bytes();
    const at = this.#scratch;
    if (count > LOOP_BYTES_MAX) target.set(source.subarray(from, to), at);
    else for (let index = 0; index < count; index++) target[at + index] = source[from + index] as number;
    this.api.lua_pushlstring(state, at, count);
  }

  #pushLong(state: number, source: Uint8Array): void {
    const at = this.api.malloc(source.length);
    if (at === 0) this.raise(state, "not enough memory");
    this.bytes().set(source, at);
    try {
      this.api.lua_pushlstring(state, at, source.length);
    } finally {
      this.api.free(at);
    }
  }

  pushText(state: number, text: string): void {
    const bytes = bytesOf(text);
    this.pushBytes(state, bytes, 0, bytes.length);
  }

  /** Pushes a name that is kept for good. */
  pushName(state: number, ascii: string): void {
    this.api.lua_pushlstring(state, this.name(ascii), ascii.length);
  }

  /** Pushes a table of one field: what Redis calls statuses and errors. */
  pushSingle(state: number, field: string, text: string): void {
    this.api.lua_createtable(state, 0, 1);
    this.pushName(state, field);
    this.pushText(state, text);
    this.api.lua_rawset(state, -3);
  }

  /** The field of a table on the stack, by `rawget`: its type; the value is pushed. */
  pushField(state: number, index: number, field: string): number {
    const table = index < 0 ? this.api.lua_gettop(state) + index + 1 : index;
    this.pushName(state, field);
    this.api.lua_rawget(state, table);
    return this.api.lua_type(state, -1);
  }

  // ---- functions and errors

  pushFunction(state: number, place: number): void {
    this.api.lua_pushcclosure(state, place, 0);
  }

  /** Raises an error with the place in the script in front, as Lua's own libraries do. */
  raise(state: number, message: string): never {
    this.api.luaL_where(state, 1);
    this.pushText(state, message);
    this.api.lua_concat(state, 2);
    return this.throwTop(state);
  }

  /** Raises what is on top of the stack. */
  throwTop(state: number): never {
    this.api.lua_error(state);
    throw new Error("lua_error came back");
  }

  /** Compiles text; undefined, with the function on the stack, or why not. Compiled code is not taken: Lua believes it. */
  compile(state: number, code: Uint8Array, chunk: string): string | undefined {
    const name = this.name(chunk);
    const at = this.api.malloc(code.length + 1);
    if (at === 0) return "not enough memory";
    this.bytes().set(code, at);
    const failed = this.api.luaL_loadbuffer(state, at, code.length, name) !== 0;
    this.api.free(at);
    if (!failed) return undefined;
    const message = this.text(state, -1) ?? "out of memory";
    this.api.lua_settop(state, -2);
    return message;
  }

  /** Whether there is a number, or a text that is one, at an index. */
  isNumber(state: number, index: number): boolean {
    return this.api.lua_isnumber(state, index) !== 0;
  }

  /** The number that a function of ours was given at an index; raises Lua's error for anything else. */
  checkNumber(state: number, index: number, functionName: string): number {
    if (!this.isNumber(state, index)) this.refuse(state, index, functionName, "number");
    return this.api.lua_tonumber(state, index);
  }

  /** The bytes that a function of ours was given at an index; raises Lua's error for anything else. */
  checkText(state: number, index: number, functionName: string): Uint8Array {
    return this.copyText(state, index) ?? this.refuse(state, index, functionName, "string");
  }

  /** Raises Lua's error for an argument of another type than was expected. */
  refuse(state: number, index: number, functionName: string, expected: string): never {
    const given = typeNames[this.api.lua_type(state, index)] ?? "no value";
    return this.raise(state, `bad argument #${index} to '${functionName}' (${expected} expected, got ${given})`);
  }
}
