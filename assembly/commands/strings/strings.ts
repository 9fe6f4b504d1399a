// String commands that read and write whole values.

import { CommandFlag, PAGE_BITS, SLAB_CLASSES } from "../../layout";
import { argumentAddress, argumentBytes, argumentCount, argumentIs } from "../../protocol/arguments";
import { register, startGroup } from "../../protocol/catalog";
import { replyArity } from "../../protocol/command-error";
import { findArgument, hashOfArgument, readKeyArgument } from "../../protocol/dispatch";
import { expires, expiryOf, TYPE_STRING, typeOf } from "../../memory/entry";
import { admit, cellShare } from "../../keyspace/eviction";
import { expiryFrom, replyInvalidExpiry } from "../keys/expiry-argument";
import { clock, findKey, removeKey, setExpiry, shardOf } from "../../keyspace/keyspace";
import {
  replyArray,
  replyInteger,
  replyNoMemory,
  replyNull,
  replyOk,
  replySyntaxError,
  replyValue,
  replyWrongType,
} from "../../protocol/reply";
import { setPlainCommands } from "../../protocol/plain-commands";
import { recordArguments, recordExpiry, recordKey, recordString } from "../../protocol/recording";
import { admitExpiry, admitValue, NEVER, setString } from "./string-value";
import { slotEntry } from "../../memory/table";

function get(): void {
  const entry = readKeyArgument(1);
  if (entry == 0) replyNull();
  else if (typeOf(entry) != TYPE_STRING) replyWrongType();
  else replyValue(entry);
}

const ONLY_ABSENT: u32 = 1;
const ONLY_PRESENT: u32 = 2;
const KEEP_EXPIRY: u32 = 4;
const ANSWER_OLD: u32 = 8;
const PERSISTS: u32 = 16;
const SECONDS_LEFT: u32 = 32;
const MILLISECONDS_LEFT: u32 = 64;
const SECONDS_AT: u32 = 128;
const MILLISECONDS_AT: u32 = 256;
const TIMED: u32 = SECONDS_LEFT | MILLISECONDS_LEFT | SECONDS_AT | MILLISECONDS_AT;

/** Index of the argument that says when the key dies, the last one where an option is repeated. */
let timeIndex: u32 = 0;

/** Parses the options of SET and GETEX from `index` on; answers their flags, or ~0 after replying a syntax error. */
function parseOptions(index: u32, allowed: u32): u32 {
  let flags: u32 = 0;
  while (index < argumentCount) {
    const option = optionAt(index) & allowed;
    if (option == 0 || conflicts(flags, option) || ((option & TIMED) != 0 && index + 1 == argumentCount)) {
      replySyntaxError();
      return ~0;
    }
    flags |= option;
    if (option & TIMED) timeIndex = ++index;
    index++;
  }
  return flags;
}

function optionAt(index: u32): u32 {
  if (argumentIs(index, "NX")) return ONLY_ABSENT;
  if (argumentIs(index, "XX")) return ONLY_PRESENT;
  if (argumentIs(index, "GET")) return ANSWER_OLD;
  if (argumentIs(index, "KEEPTTL")) return KEEP_EXPIRY;
  if (argumentIs(index, "PERSIST")) return PERSISTS;
  if (argumentIs(index, "EX")) return SECONDS_LEFT;
  if (argumentIs(index, "PX")) return MILLISECONDS_LEFT;
  if (argumentIs(index, "EXAT")) return SECONDS_AT;
  if (argumentIs(index, "PXAT")) return MILLISECONDS_AT;
  return 0;
}

/** The expiry the parsed options ask for, as `expiryFrom`; NEVER without one. */
function optionExpiry(flags: u32): i64 {
  if ((flags & TIMED) == 0) return NEVER;
  const seconds = (flags & (SECONDS_LEFT | SECONDS_AT)) != 0;
  return expiryFrom(timeIndex, seconds, (flags & (SECONDS_LEFT | MILLISECONDS_LEFT)) != 0);
}

