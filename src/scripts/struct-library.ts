// The table `struct`: numbers and strings packed as C lays them out, by a format of one letter each. Sizes are those of a 64-bit
// machine; nothing is aligned unless `!` asks for it.

import { type LuaFunction, LuaType } from "./lua-module.ts";
import type { LuaState } from "./lua-state.ts";

const ALIGNMENT = 8;
const INTEGER_BYTES_MAX = 32;

/** One item of a format. */
interface Item {
  readonly option: string;
  readonly bytes: number;
  readonly align: number;
  readonly little: boolean;
}

/** Reads a format, item by item. */
function* itemsOf(format: string, fail: (why: string) => never): Generator<Item> {
  let little = true;
  let alignMax = 1;
  for (let at = 0; at < format.length; ) {
    const option = format[at++] as string;
    const digits = /^\d*/.exec(format.slice(at))?.[0] ?? "";
    const takesDigits = "iIc!".includes(option);
    const given = takesDigits && digits !== "" ? Number(digits) : undefined;
    if (takesDigits) at += digits.length;
    if (given !== undefined && given > 0x7fffffff) fail("integral size overflow");
    if (option === "<" || option === "=") little = true;
    else if (option === ">") little = false;
    else if (option === "!") alignMax = checkedAlign(given ?? ALIGNMENT, fail);
    else if (option !== " ") {
      const bytes = sizeOf(option, given, fail);
      const isNumber = option !== "c" && option !== "s" && option !== "x";
      const align = isNumber ? Math.min(bytes, alignMax) : 1;
      if (isNumber && alignMax > 1 && (align & (align - 1)) !== 0) fail("alignment is not a power of 2");
      yield { option, bytes, align, little };
    }
  }
}

function checkedAlign(align: number, fail: (why: string) => never): number {
  return align > 0 && (align & (align - 1)) === 0 ? align : fail("alignment is not a power of 2");
}

const SIZES: Readonly<Record<string, number>> = { B: 1, b: 1, H: 2, h: 2, L: 8, l: 8, T: 8, f: 4, d: 8, x: 1, s: 0 };

function sizeOf(option: string, given: number | undefined, fail: (why: string) => never): number {
  if (option === "c") return given ?? 1;
  if (option === "i" || option === "I") {
    const bytes = given ?? 4;
    if (bytes <= INTEGER_BYTES_MAX) return bytes;
    return fail(`integral size ${bytes} is larger than limit of ${INTEGER_BYTES_MAX}`);
  }
  return SIZES[option] ?? fail(`invalid format option '${option}'`);
}

function padding(at: number, item: Item): number {
  return item.align > 1 ? (item.align - (at & (item.align - 1))) & (item.align - 1) : 0;
}

/** The functions of `struct` by name. */
export function structFunctions(lua: LuaState): Readonly<Record<string, LuaFunction>> {
  const format = (state: number): string => lua.text(state, 1) ?? lua.raise(state, "bad argument #1 (string expected)");
  return {
    pack: (state) => new StructPacker(lua, state).pack(format(state)),
    unpack: (state) => unpack(lua, state, format(state)),
    size(state) {
      const fail = (why: string): never => lua.raise(state, why);
      let bytes = 0;
      for (const item of itemsOf(format(state), fail)) {
        if (item.option === "s") fail("variable-size format in 'size'");
        if (item.option === "c" && item.bytes === 0) fail("variable-length format");
        bytes += padding(bytes, item) + item.bytes;
      }
      lua.api.lua_pushnumber(state, bytes);
      return 1;
    },
  };
}

class StructPacker {
  readonly #lua: LuaState;
  readonly #state: number;
  #bytes = new Uint8Array(256);
  #length = 0;

  constructor(lua: LuaState, state: number) {
    this.#lua = lua;
    this.#state = state;
  }

  pack(format: string): number {
    const fail = (why: string): never => this.#lua.raise(this.#state, why);
    let argument = 2;
    for (const item of itemsOf(format, fail)) {
      this.#zeros(padding(this.#length, item));
      if (item.option === "x") this.#zeros(1);
      else this.#item(item, argument++, fail);
    }
    this.#lua.pushBytes(this.#state, this.#bytes, 0, this.#length);
    return 1;
  }

