// What the console knows about commands, asked of the server itself: COMMAND for the names and where keys stand, COMMAND
// DOCS for summaries and, where a server has them, the arguments in Redis's description, from which come the syntax and
// the keywords to complete. A server without them gives a syntax by arity.

import type { ConsoleSession } from "./console-session.ts";
import { plainOf, type WireReply } from "./wire-reply.ts";

/** One command. */
export interface CommandPage {
  readonly name: string;
  readonly summary: string;
  readonly since: string;
  readonly group: string;
  /** Its arguments, as `key [NX|XX]`. */
  readonly syntax: string;
  /** Words that its arguments may begin with, in capitals. */
  readonly keywords: readonly string[];
}

/** Pages by the command's name in capitals. */
export type CommandPages = ReadonlyMap<string, CommandPage>;

type Described = ReadonlyMap<string, unknown>;

/** Asks the server; none when it does not say, as before authentication. */
export async function readCommandPages(session: ConsoleSession): Promise<CommandPages> {
  const [table, docs] = [await session.run(["COMMAND"]), await session.run(["COMMAND", "DOCS"])];
  return commandPages(table, docs);
}

/** Makes the pages of the two replies. */
export function commandPages(table: WireReply, docs: WireReply): CommandPages {
  const pages = new Map<string, CommandPage>();
  const described = plainOf(docs);
  const rows = plainOf(table);
  if (!Array.isArray(rows)) return pages;
  for (const row of rows as unknown[][]) {
    const [lowerName, arity, , firstKey, lastKey] = row as [string, number, unknown, number, number];
    const page = described instanceof Map ? (described.get(lowerName) as Described | undefined) : undefined;
    const args = argumentsOf(page);
    const name = lowerName.toUpperCase();
    pages.set(name, {
      name,
      summary: String(page?.get("summary") ?? ""),
      since: String(page?.get("since") ?? ""),
      group: String(page?.get("group") ?? ""),
      syntax: args === undefined ? syntaxByArity(arity, firstKey, lastKey) : args.map(syntaxOf).join(" "),
      keywords: [...new Set((args ?? []).flatMap(keywordsOf))],
    });
  }
  return pages;
}

function argumentsOf(page: Described | undefined): Described[] | undefined {
  const args = page?.get("arguments");
  return Array.isArray(args) ? args.filter((each): each is Described => each instanceof Map) : undefined;
}

/** What is known without a description: how many words there are, and which of them are keys. */
function syntaxByArity(arity: number, firstKey: number, lastKey: number): string {
  const least = Math.abs(arity) - 1;
  const words = Array.from({ length: least }, (_, index) => {
    const position = index + 1;
    return firstKey > 0 && position >= firstKey && (lastKey < 0 || position <= lastKey) ? "key" : "arg";
  });
  return [...words, ...(arity < 0 ? ["[…]"] : [])].join(" ");
}

/** One argument in Redis's notation. */
function syntaxOf(argument: Described): string {
  const flags = (argument.get("flags") as string[] | undefined) ?? [];
  const token = argument.get("token") as string | undefined;
  let text = [token === '""' ? undefined : token, valueSyntax(argument)].filter(Boolean).join(" ");
  if (flags.includes("multiple")) text = `${text} [${text} …]`;
  return flags.includes("optional") ? `[${text}]` : text;
}

function valueSyntax(argument: Described): string | undefined {
  const inner = argumentsOf(argument) ?? [];
  switch (argument.get("type")) {
    case "pure-token":
      return undefined;
    case "oneof":
      return inner.map(syntaxOf).join("|");
    case "block":
      return inner.map(syntaxOf).join(" ");
    default:
      return String(argument.get("display_text") ?? argument.get("name") ?? "arg");
  }
}

function keywordsOf(argument: Described): string[] {
  const token = argument.get("token");
  const own = typeof token === "string" && /^[A-Za-z]/.test(token) ? [token.toUpperCase()] : [];
  return [...own, ...(argumentsOf(argument) ?? []).flatMap(keywordsOf)];
}

/**
 * Completes the last word of a line.
 *
 * @returns the words it may become and what was typed of it, as readline wants them
 */
export function complete(pages: CommandPages, line: string): [string[], string] {
  const typed = /\S*$/.exec(line)?.[0] ?? "";
  const before = line.slice(0, line.length - typed.length).trim();
  const words = before === "" ? [...pages.keys(), "HELP", "EXIT", "CLEAR"] : wordsAfter(pages, before);
  const wanted = typed.toUpperCase();
  const found = words.filter((word) => word.startsWith(wanted)).sort();
  const inSmall = typed !== "" && typed === typed.toLowerCase();
  return [found.map((word) => `${inSmall ? word.toLowerCase() : word} `), typed];
}

function wordsAfter(pages: CommandPages, before: string): readonly string[] {
  const [name = ""] = before.toUpperCase().split(/\s+/);
  return name === "HELP" ? [...pages.keys()] : (pages.get(name)?.keywords ?? []);
}

/** What to show behind a line whose command is whole: the arguments that are still to come. */
export function hintFor(pages: CommandPages, line: string): string {
  const [name = "", ...words] = line.trimStart().split(/\s+/);
  const page = pages.get(name.toUpperCase());
  if (page === undefined || page.syntax === "" || !/\s/.test(line.trimStart())) return "";
  const given = words.filter((word) => word !== "").length;
  const left = syntaxParts(page.syntax).slice(given);
  if (left.length === 0) return "";
  return `${line.endsWith(" ") ? "" : " "}${left.join(" ")}`;
}

/** Splits a syntax at the blanks that are in no brackets. */
function syntaxParts(syntax: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const letter of syntax) {
    if (letter === "[") depth++;
    if (letter === "]") depth--;
    if (letter === " " && depth === 0) {
      parts.push(part);
      part = "";
    } else part += letter;
  }
  return part === "" ? parts : [...parts, part];
}

/** What `help` says: about one command, or which there are. */
export function helpText(pages: CommandPages, name: string | undefined): string {
  if (pages.size === 0) return "the server has not said which commands there are: authenticate first (AUTH password)";
  if (name === undefined) return overview(pages);
  const page = pages.get(name.toUpperCase());
  if (page === undefined) return `there is no command ${name.toUpperCase()}; help lists all`;
  const { summary, since, group, syntax } = page;
  return [`  ${page.name} ${syntax}`, `  ${summary}`, `  ${group}, since Redis ${since}`].join("\n");
}

function overview(pages: CommandPages): string {
  const groups = new Map<string, string[]>();
  for (const { name, group } of pages.values()) groups.set(group, [...(groups.get(group) ?? []), name]);
  const lines = [...groups].map(([group, names]) => `${group}: ${names.sort().join(" ")}`);
  const keys = "Tab completes, the arrows bring lines back, Ctrl-C drops a line, Ctrl-D or exit leaves.";
  return [...lines, "", "help <command> explains one, clear empties the screen.", keys].join("\n");
}
