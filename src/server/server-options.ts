// What a server is started with: its settings, and what the program that starts it decides beside them.

import { NearkeyError } from "../errors.ts";
import type { ScriptSource } from "../scripts/script-source.ts";
import { DEFAULT_SETTINGS, type Settings } from "../settings/server-settings.ts";
import { conflictsOf } from "../settings/setting-conflicts.ts";

/** Settings of `startServer`; each of `Settings` is a flag of `nearkey serve`. */
export interface ServerOptions extends Settings {
  /** Goes on without RESP when its port is taken, instead of failing. */
  readonly respOptional: boolean;
  /** Where the demo page lies; undefined is no page. */
  readonly pageFolder: URL | undefined;
  /** Reads the engine, which a directory carries beside its snapshots; undefined carries none. */
  readonly engineBytes: (() => Promise<Uint8Array>) | undefined;
  /** What workers run, where there are threads. */
  readonly workerFile: URL | undefined;
  /** The file that settings came from, for CONFIG REWRITE. */
  readonly settingsFile: string | undefined;
  /** Where Lua is; undefined answers scripts with an error. */
  readonly scripts: ScriptSource | undefined;
  /** Takes what a person should read, one line at a time. */
  readonly log: (line: string) => void;
}

/** What holds when nothing else is said. */
export const SERVER_DEFAULTS: ServerOptions = {
  ...DEFAULT_SETTINGS,
  respOptional: false,
  pageFolder: undefined,
  engineBytes: undefined,
  workerFile: undefined,
  settingsFile: undefined,
  scripts: undefined,
  log: () => undefined,
};

/**
 * Checks settings against each other.
 *
 * @throws NearkeyError `invalid-option` that names the flag and what is allowed
 */
export function checkServerOptions(options: ServerOptions): void {
  const [first] = conflictsOf(options);
  if (first !== undefined) throw new NearkeyError("invalid-option", first.message);
}
