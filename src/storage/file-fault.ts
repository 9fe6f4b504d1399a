// What the system said about a file, in words that say what to do about it.

import { NearkeyError } from "../errors.ts";
import { faultCode } from "./storage.ts";

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: "this user may not: change the owner or the mode, or name another place",
  EDQUOT: "the disk quota is used up: remove something, or raise it",
  EEXIST: "something else has that name",
  EFBIG: "a file may not grow so large there: raise the limit, or name another place",
  EIO: "the disk failed: look at the system's log",
  EISDIR: "this is a folder: name a file in it",
  ELOOP: "links lead in a circle",
  EMFILE: "this process has too many files open: raise the limit (ulimit -n)",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "the system has too many files open",
  ENOENT: "there is no such file or folder, or none can be made there: check the path",
  ENOSPC: "the disk is full: remove something, or name another place",
  ENOTDIR: "a part of the path is a file, and no folder: check the path",
  EPERM: "the system does not permit it: name another place",
  EROFS: "the disk is mounted read-only: mount it otherwise, or name another place",
};

/** What is meant where something was only to be read. */
const ADVICE_OF_READING: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder: check the path",
};

/**
 * What to do about an error of the system: a sentence with its word, such as `ENOSPC`.
 *
 * @param isReading nothing was to be made
 */
export function faultAdvice(error: unknown, isReading = false): string {
  const code = faultCode(error);
  const { message } = error instanceof Error ? error : { message: String(error) };
  const advice = (isReading ? ADVICE_OF_READING[code] : undefined) ?? ADVICE[code];
  return advice === undefined ? message : `${advice} (${code})`;
}

/**
 * The error of something that could not be done with a file.
 *
 * @param what such as `cannot read dump.rdb`
 */
export function fileError(what: string, cause: unknown): NearkeyError {
  const text = `${what}: ${faultAdvice(cause, what.startsWith("cannot read"))}`;
  return new NearkeyError("storage-failed", text, { cause });
}
