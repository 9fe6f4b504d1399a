// MULTI, EXEC, DISCARD, WATCH, UNWATCH. Queueing and executing are the dispatcher's, which sees every command; here is
// what begins and ends a transaction. EXEC answers an array and the replies of the queued commands after one another,
// nobody's commands between them: however much work they are, the call does not yield inside.

import { ConnectionMode } from "../connection-layout";
import { CommandFlag } from "../layout";
import { beginGroup } from "../effects/record";
import { admit } from "../keyspace/eviction";
import { database, findKey } from "../keyspace/keyspace";
import { addWatch, dropWatches } from "../keyspace/watch";
import { isBroken } from "../keyspace/watched-keys";
import { argumentAddress, argumentBytes, argumentCount } from "../protocol/arguments";
import { register, startGroup } from "../protocol/catalog";
import { hasMode, setMode, watcherOf } from "../protocol/connection";
import { addWork, connection, hashOfArgument } from "../protocol/dispatch";
import { replyArray, replyError, replyNoMemory, replyNullArray, replyOk } from "../protocol/reply";
import { discardTransaction } from "../protocol/transaction-queue";

function multi(): void {
  if (hasMode(connection, ConnectionMode.Queueing)) {
    replyError("ERR MULTI calls can not be nested");
    return;
  }
  setMode(connection, ConnectionMode.Queueing, true);
  replyOk();
}

/** Begins the array of replies; the dispatcher goes on with the queued commands. */
function exec(): void {
  if (!hasMode(connection, ConnectionMode.Queueing)) {
    replyError("ERR EXEC without MULTI");
    return;
  }
  const watcher = watcherOf(connection);
  addWork(watcher.count);
  if (hasMode(connection, ConnectionMode.Aborted)) {
    replyError("EXECABORT Transaction discarded because of previous errors.");
    discardTransaction(connection);
  } else if (isBroken(watcher)) {
    replyNullArray();
    discardTransaction(connection);
  } else {
    dropWatches(watcher);
    setMode(connection, ConnectionMode.Queueing, false);
    replyArray(connection.queueCount);
    setMode(connection, ConnectionMode.Executing, true);
    beginGroup();
  }
}

function discard(): void {
  if (!hasMode(connection, ConnectionMode.Queueing)) {
    replyError("ERR DISCARD without MULTI");
    return;
  }
  discardTransaction(connection);
  replyOk();
}

/** A key that has expired is removed first: what is watched then is that it is not there. */
function watch(): void {
  if (hasMode(connection, ConnectionMode.Queueing)) {
    replyError("ERR WATCH inside MULTI is not allowed");
    return;
  }
  const watcher = watcherOf(connection);
  for (let index: u32 = 1; index < argumentCount && !watcher.broken; index++) {
    const hash = hashOfArgument(index);
    const address = argumentAddress(index);
    const bytes = argumentBytes(index);
    if (!admit(1)) {
      replyNoMemory();
      return;
    }
    findKey(address, bytes, hash);
    addWatch(watcher, database, address, bytes, hash);
    addWork(1);
  }
  replyOk();
}

function unwatch(): void {
  dropWatches(watcherOf(connection));
  replyOk();
}

export function registerTransactions(): void {
  const fast = CommandFlag.Fast;
  const now = CommandFlag.Fast | CommandFlag.Immediate | CommandFlag.NoScript;
  const ends = CommandFlag.Immediate | CommandFlag.EndsGroup | CommandFlag.NoScript;
  startGroup("transactions");
  register("MULTI", 1, now, 0, 0, 0, multi, "1.2.0", "Begins a transaction: commands are queued until EXEC.");
  register("EXEC", 1, ends, 0, 0, 0, exec, "1.2.0", "Executes the queued commands, nobody's between them.");
  register("DISCARD", 1, now, 0, 0, 0, discard, "2.0.0", "Forgets the queued commands.");
  register("WATCH", -2, now, 1, -1, 1, watch, "2.2.0", "Lets EXEC fail when one of the keys changes before it.");
  register("UNWATCH", 1, fast | CommandFlag.NoScript, 0, 0, 0, unwatch, "2.2.0", "Forgets the watched keys.");
}
