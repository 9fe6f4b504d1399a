// A database that outlives its process: a directory is opened, what it holds is brought into the engine, and from then
// on what the engine does is written there. Everything about time and files comes from outside, so that tests bring
// their own. Opening changes nothing in a directory that is damaged.

import type { Engine } from "../engine.ts";
import { NearkeyError } from "../errors.ts";
import type { CommitWaiter } from "../log/commit-queue.ts";
import { type LogFailure, type LogOptions, SEGMENT_BYTES } from "../log/log-options.ts";
import { readOnlyError } from "../log/log-trouble.ts";
import { LogWriter } from "../log/log-writer.ts";
import { SegmentFiles } from "../log/segment-files.ts";
import { SnapshotSchedule, type SnapshotTimes } from "../snapshot/snapshot-schedule.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { Pace } from "../snapshot/take-snapshot.ts";
import { fileError } from "../storage/file-fault.ts";
import { faultCode, type Storage } from "../storage/storage.ts";
import { CarriedEngines, type CarriedOver, type EngineCarrier } from "./carried-engines.ts";
import { CommitTimes } from "./commit-times.ts";
import { type DirectoryState, type Recovery, readDirectory } from "./directory-state.ts";
import { EffectsSource } from "./effects-source.ts";
import type { KeptDatabase } from "./kept-database.ts";
import type { ReplyGate } from "./reply-gate.ts";

/** How a database is kept. */
export interface PersistenceOptions extends Omit<LogOptions, "flushBytes"> {
  readonly snapshot: SnapshotTimes & {
    /** Snapshots that are kept, 1 at least. */
    readonly keep: number;
    /** How they share the thread with commands. */
    readonly pace?: Pace;
  };
  /** The engine that the directory shall carry; absent where it carries none. */
  readonly carrier?: EngineCarrier;
}

/** When snapshots are taken and how many are kept, unless something else is said. */
export const SNAPSHOT_DEFAULTS = { everyMs: 300_000, everyLogBytes: 256 * 1024 * 1024, keep: 2 } as const;

/** What surrounds a database that is kept. */
export interface PersistenceHost {
  /** Calls a function after the events that are at hand. */
  soon(run: () => void): void;
  /** Calls a function later; answers one that calls it off. Neither keeps a process alive. */
  after(ms: number, run: () => void): () => void;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Says something to whoever runs the process. */
  log?(line: string): void;
}

/** How often writes of embedding that nobody waits for are given to the system, milliseconds. */
const POLL_MS = 10;

/** The directory of one database. */
export class Persistence implements ReplyGate, KeptDatabase {
  readonly times = new CommitTimes();
  /** Lets go of the log that every kept snapshot covers. */
  private readonly covered: () => void;
  private readonly store: SnapshotStore;
  private readonly openedMs: number;
  private readonly source: EffectsSource;
  private readonly writer: LogWriter;
  private cancelPoll: (() => void) | undefined;
  private closing: Promise<void> | undefined;
  readonly engine: Engine;
  readonly snapshots: SnapshotSchedule;
  readonly recovery: Recovery;

  private constructor(
    state: DirectoryState,
    readonly storage: Storage,
    readonly options: PersistenceOptions,
    private readonly host: PersistenceHost,
    private readonly unlock: () => Promise<void>,
    private readonly engines: CarriedEngines,
  ) {
    const { engine, recovery, store } = state;
    this.store = store;
    this.engine = engine;
    this.recovery = recovery;
    this.openedMs = host.now();
    this.source = new EffectsSource(engine);
    const segments = new SegmentFiles(storage, options.segmentBytes ?? SEGMENT_BYTES, recovery.found.segments);
    const identity = recovery.found.identity ?? (crypto.getRandomValues(new BigUint64Array(1))[0] as bigint);
    const start = { position: this.source.position, identity };
    this.writer = new LogWriter(segments, this.source, options, this.logHost(), start);
    this.snapshots = new SnapshotSchedule(engine, store, options.snapshot, {
      ...(options.snapshot.pace && { pace: options.snapshot.pace }),
      logged: (sequence) => this.logged(sequence),
      logBytes: () => recovery.found.bytes + this.writtenBytes,
      taken: () => this.covered(),
      failed: (error) => this.snapshotFailed(error),
    });
    this.covered = () => this.writer.snapshotTaken(store.coveredSequence);
  }

