// The 64-bit checksum of records in the log and of pages in snapshots: four lanes, each rotl(lane ^ word * Q, 29) * P for
// every fourth word, then a finaliser over lanes, rest and length. Unlike in hashes that fold a 128-bit product, each step
// is a bijection of the lane, and of the word: whatever happens to one aligned word of 8 bytes, a flipped bit above all,
// changes the sum for certain, not with a probability. Without the first multiplication it would be as certain for one
// word, but the highest bit of a word and one bit of the fourth behind it would make up for each other. Not proof
// against somebody who forges. Two pieces after another give the sum of the whole, so that what lies in several pages needs no copy.

const PRIME: u64 = 0xd585f434471d04e1;
const SPREAD: u64 = 0xc22d57f3bb2a19e1;
const MIX: u64 = 0xa3f884fe8e0335cb;
const STRIPE_BYTES: u32 = 32;

const FIRST: u64 = 0x243f6a8885a308d3;
const SECOND: u64 = 0x13198a2e03707344;
const THIRD: u64 = 0xa4093822299f31d0;
const FOURTH: u64 = 0x082efa98ec4e6c89;

// The lanes, for sums over pieces; a sum is not interrupted by another.
let first: u64 = 0;
let second: u64 = 0;
let third: u64 = 0;
let fourth: u64 = 0;

@inline
function step(lane: u64, word: u64): u64 {
  return rotl(lane ^ (word * SPREAD), 29) * PRIME;
}

/** Checksum of `bytes` bytes; reads none past them. */
export function checksum(address: usize, bytes: u32): u64 {
  let a = FIRST;
  let b = SECOND;
  let c = THIRD;
  let d = FOURTH;
  let left = bytes;
  for (; left >= STRIPE_BYTES; left -= STRIPE_BYTES) {
    a = step(a, load<u64>(address));
    b = step(b, load<u64>(address, 8));
    c = step(c, load<u64>(address, 16));
    d = step(d, load<u64>(address, 24));
    address += STRIPE_BYTES;
  }
  return finish(step(step(step(a, b), c), d), address, left, bytes);
}

/** Begins the sum of several pieces. */
export function beginChecksum(): void {
  first = FIRST;
  second = SECOND;
  third = THIRD;
  fourth = FOURTH;
}

/** Adds a piece: a multiple of 32 bytes, but for the last one, which goes to `endChecksum`. */
export function addToChecksum(address: usize, bytes: u32): void {
  let a = first;
  let b = second;
  let c = third;
  let d = fourth;
  for (let left = bytes; left != 0; left -= STRIPE_BYTES) {
    a = step(a, load<u64>(address));
    b = step(b, load<u64>(address, 8));
    c = step(c, load<u64>(address, 16));
    d = step(d, load<u64>(address, 24));
    address += STRIPE_BYTES;
  }
  first = a;
  second = b;
  third = c;
  fourth = d;
}

/** The sum, with the last piece (of any length) and the length of all. */
export function endChecksum(address: usize, bytes: u32, whole: u64): u64 {
  const stripes = bytes & ~(STRIPE_BYTES - 1);
  addToChecksum(address, stripes);
  return finish(step(step(step(first, second), third), fourth), address + stripes, bytes - stripes, whole);
}

/** Adds fewer than 32 bytes and the length to what the lanes have become, and mixes. */
@inline
function finish(lanes: u64, address: usize, bytes: u32, whole: u64): u64 {
  let sum = lanes + whole * MIX;
  for (; bytes >= 8; bytes -= 8) {
    sum = step(sum, load<u64>(address));
    address += 8;
  }
  if (bytes != 0) sum = step(sum, tail(address, bytes));
  sum ^= sum >> 32;
  sum *= MIX;
  sum ^= sum >> 29;
  sum *= PRIME;
  return sum ^ (sum >> 32);
}

/** The last 1 to 7 bytes as a number. */
function tail(address: usize, bytes: u32): u64 {
  let word: u64 = 0;
  for (let index: u32 = 0; index < bytes; index++) word |= (<u64>load<u8>(address + index)) << (index << 3);
  return word;
}
