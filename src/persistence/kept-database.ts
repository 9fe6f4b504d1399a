// What the embedded database needs of the directory that it is kept in.

/** Whoever takes snapshots of it. */
export interface KeptSnapshots {
  readonly isTaking: boolean;
  /** When the last one was cut, ms since epoch; undefined before the first. */
  readonly lastTakenMs: number | undefined;
  /** Why the last attempt failed; undefined when it did not. */
  readonly lastFailure: string | undefined;
  /** Takes one, or joins the one that is being taken; `whole`: also what did not change since the last one. */
  take(whole: boolean): Promise<unknown>;
  /** The engine broke: none is taken any more. */
  abandon(): void;
}

/** The directory of a database. */
export interface KeptDatabase {
  /** Sees to it that what is done from now on is written even when nobody waits for it. */
  poll(): void;
  /** Waits until everything done so far lasts as the mode promises. */
  commit(): Promise<void>;
  /** Brings everything to disk and gives the directory back. */
  close(): Promise<void>;
  readonly snapshots: KeptSnapshots;
  /** What INFO persistence tells. */
  report(): readonly (readonly [name: string, value: string | number])[];
}
