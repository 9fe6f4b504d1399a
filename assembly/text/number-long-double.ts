// Sums of decimals as INCRBYFLOAT and HINCRBYFLOAT make them: Redis adds x86's 80-bit long doubles and prints the sum
// with 17 places, trailing zeros cut. WebAssembly has no such type, so this is one in software, rounding where the
// hardware does: each operand once when it is read, the sum once, the text once. Results are the same bytes.
//
// Unlike in memory on x86 there are no fields: a value is significand x 2^exponent, the significand's highest bit
// set unless the exponent is the lowest there is (subnormal numbers, and zero).

import { WORKSPACE_BASE, WORKSPACE_BYTES } from "../layout";
import { BIGNUM_A, BIGNUMS_END, bitsFrom, divideSmall, multiplyHigh, setBignum, shiftLeft } from "./number-bignum";
import {
  binaryExponent,
  convertDecimal,
  decimalExponent,
  digitCount,
  negative,
  roundSignificand,
  Scan,
  scanDecimal,
} from "./number-decimal";
import { countDigits, powerOfTen, writeDigits } from "./number-digits";

/** Why `addDecimal` wrote nothing. */
export const enum DecimalError {
  /** The second number is none. */
  SecondInvalid = -1,
  /** The first number is none. */
  FirstInvalid = -2,
  /** The sum is infinite, or no number: two infinities of different sign. */
  NotFinite = -3,
  /** The second number is infinite. */
  SecondInfinite = -4,
}

/** Room that `addDecimal` asks for. */
export const DECIMAL_TEXT_BYTES: u32 = 5120;

/** Texts of this length and longer are refused, as in Redis. */
const TEXT_BYTES_END: u32 = 5120;
const EXPONENT_MIN: i32 = -16445;
const EXPONENT_MAX: i32 = 16320;
/** Beyond these places of the first digit a number is infinite or zero for sure. */
const PLACE_MAX: i32 = 4933;
const PLACE_MIN: i32 = -4960;
const HIGHEST_BIT: u64 = 1 << 63;
const PLACES: u32 = 17;

@unmanaged
class LongDouble {
  significand: u64;
  exponent: i32;
  negative: bool;
  infinite: bool;
}

const FIRST = changetype<LongDouble>(<usize>BIGNUMS_END);
const SECOND = changetype<LongDouble>(<usize>BIGNUMS_END + offsetof<LongDouble>());
/** Digits of large numbers come last first; they end here. */
const DIGITS_END: usize = <usize>BIGNUMS_END + 2 * offsetof<LongDouble>() + <usize>DECIMAL_TEXT_BYTES;

if (!ASC_FEATURE_THREADS && DIGITS_END > WORKSPACE_BASE + WORKSPACE_BYTES) ERROR("digits must fit the workspace");

/**
 * Adds two decimal numbers given as text, writes the sum at `out` and returns its bytes, fewer than
 * DECIMAL_TEXT_BYTES, or a DecimalError. Texts are judged as by `parseDouble`, with the range of long doubles.
 */
export function addDecimal(first: usize, firstBytes: u32, second: usize, secondBytes: u32, out: usize): i32 {
  if (!readDecimal(SECOND, second, secondBytes)) return DecimalError.SecondInvalid;
  if (SECOND.infinite) return DecimalError.SecondInfinite;
  if (!readDecimal(FIRST, first, firstBytes)) return DecimalError.FirstInvalid;
  if (FIRST.infinite) return DecimalError.NotFinite;
  const swapped = isLess(FIRST, SECOND);
  const large = swapped ? SECOND : FIRST;
  add(large, swapped ? FIRST : SECOND);
  return large.exponent > EXPONENT_MAX ? DecimalError.NotFinite : <i32>format(large, out);
}

/** Rounds a decimal to a long double; false when it is no number, too large, or would become zero. */
function readDecimal(into: LongDouble, address: usize, bytes: u32): bool {
  if (bytes >= TEXT_BYTES_END) return false;
  const kind = scanDecimal(address, bytes);
  into.negative = negative;
  into.infinite = kind == Scan.Infinite;
  into.significand = 0;
  into.exponent = EXPONENT_MIN;
  if (kind != Scan.Finite) return kind != Scan.Invalid;
  const place = decimalExponent + <i32>digitCount;
  if (place > PLACE_MAX || place < PLACE_MIN) return false;
  convertDecimal(TEXT_BYTES_END);
  const rounded = roundSignificand(max(EXPONENT_MIN - binaryExponent, 0));
  const carried = rounded == 0 && binaryExponent >= EXPONENT_MIN;
  into.significand = carried ? HIGHEST_BIT : rounded;
  into.exponent = max(binaryExponent, EXPONENT_MIN) + i32(carried);
  return into.significand != 0 && into.exponent <= EXPONENT_MAX;
}

/** Compares magnitudes. */
function isLess(a: LongDouble, b: LongDouble): bool {
  return a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand);
}

/** Adds a number of no greater magnitude to `sum`. */
function add(sum: LongDouble, small: LongDouble): void {
  const distance = sum.exponent - small.exponent;
  const high = shiftedHigh(small.significand, distance);
  const low = shiftedLow(small.significand, distance);
  if (sum.negative == small.negative) addAligned(sum, high, low);
  else subtractAligned(sum, high, low);
}

