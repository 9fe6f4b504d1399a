// Field indexes of a vector set that comes from elsewhere: every cell is claimed before it is followed, every list must be
// in order, count right, and name live elements. That values are listed under their own keys is not asked for: an index
// that lies finds less, and harms nobody.

import { Blocks, recordAt, roomOf } from "./blocks";
import { columnOf, FIELD_BYTES, fieldAt, FIELDS_HEAD_BYTES, FIELDS_MAX } from "./field-index";
import {
  belowSlot,
  capacityOf,
  childSlot,
  idSlot,
  keySlot,
  LEAF_FIRST_BYTES,
  nodeOf,
  Postings,
  POSTINGS_NODE_BYTES,
  PostingsNode,
} from "../filters/postings";
import { ZONE_OBJECT } from "../layout";
import { CLAIM_MARK, cellAt, claimCell, claimPart, markBytes } from "../memory/claims";
import { NESTING_MAX, PATH_HEAD_BYTES } from "../text/attributes";
import { NodeState, nodeAt, VectorSet } from "./vectorset";

export const COLUMN_RECORD_BYTES: u32 = 8;
/** More than any tree that fits a memory. */
const LEVELS_MAX: u32 = 8;

// The entries met so far, the last of them, and the least that the next one may be.
let met: u32 = 0;
let lastKey: u64 = 0;
let lastId: u32 = 0;
let leastKey: u64 = 0;
let leastId: u32 = 0;

/** Claims the indexes of a set, the columns' blocks apart; false when something cannot be. The nodes are claimed already. */
export function claimFields(set: VectorSet): bool {
  if (set.fields == 0) return true;
  const size = cellAt(set.fields, ZONE_OBJECT);
  if (size < CLAIM_MARK) return false;
  const count = load<u32>(set.fields);
  if (count == 0 || count > FIELDS_MAX) return false;
  if (!claimCell(set.fields, FIELDS_HEAD_BYTES + count * FIELD_BYTES, ZONE_OBJECT)) return false;
  for (let index: u32 = 0; index < count; index++) {
    const field = fieldAt(set, index);
    if (!claimPath(field.path) || !claimPostings(set, field, field.entries)) return false;
  }
  return true;
}

/** Marks the records of a column whose blocks are claimed. */
export function markColumn(column: Blocks): void {
  const room = roomOf(column);
  for (let id: u32 = 0; id < room; id++) markBytes(recordAt(column, id), COLUMN_RECORD_BYTES);
}

/** The column of one of a set's indexes, whose cell is claimed. */
export function columnAt(set: VectorSet, index: u32): Blocks {
  return columnOf(fieldAt(set, index));
}

function claimPath(path: u32): bool {
  if (cellAt(path, ZONE_OBJECT) < CLAIM_MARK) return false;
  const bytes = <u32>load<u16>(path);
  if (bytes <= PATH_HEAD_BYTES || !claimCell(path, bytes, ZONE_OBJECT)) return false;
  const end = <usize>path + bytes;
  let step = <usize>path + PATH_HEAD_BYTES;
  let steps: u32 = 0;
  for (; step + 4 <= end; steps++) step += 4 + (load<u32>(step) >> 16);
  return step == end && steps <= NESTING_MAX;
}

/** Claims an ordered index of `entries` live elements of a set. */
export function claimPostings(set: VectorSet, postings: Postings, entries: u32): bool {
  met = 0;
  leastKey = 0;
  leastId = 0;
  if (postings.root != 0 && !claimNode(set, postings.root, LEVELS_MAX, true)) return false;
  return met == entries;
}

/** Claims a node of at most the given level, exactly that unless it is the root, and all below it. */
function claimNode(set: VectorSet, address: u32, level: u32, isRoot: bool): bool {
  if (cellAt(address, ZONE_OBJECT) < CLAIM_MARK) return false;
  const node = nodeOf(address);
  if (node.level > level || (!isRoot && node.level != level) || node.count == 0 || node.count > node.capacity)
    return false;
  if (!claimPart(address, bytesOf(node, isRoot), <u32>offsetof<PostingsNode>(), ZONE_OBJECT)) return false;
  markBytes(keySlot(node, 0), (<u32>node.count) << 3);
  markBytes(idSlot(node, 0), (<u32>node.count) << 2);
  if (node.level != 0) {
    markBytes(childSlot(node, 0), (<u32>node.count) << 2);
    markBytes(belowSlot(node, 0), (<u32>node.count) << 2);
  }
  return node.level == 0 ? isLeafRight(set, node) : areChildrenRight(set, node);
}

/** Bytes of a node by its capacity, 0 for one that no node has. A lone leaf may be small. */
function bytesOf(node: PostingsNode, isRoot: bool): u32 {
  let bytes = isRoot && node.level == 0 ? LEAF_FIRST_BYTES : POSTINGS_NODE_BYTES;
  while (bytes <= POSTINGS_NODE_BYTES && capacityOf(bytes, node.level) != node.capacity) bytes <<= 1;
  return bytes <= POSTINGS_NODE_BYTES ? bytes : 0;
}

function isLeafRight(set: VectorSet, leaf: PostingsNode): bool {
  for (let index: u32 = 0; index < leaf.count; index++) {
    const key = load<u64>(keySlot(leaf, index));
    const id = load<u32>(idSlot(leaf, index));
    if (id >= set.idsUsed || nodeAt(set, id).state != <u16>NodeState.Live) return false;
    if (isBefore(key, id, leastKey, leastId) || (met != 0 && !isBefore(lastKey, lastId, key, id))) return false;
    lastKey = key;
    lastId = id;
    met++;
  }
  return true;
}

function areChildrenRight(set: VectorSet, node: PostingsNode): bool {
  for (let index: u32 = 0; index < node.count; index++) {
    const before = met;
    if (index > 0) {
      leastKey = load<u64>(keySlot(node, index));
      leastId = load<u32>(idSlot(node, index));
      if (!isBefore(lastKey, lastId, leastKey, leastId)) return false;
    }
    if (!claimNode(set, load<u32>(childSlot(node, index)), node.level - 1, false)) return false;
    if (load<u32>(belowSlot(node, index)) != met - before) return false;
  }
  return true;
}

@inline
function isBefore(key: u64, id: u32, otherKey: u64, otherId: u32): bool {
  return key < otherKey || (key == otherKey && id < otherId);
}
