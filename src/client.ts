// The client for browsers and Node: the methods of the embedded database as promises, over WebSocket. Nothing in here
// or below imports Node or the engine. Commands issued in the same tick travel in one frame, which is what makes it
// fast: thirty thousand round trips a second become millions of commands.

import { ClientLink } from "./client/client-link.ts";
import type { WebSocketClass } from "./client/client-socket.ts";
import type { Operation } from "./database/operations.ts";
import { PromiseMethods } from "./database/promise-methods.ts";
import { NearkeyError } from "./errors.ts";

export type { WebSocketClass, WebSocketLike } from "./client/client-socket.ts";
export { Pipeline, type Settled } from "./database/client-pipeline.ts";
export type { Answer, Mode } from "./database/database-methods.ts";
export type { Key, SetOptions, Value } from "./database/operations.ts";
export type { Attributes, SearchOptions, SearchResult } from "./database/vector-operations.ts";
export type { Metric, Vector, VectorOptions } from "./database/vector-options.ts";
export { VectorSet } from "./database/vectors.ts";
export { errorCodes, NearkeyError, type NearkeyErrorCode, ReplyError } from "./errors.ts";
export type { Argument, Reply, ReplyMap } from "./resp.ts";

/** How a client comes back after its connection broke. */
export interface ReconnectOptions {
  /** The first delay, in milliseconds; each further one doubles, and half of each is drawn at random. Default 50. */
  minDelayMs?: number | undefined;
  /** The longest delay, in milliseconds. Default 5,000. */
  maxDelayMs?: number | undefined;
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
  /** False leaves a broken connection broken. By default the client comes back until it is closed. */
  reconnect?: boolean | ReconnectOptions | undefined;
  /** How long a command waits for a broken connection before it is rejected with `not-sent`, in ms. Default 30,000. */
  waitMs?: number | undefined;
  /** Time for a connection to be made, in milliseconds. Default 10,000. */
  connectTimeoutMs?: number | undefined;
  /** The connection counts as broken when replies are due and nothing comes for so long, in ms. Default 60,000. */
  replyTimeoutMs?: number | undefined;
  /** Most bytes of commands that wait to be sent; further ones are rejected with `not-sent`. Default 256 MiB. */
  maxWaitingBytes?: number | undefined;
  /** For `wss:` in Node. A browser trusts whom its system trusts, and asks its user for certificates. */
  tls?: TlsOptions | undefined;
  /** The class that makes WebSockets, where the runtime has none. */
  WebSocket?: WebSocketClass | undefined;
}

/**
 * Connects to a server: `await connect("ws://127.0.0.1:7379", { password })`.
 *
 * @param url `ws:` or `wss:`
 * @throws NearkeyError `connection-failed`, `authentication-required`, `wrong-password`, `invalid-option`, and
 *   `unsupported` where there is no WebSocket
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (WebSocket === undefined) {
    throw new NearkeyError("unsupported", "this runtime has no WebSocket: give connect the option WebSocket, a class");
  }
  if (options.tls !== undefined) {
    throw new NearkeyError("invalid-option", "the option tls is for Node and its own WebSocket: leave it out here");
  }
  const reconnect = typeof options.reconnect === "object" ? options.reconnect : {};
  const settings = {
    url: checkUrl(url),
    password: options.password,
    WebSocket,
    reconnect: options.reconnect !== false,
    minDelayMs: checkDuration("minDelayMs", reconnect.minDelayMs ?? 50),
    maxDelayMs: checkDuration("maxDelayMs", reconnect.maxDelayMs ?? 5000),
    waitMs: checkDuration("waitMs", options.waitMs ?? 30_000),
    connectTimeoutMs: checkDuration("connectTimeoutMs", options.connectTimeoutMs ?? 10_000),
    replyTimeoutMs: checkDuration("replyTimeoutMs", options.replyTimeoutMs ?? 60_000),
    maxWaitingBytes: options.maxWaitingBytes ?? 256 * 1024 * 1024,
  };
  return new Client(await ClientLink.open(settings));
}

/**
 * A connection to a server, made by `connect()`. All methods give promises, which reject with a `NearkeyError`: beside
 * the codes that each names, `connection-lost` (the command may have run), `not-sent` (it has not) and `closed`.
 */
export class Client extends PromiseMethods {
  readonly #link: ClientLink;

  /**
   * Made by `connect()`, not by hand.
   *
   * @internal
   */
  constructor(link: ClientLink) {
    super();
    this.#link = link;
  }

  /** Refuses new commands, waits for the replies of those issued, and closes the connection. May be called again. */
  override close(): Promise<void> {
    return this.#link.close();
  }

  protected override submit<Result>(operation: Operation<Result>): Promise<Result> {
    return this.#link.submit(operation);
  }
}

function checkUrl(url: string | URL): string {
  const text = String(url);
  if (/^wss?:\/\//i.test(text)) return text;
  throw new NearkeyError("invalid-option", `the address must begin with ws:// or wss://, not ${JSON.stringify(text)}`);
}

function checkDuration(name: string, ms: number): number {
  if (typeof ms === "number" && ms >= 0) return ms;
  throw new NearkeyError("invalid-option", `${name} must be a number of milliseconds, not ${ms}`);
}
