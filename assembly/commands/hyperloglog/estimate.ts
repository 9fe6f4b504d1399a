// Where an element goes, and how many there were: the hash of Redis (MurmurHash64A with its seed), so that sketches made
// there and here can be merged, and Ertl's estimator, which needs no correction for small or large numbers.

import { PAGE_BYTES } from "../../layout";
import { argumentAddress, argumentBytes, isArgumentPaged } from "../../protocol/arguments";
import { REGISTERS } from "./registers";

const SEED: u64 = 0xadc83b19;
const MULTIPLIER: u64 = 0xc6a4a7935bd1e995;
const SHIFT: u64 = 47;
/** Bits of a hash that choose the register; the others are counted from the lowest to the first that is set. */
const INDEX_BITS: u64 = 14;
const COUNTED_BITS: u32 = 50;
const ALPHA: f64 = 0.7213475204444817;

/** The register of an element, and what it must be at least. */
export let elementIndex: u32 = 0;
export let elementCount: u32 = 0;

/** Shows where the element in an argument goes. */
export function placeElement(argument: u32): void {
  const hash = hashOf(argument);
  elementIndex = <u32>hash & (REGISTERS - 1);
  elementCount = <u32>ctz((hash >> INDEX_BITS) | ((<u64>1) << COUNTED_BITS)) + 1;
}

function hashOf(argument: u32): u64 {
  const bytes = argumentBytes(argument);
  const address = argumentAddress(argument);
  let hash = SEED ^ (<u64>bytes * MULTIPLIER);
  if (!isArgumentPaged(argument)) return finish(addBlocks(hash, address, bytes), address + (bytes & ~7), bytes & 7);
  let list = address;
  let left = bytes;
  for (; left > PAGE_BYTES; left -= PAGE_BYTES) {
    hash = addBlocks(hash, load<u32>(list), PAGE_BYTES);
    list += 4;
  }
  const last = <usize>load<u32>(list);
  return finish(addBlocks(hash, last, left), last + (left & ~7), left & 7);
}

/** Adds the whole words of some bytes. */
function addBlocks(hash: u64, address: usize, bytes: u32): u64 {
  for (let at: u32 = 0; at + 8 <= bytes; at += 8) {
    let word = load<u64>(address + at) * MULTIPLIER;
    word = (word ^ (word >> SHIFT)) * MULTIPLIER;
    hash = (hash ^ word) * MULTIPLIER;
  }
  return hash;
}

/** Adds the 0 to 7 bytes behind the last word and mixes. */
function finish(hash: u64, tail: usize, bytes: u32): u64 {
  let word: u64 = 0;
  for (let at: u32 = 0; at < bytes; at++) word |= (<u64>load<u8>(tail + at)) << (at << 3);
  if (bytes != 0) hash = (hash ^ word) * MULTIPLIER;
  hash = (hash ^ (hash >> SHIFT)) * MULTIPLIER;
  return hash ^ (hash >> SHIFT);
}

/** How many different elements registers of a byte each have seen. `counts`: 64 words of working space. */
export function estimate(registers: usize, counts: usize): i64 {
  memory.fill(counts, 0, 256);
  for (let index: u32 = 0; index < REGISTERS; index++) {
    const at = counts + ((<usize>(load<u8>(registers + index) & 63)) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  const all = <f64>REGISTERS;
  let sum = all * tau((all - <f64>load<u32>(counts + ((COUNTED_BITS + 1) << 2))) / all);
  for (let count = COUNTED_BITS; count > 0; count--) sum = (sum + <f64>load<u32>(counts + (count << 2))) * 0.5;
  sum += all * sigma(<f64>load<u32>(counts) / all);
  return <i64>Math.floor((ALPHA * all * all) / sum + 0.5);
}

/** What registers that nothing reached contribute. */
function sigma(share: f64): f64 {
  if (share == 1) return Infinity;
  let power = share;
  let factor: f64 = 1;
  let sum = share;
  for (let before: f64 = -1; before != sum; ) {
    power *= power;
    before = sum;
    sum += power * factor;
    factor += factor;
  }
  return sum;
}

/** What registers contribute that cannot count further. */
function tau(share: f64): f64 {
  if (share == 0 || share == 1) return 0;
  let root = share;
  let factor: f64 = 1;
  let sum = 1 - share;
  for (let before: f64 = -1; before != sum; ) {
    root = Math.sqrt(root);
    before = sum;
    factor *= 0.5;
    sum -= (1 - root) * (1 - root) * factor;
  }
  return sum / 3;
}
