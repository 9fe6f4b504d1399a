// The two queues of S3-FIFO (Yang et al., FIFO queues are all you need for cache eviction, SOSP 2023). A key comes into
// the small one, or into the main one when the ghosts (ghosts.ts) know it; victim-queue.ts takes the oldest. Unlike in
// the paper a queue does not link the entries, which move: it is a ring of words of 8 bytes, each a key's hash with the
// stamp that its entry carries, and the entry is found again through the table. A word whose stamp no entry carries is
// stale: its key was deleted, renamed, flushed or put elsewhere, and nobody had to tell the queue. Costs 8 bytes a key;
// stale words are squeezed out a few with each push when they outnumber the keys. Two words of one key may carry the
// same stamp after 16,383 others: then the key is found at its older place.
//
//   word   56..63 shard | 40..55 segment | 38..39 as in the hash | 32..37 stamp, upper 6 bits | 16..31 chunk
//          8..15 stamp, lower 8 bits | 0..7 tag
//   chain  0 first page (u16) | 2 last page (u16) | 4 where the first word lies (u32) | 8 where the next one goes (u32)
//          12 words (u32)

import { Access, GHOSTS_BASE, PAGE_BITS, PAGE_BYTES, PageKind, QUEUES_BASE } from "../layout";
import { counters, dirty, pageAt, releasePage, takePage } from "../memory/memory";
import { accessKind } from "../memory/settings";
import {
  CHUNK_BYTES,
  chunkOf,
  chunksOfCode,
  codeOf,
  homeChunk,
  likelyEntry,
  segmentOf,
  slotAddress,
  slotEntry,
  Table,
  tagOf,
  tagsEqual,
} from "../memory/table";
import { STAMP_MASK, stampOf, startInQueue } from "./access";
import { dropGhosts, forgetGhosts, knownGhost, touchGhost } from "./ghosts";
import { countAllKeys, shardAt } from "./shards";

@unmanaged
class Chain {
  first: u16;
  last: u16;
  start: u32;
  end: u32;
  words: u32;
}

const CHAIN_BYTES: u32 = 16;
if (offsetof<Chain>() != CHAIN_BYTES) ERROR("a chain must stay 16 bytes");

export const SMALL: u32 = 0;
export const MAIN: u32 = 1;

// A queue is two chains. Words are pushed to the second; while stale ones are squeezed out, the live ones move over to
// the first, whose words are older than all of the second's. Behind the four chains: the stamp given last, and whether
// each queue is being squeezed.
const STAMP_ADDRESS: usize = QUEUES_BASE + 64;
const SQUEEZING_ADDRESS: usize = QUEUES_BASE + 68;

const WORD_BYTES: u32 = 8;
const STAMP_BITS: u64 = (0x3f << 32) | 0xff00;
/** Stale words that are worth no squeeze, and words looked at with each push meanwhile. */
const STALE_WORDS_MIN: u32 = 8192;
const WORDS_A_PUSH: u32 = 4;

@inline
function olderOf(queue: u32): Chain {
  return changetype<Chain>(<usize>(QUEUES_BASE + (queue << 1) * CHAIN_BYTES));
}

@inline
function newerOf(queue: u32): Chain {
  return changetype<Chain>(<usize>(QUEUES_BASE + ((queue << 1) + 1) * CHAIN_BYTES));
}

/** Words of a queue, the stale ones included. */
export function wordsOf(queue: u32): u32 {
  return olderOf(queue).words + newerOf(queue).words;
}

// ---- chains

