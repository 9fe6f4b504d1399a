// Lua 5.1 itself: the C interpreter as `wasmoon-lua5.1` compiles it to WebAssembly, without that package's JavaScript. Its
// module names what it imports and exports, so it is instantiated here, in the same turn of the event loop as the first
// script comes in, and the C API is called directly: strings stay bytes, and nothing waits for a promise. What Lua calls an
// error is C's longjmp, which such builds throw through JavaScript. Files, programs and the environment are not there.
// Its memory is its own: what a script allocates is bounded, and cannot reach the engine's.

/** Types of Lua's values, as `lua_type` tells them. */
export const LuaType = { nil: 0, boolean: 1, light: 2, number: 3, string: 4, table: 5, function: 6 } as const;

/** The table that scripts cannot see. */
export const REGISTRY = -10000;

type Integer = number;

/** What of Lua's C API is used; addresses are those of Lua's memory. */
export interface LuaExports {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table: WebAssembly.Table;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  stackSave(): Integer;
  stackRestore(stack: Integer): void;
  setThrew(threw: Integer, value: Integer): void;
  malloc(bytes: Integer): Integer;
  free(address: Integer): void;
  luaL_newstate(): Integer;
  luaL_openlibs(state: Integer): void;
  lua_close(state: Integer): void;
  luaL_loadbuffer(state: Integer, text: Integer, bytes: Integer, name: Integer): Integer;
  luaL_ref(state: Integer, table: Integer): Integer;
  luaL_unref(state: Integer, table: Integer, reference: Integer): void;
  luaL_where(state: Integer, level: Integer): void;
  lua_checkstack(state: Integer, slots: Integer): Integer;
  lua_concat(state: Integer, count: Integer): void;
  lua_createtable(state: Integer, array: Integer, hash: Integer): void;
  lua_error(state: Integer): Integer;
  lua_gc(state: Integer, what: Integer, amount: Integer): Integer;
  lua_getfield(state: Integer, index: Integer, name: Integer): void;
  lua_gettop(state: Integer): Integer;
  lua_insert(state: Integer, index: Integer): void;
  lua_isnumber(state: Integer, index: Integer): Integer;
  lua_next(state: Integer, index: Integer): Integer;
  lua_pcall(state: Integer, given: Integer, wanted: Integer, handler: Integer): Integer;
  lua_pushboolean(state: Integer, value: Integer): void;
  lua_pushcclosure(state: Integer, place: Integer, upvalues: Integer): void;
  lua_pushlightuserdata(state: Integer, address: Integer): void;
  lua_pushlstring(state: Integer, text: Integer, bytes: Integer): void;
  lua_pushnil(state: Integer): void;
  lua_pushnumber(state: Integer, value: number): void;
  lua_pushvalue(state: Integer, index: Integer): void;
  lua_rawget(state: Integer, index: Integer): void;
  lua_rawgeti(state: Integer, index: Integer, place: Integer): void;
  lua_rawset(state: Integer, index: Integer): void;
  lua_rawseti(state: Integer, index: Integer, place: Integer): void;
  lua_setfenv(state: Integer, index: Integer): Integer;
  lua_sethook(state: Integer, hook: Integer, mask: Integer, count: Integer): Integer;
  lua_settop(state: Integer, top: Integer): void;
  lua_toboolean(state: Integer, index: Integer): Integer;
  lua_tolstring(state: Integer, index: Integer, bytesAt: Integer): Integer;
  lua_tonumber(state: Integer, index: Integer): number;
  lua_touserdata(state: Integer, index: Integer): Integer;
  lua_type(state: Integer, index: Integer): Integer;
}

/** A function that Lua calls: takes the thread, answers how many results it has pushed. */
export type LuaFunction = (state: number) => number;
/** What Lua calls every so many instructions. */
export type LuaHook = (state: number, activation: number) => void;

const PAGE_BYTES = 65536;
/** What an unsupported system call answers: ENOSYS, by wasi's number and negated as the kernel's is. */
const UNSUPPORTED_WASI = 52;
const UNSUPPORTED = -38;

/** What Lua throws as its errors. */
const LONGJMP = new Error("an error of Lua came out of Lua");

/**
 * Instantiates Lua.
 *
 * @param memoryBytesMax beyond it allocations fail, which scripts see as the error `not enough memory`
 */
