// Groups of a stream, their consumers, and what was delivered and not acknowledged. A pending entry is one cell that two
// ordered trees lead to: its group's, by id, and its consumer's. So an acknowledgement finds it by the id alone, and a
// consumer's history is read in order without looking at anybody else's.
//
//   group, consumer   see the classes; the name lies behind them, and both are in trees by name (name-tree.ts)

import { PAGE_BITS, ZONE_OBJECT } from "../../layout";
import { allocate, copyBytes, dirty, release } from "../../memory/memory";
import { cellBytes, cellsOf, classOf } from "../../memory/slabs";
import { bytesOfNode, findId, IdTree, NODE_CAPACITY, seekFrom, soughtAddress, soughtMs, soughtSeq } from "../id-tree";
import { insertId, nodesToInsert, removeId } from "../id-tree-change";
import { findNamed, insertNamed, NamedCell, namedCell, priorityOf, removeNamed } from "../name-tree";
import { Stream, STREAM_BYTES } from "./stream";

/** Counts as "not known" in `Group.read`. */
export const READ_UNKNOWN: i64 = -1;
/** A consumer that was never given anything. */
export const NEVER: i64 = -1;

@unmanaged
export class Group extends NamedCell {
  /** The last id that was delivered. */
  lastMs: u64;
  lastSeq: u64;
  /** Entries that were delivered, from the first that the stream ever had on. */
  read: i64;
  /** What is pending, by id: an IdTree of addresses of Pending. */
  pendingRoot: u32;
  pendingCount: u32;
  pendingBytes: u32;
  /** Root of the consumers by name, and how many there are. */
  consumers: u32;
  consumerCount: u32;
}

@unmanaged
export class Consumer extends NamedCell {
  /** When it was last heard of, and last given anything: ms since epoch. */
  seen: i64;
  active: i64;
  /** What is pending of it, by id: the same cells as in the group's tree. */
  pendingRoot: u32;
  pendingCount: u32;
  pendingBytes: u32;
}

/** An entry that was delivered and not acknowledged. */
@unmanaged
export class Pending {
  /** When it was last delivered, ms since epoch, and how often. */
  delivered: i64;
  deliveries: u64;
  consumer: u32;
}

export const GROUP_BYTES: u32 = <u32>offsetof<Group>();
export const CONSUMER_BYTES: u32 = <u32>offsetof<Consumer>();
export const PENDING_BYTES: u32 = <u32>offsetof<Pending>();
/** Pages for cells of a group, a consumer and the first nodes of their trees, whose classes may each begin one. */
const PAGES_OF_CELLS: u32 = 7;

@inline
export function groupAt(address: u32): Group {
  return changetype<Group>(<usize>address);
}

@inline
export function consumerAt(address: u32): Consumer {
  return changetype<Consumer>(<usize>address);
}

@inline
export function pendingAt(address: u32): Pending {
  return changetype<Pending>(<usize>address);
}

@inline
export function pendingOfGroup(group: Group): IdTree {
  return changetype<IdTree>(changetype<usize>(group) + offsetof<Group>("pendingRoot"));
}

@inline
export function pendingOfConsumer(consumer: Consumer): IdTree {
  return changetype<IdTree>(changetype<usize>(consumer) + offsetof<Consumer>("pendingRoot"));
}

// ---- groups and consumers

/** The group of a name; 0 when there is none. */
@inline
export function findGroup(stream: Stream, name: usize, bytes: u32): u32 {
  return findNamed(stream.groups, name, bytes);
}

@inline
export function findConsumer(group: Group, name: usize, bytes: u32): u32 {
  return findNamed(group.consumers, name, bytes);
}

function createNamed(headerBytes: u32, name: usize, bytes: u32): u32 {
  const address = <u32>allocate(ZONE_OBJECT, headerBytes + bytes);
  memory.fill(address, 0, headerBytes);
  const cell = namedCell(address);
  cell.priority = priorityOf(name, bytes);
  cell.nameBytes = <u16>bytes;
  cell.nameOffset = <u16>headerBytes;
  copyBytes(address + headerBytes, name, bytes);
  return address;
}

/** Makes a group under a name that is free. The memory is reserved. */
export function createGroup(stream: Stream, name: usize, bytes: u32): Group {
  const address = createNamed(GROUP_BYTES, name, bytes);
  dirty(changetype<usize>(stream), STREAM_BYTES);
  stream.groups = insertNamed(stream.groups, address);
  stream.groupCount++;
  return groupAt(address);
}

/** Takes a group out of its stream; what it has is freed by `releaseGroup`. */
export function removeGroup(stream: Stream, group: Group): void {
  dirty(changetype<usize>(stream), STREAM_BYTES);
  stream.groups = removeNamed(stream.groups, <u32>changetype<usize>(group));
  stream.groupCount--;
}

