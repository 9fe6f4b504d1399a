// A stream that comes from elsewhere: every address is claimed before it is followed, every entry is read from end to end, ids
// rise within blocks and from one to the next, and what a consumer has is what its group says it has. Costs a look at everything.

import { PAGE_BITS, PAGE_BYTES, PageKind, ZONE_OBJECT } from "../../layout";
import { cellAt, claimCell, claimPage, claimPart, markBytes } from "../../memory/claims";
import {
  addressSlot,
  bytesOfNode,
  findId,
  FIRST_CAPACITY,
  ID_NODE_HEADER_BYTES,
  IdNode,
  idNode,
  idSlot,
  IdTree,
  isBefore,
  NODE_CAPACITY,
  SECOND_CAPACITY,
  seekFrom,
  seekNext,
  soughtAddress,
  soughtMs,
  soughtSeq,
} from "../id-tree";
import { compareNames, NamedCell, namedCell, nameOf, priorityOf } from "../name-tree";
import {
  BLOCK_HEADER_BYTES,
  bytesOfBlock,
  CELL_BYTES_MAX,
  ENTRY_BYTES_MAX,
  pageList,
  pagesOfBlock,
  blockAt,
} from "./block";
import { checkedMs, checkedSeq, isBlockRight } from "./block-check";
import {
  CONSUMER_BYTES,
  consumerAt,
  Group,
  GROUP_BYTES,
  groupAt,
  PENDING_BYTES,
  pendingAt,
  pendingOfConsumer,
  pendingOfGroup,
} from "./group";
import { blockAfter, blocksOf, firstBlock, Stream, STREAM_BYTES, streamAt } from "./stream";

const LEVEL_MAX: u32 = 8;
/** Deeper than any tree of names that fit memory comes to be. */
const NAMES_DEEP_MAX: u32 = 256;

/** What the addresses of a tree lead to. */
const BLOCKS: u32 = 0;
const PENDING: u32 = 1;
/** The cells of another tree, which are claimed by that. */
const SHARED: u32 = 2;

/** Claims all that a stream has; false when something contradicts itself. */
export function claimStream(address: u32): bool {
  if (!claimCell(address, STREAM_BYTES, ZONE_OBJECT)) return false;
  const stream = streamAt(address);
  if (!claimTree(blocksOf(stream), BLOCKS)) return false;
  if (stream.tail != 0 && !claimBlock(stream.tail)) return false;
  if (!areBlocksRight(stream)) return false;
  named = 0;
  return claimGroups(stream.groups, 0, 0, 0) && named == stream.groupCount;
}

// ---- trees of ids

let items: u32 = 0;
let nodeBytes: u32 = 0;
let hasItem: bool = false;
let itemMs: u64 = 0;
let itemSeq: u64 = 0;

function claimTree(tree: IdTree, kind: u32): bool {
  isLeastKnown = false;
  items = 0;
  nodeBytes = 0;
  hasItem = false;
  if (tree.root == 0) return tree.count == 0 && tree.bytes == 0;
  return claimNode(tree.root, LEVEL_MAX, true, kind) && items == tree.count && nodeBytes == tree.bytes;
}

/** Claims a node and what is below it; `level` is that of the node above. */
function claimNode(address: u32, level: u32, isRoot: bool, kind: u32): bool {
  if (cellAt(address, ZONE_OBJECT) < ID_NODE_HEADER_BYTES) return false;
  const node = idNode(address);
  const capacity: u32 = node.capacity;
  const isSmall = capacity == FIRST_CAPACITY || capacity == SECOND_CAPACITY;
  if (capacity != NODE_CAPACITY && !(isSmall && isRoot && node.level == 0)) return false;
  if (node.count == 0 || <u32>node.count > capacity) return false;
  if (isRoot ? node.level >= level : node.level + 1 != level) return false;
  if (!claimPart(address, bytesOfNode(capacity), ID_NODE_HEADER_BYTES + ((<u32>node.count) << 4), ZONE_OBJECT))
    return false;
  markBytes(addressSlot(node, 0), (<u32>node.count) << 2);
  nodeBytes += bytesOfNode(capacity);
  return node.level == 0 ? claimLeaf(node, kind) : claimChildren(node, kind);
}

function claimChildren(node: IdNode, kind: u32): bool {
  for (let index: u32 = 0; index < <u32>node.count; index++) {
    const slot = idSlot(node, index);
    const ms = load<u64>(slot);
    const seq = load<u64>(slot, 8);
    // What came before is below it, what comes is not.
    if (index > 0 && hasItem && !isBefore(itemMs, itemSeq, ms, seq)) return false;
    const before = items;
    if (index > 0) {
      leastMs = ms;
      leastSeq = seq;
      isLeastKnown = true;
    }
    if (!claimNode(load<u32>(addressSlot(node, index)), node.level, false, kind) || items == before) return false;
  }
  return true;
}

let leastMs: u64 = 0;
let leastSeq: u64 = 0;
let isLeastKnown: bool = false;

