// Counting and looking for bits in memory, 16 bytes at a time. Nothing is read behind the end.

/** Vectors whose counts of 8 bits a lane can be added without running over. */
const VECTORS_A_SUM: u32 = 31;

/** Bits that are set. */
export function countBits(address: usize, bytes: u32): u64 {
  let count: u64 = 0;
  let at = address;
  let left = bytes;
  while (left >= 16) {
    let sums = i8x16.splat(0);
    let vectors = min(left >> 4, VECTORS_A_SUM);
    left -= vectors << 4;
    for (; vectors > 0; vectors--) {
      sums = i8x16.add(sums, i8x16.popcnt(v128.load(at)));
      at += 16;
    }
    const wide = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(sums));
    count += <u32>i32x4.extract_lane(wide, 0) + <u32>i32x4.extract_lane(wide, 1);
    count += <u32>i32x4.extract_lane(wide, 2) + <u32>i32x4.extract_lane(wide, 3);
  }
  for (; left > 0; left--) count += popcnt<u32>(load<u8>(at++));
  return count;
}

/** How many bytes at the beginning are all `filler`. */
export function countFilled(address: usize, bytes: u32, filler: u8): u32 {
  const all = i8x16.splat(filler);
  let at: u32 = 0;
  while (at + 16 <= bytes && i8x16.all_true(i8x16.eq(v128.load(address + at), all))) at += 16;
  while (at < bytes && load<u8>(address + at) == filler) at++;
  return at;
}
