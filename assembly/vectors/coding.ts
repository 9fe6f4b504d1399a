// Giving codes to the vectors of a set: when it has enough of them to train on, and again when its numbers have left the
// range of its codes. A few vectors get theirs with each insertion and each tick, so nobody waits for a whole set;
// until the last has them, walks measure the vectors themselves, which are slower and just as right. Sets that are
// at it are on a list, so that they go on when nobody writes (upkeep/work-list.ts).
//
// Without float32 vectors there is nothing to train on a second time: such a set keeps its first codes.

import { Blocks, growTo, initializeBlocks, pagesToGrow, recordAt, releaseBlocks, roomOf } from "./blocks";
import { encodeNode, pointBytesOf, SLACK } from "./codes";
import { isOfBits } from "../kernels/distance";
import { PAGE_BYTES } from "../layout";
import { copyBytes, dirty } from "../memory/memory";
import { codeMax, train } from "./train";
import { isAtWork, joinWork, leaveWork } from "./upkeep/work-list";
import { DECODED } from "./vector-scratch";
import { holdPool } from "../memory/threads";
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
  vectorsOf,
} from "./vectorset";

/** Vectors from which on a set gets codes: fewer are searched in no time, and say little about those to come. */
const CODED_FROM: u32 = 256;
/** Where codes will be all that is left of a vector, they are trained on more. */
const CODED_ALONE_FROM: u32 = 1024;
/** Bits are codes as soon as there is a set. */
const CODED_BITS_FROM: u32 = 2;
/** Vectors outside of the codes that any set may have, and the square root of its size beside them. */
const OUTSIDE_MIN: u32 = 16;
/** Codes are as good as others whose step differs by less than this part, and whose offsets by less than so many steps. */
const LIKE_STEP: f32 = 0.02;
const LIKE_OFFSET: f32 = 2;
/** Vectors that came last, and of all others, of which is counted how many new codes would leave outside. */
const LOOKED_AT: u32 = 256;
/** Bytes of vectors that one step reads: about 20 µs. */
const STEP_BYTES: u32 = 0x20000;

/** True when the next insertion gives the set the vectors that codes are trained on. */
export function isAboutToCode(set: VectorSet): bool {
  if (set.quantization == Coding.Float32 || set.coding != Coding.Float32 || set.codedIds != NONE) return false;
  return set.uncodable == 0 && set.count + 1 >= codedFrom(set);
}

function codedFrom(set: VectorSet): u32 {
  if (isOfBits(set.metric)) return CODED_BITS_FROM;
  return set.dropsVectors != 0 ? CODED_ALONE_FROM : CODED_FROM;
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
  holdPool();
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
  if (!isAtWork(set)) joinWork(set);
  set.codedIds = 0;
  set.outside = 0;
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
  holdPool();
  set.codedIds = NONE;
  if (!isAtWork(set)) leaveWork(set);
  set.coding = set.quantization;
  set.pointBytes = pointBytesOf(set.coding, set.dimensions);
  if (!hasVectors(set)) releaseOriginals(set);
}

function releaseOriginals(set: VectorSet): void {
  releaseBlocks(vectorsOf(set), NONE);
  releaseBlocks(roundingsOf(set), NONE);
}

/** Lets float32 vectors go: at once where there are codes, else when there are. */
export function dropOriginals(set: VectorSet): void {
  holdPool();
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  set.dropsVectors = 1;
  if (!hasVectors(set)) releaseOriginals(set);
}

// ---- other codes

/** Pages that other codes take beside those that the present ones give back. */
export function pagesToChange(set: VectorSet, coding: u32): u32 {
  if (coding == Coding.Float32) return 0;
  const before = set.quantization;
  const held = codesOf(set).count;
  set.quantization = coding;
  const pages = pagesToCode(set);
  set.quantization = before;
  return pages > held ? pages - held : 1;
}

