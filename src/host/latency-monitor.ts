// Events that took long, by their kind, as LATENCY tells them: of each kind the last 160 seconds that had one, with the worst of
// that second. Off until there is a threshold.

/** The worst event of a second. */
export interface LatencySample {
  readonly atSeconds: number;
  readonly ms: number;
}

const SAMPLES = 160;

/** What is remembered of one kind. */
export interface LatencyEvents {
  /** The oldest first. */
  readonly samples: readonly LatencySample[];
  /** The worst since it was reset. */
  readonly worstMs: number;
}

/** Remembers what took long. */
export class LatencyMonitor {
  readonly #changed: () => void;
  readonly #kinds = new Map<string, { samples: LatencySample[]; worstMs: number }>();
  #thresholdMs = 0;

  /** @param changed called when the threshold is another */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Milliseconds from which on something is an event; 0 for never. */
  get thresholdMs(): number {
    return this.#thresholdMs;
  }

  set thresholdMs(ms: number) {
    this.#thresholdMs = ms;
    this.#changed();
  }

  isEvent(microseconds: number): boolean {
    return this.#thresholdMs > 0 && microseconds >= this.#thresholdMs * 1000;
  }

  /** Keeps an event, if it is one. */
  note(kind: string, microseconds: number): void {
    if (!this.isEvent(microseconds)) return;
    const ms = Math.round(microseconds / 1000);
    const atSeconds = Math.floor(Date.now() / 1000);
    const known = this.#kinds.get(kind) ?? { samples: [], worstMs: 0 };
    this.#kinds.set(kind, known);
    known.worstMs = Math.max(known.worstMs, ms);
    const last = known.samples.at(-1);
    if (last?.atSeconds === atSeconds) known.samples.pop();
    known.samples.push({ atSeconds, ms: last?.atSeconds === atSeconds ? Math.max(last.ms, ms) : ms });
    if (known.samples.length > SAMPLES) known.samples.shift();
  }

  kinds(): ReadonlyMap<string, LatencyEvents> {
    return this.#kinds;
  }

  /** Forgets kinds, all without a name; how many there were. */
  reset(names: readonly string[]): number {
    if (names.length > 0) return names.filter((name) => this.#kinds.delete(name)).length;
    const count = this.#kinds.size;
    this.#kinds.clear();
    return count;
  }
}
