// Who waits for the log to come to a position. Positions only rise, so the first that waits is the first that goes:
// a queue, and nothing to sort. Under load somebody always waits, so those who have gone are cut off now and then.

/** Who waits; one thing that waits again and again, so that waiting makes no garbage. */
export interface CommitWaiter {
  /** The record that it waits for; it must not change while it waits. */
  readonly position: number;
  /** Called once: `covered` is false when it waits no longer though the record is not covered. */
  goOn(covered: boolean): void;
}

/** So many who have gone are cut off at least: it moves those behind them. */
const GONE_MIN = 1024;

/** A queue of those who wait. */
export class CommitQueue {
  private waiting: CommitWaiter[] = [];
  private head = 0;

  /** How many wait. */
  get length(): number {
    return this.waiting.length - this.head;
  }

  /** Appends one who waits; positions must not fall from call to call. */
  add(waiter: CommitWaiter): void {
    this.waiting.push(waiter);
  }

  /** Lets everybody go on who waits for `covered` or less, or for `upTo` or less without it. */
  reached(covered: number, upTo = covered): void {
    // What they do may add others behind, which wait for more.
    for (let next = this.waiting[this.head]; next !== undefined; next = this.waiting[this.head]) {
      if (next.position > upTo) break;
      this.head++;
      next.goOn(next.position <= covered);
    }
    const { head, length } = this;
    if (length > 0 && (head < GONE_MIN || head < length)) return;
    this.waiting.copyWithin(0, head);
    this.waiting.length = length;
    this.head = 0;
  }
}