/** Gives a set that has its vectors another coding, from now on by and by. The pages are reserved. */
export function changeCoding(set: VectorSet, coding: u32): void {
  holdPool();
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  const wasAtWork = isAtWork(set);
  set.codedIds = NONE;
  if (wasAtWork && !isAtWork(set)) leaveWork(set);
  releaseBlocks(codesOf(set), NONE);
  memory.fill(changetype<usize>(codesOf(set)), 0, offsetof<Blocks>());
  set.coding = Coding.Float32;
  set.pointBytes = set.vectorBytes;
  set.quantization = coding;
  set.uncodable = 0;
  set.outside = 0;
  if (coding != Coding.Float32 && set.count >= codedFrom(set)) startCoding(set);
}

/** Trains the codes of a set that has its vectors anew, and codes these anew if that makes a difference. Takes no memory. */
export function trainAnew(set: VectorSet): void {
  if (set.coding == Coding.Float32 || set.coding == Coding.Float16 || !hasVectors(set)) return;
  holdPool();
  dirty(changetype<usize>(set), VECTOR_SET_BYTES);
  const offsets = recordAt(offsetsOf(set), 0);
  const step = set.step;
  copyBytes(DECODED, offsets, set.vectorBytes);
  const before = countOutside(set);
  if (train(set) && !isLike(set, step, DECODED) && (before == 0 || countOutside(set) << 1 < before)) {
    startCoding(set);
    return;
  }
  set.step = step;
  set.halfStep = <f32>(<f64>step * step * 0.5);
  set.outside = 0;
  copyBytes(offsets, DECODED, set.vectorBytes);
}

/** Whether codes of a set mean about what they did with another step and other offsets. */
function isLike(set: VectorSet, step: f32, offsets: usize): bool {
  if (Mathf.abs(set.step - step) > step * LIKE_STEP) return false;
  const own = recordAt(offsetsOf(set), 0);
  for (let at: u32 = 0; at < set.dimensions << 2; at += 4) {
    if (Mathf.abs(load<f32>(own + at) - load<f32>(offsets + at)) > step * LIKE_OFFSET) return false;
  }
  return true;
}

/** Of some vectors that came last, and some of all, how many lie far outside of the codes as they are trained now. */
function countOutside(set: VectorSet): u32 {
  const latest: u32 = set.idsUsed < LOOKED_AT ? 0 : set.idsUsed - LOOKED_AT;
  const stride = max<u32>(latest / LOOKED_AT, 1);
  let outside: u32 = 0;
  for (let id: u32 = 0; id < latest; id += stride) outside += <u32>isOutside(set, id);
  for (let id = latest; id < set.idsUsed; id++) outside += <u32>isOutside(set, id);
  return outside;
}

function isOutside(set: VectorSet, id: u32): bool {
  if (nodeAt(set, id).state != <u16>NodeState.Live) return false;
  const vector = vectorAt(set, id);
  const offsets = recordAt(offsetsOf(set), 0);
  const bottom = f32x4.splat(-SLACK);
  const top = f32x4.splat(<f32>codeMax(set.quantization) + SLACK);
  const scale = f32x4.splat(1 / set.step);
  let beyond = i32x4.splat(0);
  for (let at: u32 = 0; at < set.vectorBytes; at += 16) {
    const place = f32x4.mul(f32x4.sub(v128.load(vector + at), v128.load(offsets + at)), scale);
    beyond = v128.or(beyond, v128.or(f32x4.lt(place, bottom), f32x4.gt(place, top)));
  }
  return v128.any_true(beyond);
}

/**
 * Starts anew when too many vectors lie far outside of the codes: those all have the last code, and a walk among them cannot
 * tell which way to go. What comes in order (of time, of size) leaves the range with each vector, so few are too many.
 * Where new codes would leave about as many outside (halves, numbers with long tails) the old ones stay. Takes no memory.
 */
export function lookAtRange(set: VectorSet): void {
  if (set.coding == Coding.Float32 || !hasVectors(set)) return;
  if (set.outside > OUTSIDE_MIN + <u32>Math.sqrt(set.count)) trainAnew(set);
}