/** NX with XX, and different options that say when the key dies; as in Redis, the same one may come again. */
function conflicts(flags: u32, option: u32): bool {
  const existence = ONLY_ABSENT | ONLY_PRESENT;
  const time = KEEP_EXPIRY | PERSISTS | TIMED;
  const group = (option & existence) != 0 ? existence : (option & time) != 0 ? time : 0;
  return (flags & group & ~option) != 0;
}

function set(): void {
  const flags = parseOptions(3, ONLY_ABSENT | ONLY_PRESENT | KEEP_EXPIRY | ANSWER_OLD | TIMED);
  if (flags == ~0) return;
  const expiry = optionExpiry(flags);
  if ((flags & TIMED) != 0 && expiry < 0) replyInvalidExpiry(expiry);
  else setWith(1, 2, flags, expiry);
}

/** SET as its options say; replies. */
function setWith(keyIndex: u32, valueIndex: u32, flags: u32, expiry: i64): void {
  if (!admitValue(keyIndex, valueIndex, expiry >= 0 || (flags & KEEP_EXPIRY) != 0)) {
    replyNoMemory();
    return;
  }
  const hash = hashOfArgument(keyIndex);
  const slot = findKey(argumentAddress(keyIndex), argumentBytes(keyIndex), hash);
  const old: usize = slot == 0 ? 0 : slotEntry(slot);
  if (flags & ANSWER_OLD) {
    if (old != 0 && typeOf(old) != TYPE_STRING) {
      replyWrongType();
      return;
    }
    if (old == 0) replyNull();
    else replyValue(old);
  }
  const refused = (flags & ONLY_ABSENT) != 0 ? slot != 0 : (flags & ONLY_PRESENT) != 0 && slot == 0;
  if (!refused) {
    if ((flags & KEEP_EXPIRY) != 0 && old != 0 && expires(old)) expiry = expiryOf(old);
    setString(slot, hash, keyIndex, valueIndex, expiry);
    recordString(keyIndex, valueIndex, expiry);
  }
  if (flags & ANSWER_OLD) return;
  if (refused) replyNull();
  else replyOk();
}

function setNx(): void {
  if (findArgument(1) != 0) {
    replyInteger(0);
  } else if (!admitValue(1, 2, false)) {
    replyNoMemory();
  } else {
    setString(0, hashOfArgument(1), 1, 2, NEVER);
    recordString(1, 2, NEVER);
    replyInteger(1);
  }
}

function setExFor(seconds: bool): void {
  const expiry = expiryFrom(2, seconds, true);
  if (expiry < 0) replyInvalidExpiry(expiry);
  else setWith(1, 3, 0, expiry);
}

function setEx(): void {
  setExFor(true);
}

function pSetEx(): void {
  setExFor(false);
}

function getSet(): void {
  setWith(1, 2, ANSWER_OLD, NEVER);
}

function getDel(): void {
  const entry = readKeyArgument(1);
  if (entry == 0) {
    replyNull();
  } else if (typeOf(entry) != TYPE_STRING) {
    replyWrongType();
  } else {
    replyValue(entry);
    const hash = hashOfArgument(1);
    removeKey(shardOf(hash), findArgument(1), hash);
    recordKey("DEL");
  }
}

function getEx(): void {
  const flags = parseOptions(2, PERSISTS | TIMED);
  if (flags == ~0) return;
  const entry = readKeyArgument(1);
  if (entry == 0) {
    replyNull();
    return;
  }
  if (typeOf(entry) != TYPE_STRING) {
    replyWrongType();
    return;
  }
  const expiry = optionExpiry(flags);
  if ((flags & TIMED) != 0 && expiry < 0) {
    replyInvalidExpiry(expiry);
    return;
  }
  const slot: usize = flags == 0 ? 0 : findArgument(1);
  if (slot != 0 && !admitExpiry(slot, (flags & TIMED) != 0)) {
    replyNoMemory();
    return;
  }
  replyValue(entry);
  if (slot == 0) return;
  const hash = hashOfArgument(1);
  if ((flags & TIMED) != 0 && expiry <= clock) {
    removeKey(shardOf(hash), slot, hash);
    recordKey("DEL");
  } else if ((flags & TIMED) != 0) {
    setExpiry(slot, hash, expiry);
    recordExpiry(expiry);
  } else if (expires(entry)) {
    setExpiry(slot, hash, NEVER);
    recordKey("PERSIST");
  }
}

