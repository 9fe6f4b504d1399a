// A process's hold on a storage, which can be cut as SIGKILL cuts it: what was written stays, and nothing comes after it.

import type { Storage, StorageFile } from "../src/storage/storage.ts";

/** One process at a storage. */
export class MortalStorage implements Storage {
  readonly place: string;
  private isDead = false;

  constructor(private readonly base: Storage) {
    this.place = base.place;
  }

  /** From now on nothing that this process does reaches the storage. */
  kill(): void {
    this.isDead = true;
  }

  async lock(): Promise<() => Promise<void>> {
    return async () => undefined;
  }

  list(): Promise<string[]> {
    return this.alive(() => this.base.list());
  }

  open(name: string, options?: { readonly create?: boolean }): Promise<StorageFile> {
    return this.alive(async () => this.wrap(await this.base.open(name, options)));
  }

  replace(name: string, write: (file: StorageFile) => Promise<void>): Promise<void> {
    return this.alive(() =>
      this.base.replace(name, async (file) => {
        await write(this.wrap(file));
        await this.alive(async () => undefined);
      }),
    );
  }

  rename(from: string, to: string): Promise<void> {
    return this.alive(() => this.base.rename(from, to));
  }

  remove(name: string): Promise<void> {
    return this.alive(() => this.base.remove(name));
  }

  /** A dead process waits for ever. */
  private alive<Result>(act: () => Promise<Result>): Promise<Result> {
    return this.isDead ? new Promise(() => undefined) : act();
  }

  private wrap(file: StorageFile): StorageFile {
    const write: StorageFile["write"] = (at, pieces) => (this.isDead ? undefined : file.write(at, pieces));
    return {
      name: file.name,
      get size() {
        return file.size;
      },
      write,
      append: (pieces) => (this.isDead ? undefined : file.append(pieces)),
      sync: () => this.alive(() => file.sync()),
      read: (at, into) => this.alive(() => file.read(at, into)),
      truncate: (bytes) => this.alive(() => file.truncate(bytes)),
      close: () => this.alive(() => file.close()),
    };
  }
}
