// A directory of the file system as a storage. Names of what is written aside end in `.nearkey-new`; one left by a crash is
// no file of the database and is removed at the next lock. Files of others are left alone.

import * as files from "node:fs";
import { constants, fsync, type PathLike } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { NearkeyError } from "../errors.ts";
import { fileError } from "./file-fault.ts";
import { NodeFile } from "./node-file.ts";
import { isLockName, lockDirectory } from "./node-lock.ts";
import type { Storage, StorageFile } from "./storage.ts";

const ASIDE = ".nearkey-new";

/** Where a file is written before it gets its name. */
export function asideOf(path: string): string {
  return path + ASIDE;
}

/** Only the owner reads what a database holds. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

const openDescriptor = promisify(files.open) as (path: PathLike, flags: number, mode: number) => Promise<number>;
const fstat = promisify(files.fstat);
const syncDescriptor = promisify(fsync);

/** A storage in a directory; `lock` makes the directory where there is none. */
export class NodeStorage implements Storage {
  /**
   * @param place path of the directory
   * @param setting what names it where it came from, for messages
   */
  constructor(
    readonly place: string,
    private readonly setting = "dir",
  ) {}

  async lock(): Promise<() => Promise<void>> {
    try {
      await makeFolder(this.place);
      const unlock = await lockDirectory(this.place);
      for (const name of await readdir(this.place)) if (name.endsWith(ASIDE)) await rm(this.path(name));
      return unlock;
    } catch (error) {
      if (error instanceof NearkeyError) throw error;
      throw fileError(`cannot use the directory ${this.place} (${this.setting} names it)`, error);
    }
  }

  async list(): Promise<string[]> {
    const entries = await readdir(this.place, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && isOurs(entry.name)).map((entry) => entry.name);
  }

  async open(name: string, { create = false }: { readonly create?: boolean } = {}): Promise<StorageFile> {
    const path = this.path(name);
    try {
      return await openFile(name, path, constants.O_RDWR);
    } catch (error) {
      if (!create || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const file = await openFile(name, path, constants.O_RDWR | constants.O_CREAT, true);
    await this.syncNames();
    return file;
  }

  async replace(name: string, write: (file: StorageFile) => Promise<void>): Promise<void> {
    const aside = asideOf(this.path(name));
    try {
      const file = await openFile(name, aside, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, true);
      try {
        await write(file);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, this.path(name));
    } catch (error) {
      await rm(aside, { force: true });
      throw error;
    }
    await this.syncNames();
  }

  async rename(from: string, to: string): Promise<void> {
    await rename(this.path(from), this.path(to));
    await this.syncNames();
  }

  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  private path(name: string): string {
    return join(this.place, name);
  }

  /** Makes names last. */
  private async syncNames(): Promise<void> {
    const folder = await open(this.place, constants.O_RDONLY);
    try {
      await syncDescriptor(folder.fd);
    } finally {
      await folder.close();
    }
  }
}

function isOurs(name: string): boolean {
  return !name.endsWith(ASIDE) && !isLockName(name);
}

/** @param isDirect large pieces are written past the system's cache, where it can do that */
async function openFile(name: string, path: string, flags: number, isDirect = false): Promise<NodeFile> {
  const descriptor = await openDescriptor(path, flags, FILE_MODE);
  const { O_DIRECT, O_WRONLY } = constants as Partial<typeof constants>;
  const canBe = isDirect && O_DIRECT !== undefined && O_WRONLY !== undefined;
  const direct = canBe ? await openDescriptor(path, O_WRONLY | O_DIRECT, FILE_MODE).catch(() => undefined) : undefined;
  return new NodeFile(name, path, descriptor, (await fstat(descriptor)).size, direct);
}

/** Makes a folder and those that it lies in, one by one: Node's own way never ends where the system denies that they are there. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: FOLDER_MODE });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(path) !== path) {
      await makeFolder(dirname(path));
      await mkdir(path, { mode: FOLDER_MODE });
    } else if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error;
  }
}
