// Whether a block that comes from elsewhere says what a block may say: every length stays inside, ids rise, the counts in the
// header are those of what is there. Its cell and pages are claimed already.

import { PAGE_BITS, PAGE_BYTES } from "../../layout";
import { isBefore } from "../id-tree";
import { Block, BLOCK_HEADER_BYTES, pageList } from "./block";

/** The last id of the block that was checked. */
export let checkedMs: u64 = 0;
export let checkedSeq: u64 = 0;

let block: Block = changetype<Block>(<usize>0);
let at: u32 = 0;
let end: u32 = 0;
let fails: bool = false;

/** Checks a block, whose id is beyond all before it. */
export function isBlockRight(checked: Block): bool {
  block = checked;
  fails = false;
  let names: u64 = 0;
  if (block.paged == 0) {
    at = BLOCK_HEADER_BYTES;
    end = block.start;
    names = readNumber();
    passStrings(names);
  }
  at = block.start;
  end = block.end;
  let entries: u32 = 0;
  let last: u32 = 0;
  while (!fails && at < block.end) {
    last = at;
    if (!isEntryRight(names, entries == 0)) return false;
    entries++;
  }
  return !fails && entries == block.entries && last == block.last && (block.paged == 0 || entries == 1);
}

function isEntryRight(names: u64, isFirst: bool): bool {
  end = block.end;
  const head = readNumber();
  if (fails || head >> 1 > <u64>(block.end - at)) return false;
  const next = at + <u32>(head >> 1);
  end = next;
  const ahead = readNumber();
  const second = readNumber();
  if (fails || ahead > u64.MAX_VALUE - block.ms || (ahead == 0 && second > u64.MAX_VALUE - block.seq)) return false;
  const ms = block.ms + ahead;
  const seq = ahead == 0 ? block.seq + second : second;
  if (!isFirst && !isBefore(checkedMs, checkedSeq, ms, seq)) return false;
  checkedMs = ms;
  checkedSeq = seq;
  if ((head & 1) != 0) {
    const pairs = readNumber();
    passStrings(pairs);
    passStrings(pairs);
  } else {
    if (block.paged != 0) return false;
    passStrings(names);
  }
  return !fails && at == next;
}

function readNumber(): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 64; shift += 7) {
    if (at >= end) break;
    const byte = block.paged == 0 ? load<u8>(changetype<usize>(block) + at) : load<u8>(placeInPages());
    at++;
    value |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80) return value;
  }
  fails = true;
  return 0;
}

@inline
function placeInPages(): usize {
  return <usize>load<u32>(pageList(block) + ((at >> PAGE_BITS) << 2)) + (at & (PAGE_BYTES - 1));
}

/** Passes over so many strings with their lengths. */
function passStrings(count: u64): void {
  for (let left = count; left > 0 && !fails; left--) {
    const bytes = readNumber();
    if (fails || bytes > <u64>(end - at)) fails = true;
    else at += <u32>bytes;
  }
}
