// The methods that answer with promises, written once for whoever sends commands somewhere else: the client over
// WebSocket, and in a browser the database that lives in a worker. A class adds only how an operation is submitted and
// what closing means.

import { NearkeyError } from "../errors.ts";
import type { Argument } from "../resp.ts";
import { Pipeline } from "./client-pipeline.ts";
import { DatabaseMethods } from "./database-methods.ts";
import type { Key, Operation } from "./operations.ts";
import { openSet } from "./vector-operations.ts";
import type { VectorOptions } from "./vector-options.ts";
import { VectorSet } from "./vectors.ts";

/** Pairs that one MSET takes: only one command is all or nothing from afar. */
const PAIRS_MAX = 32768;
/** Vectors travel in slices of so many bytes; the next one leaves when this one is answered. */
const SLICE_BYTES = 256 * 1024;
const OWN = "is the client's own: it greets, authenticates and closes itself";
/** They would change the connection under the client's feet, or end it; a reconnected one would know nothing of it. */
const refusedCommands: ReadonlyMap<string, string> = new Map([
  ["AUTH", OWN],
  ["HELLO", OWN],
  ["QUIT", OWN],
  ["RESET", OWN],
  ["SELECT", "would be forgotten when the client reconnects: it works in database 0"],
]);

/** The methods of a database that is not in this thread. */
export abstract class PromiseMethods extends DatabaseMethods<"promise"> {
  /** Sends an operation's commands; the promise gives what its replies mean. May throw as it rejects. */
  protected abstract submit<Result>(operation: Operation<Result>): Promise<Result>;

  /** Refuses new commands, waits for the replies of those issued, and closes. May be called again. */
  abstract close(): Promise<void>;

  /** `await using` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Collects commands by hand, for one promise with all their results. */
  pipeline(): Pipeline {
    return new Pipeline((operations) => operations.map((operation) => this.run(() => operation)));
  }

  /**
   * Opens the vector set under a key, or prepares one. The set comes into being with its first element and ends with
   * its last, as in Redis; until then, and after, its options live in the object that this resolves to.
   *
   * @param options all have defaults but `dim`; for a set that exists they may be left out
   * @throws NearkeyError `invalid-option`, `options-differ` when the set exists with others (both are named),
   *   `wrong-type` when the key holds something else
   */
  async vectors(name: Key, options: VectorOptions = {}): Promise<VectorSet<"promise">> {
    const settings = await this.run(openSet, name, options);
    const port = {
      run: <Args extends unknown[], Result>(make: (...args: Args) => Operation<Result>, ...args: Args) =>
        this.run(make, ...args),
      runAll: <Result>(operations: readonly Operation<Result>[]) => this.#runAll(operations),
      sliceBytes: SLICE_BYTES,
    };
    return new VectorSet(port, settings);
  }

  async #runAll<Result>(operations: readonly Operation<Result>[]): Promise<Result[]> {
    const outcomes = await Promise.allSettled(operations.map((operation) => this.run(() => operation)));
    return outcomes.map((outcome) => {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    });
  }

  protected override run<Args extends unknown[], Result>(
    make: (...args: Args) => Operation<Result>,
    ...args: Args
  ): Promise<Result> {
    try {
      const operation = make(...args);
      checkSendable(operation.commands);
      return this.submit(operation);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/**
 * Refuses commands that would change or end the connection.
 *
 * @throws NearkeyError `invalid-argument`
 */
export function checkSendable(commands: readonly (readonly Argument[])[]): void {
  const [first] = commands;
  const name = typeof first?.[0] === "string" ? first[0].toUpperCase() : "";
  const refusal = refusedCommands.get(name);
  if (refusal !== undefined) throw new NearkeyError("invalid-argument", `${name} ${refusal}`);
  if (name === "CLIENT" && String(first?.[1]).toUpperCase() === "REPLY") {
    throw new NearkeyError("invalid-argument", "CLIENT REPLY would leave calls without the replies that end them");
  }
  if (name === "MSET" && commands.length > 1) {
    throw new NearkeyError("invalid-argument", `setMany takes at most ${PAIRS_MAX} pairs at once from afar`);
  }
}
