// What VSIM replies: names, and beside them what was asked for.

import { protocol, replyArray, replyBulk, replyDouble, replyMap, replyNull } from "../../protocol/reply";
import { idOf, itemAt, keyOfItem } from "../../vectors/beam";
import { jsonBytes, jsonOf } from "../../vectors/vector-attributes";
import { distanceFrom, scoreFrom } from "../../vectors/vector-score";
import { nodeAt, VectorSet } from "../../vectors/vectorset";
import { replyName, touchNames } from "./elements";

/** What results show, beside names. */
export const SHOWN_SCORES: u32 = 1;
export const SHOWN_DISTANCES: u32 = 2;
export const SHOWN_ATTRIBUTES: u32 = 4;

/** Replies the first `found` items of a beam; `shown`: SHOWN_SCORES and its like. */
export function replyResults(set: VectorSet, beam: usize, found: u32, shown: u32): void {
  touchNames(set, beam, found);
  const extras = <u32>popcnt(shown);
  if (protocol == 3 && extras != 0) replyMap(found);
  else replyArray(found * (extras + 1));
  for (let index: u32 = 0; index < found; index++) replyResult(set, itemAt(beam, index), extras, shown);
}

function replyResult(set: VectorSet, item: u64, extras: u32, shown: u32): void {
  const id = idOf(item);
  const distance = distanceFrom(set.metric, keyOfItem(item));
  replyName(set, id);
  if (protocol == 3 && extras > 1) replyArray(extras);
  if ((shown & SHOWN_SCORES) != 0) replyDouble(scoreFrom(set.metric, distance));
  if ((shown & SHOWN_DISTANCES) != 0) replyDouble(distance);
  if ((shown & SHOWN_ATTRIBUTES) == 0) return;
  const cell = <usize>nodeAt(set, id).attributes;
  if (cell == 0) replyNull();
  else replyBulk(jsonOf(cell), jsonBytes(cell));
}
