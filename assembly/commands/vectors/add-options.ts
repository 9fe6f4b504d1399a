// The options of VADD. Forms and error texts are those of Redis 8; METRIC, F16, Q4, NOORIGINALS, PROJECTED and what
// says when the element dies are ours, the last as SET has it.

import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { isOfBits, Metric } from "../../kernels/distance";
import { replyError } from "../../protocol/reply";
import { Coding, DIMENSIONS_MAX, M_MAX, M_MIN, NONE, VectorSet } from "../../vectors/vectorset";
import { expiryFrom, replyInvalidExpiry } from "../keys/expiry-argument";
import { fitsSet, givenDimensions } from "./vector-argument";

const EF_MAX: i64 = 1000000;

// Options of the running VADD; 0 or NONE where not given.
export let askedM: u32 = 0;
export let askedEf: u32 = 0;
export let askedMetric: u32 = NONE;
export let askedQuantization: u32 = NONE;
export let dropsVectors: bool = false;
export let attributesArgument: u32 = 0;
/** Numbers that vectors shall have after a projection, and whether the given vector comes of one, and was read by VEMB. */
export let askedReduction: u32 = 0;
export let isProjected: bool = false;
/** When the element shall die, ms since epoch, and the argument that says so, a word and a time. */
export let askedDeath: i64 = 0;
export let deathArgument: u32 = 0;
/** Whether it shall die when it did before. */
export let keepsDeath: bool = false;

/** Reads `REDUCE dim` where a vector could begin, at argument 2; answers where the vector begins, 0 after replying an error. */
export function parseReduction(): u32 {
  askedReduction = 0;
  if (!argumentIs(2, "REDUCE")) return 2;
  const dimensions = argumentCount > 3 ? boundedInteger(3, 1, DIMENSIONS_MAX) : -1;
  if (dimensions < 0) refuse("ERR invalid vector specification");
  askedReduction = <u32>max<i64>(dimensions, 0);
  return dimensions < 0 ? 0 : 4;
}

/** True when a set can begin with a vector of so many numbers, as short as was asked for; else replies why not. */
export function mayReduce(given: u32): bool {
  if (isProjected) return refuse("ERR PROJECTED needs an existing vector set");
  if (askedReduction < given) return true;
  return refuse("ERR REDUCE needs fewer dimensions than the vector has");
}

/** Reads VADD's options from argument `index` on; false after replying an error. */
export function parseAddOptions(index: u32): bool {
  askedM = 0;
  askedEf = 0;
  askedMetric = NONE;
  askedQuantization = NONE;
  dropsVectors = false;
  attributesArgument = 0;
  askedDeath = 0;
  deathArgument = 0;
  keepsDeath = false;
  isProjected = false;
  for (; index < argumentCount; index++) {
    if (argumentIs(index, "CAS")) continue;
    const coding = codingNamed(index);
    if (coding != NONE) askedQuantization = coding;
    else if (argumentIs(index, "NOORIGINALS")) dropsVectors = true;
    else if (argumentIs(index, "KEEPTTL")) keepsDeath = true;
    else if (argumentIs(index, "PROJECTED")) isProjected = true;
    else if (index + 1 == argumentCount) return refuse("ERR invalid option after element");
    else if (!parseValued(index++)) return false;
  }
  if (keepsDeath && deathArgument != 0) return refuse("ERR KEEPTTL and a time at once are not compatible");
  if (dropsVectors && askedQuantization == Coding.Float32)
    return refuse("ERR NOORIGINALS needs codes, which NOQUANT does without: leave one of them out");
  return askedMetric == NONE || !isOfBits(askedMetric) || parseBits();
}

/** What a set of bits is made with: codes that are the bits, and nothing beside them, unless it shall have none. */
function parseBits(): bool {
  if (askedReduction != 0)
    return refuse("ERR REDUCE makes other numbers than the zeros and ones that this METRIC takes");
  if (askedQuantization == Coding.Float32) return true;
  if (askedQuantization != NONE && askedQuantization != Coding.Binary)
    return refuse("ERR this METRIC takes BIN, which loses nothing of zeros and ones, or NOQUANT");
  askedQuantization = Coding.Binary;
  dropsVectors = true;
  return true;
}

