// `cjson.decode`: JSON text as Lua values. Strings stay bytes; null is the light userdata that `cjson.null` is. Errors tell
// what was expected, what was found and where, in the words of lua-cjson.

import { readAscii, writeText } from "../text.ts";
import type { JsonSettings } from "./json-encoder.ts";
import type { LuaState } from "./lua-state.ts";

const NUMBER =
  /[-+]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])/y;
/** Longest number that is looked for. */
const NUMBER_BYTES_MAX = 400;
const SIMPLE_ESCAPES: Readonly<Record<number, number>> = {
  34: 34,
  92: 92,
  47: 47,
  98: 8,
  102: 12,
  110: 10,
  114: 13,
  116: 9,
};

/** Reads JSON. */
export class JsonDecoder {
  readonly #lua: LuaState;
  readonly #settings: JsonSettings;
  #text: Uint8Array = new Uint8Array(0);
  #at = 0;
  #state = 0;
  #unescaped = new Uint8Array(64);

  constructor(lua: LuaState, settings: JsonSettings) {
    this.#lua = lua;
    this.#settings = settings;
  }

  /** Pushes what a text holds; raises Lua's errors. */
  decode(state: number, text: Uint8Array): void {
    this.#state = state;
    this.#text = text;
    this.#at = 0;
    // A text of two-byte characters begins with, or has behind its first byte, a zero.
    if (text.length >= 2 && (text[0] === 0 || text[1] === 0)) {
      this.#lua.raise(state, "JSON parser does not support UTF-16 or UTF-32");
    }
    this.#value(0);
    this.#space();
    if (this.#at < text.length) this.#fail("the end");
  }

  #space(): void {
    for (;;) {
      const code = this.#text[this.#at];
      if (code !== 32 && code !== 9 && code !== 10 && code !== 13) return;
      this.#at++;
    }
  }

