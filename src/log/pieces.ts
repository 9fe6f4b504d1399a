// Several arrays that are written as one.

import type { StorageFile } from "../storage/storage.ts";

/**
 * Writes at once where that can be, up to so many bytes: the page cache takes 5 KB in 3 µs, and a thread would need 20 µs
 * of CPU for it.
 */
export function put(
  file: StorageFile,
  at: number,
  pieces: readonly Uint8Array[],
  atOnceBytesMax: number,
): Promise<void> | undefined {
  if (file.now === undefined) return file.write(at, pieces);
  const isAtOnce = lengthOf(pieces) <= atOnceBytesMax;
  // Or nothing, so that a file which is synced at once later is told of what fails from now on.
  file.now.write(at, isAtOnce ? pieces : []);
  return isAtOnce ? undefined : file.write(at, pieces);
}

const BLOCK_BYTES = 4096;
const ZEROS = new Uint8Array(BLOCK_BYTES);
const NOTHING = new Uint8Array();

/**
 * Zeros up to the end of a block that is written to for the first time, from `at` to `end`. What is to be a part of a block
 * would let the system read the rest of it from the disk first, which takes 5 to 90 ms where the disk is busy.
 */
export function restOfBlock(at: number, end: number): Uint8Array {
  const isNew = Math.ceil(at / BLOCK_BYTES) < Math.ceil(end / BLOCK_BYTES);
  return isNew ? ZEROS.subarray(0, -end & (BLOCK_BYTES - 1)) : NOTHING;
}

/** Bytes of all of them. */
export function lengthOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}
