// Admission of writes and making room for them. A write is admitted when the pages it may take are below the limit
// and the spare ones are left; then nothing in it can fail. Without room, deleted objects are freed first, then, if
// the policy allows, keys are evicted (victim.ts). Evicting frees cells, not pages: when another class needs a page, a
// page with many free cells is emptied by moving what it holds to others of its class (drain.ts), at most one page's
// worth a time. When nothing may be evicted any more, tables are made as small as their keys allow: only then a write
// is refused.

import { Eviction, PAGE_BYTES, SLAB_CLASSES, SPARE_PAGES, ZONE_ENTRY } from "../layout";
import { availablePages, hasFreeCell, hasMemory, hasPages, state } from "../memory/memory";
import { cellsOf, classOf } from "../memory/slabs";
import { entryBytes, entryPages, INLINE_VALUE_MAX } from "../memory/entry";
import {
  accessKind,
  evictionPolicy,
  limitPages,
  setEvictionPolicy,
  setLimitPages,
  targetPages,
} from "../memory/settings";
import { accessKindOf, changeAccess } from "./access";
import { startAdoption } from "./adoption";
import { drainPage, drainSpare, drainWithLoss, shrinkTables } from "./drain";
import { freeStep } from "./graveyard";
import { evictedClass, evictOne, forgetSamples } from "./victim";

/** Bytes of chunks for an entry, at the emptiest, and of its word in a queue. */
const SLOT_SHARE: u32 = 16;
const WORD_SHARE: u32 = 8;
/** Keys evicted before a page is drained whatever it holds. */
const EVICTIONS_BEFORE_DRAIN: u32 = 1024;
/** Keys evicted, or pieces of deleted objects freed, in one step towards a lower limit. */
const EVICTIONS_A_STEP: u32 = 256;

/** True when a command may take `pages` pages; makes room first where the policy allows. Comes before any change. */
export function admit(pages: u32): bool {
  return hasPages(pages) || makeRoom(pages, SLAB_CLASSES);
}

/** `admit` for what is received over time and admitted page by page: false when it cannot fit even then. */
export function mayAdmit(pages: u32): bool {
  return evictionPolicy() == Eviction.None ? admit(pages) : pages + SPARE_PAGES <= targetPages();
}

/** `admit` for one entry: at the limit a free cell of its class is enough, so that replacing costs no page. */
export function admitEntry(keyBytes: u32, valueBytes: u32, expiring: bool): bool {
  if (hasPages(entryPages(valueBytes))) return true;
  if (valueBytes > INLINE_VALUE_MAX) return makeRoom(entryPages(valueBytes), SLAB_CLASSES);
  return makeRoom(1, classOf(entryBytes(keyBytes, valueBytes, expiring)));
}

/**
 * `admit` for moving an entry, with the value it has, to another cell: under another key, or with or without an expiry.
 * It must be possible to let keys die at the limit.
 */
export function admitMove(keyBytes: u32, valueBytes: u32, expiring: bool): bool {
  return hasPages(1) || makeRoom(1, classOf(entryBytes(keyBytes, valueBytes, expiring))) || maySpare();
}

/** `admit` for a cell in the place of one that is no smaller. */
export function admitReplacement(): bool {
  return admit(1) || maySpare();
}

/** Half of the spare pages may be used where an old cell comes free. */
function maySpare(): bool {
  return availablePages() > SPARE_PAGES / 2 && hasMemory(SPARE_PAGES);
}

/** Bytes of memory that an entry takes with its slot of the index, its part of what its page cannot use included. */
export function cellShare(keyBytes: u32, valueBytes: u32): u32 {
  return PAGE_BYTES / cellsOf(classOf(entryBytes(keyBytes, valueBytes, false))) + SLOT_SHARE + WORD_SHARE;
}

@inline
function hasRoom(pages: u32, sizeClass: u32): bool {
  if (hasPages(pages)) return true;
  if (sizeClass == SLAB_CLASSES || !hasFreeCell(ZONE_ENTRY, sizeClass)) return false;
  return availablePages() >= SPARE_PAGES && hasMemory(SPARE_PAGES);
}

function makeRoom(pages: u32, sizeClass: u32): bool {
  if (hasRoom(pages, sizeClass)) return true;
  while (freeStep()) if (hasRoom(pages, sizeClass)) return true;
  if (hasRoom(pages, sizeClass)) return true;
  if (pages + SPARE_PAGES > targetPages()) return false;
  if (evictionPolicy() != Eviction.None && evictFor(pages, sizeClass)) return true;
  return gather(pages, sizeClass);
}

/** Makes room without losing anything: from free cells that are worth whole pages, and from sparse tables. */
function gather(pages: u32, sizeClass: u32): bool {
  do {
    while (drainPage()) if (hasRoom(pages, sizeClass)) return true;
  } while (shrinkTables());
  return false;
}

/**
 * Evicts until there is room; false when nothing is left to evict. Evicted cells of other classes help only when they
 * are worth a page, so it goes on until one class has that many and then drains a page without loss; keys that were
 * just used are not drained away with the page they happen to share, unless that would take too long.
 */
function evictFor(pages: u32, sizeClass: u32): bool {
  while (true) {
    let evicted: u32 = 0;
    let drained = false;
    while (!drained && evicted < EVICTIONS_BEFORE_DRAIN) {
      if (!evictOne()) return false;
      evicted++;
      // A large hash is freed only as far as it must be.
      const large = state.graveyard != 0;
      while (freeStep()) if (hasRoom(pages, sizeClass)) return true;
      if (hasRoom(pages, sizeClass)) return true;
      drained = large ? drainPage() : drainSpare(evictedClass);
    }
    if (!drained) drainWithLoss();
    if (hasRoom(pages, sizeClass)) return true;
  }
}

// ---- changes while it runs

/**
 * Sets the pages that the database may hold. Where that is less than it holds and the policy evicts, the limit comes
 * down with what `trim` frees, so that no command has to make all the room at once: each makes its own.
 */
export function changeLimit(pages: u32): void {
  const evicts = evictionPolicy() != Eviction.None;
  setLimitPages(evicts ? max(pages, state.heldPages + SPARE_PAGES) : pages, pages);
}

/** Sets the policy. Access bits keep their times, and the keys there are get the rest of them with the ticks. */
export function changePolicy(policy: u32): void {
  const before = accessKind();
  setEvictionPolicy(policy, accessKindOf(policy));
  changeAccess();
  if (accessKind() != before) startAdoption();
  forgetSamples();
  changeLimit(targetPages());
}

/** Comes a bounded step closer to the limit that was set; true when it is not there yet. */
export function trim(): bool {
  const target = targetPages();
  if (limitPages() <= target) return false;
  let left = EVICTIONS_A_STEP;
  while (left > 0 && state.heldPages + SPARE_PAGES > target) {
    left--;
    if (freeStep()) continue;
    if (drainPage()) break;
    if (!evictOne()) {
      // Nothing more may go: writes are refused from here on.
      setLimitPages(target, target);
      return false;
    }
  }
  setLimitPages(max(target, min(limitPages(), state.heldPages + SPARE_PAGES)), target);
  return limitPages() > target;
}
