// Random entries, each as likely as every other. Segments have different sizes and depths, so that drawing a place of the
// directory, a chunk and a slot would favour the entries of small ones: a place is drawn as if all segments were the
// largest and deepest that there may be, and one that does not exist or is empty is drawn again. Tables that were emptied
// since they grew have few places taken: after a thousand draws the entries are counted off instead.

import { random } from "./memory";
import { CHUNK_BYTES, chunksOfCode, codeOf, localDepth, SLOTS, slotAddress, slotEntry, Table } from "./table";
import { directorySize, liveSlots, segmentAt, segmentEnd, segmentSpan } from "./table-walk";

/** Draws before the entries are counted. */
const DRAWS: u32 = 1024;
/** Chunks of a segment at most, and of one at the greatest depth. */
const CHUNKS_MAX: u32 = 64;
const DEEPEST: u32 = 14;
const DEEPEST_CHUNKS_MAX: u32 = 1024;

/** A random entry of a table that is not empty. */
export function drawEntry(table: Table): usize {
  const depth = table.depth;
  const lone = depth == 0 ? chunksOfCode(codeOf(table.directory)) : 0;
  const chunksMax = lone != 0 ? lone : depth == DEEPEST ? DEEPEST_CHUNKS_MAX : CHUNKS_MAX;
  for (let draw: u32 = 0; draw < DRAWS; draw++) {
    const bits = random();
    const segment = segmentAt(table, <u32>(bits >> 32) & ((1 << depth) - 1));
    // A segment that stands in the directory more than once is drawn more often.
    const shared = ((<u32>1) << (depth - localDepth(segment))) - 1;
    const place = ((<u32>bits & 0xffff) * chunksMax) >> 16;
    if ((<u32>(bits >> 46) & shared) != 0 || place >= chunksOfCode(codeOf(segment))) continue;
    const chunk = segment + place * CHUNK_BYTES;
    const slot = ((<u32>bits >> 16) * SLOTS) >> 16;
    if (load<u8>(chunk + slot) != 0) return slotEntry(slotAddress(chunk, slot));
  }
  return entryOfRank(table, <u32>(((random() >> 32) * table.count) >> 32));
}

/** The entry at a place of the order in which a walk meets them. */
function entryOfRank(table: Table, rank: u32): usize {
  for (let index: u32 = 0; index < directorySize(table); ) {
    const segment = segmentAt(table, index);
    for (let chunk = segment; chunk < segmentEnd(segment); chunk += CHUNK_BYTES) {
      let live = liveSlots(chunk);
      const count = popcnt(live);
      if (rank >= count) {
        rank -= count;
        continue;
      }
      for (; rank > 0; rank--) live &= live - 1;
      return slotEntry(slotAddress(chunk, ctz(live)));
    }
    index += segmentSpan(table, segment);
  }
  unreachable(); // the table says how many it has
  return 0;
}
