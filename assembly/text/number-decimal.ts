// Decimal text to binary, exactly: a sign, a 64-bit significand and how the digits it could not hold compare with
// half a unit. Doubles round that to 53 bits, long doubles to 64, so one conversion serves both and nothing is
// rounded twice. Up to 19 digits with a small exponent take one 128-bit multiplication or division (Clinger's
// observation, one word wider); all else goes through bignums and costs microseconds.

import {
  anyBitBelow,
  BIGNUM_A,
  BIGNUM_B,
  bitLength,
  bitsFrom,
  compareBignum,
  multiplyAdd,
  multiplyByPowerOfFive,
  multiplyHigh,
  setBignum,
  shiftLeft,
  subtractBignum,
} from "./number-bignum";

export const enum Scan {
  Invalid,
  Zero,
  Finite,
  Infinite,
}

/** What the significand left out, in units of its last bit. */
const enum Remainder {
  None,
  BelowHalf,
  Half,
  AboveHalf,
}

/** Set by `scanDecimal`: value = all significant digits, as an integer, x 10^decimalExponent. */
export let negative: bool = false;
export let decimalExponent: i32 = 0;
/** Significant digits: leading zeros are none. */
export let digitCount: u32 = 0;
/** The first 19 of them as an integer. */
export let leadingDigits: u64 = 0;
let anyLaterDigit: u32 = 0;
let firstDigit: usize = 0;
/** Where the digits begin that `loadDigits` left out. */
let untaken: usize = 0;

/** Set by `convertDecimal`: value = significand x 2^binaryExponent, the significand's highest bit set. */
export let binaryExponent: i32 = 0;
let significand: u64 = 0;
let remainder: Remainder = Remainder.None;

const LEADING_DIGITS: u32 = 19;
/** 5^27 is the last power of five in 64 bits. */
const EXACT_POWER_MAX: i32 = 27;
/** Beyond this an exponent only says "too large" or "too small", however many digits there are. */
const EXPONENT_MAX: i32 = 1000000000;
const HIGHEST_BIT: u64 = 1 << 63;

/**
 * Reads a decimal number that fills exactly `bytes` bytes: sign, digits with at most one point, an exponent, or
 * "inf" or "infinity" in any case. Spaces, hexadecimal digits and "nan" are invalid.
 */
export function scanDecimal(address: usize, bytes: u32): Scan {
  const end = address + bytes;
  let at = address;
  negative = false;
  if (at < end && isSign(load<u8>(at))) {
    negative = load<u8>(at) == 0x2d;
    at++;
  }
  if (at == end) return Scan.Invalid;
  if (<u32>load<u8>(at) > 0x39) return isInfinity(at, <u32>(end - at)) ? Scan.Infinite : Scan.Invalid;
  const mantissaEnd = scanDigits(at, end);
  if (mantissaEnd == 0) return Scan.Invalid;
  if (mantissaEnd != end && !scanExponent(mantissaEnd, end)) return Scan.Invalid;
  return digitCount == 0 ? Scan.Zero : Scan.Finite;
}

function isSign(letter: u32): bool {
  return letter == 0x2b || letter == 0x2d;
}

/** Reads digits and point; returns where they end, 0 when there is no digit. */
function scanDigits(start: usize, end: usize): usize {
  let at = start;
  let count: u32 = 0;
  let leading: u64 = 0;
  let later: u32 = 0;
  let point: usize = 0;
  for (; at < end; at++) {
    const letter = <u32>load<u8>(at);
    const digit = letter - 0x30;
    if (digit > 9) {
      if (letter != 0x2e || point != 0) break;
      point = at;
    } else if (count != 0 || digit != 0) {
      if (count == 0) firstDigit = at;
      if (count < LEADING_DIGITS) leading = leading * 10 + digit;
      else later |= digit;
      count++;
    }
  }
  leadingDigits = leading;
  anyLaterDigit = later;
  digitCount = count;
  decimalExponent = point == 0 ? 0 : -(<i32>(at - point - 1));
  const digits = at - start - usize(point != 0);
  return digits == 0 ? 0 : at;
}

/** Reads an exponent that goes to the end and adds it to decimalExponent. */
function scanExponent(start: usize, end: usize): bool {
  if ((load<u8>(start) | 0x20) != 0x65) return false;
  let at = start + 1;
  let down = false;
  if (at < end && isSign(load<u8>(at))) {
    down = load<u8>(at) == 0x2d;
    at++;
  }
  if (at == end) return false;
  let value = 0;
  for (; at < end; at++) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) return false;
    if (value < EXPONENT_MAX / 10) value = value * 10 + digit;
  }
  decimalExponent += down ? -value : value;
  return true;
}