function claimLeaf(node: IdNode, kind: u32): bool {
  for (let index: u32 = 0; index < <u32>node.count; index++) {
    const slot = idSlot(node, index);
    const ms = load<u64>(slot);
    const seq = load<u64>(slot, 8);
    if (hasItem && !isBefore(itemMs, itemSeq, ms, seq)) return false;
    if (isLeastKnown && isBefore(ms, seq, leastMs, leastSeq)) return false;
    isLeastKnown = false;
    hasItem = true;
    itemMs = ms;
    itemSeq = seq;
    items++;
    const address = load<u32>(addressSlot(node, index));
    if (kind == PENDING && !claimCell(address, PENDING_BYTES, ZONE_OBJECT)) return false;
    if (kind == BLOCKS && (!claimBlock(address) || blockAt(address).ms != ms || blockAt(address).seq != seq))
      return false;
  }
  return true;
}

// ---- blocks

function claimBlock(address: u32): bool {
  const size = cellAt(address, ZONE_OBJECT);
  if (size < BLOCK_HEADER_BYTES) return false;
  const block = blockAt(address);
  if (block.room != size || block.paged > 1 || block.start > block.last || block.last >= block.end) return false;
  if (block.entries == 0 || block.entries > block.made) return false;
  if (block.paged == 0) {
    if (block.end > size || block.start < BLOCK_HEADER_BYTES) return false;
    return claimCell(address, block.end, ZONE_OBJECT);
  }
  if (block.end > ENTRY_BYTES_MAX + CELL_BYTES_MAX || block.start != 0) return false;
  const count = pagesOfBlock(block);
  if (!claimCell(address, BLOCK_HEADER_BYTES + (count << 2), ZONE_OBJECT)) return false;
  for (let index: u32 = 0; index < count; index++) {
    const page = <usize>load<u32>(pageList(block) + (index << 2));
    if (!claimPage(page, PageKind.Value, min(block.end - (index << PAGE_BITS), PAGE_BYTES))) return false;
  }
  return true;
}

/** Reads all entries; everything that a block leads to is claimed. */
function areBlocksRight(stream: Stream): bool {
  let length: u32 = 0;
  let bytes: u64 = 0;
  let ms: u64 = 0;
  let seq: u64 = 0;
  for (let address = firstBlock(stream); address != 0; address = blockAfter(stream, address)) {
    const block = blockAt(address);
    if (!isBefore(ms, seq, block.ms, block.seq) || !isBlockRight(block)) return false;
    ms = checkedMs;
    seq = checkedSeq;
    length += block.entries;
    bytes += bytesOfBlock(block);
  }
  if (isBefore(stream.lastMs, stream.lastSeq, ms, seq)) return false;
  return length == stream.length && bytes == stream.blockBytes;
}

// ---- groups and consumers

let named: u32 = 0;

/** Claims a tree of groups; none may have a name that is not beyond `least`'s, and that of each must be below `most`'s. */
function claimGroups(address: u32, least: u32, most: u32, depth: u32): bool {
  if (address == 0) return true;
  if (!claimNamed(address, GROUP_BYTES, least, most, depth) || !claimGroup(groupAt(address))) return false;
  const cell = namedCell(address);
  return claimGroups(cell.left, least, address, depth + 1) && claimGroups(cell.right, address, most, depth + 1);
}

function claimGroup(group: Group): bool {
  named++;
  const before = named;
  if (!claimTree(pendingOfGroup(group), PENDING)) return false;
  named = 0;
  owned = 0;
  if (!claimConsumers(group, group.consumers, 0, 0, 0) || named != group.consumerCount) return false;
  named = before;
  return owned == group.pendingCount;
}

/** What the consumers of a group have. */
let owned: u32 = 0;

function claimConsumers(group: Group, address: u32, least: u32, most: u32, depth: u32): bool {
  if (address == 0) return true;
  if (!claimNamed(address, CONSUMER_BYTES, least, most, depth)) return false;
  named++;
  const own = pendingOfConsumer(consumerAt(address));
  if (!claimTree(own, SHARED)) return false;
  for (let more = seekFrom(own, 0, 0); more; more = seekNext(own)) {
    // Only what is in the group's tree is claimed, and may be looked at.
    if (findId(pendingOfGroup(group), soughtMs, soughtSeq) != soughtAddress) return false;
    if (pendingAt(soughtAddress).consumer != address) return false;
    owned++;
  }
  const cell = namedCell(address);
  if (!claimConsumers(group, cell.left, least, address, depth + 1)) return false;
  return claimConsumers(group, cell.right, address, most, depth + 1);
}

/** Claims a cell with a name, which must lie between those of two others, 0 for none. */
function claimNamed(address: u32, headerBytes: u32, least: u32, most: u32, depth: u32): bool {
  if (depth > NAMES_DEEP_MAX || cellAt(address, ZONE_OBJECT) < headerBytes) return false;
  const cell = namedCell(address);
  if (<u32>cell.nameOffset != headerBytes) return false;
  if (!claimCell(address, headerBytes + cell.nameBytes, ZONE_OBJECT)) return false;
  if (cell.priority != priorityOf(nameOf(address), cell.nameBytes)) return false;
  return (least == 0 || isNamedBefore(least, address)) && (most == 0 || isNamedBefore(address, most));
}

function isNamedBefore(first: u32, second: u32): bool {
  const a: NamedCell = namedCell(first);
  const b: NamedCell = namedCell(second);
  return compareNames(nameOf(first), a.nameBytes, nameOf(second), b.nameBytes) < 0;
}
