// What surrounds a simulated process: time that moves when the simulation says so, and what waits for the event loop or for
// a moment. Everything that waits is run by the simulation, so one seed decides the order of it all.

import type { FaultyStorage } from "./faulty-storage.ts";

/** So many steps without a fault end everything that can end. */
export const QUIET_STEPS = 20_000;

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** The surroundings of one process until it dies. */
export class SimulatedProcess {
  nowMs = 1_700_000_000_000;
  #soon: (() => void)[] = [];
  #timers: Timer[] = [];

  /** What a log or a database asks of its host. */
  readonly host = {
    soon: (run: () => void) => void this.#soon.push(run),
    now: () => this.nowMs,
    clock: () => this.nowMs,
    after: (ms: number, run: () => void) => this.#after(ms, run),
  };

  #after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Runs what waits for the events at hand to be over. */
  runSoon(): void {
    for (const run of this.#soon.splice(0)) run();
  }

  /** Moves time to the next timer and runs it. */
  fireTimer(): void {
    const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
    if (next === undefined) return;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.run();
  }

  /** Lets the storage work until a promise is settled; false when it never is. */
  async drive(promise: Promise<unknown>, storage: FaultyStorage): Promise<boolean> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    for (let step = 0; !isSettled; step++) {
      if (step > QUIET_STEPS) return false;
      this.runSoon();
      if (storage.waiting > 0) storage.turn();
      else if (step % 4 === 3) this.fireTimer();
      await turnOfLoop();
    }
    return true;
  }

  /** Nothing that waits will ever run. */
  die(): void {
    this.#soon = [];
    this.#timers = [];
  }
}

/** Lets promises and immediates run. */
export function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
