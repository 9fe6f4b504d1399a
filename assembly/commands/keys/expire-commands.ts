// Commands about when a key dies. Times are kept in ms since epoch; a time in the past deletes the key at once.

import { CommandFlag } from "../../layout";
import { argumentCount, argumentInteger, argumentIs, lastInteger } from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { errorArgument, QUOTED_BYTES_MAX } from "../../protocol/command-error";
import { findArgument, hashOfArgument } from "../../protocol/dispatch";
import { expires, expiryOf } from "../../memory/entry";
import { EXPIRY_INVALID, replyInvalidExpiry } from "./expiry-argument";
import { clock, removeKey, setExpiry, shardOf } from "../../keyspace/keyspace";
import {
  beginError,
  endError,
  errorText,
  replyError,
  replyInteger,
  replyNoMemory,
  replyNotInteger,
} from "../../protocol/reply";
import { recordExpiry, recordKey } from "../../protocol/recording";
import { admitExpiry } from "../strings/string-value";
import { slotEntry } from "../../memory/table";

const WHEN_NONE: u32 = 1;
const WHEN_ANY: u32 = 2;
const WHEN_LATER: u32 = 4;
const WHEN_EARLIER: u32 = 8;

function find(): usize {
  return findArgument(1);
}

/** Options from argument 3 on; ~0 after replying an error. */
function parseConditions(): u32 {
  let conditions: u32 = 0;
  for (let index: u32 = 3; index < argumentCount; index++) {
    if (argumentIs(index, "NX")) conditions |= WHEN_NONE;
    else if (argumentIs(index, "XX")) conditions |= WHEN_ANY;
    else if (argumentIs(index, "GT")) conditions |= WHEN_LATER;
    else if (argumentIs(index, "LT")) conditions |= WHEN_EARLIER;
    else {
      beginError();
      errorText("ERR Unsupported option ");
      errorArgument(index, QUOTED_BYTES_MAX);
      endError();
      return ~0;
    }
  }
  if ((conditions & WHEN_NONE) != 0 && conditions != WHEN_NONE) {
    replyError("ERR NX and XX, GT or LT options at the same time are not compatible");
    return ~0;
  }
  if ((conditions & WHEN_LATER) != 0 && (conditions & WHEN_EARLIER) != 0) {
    replyError("ERR GT and LT options at the same time are not compatible");
    return ~0;
  }
  return conditions;
}

/** Whether the conditions let the time of `entry` be set. No expiry counts as later than any. */
function allowed(conditions: u32, entry: usize, expiry: i64): bool {
  const has = expires(entry);
  if (conditions & WHEN_NONE) return !has;
  if ((conditions & WHEN_ANY) != 0 && !has) return false;
  if (conditions & WHEN_LATER) return has && expiry > expiryOf(entry);
  if (conditions & WHEN_EARLIER) return !has || expiry < expiryOf(entry);
  return true;
}

/** The time argument 2 stands for in parsedTime; false after replying an error. */
let parsedTime: i64 = 0;
function parseTime(seconds: bool, relative: bool): bool {
  if (!argumentInteger(2)) {
    replyNotInteger();
    return false;
  }
  let ms = lastInteger();
  if (seconds) {
    if (ms > i64.MAX_VALUE / 1000 || ms < i64.MIN_VALUE / 1000) {
      replyInvalidExpiry(EXPIRY_INVALID);
      return false;
    }
    ms *= 1000;
  }
  if (relative) {
    if (ms > i64.MAX_VALUE - clock) {
      replyInvalidExpiry(EXPIRY_INVALID);
      return false;
    }
    ms += clock;
  }
  parsedTime = ms;
  return true;
}

function expireWith(seconds: bool, relative: bool): void {
  const conditions = parseConditions();
  if (conditions == ~0 || !parseTime(seconds, relative)) return;
  const time = parsedTime;
  const hash = hashOfArgument(1);
  const slot = find();
  if (slot == 0 || !allowed(conditions, slotEntry(slot), time)) {
    replyInteger(0);
    return;
  }
  if (time <= clock) {
    removeKey(shardOf(hash), slot, hash);
    recordKey("DEL");
    replyInteger(1);
    return;
  }
  if (!admitExpiry(slot, true)) {
    replyNoMemory();
    return;
  }
  setExpiry(slot, hash, time);
  recordExpiry(time);
  replyInteger(1);
}

function expire(): void {
  expireWith(true, true);
}

function pExpire(): void {
  expireWith(false, true);
}

function expireAt(): void {
  expireWith(true, false);
}

function pExpireAt(): void {
  expireWith(false, false);
}

/** -2 for no key, -1 for no expiry, else the time it dies. */
function timeOfDeath(): i64 {
  const slot = find();
  if (slot == 0) return -2;
  return expires(slotEntry(slot)) ? expiryOf(slotEntry(slot)) : -1;
}

/** Milliseconds as seconds, rounded as Redis does; of the last moment of i64 too. */
function toSeconds(ms: i64): i64 {
  return ms / 1000 + i64(ms % 1000 >= 500);
}

function ttl(): void {
  const time = timeOfDeath();
  replyInteger(time < 0 ? time : toSeconds(time - clock));
}

function pTtl(): void {
  const time = timeOfDeath();
  replyInteger(time < 0 ? time : time - clock);
}

function expireTime(): void {
  const time = timeOfDeath();
  replyInteger(time < 0 ? time : toSeconds(time));
}

function pExpireTime(): void {
  replyInteger(timeOfDeath());
}

function persist(): void {
  const slot = find();
  if (slot == 0 || !expires(slotEntry(slot))) {
    replyInteger(0);
    return;
  }
  if (!admitExpiry(slot, false)) {
    replyNoMemory();
    return;
  }
  setExpiry(slot, hashOfArgument(1), -1);
  recordKey("PERSIST");
  replyInteger(1);
}

export function registerExpireCommands(): void {
  const read = CommandFlag.ReadOnly | CommandFlag.Fast;
  const write = CommandFlag.Write | CommandFlag.Fast;
  register("EXPIRE", -3, write, 1, 1, 1, expire, "1.0.0", "Sets the seconds a key lives.");
  register("PEXPIRE", -3, write, 1, 1, 1, pExpire, "2.6.0", "Sets the milliseconds a key lives.");
  register("EXPIREAT", -3, write, 1, 1, 1, expireAt, "1.2.0", "Sets when a key dies, in seconds since epoch.");
  register("PEXPIREAT", -3, write, 1, 1, 1, pExpireAt, "2.6.0", "Sets when a key dies, in milliseconds since epoch.");
  register("TTL", 2, read, 1, 1, 1, ttl, "1.0.0", "Answers the seconds a key still lives.");
  register("PTTL", 2, read, 1, 1, 1, pTtl, "2.6.0", "Answers the milliseconds a key still lives.");
  register("EXPIRETIME", 2, read, 1, 1, 1, expireTime, "7.0.0", "Answers when a key dies, in seconds since epoch.");
  register(
    "PEXPIRETIME",
    2,
    read,
    1,
    1,
    1,
    pExpireTime,
    "7.0.0",
    "Answers when a key dies, in milliseconds since epoch.",
  );
  register("PERSIST", 2, write, 1, 1, 1, persist, "2.2.0", "Lets a key live for ever.");
}
