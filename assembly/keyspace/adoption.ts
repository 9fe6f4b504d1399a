// A policy that comes while keys are there: those that it knows nothing about get what a new key starts with, a few
// segments at a time with the ticks. Until the lap is over, eviction takes the bits of the others as they are.

import { Access, DATABASES, SHARDS } from "../layout";
import { counters } from "../memory/memory";
import { accessKind } from "../memory/settings";
import { CHUNK_BYTES, slotAddress, slotEntry } from "../memory/table";
import { hashOfEntry } from "../memory/table-grow";
import { directorySize, liveSlots, segmentAt, segmentEnd, segmentSpan } from "../memory/table-walk";
import { startCounting } from "./access";
import { adopt, clearQueues } from "./queues";
import { shardAt } from "./shards";

const TABLES: u32 = DATABASES * SHARDS;
/** A segment holds up to 768 entries. */
const SEGMENTS_A_STEP: u32 = 4;
const TABLES_A_STEP: u32 = 1024;

// The cursor: tables left << 32 | directory index of the next segment; 0 when the lap is over.

/** Begins the lap for the meaning that access bits have from now on. */
export function startAdoption(): void {
  clearQueues();
  // Queues are found through the databases that may hold keys: all of them until eviction looks.
  counters.inhabited = (1 << DATABASES) - 1;
  counters.adoptionCursor = accessKind() == Access.Time ? 0 : (<u64>TABLES) << 32;
}

/** Pages that the next step of the lap may take, to be admitted before: queues need 8 bytes a key. */
export function pagesToAdopt(): u32 {
  return counters.adoptionCursor != 0 && accessKind() == Access.Queues ? 1 : 0;
}

/** Goes on with the lap; true when it is not over. */
export function adoptSome(): bool {
  let number = TABLES - <u32>(counters.adoptionCursor >> 32);
  let index = <u32>counters.adoptionCursor;
  let segments: u32 = 0;
  for (let tables: u32 = 0; number < TABLES && tables < TABLES_A_STEP && segments < SEGMENTS_A_STEP; ) {
    const table = shardAt(number >> 8, number & (SHARDS - 1));
    if (index >= directorySize(table)) {
      number++;
      tables++;
      index = 0;
      continue;
    }
    const segment = segmentAt(table, index);
    index += segmentSpan(table, segment);
    segments++;
    adoptSegment(segment);
  }
  counters.adoptionCursor = ((<u64>(TABLES - number)) << 32) | index;
  return number < TABLES;
}

function adoptSegment(segment: usize): void {
  const end = segmentEnd(segment);
  for (let chunk = segment; chunk < end; chunk += CHUNK_BYTES) {
    for (let live = liveSlots(chunk); live != 0; live &= live - 1) {
      const entry = slotEntry(slotAddress(chunk, ctz(live)));
      if (accessKind() == Access.Queues) adopt(entry, hashOfEntry(entry));
      else startCounting(entry);
    }
  }
}
