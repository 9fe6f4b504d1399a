// The client for browsers and Node: the methods of the embedded database as promises, over WebSocket. Nothing in here
// or below imports Node or the engine. Commands issued in the same tick travel in one frame, which is what makes it
// fast: thirty thousand round trips a second become millions of commands.

import { ClientLink } from "./client/client-link.ts";
import { type ConnectOptions, checkDuration, linkSettings } from "./client/client-options.ts";
import type { ClientStateName, StateListener } from "./client/client-state.ts";
import type { CallOptions } from "./client/pending-call.ts";
import { resultOf, transactionOf } from "./client/transaction.ts";
import { Pipeline } from "./database/client-pipeline.ts";
import type { Operation } from "./database/operations.ts";
import { checkSendable, PromiseMethods } from "./database/promise-methods.ts";
import { NearkeyError } from "./errors.ts";
import type { Argument, Reply } from "./resp.ts";

export type { ConnectOptions, ReconnectOptions, TlsOptions } from "./client/client-options.ts";
export type { WebSocketClass, WebSocketLike } from "./client/client-socket.ts";
export type { ClientState, ClientStateName, StateListener } from "./client/client-state.ts";
export type { CallOptions } from "./client/pending-call.ts";
export { Pipeline, type Settled } from "./database/client-pipeline.ts";
export type { Answer, Mode } from "./database/database-methods.ts";
export type { Key, SetOptions, Value } from "./database/operations.ts";
export type { Attributes, SearchOptions, SearchResult } from "./database/vector-operations.ts";
export type { Metric, Vector, VectorOptions } from "./database/vector-options.ts";
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
export class Client extends PromiseMethods {
  readonly #link: ClientLink;
  readonly #call: CallOptions;

  /**
   * Made by `connect()`, not by hand.
   *
   * @internal
   */
  constructor(link: ClientLink, call: CallOptions = {}) {
    super();
    this.#link = link;
    this.#call = call;
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
    if (options.timeoutMs !== undefined) checkDuration("timeoutMs", options.timeoutMs);
    return new Client(this.#link, { ...this.#call, ...options });
  }

  /**
   * Collects commands that run all at once, or not at all when one of them is none: `MULTI` and `EXEC` around them, in
   * one frame. One that fails while it runs (a wrong type) does not undo the others, as in Redis.
   */
  transaction(): Pipeline {
    return new Pipeline((operations) => this.#transact(operations));
  }

  #transact(operations: readonly Operation<unknown>[]): Promise<unknown>[] {
    if (operations.length === 0) return [];
    const whole = this.#runWhole(operations);
    return operations.map(async (operation, index) => {
      const replies = (await whole)[index] as Reply[];
      try {
        return resultOf(operation, replies);
      } catch (error) {
        const takeBack = operation.undo && (error as NearkeyError).code === "unsafe-integer";
        if (takeBack) await this.submit({ commands: [operation.undo as Argument[]], read: () => undefined });
        throw error;
      }
    });
  }

  async #runWhole(operations: readonly Operation<unknown>[]): Promise<Reply[][]> {
    for (const { commands } of operations) checkSendable(commands);
    return this.submit(transactionOf(operations));
  }

  /**
   * Refuses new commands, waits for the replies of those issued, for at most `closeTimeoutMs`, and closes the
   * connection. May be called again.
   */
  override close(): Promise<void> {
    return this.#link.close();
  }

  protected override submit<Result>(operation: Operation<Result>): Promise<Result> {
    return this.#link.submit(operation, this.#call);
  }
}
