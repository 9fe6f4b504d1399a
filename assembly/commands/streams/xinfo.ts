// XINFO: what is known of a stream, its groups and their consumers. The radix tree that Redis counts is not there: its keys
// are the blocks, its nodes one more.

import { CommandFlag } from "../../layout";
import { clock } from "../../keyspace/keyspace";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork } from "../../protocol/dispatch";
import {
  replyArray,
  replyBulk,
  replyBulkText,
  replyError,
  replyInteger,
  replyMap,
  replyNotInteger,
  replyNull,
  replySimple,
} from "../../protocol/reply";
import { IdTree, seekFrom, seekNext, soughtAddress, soughtMs, soughtSeq } from "../../structures/id-tree";
import { firstNamed, namedCell, nameOf, nextNamed } from "../../structures/name-tree";
import { entryMs, entrySeq } from "../../structures/streams/block";
import {
  Consumer,
  consumerAt,
  Group,
  groupAt,
  NEVER,
  pendingAt,
  pendingOfConsumer,
  pendingOfGroup,
  READ_UNKNOWN,
} from "../../structures/streams/group";
import { countBlocks, readFirst, readLast, Stream } from "../../structures/streams/stream";
import { replyEntry, replyRange } from "./entry-reply";
import { lagOf } from "./group-progress";
import { replyId } from "./stream-id";
import { groupNamed, isThere, NO_GROUP, readStream, REFUSED, replyNoGroupOf } from "./stream-key";
import { beginSubcommand, replyUnknownSubcommand, replyWrongSubcommand, takes } from "./subcommand";

/** Entries, and pending ones of each group and consumer, that FULL answers unless COUNT says otherwise. */
const FULL_COUNT: u64 = 10;

function xInfo(): void {
  beginSubcommand("xinfo", "XINFO");
  if (argumentIs(1, "STREAM")) {
    if (takes("stream", -3)) replyStream();
  } else if (argumentIs(1, "GROUPS")) {
    if (takes("groups", 3)) replyGroups();
  } else if (argumentIs(1, "CONSUMERS")) {
    if (takes("consumers", 4)) replyConsumers();
  } else if (argumentIs(1, "HELP")) {
    if (takes("help", 2)) replyHelp();
  } else {
    replyUnknownSubcommand();
  }
}

/** The stream of the key, which must be there; REFUSED after replying an error. */
function getStream(): Stream {
  const stream = readStream(2);
  if (isThere(stream) || stream == REFUSED) return stream;
  replyError("ERR no such key");
  return REFUSED;
}

@inline
function replyName(address: u32): void {
  replyBulkText("name");
  replyBulk(nameOf(address), namedCell(address).nameBytes);
}

/** A number that may be unknown. */
function replyKnown(number: i64): void {
  if (number == READ_UNKNOWN) replyNull();
  else replyInteger(number);
}

function replyNamedInteger(name: string, number: i64): void {
  replyBulkText(name);
  replyInteger(number);
}

function replyNamedId(name: string, ms: u64, seq: u64): void {
  replyBulkText(name);
  replyId(ms, seq);
}

// ---- XINFO STREAM

function replyStream(): void {
  const stream = getStream();
  if (stream == REFUSED) return;
  let most = FULL_COUNT;
  if (argumentCount != 3) {
    if ((argumentCount != 4 && argumentCount != 6) || !argumentIs(3, "FULL")) {
      replyWrongSubcommand();
      return;
    }
    if (argumentCount == 6) {
      if (!argumentIs(4, "COUNT")) {
        replyWrongSubcommand();
        return;
      }
      if (!argumentInteger(5)) {
        replyNotInteger();
        return;
      }
      if (lastInteger() >= 0) most = lastInteger() == 0 ? u64.MAX_VALUE : lastInteger();
    }
  }
  const isFull = argumentCount != 3;
  replyMap(isFull ? 9 : 10);
  replyCounts(stream);
  if (isFull) replyFull(stream, most);
  else replyEnds(stream);
}

function replyCounts(stream: Stream): void {
  replyNamedInteger("length", stream.length);
  replyNamedInteger("radix-tree-keys", countBlocks(stream));
  replyNamedInteger("radix-tree-nodes", countBlocks(stream) + 1);
  replyNamedId("last-generated-id", stream.lastMs, stream.lastSeq);
  replyNamedId("max-deleted-entry-id", stream.deletedMs, stream.deletedSeq);
  replyNamedInteger("entries-added", stream.added);
  replyBulkText("recorded-first-entry-id");
  if (readFirst(stream)) replyId(entryMs, entrySeq);
  else replyId(0, 0);
}

