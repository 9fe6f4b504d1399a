// Unpacking of LZF, in which Redis packs strings over 20 bytes: literal runs of up to 32 bytes, and copies of up to 264
// bytes from at most 8 KiB back, which may overlap what they make.

const LITERALS_MAX = 32;
/** A copy's length in three bits; this one says that a byte more follows. */
const LONG = 7;
const SHORTEST_COPY = 2;

/**
 * Unpacks.
 *
 * @param bytes length of what comes out
 * @returns undefined when it does not come out at that length, or copies from before its start
 */
export function unpackLzf(packed: Uint8Array, bytes: number): Uint8Array | undefined {
  const made = new Uint8Array(bytes);
  let to = 0;
  for (let at = 0; at < packed.length; ) {
    const control = packed[at++] as number;
    if (control < LITERALS_MAX) {
      const run = control + 1;
      if (at + run > packed.length || to + run > bytes) return undefined;
      made.set(packed.subarray(at, at + run), to);
      at += run;
      to += run;
      continue;
    }
    let length = control >> 5;
    if (length === LONG) length += packed[at++] ?? 0;
    length += SHORTEST_COPY;
    if (at >= packed.length) return undefined;
    const from = to - (((control & 0x1f) << 8) | (packed[at++] as number)) - 1;
    if (from < 0 || to + length > bytes) return undefined;
    for (let index = 0; index < length; index++) made[to + index] = made[from + index] as number;
    to += length;
  }
  return to === bytes ? made : undefined;
}
