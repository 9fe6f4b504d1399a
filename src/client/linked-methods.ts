// The methods over a link, whatever it leads to, a server or a browser's worker: operations are sent with the bounds of a
// call, and some can be sent as one transaction.

import { Pipeline } from "../database/client-pipeline.ts";
import type { Operation } from "../database/operations.ts";
import { checkSendable, PromiseMethods } from "../database/promise-methods.ts";
import type { NearkeyError } from "../errors.ts";
import type { Argument, Reply } from "../resp.ts";
import type { ClientLink } from "./client-link.ts";
import { checkDuration } from "./client-options.ts";
import type { CallOptions } from "./pending-call.ts";
import { resultOf, transactionOf } from "./transaction.ts";

/** Methods whose commands go over a link. */
export abstract class LinkedMethods extends PromiseMethods {
  readonly #link: ClientLink;
  readonly #call: CallOptions;

  /** @internal */
  constructor(link: ClientLink, call: CallOptions) {
    super();
    this.#link = link;
    this.#call = call;
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

  /** The bounds of calls here, changed by others. */
  protected bounded(options: CallOptions): CallOptions {
    if (options.timeoutMs !== undefined) checkDuration("timeoutMs", options.timeoutMs);
    return { ...this.#call, ...options };
  }

  protected override submit<Result>(operation: Operation<Result>): Promise<Result> {
    return this.#link.submit(operation, this.#call);
  }
}
