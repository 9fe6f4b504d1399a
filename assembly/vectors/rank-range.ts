// A range of the entries of a field's index, from one rank to before another; they lie one after another in the scratch
// region while a search is planned.

import { RANGES_BASE, RANGES_BYTES } from "./vector-scratch";

@unmanaged
export class RankRange {
  first: u32;
  end: u32;
  /** Number of the field. */
  field: u32;
}

export const RANGE_BYTES: u32 = <u32>offsetof<RankRange>();

@inline
export function rangeAt(index: u32): RankRange {
  return changetype<RankRange>(<usize>(RANGES_BASE + index * RANGE_BYTES));
}

export const RANGES_MAX: u32 = RANGES_BYTES / RANGE_BYTES;

/** Ranges made so far. */
export let made: u32 = 0;

/** Takes back all ranges but the first `count`, or takes those as made. */
export function setMade(count: u32): void {
  made = count;
}

/** Adds a range unless it is empty; false when there is no room. */
export function addRange(number: u32, first: u32, end: u32): bool {
  if (first == end) return true;
  if (made == RANGES_MAX) return false;
  const range = rangeAt(made++);
  range.first = first;
  range.end = end;
  range.field = number;
  return true;
}

/** Entries in ranges `from` to `to`. */
export function entriesIn(from: u32, to: u32): u32 {
  let sum: u32 = 0;
  for (let index = from; index < to; index++) sum += rangeAt(index).end - rangeAt(index).first;
  return sum;
}

/** Sorts ranges of one field from number `from` on, and joins those that touch. */
export function tidy(from: u32): void {
  for (let index = from + 1; index < made; index++) {
    const first = rangeAt(index).first;
    const end = rangeAt(index).end;
    let place = index;
    for (; place > from && rangeAt(place - 1).first > first; place--) {
      rangeAt(place).first = rangeAt(place - 1).first;
      rangeAt(place).end = rangeAt(place - 1).end;
    }
    rangeAt(place).first = first;
    rangeAt(place).end = end;
  }
  let kept = from;
  for (let index = from; index < made; index++) {
    const range = rangeAt(index);
    if (kept != from && range.first <= rangeAt(kept - 1).end) {
      rangeAt(kept - 1).end = max(rangeAt(kept - 1).end, range.end);
      continue;
    }
    rangeAt(kept).first = range.first;
    rangeAt(kept).end = range.end;
    rangeAt(kept).field = range.field;
    kept++;
  }
  made = kept;
}
