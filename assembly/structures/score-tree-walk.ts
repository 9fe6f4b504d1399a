// The order of a sorted set that comes from elsewhere: nothing in it is believed. Each node is claimed before it is read, pairs must
// rise strictly, each must name a member that the set's table finds with the score that stands beside it, and counts and the least
// pairs above the leaves must be what lies below them. Then the order has every member once, since it has as many.

import { ZONE_OBJECT } from "../layout";
import { cellAt, claimPart, markBytes } from "../memory/claims";
import { ENTRY_HEADER_BYTES, entryAt, entryBytes, keyOf } from "../memory/entry";
import { hashOfEntry } from "../memory/table-grow";
import { findSlot, slotEntry } from "../memory/table";
import { compareBytes } from "./byte-order";
import {
  belowSlot,
  capacityOf,
  childOf,
  childSlot,
  INNER_BYTES,
  LEAF_BYTES,
  LEAF_FIRST_BYTES,
  leafBytes,
  leastLeaf,
  LEVELS_MAX,
  memberOf,
  memberSlot,
  nodeBytes,
  nodeOf,
  OrderNode,
  scoreOf,
  scoreSlot,
  SortedSet,
} from "./score-tree";
import { membersOf, SCORE_BYTES, scoreOfMember } from "./sorted-set";

const NODE_HEADER_BYTES: u32 = <u32>offsetof<OrderNode>();

// The pair that the walk came to last, its member 0 for none; pairs so far, and bytes of the nodes.
let lastScore: f64 = 0;
let lastMember: usize = 0;
let pairs: u32 = 0;
let bytes: u32 = 0;

/** Claims the order of a set whose members are claimed and in its table; false when anything in it is wrong. */
export function claimOrder(set: SortedSet): bool {
  lastMember = 0;
  pairs = 0;
  bytes = 0;
  if (set.root == 0) return false;
  const level = cellAt(set.root, ZONE_OBJECT) < LEAF_FIRST_BYTES ? LEVELS_MAX + 1 : nodeOf(set.root).level;
  return level <= LEVELS_MAX && claimNode(set, set.root, level) && pairs == set.count && bytes == set.nodeBytes;
}

function claimNode(set: SortedSet, address: u32, level: u32): bool {
  const size = cellAt(address, ZONE_OBJECT);
  if (size < LEAF_FIRST_BYTES) return false;
  const node = nodeOf(address);
  if (node.level != level || node.count == 0 || node.count > node.capacity || !isSizeRight(set, node, size))
    return false;
  if (!claimPart(address, level == 0 ? leafBytes(node.capacity) : INNER_BYTES, NODE_HEADER_BYTES, ZONE_OBJECT))
    return false;
  markPairs(node);
  bytes += nodeBytes(node);
  return level == 0 ? areMembersRight(set, node) : areChildrenRight(set, node);
}

/** What is meant of a node's arrays. */
function markPairs(node: OrderNode): void {
  const count: u32 = node.count;
  markBytes(scoreSlot(node, 0), count << 3);
  markBytes(memberSlot(node, 0), count << 2);
  if (node.level == 0) return;
  markBytes(childSlot(node, 0), count << 2);
  markBytes(belowSlot(node, 0), count << 2);
}

/** A node has the capacity of its size, and only a lone leaf is smaller than others. */
function isSizeRight(set: SortedSet, node: OrderNode, size: u32): bool {
  if (node.level != 0) return size >= INNER_BYTES && <u32>node.capacity == capacityOf(INNER_BYTES, node.level);
  let fitting = LEAF_FIRST_BYTES;
  while (fitting < LEAF_BYTES && capacityOf(fitting, 0) != <u32>node.capacity) fitting <<= 1;
  if (capacityOf(fitting, 0) != <u32>node.capacity || size < fitting) return false;
  return fitting == LEAF_BYTES || set.root == <u32>changetype<usize>(node);
}

function areMembersRight(set: SortedSet, leaf: OrderNode): bool {
  for (let place: u32 = 0; place < leaf.count; place++) {
    const member = memberOf(leaf, place);
    const score = scoreOf(leaf, place);
    if (!isMember(set, member) || reinterpret<u64>(scoreOfMember(member)) != reinterpret<u64>(score)) return false;
    if (score != score || (lastMember != 0 && !isAfter(score, member, lastScore, lastMember))) return false;
    lastScore = score;
    lastMember = member;
    pairs++;
  }
  return true;
}

function isAfter(score: f64, member: usize, before: f64, other: usize): bool {
  if (score != before) return score > before;
  return compareBytes(keyOf(member), entryAt(member).keyBytes, keyOf(other), entryAt(other).keyBytes) > 0;
}

/** True when the table has a member at this address: what it finds by the name that stands there lies there. */
function isMember(set: SortedSet, member: usize): bool {
  const size = cellAt(member, ZONE_OBJECT);
  if (size < ENTRY_HEADER_BYTES || entryBytes(entryAt(member).keyBytes, SCORE_BYTES, false) > size) return false;
  const slot = findSlot(membersOf(set), keyOf(member), entryAt(member).keyBytes, hashOfEntry(member));
  return slot != 0 && slotEntry(slot) == member;
}

function areChildrenRight(set: SortedSet, node: OrderNode): bool {
  for (let child: u32 = 0; child < node.count; child++) {
    const before = pairs;
    if (!claimNode(set, load<u32>(childSlot(node, child)), node.level - 1)) return false;
    if (pairs - before != load<u32>(belowSlot(node, child))) return false;
    if (child != 0 && !isLeast(node, child)) return false;
  }
  return true;
}

/** True when the pair above a child, which is claimed, is the least below it. */
function isLeast(node: OrderNode, child: u32): bool {
  const leaf = leastLeaf(childOf(node, child));
  return memberOf(leaf, 0) == memberOf(node, child) && scoreOf(leaf, 0) == scoreOf(node, child);
}
