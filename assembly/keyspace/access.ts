// When an entry was last used, or how often: 32 bits of its header that `dirty` is not told of. What they mean follows
// the eviction policy, but the upper bits are always those of one clock (8 ms a unit), so that a policy that changes
// live finds times that are right, only coarser, and need not visit the keys first.
//
//   by time       time of the last use, 8 ms a unit (32)
//   by frequency  the same, 2 s a unit (24) | counter (8): logarithmic and decaying, as Redis counts
//   in queues     the same, 9 min a unit (16) | stamp of its place in a queue (14) | uses, at most 3 (2)

import { Access, Eviction } from "../layout";
import { entryAt } from "../memory/entry";
import { random } from "../memory/memory";
import { accessKind, evictionPolicy } from "../memory/settings";

/** Resolution of the access time; 32 bits of it last 397 days. */
const ACCESS_SHIFT: i64 = 3;
const COUNTER_MASK: u32 = 0xff;
/** Counter of a new entry: it must not go before it had a chance, nor stay for good. */
const COUNTER_FIRST: u32 = 5;
/** An entry at counter c counts one of about 10 (c - 5) uses: 255 takes a million. */
const COUNTER_FACTOR: u32 = 10;
/** The counter loses one each 65.5 s, 2^13 units of the access time. */
const DECAY_SHIFT: u32 = 13;
const USES_MASK: u32 = 3;
const STAMP_SHIFT: u32 = 2;
export const STAMP_MASK: u32 = 0x3fff;
const QUEUE_TIME_MASK: u32 = 0xffff0000;

/** The running call's time as entries keep it, and what their bits mean; call-scoped. */
export let accessNow: u32 = 0;
let kind: u32 = Access.Time;

export function beginAccess(now: i64): void {
  accessNow = <u32>(now >> ACCESS_SHIFT);
  kind = accessKind();
}

/** The policy has changed: what follows in this call, and what comes without a time, goes by the new one. */
export function changeAccess(): void {
  kind = accessKind();
}

/** Notes a use for the eviction policy; not announced as dirty, a snapshot need not have it. */
@inline
export function touchEntry(entry: usize): void {
  if (kind == Access.Time) entryAt(entry).access = accessNow;
  else countUse(entry);
}

function countUse(entry: usize): void {
  const access = entryAt(entry).access;
  if (kind == Access.Frequency) {
    entryAt(entry).access = (accessNow & ~COUNTER_MASK) | increased(decayed(access));
  } else {
    const uses = min((access & USES_MASK) + 1, USES_MASK);
    entryAt(entry).access = (accessNow & QUEUE_TIME_MASK) | (access & (STAMP_MASK << STAMP_SHIFT)) | uses;
  }
}

/** The counter by now. */
function decayed(access: u32): u32 {
  const counter = access & COUNTER_MASK;
  if (<i32>(accessNow - (access & ~COUNTER_MASK)) <= 0) return counter; // the clock was set back
  const periods = ((accessNow >> DECAY_SHIFT) - (access >> DECAY_SHIFT)) & (~(<u32>0) >> DECAY_SHIFT);
  return counter > periods ? counter - periods : 0;
}

function increased(counter: u32): u32 {
  if (counter == COUNTER_MASK) return counter;
  const above = counter > COUNTER_FIRST ? counter - COUNTER_FIRST : 0;
  return <u32>random() % (above * COUNTER_FACTOR + 1) == 0 ? counter + 1 : counter;
}

/** Gives an entry that is new to the keyspace, or to the policy, the bits it starts with. */
export function startAccess(entry: usize): void {
  entryAt(entry).access = kind == Access.Time ? accessNow : (accessNow & ~COUNTER_MASK) | COUNTER_FIRST;
}

/** The same in queues: `stamp` is that of its place. */
@inline
export function startInQueue(entry: usize, stamp: u32, uses: u32): void {
  entryAt(entry).access = (accessNow & QUEUE_TIME_MASK) | (stamp << STAMP_SHIFT) | uses;
}

/** Gives an entry that the policy finds a fresh counter; its time stays. */
export function startCounting(entry: usize): void {
  entryAt(entry).access = (entryAt(entry).access & ~COUNTER_MASK) | COUNTER_FIRST;
}

@inline
export function setUses(entry: usize, uses: u32): void {
  entryAt(entry).access = (entryAt(entry).access & ~USES_MASK) | uses;
}

@inline
export function stampOf(entry: usize): u32 {
  return (entryAt(entry).access >> STAMP_SHIFT) & STAMP_MASK;
}

/** Uses since the entry came into its queue, at most 3. */
@inline
export function usesOf(entry: usize): u32 {
  return entryAt(entry).access & USES_MASK;
}

/** True when entries count how often they are used: under the policies with `lfu`. */
export function countsFrequency(): bool {
  return accessKind() == Access.Frequency;
}

/** The logarithmic counter of an entry by now, 0 to 255: what OBJECT FREQ answers. Only where `countsFrequency`. */
export function frequencyOf(entry: usize): u32 {
  return decayed(entryAt(entry).access);
}

/** Units of 8 ms since the last use, as exactly as the policy keeps it; negative when the clock was set back. */
@inline
export function idleOf(entry: usize): i32 {
  return <i32>(accessNow - entryAt(entry).access);
}

/**
 * Seconds since the last use: what OBJECT IDLETIME answers. Resolution: 8 ms by time, 2 s by frequency, 9 minutes in
 * queues.
 */
export function idleSecondsOf(entry: usize): u32 {
  const access = entryAt(entry).access;
  const mask = kind == Access.Time ? ~(<u32>0) : kind == Access.Frequency ? ~COUNTER_MASK : QUEUE_TIME_MASK;
  const idle = <i32>((accessNow & mask) - (access & mask));
  return idle <= 0 ? 0 : <u32>idle / 125;
}

/** True when entries have places in queues. */
@inline
export function inQueues(): bool {
  return kind == Access.Queues;
}

/** What the bits mean under a policy. */
export function accessKindOf(policy: u32): u32 {
  if (policy == Eviction.AllKeysLfu || policy == Eviction.VolatileLfu) return Access.Frequency;
  return policy == Eviction.AllKeysS3Fifo ? Access.Queues : Access.Time;
}

/** True when the running policy may evict only keys that expire. */
export function evictsExpiringOnly(): bool {
  const policy = evictionPolicy();
  return policy >= <u32>Eviction.VolatileLru && policy <= <u32>Eviction.VolatileTtl;
}
