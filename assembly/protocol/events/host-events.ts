// What the host does with events, waits, notifications and tracking.

import { ConnectionMode, EventFlag, Notice, Tracking } from "../../connection-layout";
import { anyReady } from "../../events/waiting";
import { interrupted, mailboxAt, takeListed } from "../../events/mailbox";
import { markNoticed } from "./event-rules";
import { notices, setNotices as setNoticeClasses } from "../../events/notices";
import { addPrefix, setTrackedKeysMax, startTracking, stopTracking } from "../../events/tracking";
import { INPUT_BASE, REGISTERS_BASE, Result } from "../../layout";
import { connectionAt, connectionOf, hasMode, mailboxOf, setMode } from "../connection";
import { setPlainWrites } from "../plain-commands";
import { attendIdle, deliver, endWait as endWaitOf } from "./serving";

/**
 * Takes the connection that has had news longest, 0 for none, with what it was told in its replies. What kind of news stands in
 * Result.Event.
 */
export function nextEvent(): usize {
  const address = takeListed();
  if (address == 0) return 0;
  const box = mailboxAt(address);
  const connection = connectionOf(box);
  deliver(connection);
  let flags: u32 = EventFlag.Output;
  if (box.isAwake) flags |= EventFlag.Awake;
  if (connection.overflowed) flags |= EventFlag.Overflow;
  box.isAwake = 0;
  store<u32>(REGISTERS_BASE + (Result.Event << 2), flags);
  return changetype<usize>(connection);
}

/** Serves what waits for keys that changed when no command ran. */
export function serveIdle(): void {
  if (interrupted || anyReady()) attendIdle();
}

/** Ends the wait of a connection, with an error when somebody ended it; false when it does not wait. */
export function endWait(connection: usize, failing: bool): bool {
  return endWaitOf(connectionAt(connection), failing);
}

/** Sets the classes of keyspace notifications; false when memory has no room. */
export function setNotices(classes: u32): bool {
  const done = setNoticeClasses(classes);
  // What is told goes another way than plain SETs.
  setPlainWrites(notices() == 0);
  markNoticed(notices() != 0, (notices() & Notice.Miss) != 0);
  return done;
}

/** Begins to track what a connection reads, or ends it with flags of 0. `redirect`: the connection that is told, 0 for itself. */
export function setTracking(connection: usize, flags: u32, redirect: usize, id: u32): void {
  const record = connectionAt(connection);
  const box = mailboxOf(record);
  if (flags == 0) stopTracking(box);
  else startTracking(box, flags, redirect == 0 ? 0 : changetype<usize>(mailboxOf(connectionAt(redirect))), id);
  setMode(record, ConnectionMode.Tracking, flags != 0);
}

/** Tells the connection of changes of keys that begin with the bytes at INPUT_BASE; false when memory has no room. */
export function addTrackingPrefix(connection: usize, bytes: u32): bool {
  return addPrefix(mailboxOf(connectionAt(connection)), INPUT_BASE, bytes);
}

/** CLIENT CACHING: says something of the next command. */
export function setCaching(connection: usize): void {
  mailboxOf(connectionAt(connection)).tracking |= <u8>Tracking.Caching;
}

/** Bits of Tracking. */
export function trackingOf(connection: usize): u32 {
  return mailboxOf(connectionAt(connection)).tracking;
}

/** Sets how many keys may be tracked, 0 for any number. */
export function setTrackedMax(keys: u32): void {
  setTrackedKeysMax(keys);
}

/** Channels, patterns and shard channels of a connection. */
export function subscribedChannels(connection: usize): u32 {
  return mailboxOf(connectionAt(connection)).channels;
}

export function subscribedPatterns(connection: usize): u32 {
  return mailboxOf(connectionAt(connection)).patterns;
}

export function subscribedShardChannels(connection: usize): u32 {
  return mailboxOf(connectionAt(connection)).shardChannels;
}

/** Whether a connection's command waits for a key. */
export function isBlocked(connection: usize): bool {
  return hasMode(connectionAt(connection), ConnectionMode.Blocked);
}
