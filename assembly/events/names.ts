// Names that connections have to do with: channels, patterns, keys that are waited for or tracked, prefixes. One table for all,
// by kind, database and name, with a list of links for each name, in the order they were made, and another for each connection.
// The table is hashed linearly: it grows by one bucket with each name, so that no subscription waits for a rehash of all
// the others; its buckets lie in pages, the first of which comes with the first name and goes with the last. The price is 64
// KiB while anybody listens, and of a name 48 bytes beside its own.

import { EVENTS_BASE, EVENTS_BYTES, PAGE_BYTES, PageKind, SPARE_PAGES, ZONE_VOLATILE } from "../layout";
import { hashBytes } from "../memory/hash";
import { allocate, copyBytes, equalBytes, hasMemory, release, releasePage, state, takePage } from "../memory/memory";
import { EVENTS_HEAD_BYTES } from "./mailbox";

export const CHANNEL: u32 = 0;
export const SHARD_CHANNEL: u32 = 1;
export const PATTERN: u32 = 2;
export const WAITED_KEY: u32 = 3;
export const TRACKED_KEY: u32 = 4;
export const PREFIX: u32 = 5;
const KINDS: u32 = 6;

@unmanaged
export class Name {
  /** Next of its bucket. */
  next: u32;
  /** Neighbours of its kind. */
  older: u32;
  newer: u32;
  /** Links, oldest first. */
  first: u32;
  last: u32;
  links: u32;
  hash: u64;
  bytes: u32;
  /** Next of the keys that changed and somebody waits for. */
  nextReady: u32;
  kind: u8;
  database: u8;
  isReady: u8;
  /** It stays while those that wait for it are served. */
  isServed: u8;
}

@unmanaged
export class Link {
  name: u32;
  /** Mailbox. */
  owner: u32;
  /** Next of the name, and the address of the word that refers to this one. */
  next: u32;
  back: u32;
  /** The same among the links of its owner. */
  nextOwn: u32;
  backOwn: u32;
}

const NAME_BYTES: u32 = 48;
const LINK_BYTES: u32 = 24;
if (offsetof<Name>() > NAME_BYTES || offsetof<Link>() != LINK_BYTES) ERROR("names and links must keep their sizes");

const BUCKETS_A_PAGE: u32 = PAGE_BYTES / 4;
const PAGES_MAX: u32 = 128;

@unmanaged
class Names {
  count: u32;
  buckets: u32;
  /** Heads and tails of the names of each kind, and how many there are. */
  kinds: u64;
}

const NAMES_BASE: usize = EVENTS_BASE + EVENTS_HEAD_BYTES;
const KINDS_BASE: usize = NAMES_BASE + 8;
const KIND_BYTES: u32 = 12;
const PAGES_BASE: usize = KINDS_BASE + KINDS * KIND_BYTES;
if (PAGES_BASE + PAGES_MAX * 4 > EVENTS_BASE + EVENTS_BYTES) ERROR("the table of names must fit its region");

const names = changetype<Names>(NAMES_BASE);

@inline
export function nameAt(address: usize): Name {
  return changetype<Name>(address);
}

@inline
export function linkAt(address: usize): Link {
  return changetype<Link>(address);
}

/** Where the text of a name lies. */
@inline
export function textOf(name: usize): usize {
  return name + NAME_BYTES;
}

export function hashName(address: usize, bytes: u32): u64 {
  return hashBytes(address, bytes, state.seed);
}

/** How many names there are of a kind, and the oldest, 0 for none. */
@inline
export function countOf(kind: u32): u32 {
  return load<u32>(KINDS_BASE + kind * KIND_BYTES, 8);
}

export function oldestOf(kind: u32): usize {
  return load<u32>(KINDS_BASE + kind * KIND_BYTES);
}

@inline
function bucketAt(index: u32): usize {
  return load<u32>(PAGES_BASE + ((index / BUCKETS_A_PAGE) << 2)) + ((index % BUCKETS_A_PAGE) << 2);
}

/** The bucket of a hash: those below the split are addressed by one bit more. */
function bucketOf(hash: u64): usize {
  const half: u32 = 1 << (31 - clz(names.buckets));
  const index = <u32>hash & (half * 2 - 1);
  return bucketAt(index < names.buckets ? index : index & (half - 1));
}

/** The name of this kind, database and text; 0 for none. */
export function findName(kind: u32, database: u32, address: usize, bytes: u32, hash: u64): usize {
  if (countOf(kind) == 0) return 0;
  for (let at: usize = load<u32>(bucketOf(hash)); at != 0; at = nameAt(at).next) {
    const name = nameAt(at);
    if (name.hash != hash || <u32>name.kind != kind || <u32>name.database != database || name.bytes != bytes) continue;
    if (equalBytes(textOf(at), address, bytes)) return at;
  }
  return 0;
}

/** The same for a key of which only the hash is known, as 64 bits tell keys apart. */
export function findHashed(kind: u32, database: u32, hash: u64): usize {
  if (countOf(kind) == 0) return 0;
  for (let at: usize = load<u32>(bucketOf(hash)); at != 0; at = nameAt(at).next) {
    const name = nameAt(at);
    if (name.hash == hash && <u32>name.kind == kind && <u32>name.database == database) return at;
  }
  return 0;
}

