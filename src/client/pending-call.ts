// One call of a client, from the method that made it to its end. It ends once, by whatever comes first: its replies, the
// loss of the connection, its time limit or its signal. One that ends while it waits is never sent; one that ends on its
// way keeps its place in the queue of replies, so that its late reply is passed over and no other is shifted.

import type { Operation } from "../database/operations.ts";
import { errorOfReply, NearkeyError } from "../errors.ts";
import { type Reply, ReplyError } from "../resp.ts";

/** What bounds a call. */
export interface CallOptions {
  /** The call is rejected after so many milliseconds. Default: the client's `timeoutMs`, and without it never. */
  timeoutMs?: number | undefined;
  /** Rejects the call when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** What a timer can count to; longer is as good as never. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** A call that waits, is on its way, or has ended. */
export class PendingCall {
  readonly replies: Reply[] = [];
  /** Whether its commands have left: from then on they may have run. */
  sent = false;
  #ended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #signal: AbortSignal | undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: NearkeyError) => void;

  /** @param bytes of its commands, encoded */
  constructor(
    readonly operation: Operation<unknown>,
    readonly bytes: number,
    resolve: (value: unknown) => void,
    reject: (error: NearkeyError) => void,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the call by itself after a time, or when a signal says so. */
  bound({ timeoutMs, signal }: CallOptions): void {
    if (timeoutMs !== undefined && timeoutMs <= TIMER_MS_MAX) {
      const late = () => this.#cancel("timed-out", `no reply within ${timeoutMs} ms`, undefined);
      this.#timer = setTimeout(late, timeoutMs);
    }
    this.#signal = signal;
    signal?.addEventListener("abort", this.#aborted);
  }

  readonly #aborted = (): void => this.#cancel("aborted", "the call was aborted", this.#signal?.reason);

  #cancel(code: "timed-out" | "aborted", words: string, cause: unknown): void {
    if (this.sent) this.reject(new NearkeyError(code, `${words}; the command was sent and may have run`, { cause }));
    else this.reject(new NearkeyError("not-sent", `the command was not sent: ${words}`, { cause }));
  }

  reject(error: NearkeyError): void {
    if (this.#end()) this.#reject(error);
  }

  /** Gives the call what its replies mean; passed over when it has ended. */
  settle(): void {
    if (!this.#end()) return;
    try {
      for (const reply of this.replies) if (reply instanceof ReplyError) throw errorOfReply(reply);
      this.#resolve(this.operation.read(this.replies));
    } catch (error) {
      this.#reject(error as NearkeyError);
    }
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#aborted);
    return true;
  }
}
