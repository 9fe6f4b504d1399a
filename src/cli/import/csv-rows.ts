// CSV and TSV with a header line, by csv-parse: quotes, line ends inside them and a byte order mark are its business. A
// record that cannot be read, or has another number of fields than the header, is refused and the next one is read.

import type { CsvError } from "csv-parse";
import { type FoundRow, RowProblem, unreadable } from "./found-row.ts";
import type { InputFile } from "./input-file.ts";

/** Records given at a time. */
const BATCH = 256;
const RECORD_BYTES_MAX = 64 * 1024 * 1024;

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/**
 * Reads a table whose first line names its columns.
 *
 * @param needed columns without which no row could be taken; `v*` means that one begins so
 * @throws NearkeyError `invalid-argument` without a header, when a column is named twice or one that is needed is missing
 */
export async function* readCsv(
  input: InputFile,
  delimiter: string,
  needed: readonly string[],
): AsyncIterable<FoundRow[]> {
  const { parse } = await import("csv-parse");
  const { Readable } = await import("node:stream");
  let rows: FoundRow[] = [];
  const refuse = (error: CsvError | undefined): undefined => {
    const place = Number(error?.lines ?? 0);
    rows.push({ place, problem: new RowProblem("not-csv", error?.message ?? "the record cannot be read") });
  };
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    max_record_size: RECORD_BYTES_MAX,
    on_skip: refuse,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
  });
  Readable.from(input.chunks())
    .on("error", (error) => parser.destroy(error))
    .pipe(parser);
  let header: readonly string[] | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      if (header === undefined) header = checkHeader(record, input.name, needed);
      else rows.push(rowOf(header, record, info.lines));
      if (rows.length < BATCH) continue;
      yield rows;
      rows = [];
    }
  } catch (error) {
    if (!String((error as CsvError).code).startsWith("CSV_")) throw error;
    throw unreadable(input.name, (error as CsvError).message);
  }
  yield rows;
}

function checkHeader(names: readonly string[], file: string, needed: readonly string[]): readonly string[] {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw unreadable(file, `two columns are named ${JSON.stringify(twice)} in the first line`);
  const isThere = (wanted: string): boolean =>
    wanted.endsWith("*") ? names.some((name) => name.startsWith(wanted.slice(0, -1))) : names.includes(wanted);
  const missing = needed.find((wanted) => !isThere(wanted));
  if (missing === undefined) return names;
  throw unreadable(
    file,
    `there is no column ${JSON.stringify(missing)} in the first line; there are ${names.join(", ")}`,
  );
}

function rowOf(header: readonly string[], record: readonly string[], place: number): FoundRow {
  if (record.length !== header.length) {
    const counts = `${record.length} fields under ${header.length} columns`;
    return { place, problem: new RowProblem("other-field-count", counts) };
  }
  const fields: Record<string, unknown> = Object.create(null);
  for (const [index, name] of header.entries()) fields[name] = record[index];
  return { place, fields };
}
