// The large form of hashes and sets: a memory/table.ts table of entries, the fields of the one, with values, and the
// members of the other, without. An entry of it carries the table's address where a key carries its access bits, so that
// it can be moved although nothing points back; the table itself never moves.

import { TABLE_BYTES, ZONE_FIELD, ZONE_OBJECT } from "../layout";
import {
  copyValue,
  createEntry,
  ENCODING_TABLE,
  entryAt,
  isPaged,
  keyOf,
  takeValuePages,
  TYPE_HASH,
  TYPE_SET,
  TYPE_STRING,
  valueOf,
} from "../memory/entry";
import { hashBytes } from "../memory/hash";
import { allocate, state } from "../memory/memory";
import { Table, tableAt } from "../memory/table";
import { insert } from "../memory/table-grow";
import { nextEntry, startWalk } from "../memory/table-walk";

/** Value of an entry that has a table: the table's address. */
export const TABLE_ADDRESS_BYTES: u32 = 4;

/** Whether the value of an entry is a table of fields or members. */
@inline
export function hasFieldTable(entry: usize): bool {
  const type = entryAt(entry).type;
  return type == (TYPE_HASH | ENCODING_TABLE) || type == (TYPE_SET | ENCODING_TABLE);
}

/** The table of an entry that has one. */
@inline
export function fieldTable(entry: usize): Table {
  return tableAt(load<u32>(valueOf(entry)));
}

/** Gives an entry an empty table. */
export function giveTable(entry: usize): void {
  const table = allocate(ZONE_OBJECT, TABLE_BYTES);
  memory.fill(table, 0, TABLE_BYTES);
  store<u32>(valueOf(entry), <u32>table);
}

/** Makes an entry of a table, with a value of undefined content; the caller inserts it. */
export function createField(table: Table, field: usize, bytes: u32, valueBytes: u32): usize {
  const entry = createEntry(ZONE_FIELD, field, bytes, TYPE_STRING, valueBytes, false);
  entryAt(entry).access = <u32>changetype<usize>(table);
  return entry;
}

/** Copies all entries of one table to another, empty one. */
export function copyTable(to: Table, from: Table): void {
  to.longest = from.longest;
  startWalk(from);
  for (let entry = nextEntry(); entry != 0; entry = nextEntry()) {
    const bytes = entryAt(entry).valueBytes;
    const copy = createField(to, keyOf(entry), entryAt(entry).keyBytes, bytes);
    if (isPaged(copy)) takeValuePages(copy, 0);
    copyValue(copy, entry, bytes);
    insert(to, copy, hashBytes(keyOf(entry), entryAt(entry).keyBytes, state.seed), false);
  }
}
