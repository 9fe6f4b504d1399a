// JSON lines: one object a line. A line that is none is refused and the next one is read; only what cannot be lines at
// all (a JSON array over the whole file, a line without end) stops the import.

import { isUtf8 } from "node:buffer";
import { type Fields, type FoundRow, RowProblem, unreadable } from "./found-row.ts";
import type { InputFile } from "./input-file.ts";

const LF = 10;
const LINE_BYTES_MAX = 64 * 1024 * 1024;
const BYTE_ORDER_MARK = /^\ufeff/;

/**
 * Reads JSON lines; blank lines are passed over.
 *
 * @throws NearkeyError `invalid-argument` when the file is no such thing
 */
export async function* readJsonLines(input: InputFile): AsyncIterable<FoundRow[]> {
  let line = 0;
  for await (const lines of readLines(input)) {
    const rows: FoundRow[] = [];
    for (const bytes of lines) {
      line++;
      const row = rowOf(bytes, line);
      if (line === 1 && row !== undefined) refuseArray(bytes, row, input.name);
      if (row !== undefined) rows.push(row);
    }
    yield rows;
  }
}

/** The whole lines of each chunk, without their ends. */
async function* readLines(input: InputFile): AsyncIterable<Buffer[]> {
  let pieces: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of input.chunks()) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const lines: Buffer[] = [];
    let at = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, at)) {
      const tail = bytes.subarray(at, end);
      lines.push(pieces.length === 0 ? tail : Buffer.concat([...pieces, tail]));
      pieces = [];
      pendingBytes = 0;
      at = end + 1;
    }
    // A copy: the stream may use its chunk again.
    if (at < bytes.length) pieces.push(Buffer.from(bytes.subarray(at)));
    pendingBytes += bytes.length - at;
    if (pendingBytes > LINE_BYTES_MAX) throw unreadable(input.name, "a line is longer than 64 MiB: are these lines?");
    if (lines.length > 0) yield lines;
  }
  if (pendingBytes > 0) yield [Buffer.concat(pieces)];
}

function rowOf(bytes: Buffer, place: number): FoundRow | undefined {
  if (!isUtf8(bytes)) return { place, problem: new RowProblem("not-utf8", "the line is not UTF-8") };
  const text = bytes.toString().replace(BYTE_ORDER_MARK, "").trim();
  if (text === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { place, problem: new RowProblem("not-json", `not JSON: ${(error as Error).message}`) };
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { place, fields: value as Fields };
  return { place, problem: new RowProblem("not-an-object", "the line is JSON but no object") };
}

/** The commonest mistake has a cure worth naming. */
function refuseArray(first: Buffer, row: FoundRow, name: string): void {
  const opens = first.toString().replace(BYTE_ORDER_MARK, "").trim().startsWith("[");
  if (!opens || !("problem" in row)) return;
  throw unreadable(name, "this is one JSON array; import reads one object a line (jq -c '.[]' makes them of it)");
}
