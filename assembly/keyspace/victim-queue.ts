// What S3-FIFO lets go: from the small queue while that has a tenth of all words, else from the main one. What was used
// twice in the small queue goes on to the main one, the rest goes and becomes a ghost; what was used in the main queue
// goes round again, up to three times. Sizes count stale words, which are met and dropped on the way, so they err for as
// long as keys are deleted otherwise. The price of a lap is bounded: after 256 words the caller samples instead.

import { TYPE_VECTOR_SET, typeOf } from "../memory/entry";
import { slotEntry } from "../memory/table";
import { setUses, usesOf } from "./access";
import { rememberGhost } from "./ghosts";
import { pinned } from "./keyspace";
import { findWord, MAIN, putBack, SMALL, takeOldest, touchAhead, wordsOf } from "./queues";

const WORDS_MAX: u32 = 256;
/** One word in so many is to be in the small queue. */
const SMALL_SHARE: u32 = 10;
/** Uses in the small queue that take an entry to the main one. */
const USES_TO_STAY: u32 = 2;

/** The slot of the next entry to evict, its table in `foundTable`; 0 when none was met. */
export function nextVictim(): usize {
  for (let left = WORDS_MAX; left > 0; left--) {
    const all = wordsOf(SMALL) + wordsOf(MAIN);
    if (all == 0) return 0;
    const queue = wordsOf(SMALL) * SMALL_SHARE >= all || wordsOf(MAIN) == 0 ? SMALL : MAIN;
    touchAhead(queue);
    const word = takeOldest(queue);
    const slot = findWord(word);
    // A vector set is never evicted: it needs no place.
    if (slot == 0 || typeOf(slotEntry(slot)) == TYPE_VECTOR_SET) continue;
    const entry = slotEntry(slot);
    const uses = usesOf(entry);
    if (entry == pinned) {
      putBack(queue, word);
    } else if (queue == SMALL && uses >= USES_TO_STAY) {
      setUses(entry, 0);
      putBack(MAIN, word);
    } else if (queue == MAIN && uses > 0) {
      setUses(entry, uses - 1);
      putBack(MAIN, word);
    } else {
      if (queue == SMALL) rememberGhost(word, all);
      return slot;
    }
  }
  return 0;
}
