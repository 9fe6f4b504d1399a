// The table `cjson`: encoding, decoding, and the settings of both.

import { JsonDecoder } from "./json-decoder.ts";
import { JsonEncoder, type JsonSettings } from "./json-encoder.ts";
import { type LuaFunction, LuaType } from "./lua-module.ts";
import type { LuaState } from "./lua-state.ts";

const DEPTH_MAX = 1000;
const DIGITS = 14;
const DIGITS_MAX = 16;

/** The functions of `cjson` by name. */
export function jsonFunctions(lua: LuaState): Readonly<Record<string, LuaFunction>> {
  const settings: JsonSettings = {
    encodeDepthMax: DEPTH_MAX,
    decodeDepthMax: DEPTH_MAX,
    precision: DIGITS,
    convertsSparse: false,
    sparseRatio: 2,
    sparseLength: 10,
    encodesInvalid: false,
    decodesInvalid: true,
  };
  const encoder = new JsonEncoder(lua, settings);
  const decoder = new JsonDecoder(lua, settings);
  const whole = (state: number, index: number, least: number, most: number, known: number): number =>
    lua.api.lua_type(state, index) <= LuaType.nil ? known : checkedWhole(lua, state, index, least, most);
  const flag = (state: number, index: number, known: boolean): boolean =>
    lua.api.lua_type(state, index) <= LuaType.nil ? known : lua.api.lua_toboolean(state, index) !== 0;
  const answer = (state: number, value: number): number => {
    lua.api.lua_pushnumber(state, value);
    return 1;
  };
  return {
    encode(state) {
      expectOne(lua, state, "encode");
      const text = encoder.encode(state);
      lua.pushBytes(state, text, 0, text.length);
      return 1;
    },
    decode(state) {
      expectOne(lua, state, "decode");
      decoder.decode(state, lua.checkText(state, 1, "decode"));
      return 1;
    },
    encode_max_depth(state) {
      settings.encodeDepthMax = whole(state, 1, 1, 2 ** 31 - 1, settings.encodeDepthMax);
      return answer(state, settings.encodeDepthMax);
    },
    decode_max_depth(state) {
      settings.decodeDepthMax = whole(state, 1, 1, 2 ** 31 - 1, settings.decodeDepthMax);
      return answer(state, settings.decodeDepthMax);
    },
    encode_number_precision(state) {
      settings.precision = whole(state, 1, 1, DIGITS_MAX, settings.precision);
      return answer(state, settings.precision);
    },
    encode_sparse_array(state) {
      settings.convertsSparse = flag(state, 1, settings.convertsSparse);
      settings.sparseRatio = whole(state, 2, 0, 2 ** 31 - 1, settings.sparseRatio);
      settings.sparseLength = whole(state, 3, 0, 2 ** 31 - 1, settings.sparseLength);
      lua.api.lua_pushboolean(state, settings.convertsSparse ? 1 : 0);
      answer(state, settings.sparseRatio);
      answer(state, settings.sparseLength);
      return 3;
    },
    encode_invalid_numbers(state) {
      settings.encodesInvalid = flag(state, 1, settings.encodesInvalid);
      lua.api.lua_pushboolean(state, settings.encodesInvalid ? 1 : 0);
      return 1;
    },
    decode_invalid_numbers(state) {
      settings.decodesInvalid = flag(state, 1, settings.decodesInvalid);
      lua.api.lua_pushboolean(state, settings.decodesInvalid ? 1 : 0);
      return 1;
    },
    /** The buffer is always kept: nothing to set. */
    encode_keep_buffer(state) {
      lua.api.lua_pushboolean(state, 1);
      return 1;
    },
  };
}

function expectOne(lua: LuaState, state: number, name: string): void {
  if (lua.api.lua_gettop(state) !== 1) lua.raise(state, `bad argument #1 to '${name}' (expected 1 argument)`);
}

function checkedWhole(lua: LuaState, state: number, index: number, least: number, most: number): number {
  const value = lua.api.lua_tonumber(state, index);
  if (lua.isNumber(state, index) && value >= least && value <= most) return Math.trunc(value);
  return lua.raise(state, `bad argument #${index} (expected integer between ${least} and ${most})`);
}
