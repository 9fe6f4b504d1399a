// `nearkey config`: what the settings are and whether they may be, without starting anything, and the hash of a
// password. check and print take the flags of `nearkey serve`, so that a command line is tried by changing one word.

import type { Command } from "commander";
import { hashPassword } from "../server/password.ts";
import { readTlsFiles } from "../server/tls-files.ts";
import { isPassword, PASSWORD_BYTES_MAX } from "../settings/password-text.ts";
import { MASK, type Problem } from "../settings/resolve-settings.ts";
import { DEFAULT_SETTINGS, settingEntries, variableOf } from "../settings/server-settings.ts";
import type { TomlValue } from "../settings/setting-kinds.ts";
import { tomlText } from "../settings/settings-file.ts";
import { settingsTemplate } from "../settings/settings-template.ts";
import { readPassword } from "./password-prompt.ts";
import { exitWith } from "./serve-command.ts";
import { addSettingFlags, type CommandSettings, readSettings } from "./setting-flags.ts";

const CHECK_HELP = `
Examples:
  $ nearkey config check --config nearkey.toml   every problem at once; ends with 0 when there is none
  $ nearkey config check --json                  for programs: [] or what is wrong, with file, line, key, value`;

const PRINT_HELP = `
Examples:
  $ nearkey config print                          what holds, and who said it
  $ nearkey config print --default > nearkey.toml a file to begin with: every setting with its default`;

const HASH_HELP = `
Examples:
  $ nearkey config hash-password                  asks for it, shows nothing
  $ pwgen 32 1 | nearkey config hash-password     takes the first line of its input

What it prints goes into the settings file, in quotes: password = "scrypt:…"`;

/** Adds `nearkey config` and its subcommands to the program. */
export function registerConfig(program: Command): void {
  const config = program.command("config").description("check and show settings, hash a password");
  const check = config.command("check").description("find every problem of the settings, without starting a server");
  addSettingFlags(check.option("--json", "print what is wrong as JSON"))
    .addHelpText("after", CHECK_HELP)
    .action((flags: { json?: boolean }) => checkSettings(readSettings(check), flags.json === true));
  const print = config.command("print").description("show the settings as they hold, each with who said it");
  print.option("--json", "print them as JSON").option("--default", "print a file with all the defaults instead");
  addSettingFlags(print)
    .addHelpText("after", PRINT_HELP)
    .action((flags: { json?: boolean; default?: boolean }) => {
      if (flags.default) write(flags.json ? json(rowsOfDefaults()) : settingsTemplate());
      else printSettings(readSettings(print), flags.json === true);
    });
  config
    .command("hash-password")
    .description("print a password's scrypt hash, for the settings file; it is read from the terminal or from input")
    .addHelpText("after", HASH_HELP)
    .action(printHash);
}

function checkSettings(read: CommandSettings, asJson: boolean): void {
  const problems = [...read.problems, ...tlsProblems(read)];
  if (asJson) {
    write(json(problems));
  } else {
    for (const { message } of read.warnings) complain(`warning: ${message}`);
    for (const { message } of problems) complain(message);
    if (problems.length === 0) write("the settings are right\n");
  }
  if (problems.length > 0) process.exitCode = 1;
}

/** A server reads these files when it starts, so a check does too. */
function tlsProblems({ settings, origins }: CommandSettings): Problem[] {
  const read = readTlsFiles(settings);
  if (read === undefined || !("problems" in read)) return [];
  return read.problems.map((message) => ({ origin: origins.tlsCert, key: "tls-cert, tls-key, tls-ca", message }));
}

function printSettings(read: CommandSettings, asJson: boolean): void {
  for (const { message } of read.problems) complain(message);
  if (read.problems.length > 0) exitWith("there is nothing to print until that is mended");
  const rows = rowsOf(read);
  if (asJson) {
    write(json(rows));
    return;
  }
  const lines = rows.map(({ key, value, origin }) => {
    const assignment = value === null ? `# ${key} is not set` : `${key} = ${tomlText(value)}`;
    return value === null ? assignment : `${assignment.padEnd(44)} # ${sayOrigin(origin, key, read.file)}`;
  });
  write(`${lines.join("\n")}\n`);
}

function sayOrigin(origin: string, key: string, file: string | undefined): string {
  if (origin === "file") return `file ${file}`;
  if (origin === "environment") return `environment ${variableOf(key)}`;
  return origin === "flag" ? `flag --${key}` : origin;
}

interface Row {
  readonly key: string;
  /** As a settings file would have it; null where nothing is set. */
  readonly value: TomlValue | null;
  readonly origin: string;
}

function rowsOf({ settings, origins }: Pick<CommandSettings, "settings" | "origins">): Row[] {
  return settingEntries.map(([name, { key, kind, secret }]) => {
    const value = settings[name];
    const isSet = value !== undefined || name === "respPort";
    const shown = secret && isSet ? MASK : kind.print(value);
    return { key, value: isSet ? shown : null, origin: origins[name] };
  });
}

function rowsOfDefaults(): Row[] {
  const origins = Object.fromEntries(settingEntries.map(([name]) => [name, "default"])) as CommandSettings["origins"];
  return rowsOf({ settings: DEFAULT_SETTINGS, origins });
}

async function printHash(): Promise<void> {
  const password = await readPassword("Password: ", "Once more: ");
  if (password === undefined) exitWith("the two are not the same: nothing was hashed");
  if (!isPassword(password) || password.startsWith("scrypt:")) {
    exitWith(`a password has 1 to ${PASSWORD_BYTES_MAX} bytes and does not begin with scrypt:`);
  }
  write(`${await hashPassword(password)}\n`);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function write(text: string): void {
  process.stdout.write(text);
}

function complain(line: string): void {
  process.stderr.write(`nearkey: ${line}\n`);
}
