// The commands that concern the connection and the process rather than the keys: the engine hands them over with
// their arguments, and the answer goes back into its reply stream. There is no socket in here: the server, and a
// database embedded in a program, answer through the same table. Texts and orders of checks are those of Redis 8.

import { ConnectionMode, type Engine, Outcome } from "../engine.ts";
import { encodeReply, ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { functionCallCommand, functionCommand } from "../scripts/function-commands.ts";
import type { FunctionLibraries } from "../scripts/function-libraries.ts";
import { evalCommand, evalShaCommand, scriptCommand } from "../scripts/script-commands.ts";
import type { Scripting } from "../scripts/scripting.ts";
import { aclCommand } from "./admin/acl-command.ts";
import { debugCommand } from "./admin/debug-command.ts";
import { latencyCommand } from "./admin/latency-command.ts";
import { lolwutCommand, roleCommand, timeCommand, waitCommand, waitLogCommand } from "./admin/replication-commands.ts";
import {
  EncodedReply,
  type HostCall,
  type HostReply,
  isPlainName,
  NAME_ERROR,
  NOT_IN_TRANSACTION,
  Verbatim,
  wrongArity,
} from "./host-call.ts";
import { clientCommand } from "./host-client.ts";
import { commandCommand } from "./host-command-table.ts";
import type { HostClient, HostFacts, Verdict } from "./host-facts.ts";
import { infoCommand } from "./host-report.ts";
import { HostScripts } from "./host-scripts.ts";
import { configCommand } from "./host-settings.ts";
import { memoryCommand } from "./memory-report.ts";
import { backgroundSaveCommand, lastSaveCommand, rewriteLogCommand, saveCommand } from "./save-commands.ts";
import { slowLogCommand } from "./slow-log-command.ts";

/** A reply in RESP, and whether the connection ends after it. */
interface HostAnswer {
  readonly reply: Uint8Array;
  readonly close: boolean;
}

/** How answering ended. */
export interface Served {
  readonly outcome: Outcome;
  readonly closes: boolean;
}

/** A reply that takes a while to find is promised; its client waits, and nobody else. */
export type Handler = (call: HostCall) => HostReply | Promise<HostReply>;

const OK = new SimpleString("OK");
const VERDICT_ERRORS: Readonly<Record<Exclude<Verdict, "right">, string>> = {
  wrong: "WRONGPASS invalid username-password pair or user is disabled.",
  busy: "ERR too many clients authenticate at the same time, try again in a second",
};

const HANDLERS: Readonly<Record<string, Handler>> = {
  ACL: aclCommand,
  AUTH: auth,
  BGREWRITEAOF: rewriteLogCommand,
  BGSAVE: backgroundSaveCommand,
  DEBUG: debugCommand,
  EVAL: (call) => evalCommand(call, false),
  EVAL_RO: (call) => evalCommand(call, true),
  EVALSHA: (call) => evalShaCommand(call, false),
  EVALSHA_RO: (call) => evalShaCommand(call, true),
  FCALL: (call) => functionCallCommand(call, false),
  FCALL_RO: (call) => functionCallCommand(call, true),
  FUNCTION: functionCommand,
  HELLO: hello,
  CLIENT: clientCommand,
  COMMAND: commandCommand,
  CONFIG: configCommand,
  INFO: infoCommand,
  LASTSAVE: lastSaveCommand,
  LATENCY: latencyCommand,
  LOLWUT: lolwutCommand,
  MEMORY: memoryCommand,
  QUIT: quit,
  RESET: reset,
  ROLE: roleCommand,
  SAVE: saveCommand,
  SCRIPT: scriptCommand,
  SLOWLOG: slowLogCommand,
  TIME: timeCommand,
  VADDMANY: addMany,
  VSIM: leftSearch,
  WAIT: waitCommand,
  WAITAOF: waitLogCommand,
};

const decoder = new TextDecoder();

/** A command on its way to its handler. A class: an object made with a getter of its own would cost 2 µs each time. */
class CommandCall implements HostCall {
  closes = false;
  readonly inTransaction: boolean;
  #words: string[] | undefined;
  readonly #scripts: HostScripts;

  constructor(
    readonly bytes: readonly Uint8Array[],
    readonly connection: number,
    readonly client: HostClient,
    readonly engine: Engine,
    readonly facts: HostFacts,
    scripts: HostScripts,
  ) {
    this.inTransaction = engine.connections.hasMode(connection, ConnectionMode.Executing);
    this.#scripts = scripts;
  }

  /** Decoded when they are asked for: a script's arguments may be long, and it wants none of them as text. */
  get words(): readonly string[] {
    this.#words ??= this.bytes.map((argument) => decoder.decode(argument));
    return this.#words;
  }

  scripting(): Scripting | ReplyError {
    return this.#scripts.scripting();
  }

  functions(): FunctionLibraries | ReplyError {
    return this.#scripts.functions();
  }
}

/** Answers the commands that the engine leaves to its host. */
export class HostCommands {
  private readonly handlers: Readonly<Record<string, Handler>>;
  private readonly scripts: HostScripts;

  /** @param others commands, by name, that are answered otherwise than usual */
  constructor(
    private readonly engine: Engine,
    private readonly facts: HostFacts,
    others: Readonly<Record<string, Handler>> = {},
  ) {
    this.handlers = { ...HANDLERS, ...others };
    this.scripts = new HostScripts(engine, facts, (args, connection, client) => {
      const answer = this.#answer(args, connection, client);
      return answer instanceof Promise ? undefined : answer.reply;
    });
  }

  /**
   * Answers the command that the engine left to the host, and those that a transaction goes on with, before anybody else's
   * command can run. Where finding an answer takes long, which happens only beside a password or a settings file and
   * never in a transaction, it is promised; until it is there the connection must run nothing else.
   *
   * @returns how the engine took the last answer, and whether the connection ends after it
   */
  serve(connection: number, client: HostClient): Served | Promise<Served> {
    const { engine } = this;
    let closes = false;
    let outcome = Outcome.Host;
    while (outcome === Outcome.Host) {
      const args = engine.hostArguments();
      const startedMs = performance.now();
      const answer = this.#answer(args, connection, client);
      if (answer instanceof Promise) {
        return answer.then(({ reply, close }) => {
          // Of a connection that closed meanwhile the engine knows nothing any more.
          const isOpen = client.connections.includes(connection);
          return { outcome: isOpen ? engine.reply(connection, reply) : Outcome.Done, closes: close };
        });
      }
      this.#noteSlow((performance.now() - startedMs) * 1000, args, connection, client);
      closes ||= answer.close;
      outcome = engine.reply(connection, answer.reply);
    }
    return { outcome, closes };
  }

  /** The engine keeps the arguments of its own commands; those of the host are only here. */
  #noteSlow(microseconds: number, args: readonly Uint8Array[], connection: number, client: HostClient): void {
    const { slowLog } = this.facts;
    if (!slowLog.isSlow(microseconds)) return;
    const shown = args.map((bytes) => ({ length: bytes.length, bytes }));
    slowLog.record({ microseconds, connection, argumentCount: args.length, arguments: shown }, client);
  }

  /** Answers one command; `args[0]` is its name as it was sent. */
  #answer(args: readonly Uint8Array[], connection: number, client: HostClient): HostAnswer | Promise<HostAnswer> {
    const { engine, facts, scripts } = this;
    const name = decoder.decode(args[0]);
    const handler = this.handlers[name.toUpperCase()];
    const call = new CommandCall(args.slice(1), connection, client, engine, facts, scripts);
    const reply = handler === undefined ? new ReplyError(`ERR unknown command '${name}'`) : handler(call);
    if (reply instanceof Promise) {
      // Who closed meanwhile has no connection left whose protocol could be asked.
      const protocol = (): 2 | 3 => (client.connections.includes(connection) ? engine.protocol(connection) : 2);
      return reply.then((found) => ({ reply: encode(found, protocol()), close: call.closes }));
    }
    return { reply: encode(reply, engine.protocol(connection)), close: call.closes };
  }
}

