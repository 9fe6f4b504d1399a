// Scripts as the host's commands find them: made when they are first asked for, and refused where there is no Lua.

import type { Engine } from "../engine.ts";
import { ReplyError } from "../resp.ts";
import { FunctionLibraries } from "../scripts/function-libraries.ts";
import { Scripting } from "../scripts/scripting.ts";
import type { HostClient, HostFacts } from "./host-facts.ts";

/** Milliseconds that a script may take, unless a setting says otherwise. */
const LIMIT_MS = 5000;
/** The level from which on what scripts log is told: notice. */
const LOGGED_LEVEL = 2;

/** Answers a command for a script, in RESP; undefined when its answer would have to be waited for. */
type Answer = (args: readonly Uint8Array[], connection: number, client: HostClient) => Uint8Array | undefined;

/** The scripts and functions of one server or database. */
export class HostScripts {
  readonly #engine: Engine;
  readonly #facts: HostFacts;
  readonly #answer: Answer;
  #scripting: Scripting | undefined;
  #functions: FunctionLibraries | undefined;

  constructor(engine: Engine, facts: HostFacts, answer: Answer) {
    this.#engine = engine;
    this.#facts = facts;
    this.#answer = answer;
  }

  scripting(): Scripting | ReplyError {
    const { scripts: source, redisVersion, scriptLimit, scriptLog } = this.#facts;
    if (source === undefined) {
      return new ReplyError("ERR scripts run in nearkey's server and in Node only: there is no Lua here");
    }
    this.#scripting ??= new Scripting({
      engine: this.#engine,
      source,
      redisVersion,
      limitMs: () => scriptLimit?.ms ?? LIMIT_MS,
      answer: this.#answer,
      log: (level, text) => {
        if (level >= LOGGED_LEVEL) scriptLog?.(text);
      },
    });
    return this.#scripting;
  }

  functions(): FunctionLibraries | ReplyError {
    const scripting = this.scripting();
    if (scripting instanceof ReplyError) return scripting;
    this.#functions ??= new FunctionLibraries(scripting);
    return this.#functions;
  }
}
