// An interpreter made ready for scripts: libraries, sandbox, error handler, and the hook that ends what takes too long. Lua calls
// the hook every 100,000 instructions, about a millisecond. A script that has changed something has ten times as long, since what it
// did stays, as after any error. What an interpreter was broken by (its stack, JavaScript's stack) costs the interpreter, not the
// server: whoever runs scripts makes another.

import { bytesOf } from "../text.ts";
import { bitFunctions } from "./bit-library.ts";
import { jsonFunctions } from "./json-library.ts";
import { type LuaFunction, LuaType, REGISTRY } from "./lua-module.ts";
import { LuaState } from "./lua-state.ts";
import { msgpackFunctions } from "./msgpack-library.ts";
import { RedisFunctions, type ScriptSurroundings } from "./redis-functions.ts";
import { ReplyWriter } from "./reply-writer.ts";
import { SANDBOX, SANDBOX_CODE } from "./sandbox.ts";
import type { ScriptRun } from "./script-run.ts";
import { structFunctions } from "./struct-library.ts";

/** Memory that scripts may take, beside the database's. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;
/** An interpreter that has grown beyond this is replaced once its script has ended: WebAssembly's memory never shrinks. */
const KEPT_BYTES = 96 * 1024 * 1024;
const HOOK_INSTRUCTIONS = 100_000;
/** A script that has changed something may take so many times as long. */
const PATIENCE = 10;
const MASK_LINE = 4;
const MASK_COUNT = 8;
/** What `lua_gc` is told for a whole cycle. */
const COLLECT = 2;
const VERSION_NUMBER = 0x00080002;

/** What a chunk or a function is found by. */
export type Reference = number;

/** What became of a call. */
export type Ending = { readonly reply: Uint8Array } | { readonly error: ScriptError };

/** Why a script failed, and where. */
export interface ScriptError {
  readonly text: string;
  readonly source: string | undefined;
  readonly line: string | undefined;
}

/** Takes the functions that a library registers while it is loaded. */
export type Register = (state: number, lua: LuaState) => void;

/** One interpreter. */
export class LuaRuntime {
  readonly lua: LuaState;
  readonly #redis: RedisFunctions;
  readonly #writer: ReplyWriter;
  readonly #hook: number;
  readonly #handler: Reference;
  readonly #globals: Reference;
  readonly #functions: Reference;
  readonly #showLoader: Reference;
  readonly #random = new Random();
  #run: ScriptRun | undefined;
  /** While a library is loaded: takes its functions. */
  #register: Register | undefined;

  constructor(module: WebAssembly.Module, around: ScriptSurroundings, redisVersion: string) {
    this.lua = new LuaState(module, MEMORY_BYTES_MAX);
    this.#redis = new RedisFunctions(this.lua, around);
    this.#writer = new ReplyWriter(this.lua);
    this.#hook = this.lua.place([(state: number, _activation: number) => this.#interrupt(state)])[0] as number;
    const results = this.#makeSandbox(redisVersion);
    [this.#handler, this.#globals, this.#functions, this.#showLoader] = results as [number, number, number, number];
    this.#watch(this.lua.main);
  }

  /** Whether it should be replaced. */
  get isWornOut(): boolean {
    return this.lua.memoryBytes > KEPT_BYTES;
  }

  // ---- making

  #makeSandbox(redisVersion: string): Reference[] {
    const { lua } = this;
    const { api, main } = lua;
    const problem = lua.compile(main, bytesOf(SANDBOX_CODE), SANDBOX);
    if (problem !== undefined) throw new Error(problem);
    this.#pushHost(redisVersion);
    if (api.lua_pcall(main, 1, 4, 0) !== 0) throw new Error(lua.text(main, -1));
    const references = [0, 0, 0, 0].map(() => api.luaL_ref(main, REGISTRY));
    return references.reverse();
  }

