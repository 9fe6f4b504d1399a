// The work of an import: rows are taken from files in batches, made ready, and sent without waiting for each other, as
// many as a window of bytes allows. A batch is sent in one tick, so the client puts it into one frame. Reading waits
// while the window is full; that, and nothing else, bounds memory and keeps the server from drowning.

import { NearkeyError } from "../../errors.ts";
import { RowProblem } from "./found-row.ts";
import { Refusals } from "./refusals.ts";
import { concernsRowOnly, mayBeRepeated, type Sendable, type Sink } from "./sinks.ts";

/** Bytes on the way at most: a few frames, so that the server always has the next one. */
const WINDOW_BYTES = 2 * 1024 * 1024;
/** And rows: the promises of more outlive the collector's young generation (8,192 rows: half as many keys a second). */
const WINDOW_ROWS = 1024;
/** How often a row is sent whose connection broke while nothing was heard of any other either. */
const TRIES = 5;

/** Limits of an import. */
export interface JobLimits {
  /** Rows passed over at the start. */
  readonly skip: number;
  /** Rows taken at most. */
  readonly limit: number;
  /** Whether the first refused row ends it. */
  readonly strict: boolean;
}

/** A row as the job sees it. */
export interface PlacedRow {
  /** Where it is in its file. */
  readonly place: number;
  /** It belongs to the row before, and both count as one. */
  readonly continues?: boolean;
}

/** Sends rows and counts what became of them. */
export class ImportJob<Row extends PlacedRow> {
  readonly refusals = new Refusals();
  /** Rows that are in. */
  stored = 0;
  /** Of these, elements that replaced one of the same id. */
  replaced = 0;
  readonly #sink: Sink<Row>;
  readonly #limits: JobLimits;
  #number = 0;
  #taken = 0;
  #waitingBytes = 0;
  #waitingRows = 0;
  #arrived: (() => void) | undefined;
  #stopped = false;
  #fatal: unknown;

  constructor(sink: Sink<Row>, limits: JobLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Takes no further row; what is on the way arrives. */
  stop(): void {
    this.#stopped = true;
  }

  /** Whether the limit, an error or somebody ended it. */
  get ended(): boolean {
    return this.#halted || this.#taken >= this.#limits.limit;
  }

  get #halted(): boolean {
    return this.#stopped || this.#fatal !== undefined;
  }

  /** Counts a row, unless it belongs to the one before; whether it is not one of those passed over at the start. */
  #counts(row: Row): boolean {
    const isTaken = this.#number + (row.continues === true ? 0 : 1) > this.#limits.skip;
    if (row.continues === true) return isTaken;
    this.#number++;
    if (isTaken) this.#taken++;
    return isTaken;
  }

  /**
   * Sends the rows of one file; files one after the other make one import.
   *
   * @param placeOf names a row for people
   * @param progressed called after each batch
   */
  async take(batches: AsyncIterable<Row[]>, placeOf: (row: Row) => string, progressed: () => void) {
    for await (const rows of batches) {
      for (const row of rows) {
        if (this.#halted || (this.ended && row.continues !== true)) return;
        if (!this.#counts(row)) continue;
        const waiting = this.#takeRow(row, this.#number - 1, () => placeOf(row));
        // Awaiting each row would end the tick, and each would travel in a frame of its own.
        if (waiting !== undefined) await waiting;
      }
      progressed();
    }
  }

  /**
   * Waits for what is on the way.
   *
   * @throws what ended the import, when that was an error
   */
  async finish(): Promise<void> {
    await this.#below(1, 1);
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  #takeRow(row: Row, number: number, place: () => string): Promise<void> | undefined {
    const made = this.#sink.prepare(row, number);
    if (made instanceof Promise) return made.then((ready) => this.#submit(ready, place));
    return this.#submit(made, place);
  }

  /** Sends a row; a promise when the next one must wait. */
  #submit(ready: Sendable | RowProblem | undefined, place: () => string): Promise<void> | undefined {
    if (ready === undefined) return undefined;
    if (ready instanceof RowProblem) {
      this.#refuse(ready.code, ready.message, place());
      return undefined;
    }
    this.#waitingBytes += ready.bytes;
    this.#waitingRows++;
    void this.#send(ready, place);
    const full = this.#waitingBytes >= WINDOW_BYTES || this.#waitingRows >= WINDOW_ROWS;
    // Half of it must be free again, or each reply would let a single row go.
    return full ? this.#below(WINDOW_BYTES / 2, WINDOW_ROWS / 2) : undefined;
  }

  async #send(ready: Sendable, place: () => string): Promise<void> {
    try {
      const answer = await this.#sendUntilHeard(ready);
      this.stored += ready.stored?.() ?? 1;
      if (answer === false) this.replaced++;
    } catch (error) {
      if (concernsRowOnly(error)) this.#refuse(error.code, error.message, place());
      else this.#fatal ??= error;
    }
    ready.settled?.();
    this.#waitingBytes -= ready.bytes;
    this.#waitingRows--;
    this.#arrived?.();
  }

  /** One row that the server cannot read ends the connection for all that are behind it: those are sent again. */
  async #sendUntilHeard(ready: Sendable): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      const heard = this.#heard;
      try {
        return await ready.send();
      } catch (error) {
        if (this.#heard > heard) tries = 1;
        if (!mayBeRepeated(error) || tries === TRIES) throw error;
      }
    }
  }

  /** Rows whose fate is known. */
  get #heard(): number {
    return this.stored + this.refusals.count;
  }

  #refuse(code: string, message: string, place: string): void {
    this.refusals.add(code, message, place);
    if (!this.#limits.strict) return;
    this.#fatal ??= new NearkeyError("invalid-argument", `${place}: ${message} (--strict stops at the first)`);
  }

  /** Waits until no more is on the way than that; the reply that brings it there wakes it, and no earlier one. */
  #below(bytes: number, rows: number): Promise<void> | undefined {
    if (this.#waitingBytes < bytes && this.#waitingRows < rows) return undefined;
    return new Promise((resolve) => {
      this.#arrived = () => {
        if (this.#waitingBytes >= bytes || this.#waitingRows >= rows) return;
        this.#arrived = undefined;
        resolve();
      };
    });
  }
}
