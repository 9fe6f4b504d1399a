// The ghost queue of S3-FIFO: fingerprints of keys that left the small queue, as the paper suggests a hash table of
// fingerprint and time of eviction, counted in evictions. A ghost is too old when more have come since than the main
// queue has words. A bucket is a cache line of 16 ghosts; when it is full its oldest is overwritten. Two keys of one
// bucket share a fingerprint once in 65,536 pairs. About 5 bytes a key; pages are taken as they are first needed, and
// only while there are some to spare. When the number of keys has changed much, the table is made anew and empty.
//
// Ghost, 4 bytes: 0 time (u16) | 2 fingerprint (u16), 0 for none

import { GHOSTS_BASE, PAGE_BITS, PageKind, SPARE_PAGES, ZONE_OBJECT } from "../layout";
import { allocate, availablePages, dirty, hasMemory, release, releasePage, takePage } from "../memory/memory";

@unmanaged
class Ghosts {
  /** The cell of the addresses of pages (0 for one not taken), and how many there are. */
  pages: u32;
  count: u32;
  /** Ghosts that came so far, and how many of them make a unit of time, as a power of two. */
  clock: u32;
  shift: u32;
}

const GHOSTS_BYTES: u32 = 16;
if (offsetof<Ghosts>() != GHOSTS_BYTES) ERROR("the ghosts' record must stay 16 bytes");

const GHOST_BYTES: u32 = 4;
const BUCKET_BYTES: u32 = 64;
const BUCKET_BITS: u32 = 10;
const GHOSTS_A_PAGE: u32 = 16384;
const PAGES_MAX: u32 = 16384;
/** Ghosts between two looks at whether the table has the right size. */
const GHOSTS_A_LOOK: u32 = 4096;
/** A ghost that is not too old is at most so many units old: the time's 16 bits must not come round meanwhile. */
const UNITS_BITS: u32 = 13;

const ghosts = changetype<Ghosts>(<usize>GHOSTS_BASE);

/** Where the address of the page of a hash stands. */
@inline
function pageSlot(hash: u64): usize {
  const index = (<u32>(hash >> 42) & (PAGES_MAX - 1)) * ghosts.count;
  return <usize>ghosts.pages + ((index >> 14) << 2);
}

@inline
function bucketOf(page: usize, hash: u64): usize {
  return page + <usize>(<u32>(hash >> 20) & ((1 << BUCKET_BITS) - 1)) * BUCKET_BYTES;
}

/** Of bits that choose neither page nor bucket, and that a word of a queue has as the hash has them. */
@inline
function fingerprintOf(hash: u64): u32 {
  return max(((<u32>(hash >> 56)) << 8) | (<u32>hash & 0xff), 1);
}

@inline
function ageOf(ghost: u32): u32 {
  return ((ghosts.clock >> ghosts.shift) - ghost) & 0xffff;
}

/** Reads a byte of where a key's ghost would be, so that it is in the cache when it is asked for. */
export function touchGhost(hash: u64): u32 {
  if (ghosts.count == 0) return 0;
  const page = <usize>load<u32>(pageSlot(hash));
  return page == 0 ? 0 : load<u8>(bucketOf(page, hash));
}

/** True, once, when a key left the small queue no longer than `capacity` ghosts ago. */
export function knownGhost(hash: u64, capacity: u32): bool {
  if (ghosts.count == 0) return false;
  const page = <usize>load<u32>(pageSlot(hash));
  if (page == 0) return false;
  const bucket = bucketOf(page, hash);
  const fingerprint = fingerprintOf(hash);
  for (let at = bucket; at < bucket + BUCKET_BYTES; at += GHOST_BYTES) {
    const ghost = load<u32>(at);
    if (ghost >> 16 != fingerprint) continue;
    dirty(at, GHOST_BYTES);
    store<u32>(at, 0);
    return ageOf(ghost) <= capacity >> ghosts.shift;
  }
  return false;
}

/** Remembers a key that leaves the small queue; `keys` are all that the queues hold. */
export function rememberGhost(hash: u64, keys: u32): void {
  if (ghosts.count == 0 || (ghosts.clock & (GHOSTS_A_LOOK - 1)) == 0) fit(keys);
  dirty(GHOSTS_BASE, GHOSTS_BYTES);
  ghosts.clock++;
  const page = pageFor(hash);
  if (page == 0) return;
  const bucket = bucketOf(page, hash);
  let place = bucket;
  let oldest: u32 = 0;
  for (let at = bucket; at < bucket + BUCKET_BYTES; at += GHOST_BYTES) {
    const ghost = load<u32>(at);
    const age: u32 = ghost == 0 ? 0x10000 : ageOf(ghost);
    if (age < oldest) continue;
    oldest = age;
    place = at;
  }
  dirty(place, GHOST_BYTES);
  store<u32>(place, (fingerprintOf(hash) << 16) | ((ghosts.clock >> ghosts.shift) & 0xffff));
}

/** The page of a hash, taken when it is first needed; 0 while memory is short. */
function pageFor(hash: u64): usize {
  const slot = pageSlot(hash);
  const spare = SPARE_PAGES / 2;
  if (load<u32>(slot) == 0 && availablePages() > spare && hasMemory(spare)) {
    const page = takePage(PageKind.Queue);
    dirty(page, 1 << PAGE_BITS);
    memory.fill(page, 0, 1 << PAGE_BITS);
    dirty(slot, 4);
    store<u32>(slot, <u32>page);
  }
  return <usize>load<u32>(slot);
}

/** Makes the table anew when it is too small, or much too large, for as many ghosts as keys. */
function fit(keys: u32): void {
  // A quarter is free at best: the sixteen places of a bucket do not fill evenly.
  const wanted = min(PAGES_MAX, 1 + (keys + keys / 3) / GHOSTS_A_PAGE);
  if (ghosts.count != 0 && wanted <= ghosts.count + (ghosts.count >> 2) && wanted << 1 >= ghosts.count) return;
  forgetGhosts();
  dirty(GHOSTS_BASE, GHOSTS_BYTES);
  ghosts.pages = <u32>allocate(ZONE_OBJECT, wanted << 2);
  ghosts.count = wanted;
  memory.fill(ghosts.pages, 0, wanted << 2);
  ghosts.shift = 0;
  while ((wanted * GHOSTS_A_PAGE) >> ghosts.shift > 1 << UNITS_BITS) ghosts.shift++;
}

/** Forgets all ghosts and gives their memory back. */
export function forgetGhosts(): void {
  if (ghosts.count == 0) return;
  for (let index: u32 = 0; index < ghosts.count; index++) {
    const page = load<u32>(<usize>ghosts.pages + (index << 2));
    if (page != 0) releasePage(page);
  }
  dropGhosts();
}

/** Forgets all ghosts, whose pages are given back already. */
export function dropGhosts(): void {
  if (ghosts.count != 0) release(ZONE_OBJECT, ghosts.pages);
  dirty(GHOSTS_BASE, GHOSTS_BYTES);
  memory.fill(GHOSTS_BASE, 0, GHOSTS_BYTES);
}
