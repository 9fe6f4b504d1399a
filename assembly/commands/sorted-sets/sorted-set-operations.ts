// ZUNION, ZINTER, ZDIFF, what stores them, and ZINTERCARD. No set of what was met is kept: a member of a union is taken from the
// first source that has it, and its score added up over the others there and then, so that each member of each source costs a
// look into the others, and memory is taken for the result alone. Sources are gone through from the smallest on, as Redis
// does: in which order scores are added decides their last bit.

import { CommandFlag } from "../../layout";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { errorCommandName } from "../../protocol/command-error";
import { addWork } from "../../protocol/dispatch";
import {
  beginError,
  endError,
  errorText,
  protocol,
  replyArray,
  replyBulk,
  replyDouble,
  replyError,
  replyInteger,
  replyNotInteger,
  replySyntaxError,
} from "../../protocol/reply";
import {
  collect,
  collectCopied,
  collectedAt,
  collectedCount,
  collectionFailed,
  endCollection,
  firstCollected,
  mustCollectAgain,
  openCollection,
  sortCollection,
  startCollection,
  storeCollection,
} from "./collection";
import { argumentScore, isScore } from "./sorted-set-argument";
import {
  findSources,
  isNameMade,
  membersOfSource,
  nextOfSource,
  orderSources,
  scoreIn,
  setWeight,
  shownBytes,
  shownName,
  shownScore,
  SOURCE_BYTES,
  sourceCount,
  SOURCES_MAX,
  sourceScore,
  startSource,
  weightOf,
} from "./source-sets";

const enum Operation {
  Union = 0,
  Intersection = 1,
  Difference = 2,
}

const enum Aggregate {
  Sum = 0,
  Min = 1,
  Max = 2,
}

// What the running command asks for.
let operation: Operation = Operation.Union;
let aggregate: Aggregate = Aggregate.Sum;
let withScores: bool = false;
let limit: u32 = 0;
/** The first key, and where options begin. */
let firstKey: u32 = 0;
let firstOption: u32 = 0;

/** Reads how many keys there are from the argument at `index`, and finds them; false after replying an error. */
function readKeys(index: u32): bool {
  if (!argumentInteger(index)) {
    replyNotInteger();
    return false;
  }
  const keys = lastInteger();
  if (keys < 1) {
    beginError();
    errorText("ERR at least 1 input key is needed for '");
    errorCommandName();
    errorText("' command");
    endError();
    return false;
  }
  if (keys > <i64>argumentCount - index - 1) {
    replySyntaxError();
    return false;
  }
  if (keys > <i64>SOURCES_MAX) {
    replyError("ERR too many input keys: at most 8192 can be combined");
    return false;
  }
  firstKey = index + 1;
  firstOption = firstKey + <u32>keys;
  return findSources(firstKey, <u32>keys);
}

/** Reads WEIGHTS, AGGREGATE and WITHSCORES where they are allowed; false after replying an error. */
function readOptions(stores: bool): bool {
  aggregate = Aggregate.Sum;
  withScores = false;
  for (let index = firstOption; index < argumentCount; index++) {
    const left = argumentCount - index - 1;
    if (operation != Operation.Difference && left >= sourceCount && argumentIs(index, "WEIGHTS")) {
      if (!readWeights(index + 1)) return false;
      index += sourceCount;
    } else if (operation != Operation.Difference && left >= 1 && argumentIs(index, "AGGREGATE")) {
      if (!readAggregate(++index)) return false;
    } else if (!stores && argumentIs(index, "WITHSCORES")) {
      withScores = true;
    } else {
      replySyntaxError();
      return false;
    }
  }
  return true;
}

function readWeights(index: u32): bool {
  for (let source: u32 = 0; source < sourceCount; source++) {
    if (!isScore(index + source)) {
      replyError("ERR weight value is not a float");
      return false;
    }
    setWeight(source, argumentScore);
  }
  return true;
}

function readAggregate(index: u32): bool {
  if (argumentIs(index, "SUM")) aggregate = Aggregate.Sum;
  else if (argumentIs(index, "MIN")) aggregate = Aggregate.Min;
  else if (argumentIs(index, "MAX")) aggregate = Aggregate.Max;
  else {
    replySyntaxError();
    return false;
  }
  return true;
}

// ---- what is in the result

/** Gathers the result, again when it found no room; false after replying an error. */
function gather(wanted: Operation, index: u32, stores: bool): bool {
  operation = wanted;
  if (!readKeys(index)) return false;
  openCollection(sourceCount * SOURCE_BYTES);
  do {
    // Making room may have moved them, or evicted one.
    if (!findSources(firstKey, sourceCount) || !readOptions(stores)) return false;
    startCollection();
    if (operation == Operation.Difference) {
      gatherDifference();
    } else {
      orderSources();
      if (operation == Operation.Union) gatherUnion();
      else gatherIntersection();
    }
  } while (mustCollectAgain(stores));
  if (collectionFailed) return false;
  sortCollection();
  return true;
}

/** Looks into so many sources, each for the members of another. */
function countLooks(members: u32, sources: u32): void {
  addWork(<u32>min<u64>((<u64>members * sources) >> 1, 0x7fffffff));
}

