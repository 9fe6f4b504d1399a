// Giving codes to the vectors of a set: when it has enough of them to train on, and again when its numbers have left the
// range of its codes. A few vectors get theirs with each insertion and each tick, so nobody waits for a whole set;
// until the last has them, walks measure the vectors themselves, which are slower and just as right. Sets that are
// at it form a list, so that they go on when nobody writes.
//
// Without float32 vectors there is nothing to train on a second time: such a set keeps its first codes.

import { growTo, initializeBlocks, pagesToGrow, releaseBlocks, roomOf } from "./blocks";
import { encodeNode, pointBytesOf } from "./codes";
import { PAGE_BYTES, STATE_BASE } from "../layout";
import { dirty, State, state } from "../memory/memory";
import { train } from "./train";
import {
  Coding,
  codesOf,
  hasHalfSquares,
  hasVectors,
  NodeState,
  nodeAt,
  NONE,
  offsetsOf,
  roundingsOf,
  VECTOR_SET_BYTES,
  VectorSet,
  vectorAt,
  vectorSetAt,
  vectorsOf,
} from "./vectorset";

/** Vectors from which on a set gets codes: fewer are searched in no time, and say little about those to come. */
const CODED_FROM: u32 = 256;
/** Where codes will be all that is left of a vector, they are trained on more. */
const CODED_ALONE_FROM: u32 = 1024;
/** Vectors outside of the codes that any set may have, and the square root of its size beside them. */
const OUTSIDE_MIN: u32 = 16;
/** Bytes of vectors that one step reads: about 20 µs. */
const STEP_BYTES: u32 = 0x20000;

/** True when the next insertion gives the set the vectors that codes are trained on. */
export function isAboutToCode(set: VectorSet): bool {
  if (set.quantization == Coding.Float32 || set.coding != Coding.Float32 || set.codedIds != NONE) return false;
  if (set.uncodable != 0) return false;
  return set.count + 1 >= (set.dropsVectors != 0 ? CODED_ALONE_FROM : CODED_FROM);
}

/** Pages that the codes of a set take at most, one more vector included. */
export function pagesToCode(set: VectorSet): u32 {
  const perBlock = PAGE_BYTES / codeRecordBytes(set);
  return set.idsUsed / perBlock + 4 + pagesToGrow(offsetsOf(set), 0);
}

/** Bytes of the codes of a vector, with what follows them. */
export function codeRecordBytes(set: VectorSet): u32 {
  const bytes = pointBytesOf(set.quantization, set.dimensions);
  return bytes + (hasHalfSquares(set.metric, set.quantization) ? 4 : 0);
}

/** Trains codes and begins to give them to the vectors. The caller has reserved the pages. */
export function startCoding(set: VectorSet): void {
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  if (!train(set)) {
    set.uncodable = 1;
    return;
  }
  const codes = codesOf(set);
  if (codes.count == 0) initializeBlocks(codes, codeRecordBytes(set));
  while (roomOf(codes) < set.idsUsed) growTo(codes, roomOf(codes));
  set.coding = Coding.Float32;
  set.pointBytes = set.vectorBytes;
  set.codedIds = 0;
  set.outside = 0;
  set.nextCoding = state.coding;
  dirty(STATE_BASE, offsetof<State>());
  state.coding = <u32>changetype<usize>(set);
}

/** Codes the next few vectors of a set that is at it; after the last, walks measure codes. */
export function codeSome(set: VectorSet): void {
  if (set.codedIds == NONE) return;
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  const end = min(set.codedIds + max(STEP_BYTES / set.vectorBytes, 1), set.idsUsed);
  for (let id = set.codedIds; id < end; id++) {
    if (nodeAt(set, id).state == <u16>NodeState.Live) encodeNode(set, id, vectorAt(set, id));
  }
  set.codedIds = end;
  if (end == set.idsUsed) finishCoding(set);
}

function finishCoding(set: VectorSet): void {
  forgetCoding(set);
  set.coding = set.quantization;
  set.pointBytes = pointBytesOf(set.coding, set.dimensions);
  if (hasVectors(set)) return;
  releaseBlocks(vectorsOf(set), NONE);
  releaseBlocks(roundingsOf(set), NONE);
}

/** Takes a set off the list of those that get codes. */
export function forgetCoding(set: VectorSet): void {
  if (set.codedIds == NONE) return;
  const address = <u32>changetype<usize>(set);
  dirty(address, VECTOR_SET_BYTES);
  set.codedIds = NONE;
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

/** Goes on with one of the sets that get codes; true when one is left. */
export function codeStep(): bool {
  if (state.coding != 0) codeSome(vectorSetAt(state.coding));
  return state.coding != 0;
}

/**
 * Starts anew when too many vectors lie far outside of the codes: those all have the last code, and a walk among them cannot
 * tell which way to go. What comes in order (of time, of size) leaves the range with each vector, so few are too many.
 * Takes no memory.
 */
export function lookAtRange(set: VectorSet): void {
  if (set.coding == Coding.Float32 || !hasVectors(set)) return;
  if (set.outside > OUTSIDE_MIN + <u32>Math.sqrt(set.count)) startCoding(set);
}
