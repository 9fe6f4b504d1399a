// What a script returns as a reply, by Redis's rules: numbers lose their fraction, true is 1, a table is an array up to its first
// hole unless a field says that it is something else. The length of an array stands before it and is known behind it, so
// room is left for the longest and what was written moves up to it.

import { bytesOf } from "../text.ts";
import { LuaType } from "./lua-module.ts";
import type { LuaState } from "./lua-state.ts";
import { shortestText } from "./number-text.ts";

const INITIAL_BYTES = 4096;
/** A buffer that one long reply has grown beyond this is not kept. */
const KEPT_BYTES = 1 << 20;
/** A type byte, ten digits and a line end. */
const HEADER_BYTES = 13;
/** Tables inside of each other: JavaScript's stack, which each takes some of, has room for several times as many. */
const DEPTH_MAX = 500;
/** Slots of Lua's stack that one level of a reply takes. */
const LEVEL_SLOTS = 6;

/** Makes replies of values on a Lua stack. */
export class ReplyWriter {
  readonly #lua: LuaState;
  #bytes = new Uint8Array(INITIAL_BYTES);
  #length = 0;
  #depth = 0;
  /** What the client speaks, and what the script has chosen with `redis.setresp`. */
  #client: 2 | 3 = 2;
  #script: 2 | 3 = 2;

  constructor(lua: LuaState) {
    this.#lua = lua;
  }

  /** Makes the reply of the value on top of the stack, which stays; the bytes are the caller's own. */
  write(state: number, client: 2 | 3, script: 2 | 3): Uint8Array {
    this.#length = 0;
    this.#depth = 0;
    this.#client = client;
    this.#script = script;
    this.#value(state);
    const reply = this.#bytes.slice(0, this.#length);
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(INITIAL_BYTES);
    return reply;
  }

