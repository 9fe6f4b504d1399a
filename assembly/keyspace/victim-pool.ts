// The keys that eviction has chosen and not evicted yet: at most 32, in no order, since finding the one worth least among so
// few costs less than keeping them sorted. A key is remembered by its hash and the address and access bits of its entry:
// whether it is still there, and unused since, is found out when it goes.

import { VICTIMS_BASE, VICTIMS_BYTES } from "../layout";
import { entryAt, keyOf } from "../memory/entry";
import { counters } from "../memory/memory";
import { chunkOf } from "../memory/table";
import { accessNow } from "./access";
import { hashKey } from "./keyspace";
import { shardAt } from "./shards";

/** Keys at most. */
export const VICTIMS_MAX: u32 = 32;

/** A chosen key, 24 bytes: found again by its hash and address, and let off when its access bits have changed. */
@unmanaged
export class Victim {
  score: i64;
  entry: u32;
  access: u32;
  hash: u64;
}

const VICTIM_BYTES: u32 = 24;
/** Where the victim that goes lies, and what follows. */
const TAKEN: usize = VICTIMS_BASE + VICTIM_BYTES * VICTIMS_MAX;
export const VICTIMS_END: usize = TAKEN + VICTIM_BYTES;
if (offsetof<Victim>() != VICTIM_BYTES) ERROR("a victim must stay 24 bytes");
if (VICTIMS_END > VICTIMS_BASE + VICTIMS_BYTES) ERROR("the victims must fit their region");

@inline
function victimAt(index: u32): Victim {
  return changetype<Victim>(<usize>(VICTIMS_BASE + index * VICTIM_BYTES));
}

// The place of the victim worth most, once there are as many as can be; call-scoped.
let best: u32 = 0;
let bestScore: i64 = 0;

/** Makes a candidate a victim, where there is no place that of the one worth most when that is worth more than it. */
export function offer(entry: usize, score: i64): void {
  let place = counters.victims;
  if (place == VICTIMS_MAX) {
    if (score <= bestScore) return;
    place = best;
  } else {
    counters.victims++;
  }
  const victim = victimAt(place);
  victim.score = score;
  victim.entry = <u32>entry;
  victim.access = entryAt(entry).access;
  victim.hash = 0;
  if (counters.victims == VICTIMS_MAX) findBest();
}

function findBest(): void {
  best = 0;
  bestScore = victimAt(0).score;
  for (let index: u32 = 1; index < VICTIMS_MAX; index++) {
    if (victimAt(index).score >= bestScore) continue;
    best = index;
    bestScore = victimAt(index).score;
  }
}

@inline
function copyVictim(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  store<u64>(to, load<u64>(from, 16), 16);
}

/** Takes the victim that is worth least out of its place; answers where it lies until the next is chosen. */
export function takeWorst(): Victim {
  let worst: u32 = 0;
  for (let index: u32 = 1; index < counters.victims; index++) {
    if (victimAt(index).score > victimAt(worst).score) worst = index;
  }
  const last = --counters.victims;
  copyVictim(TAKEN, changetype<usize>(victimAt(worst)));
  if (worst != last) copyVictim(changetype<usize>(victimAt(worst)), changetype<usize>(victimAt(last)));
  return changetype<Victim>(TAKEN);
}

/** Those who wait grow as old as those they are compared with, where the score is the idle time. */
export function ageVictims(): void {
  for (let index: u32 = 0; index < counters.victims; index++) {
    victimAt(index).score = <i32>(accessNow - victimAt(index).access);
  }
}

/**
 * Hashes the keys of new victims and touches, of all of them, the entry and the chunk that it will be found in: their misses
 * overlap here, and would be waited for one after another when they go.
 */
export function hashVictims(): void {
  let sum: u32 = 0;
  for (let index: u32 = 0; index < counters.victims; index++) {
    const victim = victimAt(index);
    const entry = <usize>victim.entry;
    // One that waited may be gone, and its key with it: it keeps the hash that it had.
    if (victim.hash == 0) victim.hash = hashKey(keyOf(entry), entryAt(entry).keyBytes);
    else sum += load<u8>(entry);
    if (counters.inhabited == 0) continue;
    const chunk = chunkOf(shardAt(ctz(counters.inhabited), <u32>(victim.hash >> 56)), victim.hash);
    if (chunk != 0) sum += load<u8>(chunk);
  }
  counters.touched += sum;
}
