// SUBSCRIBE and its like: each channel is answered by a push of its own (an array in RESP2), also for a connection that wants
// no replies.

import { ConnectionMode } from "../../connection-layout";
import {
  CHANNEL,
  endSubscription,
  firstSubscription,
  NO_MEMORY,
  PATTERN,
  SHARD_CHANNEL,
  subscribe,
  subscriptionCount,
  unsubscribe,
} from "../../events/subscriptions";
import { Mailbox } from "../../events/mailbox";
import { linkAt, nameAt, textOf } from "../../events/names";
import { CommandFlag, KEY_BYTES_MAX } from "../../layout";
import { argumentAddress, argumentBytes, argumentCount, isArgumentPaged } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { replyOverlong } from "../../protocol/command-error";
import { mailboxOf, setMode } from "../../protocol/connection";
import { addWork, connection } from "../../protocol/dispatch";
import {
  areRepliesMuted,
  muteReplies,
  replyBulk,
  replyBulkText,
  replyInteger,
  replyNoMemory,
  replyNull,
  replyPush,
  unmuteReplies,
} from "../../protocol/reply";

/** What a confirmation counts: shard channels by themselves. */
function countFor(box: Mailbox, kind: u32): u32 {
  return kind == SHARD_CHANNEL ? box.shardChannels : box.channels + box.patterns;
}

function confirm(word: string, box: Mailbox, kind: u32, address: usize, bytes: u32): void {
  replyPush(3);
  replyBulkText(word);
  if (address == 0) replyNull();
  else replyBulk(address, bytes);
  replyInteger(countFor(box, kind));
}

function hasOverlong(): bool {
  for (let index: u32 = 1; index < argumentCount; index++) {
    if (!isArgumentPaged(index) && argumentBytes(index) <= KEY_BYTES_MAX) continue;
    replyOverlong("channel");
    return true;
  }
  return false;
}

function noteMode(box: Mailbox): void {
  setMode(connection, ConnectionMode.Subscribed, subscriptionCount(box) != 0);
}

function subscribeAs(kind: u32, word: string): void {
  if (hasOverlong()) return;
  const box = mailboxOf(connection);
  const muted = areRepliesMuted();
  if (muted) unmuteReplies();
  for (let index: u32 = 1; index < argumentCount; index++) {
    const address = argumentAddress(index);
    const bytes = argumentBytes(index);
    if (subscribe(box, kind, address, bytes) == NO_MEMORY) {
      replyNoMemory();
      break;
    }
    confirm(word, box, kind, address, bytes);
    addWork(1);
  }
  if (muted) muteReplies();
  noteMode(box);
}

function unsubscribeAs(kind: u32, word: string): void {
  if (hasOverlong()) return;
  const box = mailboxOf(connection);
  const muted = areRepliesMuted();
  if (muted) unmuteReplies();
  if (argumentCount > 1) {
    for (let index: u32 = 1; index < argumentCount; index++) {
      unsubscribe(box, kind, argumentAddress(index), argumentBytes(index));
      confirm(word, box, kind, argumentAddress(index), argumentBytes(index));
      addWork(1);
    }
  } else {
    unsubscribeFromAll(box, kind, word);
  }
  if (muted) muteReplies();
  noteMode(box);
}

function unsubscribeFromAll(box: Mailbox, kind: u32, word: string): void {
  let link = firstSubscription(box, kind);
  if (link == 0) confirm(word, box, kind, 0, 0);
  while (link != 0) {
    const name = linkAt(link).name;
    replyPush(3);
    replyBulkText(word);
    replyBulk(textOf(name), nameAt(name).bytes);
    endSubscription(box, link);
    replyInteger(countFor(box, kind));
    addWork(1);
    link = firstSubscription(box, kind);
  }
}

function subscribeChannels(): void {
  subscribeAs(CHANNEL, "subscribe");
}

function subscribePatterns(): void {
  subscribeAs(PATTERN, "psubscribe");
}

function subscribeShard(): void {
  subscribeAs(SHARD_CHANNEL, "ssubscribe");
}

function unsubscribeChannels(): void {
  unsubscribeAs(CHANNEL, "unsubscribe");
}

function unsubscribePatterns(): void {
  unsubscribeAs(PATTERN, "punsubscribe");
}

function unsubscribeShard(): void {
  unsubscribeAs(SHARD_CHANNEL, "sunsubscribe");
}

export function registerSubscribing(): void {
  const flags = CommandFlag.PubSub | CommandFlag.NoScript;
  startGroup("pubsub");
  register("SUBSCRIBE", -2, flags, 0, 0, 0, subscribeChannels, "2.0.0", "Listens to channels.");
  register("UNSUBSCRIBE", -1, flags, 0, 0, 0, unsubscribeChannels, "2.0.0", "Stops listening to channels, or to all.");
  register("PSUBSCRIBE", -2, flags, 0, 0, 0, subscribePatterns, "2.0.0", "Listens to channels that match patterns.");
  register("PUNSUBSCRIBE", -1, flags, 0, 0, 0, unsubscribePatterns, "2.0.0", "Stops listening to patterns, or to all.");
  register("SSUBSCRIBE", -2, flags, 1, -1, 1, subscribeShard, "7.0.0", "Listens to shard channels.");
  register(
    "SUNSUBSCRIBE",
    -1,
    flags,
    1,
    -1,
    1,
    unsubscribeShard,
    "7.0.0",
    "Stops listening to shard channels, or to all.",
  );
}
