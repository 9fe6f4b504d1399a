// The client for browsers and Node: the methods of the embedded database as promises, over WebSocket. Nothing in here
// or below imports Node or the engine. Commands issued in the same tick travel in one frame, which is what makes it
// fast: thirty thousand round trips a second become millions of commands.

import { ClientLink } from "./client/client-link.ts";
import { type ConnectOptions, linkSettings } from "./client/client-options.ts";
import type { ClientStateName, StateListener } from "./client/client-state.ts";
import { LinkedMethods } from "./client/linked-methods.ts";
import type { CallOptions } from "./client/pending-call.ts";
import { NearkeyError } from "./errors.ts";

export type { ConnectOptions, ReconnectOptions, TlsOptions } from "./client/client-options.ts";
export type { WebSocketClass, WebSocketLike } from "./client/client-socket.ts";
export type { ClientState, ClientStateName, StateListener } from "./client/client-state.ts";
export type { CallOptions } from "./client/pending-call.ts";
export { Pipeline, type Settled } from "./database/client-pipeline.ts";
export type { Answer, Mode } from "./database/database-methods.ts";
export type { Key, SetOptions, Value } from "./database/operations.ts";
export type { Attributes, ElementOptions, SearchOptions, SearchResult } from "./database/vector-operations.ts";
export type { OptimizeOptions } from "./database/vector-optimizing.ts";
export type { Metric, Quantization, Vector, VectorOptions } from "./database/vector-options.ts";
export type { Explanation, FieldIndex } from "./database/vector-planning.ts";
export { VectorSet } from "./database/vectors.ts";
export { errorCodes, NearkeyError, type NearkeyErrorCode, ReplyError } from "./errors.ts";
export type { Argument, Reply, ReplyMap } from "./resp.ts";

/**
 * Connects to a server: `await connect("ws://127.0.0.1:7379", { password })`.
 *
 * @param url `ws:` or `wss:`
 * @throws NearkeyError `connection-failed`, `authentication-required`, `wrong-password`, `invalid-option`, and
 *   `unsupported` where there is no WebSocket
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
  return new Client(await ClientLink.open(linkSettings(url, options), options.signal));
}

/**
 * A connection to a server, made by `connect()`. All methods give promises, which reject with a `NearkeyError`: beside
 * the codes that each names, `connection-lost`, `closed-by-server`, `timed-out` and `aborted` (the command was sent and may
 * have run), `not-sent` (it has certainly not run) and `closed`.
 */
export class Client extends LinkedMethods {
  readonly #link: ClientLink;

  /**
   * Made by `connect()`, not by hand.
   *
   * @internal
   */
  constructor(link: ClientLink, call: CallOptions = {}) {
    super(link, call);
    this.#link = link;
  }

  /** Where the connection stands. */
  get state(): ClientStateName {
    return this.#link.states.current;
  }

  /**
   * Hears each change of the connection's state from now on.
   *
   * @param event `"state"`: there is no other
   * @returns a function that stops it
   */
  on(event: "state", listener: StateListener): () => void {
    if (event === "state") return this.#link.states.listen(listener);
    throw new NearkeyError("invalid-argument", `a client has no event ${JSON.stringify(event)}; there is "state"`);
  }

  /**
   * The same client with bounds on its calls: `client.with({ timeoutMs: 100, signal }).get("key")`. It shares the
   * connection; what it leaves out is as before.
   *
   * @throws NearkeyError `invalid-option`
   */
  with(options: CallOptions): Client {
    return new Client(this.#link, this.bounded(options));
  }

  /**
   * Refuses new commands, waits for the replies of those issued, for at most `closeTimeoutMs`, and closes the
   * connection. May be called again.
   */
  override close(): Promise<void> {
    return this.#link.close();
  }
}
