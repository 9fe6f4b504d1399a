// Which format a file is in, by its name or by what was asked for, and the reader of each that has rows. A file of Redis has
// keys and is read by rdb-rows.ts.

import { NearkeyError } from "../../errors.ts";
import { readCsv } from "./csv-rows.ts";
import { type FoundRow, unreadable } from "./found-row.ts";
import type { InputFile } from "./input-file.ts";
import { readJsonLines } from "./json-lines.ts";
import { readNpy } from "./npy-rows.ts";
import { readVecs } from "./vecs-rows.ts";

/** The formats that import reads. */
export const fileFormats = ["jsonl", "csv", "tsv", "npy", "fvecs", "bvecs", "ivecs", "rdb"] as const;
export type FileFormat = (typeof fileFormats)[number];

const EXTENSIONS: Readonly<Record<string, FileFormat>> = {
  jsonl: "jsonl",
  ndjson: "jsonl",
  json: "jsonl",
  csv: "csv",
  tsv: "tsv",
  npy: "npy",
  fvecs: "fvecs",
  bvecs: "bvecs",
  ivecs: "ivecs",
  rdb: "rdb",
};

/**
 * Finds the format by a file's name; a last `.gz` does not count.
 *
 * @throws NearkeyError `invalid-argument` when the name tells nothing
 */
export function formatOfName(path: string): FileFormat {
  const extension = /\.([a-z]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const format = EXTENSIONS[extension];
  if (format !== undefined) return format;
  const subject = path === "-" ? "standard input has no name" : `${path} has no ending that import knows`;
  throw new NearkeyError("invalid-argument", `${subject}: say --format ${fileFormats.join("|")}`);
}

/** Whether rows of the format have named fields; the others are vectors and nothing else. */
export function hasFields(format: FileFormat): boolean {
  return format === "jsonl" || format === "csv" || format === "tsv";
}

/**
 * Reads a file's rows in batches.
 *
 * @param needed columns that a table must have
 * @throws NearkeyError `invalid-argument` for a file of Redis
 */
export function readRows(
  input: InputFile,
  format: FileFormat,
  needed: readonly string[] = [],
): AsyncIterable<FoundRow[]> {
  switch (format) {
    case "jsonl":
      return readJsonLines(input);
    case "csv":
      return readCsv(input, ",", needed);
    case "tsv":
      return readCsv(input, "\t", needed);
    case "npy":
      return readNpy(input);
    case "rdb":
      throw unreadable(input.name, "a file of Redis has keys and no rows");
    default:
      return readVecs(input, format);
  }
}
