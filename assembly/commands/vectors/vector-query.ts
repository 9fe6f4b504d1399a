// VSIM. Argument forms, defaults, reply shapes and error texts are those of Redis 8; WITHDISTANCES is ours: the distance
// of the metric's name after each score. EPSILON bounds 1 - score under cosine, as in Redis, and the distance otherwise.
// So are PLAN, which asks for a way to search with a filter, and EXPLAIN, which replies how a search was done. EF and COUNT
// are limited by the beam, to 16,384. One call searches to the end: about a microsecond a node of ef, for TRUTH a tenth
// of that for each vector of the set; where there are workers, a long search is left to them (left-search.ts).

import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { hashOfArgument } from "../../protocol/dispatch";
import { Metric } from "../../kernels/distance";
import { countLive, deadline, findElement, hasDead, isVectorSet, liveSlot, setOf } from "./elements";
import { compileFilter } from "../../filters/filter";
import { findKey, readSlot } from "../../keyspace/keyspace";
import { parsedDouble, parseDouble } from "../../text/number";
import {
  replyArray,
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
import { leaveSearch } from "./left-search";
import { askFor, askMatching, findNearest, foundBeam } from "./nearest";
import { replyResults, SHOWN_ATTRIBUTES, SHOWN_DISTANCES, SHOWN_SCORES } from "./search-reply";
import { fitsSet, nextArgument, readQuery, specifyVector } from "./vector-argument";
import {
  candidates,
  estimate,
  estimateIsExact,
  fellBack,
  Plan,
  plan as chosenPlan,
} from "../../planner/filter-planner";
import { readStored } from "../../vectors/rescore";
import { measurements } from "../../planner/vector-filter";
import { BEAM_MAX, PROGRAM_BASE, PROGRAM_BYTES, QUERY_BASE } from "../../vectors/vector-scratch";
import { NONE, VectorSet } from "../../vectors/vectorset";
import { evaluations } from "../../vectors/verdicts";

const COUNT_DEFAULT: u32 = 10;
const EF_DEFAULT: u32 = 100;
const EF_MAX: i64 = 1000000;
const EFFORT_MAX: u64 = 0xffffffff;

// Options of the running VSIM.
let count: u64 = 0;
let ef: u32 = 0;
let effort: u32 = 0;
/** The argument of the filter, 0 for none. */
let filterArgument: u32 = 0;
/** Whether the search must be done in this thread. */
let threadless: bool = false;
/** Results are not farther than this. */
let distanceMax: f64 = 0;
/** Whether that comes from EPSILON, which cosine takes for 1 - score, half the distance. */
let isEpsilon: bool = false;
let plan: Plan = Plan.Auto;
let explained: bool = false;
let exact: bool = false;
/** What results show beside names. */
let shown: u32 = 0;

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
  filterArgument = 0;
  threadless = false;
  plan = Plan.Auto;
  explained = false;
  exact = false;
  shown = 0;
  for (; index < argumentCount; index++) {
    if (argumentIs(index, "WITHSCORES")) shown |= SHOWN_SCORES;
    else if (argumentIs(index, "WITHDISTANCES")) shown |= SHOWN_DISTANCES;
    else if (argumentIs(index, "WITHATTRIBS")) shown |= SHOWN_ATTRIBUTES;
    else if (argumentIs(index, "TRUTH")) exact = true;
    else if (argumentIs(index, "EXPLAIN")) explained = true;
    else if (argumentIs(index, "NOTHREAD")) threadless = true;
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
    filterArgument = index + 1;
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

/** Searches and replies the `most` nearest elements, or leaves that to workers. */
function replyNearest(set: VectorSet, most: u32): void {
  const scale: f64 = isEpsilon && set.metric == Metric.Cosine ? 0.5 : 1;
  const deadBy: i64 = hasDead(set) ? deadline() : 0;
  askFor(ef == 0 ? EF_DEFAULT : ef, exact, distanceMax, scale);
  askMatching(filterArgument != 0 ? <usize>PROGRAM_BASE : 0, effort, plan, deadBy);
  if (!threadless && !explained && deadBy == 0 && leaveSearch(set, most, shown, filterArgument)) return;
  const found = findNearest(set, most);
  if (explained) replyExplanation(set, found);
  else replyResults(set, foundBeam(), found, shown);
}

/** Replies, instead of the results, how they were found. */
function replyExplanation(set: VectorSet, found: u32): void {
  const filtered = filterArgument != 0;
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
