// VSIM. Argument forms, defaults, reply shapes and error texts are those of Redis 8; WITHDISTANCES is ours: the distance
// of the metric's name after each score. EPSILON bounds 1 - score under cosine, as in Redis, and the distance otherwise.
// So are PLAN, which asks for a way to search with a filter, and EXPLAIN, which replies how a search was done. EF and COUNT
// are limited by the beam, to 16,384. One call searches to the end: about a microsecond a node of ef, for TRUTH a tenth
// of that for each vector of the set.

import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { idOf, itemAt, keyOfItem } from "../../vectors/beam";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { Metric } from "../../kernels/distance";
import {
  addDistances,
  countLive,
  deadline,
  DISTANCES_OF_DESCENT,
  findElement,
  hasDead,
  isVectorSet,
  liveSlot,
  replyName,
  setOf,
  touchNames,
} from "./elements";
import { searchAll } from "../../vectors/exact-search";
import { compileFilter } from "../../filters/filter";
import { search } from "../../vectors/hnsw-search";
import { findKey, readSlot } from "../../keyspace/keyspace";
import { parsedDouble, parseDouble } from "../../text/number";
import {
  protocol,
  replyArray,
  replyBulk,
  replyDouble,
  replyError,
  replyBoolean,
  replyInteger,
  replyMap,
  replyNull,
  replySimple,
  replyWrongType,
} from "../../protocol/reply";
import { replyFilterError } from "./filter-error";
import { jsonBytes, jsonOf } from "../../vectors/vector-attributes";
import { fitsSet, nextArgument, readQuery, specifyVector } from "./vector-argument";
import {
  candidates,
  estimate,
  estimateIsExact,
  fellBack,
  Plan,
  plan as chosenPlan,
  searchFiltered,
} from "../../planner/filter-planner";
import { readStored, rescore } from "../../vectors/rescore";
import { measurements } from "../../planner/vector-filter";
import { distanceFrom, scoreFrom } from "../../vectors/vector-score";
import {
  BEAM_BASE,
  BEAM_MAX,
  MATCHES_BASE,
  PROGRAM_BASE,
  PROGRAM_BYTES,
  QUERY_BASE,
} from "../../vectors/vector-scratch";
import { hasVectors, nodeAt, NONE, VectorSet } from "../../vectors/vectorset";
import { evaluations } from "../../vectors/verdicts";

const COUNT_DEFAULT: u32 = 10;
const EF_DEFAULT: u32 = 100;
const EF_MAX: i64 = 1000000;
const EFFORT_MAX: u64 = 0xffffffff;

// Options of the running VSIM.
let count: u64 = 0;
let ef: u32 = 0;
let effort: u32 = 0;
/** Results are not farther than this. */
let distanceMax: f64 = 0;
/** Whether that comes from EPSILON, which cosine takes for 1 - score, half the distance. */
let isEpsilon: bool = false;
let filtered: bool = false;
let plan: Plan = Plan.Auto;
let explained: bool = false;
let exact: bool = false;
let withScores: bool = false;
let withDistances: bool = false;
let withAttributes: bool = false;

function refuse(words: string): bool {
  replyError(words);
  return false;
}

/** Reads the options from argument `index` on; false after replying an error. */
function parseOptions(index: u32): bool {
  count = COUNT_DEFAULT;
  ef = 0;
  effort = 0;
  distanceMax = Infinity;
  isEpsilon = false;
  filtered = false;
  plan = Plan.Auto;
  explained = false;
  exact = false;
  withScores = false;
  withDistances = false;
  withAttributes = false;
  for (; index < argumentCount; index++) {
    if (argumentIs(index, "WITHSCORES")) withScores = true;
    else if (argumentIs(index, "WITHDISTANCES")) withDistances = true;
    else if (argumentIs(index, "WITHATTRIBS")) withAttributes = true;
    else if (argumentIs(index, "TRUTH")) exact = true;
    else if (argumentIs(index, "EXPLAIN")) explained = true;
    else if (argumentIs(index, "NOTHREAD")) continue;
    else if (index + 1 == argumentCount) return refuse("ERR syntax error in VSIM command");
    else if (!parseValued(index++)) return false;
  }
  return true;
}

