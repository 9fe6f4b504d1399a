// Commands collected by hand. Commands issued in the same tick travel together anyway; a pipeline adds one promise for
// all of them, whose type knows each result, and the guarantee that they leave back to back.

import { DatabaseMethods } from "./database-methods.ts";
import type { Operation } from "./operations.ts";

/** Sends operations back to back; the promises are in the operations' order. */
export type SendAll = (operations: readonly Operation<unknown>[]) => Promise<unknown>[];

/** The outcome of each command, as `Promise.allSettled` gives it. */
export type Settled<Results extends unknown[]> = { [Index in keyof Results]: PromiseSettledResult<Results[Index]> };

/**
 * A list of commands that `send` runs in order. Each method adds one and answers the pipeline, so calls chain:
 * `await client.pipeline().set("a", "1").increment("n").send()` gives `[boolean, number]`. Not a transaction: others may
 * come in between. Methods throw at once for arguments that cannot be meant.
 */
export class Pipeline<Results extends unknown[] = []> extends DatabaseMethods<{ readonly results: Results }> {
  readonly #sendAll: SendAll;
  #operations: Operation<unknown>[] = [];

  /** Made by `client.pipeline()`, not by hand. */
  constructor(sendAll: SendAll) {
    super();
    this.#sendAll = sendAll;
  }

  /** Commands collected so far. */
  get length(): number {
    return this.#operations.length;
  }

  /**
   * Sends what was collected, and empties the pipeline.
   *
   * @returns each command's result, in order
   * @throws NearkeyError the first command's error, once all have ended: the others have run
   */
  async send(): Promise<Results> {
    const outcomes = await this.settle();
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as Results;
  }

  /** Sends what was collected, empties the pipeline and gives each command's outcome; never rejects. */
  settle(): Promise<Settled<Results>> {
    const operations = this.#operations;
    this.#operations = [];
    return Promise.allSettled(this.#sendAll(operations)) as Promise<Settled<Results>>;
  }

  protected override run<Args extends unknown[], Result>(
    make: (...args: Args) => Operation<Result>,
    ...args: Args
  ): Pipeline<[...Results, Result]> {
    this.#operations.push(make(...args));
    return this as unknown as Pipeline<[...Results, Result]>;
  }
}
