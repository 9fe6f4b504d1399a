// A file of labels beside a file of vectors: one a row, in the same order. They fit in memory, so they are read at once.

import { type FoundRow, unreadable } from "./found-row.ts";
import { openInput } from "./input-file.ts";
import { readNpy } from "./npy-rows.ts";
import { typedCell } from "./vector-row.ts";

/** Gives the label of a row, by its number from 0; undefined behind the last. */
export type LabelOf = (row: number) => unknown;

/**
 * Reads labels: `.npy` (a list of numbers), `.u8` (a byte each), anything else as lines of text, in which what is
 * written as a number is one. A last `.gz` unpacks.
 *
 * @throws NearkeyError `invalid-argument`
 */
export async function readLabels(path: string): Promise<LabelOf> {
  const input = await openInput(path);
  if (/\.npy(\.gz)?$/i.test(path)) {
    const labels: number[] = [];
    for await (const rows of readNpy(input)) labels.push(...rows.map((row) => onlyNumber(row, path)));
    return (row) => labels[row];
  }
  const pieces: Uint8Array[] = [];
  for await (const chunk of input.chunks()) pieces.push(chunk);
  const bytes = Buffer.concat(pieces);
  if (/\.u8(\.gz)?$/i.test(path)) return (row) => bytes[row];
  const lines = bytes.toString().replace(/\n$/, "").split(/\r?\n/);
  return (row) => (lines[row] === undefined ? undefined : typedCell(lines[row]));
}

function onlyNumber(row: FoundRow, path: string): number {
  if ("vector" in row && row.vector.length === 1) return row.vector[0] as number;
  throw unreadable(path, "labels are one number a row");
}
