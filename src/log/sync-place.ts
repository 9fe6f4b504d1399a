// Whether the thread that executes waits for a sync itself or lets another thread do so. Waiting costs two system calls and
// everything that could be done meanwhile; another thread costs some 50 µs of CPU to and fro, and splits clients that wait
// for each other's commits into two halves, of which each waits for the other's commit too: half the rate. So what is
// quickly on disk is waited for, as long as syncs usually are short, and what takes long, because it is much or because
// the disk is slow, goes elsewhere.

/** Weight of the last sync in what they usually take. */
const WEIGHT = 1 / 8;
/** More than this is written by the disk while commands run: executing it took longer than a sync does. */
const HERE_BYTES_MAX = 128 * 1024;

/** Decides for one log. */
export class SyncPlace {
  private usualMs = 0;

  /** @param waitMsMax longest that syncs may usually take to be waited for, 0: none is */
  constructor(private readonly waitMsMax: number) {}

  /** Whether a sync of so many bytes is to be waited for. */
  isHere(bytes: number): boolean {
    return this.usualMs < this.waitMsMax && bytes <= HERE_BYTES_MAX;
  }

  /** Notes what a sync took, wherever it was. */
  took(ms: number): void {
    this.usualMs += (ms - this.usualMs) * WEIGHT;
  }
}
