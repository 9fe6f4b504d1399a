// RESTORE: a value that DUMP of Redis, or of nearkey, has answered. All of it is read before anything is changed: its checksum,
// then its texts, which tells what memory it takes; then the memory is admitted and the value made.

import { CommandFlag, KEY_BYTES_MAX, PAGE_BITS, SLAB_CLASSES, ZONE_ENTRY } from "../../layout";
import {
  createEntry,
  entryPages,
  INLINE_VALUE_MAX,
  isPaged,
  takeValuePages,
  TYPE_STRING,
  valueOf,
  writeValue,
} from "../../memory/entry";
import { copyBytes } from "../../memory/memory";
import { admit, cellShare } from "../../keyspace/eviction";
import { clock, insertKey, removeKey, setExpiry, shardOf } from "../../keyspace/keyspace";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { addWork, findArgument, hashOfArgument } from "../../protocol/dispatch";
import { recordKey, recordRestored } from "../../protocol/recording";
import { replyError, replyNoMemory, replyNotInteger, replyOk, replySyntaxError } from "../../protocol/reply";
import { createLong } from "../../structures/list-chain";
import { RUN_ELEMENT_MAX, spanOf } from "../../structures/packed-run";
import { parseInteger } from "../../text/number";
import { createHash, fieldEntry, setField } from "../hashes/hash-value";
import { BYTES_A_PAGE_BITS, NODE_SIZES, PAGES_OF_ONE } from "../lists/list-ends";
import { addElement, addLong, createList, UNPACKABLE } from "../lists/list-value";
import { addMember, createSet } from "../sets/set-value";
import { FOOTER_BYTES } from "./dump";
import {
  crcOfArgument,
  damage,
  isDamaged,
  isTooLong,
  openPayload,
  takeByte,
  text,
  textBytes,
  wordOfArgument,
  writeLong,
} from "./payload";
import { Kind, kindOf, nextText, startTexts } from "./payload-value";

/** The newest version of Redis's format that is known, of Redis 8.0. */
const VERSION_MAX: u64 = 12;
const PAYLOAD: u32 = 3;
/** Reading a byte of it takes 3 ns. */
const BYTES_A_UNIT_BITS: u32 = 5;

// What the options say; call-scoped.
let replaces: bool = false;
let isAbsolute: bool = false;

/** Reads the options; false after replying an error. When a key was used last, or how often, is taken and not kept. */
function parseRestoreOptions(): bool {
  replaces = false;
  isAbsolute = false;
  for (let index: u32 = 4; index < argumentCount; index++) {
    const hasValue = index + 1 < argumentCount;
    if (argumentIs(index, "REPLACE")) {
      replaces = true;
    } else if (argumentIs(index, "ABSTTL")) {
      isAbsolute = true;
    } else if (hasValue && argumentIs(index, "IDLETIME")) {
      if (!isBetween(++index, i64.MAX_VALUE, "ERR Invalid IDLETIME value, must be >= 0")) return false;
    } else if (hasValue && argumentIs(index, "FREQ")) {
      if (!isBetween(++index, 255, "ERR Invalid FREQ value, must be >= 0 and <= 255")) return false;
    } else {
      replySyntaxError();
      return false;
    }
  }
  return true;
}

/** Whether an argument is a number from 0 on; otherwise it replies what it is not. */
function isBetween(index: u32, most: i64, words: string): bool {
  if (!argumentInteger(index)) {
    replyNotInteger();
    return false;
  }
  if (lastInteger() >= 0 && lastInteger() <= most) return true;
  replyError(words);
  return false;
}

/** Whether the payload's version is known and its checksum right. */
function isIntact(): bool {
  const bytes = argumentBytes(PAYLOAD);
  if (bytes < FOOTER_BYTES) return false;
  const body = bytes - FOOTER_BYTES;
  if (wordOfArgument(PAYLOAD, body, 2) > VERSION_MAX) return false;
  addWork(bytes >> BYTES_A_UNIT_BITS);
  return crcOfArgument(PAYLOAD, bytes - 8) == wordOfArgument(PAYLOAD, bytes - 8, 8);
}

/** Opens the payload and answers the type that it begins with. */
function open(): u32 {
  openPayload(PAYLOAD, 0, argumentBytes(PAYLOAD) - FOOTER_BYTES);
  return takeByte();
}

function restore(): void {
  if (!parseRestoreOptions()) return;
  const hash = hashOfArgument(1);
  if (!replaces && findArgument(1) != 0) {
    replyError("BUSYKEY Target key name already exists.");
    return;
  }
  if (!isBetween(2, i64.MAX_VALUE, "ERR Invalid TTL value, must be >= 0")) return;
  const given = lastInteger();
  const time = given == 0 || isAbsolute ? given : given > i64.MAX_VALUE - clock ? i64.MAX_VALUE : given + clock;
  if (!isIntact()) {
    replyError("ERR DUMP payload version or checksum are wrong");
    return;
  }
  const kind = kindOf(open());
  if (!measure(kind)) {
    if (isTooLong) replyError("ERR a packed part of the value has more than 262144 bytes: import it from a file");
    else replyError("ERR Bad data format");
    return;
  }
  if (!admit(pagesOfValue(kind))) {
    replyNoMemory();
    return;
  }
  const old = findArgument(1);
  if (old != 0) removeKey(shardOf(hash), old, hash);
  if (time != 0 && time <= clock) {
    if (old != 0) recordKey("DEL");
    replyOk();
    return;
  }
  const slot = make(kind, hash);
  if (time != 0) setExpiry(slot, hash, time);
  recordRestored(time);
  replyOk();
}

