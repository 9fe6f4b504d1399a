// Bulk builds: the main thread stores elements, workers link their nodes. A few thousand nodes wait for their links at most, so
// that elements can be found soon after they are stored, and a build that is given up ends soon: what is deleted before
// a worker comes to it is not linked. A snapshot and a build take
// turns: the image of a set must not hold nodes without links, and workers change blocks without copying them aside.

import { NearkeyError } from "../errors.ts";
import { pause } from "../event-loop.ts";
import type { ThreadPool } from "./node-thread-pool.ts";
import type { Build } from "./threads.ts";

/** How often it is looked whether workers have come on. */
const POLL_MS = 2;

/** The part of a build that waits for links. */
export type LinkingBuild = Pick<Build, "settled" | "close">;

/** The builds of one engine. */
export class Builds {
  readonly #threads: ThreadPool;
  readonly #open = new Set<OpenBuild>();
  #linkers = 0;
  /** Snapshots that are being taken, or wait to be. */
  #snapshots = 0;
  #closed = false;

  constructor(threads: ThreadPool) {
    this.#threads = threads;
  }

  /** Whether workers are linking. */
  get isBusy(): boolean {
    return this.#open.size > 0 || this.#linkers > 0;
  }

  /**
   * Begins a build; waits while too many go on.
   *
   * @throws NearkeyError `closed`; what broke a worker
   */
  async open(): Promise<Build> {
    while (true) {
      if (this.#closed) throw new NearkeyError("closed", "the database is closed");
      this.#threads.check();
      const number = this.#threads.engine.openBuild();
      if (number !== undefined) return this.#begin(number);
      await sleep(POLL_MS);
    }
  }

  /** Begins to wait for nodes that were left already, under a number that was reserved for them. */
  adopt(number: number, left: number): LinkingBuild {
    this.#threads.engine.beginAdding();
    return this.#begin(number, left);
  }

  /** A build without nodes, which keeps workers from going; undefined while there are too many builds. */
  linger(): LinkingBuild | undefined {
    const number = this.#threads.engine.openBuild();
    return number === undefined ? undefined : this.#begin(number);
  }

  #begin(number: number, left = 0): OpenBuild {
    const build = new OpenBuild(this.#threads, number, left, {
      snapshots: () => this.#snapshots > 0,
      closed: () => {
        this.#open.delete(build);
      },
    });
    this.#open.add(build);
    while (this.#linkers < this.#threads.threads) this.#startLinker();
    return build;
  }

  #startLinker(): void {
    this.#linkers++;
    const link = async (): Promise<void> => {
      while (this.#open.size > 0) await this.#threads.run({ kind: "link" });
    };
    // Whoever waits for nodes learns of a failure by asking for it.
    const ended = (): void => {
      this.#linkers--;
    };
    link().then(ended, ended);
  }

  /**
   * Waits until every node is linked, and lets no build go on until the function that this answers is called.
   *
   * @throws what broke a worker
   */
  async hold(): Promise<() => void> {
    this.#snapshots++;
    try {
      // A build that has seen that it may go on does so before this.
      await pause();
      while ([...this.#open].some((build) => build.waiting > 0)) {
        this.#threads.check();
        await sleep(POLL_MS);
      }
    } catch (error) {
      this.#snapshots--;
      throw error;
    }
    return () => {
      this.#snapshots--;
    };
  }

  /** Lets builds come to their end, which they do soon when nothing can be stored any more, and no new ones begin. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.isBusy) await sleep(POLL_MS);
  }
}

interface Surroundings {
  /** Whether a snapshot wants builds to wait. */
  snapshots(): boolean;
  closed(): void;
}

class OpenBuild implements Build {
  readonly #threads: ThreadPool;
  readonly #number: number;
  readonly #around: Surroundings;
  #left: number;
  #isAdding = true;
  #isOpen = true;

  /** @param left nodes that were left to it before */
  constructor(threads: ThreadPool, number: number, left: number, around: Surroundings) {
    this.#threads = threads;
    this.#number = number;
    this.#left = left;
    this.#around = around;
  }

  get waiting(): number {
    return this.#left - this.#threads.engine.done(this.#number);
  }

  async ready(nodes: number): Promise<void> {
    this.#threads.check();
    while (this.#around.snapshots() || this.#threads.engine.room < nodes) {
      await sleep(POLL_MS);
      this.#threads.check();
    }
  }

  add(insert: () => void): void {
    this.#left += this.#threads.engine.defer(this.#number, insert);
  }

  async settled(poll?: () => void): Promise<void> {
    this.#endAdding();
    while (this.#isOpen && this.waiting > 0) {
      this.#threads.check();
      poll?.();
      await this.#threads.engine.hasChanged(this.#number, this.#left - this.waiting, POLL_MS);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#endAdding();
    this.#threads.engine.closeBuild(this.#number);
    this.#around.closed();
  }

  #endAdding(): void {
    if (!this.#isAdding) return;
    this.#isAdding = false;
    this.#threads.engine.endAdding();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
