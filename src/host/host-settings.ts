// CONFIG: settings by Redis's names. A server changes some of them while it runs, all that one CONFIG SET names or none;
// in a database embedded in a program they are options of `open` and only read.

import { ReplyError, SimpleString } from "../resp.ts";
import { type HostCall, type HostReply, NOT_IN_TRANSACTION, wrongArity } from "./host-call.ts";
import { matchesGlob } from "./host-glob.ts";

/** Answers `CONFIG GET | SET | RESETSTAT | REWRITE | HELP`. */
export function configCommand(call: HostCall): HostReply | Promise<HostReply> {
  const [name, ...rest] = call.words;
  if (name === undefined) return wrongArity("config");
  switch (name.toUpperCase()) {
    case "GET":
      return rest.length === 0 ? wrongArity("config|get") : get(call, rest);
    case "SET":
      return rest.length < 2 ? wrongArity("config|set") : set(call, rest);
    case "RESETSTAT":
      return rest.length > 0 ? wrongArity("config|resetstat") : resetStatistics(call);
    case "REWRITE":
      return rest.length > 0 ? wrongArity("config|rewrite") : rewrite(call);
    case "HELP":
      return rest.length > 0 ? wrongArity("config|help") : HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try CONFIG HELP.`);
  }
}

const HELP = [
  "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "GET <pattern>",
  "    Return parameters matching the glob-like <pattern> and their values.",
  "SET <directive> <value>",
  "    Set the configuration <directive> to <value>.",
  "RESETSTAT",
  "    Reset statistics reported by the INFO command.",
  "REWRITE",
  "    Rewrite the configuration file.",
  "HELP",
  "    Print this help.",
];

/** A plain name is answered as it was written, a pattern by the names it matches. */
function get({ facts }: HostCall, patterns: readonly string[]): HostReply {
  const found: { [name: string]: string } = Object.create(null);
  for (const pattern of patterns) {
    const plain = /[*?[]/.test(pattern) ? undefined : facts.settings.get(pattern.toLowerCase());
    if (plain !== undefined) found[pattern] = plain;
  }
  for (const [name, value] of facts.settings) {
    if (patterns.some((pattern) => /[*?[]/.test(pattern) && matchesGlob(pattern.toLowerCase(), name)))
      found[name] = value;
  }
  return found;
}

function set({ facts }: HostCall, words: readonly string[]): HostReply {
  if (words.length % 2 === 1) return new ReplyError("ERR syntax error");
  if (facts.changes === undefined) {
    return refused(words[0] ?? "", "the settings of an embedded database are given when it is opened");
  }
  const pairs = Array.from({ length: words.length / 2 }, (_, index) => {
    return [words[index * 2] ?? "", words[index * 2 + 1] ?? ""] as const;
  });
  const refusal = facts.changes.change(pairs);
  if (refusal === undefined) return new SimpleString("OK");
  if (refusal.reason !== undefined) return refused(refusal.name, refusal.reason);
  return new ReplyError(`ERR Unknown option or number of arguments for CONFIG SET - '${refusal.name}'`);
}

function refused(name: string, reason: string): ReplyError {
  return new ReplyError(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`);
}

function rewrite({ facts, inTransaction }: HostCall): HostReply | Promise<HostReply> {
  if (facts.changes === undefined) return new ReplyError("ERR The server is running without a config file");
  if (inTransaction) return new ReplyError(NOT_IN_TRANSACTION);
  return facts.changes.rewrite().then((refusal) => {
    return refusal === undefined ? new SimpleString("OK") : new ReplyError(`ERR ${refusal}`);
  });
}

function resetStatistics({ facts }: HostCall): HostReply {
  facts.resetStatistics();
  return new SimpleString("OK");
}
