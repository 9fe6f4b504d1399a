// `nearkey serve`: starts the server, says on one line where it listens and what it keeps, and ends it in order when
// asked to. The first SIGTERM or SIGINT drains; a second one does not wait.

import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { NearkeyError } from "../errors.ts";
import { type Server, startServer } from "../server/server.ts";
import type { ServerOptions } from "../server/server-options.ts";
import { VERSION } from "../version.ts";
import { addServeFlags, type ServeFlags, serverOptionsOf } from "./serve-options.ts";

/** The engine that was built with this program. */
const ENGINE_FILE = new URL("./engine.wasm", import.meta.url);

const EXAMPLES = `
Examples:
  $ nearkey serve                                          for this machine only
  $ nearkey serve --max-memory 3gb --eviction allkeys-lru  as a cache
  $ nearkey serve --host 0.0.0.0 --password "$SECRET" --allow-host cache.example.org
  $ redis-cli -p 6379 SET greeting hello                   with any Redis client
  $ curl http://127.0.0.1:7379/health

Sizes are written as Redis writes them: kb, mb and gb are powers of 1,024; k, m and g of 1,000.`;

/** Adds `nearkey serve` to the program. */
export function registerServe(program: Command): void {
  const command = program.command("serve").description("serve WebSocket, HTTP and Redis clients");
  addServeFlags(command)
    .option("--json", "print the start line as JSON, for programs")
    .addHelpText("after", EXAMPLES)
    .action(async (flags: ServeFlags & { json?: boolean }) => {
      const options = serverOptionsOf(flags);
      const server = await runServer(options);
      process.stdout.write(`${flags.json ? startJson(server, options) : startLine(server, options)}\n`);
    });
}

/**
 * Starts a server that ends with this process's signals; what cannot start ends the process with one line and 1.
 *
 * @returns the running server
 */
export async function runServer(options: ServerOptions): Promise<Server> {
  try {
    const module = await WebAssembly.compile(await readFile(ENGINE_FILE));
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
  const redis = resp === undefined ? "RESP off" : `RESP on ${hostInUrl(resp.host)}:${resp.port}`;
  const memory = `${Math.round(options.maxMemoryBytes / 1024 / 1024)} MiB`;
  return (
    `nearkey ${VERSION} serves http://${hostInUrl(http.host)}:${http.port} (HTTP and WebSocket), ${redis}; ` +
    `up to ${memory}, ${options.eviction}; everything is kept in memory, nothing on disk`
  );
}

function startJson(server: Server, options: ServerOptions): string {
  const { http, resp } = server;
  const address = `${hostInUrl(http.host)}:${http.port}`;
  return JSON.stringify({
    event: "listening",
    version: VERSION,
    pid: process.pid,
    http: `http://${address}`,
    websocket: `ws://${address}/`,
    resp: resp === undefined ? null : `redis://${hostInUrl(resp.host)}:${resp.port}`,
    max_memory_bytes: options.maxMemoryBytes,
    eviction: options.eviction,
    persistence: "none",
  });
}

/** An address as it stands in a URL. */
export function hostInUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