  #pushHost(redisVersion: string): void {
    const { lua } = this;
    const { api, main } = lua;
    const libraries = {
      cjson: jsonFunctions(lua),
      cmsgpack: msgpackFunctions(lua),
      struct: structFunctions(lua),
      bit: bitFunctions(lua),
    };
    api.lua_createtable(main, 0, 0);
    this.#field("libraries", () => {
      api.lua_createtable(main, 0, 0);
      for (const [name, functions] of Object.entries(libraries)) this.#field(name, () => this.#pushTable(functions));
      this.#addConstants();
    });
    const logging = { log: this.#redis.log() };
    const versions = { REDIS_VERSION: redisVersion, REDIS_VERSION_NUM: VERSION_NUMBER };
    const levels = { LOG_DEBUG: 0, LOG_VERBOSE: 1, LOG_NOTICE: 2, LOG_WARNING: 3, ...versions };
    const targets = { REPL_NONE: 0, REPL_AOF: 1, REPL_SLAVE: 2, REPL_REPLICA: 2, REPL_ALL: 3 };
    this.#field("redis", () => this.#pushTable({ ...this.#redis.all(), ...logging }, { ...levels, ...targets }));
    this.#field("logging", () => this.#pushTable(logging, levels));
    this.#field("debugging", () => this.#pushTable(debuggingFunctions(lua)));
    this.#field("register", () => this.#pushFunctions([(state) => this.#registerFunction(state)]));
    this.#field("clock", () => this.#pushFunctions([(state) => this.#pushClock(state)]));
    this.#field("random", () => this.#pushFunctions([(state) => this.#random.next(lua, state)]));
    this.#field("randomseed", () => this.#pushFunctions([(state) => this.#random.seed(lua, state)]));
  }

  /** What is in the libraries beside functions. */
  #addConstants(): void {
    const { api, main } = this.lua;
    this.lua.pushField(main, -1, "cjson");
    this.#field("null", () => api.lua_pushlightuserdata(main, 0));
    this.#field("_NAME", () => this.lua.pushText(main, "cjson"));
    this.#field("_VERSION", () => this.lua.pushText(main, "2.1.0"));
    api.lua_settop(main, -2);
    this.lua.pushField(main, -1, "cmsgpack");
    this.#field("_NAME", () => this.lua.pushText(main, "cmsgpack"));
    this.#field("_VERSION", () => this.lua.pushText(main, "lua-cmsgpack 0.4.0"));
    api.lua_settop(main, -2);
  }

  #field(name: string, push: () => void): void {
    this.lua.pushName(this.lua.main, name);
    push();
    this.lua.api.lua_rawset(this.lua.main, -3);
  }

  #pushFunctions(functions: readonly LuaFunction[]): void {
    for (const place of this.lua.place(functions)) this.lua.pushFunction(this.lua.main, place);
  }

  #pushTable(
    functions: Readonly<Record<string, LuaFunction>>,
    values: Readonly<Record<string, string | number>> = {},
  ): void {
    const { lua } = this;
    lua.api.lua_createtable(lua.main, 0, 0);
    const places = lua.place(Object.values(functions));
    Object.keys(functions).forEach((name, index) => {
      this.#field(name, () => lua.pushFunction(lua.main, places[index] as number));
    });
    for (const [name, value] of Object.entries(values)) {
      this.#field(name, () => {
        if (typeof value === "number") lua.api.lua_pushnumber(lua.main, value);
        else lua.pushText(lua.main, value);
      });
    }
  }

  // ---- code

  /** Compiles a script; where it is found, or why not. */
  compileScript(code: Uint8Array): Reference | string {
    const problem = this.lua.compile(this.lua.main, code, "@user_script");
    return problem ?? this.lua.api.luaL_ref(this.lua.main, REGISTRY);
  }

  /** Forgets a script or a function. */
  forget(reference: Reference): void {
    this.lua.api.luaL_unref(this.lua.main, REGISTRY, reference);
  }

  /** Frees what nothing refers to. */
  collect(): void {
    this.lua.api.lua_gc(this.lua.main, COLLECT, 0);
  }

  /** Runs the code of a library, which registers its functions; why not, or undefined. */
  loadLibrary(code: Uint8Array, run: ScriptRun, register: Register): string | undefined {
    const { lua } = this;
    const { api, main } = lua;
    const problem = lua.compile(main, code, "@user_function");
    if (problem !== undefined) return `Error compiling function: ${problem}`;
    api.lua_rawgeti(main, REGISTRY, this.#functions);
    api.lua_setfenv(main, -2);
    this.#setLoading(true);
    this.#run = run;
    this.#register = register;
    try {
      if (api.lua_pcall(main, 0, 0, 0) === 0) return undefined;
      return `Error registering functions: ${this.#errorOfTop(main).text}`;
    } finally {
      this.#register = undefined;
      this.#run = undefined;
      this.#watch(main);
      api.lua_settop(main, 0);
      this.#setLoading(false);
    }
  }

  #setLoading(isLoading: boolean): void {
    const { api, main } = this.lua;
    api.lua_rawgeti(main, REGISTRY, this.#showLoader);
    api.lua_pushboolean(main, isLoading ? 1 : 0);
    api.lua_pcall(main, 1, 0, 0);
  }

  #registerFunction(state: number): number {
    if (this.#register === undefined) {
      this.lua.pushSingle(state, "err", "ERR redis.register_function can only be called on FUNCTION LOAD command");
      return this.lua.throwTop(state);
    }
    this.#register(state, this.lua);
    return 0;
  }

  // ---- running

  /**
   * Runs a script, to which KEYS and ARGV are globals, or a function, which gets them as arguments.
   *
   * @param client the version in which the reply is written
   */
  call(
    reference: Reference,
    keys: readonly Uint8Array[],
    args: readonly Uint8Array[],
    run: ScriptRun,
    client: 2 | 3,
  ): Ending {
    const { api, main } = this.lua;
    this.#run = run;
    this.#redis.run = run;
    try {
      api.lua_rawgeti(main, REGISTRY, this.#handler);
      if (!run.isFunction) this.#setGlobals(keys, args);
      api.lua_rawgeti(main, REGISTRY, reference);
      if (run.isFunction) {
        this.#pushArray(keys);
        this.#pushArray(args);
      }
      const failed = api.lua_pcall(main, run.isFunction ? 2 : 0, 1, 1) !== 0;
      if (failed) return { error: this.#errorOfTop(main) };
      return { reply: this.#writer.write(main, client, run.protocol) };
    } finally {
      this.#run = undefined;
      this.#redis.run = undefined;
      api.lua_settop(main, 0);
    }
  }

  #setGlobals(keys: readonly Uint8Array[], args: readonly Uint8Array[]): void {
    const { api, main } = this.lua;
    api.lua_rawgeti(main, REGISTRY, this.#globals);
    this.lua.pushName(main, "KEYS");
    this.#pushArray(keys);
    api.lua_rawset(main, -3);
    this.lua.pushName(main, "ARGV");
    this.#pushArray(args);
    api.lua_rawset(main, -3);
    api.lua_settop(main, -2);
  }

  #pushArray(items: readonly Uint8Array[]): void {
    const { api, main } = this.lua;
    api.lua_createtable(main, items.length, 0);
    for (let index = 0; index < items.length; index++) {
      const item = items[index] as Uint8Array;
      this.lua.pushBytes(main, item, 0, item.length);
      api.lua_rawseti(main, -2, index + 1);
    }
  }

  /** The error on top of the stack: a table with a text and a place, or whatever was thrown. */
  #errorOfTop(state: number): ScriptError {
    const { api } = this.lua;
    if (api.lua_type(state, -1) !== LuaType.table) {
      return { text: `ERR ${this.lua.text(state, -1) ?? "execution failure"}`, source: undefined, line: undefined };
    }
    const field = (name: string): string | undefined => {
      this.lua.pushField(state, -1, name);
      const text = this.lua.text(state, -1);
      api.lua_settop(state, -2);
      return text;
    };
    return { text: field("err") ?? "ERR unknown error", source: field("source"), line: field("line") };
  }

  // ---- the hook

  #watch(state: number): void {
    this.lua.api.lua_sethook(state, this.#hook, MASK_COUNT, HOOK_INSTRUCTIONS);
  }

  /** From the first time on it is asked at every line, so that a script that catches the error comes to no other end. */
  #interrupt(state: number): void {
    const run = this.#run;
    if (run === undefined || run.limitMs === 0) return;
    const limitMs = run.wrote ? run.limitMs * PATIENCE : run.limitMs;
    if (performance.now() - run.startedMs < limitMs) return;
    this.lua.api.lua_sethook(state, this.#hook, MASK_LINE, 0);
    const text =
      this.#register === undefined ? `Script ended: it took longer than ${limitMs} ms` : "FUNCTION LOAD timeout";
    this.lua.pushSingle(state, "err", `ERR ${text}`);
    this.lua.throwTop(state);
  }

  /** After a script that took too long. */
  rewind(): void {
    this.#watch(this.lua.main);
  }

  #pushClock(state: number): number {
    this.lua.api.lua_pushnumber(state, performance.now() / 1000);
    return 1;
  }
}

