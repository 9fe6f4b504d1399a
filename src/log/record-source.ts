// Where the log takes records from: the region of the engine that commands write them to.

/** Records that wait to be written, in the order of their sequence numbers. */
export interface RecordSource {
  /** Sequence number of the last record that was made; 0 before the first. */
  readonly position: number;
  /** Bytes of records that nobody took yet. */
  readonly pendingBytes: number;

  /**
   * Takes all of them.
   *
   * @returns where they lie, in order; valid, and unchanged, until they are released
   */
  take(): Uint8Array[];

  /** Gives the oldest bytes that were taken back. */
  release(bytes: number): void;

  /** Makes everything that was taken and not released wait again. */
  rewind(): void;
}
