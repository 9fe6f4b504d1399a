// The formats of the TEXMEX corpus: .fvecs, .bvecs and .ivecs. Each row repeats how many numbers it has (int32), then come
// float32, bytes or int32. All rows must have as many as the first: where one has not, the file is no such file, or is
// cut, and what follows could not be told from noise.

import { joined, RowCutter } from "./fixed-rows.ts";
import { type FoundRow, unreadable } from "./found-row.ts";
import type { InputFile } from "./input-file.ts";
import { type NumberFormat, numberFormats, viewOf } from "./number-format.ts";

const COUNT_BYTES = 4;
const NUMBERS_MAX = 1 << 20;

/** What the letter before `vecs` means. */
export const vecsFormats = { fvecs: "f4", bvecs: "u1", ivecs: "i4" } as const;

/**
 * Reads the rows.
 *
 * @throws NearkeyError `invalid-argument` when a row's length is not that of the first, or the file ends inside a row
 */
export async function* readVecs(input: InputFile, kind: keyof typeof vecsFormats): AsyncIterable<FoundRow[]> {
  const format = numberFormats.get(vecsFormats[kind]) as NumberFormat;
  const cutter = new RowCutter();
  let head: Uint8Array = new Uint8Array(0);
  let numbers = 0;
  let row = 0;
  for await (const chunk of input.chunks()) {
    let piece = chunk;
    if (numbers === 0) {
      head = joined(head, chunk);
      if (head.length < COUNT_BYTES) continue;
      numbers = checkCount(viewOf(head).getInt32(0, true), input.name, kind);
      piece = head;
    }
    const rows = rowsOf(cutter.cut(piece, COUNT_BYTES + numbers * format.bytes), numbers, format, row, input.name);
    row += rows.length;
    yield rows;
  }
  const left = cutter.rest.length + (numbers === 0 ? head.length : 0);
  if (left > 0) throw unreadable(input.name, `it ends inside row ${row + 1}, with ${left} bytes of it`);
}

function checkCount(numbers: number, name: string, kind: string): number {
  if (numbers >= 1 && numbers <= NUMBERS_MAX) return numbers;
  throw unreadable(name, `this is no .${kind} file: its first row claims ${numbers} numbers`);
}

function rowsOf(bytes: Uint8Array, numbers: number, format: NumberFormat, before: number, name: string): FoundRow[] {
  const view = viewOf(bytes);
  const stride = COUNT_BYTES + numbers * format.bytes;
  return Array.from({ length: bytes.length / stride }, (_, index) => {
    const at = index * stride;
    const claimed = view.getInt32(at, true);
    if (claimed !== numbers) {
      const place = before + index + 1;
      throw unreadable(name, `row ${place} claims ${claimed} numbers, the first has ${numbers}: is the file whole?`);
    }
    const vector = new Float32Array(numbers);
    format.read(view, at + COUNT_BYTES, vector);
    return { place: before + index + 1, vector };
  });
}
