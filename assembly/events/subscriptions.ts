// Who listens to which channel or pattern, and handing a message to all of them. A message is encoded once for a channel and
// once for each pattern that matches; patterns are tried one after another, as in Redis.

import { PAGE_BITS, PAGE_BYTES } from "../layout";
import { matchGlob } from "../text/glob";
import {
  beginMessage,
  bulkBytes,
  endMessage,
  Mailbox,
  mailboxAt,
  post,
  putBulk,
  putBulkWord,
  putBytes,
  putHeader,
  putWord,
} from "./mailbox";
import {
  addLink,
  CHANNEL,
  countOf,
  dropLink,
  dropName,
  findLink,
  findName,
  getName,
  hashName,
  linkAt,
  nameAt,
  oldestOf,
  PATTERN,
  SHARD_CHANNEL,
  textOf,
} from "./names";

/** What became of a subscription, or of its end. */
export const CHANGED: u32 = 0;
export const UNCHANGED: u32 = 1;
export const NO_MEMORY: u32 = 2;

// What is published: bytes in one piece, or in pages whose addresses are listed.
let payload: usize = 0;
let payloadBytes: u32 = 0;
let payloadPaged: bool = false;

export function setPayload(address: usize, bytes: u32, paged: bool): void {
  payload = address;
  payloadBytes = bytes;
  payloadPaged = paged;
}

function putPayload(): void {
  if (!payloadPaged) {
    putBulk(payload, payloadBytes);
    return;
  }
  putHeader(0x24, payloadBytes);
  for (let offset: u32 = 0; offset < payloadBytes; offset += PAGE_BYTES) {
    putBytes(load<u32>(payload + ((offset >> PAGE_BITS) << 2)), min(payloadBytes - offset, PAGE_BYTES));
  }
  putWord("\r\n");
}

/** Whether anybody listens to anything that is no shard channel. */
@inline
export function anyListener(): bool {
  return (countOf(CHANNEL) | countOf(PATTERN)) != 0;
}

/** Hands the payload to those who listen to a channel; answers to how many. `kind` is CHANNEL or SHARD_CHANNEL. */
export function publish(kind: u32, channel: usize, bytes: u32): u32 {
  let receivers: u32 = 0;
  const name = findName(kind, 0, channel, bytes, hashName(channel, bytes));
  if (name != 0) {
    const word = kind == CHANNEL ? "message" : "smessage";
    beginMessage(4 - 1 + bulkBytes(word.length) + bulkBytes(bytes) + bulkBytes(payloadBytes));
    putWord("3\r\n");
    putBulkWord(word);
    putBulk(channel, bytes);
    putPayload();
    receivers += postToAll(name);
  }
  if (kind == CHANNEL && countOf(PATTERN) != 0) receivers += publishToPatterns(channel, bytes);
  return receivers;
}

function publishToPatterns(channel: usize, bytes: u32): u32 {
  let receivers: u32 = 0;
  for (let name = oldestOf(PATTERN); name != 0; name = nameAt(name).newer) {
    const pattern = textOf(name);
    const patternBytes = nameAt(name).bytes;
    if (!matchGlob(pattern, patternBytes, channel, bytes)) continue;
    beginMessage(3 + bulkBytes(8) + bulkBytes(patternBytes) + bulkBytes(bytes) + bulkBytes(payloadBytes));
    putWord("4\r\n");
    putBulkWord("pmessage");
    putBulk(pattern, patternBytes);
    putBulk(channel, bytes);
    putPayload();
    receivers += postToAll(name);
  }
  return receivers;
}

function postToAll(name: usize): u32 {
  for (let at: usize = nameAt(name).first; at != 0; at = linkAt(at).next) post(mailboxAt(linkAt(at).owner));
  endMessage();
  return nameAt(name).links;
}

@inline
function subscriptionsOf(box: Mailbox): usize {
  return changetype<usize>(box) + offsetof<Mailbox>("subscriptions");
}

/** Channels, patterns and shard channels of a connection. */
@inline
export function subscriptionCount(box: Mailbox): u32 {
  return box.channels + box.patterns + box.shardChannels;
}

function count(box: Mailbox, kind: u32, by: i32): void {
  if (kind == CHANNEL) box.channels += by;
  else if (kind == PATTERN) box.patterns += by;
  else box.shardChannels += by;
}

export function countOfKind(box: Mailbox, kind: u32): u32 {
  return kind == CHANNEL ? box.channels : kind == PATTERN ? box.patterns : box.shardChannels;
}

export function subscribe(box: Mailbox, kind: u32, address: usize, bytes: u32): u32 {
  const owner = changetype<usize>(box);
  const name = getName(kind, 0, address, bytes, hashName(address, bytes));
  if (name == 0) return NO_MEMORY;
  if (findLink(name, owner, subscriptionsOf(box), subscriptionCount(box)) != 0) return UNCHANGED;
  if (!addLink(name, owner, subscriptionsOf(box))) {
    if (nameAt(name).links == 0) dropName(name);
    return NO_MEMORY;
  }
  count(box, kind, 1);
  return CHANGED;
}

export function unsubscribe(box: Mailbox, kind: u32, address: usize, bytes: u32): void {
  const name = findName(kind, 0, address, bytes, hashName(address, bytes));
  if (name == 0) return;
  const link = findLink(name, changetype<usize>(box), subscriptionsOf(box), subscriptionCount(box));
  if (link == 0) return;
  dropLink(link);
  count(box, kind, -1);
}

/** The subscription of a kind made last, as a link; 0 for none. */
export function firstSubscription(box: Mailbox, kind: u32): usize {
  let at: usize = box.subscriptions;
  while (at != 0 && <u32>nameAt(linkAt(at).name).kind != kind) at = linkAt(at).nextOwn;
  return at;
}

/** Ends a subscription that `firstSubscription` found. */
export function endSubscription(box: Mailbox, link: usize): void {
  const kind = <u32>nameAt(linkAt(link).name).kind;
  dropLink(link);
  count(box, kind, -1);
}

/** Ends all subscriptions of a connection. */
export function unsubscribeAll(box: Mailbox): void {
  while (box.subscriptions != 0) endSubscription(box, box.subscriptions);
}

export { CHANNEL, PATTERN, SHARD_CHANNEL };
