// The fewest decimal digits that read back as the same double: Grisu2 (Loitsch, "Printing floating-point numbers
// quickly and accurately with integers", 2010). Unlike Ryu or Dragonbox it needs a table of 700 bytes instead of
// ten kilobytes and no 128-bit product; the price is that one number in about a thousand gets a digit more than
// it must have. Redis prints doubles by the same algorithm, so replies agree byte for byte.

import { multiplyHigh } from "./number-bignum";

/** The result: shortestDigits x 10^shortestExponent, with shortestCount digits. */
export let shortestDigits: u64 = 0;
export let shortestCount: u32 = 0;
export let shortestExponent: i32 = 0;

const HIDDEN_BIT: u64 = 1 << 52;
/** The scaled number's exponent lies in this window, so that its integer part fits 32 bits. */
const WINDOW_FIRST: i32 = -60;
const WINDOW_LAST: i32 = -32;

const POWER_FIRST: i32 = -348;
const POWER_STEP: i32 = 8;
const POWER_COUNT: i32 = 87;

// The upper 64 bits of 10^-348, 10^-340, … 10^340, rounded to nearest.
const POWERS = memory.data<u64>([
  0xfa8fd5a0081c0288, 0xbaaee17fa23ebf76, 0x8b16fb203055ac76, 0xcf42894a5dce35ea, 0x9a6bb0aa55653b2d,
  0xe61acf033d1a45df, 0xab70fe17c79ac6ca, 0xff77b1fcbebcdc4f, 0xbe5691ef416bd60c, 0x8dd01fad907ffc3c,
  0xd3515c2831559a83, 0x9d71ac8fada6c9b5, 0xea9c227723ee8bcb, 0xaecc49914078536d, 0x823c12795db6ce57,
  0xc21094364dfb5637, 0x9096ea6f3848984f, 0xd77485cb25823ac7, 0xa086cfcd97bf97f4, 0xef340a98172aace5,
  0xb23867fb2a35b28e, 0x84c8d4dfd2c63f3b, 0xc5dd44271ad3cdba, 0x936b9fcebb25c996, 0xdbac6c247d62a584,
  0xa3ab66580d5fdaf6, 0xf3e2f893dec3f126, 0xb5b5ada8aaff80b8, 0x87625f056c7c4a8b, 0xc9bcff6034c13053,
  0x964e858c91ba2655, 0xdff9772470297ebd, 0xa6dfbd9fb8e5b88f, 0xf8a95fcf88747d94, 0xb94470938fa89bcf,
  0x8a08f0f8bf0f156b, 0xcdb02555653131b6, 0x993fe2c6d07b7fac, 0xe45c10c42a2b3b06, 0xaa242499697392d3,
  0xfd87b5f28300ca0e, 0xbce5086492111aeb, 0x8cbccc096f5088cc, 0xd1b71758e219652c, 0x9c40000000000000,
  0xe8d4a51000000000, 0xad78ebc5ac620000, 0x813f3978f8940984, 0xc097ce7bc90715b3, 0x8f7e32ce7bea5c70,
  0xd5d238a4abe98068, 0x9f4f2726179a2245, 0xed63a231d4c4fb27, 0xb0de65388cc8ada8, 0x83c7088e1aab65db,
  0xc45d1df942711d9a, 0x924d692ca61be758, 0xda01ee641a708dea, 0xa26da3999aef774a, 0xf209787bb47d6b85,
  0xb454e4a179dd1877, 0x865b86925b9bc5c2, 0xc83553c5c8965d3d, 0x952ab45cfa97a0b3, 0xde469fbd99a05fe3,
  0xa59bc234db398c25, 0xf6c69a72a3989f5c, 0xb7dcbf5354e9bece, 0x88fcf317f22241e2, 0xcc20ce9bd35c78a5,
  0x98165af37b2153df, 0xe2a0b5dc971f303a, 0xa8d9d1535ce3b396, 0xfb9b7cd9a4a7443c, 0xbb764c4ca7a44410,
  0x8bab8eefb6409c1a, 0xd01fef10a657842c, 0x9b10a4e5e9913129, 0xe7109bfba19c0c9d, 0xac2820d9623bf429,
  0x80444b5e7aa7cf85, 0xbf21e44003acdd2d, 0x8e679c2f5e44ff8f, 0xd433179d9c8cb841, 0x9e19db92b4e31ba9,
  0xeb96bf6ebadf77d9, 0xaf87023b9bf0ee6b,
]);

