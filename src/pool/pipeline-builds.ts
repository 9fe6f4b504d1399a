// VADDs that come in pipelines: the engine stores their elements and leaves the links to workers, and the connection waits for them,
// its replies with it. Each call that leaves nodes has a build of its own, so that it waits for no one else's.
//
// Workers that have nothing to do go on asking for a while: the next batch of a client that loads many is there in less time than
// a worker takes to wake.

import type { Builds, LinkingBuild } from "./builds.ts";
import type { ThreadPool } from "./node-thread-pool.ts";

/** How long workers wait for another batch. */
const LINGER_MS = 20;

/** The builds of the pipelines of one engine. */
export class PipelineBuilds {
  readonly #threads: ThreadPool;
  readonly #builds: Builds;
  /** The build of the next nodes that are left; undefined while none is free, and then VADD links its nodes. */
  #next: number | undefined;
  #held = 0;
  #lingering: LinkingBuild | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(threads: ThreadPool, builds: Builds) {
    this.#threads = threads;
    this.#builds = builds;
    this.#arm();
  }

  /**
   * Waits for the nodes that the last call of `execute` has left.
   *
   * @throws what broke a worker
   */
  async linked(): Promise<void> {
    const { engine } = this.#threads;
    const number = this.#next as number;
    const left = engine.countLeft();
    this.#next = undefined;
    this.#arm();
    const build = this.#builds.adopt(number, left);
    this.#linger();
    try {
      await build.settled();
    } finally {
      build.close();
      this.#arm();
    }
  }

  /** Sees to the nodes that the last call has left, if it has; for a connection that ended with the call. */
  abandon(): void {
    if (this.#threads.engine.hasLeft) this.linked().catch(() => undefined);
  }

  /** Lets VADD link its nodes itself, until `resume`: a snapshot wants sets as they are. */
  pause(): void {
    this.#held++;
    this.#threads.engine.deferPipelines(-1);
  }

  resume(): void {
    this.#held--;
    this.#arm();
  }

  /** Lets workers go. */
  close(): void {
    this.pause();
    this.#rest();
  }

  #arm(): void {
    const { engine } = this.#threads;
    if (this.#held > 0) return;
    this.#next ??= engine.reserveBuild();
    engine.deferPipelines(this.#next ?? -1);
  }

  /** Keeps workers at it for a while. */
  #linger(): void {
    clearTimeout(this.#timer);
    this.#lingering ??= this.#builds.linger();
    this.#timer = setTimeout(() => this.#rest(), LINGER_MS);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#lingering?.close();
    this.#lingering = undefined;
  }
}
