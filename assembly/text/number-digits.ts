// Decimal digits of natural numbers, two a step, the pair by a multiplication instead of a table. Division of 64 bits
// by a constant is slow in WebAssembly, so it happens once for eight digits.

const ZERO: u32 = 0x30;

const POWERS_OF_TEN = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
  10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
  10000000000000000000,
]);

/** Ten to the power of `exponent`, 0..19. */
export function powerOfTen(exponent: u32): u64 {
  return load<u64>(POWERS_OF_TEN + ((<usize>exponent) << 3));
}

/** Counts the decimal digits of `value`; zero has one. */
export function countDigits(value: u64): u32 {
  // 1233 / 4096 is just above log10(2): the guess is right or one too small.
  const guess = ((64 - <u32>clz(value | 1)) * 1233) >> 12;
  return guess + u32(value >= powerOfTen(guess) || guess == 0);
}

/** Writes the two digits of a number below 100. */
function writePair(at: usize, pair: u32): void {
  const tens = (pair * 103) >> 10;
  store<u16>(at, <u16>(0x3030 + tens + ((pair - tens * 10) << 8)));
}

/** Writes `value` with leading zeros as exactly `count` digits. */
export function writeDigits(value: u64, count: u32, out: usize): void {
  let at = out + count;
  let rest = value;
  while (rest > u32.MAX_VALUE) {
    const high = rest / 100000000;
    let eight = <u32>(rest - high * 100000000);
    rest = high;
    for (let pairs = 0; pairs < 4; pairs++) {
      at -= 2;
      writePair(at, eight % 100);
      eight /= 100;
    }
  }
  let few = <u32>rest;
  while (at - out >= 2) {
    at -= 2;
    writePair(at, few % 100);
    few /= 100;
  }
  if (at != out) store<u8>(out, <u8>(ZERO + few));
}