function isInfinity(at: usize, bytes: u32): bool {
  if (bytes != 3 && bytes != 8) return false;
  // "inf" and "inity", little-endian, lower case.
  const first = <u32>load<u16>(at) | ((<u32>load<u8>(at, 2)) << 16) | 0x202020;
  if (first != 0x666e69) return false;
  return bytes == 3 || ((load<u32>(at, 3) | 0x20202020) == 0x74696e69 && (load<u8>(at, 7) | 0x20) == 0x79);
}

/**
 * Converts what `scanDecimal` found finite. At most `digitsMax` digits are taken one by one, the rest only as
 * "more than that": past 770 no digit can decide how a double rounds, past 11,600 none of a long double.
 */
export function convertDecimal(digitsMax: u32): void {
  // Later zeros are part of the exponent.
  const exponent = decimalExponent + max(<i32>digitCount - <i32>LEADING_DIGITS, 0);
  if (anyLaterDigit == 0 && exponent >= -EXACT_POWER_MAX && exponent <= EXACT_POWER_MAX) {
    if (exponent < 0) divideByPower(leadingDigits, -exponent);
    else multiplyByPower(leadingDigits, exponent);
    return;
  }
  convertExactly(digitsMax);
}

function powerOfFive(exponent: i32): u64 {
  let power: u64 = 1;
  for (let left = exponent; left > 0; left--) power *= 5;
  return power;
}

function remainderOf(zero: bool, orderToHalf: i32): Remainder {
  if (zero) return Remainder.None;
  return orderToHalf < 0 ? Remainder.BelowHalf : orderToHalf == 0 ? Remainder.Half : Remainder.AboveHalf;
}

function order(a: u64, b: u64): i32 {
  return i32(a > b) - i32(a < b);
}

/** digits x 10^exponent as a 128-bit product. */
function multiplyByPower(digits: u64, exponent: i32): void {
  const power = powerOfFive(exponent);
  const low = digits * power;
  const high = multiplyHigh(digits, power, 0);
  if (high == 0) {
    const shift = clz(low);
    significand = low << shift;
    binaryExponent = exponent - <i32>shift;
    remainder = Remainder.None;
    return;
  }
  const shift = clz(high);
  significand = shift == 0 ? high : (high << shift) | (low >> (64 - shift));
  binaryExponent = exponent + 64 - <i32>shift;
  remainder = remainderOf(low << shift == 0, order(low << shift, HIGHEST_BIT));
}

/** digits / 10^exponent; the numerator is scaled so that the quotient has exactly 64 bits. */
function divideByPower(digits: u64, exponent: i32): void {
  const power = powerOfFive(exponent);
  const numeratorShift = clz(digits);
  const divisorShift = clz(power);
  const numerator = digits << numeratorShift;
  const divisor = power << divisorShift;
  const halve = u64(numerator >= divisor);
  significand = divideWide(numerator >> halve, halve ? numerator << 63 : 0, divisor);
  binaryExponent = <i32>divisorShift - <i32>numeratorShift - 64 + <i32>halve - exponent;
}

/** (high x 2^64 + low) / divisor for a normalised divisor greater than high; sets `remainder`. Knuth's algorithm D. */
function divideWide(high: u64, low: u64, divisor: u64): u64 {
  const first = divideStep(high, low >> 32, divisor);
  const middle = (high << 32) + (low >> 32) - first * divisor;
  const second = divideStep(middle, low & 0xffffffff, divisor);
  const rest = (middle << 32) + (low & 0xffffffff) - second * divisor;
  remainder = remainderOf(rest == 0, order(rest, divisor - rest));
  return (first << 32) + second;
}

/** One 32-bit digit of the quotient (high x 2^32 + next) / divisor: guessed by the upper half, at most two too large. */
function divideStep(high: u64, next: u64, divisor: u64): u64 {
  const upper = divisor >> 32;
  const lower = divisor & 0xffffffff;
  let quotient = high / upper;
  let rest = high - quotient * upper;
  while (rest <= 0xffffffff && (quotient > 0xffffffff || quotient * lower > ((rest << 32) | next))) {
    quotient--;
    rest += upper;
  }
  return quotient;
}

