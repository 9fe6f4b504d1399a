// What a log is asked to promise, and what it tells about itself.

/** When a write counts as done: on disk; given to the system, and on disk every so often; given to the system. */
export const fsyncModes = ["always", "periodic", "never"] as const;

/** One of `fsyncModes`. */
export type FsyncMode = (typeof fsyncModes)[number];

/** How a log is written. */
export interface LogOptions {
  readonly fsync: FsyncMode;
  /** How often everything is brought to disk in the mode periodic. */
  readonly fsyncIntervalMs: number;
  /** Size of the files of the log. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Records that wait for the disk before a flush is not put off any longer, bytes. Default 8 MiB. */
  readonly flushBytes?: number;
  /**
   * Syncs that usually take less than so many milliseconds are waited for by the thread itself, in the mode always.
   * Default 0: none is, and events go on during each.
   */
  readonly waitMsMax?: number;
  /**
   * Writes of more bytes are left to another thread, so that events go on. Default: none is, so that `makeRoomNow` always
   * works where nothing is synced.
   */
  readonly atOnceBytesMax?: number;
}

/** Why nothing may be written at present. */
export interface LogFailure {
  /** The system's word, such as `"ENOSPC"`. */
  readonly code: string;
  /** For people. */
  readonly text: string;
  /** Records wait that are not on disk; else all are, and only the room for more is missing. */
  readonly isBlocking: boolean;
  /** How often writing was tried again in vain. */
  readonly tries: number;
}

/** What surrounds a log. */
export interface LogHost {
  /** Calls a function after the events that are at hand. */
  soon(run: () => void): void;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds from any moment, finely: commits are timed by it. */
  clock(): number;
  /** Calls a function later; answers one that calls it off. */
  after(ms: number, run: () => void): () => void;
  /** Writing became impossible, was tried in vain again, or is possible again. */
  failureChanged?(failure: LogFailure | undefined): void;
  /** A commit is done: records were written and, in the mode always, synced. */
  committed?(ms: number, bytes: number): void;
}

/** Where a log goes on. */
export interface LogStart {
  /** Last record there is; all up to it are on disk. */
  readonly position: number;
  readonly identity: bigint;
}

/** Size of a segment unless something else is said. */
export const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Records that wait for the disk before a flush is not put off, unless something else is said. */
export const FLUSH_BYTES = 8 * 1024 * 1024;
