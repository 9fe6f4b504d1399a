// A set of integers packed in ascending order, each as wide as the widest of them needs. A member is found by halving, and
// 512 small ones take a kilobyte, where as text in a table they would take thirty. The price: a new one moves all that are
// larger, and the first that is wider rewrites them all.
//
// 0 bytes of an integer (u16: 2, 4 or 8) | integers, ascending

/** Bytes before the integers. */
export const INTEGERS_HEADER_BYTES: u32 = 2;

/** Bytes of each integer of a set at `value`. */
@inline
export function integerWidth(value: usize): u32 {
  return load<u16>(value);
}

/** Integers in the `bytes` of a set. */
@inline
export function countIntegers(value: usize, bytes: u32): u32 {
  return (bytes - INTEGERS_HEADER_BYTES) >> ctz(integerWidth(value));
}

/** The fewest of 2, 4 and 8 bytes that hold a number. */
@inline
export function widthFor(number: i64): u32 {
  if (number == <i64>(<i16>number)) return 2;
  return number == <i64>(<i32>number) ? 4 : 8;
}

@inline
function readInteger(address: usize, width: u32): i64 {
  if (width == 2) return load<i16>(address);
  return width == 4 ? <i64>load<i32>(address) : load<i64>(address);
}

/** The integer at `index`, counted from the smallest. */
export function integerAt(value: usize, index: u32): i64 {
  const width = integerWidth(value);
  return readInteger(value + INTEGERS_HEADER_BYTES + index * width, width);
}

/** Writes the integer at `index`, which must fit the width. The caller announces the change. */
export function putInteger(value: usize, index: u32, number: i64): void {
  const width = integerWidth(value);
  const address = value + INTEGERS_HEADER_BYTES + index * width;
  if (width == 2) store<i16>(address, <i16>number);
  else if (width == 4) store<i32>(address, <i32>number);
  else store<i64>(address, number);
}

/** How many of the `count` integers are smaller than a number: where it is, or would be. */
export function placeOfInteger(value: usize, count: u32, number: i64): u32 {
  const width = integerWidth(value);
  const first = value + INTEGERS_HEADER_BYTES;
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (readInteger(first + middle * width, width) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a number is among the `count` integers. */
export function hasInteger(value: usize, count: u32, number: i64): bool {
  const place = placeOfInteger(value, count, number);
  return place < count && integerAt(value, place) == number;
}

/** Rewrites `count` integers, from the last to the first, to a larger width, `shift` places further on. The value is long enough. */
export function widenIntegers(value: usize, count: u32, width: u32, shift: u32): void {
  const old = integerWidth(value);
  store<u16>(value, <u16>width);
  for (let index = count; index > 0; index--) {
    const number = readInteger(value + INTEGERS_HEADER_BYTES + (index - 1) * old, old);
    putInteger(value, index - 1 + shift, number);
  }
}

/** True when `bytes` from elsewhere are such a set and not an empty one. */
export function isIntegerSet(value: usize, bytes: u32): bool {
  if (bytes < INTEGERS_HEADER_BYTES) return false;
  const width = integerWidth(value);
  if (width != 2 && width != 4 && width != 8) return false;
  const count = countIntegers(value, bytes);
  if (count == 0 || INTEGERS_HEADER_BYTES + count * width != bytes) return false;
  for (let index: u32 = 1; index < count; index++) {
    if (integerAt(value, index - 1) >= integerAt(value, index)) return false;
  }
  return true;
}