/** Reads an option that has a value; false after replying an error. */
function parseValued(index: u32): bool {
  if (argumentIs(index, "COUNT")) {
    if (!argumentInteger(index + 1) || lastInteger() <= 0) return refuse("ERR invalid COUNT");
    count = <u64>lastInteger();
  } else if (argumentIs(index, "EF")) {
    if (!argumentInteger(index + 1) || lastInteger() <= 0 || lastInteger() > EF_MAX) return refuse("ERR invalid EF");
    ef = <u32>lastInteger();
  } else if (argumentIs(index, "EPSILON")) {
    if (!readDistance(index + 1) || parsedDouble <= 0) return refuse("ERR invalid EPSILON");
    isEpsilon = true;
  } else if (argumentIs(index, "MAXDISTANCE")) {
    if (!readDistance(index + 1)) return refuse("ERR invalid MAXDISTANCE, it is a number as WITHDISTANCES gives it");
    isEpsilon = false;
  } else if (argumentIs(index, "FILTER-EF")) {
    if (!argumentInteger(index + 1) || lastInteger() <= 0) return refuse("ERR invalid FILTER-EF");
    effort = <u32>min<u64>(<u64>lastInteger(), EFFORT_MAX);
  } else if (argumentIs(index, "PLAN")) {
    if (!parsePlan(index + 1)) return refuse("ERR invalid PLAN, use AUTO, SCAN, WALK or POST");
  } else if (argumentIs(index, "FILTER")) {
    filtered = true;
    return compile(index + 1);
  } else {
    return refuse("ERR syntax error in VSIM command");
  }
  return true;
}

function readDistance(index: u32): bool {
  if (isArgumentPaged(index) || !parseDouble(argumentAddress(index), argumentBytes(index))) return false;
  if (parsedDouble != parsedDouble) return false;
  distanceMax = parsedDouble;
  return true;
}

function parsePlan(index: u32): bool {
  if (argumentIs(index, "AUTO")) plan = Plan.Auto;
  else if (argumentIs(index, "SCAN")) plan = Plan.Scan;
  else if (argumentIs(index, "WALK")) plan = Plan.Walk;
  else if (argumentIs(index, "POST")) plan = Plan.Post;
  else return false;
  return true;
}

function compile(index: u32): bool {
  if (isArgumentPaged(index)) return refuse("ERR FILTER expression is too long");
  const text = argumentAddress(index);
  const bytes = argumentBytes(index);
  const compiled = compileFilter(text, bytes, PROGRAM_BASE, PROGRAM_BYTES);
  if (compiled >= 0) return true;
  replyFilterError(text, bytes, <u32>(-compiled - 1));
  return false;
}

/** Puts the vector that is searched for at QUERY_BASE; false after replying an error. */
function readTarget(set: VectorSet): bool {
  if (!argumentIs(2, "ELE")) return fitsSet(set) && readQuery(QUERY_BASE, set.metric);
  const id = findElement(set, 3);
  if (id == NONE) return refuse("ERR element not found in set");
  readStored(set, id, QUERY_BASE);
  return true;
}

export function vSim(): void {
  const key = argumentAddress(1);
  const hash = hashOfArgument(1);
  const entry = readSlot(liveSlot(findKey(key, argumentBytes(1), hash), hash));
  if (entry == 0) {
    replyArray(0);
    return;
  }
  if (!isVectorSet(entry)) {
    replyWrongType();
    return;
  }
  const set = setOf(entry);
  const byElement = argumentIs(2, "ELE");
  if (!byElement && !specifyVector(2)) return;
  if (!parseOptions(byElement ? 4 : nextArgument)) return;
  if (!readTarget(set)) return;
  const most = <u32>min<u64>(count, countLive(set));
  if (most > BEAM_MAX) {
    replyError("ERR COUNT is over the maximum of 16384");
    return;
  }
  replyNearest(set, most);
}

/** When elements are dead that are in the set: 0 when all live. */
let deadBy: i64 = 0;

/** Whether not every element may be found. */
@inline
function selects(): bool {
  return filtered || deadBy != 0;
}

