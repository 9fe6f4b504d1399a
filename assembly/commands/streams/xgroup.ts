// XGROUP: groups of a stream and their consumers. SETCONSUMER is nearkey's own: it says of a consumer what no other command can say
// afterwards, when it was heard of and what is pending of it, also of entries that are deleted; it is how streams come
// from files and from other layouts.

import { CommandFlag } from "../../layout";
import { collect } from "../../events/collected";
import { noteReady } from "../../events/waiting";
import { clock, database, noteChange } from "../../keyspace/keyspace";
import { buryStreamGroup } from "../../keyspace/graveyard";
import { dirty } from "../../memory/memory";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, hashOfArgument } from "../../protocol/dispatch";
import { recordArguments } from "../../protocol/recording";
import { replyArray, replyError, replyInteger, replyNotInteger, replyOk, replySimple } from "../../protocol/reply";
import {
  createConsumer,
  createGroup,
  createPending,
  findPending,
  Group,
  GROUP_BYTES,
  pagesForPending,
  pendingAt,
  reassign,
  READ_UNKNOWN,
  removeConsumer,
  removeGroup,
  setDelivery,
  CONSUMER_BYTES,
} from "../../structures/streams/group";
import { Stream } from "../../structures/streams/stream";
import { isCharacter, idMs, idSeq, parseAnyId, parseId, setId } from "./stream-id";
import {
  consumerNamed,
  findStream,
  groupNamed,
  isNameTooLong,
  isThere,
  makeStream,
  mayTake,
  NO_CONSUMER,
  NO_GROUP,
  REFUSED,
  replyNoGroupOf,
} from "./stream-key";
import { beginSubcommand, replyUnknownSubcommand, replyWrongSubcommand, takes } from "./subcommand";

const DOLLAR: u32 = 0x24;
/** Pages for cells of the key, the stream and the group. */
const PAGES_OF_GROUP: u32 = 4;

let makesStream: bool = false;
let entriesRead: i64 = READ_UNKNOWN;

function xGroup(): void {
  beginSubcommand("xgroup", "XGROUP");
  if (argumentIs(1, "CREATE")) {
    if (takes("create", -5)) create();
  } else if (argumentIs(1, "SETID")) {
    if (takes("setid", -5)) setLastId();
  } else if (argumentIs(1, "DESTROY")) {
    if (takes("destroy", 4)) destroy();
  } else if (argumentIs(1, "CREATECONSUMER")) {
    if (takes("createconsumer", 5)) addConsumer();
  } else if (argumentIs(1, "DELCONSUMER")) {
    if (takes("delconsumer", 5)) deleteConsumer();
  } else if (argumentIs(1, "SETCONSUMER")) {
    if (takes("setconsumer", -7)) setConsumer();
  } else if (argumentIs(1, "HELP")) {
    if (takes("help", 2)) replyHelp();
  } else {
    replyUnknownSubcommand();
  }
}

/** Parses ENTRIESREAD, and MKSTREAM where it may stand; false after replying an error. */
function parseGroupOptions(creates: bool): bool {
  makesStream = false;
  entriesRead = READ_UNKNOWN;
  for (let index: u32 = 5; index < argumentCount; index++) {
    if (creates && argumentIs(index, "MKSTREAM")) {
      makesStream = true;
    } else if (index + 1 < argumentCount && argumentIs(index, "ENTRIESREAD")) {
      if (!argumentInteger(++index)) {
        replyNotInteger();
        return false;
      }
      entriesRead = lastInteger();
      if (entriesRead < 0 && entriesRead != READ_UNKNOWN) {
        replyError("ERR value for ENTRIESREAD must be positive or -1");
        return false;
      }
    } else {
      replyWrongSubcommand();
      return false;
    }
  }
  return true;
}

/** The stream of the key, which must be there; REFUSED after replying an error. */
function getStream(): Stream {
  const stream = findStream(2);
  if (isThere(stream) || stream == REFUSED) return stream;
  replyError(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
  );
  return REFUSED;
}

/** The group of the key; NO_GROUP after replying an error. */
function getGroup(): Group {
  const stream = getStream();
  if (stream == REFUSED) return NO_GROUP;
  const group = groupNamed(stream, 3);
  if (group == NO_GROUP) replyNoGroupOf(2, 3);
  return group;
}

function create(): void {
  if (!parseGroupOptions(true)) return;
  let stream = makesStream ? findStream(2) : getStream();
  if (stream == REFUSED) return;
  if (argumentCount > 8) {
    replyWrongSubcommand();
    return;
  }
  if (isCharacter(4, DOLLAR)) {
    if (isThere(stream)) setId(stream.lastMs, stream.lastSeq);
    else setId(0, 0);
  } else if (!parseId(4)) {
    return;
  }
  if (isNameTooLong(3)) return;
  if (isThere(stream) && groupNamed(stream, 3) != NO_GROUP) {
    replyError("BUSYGROUP Consumer Group name already exists");
    return;
  }
  if (!mayTake(PAGES_OF_GROUP)) return;
  if (!isThere(stream)) {
    stream = makeStream(2);
    noteChange(hashOfArgument(2));
  }
  const group = createGroup(stream, argumentAddress(3), argumentBytes(3));
  moveTo(group);
  noteGroups();
  replyOk();
}

