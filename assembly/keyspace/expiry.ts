// Active expiry: a cursor goes round all tables and removes keys whose time has passed, a bounded number of chunks
// and keys a call. Each chunk carries a bit for every slot that expires, so tables and chunks without any are
// passed over without reading an entry. The price of a lap is 64 bytes read for every 12 keys.

import { DATABASES, SHARDS } from "../layout";
import { counters } from "../memory/memory";
import { entryAt, expiryOf, keyOf } from "../memory/entry";
import { CHUNK_BYTES, slotAddress, slotEntry, Table } from "../memory/table";
import { directorySize, segmentAt, segmentEnd, segmentSpan } from "../memory/table-walk";
import { clock, expireKey, hashKey, shardAt } from "./keyspace";
import { mayRecordRemoval } from "../effects/region";

const TABLES: u32 = DATABASES * SHARDS;
const CHUNKS_A_CALL: u32 = 4096;
const KEYS_A_CALL: u32 = 256;
/** With this many found in one call there are likely more: the host calls again at once. */
const MORE_LIKELY: u32 = 64;

// The cursor: table number << 32 | directory index of the next segment.

/** Goes on with the lap; true when it is worth to be called again soon. */
export function expireSome(): bool {
  let number = <u32>(counters.expiryCursor >> 32) % TABLES;
  let index = <u32>counters.expiryCursor;
  let chunks: u32 = 0;
  let removed: u32 = 0;
  for (let tables: u32 = 0; tables < TABLES; ) {
    const table = shardAt(number >> 8, number & (SHARDS - 1));
    if (table.expiring == 0 || index >= directorySize(table)) {
      number = (number + 1) % TABLES;
      index = 0;
      tables++;
      continue;
    }
    if (chunks >= CHUNKS_A_CALL || removed >= KEYS_A_CALL) break;
    const segment = segmentAt(table, index);
    index += segmentSpan(table, segment);
    chunks += <u32>((segmentEnd(segment) - segment) / CHUNK_BYTES);
    removed += expireSegment(table, segment, number >> 8);
  }
  counters.expiryCursor = ((<u64>number) << 32) | index;
  return removed >= MORE_LIKELY;
}

function expireSegment(table: Table, segment: usize, db: u32): u32 {
  let removed: u32 = 0;
  const end = segmentEnd(segment);
  // With its last key the table gives the segment back.
  for (let chunk = segment; chunk < end && table.count != 0; chunk += CHUNK_BYTES) {
    let expiring: u32 = load<u16>(chunk, 14) & 0xfff;
    while (expiring != 0) {
      const slot = slotAddress(chunk, ctz(expiring));
      expiring &= expiring - 1;
      const entry = slotEntry(slot);
      if (expiryOf(entry) > clock) continue;
      // The next lap finds it again.
      if (!mayRecordRemoval()) return removed;
      expireKey(table, slot, hashKey(keyOf(entry), entryAt(entry).keyBytes), db);
      removed++;
    }
  }
  return removed;
}
