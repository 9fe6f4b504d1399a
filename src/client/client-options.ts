// The options of `connect`: what each means, its default, and what it may be.

import { NearkeyError } from "../errors.ts";
import { checkObject } from "../options.ts";
import type { LinkSettings } from "./client-link.ts";
import type { WebSocketClass } from "./client-socket.ts";

/** How a client comes back after its connection broke. */
export interface ReconnectOptions {
  /**
   * Bound of the first delay, in milliseconds; that of each further one doubles, and each delay is drawn at random
   * between 0 and its bound. Default 50.
   */
  minDelayMs?: number | undefined;
  /** The highest bound, in milliseconds. Default 5,000. */
  maxDelayMs?: number | undefined;
  /** Attempts in a row before the client gives up and is closed. Default `Infinity`. */
  tries?: number | undefined;
}

/** Whom to trust over `wss:`, and as whom to come; everything in PEM. */
export interface TlsOptions {
  /** Authorities that may have signed the server's certificate, instead of the well-known ones. */
  ca?: string | Uint8Array | undefined;
  /** The client's own certificate, for servers that ask for one, and its key. */
  cert?: string | Uint8Array | undefined;
  key?: string | Uint8Array | undefined;
  /** False connects to whoever answers: for trying things out only. Default true. */
  rejectUnauthorized?: boolean | undefined;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /** The server's password. */
  password?: string | undefined;
  /** The database that commands work in, 0 to 15; a connection that came back works in it too. Default 0. */
  database?: number | undefined;
  /** What `CLIENT LIST` calls the connection, and one that came back; without spaces. Default none. */
  name?: string | undefined;
  /**
   * False leaves a broken connection broken. By default the client comes back until it is closed, but not to a server
   * that refuses its password.
   */
  reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * How long a command waits for a broken connection before it is rejected with `not-sent`, in ms; 0 rejects at once.
   * Default 30,000.
   */
  waitMs?: number | undefined;
  /** Time for a connection to be made, in milliseconds. Default 10,000. */
  connectTimeoutMs?: number | undefined;
  /** Ends connecting when it is aborted (`aborted`); afterwards it means nothing. */
  signal?: AbortSignal | undefined;
  /** Time for a call, waiting included, in milliseconds: then `timed-out`, or `not-sent`. Default `Infinity`. */
  timeoutMs?: number | undefined;
  /** The connection counts as broken when replies are due and nothing comes for so long, in ms. Default 60,000. */
  replyTimeoutMs?: number | undefined;
  /**
   * A server that was silent for so long while nothing was asked of it gets a PING, in ms, so that one that is gone is
   * noticed before the next call; `Infinity` never asks. Default 15,000.
   */
  heartbeatMs?: number | undefined;
  /** Most calls on their way; further ones wait in order. Default `Infinity`: only their bytes are bounded (4 MiB). */
  maxInFlight?: number | undefined;
  /** Most bytes of commands that wait to be sent; further ones are rejected with `not-sent`. Default 256 MiB. */
  maxWaitingBytes?: number | undefined;
  /** Time that `close()` gives to what was issued before it, in milliseconds. Default 5,000. */
  closeTimeoutMs?: number | undefined;
  /** For `wss:` in Node. A browser trusts whom its system trusts, and asks its user for certificates. */
  tls?: TlsOptions | undefined;
  /** The class that makes WebSockets, where the runtime has none. */
  WebSocket?: WebSocketClass | undefined;
}

const DATABASES = 16;

const optionNames: readonly string[] = [
  "password",
  "database",
  "name",
  "reconnect",
  "waitMs",
  "connectTimeoutMs",
  "signal",
  "timeoutMs",
  "replyTimeoutMs",
  "heartbeatMs",
  "maxInFlight",
  "maxWaitingBytes",
  "closeTimeoutMs",
  "tls",
  "WebSocket",
] satisfies (keyof ConnectOptions)[];
const reconnectNames: readonly string[] = ["minDelayMs", "maxDelayMs", "tries"] satisfies (keyof ReconnectOptions)[];

