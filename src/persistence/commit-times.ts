// How long commits took, as a histogram: exact enough for percentiles, and nothing to sort; and how often the disk refused.

/** Upper bounds of the buckets, milliseconds; the last bucket has the rest. */
export const COMMIT_BOUNDS_MS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] as const;

/** Counts commits by their duration, and failures by what the system said. */
export class CommitTimes {
  /** Commits in each bucket, and beyond the last bound. */
  readonly counts: number[] = Array.from({ length: COMMIT_BOUNDS_MS.length + 1 }, () => 0);
  commits = 0;
  sumMs = 0;
  lastMs = 0;
  /** Writes, syncs and new segments that the disk refused, tries included, by the system's word such as `ENOSPC`. */
  readonly failures = new Map<string, number>();

  add(ms: number): void {
    this.commits++;
    this.sumMs += ms;
    this.lastMs = ms;
    const index = COMMIT_BOUNDS_MS.findIndex((bound) => ms <= bound);
    const bucket = index < 0 ? COMMIT_BOUNDS_MS.length : index;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
  }

  failed(code: string): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
  }
}