  /**
   * Takes a storage for this process, brings what it holds into an empty engine and begins to write.
   *
   * @param create makes an engine that nobody uses yet; the last one made is `engine`
   * @throws NearkeyError `directory-in-use`, `storage-damaged` (nothing was changed), `storage-failed`, `out-of-memory`,
   *   `unsupported` when another version wrote it
   */
  static async open(
    create: () => Engine,
    storage: Storage,
    options: PersistenceOptions,
    host: PersistenceHost,
  ): Promise<Persistence> {
    const unlock = await storage.lock();
    try {
      const engines = new CarriedEngines(create, storage, options.carrier);
      const state = await readDirectory((layout) => engines.for(layout), storage, options.snapshot.keep);
      for (const { message } of state.recovery.passedOver) host.log?.(`a snapshot was passed over: ${message}`);
      const { engine, carried } = engines.carryOver(state.engine, host.now());
      engine.effects.open();
      const persistence = new Persistence({ ...state, engine }, storage, options, host, unlock, engines);
      await persistence.begin(carried);
      return persistence;
    } catch (error) {
      await unlock();
      throw error instanceof NearkeyError ? error : storageError(storage, error);
    }
  }

  private async begin(carried: CarriedOver | undefined): Promise<void> {
    await this.writer.begin();
    this.covered();
    this.engine.direct.onLogFull = () => this.makeRoom();
    // What is written from now on is for this layout: its records may not stand behind a snapshot of the other.
    if (carried !== undefined) await this.snapshots.take(true);
    const text = `${carried?.keys} keys were carried over from nearkey ${carried?.version}, which lays out memory otherwise`;
    if (carried !== undefined) this.host.log?.(text);
    this.snapshots.start();
  }

  /** Without it versions of this layout alone open the snapshot, which is better than none. */
  private async keepEngine(): Promise<void> {
    const layouts = this.store.generations.map(({ header }) => header.layout);
    await this.engines.keep(this.engine, layouts).catch((error: unknown) => {
      this.host.log?.(
        `the engine could not be put beside the snapshots (${faultCode(error)}); the next one tries again`,
      );
    });
  }

  /**
   * Waits until the log is on disk up to a record, and the engine beside it that understands what is in memory: then a
   * snapshot of it may get its name.
   */
  private async logged(sequence: number): Promise<void> {
    await this.writer.commit();
    await this.writer.synced(sequence);
    await this.keepEngine();
  }

