// Files of vectors as other programs write them, made here byte by byte, so that the readers are held to the formats'
// descriptions and not to a writer of our own.

/** Writes an .npy file of a header's text and the numbers' bytes. */
export function npyFile(header: string, numbers: Uint8Array, version = 1): Uint8Array {
  const prelude = version === 1 ? 10 : 12;
  const padded = header.padEnd(Math.ceil((prelude + header.length + 1) / 64) * 64 - prelude - 1);
  const text = Buffer.from(`${padded}\n`, version === 3 ? "utf8" : "latin1");
  const head = Buffer.alloc(prelude);
  head.write("\x93NUMPY", "latin1");
  head[6] = version;
  if (version === 1) head.writeUInt16LE(text.length, 8);
  else head.writeUInt32LE(text.length, 8);
  return Buffer.concat([head, text, numbers]);
}

/** The header of a matrix. */
export function npyHeader(descr: string, rows: number, numbers: number, fortran = false): string {
  return `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${rows}, ${numbers}), }`;
}

/** The bytes of typed numbers. */
export function bytesOf(numbers: ArrayBufferView): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** Writes .fvecs, .bvecs or .ivecs. */
export function vecsFile(rows: readonly (Float32Array | Uint8Array | Int32Array)[]): Uint8Array {
  return Buffer.concat(rows.flatMap((row) => [bytesOf(Int32Array.of(row.length)), bytesOf(row)]));
}
