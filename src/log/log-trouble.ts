// A disk that refuses: what is known about it, and trying again, less and less often up to once a second.

import { NearkeyError } from "../errors.ts";
import { faultCode } from "../storage/storage.ts";
import type { LogFailure, LogHost } from "./log-options.ts";
import { faultText } from "./segment-files.ts";

/** Pauses between tries to write again: 50 ms, doubled each time to a second. */
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 1000;

/** The state of a log whose disk refuses, and of one whose does not. */
export class LogTrouble {
  /** Why nothing may be written. */
  failure: LogFailure | undefined;
  private cancelRetry: (() => void) | undefined;
  private retrying: Promise<void> | undefined;
  private ended = false;

  /**
   * @param retry tries to write again; rejects when that is in vain
   * @param tired called after each try in vain while records wait that are not on disk
   */
  constructor(
    private readonly host: Pick<LogHost, "after" | "failureChanged">,
    private readonly retry: () => Promise<void>,
    private readonly tired: () => void,
  ) {}

  /** Whether records wait that cannot be written. */
  get isBlocking(): boolean {
    return this.failure?.isBlocking === true;
  }

  /** What to say to those who wait. */
  get refusal(): NearkeyError {
    if (this.failure === undefined) return new NearkeyError("closed", "the database is closed");
    return readOnlyError(this.failure);
  }

  /** Notes what failed and tries again later; `isBlocking` as in LogFailure. A lesser failure changes nothing. */
  begin(error: unknown, isBlocking: boolean): void {
    if (this.ended || (this.failure !== undefined && (this.isBlocking || !isBlocking))) return;
    this.note(error, isBlocking, 0);
    this.retryLater();
  }

  private note(error: unknown, isBlocking: boolean, tries: number): void {
    this.failure = { code: faultCode(error), text: faultText(error), isBlocking, tries };
    this.host.failureChanged?.(this.failure);
  }

  private retryLater(): void {
    if (this.retrying !== undefined || this.ended) return;
    const waitMs = Math.min(RETRY_MS_MIN * 2 ** (this.failure?.tries ?? 0), RETRY_MS_MAX);
    this.cancelRetry?.();
    this.cancelRetry = this.host.after(waitMs, () => {
      this.retrying = this.retry()
        .catch((error) => this.inVain(error))
        .finally(() => {
          this.retrying = undefined;
          if (this.failure !== undefined) this.retryLater();
        });
    });
  }

  private inVain(error: unknown): void {
    const { tries = 0, isBlocking = true } = this.failure ?? {};
    this.note(error, isBlocking, tries + 1);
    if (isBlocking) this.tired();
  }

  /** Writing is possible again. */
  over(): void {
    this.failure = undefined;
    this.host.failureChanged?.(undefined);
  }

  /** Nothing is tried any more; a try that is under way has ended when this is kept. */
  async end(): Promise<void> {
    this.ended = true;
    this.cancelRetry?.();
    await this.retrying;
  }
}

/** The error of a write that the disk does not take. */
export function readOnlyError({ text }: LogFailure): NearkeyError {
  return new NearkeyError("read-only", `${text}: the database is read-only until the disk takes what is written`);
}
