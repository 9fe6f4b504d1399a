// COMMAND: the command table as clients ask for it, from the one table that the engine dispatches by. Commands that
// the host answers stand in the same table, so nothing is listed twice.

import type { CommandDescription } from "../engine.ts";
import { ReplyError, type ReplyValue, SimpleString } from "../resp.ts";
import { categoriesOf } from "./admin/command-categories.ts";
import { MANUAL } from "./command-manual.ts";
import { type HostCall, wrongArity } from "./host-call.ts";
import { matchesGlob } from "./host-glob.ts";

/** Answers `COMMAND [COUNT | INFO | LIST | DOCS | GETKEYS | GETKEYSANDFLAGS | HELP]`. */
export function commandCommand(call: HostCall): ReplyValue {
  const [name, ...rest] = call.words;
  const commands = call.engine.commands();
  if (name === undefined) return commands.map(entry);
  switch (name.toUpperCase()) {
    case "COUNT":
      return rest.length > 0 ? wrongArity("command|count") : commands.length;
    case "INFO":
      return rest.length === 0 ? commands.map(entry) : named(commands, rest).map(entryOrNull);
    case "LIST":
      return list(commands, rest);
    case "DOCS":
      return docs(rest.length === 0 ? commands : named(commands, rest));
    case "GETKEYS":
      return rest.length < 2 ? wrongArity("command|getkeys") : keysOf(commands, rest);
    case "GETKEYSANDFLAGS":
      return rest.length < 2 ? wrongArity("command|getkeysandflags") : keysWithFlags(commands, rest);
    case "HELP":
      return HELP.map((line) => new SimpleString(line));
    default:
      return new ReplyError(`ERR unknown subcommand '${name}'. Try COMMAND HELP.`);
  }
}

const HELP = [
  "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "(no subcommand)",
  "    Return details about all commands.",
  "COUNT",
  "    Return the total number of commands in this server.",
  "DOCS [<command-name> ...]",
  "    Return documentation details about commands.",
  "GETKEYS <full-command>",
  "    Return the keys from a full command.",
  "GETKEYSANDFLAGS <full-command>",
  "    Return the keys from a full command, and what it does to each.",
  "INFO [<command-name> ...]",
  "    Return details about multiple commands.",
  "LIST [FILTERBY PATTERN <pattern>]",
  "    Return a list of all commands in this server.",
  "HELP",
  "    Print this help.",
];

function named(commands: readonly CommandDescription[], names: readonly string[]): (CommandDescription | undefined)[] {
  const byName = new Map(commands.map((command) => [command.name.toLowerCase(), command]));
  return names.map((name) => byName.get(name.toLowerCase()));
}

/** The ten fields of Redis 7 and later; tips, key specifications and subcommands are empty. */
function entry(command: CommandDescription): ReplyValue {
  return [
    command.name.toLowerCase(),
    command.arity,
    command.flags.map((flag) => new SimpleString(flag)),
    command.firstKey,
    command.lastKey,
    command.keyStep,
    categoriesOf(command).map((category) => new SimpleString(`@${category}`)),
    [],
    [],
    [],
  ];
}

function entryOrNull(command: CommandDescription | undefined): ReplyValue {
  return command === undefined ? null : entry(command);
}

function list(commands: readonly CommandDescription[], rest: readonly string[]): ReplyValue {
  const names = commands.map((command) => command.name.toLowerCase());
  if (rest.length === 0) return names;
  const [filter = "", kind = "", pattern] = rest;
  if (rest.length !== 3 || filter.toUpperCase() !== "FILTERBY" || pattern === undefined) {
    return new ReplyError("ERR syntax error");
  }
  switch (kind.toUpperCase()) {
    case "PATTERN":
      return names.filter((name) => matchesGlob(pattern.toLowerCase(), name));
    case "MODULE":
      return [];
    case "ACLCAT":
      return commands
        .filter((command) => categoriesOf(command).some((category) => category === pattern.toLowerCase()))
        .map((command) => command.name.toLowerCase());
    default:
      return new ReplyError("ERR syntax error");
  }
}

function docs(commands: readonly (CommandDescription | undefined)[]): ReplyValue {
  const pages: { [name: string]: ReplyValue } = {};
  for (const command of commands) {
    if (command === undefined) continue;
    const { summary, since, group } = command;
    const { complexity = "", syntax = "" } = MANUAL[command.name] ?? {};
    pages[command.name.toLowerCase()] = { summary, since, group, complexity, syntax };
  }
  return pages;
}

/** Picks the keys of a whole command by its first, last and step; a last of -1 counts from the end. */
function keysOf(commands: readonly CommandDescription[], words: readonly string[]): string[] | ReplyError {
  const [command] = named(commands, words.slice(0, 1));
  if (command === undefined) return new ReplyError("ERR Invalid command specified");
  const { arity, firstKey, lastKey, keyStep } = command;
  const { keyCount: countAt, keysBehind } = MANUAL[command.name] ?? {};
  if (firstKey === 0 && countAt === undefined && keysBehind === undefined)
    return new ReplyError("ERR The command has no key arguments");
  if (arity > 0 ? words.length !== arity : words.length < -arity) {
    return new ReplyError("ERR Invalid number of arguments specified for command");
  }
  if (keysBehind !== undefined) return keysBehindWord(words, keysBehind);
  const last = lastKey < 0 ? words.length + lastKey : lastKey;
  const keys: string[] = [];
  for (let index = firstKey; firstKey !== 0 && index <= last; index += keyStep) keys.push(words[index] ?? "");
  if (countAt === undefined) return keys;
  const counted = countedKeys(words, countAt, command.group === "scripting" ? 0 : 1);
  return counted instanceof ReplyError ? counted : [...keys, ...counted];
}

/** The keys that follow their number; scripts may have none. */
function countedKeys(words: readonly string[], countAt: number, least: number): string[] | ReplyError {
  const count = Number(words[countAt]);
  const keys = words.slice(countAt + 1, countAt + 1 + count);
  if (Number.isInteger(count) && count >= least && keys.length === count) return keys;
  return new ReplyError("ERR Invalid arguments specified for command");
}

/** The first half of what follows a word. */
function keysBehindWord(words: readonly string[], word: string): string[] | ReplyError {
  const at = words.findIndex((one) => one.toUpperCase() === word);
  const rest = at < 0 ? [] : words.slice(at + 1);
  if (rest.length > 0 && rest.length % 2 === 0) return rest.slice(0, rest.length / 2);
  return new ReplyError("ERR Invalid arguments specified for command");
}

/** Each key with what the command does to it; SET reads the old value only with GET. */
function keysWithFlags(commands: readonly CommandDescription[], words: readonly string[]): ReplyValue {
  const keys = keysOf(commands, words);
  if (keys instanceof ReplyError) return keys;
  const name = words[0]?.toUpperCase() ?? "";
  const reads = name === "SET" && words.slice(3).some((word) => word.toUpperCase() === "GET");
  const kinds = reads ? ["RW access update"] : (MANUAL[name]?.keys ?? "").split("; ");
  return keys.map((key, index) => {
    const flags = kinds[Math.min(index, kinds.length - 1)] ?? "";
    return [key, flags.split(" ").map((flag) => new SimpleString(flag))];
  });
}
