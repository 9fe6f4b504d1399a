// Everybody who wants to know that a key changed: who watches it, who waits for it, who has it in a cache. Found by the key's
// hash where its name is not at hand; only those who are told of prefixes need the name, and then it is looked up.

import { SHARDS } from "../layout";
import { collect } from "../events/collected";
import { anyInterest } from "../events/interest";
import { PREFIX, countOf } from "../events/names";
import { anyTracker, invalidateHashed, invalidatePrefixes } from "../events/tracking";
import { noteReady } from "../events/waiting";
import { notify } from "../events/notices";
import { Notice } from "../connection-layout";
import { hashBytes } from "../memory/hash";
import { state } from "../memory/memory";
import { entryAt, keyOf } from "../memory/entry";
import {
  codeOf,
  chunksOfCode,
  CHUNK_BYTES,
  homeChunk,
  segmentOf,
  slotAddress,
  slotEntry,
  tagOf,
  tagsEqual,
} from "../memory/table";
import { shardAt } from "./shards";
import { breakWatches } from "./watch";

/** Tells of a change of the key with this hash; `entry` is its entry where that is at hand, else 0. */
export function tellChange(database: u32, hash: u64, entry: usize): void {
  collect(hash);
  breakWatches(database, hash);
  noteReady(database, hash);
  if (!anyTracker()) return;
  invalidateHashed(hash);
  if (countOf(PREFIX) == 0) return;
  const found = entry != 0 ? entry : entryHashed(database, hash);
  if (found != 0) invalidatePrefixes(keyOf(found), entryAt(found).keyBytes);
}

/** The same for a key that is about to be there. */
export function tellNewKey(database: u32, hash: u64, entry: usize): void {
  notify(Notice.New, "new", database, keyOf(entry), entryAt(entry).keyBytes);
  tellChange(database, hash, entry);
}

/** The entry of the key with this hash; 0 when there is none. */
function entryHashed(database: u32, hash: u64): usize {
  const segment = segmentOf(shardAt(database, <u32>(hash >> 56) & (SHARDS - 1)), hash);
  if (segment == 0) return 0;
  const chunks = chunksOfCode(codeOf(segment));
  const home = homeChunk(hash, chunks);
  let at = home;
  do {
    const chunk = segment + at * CHUNK_BYTES;
    for (let fitting = tagsEqual(chunk, tagOf(hash)); fitting != 0; fitting &= fitting - 1) {
      const entry = slotEntry(slotAddress(chunk, ctz(fitting)));
      if (hashBytes(keyOf(entry), entryAt(entry).keyBytes, state.seed) == hash) return entry;
    }
    if (load<u8>(chunk, 12) == 0) return 0;
    if (++at == chunks) at = 0;
  } while (at != home);
  return 0;
}

export { anyInterest };