/** Makes a consumer under a name that is free. The memory is reserved. */
export function createConsumer(group: Group, name: usize, bytes: u32, now: i64): Consumer {
  const address = createNamed(CONSUMER_BYTES, name, bytes);
  dirty(changetype<usize>(group), GROUP_BYTES);
  group.consumers = insertNamed(group.consumers, address);
  group.consumerCount++;
  const consumer = consumerAt(address);
  consumer.seen = now;
  consumer.active = NEVER;
  return consumer;
}

/** Removes a consumer, and what was pending of it. */
export function removeConsumer(group: Group, consumer: Consumer): void {
  const own = pendingOfConsumer(consumer);
  while (seekFrom(own, 0, 0)) removePending(group, soughtMs, soughtSeq, soughtAddress);
  dirty(changetype<usize>(group), GROUP_BYTES);
  group.consumers = removeNamed(group.consumers, <u32>changetype<usize>(consumer));
  group.consumerCount--;
  release(ZONE_OBJECT, changetype<usize>(consumer));
}

// ---- pending entries

/** Pages that it may take to let so many entries more be pending, a new consumer included. */
export function pagesForPending(group: Group, consumer: Consumer | null, entries: u32): u32 {
  const own =
    consumer == null ? entries / (NODE_CAPACITY / 2) + 8 : nodesToInsert(pendingOfConsumer(consumer), entries);
  const nodes = nodesToInsert(pendingOfGroup(group), entries) + own;
  const cells = entries / cellsOf(classOf(PENDING_BYTES));
  return PAGES_OF_CELLS + cells + <u32>((<u64>nodes * bytesOfNode(NODE_CAPACITY)) >> PAGE_BITS);
}

/** The pending entry of an id; 0 when there is none. */
@inline
export function findPending(group: Group, ms: u64, seq: u64): u32 {
  return findId(pendingOfGroup(group), ms, seq);
}

/** Lets an entry be pending that is not yet. The memory is reserved. */
export function createPending(group: Group, consumer: Consumer, ms: u64, seq: u64): Pending {
  const address = <u32>allocate(ZONE_OBJECT, PENDING_BYTES);
  const pending = pendingAt(address);
  dirty(changetype<usize>(group), GROUP_BYTES);
  insertId(pendingOfGroup(group), ms, seq, address);
  give(consumer, ms, seq, pending);
  return pending;
}

/** Notes that an entry is pending of a consumer. */
function give(consumer: Consumer, ms: u64, seq: u64, pending: Pending): void {
  dirty(changetype<usize>(consumer), CONSUMER_BYTES);
  insertId(pendingOfConsumer(consumer), ms, seq, <u32>changetype<usize>(pending));
  pending.consumer = <u32>changetype<usize>(consumer);
}

/** Gives a pending entry to a consumer, whoever has it. The memory is reserved, the change of `pending` announced. */
export function reassign(pending: Pending, consumer: Consumer, ms: u64, seq: u64): void {
  if (pending.consumer == <u32>changetype<usize>(consumer)) return;
  leave(consumerAt(pending.consumer), ms, seq);
  give(consumer, ms, seq, pending);
}

function leave(consumer: Consumer, ms: u64, seq: u64): void {
  dirty(changetype<usize>(consumer), CONSUMER_BYTES);
  removeId(pendingOfConsumer(consumer), ms, seq);
}

/** Lets an entry not be pending any more. */
export function removePending(group: Group, ms: u64, seq: u64, address: u32): void {
  leave(consumerAt(pendingAt(address).consumer), ms, seq);
  dirty(changetype<usize>(group), GROUP_BYTES);
  removeId(pendingOfGroup(group), ms, seq);
  release(ZONE_OBJECT, address);
}

/** Says that a pending entry was delivered at a time, so often by now. */
export function setDelivery(pending: Pending, time: i64, deliveries: u64): void {
  dirty(changetype<usize>(pending), PENDING_BYTES);
  pending.delivered = time;
  pending.deliveries = deliveries;
}

/** Says that a consumer was heard of, and whether it was given anything. */
export function noteConsumer(consumer: Consumer, now: i64, isGiven: bool): void {
  dirty(changetype<usize>(consumer), CONSUMER_BYTES);
  consumer.seen = now;
  if (isGiven) consumer.active = now;
}

/** Bytes of the cell of a group or a consumer. */
export function bytesOfNamed(address: u32): u32 {
  return cellBytes(classOf(<u32>namedCell(address).nameOffset + namedCell(address).nameBytes));
}
