// How digests of parts become one number.

const PRIME: u64 = 0xbc7062fdf7889697;
const MIX: u64 = 0x8aeda7013b5c4de3;

/** One number of two; not the same with the two exchanged. */
@inline
export function mix(first: u64, second: u64): u64 {
  let sum = (rotl(first * PRIME, 31) ^ second) * MIX;
  sum ^= sum >> 32;
  return sum * PRIME;
}
