// Who goes next. A session that has more work than one call into the engine may do stands in one queue and gets a
// turn of about a millisecond; between two turns the event loop polls its sockets, so a new arrival waits for one
// turn, however deep the pipelines of the others are. The price is one setImmediate a turn, about a microsecond.

/** Work that is done a turn at a time. */
export interface Worker {
  /** Works for about `TURN_MS`; true when it wants another turn. */
  turn(): boolean;
}

/** A fair queue: each worker stands in it at most once, the longest waiting goes first. */
export class Turns {
  private readonly waiting = new Set<Worker>();
  private scheduled = false;
  private readonly next = (): void => {
    this.scheduled = false;
    const [worker] = this.waiting;
    if (worker === undefined) return;
    this.waiting.delete(worker);
    if (worker.turn()) this.waiting.add(worker);
    if (this.waiting.size > 0) this.schedule();
  };

  /** Queues a worker; one that already waits keeps its place. */
  add(worker: Worker): void {
    this.waiting.add(worker);
    if (!this.scheduled) this.schedule();
  }

  /** Takes a worker out, for a session that closed. */
  remove(worker: Worker): void {
    this.waiting.delete(worker);
  }

  private schedule(): void {
    this.scheduled = true;
    setImmediate(this.next);
  }
}