function replyEnds(stream: Stream): void {
  replyNamedInteger("groups", stream.groupCount);
  replyBulkText("first-entry");
  if (readFirst(stream)) replyEntry();
  else replyNull();
  replyBulkText("last-entry");
  if (readLast(stream)) replyEntry();
  else replyNull();
}

function replyFull(stream: Stream, most: u64): void {
  replyBulkText("entries");
  replyRange(stream, 0, 0, u64.MAX_VALUE, u64.MAX_VALUE, most, false);
  replyBulkText("groups");
  replyArray(stream.groupCount);
  for (let at = firstNamed(stream.groups); at != 0; at = nextNamed(stream.groups, at)) {
    const group = groupAt(at);
    replyMap(7);
    replyName(at);
    replyNamedId("last-delivered-id", group.lastMs, group.lastSeq);
    replyProgress(stream, group);
    replyNamedInteger("pel-count", group.pendingCount);
    replyPending(pendingOfGroup(group), most, true);
    replyBulkText("consumers");
    replyArray(group.consumerCount);
    for (let one = firstNamed(group.consumers); one != 0; one = nextNamed(group.consumers, one)) {
      replyFullConsumer(one, most);
    }
  }
}

function replyProgress(stream: Stream, group: Group): void {
  replyBulkText("entries-read");
  replyKnown(group.read);
  replyBulkText("lag");
  replyKnown(lagOf(stream, group));
}

function replyFullConsumer(address: u32, most: u64): void {
  const consumer: Consumer = consumerAt(address);
  replyMap(5);
  replyName(address);
  replyNamedInteger("seen-time", consumer.seen);
  replyNamedInteger("active-time", consumer.active);
  replyNamedInteger("pel-count", consumer.pendingCount);
  replyPending(pendingOfConsumer(consumer), most, false);
}

function replyPending(tree: IdTree, most: u64, withConsumer: bool): void {
  const count = <u32>min<u64>(most, tree.count);
  addWork(count >> 2);
  replyBulkText("pending");
  replyArray(count);
  let left = count;
  for (let more = seekFrom(tree, 0, 0); more && left > 0; more = seekNext(tree)) {
    left--;
    const pending = pendingAt(soughtAddress);
    replyArray(withConsumer ? 4 : 3);
    replyId(soughtMs, soughtSeq);
    if (withConsumer) replyBulk(nameOf(pending.consumer), namedCell(pending.consumer).nameBytes);
    replyInteger(pending.delivered);
    replyInteger(pending.deliveries);
  }
}

// ---- XINFO GROUPS, XINFO CONSUMERS

function replyGroups(): void {
  const stream = getStream();
  if (stream == REFUSED) return;
  addWork(stream.groupCount);
  replyArray(stream.groupCount);
  for (let at = firstNamed(stream.groups); at != 0; at = nextNamed(stream.groups, at)) {
    const group = groupAt(at);
    replyMap(6);
    replyName(at);
    replyNamedInteger("consumers", group.consumerCount);
    replyNamedInteger("pending", group.pendingCount);
    replyNamedId("last-delivered-id", group.lastMs, group.lastSeq);
    replyProgress(stream, group);
  }
}

function replyConsumers(): void {
  const stream = getStream();
  if (stream == REFUSED) return;
  const group = groupNamed(stream, 3);
  if (group == NO_GROUP) {
    replyNoGroupOf(2, 3);
    return;
  }
  addWork(group.consumerCount);
  replyArray(group.consumerCount);
  for (let at = firstNamed(group.consumers); at != 0; at = nextNamed(group.consumers, at)) {
    const consumer = consumerAt(at);
    replyMap(4);
    replyName(at);
    replyNamedInteger("pending", consumer.pendingCount);
    replyNamedInteger("idle", max<i64>(clock - consumer.seen, 0));
    replyNamedInteger("inactive", consumer.active == NEVER ? NEVER : clock - consumer.active);
  }
}

function replyHelp(): void {
  replyArray(9);
  replySimple("XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  replySimple("STREAM <key> [FULL [COUNT <count>]]");
  replySimple("    Tell what is known of a stream; FULL with its groups.");
  replySimple("GROUPS <key>");
  replySimple("    Tell what is known of the groups of a stream.");
  replySimple("CONSUMERS <key> <group>");
  replySimple("    Tell what is known of the consumers of a group.");
  replySimple("HELP");
  replySimple("    Print this help.");
}

export function registerXInfo(): void {
  const read = CommandFlag.ReadOnly;
  register("XINFO", -2, read, 2, 2, 1, xInfo, "5.0.0", "Tells what is known of a stream, its groups and consumers.");
}
