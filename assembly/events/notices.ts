// Keyspace notifications: what happened to a key, published on two channels. Commands say it right where they have
// done it; while no class is asked for that costs the test of one word. Channel names are put together in a page of their own,
// since they may be said amid anything.

import { Notice } from "../connection-layout";
import { KEY_BYTES_MAX, PAGE_BYTES, PageKind } from "../layout";
import { copyBytes, hasMemory, releasePage, takePage } from "../memory/memory";
import { formatInteger } from "../text/number";
import { events } from "./mailbox";
import { setNoticing } from "./interest";
import { anyListener, CHANNEL, publish, setPayload } from "./subscriptions";

/** Where the name of the event is put, behind the longest channel. */
const EVENT_OFFSET: u32 = KEY_BYTES_MAX + 1024;
if (EVENT_OFFSET + 256 > PAGE_BYTES) ERROR("a notification must fit its page");

/** Sets the classes that are told; without Keyspace or Keyevent none are. False when memory has no page for it. */
export function setNotices(classes: u32): bool {
  const wanted = (classes & (Notice.Keyspace | Notice.Keyevent)) == 0 ? 0 : classes;
  if (wanted != 0 && events.noticePage == 0) {
    if (!hasMemory(1)) return false;
    events.noticePage = <u32>takePage(PageKind.Scratch);
  } else if (wanted == 0 && events.noticePage != 0) {
    releasePage(events.noticePage);
    events.noticePage = 0;
  }
  events.notices = wanted;
  setNoticing(wanted != 0);
  return true;
}

/** The classes that are told, bits of Notice. */
@inline
export function notices(): u32 {
  return events.notices;
}

/** Tells that `event`, at most 100 letters, happened to a key, if its class is told. */
export function notify(kind: u32, event: string, database: u32, key: usize, bytes: u32): void {
  if ((events.notices & kind) == 0 || !anyListener()) return;
  const page = <usize>events.noticePage;
  const word = page + EVENT_OFFSET;
  const wordBytes = <u32>event.length;
  putLetters(word, event);
  if (events.notices & Notice.Keyspace) {
    const start = putPrefix(page, "__keyspace@", database);
    copyBytes(page + start, key, bytes);
    setPayload(word, wordBytes, false);
    publish(CHANNEL, page, start + bytes);
  }
  if (events.notices & Notice.Keyevent) {
    const start = putPrefix(page, "__keyevent@", database);
    copyBytes(page + start, word, wordBytes);
    setPayload(key, bytes, false);
    publish(CHANNEL, page, start + wordBytes);
  }
}

/** Puts "<word><database>__:" at a place; answers its length. */
function putPrefix(at: usize, word: string, database: u32): u32 {
  let bytes = putLetters(at, word);
  bytes += formatInteger(database, at + bytes);
  return bytes + putLetters(at + bytes, "__:");
}

function putLetters(at: usize, word: string): u32 {
  const bytes = <u32>word.length;
  for (let index: u32 = 0; index < bytes; index++) {
    store<u8>(at + index, <u8>load<u16>(changetype<usize>(word) + (index << 1)));
  }
  return bytes;
}
