// REDUCE: vectors made shorter by a random projection before they are stored, so that distances stay about what they were
// (Johnson and Lindenstrauss). Unlike a matrix of random numbers, which Redis keeps with the set, this one needs no memory
// and n log n steps instead of n times d (Ailon and Chazelle's fast transform, subsampled): numbers get random signs, a
// Hadamard transform spreads each over all, and `d` of the outcomes are kept. Signs and choice follow from the two dimensions
// alone, so that the same vector becomes the same one in every set, process and replay.

import { copyBytes } from "../../memory/memory";

/** Numbers whose signs come of one draw. */
const SIGNS: u32 = 64;
let state: u64 = 0;

/** The next 64 bits of a generator that begins with `state` (splitmix64). */
function draw(): u64 {
  state += 0x9e3779b97f4a7c15;
  let mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

/**
 * Writes the projection of the `given` numbers at `from` to `to`: `kept` of them, fewer than given, padded with zeros to whole
 * lanes. `work` has room for the next power of two of numbers, and 64.
 */
export function project(from: usize, given: u32, to: usize, kept: u32, work: usize): void {
  let length: u32 = 4;
  while (length < given) length <<= 1;
  copyBytes(work, from, given << 2);
  memory.fill(work + (given << 2), 0, (length - given) << 2);
  state = ((<u64>given) << 32) | kept;
  // Behind the last number signs meet zeros, which the room for the work must have in whole groups.
  for (let first: u32 = 0; first < given; first += SIGNS) giveSigns(work + (first << 2), draw());
  transform(work, length);
  const scale = <f32>(1 / Math.sqrt(<f64>kept));
  v128.store(to + (((kept + 3) & ~3) << 2) - 16, i32x4.splat(0));
  let left = kept;
  for (let index: u32 = 0; left != 0; index++) {
    // Each outcome is kept with the share of what is wanted in what is left.
    if (((draw() >> 32) * (length - index)) >> 32 >= left) continue;
    store<f32>(to + ((kept - left) << 2), load<f32>(work + (index << 2)) * scale);
    left--;
  }
}

/** Gives each of the 64 numbers from `at` on the sign of a bit. */
function giveSigns(at: usize, bits: u64): void {
  for (let index: u32 = 0; index < SIGNS; index++) {
    const place = at + (index << 2);
    store<u32>(place, load<u32>(place) ^ ((<u32>((bits >> index) & 1)) << 31));
  }
}

/** The Walsh-Hadamard transform of a power of two of numbers, four at least, in place and without its factor. */
function transform(at: usize, length: u32): void {
  const end = at + (length << 2);
  for (let place = at; place < end; place += 16) {
    const four = v128.load(place);
    const pairs = f32x4.add(
      v128.shuffle<f32>(four, four, 0, 0, 2, 2),
      signed(v128.shuffle<f32>(four, four, 1, 1, 3, 3), 10),
    );
    v128.store(
      place,
      f32x4.add(v128.shuffle<f32>(pairs, pairs, 0, 1, 0, 1), signed(v128.shuffle<f32>(pairs, pairs, 2, 3, 2, 3), 12)),
    );
  }
  for (let half: u32 = 16; half < length << 2; half <<= 1) {
    for (let first = at; first < end; first += half << 1) {
      for (let place = first; place < first + half; place += 16) {
        const low = v128.load(place);
        const high = v128.load(place + half);
        v128.store(place, f32x4.add(low, high));
        v128.store(place + half, f32x4.sub(low, high));
      }
    }
  }
}

/** Turns the sign of the lanes whose bit is set in `lanes`. */
@inline
function signed(four: v128, lanes: u32): v128 {
  const bits = v128.and(i32x4.splat(lanes), i32x4(1, 2, 4, 8));
  return v128.xor(four, v128.andnot(i32x4.splat(0x80000000), i32x4.eq(bits, i32x4.splat(0))));
}
