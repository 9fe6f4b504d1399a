// NumPy's .npy, as its format description (NEP 1) has it: a magic string, a version, a header that is a literal of
// Python, then the numbers. Versions 1 to 3 are read; a matrix must lie in C order, since in Fortran's no row is whole
// before the file ends.
//
//   0 "\x93NUMPY" | 6 major, 7 minor (u8) | 8 header's length (u16 in version 1, u32 in 2 and 3) | header | numbers

import { joined, RowCutter } from "./fixed-rows.ts";
import { type FoundRow, unreadable } from "./found-row.ts";
import type { InputFile } from "./input-file.ts";
import { type NumberFormat, numberFormats, viewOf } from "./number-format.ts";

const MAGIC = "\x93NUMPY";
const PRELUDE_BYTES = 12;
const HEADER_BYTES_MAX = 1 << 20;

/** What the header says. */
export interface NpyHeader {
  /** Bytes before the first number. */
  readonly bytes: number;
  readonly format: NumberFormat;
  readonly shape: readonly number[];
}

/**
 * Reads the rows of a matrix; a list (one dimension) is rows of one number.
 *
 * @throws NearkeyError `invalid-argument` for what is no matrix in C order of numbers that are known here, and for a
 *   file that ends before its last row
 */
export async function* readNpy(input: InputFile): AsyncIterable<FoundRow[]> {
  let head: Uint8Array = new Uint8Array(0);
  let header: NpyHeader | undefined;
  let row = 0;
  const cutter = new RowCutter();
  for await (const chunk of input.chunks()) {
    let piece = chunk;
    if (header === undefined) {
      head = joined(head, chunk);
      header = parseNpyHeader(head, input.name);
      if (header === undefined) continue;
      piece = head.subarray(header.bytes);
    }
    const rows = rowsOf(cutter.cut(piece, rowBytes(header)), header, row);
    row += rows.length;
    yield rows;
  }
  if (header === undefined) throw unreadable(input.name, "it ends inside its header");
  const [rows = 0] = header.shape;
  if (row < rows) throw unreadable(input.name, `it ends inside row ${row + 1}; its header promises ${rows} rows`);
}

function rowBytes({ format, shape }: NpyHeader): number {
  return format.bytes * (shape[1] ?? 1);
}

function rowsOf(bytes: Uint8Array, header: NpyHeader, before: number): FoundRow[] {
  const [rows = 0, numbers = 1] = header.shape;
  const view = viewOf(bytes);
  const stride = rowBytes(header);
  const count = Math.min(bytes.length / stride, rows - before);
  return Array.from({ length: count }, (_, index) => {
    const vector = new Float32Array(numbers);
    header.format.read(view, index * stride, vector);
    return { place: before + index + 1, vector };
  });
}

/**
 * Reads the header.
 *
 * @returns undefined when it is not all there
 * @throws NearkeyError `invalid-argument`
 */
export function parseNpyHeader(bytes: Uint8Array, name: string): NpyHeader | undefined {
  if (bytes.length < PRELUDE_BYTES) return undefined;
  if (Buffer.from(bytes.subarray(0, MAGIC.length)).toString("latin1") !== MAGIC) {
    throw unreadable(name, "this is no .npy file: it does not begin with \\x93NUMPY");
  }
  const major = bytes[6] as number;
  if (major < 1 || major > 3) throw unreadable(name, `.npy version ${major} is not known here; 1 to 3 are`);
  const start = major === 1 ? 10 : PRELUDE_BYTES;
  const length = major === 1 ? viewOf(bytes).getUint16(8, true) : viewOf(bytes).getUint32(8, true);
  if (length > HEADER_BYTES_MAX) throw unreadable(name, "its header is longer than a mebibyte");
  if (bytes.length < start + length) return undefined;
  const text = Buffer.from(bytes.subarray(start, start + length)).toString(major === 3 ? "utf8" : "latin1");
  return { bytes: start + length, ...describe(text, name) };
}

function describe(text: string, name: string): Pick<NpyHeader, "format" | "shape"> {
  const kind = /'descr'\s*:\s*('[^']*'|\[)/.exec(text)?.[1] ?? "";
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shapeText = /'shape'\s*:\s*\(([^)]*)\)/.exec(text)?.[1];
  if (order === undefined || shapeText === undefined || kind === "") throw unreadable(name, "its header is malformed");
  const shape = (shapeText.match(/\d+/g) ?? []).map(Number);
  if (shape.length < 1 || shape.length > 2 || shape[1] === 0) {
    throw unreadable(name, `its shape is (${shapeText}); import takes a matrix: rows, numbers a row`);
  }
  if (order === "True" && shape.length === 2) {
    throw unreadable(name, "it is in Fortran order; numpy.save(file, numpy.ascontiguousarray(matrix)) makes C order");
  }
  return { format: formatOf(kind, name), shape };
}

function formatOf(kind: string, name: string): NumberFormat {
  if (kind.startsWith("'>")) throw unreadable(name, "its numbers are big-endian; matrix.astype('<f4') turns them");
  const format = numberFormats.get(kind.replaceAll("'", "").replace(/^[<|=]/, ""));
  if (format !== undefined) return format;
  const kinds = [...numberFormats.keys()].join(", ");
  throw unreadable(name, `its numbers are ${kind === "[" ? "records" : kind}; import takes ${kinds}`);
}
