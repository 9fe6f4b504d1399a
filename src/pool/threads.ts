// What an embedded database asks of threads, wherever they come from.

import type { FoundElement } from "../engine-types.ts";

/** Elements that are stored by one call and linked by workers. */
export interface Build {
  /**
   * Waits until there is room for so many nodes, and no snapshot wants the set as it is.
   *
   * @throws what broke a worker
   */
  ready(nodes: number): Promise<void>;
  /** Runs `insert`; the nodes that it makes are left to workers. */
  add(insert: () => void): void;
  /** Nodes that are not linked yet. */
  readonly waiting: number;
  /** Waits until all nodes are linked; `poll` is called now and then, and what it throws ends the waiting. */
  settled(poll?: () => void): Promise<void>;
  /** Ends it; none of its nodes waits. Idempotent. */
  close(): void;
}

/** Many queries of one search. */
export interface BatchQuery {
  readonly key: string | Uint8Array;
  readonly dim: number;
  /** Checked vectors. */
  readonly queries: readonly Float32Array[];
  /** Results of each query at most, and candidates kept. */
  readonly most: number;
  readonly ef: number;
  /** Whether all elements are measured. */
  readonly exact: boolean;
  /** Results are not farther. */
  readonly maxDistance: number | undefined;
  /** Only elements that match it. */
  readonly filter: string | undefined;
}

/** For each query what is nearest, nearest first; undefined where it has to be asked again, since what was found has gone. */
export type BatchResults = (FoundElement[] | undefined)[];

/** The threads of one database. */
export interface Threads {
  /** Begins to store elements whose nodes workers link. */
  openBuild(): Promise<Build>;
  /**
   * Lets all nodes be linked, and no build go on until the function that this answers is called: for a snapshot.
   *
   * @throws what broke a worker
   */
  hold(): Promise<() => void>;
  /**
   * Searches on workers. While they build they are not asked: no reader waits for a build.
   *
   * @param now ms since epoch
   * @returns undefined when commands have to do it
   * @throws what broke a worker
   */
  search(query: BatchQuery, now: number): Promise<BatchResults | undefined>;
  /** Called once, when a worker broke; answers what everybody is told from then on. */
  onFailure: ((cause: unknown) => unknown) | undefined;
  /** Waits for what goes on, once nothing can be stored any more, and ends the workers. */
  close(): Promise<void>;
}
