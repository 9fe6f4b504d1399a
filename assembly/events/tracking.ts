// Client-side caching: which connection has read which key, and telling it when the key changes. As in Redis a key is told
// once and then forgotten until it is read again, whatever database it is in; who is told by prefixes is told of each change at
// once, not of those of a while together. Connections that track stand in a list, so that emptying a database reaches them
// all. A connection that ends takes its keys out one by one: about 50 ns each.

import { Tracking } from "../connection-layout";
import { equalBytes } from "../memory/memory";
import { countInterest } from "./interest";
import {
  beginMessage,
  bulkBytes,
  endMessage,
  events,
  Mailbox,
  mailboxAt,
  ownMailbox,
  post,
  putBulk,
  putBulkWord,
  headerBytes,
  putHeader,
  putWord,
} from "./mailbox";
import {
  addLink,
  countOf,
  dropLink,
  dropName,
  findLink,
  findHashed,
  getName,
  hashName,
  linkAt,
  nameAt,
  oldestOf,
  PREFIX,
  textOf,
  TRACKED_KEY,
} from "./names";
import { subscriptionCount } from "./subscriptions";

const INVALIDATE = "invalidate";
const INVALIDATE_CHANNEL = "__redis__:invalidate";

/** Keys that are tracked at most; beyond them the oldest is told as if it had changed. */
let keysMax: u32 = 1000000;

export function setTrackedKeysMax(most: u32): void {
  keysMax = most == 0 ? 0xffffffff : most;
}

@inline
function trackedOf(box: Mailbox): usize {
  return changetype<usize>(box) + offsetof<Mailbox>("tracked");
}

@inline
function prefixesOf(box: Mailbox): usize {
  return changetype<usize>(box) + offsetof<Mailbox>("prefixes");
}

/** Begins to track, or goes on in another way; `redirect` is the mailbox that is told, 0 for its own, `id` what clients call it. */
export function startTracking(box: Mailbox, flags: u32, redirect: usize, id: u32): void {
  if (!box.tracking) {
    const address = <u32>changetype<usize>(box);
    box.nextTracker = events.trackers;
    box.previousTracker = 0;
    if (events.trackers != 0) mailboxAt(events.trackers).previousTracker = address;
    events.trackers = address;
  }
  redirectTo(box, redirect);
  box.redirectId = id;
  box.tracking = <u8>(flags | Tracking.On);
}

function redirectTo(box: Mailbox, redirect: usize): void {
  if (box.redirect != 0) mailboxAt(box.redirect).redirectors--;
  box.redirect = <u32>redirect;
  if (redirect != 0) mailboxAt(redirect).redirectors++;
}

/** Tells of changes of all keys with a prefix. False when memory has no room. */
export function addPrefix(box: Mailbox, address: usize, bytes: u32): bool {
  const name = getName(PREFIX, 0, address, bytes, hashName(address, bytes));
  if (name == 0) return false;
  if (findLink(name, changetype<usize>(box), prefixesOf(box), 0) != 0) return true;
  if (!addLink(name, changetype<usize>(box), prefixesOf(box))) {
    if (nameAt(name).links == 0) dropName(name);
    return false;
  }
  countInterest(1);
  return true;
}

export function stopTracking(box: Mailbox): void {
  if (!box.tracking) return;
  redirectTo(box, 0);
  if (box.previousTracker == 0) events.trackers = box.nextTracker;
  else mailboxAt(box.previousTracker).nextTracker = box.nextTracker;
  if (box.nextTracker != 0) mailboxAt(box.nextTracker).previousTracker = box.previousTracker;
  box.tracking = 0;
  while (box.tracked != 0) forget(box.tracked);
  while (box.prefixes != 0) forget(box.prefixes);
}

function forget(link: usize): void {
  dropLink(link);
  countInterest(-1);
}

/** A connection ends that others may tell instead of themselves: they learn it with the next change. */
export function breakRedirections(box: Mailbox): void {
  for (let at = events.trackers; at != 0 && box.redirectors != 0; at = mailboxAt(at).nextTracker) {
    const tracker = mailboxAt(at);
    if (<usize>tracker.redirect != changetype<usize>(box)) continue;
    redirectTo(tracker, 0);
    tracker.tracking |= <u8>Tracking.Broken;
  }
}

/** Whether what a connection reads now is tracked; CLIENT CACHING holds for one command. */
export function tracksReads(box: Mailbox): bool {
  const flags = <u32>box.tracking;
  if ((flags & Tracking.On) == 0 || (flags & Tracking.Broadcast) != 0) return false;
  const caching = (flags & Tracking.Caching) != 0;
  if (flags & Tracking.OptIn) return caching;
  return (flags & Tracking.OptOut) == 0 || !caching;
}

