// The database in a worker, as the page sees it: the client's methods, over messages instead of a socket. Time limits of
// the network have no place here (a worker that is busy is not gone), its bounds do: commands beyond a window wait on
// the page's side, where they can still be refused.

import { ClientLink } from "../client/client-link.ts";
import { LinkedMethods } from "../client/linked-methods.ts";
import type { CallOptions } from "../client/pending-call.ts";
import type { EngineWorker } from "./engine-worker.ts";

/** Most bytes of commands that wait for the worker. */
const WAITING_BYTES_MAX = 256 * 1024 * 1024;

/**
 * A database in a worker of this page, made by `open()`. All methods give promises, which reject with a `NearkeyError`:
 * beside the codes that each names, `closed` after `close()`, `not-sent` when more than 256 MiB of commands wait, and
 * `engine-failed` once the worker broke: what was in it is lost.
 */
export class WorkerDatabase extends LinkedMethods {
  readonly #worker: EngineWorker;
  readonly #link: ClientLink;

  private constructor(worker: EngineWorker, link: ClientLink, call: CallOptions = {}) {
    super(link, call);
    this.#worker = worker;
    this.#link = link;
  }

  /**
   * Greets the engine in a worker.
   *
   * @internal
   */
  static async open(worker: EngineWorker): Promise<WorkerDatabase> {
    const link = await ClientLink.open({
      url: "worker",
      password: undefined,
      WebSocket: worker.WebSocket,
      reconnect: true,
      minDelayMs: 0,
      maxDelayMs: 0,
      waitMs: Number.POSITIVE_INFINITY,
      connectTimeoutMs: Number.POSITIVE_INFINITY,
      replyTimeoutMs: Number.POSITIVE_INFINITY,
      maxWaitingBytes: WAITING_BYTES_MAX,
    });
    return new WorkerDatabase(worker, link);
  }

  /**
   * The same database with bounds on its calls: `db.with({ timeoutMs: 100, signal }).get("key")`. A call that ends so
   * may still run, as one that is under way to a server may. What is left out is as before.
   *
   * @throws NearkeyError `invalid-option`
   */
  with(options: CallOptions): WorkerDatabase {
    return new WorkerDatabase(this.#worker, this.#link, this.bounded(options));
  }

  /** Refuses new commands, waits for the replies of those issued, and ends the worker. May be called again. */
  override async close(): Promise<void> {
    await this.#link.close();
    this.#worker.terminate();
  }
}