function encode(reply: HostReply, protocol: 2 | 3): Uint8Array {
  if (reply === undefined) return new Uint8Array();
  if (reply instanceof EncodedReply) return reply.bytes;
  if (!(reply instanceof Verbatim)) return encodeReply(reply, protocol);
  if (protocol === 2) return encodeReply(reply.text, protocol);
  const bytes = new TextEncoder().encode(`txt:${reply.text}`);
  const head = new TextEncoder().encode(`=${bytes.length}\r\n`);
  const whole = new Uint8Array(head.length + bytes.length + 2);
  whole.set(head);
  whole.set(bytes, head.length);
  whole.set([13, 10], head.length + bytes.length);
  return whole;
}

function auth(call: HostCall): HostReply | Promise<HostReply> {
  const { bytes, facts } = call;
  if (bytes.length === 0) return wrongArity("auth");
  if (bytes.length > 2) return new ReplyError("ERR syntax error");
  if (bytes.length === 1 && !facts.password?.required) {
    return new ReplyError(
      "ERR AUTH <password> called without any password configured for the default user. " +
        "Are you sure your configuration is correct?",
    );
  }
  const user = bytes.length === 2 ? (call.words[0] ?? "") : "default";
  return authenticate(call, user, bytes[bytes.length - 1] ?? new Uint8Array(), () => OK);
}

