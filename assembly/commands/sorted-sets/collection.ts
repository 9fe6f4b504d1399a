// Members that a command gathers before it answers or stores them: with their scores, by the addresses of their names, which
// are not copied. The first 30,000 lie in scratch memory, more in pages. Making room for pages moves entries of the keyspace, and
// names may lie in these: so a command that finds no room gathers on without storing, asks for the pages once it knows how
// many it takes, and gathers again. What is stored is built before what it replaces is removed: that may be a source.
//
// Records are sorted as a linked list by merging, which needs no memory beside them, wherever they lie.

import { PAGE_BITS, PAGE_BYTES, PageKind, SCRATCH_BASE, SLAB_CLASSES, ZONE_ENTRY } from "../../layout";
import { createEntry, ENCODING_TABLE, TYPE_SORTED_SET, valueOf } from "../../memory/entry";
import { copyBytes, hasPages, pageAt, releasePage, takePage } from "../../memory/memory";
import { admit, cellShare } from "../../keyspace/eviction";
import { hashKey, insertKey, removeKey, replaceKey, shardOf } from "../../keyspace/keyspace";
import { argumentAddress, argumentBytes } from "../../protocol/arguments";
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import { replyInteger, replyNoMemory } from "../../protocol/reply";
import { compareBytes } from "../../structures/byte-order";
import { addMember, SCORE_BYTES } from "../../structures/sorted-set";
import { PACKED_HEADER_BYTES, RECORD_HEADER_BYTES, writeRecord } from "../../structures/packed-scores";
import { ORDER_PATH_BASE } from "../../structures/score-tree";
import { pagesToInsert } from "../../structures/score-tree-change";
import { fitsPacked, fitsPackedBytes } from "./packed-set";
import { giveLargeSet, largeSet, SET_ADDRESS_BYTES } from "./sorted-set-value";

/** A gathered member. */
@unmanaged
export class Collected {
  score: f64;
  /** Whatever else the command wants to know of it. */
  extra: f64;
  name: u32;
  bytes: u32;
  /** Address of the record that follows in order, 0 for none. */
  next: u32;
  unused: u32;
}

const COLLECTED_BYTES: u32 = 32;
if (offsetof<Collected>() != COLLECTED_BYTES) ERROR("a record must stay 32 bytes");

/** Heads of sorted lists of 1, 2, 4 … records while they are merged. */
const LISTS: u32 = 32;
const LISTS_BASE: usize = SCRATCH_BASE;
/** Behind these bytes of scratch memory a command may have something of its own before the records. */
export const LISTS_BYTES: u32 = LISTS * 4;
const LISTS_END: usize = LISTS_BASE + LISTS_BYTES;
const RECORDS_END: usize = ORDER_PATH_BASE;
/** Gathering and sorting members, in units of work: so many for one unit. */
const WORK_SHIFT: u32 = 1;

/** Members gathered, and the first of them. */
export let collectedCount: u32 = 0;
export let firstCollected: usize = 0;
let lastRecord: usize = 0;
/** Bytes of their names, of the longest of these, and what they take as entries. */
let nameBytes: u64 = 0;
let longestName: u32 = 0;
let share: u64 = 0;
/** Names that were copied. */
let copiedCount: u32 = 0;
// Where the next record goes, at most there; the page that was taken for records last, its number; whether one could not be had.
let at: usize = 0;
let end: usize = 0;
let page: u32 = 0;
let isShort: bool = false;
let firstRecord: usize = 0;
/** How often the running command has gathered. */
let attempts: u32 = 0;
/** There was no memory, and the reply says so. */
export let collectionFailed: bool = false;

@inline
export function collectedAt(address: usize): Collected {
  return changetype<Collected>(address);
}

/** A command begins that gathers, perhaps several times, and has so many bytes, a multiple of 8, before the records. */
export function openCollection(ownBytes: u32): void {
  firstRecord = LISTS_END + ownBytes;
  attempts = 0;
  collectionFailed = false;
  page = 0;
}

/** Begins to gather. */
export function startCollection(): void {
  collectedCount = 0;
  firstCollected = 0;
  lastRecord = 0;
  nameBytes = 0;
  longestName = 0;
  share = 0;
  copiedCount = 0;
  at = firstRecord;
  end = RECORDS_END - COLLECTED_BYTES;
  isShort = false;
  attempts++;
}

/** Gathers a member. */
export function collect(score: f64, name: usize, bytes: u32): void {
  collectedCount++;
  nameBytes += bytes;
  longestName = max(longestName, bytes);
  share += cellShare(bytes, SCORE_BYTES);
  if (isShort || (at > end && !nextPage())) return;
  const record = collectedAt(at);
  record.score = score;
  record.extra = 0;
  record.name = <u32>name;
  record.bytes = bytes;
  record.next = 0;
  if (lastRecord == 0) firstCollected = at;
  else collectedAt(lastRecord).next = <u32>at;
  lastRecord = at;
  at += COLLECTED_BYTES;
}

/** Gathers a member whose name, at most 32 bytes, will not stay where it is: it is copied behind the record. */
export function collectCopied(score: f64, name: usize, bytes: u32): void {
  collect(score, name, bytes);
  copiedCount++;
  if (isShort || (at > end && !nextPage())) return;
  copyBytes(at, name, bytes);
  collectedAt(lastRecord).name = <u32>at;
  at += COLLECTED_BYTES;
}

/** The record of the member gathered last, while its further facts are noted. */
@inline
export function latestCollected(): Collected {
  return collectedAt(lastRecord);
}

