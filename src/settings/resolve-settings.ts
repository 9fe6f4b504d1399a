// From what was said to what holds: flags before the environment before the file before the defaults. Everything that
// is wrong is found in one pass, so that it can be mended in one. An unknown key of the file is an error, since nobody
// else writes there; an unknown NEARKEY_ variable is a warning, since others do: Kubernetes sets some for every service
// that bears the name.

import * as v from "valibot";
import { nearestName } from "./nearest-name.ts";
import {
  DEFAULT_SETTINGS,
  type Setting,
  type SettingName,
  type Settings,
  settingEntries,
  variableOf,
} from "./server-settings.ts";
import { conflictsOf } from "./setting-conflicts.ts";
import { parseSettingsFile } from "./settings-file.ts";

/** Who said it. */
export type Origin = "default" | "file" | "environment" | "flag";

/** Something that is wrong, or looks it. */
export interface Problem {
  readonly origin: Origin;
  /** The setting's key, or what was written in its place; absent where no one key is at fault. */
  readonly key?: string;
  /** What was given, as text; secrets are masked. */
  readonly value?: string;
  /** What would be allowed. */
  readonly allowed?: string;
  /** The nearest name that exists. */
  readonly didYouMean?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** All of it as one sentence. */
  readonly message: string;
}

/** What was said, by whom. */
export interface SettingSources {
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** By key; several values of a repeated flag as an array. */
  readonly flags?: ReadonlyMap<string, unknown> | undefined;
}

/** What holds, and what is wrong with what was said. */
export interface ResolvedSettings {
  readonly settings: Settings;
  readonly origins: Readonly<Record<SettingName, Origin>>;
  /** With any of these no server may start. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Stands for a secret wherever values are shown. */
export const MASK = "(hidden)";

/** Variables that say something else than a setting. */
const OTHER_VARIABLES = ["NEARKEY_CONFIG", "NEARKEY_URL"];
/** Variables of the tests and benchmarks. */
const WORKSHOP_VARIABLES = /^NEARKEY_(REQUIRE_ALL|SEED|TEST_|FUZZ_|DIFFERENTIAL_|BENCH_)/;

/** Resolves settings from all that was said. */
export function resolveSettings(sources: SettingSources): ResolvedSettings {
  const reading = new Reading();
  if (sources.file !== undefined) reading.file(sources.file.path, sources.file.text);
  reading.environment(sources.environment ?? {});
  reading.flags(sources.flags ?? new Map());
  reading.conflicts();
  const { settings, origins, problems, warnings } = reading;
  return { settings, origins, problems, warnings };
}

/** Where a value stood. */
interface Source {
  readonly origin: Origin;
  readonly place?: { readonly file: string };
  /** Begins a message about the key. */
  readonly where?: string;
  /** Writes the assignment as it stood there. */
  say(value: string): string;
}

const byKey = new Map(settingEntries.map(([name, setting]) => [setting.key, { name, setting }]));
const keyOfRedisName = new Map(
  settingEntries.flatMap(([, { key, redis }]) => (redis === undefined ? [] : [[redis.name, key] as const])),
);

class Reading {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly origins = Object.fromEntries(settingEntries.map(([name]) => [name, "default"])) as Record<
    SettingName,
    Origin
  >;
  private readonly values: Record<string, unknown> = { ...DEFAULT_SETTINGS };
  private readonly wrong = new Set<SettingName>();

  get settings(): Settings {
    return this.values as unknown as Settings;
  }

  file(path: string, text: string): void {
    const parsed = parseSettingsFile(text);
    if ("message" in parsed) {
      const { line, column } = parsed.place;
      const message = `${path}:${line}:${column}: ${parsed.message}`;
      this.problems.push({ origin: "file", file: path, line, column, message });
      return;
    }
    for (const [key, value] of parsed.values) {
      const place = { file: path, ...parsed.placeOf(key) };
      const where = place.line === undefined ? path : `${path}:${place.line}:${place.column}`;
      if (isTable(value)) this.table(key, where, place);
      else
        this.take(key, value, {
          origin: "file",
          place,
          where: `${where}: `,
          say: (text) => `${where}: ${key} = ${text}`,
        });
    }
  }

