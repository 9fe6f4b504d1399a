// What all clients together may keep waiting. A block of replies that a full socket holds is a page of the engine, and
// the engine has a fixed number to spare: past half of them, blocks are copied out and given back at once. And the more
// clients there are, the less of its output each may leave unread before its commands wait: many slow readers cost
// about as much as a few.

const MEBI = 1024 * 1024;
/** Bytes of the engine's pages that sockets may hold. */
const LENT_BYTES_MAX = 64 * MEBI;
/** Undrained output above which one session stops reading, at most and at least. */
const PAUSE_BYTES_MAX = MEBI;
const PAUSE_BYTES_MIN = 64 * 1024;

/** Shares the room for undrained output among the sessions of a server. */
export class OutputBudget {
  private sessions = 0;
  private lentBytes = 0;

  /** From `waitingBytes` of undrained output on, all clients together, sessions stop reading. */
  constructor(public waitingBytes: number) {}

  /** Whether another block may be lent to a socket that cannot take it at once. */
  get canLend(): boolean {
    return this.lentBytes < LENT_BYTES_MAX;
  }

  /** Undrained bytes above which a session stops reading; it goes on at a quarter of them. */
  get pauseBytes(): number {
    return Math.min(PAUSE_BYTES_MAX, Math.max(PAUSE_BYTES_MIN, this.waitingBytes / this.sessions));
  }

  join(): void {
    this.sessions++;
  }

  leave(): void {
    this.sessions--;
  }

  lend(bytes: number): void {
    this.lentBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.lentBytes -= bytes;
  }
}
