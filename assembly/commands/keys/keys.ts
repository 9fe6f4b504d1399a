// Commands on keys of any type.

import { CommandFlag, SCRATCH_BASE, SCRATCH_BYTES, SHARDS, ZONE_ENTRY } from "../../layout";
import {
  argumentAddress,
  argumentBytes,
  argumentCount,
  argumentInteger,
  argumentIs,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { typeName, upperTypeName } from "./type-names";
import { register, startGroup } from "../../protocol/catalog";
import { registerFlush } from "./flush";
import { replyOverlong } from "../../protocol/command-error";
import { addWork, findArgument, hashOfArgument, readKeyArgument } from "../../protocol/dispatch";
import { setOf } from "../vectors/elements";
import {
  createEntry,
  ENTRY_HEADER_BYTES,
  entryAt,
  expires,
  expiryOf,
  keyOf,
  TYPE_VECTOR_SET,
  typeOf,
} from "../../memory/entry";
import { admitMove } from "../../keyspace/eviction";
import { matchGlob } from "../../text/glob";
import { followKey } from "../../vectors/upkeep/deaths";
import {
  clock,
  countKeys,
  database,
  findKey,
  hashKey,
  insertKey,
  moveValue,
  pin,
  removeKey,
  setUntouching,
  shardAt,
  shardOf,
  vacateSlot,
} from "../../keyspace/keyspace";
import { parseDecimalU64, parsedU64 } from "../../text/cursor";
import {
  replyArray,
  replyBulk,
  replyError,
  replyInteger,
  replyIntegerBulk,
  replyNoMemory,
  replyNotInteger,
  replyNull,
  replyOk,
  replySimple,
  replySyntaxError,
} from "../../protocol/reply";
import { recordArguments } from "../../protocol/recording";
import { slotEntry } from "../../memory/table";
import { nextEntry, randomEntry, SCAN_END, scanNext, scanTable, startWalk } from "../../memory/table-walk";
import { random } from "../../memory/memory";

function del(): void {
  let deleted = 0;
  for (let index: u32 = 1; index < argumentCount; index++) {
    const slot = findArgument(index);
    if (slot == 0) continue;
    const hash = hashOfArgument(index);
    removeKey(shardOf(hash), slot, hash);
    deleted++;
  }
  if (deleted != 0) recordArguments("DEL");
  replyInteger(deleted);
}

/** How many of the keys there are, one named twice counted twice. */
function exists(): void {
  let found = 0;
  for (let index: u32 = 1; index < argumentCount; index++) {
    if (readKeyArgument(index) != 0) found++;
  }
  replyInteger(found);
}

/** Notes the access even for a connection that asked not to (CLIENT NO-TOUCH): that is what it is for. */
function touch(): void {
  setUntouching(false);
  exists();
}

function typeCommand(): void {
  const slot = findArgument(1);
  replySimple(slot == 0 ? "none" : typeName(typeOf(slotEntry(slot))));
}

// ---- rename

function rename(): void {
  if (renameTo(false)) replyOk();
}

function renameNx(): void {
  if (renameTo(true)) replyInteger(1);
}

/** Renames argument 1 to argument 2; false when it replied why not. */
function renameTo(onlyAbsent: bool): bool {
  const source = findArgument(1);
  if (source == 0) {
    replyError("ERR no such key");
    return false;
  }
  const old = slotEntry(source);
  pin(old);
  if (!admitMove(argumentBytes(2), entryAt(old).valueBytes, expires(old))) {
    replyNoMemory();
    return false;
  }
  const target = findArgument(2);
  if (onlyAbsent && target != 0) {
    replyInteger(0);
    return false;
  }
  if (target == source) return true;
  const hash = hashOfArgument(1);
  const newHash = hashOfArgument(2);
  if (target != 0) removeKey(shardOf(newHash), target, newHash);
  const renamed = createLike(old, argumentAddress(2), argumentBytes(2));
  moveValue(renamed, old);
  vacateSlot(shardOf(hash), source, hash);
  insertKey(renamed, newHash);
  if (typeOf(renamed) == TYPE_VECTOR_SET) followKey(setOf(renamed), newHash);
  recordArguments("RENAME");
  return true;
}

/** An entry of the same type, length and expiry under another key, its value undefined. */
export function createLike(entry: usize, key: usize, keyBytes: u32): usize {
  const record = entryAt(entry);
  const other = createEntry(ZONE_ENTRY, key, keyBytes, record.type, record.valueBytes, expires(entry));
  if (expires(entry)) store<i64>(other, expiryOf(entry), ENTRY_HEADER_BYTES);
  return other;
}

// ---- enumeration

function isDead(entry: usize): bool {
  return expires(entry) && expiryOf(entry) <= clock;
}

function keyMatches(entry: usize, pattern: u32): bool {
  return matchGlob(argumentAddress(pattern), argumentBytes(pattern), keyOf(entry), entryAt(entry).keyBytes);
}

/** KEYS walks twice: the reply begins with the count. */
function keys(): void {
  if (isArgumentPaged(1)) {
    replyOverlong("pattern");
    return;
  }
  let count: u32 = 0;
  for (let shard: u32 = 0; shard < SHARDS; shard++) {
    startWalk(shardAt(database, shard));
    for (let entry = nextEntry(); entry != 0; entry = nextEntry()) if (!isDead(entry) && keyMatches(entry, 1)) count++;
  }
  addWork(countKeys(database) >> 1);
  replyArray(count);
  for (let shard: u32 = 0; shard < SHARDS && count > 0; shard++) {
    startWalk(shardAt(database, shard));
    for (let entry = nextEntry(); entry != 0; entry = nextEntry()) {
      if (!isDead(entry) && keyMatches(entry, 1)) replyBulk(keyOf(entry), entryAt(entry).keyBytes);
    }
  }
}

/** Options of SCAN, HSCAN, SSCAN: where MATCH's pattern is (0 for none), COUNT, TYPE's name, NOVALUES. */
export let scanPattern: u32 = 0;
export let scanCount: u32 = 10;
export let scanType: u32 = 0;
export let scanNoValues: bool = false;

/** Addresses that scanTable may write beyond the count asked for. */
const SCAN_COUNT_MAX: u32 = SCRATCH_BYTES / 8;

/** What is scanned: each has an option of its own. */
export const enum ScanOf {
  Keys,
  Hash,
  Set,
}

/** Parses options from `index` on; false after replying an error. */
export function parseScanOptions(index: u32, what: ScanOf): bool {
  scanPattern = 0;
  scanCount = 10;
  scanType = 0;
  scanNoValues = false;
  while (index < argumentCount) {
    if (argumentIs(index, "NOVALUES")) {
      if (what != ScanOf.Hash) {
        replyError("ERR NOVALUES option can only be used in HSCAN");
        return false;
      }
      scanNoValues = true;
      index++;
      continue;
    }
    if (index + 1 == argumentCount) {
      replySyntaxError();
      return false;
    }
    if (argumentIs(index, "COUNT")) {
      if (!argumentInteger(index + 1)) {
        replyNotInteger();
        return false;
      }
      if (lastInteger() < 1) {
        replySyntaxError();
        return false;
      }
      scanCount = <u32>min<i64>(lastInteger(), SCAN_COUNT_MAX);
    } else if (argumentIs(index, "MATCH")) {
      scanPattern = index + 1;
      if (isArgumentPaged(scanPattern)) {
        replyOverlong("pattern");
        return false;
      }
    } else if (what == ScanOf.Keys && argumentIs(index, "TYPE")) {
      scanType = index + 1;
    } else {
      replySyntaxError();
      return false;
    }
    index += 2;
  }
  return true;
}

// The cursor of SCAN: shard << 32 | place in its table; 0 begins and ends.

function scan(): void {
  if (!parseDecimalU64(argumentAddress(1), argumentBytes(1))) {
    replyError("ERR invalid cursor");
    return;
  }
  if (!parseScanOptions(2, ScanOf.Keys)) return;
  let shard = <u32>(parsedU64 >> 32);
  let place = <u32>parsedU64;
  let found: u32 = 0;
  while (shard < SHARDS && found < scanCount) {
    found += scanTable(shardAt(database, shard), place, scanCount - found, SCRATCH_BASE + (found << 2));
    place = scanNext;
    if (place == SCAN_END) {
      shard++;
      place = 0;
    }
  }
  addWork(found >> 2);
  const cursor = shard >= SHARDS ? 0 : ((<u64>shard) << 32) | place;
  replyScan(cursor, keepWanted(found));
}

/** Keeps the addresses of entries that live, match and are of the type; answers how many. */
function keepWanted(found: u32): u32 {
  let kept: u32 = 0;
  for (let index: u32 = 0; index < found; index++) {
    const entry = load<u32>(SCRATCH_BASE + (index << 2));
    if (isDead(entry)) continue;
    if (scanPattern != 0 && !keyMatches(entry, scanPattern)) continue;
    if (scanType != 0 && !argumentIs(scanType, upperTypeName(typeOf(entry)))) continue;
    store<u32>(SCRATCH_BASE + (kept++ << 2), entry);
  }
  return kept;
}

function replyScan(cursor: u64, count: u32): void {
  replyArray(2);
  replyIntegerBulk(<i64>cursor);
  replyArray(count);
  for (let index: u32 = 0; index < count; index++) {
    const entry = load<u32>(SCRATCH_BASE + (index << 2));
    replyBulk(keyOf(entry), entryAt(entry).keyBytes);
  }
}

function dbSize(): void {
  replyInteger(countKeys(database));
}

/** Keys found expired, which are removed, before RANDOMKEY gives up. */
const EXPIRED_DRAWS_MAX: u32 = 16384;

/** Draws shards in proportion to nothing: one with keys, then a key in it. Expired ones are drawn again. */
function randomKey(): void {
  for (let attempt: u32 = 0; attempt < EXPIRED_DRAWS_MAX; attempt++) {
    const first = <u32>random() & (SHARDS - 1);
    let entry: usize = 0;
    for (let step: u32 = 0; step < SHARDS && entry == 0; step++) {
      const table = shardAt(database, (first + step) & (SHARDS - 1));
      if (table.count != 0) entry = randomEntry(table);
    }
    if (entry == 0) break;
    const bytes: u32 = entryAt(entry).keyBytes;
    addWork(1);
    if (findKey(keyOf(entry), bytes, hashKey(keyOf(entry), bytes)) == 0) continue;
    replyBulk(keyOf(entry), bytes);
    return;
  }
  replyNull();
}

export function registerKeys(): void {
  const read = CommandFlag.ReadOnly;
  const write = CommandFlag.Write;
  const fast = CommandFlag.Fast;
  startGroup("server");
  register("DBSIZE", 1, read | fast, 0, 0, 0, dbSize, "1.0.0", "Counts the keys of the database.");
  registerFlush();
  startGroup("generic");
  register("DEL", -2, write, 1, -1, 1, del, "1.0.0", "Deletes keys.");
  register(
    "UNLINK",
    -2,
    write | fast,
    1,
    -1,
    1,
    del,
    "4.0.0",
    "Deletes keys; large values are freed later, as by DEL here.",
  );
  register("EXISTS", -2, read | fast, 1, -1, 1, exists, "1.0.0", "Counts how many of the keys exist.");
  register("TOUCH", -2, read | fast, 1, -1, 1, touch, "3.2.1", "Notes an access to keys and counts those that exist.");
  register("TYPE", 2, read | fast, 1, 1, 1, typeCommand, "1.0.0", "Answers the type of the value of a key.");
  register("RENAME", 3, write, 1, 2, 1, rename, "1.0.0", "Renames a key, replacing the other.");
  register("RENAMENX", 3, write | fast, 1, 2, 1, renameNx, "1.0.0", "Renames a key when the new name is free.");
  register("KEYS", 2, read, 0, 0, 0, keys, "1.0.0", "Answers all keys that match a pattern.");
  register("SCAN", -2, read, 0, 0, 0, scan, "2.8.0", "Goes through the keys of the database in steps.");
  register("RANDOMKEY", 1, read, 0, 0, 0, randomKey, "1.0.0", "Answers a random key.");
}
