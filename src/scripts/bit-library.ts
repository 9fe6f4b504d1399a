// The table `bit`: operations on 32 bits, signed results, as in LuaJIT's library of that name.

import type { LuaFunction } from "./lua-module.ts";
import type { LuaState } from "./lua-state.ts";

/** Added and taken away it rounds a double to a whole number. */
const ROUND = 6755399441055744;

/** The functions of `bit` by name. */
export function bitFunctions(lua: LuaState): Readonly<Record<string, LuaFunction>> {
  const bitsOf = (state: number, index: number, name: string): number =>
    (lua.checkNumber(state, index, name) + ROUND - ROUND) | 0;
  const one =
    (name: string, operate: (bits: number) => number): LuaFunction =>
    (state) => {
      lua.api.lua_pushnumber(state, operate(bitsOf(state, 1, name)));
      return 1;
    };
  const many =
    (name: string, operate: (left: number, right: number) => number): LuaFunction =>
    (state) => {
      let result = bitsOf(state, 1, name);
      for (let index = lua.api.lua_gettop(state); index > 1; index--)
        result = operate(result, bitsOf(state, index, name));
      lua.api.lua_pushnumber(state, result);
      return 1;
    };
  const shift =
    (name: string, operate: (bits: number, by: number) => number): LuaFunction =>
    (state) => {
      lua.api.lua_pushnumber(state, operate(bitsOf(state, 1, name), bitsOf(state, 2, name) & 31) | 0);
      return 1;
    };
  return {
    tobit: one("tobit", (bits) => bits),
    bnot: one("bnot", (bits) => ~bits),
    bswap: one("bswap", (bits) => (bits << 24) | ((bits & 0xff00) << 8) | ((bits >>> 8) & 0xff00) | (bits >>> 24)),
    band: many("band", (left, right) => left & right),
    bor: many("bor", (left, right) => left | right),
    bxor: many("bxor", (left, right) => left ^ right),
    lshift: shift("lshift", (bits, by) => bits << by),
    rshift: shift("rshift", (bits, by) => bits >>> by),
    arshift: shift("arshift", (bits, by) => bits >> by),
    rol: shift("rol", (bits, by) => (bits << by) | (bits >>> (32 - by))),
    ror: shift("ror", (bits, by) => (bits >>> by) | (bits << (32 - by))),
    tohex(state) {
      const bits = bitsOf(state, 1, "tohex") >>> 0;
      const given = lua.api.lua_gettop(state) > 1 ? bitsOf(state, 2, "tohex") : 8;
      const digits = Math.min(8, Math.abs(given));
      const text = digits === 0 ? "" : bits.toString(16).padStart(8, "0").slice(-digits);
      lua.pushText(state, given < 0 ? text.toUpperCase() : text);
      return 1;
    },
  };
}