export function instantiateLua(module: WebAssembly.Module, memoryBytesMax: number): LuaExports {
  const { exports } = new WebAssembly.Instance(
    module,
    imports(() => lua, memoryBytesMax),
  );
  const lua = exports as unknown as LuaExports;
  lua.emscripten_stack_init();
  lua.__wasm_call_ctors();
  return lua;
}

function imports(lua: () => LuaExports, memoryBytesMax: number): WebAssembly.Imports {
  const protectedCalls: ((first: number, second: number) => void)[] = [];
  const unsupported = (): number => UNSUPPORTED;
  const unsupportedWasi = (): number => UNSUPPORTED_WASI;
  const fail = (what: string) => (): never => {
    throw new Error(`Lua ${what}`);
  };
  const env = {
    invoke_vii(place: number, first: number, second: number): void {
      const stack = lua().stackSave();
      protectedCalls[place] ??= lua().__indirect_function_table.get(place);
      try {
        protectedCalls[place]?.(first, second);
      } catch (error) {
        lua().stackRestore(stack);
        if (error !== LONGJMP) throw error;
        lua().setThrew(1, 0);
      }
    },
    _emscripten_throw_longjmp(): never {
      throw LONGJMP;
    },
    emscripten_resize_heap: (bytes: number): number => (growTo(lua().memory, bytes >>> 0, memoryBytesMax) ? 1 : 0),
    emscripten_memcpy_js(to: number, from: number, bytes: number): void {
      new Uint8Array(lua().memory.buffer).copyWithin(to, from, from + bytes);
    },
    emscripten_date_now: Date.now,
    _emscripten_get_now_is_monotonic: () => 0,
    exit: fail("ended itself"),
    strftime: () => 0,
    __syscall_openat: unsupported,
    __syscall_fcntl64: unsupported,
    __syscall_ioctl: unsupported,
    __syscall_dup3: unsupported,
    __syscall_unlinkat: unsupported,
    __syscall_rmdir: unsupported,
    __syscall_renameat: unsupported,
    __syscall_readlinkat: unsupported,
    _emscripten_system: unsupported,
    _tzset_js: () => undefined,
    _mktime_js: () => -1,
    _localtime_js: () => undefined,
    _gmtime_js: () => undefined,
  };
  const wasi = {
    fd_write: unsupportedWasi,
    fd_read: unsupportedWasi,
    fd_close: unsupportedWasi,
    fd_seek: unsupportedWasi,
    environ_get: unsupportedWasi,
    environ_sizes_get: unsupportedWasi,
  };
  return { env, wasi_snapshot_preview1: wasi };
}

/** A quarter more than asked for, so that a growing script asks seldom. */
function growTo(memory: WebAssembly.Memory, bytes: number, most: number): boolean {
  if (bytes > most) return false;
  const wanted = Math.min(most, bytes * 1.25);
  try {
    memory.grow(Math.ceil((wanted - memory.buffer.byteLength) / PAGE_BYTES));
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes functions that Lua can call by their places in its table, which takes WebAssembly's functions only: they are
 * imported by a module made for them that exports them again.
 *
 * @returns their places
 */
export function placeFunctions(lua: LuaExports, functions: readonly (LuaFunction | LuaHook)[]): number[] {
  const given = Object.fromEntries(functions.map((each, index) => [String(index), each]));
  const module = new WebAssembly.Module(adapter(functions.map((each) => each.length)));
  const { exports } = new WebAssembly.Instance(module, { e: given });
  const table = lua.__indirect_function_table;
  const first = table.grow(functions.length);
  return functions.map((_, index) => {
    table.set(first + index, exports[String(index)] as CallableFunction);
    return first + index;
  });
}

const I32 = 0x7f;

/** The adapter's bytes: functions of one argument answer a number, those of two nothing. */
function adapter(parameters: readonly number[]): Uint8Array<ArrayBuffer> {
  const types = [2, 0x60, 1, I32, 1, I32, 0x60, 2, I32, I32, 0];
  const name = (index: number): number[] => {
    const text = [...String(index)].map((digit) => digit.charCodeAt(0));
    return [text.length, ...text];
  };
  const imported = parameters.flatMap((count, index) => [1, 0x65, ...name(index), 0, count - 1]);
  const exported = parameters.flatMap((_, index) => [...name(index), 0, ...leb(index)]);
  const count = leb(parameters.length);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(2, [...count, ...imported]),
    ...section(7, [...count, ...exported]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
