// When elements of a vector set die. Like a field index (field-index.ts): an ordered index of (time, id), so that what is
// due is found without looking at anybody else, and a column with each element's time by id. Both come with the first element
// that dies and stay until the set goes: a set without such elements has one word that is 0. Sets that have them form a
// ring, which active expiry goes round. Removing who is due takes the graph apart there, so it waits for its turn;
// until then whoever reads asks `isDead`.
//
//   deaths   see Deaths, then the column
//   column   ms since epoch by id, in blocks (u64): 0 for one that does not die, as for ids that there is no room for
//
// Cost: 8 bytes an element of the set, and about 17 for one that dies.

import { nodesToInsert, insertPosting, removePosting } from "../../filters/postings-change";
import {
  Postings,
  POSTINGS_NODE_BYTES,
  rankOf,
  releasePostings,
  seek,
  soughtIds,
  soughtKey,
} from "../../filters/postings";
import { PAGE_BYTES, STATE_BASE, ZONE_OBJECT } from "../../layout";
import { allocate, dirty, release, State, state } from "../../memory/memory";
import { Blocks, bytesOfBlocks, growTo, initializeBlocks, recordAt, releaseBlocks, roomOf } from "../blocks";
import { cellBytesAt, NONE, VECTOR_SET_BYTES, VectorSet } from "../vectorset";

@unmanaged
export class Deaths extends Postings {
  /** Elements that die. */
  entries: u32;
  /** The set, and the deaths of the sets after and before it in the ring. */
  set: u32;
  next: u32;
  previous: u32;
  /** Hash of the key that holds the set: whoever removes an element by itself must find that. */
  hash: u64;
}

const COLUMN_OFFSET: usize = offsetof<Deaths>();
export const DEATHS_BYTES: u32 = <u32>(COLUMN_OFFSET + offsetof<Blocks>());
const COLUMN_RECORD_BYTES: u32 = 8;
/** Nodes of postings in a page. */
const NODES_A_PAGE: u32 = PAGE_BYTES / POSTINGS_NODE_BYTES;

@inline
export function deathsAt(address: u32): Deaths {
  return changetype<Deaths>(<usize>address);
}

@inline
export function deathColumn(deaths: Deaths): Blocks {
  return changetype<Blocks>(changetype<usize>(deaths) + COLUMN_OFFSET);
}

/** When an element dies, ms since epoch; 0 for never. */
export function deathOf(set: VectorSet, id: u32): i64 {
  if (set.deaths == 0) return 0;
  const column = deathColumn(deathsAt(set.deaths));
  return id < roomOf(column) ? load<i64>(recordAt(column, id)) : 0;
}

/** Whether an element's time has passed at `now`; never at 0. */
@inline
export function isDeadAt(set: VectorSet, id: u32, now: i64): bool {
  if (set.deaths == 0) return false;
  const death = deathOf(set, id);
  return death != 0 && death <= now;
}

/** How many elements are dead at `now`, though they are there. */
export function countDeadAt(set: VectorSet, now: i64): u32 {
  return set.deaths == 0 ? 0 : rankOf(deathsAt(set.deaths), <u64>now + 1);
}

/** The element that dies first, if that is not after `now`; else NONE. */
export function firstDeadAt(set: VectorSet, now: i64): u32 {
  if (set.deaths == 0 || deathsAt(set.deaths).root == 0) return NONE;
  seek(deathsAt(set.deaths), 0);
  return soughtKey <= <u64>now ? load<u32>(soughtIds) : NONE;
}

/** Pages that it may take to let `count` elements more of a set die, one that is new among them. */
export function pagesForDeaths(set: VectorSet, count: u32): u32 {
  const room: u32 = set.deaths == 0 ? 0 : roomOf(deathColumn(deathsAt(set.deaths)));
  const short = set.idsUsed < room ? 0 : 3 + (set.idsUsed - room) / (PAGE_BYTES / COLUMN_RECORD_BYTES);
  return 2 + short + nodesToInsert(count) / NODES_A_PAGE;
}

