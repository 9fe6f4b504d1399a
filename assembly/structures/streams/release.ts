// Freeing a whole stream, or a group of one, piece by piece for the graveyard: no step takes longer than some hundred
// cells do. A stream of one block and no groups, as most are while they are small, goes at once.

import { ZONE_OBJECT } from "../../layout";
import { dirty, release } from "../../memory/memory";
import { removeLast } from "../id-tree-change";
import { firstNamed, removeNamed } from "../name-tree";
import { blockAt, pagesOfBlock, releaseBlock } from "./block";
import { CONSUMER_BYTES, consumerAt, Group, GROUP_BYTES, groupAt, pendingOfConsumer, pendingOfGroup } from "./group";
import { blocksOf, Stream, STREAM_BYTES } from "./stream";

const CELLS_A_STEP: u32 = 128;

/** True when a stream is freed in one step. */
export function isReleasedAtOnce(stream: Stream): bool {
  return stream.blocksCount == 0 && stream.groups == 0;
}

/** Frees some of a stream that nothing refers to any more; true when nothing of it is left. */
export function releaseStreamStep(stream: Stream): bool {
  dirty(changetype<usize>(stream), STREAM_BYTES);
  if (stream.groups != 0) {
    const group = firstNamed(stream.groups);
    if (!hasNothingLeft(groupAt(group))) {
      releasePendings(groupAt(group));
      return false;
    }
    stream.groups = removeNamed(stream.groups, group);
    release(ZONE_OBJECT, group);
    return false;
  }
  if (stream.tail != 0) releaseBlock(blockAt(stream.tail));
  stream.tail = 0;
  for (let left = CELLS_A_STEP; left > 0 && stream.blocksRoot != 0; ) {
    const block = blockAt(removeLast(blocksOf(stream)));
    left -= min(left, block.paged != 0 ? 1 + (pagesOfBlock(block) << 3) : 1);
    releaseBlock(block);
  }
  if (stream.blocksRoot != 0) return false;
  release(ZONE_OBJECT, changetype<usize>(stream));
  return true;
}

/** Frees some of a group that was taken out of its stream; true when nothing of it is left. */
export function releaseGroupStep(group: Group): bool {
  if (!hasNothingLeft(group)) {
    releasePendings(group);
    return false;
  }
  release(ZONE_OBJECT, changetype<usize>(group));
  return true;
}

function hasNothingLeft(group: Group): bool {
  return group.pendingRoot == 0 && group.consumers == 0;
}

/** Frees some of what a group has: pending entries first, then consumers. */
function releasePendings(group: Group): void {
  dirty(changetype<usize>(group), GROUP_BYTES);
  for (let left = CELLS_A_STEP; left > 0; left--) {
    if (group.pendingRoot != 0) release(ZONE_OBJECT, removeLast(pendingOfGroup(group)));
    else if (group.consumers == 0) return;
    else releaseConsumer(group);
  }
}

/** Takes an item out of the first consumer's tree, whose cell is free already, or frees the consumer when there is none. */
function releaseConsumer(group: Group): void {
  const address = firstNamed(group.consumers);
  const consumer = consumerAt(address);
  dirty(address, CONSUMER_BYTES);
  if (consumer.pendingRoot != 0) {
    removeLast(pendingOfConsumer(consumer));
    return;
  }
  group.consumers = removeNamed(group.consumers, address);
  release(ZONE_OBJECT, address);
}
