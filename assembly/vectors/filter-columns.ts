// A filter over indexed fields alone, compared with constants, as tests of columns: whether an element's key lies in one of
// a few ranges, joined by `and`, `or` and `not`. Made beside the ranges of planner/filter-ranges.ts, of which it takes what each
// comparison lists. Such a test reads 8 bytes a field in place of a node, a cell and an expression: 8 to 15 ns against 150
// with the memory touched ahead (two fields, 200,000 elements).
//
//   tests     instructions, operands first
//   test      opcode Test (u32) | column (u32) | ranges (u32) | unused | for each: least and last key (u64)
//   others    opcode (u32) | 4 unused

import { Opcode } from "../filters/filter-program";
import { seek, soughtKey } from "../filters/postings";
import { Blocks, recordAt, roomOf } from "./blocks";
import { ABSENT, columnOf, fieldAt } from "./field-index";
import { rangeAt } from "./rank-range";
import { COLUMN_TESTS_BASE, COLUMN_TESTS_BYTES, SINK } from "./vector-scratch";
import { VectorSet } from "./vectorset";

const TEST: u32 = 0xff;
const TEST_HEAD_BYTES: u32 = 16;
const TEST_RANGE_BYTES: u32 = 16;
const CONNECTIVE_BYTES: u32 = 8;
/** Truths that wait at a time: the bits of a word. */
const DEPTH_MAX: u32 = 32;

const START: usize = <usize>COLUMN_TESTS_BASE;
let end: usize = START;
let depth: u32 = 0;
let refused: bool = true;

/** Begins the tests of a filter. */
export function beginTests(): void {
  end = START;
  depth = 0;
  refused = false;
}

/** Notes that the filter asks for what columns do not tell. */
export function refuseTests(): void {
  refused = true;
}

/** Whether the filter that was last looked at is told by columns. */
export function hasTests(): bool {
  return !refused;
}

/** Tests are none: the filter is to be evaluated. */
export function dropTests(): void {
  refused = true;
}

/** Adds the test whether a field lists an element in one of its ranges `from` to `to`. */
export function addTest(set: VectorSet, number: u32, from: u32, to: u32): void {
  const bytes = TEST_HEAD_BYTES + (to - from) * TEST_RANGE_BYTES;
  if (refused || end + bytes > START + COLUMN_TESTS_BYTES || ++depth > DEPTH_MAX) {
    refused = true;
    return;
  }
  const field = fieldAt(set, number);
  store<u32>(end, TEST);
  store<u32>(end, <u32>changetype<usize>(columnOf(field)), 4);
  store<u32>(end, to - from, 8);
  let at = end + TEST_HEAD_BYTES;
  for (let index = from; index < to; index++) {
    const range = rangeAt(index);
    seek(field, range.first);
    store<u64>(at, soughtKey);
    seek(field, range.end - 1);
    store<u64>(at, soughtKey, 8);
    at += TEST_RANGE_BYTES;
  }
  end = at;
}

/** Adds `and`, `or` or `not`. */
export function addConnective(opcode: u32): void {
  if (refused || end + CONNECTIVE_BYTES > START + COLUMN_TESTS_BYTES) {
    refused = true;
    return;
  }
  store<u32>(end, opcode);
  end += CONNECTIVE_BYTES;
  if (opcode != Opcode.Not) depth--;
}

/** Whether an element passes the tests; one that lacks a field never does. */
export function passesTests(id: u32): bool {
  let truths: u32 = 0;
  for (let at = START; at < end; ) {
    const opcode = load<u32>(at);
    if (opcode == TEST) {
      const column = changetype<Blocks>(<usize>load<u32>(at, 4));
      const key = id < roomOf(column) ? load<u64>(recordAt(column, id)) : ABSENT;
      if (key == ABSENT) return false;
      const ranges = load<u32>(at, 8);
      at += TEST_HEAD_BYTES;
      let truth: u32 = 0;
      for (const behind = at + ranges * TEST_RANGE_BYTES; at < behind; at += TEST_RANGE_BYTES) {
        truth |= u32(key >= load<u64>(at)) & u32(key <= load<u64>(at, 8));
      }
      truths = (truths << 1) | truth;
    } else {
      if (opcode == Opcode.Not) truths ^= 1;
      else if (opcode == Opcode.And) truths = (truths >> 1) & ((truths & 1) | ~(<u32>1));
      else truths = (truths >> 1) | (truths & 1);
      at += CONNECTIVE_BYTES;
    }
  }
  return (truths & 1) != 0;
}

/** Touches what the tests of `count` ids at `ids` will read. */
export function touchColumns(ids: usize, count: u32): void {
  let sum: u32 = 0;
  for (let at = START; at < end; ) {
    if (load<u32>(at) != TEST) {
      at += CONNECTIVE_BYTES;
      continue;
    }
    const column = changetype<Blocks>(<usize>load<u32>(at, 4));
    const room = roomOf(column);
    for (let id = ids, last = ids + ((<usize>count) << 2); id < last; id += 4) {
      if (load<u32>(id) < room) sum += load<u32>(recordAt(column, load<u32>(id)));
    }
    at += TEST_HEAD_BYTES + load<u32>(at, 8) * TEST_RANGE_BYTES;
  }
  store<u32>(SINK, sum);
}
