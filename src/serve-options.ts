// The flags of the command line that start a server, for `serve` and for every command that brings its own server.
// What commander reads as text becomes checked numbers here; an error names the flag and says what it takes.

import { type Command, InvalidArgumentError, Option } from "commander";
import { NearkeyError } from "./errors.ts";
import { evictionPolicy, parseSize } from "./options.ts";
import { SERVER_DEFAULTS, type ServerOptions } from "./server-options.ts";

/** Where the built demo page lies: beside the bundle that runs. */
const PAGE_FOLDER = new URL("./", import.meta.url);

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly respPort: number;
  readonly maxMemory: number;
  readonly eviction: ServerOptions["eviction"];
  readonly password?: string;
  readonly allowOrigin: readonly string[];
  readonly allowHost: readonly string[];
  readonly maxConnections: number;
  readonly maxFrameBytes: number;
  readonly maxValueBytes: number;
  readonly maxArguments: number;
  readonly outputLimit: number;
  readonly authTimeout: number;
}

/** Adds the flags of a server to a command. */
export function addServeFlags(command: Command): Command {
  const defaults = SERVER_DEFAULTS;
  return command
    .option("--host <address>", "address to listen on; other than loopback needs a password", defaults.host)
    .option("--port <number>", "HTTP and WebSocket; 0 lets the system choose", portNumber, defaults.port)
    .option("--resp-port <number>", "Redis clients, over TCP; 0 is off", portNumber, defaults.respPort)
    .addOption(sizeFlag("--max-memory <size>", "most memory the engine may hold", defaults.maxMemoryBytes))
    .option("--eviction <policy>", "at the limit: noeviction or allkeys-lru", policy, defaults.eviction)
    .addOption(new Option("--password <text>", "clients must authenticate with it").env("NEARKEY_PASSWORD"))
    .option("--allow-origin <origin>", "pages of this origin may connect; repeatable", collect, [])
    .option("--allow-host <name>", "a name this server is reached by; repeatable", collect, [])
    .option("--max-connections <count>", "clients at a time", countFrom1, defaults.maxConnections)
    .addOption(sizeFlag("--max-frame-bytes <size>", "largest WebSocket message", defaults.maxFrameBytes))
    .addOption(sizeFlag("--max-value-bytes <size>", "largest value or argument", defaults.maxValueBytes))
    .option("--max-arguments <count>", "most arguments of a command", countFrom1, defaults.maxArguments)
    .addOption(sizeFlag("--output-limit <size>", "most replies a client may leave unread", defaults.outputLimitBytes))
    .option("--auth-timeout <seconds>", "time to authenticate, if a password is set", seconds, defaults.authTimeoutMs / 1000);
}

/** Turns the flags that commander read into the settings of a server. */
export function serverOptionsOf(flags: ServeFlags): ServerOptions {
  return {
    host: flags.host,
    port: flags.port,
    respPort: flags.respPort === 0 ? undefined : flags.respPort,
    respOptional: false,
    maxMemoryBytes: flags.maxMemory,
    eviction: flags.eviction,
    password: flags.password,
    allowOrigins: flags.allowOrigin,
    allowHosts: flags.allowHost,
    maxConnections: flags.maxConnections,
    maxFrameBytes: flags.maxFrameBytes,
    maxValueBytes: flags.maxValueBytes,
    maxArguments: flags.maxArguments,
    outputLimitBytes: flags.outputLimit,
    authTimeoutMs: flags.authTimeout * 1000,
    pageFolder: PAGE_FOLDER,
  };
}
