// Watches against what the databases hold: a key whose time passed counts as changed, and emptying or swapping databases
// breaks the watches of the keys that were, or are now, there.

import { noteAllReady } from "../events/waiting";
import { SHARDS, WATCH_BUCKETS } from "../layout";
import { findSlot } from "../memory/table";
import { database, findKey, selectDatabase, shardAt } from "./keyspace";
import { anyWatches, firstWatch, Watch, Watcher, watchAt, watchedKey } from "./watch";

/** Whether a watched key has changed since it was; one whose time has passed is removed here, which is a change. */
export function isBroken(watcher: Watcher): bool {
  const own = database;
  for (let at = <usize>watcher.first; at != 0 && !watcher.broken; at = watchAt(at).sibling) {
    const watch = watchAt(at);
    selectDatabase(watch.database);
    findKey(watchedKey(watch), watch.keyBytes, watch.hash);
  }
  selectDatabase(own);
  return watcher.broken != 0;
}

/** Breaks the watches of the keys of one database that are there, or are in the other one that takes its place. */
export function breakWatchesOfAll(db: u32, other: u32): void {
  noteAllReady(db);
  if (!anyWatches()) return;
  for (let list: u32 = 0; list < WATCH_BUCKETS; list++) {
    for (let at = firstWatch(list); at != 0; at = watchAt(at).next) {
      const watch = watchAt(at);
      if (<u32>watch.database != db || !(isIn(db, watch) || isIn(other, watch))) continue;
      changetype<Watcher>(<usize>watch.watcher).broken = 1;
    }
  }
}

function isIn(db: u32, watch: Watch): bool {
  const table = shardAt(db, <u32>(watch.hash >> 56) & (SHARDS - 1));
  return findSlot(table, watchedKey(watch), watch.keyBytes, watch.hash) != 0;
}