/**
 * The converted significand without its lowest `cut` bits, rounded to nearest, ties to even. Rounding up may carry
 * into one more bit, which is lost when nothing was cut: the result is zero then.
 */
export function roundSignificand(cut: u32): u64 {
  if (cut > 64) return 0;
  const kept = cut == 64 ? 0 : significand >> cut;
  const odd = (kept & 1) != 0;
  if (cut == 0) return kept + u64(remainder == Remainder.AboveHalf || (remainder == Remainder.Half && odd));
  const lost = significand << (64 - cut);
  return kept + u64(lost > HIGHEST_BIT || (lost == HIGHEST_BIT && (odd || remainder != Remainder.None)));
}

function convertExactly(digitsMax: u32): void {
  const taken = loadDigits(digitsMax);
  const exponent = decimalExponent + <i32>(digitCount - taken);
  if (exponent >= 0) {
    multiplyByPowerOfFive(BIGNUM_A, exponent);
    takeHighestBits(exponent);
  } else {
    setBignum(BIGNUM_B, 1);
    multiplyByPowerOfFive(BIGNUM_B, -exponent);
    divideBignums(exponent);
  }
  // Digits left out add less than one unit of the last digit taken: only what lay on a border moves.
  if (anyDigitFrom(untaken, digitCount - taken)) {
    if (remainder == Remainder.None) remainder = Remainder.BelowHalf;
    else if (remainder == Remainder.Half) remainder = Remainder.AboveHalf;
  }
}

/** Loads the first digits into A, nine at a time, and returns how many. */
function loadDigits(digitsMax: u32): u32 {
  const taken = min(digitCount, digitsMax);
  setBignum(BIGNUM_A, 0);
  let at = firstDigit;
  let chunk: u32 = 0;
  let scale: u32 = 1;
  for (let left = taken; left > 0; at++) {
    const letter = <u32>load<u8>(at);
    if (letter == 0x2e) continue;
    chunk = chunk * 10 + (letter - 0x30);
    scale *= 10;
    left--;
    if (scale == 1000000000 || left == 0) {
      multiplyAdd(BIGNUM_A, scale, chunk);
      chunk = 0;
      scale = 1;
    }
  }
  untaken = at;
  return taken;
}

/** Tells whether one of the next `count` digits is not zero. */
function anyDigitFrom(start: usize, count: u32): bool {
  let at = start;
  for (let left = count; left > 0; at++) {
    const letter = <u32>load<u8>(at);
    if (letter == 0x2e) continue;
    if (letter != 0x30) return true;
    left--;
  }
  return false;
}

/** Takes the upper 64 bits of A x 2^exponent. */
function takeHighestBits(exponent: i32): void {
  const bits = bitLength(BIGNUM_A);
  if (bits <= 64) {
    const value = bitsFrom(BIGNUM_A, 0);
    significand = value << (64 - bits);
    remainder = Remainder.None;
  } else {
    significand = bitsFrom(BIGNUM_A, bits - 64);
    const half = bits - 65;
    const upper = (bitsFrom(BIGNUM_A, half) & 1) != 0;
    const lower = anyBitBelow(BIGNUM_A, half);
    remainder = remainderOf(!upper && !lower, upper ? i32(lower) : -1);
  }
  binaryExponent = exponent + <i32>bits - 64;
}

/** 64 bits of A / B x 2^exponent, bit by bit: a bignum division in a dozen lines. */
function divideBignums(exponent: i32): void {
  const difference = <i32>bitLength(BIGNUM_A) - <i32>bitLength(BIGNUM_B);
  if (difference < 0) shiftLeft(BIGNUM_A, -difference);
  else shiftLeft(BIGNUM_B, difference);
  let scale = difference;
  if (compareBignum(BIGNUM_A, BIGNUM_B) < 0) {
    shiftLeft(BIGNUM_A, 1);
    scale--;
  }
  let quotient: u64 = 0;
  for (let bit = 0; bit < 64; bit++) {
    quotient <<= 1;
    if (compareBignum(BIGNUM_A, BIGNUM_B) >= 0) {
      subtractBignum(BIGNUM_A, BIGNUM_B);
      quotient |= 1;
    }
    shiftLeft(BIGNUM_A, 1);
  }
  significand = quotient;
  binaryExponent = exponent + scale - 63;
  // A is twice what is left, so B is half a unit.
  remainder = remainderOf(BIGNUM_A.count == 0, compareBignum(BIGNUM_A, BIGNUM_B));
}
