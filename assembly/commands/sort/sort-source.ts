// The elements that SORT takes, of every type that has some, as items.

import { isPaged, TYPE_LIST, TYPE_SET, typeOf, valueOf } from "../../memory/entry";
import { element, elementBytes, elementEntry } from "../../structures/list-chain";
import { walkOn } from "../../structures/list-walk";
import { INTEGER_TEXT_BYTES } from "../../text/number";
import { listLength, showListElement } from "../lists/list-value";
import {
  countMembers,
  memberAddress,
  memberBytes,
  memberIsNumber,
  nextMember,
  PACKED_BYTES_MAX,
  showText,
  startMembers,
} from "../sets/set-value";
import { addItem, addText, PAGED, TEXTS_BYTES } from "./sort-items";

/** Whether a value has elements to sort. */
export function isSortable(entry: usize): bool {
  return typeOf(entry) == TYPE_LIST || typeOf(entry) == TYPE_SET;
}

/** How many elements a value has that is sortable. */
export function lengthOf(entry: usize): u32 {
  return typeOf(entry) == TYPE_LIST ? listLength(entry) : countMembers(entry);
}

// The narrowest numbers have 2 bytes.
if ((PACKED_BYTES_MAX >> 1) * INTEGER_TEXT_BYTES > TEXTS_BYTES)
  ERROR("the numbers of a packed set must fit scratch memory as texts");

/** Adds an item for each element; those of a list in their order, or backwards. */
export function collectElements(entry: usize, backwards: bool): void {
  if (typeOf(entry) == TYPE_LIST) collectList(entry, backwards);
  else collectSet(entry);
}

function collectList(entry: usize, backwards: bool): void {
  showListElement(entry, backwards ? listLength(entry) - 1 : 0);
  do {
    if (elementEntry == 0) addItem(element, elementBytes);
    else addItem(valueOf(elementEntry), isPaged(elementEntry) ? elementBytes | PAGED : elementBytes);
  } while (walkOn(!backwards));
}

function collectSet(entry: usize): void {
  startMembers(entry);
  while (nextMember()) {
    const isNumber = memberIsNumber;
    showText();
    if (isNumber) addText(memberAddress, memberBytes);
    else addItem(memberAddress, memberBytes);
  }
}