  private table(key: string, where: string, place: object): void {
    const message = `${where}: settings stand at the top of the file, not in tables such as [${key}]`;
    this.problems.push({ origin: "file", key, ...place, message });
  }

  environment(environment: Readonly<Record<string, string | undefined>>): void {
    const keyOfVariable = new Map([...byKey.keys()].map((key) => [variableOf(key), key]));
    for (const [variable, value] of Object.entries(environment)) {
      // An empty one, as in a compose file that leaves it open, says nothing.
      if (!variable.startsWith("NEARKEY_") || value === undefined || value === "") continue;
      if (OTHER_VARIABLES.includes(variable) || WORKSHOP_VARIABLES.test(variable)) continue;
      const key = keyOfVariable.get(variable);
      if (key !== undefined) this.take(key, value, { origin: "environment", say: (text) => `${variable}=${text}` });
      else this.strangeVariable(variable);
    }
  }

  private strangeVariable(variable: string): void {
    const near = nearestKey(variable.slice("NEARKEY_".length));
    const didYouMean = near === undefined ? undefined : variableOf(near);
    const hint = didYouMean === undefined ? "" : `: did you mean ${didYouMean}?`;
    const message = `${variable} is no setting and is ignored${hint}`;
    this.warnings.push({ origin: "environment", key: variable, message, ...(didYouMean && { didYouMean }) });
  }

  flags(flags: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of flags) this.take(key, value, { origin: "flag", say: (text) => `--${key} ${text}` });
  }

  /** Takes one value that a source gave to a key. */
  private take(key: string, input: unknown, source: Source): void {
    const known = byKey.get(key);
    if (known === undefined) {
      this.unknown(key, source);
      return;
    }
    const { name, setting } = known;
    const { allowed, schema } = setting.kind;
    const { origin, place } = source;
    const read = v.safeParse(schema, input);
    if (read.success) {
      this.values[name] = place === undefined ? read.output : besideFile(name, read.output, place.file);
      this.origins[name] = origin;
      this.wrong.delete(name);
      return;
    }
    this.wrong.add(name);
    const value = setting.secret && input !== "" ? MASK : shown(input);
    const message = `${source.say(value)}: it takes ${allowed}${foreignHint(setting, input)}`;
    this.problems.push({ origin, key, value, allowed, ...place, message });
  }

  private unknown(key: string, { origin, place, where = "" }: Source): void {
    const didYouMean = nearestKey(key);
    const hint = didYouMean === undefined ? "" : `: did you mean ${didYouMean}?`;
    const message = `${where}there is no setting ${JSON.stringify(key)}${hint}`;
    this.problems.push({ origin, key, ...place, message, ...(didYouMean && { didYouMean }) });
  }

  /** Finds what cannot hold together, among settings that are right by themselves. */
  conflicts(): void {
    for (const { names, message } of conflictsOf(this.settings)) {
      if (names.some((name) => this.wrong.has(name))) continue;
      const origin = names.map((name) => this.origins[name]).find((each) => each !== "default") ?? "default";
      this.problems.push({ origin, key: names.map((name) => keyOf(name)).join(", "), message });
    }
  }
}

function keyOf(name: SettingName): string {
  return settingEntries.find(([each]) => each === name)?.[1].key ?? name;
}

/** The key that a mistyped one means; Redis's names lead to ours. */
function nearestKey(word: string): string | undefined {
  const name = nearestName(word, [...byKey.keys(), ...keyOfRedisName.keys()]);
  return name === undefined || byKey.has(name) ? name : keyOfRedisName.get(name);
}

/** Files that a settings file names lie beside it, wherever the server is started from. */
function besideFile(name: SettingName, value: unknown, file: string): unknown {
  const isPath = name === "tlsCert" || name === "tlsKey" || name === "tlsCa";
  const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
  return isPath && typeof value === "string" && !/^(\/|[A-Za-z]:|\\)/.test(value) ? folder + value : value;
}

/** Kubernetes gives every pod NEARKEY_PORT=tcp://… when a service is named nearkey. */
function foreignHint({ key }: Setting<unknown>, input: unknown): string {
  const foreign = key === "port" && typeof input === "string" && input.startsWith("tcp://");
  return foreign ? " (Kubernetes sets this for a service named nearkey: enableServiceLinks: false keeps it out)" : "";
}

function isTable(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function shown(value: unknown): string {
  return typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
}
