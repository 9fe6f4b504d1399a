// Exact search: every live vector is measured, in the order of ids, so that memory is read as a stream. It is the
// truth that recall is judged by, and for small sets or rare matches of a filter it is also the faster way.

import { insertItem, itemAt, itemOf, keyOfItem } from "./beam";
import { pointOfQuery } from "./codes";
import { measureRow, measureVectors, NO_BOUND } from "./hop";
import { hasVectors, NodeState, nodeAt, VectorSet } from "./vectorset";
import { matches } from "./vector-attributes";
import { ROW_IDS, ROW_KEYS } from "./vector-scratch";

const BATCH: u32 = 64;

/** True when points are measured because there are no vectors. */
let byPoints: bool = false;

/** Leaves the `most` nearest nodes that pass `program` (0 for no filter) in `beam`, nearest first; where only codes are kept, nearest by those. Answers how many. */
export function searchAll(set: VectorSet, query: usize, most: u32, program: usize, beam: usize): u32 {
  byPoints = !hasVectors(set);
  const point = byPoints ? pointOfQuery(set, query) : query;
  let count: u32 = 0;
  let gathered: u32 = 0;
  const ids = set.idsUsed;
  for (let id: u32 = 0; id < ids; id++) {
    const node = nodeAt(set, id);
    if (node.state == <u16>NodeState.Live && (program == 0 || matches(node, program))) {
      store<u32>(ROW_IDS + (gathered++ << 2), id);
    }
    if (gathered == BATCH || id == ids - 1) {
      count = insertNearest(set, point, gathered, most, beam, count);
      gathered = 0;
    }
  }
  return count;
}

/** Measures the gathered ids and inserts the nearer ones into a beam of `count` items. */
function insertNearest(set: VectorSet, query: usize, gathered: u32, most: u32, beam: usize, count: u32): u32 {
  let worst = count < most ? NO_BOUND : keyOfItem(itemAt(beam, count - 1));
  const near = byPoints ? measureRow(set, query, gathered, worst) : measureVectors(set, query, gathered, worst);
  for (let index: u32 = 0; index < near << 2; index += 4) {
    const key = load<u32>(ROW_KEYS + index);
    if (key >= worst) continue;
    insertItem(beam, count - <u32>(count == most), itemOf(key, load<u32>(ROW_IDS + index)));
    count += <u32>(count < most);
    if (count == most) worst = keyOfItem(itemAt(beam, count - 1));
  }
  return count;
}