/** Finds or makes a name; 0 when memory has no room. A name without links must get one, or be dropped. */
export function getName(kind: u32, database: u32, address: usize, bytes: u32, hash: u64): usize {
  const found = findName(kind, database, address, bytes, hash);
  if (found != 0) return found;
  if (!hasMemory(SPARE_PAGES)) return 0;
  growTable();
  const made = allocate(ZONE_VOLATILE, NAME_BYTES + bytes);
  memory.fill(made, 0, NAME_BYTES);
  const name = nameAt(made);
  name.hash = hash;
  name.bytes = bytes;
  name.kind = <u8>kind;
  name.database = <u8>database;
  copyBytes(textOf(made), address, bytes);
  const bucket = bucketOf(hash);
  name.next = load<u32>(bucket);
  store<u32>(bucket, <u32>made);
  const ends = KINDS_BASE + kind * KIND_BYTES;
  const newest = load<u32>(ends, 4);
  name.older = newest;
  if (newest == 0) store<u32>(ends, <u32>made);
  else nameAt(newest).newer = <u32>made;
  store<u32>(ends, <u32>made, 4);
  store<u32>(ends, load<u32>(ends, 8) + 1, 8);
  return made;
}

/** One bucket more, into which the names of another go as far as they belong there. */
function growTable(): void {
  names.count++;
  if (names.buckets == 0) {
    addPage(0);
    names.buckets = BUCKETS_A_PAGE;
    return;
  }
  if (names.count <= names.buckets || names.buckets == BUCKETS_A_PAGE * PAGES_MAX) return;
  const fresh = names.buckets;
  if (fresh % BUCKETS_A_PAGE == 0) addPage(fresh / BUCKETS_A_PAGE);
  const half: u32 = 1 << (31 - clz(fresh));
  let link = bucketAt(fresh - half);
  names.buckets++;
  const to = bucketAt(fresh);
  while (load<u32>(link) != 0) {
    const at: usize = load<u32>(link);
    const name = nameAt(at);
    if ((<u32>name.hash & (half * 2 - 1)) == fresh) {
      store<u32>(link, name.next);
      name.next = load<u32>(to);
      store<u32>(to, <u32>at);
    } else {
      link = at; // `next` is the first word of a name
    }
  }
}

function addPage(index: u32): void {
  const page = takePage(PageKind.Scratch);
  if (page == 0) unreachable(); // getName has looked
  memory.fill(page, 0, PAGE_BYTES);
  store<u32>(PAGES_BASE + (index << 2), <u32>page);
}

/** Drops a name that has no links. */
export function dropName(address: usize): void {
  const name = nameAt(address);
  let link = bucketOf(name.hash);
  while (<usize>load<u32>(link) != address) link = load<u32>(link);
  store<u32>(link, name.next);
  const ends = KINDS_BASE + <u32>name.kind * KIND_BYTES;
  if (name.older == 0) store<u32>(ends, name.newer);
  else nameAt(name.older).newer = name.newer;
  if (name.newer == 0) store<u32>(ends, name.older, 4);
  else nameAt(name.newer).older = name.older;
  store<u32>(ends, load<u32>(ends, 8) - 1, 8);
  release(ZONE_VOLATILE, address);
  if (--names.count != 0) return;
  const pages = (names.buckets - 1) / BUCKETS_A_PAGE;
  for (let index: u32 = 0; index <= pages; index++) releasePage(load<u32>(PAGES_BASE + (index << 2)));
  names.buckets = 0;
}

// ---- links

/** The link between a name and an owner, 0 for none; looks through the shorter list. `own`: the head of the owner's list, and its length. */
export function findLink(name: usize, owner: usize, own: usize, ownCount: u32): usize {
  if (nameAt(name).links <= ownCount) {
    for (let at: usize = nameAt(name).first; at != 0; at = linkAt(at).next)
      if (<usize>linkAt(at).owner == owner) return at;
    return 0;
  }
  for (let at: usize = load<u32>(own); at != 0; at = linkAt(at).nextOwn) if (<usize>linkAt(at).name == name) return at;
  return 0;
}

/** Links an owner to a name, behind all others; `own` is the head of the owner's list. False when memory has no room. */
export function addLink(name: usize, owner: usize, own: usize): bool {
  if (!hasMemory(SPARE_PAGES)) return false;
  const address = allocate(ZONE_VOLATILE, LINK_BYTES);
  const link = linkAt(address);
  const record = nameAt(name);
  link.name = <u32>name;
  link.owner = <u32>owner;
  link.next = 0;
  link.back = record.last == 0 ? <u32>(name + offsetof<Name>("first")) : record.last + offsetof<Link>("next");
  store<u32>(link.back, <u32>address);
  record.last = <u32>address;
  record.links++;
  link.nextOwn = load<u32>(own);
  link.backOwn = <u32>own;
  if (link.nextOwn != 0) linkAt(link.nextOwn).backOwn = <u32>(address + offsetof<Link>("nextOwn"));
  store<u32>(own, <u32>address);
  return true;
}

/** Drops a link; its name goes with the last one, unless it stands among those that are ready. */
export function dropLink(address: usize): void {
  const link = linkAt(address);
  const name: usize = link.name;
  const record = nameAt(name);
  store<u32>(link.back, link.next);
  if (link.next != 0) linkAt(link.next).back = link.back;
  else record.last = link.back == <u32>(name + offsetof<Name>("first")) ? 0 : link.back - <u32>offsetof<Link>("next");
  store<u32>(link.backOwn, link.nextOwn);
  if (link.nextOwn != 0) linkAt(link.nextOwn).backOwn = link.backOwn;
  release(ZONE_VOLATILE, address);
  if (--record.links == 0 && !record.isReady && !record.isServed) dropName(name);
}

/** Drops all links of an owner's list. */
export function dropLinks(own: usize): void {
  while (load<u32>(own) != 0) dropLink(load<u32>(own));
}
