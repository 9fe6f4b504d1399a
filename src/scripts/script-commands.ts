// EVAL, EVALSHA and SCRIPT. Checks come in Redis's order, in its words.

import { EncodedReply, type HostCall, type HostReply, wrongArity } from "../host/host-call.ts";
import { ReplyError, SimpleString } from "../resp.ts";
import { readText } from "../text.ts";
import type { KnownScript, Scripting } from "./scripting.ts";

const NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";
const SHA_DIGITS = 40;
const INTEGER = /^(0|-?[1-9]\d{0,17})$/;

/** The arguments of a script or a function: how many are keys comes first. */
export interface KeysAndArguments {
  readonly keys: readonly Uint8Array[];
  readonly args: readonly Uint8Array[];
}

/** Splits what follows the script: `numkeys key … argument …`. */
export function splitKeys(call: HostCall, badCount: string): KeysAndArguments | ReplyError {
  const count = wholeOf(call.bytes[1] ?? new Uint8Array(0));
  if (count === undefined) return new ReplyError(badCount);
  const rest = call.bytes.slice(2);
  if (count > rest.length) return new ReplyError("ERR Number of keys can't be greater than number of args");
  if (count < 0) return new ReplyError("ERR Number of keys can't be negative");
  return { keys: rest.slice(0, count), args: rest.slice(count) };
}

const ZERO = 0x30;

/** A number as Redis reads one; a digit, as nearly always, needs no text. */
function wholeOf(bytes: Uint8Array): number | undefined {
  const digit = (bytes[0] ?? 0) - ZERO;
  if (bytes.length === 1 && digit >= 0 && digit <= 9) return digit;
  const text = readText(bytes, 0, bytes.length);
  return INTEGER.test(text) ? Number(text) : undefined;
}

/** Answers EVAL and EVAL_RO. */
export function evalCommand(call: HostCall, readsOnly: boolean): HostReply {
  return evaluate(call, readsOnly, (scripting) => {
    const script = scripting.add(call.bytes[0] ?? new Uint8Array(0), false);
    return typeof script === "string" ? new ReplyError(`ERR ${script}`) : script;
  });
}

/** Answers EVALSHA and EVALSHA_RO. */
export function evalShaCommand(call: HostCall, readsOnly: boolean): HostReply {
  const sha = readText(call.bytes[0] ?? new Uint8Array(0), 0, call.bytes[0]?.length ?? 0);
  if (sha.length !== SHA_DIGITS) return new ReplyError(NO_SCRIPT);
  return evaluate(call, readsOnly, (scripting) => scripting.find(sha) ?? new ReplyError(NO_SCRIPT));
}

function evaluate(
  call: HostCall,
  readsOnly: boolean,
  find: (scripting: Scripting) => KnownScript | ReplyError,
): HostReply {
  const split = splitKeys(call, "ERR value is not an integer or out of range");
  if (split instanceof ReplyError) return split;
  const scripting = call.scripting();
  if (scripting instanceof ReplyError) return scripting;
  const script = find(scripting);
  if (script instanceof ReplyError) return script;
  const { connection, client } = call;
  const { keys, args } = split;
  return new EncodedReply(scripting.runScript(script, { keys, args, readsOnly, connection, client }));
}

/** Answers SCRIPT. */
export function scriptCommand(call: HostCall): HostReply {
  const [name = "", ...rest] = call.words;
  const scripting = call.scripting();
  if (scripting instanceof ReplyError) return scripting;
  const subcommand = name.toUpperCase();
  if (subcommand === "LOAD" && rest.length === 1) {
    const script = scripting.add(call.bytes[1] ?? new Uint8Array(0), true);
    return typeof script === "string" ? new ReplyError(`ERR ${script}`) : script.sha;
  }
  if (subcommand === "EXISTS" && rest.length > 0) {
    return rest.map((sha) => (scripting.find(sha) === undefined ? 0 : 1));
  }
  if (subcommand === "FLUSH") {
    if (rest.length > 1 || (rest[0] !== undefined && !/^(sync|async)$/i.test(rest[0]))) {
      return new ReplyError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    }
    scripting.flush();
    return new SimpleString("OK");
  }
  if (subcommand === "KILL" && rest.length === 0) return new ReplyError(NOT_BUSY);
  if (subcommand === "DEBUG" && rest.length === 1) return debugMode(rest[0] ?? "");
  if (subcommand === "HELP" && rest.length === 0) return HELP.map((line) => new SimpleString(line));
  const isKnown = /^(load|exists|kill|debug|help)$/i.test(name);
  return isKnown
    ? wrongArity(`script|${name.toLowerCase()}`)
    : new ReplyError(`ERR unknown subcommand '${name}'. Try SCRIPT HELP.`);
}

/** Who can send a command is not served while a script runs: none ever runs then. */
export const NOT_BUSY = "NOTBUSY No scripts in execution right now.";

function debugMode(mode: string): HostReply {
  if (/^no$/i.test(mode)) return new SimpleString("OK");
  if (/^(yes|sync)$/i.test(mode)) return new ReplyError("ERR nearkey has no debugger of scripts");
  return new ReplyError("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

const HELP = [
  "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "DEBUG (YES|SYNC|NO)",
  "    Refuse to debug: there is no debugger.",
  "EXISTS <sha1> [<sha1> ...]",
  "    Return which of the scripts are known.",
  "FLUSH [ASYNC|SYNC]",
  "    Forget all scripts.",
  "KILL",
  "    Return an error: no command is served while a script runs.",
  "LOAD <script>",
  "    Keep a script without running it.",
  "HELP",
  "    Print this help.",
];
