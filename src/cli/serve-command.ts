// `nearkey serve`: starts the server, says on one line where it listens and what it keeps, and ends it in order when
// asked to. The first SIGTERM or SIGINT drains; a second one does not wait.

import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { NearkeyError } from "../errors.ts";
import { foreignFiles } from "../persistence/directory-files.ts";
import { type Server, startServer } from "../server/server.ts";
import { SERVER_DEFAULTS, type ServerOptions } from "../server/server-options.ts";
import { HASH_PREFIX } from "../settings/password-text.ts";
import { type Settings, settingEntries } from "../settings/server-settings.ts";
import { isLoopback } from "../settings/setting-conflicts.ts";
import { nodeScripts } from "../storage/node-lua.ts";
import { VERSION } from "../version.ts";
import { outliveReaders } from "./connection/ending.ts";
import { addSettingFlags, type CommandSettings, readSettings } from "./setting-flags.ts";

/** Where the built demo page lies: beside the bundle that runs. */
const PAGE_FOLDER = new URL("./", import.meta.url);
/** The engine, beside this program; the one for memory that threads share, and what workers run. */
export const ENGINE_FILE = new URL("./engine.wasm", import.meta.url);
const SHARED_ENGINE_FILE = new URL("./engine.shared.wasm", import.meta.url);
const WORKER_FILE = new URL("./pool-worker.js", import.meta.url);

/** Lua, beside this program. */
const LUA_FILE = new URL("./lua.wasm", import.meta.url);

const EXAMPLES = `
Examples:
  $ nearkey serve                                          for this machine only
  $ nearkey serve --max-memory 3gb --eviction allkeys-lru  as a cache
  $ nearkey serve --config nearkey.toml                    settings from a file; flags come first
  $ nearkey serve --host 0.0.0.0 --allow-host cache.example.org --tls-cert cert.pem --tls-key key.pem
                                                           for others, with NEARKEY_PASSWORD set
  $ redis-cli -p 6379 SET greeting hello                   with any Redis client
  $ curl http://127.0.0.1:7379/health

Every flag is also a key of the file and a variable: --max-memory is max-memory = "1gb" and NEARKEY_MAX_MEMORY.
Flags come before variables, variables before the file; 'nearkey config print' shows what holds and who said it.
Sizes are written as Redis writes them: kb, mb and gb are powers of 1,024; k, m and g of 1,000. Durations have a
unit: ms, s, m or h.`;

/** Adds `nearkey serve` to the program. */
export function registerServe(program: Command): void {
  const command = program.command("serve").description("serve WebSocket, HTTP and Redis clients");
  command.option("--json", "print the start line as JSON, for programs");
  addSettingFlags(command)
    .addHelpText("after", EXAMPLES)
    .action(async (flags: { json?: boolean }) => {
      outliveReaders(process.stdout);
      const options = serverOptionsOf(command);
      const server = await runServer(options);
      process.stdout.write(`${flags.json ? startJson(server, options) : startLine(server, options)}\n`);
    });
}

/**
 * Reads the settings of a command that starts a server. What is wrong with them ends the process, all of it at once;
 * what only looks wrong is said, and so is what makes a server less safe than its owner may think.
 */
export function serverOptionsOf(command: Command): ServerOptions {
  const { settings, origins, problems, warnings, file } = readSettings(command);
  for (const { message } of warnings) logLine(`warning: ${message}`);
  for (const { message } of problems) logLine(message);
  if (problems.length > 0) process.exit(1);
  for (const line of safetyWarnings(settings, origins.password === "file")) logLine(`warning: ${line}`);
  for (const line of directoryWarnings(settings, origins)) logLine(`warning: ${line}`);
  const engineBytes = (): Promise<Uint8Array> => readFile(ENGINE_FILE);
  const files = { pageFolder: PAGE_FOLDER, workerFile: WORKER_FILE, settingsFile: file };
  return { ...SERVER_DEFAULTS, ...settings, ...files, engineBytes, scripts: nodeScripts(LUA_FILE), log: logLine };
}

function safetyWarnings({ host, password, tlsCert }: Settings, fromFile: boolean): string[] {
  const lines: string[] = [];
  if (!isLoopback(host) && tlsCert === undefined) {
    lines.push(
      `--host ${host} can be reached from other machines and speaks no TLS: passwords and values can be read on the ` +
        "way; give --tls-cert and --tls-key, or keep the network private",
    );
  }
  if (fromFile && password !== undefined && !password.startsWith(HASH_PREFIX)) {
    lines.push("the settings file holds a readable password: 'nearkey config hash-password' makes a line to put there");
  }
  return lines;
}