/** Notes that a connection has read a key; without memory the key is not tracked, and told at once. */
export function trackKey(box: Mailbox, key: usize, bytes: u32): void {
  const name = getName(TRACKED_KEY, 0, key, bytes, hashName(key, bytes));
  if (name != 0) {
    if (findLink(name, changetype<usize>(box), trackedOf(box), 0xffffffff) != 0) return;
    if (addLink(name, changetype<usize>(box), trackedOf(box))) {
      countInterest(1);
      if (countOf(TRACKED_KEY) > keysMax) tellAll(oldestOf(TRACKED_KEY), false);
      return;
    }
    if (nameAt(name).links == 0) dropName(name);
  }
  tell(box, key, bytes);
}

/** The key with this hash has changed: tells those who track it. `hashName` hashes as keys are. */
export function invalidateHashed(hash: u64): void {
  const name = findHashed(TRACKED_KEY, 0, hash);
  if (name != 0) tellAll(name, true);
}

/** Whether a change must be told by the name of its key. */
@inline
export function anyTracker(): bool {
  return events.trackers != 0;
}

/** Tells all who track a key, and forgets it. */
function tellAll(address: usize, changed: bool): void {
  const name = nameAt(address);
  while (true) {
    const link: usize = name.first;
    const box = mailboxAt(linkAt(link).owner);
    if (!changed || !isOwnLoop(box)) tell(box, textOf(address), name.bytes);
    const isLast = name.links == 1;
    forget(link);
    if (isLast) return;
  }
}

@inline
function isOwnLoop(box: Mailbox): bool {
  return (box.tracking & <u8>Tracking.NoLoop) != 0 && changetype<usize>(box) == ownMailbox();
}

/** A key has changed: tells those who are told of its prefixes. */
export function invalidatePrefixes(key: usize, bytes: u32): void {
  for (let at = oldestOf(PREFIX); at != 0; at = nameAt(at).newer) {
    const prefix = nameAt(at);
    if (prefix.bytes > bytes || !equalBytes(textOf(at), key, prefix.bytes)) continue;
    for (let link: usize = prefix.first; link != 0; link = linkAt(link).next) {
      const box = mailboxAt(linkAt(link).owner);
      if (!isOwnLoop(box)) tell(box, key, bytes);
    }
  }
}

/** Tells everybody who tracks anything that all keys are gone, and forgets what is tracked. */
export function invalidateAll(): void {
  for (let at = events.trackers; at != 0; at = mailboxAt(at).nextTracker) {
    const box = mailboxAt(at);
    tell(box, 0, 0);
    while (box.tracked != 0) forget(box.tracked);
  }
}

/** Tells one of a key, of address 0 for all keys: as a push in RESP3, as a message of a channel in RESP2. */
function tell(box: Mailbox, key: usize, bytes: u32): void {
  let to = box;
  if (box.redirect != 0) to = mailboxAt(box.redirect);
  else if (box.tracking & <u8>Tracking.Broken) {
    tellBroken(box);
    return;
  }
  const keys: u32 = key == 0 ? 3 : 4 + bulkBytes(bytes);
  if (to.protocol == 3) {
    beginMessage(3 + bulkBytes(INVALIDATE.length) + keys);
    putWord("2\r\n");
    putBulkWord(INVALIDATE);
  } else if (box.redirect != 0 && subscriptionCount(to) != 0) {
    beginMessage(3 + bulkBytes(7) + bulkBytes(INVALIDATE_CHANNEL.length) + (key == 0 ? 5 : keys));
    putWord("3\r\n");
    putBulkWord("message");
    putBulkWord(INVALIDATE_CHANNEL);
  } else {
    return;
  }
  if (key == 0) {
    putWord(to.protocol == 3 ? "_\r\n" : "*-1\r\n");
  } else {
    putHeader(0x2a, 1);
    putBulk(key, bytes);
  }
  post(to);
  endMessage();
}

/** Tells one that nobody hears of its keys any more. */
function tellBroken(box: Mailbox): void {
  if (box.protocol != 3) return;
  const word = "tracking-redir-broken";
  beginMessage(3 + bulkBytes(word.length) + headerBytes(box.redirectId));
  putWord("2\r\n");
  putBulkWord(word);
  putHeader(0x3a, box.redirectId);
  post(box);
  endMessage();
}
