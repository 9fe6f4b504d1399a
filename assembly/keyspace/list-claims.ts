// Claiming and checking what lists hold, for a walk over an image (image-walk.ts): every node, link, length and count is held
// against what is there, since bytes of elsewhere are not believed. A circle of nodes cannot be: no cell is claimed twice.

import { PAGE_BITS, PAGE_BYTES, PageKind, VALUE_BYTES_MAX, ZONE_OBJECT } from "../layout";
import { cellAt, claimCell, claimPage, claimPart, clearGap, markBytes } from "../memory/claims";
import {
  ENTRY_HEADER_BYTES,
  entryAt,
  entryBytes,
  INLINE_VALUE_MAX,
  isPaged,
  PAGED,
  pagesFor,
  TYPE_STRING,
  valueOf,
} from "../memory/entry";
import {
  frontRoom,
  isLong,
  LIST_HEAD_BYTES,
  LIST_NODE_BYTES,
  listAt,
  ListNode,
  listNodeAt,
  LONG_NODE_BYTES,
  longEntry,
  runBytes,
  runEnd,
  runStart,
} from "../structures/list-chain";
import { isRunRight, RUN_ELEMENT_MAX } from "../structures/packed-run";

/** Packed: count (u16) | run */
export function isPackedListRight(entry: usize): bool {
  const bytes = entryAt(entry).valueBytes;
  const value = valueOf(entry);
  return bytes > 2 && load<u16>(value) != 0 && isRunRight(value + 2, value + bytes, load<u16>(value));
}

/** Claims the nodes of a chain, and holds its counts against them. */
export function claimChain(entry: usize): bool {
  if (entryAt(entry).valueBytes != LIST_HEAD_BYTES) return false;
  const list = listAt(valueOf(entry));
  let count: u64 = 0;
  let nodes: u32 = 0;
  let bytes: u64 = 0;
  let previous: usize = 0;
  for (let node = <usize>list.first; node != 0; node = <usize>listNodeAt(node).next) {
    if (cellAt(node, ZONE_OBJECT) < LONG_NODE_BYTES || listNodeAt(node).previous != <u32>previous) return false;
    if (!(isLong(node) ? claimLong(node) : claimNode(node))) return false;
    count += listNodeAt(node).count;
    bytes += isLong(node) ? entryAt(longEntry(node)).valueBytes : runBytes(node);
    nodes++;
    previous = node;
  }
  return nodes != 0 && list.last == <u32>previous && list.nodes == nodes && list.count == count && list.bytes == bytes;
}

function claimNode(node: usize): bool {
  const head: ListNode = listNodeAt(node);
  const cell: u32 = head.cell;
  if (cell != cellAt(node, ZONE_OBJECT)) return false;
  if (<u32>head.start < LIST_NODE_BYTES || head.start > head.end || <u32>head.end > cell || head.count == 0)
    return false;
  if (!claimPart(node, cell, LIST_NODE_BYTES, ZONE_OBJECT)) return false;
  markBytes(runStart(node), runBytes(node));
  clearGap(node + LIST_NODE_BYTES, frontRoom(node));
  clearGap(runEnd(node), cell - <u32>head.end);
  return isRunRight(runStart(node), runEnd(node), head.count);
}

function claimLong(node: usize): bool {
  if (listNodeAt(node).count != 1 || !claimCell(node, LONG_NODE_BYTES, ZONE_OBJECT)) return false;
  const entry = longEntry(node);
  if (cellAt(entry, ZONE_OBJECT) < ENTRY_HEADER_BYTES) return false;
  const record = entryAt(entry);
  const bytes = record.valueBytes;
  if (record.keyBytes != 0 || record.type != TYPE_STRING || (record.flags & ~PAGED) != 0) return false;
  if (bytes <= RUN_ELEMENT_MAX || bytes > VALUE_BYTES_MAX || isPaged(entry) != bytes > INLINE_VALUE_MAX) return false;
  if (!claimCell(entry, entryBytes(0, bytes, false), ZONE_OBJECT)) return false;
  return !isPaged(entry) || claimLongPages(entry);
}

function claimLongPages(entry: usize): bool {
  const bytes = entryAt(entry).valueBytes;
  for (let index: u32 = 0; index < pagesFor(bytes); index++) {
    const meant = min(bytes - (index << PAGE_BITS), PAGE_BYTES);
    if (!claimPage(<usize>load<u32>(valueOf(entry) + (index << 2)), PageKind.Value, meant)) return false;
  }
  return true;
}
