// Progress of a long job: a bar that redraws itself where a person watches, a line at every tenth where a file or
// another program does. Where nobody knows how much there is, the bar is left out and the lines come by the clock.

import { barText, countText, durationText } from "./figures.ts";

/** Where progress is written: standard output, or what a test brings. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const PLAIN_STEPS = 10;
/** Between two lines of a job whose length is not known, in milliseconds. */
const PLAIN_MS = 5000;
/** Between two drawings of the bar, in milliseconds. */
const DRAW_MS = 80;
/** Before so much is done, or so many seconds have passed, the time that is left would be a guess. */
const FORECAST_SHARE = 0.02;
const FORECAST_SECONDS = 2;

/** Shows how much of a job is done. */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #job: string;
  readonly #total: number | undefined;
  readonly #started = performance.now();
  #step = 0;
  #drawnMs = 0;

  /**
   * @param job what is counted, such as "digits loaded"
   * @param total how many there will be, where that is known
   */
  constructor(stream: ProgressStream, job: string, total?: number) {
    this.#stream = stream;
    this.#job = job;
    this.#total = total;
  }

  /**
   * Shows that so many are done; with a total the last call is the one with all of them.
   *
   * @param share of the whole job, 0 to 1, where the total is not known but something else tells
   */
  show(done: number, share = this.#total === undefined ? undefined : done / this.#total): void {
    if (this.#stream.isTTY) this.#draw(done, share, done === this.#total);
    else this.#line(done, share);
  }

  /** Leaves the bar behind with what was done; nothing more is drawn over it. */
  end(done: number, share?: number): void {
    if (this.#stream.isTTY) this.#draw(done, share, true);
  }

  #draw(done: number, share: number | undefined, last: boolean): void {
    const now = performance.now();
    if (!last && now - this.#drawnMs < DRAW_MS) return;
    this.#drawnMs = now;
    const bar = share === undefined ? "" : `${barText(share)} `;
    this.#stream.write(`\r\x1b[2K${bar}${this.#text(done, last ? undefined : share)}${last ? "\n" : ""}`);
  }

  #line(done: number, share: number | undefined): void {
    const elapsedMs = performance.now() - this.#started;
    const step = share === undefined ? Math.floor(elapsedMs / PLAIN_MS) : Math.floor(share * PLAIN_STEPS);
    if (step === this.#step) return;
    this.#step = step;
    this.#stream.write(`${this.#text(done, share)}\n`);
  }

  #text(done: number, share: number | undefined): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const of = this.#total === undefined ? "" : ` of ${countText(this.#total)}`;
    const known = share !== undefined && share >= FORECAST_SHARE && share < 1 && seconds >= FORECAST_SECONDS;
    const left = known ? `, ${durationText((seconds / share) * (1 - share) + 1)} left` : "";
    return `${countText(done)}${of} ${this.#job}, ${countText(done / seconds)} a second${left}`;
  }
}
