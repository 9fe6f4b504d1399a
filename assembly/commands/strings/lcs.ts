// LCS: the longest common subsequence of two strings, by the table that textbooks fill, of which two things are kept: the row
// that is being filled, and for each pair of places one bit, whether the longer rest is reached by leaving out a byte of the
// first string. Where neither is longer a byte of the second is left out, as in Redis, so that the same of many is found.
// Takes time and bits in proportion to the product of the lengths, in one piece; strings over 64 KiB are refused.

import { CommandFlag, PAGE_BITS, PAGE_BYTES, PageKind, SCRATCH_BASE } from "../../layout";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, readKeyArgument } from "../../protocol/dispatch";
import { entryAt, isPaged, readPages, TYPE_STRING, typeOf, valueOf } from "../../memory/entry";
import { hasPages, releasePage, takePage } from "../../memory/memory";
import {
  replyArray,
  replyBulk,
  replyBulkText,
  replyError,
  replyInteger,
  replyMap,
  replyNotInteger,
  replySyntaxError,
} from "../../protocol/reply";

/** Longest string that is compared; the limit keeps a row of the table, and a copy of both, in the command's scratch. */
const BYTES_MAX: u32 = PAGE_BYTES;
const ROW: u32 = SCRATCH_BASE + 2 * BYTES_MAX;
/** Addresses of the pages that hold the bits, and the subsequence that is found. */
const PAGES: u32 = ROW + (BYTES_MAX + 1) * 4;
const FOUND: u32 = PAGES + ((BYTES_MAX * (BYTES_MAX / 8)) >> PAGE_BITS) * 4;
/** Places of the table for a unit of work, as a power of two. */
const WORK_SHIFT: u32 = 7;

// The strings that are compared; call-scoped.
let first: usize = 0;
let firstBytes: u32 = 0;
let second: usize = 0;
let secondBytes: u32 = 0;
/** Bytes of the bits of one byte of the first string. */
let bitBytes: u32 = 0;

// What is asked for.
let wantsLength: bool = false;
let wantsMatches: bool = false;
let withLengths: bool = false;
let shortest: i64 = 0;

function parseOptions(): bool {
  wantsLength = false;
  wantsMatches = false;
  withLengths = false;
  shortest = 0;
  for (let index: u32 = 3; index < argumentCount; index++) {
    if (argumentIs(index, "IDX")) wantsMatches = true;
    else if (argumentIs(index, "LEN")) wantsLength = true;
    else if (argumentIs(index, "WITHMATCHLEN")) withLengths = true;
    else if (argumentIs(index, "MINMATCHLEN") && index + 1 < argumentCount) {
      if (!argumentInteger(++index)) {
        replyNotInteger();
        return false;
      }
      shortest = lastInteger();
    } else {
      replySyntaxError();
      return false;
    }
  }
  if (!wantsLength || !wantsMatches) return true;
  replyError("ERR If you want both the length and indexes, please just use IDX.");
  return false;
}

/** The bytes of a string, which is copied to `copy` where it lies in pages. */
function bytesOf(entry: usize, copy: usize): usize {
  if (entry == 0) return copy;
  if (!isPaged(entry)) return valueOf(entry);
  readPages(valueOf(entry), 0, copy, entryAt(entry).valueBytes);
  return copy;
}

/** Reads both strings; false after replying an error. */
function readStrings(): bool {
  const a = readKeyArgument(1);
  const b = readKeyArgument(2);
  if ((a != 0 && typeOf(a) != TYPE_STRING) || (b != 0 && typeOf(b) != TYPE_STRING)) {
    replyError("ERR The specified keys must contain string values");
    return false;
  }
  firstBytes = a == 0 ? 0 : entryAt(a).valueBytes;
  secondBytes = b == 0 ? 0 : entryAt(b).valueBytes;
  if (firstBytes > BYTES_MAX || secondBytes > BYTES_MAX) {
    replyError("ERR LCS compares strings of at most 65536 bytes");
    return false;
  }
  first = bytesOf(a, SCRATCH_BASE);
  second = bytesOf(b, SCRATCH_BASE + BYTES_MAX);
  return true;
}

const NO_PAGES: u32 = 0xffffffff;

