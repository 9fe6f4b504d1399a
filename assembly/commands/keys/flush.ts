// Emptying a database, or all of them: in constant time, and the memory comes back piece by piece.

import { anyTracker, invalidateAll } from "../../events/tracking";
import { buryAllDatabases, buryDatabase } from "../../keyspace/graveyard";
import { countAllKeys, countKeys, database } from "../../keyspace/keyspace";
import { breakWatchesOfAll } from "../../keyspace/watched-keys";
import { CommandFlag, DATABASES } from "../../layout";
import { argumentCount, argumentIs } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork } from "../../protocol/dispatch";
import { recordName } from "../../protocol/recording";
import { replyOk, replySyntaxError } from "../../protocol/reply";

/** Both take SYNC or ASYNC, which makes no difference. */
function flushOptions(): bool {
  if (argumentCount == 1) return true;
  if (argumentCount == 2 && (argumentIs(1, "SYNC") || argumentIs(1, "ASYNC"))) return true;
  replySyntaxError();
  return false;
}

/** All shards of all databases are written, whatever they hold. */
const WORK_OF_FLUSH: u32 = 512;

function flushDb(): void {
  if (!flushOptions()) return;
  breakWatchesOfAll(database, database);
  if (anyTracker()) invalidateAll();
  const empties = countKeys(database) != 0;
  buryDatabase(database);
  if (empties) recordName("FLUSHDB");
  replyOk();
}

function flushAll(): void {
  if (!flushOptions()) return;
  addWork(WORK_OF_FLUSH);
  for (let db: u32 = 0; db < DATABASES; db++) breakWatchesOfAll(db, db);
  if (anyTracker()) invalidateAll();
  const empties = countAllKeys() != 0;
  buryAllDatabases();
  if (empties) recordName("FLUSHALL");
  replyOk();
}

/** Registers both, in the group that was begun. */
export function registerFlush(): void {
  const write = CommandFlag.Write;
  register("FLUSHDB", -1, write, 0, 0, 0, flushDb, "1.0.0", "Removes all keys of the database.");
  register("FLUSHALL", -1, write, 0, 0, 0, flushAll, "1.0.0", "Removes all keys of all databases.");
}
