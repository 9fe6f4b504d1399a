// The command of one connection that waits for a key: nothing else of it runs until the engine says that it was answered,
// which it is at the latest when its time is over.

import type { EngineEvents } from "../../engine.ts";

/** Pieces of input that a client may send meanwhile: a mebibyte. Its end must be heard, so it is read on until then. */
export const WAITING_PIECES_MAX = 16;
/** What a timer can count to; longer is as good as never. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Waits, at most one command at a time. */
export class KeyWait {
  waits = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly events: EngineEvents,
    private readonly connection: number,
  ) {}

  /** The command that just ran waits. */
  begin(): void {
    this.waits = true;
    const { timeoutMs } = this.events;
    if (timeoutMs > 0 && timeoutMs <= TIMER_MS_MAX) this.timer = setTimeout(() => this.giveUp(), timeoutMs);
  }

  /** Lets it be answered as if its time were over; false when none waits. */
  giveUp(): boolean {
    return this.events.endWait(this.connection, false);
  }

  /** It was answered, or its connection is gone; false when none waited. */
  end(): boolean {
    clearTimeout(this.timer);
    const waited = this.waits;
    this.waits = false;
    return waited;
  }
}