/** Takes memory for the bits; how many pages, or NO_PAGES after replying that there is none. */
function takeBits(): u32 {
  bitBytes = (secondBytes + 7) >> 3;
  const rows = PAGE_BYTES / max(bitBytes, 1);
  const pages: u32 = bitBytes == 0 ? 0 : (firstBytes + rows - 1) / rows;
  if (pages != 0 && !hasPages(pages)) {
    replyError("ERR Insufficient memory, failed allocating transient memory for LCS");
    return NO_PAGES;
  }
  for (let index: u32 = 0; index < pages; index++) {
    const page = takePage(PageKind.Scratch);
    memory.fill(page, 0, PAGE_BYTES);
    store<u32>(PAGES + (index << 2), <u32>page);
  }
  return pages;
}

function releaseBits(pages: u32): void {
  for (let index: u32 = 0; index < pages; index++) releasePage(<usize>load<u32>(PAGES + (index << 2)));
}

/** The bits of byte `at` of the first string. */
@inline
function bitsOf(at: u32): usize {
  const rows = PAGE_BYTES / bitBytes;
  return <usize>load<u32>(PAGES + ((at / rows) << 2)) + (at % rows) * bitBytes;
}

/** Fills the table; answers how long the subsequence is. */
function compare(): u32 {
  memory.fill(ROW, 0, (secondBytes + 1) << 2);
  if (secondBytes == 0) return 0;
  for (let i: u32 = 0; i < firstBytes; i++) {
    const byte = load<u8>(first + i);
    const bits = bitsOf(i);
    let diagonal: u32 = 0; // of the row above, one place to the left
    let left: u32 = 0;
    for (let j: u32 = 0; j < secondBytes; j++) {
      const place = ROW + ((j + 1) << 2);
      const above = load<u32>(place);
      let longest = diagonal + 1;
      if (load<u8>(second + j) != byte) {
        longest = max(above, left);
        if (above > left) store<u8>(bits + (j >> 3), load<u8>(bits + (j >> 3)) | ((<u8>1) << (<u8>(j & 7))));
      }
      diagonal = above;
      left = longest;
      store<u32>(place, longest);
    }
  }
  return load<u32>(ROW + (secondBytes << 2));
}

/** Ranges of bytes that follow one another in both, found by the last walk that were long enough. */
let ranges: u32 = 0;

/**
 * Goes back through the table, from the ends of both strings. Puts the subsequence, of `length` bytes, at FOUND, and counts ranges, or
 * replies them.
 */
function goBack(length: u32, replies: bool): void {
  let i = firstBytes;
  let j = secondBytes;
  let left = length;
  let run: u32 = 0;
  ranges = 0;
  while (i != 0 && j != 0) {
    if (load<u8>(first + i - 1) == load<u8>(second + j - 1)) {
      i--;
      j--;
      store<u8>(FOUND + --left, load<u8>(first + i));
      run++;
      continue;
    }
    if (run != 0) endRange(i, j, run, replies);
    run = 0;
    const bits = bitsOf(i - 1);
    const skipsFirst = (load<u8>(bits + ((j - 1) >> 3)) >> <u8>((j - 1) & 7)) & 1;
    if (skipsFirst != 0) i--;
    else j--;
  }
  if (run != 0) endRange(i, j, run, replies);
}

/** A range of `bytes` begins at `i` in the first string and at `j` in the second. */
function endRange(i: u32, j: u32, bytes: u32, replies: bool): void {
  if (<i64>bytes < shortest) return;
  ranges++;
  if (!replies) return;
  replyArray(2 + <u32>withLengths);
  replyArray(2);
  replyInteger(i);
  replyInteger(i + bytes - 1);
  replyArray(2);
  replyInteger(j);
  replyInteger(j + bytes - 1);
  if (withLengths) replyInteger(bytes);
}

function lcs(): void {
  if (!readStrings() || !parseOptions()) return;
  const pages = takeBits();
  if (pages == NO_PAGES) return;
  addWork(<u32>min<u64>((<u64>firstBytes * secondBytes) >> WORK_SHIFT, 1 << 20));
  const length = compare();
  if (wantsLength) {
    replyInteger(length);
  } else if (wantsMatches) {
    goBack(length, false);
    replyMap(2);
    replyBulkText("matches");
    replyArray(ranges);
    goBack(length, true);
    replyBulkText("len");
    replyInteger(length);
  } else {
    goBack(length, false);
    replyBulk(FOUND, length);
  }
  releaseBits(pages);
}

export function registerLcs(): void {
  register(
    "LCS",
    -3,
    CommandFlag.ReadOnly,
    1,
    2,
    1,
    lcs,
    "7.0.0",
    "Finds the longest common subsequence of two strings.",
  );
}
