// The keys that eviction has chosen and not evicted yet: at most 32, ranked by how little they are worth. A rank is one word,
// the score with the place of what is known of the key, so that keeping them in order moves 8 bytes a step, and taking
// the one worth least none. A key is remembered by its hash and the address and access bits of its entry: whether it is
// still there, and unused since, is found out when it goes.
//
//   32 victims (24 bytes) | 32 ranks (i64), ascending: score << 5 | place. Behind the last in use come the free places.

import { PAGE_BYTES, VICTIMS_BASE, VICTIMS_BYTES } from "../layout";
import { entryAt, keyOf } from "../memory/entry";
import { counters } from "../memory/memory";
import { CHUNK_BYTES, chunksOfCode, codeOf, homeChunk, segmentOf } from "../memory/table";
import { accessNow } from "./access";
import { hashKey } from "./keyspace";
import { shardAt } from "./shards";

const PLACE_BITS: u32 = 5;
const PLACE_MASK: u32 = (1 << PLACE_BITS) - 1;
/** Keys at most. */
export const VICTIMS_MAX: u32 = 1 << PLACE_BITS;
/** Scores lie between this and its negative: they share a word with the place. */
export const SCORE_MAX: i64 = (<i64>1) << 57;

/** A chosen key, 24 bytes: found again by its hash and address, and let off when its access bits have changed. */
@unmanaged
export class Victim {
  entry: u32;
  access: u32;
  /** 0 until it is about to go. */
  hash: u64;
  /** What is touched ahead: its segment, then its chunk; means nothing later. */
  chunk: u32;
  padding: u32;
}

const VICTIM_BYTES: u32 = 24;
const RANKS_BASE: usize = VICTIMS_BASE + VICTIM_BYTES * VICTIMS_MAX;
export const VICTIMS_END: usize = RANKS_BASE + (VICTIMS_MAX << 3);
if (offsetof<Victim>() != VICTIM_BYTES) ERROR("a victim must stay 24 bytes");
if (VICTIMS_END > VICTIMS_BASE + VICTIMS_BYTES) ERROR("the victims must fit their region");

@inline
function victimAt(place: u32): Victim {
  return changetype<Victim>(<usize>(VICTIMS_BASE + place * VICTIM_BYTES));
}

@inline
function rankAt(index: u32): i64 {
  return load<i64>(RANKS_BASE + (index << 3));
}

@inline
function putRank(index: u32, rank: i64): void {
  store<i64>(RANKS_BASE + (index << 3), rank);
}

/** The victim of a rank. */
@inline
function ranked(index: u32): Victim {
  return victimAt(<u32>rankAt(index) & PLACE_MASK);
}

/** Makes a candidate a victim: in a free place, or in that of the one worth most when that is worth more than it. */
@inline
export function offer(entry: usize, access: u32, score: i64): void {
  if (counters.victims == VICTIMS_MAX && score <= rankAt(0) >> PLACE_BITS) return;
  enter(entry, access, score);
}

function enter(entry: usize, access: u32, score: i64): void {
  const count = counters.victims;
  let at: u32 = 0;
  const place = <u32>rankAt(count == VICTIMS_MAX ? 0 : count) & PLACE_MASK;
  const rank = (score << PLACE_BITS) | place;
  if (count == VICTIMS_MAX) {
    for (; at + 1 < VICTIMS_MAX && rankAt(at + 1) < rank; at++) putRank(at, rankAt(at + 1));
  } else {
    for (at = count; at > 0 && rankAt(at - 1) > rank; at--) putRank(at, rankAt(at - 1));
    counters.victims = count + 1;
  }
  putRank(at, rank);
  const victim = victimAt(place);
  victim.entry = <u32>entry;
  victim.access = access;
  victim.hash = 0;
}

/** Takes the victim that is worth least out; it stays readable until the next candidate is offered. */
export function takeWorst(): Victim {
  const victim = ranked(--counters.victims);
  if (victim.hash == 0) victim.hash = hashOf(victim.entry);
  return victim;
}

/**
 * Gets ready for candidates. Those who wait grow as old as those they are compared with where the score is the idle time;
 * all by as much, so they stay in order.
 */
export function openVictims(scoredByIdleTime: bool): void {
  if (counters.victims == 0) {
    for (let place: u32 = 0; place < VICTIMS_MAX; place++) putRank(place, place);
  } else if (scoredByIdleTime) {
    for (let index: u32 = 0; index < counters.victims; index++) {
      const idle = <i32>(accessNow - ranked(index).access);
      putRank(index, ((<i64>idle) << PLACE_BITS) | (<u32>rankAt(index) & PLACE_MASK));
    }
  }
}

/**
 * Hashes the keys of all but the `waiting` victims worth most, which go before candidates are compared again, and touches the
 * chunks they will be found in and what a new entry in their place writes to. Short loops, each over all of them: their
 * misses overlap here, and would be waited for one after another when they go. A SET at the limit took 510 ns under LRU
 * with one loop for all victims, 455 with these, and takes 400 with the second line of the cell.
 */
export function prepareVictims(waiting: u32): void {
  const inhabited = counters.inhabited;
  if (inhabited == 0) return;
  const db = ctz(inhabited);
  let sum: u32 = 0;
  for (let index = waiting; index < counters.victims; index++) {
    const victim = ranked(index);
    const entry = <usize>victim.entry;
    victim.hash = hashOf(entry);
    victim.chunk = <u32>segmentOf(shardAt(db, <u32>(victim.hash >> 56)), victim.hash);
  }
  for (let index = waiting; index < counters.victims; index++) {
    const victim = ranked(index);
    const segment = <usize>victim.chunk;
    if (segment != 0) victim.chunk += homeChunk(victim.hash, chunksOfCode(codeOf(segment))) * CHUNK_BYTES;
  }
  for (let index = waiting; index < counters.victims; index++) {
    const victim = ranked(index);
    const second = min(victim.entry + CHUNK_BYTES, victim.entry | (PAGE_BYTES - 1));
    sum += load<u8>(<usize>victim.chunk) + load<u8>(<usize>second);
  }
  counters.touched += sum;
}

/** The hash of an entry's key; of anything when the entry is gone, but nothing past its page is read. */
function hashOf(entry: usize): u64 {
  const key = keyOf(entry);
  const end = (entry | (PAGE_BYTES - 1)) + 1;
  return hashKey(key, key < end ? <u32>min<usize>(entryAt(entry).keyBytes, end - key) : 0);
}
