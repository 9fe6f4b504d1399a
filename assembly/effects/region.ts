// The log region: effect records from when they are written until the host has them on disk. A chain of pages from the
// pool, so that it is as large as the disk is slow, and in the usual case the one page that is in the cache anyway:
// once all is released the page is filled anew. A record lies in one piece where a page holds it, else over a chain of
// whole pages; the host takes runs of bytes, a page at most, writes them from where they lie, and releases them. Pages of
// the log are not counted as held: a slow disk must not evict what a database holds. Their number is bounded all the
// same, by refusing writes (LogFull) and by free pages kept back for the records of a write that is let in.

import { EFFECTS_BASE, EFFECTS_BYTES, PAGE_BITS, PAGE_RECORD_BYTES, PageKind } from "../layout";
import { dirty, hasMemory, pageAt, releasePage, State, state, takePage } from "../memory/memory";
import { setRecordPages } from "../memory/settings";

@unmanaged
export class EffectLog {
  /** 1 while what commands do is recorded. */
  recording: u32;
  /** 1 while records are replayed: nothing dies by itself. */
  replaying: u32;
  /** 1 while a command runs that was let in to write: it may record whatever is held. */
  writing: u32;
  /** Bytes held from which on writes wait. */
  limitBytes: u32;
  /** Oldest page, by number, and how much of it is released; 0 when there is none. */
  head: u32;
  headReleased: u32;
  /** Newest page, and how far it is filled; a page before it says so in its record. */
  tail: u32;
  tailFilled: u32;
  /** Where the host takes from next. */
  takenPage: u32;
  takenOffset: u32;
  /** Bytes of whole groups that are not taken, and all bytes that are not released. */
  untakenBytes: u32;
  heldBytes: u32;
  /** 1 between EXEC and its end. */
  inGroup: u32;
  /** The last record of the group so far, page and place; page 0 when there is none. */
  openPage: u32;
  openOffset: u32;
  /** Bytes of the group so far. */
  groupBytes: u32;
  /** The connection that replays, 0 for none. */
  replayer: u32;
  /** Settings that are others during a replay. */
  ownRecording: u32;
  ownLimit: u32;
  ownTarget: u32;
  ownPolicy: u32;
  ownValueBytes: u32;
  ownArguments: u32;
  /** 1 while the disk refuses records: writes are refused, not kept waiting. */
  refusing: u32;
}

if (offsetof<EffectLog>() > EFFECTS_BYTES - 64) ERROR("the log of effects must fit its region");

export const effectLog = changetype<EffectLog>(<usize>EFFECTS_BASE);

/** Pages kept back for the records of a command of 64 short arguments, whose keys have all expired. */
const RECORD_PAGES: u32 = 40;

/** Begins to record; from `limitBytes` not written on writes wait. */
export function openLog(limitBytes: u32): void {
  effectLog.recording = 1;
  effectLog.limitBytes = limitBytes;
  setRecordPages(RECORD_PAGES);
}

/** Ends it; what was not released is forgotten. */
export function closeLog(): void {
  while (effectLog.head != 0) dropHead();
  memory.fill(EFFECTS_BASE, 0, EFFECTS_BYTES);
  setRecordPages(0);
}

/** Whether writes wait. */
@inline
export function isLogFull(): bool {
  return effectLog.heldBytes >= effectLog.limitBytes || effectLog.refusing != 0;
}

/** From now on writes are refused, or let in again. */
export function refuseWrites(refuse: bool): void {
  effectLog.refusing = refuse ? 1 : 0;
}

/**
 * Lets a command write: true when its records have room, of which one has `bytes` at most, and as much deletions. Until
 * `endWriting` nothing else takes the pages that they may need.
 */
export function beginWriting(bytes: u64): bool {
  effectLog.writing = 1;
  const pages = <u32>(bytes >> (PAGE_BITS - 1));
  if (pages > RECORD_PAGES / 2) setRecordPages(RECORD_PAGES + pages);
  return hasMemory(0);
}

export function endWriting(): void {
  effectLog.writing = 0;
  setRecordPages(RECORD_PAGES);
}

/** Whether a key that a command did not ask to delete may be: the deletion is recorded. */
export function mayRecordRemoval(): bool {
  return effectLog.recording == 0 || effectLog.writing != 0 || (!isLogFull() && hasMemory(1));
}

// ---- the chain

/** Appends an empty page and answers where it begins. */
export function appendPage(): usize {
  const page = takePage(PageKind.Log);
  if (page == 0) unreachable(); // pages for records are kept back
  dirty(changetype<usize>(state), offsetof<State>());
  state.heldPages--;
  const number = <u32>(page >> PAGE_BITS);
  const last = effectLog.tail;
  if (last == 0) {
    effectLog.head = number;
    effectLog.headReleased = 0;
  } else {
    dirty(changetype<usize>(pageAt(last)), PAGE_RECORD_BYTES);
    pageAt(last).bytes = effectLog.tailFilled;
    pageAt(last).next = <u16>number;
  }
  effectLog.tail = number;
  effectLog.tailFilled = 0;
  return page;
}

function filled(number: u32): u32 {
  return number == effectLog.tail ? effectLog.tailFilled : pageAt(number).bytes;
}

function dropHead(): void {
  const number = effectLog.head;
  const next: u32 = pageAt(number).next;
  dirty(changetype<usize>(state), offsetof<State>());
  state.heldPages++;
  releasePage((<usize>number) << PAGE_BITS);
  effectLog.head = next;
  effectLog.headReleased = 0;
  if (next == 0) effectLog.tail = 0;
  if (effectLog.takenPage != number) return;
  effectLog.takenPage = next;
  effectLog.takenOffset = 0;
}

// ---- what the host takes

/** Where the run taken last begins. */
export let runAddress: usize = 0;

/** Takes the next run of bytes of whole groups, at most a page; answers its length, 0 when there is none. */
export function takeRun(): u32 {
  if (effectLog.untakenBytes == 0) return 0;
  if (effectLog.takenPage == 0) effectLog.takenPage = effectLog.head;
  if (effectLog.takenOffset == filled(effectLog.takenPage)) {
    effectLog.takenPage = pageAt(effectLog.takenPage).next;
    effectLog.takenOffset = 0;
  }
  const bytes = min(filled(effectLog.takenPage) - effectLog.takenOffset, effectLog.untakenBytes);
  runAddress = ((<usize>effectLog.takenPage) << PAGE_BITS) + effectLog.takenOffset;
  effectLog.takenOffset += bytes;
  effectLog.untakenBytes -= bytes;
  return bytes;
}

/** Makes all that was taken and not released wait to be taken again. */
export function rewindRuns(): void {
  effectLog.takenPage = effectLog.head;
  effectLog.takenOffset = effectLog.headReleased;
  effectLog.untakenBytes = effectLog.heldBytes - effectLog.groupBytes;
}

/** Gives back the oldest `bytes` of what was taken. */
export function releaseRun(bytes: u32): void {
  assert(bytes <= effectLog.heldBytes - effectLog.groupBytes - effectLog.untakenBytes);
  effectLog.heldBytes -= bytes;
  while (effectLog.head != 0) {
    const piece = min(bytes, filled(effectLog.head) - effectLog.headReleased);
    effectLog.headReleased += piece;
    bytes -= piece;
    if (effectLog.head == effectLog.tail || effectLog.headReleased != filled(effectLog.head)) break;
    dropHead();
  }
  if (effectLog.heldBytes != 0) return;
  // The page that is left is filled anew.
  effectLog.headReleased = 0;
  effectLog.tailFilled = 0;
  effectLog.takenOffset = 0;
}
