// The table `redis` of scripts: calling commands, replies of their own, digests, the log. A call costs one copy of its arguments
// and one of its reply, between Lua's memory and the engine's; what the engine leaves to the host is answered by the host as for
// any client, as long as it is answered at once.

import { type EngineScripts, ScriptCall } from "../engine-scripts.ts";
import { bytesOf } from "../text.ts";
import { type LuaFunction, LuaType } from "./lua-module.ts";
import type { LuaState } from "./lua-state.ts";
import { argumentText } from "./number-text.ts";
import { ReplyReader } from "./reply-reader.ts";
import type { ScriptRun } from "./script-run.ts";

/** What scripts need of what is around them. */
export interface ScriptSurroundings {
  readonly scripts: EngineScripts;
  /** Answers a command of the host at once, in RESP; undefined when it would have to wait. */
  answer(args: readonly Uint8Array[], run: ScriptRun): Uint8Array | undefined;
  /** Whether there is a command of this name. */
  isCommand(name: string): boolean;
  sha1(bytes: Uint8Array): string;
  log(level: number, text: string): void;
}

/** Levels of `redis.log`: debug to warning. */
const LEVEL_MAX = 3;
/** Flags of `redis.set_repl`: log 1, replicas 2. */
const REPLICATION_MAX = 3;

const REFUSALS: Readonly<Partial<Record<ScriptCall, string>>> = {
  [ScriptCall.Unknown]: "ERR Unknown Redis command called from script",
  [ScriptCall.Arity]: "ERR Wrong number of args calling Redis command from script",
  [ScriptCall.Forbidden]: "ERR This Redis command is not allowed from script",
  [ScriptCall.ReadOnly]: "ERR Write commands are not allowed from read-only scripts.",
  [ScriptCall.NoMemory]: "OOM command not allowed when used memory > 'maxmemory'.",
};

/** The functions, for the script that runs. */
export class RedisFunctions {
  readonly #lua: LuaState;
  readonly #around: ScriptSurroundings;
  readonly #replies: ReplyReader;
  run: ScriptRun | undefined;

  constructor(lua: LuaState, around: ScriptSurroundings) {
    this.#lua = lua;
    this.#around = around;
    this.#replies = new ReplyReader(lua);
  }

  /** By name; those that need the script that runs refuse without one. */
  all(): Readonly<Record<string, LuaFunction>> {
    return {
      call: (state) => this.#call(state, true),
      pcall: (state) => this.#call(state, false),
      sha1hex: (state) => this.#sha1hex(state),
      error_reply: (state) => this.#errorReply(state),
      status_reply: (state) => this.#statusReply(state),
      setresp: (state) => this.#setProtocol(state),
      set_repl: (state) => this.#setReplication(state),
      acl_check_cmd: (state) => this.#checkCommand(state),
    };
  }

  /** `redis.log`, which libraries have while they are loaded, too. */
  log(): LuaFunction {
    return (state) => this.#log(state);
  }

  // ---- redis.call