  #item(item: Item, argument: number, fail: (why: string) => never): void {
    if (item.option === "c" || item.option === "s") {
      this.#text(item, argument, fail);
      return;
    }
    const { api } = this.#lua;
    if (!this.#lua.isNumber(this.#state, argument)) fail(`bad argument #${argument} to 'pack' (number expected)`);
    const value = api.lua_tonumber(this.#state, argument);
    const at = this.#length;
    this.#zeros(item.bytes);
    const view = new DataView(this.#bytes.buffer);
    if (item.option === "f") view.setFloat32(at, value, item.little);
    else if (item.option === "d") view.setFloat64(at, value, item.little);
    else writeInteger(this.#bytes, at, item, value);
  }

  #text({ option, bytes }: Item, argument: number, fail: (why: string) => never): void {
    const text = this.#lua.copyText(this.#state, argument);
    if (text === undefined) {
      fail(`bad argument #${argument} to 'pack' (string expected)`);
      return;
    }
    const count = option === "s" || bytes === 0 ? text.length : bytes;
    if (text.length < count) fail(`bad argument #${argument} to 'pack' (string too short)`);
    const at = this.#length;
    this.#zeros(count + (option === "s" ? 1 : 0));
    this.#bytes.set(text.subarray(0, count), at);
  }

  #zeros(count: number): void {
    if (this.#length + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length + count, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.fill(0, this.#length, this.#length + count);
    this.#length += count;
  }
}

function writeInteger(bytes: Uint8Array, at: number, item: Item, value: number): void {
  let left = BigInt.asUintN(64, BigInt(Number.isFinite(value) ? Math.trunc(value) : 0));
  const sign = value < 0 ? 0xff : 0;
  for (let index = 0; index < item.bytes; index++) {
    const byte = index < 8 ? Number(left & 0xffn) : sign;
    left >>= 8n;
    bytes[item.little ? at + index : at + item.bytes - 1 - index] = byte;
  }
}

function readInteger(bytes: Uint8Array, at: number, item: Item): number {
  let value = 0n;
  const used = Math.min(item.bytes, 8);
  for (let index = used - 1; index >= 0; index--) {
    value = (value << 8n) | BigInt(bytes[item.little ? at + index : at + item.bytes - 1 - index] as number);
  }
  const signed = item.option === item.option.toLowerCase();
  return Number(signed ? BigInt.asIntN(used * 8, value) : value);
}

/** Pushes the values of a string from a position on, 1 for its start, and behind them where it came to. */
function unpack(lua: LuaState, state: number, format: string): number {
  const { api } = lua;
  const fail = (why: string): never => lua.raise(state, why);
  const bytes = lua.copyText(state, 2);
  if (bytes === undefined) return fail("bad argument #2 to 'unpack' (string expected)");
  let at = api.lua_type(state, 3) <= LuaType.nil ? 0 : Math.trunc(api.lua_tonumber(state, 3)) - 1;
  if (at < 0) fail("bad argument #3 to 'unpack' (offset must be 1 or greater)");
  api.lua_settop(state, 2);
  let count = 0;
  for (const item of itemsOf(format, fail)) {
    at += padding(at, item);
    if (at + item.bytes > bytes.length) fail("bad argument #2 to 'unpack' (data string too short)");
    if (item.option === "x") {
      at++;
      continue;
    }
    if (api.lua_checkstack(state, 3) === 0) fail("too many results");
    if (item.option === "s") {
      const end = bytes.indexOf(0, at);
      if (end < 0) fail("unfinished string in data");
      lua.pushBytes(state, bytes, at, end);
      at = end + 1;
    } else if (item.option === "c") {
      at = unpackCounted(lua, state, item, bytes, at, count, fail);
      if (item.bytes === 0) count--;
    } else {
      api.lua_pushnumber(state, readNumber(bytes, at, item));
      at += item.bytes;
    }
    count++;
  }
  api.lua_pushnumber(state, at + 1);
  return count + 1;
}

/** A string of fixed length; of `c0` the number before it tells, and goes. */
function unpackCounted(
  lua: LuaState,
  state: number,
  item: Item,
  bytes: Uint8Array,
  at: number,
  count: number,
  fail: (why: string) => never,
): number {
  let length = item.bytes;
  if (length === 0) {
    if (count === 0 || lua.api.lua_type(state, -1) !== LuaType.number) {
      fail("format 'c0' needs a previous size");
    }
    length = Math.trunc(lua.api.lua_tonumber(state, -1));
    lua.api.lua_settop(state, -2);
    if (length < 0 || at + length > bytes.length) fail("data string too short");
  }
  lua.pushBytes(state, bytes, at, at + length);
  return at + length;
}

function readNumber(bytes: Uint8Array, at: number, item: Item): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (item.option === "f") return view.getFloat32(at, item.little);
  if (item.option === "d") return view.getFloat64(at, item.little);
  return readInteger(bytes, at, item);
}