function directoryWarnings({ dir }: Settings, origins: CommandSettings["origins"]): string[] {
  if (dir !== undefined) return foreignWarnings(dir);
  const lost = settingEntries.filter(([name, { group }]) => group === "Durability" && origins[name] !== "default");
  if (lost.length === 0) return [];
  const flags = lost.map(([, { key }]) => `--${key}`).join(", ");
  return [`${flags} without --dir: nothing is kept on disk, and everything ends with the process`];
}

/** So many names of others' files are shown. */
const SHOWN_NAMES = 3;

function foreignWarnings(dir: string): string[] {
  const others = foreignFiles(namesIn(dir));
  if (others.length === 0) return [];
  const shown = others.slice(0, SHOWN_NAMES).join(", ");
  const more = others.length > SHOWN_NAMES ? ` and ${others.length - SHOWN_NAMES} more` : "";
  return [
    `--dir ${dir} holds no database but ${shown}${more}: its files come beside them; give it a folder of its own`,
  ];
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return []; // It is made when the server starts, or starting says what is wrong with it.
  }
}

function logLine(line: string): void {
  process.stderr.write(`nearkey: ${line}\n`);
}

/**
 * Starts a server that ends with this process's signals; what cannot start ends the process with one line and 1.
 *
 * @returns the running server
 */
export async function runServer(options: ServerOptions): Promise<Server> {
  try {
    const file = options.threads > 0 ? SHARED_ENGINE_FILE : ENGINE_FILE;
    const module = await WebAssembly.compile(await readFile(file));
    const server = await startServer(module, options, (error) => exitWith(`the engine failed: ${messageOf(error)}`));
    stopOnSignals(server);
    return server;
  } catch (error) {
    if (error instanceof NearkeyError) return exitWith(error.message);
    throw error;
  }
}

function stopOnSignals(server: Server): void {
  let asked = false;
  const stop = (): void => {
    if (asked) process.exit(1);
    asked = true;
    server.stop().then(
      () => process.exit(0),
      (error) => exitWith(messageOf(error)),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // Without TLS there is nothing to read again, and closing the terminal ends the server as it ends any program.
  if (server.settings.tlsCert !== undefined) process.on("SIGHUP", () => server.reloadTls());
}

/** Ends the process with one line on standard error. */
export function exitWith(message: string): never {
  process.stderr.write(`nearkey: ${message}\n`);
  process.exit(1);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** One line: addresses, memory, policy, and that nothing is on disk. */
export function startLine(server: Server, options: ServerOptions): string {
  const { http, resp } = server;
  const tls = options.tlsCert === undefined ? "" : " over TLS";
  const redis = resp === undefined ? "RESP off" : `RESP on ${hostInUrl(resp.host)}:${resp.port}${tls}`;
  const memory = `${Math.round(options.maxMemoryBytes / 1024 / 1024)} MiB`;
  return (
    `nearkey ${VERSION} serves http${options.tlsCert === undefined ? "" : "s"}://${hostInUrl(http.host)}:${http.port} (HTTP and WebSocket), ${redis}; ` +
    `up to ${memory}, ${options.eviction}; ${keptText(options)}`
  );
}

function keptText({ dir, fsync, fsyncIntervalMs }: ServerOptions): string {
  if (dir === undefined) return "everything is kept in memory, nothing on disk";
  return `kept in ${dir}, fsync ${fsync}${fsync === "periodic" ? ` every ${fsyncIntervalMs} ms` : ""}`;
}

function startJson(server: Server, options: ServerOptions): string {
  const { http, resp } = server;
  const address = `${hostInUrl(http.host)}:${http.port}`;
  const s = options.tlsCert === undefined ? "" : "s";
  return JSON.stringify({
    event: "listening",
    version: VERSION,
    pid: process.pid,
    http: `http${s}://${address}`,
    websocket: `ws${s}://${address}/`,
    resp: resp === undefined ? null : `redis${s}://${hostInUrl(resp.host)}:${resp.port}`,
    max_memory_bytes: options.maxMemoryBytes,
    eviction: options.eviction,
    persistence: options.dir === undefined ? "none" : options.fsync,
  });
}

/** An address as it stands in a URL. */
export function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