/** There is no debugger: nothing stops, and nobody is told. */
function debuggingFunctions(lua: LuaState): Readonly<Record<string, LuaFunction>> {
  return {
    breakpoint(state) {
      lua.api.lua_pushboolean(state, 0);
      return 1;
    },
    debug: (_state) => 0,
    replicate_commands(state) {
      lua.api.lua_pushboolean(state, 1);
      return 1;
    },
  };
}

const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const BITS = (1n << 48n) - 1n;
const RANGE = 0x7fffffff;

/** `math.random`: 48 bits of state, the same numbers from the same seed everywhere. */
class Random {
  #state = 0x1234abcd330en;

  next(lua: LuaState, state: number): number {
    const { api } = lua;
    this.#state = (this.#state * MULTIPLIER + INCREMENT) & BITS;
    const share = (Number(this.#state >> 17n) % RANGE) / RANGE;
    const given = api.lua_gettop(state);
    if (given > 2) lua.raise(state, "wrong number of arguments");
    if (given === 0) {
      api.lua_pushnumber(state, share);
      return 1;
    }
    for (let index = 1; index <= given; index++) {
      if (!lua.isNumber(state, index)) lua.raise(state, `bad argument #${index} to 'random' (number expected)`);
    }
    const least = given === 2 ? Math.trunc(api.lua_tonumber(state, 1)) : 1;
    const most = Math.trunc(api.lua_tonumber(state, given));
    if (least > most) lua.raise(state, `bad argument #${given} to 'random' (interval is empty)`);
    api.lua_pushnumber(state, Math.floor(share * (most - least + 1)) + least);
    return 1;
  }

  seed(lua: LuaState, state: number): number {
    if (!lua.isNumber(state, 1)) lua.raise(state, "bad argument #1 to 'randomseed' (number expected)");
    const seed = Math.trunc(lua.api.lua_tonumber(state, 1));
    this.#state = (BigInt(seed >>> 0) << 16n) | 0x330en;
    return 0;
  }
}
