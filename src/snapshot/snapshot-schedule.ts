// When snapshots are taken: at an interval, when the log has grown by so much, on demand, and at the end. One at a time. A
// failure is remembered for whoever asks, and the next occasion tries again; nothing is taken when nothing happened since.

import type { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import type { SnapshotStore, Taken, TakeOptions } from "./snapshot-store.ts";
import { HURRIED } from "./take-snapshot.ts";

/** When to take one by itself; 0 for never. */
export interface SnapshotTimes {
  readonly everyMs: number;
  readonly everyLogBytes: number;
}

/** What a schedule asks and tells. */
export interface SnapshotScheduleOptions extends Pick<TakeOptions, "logged" | "pace"> {
  /** Bytes of log written since the database was opened, those that were replayed then included. Default 0. */
  readonly logBytes?: () => number;
  /** Called after each one: the log up to `SnapshotStore.coveredSequence` may go. */
  readonly taken?: (taken: Taken) => void;
  /** Called after a failure of one that nobody asked for. */
  readonly failed?: (error: unknown) => void;
}

/** How often it is looked whether one is due. */
const LOOK_MS = 250;

/** Takes the snapshots of one engine. */
export class SnapshotSchedule {
  /** May change at any time; what has passed since the last one counts. */
  times: SnapshotTimes;
  lastTakenMs: number | undefined;
  lastFailure: string | undefined;
  /** The last one of this run. */
  last: Taken | undefined;
  readonly #engine: Engine;
  readonly #store: SnapshotStore;
  readonly #options: SnapshotScheduleOptions;
  #timer: ReturnType<typeof setInterval> | undefined;
  #dueFromMs = performance.now();
  #dueFromBytes = 0;
  #sequence: number;
  #isAbandoned = false;

  constructor(engine: Engine, store: SnapshotStore, times: SnapshotTimes, options: SnapshotScheduleOptions = {}) {
    this.#engine = engine;
    this.#store = store;
    this.times = times;
    this.#options = options;
    const newest = store.generations[store.generations.length - 1];
    this.lastTakenMs = newest?.header.timeMs;
    this.#sequence = newest?.header.sequence ?? 0;
  }

  /** Snapshots that are kept, 1 at least. May change at any time; the next one removes what is too much then. */
  get keep(): number {
    return this.#store.keep;
  }

  set keep(count: number) {
    this.#store.keep = count;
  }

  /** Records since the last one. */
  get changes(): number {
    return this.#engine.effects.position - this.#sequence;
  }

  get isTaking(): boolean {
    return this.#store.isTaking;
  }

  /** Begins to look; the timer keeps no process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #look(): void {
    if (this.isTaking || !this.#isDue() || this.changes === 0) return;
    this.take(false).catch((error: unknown) => this.#options.failed?.(error));
  }

  #isDue(): boolean {
    const { everyMs, everyLogBytes } = this.times;
    if (everyMs > 0 && performance.now() - this.#dueFromMs >= everyMs) return true;
    return everyLogBytes > 0 && this.#logBytes() - this.#dueFromBytes >= everyLogBytes;
  }

  #logBytes(): number {
    return this.#options.logBytes?.() ?? 0;
  }

  /**
   * Takes one now, or joins the one that is being taken.
   *
   * @param whole everything is written, also what did not change since the last one
   * @throws NearkeyError `storage-failed`, `aborted`, `engine-failed`
   */
  take(whole: boolean): Promise<Taken> {
    return this.#take({ ...this.#options, whole });
  }

  async #take(options: TakeOptions): Promise<Taken> {
    this.#dueFromMs = performance.now();
    this.#dueFromBytes = this.#logBytes();
    try {
      this.#checkEngine();
      const logged = async (sequence: number): Promise<void> => {
        await options.logged?.(sequence);
        this.#checkEngine();
      };
      const taken = await this.#store.take(this.#engine, { ...options, logged });
      this.lastTakenMs = taken.timeMs;
      this.lastFailure = undefined;
      this.last = taken;
      this.#sequence = taken.sequence;
      this.#options.taken?.(taken);
      return taken;
    } catch (error) {
      this.lastFailure = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** The engine broke: what is in its memory now gets no name any more. Opening has the last snapshot and the log. */
  abandon(): void {
    this.#isAbandoned = true;
    clearInterval(this.#timer);
  }

  #checkEngine(): void {
    if (!this.#isAbandoned) return;
    throw new NearkeyError("engine-failed", "the engine failed: no snapshot is taken of what it left");
  }

  /** Ends it, with a last one where anything happened since the one before. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.isTaking) await this.take(false).catch(() => undefined);
    if (!this.#isAbandoned && this.changes !== 0) await this.#take({ pace: HURRIED, ...this.#options });
  }
}