function append(chain: Chain, word: u64): void {
  dirty(changetype<usize>(chain), CHAIN_BYTES);
  if (chain.last == 0 || chain.end == PAGE_BYTES) {
    const page = <u32>(takePage(PageKind.Queue) >> PAGE_BITS);
    if (chain.last == 0) {
      chain.first = <u16>page;
      chain.start = 0;
    } else {
      dirty(changetype<usize>(pageAt(chain.last)), 16);
      pageAt(chain.last).next = <u16>page;
    }
    chain.last = <u16>page;
    chain.end = 0;
  }
  const at = ((<usize>chain.last) << PAGE_BITS) + chain.end;
  dirty(at, WORD_BYTES);
  store<u64>(at, word);
  chain.end += WORD_BYTES;
  chain.words++;
}

/** Takes the oldest word of a chain that has one. */
function takeFirst(chain: Chain): u64 {
  dirty(changetype<usize>(chain), CHAIN_BYTES);
  const page = (<usize>chain.first) << PAGE_BITS;
  const word = load<u64>(page + chain.start);
  chain.start += WORD_BYTES;
  chain.words--;
  if (chain.words == 0) {
    chain.first = 0;
    chain.last = 0;
    releasePage(page);
  } else if (chain.start == PAGE_BYTES) {
    chain.first = pageAt(chain.first).next;
    chain.start = 0;
    releasePage(page);
  }
  return word;
}

function releaseChain(chain: Chain): void {
  while (chain.first != 0) {
    const page = <u32>chain.first;
    const next = pageAt(page).next;
    dirty(changetype<usize>(chain), CHAIN_BYTES);
    chain.first = next;
    releasePage((<usize>page) << PAGE_BITS);
  }
  dirty(changetype<usize>(chain), CHAIN_BYTES);
  chain.last = 0;
  chain.words = 0;
}

// ---- queues

/** Takes the oldest word of a queue that has one. */
export function takeOldest(queue: u32): u64 {
  const older = olderOf(queue);
  return takeFirst(older.words != 0 ? older : newerOf(queue));
}

/** Puts a word that was taken back as the youngest. */
export function putBack(queue: u32, word: u64): void {
  append(newerOf(queue), word);
}

/** Puts an entry that is new to the queues where it belongs; `hash` is its key's. */
export function enqueue(entry: usize, hash: u64, db: u32): void {
  counters.inhabited |= 1 << db;
  push(knownGhost(hash, wordsOf(MAIN)) ? MAIN : SMALL, entry, hash);
}

/** Puts an entry that was there before the policy into the main queue. */
export function adopt(entry: usize, hash: u64): void {
  push(MAIN, entry, hash);
}

function push(queue: u32, entry: usize, hash: u64): void {
  dirty(STAMP_ADDRESS, 4);
  const stamp = max((load<u32>(STAMP_ADDRESS) + 1) & STAMP_MASK, 1);
  store<u32>(STAMP_ADDRESS, stamp);
  startInQueue(entry, stamp, 0);
  const chain = newerOf(queue);
  append(chain, (hash & ~STAMP_BITS) | ((<u64>(stamp >> 8)) << 32) | ((stamp & 0xff) << 8));
  if (chain.end == PAGE_BYTES) squeezeWhereStale();
  if (load<u8>(SQUEEZING_ADDRESS + queue) != 0) squeeze(queue);
}

function squeezeWhereStale(): void {
  if (wordsOf(SMALL) + wordsOf(MAIN) < (countAllKeys() << 1) + STALE_WORDS_MIN) return;
  dirty(SQUEEZING_ADDRESS, 2);
  store<u16>(SQUEEZING_ADDRESS, 0x0101);
}

/** Moves some live words over to the older chain and drops stale ones; ends when all have moved. */
function squeeze(queue: u32): void {
  const older = olderOf(queue);
  const newer = newerOf(queue);
  for (let left = WORDS_A_PUSH; left > 0 && newer.words != 0; left--) {
    const word = takeFirst(newer);
    if (findWord(word) != 0) append(older, word);
  }
  if (newer.words != 0) return;
  dirty(SQUEEZING_ADDRESS, 2);
  store<u8>(SQUEEZING_ADDRESS + queue, 0);
  dirty(changetype<usize>(older), CHAIN_BYTES << 1);
  memory.copy(changetype<usize>(newer), changetype<usize>(older), CHAIN_BYTES);
  memory.fill(changetype<usize>(older), 0, CHAIN_BYTES);
}