  private snapshotFailed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.host.log?.(`no snapshot was taken: ${text}; nothing is lost, the log has everything`);
  }

  private logHost() {
    const { host, times } = this;
    return {
      soon: host.soon,
      now: host.now,
      after: host.after,
      clock: () => performance.now(),
      committed: (ms: number) => times.add(ms),
      failureChanged: (failure: LogFailure | undefined) => this.failureChanged(failure),
    };
  }

  private failureChanged(failure: LogFailure | undefined): void {
    this.engine.effects.refuseWrites(failure !== undefined);
    if (failure !== undefined) this.times.failed(failure.code);
    if (failure === undefined) this.host.log?.(`${this.storage.place} can be written again: writes are let in`);
    else if (failure.tries === 0) this.host.log?.(`${this.storage.place}: ${failure.text}; the database is read-only`);
  }

  /** Why nothing may be written. */
  get failure(): LogFailure | undefined {
    return this.writer.failure;
  }

  get refusal(): NearkeyError | undefined {
    const { failure } = this.writer;
    return failure === undefined ? undefined : readOnlyError(failure);
  }

  /** Last effect record that is on disk. */
  get syncedThrough(): number {
    return this.writer.syncedThrough;
  }

  /** Bytes of effect records written since the start. */
  get writtenBytes(): number {
    return this.writer.writtenBytes;
  }

  /** What INFO persistence tells, under Redis's names where it has one. */
  report(): (readonly [name: string, value: string | number])[] {
    const { failure, writer, times, options, recovery, snapshots } = this;
    const { last, lastFailure, lastTakenMs = this.openedMs } = snapshots;
    return [
      ["loading", 0],
      ["async_loading", 0],
      ["rdb_changes_since_last_save", snapshots.changes],
      ["rdb_bgsave_in_progress", snapshots.isTaking ? 1 : 0],
      ["rdb_last_save_time", Math.floor(lastTakenMs / 1000)],
      ["rdb_last_bgsave_status", lastFailure === undefined ? "ok" : "err"],
      ["rdb_last_bgsave_time_sec", last === undefined ? -1 : Math.round(last.tookMs / 1000)],
      ["aof_enabled", 1],
      ["aof_rewrite_in_progress", 0],
      ["aof_last_write_status", failure === undefined ? "ok" : "err"],
      ["aof_current_size", this.writtenBytes],
      ["nearkey_persistence", options.fsync],
      ["nearkey_directory", this.storage.place],
      ["nearkey_read_only", failure === undefined ? 0 : 1],
      ["nearkey_failure", failure?.text ?? ""],
      ["nearkey_log_position", this.source.position],
      ["nearkey_log_synced", writer.syncedThrough],
      ["nearkey_log_bytes_written", this.writtenBytes],
      ["nearkey_commits", times.commits],
      ["nearkey_commit_ms_mean", (times.commits > 0 ? times.sumMs / times.commits : 0).toFixed(3)],
      ["nearkey_recovery_ms", recovery.ms.toFixed(1)],
      ["nearkey_recovery_bytes", recovery.found.bytes + recovery.snapshotBytes],
      ["nearkey_recovery_records", recovery.found.position - recovery.snapshotSequence],
      ["nearkey_snapshot_failure", lastFailure ?? ""],
      ["nearkey_snapshot_bytes", last?.bytes ?? 0],
      ["nearkey_snapshot_ms", (last?.tookMs ?? 0).toFixed(1)],
    ];
  }

  // ---- for connections

  /** Whether replies of a batch that just ended may leave: nothing is written that is not covered. */
  get isCovered(): boolean {
    return this.writer.coveredPosition >= this.source.position || this.writer.failure?.isBlocking === true;
  }

  get syncs(): boolean {
    return this.options.fsync === "always";
  }

  /** The last record of what was done so far. */
  get position(): number {
    return this.source.position;
  }

  /** Lets somebody wait until its record is covered, or cannot be: it is told which. */
  whenCovered(waiter: CommitWaiter): void {
    this.writer.whenCovered(waiter);
  }

  /** Writes what anybody waits for at once: to be called when the events at hand are over. */
  writeNow(): void {
    this.writer.run();
  }

  /** Calls `resume` when there is room for records again. */
  whenRoom(resume: () => void): void {
    this.writer.whenRoom(resume);
  }

  // ---- for embedding

  /** Sees to it that what is done from now on is written even when nobody waits for it. */
  poll(): void {
    const tick = (): void => {
      this.writer.schedule();
      this.cancelPoll = this.host.after(POLL_MS, tick);
    };
    tick();
  }

  /**
   * Makes room for records at once.
   *
   * @throws NearkeyError `read-only`
   */
  makeRoom(): boolean {
    const { failure } = this.writer;
    if (failure !== undefined) throw readOnlyError(failure);
    return this.writer.makeRoomNow();
  }

  /**
   * Waits until everything done so far lasts as the mode promises; in the mode periodic until it is on disk.
   *
   * @throws NearkeyError `read-only` when the disk refuses it
   */
  commit(): Promise<void> {
    return this.writer.commit();
  }

  /**
   * Brings everything to disk and gives the directory back. Idempotent.
   *
   * @throws NearkeyError `read-only` when the disk refuses it: what was not acknowledged may be lost
   */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    this.cancelPoll?.();
    try {
      await this.snapshots.stop().catch((error: unknown) => this.snapshotFailed(error));
      await this.writer.close();
    } finally {
      this.engine.effects.close();
      await this.unlock();
    }
  }
}

function storageError({ place }: Storage, error: unknown): NearkeyError {
  return fileError(`cannot use the directory ${place}`, error);
}