  #value(depth: number): void {
    const { api } = this.#lua;
    this.#space();
    switch (this.#text[this.#at]) {
      case 0x7b:
        this.#object(depth + 1);
        return;
      case 0x5b:
        this.#array(depth + 1);
        return;
      case 0x22:
        this.#string();
        return;
      case 0x74:
        if (this.#word("true")) {
          api.lua_pushboolean(this.#state, 1);
          return;
        }
        break;
      case 0x66:
        if (this.#word("false")) {
          api.lua_pushboolean(this.#state, 0);
          return;
        }
        break;
      case 0x6e:
        if (this.#word("null")) {
          api.lua_pushlightuserdata(this.#state, 0);
          return;
        }
    }
    this.#number();
  }

  #word(word: string): boolean {
    if (readAscii(this.#text, this.#at, Math.min(this.#at + word.length, this.#text.length)) !== word) return false;
    this.#at += word.length;
    return true;
  }

  #number(): void {
    const text = readAscii(this.#text, this.#at, Math.min(this.#text.length, this.#at + NUMBER_BYTES_MAX));
    NUMBER.lastIndex = 0;
    const found = NUMBER.exec(text)?.[0];
    if (found === undefined) {
      this.#fail("value", this.#text[this.#at] === 0x2d ? "invalid number" : this.#token());
      return;
    }
    const isStrict = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(found);
    if (!isStrict && !this.#settings.decodesInvalid) {
      this.#fail("value", "invalid number");
      return;
    }
    this.#lua.api.lua_pushnumber(this.#state, numberOf(found));
    this.#at += found.length;
  }

  #deeper(depth: number): void {
    if (depth <= this.#settings.decodeDepthMax && this.#lua.api.lua_checkstack(this.#state, 3) !== 0) return;
    this.#lua.raise(this.#state, `Found too many nested data structures (${depth}) at character ${this.#at + 1}`);
  }

  #array(depth: number): void {
    const { api } = this.#lua;
    this.#deeper(depth);
    this.#at++;
    api.lua_createtable(this.#state, 0, 0);
    this.#space();
    if (this.#text[this.#at] === 0x5d) {
      this.#at++;
      return;
    }
    for (let index = 1; ; index++) {
      this.#value(depth);
      api.lua_rawseti(this.#state, -2, index);
      this.#space();
      const code = this.#text[this.#at];
      if (code !== 0x2c && code !== 0x5d) this.#fail("comma or array end");
      this.#at++;
      if (code === 0x5d) return;
    }
  }

  #object(depth: number): void {
    const { api } = this.#lua;
    this.#deeper(depth);
    this.#at++;
    api.lua_createtable(this.#state, 0, 0);
    this.#space();
    if (this.#text[this.#at] === 0x7d) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== 0x22) this.#fail("object key string");
      this.#string();
      this.#space();
      if (this.#text[this.#at] !== 0x3a) this.#fail("colon");
      this.#at++;
      this.#value(depth);
      api.lua_rawset(this.#state, -3);
      this.#space();
      const code = this.#text[this.#at];
      if (code !== 0x2c && code !== 0x7d) this.#fail("comma or object end");
      this.#at++;
      if (code === 0x7d) return;
    }
  }

  #string(): void {
    const text = this.#text;
    const start = this.#at + 1;
    let end = start;
    while (end < text.length && text[end] !== 0x22 && text[end] !== 0x5c && (text[end] as number) >= 32) end++;
    if (text[end] === 0x22) {
      this.#lua.pushBytes(this.#state, text, start, end);
      this.#at = end + 1;
      return;
    }
    this.#escapedString(start, end);
  }

  #escapedString(start: number, first: number): void {
    const text = this.#text;
    if (this.#unescaped.length < text.length - start) this.#unescaped = new Uint8Array(text.length - start);
    const out = this.#unescaped;
    out.set(text.subarray(start, first));
    let length = first - start;
    let at = first;
    while (text[at] !== 0x22) {
      const code = text[at];
      if (code === undefined) {
        this.#failAt(at, "unexpected end of string");
        return;
      }
      if (code !== 0x5c) {
        out[length++] = code;
        at++;
        continue;
      }
      const simple = SIMPLE_ESCAPES[text[at + 1] ?? 0];
      if (simple !== undefined) {
        out[length++] = simple;
        at += 2;
      } else if (text[at + 1] === 0x75) {
        const [character, bytes] = this.#unicode(at);
        length += writeText(character, out, length);
        at += bytes;
      } else {
        this.#failAt(at, "invalid escape code");
        return;
      }
    }
    this.#lua.pushBytes(this.#state, out, 0, length);
    this.#at = at + 1;
  }

  /** The character of `\uXXXX`, or of two that make one, and how many bytes they take. */
  #unicode(at: number): [character: string, bytes: number] {
    const first = this.#hex(at);
    if (first === undefined) this.#failAt(at, "invalid unicode escape code");
    const code = first as number;
    if (code < 0xd800 || code > 0xdfff) return [String.fromCharCode(code), 6];
    const second = this.#text[at + 6] === 0x5c && this.#text[at + 7] === 0x75 ? this.#hex(at + 6) : undefined;
    if (code > 0xdbff || second === undefined || second < 0xdc00 || second > 0xdfff) {
      this.#failAt(at, "invalid unicode escape code");
    }
    return [String.fromCharCode(code, second as number), 12];
  }

  #hex(at: number): number | undefined {
    const digits = readAscii(this.#text, at + 2, Math.min(at + 6, this.#text.length));
    return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
  }

  #fail(expected: string, found = this.#token()): void {
    this.#lua.raise(this.#state, `Expected ${expected} but found ${found} at character ${this.#at + 1}`);
  }

  #failAt(at: number, found: string): void {
    this.#lua.raise(this.#state, `Expected value but found ${found} at character ${at + 1}`);
  }

  /** What lua-cjson calls what stands here. */
  #token(): string {
    const code = this.#text[this.#at];
    if (code === undefined) return "T_END";
    if ((code >= 0x30 && code <= 0x39) || code === 0x2d) return "T_NUMBER";
    return TOKENS.find(([first]) => first === String.fromCharCode(code))?.[1] ?? "invalid token";
  }
}

const TOKENS: readonly (readonly [first: string, name: string])[] = [
  ["{", "T_OBJ_BEGIN"],
  ["}", "T_OBJ_END"],
  ["[", "T_ARR_BEGIN"],
  ["]", "T_ARR_END"],
  ['"', "T_STRING"],
  [":", "T_COLON"],
  [",", "T_COMMA"],
];

function numberOf(text: string): number {
  const unsigned = text.replace(/^[-+]/, "");
  const sign = text.startsWith("-") ? -1 : 1;
  if (/^inf/i.test(unsigned)) return sign * Infinity;
  return /^nan/i.test(unsigned) ? Number.NaN : sign * Number(unsigned);
}
