// What the embedded database needs of the directory that it is kept in.

/** The directory of a database. */
export interface KeptDatabase {
  /** Sees to it that what is done from now on is written even when nobody waits for it. */
  poll(): void;
  /** Waits until everything done so far lasts as the mode promises. */
  commit(): Promise<void>;
  /** Brings everything to disk and gives the directory back. */
  close(): Promise<void>;
  /** What INFO persistence tells. */
  report(): readonly (readonly [name: string, value: string | number])[];
}
