// The settings of a running server, as CONFIG sees and changes them. A change is checked whole before anything happens:
// every name, every value, and what the settings would be beside each other; then each goes to the part that it
// concerns. Values go out and come in as Redis writes them; settings that only nearkey has stand under their own names.

import { readFile, rename, stat, writeFile } from "node:fs/promises";
import * as v from "valibot";
import type { ChangeRefusal, SettingChanges, SettingTexts } from "../host/host-facts.ts";
import { IMMUTABLE, type Parsed } from "../settings/redis-forms.ts";
import { type Setting, type SettingName, type Settings, settingEntries } from "../settings/server-settings.ts";
import { conflictsOf } from "../settings/setting-conflicts.ts";
import type { TomlValue } from "../settings/setting-kinds.ts";
import { editSettingsFile } from "../settings/settings-file.ts";
import { hashedPassword } from "./password.ts";

/** What makes a change take effect; a setting without one cannot change. */
export type Effects = { readonly [Name in SettingName]?: (value: Settings[Name]) => void };

/** Settings of Redis that nearkey has in one way only. They may be "changed" to what they are. */
const FIXED: ReadonlyMap<string, string> = new Map([
  ["databases", "16"],
  ["hz", "10"],
  ["save", ""],
  ["dbfilename", ""],
  ["cluster-enabled", "no"],
  ["notify-keyspace-events", ""],
  ["io-threads", "1"],
]);

/** Settings of Redis that follow from nearkey's. */
const DERIVED = ["protected-mode", "appendonly"];

interface Row {
  readonly name: SettingName;
  readonly setting: Setting<unknown>;
}

/** By the name that CONFIG knows it under. */
const rows: ReadonlyMap<string, Row> = new Map(
  settingEntries.map(([name, setting]) => [setting.redis?.name ?? setting.key, { name, setting }]),
);

/** The setting of a name; those of packed values have older names too, of which the packing was called ziplist. */
function rowOf(name: string): Row | undefined {
  return rows.get(name.toLowerCase().replace("-max-ziplist-", "-max-listpack-"));
}

/** Settings that can be read and, some of them, changed. */
export class LiveSettings implements SettingTexts, SettingChanges {
  private readonly changed = new Set<SettingName>();
  /** The last rewrite of the file: another one waits for it. */
  private rewriting: Promise<string | undefined> = Promise.resolve(undefined);

  constructor(
    private settings: Settings,
    private readonly effects: Effects,
    private readonly file: string | undefined,
  ) {}

  get current(): Settings {
    return this.settings;
  }

  get(name: string): string | undefined {
    const row = rowOf(name);
    if (row !== undefined) return this.textOf(row);
    return this.derived(name) ?? FIXED.get(name);
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (const name of [...rows.keys(), ...DERIVED, ...FIXED.keys()]) {
      const text = this.get(name);
      if (text !== undefined) yield [name, text];
    }
  }

  /** A secret is told only while there is none. */
  private textOf({ name, setting }: Row): string | undefined {
    const value = this.settings[name];
    if (setting.secret && value !== undefined) return undefined;
    return setting.redis?.print(value) ?? String(setting.kind.print(value));
  }

  /** What follows from other settings. */
  private derived(name: string): string | undefined {
    if (name === "protected-mode") return this.settings.password === undefined ? "yes" : "no";
    if (name === "appendonly") return this.settings.dir === undefined ? "no" : "yes";
    return undefined;
  }

  change(pairs: readonly (readonly [name: string, text: string])[]): ChangeRefusal | undefined {
    const wanted = new Map<SettingName, unknown>();
    const refusal = this.findUnchangeable(pairs) ?? this.readAll(pairs, wanted) ?? this.findConflict(pairs, wanted);
    if (refusal !== undefined) return refusal;
    const before = this.settings;
    for (const [name, value] of wanted) {
      const reason = this.apply(name, value);
      if (reason === undefined) continue;
      for (const each of wanted.keys()) this.apply(each, before[each]);
      return { name: nameOf(pairs, name), reason };
    }
    this.settings = { ...before, ...Object.fromEntries(wanted) };
    for (const name of wanted.keys()) this.changed.add(name);
    return undefined;
  }

