// Who waits for which key: a queue for each key, in the order of arrival. A change of a key that somebody waits for marks
// it ready, which the dispatcher sees to behind the command (protocol/serving.ts): the commands that wait are run again, the
// longest waiting first. Unlike in Redis one that finds nothing again keeps its place.

import { countInterest } from "./interest";
import { events, interrupt, Mailbox } from "./mailbox";
import { addLink, dropLink, dropName, findHashed, findLink, getName, nameAt, oldestOf, WAITED_KEY } from "./names";

@inline
function waitsOf(box: Mailbox): usize {
  return changetype<usize>(box) + offsetof<Mailbox>("waits");
}

/** Lets a connection wait for a key; once is enough. False when memory has no room. */
export function addWait(box: Mailbox, database: u32, key: usize, bytes: u32, hash: u64): bool {
  const name = getName(WAITED_KEY, database, key, bytes, hash);
  if (name == 0) return false;
  if (findLink(name, changetype<usize>(box), waitsOf(box), 0) != 0) return true;
  if (!addLink(name, changetype<usize>(box), waitsOf(box))) {
    if (nameAt(name).links == 0) dropName(name);
    return false;
  }
  countInterest(1);
  return true;
}

/** The connection waits for nothing any more. */
export function dropWaits(box: Mailbox): void {
  while (box.waits != 0) {
    dropLink(box.waits);
    countInterest(-1);
  }
}

/** Marks a key ready if somebody waits for it. */
export function noteReady(database: u32, hash: u64): void {
  const name = findHashed(WAITED_KEY, database, hash);
  if (name != 0) markReady(name);
}

function markReady(address: usize): void {
  const name = nameAt(address);
  if (name.isReady) return;
  name.isReady = 1;
  name.nextReady = 0;
  if (events.readyLast == 0) events.readyFirst = <u32>address;
  else nameAt(events.readyLast).nextReady = <u32>address;
  events.readyLast = <u32>address;
  interrupt(true);
}

/** Marks all keys of a database ready that somebody waits for: others have taken their places. */
export function noteAllReady(database: u32): void {
  for (let at = oldestOf(WAITED_KEY); at != 0; at = nameAt(at).newer) {
    if (<u32>nameAt(at).database == database) markReady(at);
  }
}

/** Whether a key is ready. */
@inline
export function anyReady(): bool {
  return events.readyFirst != 0;
}

/** The key that has been ready longest, from now on another change marks it anew; `endServing` must follow. */
export function takeReady(): usize {
  const address = <usize>events.readyFirst;
  const name = nameAt(address);
  events.readyFirst = name.nextReady;
  if (name.nextReady == 0) events.readyLast = 0;
  name.isReady = 0;
  name.isServed = 1;
  return address;
}

/** Lets go of a key whose waiters have been looked at. */
export function endServing(address: usize): void {
  const name = nameAt(address);
  name.isServed = 0;
  if (name.links == 0 && !name.isReady) dropName(address);
}
