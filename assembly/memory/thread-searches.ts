// Searches on threads: which sets they are about, and how they make way for the main thread (see threads.ts). One that is done
// within a query's time is waited for; one that takes longer looks now and then whether it is in the way.

import { Pool } from "../layout";
import { enterPool, holdPool, isWorker, leavePool, word } from "./threads";

/** Searches of commands that take longer than so many ns are left to the host; 0: none is, or workers have links to make. */
@inline
export function inlineNs(): u32 {
  if (ASC_FEATURE_THREADS) return load<u32>(word(Pool.Builders)) == 0 ? load<u32>(word(Pool.InlineNs)) : 0;
  return 0;
}

/** Where a search that is left to the host is described. */
@inline
export function leftSearch(index: u32): usize {
  return word(Pool.Left) + (index << 3);
}

/** Whether a worker is in the way of the main thread, and should give up what takes long. */
@inline
export function isInTheWay(): bool {
  if (ASC_FEATURE_THREADS) return isWorker() && atomic.load<u32>(word(Pool.Gate)) != 0;
  return false;
}

/** The number of the search that this worker is at. */
let ownSearch: u32 = 0;

/** A worker begins with a query of a search; answers the set, 0 when it is gone. */
export function enterSearch(search: u32): usize {
  enterPool();
  ownSearch = search;
  return searchedSet(search);
}

/** Lets the main thread do what it wants to, amid a search; true when the set is still there. */
export function stepAside(set: usize): bool {
  leavePool();
  enterPool();
  return searchedSet(ownSearch) == set;
}

/** Keeps workers out that search, as `holdPool`: from here on what only searches read may be changed. */
@inline
export function holdSearches(): void {
  if (ASC_FEATURE_THREADS) {
    if (load<u32>(word(Pool.Searching)) != 0) holdPool();
  }
}

/** The set that a search on threads is about, 0 once it is gone. */
export function searchedSet(search: u32): usize {
  return load<u32>(word(Pool.Sets + search));
}

export function setSearched(search: u32, set: usize): void {
  store<u32>(word(Pool.Sets + search), <u32>set);
}