function gatherUnion(): void {
  for (let first: u32 = 0; first < sourceCount; first++) {
    countLooks(membersOfSource(first), sourceCount);
    startSource(first);
    while (nextOfSource()) {
      if (isInEarlier(first)) continue;
      let score = weighed(shownScore, first);
      for (let other = first + 1; other < sourceCount; other++) {
        if (scoreIn(other)) score = combined(score, weighed(sourceScore, other));
      }
      collectShown(score);
    }
  }
}

function isInEarlier(source: u32): bool {
  for (let earlier: u32 = 0; earlier < source; earlier++) if (scoreIn(earlier)) return true;
  return false;
}

function gatherIntersection(): void {
  if (membersOfSource(0) == 0) return;
  countLooks(membersOfSource(0), sourceCount);
  startSource(0);
  while (nextOfSource()) {
    let score = weighed(shownScore, 0);
    let other: u32 = 1;
    for (; other < sourceCount && scoreIn(other); other++) score = combined(score, sourceScore * weightOf(other));
    if (other == sourceCount) collectShown(score);
  }
}

function gatherDifference(): void {
  countLooks(membersOfSource(0), sourceCount);
  startSource(0);
  while (nextOfSource()) {
    let other: u32 = 1;
    while (other < sourceCount && !scoreIn(other)) other++;
    if (other == sourceCount) collectShown(shownScore);
  }
}

function collectShown(score: f64): void {
  if (isNameMade) collectCopied(score, shownName, shownBytes);
  else collect(score, shownName, shownBytes);
}

/** Infinity times zero is zero here. */
function weighed(score: f64, source: u32): f64 {
  const product = score * weightOf(source);
  return product == product ? product : 0;
}

/** Infinity less infinity too. */
function combined(score: f64, other: f64): f64 {
  if (aggregate == Aggregate.Min) return other < score ? other : score;
  if (aggregate == Aggregate.Max) return other > score ? other : score;
  const sum = score + other;
  return sum == sum ? sum : 0;
}

// ---- commands

function reply(wanted: Operation): void {
  if (!gather(wanted, 1, false)) return;
  replyArray(withScores && protocol == 2 ? collectedCount << 1 : collectedCount);
  for (let at = firstCollected; at != 0; at = collectedAt(at).next) {
    const record = collectedAt(at);
    if (withScores && protocol == 3) replyArray(2);
    replyBulk(record.name, record.bytes);
    if (withScores) replyDouble(record.score);
  }
  endCollection();
}

function zUnion(): void {
  reply(Operation.Union);
}

function zInter(): void {
  reply(Operation.Intersection);
}

function zDiff(): void {
  reply(Operation.Difference);
}

function zUnionStore(): void {
  if (gather(Operation.Union, 2, true)) storeCollection(1, "ZUNIONSTORE");
}

function zInterStore(): void {
  if (gather(Operation.Intersection, 2, true)) storeCollection(1, "ZINTERSTORE");
}

function zDiffStore(): void {
  if (gather(Operation.Difference, 2, true)) storeCollection(1, "ZDIFFSTORE");
}

function zInterCard(): void {
  if (!readKeys(1)) return;
  if (!readLimit()) return;
  orderSources();
  countLooks(membersOfSource(0), sourceCount);
  let count: u32 = 0;
  startSource(0);
  while ((limit == 0 || count < limit) && nextOfSource()) {
    let other: u32 = 1;
    while (other < sourceCount && scoreIn(other)) other++;
    if (other == sourceCount) count++;
  }
  replyInteger(count);
}

/** Reads LIMIT; 0 is none. */
function readLimit(): bool {
  limit = 0;
  for (let index = firstOption; index < argumentCount; index += 2) {
    if (index + 1 == argumentCount || !argumentIs(index, "LIMIT")) {
      replySyntaxError();
      return false;
    }
    if (!argumentInteger(index + 1) || lastInteger() < 0) {
      replyError("ERR LIMIT can't be negative");
      return false;
    }
    limit = <u32>min<i64>(lastInteger(), u32.MAX_VALUE);
  }
  return true;
}

export function registerSortedSetOperations(): void {
  const read = CommandFlag.ReadOnly;
  const store = CommandFlag.Write | CommandFlag.DenyOom;
  register("ZUNION", -3, read, 0, 0, 0, zUnion, "6.2.0", "Answers the members that any of several sorted sets has.");
  register("ZINTER", -3, read, 0, 0, 0, zInter, "6.2.0", "Answers the members that all of several sorted sets have.");
  register("ZDIFF", -3, read, 0, 0, 0, zDiff, "6.2.0", "Answers the members of a sorted set that no other one has.");
  register("ZUNIONSTORE", -4, store, 1, 1, 1, zUnionStore, "2.0.0", "Stores the union of several sorted sets.");
  register("ZINTERSTORE", -4, store, 1, 1, 1, zInterStore, "2.0.0", "Stores the intersection of several sorted sets.");
  register("ZDIFFSTORE", -4, store, 1, 1, 1, zDiffStore, "6.2.0", "Stores what a sorted set has and no other one.");
  register(
    "ZINTERCARD",
    -3,
    read,
    0,
    0,
    0,
    zInterCard,
    "7.0.0",
    "Counts the members that all of several sorted sets have.",
  );
}