  #value(state: number): void {
    this.#depth++;
    this.#typed(state);
    this.#depth--;
  }

  #typed(state: number): void {
    const { api } = this.#lua;
    if (this.#depth > DEPTH_MAX || api.lua_checkstack(state, LEVEL_SLOTS) === 0) {
      this.#line("-ERR reached lua stack limit");
      return;
    }
    switch (api.lua_type(state, -1)) {
      case LuaType.string:
        this.#bulk(state);
        return;
      case LuaType.number:
        this.#line(`:${wholeText(api.lua_tonumber(state, -1))}`);
        return;
      case LuaType.boolean:
        this.#boolean(api.lua_toboolean(state, -1) !== 0);
        return;
      case LuaType.table:
        this.#table(state);
        return;
      default:
        this.#null();
        return;
    }
  }

  #null(): void {
    this.#line(this.#client === 3 ? "_" : "$-1");
  }

  #boolean(value: boolean): void {
    if (this.#script === 3) this.#line(this.#client === 3 ? (value ? "#t" : "#f") : value ? ":1" : ":0");
    else if (value) this.#line(":1");
    else this.#null();
  }

  #bulk(state: number): void {
    this.#lua.readText(state, -1);
    this.#piece("$");
  }

  /** The text read last, behind its length. */
  #piece(type: "$" | "="): void {
    const lua = this.#lua;
    this.#line(`${type}${lua.textBytes}`);
    this.#reserve(lua.textBytes + 2);
    lua.copyTo(this.#bytes, this.#length);
    this.#length += lua.textBytes;
    this.#lineEnd();
  }

  /** A table is asked for the fields that say what it is in the order in which Redis asks. */
  #table(state: number): void {
    const { api } = this.#lua;
    const top = api.lua_gettop(state);
    for (const [field, type, write] of KINDS) {
      const found = this.#lua.pushField(state, top, field) === type;
      if (found) write(this, state);
      api.lua_settop(state, top);
      if (found) return;
    }
    this.#array(state, top);
  }

  #array(state: number, table: number): void {
    const { api } = this.#lua;
    const start = this.#open();
    let count = 0;
    for (;;) {
      api.lua_rawgeti(state, table, count + 1);
      if (api.lua_type(state, -1) === LuaType.nil) break;
      this.#value(state);
      api.lua_settop(state, table);
      count++;
    }
    api.lua_settop(state, table);
    this.#close(start, `*${count}`);
  }

  /** An error, or a status: line ends in it become spaces. */
  writeLine(state: number, type: "+" | "-" | "("): void {
    const text = this.#lua.copyText(state, -1) ?? new Uint8Array(0);
    const known = type === "-" && text[0] === 0x2d ? text.subarray(1) : text;
    if (type === "(" && this.#client === 2) {
      this.#lua.readText(state, -1);
      this.#piece("$");
      return;
    }
    this.#reserve(known.length + 3);
    this.#bytes[this.#length++] = type.charCodeAt(0);
    for (const byte of known) this.#bytes[this.#length++] = byte === 13 || byte === 10 ? 32 : byte;
    this.#lineEnd();
  }

  writeDouble(state: number): void {
    const value = this.#lua.api.lua_tonumber(state, -1);
    const text = shortestText(value);
    this.#line(this.#client === 3 ? `,${text}` : `$${text.length}\r\n${text}`);
  }

  writeMap(state: number): void {
    const { api } = this.#lua;
    const table = api.lua_gettop(state);
    const start = this.#open();
    let pairs = 0;
    api.lua_pushnil(state);
    while (api.lua_next(state, table) !== 0) {
      api.lua_pushvalue(state, -2);
      this.#value(state);
      api.lua_settop(state, table + 2);
      this.#value(state);
      api.lua_settop(state, table + 1);
      pairs++;
    }
    this.#close(start, this.#client === 3 ? `%${pairs}` : `*${pairs * 2}`);
  }

  writeSet(state: number): void {
    const { api } = this.#lua;
    const table = api.lua_gettop(state);
    const start = this.#open();
    let members = 0;
    api.lua_pushnil(state);
    while (api.lua_next(state, table) !== 0) {
      api.lua_pushvalue(state, -2);
      this.#value(state);
      api.lua_settop(state, table + 1);
      members++;
    }
    this.#close(start, `${this.#client === 3 ? "~" : "*"}${members}`);
  }

  /** `{verbatim_string = {string = …, format = …}}`; what lacks one of them is null. */
  writeVerbatim(state: number): void {
    const lua = this.#lua;
    const table = lua.api.lua_gettop(state);
    const format = lua.pushField(state, table, "format") === LuaType.string ? lua.copyText(state, -1) : undefined;
    const text = lua.pushField(state, table, "string") === LuaType.string ? lua.copyText(state, -1) : undefined;
    if (format === undefined || text === undefined) {
      this.#line("*0");
      return;
    }
    if (this.#client === 3) {
      this.#line(`=${text.length + 4}`);
      this.#reserve(text.length + 6);
      this.#append(format.subarray(0, 3));
      this.#append(bytesOf(":"));
    } else {
      this.#line(`$${text.length}`);
    }
    this.#append(text);
    this.#lineEnd();
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #open(): number {
    const start = this.#length;
    this.#reserve(HEADER_BYTES);
    this.#length += HEADER_BYTES;
    return start;
  }

  #close(start: number, header: string): void {
    const end = this.#length;
    this.#length = start;
    this.#line(header);
    this.#bytes.copyWithin(this.#length, start + HEADER_BYTES, end);
    this.#length += end - start - HEADER_BYTES;
  }

  #line(text: string): void {
    this.#reserve(text.length + 2);
    for (let index = 0; index < text.length; index++) this.#bytes[this.#length++] = text.charCodeAt(index);
    this.#lineEnd();
  }

  #lineEnd(): void {
    this.#reserve(2);
    this.#bytes[this.#length++] = 13;
    this.#bytes[this.#length++] = 10;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

type Kind = readonly [field: string, type: number, write: (writer: ReplyWriter, state: number) => void];

const KINDS: readonly Kind[] = [
  ["err", LuaType.string, (writer, state) => writer.writeLine(state, "-")],
  ["ok", LuaType.string, (writer, state) => writer.writeLine(state, "+")],
  ["double", LuaType.number, (writer, state) => writer.writeDouble(state)],
  ["big_number", LuaType.string, (writer, state) => writer.writeLine(state, "(")],
  ["verbatim_string", LuaType.table, (writer, state) => writer.writeVerbatim(state)],
  ["map", LuaType.table, (writer, state) => writer.writeMap(state)],
  ["set", LuaType.table, (writer, state) => writer.writeSet(state)],
];

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** A number without its fraction, as a signed integer of 64 bits. */
function wholeText(value: number): string {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) return String(whole + 0);
  if (!Number.isFinite(whole)) return String(INT64_MIN);
  const wide = BigInt(whole);
  return String(wide > INT64_MAX || wide < INT64_MIN ? INT64_MIN : wide);
}
