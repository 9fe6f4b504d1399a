// Files that are arrays: for databases whose bytes go elsewhere, for pages without a file system, and the floor that
// tests build their faults on. Nothing in it survives the process.

import { NearkeyError } from "../errors.ts";
import type { Storage, StorageFile } from "./storage.ts";

/** A storage in this process's memory. */
export class MemoryStorage implements Storage {
  readonly place: string;
  readonly #files = new Map<string, MemoryBytes>();
  #locked = false;

  /** @param place what to call it in messages */
  constructor(place = "memory") {
    this.place = place;
  }

  async lock(): Promise<() => Promise<void>> {
    if (this.#locked) throw new NearkeyError("directory-in-use", `${this.place} is open already: close it first`);
    this.#locked = true;
    return async () => {
      this.#locked = false;
    };
  }

  async list(): Promise<string[]> {
    return [...this.#files.keys()];
  }

  async open(name: string, { create = false }: { readonly create?: boolean } = {}): Promise<StorageFile> {
    const found = this.#files.get(name);
    if (found !== undefined) return new MemoryFile(name, found);
    if (!create) throw absent(name);
    const made = new MemoryBytes();
    this.#files.set(name, made);
    return new MemoryFile(name, made);
  }

  async replace(name: string, write: (file: StorageFile) => Promise<void>): Promise<void> {
    const made = new MemoryBytes();
    await write(new MemoryFile(name, made));
    this.#files.set(name, made);
  }

  async rename(from: string, to: string): Promise<void> {
    const found = this.#files.get(from);
    if (found === undefined) throw absent(from);
    this.#files.delete(from);
    this.#files.set(to, found);
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }
}

/** An array that grows by doubling. */
class MemoryBytes {
  bytes = new Uint8Array(0);
  length = 0;

  resize(length: number): void {
    if (length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    } else if (length < this.length) {
      this.bytes.fill(0, length, this.length);
    }
    this.length = length;
  }
}

class MemoryFile implements StorageFile {
  readonly now = {
    write: (at: number, pieces: readonly Uint8Array[]) => this.write(at, pieces),
    sync: () => undefined,
  };

  constructor(
    readonly name: string,
    private readonly content: MemoryBytes,
  ) {}

  get size(): number {
    return this.content.length;
  }

  write(at: number, pieces: readonly Uint8Array[]): undefined {
    const end = at + pieces.reduce((bytes, piece) => bytes + piece.length, 0);
    if (end > this.content.length) this.content.resize(end);
    let position = at;
    for (const piece of pieces) {
      this.content.bytes.set(piece, position);
      position += piece.length;
    }
  }

  append(pieces: readonly Uint8Array[]): undefined {
    this.write(this.size, pieces);
  }

  async sync(): Promise<void> {
    // Memory has nothing further down.
  }

  async read(at: number, into: Uint8Array): Promise<number> {
    const found = this.content.bytes.subarray(at, Math.min(at + into.length, this.content.length));
    into.set(found);
    return found.length;
  }

  async truncate(bytes: number): Promise<void> {
    this.content.resize(bytes);
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}

function absent(name: string): Error {
  return Object.assign(new Error(`there is no file ${name}`), { code: "ENOENT" });
}
