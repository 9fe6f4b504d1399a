// Where the key of the running command was when its group was touched ahead. Touching has walked from the hash to the
// slot whose tag fits; to compare the key there spares walking again: a GET in a batch takes 51 ns, not 55. A slot found
// ahead is good as long as its segment belongs to the same table: whoever puts another in its place, detaches a table or
// chooses another database says so here, and then everybody looks his key up until the next group. What may happen to
// the slot itself, emptied, filled again, its entry moved, shows in its tag and its key.

import { equalBytes } from "./memory";
import { entryAt, keyOf } from "./entry";
import { slotEntry, tagOf } from "./table";

// Call-scoped, though what is left of a call before does no harm.
let slot: usize = 0;
let slotHash: u64 = 0;
let trusted: bool = false;

/** Slots that are found from now on hold until `distrustSlots`. */
export function trustSlots(): void {
  trusted = true;
}

@inline
export function areSlotsTrusted(): bool {
  return trusted;
}

/** A segment has left its table, a table its place, or keys are looked up in another database. */
export function distrustSlots(): void {
  trusted = false;
}

/** The slot that the key with this hash should be in; 0 when none is known. */
@inline
export function expectSlot(address: u32, hash: u64): void {
  slot = <usize>address;
  slotHash = hash;
}

/** The slot expected for the key with this hash, if it refers to the key; else 0: it may be anywhere, or nowhere. */
@inline
export function slotAhead(key: usize, bytes: u32, hash: u64): usize {
  if (slotHash != hash || slot == 0 || !trusted) return 0;
  const index = ((slot & 63) - 16) >> 2;
  if (<u32>load<u8>((slot & ~63) + index) != tagOf(hash)) return 0;
  const entry = slotEntry(slot);
  return <u32>entryAt(entry).keyBytes == bytes && equalBytes(keyOf(entry), key, bytes) ? slot : 0;
}