  /** Names first, all of them, as in Redis. */
  private findUnchangeable(pairs: readonly (readonly [string, string])[]): ChangeRefusal | undefined {
    const seen = new Set<string>();
    for (const [given, text] of pairs) {
      const name = given.toLowerCase();
      const row = rowOf(name);
      if (row === undefined && this.get(name) === undefined) return { name: given };
      const changes = row === undefined ? this.get(name) === text : this.effects[row.name] !== undefined;
      if (!changes) return { name: given, reason: IMMUTABLE };
      if (seen.has(name)) return { name: given, reason: "duplicate parameter" };
      seen.add(name);
    }
    return undefined;
  }

  private readAll(
    pairs: readonly (readonly [string, string])[],
    wanted: Map<SettingName, unknown>,
  ): ChangeRefusal | undefined {
    for (const [given, text] of pairs) {
      const row = rowOf(given);
      if (row === undefined) continue;
      const read = parse(row.setting, text);
      if ("refusal" in read) return { name: given, reason: read.refusal };
      wanted.set(row.name, read.value);
    }
    return undefined;
  }

  private findConflict(
    pairs: readonly (readonly [string, string])[],
    wanted: ReadonlyMap<SettingName, unknown>,
  ): ChangeRefusal | undefined {
    const [conflict] = conflictsOf({ ...this.settings, ...Object.fromEntries(wanted) });
    const name = conflict?.names.find((each) => wanted.has(each));
    return conflict && { name: name === undefined ? "" : nameOf(pairs, name), reason: conflict.message };
  }

  /** Makes one value hold; why it cannot, or undefined. */
  private apply(name: SettingName, value: unknown): string | undefined {
    try {
      (this.effects[name] as ((value: unknown) => void) | undefined)?.(value);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  rewrite(): Promise<string | undefined> {
    this.rewriting = this.rewriting.then(() => this.rewriteNow());
    return this.rewriting;
  }

  private async rewriteNow(): Promise<string | undefined> {
    if (this.file === undefined) return "The server is running without a config file";
    try {
      const edited = editSettingsFile(await readFile(this.file, "utf8"), await this.changedTexts());
      if (edited === undefined) {
        return `Rewriting config file: ${this.file} would not say the same afterwards; write the changed settings there by hand`;
      }
      await replaceFile(this.file, edited);
      return undefined;
    } catch (error) {
      return `Rewriting config file: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** What CONFIG SET changed, by the file's keys; a password only as its hash. */
  private async changedTexts(): Promise<Map<string, TomlValue | undefined>> {
    const texts = new Map<string, TomlValue | undefined>();
    for (const [name, { key, kind }] of settingEntries) {
      if (!this.changed.has(name)) continue;
      const value = this.settings[name];
      if (value === undefined) texts.set(key, undefined);
      else texts.set(key, name === "password" ? await hashedPassword(String(value)) : kind.print(value));
    }
    return texts;
  }
}

function nameOf(pairs: readonly (readonly [string, string])[], name: SettingName): string {
  return pairs.find(([given]) => rowOf(given)?.name === name)?.[0] ?? "";
}

function parse({ redis, kind }: Setting<unknown>, text: string): Parsed<unknown> {
  if (redis !== undefined) return redis.parse(text);
  const read = v.safeParse(kind.schema, text);
  return read.success ? { value: read.output } : { refusal: `it takes ${kind.allowed}` };
}

/** Whoever reads it meanwhile sees the old file or the new one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const { mode } = await stat(path);
  const temporary = `${path}.${process.pid}.new`;
  await writeFile(temporary, text, { mode: mode & 0o777 });
  await rename(temporary, path);
}
