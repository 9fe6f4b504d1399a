// Digest of a stream: what it counts, its entries in order of their fields, its groups with their consumers and what is pending
// of each. Not when and how often a pending entry was delivered, nor when a consumer was heard of: reading one's own history
// changes those, and is not recorded.

import { PAGE_BYTES, SCRATCH_BASE } from "../../layout";
import { addToChecksum, beginChecksum, checksum, endChecksum } from "../../memory/checksum";
import { seekFrom, seekNext, soughtMs, soughtSeq } from "../../structures/id-tree";
import { firstNamed, namedCell, nameOf, nextNamed } from "../../structures/name-tree";
import {
  beginPairs,
  entryMs,
  entryPairs,
  entrySeq,
  nameBytes,
  nameOffset,
  nextPair,
  pieceAt,
  pieceBytes,
  readBlock,
  valueBytes,
  valueOffset,
} from "../../structures/streams/block";
import { Consumer, consumerAt, Group, groupAt, pendingOfConsumer } from "../../structures/streams/group";
import { nextInRange, startRange } from "../../structures/streams/range";
import { Stream } from "../../structures/streams/stream";
import { mix } from "../keys/digest-mix";

export function digestStream(stream: Stream): u64 {
  let sum = mix(mix(stream.lastMs, stream.lastSeq), mix(stream.deletedMs, stream.deletedSeq));
  sum = mix(sum, stream.added);
  startRange(stream, 0, 0, u64.MAX_VALUE, u64.MAX_VALUE);
  while (nextInRange()) sum += mix(mix(entryMs, entrySeq), digestPairs());
  for (let at = firstNamed(stream.groups); at != 0; at = nextNamed(stream.groups, at)) {
    sum += mix(digestName(at), digestGroup(groupAt(at)));
  }
  return sum;
}

/** The fields of the entry that was read, in their order. */
function digestPairs(): u64 {
  beginPairs();
  let sum: u64 = entryPairs;
  for (let left = entryPairs; left > 0; left--) {
    nextPair();
    sum = mix(mix(sum, digestText(nameOffset, nameBytes)), digestText(valueOffset, valueBytes));
  }
  return sum;
}

/** The same wherever the pages of a text begin and end. */
function digestText(offset: u32, bytes: u32): u64 {
  const piece = pieceAt(offset, bytes);
  if (pieceBytes == bytes) return checksum(piece, bytes);
  beginChecksum();
  let left = bytes;
  for (; left > PAGE_BYTES; left -= PAGE_BYTES) {
    readBlock(offset, SCRATCH_BASE, PAGE_BYTES);
    addToChecksum(SCRATCH_BASE, PAGE_BYTES);
    offset += PAGE_BYTES;
  }
  readBlock(offset, SCRATCH_BASE, left);
  return endChecksum(SCRATCH_BASE, left, bytes);
}

function digestName(address: u32): u64 {
  return checksum(nameOf(address), namedCell(address).nameBytes);
}

function digestGroup(group: Group): u64 {
  let sum = mix(mix(group.lastMs, group.lastSeq), group.read);
  for (let at = firstNamed(group.consumers); at != 0; at = nextNamed(group.consumers, at)) {
    sum += mix(digestName(at), digestConsumer(consumerAt(at)));
  }
  return sum;
}

function digestConsumer(consumer: Consumer): u64 {
  const tree = pendingOfConsumer(consumer);
  let sum: u64 = tree.count;
  for (let more = seekFrom(tree, 0, 0); more; more = seekNext(tree)) sum += mix(soughtMs, mix(soughtSeq, 1));
  return sum;
}
