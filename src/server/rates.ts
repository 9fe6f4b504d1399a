// Commands and bytes a second, for INFO. Sampled once a second, since all connections are asked for their bytes.

import type { Rates } from "../host/host-facts.ts";

interface Sample extends Rates {
  readonly atMs: number;
}

/** The rates since a moment one to two seconds ago. */
export class RateSampler {
  private older: Sample;
  private newer: Sample;

  /** @param counts what was counted so far */
  constructor(private readonly counts: () => Rates) {
    this.older = this.take();
    this.newer = this.older;
  }

  /** To be called once a second. */
  sample(): void {
    this.older = this.newer;
    this.newer = this.take();
  }

  /** A second each; counts that were reset begin at 0. */
  rates(): Rates {
    const now = this.take();
    const { older } = this;
    const seconds = (now.atMs - older.atMs) / 1000;
    const rate = (after: number, before: number): number =>
      seconds > 0 ? (after >= before ? after - before : after) / seconds : 0;
    return {
      commands: rate(now.commands, older.commands),
      receivedBytes: rate(now.receivedBytes, older.receivedBytes),
      sentBytes: rate(now.sentBytes, older.sentBytes),
    };
  }

  private take(): Sample {
    return { ...this.counts(), atMs: performance.now() };
  }
}