/** Forgets all queues and ghosts and gives their memory back. */
export function clearQueues(): void {
  for (let queue: u32 = 0; queue < 2; queue++) {
    releaseChain(olderOf(queue));
    releaseChain(newerOf(queue));
  }
  forgetGhosts();
}

/** Forgets queues and ghosts whose pages are given back already: a state that was loaded has none. */
export function dropQueues(): void {
  memory.fill(QUEUES_BASE, 0, GHOSTS_BASE - QUEUES_BASE);
  dropGhosts();
}

/** `clearQueues` where there are any and no key is left to be in them. */
export function clearIdleQueues(): void {
  if (accessKind() == Access.Queues && wordsOf(SMALL) + wordsOf(MAIN) != 0 && countAllKeys() == 0) clearQueues();
}

/** Words touched ahead at a time: their misses overlap, where one word after another would wait for each. */
const WORDS_AHEAD: u32 = 16;

/** Brings what the next words of a queue lead to into the cache, once for every 16 of them. */
export function touchAhead(queue: u32): void {
  const older = olderOf(queue);
  const chain = older.words != 0 ? older : newerOf(queue);
  if ((chain.start & (WORDS_AHEAD * WORD_BYTES - 1)) != 0) return;
  const from = ((<usize>chain.first) << PAGE_BITS) + chain.start;
  const end = from + min(chain.words, WORDS_AHEAD) * WORD_BYTES;
  let sum: u32 = 0;
  if (queue == SMALL) for (let at = from; at < end; at += WORD_BYTES) sum += touchGhost(load<u64>(at));
  for (let left = counters.inhabited; left != 0; left &= left - 1) {
    for (let at = from; at < end; at += WORD_BYTES) {
      const chunk = chunkOf(shardAt(ctz(left), load<u8>(at, 7)), load<u64>(at));
      if (chunk != 0) sum += load<u8>(chunk);
    }
    for (let at = from; at < end; at += WORD_BYTES) {
      const chunk = chunkOf(shardAt(ctz(left), load<u8>(at, 7)), load<u64>(at));
      const entry = chunk == 0 ? <usize>0 : likelyEntry(chunk, load<u64>(at));
      if (entry != 0) sum += load<u8>(entry);
    }
  }
  counters.touched += sum;
}

/** The table of the slot found last. */
export let foundTable: usize = 0;

/** The slot whose entry carries the word's stamp; 0 when the word is stale. */
export function findWord(word: u64): usize {
  const stamp = (<u32>(word >> 24) & 0x3f00) | (<u32>(word >> 8) & 0xff);
  const tag = tagOf(word);
  for (let left = counters.inhabited; left != 0; left &= left - 1) {
    const table = shardAt(ctz(left), <u32>(word >> 56));
    if (table.count == 0) continue;
    const slot = findStamp(table, word, tag, stamp);
    if (slot == 0) continue;
    foundTable = changetype<usize>(table);
    return slot;
  }
  return 0;
}

function findStamp(table: Table, word: u64, tag: u32, stamp: u32): usize {
  const segment = segmentOf(table, word);
  const chunks = chunksOfCode(codeOf(segment));
  const home = homeChunk(word, chunks);
  let at = home;
  do {
    const chunk = segment + at * CHUNK_BYTES;
    for (let fitting = tagsEqual(chunk, tag); fitting != 0; fitting &= fitting - 1) {
      const slot = slotAddress(chunk, ctz(fitting));
      if (stampOf(slotEntry(slot)) == stamp) return slot;
    }
    if (load<u8>(chunk, 12) == 0) return 0;
    if (++at == chunks) at = 0;
  } while (at != home);
  return 0;
}
