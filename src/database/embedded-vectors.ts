// Where the operations of an embedded vector set run: as commands on the database's own connection, by searches that skip the
// protocol, and on threads where the database has some.

import type { Engine } from "../engine.ts";
import type { VectorSearches } from "../engine-search.ts";
import type { AskedSearch, FoundElement } from "../engine-types.ts";
import type { KeptDatabase } from "../persistence/kept-database.ts";
import type { BatchQuery, BatchResults, Build, Threads } from "../pool/threads.ts";
import type { Reply } from "../resp.ts";
import type { DatabaseConnection, Embedded } from "./database-connection.ts";
import type { Operation } from "./operations.ts";
import type { VectorSettings } from "./vector-options.ts";
import type { VectorPort } from "./vectors.ts";

/** Bytes of vectors that are inserted without others in between at most; slices are measured, and mostly shorter. */
const SLICE_BYTES = 512 * 1024;
/** Effect records that wait to be written while many vectors are stored: beyond it those wait for the log. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
/** New elements from which on a build ends in a snapshot, so that opening need not build anew. */
const SNAPSHOT_ROWS_MIN = 10_000;

/** What surrounds the vector sets of a database. */
export interface VectorSurroundings {
  readonly engine: Engine;
  readonly embedded: Embedded;
  readonly connection: DatabaseConnection;
  readonly persistence: KeptDatabase | undefined;
  readonly threads: Threads | undefined;
  /** Whether so many bytes more would fit. */
  canHold(bytes: number): boolean;
}

/** The port of every vector set of one database. */
export class EmbeddedVectors implements VectorPort<"value"> {
  readonly sliceBytes = SLICE_BYTES;
  readonly canHold: (bytes: number) => boolean;
  readonly openBuild?: () => Promise<Build>;
  readonly nearestOfMany?: NonNullable<VectorPort<"value">["nearestOfMany"]>;
  readonly #around: VectorSurroundings;

  constructor(around: VectorSurroundings) {
    this.#around = around;
    this.canHold = around.canHold;
    const { threads, embedded, engine } = around;
    if (threads === undefined) return;
    threads.onFailure = (cause) => embedded.failure(cause);
    engine.beforeCut = () => threads.hold();
    this.openBuild = () => threads.openBuild();
    this.nearestOfMany = (...query) => this.#onThreads(threads, ...query);
  }

  run<Args extends unknown[], Result>(make: (...args: Args) => Operation<Result>, ...args: Args): Result {
    return this.#around.connection.run(make(...args));
  }

  async runAll<Result>(operations: readonly Operation<Result>[]): Promise<Result[]> {
    const { connection } = this.#around;
    if (operations.some(({ bytes, undo }) => bytes === true || undo !== undefined))
      return runEach(connection, operations);
    return connection.run(together(operations));
  }

  nearest(set: VectorSettings, query: Float32Array, asked: AskedSearch): readonly FoundElement[] | undefined {
    return this.#search((searches, now) => searches.nearest(set.name, query, asked, now));
  }

  nearestOfAll(set: VectorSettings, queries: readonly Float32Array[], k: number): FoundElement[][] | undefined {
    return this.#search((searches, now) => searches.nearestOfAll(set.name, queries, k, now));
  }

  #search<Found>(find: (searches: VectorSearches, now: number) => Found): Found {
    const { embedded, engine } = this.#around;
    embedded.check();
    try {
      return find(engine.searches, embedded.now());
    } catch (error) {
      throw embedded.failure(error);
    }
  }

  async #onThreads(
    threads: Threads,
    { name, dim }: VectorSettings,
    query: Omit<BatchQuery, "key" | "dim">,
  ): Promise<BatchResults | undefined> {
    const { embedded } = this.#around;
    embedded.check();
    try {
      return await threads.search({ key: name, dim, ...query }, embedded.now());
    } catch (error) {
      throw embedded.failure(error);
    }
  }

  flush(): Promise<void> | undefined {
    const { persistence, engine } = this.#around;
    if (persistence === undefined || engine.effects.heldBytes < PENDING_BYTES_MAX) return undefined;
    return persistence.commit();
  }

  /** Why a snapshot failed is told by whoever takes them. */
  stored(count: number): void {
    if (count < SNAPSHOT_ROWS_MIN) return;
    this.#around.persistence?.snapshots.take(false).catch(() => undefined);
  }
}

/** One operation that does what all of them do: their commands are one batch. */
function together<Result>(operations: readonly Operation<Result>[]): Operation<Result[]> {
  const read = (replies: readonly Reply[]): Result[] => {
    let at = 0;
    return operations.map((operation) => {
      const own = replies.slice(at, at + operation.commands.length);
      at += own.length;
      return operation.read(own);
    });
  };
  return { commands: operations.flatMap(({ commands }) => commands), read };
}

/** Runs all of them, whatever one answers, and then throws the first error. */
function runEach<Result>(connection: DatabaseConnection, operations: readonly Operation<Result>[]): Result[] {
  const errors: unknown[] = [];
  const results: Result[] = [];
  for (const operation of operations) {
    try {
      results.push(connection.run(operation));
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
  return results;
}
