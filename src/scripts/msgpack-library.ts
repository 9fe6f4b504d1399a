// The table `cmsgpack`: MessagePack, by the rules of the library that Redis has. The shortest form of every number, a table is an
// array when its keys are the whole numbers from 1 on, and what is nested deeper than 16 tables is nil.

import { type LuaFunction, LuaType } from "./lua-module.ts";
import type { LuaState } from "./lua-state.ts";

const NESTING_MAX = 16;
const INITIAL_BYTES = 4096;

/** Writes MessagePack. */
class Packer {
  readonly #lua: LuaState;
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  constructor(lua: LuaState) {
    this.#lua = lua;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Appends the value on top of the stack, and takes it off. */
  value(state: number, level: number): void {
    const { api } = this.#lua;
    switch (api.lua_type(state, -1)) {
      case LuaType.string:
        this.#string(state);
        break;
      case LuaType.boolean:
        this.#byte(api.lua_toboolean(state, -1) !== 0 ? 0xc3 : 0xc2);
        break;
      case LuaType.number:
        this.#number(api.lua_tonumber(state, -1));
        break;
      case LuaType.table:
        if (level === NESTING_MAX) this.#byte(0xc0);
        else this.#table(state, level);
        break;
      default:
        this.#byte(0xc0);
    }
    api.lua_settop(state, -2);
  }

  #table(state: number, level: number): void {
    const { api } = this.#lua;
    const { count, isArray } = this.#measure(state);
    api.lua_checkstack(state, 5);
    if (isArray) {
      this.#header(count, 0x90, 0xdc);
      for (let index = 1; index <= count; index++) {
        api.lua_rawgeti(state, -1, index);
        this.value(state, level + 1);
      }
      return;
    }
    this.#header(count, 0x80, 0xde);
    api.lua_pushnil(state);
    while (api.lua_next(state, -2) !== 0) {
      api.lua_pushvalue(state, -2);
      this.value(state, level + 1);
      this.value(state, level + 1);
    }
  }

  #measure(state: number): { count: number; isArray: boolean } {
    const { api } = this.#lua;
    let count = 0;
    let most = 0;
    let onlyWhole = true;
    api.lua_pushnil(state);
    while (api.lua_next(state, -2) !== 0) {
      const key = api.lua_type(state, -2) === LuaType.number ? api.lua_tonumber(state, -2) : 0;
      if (key <= 0 || !Number.isInteger(key)) onlyWhole = false;
      most = Math.max(most, key);
      count++;
      api.lua_settop(state, -2);
    }
    return { count, isArray: onlyWhole && most === count };
  }

  #header(count: number, short: number, long: number): void {
    if (count <= 15) {
      this.#byte(short | count);
      return;
    }
    this.#reserve(5);
    if (count <= 0xffff) {
      this.#bytes[this.length] = long;
      this.#view.setUint16(this.length + 1, count);
      this.length += 3;
    } else {
      this.#bytes[this.length] = long + 1;
      this.#view.setUint32(this.length + 1, count);
      this.length += 5;
    }
  }

  #string(state: number): void {
    this.#lua.readText(state, -1);
    const count = this.#lua.textBytes;
    this.#reserve(count + 5);
    if (count < 32) {
      this.#bytes[this.length++] = 0xa0 | count;
    } else if (count <= 0xff) {
      this.#bytes[this.length++] = 0xd9;
      this.#bytes[this.length++] = count;
    } else if (count <= 0xffff) {
      this.#bytes[this.length] = 0xda;
      this.#view.setUint16(this.length + 1, count);
      this.length += 3;
    } else {
      this.#bytes[this.length] = 0xdb;
      this.#view.setUint32(this.length + 1, count);
      this.length += 5;
    }
    this.#lua.copyTo(this.#bytes, this.length);
    this.length += count;
  }

  #number(value: number): void {
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) {
      if (value < 0) this.#negative(value);
      else this.#positive(value);
      return;
    }
    this.#reserve(9);
    if (Math.fround(value) === value || !Number.isFinite(value)) {
      this.#bytes[this.length] = 0xca;
      this.#view.setFloat32(this.length + 1, value);
      this.length += 5;
    } else {
      this.#bytes[this.length] = 0xcb;
      this.#view.setFloat64(this.length + 1, value);
      this.length += 9;
    }
  }

  #positive(value: number): void {
    this.#reserve(9);
    const at = this.length;
    if (value <= 127) {
      this.#byte(value);
      return;
    }
    if (value <= 0xff) {
      this.#bytes[at] = 0xcc;
      this.#bytes[at + 1] = value;
      this.length += 2;
    } else if (value <= 0xffff) {
      this.#bytes[at] = 0xcd;
      this.#view.setUint16(at + 1, value);
      this.length += 3;
    } else if (value <= 0xffffffff) {
      this.#bytes[at] = 0xce;
      this.#view.setUint32(at + 1, value);
      this.length += 5;
    } else {
      this.#bytes[at] = 0xcf;
      this.#view.setBigUint64(at + 1, BigInt(value));
      this.length += 9;
    }
  }

  #negative(value: number): void {
    this.#reserve(9);
    const at = this.length;
    if (value >= -32) {
      this.#byte(value & 0xff);
      return;
    }
    if (value >= -128) {
      this.#bytes[at] = 0xd0;
      this.#view.setInt8(at + 1, value);
      this.length += 2;
    } else if (value >= -32768) {
      this.#bytes[at] = 0xd1;
      this.#view.setInt16(at + 1, value);
      this.length += 3;
    } else if (value >= -2147483648) {
      this.#bytes[at] = 0xd2;
      this.#view.setInt32(at + 1, value);
      this.length += 5;
    } else {
      this.#bytes[at] = 0xd3;
      this.#view.setBigInt64(at + 1, BigInt(value));
      this.length += 9;
    }
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = byte;
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Reads MessagePack. */
class Unpacker {
  readonly #lua: LuaState;
  readonly #state: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at: number;

