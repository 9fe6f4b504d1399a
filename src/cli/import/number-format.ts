// Numbers of binary files as float32: little-endian floats of 2, 4 and 8 bytes and small integers. What a float64 or an
// integer loses on the way to float32 is lost, as vectors are float32 everywhere in here.

/** How the numbers of a file are written. */
export interface NumberFormat {
  readonly bytes: number;
  /** Reads `into.length` numbers from `at` on. */
  read(view: DataView, at: number, into: Float32Array): void;
}

function format(bytes: number, readOne: (view: DataView, at: number) => number): NumberFormat {
  const read = (view: DataView, at: number, into: Float32Array): void => {
    for (let index = 0; index < into.length; index++) into[index] = readOne(view, at + index * bytes);
  };
  return { bytes, read };
}

/** Formats by the names that NumPy gives them; `|` and `<` are left out. */
export const numberFormats: ReadonlyMap<string, NumberFormat> = new Map([
  ["f2", format(2, (view, at) => halfToNumber(view.getUint16(at, true)))],
  ["f4", format(4, (view, at) => view.getFloat32(at, true))],
  ["f8", format(8, (view, at) => view.getFloat64(at, true))],
  ["i1", format(1, (view, at) => view.getInt8(at))],
  ["u1", format(1, (view, at) => view.getUint8(at))],
  ["i2", format(2, (view, at) => view.getInt16(at, true))],
  ["i4", format(4, (view, at) => view.getInt32(at, true))],
  ["i8", format(8, (view, at) => Number(view.getBigInt64(at, true)))],
]);

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
