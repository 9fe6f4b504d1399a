// The flags of the settings, made from the table of settings, and the reading of all three sources for a command that
// has them. commander only collects what was typed; what it means is decided where the file and the variables are read
// too, so that one run tells everything that is wrong.

import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { type Problem, type ResolvedSettings, resolveSettings } from "../settings/resolve-settings.ts";
import { GROUPS, type Setting, settingEntries } from "../settings/server-settings.ts";

/** Settings as they hold, and the file they came from. */
export type CommandSettings = ResolvedSettings & { readonly file: string | undefined };

/** Adds a flag for each setting to a command, under the headings of their groups. */
export function addSettingFlags(command: Command): Command {
  command.option("--config <file>", "settings from a TOML file (also NEARKEY_CONFIG)");
  for (const group of GROUPS) {
    for (const [, setting] of settingEntries) {
      if (setting.group === group) command.addOption(flagOf(setting).helpGroup(`${group}:`));
    }
  }
  return command;
}

function flagOf(setting: Setting<unknown>): Option {
  const { key, kind } = setting;
  const repeatable = Array.isArray(setting.default);
  const note = repeatable ? "; repeatable" : setting.default === undefined ? "" : ` (default: ${defaultText(setting)})`;
  const option = new Option(`--${key} <${kind.placeholder}>`, `${setting.description}${note}`);
  if (!repeatable) return option;
  return option.argParser((text, before: string[] | undefined) => [...(before ?? []), text]);
}

function defaultText({ default: value, kind }: Setting<unknown>): string {
  const text = kind.print(value);
  return typeof text === "boolean" ? (text ? "yes" : "no") : String(text);
}

/**
 * Reads flags, variables and file for a command that `addSettingFlags` prepared. Nothing is thrown: a file that cannot
 * be read is the one problem then, since what it says about the others is not known.
 */
export function readSettings(command: Command, environment = process.env): CommandSettings {
  const flags = new Map<string, unknown>();
  for (const option of command.options) {
    const value = command.getOptionValue(option.attributeName());
    const key = option.long?.slice(2) ?? "";
    if (value !== undefined && settingEntries.some(([, setting]) => setting.key === key)) flags.set(key, value);
  }
  const path: string | undefined = command.getOptionValue("config") ?? (environment.NEARKEY_CONFIG || undefined);
  const file = path === undefined ? undefined : readSettingsFile(path);
  if (file === undefined || "text" in file) return { ...resolveSettings({ file, environment, flags }), file: path };
  return { ...resolveSettings({}), problems: [file], file: path };
}

function readSettingsFile(path: string): { path: string; text: string } | Problem {
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "does not exist" : `cannot be read (${code ?? message})`;
    return { origin: "file", file: path, message: `the settings file ${path} ${reason}: see --config` };
  }
}