  constructor(lua: LuaState, state: number, bytes: Uint8Array, at: number) {
    this.#lua = lua;
    this.#state = state;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  /** Pushes the next value. */
  value(): void {
    const { api } = this.#lua;
    const state = this.#state;
    api.lua_checkstack(state, 4);
    const type = this.#bytes[this.#take(1)] as number;
    if (type <= 0x7f) {
      api.lua_pushnumber(state, type);
      return;
    }
    if (type >= 0xe0) {
      api.lua_pushnumber(state, type - 256);
      return;
    }
    if (type >= 0xa0 && type <= 0xbf) {
      this.#text(type & 31);
      return;
    }
    if (type >= 0x90 && type <= 0x9f) {
      this.#array(type & 15);
      return;
    }
    if (type >= 0x80 && type <= 0x8f) {
      this.#map(type & 15);
      return;
    }
    const read = READERS[type];
    if (read !== undefined) {
      api.lua_pushnumber(state, read[1](this.#view, this.#take(read[0])));
      return;
    }
    this.#other(type);
  }

  #other(type: number): void {
    const { api } = this.#lua;
    switch (type) {
      case 0xc0:
        api.lua_pushnil(this.#state);
        return;
      case 0xc2:
      case 0xc3:
        api.lua_pushboolean(this.#state, type - 0xc2);
        return;
      case 0xc4:
      case 0xd9:
        this.#text(this.#bytes[this.#take(1)] as number);
        return;
      case 0xc5:
      case 0xda:
        this.#text(this.#view.getUint16(this.#take(2)));
        return;
      case 0xc6:
      case 0xdb:
        this.#text(this.#view.getUint32(this.#take(4)));
        return;
      case 0xdc:
        this.#array(this.#view.getUint16(this.#take(2)));
        return;
      case 0xdd:
        this.#array(this.#view.getUint32(this.#take(4)));
        return;
      case 0xde:
        this.#map(this.#view.getUint16(this.#take(2)));
        return;
      case 0xdf:
        this.#map(this.#view.getUint32(this.#take(4)));
        return;
      default:
        this.#lua.raise(this.#state, "Bad data format in input.");
    }
  }

  #text(count: number): void {
    const at = this.#take(count);
    this.#lua.pushBytes(this.#state, this.#bytes, at, at + count);
  }

  #array(count: number): void {
    const { api } = this.#lua;
    api.lua_createtable(this.#state, 0, 0);
    for (let index = 1; index <= count; index++) {
      this.value();
      api.lua_rawseti(this.#state, -2, index);
    }
  }

  #map(count: number): void {
    const { api } = this.#lua;
    api.lua_createtable(this.#state, 0, 0);
    for (let index = 0; index < count; index++) {
      this.value();
      this.value();
      // No table has a key that is nil or no number.
      const type = api.lua_type(this.#state, -2);
      if (type === LuaType.nil || (type === LuaType.number && Number.isNaN(api.lua_tonumber(this.#state, -2)))) {
        this.#lua.raise(this.#state, "Bad data format in input.");
      }
      api.lua_rawset(this.#state, -3);
    }
  }

  #take(count: number): number {
    const at = this.at;
    if (at + count > this.#bytes.length) this.#lua.raise(this.#state, "Missing bytes in input.");
    this.at = at + count;
    return at;
  }
}

type Read = readonly [bytes: number, read: (view: DataView, at: number) => number];

const READERS: Readonly<Record<number, Read>> = {
  202: [4, (view, at) => view.getFloat32(at)],
  203: [8, (view, at) => view.getFloat64(at)],
  204: [1, (view, at) => view.getUint8(at)],
  205: [2, (view, at) => view.getUint16(at)],
  206: [4, (view, at) => view.getUint32(at)],
  207: [8, (view, at) => Number(view.getBigUint64(at))],
  208: [1, (view, at) => view.getInt8(at)],
  209: [2, (view, at) => view.getInt16(at)],
  210: [4, (view, at) => view.getInt32(at)],
  211: [8, (view, at) => Number(view.getBigInt64(at))],
};

/** The functions of `cmsgpack` by name. */
export function msgpackFunctions(lua: LuaState): Readonly<Record<string, LuaFunction>> {
  const packer = new Packer(lua);
  return {
    pack(state) {
      const count = lua.api.lua_gettop(state);
      if (count === 0) lua.raise(state, "bad argument #0 to 'pack' (MessagePack pack needs input.)");
      packer.length = 0;
      lua.api.lua_checkstack(state, 4);
      for (let index = 1; index <= count; index++) {
        lua.api.lua_pushvalue(state, index);
        packer.value(state, 0);
      }
      lua.pushBytes(state, packer.bytes, 0, packer.length);
      return 1;
    },
    unpack: (state) => unpack(lua, state, 0, 0, false),
    unpack_one: (state) => unpack(lua, state, 1, offsetAt(lua, state, 2), true),
    unpack_limit: (state) => unpack(lua, state, offsetAt(lua, state, 2), offsetAt(lua, state, 3), true),
  };
}

function offsetAt(lua: LuaState, state: number, index: number): number {
  return lua.api.lua_type(state, index) <= LuaType.nil ? 0 : Math.trunc(lua.api.lua_tonumber(state, index));
}

/** Pushes up to `limit` values, 0 for all; where it came to, or -1 at the end, comes first when asked for. */
function unpack(lua: LuaState, state: number, limit: number, offset: number, tellsOffset: boolean): number {
  const bytes = lua.copyText(state, 1);
  if (bytes === undefined) return lua.raise(state, "bad argument #1 to 'unpack' (string expected)");
  if (offset < 0 || limit < 0) {
    lua.raise(state, `Invalid request to unpack with offset of ${offset} and limit of ${bytes.length}.`);
  }
  if (offset > bytes.length) {
    lua.raise(state, `Start offset ${offset} greater than input length ${bytes.length}.`);
  }
  const before = lua.api.lua_gettop(state);
  const unpacker = new Unpacker(lua, state, bytes, offset);
  let count = 0;
  while (unpacker.at < bytes.length && (limit === 0 || count < limit)) {
    unpacker.value();
    count++;
  }
  if (!tellsOffset) return count;
  lua.api.lua_pushnumber(state, unpacker.at < bytes.length ? unpacker.at : -1);
  lua.api.lua_insert(state, before + 1);
  return count + 1;
}
