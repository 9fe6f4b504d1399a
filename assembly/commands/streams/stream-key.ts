// Streams and their groups as commands name them: the key, the name of a group or of a consumer.

import { admit } from "../../keyspace/eviction";
import { insertKey, pin } from "../../keyspace/keyspace";
import { createEntry, entryAt, isPaged, TYPE_STREAM, typeOf, valueOf } from "../../memory/entry";
import { slotEntry } from "../../memory/table";
import { ZONE_ENTRY } from "../../layout";
import { argumentAddress, argumentBytes, isArgumentPaged } from "../../protocol/arguments";
import { errorArgument, QUOTED_BYTES_MAX, replyOverlong } from "../../protocol/command-error";
import { findArgument, hashOfArgument, readKeyArgument } from "../../protocol/dispatch";
import { beginError, endError, errorText, replyNoMemory, replyWrongType } from "../../protocol/reply";
import { Consumer, consumerAt, findConsumer, findGroup, Group, groupAt } from "../../structures/streams/group";
import { createStream, Stream, streamAt } from "../../structures/streams/stream";

/** Bytes of a stream's value in its keyspace entry: the address of the stream. */
const STREAM_VALUE_BYTES: u32 = 4;
/** The same of "there is none", and of "an error was replied". */
export const NO_STREAM: Stream = changetype<Stream>(<usize>0);
export const REFUSED: Stream = changetype<Stream>(<usize>1);
export const NO_GROUP: Group = changetype<Group>(<usize>0);
export const NO_CONSUMER: Consumer = changetype<Consumer>(<usize>0);

/** The stream of an entry. */
@inline
export function streamOf(entry: usize): Stream {
  return streamAt(load<u32>(valueOf(entry)));
}

@inline
export function isThere(stream: Stream): bool {
  return changetype<usize>(stream) > 1;
}

/** The slot that the last stream for writing was found in. */
export let streamSlot: usize = 0;

/**
 * The stream in an argument for a command that writes, which stays while room is made: NO_STREAM, or REFUSED after replying that it is
 * something else.
 */
export function findStream(index: u32): Stream {
  streamSlot = findArgument(index);
  if (streamSlot == 0) return NO_STREAM;
  pin(slotEntry(streamSlot));
  return streamIn(slotEntry(streamSlot));
}

/** The same for reading: counts the hit or miss, notes the access. */
export function readStream(index: u32): Stream {
  const entry = readKeyArgument(index);
  return entry == 0 ? NO_STREAM : streamIn(entry);
}

function streamIn(entry: usize): Stream {
  if (typeOf(entry) == TYPE_STREAM) return streamOf(entry);
  replyWrongType();
  return REFUSED;
}

/** Makes an empty stream under a key that is not there. The memory is reserved. */
export function makeStream(index: u32): Stream {
  const address = createStream();
  const bytes = argumentBytes(index);
  const entry = createEntry(ZONE_ENTRY, argumentAddress(index), bytes, TYPE_STREAM, STREAM_VALUE_BYTES, false);
  assert(!isPaged(entry) && <u32>entryAt(entry).keyBytes == bytes);
  store<u32>(valueOf(entry), address);
  insertKey(entry, hashOfArgument(index));
  return streamAt(address);
}

/** True when so many pages may be taken; false after replying that they may not. */
export function mayTake(pages: u32): bool {
  if (admit(pages)) return true;
  replyNoMemory();
  return false;
}

/** The group that an argument names; NO_GROUP when there is none. */
export function groupNamed(stream: Stream, index: u32): Group {
  if (isArgumentPaged(index)) return NO_GROUP;
  return groupAt(findGroup(stream, argumentAddress(index), argumentBytes(index)));
}

export function consumerNamed(group: Group, index: u32): Consumer {
  if (isArgumentPaged(index)) return NO_CONSUMER;
  return consumerAt(findConsumer(group, argumentAddress(index), argumentBytes(index)));
}

/** True after replying that the name in an argument is longer than a cell can hold. */
export function isNameTooLong(index: u32): bool {
  if (!isArgumentPaged(index)) return false;
  replyOverlong("name");
  return true;
}

/** Says that there is no such key, or no such group of it; `ending` closes the sentence. */
export function replyNoGroup(key: u32, group: u32, ending: string): void {
  beginError();
  errorText("NOGROUP No such key '");
  errorArgument(key, QUOTED_BYTES_MAX);
  errorText("' or consumer group '");
  errorArgument(group, QUOTED_BYTES_MAX);
  errorText(ending);
  endError();
}

/** Says that a key has no such group. */
export function replyNoGroupOf(key: u32, group: u32): void {
  beginError();
  errorText("NOGROUP No such consumer group '");
  errorArgument(group, QUOTED_BYTES_MAX);
  errorText("' for key name '");
  errorArgument(key, QUOTED_BYTES_MAX);
  errorText("'");
  endError();
}
