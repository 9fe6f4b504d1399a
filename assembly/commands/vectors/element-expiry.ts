// Active expiry of elements of vector sets. The sets whose elements die form a ring (see vectors/upkeep/deaths.ts); a call
// looks at a part of it and removes who is due, the longest dead first, as long as its work is that of about half a
// millisecond: taking a node out of the graph measures every pair of its neighbours. A set whose elements are all due
// goes at once with its key, whatever its size.

import { DATABASES, STATE_BASE } from "../../layout";
import { effectLog, mayRecordRemoval } from "../../effects/region";
import { clock, noteChange, selectDatabase, shardAt } from "../../keyspace/keyspace";
import { entryAt, keyOf } from "../../memory/entry";
import { dirty, State, state } from "../../memory/memory";
import {
  CHUNK_BYTES,
  chunksOfCode,
  codeOf,
  homeChunk,
  segmentOf,
  slotAddress,
  slotEntry,
  Table,
  tagOf,
  tagsEqual,
} from "../../memory/table";
import { countDeadAt, deathsAt, firstDeadAt } from "../../vectors/upkeep/deaths";
import { NONE, VectorSet, vectorSetAt } from "../../vectors/vectorset";
import { expireElement, expireSet, isVectorSet, setOf, workOfUnlinking } from "./elements";

/** Looking at a set of which nobody is due costs a few loads. */
const SETS_A_CALL: u32 = 1024;
/** Units of work: taking out one of 6,000 elements of 128 int8 numbers at M 16 counts 80, and took 38 µs on a busy machine. */
const WORK_A_CALL: u32 = 1024;

/** Removes some of the elements whose time has passed; true when more are likely to wait. */
export function expireElements(): bool {
  if (state.deaths == 0 || effectLog.replaying != 0) return false;
  const first = state.deaths;
  let at = first;
  let work: u32 = 0;
  for (let sets: u32 = 0; sets < SETS_A_CALL && work < WORK_A_CALL; sets++) {
    const deaths = deathsAt(at);
    const set = vectorSetAt(deaths.set);
    // With its last element the set goes, and leaves the ring.
    const next = deaths.next;
    const isAlone = next == at;
    if (firstDeadAt(set, clock) != NONE) work = expireIn(set, deaths.hash, work);
    if (isAlone || (next == first && work < WORK_A_CALL)) return work >= WORK_A_CALL;
    at = next;
  }
  // The next call goes on with the others.
  dirty(STATE_BASE, offsetof<State>());
  state.deaths = at;
  return work >= WORK_A_CALL;
}

/** Removes due elements of a set until the work is done that a call may do. Answers how much is done then. */
function expireIn(set: VectorSet, hash: u64, done: u32): u32 {
  if (!findSet(set, hash)) return done;
  const table: Table = shardAt(foundDatabase, <u32>(hash >> 56));
  if (!mayRecordRemoval()) return done;
  if (countDeadAt(set, clock) == set.count) {
    expireSet(table, foundSlot, hash, foundDatabase);
    return done + 1;
  }
  selectDatabase(foundDatabase);
  noteChange(hash);
  const entry = slotEntry(foundSlot);
  const work = workOfUnlinking(set);
  while (done < WORK_A_CALL) {
    const id = firstDeadAt(set, clock);
    if (id == NONE || !mayRecordRemoval()) break;
    expireElement(set, id, foundDatabase, keyOf(entry), entryAt(entry).keyBytes);
    done += work;
  }
  return done;
}

let foundSlot: usize = 0;
let foundDatabase: u32 = 0;

/** Finds the slot of a set's key in whatever database it is by now; false when there is none. */
function findSet(set: VectorSet, hash: u64): bool {
  for (let db: u32 = 0; db < DATABASES; db++) {
    foundDatabase = db;
    foundSlot = slotOfSet(shardAt(db, <u32>(hash >> 56)), set, hash);
    if (foundSlot != 0) return true;
  }
  return false;
}

/** The slot in a table that holds a set under a key of this hash; 0 for none. */
function slotOfSet(table: Table, set: VectorSet, hash: u64): usize {
  const segment = segmentOf(table, hash);
  if (segment == 0) return 0;
  const chunks = chunksOfCode(codeOf(segment));
  const home = homeChunk(hash, chunks);
  let at = home;
  do {
    const chunk = segment + at * CHUNK_BYTES;
    for (let fitting = tagsEqual(chunk, tagOf(hash)); fitting != 0; fitting &= fitting - 1) {
      const slot = slotAddress(chunk, ctz(fitting));
      if (isVectorSet(slotEntry(slot)) && setOf(slotEntry(slot)) == set) return slot;
    }
    if (load<u8>(chunk, 12) == 0) return 0;
    if (++at == chunks) at = 0;
  } while (at != home);
  return 0;
}
