// FUNCTION and FCALL.

import { EncodedReply, type HostCall, type HostReply, wrongArity, wrongSubcommand } from "../host/host-call.ts";
import { matchesGlob } from "../host/host-glob.ts";
import { ReplyError, type ReplyValue, SetReply, SimpleString } from "../resp.ts";
import { readText } from "../text.ts";
import { dumpLibraries, readLibraries } from "./function-dump.ts";
import type { FunctionLibraries, Library } from "./function-libraries.ts";
import { NOT_BUSY, splitKeys } from "./script-commands.ts";
import { scriptFlags } from "./script-header.ts";

const OK = new SimpleString("OK");

/** Answers FCALL and FCALL_RO. */
export function functionCallCommand(call: HostCall, readsOnly: boolean): HostReply {
  const libraries = call.functions();
  if (libraries instanceof ReplyError) return libraries;
  const nameBytes = call.bytes[0] ?? new Uint8Array(0);
  const found = libraries.find(readText(nameBytes, 0, nameBytes.length));
  if (found === undefined) return new ReplyError("ERR Function not found");
  const split = splitKeys(call, "ERR Bad number of keys provided");
  if (split instanceof ReplyError) return split;
  const scripting = call.scripting();
  if (scripting instanceof ReplyError) return scripting;
  const { connection, client } = call;
  const { name, reference, flags } = found;
  const { keys, args } = split;
  const invocation = { name, reference, flags, isFunction: true, keys, args, readsOnly, connection, client };
  return new EncodedReply(scripting.run(invocation));
}

/** Answers FUNCTION. */
export function functionCommand(call: HostCall): HostReply {
  const [name = "", ...rest] = call.words;
  const libraries = call.functions();
  if (libraries instanceof ReplyError) return libraries;
  switch (name.toUpperCase()) {
    case "LOAD":
      return rest.length === 0 ? wrongArity("function|load") : load(call, libraries);
    case "DELETE":
      if (rest.length !== 1) return wrongArity("function|delete");
      return libraries.delete(rest[0] ?? "") ? OK : new ReplyError("ERR Library not found");
    case "FLUSH":
      return flush(name, rest, libraries);
    case "LIST":
      return list(rest, libraries);
    case "STATS":
      return rest.length > 0 ? wrongArity("function|stats") : stats(libraries);
    case "KILL":
      return rest.length > 0 ? wrongArity("function|kill") : new ReplyError(NOT_BUSY);
    case "DUMP":
      return rest.length > 0 ? wrongArity("function|dump") : dumpLibraries(libraries.all().map(({ code }) => code));
    case "RESTORE":
      return rest.length === 0 ? wrongArity("function|restore") : restore(call, rest, libraries);
    case "HELP":
      return rest.length > 0 ? wrongArity("function|help") : HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try FUNCTION HELP.`);
  }
}

function load(call: HostCall, libraries: FunctionLibraries): HostReply {
  const options = call.words.slice(1, -1);
  const unknown = options.find((option) => !/^replace$/i.test(option));
  if (unknown !== undefined) return new ReplyError(`ERR Unknown option given: ${unknown}`);
  const code = call.bytes[call.bytes.length - 1] ?? new Uint8Array(0);
  if (options.length === 0 && call.words.length === 2 && /^replace$/i.test(call.words[1] ?? "")) {
    return new ReplyError("ERR Function code is missing");
  }
  const loaded = libraries.load(code, options.length > 0, call);
  return "error" in loaded ? new ReplyError(withCode(loaded.error)) : loaded.name;
}

function withCode(text: string): string {
  return `ERR ${text.replace(/^ERR /, "")}`;
}

function flush(name: string, rest: readonly string[], libraries: FunctionLibraries): HostReply {
  if (rest.length > 1) return wrongSubcommand("FUNCTION", name);
  if (rest[0] !== undefined && !/^(sync|async)$/i.test(rest[0])) {
    return new ReplyError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  libraries.flush();
  return OK;
}

function list(rest: readonly string[], libraries: FunctionLibraries): HostReply {
  let pattern: string | undefined;
  let withCode = false;
  for (let index = 0; index < rest.length; index++) {
    const option = (rest[index] ?? "").toUpperCase();
    if (option === "WITHCODE" && !withCode) {
      withCode = true;
    } else if (option === "LIBRARYNAME" && pattern === undefined) {
      pattern = rest[++index];
      if (pattern === undefined) return new ReplyError("ERR library name argument was not given");
    } else {
      return new ReplyError(`ERR Unknown argument ${rest[index]}`);
    }
  }
  const wanted = pattern?.toLowerCase();
  return libraries
    .all()
    .filter(({ name }) => wanted === undefined || matchesGlob(wanted, name.toLowerCase()))
    .map((library) => describe(library, withCode));
}

function describe({ name, code, functions }: Library, withCode: boolean): ReplyValue {
  const described: ReplyValue[] = [...functions.values()].map((each) => ({
    name: each.name,
    description: each.description ?? null,
    flags: new SetReply(scriptFlags.filter((flag) => each.flags.has(flag)).map((flag) => new SimpleString(flag))),
  }));
  const entry = { library_name: name, engine: "LUA", functions: described };
  return withCode ? { ...entry, library_code: code } : entry;
}

function stats(libraries: FunctionLibraries): ReplyValue {
  const counts = { libraries_count: libraries.all().length, functions_count: libraries.functionCount };
  return { running_script: null, engines: { LUA: counts } };
}

function restore(call: HostCall, rest: readonly string[], libraries: FunctionLibraries): HostReply {
  if (rest.length > 2) return wrongSubcommand("FUNCTION", call.words[0] ?? "");
  const policy = (rest[1] ?? "append").toLowerCase();
  if (policy !== "append" && policy !== "replace" && policy !== "flush") {
    return new ReplyError("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
  }
  const codes = readLibraries(call.bytes[1] ?? new Uint8Array(0));
  if (typeof codes === "string") return new ReplyError(`ERR ${codes}`);
  const problem = libraries.restore(codes, policy, call);
  return problem === undefined ? OK : new ReplyError(withCode(problem));
}

const HELP = [
  "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "LOAD [REPLACE] <FUNCTION CODE>",
  "    Load a library of functions.",
  "DELETE <LIBRARY NAME>",
  "    Delete a library.",
  "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
  "    Return the libraries and their functions.",
  "STATS",
  "    Return how many libraries and functions there are.",
  "KILL",
  "    Return an error: no command is served while a function runs.",
  "FLUSH [ASYNC|SYNC]",
  "    Delete all libraries.",
  "DUMP",
  "    Return all libraries as one payload for RESTORE.",
  "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
  "    Load the libraries of a payload; FLUSH drops the others, REPLACE those of the same names.",
  "HELP",
  "    Print this help.",
];
