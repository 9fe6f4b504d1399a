// Integers as text, the way Redis reads and writes them, and the doubles of its replies. Reading is strict: one
// spelling for each integer, so that a value which reads as an integer can be stored as one and written back
// byte for byte.

import { countDigits, writeDigits } from "./number-digits";
import { shortestCount, shortestDigits, shortestExponent, toShortest } from "./number-shortest";

export { parseDouble, parseDoubleSaturating, parsedDouble } from "./number-double";

/** What `parseInteger` read last; means nothing after it answered false. */
export let parsedInteger: i64 = 0;

/** Most bytes `formatInteger` writes: the sign and 19 digits. */
export const INTEGER_TEXT_BYTES: u32 = 20;
/** Most bytes `formatDouble` writes: sign, 17 digits, point, and either an exponent or seven zeros. */
export const DOUBLE_TEXT_BYTES: u32 = 32;

const ZERO: u32 = 0x30;
const POINT: u32 = 0x2e;
const MINUS: u32 = 0x2d;
const PLUS: u32 = 0x2b;

/**
 * Reads the `bytes` bytes at `address` as a signed 64-bit integer into `parsedInteger` and tells whether they are
 * one: no space, no plus sign, no leading zero, no "-0", nothing beyond the range of i64.
 */
export function parseInteger(address: usize, bytes: u32): bool {
  if (bytes == 0 || bytes > INTEGER_TEXT_BYTES) return false;
  let at = address;
  const end = address + bytes;
  const negative = load<u8>(at) == MINUS;
  if (negative && ++at == end) return false;
  let digit = <u32>load<u8>(at) - ZERO;
  if (digit == 0) {
    parsedInteger = 0;
    return bytes == 1;
  }
  if (digit > 9) return false;
  let magnitude = <u64>digit;
  while (++at < end) {
    digit = <u32>load<u8>(at) - ZERO;
    if (digit > 9) return false;
    // 20 digits without a sign may pass 2^64; 19 cannot.
    if (magnitude > 1844674407370955160) return false;
    magnitude = magnitude * 10 + digit;
  }
  if (magnitude > <u64>i64.MAX_VALUE + u64(negative)) return false;
  parsedInteger = negative ? <i64>(0 - magnitude) : <i64>magnitude;
  return true;
}

/** Writes `value` in decimal at `out`, at most INTEGER_TEXT_BYTES, and returns how many bytes. */
export function formatInteger(value: i64, out: usize): u32 {
  const negative = u32(value < 0);
  if (negative) store<u8>(out, <u8>MINUS);
  const magnitude = negative ? 0 - <u64>value : <u64>value;
  const count = countDigits(magnitude);
  writeDigits(magnitude, count, out + negative);
  return negative + count;
}

/**
 * Writes a double as Redis 8 replies it, at most DOUBLE_TEXT_BYTES, and returns how many bytes: "inf", "-inf",
 * "nan", "-0", integers without a point, everything else in the fewest digits that read back the same.
 */
export function formatDouble(value: f64, out: usize): u32 {
  if (value != value) return writeWord(out, 0x6e616e);
  const negative = u32(reinterpret<u64>(value) >> 63);
  if (negative) store<u8>(out, <u8>MINUS);
  const text = out + negative;
  const magnitude = abs(value);
  if (magnitude == Infinity) return negative + writeWord(text, 0x666e69);
  // Up to 2^62 an integer is written whole; beyond it the shortest digits decide, as in Redis.
  if (magnitude <= 4611686018427387904 && floor(magnitude) == magnitude) {
    return negative + formatInteger(<i64>magnitude, text);
  }
  toShortest(magnitude);
  return negative + writeShortest(text);
}

/** Writes three letters, given as a little-endian number. */
function writeWord(out: usize, letters: u32): u32 {
  store<u16>(out, <u16>letters);
  store<u8>(out, <u8>(letters >> 16), 2);
  return 3;
}

/** Writes shortestDigits x 10^shortestExponent plainly when few zeros are needed, with an exponent otherwise. */
function writeShortest(out: usize): u32 {
  const count = shortestCount;
  const point = <i32>count + shortestExponent;
  const scale = abs(point - 1);
  if (shortestExponent >= 0 && scale < <i32>count + 7) {
    writeDigits(shortestDigits, count, out);
    memory.fill(out + count, <u8>ZERO, shortestExponent);
    return <u32>point;
  }
  if (shortestExponent < 0 && (shortestExponent > -7 || scale < 4)) return writePlainFraction(out, point);
  return writeScientific(out, point - 1);
}

/** Writes the digits with a point after the first `point` of them, or with zeros before them when it is not positive. */
function writePlainFraction(out: usize, point: i32): u32 {
  const count = shortestCount;
  if (point <= 0) {
    const zeros = <u32>(2 - point);
    memory.fill(out, <u8>ZERO, zeros);
    store<u8>(out, <u8>POINT, 1);
    writeDigits(shortestDigits, count, out + zeros);
    return zeros + count;
  }
  writeDigits(shortestDigits, count, out);
  memory.copy(out + point + 1, out + point, count - point);
  store<u8>(out + point, <u8>POINT);
  return count + 1;
}

function writeScientific(out: usize, scale: i32): u32 {
  writeDigits(shortestDigits, shortestCount, out + 1);
  store<u8>(out, load<u8>(out, 1));
  let at = out + 1;
  if (shortestCount > 1) {
    store<u8>(at, <u8>POINT);
    at += shortestCount;
  }
  store<u8>(at, 0x65);
  store<u8>(at, <u8>(scale < 0 ? MINUS : PLUS), 1);
  return <u32>(at - out) + 2 + formatInteger(abs(scale), at + 2);
}
