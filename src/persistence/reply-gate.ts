// What stands between a command that has run and its reply: the log, where the database is kept on disk. Replies of
// reads wait too, since they tell of what others wrote.

import type { NearkeyError } from "../errors.ts";
import type { CommitWaiter } from "../log/commit-queue.ts";

/** Whoever knows how far the log has come. */
export interface ReplyGate {
  /** Whether replies wait for the disk itself, not for the system alone. */
  readonly syncs: boolean;
  /** The last record of what has run so far. */
  readonly position: number;
  /** Whether replies to what has run so far may leave. */
  readonly isCovered: boolean;
  /** Lets replies wait until they may leave; with false when the disk refused what they tell of. */
  whenCovered(waiter: CommitWaiter): void;
  /** Calls `resume` once there is room for the records of more commands. */
  whenRoom(resume: () => void): void;
  /** Why nothing may be written; undefined while all is well. */
  readonly refusal: NearkeyError | undefined;
}

/** Said to whoever waits for a disk that fails, in the place of replies; the connection ends with it. */
export const CUT_OFF: Uint8Array = new TextEncoder().encode(
  "-MISCONF the commands have run, but the disk failed before they were on it: whether they last is not known. Connect again; INFO persistence says what failed\r\n",
);

/** The replies of one connection, before the gate. */
export class ReplyHold implements CommitWaiter {
  /** Replies stay in the engine, and nothing else runs, until the log has what they tell of. */
  waits = false;
  position = 0;

  /** @param resumed called when they may leave, all that waited; with false when they never may */
  constructor(
    private readonly gate: ReplyGate,
    private readonly resumed: (covered: boolean) => void,
  ) {}

  /** True while replies may not leave. */
  holds(): boolean {
    if (this.waits || this.gate.isCovered) return this.waits;
    this.waits = true;
    this.position = this.gate.position;
    this.gate.whenCovered(this);
    return true;
  }

  /** Waits until more commands have room. */
  waitForRoom(): void {
    if (this.waits) return;
    this.waits = true;
    this.gate.whenRoom(() => this.goOn(true));
  }

  goOn(covered: boolean): void {
    this.waits = false;
    this.resumed(covered);
  }
}