/** Finds the digits of a positive, finite double. */
export function toShortest(value: f64): void {
  const bits = reinterpret<u64>(value);
  const biased = <i32>(bits >> 52);
  const fraction = (bits & (HIDDEN_BIT - 1)) + (biased ? HIDDEN_BIT : 0);
  const exponent = max(biased, 1) - 1075;

  // The neighbours' midpoints, all three numbers with the exponent of the normalised upper one. Below a power of
  // two the gap is half as wide.
  const upperShift = <i32>clz((fraction << 1) + 1);
  const upper = ((fraction << 1) + 1) << upperShift;
  const scale = exponent - 1 - upperShift;
  const lowerShift = fraction == HIDDEN_BIT ? 2 : 1;
  const lower = ((fraction << lowerShift) - 1) << (exponent - lowerShift - scale);
  const middle = fraction << (exponent - scale);

  const power = choosePower(scale);
  const multiplier = load<u64>(POWERS + ((<usize>power) << 3));
  const decimal = POWER_FIRST + power * POWER_STEP;
  shortestExponent = -decimal;
  // Each product is off by at most one unit: the interval shrinks by one on either side to stay safe.
  const high = scaled(upper, multiplier) - 1;
  const low = scaled(lower, multiplier) + 1;
  generate(high, high - low, high - scaled(middle, multiplier), -(scale + powerExponent(decimal) + 64));
}

/** The binary exponent of a 64-bit power of ten. */
function powerExponent(decimal: i32): i32 {
  return ((decimal * 217706) >> 16) - 63;
}

/** The index of a power of ten that brings an exponent into the window. Where two would, the guess decides. */
function choosePower(exponent: i32): i32 {
  const guess = <i32>(-(<f64>(exponent + POWER_COUNT)) * 0.30102999566398114);
  let index = (guess - POWER_FIRST) / POWER_STEP;
  while (true) {
    const moved = exponent + powerExponent(POWER_FIRST + index * POWER_STEP) + 64;
    if (moved < WINDOW_FIRST) index++;
    else if (moved > WINDOW_LAST) index--;
    else return index;
  }
}

/** The upper half of a 64 x 64 bit product, rounded at the 32 bits below it, as Redis does. */
function scaled(number: u64, multiplier: u64): u64 {
  return multiplyHigh(number, multiplier, 0x80000000);
}

/**
 * Cuts digits off `high` (fixed point, `bits` of them behind the point) until what is left lies within `interval`,
 * then steps the last digit towards the number itself, which lies `distance` below `high`.
 */
function generate(high: u64, interval: u64, distance: u64, bits: i32): void {
  const shift = <u64>bits;
  const mask = ((<u64>1) << shift) - 1;
  let whole = <u32>(high >> shift);
  let fraction = high & mask;
  let divisor: u32 = 1000000000;
  let digits: u64 = 0;
  let count: u32 = 0;
  for (let left = 9; left >= 0; left--) {
    const digit = whole / divisor;
    whole -= digit * divisor;
    digits = digits * 10 + digit;
    count += u32(digits != 0);
    const rest = ((<u64>whole) << shift) + fraction;
    if (rest <= interval) {
      shortestExponent += left;
      finish(digits, count, interval, rest, (<u64>divisor) << shift, distance);
      return;
    }
    divisor /= 10;
  }
  let margin = interval;
  let reach = distance;
  while (true) {
    fraction *= 10;
    margin *= 10;
    reach *= 10;
    shortestExponent--;
    const digit = fraction >> shift;
    fraction &= mask;
    digits = digits * 10 + digit;
    count += u32(digits != 0);
    if (fraction < margin) {
      finish(digits, count, margin, fraction, mask + 1, reach);
      return;
    }
  }
}

/** Steps the last digit down while that stays inside the interval and comes nearer to the number. */
function finish(digits: u64, count: u32, interval: u64, rest: u64, unit: u64, distance: u64): void {
  let left = rest;
  let last = digits;
  while (
    left < distance &&
    interval - left >= unit &&
    (left + unit < distance || distance - left > left + unit - distance)
  ) {
    last--;
    left += unit;
  }
  shortestDigits = last;
  shortestCount = count;
}
