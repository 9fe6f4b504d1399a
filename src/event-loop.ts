// Lets the event loop go on between two slices of long work: setImmediate where there is one, else a message to
// oneself, since browsers stretch a chain of timers to 4 ms each.

import { NearkeyError } from "./errors.ts";

/** Resolves after the event loop has served what was waiting. */
export function pause(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/**
 * Ends work that nobody wants any more.
 *
 * @throws NearkeyError `aborted`, with the signal's reason as its cause
 */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new NearkeyError("aborted", "the call was aborted", { cause: signal.reason });
}

/** How long work may keep the event loop before others are let in, milliseconds. */
export const TURN_MS = 1;

/** Long work without slices of its own: asks now and then whether its turn is over, and then lets others in. */
export class Turn {
  readonly #signal: AbortSignal | undefined;
  #startedMs = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  get isOver(): boolean {
    return performance.now() - this.#startedMs >= TURN_MS;
  }

  /** Waits for something else, and has a whole turn then. */
  async rest(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#startedMs = performance.now();
  }

  /** @throws NearkeyError `aborted` */
  async next(): Promise<void> {
    await pause();
    checkAborted(this.#signal);
    this.#startedMs = performance.now();
  }
}

/** How many pieces of long work make a turn: as many as took about so long the last time, twice as many as then at most. */
export class TurnPieces {
  readonly #most: number;
  #count: number;

  /** @param first pieces of the first turn, whose time nobody knows yet */
  constructor(first: number, most: number) {
    this.#count = first;
    this.#most = most;
  }

  /** Pieces of the next turn at most. */
  get count(): number {
    return this.#count;
  }

  /** Does the work on so many pieces; what keeps the thread is measured, not what it promises. */
  measured<Result>(pieces: number, work: () => Result): Result {
    const startedMs = performance.now();
    const result = work();
    const ms = Math.max(performance.now() - startedMs, 0.01);
    const fitting = Math.max(Math.floor((pieces * TURN_MS) / ms), 1);
    this.#count = Math.min(fitting, this.#count * 2, this.#most);
    return result;
  }
}
