// List commands that wait until there is an element. Each first tries what its plain sibling does; what it then did is recorded
// as that sibling would.

import { CommandFlag } from "../../layout";
import { TYPE_LIST } from "../../memory/entry";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { replyOverlong } from "../../protocol/command-error";
import { findArgument, hashOfArgument } from "../../protocol/dispatch";
import { NULL_ARRAY, NULL_VALUE, readTimeout, waitForKeys } from "../../protocol/events/blocking";
import { recordLeading, recordPop } from "../../protocol/recording";
import { replyArray, replyBulk } from "../../protocol/reply";
import { findList, NOT_A_LIST } from "./list-access";
import { endArgument, LEFT, lMPopFrom, moveElement, popOne } from "./list-ends";

function hasOverlong(first: u32, count: u32): bool {
  for (let index = first; index < first + count; index++) {
    if (!isArgumentPaged(index)) continue;
    replyOverlong("key");
    return true;
  }
  return false;
}

/** Pops from the first of the keys that is a list, or waits for one. */
function popOrWait(atHead: bool): void {
  const keys = argumentCount - 2;
  if (!readTimeout(argumentCount - 1) || hasOverlong(1, keys)) return;
  for (let index: u32 = 1; index <= keys; index++) {
    const slot = findList(index);
    if (slot == NOT_A_LIST) return;
    if (slot == 0) continue;
    replyArray(2);
    replyBulk(argumentAddress(index), argumentBytes(index));
    popOne(slot, hashOfArgument(index), atHead);
    recordPop(atHead ? "LPOP" : "RPOP", index, 1);
    return;
  }
  waitForKeys(1, keys, TYPE_LIST, NULL_ARRAY);
}

function blPop(): void {
  popOrWait(true);
}

function brPop(): void {
  popOrWait(false);
}

/** Moves an element, or waits for one in the list of argument 1. */
function moveOrWait(fromHead: bool, toHead: bool, name: string, recorded: u32): void {
  if (findArgument(1) == 0) waitForKeys(1, 1, TYPE_LIST, NULL_VALUE);
  else if (moveElement(fromHead, toHead)) recordLeading(name, recorded);
}

function blMove(): void {
  const from = endArgument(3);
  if (from == 0) return;
  const to = endArgument(4);
  if (to != 0 && readTimeout(5)) moveOrWait(from == LEFT, to == LEFT, "LMOVE", 5);
}

function brPopLPush(): void {
  if (readTimeout(3)) moveOrWait(false, true, "RPOPLPUSH", 3);
}

function blMPop(): void {
  if (!readTimeout(1)) return;
  const keys = lMPopFrom(2);
  if (keys != 0) waitForKeys(3, keys, TYPE_LIST, NULL_ARRAY);
}

export function registerListBlocking(): void {
  const take = CommandFlag.Write | CommandFlag.Blocking;
  const move = CommandFlag.Write | CommandFlag.DenyOom | CommandFlag.Blocking;
  startGroup("list");
  register(
    "BLPOP",
    -3,
    take,
    1,
    -2,
    1,
    blPop,
    "2.0.0",
    "Removes the first element of the first list there is, or waits.",
  );
  register(
    "BRPOP",
    -3,
    take,
    1,
    -2,
    1,
    brPop,
    "2.0.0",
    "Removes the last element of the first list there is, or waits.",
  );
  register("BLMOVE", 6, move, 1, 2, 1, blMove, "6.2.0", "Moves an element from an end of a list to another, or waits.");
  register(
    "BRPOPLPUSH",
    4,
    move,
    1,
    2,
    1,
    brPopLPush,
    "2.2.0",
    "Moves the last element of a list to the front of another, or waits.",
  );
  register(
    "BLMPOP",
    -5,
    take,
    0,
    0,
    0,
    blMPop,
    "7.0.0",
    "Removes elements from the first list that there is, or waits for one.",
  );
}
