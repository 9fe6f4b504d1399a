// Who waits for the log to come to a position. Positions only rise, so the first that waits is the first that goes:
// a queue, and nothing to sort.

interface Waiting {
  readonly position: number;
  readonly resume: () => void;
}

/** A queue of those who wait. */
export class CommitQueue {
  private waiting: Waiting[] = [];
  private head = 0;

  /** How many wait. */
  get length(): number {
    return this.waiting.length - this.head;
  }

  /** Calls `resume` once the log has come to `position`; positions must not fall from call to call. */
  add(position: number, resume: () => void): void {
    this.waiting.push({ position, resume });
  }

  /** Lets everybody go on who waits for `position` or less. */
  reached(position: number): void {
    // What they do may add others behind, which wait for more.
    for (let next = this.waiting[this.head]; next !== undefined; next = this.waiting[this.head]) {
      if (next.position > position) break;
      this.head++;
      next.resume();
    }
    if (this.head === this.waiting.length) {
      this.waiting = [];
      this.head = 0;
    }
  }
}
