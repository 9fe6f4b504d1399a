// Chooses how a filtered search is done (see vector-filter.ts) from how many elements match: known exactly where field
// indexes list just the matches, else estimated from a sample.

import { pointOfQuery } from "../vectors/codes";
import { dropTests, hasTests } from "../vectors/filter-columns";
import { findRanges, isExact, listed, mayRepeat, rangesEnd, rangesFrom } from "./filter-ranges";
import { fieldAt } from "../vectors/field-index";
import { seek, soughtIds } from "../filters/postings";
import { rangeAt } from "../vectors/rank-range";
import { hasVectors, NodeState, nodeAt, VectorSet } from "../vectors/vectorset";
import { ROW_IDS } from "../vectors/vector-scratch";
import { judgeRow, openVerdicts } from "../vectors/verdicts";
import {
  areRangesTested,
  continueMatching,
  countNothing,
  isComplete,
  scanAll,
  scanRanges,
  scanVectors,
  testRanges,
  walkCollecting,
  walkMatching,
} from "./vector-filter";

export const enum Plan {
  /** Whatever is estimated to be the fastest. */
  Auto = 0,
  Scan = 1,
  Walk = 2,
  Post = 3,
}

// What the last search was planned from, for `EXPLAIN`.
export let plan: Plan = Plan.Auto;
/** Elements that match: estimated, or known if `estimateIsExact`. */
export let estimate: f64 = 0;
export let estimateIsExact: bool = false;
/** Elements that field indexes list; -1 when they tell nothing. */
export let candidates: i64 = -1;
/** Whether a walk was followed by a scan. */
export let fellBack: bool = false;

/**
 * Leaves the nearest elements that match in MATCHES, nearest first in the order of their points: up to `ef`, and as many of
 * `most` as there are. Answers how many. With `effort` not 0 a walk measures that many nodes at most, and no scan follows.
 * `exact`: all that match are measured, by float32 where there are vectors. `program` is 0 for no filter: then only those
 * that are dead at `now` do not match, of which there are some, or `now` is 0.
 */
export function searchFiltered(
  set: VectorSet,
  query: usize,
  most: u32,
  ef: u32,
  program: usize,
  effort: u32,
  asked: Plan,
  exact: bool,
  now: i64,
): u32 {
  countNothing();
  const byVectors = exact && hasVectors(set);
  scanVectors(byVectors);
  const point = byVectors ? query : pointOfQuery(set, query);
  fellBack = false;
  dropTests();
  candidates = program != 0 && findRanges(set, program) ? <i64>listed : -1;
  openVerdicts(set, program, now);
  testRanges(now != 0);
  estimateMatches(set);
  plan = exact ? Plan.Scan : asked != Plan.Auto ? asked : choose(set, most, ef);
  if (plan == Plan.Scan) return scan(set, point, ef);
  const found = plan == Plan.Walk ? walkMatching(set, point, ef) : post(set, point, ef, effort, asked);
  if (found >= most || effort != 0 || (estimateIsExact && <f64>found == estimate)) return found;
  fellBack = true;
  return scan(set, point, ef);
}

/** A walk that collects; where matches are much rarer than everywhere, it goes on through matches alone. */
function post(set: VectorSet, query: usize, ef: u32, effort: u32, asked: Plan): u32 {
  const limit = effort == 0 ? set.idsUsed : effort;
  const expected = <u32>min<f64>(postMeasures(set, ef) * PATIENCE, <f64>set.idsUsed);
  const found = walkCollecting(set, query, 0, ef, asked == Plan.Post ? limit : min(limit, expected));
  if (isComplete || asked == Plan.Post || expected >= limit) return found;
  plan = Plan.Walk;
  return found == 0 ? walkMatching(set, query, ef) : continueMatching(set, query, ef, found);
}

function scan(set: VectorSet, query: usize, most: u32): u32 {
  return candidates >= 0 ? scanRanges(set, query, most) : scanAll(set, query, most);
}

// ---- how many match

const SAMPLE_FIRST: u32 = 16;
const SAMPLE_MAX: u32 = 1024;
/** Matches in a sample that make it good enough: the estimate is then off by a factor of two now and then. */
const MATCHES_ENOUGH: u32 = 6;

