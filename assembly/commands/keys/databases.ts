// The 16 databases: choosing one, moving a key to another, and two that change places. Neither copies a value: an entry
// belongs to whichever table refers to it, and a database is 256 tables of 24 bytes.

import { CommandFlag, DATABASES, SCRATCH_BASE, SHARDS, SHARDS_BASE, TABLE_BYTES } from "../../layout";
import { admitReplacement } from "../../keyspace/eviction";
import { database, findKey, insertKey, pin, selectDatabase, shardOf, vacateSlot } from "../../keyspace/keyspace";
import { breakWatchesOfAll } from "../../keyspace/watched-keys";
import { counters, dirty } from "../../memory/memory";
import { distrustSlots } from "../../memory/slot-ahead";
import { slotEntry } from "../../memory/table";
import { argumentAddress, argumentBytes, argumentInteger, lastInteger } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { addWork, connection, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import { replyError, replyInteger, replyNoMemory, replyNotInteger, replyOk } from "../../protocol/reply";

export const NO_DATABASE: u32 = 0xffffffff;

/** The database that an argument numbers, or NO_DATABASE after replying why it is none. */
export function databaseArgument(index: u32): u32 {
  if (!argumentInteger(index)) {
    replyNotInteger();
  } else if (lastInteger() != <i64>(<i32>lastInteger())) {
    replyError("ERR value is out of range, value must between -2147483648 and 2147483647");
  } else if (<u64>lastInteger() >= DATABASES) {
    replyError("ERR DB index is out of range");
  } else {
    return <u32>lastInteger();
  }
  return NO_DATABASE;
}

function select(): void {
  const number = databaseArgument(1);
  if (number == NO_DATABASE) return;
  connection.database = <u8>number;
  selectDatabase(number);
  replyOk();
}

/** The entry changes tables and stays where it is. */
function move(): void {
  const target = databaseArgument(2);
  if (target == NO_DATABASE) return;
  if (target == database) {
    replyError("ERR source and destination objects are the same");
    return;
  }
  const own = database;
  const hash = hashOfArgument(1);
  const source = findArgument(1);
  if (source == 0 || isIn(target, hash)) {
    replyInteger(0);
    return;
  }
  const entry = slotEntry(source);
  pin(entry);
  if (!admitReplacement()) {
    replyNoMemory();
    return;
  }
  vacateSlot(shardOf(hash), findArgument(1), hash);
  selectDatabase(target);
  insertKey(entry, hash);
  selectDatabase(own);
  recordArguments("MOVE");
  replyInteger(1);
}

/** Whether the key of argument 1 is in a database. */
function isIn(db: u32, hash: u64): bool {
  const own = database;
  selectDatabase(db);
  const found = findKey(argumentAddress(1), argumentBytes(1), hash) != 0;
  selectDatabase(own);
  return found;
}

const DATABASE_BYTES: u32 = SHARDS * TABLE_BYTES;
const WORK_OF_SWAP: u32 = 32;

/** Reads a database number of SWAPDB; false after replying, in the words of this command, that it is none. */
function swapArgument(index: u32, invalid: string): bool {
  if (argumentInteger(index) && lastInteger() == <i64>(<i32>lastInteger())) return true;
  replyError(invalid);
  return false;
}

function swapDb(): void {
  if (!swapArgument(1, "ERR invalid first DB index")) return;
  const first = lastInteger();
  if (!swapArgument(2, "ERR invalid second DB index")) return;
  const second = lastInteger();
  if (<u64>first >= DATABASES || <u64>second >= DATABASES) {
    replyError("ERR DB index is out of range");
    return;
  }
  if (first != second) {
    swapTables(<u32>first, <u32>second);
    recordArguments("SWAPDB");
  }
  replyOk();
}

function swapTables(first: u32, second: u32): void {
  breakWatchesOfAll(first, second);
  breakWatchesOfAll(second, first);
  addWork(WORK_OF_SWAP);
  distrustSlots();
  const one = <usize>(SHARDS_BASE + first * DATABASE_BYTES);
  const other = <usize>(SHARDS_BASE + second * DATABASE_BYTES);
  dirty(one, DATABASE_BYTES);
  dirty(other, DATABASE_BYTES);
  memory.copy(SCRATCH_BASE, one, DATABASE_BYTES);
  memory.copy(one, other, DATABASE_BYTES);
  memory.copy(other, SCRATCH_BASE, DATABASE_BYTES);
  // Eviction looks anew which databases hold keys; until then queues look in both.
  counters.untilLook = 0;
  counters.inhabited |= (1 << first) | (1 << second);
}

export function registerDatabases(): void {
  const write = CommandFlag.Write | CommandFlag.Fast;
  startGroup("connection");
  register("SELECT", 2, CommandFlag.Fast, 0, 0, 0, select, "1.0.0", "Chooses the database of the connection, 0 to 15.");
  startGroup("server");
  register("SWAPDB", 3, write, 0, 0, 0, swapDb, "4.0.0", "Lets two databases change places.");
  startGroup("generic");
  register("MOVE", 3, write, 1, 1, 1, move, "1.0.0", "Moves a key to another database where it does not exist.");
}