/** There is one user, `default`; without a password it takes any. Goes on with `then` when the password is right. */
function authenticate(
  { client, connection, engine, facts, inTransaction }: HostCall,
  user: string,
  password: Uint8Array,
  then: () => HostReply,
): HostReply | Promise<HostReply> {
  const decided = (verdict: Verdict): HostReply => {
    if (verdict !== "right") return new ReplyError(VERDICT_ERRORS[verdict]);
    setAuthenticated(engine, client, true);
    return then();
  };
  if (user !== "default") return decided("wrong");
  if (inTransaction && facts.password?.required) return new ReplyError(NOT_IN_TRANSACTION);
  const isOpen = (): boolean => client.connections.includes(connection);
  const verdict = facts.password?.check(password, isOpen) ?? "right";
  if (!(verdict instanceof Promise)) return decided(verdict);
  // Of a connection that closed meanwhile the engine knows nothing any more.
  return verdict.then((late) => (isOpen() ? decided(late) : null));
}

/** Sets whether a client may do more than authenticate, on each of its connections. */
export function setAuthenticated(engine: Engine, client: HostClient, yes: boolean): void {
  client.authenticated = yes;
  for (const connection of client.connections) engine.setAuthenticated(connection, yes);
}

interface HelloOptions {
  protocol: 2 | 3 | undefined;
  name: string | undefined;
  login: { readonly user: string; readonly password: Uint8Array } | undefined;
}

function hello(call: HostCall): HostReply | Promise<HostReply> {
  const options = helloOptions(call);
  if (options instanceof ReplyError) return options;
  const { login } = options;
  return login === undefined
    ? greet(call, options)
    : authenticate(call, login.user, login.password, () => greet(call, options));
}

function greet({ client, connection, engine, facts }: HostCall, options: HelloOptions): HostReply {
  if (!client.authenticated) {
    return new ReplyError(
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> " +
        "<pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
    );
  }
  if (options.name !== undefined) client.name = options.name;
  if (options.protocol !== undefined) engine.setProtocol(connection, options.protocol);
  return {
    server: "redis",
    version: facts.redisVersion,
    proto: engine.protocol(connection),
    id: client.id,
    mode: "standalone",
    role: "master",
    modules: [],
  };
}

/** Reads `[protover [AUTH user password] [SETNAME name]]`. */
function helloOptions({ bytes, words }: HostCall): HelloOptions | ReplyError {
  const options: HelloOptions = { protocol: undefined, name: undefined, login: undefined };
  if (words.length === 0) return options;
  const version = words[0] ?? "";
  if (!/^-?\d{1,18}$/.test(version)) return new ReplyError("ERR Protocol version is not an integer or out of range");
  if (version !== "2" && version !== "3") return new ReplyError("NOPROTO unsupported protocol version");
  options.protocol = version === "2" ? 2 : 3;
  for (let index = 1; index < words.length; ) {
    const option = (words[index] ?? "").toUpperCase();
    if (option === "AUTH" && index + 2 < words.length) {
      options.login = { user: words[index + 1] ?? "", password: bytes[index + 2] ?? new Uint8Array() };
      index += 3;
    } else if (option === "SETNAME" && index + 1 < words.length) {
      const name = words[index + 1] ?? "";
      if (!isPlainName(name)) return new ReplyError(NAME_ERROR);
      options.name = name;
      index += 2;
    } else {
      return new ReplyError(`ERR Syntax error in HELLO option '${words[index]}'`);
    }
  }
  return options;
}

/** Who answers at once has setMany. */
function addMany(): HostReply {
  return new ReplyError("ERR VADDMANY takes its time, and commands are answered at once here: use setMany");
}

/** A search that was left: its reply is written by the engine. */
async function leftSearch({ connection, client, facts }: HostCall): Promise<undefined> {
  await facts.leftSearches?.answer(connection, () => client.connections.includes(connection));
  return undefined;
}

function quit(call: HostCall): ReplyValue {
  call.closes = true;
  return OK;
}

function reset(call: HostCall): ReplyValue {
  const { client, connection, engine, facts } = call;
  engine.reset(connection);
  client.name = "";
  client.noEvict = false;
  client.tracking = undefined;
  if (facts.password?.required) {
    setAuthenticated(engine, client, false);
    client.loggedOut();
  }
  return new SimpleString("RESET");
}
