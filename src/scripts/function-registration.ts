// `redis.register_function`: what a library says of each of its functions, as a name and a function, or as a table of named
// arguments. The function stays in the interpreter; what is known of it comes here.

import { LuaType, REGISTRY } from "./lua-module.ts";
import type { LuaState } from "./lua-state.ts";
import { type ScriptFlag, scriptFlags } from "./script-header.ts";

/** A function of a library. */
export interface LibraryFunction {
  readonly name: string;
  readonly description: string | undefined;
  readonly flags: ReadonlySet<ScriptFlag>;
  readonly reference: number;
}

/** Redis's answer to a name that is none. */
export const NAME_RULE =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";

/** Whether a library or a function may have a name. */
export function isFunctionName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name);
}

/** Takes the arguments of a registration off the stack; raises Lua's errors. */
export function readRegistration(lua: LuaState, state: number, isKnown: (name: string) => boolean): LibraryFunction {
  const fail = (why: string): never => {
    lua.pushSingle(state, "err", `ERR ${why}`);
    return lua.throwTop(state);
  };
  const count = lua.api.lua_gettop(state);
  if (count < 1 || count > 2) fail("wrong number of arguments to redis.register_function");
  const read = count === 1 ? readNamed(lua, state, fail) : readPositional(lua, state, fail);
  if (!isFunctionName(read.name)) fail(NAME_RULE);
  if (isKnown(read.name)) fail("Function already exists in the library");
  return read;
}

function readPositional(lua: LuaState, state: number, fail: (why: string) => never): LibraryFunction {
  const name = lua.text(state, 1);
  if (name === undefined) return fail("first argument to redis.register_function must be a string");
  if (lua.api.lua_type(state, 2) !== LuaType.function) {
    fail("second argument to redis.register_function must be a function");
  }
  return { name, description: undefined, flags: new Set(), reference: lua.api.luaL_ref(state, REGISTRY) };
}

function readNamed(lua: LuaState, state: number, fail: (why: string) => never): LibraryFunction {
  const { api } = lua;
  if (api.lua_type(state, 1) !== LuaType.table) {
    fail(
      "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
    );
  }
  let name: string | undefined;
  let description: string | undefined;
  let flags: ReadonlySet<ScriptFlag> = new Set();
  let reference: number | undefined;
  api.lua_pushnil(state);
  while (api.lua_next(state, 1) !== 0) {
    if (api.lua_type(state, -2) !== LuaType.string)
      fail("named argument key given to redis.register_function is not a string");
    const key = lua.text(state, -2)?.toLowerCase();
    if (key === "function_name") {
      name = lua.text(state, -1) ?? fail("function_name argument given to redis.register_function must be a string");
    } else if (key === "description") {
      description =
        lua.text(state, -1) ?? fail("description argument given to redis.register_function must be a string");
    } else if (key === "callback") {
      if (api.lua_type(state, -1) !== LuaType.function) {
        fail("callback argument given to redis.register_function must be a function");
      }
      reference = api.luaL_ref(state, REGISTRY);
      continue;
    } else if (key === "flags") {
      flags = readFlags(lua, state, fail);
    } else {
      fail("unknown argument given to redis.register_function");
    }
    api.lua_settop(state, -2);
  }
  if (name === undefined) return fail("redis.register_function must get a function name argument");
  if (reference === undefined) return fail("redis.register_function must get a callback argument");
  return { name, description, flags, reference };
}

function readFlags(lua: LuaState, state: number, fail: (why: string) => never): ReadonlySet<ScriptFlag> {
  const { api } = lua;
  if (api.lua_type(state, -1) !== LuaType.table) {
    fail("flags argument to redis.register_function must be a table representing function flags");
  }
  const flags = new Set<ScriptFlag>();
  for (let index = 1; ; index++) {
    api.lua_rawgeti(state, -1, index);
    if (api.lua_type(state, -1) === LuaType.nil) break;
    const given = lua.text(state, -1)?.toLowerCase();
    const flag = scriptFlags.find((known) => known === given);
    if (flag === undefined) return fail("unknown flag given");
    flags.add(flag);
    api.lua_settop(state, -2);
  }
  api.lua_settop(state, -2);
  return flags;
}