/** Refuses options that there are not: a misspelt one would silently mean its default. */
function checkNames(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw refused(`${what} has no option ${JSON.stringify(name)}; there are ${known.join(", ")}`);
    }
  }
}

/**
 * Checks options and fills in defaults.
 *
 * @throws NearkeyError `invalid-option` that names the option and what it may be, `unsupported` without a WebSocket
 */
export function linkSettings(url: string | URL, options: ConnectOptions): LinkSettings {
  checkObject("the options of connect", options, "{ password }");
  checkNames("connect", options, optionNames);
  const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (WebSocket === undefined) {
    throw new NearkeyError("unsupported", "this runtime has no WebSocket: give connect the option WebSocket, a class");
  }
  if (options.tls !== undefined) {
    throw new NearkeyError("invalid-option", "the option tls is for Node and its own WebSocket: leave it out here");
  }
  const reconnect = reconnectOptions(options.reconnect);
  return {
    url: checkUrl(url),
    password: options.password,
    WebSocket,
    database: checkDatabase(options.database ?? 0),
    name: checkName(options.name),
    reconnect: options.reconnect !== false,
    minDelayMs: checkDuration("minDelayMs", reconnect.minDelayMs ?? 50),
    maxDelayMs: checkDuration("maxDelayMs", reconnect.maxDelayMs ?? 5000),
    tries: checkCount("tries", reconnect.tries ?? Number.POSITIVE_INFINITY),
    waitMs: checkDuration("waitMs", options.waitMs ?? 30_000),
    connectTimeoutMs: checkDuration("connectTimeoutMs", options.connectTimeoutMs ?? 10_000),
    timeoutMs: checkDuration("timeoutMs", options.timeoutMs ?? Number.POSITIVE_INFINITY),
    replyTimeoutMs: checkDuration("replyTimeoutMs", options.replyTimeoutMs ?? 60_000),
    heartbeatMs: checkDuration("heartbeatMs", options.heartbeatMs ?? 15_000, 1),
    maxInFlight: checkCount("maxInFlight", options.maxInFlight ?? Number.POSITIVE_INFINITY),
    maxWaitingBytes: checkCount("maxWaitingBytes", options.maxWaitingBytes ?? 256 * 1024 * 1024),
    closeMs: checkDuration("closeTimeoutMs", options.closeTimeoutMs ?? 5000),
  };
}

function reconnectOptions(given: boolean | ReconnectOptions | undefined): ReconnectOptions {
  if (given === undefined || typeof given === "boolean") return {};
  checkObject("reconnect", given, "{ tries: 5 }, or true or false");
  checkNames("reconnect", given, reconnectNames);
  return given;
}

function checkUrl(url: string | URL): string {
  const text = String(url);
  if (/^wss?:\/\//i.test(text)) return text;
  throw refused(`the address must begin with ws:// or wss://, not ${JSON.stringify(text)}`);
}

function checkDatabase(database: number): number {
  if (Number.isInteger(database) && database >= 0 && database < DATABASES) return database;
  throw refused(`database must be a whole number from 0 to ${DATABASES - 1}, not ${database}`);
}

/** What the server takes for a name, in a command that could not be told from the greeting's own failure. */
function checkName(name: string | undefined): string | undefined {
  if (name === undefined || /^[!-~]+$/.test(name)) return name;
  throw refused(`name must be printable ASCII without spaces, not ${JSON.stringify(name)}`);
}

/**
 * Checks a time.
 *
 * @throws NearkeyError `invalid-option`
 */
export function checkDuration(name: string, ms: number, least = 0): number {
  if (typeof ms === "number" && ms >= least) return ms;
  throw refused(`${name} must be a number of milliseconds${least > 0 ? ` from ${least}` : ""}, not ${ms}`);
}

function checkCount(name: string, count: number): number {
  if (count === Number.POSITIVE_INFINITY || (Number.isInteger(count) && count > 0)) return count;
  throw refused(`${name} must be a whole number from 1, or Infinity, not ${count}`);
}

function refused(message: string): NearkeyError {
  return new NearkeyError("invalid-option", message);
}
