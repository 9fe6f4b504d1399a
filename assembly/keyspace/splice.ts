// Changing the middle of a value that is packed into its entry: what follows moves, and the entry to another cell where the
// value no longer fits its own.

import { ZONE_ENTRY } from "../layout";
import { ENTRY_HEADER_BYTES, entryAt, entryBytes, expires, fitsCell, valueOf } from "../memory/entry";
import { dirty, hasFreeCell } from "../memory/memory";
import { classOf } from "../memory/slabs";
import { slotEntry } from "../memory/table";
import { resizeEntry } from "./keyspace";

/** Replaces `removed` bytes of the packed value at `at` by `added` undefined ones; answers the entry's address. */
export function splice(slot: usize, at: u32, removed: u32, added: u32): usize {
  const entry = slotEntry(slot);
  const record = entryAt(entry);
  const held = record.valueBytes;
  const bytes = held - removed + added;
  const rest = held - at - removed;
  const whole = entryBytes(record.keyBytes, bytes, expires(entry));
  // A larger cell comes before the move of what follows, a smaller one after it, and only when it costs no page: deleting
  // must be possible at the limit.
  const grows = added > removed && !fitsCell(entry, whole);
  const shrinks = added < removed && !fitsCell(entry, whole) && hasFreeCell(ZONE_ENTRY, classOf(whole));
  let current = grows ? resizeEntry(slot, bytes) : entry;
  dirty(current, ENTRY_HEADER_BYTES);
  dirty(valueOf(current), max(held, bytes));
  memory.copy(valueOf(current) + at + added, valueOf(current) + at + removed, rest);
  if (shrinks) current = resizeEntry(slot, bytes);
  entryAt(current).valueBytes = bytes;
  dirty(valueOf(current), bytes);
  return current;
}