function estimateMatches(set: VectorSet): void {
  estimateIsExact = candidates >= 0 && isExact && !mayRepeat && !areRangesTested();
  if (estimateIsExact || candidates == 0) {
    estimate = <f64>candidates;
    return;
  }
  const population = candidates >= 0 ? <u32>candidates : set.count;
  let sampled: u32 = 0;
  let matched: u32 = 0;
  const most = min(SAMPLE_MAX, population);
  for (let size = min(SAMPLE_FIRST, most); ; size = min(size << 2, most)) {
    const drawn = size - sampled;
    for (let index: u32 = 0; index < drawn; index++) {
      // A fixed stride of the golden ratio spreads any number of samples evenly.
      const share = <u32>(<u64>(sampled + index) * 2654435769);
      const id = candidates >= 0 ? listedAt(set, <u32>((<u64>share * population) >> 32)) : liveAt(set, share);
      store<u32>(ROW_IDS + (index << 2), id);
    }
    matched += judgeRow(ROW_IDS, drawn, 0);
    sampled = size;
    if (matched >= MATCHES_ENOUGH || size == most) break;
  }
  // Half a match more: an estimate of none would be certain of too much.
  estimate = (<f64>population * (<f64>matched + 0.5)) / (<f64>sampled + 1);
  if (sampled == population) estimate = <f64>matched;
}

/** The element at a place among all that the ranges list. */
function listedAt(set: VectorSet, place: u32): u32 {
  for (let index = rangesFrom; index < rangesEnd; index++) {
    const range = rangeAt(index);
    const length = range.end - range.first;
    if (place >= length) {
      place -= length;
      continue;
    }
    seek(fieldAt(set, range.field), range.first + place);
    return load<u32>(soughtIds);
  }
  return 0;
}

/** The first live node from a share (of 2^32) of all ids on. */
function liveAt(set: VectorSet, share: u32): u32 {
  let id = <u32>((<u64>share * set.idsUsed) >> 32);
  while (nodeAt(set, id).state != <u16>NodeState.Live) id = id + 1 == set.idsUsed ? 0 : id + 1;
  return id;
}

// ---- what each plan would cost, in nanoseconds
//
// Measured on 200,000 vectors of 128 numbers and 60,000 of 784: only ratios matter, and where two plans cost about the
// same it matters little which is taken.

/** A row that a scan measures: rows come in the order of ids, or in that of an index. */
const ROW: f64 = 25;
const ROW_A_BYTE: f64 = 0.05;
/** A node that a walk measures, with what leads to it. */
const NODE: f64 = 100;
const NODE_A_BYTE: f64 = 0.125;
/** Testing an element by columns, and by its attributes. */
const TEST_COLUMN: f64 = 20;
const TEST_ATTRIBUTES: f64 = 150;
/** Nodes that a walk that collects measures: on its way, and for each match it collects, over the share that matches. */
const POST_WAY: f64 = 150;
const POST_A_MATCH: f64 = 3.8;
/** Nodes that a walk through matches measures for each one it collects, and tests for each one it measures. */
const WALK_A_MATCH: f64 = 12;
const WALK_TESTS: f64 = 0.5;
/** A walk through matches finds less at the same length of its beam: so many times cheaper it has to be. */
const WALK_ADVANTAGE: f64 = 2.5;
/** So many times more nodes than expected are measured until a walk that collects is given up. */
const PATIENCE: f64 = 4;

function postMeasures(set: VectorSet, ef: u32): f64 {
  return POST_WAY + (POST_A_MATCH * <f64>ef * <f64>set.count) / max<f64>(estimate, 1);
}

function choose(set: VectorSet, most: u32, ef: u32): Plan {
  // A walk could not prove that these are all.
  if (estimate <= <f64>most) return Plan.Scan;
  const test = hasTests() ? TEST_COLUMN : TEST_ATTRIBUTES;
  const bytes = <f64>set.pointBytes;
  const tested = candidates < 0 ? <f64>set.count : areRangesTested() ? <f64>candidates : 0;
  const scanCost = tested * test + estimate * (ROW + ROW_A_BYTE * bytes);
  const node = NODE + NODE_A_BYTE * bytes;
  const measures = min<f64>(postMeasures(set, ef), <f64>set.count);
  const postCost = measures * (node + 0.4 * test);
  const walked = min<f64>(POST_WAY + WALK_A_MATCH * <f64>ef, estimate);
  const share = max<f64>(estimate, 1) / <f64>set.count;
  const walkCost = walked * node + min<f64>((walked * WALK_TESTS) / share, <f64>set.count) * test;
  if (scanCost <= postCost && scanCost <= walkCost) return Plan.Scan;
  if (walkCost * WALK_ADVANTAGE < postCost) return Plan.Walk;
  return scanCost <= postCost ? Plan.Scan : Plan.Post;
}
