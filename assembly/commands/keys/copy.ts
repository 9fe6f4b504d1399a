// COPY: a value under another key, the same database or another.

import { CommandFlag, PAGE_BITS, SLAB_CLASSES } from "../../layout";
import { argumentAddress, argumentBytes, argumentCount, argumentIs } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import {
  copyValue,
  entryAt,
  entryPages,
  isPaged,
  takeValuePages,
  TYPE_LIST,
  TYPE_STREAM,
  TYPE_SORTED_SET,
  TYPE_VECTOR_SET,
  typeOf,
  valueOf,
} from "../../memory/entry";
import { admit, cellShare } from "../../keyspace/eviction";
import { copyTable, fieldTable, giveTable, hasFieldTable } from "../../structures/field-table";
import { bytesToCopy, copyChain, emptyList, ListHead, listNodeAt } from "../../structures/list-chain";
import { chainOf, isChain } from "../lists/list-value";
import { copyMembers, membersOf } from "../../structures/sorted-set";
import { countMembers, giveLargeSet, isLarge, largeSet } from "../sorted-sets/sorted-set-value";
import { databaseArgument, NO_DATABASE } from "./databases";
import { createLike } from "./keys";
import { database, findKey, insertKey, pin, removeKey, selectDatabase, shardOf } from "../../keyspace/keyspace";
import { equalBytes } from "../../memory/memory";
import { recordArguments } from "../../protocol/recording";
import { replyError, replyInteger, replyNoMemory, replySyntaxError } from "../../protocol/reply";
import { slotEntry, Table } from "../../memory/table";
import { nextEntry, startWalk } from "../../memory/table-walk";
import { copyStream, pagesToCopy } from "../../structures/streams/copy";
import { streamOf } from "../streams/stream-key";

/** Copying 64 KiB, in units of work. */
const WORK_A_PAGE: u32 = 128;

let targetDatabase: u32 = 0;
let replaces: bool = false;

/** Options from argument 3 on; false after replying an error. */
function parseCopyOptions(): bool {
  targetDatabase = database;
  replaces = false;
  for (let index: u32 = 3; index < argumentCount; index++) {
    if (argumentIs(index, "REPLACE")) {
      replaces = true;
    } else if (argumentIs(index, "DB") && index + 1 < argumentCount) {
      targetDatabase = databaseArgument(++index);
      if (targetDatabase == NO_DATABASE) return false;
    } else {
      replySyntaxError();
      return false;
    }
  }
  return true;
}

function findIn(db: u32, index: u32): usize {
  const own = database;
  selectDatabase(db);
  const slot = findArgument(index);
  selectDatabase(own);
  return slot;
}

/** Nodes of a sorted set's order are of as many sizes, the set itself is of another. */
const NODE_CLASSES: u32 = 3;

/** Pages that a copy may take. */
function pagesOf(entry: usize): u32 {
  const own = entryPages(entryAt(entry).valueBytes);
  if (typeOf(entry) == TYPE_LIST && isChain(entry)) return own + chainPages(chainOf(entry));
  if (typeOf(entry) == TYPE_STREAM) return own + pagesToCopy(streamOf(entry));
  if (typeOf(entry) == TYPE_SORTED_SET && isLarge(entry)) {
    const set = largeSet(entry);
    return own + tablePages(membersOf(set)) + (set.nodeBytes >> PAGE_BITS) + NODE_CLASSES;
  }
  return hasFieldTable(entry) ? own + tablePages(fieldTable(entry)) : own;
}

function chainPages(list: ListHead): u32 {
  let bytes: u64 = 0;
  for (let node = <usize>list.first; node != 0; node = <usize>listNodeAt(node).next) bytes += bytesToCopy(node);
  // Each class may begin a page, and what a page cannot use of itself is less than an eighth.
  return min(list.nodes, SLAB_CLASSES) + <u32>((bytes + (bytes >> 2)) >> PAGE_BITS) + 1;
}

function tablePages(table: Table): u32 {
  let bytes: u64 = 0;
  let pages: u32 = 0;
  startWalk(table);
  for (let field = nextEntry(); field != 0; field = nextEntry()) {
    pages += entryPages(entryAt(field).valueBytes) - 1;
    bytes += cellShare(entryAt(field).keyBytes, entryAt(field).valueBytes);
  }
  // Each class may begin a page.
  return pages + min(table.count, SLAB_CLASSES) + <u32>(bytes >> PAGE_BITS) + 1;
}

/** Keys are never paged: the dispatcher refuses longer ones. */
function sameKeys(): bool {
  const bytes = argumentBytes(1);
  return bytes == argumentBytes(2) && equalBytes(argumentAddress(1), argumentAddress(2), bytes);
}

function copy(): void {
  if (!parseCopyOptions()) return;
  const source = findIn(database, 1);
  const hash = hashOfArgument(2);
  if (targetDatabase == database && sameKeys()) {
    replyError("ERR source and destination objects are the same");
    return;
  }
  if (source == 0 || (!replaces && findIn(targetDatabase, 2) != 0)) {
    replyInteger(0);
    return;
  }
  const entry = slotEntry(source);
  if (typeOf(entry) == TYPE_VECTOR_SET) {
    replyError("ERR a vector set cannot be copied");
    return;
  }
  pin(entry);
  const pages = pagesOf(entry);
  addWork(pages * WORK_A_PAGE);
  if (hasFieldTable(entry)) addWork(fieldTable(entry).count << 1);
  if (typeOf(entry) == TYPE_SORTED_SET) addWork(countMembers(entry) << 2);
  if (!admit(pages)) {
    replyNoMemory();
    return;
  }
  const other = copyEntry(entry);
  const own = database;
  selectDatabase(targetDatabase);
  const old = findKey(argumentAddress(2), argumentBytes(2), hash);
  if (old != 0) removeKey(shardOf(hash), old, hash);
  insertKey(other, hash);
  selectDatabase(own);
  recordArguments("COPY");
  replyInteger(1);
}

/** A copy of an entry under the key of argument 2. */
function copyEntry(entry: usize): usize {
  const other = createLike(entry, argumentAddress(2), argumentBytes(2));
  if (hasFieldTable(entry)) {
    giveTable(other);
    copyTable(fieldTable(other), fieldTable(entry));
    return other;
  }
  if (typeOf(entry) == TYPE_LIST && isChain(entry)) {
    copyChain(emptyList(valueOf(other)), chainOf(entry));
    return other;
  }
  if (typeOf(entry) == TYPE_STREAM) {
    store<u32>(valueOf(other), copyStream(streamOf(entry)));
    return other;
  }
  if (typeOf(entry) == TYPE_SORTED_SET && isLarge(entry)) {
    giveLargeSet(other);
    copyMembers(largeSet(other), largeSet(entry));
    return other;
  }
  if (isPaged(other)) takeValuePages(other, 0);
  copyValue(other, entry, entryAt(entry).valueBytes);
  return other;
}

export function registerCopy(): void {
  const flags = CommandFlag.Write | CommandFlag.DenyOom;
  register("COPY", -3, flags, 1, 2, 1, copy, "6.2.0", "Copies the value of a key to another key.");
}
