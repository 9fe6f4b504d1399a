// CONFIG: settings by Redis's names, read-only. They are given when nearkey starts, so that what runs is what the
// command line says; clients and redis-benchmark only read them.

import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { type HostCall, wrongArity } from "./host-call.ts";
import { matchesGlob } from "./host-glob.ts";

/** Answers `CONFIG GET | RESETSTAT | SET | REWRITE | HELP`. */
export function configCommand(call: HostCall): ReplyValue {
  const [name, ...rest] = call.words;
  if (name === undefined) return wrongArity("config");
  switch (name.toUpperCase()) {
    case "GET":
      return rest.length === 0 ? wrongArity("config|get") : get(call, rest);
    case "SET":
      return rest.length < 2 ? wrongArity("config|set") : refuseSet(rest);
    case "RESETSTAT":
      return rest.length > 0 ? wrongArity("config|resetstat") : resetStatistics(call);
    case "REWRITE":
      return new ReplyError("ERR The server is running without a config file");
    case "HELP":
      return HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try CONFIG HELP.`);
  }
}

const HELP = [
  "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "GET <pattern>",
  "    Return parameters matching the glob-like <pattern> and their values.",
  "RESETSTAT",
  "    Reset statistics reported by the INFO command.",
  "HELP",
  "    Print this help.",
];

/** A plain name is answered as it was written, a pattern by the names it matches. */
function get({ facts }: HostCall, patterns: readonly string[]): ReplyValue {
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

function refuseSet([name = ""]: readonly string[]): ReplyError {
  return new ReplyError(
    `ERR CONFIG SET failed (possibly related to argument '${name}') - settings are given when nearkey starts, ` +
      "see 'nearkey serve --help'",
  );
}

function resetStatistics({ facts }: HostCall): ReplyValue {
  facts.resetStatistics();
  return new SimpleString("OK");
}