/** Searches and replies the `most` nearest elements. */
function replyNearest(set: VectorSet, most: u32): void {
  deadBy = hasDead(set) ? deadline() : 0;
  const beam: usize = selects() ? MATCHES_BASE : BEAM_BASE;
  const found = searchWithin(set, most, beam);
  if (explained) {
    replyExplanation(set, found);
    return;
  }
  touchNames(set, beam, found);
  const extras = <u32>withScores + <u32>withDistances + <u32>withAttributes;
  if (protocol == 3 && extras != 0) replyMap(found);
  else replyArray(found * (extras + 1));
  for (let index: u32 = 0; index < found; index++) replyResult(set, itemAt(beam, index), extras);
}

/** Leaves up to `most` results in the beam; answers how many. Of many within a distance there may be few: the beam grows as long as all it holds is within. */
function searchWithin(set: VectorSet, most: u32, beam: usize): u32 {
  const wide = ef == 0 ? EF_DEFAULT : ef;
  let length = distanceMax == Infinity ? max(wide, most) : wide;
  while (true) {
    length = min(min(length, BEAM_MAX), set.count);
    const wanted = min(most, length);
    const seen = searchOnce(set, wanted, length, beam);
    const isFinal = exact && hasVectors(set);
    const found = min(isFinal ? seen : rescore(set, QUERY_BASE, beam, seen, wanted, length), most);
    const within = countWithin(set.metric, beam, found);
    if (seen < length || length >= most || within < found) return within;
    length <<= 1;
  }
}

/** One search, with a beam of `length`; answers how many were found, `wanted` at least where there are as many. */
function searchOnce(set: VectorSet, wanted: u32, length: u32, beam: usize): u32 {
  if (selects()) {
    const program: usize = filtered ? <usize>PROGRAM_BASE : 0;
    const found = searchFiltered(set, QUERY_BASE, wanted, length, program, effort, plan, exact, deadBy);
    addDistances(set, DISTANCES_OF_DESCENT + measurements);
    addWork(evaluations >> 2);
    return found;
  }
  if (exact) {
    addDistances(set, set.idsUsed);
    return searchAll(set, QUERY_BASE, hasVectors(set) ? length : min(length << 1, BEAM_MAX), beam);
  }
  addDistances(set, DISTANCES_OF_DESCENT + length * 10);
  return search(set, QUERY_BASE, length);
}

/** Replies, instead of the results, how they were found. */
function replyExplanation(set: VectorSet, found: u32): void {
  replyMap(filtered ? 9 : 3);
  replySimple("plan");
  replySimple(!filtered ? (exact ? "truth" : "graph") : planName(chosenPlan));
  replySimple("size");
  replyInteger(countLive(set));
  replySimple("found");
  replyInteger(found);
  if (!filtered) return;
  replySimple("matching");
  replyDouble(Math.round(estimate));
  replySimple("matching-exact");
  replyBoolean(estimateIsExact);
  replySimple("indexed-candidates");
  if (candidates < 0) replyNull();
  else replyInteger(candidates);
  replySimple("evaluated");
  replyInteger(evaluations);
  replySimple("measured");
  replyInteger(measurements);
  replySimple("fell-back");
  replyBoolean(fellBack);
}

function planName(plan: Plan): string {
  return plan == Plan.Scan ? "scan" : plan == Plan.Walk ? "walk" : "post";
}

/** How many of the sorted results are within the distance asked for. */
function countWithin(metric: u32, beam: usize, found: u32): u32 {
  if (distanceMax == Infinity) return found;
  const scale: f64 = isEpsilon && metric == Metric.Cosine ? 0.5 : 1;
  let within: u32 = 0;
  while (within < found && distanceFrom(metric, keyOfItem(itemAt(beam, within))) * scale <= distanceMax) within++;
  return within;
}

function replyResult(set: VectorSet, item: u64, extras: u32): void {
  const id = idOf(item);
  const distance = distanceFrom(set.metric, keyOfItem(item));
  replyName(set, id);
  if (protocol == 3 && extras > 1) replyArray(extras);
  if (withScores) replyDouble(scoreFrom(set.metric, distance));
  if (withDistances) replyDouble(distance);
  if (!withAttributes) return;
  const cell = <usize>nodeAt(set, id).attributes;
  if (cell == 0) replyNull();
  else replyBulk(jsonOf(cell), jsonBytes(cell));
}
