// The result of an intersection, a union or a difference, gone through member by member: an intersection through its smallest
// set, a difference through its first, a union through one after another, and each member is asked for in the others. It is
// never made as a whole, so that a reply takes no memory.

import { SCRATCH_BASE } from "../../layout";
import { isArgumentPaged } from "../../protocol/arguments";
import { replyOverlong } from "../../protocol/command-error";
import { addWork, findArgument } from "../../protocol/dispatch";
import { slotEntry } from "../../memory/table";
import { countMembers, hasShownMember, longestMember, nextMember, startMembers } from "./set-value";
import { NOT_A_SET, readSet } from "./sets";

/** What is made of the sets. */
export const enum Kind {
  Intersection,
  Union,
  Difference,
}

/** Addresses of the sets, 0 for one that is not there. */
const SETS_BASE: usize = SCRATCH_BASE;

let kind: Kind = Kind.Union;
/** Sets noted. */
export let setCount: u32 = 0;
/** The set that is gone through. */
let walked: u32 = 0;

@inline
export function setAt(index: u32): usize {
  return <usize>load<u32>(SETS_BASE + (index << 2));
}

/** Notes the sets of `count` arguments from `first` on; false after replying that a key holds something else. */
export function readSets(wanted: Kind, first: u32, count: u32): bool {
  kind = wanted;
  setCount = count;
  for (let index: u32 = 0; index < count; index++) {
    if (isArgumentPaged(first + index)) {
      replyOverlong("key");
      return false;
    }
    const entry = readSet(first + index);
    if (entry == NOT_A_SET) return false;
    store<u32>(SETS_BASE + (index << 2), <u32>entry);
  }
  return true;
}

/** Finds the sets anew, after making room for their result may have moved or evicted them. */
export function findSets(first: u32): void {
  for (let index: u32 = 0; index < setCount; index++) {
    const slot = findArgument(first + index);
    store<u32>(SETS_BASE + (index << 2), slot == 0 ? 0 : <u32>slotEntry(slot));
  }
}

// ---- going through a result

/** Begins a result; an intersection with a set that is not there, and a difference from one, have no members. */
export function startResult(): void {
  walked = kind == Kind.Intersection ? smallestSet() : 0;
  addWork(workOfResult() >> 1);
  startMembers(setAt(walked));
}

function smallestSet(): u32 {
  let smallest: u32 = 0;
  for (let index: u32 = 0; index < setCount; index++) {
    if (setAt(index) == 0) return index;
    if (countMembers(setAt(index)) < countMembers(setAt(smallest))) smallest = index;
  }
  return smallest;
}

/** Members of the result at most, and the most bytes of one: for making room. */
export function boundResult(): u32 {
  let members: u64 = 0;
  longestOfResult = 0;
  walked = kind == Kind.Intersection ? smallestSet() : 0;
  for (let index: u32 = 0; index < setCount; index++) {
    if ((kind != Kind.Union && index != walked) || setAt(index) == 0) continue;
    members += countMembers(setAt(index));
    longestOfResult = max(longestOfResult, longestMember(setAt(index)));
  }
  return <u32>min<u64>(members, u32.MAX_VALUE);
}

export let longestOfResult: u32 = 0;

/** Members that are looked at, times the sets in which they are. */
function workOfResult(): u32 {
  let work: u64 = 0;
  for (let index: u32 = 0; index < setCount; index++) {
    if (kind != Kind.Union && index != walked) continue;
    const size = setAt(index) == 0 ? 0 : countMembers(setAt(index));
    work += <u64>size * (kind == Kind.Union ? index + 1 : setCount);
  }
  return <u32>min<u64>(work, 1 << 24);
}

/** Shows the next member; false after the last. Of a union each is shown once, or as often as a set has it. */
export function nextOfResult(once: bool): bool {
  while (true) {
    if (nextMember()) {
      if ((kind == Kind.Union && !once) || isInResult()) return true;
    } else {
      if (kind != Kind.Union || ++walked == setCount) return false;
      startMembers(setAt(walked));
    }
  }
}

function isInResult(): bool {
  if (kind == Kind.Intersection) {
    for (let index: u32 = 0; index < setCount; index++) {
      if (index != walked && !hasShownMember(setAt(index))) return false;
    }
    return true;
  }
  // Of a union what no set before has, of a difference what no set after has.
  const first: u32 = kind == Kind.Union ? 0 : 1;
  const end = kind == Kind.Union ? walked : setCount;
  for (let index = first; index < end; index++) {
    if (setAt(index) != 0 && hasShownMember(setAt(index))) return false;
  }
  return true;
}
