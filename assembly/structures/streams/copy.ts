// What a stream takes, and a copy of one with its groups, consumers and what is pending of them.

import { PAGE_BITS, PAGE_BYTES, SLAB_CLASSES } from "../../layout";
import { cellBytes, cellsOf, classOf } from "../../memory/slabs";
import { seekFrom, seekNext, soughtAddress, soughtMs, soughtSeq } from "../id-tree";
import { firstNamed, namedCell, nameOf, nextNamed } from "../name-tree";
import { appendCopy } from "./append";
import { blockAt } from "./block";
import {
  bytesOfNamed,
  Consumer,
  consumerAt,
  createConsumer,
  createGroup,
  createPending,
  findConsumer,
  Group,
  groupAt,
  PENDING_BYTES,
  pendingAt,
  pendingOfGroup,
  setDelivery,
} from "./group";
import { blockAfter, countBlocks, createStream, firstBlock, Stream, STREAM_BYTES, streamAt } from "./stream";

/** Cells of different classes that a stream has beside its blocks, and a group beside its consumers. */
const CELLS_OF_STREAM: u32 = 3;
const CELLS_OF_GROUP: u32 = 3;

/** Bytes of all cells and pages of a stream. Costs a look at each group and consumer. */
export function bytesOfStream(stream: Stream): u64 {
  let bytes = <u64>cellBytes(classOf(STREAM_BYTES)) + stream.blockBytes + stream.blocksBytes;
  for (let group = firstNamed(stream.groups); group != 0; group = nextNamed(stream.groups, group)) {
    bytes += bytesOfGroup(group);
  }
  return bytes;
}

function bytesOfGroup(address: u32): u64 {
  const group = groupAt(address);
  let bytes = <u64>bytesOfNamed(address) + group.pendingBytes;
  bytes += <u64>group.pendingCount * (PAGE_BYTES / cellsOf(classOf(PENDING_BYTES)));
  for (let at = firstNamed(group.consumers); at != 0; at = nextNamed(group.consumers, at)) {
    bytes += bytesOfNamed(at) + consumerAt(at).pendingBytes;
  }
  return bytes;
}

/** Pages that a copy may take: trees are made anew in rising order, so theirs are no larger, and each class may begin a page. */
export function pagesToCopy(stream: Stream): u32 {
  let cells = CELLS_OF_STREAM + countBlocks(stream);
  for (let at = firstNamed(stream.groups); at != 0 && cells < SLAB_CLASSES; at = nextNamed(stream.groups, at)) {
    cells += CELLS_OF_GROUP + (groupAt(at).consumerCount << 1);
  }
  const bytes = bytesOfStream(stream);
  return min(cells, SLAB_CLASSES) + <u32>((bytes + (bytes >> 3)) >> PAGE_BITS);
}

/** Makes a copy; answers its address. The memory is reserved. */
export function copyStream(from: Stream): u32 {
  const address = createStream();
  const to = streamAt(address);
  for (let block = firstBlock(from); block != 0; block = blockAfter(from, block)) {
    appendCopy(to, blockAt(block), block == from.tail);
  }
  to.lastMs = from.lastMs;
  to.lastSeq = from.lastSeq;
  to.deletedMs = from.deletedMs;
  to.deletedSeq = from.deletedSeq;
  to.added = from.added;
  for (let at = firstNamed(from.groups); at != 0; at = nextNamed(from.groups, at)) {
    copyGroup(createGroup(to, nameOf(at), namedCell(at).nameBytes), groupAt(at));
  }
  return address;
}

function copyGroup(to: Group, from: Group): void {
  to.lastMs = from.lastMs;
  to.lastSeq = from.lastSeq;
  to.read = from.read;
  for (let at = firstNamed(from.consumers); at != 0; at = nextNamed(from.consumers, at)) {
    const consumer = createConsumer(to, nameOf(at), namedCell(at).nameBytes, consumerAt(at).seen);
    consumer.active = consumerAt(at).active;
  }
  const pending = pendingOfGroup(from);
  for (let more = seekFrom(pending, 0, 0); more; more = seekNext(pending)) {
    const one = pendingAt(soughtAddress);
    const owner = namedCell(one.consumer);
    const consumer: Consumer = consumerAt(findConsumer(to, nameOf(one.consumer), owner.nameBytes));
    setDelivery(createPending(to, consumer, soughtMs, soughtSeq), one.delivered, one.deliveries);
  }
}