/** The upper and the lower half of significand x 2^64, moved down; what falls off leaves the lowest bit set. */
function shiftedHigh(significand: u64, distance: i32): u64 {
  return distance < 64 ? significand >> distance : 0;
}

function shiftedLow(significand: u64, distance: i32): u64 {
  if (distance == 0) return 0;
  if (distance <= 64) return distance == 64 ? significand : significand << (64 - distance);
  if (distance >= 128) return u64(significand != 0);
  return (significand >> (distance - 64)) | u64(significand << (128 - distance) != 0);
}

function addAligned(sum: LongDouble, high: u64, low: u64): void {
  const upper = sum.significand + high;
  if (upper >= high) {
    roundTo(sum, upper, low);
  } else {
    sum.exponent++;
    roundTo(sum, (upper >> 1) | HIGHEST_BIT, (upper << 63) | (low >> 1) | (low & 1));
  }
}

function subtractAligned(sum: LongDouble, high: u64, low: u64): void {
  let upper = sum.significand - high - u64(low != 0);
  let lower = 0 - low;
  if (upper == 0) {
    const words = min(64, sum.exponent - EXPONENT_MIN);
    sum.exponent -= words;
    upper = words == 64 ? lower : words == 0 ? 0 : lower >> (64 - words);
    lower = words == 64 ? 0 : lower << words;
  }
  const shift = min(<i32>clz(upper), sum.exponent - EXPONENT_MIN);
  if (upper != 0 && shift != 0) {
    upper = (upper << shift) | (lower >> (64 - shift));
    lower <<= shift;
    sum.exponent -= shift;
  }
  if (upper == 0) sum.exponent = EXPONENT_MIN;
  roundTo(sum, upper, lower);
}

/** Rounds upper x 2^64 + lower to 64 bits, ties to even. */
function roundTo(sum: LongDouble, upper: u64, lower: u64): void {
  const up = lower > HIGHEST_BIT || (lower == HIGHEST_BIT && (upper & 1) != 0);
  const rounded = upper + u64(up);
  const carried = up && rounded == 0;
  sum.significand = carried ? HIGHEST_BIT : rounded;
  sum.exponent += i32(carried);
}

/** Writes a finite number with at most 17 places, no trailing zeros and no "-0". */
function format(value: LongDouble, out: usize): u32 {
  const scale = -value.exponent;
  const sign = u32(value.negative);
  if (sign != 0) store<u8>(out, 0x2d);
  if (scale < 0) return sign + formatLarge(value, out + sign);
  let whole = scale == 0 ? value.significand : scale < 64 ? value.significand >> scale : 0;
  let places = scale == 0 ? 0 : roundedPlaces(value.significand - (scale < 64 ? whole << scale : 0), scale);
  if (places == powerOfTen(PLACES)) {
    whole++;
    places = 0;
  }
  if ((whole | places) == 0) {
    store<u8>(out, 0x30);
    return 1;
  }
  const count = countDigits(whole);
  writeDigits(whole, count, out + sign);
  return sign + count + (places == 0 ? 0 : formatPlaces(places, out + sign + count));
}

/** fraction / 2^scale x 10^17 to the nearest integer, ties to even; the fraction is less than 2^scale. */
function roundedPlaces(fraction: u64, scale: i32): u64 {
  const power = powerOfTen(PLACES);
  const high = multiplyHigh(fraction, power, 0);
  const low = fraction * power;
  // The product has less than 121 bits.
  if (scale > 121) return 0;
  if (scale <= 64) {
    const kept = (scale == 64 ? 0 : low >> scale) | (high << (64 - scale));
    const lost = low << (64 - scale);
    return kept + u64(lost > HIGHEST_BIT || (lost == HIGHEST_BIT && (kept & 1) != 0));
  }
  const shift = scale - 64;
  const kept = high >> shift;
  const lost = high << (64 - shift);
  return kept + u64(lost > HIGHEST_BIT || (lost == HIGHEST_BIT && (low != 0 || (kept & 1) != 0)));
}

/** Writes a point and places, without the zeros at their end. */
function formatPlaces(places: u64, out: usize): u32 {
  store<u8>(out, 0x2e);
  writeDigits(places, PLACES, out + 1);
  let count = PLACES;
  while (load<u8>(out + count) == 0x30) count--;
  return 1 + count;
}

/** Writes a number whose exponent is positive: an integer of up to 4,933 digits, nine at a time from the right. */
function formatLarge(value: LongDouble, out: usize): u32 {
  setBignum(BIGNUM_A, value.significand);
  shiftLeft(BIGNUM_A, value.exponent);
  let at = DIGITS_END;
  while (BIGNUM_A.count > 2) {
    at -= 9;
    writeDigits(divideSmall(BIGNUM_A, 1000000000), 9, at);
  }
  const rest = bitsFrom(BIGNUM_A, 0);
  const count = countDigits(rest);
  writeDigits(rest, count, out);
  memory.copy(out + count, at, DIGITS_END - at);
  return count + <u32>(DIGITS_END - at);
}
