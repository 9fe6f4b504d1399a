// A file that is read or written whole, wherever it lies: images, which belong to no directory of a database.

import { basename, dirname } from "node:path";
import { NearkeyError } from "../errors.ts";
import { fileError } from "./file-fault.ts";
import { NodeStorage } from "./node-storage.ts";
import type { StorageFile } from "./storage.ts";

/**
 * Writes a file: it is there complete and on disk, or not at all.
 *
 * @throws NearkeyError `storage-failed`, or what `write` throws
 */
export async function writeFile(path: string, write: (file: StorageFile) => Promise<void>): Promise<void> {
  try {
    await new NodeStorage(dirname(path)).replace(basename(path), write);
  } catch (error) {
    throw error instanceof NearkeyError ? error : failure("write", path, error);
  }
}

/**
 * Opens a file for as long as it is read.
 *
 * @throws NearkeyError `storage-failed`, or what `read` throws
 */
export async function readFileOf<Result>(path: string, read: (file: StorageFile) => Promise<Result>): Promise<Result> {
  let file: StorageFile;
  try {
    file = await new NodeStorage(dirname(path)).open(basename(path));
  } catch (error) {
    throw failure("read", path, error);
  }
  try {
    return await read(file);
  } catch (error) {
    throw error instanceof NearkeyError ? error : failure("read", path, error);
  } finally {
    await file.close();
  }
}

function failure(what: string, path: string, cause: unknown): NearkeyError {
  return fileError(`cannot ${what} ${path}`, cause);
}