/** Lets an element die at a time, or with 0 not die by itself. The memory is reserved; `hash` is that of the set's key. */
export function setDeath(set: VectorSet, id: u32, time: i64, hash: u64): void {
  const before = deathOf(set, id);
  if (before == time) return;
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  if (set.deaths == 0) createDeaths(set, hash);
  const deaths = deathsAt(set.deaths);
  dirty(changetype<usize>(deaths), DEATHS_BYTES);
  set.fieldBytes -= deaths.bytes;
  if (before != 0) {
    removePosting(deaths, <u64>before, id);
    deaths.entries--;
  }
  if (time != 0) {
    growColumn(set, deathColumn(deaths), id);
    insertPosting(deaths, <u64>time, id);
    deaths.entries++;
  }
  set.fieldBytes += deaths.bytes;
  const slot = recordAt(deathColumn(deaths), id);
  dirty(slot, COLUMN_RECORD_BYTES);
  store<i64>(slot, time);
}

/** Notes that the set's key has another name. */
export function followKey(set: VectorSet, hash: u64): void {
  if (set.deaths == 0) return;
  dirty(set.deaths, DEATHS_BYTES);
  deathsAt(set.deaths).hash = hash;
}

/** Forgets when an element dies: it goes. */
@inline
export function forgetDeath(set: VectorSet, id: u32): void {
  if (set.deaths != 0) setDeath(set, id, 0, 0);
}

function createDeaths(set: VectorSet, hash: u64): void {
  const address = allocate(ZONE_OBJECT, DEATHS_BYTES);
  memory.fill(address, 0, DEATHS_BYTES);
  const deaths = deathsAt(<u32>address);
  deaths.set = <u32>changetype<usize>(set);
  deaths.hash = hash;
  initializeBlocks(deathColumn(deaths), COLUMN_RECORD_BYTES);
  set.deaths = <u32>address;
  set.fieldBytes += cellBytesAt(address);
  joinRing(deaths);
}

/** Makes room for an id and those before it, which do not die. */
function growColumn(set: VectorSet, column: Blocks, id: u32): void {
  set.fieldBytes -= <u32>bytesOfBlocks(column);
  for (let room = roomOf(column); id >= room; ) {
    growTo(column, room);
    const end = roomOf(column);
    for (let fresh = room; fresh < end; fresh++) {
      const slot = recordAt(column, fresh);
      dirty(slot, COLUMN_RECORD_BYTES);
      store<u64>(slot, 0);
    }
    room = end;
  }
  set.fieldBytes += <u32>bytesOfBlocks(column);
}

// ---- the ring

/** Puts a set's deaths into the ring of the database. */
export function joinRing(deaths: Deaths): void {
  const own = <u32>changetype<usize>(deaths);
  dirty(STATE_BASE, offsetof<State>());
  dirty(own, DEATHS_BYTES);
  if (state.deaths == 0) {
    deaths.next = own;
    deaths.previous = own;
    state.deaths = own;
    return;
  }
  const first = deathsAt(state.deaths);
  const last = deathsAt(first.previous);
  dirty(changetype<usize>(first), DEATHS_BYTES);
  dirty(changetype<usize>(last), DEATHS_BYTES);
  deaths.next = <u32>changetype<usize>(first);
  deaths.previous = <u32>changetype<usize>(last);
  first.previous = own;
  last.next = own;
}

/** Takes a set that goes out of the ring. */
export function leaveRing(set: VectorSet): void {
  if (set.deaths == 0) return;
  const deaths = deathsAt(set.deaths);
  dirty(STATE_BASE, offsetof<State>());
  if (deaths.next == set.deaths) {
    state.deaths = 0;
    return;
  }
  dirty(deaths.next, DEATHS_BYTES);
  dirty(deaths.previous, DEATHS_BYTES);
  deathsAt(deaths.next).previous = deaths.previous;
  deathsAt(deaths.previous).next = deaths.next;
  if (state.deaths == set.deaths) state.deaths = deaths.next;
}

/** Frees about `limit` nodes and blocks of what a set knows of deaths; true when nothing is left. It has left the ring. */
export function releaseDeaths(set: VectorSet, limit: u32): bool {
  if (set.deaths == 0) return true;
  const deaths = deathsAt(set.deaths);
  dirty(changetype<usize>(deaths), DEATHS_BYTES);
  if (!releasePostings(deaths, limit) || !releaseBlocks(deathColumn(deaths), limit)) return false;
  release(ZONE_OBJECT, changetype<usize>(deaths));
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.deaths = 0;
  return true;
}
