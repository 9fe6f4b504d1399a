// Lets the event loop go on between two slices of long work: setImmediate where there is one, else a message to
// oneself, since browsers stretch a chain of timers to 4 ms each.

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

  /** @throws the signal's reason */
  async next(): Promise<void> {
    await pause();
    this.#signal?.throwIfAborted();
    this.#startedMs = performance.now();
  }
}
