// One search of a vector set, whoever asks: VSIM, embedding without a protocol, a worker. What is asked for stands in
// variables, set by `askFor` and `askMatching`; the query lies at QUERY_BASE, padded, of length one under cosine; what is found
// lies in `foundBeam`, nearest first.

import { addWork } from "../../protocol/dispatch";
import { itemAt, keyOfItem } from "../../vectors/beam";
import { searchAll } from "../../vectors/exact-search";
import { search } from "../../vectors/hnsw-search";
import { Plan, searchFiltered } from "../../planner/filter-planner";
import { measurements } from "../../planner/vector-filter";
import { rescore } from "../../vectors/rescore";
import { distanceFrom } from "../../vectors/vector-score";
import { BEAM_BASE, BEAM_MAX, MATCHES_BASE, QUERY_BASE } from "../../vectors/vector-scratch";
import { hasVectors, VectorSet } from "../../vectors/vectorset";
import { evaluations } from "../../vectors/verdicts";
import { addDistances, DISTANCES_OF_DESCENT } from "./elements";

/** Candidates kept. */
export let ef: u32 = 0;
/** Whether all elements are measured. */
export let exact: bool = false;
/** Results are not farther than this, their distances times `distanceScale`. */
export let distanceMax: f64 = Infinity;
export let distanceScale: f64 = 1;
/** The compiled filter, 0 for none; what a walk may measure, 0 for as much as it takes; how it is to be done. */
let program: usize = 0;
export let effort: u32 = 0;
export let plan: Plan = Plan.Auto;
/** When elements are dead that are in the set: 0 when all live. */
let deadBy: i64 = 0;

/** Asks for the nearest of all elements. */
export function askFor(candidates: u32, all: bool, most: f64, scale: f64): void {
  ef = candidates;
  exact = all;
  distanceMax = most;
  distanceScale = scale;
  program = 0;
  effort = 0;
  plan = Plan.Auto;
  deadBy = 0;
}

/** Asks for those alone that match a filter, 0 for none, and live at a time, 0 for any. */
export function askMatching(filter: usize, effortMax: u32, way: Plan, time: i64): void {
  program = filter;
  effort = effortMax;
  plan = way;
  deadBy = time;
}

/** Whether not every element may be found. */
@inline
export function selects(): bool {
  return program != 0 || deadBy != 0;
}

/** Where what was found lies, as items. */
@inline
export function foundBeam(): usize {
  return selects() ? MATCHES_BASE : BEAM_BASE;
}

/**
 * Leaves up to `most` results in `foundBeam`; answers how many. Of many within a distance there may be few: the beam grows as
 * long as all it holds is within.
 */
export function findNearest(set: VectorSet, most: u32): u32 {
  const beam = foundBeam();
  let length = distanceMax == Infinity ? max(ef, most) : ef;
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

/** How many of the sorted results are within the distance asked for. */
export function countWithin(metric: u32, beam: usize, found: u32): u32 {
  if (distanceMax == Infinity) return found;
  let within: u32 = 0;
  while (within < found && distanceFrom(metric, keyOfItem(itemAt(beam, within))) * distanceScale <= distanceMax) {
    within++;
  }
  return within;
}

// ---- how long it will take

/** A point that a walk measures and a row that a scan measures, in ns, and for each byte: both wait for memory. */
const POINT_NS: f64 = 13;
const ROW_NS: f64 = 3;
const BYTE_NS: f64 = 0.025;
const ROW_BYTE_NS: f64 = 0.05;
/** Points that a walk measures for each candidate. */
const POINTS_A_CANDIDATE: u32 = 10;
/** What a filter makes of it: elements are tested, and more are measured than match. */
const FILTER_TIMES: f64 = 4;

/** About how many ns the search that is asked for will take. */
export function estimatedNs(set: VectorSet, most: u32): f64 {
  if (exact) return <f64>set.idsUsed * (ROW_NS + ROW_BYTE_NS * (hasVectors(set) ? set.vectorBytes : set.pointBytes));
  const points = <f64>(DISTANCES_OF_DESCENT + min(max(ef, most), BEAM_MAX) * POINTS_A_CANDIDATE);
  const walk = points * (POINT_NS + BYTE_NS * set.pointBytes);
  return selects() ? walk * FILTER_TIMES : walk;
}
