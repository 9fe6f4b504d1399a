// The arguments of the command that runs: records of address and length in the ARGUMENTS region, the bytes wherever
// they were received. One over 32 KiB is paged: its address is that of a list of pages, which a value may adopt.

import { ARGUMENT_BYTES, PAGE_BITS, PAGE_BYTES, PAGE_RECORD_BYTES, PageKind } from "../layout";
import { copyBytes, dirty, pageOf } from "../memory/memory";
import { readPages } from "../memory/entry";
import { PAGED_BIT } from "./connection";
import { parsedInteger, parseInteger } from "../text/number";

let records: usize = 0;
/** Arguments of the running command, its name included. */
export let argumentCount: u32 = 0;

export function setArguments(address: usize, count: u32): void {
  records = address;
  argumentCount = count;
}

/** Where the records of the arguments lie. */
export function argumentRecords(): usize {
  return records;
}

/** Lets an argument be another text, as long as the command runs. */
export function setArgument(index: u32, address: usize, bytes: u32): void {
  store<u32>(records + index * ARGUMENT_BYTES, <u32>address);
  store<u32>(records + index * ARGUMENT_BYTES, bytes, 4);
}

/** Where an argument that is not paged lies. */
@inline
export function argumentAddress(index: u32): usize {
  return <usize>load<u32>(records + index * ARGUMENT_BYTES);
}

/** Where the record of an argument lies; those of the arguments behind it follow. */
@inline
export function argumentRecord(index: u32): usize {
  return records + index * ARGUMENT_BYTES;
}

@inline
export function argumentBytes(index: u32): u32 {
  return load<u32>(records + index * ARGUMENT_BYTES, 4) & ~PAGED_BIT;
}

@inline
export function isArgumentPaged(index: u32): bool {
  return (load<u32>(records + index * ARGUMENT_BYTES, 4) & PAGED_BIT) != 0;
}

/** Parses an argument as Redis parses integers; the number is in `parsedInteger`. */
export function argumentInteger(index: u32): bool {
  return !isArgumentPaged(index) && parseInteger(argumentAddress(index), argumentBytes(index));
}

export function lastInteger(): i64 {
  return parsedInteger;
}

/** True when the argument is this word (upper case in the source) in any case. */
export function argumentIs(index: u32, word: string): bool {
  const bytes = <u32>word.length;
  if (argumentBytes(index) != bytes) return false;
  const address = argumentAddress(index);
  const text = changetype<usize>(word);
  for (let at: u32 = 0; at < bytes; at++) {
    let byte: u32 = load<u8>(address + at);
    if (byte >= 0x61 && byte <= 0x7a) byte -= 0x20;
    if (byte != <u32>load<u16>(text + (at << 1))) return false;
  }
  return true;
}

/** Copies `bytes` of an argument, paged or not, from `offset` on. */
export function readArgument(index: u32, offset: u32, to: usize, bytes: u32): void {
  if (isArgumentPaged(index)) readPages(argumentAddress(index), offset, to, bytes);
  else copyBytes(to, argumentAddress(index) + offset, bytes);
}

/** Set in the first address of a list of pages that a value has adopted: pages begin at multiples of 64 KiB. */
export const ADOPTED_BIT: u32 = 1;

/**
 * Takes over the pages of a paged argument: copies their addresses to `list`, and the connection leaves them alone. The
 * argument can be read, for its record, until what adopted it changes.
 */
export function adoptPages(index: u32, list: usize): void {
  const pages = (argumentBytes(index) + PAGE_BYTES - 1) >> PAGE_BITS;
  const own = argumentAddress(index);
  copyBytes(list, own, pages << 2);
  // They become durable now; while they were filled they were the connection's.
  for (let index: u32 = 0; index < pages; index++) {
    const page = <usize>load<u32>(own + (index << 2));
    dirty(page, PAGE_BYTES);
    dirty(changetype<usize>(pageOf(page)), PAGE_RECORD_BYTES);
    pageOf(page).kind = <u8>PageKind.Value;
  }
  store<u32>(own, load<u32>(own) | ADOPTED_BIT);
}
