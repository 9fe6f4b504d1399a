// `cjson.encode`: Lua values as JSON text, by the rules of lua-cjson. A table is an array when its keys are whole numbers from 1 on
// and not too many of them are missing, and an empty table is an object.

import { bytesOf } from "../text.ts";
import { LuaType } from "./lua-module.ts";
import { type LuaState, typeNames } from "./lua-state.ts";
import { generalText } from "./number-text.ts";

const INITIAL_BYTES = 4096;

/** What scripts may set. */
export interface JsonSettings {
  /** Tables inside of each other. */
  encodeDepthMax: number;
  decodeDepthMax: number;
  /** Digits of a number. */
  precision: number;
  /** An array with holes may become an object. */
  convertsSparse: boolean;
  /** An array is sparse when its length is over this many times its elements, 0 for never, and over a length. */
  sparseRatio: number;
  sparseLength: number;
  encodesInvalid: boolean;
  decodesInvalid: boolean;
}

const ESCAPES: Readonly<Record<number, string>> = {
  8: "b",
  9: "t",
  10: "n",
  12: "f",
  13: "r",
  34: '"',
  47: "/",
  92: "\\",
};
const ESCAPED: readonly (Uint8Array | undefined)[] = Array.from({ length: 256 }, (_, code) => {
  const short = ESCAPES[code];
  if (short !== undefined) return bytesOf(`\\${short}`);
  return code < 32 || code === 127 ? bytesOf(`\\u${code.toString(16).padStart(4, "0")}`) : undefined;
});

/** Writes JSON. */
export class JsonEncoder {
  readonly #lua: LuaState;
  readonly #settings: JsonSettings;
  #bytes = new Uint8Array(INITIAL_BYTES);
  #length = 0;

  constructor(lua: LuaState, settings: JsonSettings) {
    this.#lua = lua;
    this.#settings = settings;
  }

  /** The value on top of the stack as JSON, valid until the next; raises Lua's errors. */
  encode(state: number): Uint8Array {
    this.#length = 0;
    this.#value(state, 0);
    return this.#bytes.subarray(0, this.#length);
  }

  #value(state: number, depth: number): void {
    const { api } = this.#lua;
    const type = api.lua_type(state, -1);
    switch (type) {
      case LuaType.string:
        this.#string(state);
        return;
      case LuaType.number:
        this.#ascii(this.#number(state));
        return;
      case LuaType.boolean:
        this.#ascii(api.lua_toboolean(state, -1) === 0 ? "false" : "true");
        return;
      case LuaType.table:
        this.#table(state, depth + 1);
        return;
      case LuaType.nil:
        this.#ascii("null");
        return;
      case LuaType.light:
        if (api.lua_touserdata(state, -1) === 0) {
          this.#ascii("null");
          return;
        }
    }
    this.#lua.raise(state, `Cannot serialise ${typeNames[type] ?? "userdata"}: type not supported`);
  }

  #number(state: number): string {
    const value = this.#lua.api.lua_tonumber(state, -1);
    if (!Number.isFinite(value) && !this.#settings.encodesInvalid) {
      this.#lua.raise(state, "Cannot serialise number: must not be NaN or Inf");
    }
    return generalText(value, this.#settings.precision);
  }

  #table(state: number, depth: number): void {
    const { api } = this.#lua;
    if (depth > this.#settings.encodeDepthMax || api.lua_checkstack(state, 5) === 0) {
      this.#lua.raise(state, `Cannot serialise, excessive nesting (${depth})`);
    }
    const length = this.#arrayLength(state);
    if (length > 0) this.#array(state, length, depth);
    else this.#object(state, depth);
  }

  /** Elements with the holes between them; 0 for an object. */
  #arrayLength(state: number): number {
    const { api } = this.#lua;
    const { convertsSparse, sparseLength, sparseRatio } = this.#settings;
    let most = 0;
    let count = 0;
    api.lua_pushnil(state);
    while (api.lua_next(state, -2) !== 0) {
      const isNumber = api.lua_type(state, -2) === LuaType.number;
      const key = isNumber ? api.lua_tonumber(state, -2) : 0;
      if (!isNumber || key < 1 || !Number.isInteger(key)) {
        api.lua_settop(state, -3);
        return 0;
      }
      if (key > most) most = key;
      count++;
      api.lua_settop(state, -2);
    }
    if (sparseRatio === 0 || most <= count * sparseRatio || most <= sparseLength) return most;
    if (!convertsSparse) this.#lua.raise(state, "Cannot serialise table: excessively sparse array");
    return 0;
  }

  #array(state: number, length: number, depth: number): void {
    const { api } = this.#lua;
    this.#ascii("[");
    for (let index = 1; index <= length; index++) {
      if (index > 1) this.#ascii(",");
      api.lua_rawgeti(state, -1, index);
      this.#value(state, depth);
      api.lua_settop(state, -2);
    }
    this.#ascii("]");
  }

  #object(state: number, depth: number): void {
    const { api } = this.#lua;
    let first = true;
    this.#ascii("{");
    api.lua_pushnil(state);
    while (api.lua_next(state, -2) !== 0) {
      if (!first) this.#ascii(",");
      first = false;
      api.lua_pushvalue(state, -2);
      this.#key(state);
      api.lua_settop(state, -2);
      this.#ascii(":");
      this.#value(state, depth);
      api.lua_settop(state, -2);
    }
    this.#ascii("}");
  }

  #key(state: number): void {
    const type = this.#lua.api.lua_type(state, -1);
    if (type === LuaType.string) {
      this.#string(state);
      return;
    }
    if (type === LuaType.number) {
      this.#ascii(`"${this.#number(state)}"`);
      return;
    }
    this.#lua.raise(state, `Cannot serialise ${typeNames[type] ?? "table"}: table key must be a number or string`);
  }

  #string(state: number): void {
    this.#lua.readText(state, -1);
    const count = this.#lua.textBytes;
    const from = this.#lua.textAt;
    const source = this.#lua.bytes();
    this.#reserve(count * 6 + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = 34;
    for (let index = from; index < from + count; index++) {
      const code = source[index] as number;
      const escaped = ESCAPED[code];
      if (escaped === undefined) bytes[at++] = code;
      else for (const byte of escaped) bytes[at++] = byte;
    }
    bytes[at++] = 34;
    this.#length = at;
  }

  #ascii(text: string): void {
    this.#reserve(text.length);
    for (let index = 0; index < text.length; index++) this.#bytes[this.#length++] = text.charCodeAt(index);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
