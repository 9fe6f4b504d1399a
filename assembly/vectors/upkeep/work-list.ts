// The vector sets that have something to do when nobody writes: give codes to their vectors, put their nodes in order. They
// form a list, so that ticks find them; a set leaves it when it has neither to do.

import { STATE_BASE } from "../../layout";
import { dirty, State, state } from "../../memory/memory";
import { NONE, VECTOR_SET_BYTES, VectorSet, vectorSetAt } from "../vectorset";

/** Whether a set is on the list. */
@inline
export function isAtWork(set: VectorSet): bool {
  return set.codedIds != NONE || set.orderedIds != NONE;
}

/** Puts a set on the list; it is not there, and gets something to do at once. */
export function joinWork(set: VectorSet): void {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  dirty(STATE_BASE, offsetof<State>());
  set.nextCoding = state.coding;
  state.coding = <u32>changetype<usize>(set);
}

/** Takes a set off the list; it was there. */
export function leaveWork(set: VectorSet): void {
  const address = <u32>changetype<usize>(set);
  if (state.coding == address) {
    dirty(STATE_BASE, offsetof<State>());
    state.coding = set.nextCoding;
    return;
  }
  let before = vectorSetAt(state.coding);
  while (before.nextCoding != address) before = vectorSetAt(before.nextCoding);
  dirty(changetype<usize>(before), VECTOR_SET_BYTES);
  before.nextCoding = set.nextCoding;
}

/** Takes a set that goes off the list, if it is there. */
export function forgetWork(set: VectorSet): void {
  if (!isAtWork(set)) return;
  leaveWork(set);
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.codedIds = NONE;
  set.orderedIds = NONE;
}
