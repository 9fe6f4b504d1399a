// Where a database keeps its files: the one interface that the log and the snapshots are written against. Names are
// flat, a directory is one database. What is unlike a file system: creating, replacing, renaming and removing last when
// their promise is kept, so nobody above fsyncs a directory; and a write may be done when it returns, because
// giving a few KiB to the page cache takes 3 µs where a trip over another thread takes 20.

/** The files of one database. */
export interface Storage {
  /** What to call it in messages: the path of a directory, or what stands for one. */
  readonly place: string;

  /**
   * Takes the storage for this process.
   *
   * @returns a function that gives it back
   * @throws NearkeyError `directory-in-use`, with who holds it
   */
  lock(): Promise<() => Promise<void>>;

  /** Names of all files, in no order; a lock is none of them. */
  list(): Promise<string[]>;

  /**
   * Opens a file to read and write.
   *
   * @param options `create`: makes an empty one where there is none, and its name lasts once the promise is kept
   * @throws an error with `code` `"ENOENT"` when there is none
   */
  open(name: string, options?: { readonly create?: boolean }): Promise<StorageFile>;

  /**
   * Writes a whole file aside and puts it in the place of `name`: after a crash there is the old one or the new one,
   * complete. When `write` fails nothing has changed.
   *
   * @param write fills the new file, which is synced and closed behind it
   */
  replace(name: string, write: (file: StorageFile) => Promise<void>): Promise<void>;

  /** Gives a file another name, in the place of any that bears it; lasts once the promise is kept. */
  rename(from: string, to: string): Promise<void>;

  /** Removes a file; one that is not there is no error. */
  remove(name: string): Promise<void>;
}

/**
 * One open file. Calls that fail reject with the system's error, whose `code` says why (`"ENOSPC"`, `"EIO"` …); what a
 * failed write has changed is unknown.
 */
export interface StorageFile {
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;

  /**
   * Writes pieces behind each other from offset `at` on; a file grows as needed. The pieces must not change until it is
   * done.
   *
   * @returns nothing when it is done already, else a promise
   * @throws as the promise would reject
   */
  write(at: number, pieces: readonly Uint8Array[]): Promise<void> | undefined;

  /** As `write` at the end of the file. */
  append(pieces: readonly Uint8Array[]): Promise<void> | undefined;

  /** Makes everything written so far last, whatever happens to process or power. */
  sync(): Promise<void>;

  /**
   * Fills `into` from offset `at`.
   *
   * @returns bytes read: fewer than asked only at the end of the file
   */
  read(at: number, into: Uint8Array): Promise<number>;

  /** Cuts or extends (with zeros) to so many bytes. */
  truncate(bytes: number): Promise<void>;

  close(): Promise<void>;

  /** Absent where the runtime cannot wait for a disk. */
  readonly now?: ImmediateFile | undefined;
}

/** An open file of a runtime that can wait. */
export interface ImmediateFile {
  /** As `write`, done when it returns. */
  write(at: number, pieces: readonly Uint8Array[]): void;
  /** As `sync`, done when it returns. */
  sync(): void;
}

/** The system's word for what went wrong, such as `"ENOSPC"`; `"EIO"` when an error says nothing. */
export function faultCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "EIO";
}
