// Sorted set commands that look at members and count them, and ZREM.

import { CommandFlag } from "../../layout";
import { slotEntry } from "../../memory/table";
import { noteChange, removeKey, shardOf } from "../../keyspace/keyspace";
import { argumentCount, argumentIs } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { replyArity } from "../../protocol/command-error";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import {
  replyArray,
  replyDouble,
  replyInteger,
  replyNull,
  replyNullArray,
  replySyntaxError,
} from "../../protocol/reply";
import {
  findMemberArgument,
  findSortedSet,
  NOT_A_SORTED_SET,
  parseRange,
  placeRange,
  rangeEnd,
  rangeFirst,
  RangeKind,
  readSortedSet,
} from "./sorted-set-argument";
import { countMembers, memberScore, rankOfFound, removeFound } from "./sorted-set-value";

/** Finding and removing a member of a large set, in units of work. */
const WORK_A_REMOVAL: u32 = 4;

function zRem(): void {
  const slot = findSortedSet(1);
  if (slot == NOT_A_SORTED_SET) return;
  if (slot == 0) {
    replyInteger(0);
    return;
  }
  let removed = 0;
  for (let index: u32 = 2; index < argumentCount && countMembers(slotEntry(slot)) != 0; index++) {
    if (!findMemberArgument(slotEntry(slot), index)) continue;
    removeFound(slot);
    removed++;
  }
  addWork(removed * WORK_A_REMOVAL);
  if (removed != 0) {
    endRemoval(slot);
    recordArguments("ZREM");
  }
  replyInteger(removed);
}

/** Members of the sorted set of argument 1 were removed: with its last the key goes. */
export function endRemoval(slot: usize): void {
  const hash = hashOfArgument(1);
  if (countMembers(slotEntry(slot)) == 0) removeKey(shardOf(hash), slot, hash);
  else noteChange(hash);
}

function zScore(): void {
  const entry = readSortedSet(1);
  if (entry == NOT_A_SORTED_SET) return;
  if (entry != 0 && findMemberArgument(entry, 2)) replyDouble(memberScore);
  else replyNull();
}

function zMScore(): void {
  const entry = readSortedSet(1);
  if (entry == NOT_A_SORTED_SET) return;
  replyArray(argumentCount - 2);
  for (let index: u32 = 2; index < argumentCount; index++) {
    if (entry != 0 && findMemberArgument(entry, index)) replyDouble(memberScore);
    else replyNull();
  }
}

function zCard(): void {
  const entry = readSortedSet(1);
  if (entry != NOT_A_SORTED_SET) replyInteger(entry == 0 ? 0 : countMembers(entry));
}

function zCount(): void {
  countRange(RangeKind.Scores);
}

function zLexCount(): void {
  countRange(RangeKind.Members);
}

function countRange(kind: RangeKind): void {
  if (!parseRange(kind, 2, 3)) return;
  const entry = readSortedSet(1);
  if (entry == NOT_A_SORTED_SET) return;
  if (entry == 0) {
    replyInteger(0);
    return;
  }
  placeRange(entry, kind, false);
  replyInteger(rangeEnd - rangeFirst);
}

function zRank(): void {
  replyRank(false);
}

function zRevRank(): void {
  replyRank(true);
}

function replyRank(backwards: bool): void {
  if (argumentCount > 4) {
    replyArity();
    return;
  }
  const withScore = argumentCount == 4;
  if (withScore && !argumentIs(3, "WITHSCORE")) {
    replySyntaxError();
    return;
  }
  const entry = readSortedSet(1);
  if (entry == NOT_A_SORTED_SET) return;
  if (entry == 0 || !findMemberArgument(entry, 2)) {
    if (withScore) replyNullArray();
    else replyNull();
    return;
  }
  const rank = rankOfFound(entry);
  if (withScore) replyArray(2);
  replyInteger(backwards ? countMembers(entry) - 1 - rank : rank);
  if (withScore) replyDouble(memberScore);
}

export function registerSortedSets(): void {
  const read = CommandFlag.ReadOnly;
  const fast = CommandFlag.Fast;
  startGroup("sorted-set");
  register("ZREM", -3, CommandFlag.Write | fast, 1, 1, 1, zRem, "1.2.0", "Removes members, and the key with its last.");
  register("ZSCORE", 3, read | fast, 1, 1, 1, zScore, "1.2.0", "Answers the score of a member.");
  register("ZMSCORE", -3, read | fast, 1, 1, 1, zMScore, "6.2.0", "Answers the scores of several members.");
  register("ZCARD", 2, read | fast, 1, 1, 1, zCard, "1.2.0", "Counts the members of a sorted set.");
  register("ZCOUNT", 4, read | fast, 1, 1, 1, zCount, "2.0.0", "Counts the members in a range of scores.");
  register("ZLEXCOUNT", 4, read | fast, 1, 1, 1, zLexCount, "2.8.9", "Counts the members in a range of names.");
  register("ZRANK", -3, read | fast, 1, 1, 1, zRank, "2.0.0", "Answers how many members come before a member.");
  register("ZREVRANK", -3, read | fast, 1, 1, 1, zRevRank, "2.0.0", "Answers how many members come behind a member.");
}
