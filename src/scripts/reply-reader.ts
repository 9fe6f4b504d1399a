// Replies of commands as Lua values, by Redis's rules: statuses and errors are tables of one field, a null of RESP2 is false and one
// of RESP3 nil, a double, a map, a set and the like are tables that say what they are. Read where the reply lies, so that
// no JavaScript value is made of what only passes through.

import { readAscii } from "../text.ts";
import type { LuaState } from "./lua-state.ts";

const CR = 13;
/** Digits that a double holds for sure. */
const EXACT_DIGITS = 15;

const enum Type {
  Set = 0x7e,
  Push = 0x3e,
  Bulk = 0x24,
  Map = 0x25,
  BigNumber = 0x28,
  Array = 0x2a,
  Status = 0x2b,
  Double = 0x2c,
  Error = 0x2d,
  Integer = 0x3a,
  Verbatim = 0x3d,
  Null = 0x5f,
  Boolean = 0x23,
}

/** Pushes replies to a Lua stack. */
export class ReplyReader {
  readonly #lua: LuaState;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(lua: LuaState) {
    this.#lua = lua;
  }

  /**
   * Pushes the reply at an offset as one value.
   *
   * @returns whether it is an error
   */
  push(state: number, bytes: Uint8Array, at: number): boolean {
    this.#bytes = bytes;
    this.#at = at;
    const isError = bytes[at] === Type.Error;
    this.#value(state);
    return isError;
  }

  #value(state: number): void {
    const { api } = this.#lua;
    api.lua_checkstack(state, 4);
    switch (this.#bytes[this.#at++]) {
      case Type.Bulk:
        this.#bulk(state);
        return;
      case Type.Integer:
        api.lua_pushnumber(state, this.#number());
        return;
      case Type.Status:
        this.#named(state, "ok");
        return;
      case Type.Error:
        this.#error(state);
        return;
      case Type.Array:
      case Type.Push:
        this.#array(state);
        return;
      case Type.Map:
        this.#map(state);
        return;
      case Type.Set:
        this.#set(state);
        return;
      case Type.Null:
        this.#at += 2;
        api.lua_pushnil(state);
        return;
      case Type.Boolean:
        api.lua_pushboolean(state, this.#line() === "t" ? 1 : 0);
        return;
      case Type.Double:
        this.#double(state);
        return;
      case Type.BigNumber:
        this.#named(state, "big_number");
        return;
      default:
        this.#verbatim(state);
        return;
    }
  }

  #lineEnd(): number {
    let end = this.#at;
    while (this.#bytes[end] !== CR) end++;
    return end;
  }

  #line(): string {
    const end = this.#lineEnd();
    const text = readAscii(this.#bytes, this.#at, end);
    this.#at = end + 2;
    return text;
  }

  #number(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    const negative = bytes[at] === 0x2d;
    if (negative) at++;
    const first = at;
    let value = 0;
    for (; bytes[at] !== CR; at++) value = value * 10 + (bytes[at] as number) - 48;
    if (at - first > EXACT_DIGITS) value = Number(readAscii(bytes, first, at));
    this.#at = at + 2;
    return negative ? -value : value;
  }

  #bulk(state: number): void {
    const length = this.#number();
    if (length < 0) {
      this.#lua.api.lua_pushboolean(state, 0);
      return;
    }
    this.#lua.pushBytes(state, this.#bytes, this.#at, this.#at + length);
    this.#at += length + 2;
  }

  /** A table whose one field is the rest of the line. */
  #named(state: number, field: string): void {
    const { api } = this.#lua;
    const end = this.#lineEnd();
    api.lua_createtable(state, 0, 1);
    this.#lua.pushName(state, field);
    this.#lua.pushBytes(state, this.#bytes, this.#at, end);
    api.lua_rawset(state, -3);
    this.#at = end + 2;
  }

  /** An error that was counted where it was made: who hands it on does not count it again. */
  #error(state: number): void {
    const { api } = this.#lua;
    this.#named(state, "err");
    this.#lua.pushName(state, "ignore_error_stats_update");
    api.lua_pushboolean(state, 1);
    api.lua_rawset(state, -3);
  }

  #array(state: number): void {
    const { api } = this.#lua;
    const count = this.#number();
    if (count < 0) {
      api.lua_pushboolean(state, 0);
      return;
    }
    api.lua_createtable(state, count, 0);
    for (let index = 1; index <= count; index++) {
      this.#value(state);
      api.lua_rawseti(state, -2, index);
    }
  }

  #map(state: number): void {
    const { api } = this.#lua;
    const count = this.#number();
    api.lua_createtable(state, 0, 1);
    this.#lua.pushName(state, "map");
    api.lua_createtable(state, 0, count);
    for (let index = 0; index < count; index++) {
      this.#value(state);
      this.#value(state);
      api.lua_rawset(state, -3);
    }
    api.lua_rawset(state, -3);
  }

  #set(state: number): void {
    const { api } = this.#lua;
    const count = this.#number();
    api.lua_createtable(state, 0, 1);
    this.#lua.pushName(state, "set");
    api.lua_createtable(state, 0, count);
    for (let index = 0; index < count; index++) {
      this.#value(state);
      api.lua_pushboolean(state, 1);
      api.lua_rawset(state, -3);
    }
    api.lua_rawset(state, -3);
  }

  #double(state: number): void {
    const { api } = this.#lua;
    const text = this.#line();
    api.lua_createtable(state, 0, 1);
    this.#lua.pushName(state, "double");
    const infinite = text === "inf" ? Infinity : text === "-inf" ? -Infinity : undefined;
    api.lua_pushnumber(state, infinite ?? Number(text));
    api.lua_rawset(state, -3);
  }

  /** `=15\r\ntxt:Some string\r\n` */
  #verbatim(state: number): void {
    const { api } = this.#lua;
    const length = this.#number();
    const start = this.#at;
    api.lua_createtable(state, 0, 1);
    this.#lua.pushName(state, "verbatim_string");
    api.lua_createtable(state, 0, 2);
    this.#lua.pushName(state, "format");
    this.#lua.pushBytes(state, this.#bytes, start, start + 3);
    api.lua_rawset(state, -3);
    this.#lua.pushName(state, "string");
    this.#lua.pushBytes(state, this.#bytes, start + 4, start + length);
    api.lua_rawset(state, -3);
    api.lua_rawset(state, -3);
    this.#at = start + length + 2;
  }
}
