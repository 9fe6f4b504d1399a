// The flags of the command line that start a server, for `serve` and for every command that brings its own server.
// What commander reads as text becomes checked numbers here; an error names the flag and says what it takes.

import { isIPv6 } from "node:net";
import { type Command, InvalidArgumentError, Option } from "commander";
import { memoryBytesMax } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import { evictionPolicy, parseSize } from "../options.ts";
import { SERVER_DEFAULTS, type ServerOptions } from "../server/server-options.ts";

/** Where the built demo page lies: beside the bundle that runs. */
const PAGE_FOLDER = new URL("./", import.meta.url);

const KIBI = 1024;
const MEBI = KIBI * KIBI;
/** No size may be smaller: even a limit of a test needs room for one page. */
const SIZE_BYTES_MIN = 64 * KIBI;

/** What commander reads. */
export interface ServeFlags {
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
    .option("--resp-port <number>", "Redis clients over TCP; 0 is off", portNumber, defaults.respPort)
    .addOption(
      sizeFlag("--max-memory", "most memory the engine may hold", defaults.maxMemoryBytes, memoryBytesMax, 8 * MEBI),
    )
    .addOption(eviction())
    .addOption(
      new Option("--password <text>", "clients must authenticate; NEARKEY_PASSWORD keeps it from the process list"),
    )
    .addOption(listFlag("--allow-origin <origin>", "pages of this origin may connect; repeatable", originText))
    .addOption(listFlag("--allow-host <name>", "a name this server is reached by; repeatable", hostText))
    .addOption(countFlag("--max-connections", "clients at a time", defaults.maxConnections, 1_000_000))
    .addOption(sizeFlag("--max-frame-bytes", "largest WebSocket message", defaults.maxFrameBytes, 512 * MEBI))
    .addOption(sizeFlag("--max-value-bytes", "largest value or argument", defaults.maxValueBytes, 512 * MEBI))
    .addOption(countFlag("--max-arguments", "arguments of a command", defaults.maxArguments, 131_072))
    .addOption(
      sizeFlag("--output-limit", "replies a client may leave unread", defaults.outputLimitBytes, memoryBytesMax),
    )
    .addOption(
      countFlag("--auth-timeout", "seconds to authenticate, with a password", defaults.authTimeoutMs / 1000, 3600),
    );
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
    // An empty variable, as in a compose file that leaves it open, sets no password; an empty flag is a mistake.
    password: flags.password ?? (process.env.NEARKEY_PASSWORD || undefined),
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

function sizeFlag(
  name: string,
  description: string,
  defaultBytes: number,
  bytesMax: number,
  bytesMin = SIZE_BYTES_MIN,
): Option {
  const parse = (text: string): number => {
    const bytes = checked(() => parseSize(text, name));
    if (bytes >= bytesMin && bytes <= bytesMax) return bytes;
    throw new InvalidArgumentError(`${name} takes ${sizeText(bytesMin)} to ${sizeText(bytesMax)}.`);
  };
  return new Option(`${name} <size>`, description).argParser(parse).default(defaultBytes, sizeText(defaultBytes));
}

/** A size as it may be written: in the largest unit that divides it. */
function sizeText(bytes: number): string {
  const units = ["", "kb", "mb", "gb"];
  let value = bytes;
  let unit = 0;
  for (; unit < units.length - 1 && value % KIBI === 0; unit++) value /= KIBI;
  return `${value}${units[unit]}`;
}

/** A flag that takes a whole number from 1. */
export function countFlag(name: string, description: string, defaultCount: number, countMax: number): Option {
  const parse = (text: string): number => wholeNumber(text, 1, countMax);
  return new Option(`${name} <number>`, description).argParser(parse).default(defaultCount);
}

function eviction(): Option {
  return new Option("--eviction <policy>", "what a write does at the limit: noeviction or allkeys-lru")
    .argParser((text) => checked(() => evictionPolicy(text)))
    .default(SERVER_DEFAULTS.eviction);
}

/** Runs a check that throws, and throws its message as commander wants it. */
function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof NearkeyError ? new InvalidArgumentError(`${error.message}.`) : error;
  }
}

function portNumber(text: string): number {
  return wholeNumber(text, 0, 65_535);
}

function wholeNumber(text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
}

function listFlag(flags: string, description: string, check: (text: string) => string): Option {
  const collect = (text: string, before: readonly string[]): string[] => [...before, check(text)];
  return new Option(flags, description).argParser(collect).default([], "none");
}

/** What a browser sends as `Origin`: anything else, a path behind it or `*`, would never match. */
function originText(text: string): string {
  if (text === "null" || /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s*]+\/?$/i.test(text)) return text;
  throw new InvalidArgumentError("It takes an origin such as https://app.example.org, without a path.");
}

/** A name or an address as `Host` has it, less the port. */
function hostText(text: string): string {
  if (isIPv6(text.replace(/^\[|\]$/g, "")) || /^[^:/?#@[\]\s*]+$/.test(text)) return text;
  throw new InvalidArgumentError("It takes a name such as cache.example.org, without scheme or port.");
}