  #call(state: number, raises: boolean): number {
    const count = this.#lua.api.lua_gettop(state);
    if (count === 0)
      return this.#fail(state, raises, "ERR Please specify at least one argument for this redis lib call");
    const run = this.run;
    if (run === undefined) return this.#fail(state, raises, "ERR redis.call can only be called by a script that runs");
    if (!this.#give(state, count)) {
      return this.#fail(state, raises, "ERR Lua redis lib command arguments must be strings or integers");
    }
    const { scripts } = this.#around;
    const ending = scripts.call(run.mayWrite);
    if (ending === ScriptCall.Replied) {
      if (scripts.wrote) run.wrote = true;
      return this.#take(state, raises, scripts.reply, scripts.replyFrom);
    }
    if (ending === ScriptCall.Host) return this.#askHost(state, count, raises, run);
    return this.#fail(state, raises, REFUSALS[ending] ?? "ERR the command cannot be called");
  }

  /** Gives the arguments on the stack to the engine; false when one is neither text nor a number. */
  #give(state: number, count: number): boolean {
    const { scripts } = this.#around;
    const { api } = this.#lua;
    scripts.start();
    for (let index = 1; index <= count; index++) {
      const type = api.lua_type(state, index);
      if (type === LuaType.number) {
        const text = bytesOf(argumentText(api.lua_tonumber(state, index)));
        if (!scripts.add(text, 0, text.length)) return this.#giveLarge(state, count);
      } else if (type === LuaType.string) {
        this.#lua.readText(state, index);
        if (!scripts.add(this.#lua.bytes(), this.#lua.textAt, this.#lua.textBytes))
          return this.#giveLarge(state, count);
      } else {
        return false;
      }
    }
    return true;
  }

  #giveLarge(state: number, count: number): boolean {
    const args = this.#copies(state, count);
    if (args === undefined) return false;
    this.#around.scripts.start();
    for (const argument of args) this.#around.scripts.addLarge(argument);
    return true;
  }

  /** The arguments as bytes of our own; undefined when one is neither text nor a number. */
  #copies(state: number, count: number): Uint8Array[] | undefined {
    const { api } = this.#lua;
    const args: Uint8Array[] = [];
    for (let index = 1; index <= count; index++) {
      const isNumber = api.lua_type(state, index) === LuaType.number;
      const argument = isNumber
        ? bytesOf(argumentText(api.lua_tonumber(state, index)))
        : api.lua_type(state, index) === LuaType.string && this.#lua.copyText(state, index);
      if (!argument) return undefined;
      args.push(argument);
    }
    return args;
  }

  #askHost(state: number, count: number, raises: boolean, run: ScriptRun): number {
    const args = this.#copies(state, count) ?? [];
    this.#around.scripts.finishHostCall();
    const reply = this.#around.answer(args, run);
    if (reply === undefined) {
      return this.#fail(state, raises, "ERR this command may take a while and is not allowed in a script");
    }
    return this.#take(state, raises, reply, 0);
  }

  #take(state: number, raises: boolean, reply: Uint8Array, at: number): number {
    const isError = this.#replies.push(state, reply, at);
    return isError && raises ? this.#lua.throwTop(state) : 1;
  }

  /** Raises an error of ours, or answers it as a value. */
  #fail(state: number, raises: boolean, text: string): number {
    this.#lua.pushSingle(state, "err", text);
    return raises ? this.#lua.throwTop(state) : 1;
  }

  // ---- the others

  #sha1hex(state: number): number {
    if (this.#lua.api.lua_gettop(state) !== 1) return this.#fail(state, true, "ERR wrong number of arguments");
    this.#lua.pushText(state, this.#around.sha1(this.#lua.copyText(state, 1) ?? new Uint8Array(0)));
    return 1;
  }

  /** A text without a code gets one, and the dash that some write in front goes. */
  #errorReply(state: number): number {
    if (!this.#hasOneText(state)) return this.#fail(state, false, "ERR wrong number or type of arguments");
    const given = (this.#lua.text(state, 1) ?? "").replace(/^-/, "").replace(/[\r\n]+$/, "");
    this.#lua.pushSingle(state, "err", given.includes(" ") ? given : `ERR ${given}`);
    return 1;
  }

  #statusReply(state: number): number {
    if (!this.#hasOneText(state)) return this.#fail(state, false, "ERR wrong number or type of arguments");
    this.#lua.api.lua_createtable(state, 0, 1);
    this.#lua.pushName(state, "ok");
    this.#lua.api.lua_pushvalue(state, 1);
    this.#lua.api.lua_rawset(state, -3);
    return 1;
  }

  #hasOneText(state: number): boolean {
    return this.#lua.api.lua_gettop(state) === 1 && this.#lua.api.lua_type(state, 1) === LuaType.string;
  }

  #setProtocol(state: number): number {
    if (this.#lua.api.lua_gettop(state) !== 1)
      return this.#fail(state, true, "ERR redis.setresp() requires one argument.");
    const version = Math.trunc(this.#lua.api.lua_tonumber(state, 1));
    if (version !== 2 && version !== 3) return this.#fail(state, true, "ERR RESP version must be 2 or 3.");
    this.#around.scripts.setProtocol(version);
    if (this.run !== undefined) this.run.protocol = version;
    return 0;
  }

  /** What a script does is always logged: the flags are checked and change nothing. */
  #setReplication(state: number): number {
    if (this.#lua.api.lua_gettop(state) !== 1)
      return this.#fail(state, true, "ERR redis.set_repl() requires one argument.");
    const flags = Math.trunc(this.#lua.api.lua_tonumber(state, 1));
    if ((flags & ~REPLICATION_MAX) === 0) return 0;
    const text = "ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.";
    return this.#fail(state, true, text);
  }

  /** There is one user, who may do everything. */
  #checkCommand(state: number): number {
    const count = this.#lua.api.lua_gettop(state);
    if (count === 0) return this.#fail(state, true, "ERR Please specify at least one argument for this redis lib call");
    const args = this.#copies(state, count);
    if (args === undefined) {
      return this.#fail(state, true, "ERR Lua redis lib command arguments must be strings or integers");
    }
    if (!this.#around.isCommand(this.#lua.text(state, 1) ?? "")) {
      return this.#fail(state, true, "ERR Invalid command passed to redis.acl_check_cmd()");
    }
    this.#lua.api.lua_pushboolean(state, 1);
    return 1;
  }

  #log(state: number): number {
    const count = this.#lua.api.lua_gettop(state);
    if (count < 2) return this.#fail(state, true, "ERR redis.log() requires two arguments or more.");
    if (!this.#lua.isNumber(state, 1))
      return this.#fail(state, true, "ERR First argument must be a number (log level).");
    const level = Math.trunc(this.#lua.api.lua_tonumber(state, 1));
    if (level < 0 || level > LEVEL_MAX) return this.#fail(state, true, "ERR Invalid log level.");
    const words: string[] = [];
    for (let index = 2; index <= count; index++) words.push(this.#lua.text(state, index) ?? "");
    this.#around.log(level, words.join(" "));
    return 0;
  }
}