// ---- measuring

/** Texts of the value, bytes of all of them, bytes of a run that they take and of cells, and pages of long ones. */
let texts: u32 = 0;
let runSpan: u64 = 0;
let cellsBytes: u64 = 0;
let longPages: u32 = 0;

/** Goes through the value without making it; false when it is damaged or of no type that is known. */
function measure(kind: Kind): bool {
  texts = 0;
  runSpan = 0;
  cellsBytes = 0;
  longPages = 0;
  if (kind == Kind.None) return false;
  startTexts(open());
  let fieldBytes: u32 = 0;
  while (nextText()) {
    const isValue = kind == Kind.Hash && (texts & 1) == 1;
    const isName = kind == Kind.Set || (kind == Kind.Hash && !isValue);
    if (isName && textBytes > KEY_BYTES_MAX) damage();
    if (textBytes > RUN_ELEMENT_MAX) longPages += 1 + entryPages(textBytes);
    else runSpan += spanOf(textBytes);
    if (isValue) cellsBytes += cellShare(fieldBytes, textBytes > INLINE_VALUE_MAX ? 0 : textBytes);
    else if (kind == Kind.Set) cellsBytes += cellShare(min(textBytes, KEY_BYTES_MAX), 0);
    fieldBytes = min(textBytes, KEY_BYTES_MAX);
    texts++;
  }
  addWork(texts >> 1);
  const isWhole = texts != 0 && (kind != Kind.Hash || (texts & 1) == 0);
  return !isDamaged && isWhole;
}

/** Pages that making the value may take. */
function pagesOfValue(kind: Kind): u32 {
  if (kind == Kind.String) return 1 + longPages;
  if (kind == Kind.List) return PAGES_OF_ONE + NODE_SIZES + longPages + <u32>(runSpan >> BYTES_A_PAGE_BITS);
  // The entry, its table, a page that each class may begin.
  return 3 + min(texts, SLAB_CLASSES) + longPages + <u32>(cellsBytes >> (PAGE_BITS - 1));
}

// ---- making

/** Makes the value under the key in argument 1, which is free; answers its slot. */
function make(kind: Kind, hash: u64): usize {
  startTexts(open());
  if (kind == Kind.String) return makeString(hash);
  if (kind == Kind.List) return makeList(hash);
  return kind == Kind.Set ? makeSet(hash) : makeHash(hash);
}

function makeString(hash: u64): usize {
  nextText();
  const entry = createEntry(ZONE_ENTRY, argumentAddress(1), argumentBytes(1), TYPE_STRING, textBytes, false);
  fill(entry);
  return insertKey(entry, hash);
}

/** Gives an entry the text shown as its value. */
function fill(entry: usize): void {
  if (isPaged(entry)) {
    takeValuePages(entry, 0);
    writeText(entry);
  } else if (text != 0) {
    copyBytes(valueOf(entry), text, textBytes);
  }
}

function writeText(entry: usize): void {
  if (text != 0) writeValue(entry, 0, text, textBytes);
  else writeLong(entry);
}

function makeList(hash: u64): usize {
  const added = longPages != 0 ? UNPACKABLE : <u32>min<u64>(runSpan, UNPACKABLE);
  const entry = createList(argumentAddress(1), argumentBytes(1), added);
  while (nextText()) {
    if (textBytes <= RUN_ELEMENT_MAX) {
      addElement(entry, false, text, textBytes);
    } else {
      const long = createLong(textBytes);
      fill(long);
      addLong(entry, false, long);
    }
  }
  return insertKey(entry, hash);
}

function makeSet(hash: u64): usize {
  let slot: usize = 0;
  while (nextText()) {
    if (slot == 0)
      slot = insertKey(createSet(argumentAddress(1), argumentBytes(1), parseInteger(text, textBytes)), hash);
    addMember(slot, text, textBytes);
  }
  return slot;
}

/** A field stays where it was read while its value is. */
function makeHash(hash: u64): usize {
  const slot = createHash(argumentAddress(1), argumentBytes(1), hash);
  while (nextText()) {
    const field = text;
    const bytes = textBytes;
    nextText();
    if (textBytes <= INLINE_VALUE_MAX) {
      setField(slot, field, bytes, text, textBytes);
    } else {
      setField(slot, field, bytes, 0, textBytes);
      fill(fieldEntry);
    }
  }
  return slot;
}

export function registerRestore(): void {
  const flags = CommandFlag.Write | CommandFlag.DenyOom;
  register("RESTORE", -4, flags, 1, 1, 1, restore, "2.6.0", "Makes a key of what DUMP answered.");
}
