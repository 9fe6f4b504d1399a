// Progress of a long job: a bar that redraws itself where a person watches, a line at every tenth where a file or
// another program does.

/** Where progress is written: standard output, or what a test brings. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** With the words behind it less than 80 columns: a line that wraps could not redraw itself. */
const BAR_CELLS = 24;
const PLAIN_STEPS = 10;

/** Shows how much of a job is done. */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #job: string;
  readonly #total: number;
  readonly #started = performance.now();
  #step = 0;

  /** @param job what is counted, such as "digits loaded" */
  constructor(stream: ProgressStream, job: string, total: number) {
    this.#stream = stream;
    this.#job = job;
    this.#total = total;
  }

  /** Shows that so many are done; the last call is the one with all of them. */
  show(done: number): void {
    if (this.#stream.isTTY) this.#bar(done);
    else this.#line(done);
  }

  #bar(done: number): void {
    const filled = Math.round((done / this.#total) * BAR_CELLS);
    const bar = "█".repeat(filled) + "░".repeat(BAR_CELLS - filled);
    this.#stream.write(`\r\x1b[2K${bar} ${this.#text(done)}${done === this.#total ? "\n" : ""}`);
  }

  #line(done: number): void {
    const step = Math.floor((done / this.#total) * PLAIN_STEPS);
    if (step === this.#step) return;
    this.#step = step;
    this.#stream.write(`${this.#text(done)}\n`);
  }

  #text(done: number): string {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = Math.round(done / seconds).toLocaleString("en");
    return `${done.toLocaleString("en")} of ${this.#total.toLocaleString("en")} ${this.#job}, ${rate} a second`;
  }
}
