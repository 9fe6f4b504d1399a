// Text to double, correctly rounded. Numbers of at most 53 bits and a power of ten up to 22 take one hardware
// multiplication or division, exact operands rounded once (Clinger, "How to read floating point numbers
// accurately", 1990): 10 to 20 ns, and nearly all that applications send. The rest is converted in integers.

import {
  binaryExponent,
  convertDecimal,
  decimalExponent,
  digitCount,
  leadingDigits,
  negative,
  roundSignificand,
  Scan,
  scanDecimal,
} from "./number-decimal";

/** What `parseDouble` read last; means nothing after it answered false. */
export let parsedDouble: f64 = 0;
/** A number that is neither zero nor infinite became so. */
let outOfRange: bool = false;

const EXACT_DIGITS: u32 = 19;
const EXACT_BITS_END: u64 = 1 << 53;
const EXACT_POWER_MAX: i32 = 22;
/** The border between two doubles has at most 767 significant digits. */
const DIGITS_MAX: u32 = 800;
/** A first digit beyond these places is infinite or zero whatever follows; keeps the exact path short. */
const PLACE_MAX: i32 = 310;
const PLACE_MIN: i32 = -330;

const POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]);

/**
 * Reads the `bytes` bytes at `address` as a double into `parsedDouble` and tells whether they are one, as Redis
 * judges: "inf" and "infinity" of any case and sign are, "nan", hexadecimal numbers and spaces are not, and neither
 * is a number too large for a double, or so small that it would become zero.
 */
export function parseDouble(address: usize, bytes: u32): bool {
  return parseDoubleSaturating(address, bytes) && !outOfRange;
}

/** As `parseDouble`, but a number too large is infinite and one too small is zero, as strtod has it. */
export function parseDoubleSaturating(address: usize, bytes: u32): bool {
  const kind = scanDecimal(address, bytes);
  if (kind == Scan.Invalid) return false;
  const magnitude = kind == Scan.Infinite ? Infinity : kind == Scan.Zero ? 0 : convertFinite();
  outOfRange = kind == Scan.Finite && (magnitude == 0 || magnitude == Infinity);
  parsedDouble = negative ? -magnitude : magnitude;
  return true;
}

/** The magnitude of the finite number that was scanned. */
function convertFinite(): f64 {
  const exponent = decimalExponent;
  if (digitCount <= EXACT_DIGITS && leadingDigits <= EXACT_BITS_END) {
    if (exponent >= 0 && exponent <= EXACT_POWER_MAX) {
      return <f64>leadingDigits * load<f64>(POWERS + ((<usize>exponent) << 3));
    }
    if (exponent < 0 && exponent >= -EXACT_POWER_MAX) {
      return <f64>leadingDigits / load<f64>(POWERS + ((<usize>-exponent) << 3));
    }
  }
  const place = exponent + <i32>digitCount;
  if (place > PLACE_MAX) return Infinity;
  if (place < PLACE_MIN) return 0;
  convertDecimal(DIGITS_MAX);
  return roundToDouble();
}

/** Rounds the converted significand to 53 bits, or fewer for a subnormal number, ties to even. */
function roundToDouble(): f64 {
  const exponent = binaryExponent + 63;
  if (exponent > 1023) return Infinity;
  const cut = 11 + max(-1022 - exponent, 0);
  // The hidden bit carries into the exponent field, and so does a fraction that rounds up to the next power.
  return reinterpret<f64>(((<u64>max(exponent + 1022, 0)) << 52) + roundSignificand(cut));
}
