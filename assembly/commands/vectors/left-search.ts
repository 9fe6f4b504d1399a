// Searches of VSIM that workers do. The command describes what is asked for and leaves itself to the host, which lets a worker search
// while the connection rests and others go on; then the reply is written here, as the command would have done.
//
//   description, f64s from Pool.Left   0 numbers of the query | 1 most | 2 ef | 3 exact | 4 greatest distance | 5 times what
//                                      6 filter | 7 its bytes | 8 effort | 9 plan | 10 what is shown

import { FOUND_ITEMS_BASE, PAGE_BYTES } from "../../layout";
import { argumentAddress, argumentBytes } from "../../protocol/arguments";
import { leaveToHost } from "../../protocol/left-work";
import { beginHostReply, endHostReply } from "../../protocol/host-reply";
import { replyArray } from "../../protocol/reply";
import { leftSearch, searchedSet, setSearched } from "../../memory/thread-searches";
import { idOf, itemAt } from "../../vectors/beam";
import { NodeState, nodeAt, VectorSet, vectorSetAt } from "../../vectors/vectorset";
import { hasDead, isDead } from "./elements";
import { distanceMax, distanceScale, ef, effort, estimatedNs, exact, plan } from "./nearest";
import { replyResults } from "./search-reply";

/** A longer filter is not handed to workers, whose place for it is a page. */
const FILTER_BYTES_MAX: u32 = PAGE_BYTES;

/**
 * Leaves the search that is asked for, whose query lies where queries do, to the host; false when it is to be done at once.
 *
 * @param filter the argument of its filter, 0 for none
 */
export function leaveSearch(set: VectorSet, most: u32, shown: u32, filter: u32): bool {
  const filterBytes: u32 = filter == 0 ? 0 : argumentBytes(filter);
  if (filterBytes > FILTER_BYTES_MAX || !leaveToHost(estimatedNs(set, most))) return false;
  leftSet = changetype<usize>(set);
  describe(0, set.vectorBytes >> 2);
  describe(1, most);
  describe(2, ef);
  describe(3, <u32>exact);
  describe(4, distanceMax);
  describe(5, distanceScale);
  describe(6, filter == 0 ? 0 : <u32>argumentAddress(filter));
  describe(7, filterBytes);
  describe(8, effort);
  describe(9, <u32>plan);
  describe(10, shown);
  return true;
}

/** The set of the search that was left last; it is there until the next call. */
let leftSet: usize = 0;

@inline
function describe(index: u32, value: f64): void {
  store<f64>(leftSearch(index), value);
}

/** Names the set of the search that was left just now for a search on threads. */
export function openLeft(search: u32): void {
  setSearched(search, leftSet);
}

/**
 * Writes the reply to a search that was left: of `count` items at FOUND_ITEMS_BASE those of elements that are still there and
 * live. None of a set that is gone.
 */
export function replyLeft(connection: usize, search: u32, count: u32, shown: u32): void {
  if (!beginHostReply(connection)) return;
  const address = searchedSet(search);
  if (address == 0) replyArray(0);
  else replyResults(vectorSetAt(address), FOUND_ITEMS_BASE, keepLive(vectorSetAt(address), count), shown);
  endHostReply();
}

function keepLive(set: VectorSet, count: u32): u32 {
  const mayBeDead = hasDead(set);
  let kept: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const item = itemAt(FOUND_ITEMS_BASE, index);
    const id = idOf(item);
    if (nodeAt(set, id).state != <u16>NodeState.Live || (mayBeDead && isDead(set, id))) continue;
    store<u64>(FOUND_ITEMS_BASE + (kept++ << 3), item);
  }
  return kept;
}
