// What is done between two commands: the running connection's own mail, which comes behind the reply of the command that
// caused it, and commands that wait for keys that have changed, run again for their connections, the longest waiting
// first. What serving one changes may make other keys ready: they are served until none is.

import { ConnectionMode } from "../../connection-layout";
import {
  bytesOf,
  dropLetter,
  firstMessage,
  interrupt,
  Mailbox,
  mailboxAt,
  messageAt,
  setOwnMailbox,
} from "../../events/mailbox";
import { linkAt, nameAt, textOf } from "../../events/names";
import { anyReady, endServing as endServingKey, takeReady } from "../../events/waiting";
import { ARGUMENTS_BASE, PAGE_BITS, PAGE_BYTES } from "../../layout";
import { findKey, pin, selectDatabase } from "../../keyspace/keyspace";
import { typeOf } from "../../memory/entry";
import { pageAt } from "../../memory/memory";
import { slotEntry } from "../../memory/table";
import { setArguments } from "../arguments";
import { beginServing, endServing, replyNone, wake } from "./blocking";
import { Command } from "../catalog";
import { setRunning } from "../command-statistics";
import { runMarked } from "./command-notices";
import { Connection, connectionOf, hasMode, mailboxOf } from "../connection";
import { connection, setConnection, setFirstKey } from "../current";
import { hashFirstKey, slowFull } from "../perform";
import { beginReplies, endReplies, muteReplies, replyBytes, replyError, replyType, unmuteReplies } from "../reply";
import { queuedAt, recordsOf } from "../transaction-queue";
import { addWork } from "../work";

/** Work of serving one who waits, beside what its command does. */
const WORK_OF_SERVING: u32 = 4;

/** Sees to everything that is due between two commands of the running connection. */
export function attend(): void {
  interrupt(slowFull);
  deliverInto(mailboxOf(connection));
  if (!anyReady()) return;
  const own = connection;
  endReplies();
  while (anyReady()) serveKey(takeReady());
  setConnection(own);
  setOwnMailbox(changetype<usize>(mailboxOf(own)));
  beginReplies(own, true);
  selectDatabase(own.database);
  setArguments(ARGUMENTS_BASE, 0);
  interrupt(slowFull);
  deliverInto(mailboxOf(own));
}

/** The same when no connection's command runs. */
export function attendIdle(): void {
  interrupt(false);
  setOwnMailbox(0);
  while (anyReady()) serveKey(takeReady());
  setArguments(ARGUMENTS_BASE, 0);
}

/** Writes the letters of the connection whose replies are being written, each as a push. */
function deliverInto(box: Mailbox): void {
  while (box.firstLetter != 0) {
    const message = firstMessage(box);
    replyType(box.protocol == 3 ? 0x3e : 0x2a);
    const pages = messageAt(message).pages;
    const bytes = messageAt(message).bytes;
    if (pages == 0) replyBytes(bytesOf(message), bytes);
    else replyChain(pages, bytes);
    dropLetter(box);
  }
  if (box.isLost) connectionOf(box).overflowed = 1;
}

function replyChain(page: u32, bytes: u32): void {
  while (bytes != 0) {
    const piece = min(bytes, PAGE_BYTES - 1);
    replyBytes((<usize>page) << PAGE_BITS, piece);
    bytes -= piece;
    page = pageAt(page).next;
  }
}

/** Writes the letters of a connection between calls. */
export function deliver(to: Connection): void {
  const box = mailboxOf(to);
  if (box.firstLetter == 0 && !box.isLost) return;
  beginReplies(to);
  deliverInto(box);
  endReplies();
}

/** Runs the commands that wait for a key, in order of arrival, as long as the key holds what they wait for. */
function serveKey(address: usize): void {
  const name = nameAt(address);
  let left = name.links;
  let type = typeAt(address);
  for (let at: usize = name.first; at != 0 && left != 0; left--) {
    const link = linkAt(at);
    const box = mailboxAt(link.owner);
    at = link.next;
    if (type != <u32>box.waitType && !box.waitsForNone) continue;
    serve(connectionOf(box));
    type = typeAt(address);
  }
  endServingKey(address);
}

/** No type: there is no such key. */
const NO_TYPE: u32 = 255;

/** The type of what a waited key holds now. */
function typeAt(address: usize): u32 {
  const name = nameAt(address);
  selectDatabase(name.database);
  const slot = findKey(textOf(address), name.bytes, name.hash);
  return slot == 0 ? NO_TYPE : <u32>typeOf(slotEntry(slot));
}

/** Runs the command of one who waits, who is answered or goes on waiting. */
function serve(waiter: Connection): void {
  const box = mailboxOf(waiter);
  const queued = queuedAt(box.waitCommand);
  const command = changetype<Command>(<usize>queued.command);
  const records = recordsOf(queued);
  setConnection(waiter);
  setOwnMailbox(changetype<usize>(box));
  beginReplies(waiter, true);
  if (box.isMute) muteReplies();
  selectDatabase(waiter.database);
  setArguments(records, queued.count);
  setRunning(queued.command);
  setFirstKey(command, hashFirstKey(command, queued.count));
  beginServing();
  runMarked(command);
  pin(0);
  addWork(WORK_OF_SERVING);
  const waitsOn = endServing();
  if (box.isMute) unmuteReplies();
  setOwnMailbox(0);
  if (!waitsOn) wake(waiter);
  deliverInto(box);
  endReplies();
}

/** Ends a wait between calls: the time is over, or with `failing` somebody ended it. False when the connection does not wait. */
export function endWait(waiter: Connection, failing: bool): bool {
  if (!hasMode(waiter, ConnectionMode.Blocked)) return false;
  const box = mailboxOf(waiter);
  beginReplies(waiter);
  if (box.isMute) muteReplies();
  setRunning(queuedAt(box.waitCommand).command);
  if (failing) replyError("UNBLOCKED client unblocked via CLIENT UNBLOCK");
  else replyNone(box.waitNull);
  if (box.isMute) unmuteReplies();
  endReplies();
  wake(waiter);
  return true;
}
