// Whether anybody wants to know of a change of any key: one word beside that of watches, so that a change tests both at once.
// It counts keys that are waited for or tracked, prefixes, and once more while events of keys are told.

import { WATCHES_BASE } from "../layout";

const INTEREST: usize = WATCHES_BASE + 4;
let noticing: bool = false;

/** Whether a change must be looked into: somebody watches, waits for or tracks keys, or is told of new ones. */
@inline
export function anyInterest(): bool {
  return load<u64>(WATCHES_BASE) != 0;
}

export function countInterest(by: i32): void {
  store<u32>(INTEREST, load<u32>(INTEREST) + by);
}

/** Whether events of keys are told. */
export function setNoticing(yes: bool): void {
  if (yes != noticing) countInterest(yes ? 1 : -1);
  noticing = yes;
}
