// Sorted set commands that wait until there is a member. Each first tries what its plain sibling does; what it then did is
// recorded as that sibling would.

import { CommandFlag } from "../../layout";
import { TYPE_SORTED_SET } from "../../memory/entry";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { replyOverlong } from "../../protocol/command-error";
import { NULL_ARRAY, readTimeout, waitForKeys } from "../../protocol/events/blocking";
import { recordPop } from "../../protocol/recording";
import { replyArray, replyBulk } from "../../protocol/reply";
import { findSortedSet, NOT_A_SORTED_SET } from "./sorted-set-argument";
import { popMembers, zMPopFrom } from "./sorted-set-removal";

/** Pops from the first of the keys that is a sorted set, or waits for one. */
function popOrWait(fromEnd: bool): void {
  const keys = argumentCount - 2;
  if (!readTimeout(argumentCount - 1)) return;
  for (let index: u32 = 1; index <= keys; index++) {
    if (!isArgumentPaged(index)) continue;
    replyOverlong("key");
    return;
  }
  for (let index: u32 = 1; index <= keys; index++) {
    const slot = findSortedSet(index);
    if (slot == NOT_A_SORTED_SET) return;
    if (slot == 0) continue;
    replyArray(3);
    replyBulk(argumentAddress(index), argumentBytes(index));
    popMembers(slot, index, fromEnd, 1, false, false);
    recordPop(fromEnd ? "ZPOPMAX" : "ZPOPMIN", index, 1);
    return;
  }
  waitForKeys(1, keys, TYPE_SORTED_SET, NULL_ARRAY);
}

function bzPopMin(): void {
  popOrWait(false);
}

function bzPopMax(): void {
  popOrWait(true);
}

function bzMPop(): void {
  if (!readTimeout(1)) return;
  const keys = zMPopFrom(2);
  if (keys != 0) waitForKeys(3, keys, TYPE_SORTED_SET, NULL_ARRAY);
}

export function registerSortedSetBlocking(): void {
  const take = CommandFlag.Write | CommandFlag.Blocking;
  const fast = take | CommandFlag.Fast;
  register("BZPOPMIN", -3, fast, 1, -2, 1, bzPopMin, "5.0.0", "Removes the member with the lowest score, or waits.");
  register("BZPOPMAX", -3, fast, 1, -2, 1, bzPopMax, "5.0.0", "Removes the member with the highest score, or waits.");
  register(
    "BZMPOP",
    -5,
    take,
    0,
    0,
    0,
    bzMPop,
    "7.0.0",
    "Removes members of the first of several sorted sets that has any, or waits.",
  );
}
