// Which keys are watched, and by whom: what WATCH notes and every change of a key asks. Unlike in Redis a watch is found
// by the key's 64-bit hash and database alone, so a change compares no keys; two keys of equal hash would make a
// transaction fail once more than it must, which is right all the same. While nobody watches, a change costs the test
// of one counter; else a walk along one of 2,048 lists. Nothing of it is durable.
//
// Watch: 0 next of its list (u32) | 4 next of its watcher (u32) | 8 watcher (u32) | 12 database (u16) | 14 key bytes (u16)
//   16 hash (u64) | 24 key

import { WATCH_BUCKETS, WATCHES_BASE, ZONE_VOLATILE } from "../layout";
import { allocate, copyBytes, equalBytes, release } from "../memory/memory";

/** Who watches: a part of the connection. */
@unmanaged
export class Watcher {
  first: u32;
  count: u32;
  /** Set when a watched key has changed. */
  broken: u32;
}

@unmanaged
export class Watch {
  next: u32;
  sibling: u32;
  watcher: u32;
  database: u16;
  keyBytes: u16;
  hash: u64;
}

const WATCH_BYTES: u32 = 24;
if (offsetof<Watch>() != WATCH_BYTES) ERROR("a watch must stay 24 bytes");

const HEADS_BASE: u32 = WATCHES_BASE + 8;

/** Whether anybody watches any key. */
@inline
export function anyWatches(): bool {
  return load<u32>(WATCHES_BASE) != 0;
}

function countWatches(by: i32): void {
  store<u32>(WATCHES_BASE, load<u32>(WATCHES_BASE) + by);
}

@inline
function headOf(hash: u64): usize {
  return HEADS_BASE + ((<u32>hash & (WATCH_BUCKETS - 1)) << 2);
}

@inline
export function watchAt(address: usize): Watch {
  return changetype<Watch>(address);
}

@inline
export function watchedKey(watch: Watch): usize {
  return changetype<usize>(watch) + WATCH_BYTES;
}

/** First watch of a list, for going through all of them; the lists are 0 to WATCH_BUCKETS - 1. */
export function firstWatch(list: u32): usize {
  return load<u32>(HEADS_BASE + (list << 2));
}

/** Breaks the watches of a key that has changed. */
export function breakWatches(database: u32, hash: u64): void {
  let at = <usize>load<u32>(headOf(hash));
  while (at != 0) {
    const watch = watchAt(at);
    if (watch.hash == hash && <u32>watch.database == database) changetype<Watcher>(<usize>watch.watcher).broken = 1;
    at = watch.next;
  }
}

/** Notes a watch, once however often it is asked for. The caller has reserved a page. */
export function addWatch(watcher: Watcher, database: u32, key: usize, bytes: u32, hash: u64): void {
  const head = headOf(hash);
  for (let at = <usize>load<u32>(head); at != 0; at = watchAt(at).next) {
    const other = watchAt(at);
    if (<usize>other.watcher != changetype<usize>(watcher) || other.hash != hash) continue;
    if (<u32>other.database == database && <u32>other.keyBytes == bytes && equalBytes(watchedKey(other), key, bytes))
      return;
  }
  const watch = watchAt(allocate(ZONE_VOLATILE, WATCH_BYTES + bytes));
  watch.next = load<u32>(head);
  watch.sibling = watcher.first;
  watch.watcher = <u32>changetype<usize>(watcher);
  watch.database = <u16>database;
  watch.keyBytes = <u16>bytes;
  watch.hash = hash;
  copyBytes(watchedKey(watch), key, bytes);
  store<u32>(head, <u32>changetype<usize>(watch));
  watcher.first = <u32>changetype<usize>(watch);
  watcher.count++;
  countWatches(1);
}

/** Forgets all watches of a watcher and that any was broken. */
export function dropWatches(watcher: Watcher): void {
  countWatches(-(<i32>watcher.count));
  while (watcher.first != 0) {
    const address = <usize>watcher.first;
    watcher.first = watchAt(address).sibling;
    unlink(address);
    release(ZONE_VOLATILE, address);
  }
  watcher.count = 0;
  watcher.broken = 0;
}

function unlink(address: usize): void {
  let link = headOf(watchAt(address).hash);
  while (<usize>load<u32>(link) != address) link = <usize>load<u32>(link);
  store<u32>(link, watchAt(address).next);
}
