// A file of Node's. Small writes are made at once: the page cache takes 5 KB in 3 µs, and a thread would need 20 µs of
// CPU to do the same; it may wait where the kernel has too much to write back, as every program that writes does. Large
// ones go to another thread, straight from the caller's memory, and whole new files past the system's cache where they can.

import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncate,
  openSync,
  read,
  close as shut,
  write,
  writev,
  writevSync,
} from "node:fs";
import { promisify } from "node:util";
import type { ImmediateFile, StorageFile } from "./storage.ts";

/** Writes up to here are made at once: a quarter of a millisecond of copying. */
const AT_ONCE_BYTES = 1024 * 1024;
/** The system takes no more pieces in one call (IOV_MAX). */
const PIECES_MAX = 1024;

/** What the system writes past its cache is aligned to this, in memory and in the file. */
const ALIGNMENT = 4096;

const readAsync = promisify(read);
const writeAsync = promisify(write);
const writevAsync = promisify(writev);
const syncAsync = promisify(fdatasync);
const truncateAsync = promisify(ftruncate);
const closeAsync = promisify(shut);

/** An open file of the file system. */
export class NodeFile implements StorageFile {
  readonly now: ImmediateFile = {
    write: (at, pieces) => {
      // The system tells a failure once a descriptor: this one is not the one that a sync elsewhere may be reading it from.
      this.second ??= openSync(this.path, "r+");
      this.writeHere(at, pieces);
    },
    sync: () => fdatasyncSync(this.second ?? this.descriptor),
  };
  private second: number | undefined;
  private isClosed = false;

  /** @param direct another descriptor of the file, which writes past the system's cache */
  constructor(
    readonly name: string,
    private readonly path: string,
    private readonly descriptor: number,
    private bytes: number,
    private direct?: number,
  ) {}

  get size(): number {
    return this.bytes;
  }

  write(at: number, pieces: readonly Uint8Array[]): Promise<void> | undefined {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const [first] = pieces;
    if (first !== undefined && bytes > AT_ONCE_BYTES && pieces.length === 1 && isAligned(at, first)) {
      return this.writePast(at, first);
    }
    if (bytes > AT_ONCE_BYTES || pieces.length > PIECES_MAX) return this.writeElsewhere(at, pieces);
    this.writeHere(at, pieces);
    return undefined;
  }

  private writeHere(at: number, pieces: readonly Uint8Array[]): void {
    let position = at;
    let rest = pieces.filter((piece) => piece.length > 0);
    while (rest.length > 0) {
      const written = writevSync(
        this.descriptor,
        rest.length > PIECES_MAX ? rest.slice(0, PIECES_MAX) : rest,
        position,
      );
      position += written;
      this.grow(position);
      rest = behind(rest, written);
    }
  }

  append(pieces: readonly Uint8Array[]): Promise<void> | undefined {
    return this.write(this.bytes, pieces);
  }

  private async writeElsewhere(at: number, pieces: readonly Uint8Array[]): Promise<void> {
    let position = at;
    let rest = pieces.filter((piece) => piece.length > 0);
    while (rest.length > 0) {
      const { bytesWritten } = await writevAsync(this.descriptor, rest.slice(0, PIECES_MAX), position);
      position += bytesWritten;
      this.grow(position);
      rest = behind(rest, bytesWritten);
    }
  }

  /**
   * Writes past the system's cache where that can be: much that nobody will read soon costs no copy then, pushes nothing
   * out of the cache, and is on disk, so that what a sync finds to do holds up nobody else's writes.
   */
  private async writePast(at: number, piece: Uint8Array): Promise<void> {
    if (this.direct === undefined) return this.writeElsewhere(at, [piece]);
    try {
      for (let done = 0; done < piece.length; ) {
        const { bytesWritten } = await writeAsync(this.direct, piece, done, piece.length - done, at + done);
        done += bytesWritten;
        this.grow(at + done);
      }
    } catch (error) {
      // What the file system does not take so, or memory that is not where it would have to be.
      if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
      const { direct } = this;
      this.direct = undefined;
      await closeAsync(direct);
      await this.writeElsewhere(at, [piece]);
    }
  }

  private grow(bytes: number): void {
    this.bytes = Math.max(this.bytes, bytes);
  }

  sync(): Promise<void> {
    return syncAsync(this.descriptor);
  }

  async read(at: number, into: Uint8Array): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const { bytesRead } = await readAsync(this.descriptor, into, done, into.length - done, at + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  async truncate(bytes: number): Promise<void> {
    await truncateAsync(this.descriptor, bytes);
    this.bytes = bytes;
  }

  /** Idempotent: the number of a descriptor may be another file's by the second time. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const other of [this.second, this.direct]) if (other !== undefined) closeSync(other);
    this.second = undefined;
    this.direct = undefined;
    await closeAsync(this.descriptor);
  }
}

function isAligned(at: number, piece: Uint8Array): boolean {
  return at % ALIGNMENT === 0 && piece.byteOffset % ALIGNMENT === 0 && piece.length % ALIGNMENT === 0;
}

/** What is left of pieces of which so many bytes are done. */
function behind(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    if (skip < piece.length) rest.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return rest;
}
