// The sorted sets that ZUNION and its kin combine, as they stand in the arguments: found, weighed, and gone through. Sets count
// too, each member with a score of one.

import { SCRATCH_BASE } from "../../layout";
import { TYPE_SET, TYPE_SORTED_SET, typeOf } from "../../memory/entry";
import { isArgumentPaged } from "../../protocol/arguments";
import { readKeyArgument } from "../../protocol/dispatch";
import { replyWrongType } from "../../protocol/reply";
import { LISTS_BYTES } from "./collection";
import {
  countMembers as countUnscored,
  hasMember,
  memberAddress,
  memberBytes,
  memberIsNumber,
  nextMember as nextUnscored,
  showText,
  startMembers as startUnscored,
} from "../sets/set-value";
import {
  countMembers,
  findMember,
  memberName,
  memberNameBytes,
  memberScore,
  nextMember,
  startMembers,
} from "./sorted-set-value";

/** Keys that one command combines at most: they are put in order by how many members they hold. */
export const SOURCES_MAX: u32 = 8192;

@unmanaged
class Source {
  /** Its entry, 0 where there is none. */
  entry: u32;
  count: u32;
  weight: f64;
}

export const SOURCE_BYTES: u32 = 16;
if (offsetof<Source>() != SOURCE_BYTES) ERROR("a source must stay 16 bytes");

const SOURCES_BASE: usize = SCRATCH_BASE + LISTS_BYTES;

export let sourceCount: u32 = 0;

@inline
function sourceAt(index: u32): Source {
  return changetype<Source>(SOURCES_BASE + index * SOURCE_BYTES);
}

@inline
function isSet(entry: usize): bool {
  return typeOf(entry) == TYPE_SET;
}

@inline
export function weightOf(index: u32): f64 {
  return sourceAt(index).weight;
}

export function setWeight(index: u32, weight: f64): void {
  sourceAt(index).weight = weight;
}

@inline
export function membersOfSource(index: u32): u32 {
  return sourceAt(index).count;
}

/** Finds the sources in `count` arguments from `first` on, with a weight of one; false after replying that one is no set. */
export function findSources(first: u32, count: u32): bool {
  sourceCount = count;
  for (let index: u32 = 0; index < count; index++) {
    const key = first + index;
    // No key is as long as an argument that lies in pages.
    const entry = isArgumentPaged(key) ? <usize>0 : readKeyArgument(key);
    if (entry != 0 && typeOf(entry) != TYPE_SORTED_SET && typeOf(entry) != TYPE_SET) {
      replyWrongType();
      return false;
    }
    const source = sourceAt(index);
    source.entry = <u32>entry;
    source.count = entry == 0 ? 0 : isSet(entry) ? countUnscored(entry) : countMembers(entry);
    source.weight = 1;
  }
  return true;
}

/** Puts those with fewer members first, and leaves those with as many in the order of the arguments: sums of scores depend on it. */
export function orderSources(): void {
  for (let index: u32 = 1; index < sourceCount; index++) {
    const count = sourceAt(index).count;
    let low: u32 = 0;
    let high = index;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sourceAt(middle).count <= count) low = middle + 1;
      else high = middle;
    }
    if (low != index) moveSource(index, low);
  }
}

function moveSource(from: u32, to: u32): void {
  const moved = v128.load(changetype<usize>(sourceAt(from)));
  memory.copy(changetype<usize>(sourceAt(to + 1)), changetype<usize>(sourceAt(to)), (from - to) * SOURCE_BYTES);
  v128.store(changetype<usize>(sourceAt(to)), moved);
}

// ---- members

export let shownName: usize = 0;
export let shownBytes: u32 = 0;
export let shownScore: f64 = 0;
/** The name is a text made of a number: the next one is made in the same place. */
export let isNameMade: bool = false;

let walkedEntry: usize = 0;

/** Begins to go through the members of a source. */
export function startSource(index: u32): void {
  walkedEntry = sourceAt(index).entry;
  if (walkedEntry == 0) return;
  if (isSet(walkedEntry)) startUnscored(walkedEntry);
  else startMembers(walkedEntry, 0, sourceAt(index).count, false);
}

/** Shows the next member in the registers; false after the last. */
export function nextOfSource(): bool {
  if (walkedEntry == 0) return false;
  if (isSet(walkedEntry)) return nextOfSet();
  if (!nextMember()) return false;
  shownName = memberName;
  shownBytes = memberNameBytes;
  shownScore = memberScore;
  isNameMade = false;
  return true;
}

function nextOfSet(): bool {
  if (!nextUnscored()) return false;
  showText();
  shownName = memberAddress;
  shownBytes = memberBytes;
  shownScore = 1;
  isNameMade = memberIsNumber;
  return true;
}

/** The score that a source gives the member shown, in `sourceScore`; false when it does not have it. */
export function scoreIn(index: u32): bool {
  const entry = <usize>sourceAt(index).entry;
  if (entry == 0) return false;
  if (isSet(entry)) {
    sourceScore = 1;
    return hasMember(entry, shownName, shownBytes);
  }
  if (!findMember(entry, shownName, shownBytes)) return false;
  sourceScore = memberScore;
  return true;
}

export let sourceScore: f64 = 0;
