// The 64-bit seeded hash of keys and fields: for each 8 bytes the two halves are multiplied (32 x 32 -> 64, off the
// critical path, as in xxh3), a running secret makes the position count, a finaliser mixes the bits. The seed is
// drawn for each database. Not proof against an attacker who can observe timing: a keyed cryptographic hash would
// cost four times as much.

const STEP: u64 = 0x9e3779b97f4a7c15;
const MIX: u64 = 0xbf58476d1ce4e5b9;

@inline
function fold(word: u64): u64 {
  return (word & 0xffffffff) * (word >> 32) + rotl(word, 29);
}

/** Hashes `bytes` bytes. Bits 56..63 choose the shard, 40..55 the segment, 16..31 the chunk, 0..7 the tag. */
export function hashBytes(address: usize, bytes: u32, seed: u64): u64 {
  let secret = seed;
  let sum = <u64>bytes * STEP;
  let at = address;
  let left = bytes;
  while (left >= 8) {
    secret += STEP;
    sum += fold(load<u64>(at) ^ secret);
    at += 8;
    left -= 8;
  }
  if (left != 0) {
    secret += STEP;
    sum += fold(tail(at, left) ^ secret);
  }
  sum ^= sum >> 32;
  sum *= MIX;
  sum ^= sum >> 29;
  sum *= STEP;
  return sum ^ (sum >> 32);
}

/** The last 1 to 7 bytes as a number, never read past. */
@inline
function tail(at: usize, left: u32): u64 {
  if (left >= 4) return <u64>load<u32>(at) | ((<u64>load<u32>(at + left - 4)) << 32);
  return <u64>load<u8>(at) | ((<u64>load<u8>(at + (left >> 1))) << 8) | ((<u64>load<u8>(at + left - 1)) << 16);
}
