// A file, or standard input, as chunks of bytes: unpacked when its name ends in .gz, and counted as it lies on disk, so
// that progress knows how much is left without knowing how much it will unpack to.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { unreadable } from "./found-row.ts";

/** Bytes read at a time: memory is bounded by a few of these. */
const CHUNK_BYTES = 256 * 1024;

/** A source of bytes. */
export interface InputFile {
  readonly name: string;
  /** Length on disk; undefined for standard input and pipes. */
  readonly size: number | undefined;
  /** Whether more bytes come out of it than it has on disk. */
  readonly isPacked: boolean;
  /** Bytes read from disk so far. */
  readonly readBytes: number;
  chunks(): AsyncIterable<Uint8Array>;
  /** Ends the chunks where they are, even while one is waited for. */
  close(): void;
}

/**
 * Opens a file, `-` for standard input.
 *
 * @throws NearkeyError `invalid-argument` when there is no such file
 */
export async function openInput(path: string): Promise<InputFile> {
  if (path === "-") return new FileInput("standard input", undefined, () => process.stdin, false);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error.code === "ENOENT" ? "there is no such file" : `it cannot be read (${error.code})`);
  });
  if (found.isDirectory()) throw unreadable(path, "this is a folder: name the files in it");
  const open = () => createReadStream(path, { highWaterMark: CHUNK_BYTES });
  return new FileInput(path, found.isFile() ? found.size : undefined, open, /\.gz$/i.test(path));
}

class FileInput implements InputFile {
  readBytes = 0;
  #stream: Readable | undefined;
  #closed = false;

  constructor(
    readonly name: string,
    readonly size: number | undefined,
    private readonly open: () => Readable,
    readonly isPacked: boolean,
  ) {}

  async *chunks(): AsyncIterable<Uint8Array> {
    const stream = this.open();
    this.#stream = this.isPacked ? this.unpacked(stream) : stream;
    try {
      yield* this.isPacked ? this.#stream : this.counted(stream);
    } catch (error) {
      if (this.#closed) return;
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === undefined || !/^(E[A-Z]+|Z_[A-Z_]+)$/.test(code)) throw error;
      throw unreadable(this.name, this.isPacked ? `it cannot be unpacked: ${message}` : message);
    }
  }

  close(): void {
    this.#closed = true;
    this.#stream?.destroy();
  }

  private unpacked(stream: Readable): Readable {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
    stream.on("data", (chunk) => {
      this.readBytes += chunk.length;
    });
    stream.on("error", (error) => gunzip.destroy(error));
    return stream.pipe(gunzip);
  }

  private async *counted(stream: Readable): AsyncIterable<Uint8Array> {
    for await (const chunk of stream) {
      this.readBytes += chunk.length;
      yield chunk as Uint8Array;
    }
  }
}
