// OBJECT: what is known of a value beside its content. It notes no access. Encodings are those that nearkey has, in
// Redis's words: a packed hash is a listpack, and a string or a list is told by what it holds, not by its history.

import { CommandFlag } from "../../layout";
import {
  entryAt,
  isPaged,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_SORTED_SET,
  TYPE_STRING,
  typeOf,
  valueOf,
} from "../../memory/entry";
import { slotEntry } from "../../memory/table";
import { countsFrequency, frequencyOf, idleSecondsOf } from "../../keyspace/access";
import { argumentCount, argumentIs } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { errorArgument, QUOTED_BYTES_MAX } from "../../protocol/command-error";
import { findArgument } from "../../protocol/dispatch";
import {
  beginError,
  endError,
  errorText,
  replyArray,
  replyBulkText,
  replyInteger,
  replyNull,
  replySimple,
} from "../../protocol/reply";
import { parseInteger } from "../../text/number";
import { isTable } from "../hashes/hash-value";
import { isListpack } from "../lists/list-value";
import { isIntegers } from "../sets/set-value";
import { isLarge } from "../sorted-sets/sorted-set-value";

/** Bytes of a string that Redis keeps in one piece with its key's record. */
const EMBEDDED_BYTES_MAX: u32 = 44;

function encodingOf(entry: usize): string {
  if (typeOf(entry) == TYPE_HASH) return isTable(entry) ? "hashtable" : "listpack";
  if (typeOf(entry) == TYPE_LIST) return isListpack(entry) ? "listpack" : "quicklist";
  if (typeOf(entry) == TYPE_SET) return isTable(entry) ? "hashtable" : isIntegers(entry) ? "intset" : "listpack";
  if (typeOf(entry) == TYPE_STREAM) return "stream";
  if (typeOf(entry) == TYPE_SORTED_SET) return isLarge(entry) ? "skiplist" : "listpack";
  if (typeOf(entry) != TYPE_STRING || isPaged(entry)) return "raw";
  const bytes = entryAt(entry).valueBytes;
  if (parseInteger(valueOf(entry), bytes)) return "int";
  return bytes <= EMBEDDED_BYTES_MAX ? "embstr" : "raw";
}

function object(): void {
  if (argumentCount == 2 && argumentIs(1, "HELP")) {
    replyHelp();
  } else if (argumentIs(1, "ENCODING")) {
    const entry = entryOf("encoding");
    if (entry != 0) replyBulkText(encodingOf(entry));
  } else if (argumentIs(1, "REFCOUNT")) {
    if (entryOf("refcount") != 0) replyInteger(1);
  } else if (argumentIs(1, "IDLETIME")) {
    const entry = entryOf("idletime");
    if (entry == 0) return;
    if (countsFrequency()) replyUntracked("An LFU maxmemory policy is selected, idle time");
    else replyInteger(idleSecondsOf(entry));
  } else if (argumentIs(1, "FREQ")) {
    const entry = entryOf("freq");
    if (entry == 0) return;
    if (countsFrequency()) replyInteger(frequencyOf(entry));
    else replyUntracked("An LFU maxmemory policy is not selected, access frequency");
  } else {
    beginError();
    errorText("ERR unknown subcommand '");
    errorArgument(1, QUOTED_BYTES_MAX);
    errorText("'. Try OBJECT HELP.");
    endError();
  }
}

/** The entry of the key in argument 2; 0 after replying that there is none or that more or less was expected. */
function entryOf(subcommand: string): usize {
  if (argumentCount != 3) {
    beginError();
    errorText("ERR wrong number of arguments for 'object|");
    errorText(subcommand);
    errorText("' command");
    endError();
    return 0;
  }
  const slot = findArgument(2);
  if (slot != 0) return slotEntry(slot);
  replyNull();
  return 0;
}

/** Says that the policy keeps something else of an entry. */
function replyUntracked(what: string): void {
  beginError();
  errorText("ERR ");
  errorText(what);
  errorText(
    " not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some ",
  );
  errorText("time to adjust.");
  endError();
}

function replyHelp(): void {
  replyArray(6);
  replySimple("OBJECT <subcommand> <key>. Subcommands are:");
  replySimple("ENCODING: how the value is kept");
  replySimple("REFCOUNT: 1, since no value is shared");
  replySimple("IDLETIME: seconds since the key was last read or written");
  replySimple("FREQ: how often the key is asked for, under an LFU policy");
  replySimple("HELP: this text");
}

export function registerObject(): void {
  startGroup("generic");
  register(
    "OBJECT",
    -2,
    CommandFlag.ReadOnly,
    2,
    2,
    1,
    object,
    "2.2.3",
    "Describes how the value of a key is kept and when it was used.",
  );
}
