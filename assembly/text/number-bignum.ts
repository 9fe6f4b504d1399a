// Natural numbers of up to 36,800 bits, for exact conversion between decimal text and binary floating point. Only
// what that needs: multiply and divide by 32 bits, shift, compare, subtract. Two of them lie at fixed places in
// the workspace, because a conversion never needs more; nothing outlives a call.
//
//   0 count of limbs | 8 limbs of 32 bits, lowest first, the highest never zero

import { OWN_WORKSPACE } from "../memory/threads";

const LIMBS_MAX: u32 = 1150;
const LIMBS: usize = 8;
const BIGNUM_BYTES: u32 = 8 + LIMBS_MAX * 4;

@unmanaged
export class Bignum {
  count: u32;
  reserved: u32;
}

export const BIGNUM_A = changetype<Bignum>(<usize>OWN_WORKSPACE);
export const BIGNUM_B = changetype<Bignum>(<usize>(OWN_WORKSPACE + BIGNUM_BYTES));
/** The workspace from here on is free for whoever uses no more than one at a time. */
export const BIGNUMS_END: u32 = OWN_WORKSPACE + 2 * BIGNUM_BYTES;

function limbAt(number: Bignum, index: u32): usize {
  return changetype<usize>(number) + LIMBS + ((<usize>index) << 2);
}

export function setBignum(number: Bignum, value: u64): void {
  store<u64>(limbAt(number, 0), value);
  number.count = value == 0 ? 0 : value > u32.MAX_VALUE ? 2 : 1;
}

/** The upper 64 bits of a x b + addend x 2^32. */
export function multiplyHigh(a: u64, b: u64, addend: u64): u64 {
  const aHigh = a >> 32;
  const aLow = a & 0xffffffff;
  const bHigh = b >> 32;
  const bLow = b & 0xffffffff;
  const first = aHigh * bLow;
  const second = aLow * bHigh;
  const carry = ((aLow * bLow) >> 32) + (first & 0xffffffff) + (second & 0xffffffff) + addend;
  return aHigh * bHigh + (first >> 32) + (second >> 32) + (carry >> 32);
}

/** number = number x factor + addend. */
export function multiplyAdd(number: Bignum, factor: u32, addend: u32): void {
  let carry = <u64>addend;
  const end = limbAt(number, number.count);
  for (let at = limbAt(number, 0); at < end; at += 4) {
    carry += <u64>load<u32>(at) * factor;
    store<u32>(at, <u32>carry);
    carry >>= 32;
  }
  if (carry == 0) return;
  assert(number.count < LIMBS_MAX);
  store<u32>(end, <u32>carry);
  number.count++;
}

/** Multiplies by 5^exponent, thirteen at a time: the largest power of five in 32 bits. */
export function multiplyByPowerOfFive(number: Bignum, exponent: u32): void {
  let left = exponent;
  while (left >= 13) {
    multiplyAdd(number, 1220703125, 0);
    left -= 13;
  }
  let factor: u32 = 1;
  while (left-- > 0) factor *= 5;
  multiplyAdd(number, factor, 0);
}

/** Divides in place and returns the remainder. */
export function divideSmall(number: Bignum, divisor: u32): u32 {
  let remainder: u64 = 0;
  for (let index = number.count; index-- > 0; ) {
    const at = limbAt(number, index);
    const dividend = (remainder << 32) | load<u32>(at);
    const quotient = dividend / divisor;
    store<u32>(at, <u32>quotient);
    remainder = dividend - quotient * divisor;
  }
  trim(number);
  return <u32>remainder;
}

function trim(number: Bignum): void {
  let count = number.count;
  while (count != 0 && load<u32>(limbAt(number, count - 1)) == 0) count--;
  number.count = count;
}

export function bitLength(number: Bignum): u32 {
  const count = number.count;
  return count == 0 ? 0 : (count << 5) - <u32>clz(load<u32>(limbAt(number, count - 1)));
}

export function shiftLeft(number: Bignum, bits: u32): void {
  const count = number.count;
  if (count == 0) return;
  const limbs = bits >> 5;
  const shift = bits & 31;
  assert(count + limbs < LIMBS_MAX);
  let above: u64 = 0;
  for (let index = count; index-- > 0; ) {
    const pair = (above << 32) | load<u32>(limbAt(number, index));
    store<u32>(limbAt(number, index + limbs + 1), <u32>((pair << shift) >> 32));
    above = pair & 0xffffffff;
  }
  store<u32>(limbAt(number, limbs), <u32>(above << shift));
  memory.fill(limbAt(number, 0), 0, (<usize>limbs) << 2);
  number.count = count + limbs + 1;
  trim(number);
}

/** Negative, zero or positive as a is less than, equal to or greater than b. */
export function compareBignum(a: Bignum, b: Bignum): i32 {
  if (a.count != b.count) return a.count < b.count ? -1 : 1;
  for (let index = a.count; index-- > 0; ) {
    const limbA = load<u32>(limbAt(a, index));
    const limbB = load<u32>(limbAt(b, index));
    if (limbA != limbB) return limbA < limbB ? -1 : 1;
  }
  return 0;
}

/** a = a - b; b is not greater. */
export function subtractBignum(a: Bignum, b: Bignum): void {
  let borrow: i64 = 0;
  const countB = b.count;
  for (let index: u32 = 0; index < countB; index++) {
    const at = limbAt(a, index);
    borrow += <i64>load<u32>(at) - <i64>load<u32>(limbAt(b, index));
    store<u32>(at, <u32>borrow);
    borrow >>= 32;
  }
  for (let index = countB; borrow != 0; index++) {
    const at = limbAt(a, index);
    borrow += load<u32>(at);
    store<u32>(at, <u32>borrow);
    borrow >>= 32;
  }
  trim(a);
}

/** Reads 64 bits from bit `first` on; bits outside the number are zero. */
export function bitsFrom(number: Bignum, first: u32): u64 {
  const limb = first >> 5;
  const shift = <u64>(first & 31);
  const low = limbOrZero(number, limb) | (limbOrZero(number, limb + 1) << 32);
  if (shift == 0) return low;
  return (low >> shift) | (limbOrZero(number, limb + 2) << (64 - shift));
}

function limbOrZero(number: Bignum, index: u32): u64 {
  return index < number.count ? <u64>load<u32>(limbAt(number, index)) : 0;
}

/** Tells whether any of the lowest `bits` bits is set. */
export function anyBitBelow(number: Bignum, bits: u32): bool {
  const limbs = min(bits >> 5, number.count);
  for (let index: u32 = 0; index < limbs; index++) {
    if (load<u32>(limbAt(number, index)) != 0) return true;
  }
  const rest = bits & 31;
  return rest != 0 && (limbOrZero(number, limbs) & (((<u64>1) << rest) - 1)) != 0;
}
