// A state that was loaded becomes a running database: the host has put the region below the heap and the pages in use where
// they were at the snapshot's cut. Pages that belonged to connections, replies, searches and eviction's queues come back
// free, whatever the cut found in them, and what this run keeps outside of the state is derived anew. Costs one pass over
// the page table; no key is visited, and no graph. The cut is here too, since it notes what the way back needs.

import {
  Access,
  DATABASES,
  DIRTY_BASE,
  DIRTY_BYTES,
  MARK_PAGES_MAX,
  PAGE_BITS,
  PageKind,
  SLAB_CLASSES,
  SLAB_HEAD_BYTES,
  SLAB_HEADS_BASE,
  STATE_BASE,
  ZONE_VOLATILE,
} from "../layout";
import { isDurable } from "../memory/copies";
import { counters, dirty, hasMemory, pageAt, State, state } from "../memory/memory";
import { accessKind, evictionPolicy, setEvictionPolicy } from "../memory/settings";
import { beginSnapshot } from "../memory/snapshot";
import { growMarks, missingMarkPages } from "../vectors/vector-scratch";
import { changeAccess } from "./access";
import { startAdoption } from "./adoption";
import { changePolicy } from "./eviction";
import { dropQueues } from "./queues";

/**
 * Takes over the state in memory.
 *
 * @param kind what the access bits of its entries mean, one of Access
 * @returns false when the machine has no memory for what searches need
 */
export function restoreState(kind: u32): bool {
  countPages();
  memory.fill(SLAB_HEADS_BASE + ZONE_VOLATILE * SLAB_CLASSES * SLAB_HEAD_BYTES, 0, SLAB_CLASSES * SLAB_HEAD_BYTES);
  dropQueues();
  counters.inhabited = (1 << DATABASES) - 1;
  counters.untilLook = 0;
  const policy = evictionPolicy();
  setEvictionPolicy(policy, kind);
  changeAccess();
  changePolicy(policy);
  if (kind == <u32>Access.Queues && accessKind() == Access.Queues) startAdoption();
  const marks = state.markPages;
  if (!hasMemory(marks)) return false;
  growMarks(marks << PAGE_BITS);
  memory.fill(DIRTY_BASE, 0, DIRTY_BYTES);
  return true;
}

/** Makes a cut, see `memory/snapshot.ts`; the state tells how many pages of marks searches in it need. */
export function cutSnapshot(whole: bool): u32 {
  dirty(STATE_BASE, offsetof<State>());
  state.markPages = MARK_PAGES_MAX - missingMarkPages(MARK_PAGES_MAX << PAGE_BITS);
  return beginSnapshot(whole);
}

/** Frees the pages that are no part of the database; the lowest is handed out first. */
function countPages(): void {
  state.freeHead = 0;
  state.freeCount = 0;
  state.heldPages = 0;
  for (let number = state.freshPage - 1; number >= state.heapStart; number--) {
    const page = pageAt(number);
    if (isDurable(page.kind)) {
      state.heldPages++;
      continue;
    }
    page.kind = <u8>PageKind.Free;
    page.next = <u16>state.freeHead;
    state.freeHead = number;
    state.freeCount++;
  }
}