/** Reads an option that has a value; false after replying an error. */
function parseValued(index: u32): bool {
  if (argumentIs(index, "EF")) {
    const ef = boundedInteger(index + 1, 1, EF_MAX);
    if (ef < 0) return refuse("ERR invalid EF");
    askedEf = <u32>ef;
  } else if (argumentIs(index, "M")) {
    const m = boundedInteger(index + 1, M_MIN, M_MAX);
    if (m < 0) return refuse("ERR invalid M");
    askedM = <u32>m;
  } else if (argumentIs(index, "SETATTR")) {
    attributesArgument = index + 1;
  } else if (argumentIs(index, "METRIC")) {
    if (!parseMetric(index + 1)) return refuse("ERR invalid METRIC, use COSINE, L2, IP, MANHATTAN, HAMMING or JACCARD");
  } else {
    return parseDeath(index);
  }
  return true;
}

/** A whole number in argument `index` between `least` and `most`, -1 when it is none. */
function boundedInteger(index: u32, least: i64, most: i64): i64 {
  if (!argumentInteger(index)) return -1;
  const number = lastInteger();
  return number < least || number > most ? -1 : number;
}

function parseMetric(index: u32): bool {
  if (argumentIs(index, "COSINE")) askedMetric = Metric.Cosine;
  else if (argumentIs(index, "L2")) askedMetric = Metric.L2;
  else if (argumentIs(index, "IP")) askedMetric = Metric.InnerProduct;
  else if (argumentIs(index, "MANHATTAN")) askedMetric = Metric.Manhattan;
  else if (argumentIs(index, "HAMMING")) askedMetric = Metric.Hamming;
  else if (argumentIs(index, "JACCARD")) askedMetric = Metric.Jaccard;
  else return false;
  return true;
}

function parseDeath(index: u32): bool {
  const relative = argumentIs(index, "EX") || argumentIs(index, "PX");
  const seconds = argumentIs(index, "EX") || argumentIs(index, "EXAT");
  if (!relative && !seconds && !argumentIs(index, "PXAT")) return refuse("ERR invalid option after element");
  if (deathArgument != 0) return refuse("ERR only one of EX, PX, EXAT and PXAT can be given");
  const time = expiryFrom(index + 1, seconds, relative);
  if (time < 0) {
    replyInvalidExpiry(time);
    return false;
  }
  askedDeath = time;
  deathArgument = index;
  return true;
}

/** The coding that an argument names; NONE for another word. F16 and Q4 are ours. */
export function codingNamed(index: u32): u32 {
  if (argumentIs(index, "NOQUANT")) return Coding.Float32;
  if (argumentIs(index, "F16")) return Coding.Float16;
  if (argumentIs(index, "Q8")) return Coding.Int8;
  if (argumentIs(index, "Q4")) return Coding.Int4;
  return argumentIs(index, "BIN") ? Coding.Binary : NONE;
}

/** True when the set is what the options say; else replies what differs. */
export function agrees(set: VectorSet): bool {
  if (askedM != 0 && askedM != set.m) return refuse("ERR asked M value mismatch with existing vector set");
  if (askedMetric != NONE && askedMetric != set.metric)
    return refuse("ERR asked metric mismatch with existing vector set");
  if (askedQuantization != NONE && askedQuantization != set.quantization)
    return refuse("ERR asked quantization mismatch with existing vector set");
  if (dropsVectors && set.dropsVectors == 0)
    return refuse("ERR asked NOORIGINALS, but the existing vector set keeps its vectors");
  if (askedReduction != 0 && set.givenDimensions == 0)
    return refuse("ERR cannot add projection to existing set without projection");
  if (askedReduction != 0 && askedReduction != set.dimensions)
    return refuse("ERR asked REDUCE mismatch with existing vector set");
  if (!isProjected) return fitsSet(set);
  if (givenDimensions == set.dimensions) return true;
  return refuse("ERR PROJECTED needs as many dimensions as the existing vector set has");
}

function refuse(words: string): bool {
  replyError(words);
  return false;
}
