// What ticks do for vector sets, a small step at a time: codes first, since nodes that have none cannot change places
// with those that have.

import { codeSome } from "../coding";
import { state } from "../../memory/memory";
import { NONE, vectorSetAt } from "../vectorset";
import { orderSome } from "./reorder";

/** Goes on with one of the sets that have something to do; true when one has more that it can do now. */
export function stepUpkeep(): bool {
  for (let address = state.coding; address != 0; address = vectorSetAt(address).nextCoding) {
    const set = vectorSetAt(address);
    if (set.codedIds != NONE) {
      codeSome(set);
      return state.coding != 0;
    }
    if (orderSome(set)) return state.coding != 0;
  }
  return false;
}
