// How a command ends: its exit code, one line on standard error for what went wrong, and quietly when whoever read its
// output has left. Nobody has to read standard error. Nothing calls process.exit, so that what was written is flushed.

import { NearkeyError } from "../../errors.ts";

/** Exit code of a command that Ctrl-C ended: 128 and the signal's number. */
export const INTERRUPTED = 130;

/** From here on a stream that nobody reads any more is no failure: what a server or an import does goes on. */
export function outliveReaders(...streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** Runs a command's work; the number it gives is the exit code, an error prints one line and gives 1. */
export async function ending(work: () => Promise<number>): Promise<void> {
  process.stdout.on("error", leaveQuietly);
  try {
    process.exitCode = await work();
  } catch (error) {
    if (!isExpected(error)) throw error;
    process.stderr.write(`nearkey: ${error.message}\n`);
    process.exitCode = 1;
  }
}

/** Errors that a person can mend; anything else is a defect and keeps its stack. */
function isExpected(error: unknown): error is Error {
  if (error instanceof NearkeyError) return true;
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** `nearkey … | head` closes the pipe when it has seen enough. */
function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(process.exitCode ?? 0);
}
