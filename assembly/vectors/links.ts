// A row of links: count (u32), then the ids of a node's neighbours on one level, in no order. Every change is announced.
// Where threads share the memory, rows are read while others change them: the count is stored behind the id that it counts.

import { dirty } from "../memory/memory";

@inline
export function linkCount(row: usize): u32 {
  return ASC_FEATURE_THREADS ? atomic.load<u32>(row) : load<u32>(row);
}

@inline
function storeCount(row: usize, count: u32): void {
  if (ASC_FEATURE_THREADS) atomic.store<u32>(row, count);
  else store<u32>(row, count);
}

@inline
export function linkAt(row: usize, index: u32): u32 {
  return load<u32>(row + ((<usize>index) << 2), 4);
}

/** Address of the id in a row; 0 when it is not there. */
function findLink(row: usize, id: u32): usize {
  const end = row + 4 + (linkCount(row) << 2);
  for (let at = row + 4; at != end; at += 4) if (load<u32>(at) == id) return at;
  return 0;
}

@inline
export function hasLink(row: usize, id: u32): bool {
  return findLink(row, id) != 0;
}

/** Appends an id that is not there; the caller has seen that the row has room. */
export function addLink(row: usize, id: u32): void {
  const count = load<u32>(row);
  dirty(row, (count + 2) << 2);
  store<u32>(row + ((<usize>count) << 2), id, 4);
  storeCount(row, count + 1);
}

/** Removes an id that is there. */
export function dropLink(row: usize, id: u32): void {
  const count = load<u32>(row);
  const at = findLink(row, id);
  assert(at != 0);
  dirty(row, (count + 1) << 2);
  store<u32>(at, load<u32>(row + ((<usize>count) << 2)));
  storeCount(row, count - 1);
}

/** Puts one id in another's place. */
export function replaceLink(row: usize, old: u32, id: u32): void {
  const at = findLink(row, old);
  assert(at != 0);
  dirty(at, 4);
  store<u32>(at, id);
}