/** Lets a group go on behind the id that was read. */
function moveTo(group: Group): void {
  dirty(changetype<usize>(group), GROUP_BYTES);
  group.lastMs = idMs;
  group.lastSeq = idSeq;
  group.read = entriesRead;
}

function setLastId(): void {
  if (!parseGroupOptions(false)) return;
  const group = getGroup();
  if (group == NO_GROUP) return;
  if (argumentCount != 5 && argumentCount != 7) {
    replyWrongSubcommand();
    return;
  }
  const stream = findStream(2);
  if (isCharacter(4, DOLLAR)) setId(stream.lastMs, stream.lastSeq);
  else if (!parseAnyId(4)) return;
  moveTo(group);
  noteGroups();
  replyOk();
}

function destroy(): void {
  const stream = getStream();
  if (stream == REFUSED) return;
  const group = groupNamed(stream, 3);
  if (group != NO_GROUP) {
    removeGroup(stream, group);
    buryStreamGroup(<u32>changetype<usize>(group));
    // Those who wait for entries of the group learn that it is gone.
    noteReady(database, hashOfArgument(2));
    noteGroups();
  }
  replyInteger(<i64>(group != NO_GROUP));
}

function addConsumer(): void {
  const group = getGroup();
  if (group == NO_GROUP || isNameTooLong(4)) return;
  if (consumerNamed(group, 4) != NO_CONSUMER) {
    replyInteger(0);
    return;
  }
  if (!mayTake(pagesForPending(group, null, 0))) return;
  createConsumer(group, argumentAddress(4), argumentBytes(4), clock);
  noteGroups();
  replyInteger(1);
}

function deleteConsumer(): void {
  const group = getGroup();
  if (group == NO_GROUP) return;
  const consumer = consumerNamed(group, 4);
  if (consumer == NO_CONSUMER) {
    replyInteger(0);
    return;
  }
  const pending = consumer.pendingCount;
  addWork(pending << 1);
  removeConsumer(group, consumer);
  noteGroups();
  replyInteger(pending);
}

// ---- SETCONSUMER key group consumer seen active [id delivered deliveries ...]

const FIRST_PENDING: u32 = 7;

function setConsumer(): void {
  const group = getGroup();
  if (group == NO_GROUP || !areTriples() || isNameTooLong(4)) return;
  let consumer = consumerNamed(group, 4);
  const isNew = consumer == NO_CONSUMER;
  const entries = (argumentCount - FIRST_PENDING) / 3;
  if (!mayTake(pagesForPending(group, isNew ? null : consumer, entries))) return;
  if (isNew) consumer = createConsumer(group, argumentAddress(4), argumentBytes(4), clock);
  dirty(changetype<usize>(consumer), CONSUMER_BYTES);
  consumer.seen = integerAt(5);
  consumer.active = integerAt(6);
  addWork(entries << 1);
  for (let index = FIRST_PENDING; index < argumentCount; index += 3) {
    parseId(index);
    const address = findPending(group, idMs, idSeq);
    const pending = address != 0 ? pendingAt(address) : createPending(group, consumer, idMs, idSeq);
    setDelivery(pending, integerAt(index + 1), integerAt(index + 2));
    reassign(pending, consumer, idMs, idSeq);
  }
  noteGroups();
  replyOk();
}

/** Whether times and pending entries are what they should be; false after replying an error. */
function areTriples(): bool {
  if ((argumentCount - FIRST_PENDING) % 3 != 0) {
    replyWrongSubcommand();
    return false;
  }
  for (let index: u32 = 5; index < argumentCount; index++) {
    const isIdPlace = index >= FIRST_PENDING && (index - FIRST_PENDING) % 3 == 0;
    if (isIdPlace) {
      if (!parseId(index)) return false;
    } else if (!argumentInteger(index)) {
      replyNotInteger();
      return false;
    }
  }
  return true;
}

function integerAt(index: u32): i64 {
  argumentInteger(index);
  return lastInteger();
}

function replyHelp(): void {
  replyArray(17);
  replySimple("XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  replySimple("CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <n>]");
  replySimple("    Make a group that goes on behind an id; MKSTREAM makes the stream too.");
  replySimple("SETID <key> <group> <id|$> [ENTRIESREAD <n>]");
  replySimple("    Let a group go on behind an id.");
  replySimple("DESTROY <key> <group>");
  replySimple("    Remove a group with its consumers.");
  replySimple("CREATECONSUMER <key> <group> <consumer>");
  replySimple("    Make a consumer.");
  replySimple("DELCONSUMER <key> <group> <consumer>");
  replySimple("    Remove a consumer, and what is pending of it.");
  replySimple("SETCONSUMER <key> <group> <consumer> <seen> <active> [<id> <delivered> <deliveries> ...]");
  replySimple("    Say when a consumer was heard of, and what is pending of it.");
  replySimple("ENTRIESREAD <n> of CREATE and SETID");
  replySimple("    Says how many entries the group has read; -1 when it is not known.");
  replySimple("HELP");
  replySimple("    Print this help.");
}

/** Groups of the stream have changed: its value counts as it was, for whoever watches it, but keyspace events tell of it. */
function noteGroups(): void {
  collect(hashOfArgument(2));
  recordArguments("XGROUP");
}

export function registerXGroup(): void {
  const flags = CommandFlag.Write | CommandFlag.DenyOom;
  register("XGROUP", -2, flags, 2, 2, 1, xGroup, "5.0.0", "Makes, changes and removes groups of a stream.");
}
