// The order of byte strings: that of the first byte in which they differ, read as a number, and a string comes before those
// that begin with it. Eight bytes at a time: the first difference of two little-endian words is their lowest.

/** Below 0 when the first string comes first, 0 when they are equal, above 0 when the second does. Reads nothing past either. */
export function compareBytes(first: usize, firstBytes: u32, second: usize, secondBytes: u32): i32 {
  const shared = min(firstBytes, secondBytes);
  let at: u32 = 0;
  for (; at + 8 <= shared; at += 8) {
    const difference = load<u64>(first + at) ^ load<u64>(second + at);
    if (difference != 0) return compareByte(first + at, second + at, <u32>(ctz(difference) >> 3));
  }
  for (; at < shared; at++) {
    if (load<u8>(first + at) != load<u8>(second + at)) return compareByte(first, second, at);
  }
  return firstBytes < secondBytes ? -1 : <i32>(firstBytes != secondBytes);
}

@inline
function compareByte(first: usize, second: usize, at: u32): i32 {
  return <i32>load<u8>(first + at) - <i32>load<u8>(second + at);
}
