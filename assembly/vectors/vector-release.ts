// Freeing a whole vector set piece by piece, for the graveyard: no step takes longer than a few hundred nodes do.

import { releaseBlocks } from "./blocks";
import { releaseFields } from "./field-changes";
import { ZONE_OBJECT } from "../layout";
import { release } from "../memory/memory";
import { forgetInPool } from "../memory/threads";
import { codesOf, NodeState, nodeAt, nodesOf, offsetsOf, roundingsOf, VectorSet, vectorsOf } from "./vectorset";
import { releaseDeaths } from "./upkeep/deaths";
import { forgetVerdicts } from "./verdicts";

const NODES_A_STEP: u32 = 256;
const BLOCKS_A_STEP: u32 = 64;

/**
 * Frees the cells of the nodes from number `from` on, and after the last node the blocks and the set itself. Answers where
 * to go on, 0 when nothing is left. The names are freed as a table elsewhere.
 */
export function releaseSetStep(set: VectorSet, from: u32): u32 {
  if (from == 0) {
    forgetVerdicts(set);
    forgetInPool(changetype<usize>(set));
  }
  if (from < set.idsUsed) {
    const end = min(from + NODES_A_STEP, set.idsUsed);
    for (let id = from; id < end; id++) releaseCells(set, id);
    return end;
  }
  if (!releaseFields(set, BLOCKS_A_STEP)) return from;
  if (!releaseDeaths(set, BLOCKS_A_STEP)) return from;
  if (!releaseBlocks(vectorsOf(set), BLOCKS_A_STEP)) return from;
  if (!releaseBlocks(roundingsOf(set), BLOCKS_A_STEP)) return from;
  if (!releaseBlocks(codesOf(set), BLOCKS_A_STEP)) return from;
  if (!releaseBlocks(offsetsOf(set), 1)) return from;
  if (!releaseBlocks(nodesOf(set), BLOCKS_A_STEP)) return from;
  release(ZONE_OBJECT, changetype<usize>(set));
  return 0;
}

function releaseCells(set: VectorSet, id: u32): void {
  const node = nodeAt(set, id);
  if (node.state != <u16>NodeState.Live) return;
  if (node.attributes != 0) release(ZONE_OBJECT, node.attributes);
  if (node.upper != 0) release(ZONE_OBJECT, node.upper);
}