/** Goes on in another page; false when there is none, and then the members that come are only counted. */
function nextPage(): bool {
  isShort = !hasPages(1);
  if (isShort) return false;
  at = takePage(PageKind.Scratch);
  end = at + (PAGE_BYTES - COLLECTED_BYTES);
  const number = <u32>(at >> PAGE_BITS);
  pageAt(number).next = <u16>page;
  page = number;
  return true;
}

/** Gives back the pages of the records. */
export function endCollection(): void {
  while (page != 0) {
    const next: u32 = pageAt(page).next;
    releasePage((<usize>page) << PAGE_BITS);
    page = next;
  }
}

/**
 * True when the command must gather anew: what it gathered found no place, and now there is one. Otherwise everything is
 * gathered, or `collectionFailed` after replying that there is no memory for it.
 *
 * @param stores there must be room for a sorted set of the members too
 */
export function mustCollectAgain(stores: bool): bool {
  addWork(collectedCount >> WORK_SHIFT);
  const target = stores ? pagesToStore() : 0;
  if (!isShort && (target == 0 || hasPages(target))) return false;
  endCollection();
  if (attempts < ATTEMPTS_MAX && admit(target + pagesOfRecords())) return true;
  collectionFailed = true;
  replyNoMemory();
  return false;
}

/** Eviction may take members away meanwhile, nothing adds any: the second time is the last that anything may be missing. */
const ATTEMPTS_MAX: u32 = 3;

function pagesOfRecords(): u32 {
  const inScratch = <u32>(RECORDS_END - firstRecord) / COLLECTED_BYTES;
  const places = collectedCount + copiedCount;
  return places <= inScratch ? 0 : (places - inScratch) / (PAGE_BYTES / COLLECTED_BYTES) + 1;
}

function pagesToStore(): u32 {
  if (collectedCount == 0) return 0;
  if (isSmall()) return 1;
  return 2 + min(collectedCount, SLAB_CLASSES) + <u32>(share >> PAGE_BITS) + pagesToInsert(collectedCount);
}

@inline
function isSmall(): bool {
  return fitsPacked(collectedCount, longestName) && fitsPackedBytes(collectedCount, nameBytes);
}

// ---- order

/** Puts the records in order of score and name. */
export function sortCollection(): void {
  addWork(collectedCount);
  memory.fill(LISTS_BASE, 0, LISTS_BYTES);
  let record = firstCollected;
  while (record != 0) {
    const following = <usize>collectedAt(record).next;
    collectedAt(record).next = 0;
    let list = record;
    let slot = LISTS_BASE;
    for (; load<u32>(slot) != 0; slot += 4) {
      list = merge(load<u32>(slot), list);
      store<u32>(slot, 0);
    }
    store<u32>(slot, <u32>list);
    record = following;
  }
  firstCollected = 0;
  for (let slot = LISTS_BASE; slot < LISTS_END; slot += 4) {
    const list = <usize>load<u32>(slot);
    if (list != 0) firstCollected = firstCollected == 0 ? list : merge(list, firstCollected);
  }
}

/** One list of two that are in order. */
function merge(first: usize, second: usize): usize {
  let head: usize = 0;
  let tail: usize = 0;
  let one = first;
  let other = second;
  while (one != 0 && other != 0) {
    const least = isBefore(collectedAt(other), collectedAt(one)) ? other : one;
    if (least == one) one = collectedAt(one).next;
    else other = collectedAt(other).next;
    if (tail == 0) head = least;
    else collectedAt(tail).next = <u32>least;
    tail = least;
  }
  collectedAt(tail).next = <u32>(one != 0 ? one : other);
  return head;
}

@inline
function isBefore(one: Collected, other: Collected): bool {
  if (one.score != other.score) return one.score < other.score;
  return compareBytes(one.name, one.bytes, other.name, other.bytes) < 0;
}

// ---- storing

/** Stores the members, which are in order, under the key of an argument in place of what it holds, and replies how many they are. */
export function storeCollection(target: u32, command: string): void {
  if (collectionFailed) return;
  const hash = hashOfArgument(target);
  const entry = collectedCount == 0 ? <usize>0 : isSmall() ? buildPacked(target) : buildLarge(target);
  const old = findArgument(target);
  if (entry == 0) {
    if (old != 0) removeKey(shardOf(hash), old, hash);
  } else if (old == 0) {
    insertKey(entry, hash);
  } else {
    replaceKey(old, entry, hash);
  }
  endCollection();
  if (entry != 0 || old != 0) recordArguments(command);
  replyInteger(collectedCount);
}

function buildPacked(target: u32): usize {
  const bytes = PACKED_HEADER_BYTES + collectedCount * RECORD_HEADER_BYTES + <u32>nameBytes;
  const entry = createSetEntry(target, TYPE_SORTED_SET, bytes);
  store<u16>(valueOf(entry), <u16>collectedCount);
  let to = valueOf(entry) + PACKED_HEADER_BYTES;
  for (let at = firstCollected; at != 0; at = collectedAt(at).next) {
    const record = collectedAt(at);
    writeRecord(to, record.score + 0, record.name, record.bytes);
    to += RECORD_HEADER_BYTES + record.bytes;
  }
  return entry;
}

function buildLarge(target: u32): usize {
  const entry = createSetEntry(target, TYPE_SORTED_SET | ENCODING_TABLE, SET_ADDRESS_BYTES);
  giveLargeSet(entry);
  for (let at = firstCollected; at != 0; at = collectedAt(at).next) {
    const record = collectedAt(at);
    addMember(largeSet(entry), record.name, record.bytes, hashKey(record.name, record.bytes), record.score + 0);
  }
  return entry;
}

function createSetEntry(target: u32, type: u8, bytes: u32): usize {
  return createEntry(ZONE_ENTRY, argumentAddress(target), argumentBytes(target), type, bytes, false);
}
