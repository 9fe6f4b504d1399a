// The elements that SORT takes, of every type that has some, as items.

import { isPaged, TYPE_LIST, typeOf, valueOf } from "../../memory/entry";
import { element, elementBytes, elementEntry } from "../../structures/list-chain";
import { walkOn } from "../../structures/list-walk";
import { listLength, showListElement } from "../lists/list-value";
import { addItem, PAGED } from "./sort-items";

/** Whether a value has elements to sort. */
export function isSortable(entry: usize): bool {
  return typeOf(entry) == TYPE_LIST;
}

export function lengthOf(entry: usize): u32 {
  return listLength(entry);
}

/** Bytes of elements that are no texts in memory and become such. */
export function textBytesOf(_entry: usize): u64 {
  return 0;
}

/** Adds an item for each element, in their order or backwards. */
export function collectElements(entry: usize, backwards: bool): void {
  const length = listLength(entry);
  showListElement(entry, backwards ? length - 1 : 0);
  do {
    if (elementEntry == 0) addItem(element, elementBytes);
    else addItem(valueOf(elementEntry), isPaged(elementEntry) ? elementBytes | PAGED : elementBytes);
  } while (walkOn(!backwards));
}
