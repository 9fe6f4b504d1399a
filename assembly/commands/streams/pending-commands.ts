// XACK and XPENDING: what consumers were given and have not acknowledged.

import { CommandFlag } from "../../layout";
import { clock } from "../../keyspace/keyspace";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import {
  replyArray,
  replyBulk,
  replyInteger,
  replyIntegerBulk,
  replyNotInteger,
  replyNull,
  replyNullArray,
  replySyntaxError,
} from "../../protocol/reply";
import {
  IdTree,
  isBefore,
  seekFrom,
  seekLast,
  seekNext,
  soughtAddress,
  soughtMs,
  soughtSeq,
} from "../../structures/id-tree";
import { firstNamed, namedCell, nameOf, nextNamed } from "../../structures/name-tree";
import {
  consumerAt,
  findPending,
  Group,
  pendingAt,
  pendingOfConsumer,
  pendingOfGroup,
  removePending,
} from "../../structures/streams/group";
import { idMs, idSeq, parseEnd, parseId, parseStart, replyId } from "./stream-id";
import {
  consumerNamed,
  findStream,
  groupNamed,
  isThere,
  NO_CONSUMER,
  NO_GROUP,
  readStream,
  REFUSED,
  replyNoGroup,
} from "./stream-key";

function xAck(): void {
  const stream = findStream(1);
  if (stream == REFUSED) return;
  const group = isThere(stream) ? groupNamed(stream, 2) : NO_GROUP;
  if (group == NO_GROUP) {
    replyInteger(0);
    return;
  }
  // All or nothing: a wrong id is told before anything is acknowledged.
  for (let index: u32 = 3; index < argumentCount; index++) if (!parseId(index)) return;
  addWork(argumentCount);
  let acknowledged = 0;
  for (let index: u32 = 3; index < argumentCount; index++) {
    parseId(index);
    const address = findPending(group, idMs, idSeq);
    if (address == 0) continue;
    removePending(group, idMs, idSeq, address);
    acknowledged++;
  }
  if (acknowledged != 0) recordArguments("XACK");
  replyInteger(acknowledged);
}

// What of XPENDING's range is wanted.
let wanted: u64 = 0;
let leastIdle: i64 = 0;
let consumerArgument: u32 = 0;
let startMs: u64 = 0;
let startSeq: u64 = 0;
let endMs: u64 = 0;
let endSeq: u64 = 0;

function xPending(): void {
  if (argumentCount != 3 && (argumentCount < 6 || argumentCount > 9)) {
    replySyntaxError();
    return;
  }
  if (argumentCount != 3 && !parsePendingRange()) return;
  const stream = readStream(1);
  if (stream == REFUSED) return;
  const group = isThere(stream) ? groupNamed(stream, 2) : NO_GROUP;
  if (group == NO_GROUP) {
    replyNoGroup(1, 2, "'");
    return;
  }
  if (argumentCount == 3) {
    replySummary(group);
    return;
  }
  if (consumerArgument == 0) {
    replyPending(pendingOfGroup(group));
    return;
  }
  const consumer = consumerNamed(group, consumerArgument);
  if (consumer == NO_CONSUMER) replyArray(0);
  else replyPending(pendingOfConsumer(consumer));
}

/** Parses `[IDLE ms] start end count [consumer]`; false after replying an error. */
function parsePendingRange(): bool {
  let first: u32 = 3;
  leastIdle = 0;
  if (argumentIs(3, "IDLE")) {
    if (!argumentInteger(4)) {
      replyNotInteger();
      return false;
    }
    leastIdle = lastInteger();
    if (argumentCount < 8) {
      replySyntaxError();
      return false;
    }
    first = 5;
  }
  if (!argumentInteger(first + 2)) {
    replyNotInteger();
    return false;
  }
  wanted = max<i64>(lastInteger(), 0);
  if (!parseStart(first)) return false;
  startMs = idMs;
  startSeq = idSeq;
  if (!parseEnd(first + 1)) return false;
  endMs = idMs;
  endSeq = idSeq;
  consumerArgument = first + 3 < argumentCount ? first + 3 : 0;
  return true;
}

/** How many are pending, the first and the last, and how many of each consumer. */
function replySummary(group: Group): void {
  const pending = pendingOfGroup(group);
  replyArray(4);
  replyInteger(pending.count);
  if (!seekFrom(pending, 0, 0)) {
    replyNull();
    replyNull();
    replyNullArray();
    return;
  }
  replyId(soughtMs, soughtSeq);
  seekLast(pending);
  replyId(soughtMs, soughtSeq);
  let busy: u32 = 0;
  for (let at = firstNamed(group.consumers); at != 0; at = nextNamed(group.consumers, at)) {
    if (consumerAt(at).pendingCount != 0) busy++;
  }
  addWork(group.consumerCount >> 1);
  replyArray(busy);
  for (let at = firstNamed(group.consumers); at != 0; at = nextNamed(group.consumers, at)) {
    if (consumerAt(at).pendingCount == 0) continue;
    replyArray(2);
    replyBulk(nameOf(at), namedCell(at).nameBytes);
    replyIntegerBulk(consumerAt(at).pendingCount);
  }
}

/** True when what the tree was searched to is not beyond the end. */
function isInRange(): bool {
  return !isBefore(endMs, endSeq, soughtMs, soughtSeq);
}

@inline
function isIdle(): bool {
  return leastIdle == 0 || clock - pendingAt(soughtAddress).delivered >= leastIdle;
}

function replyPending(tree: IdTree): void {
  let count: u64 = 0;
  let seen: u32 = 0;
  for (let more = seekFrom(tree, startMs, startSeq); more && count < wanted && isInRange(); more = seekNext(tree)) {
    if (isIdle()) count++;
    seen++;
  }
  addWork(seen >> 2);
  replyArray(<u32>count);
  for (let more = seekFrom(tree, startMs, startSeq); more && count > 0 && isInRange(); more = seekNext(tree)) {
    if (!isIdle()) continue;
    count--;
    const pending = pendingAt(soughtAddress);
    replyArray(4);
    replyId(soughtMs, soughtSeq);
    replyBulk(nameOf(pending.consumer), namedCell(pending.consumer).nameBytes);
    replyInteger(max<i64>(clock - pending.delivered, 0));
    replyInteger(pending.deliveries);
  }
}

export function registerPending(): void {
  const fast = CommandFlag.Write | CommandFlag.Fast;
  register("XACK", -4, fast, 1, 1, 1, xAck, "5.0.0", "Acknowledges entries that a group was given.");
  const summary = "Tells which entries of a group are not acknowledged.";
  register("XPENDING", -3, CommandFlag.ReadOnly, 1, 1, 1, xPending, "5.0.0", summary);
}
