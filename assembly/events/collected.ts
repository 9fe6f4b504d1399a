// Keys that changed while a command ran, by their hashes, in the order in which they did: for telling what it did to them. As many as half a
// page holds; where a command changes more, all of its keys count as changed.

import { PAGE_BYTES } from "../layout";
import { events } from "./mailbox";

/** The first half of the page is for notices being put together. */
const LIST_OFFSET: u32 = PAGE_BYTES / 2 + 2048;
const HASHES_MAX: u32 = (PAGE_BYTES - LIST_OFFSET) / 8;

/** How many there are, and where the last one looked for was found; call-scoped. */
let count: u32 = 0;
let cursor: u32 = 0;
let isCollecting: bool = false;

export function beginCollecting(): void {
  count = 0;
  cursor = 0;
  isCollecting = true;
}

export function endCollecting(): void {
  isCollecting = false;
}

/** Notes a change, if anybody collects. */
export function collect(hash: u64): void {
  if (!isCollecting || count > HASHES_MAX || events.noticePage == 0) return;
  if (count != 0 && hashAt(count - 1) == hash) return;
  if (count < HASHES_MAX) store<u64>(<usize>events.noticePage + LIST_OFFSET + (count << 3), hash);
  count++;
}

@inline
function hashAt(index: u32): u64 {
  return load<u64>(<usize>events.noticePage + LIST_OFFSET + (index << 3));
}

/** Whether the key with this hash changed. Keys are mostly asked for in the order in which they changed. */
export function hasChanged(hash: u64): bool {
  if (count > HASHES_MAX) return true;
  for (let left = count; left != 0; left--) {
    if (cursor >= count) cursor = 0;
    if (hashAt(cursor) == hash) return true;
    cursor++;
  }
  return false;
}

/** The same, but true only once of each key that is known. */
export function takeChanged(hash: u64): bool {
  if (!hasChanged(hash)) return false;
  if (count <= HASHES_MAX) store<u64>(<usize>events.noticePage + LIST_OFFSET + (cursor << 3), 0);
  return true;
}