function mGet(): void {
  replyArray(argumentCount - 1);
  for (let index: u32 = 1; index < argumentCount; index++) {
    const entry = readKeyArgument(index);
    if (entry == 0 || typeOf(entry) != TYPE_STRING) replyNull();
    else replyValue(entry);
  }
}

/** Admits all values at once, so that none is stored when not all fit. */
function admitPairs(): bool {
  let bytes: u64 = 0;
  for (let index: u32 = 1; index + 1 < argumentCount; index += 2) {
    bytes += cellShare(argumentBytes(index), argumentBytes(index + 1));
  }
  // Each class may begin a page.
  return admit(1 + min<u32>(argumentCount >> 1, SLAB_CLASSES) + <u32>(bytes >> PAGE_BITS));
}

function setPairs(): void {
  for (let index: u32 = 1; index + 1 < argumentCount; index += 2) {
    setString(findArgument(index), hashOfArgument(index), index, index + 1, NEVER);
  }
  recordArguments("MSET");
}

/** MSET and MSETNX take pairs; true after replying that these are none. */
function oddPairs(): bool {
  if ((argumentCount & 1) == 1) return false;
  replyArity();
  return true;
}

function mSet(): void {
  if (oddPairs()) return;
  if (!admitPairs()) {
    replyNoMemory();
    return;
  }
  setPairs();
  replyOk();
}

function mSetNx(): void {
  if (oddPairs()) return;
  for (let index: u32 = 1; index + 1 < argumentCount; index += 2) {
    if (findArgument(index) != 0) {
      replyInteger(0);
      return;
    }
  }
  if (!admitPairs()) {
    replyNoMemory();
    return;
  }
  setPairs();
  replyInteger(1);
}

const READ: u32 = CommandFlag.ReadOnly;
const WRITE: u32 = CommandFlag.Write;
const GROW: u32 = CommandFlag.Write | CommandFlag.DenyOom;
const FAST: u32 = CommandFlag.Fast;

export function registerStrings(): void {
  startGroup("string");
  const plainGet = register("GET", 2, READ | FAST, 1, 1, 1, get, "1.0.0", "Answers the string value of a key.");
  const plainSet = register(
    "SET",
    -3,
    GROW,
    1,
    1,
    1,
    set,
    "1.0.0",
    "Sets a key to a string value, whatever type it had.",
  );
  setPlainCommands(plainGet, plainSet);
  register("SETNX", 3, GROW | FAST, 1, 1, 1, setNx, "1.0.0", "Sets a key to a string value when it does not exist.");
  register("SETEX", 4, GROW, 1, 1, 1, setEx, "2.0.0", "Sets a key to a string value that dies after seconds.");
  register("PSETEX", 4, GROW, 1, 1, 1, pSetEx, "2.6.0", "Sets a key to a string value that dies after milliseconds.");
  register("GETSET", 3, GROW | FAST, 1, 1, 1, getSet, "1.0.0", "Sets a key and answers its old value.");
  register("GETDEL", 2, WRITE | FAST, 1, 1, 1, getDel, "6.2.0", "Answers the value of a key and deletes it.");
  register("GETEX", -2, WRITE | FAST, 1, 1, 1, getEx, "6.2.0", "Answers the value of a key and sets when it dies.");
  register("MGET", -2, READ | FAST, 1, -1, 1, mGet, "1.0.0", "Answers the string values of several keys.");
  register("MSET", -3, GROW, 1, -1, 2, mSet, "1.0.1", "Sets several keys, all of them or none.");
  register("MSETNX", -3, GROW, 1, -1, 2, mSetNx, "1.0.1", "Sets several keys when none of them exists.");
}
