// The hot paths of embedding without a protocol: one key, whose bytes the host put at INPUT_BASE, and a value right
// behind it. Values over 32 KiB take the way of commands.

import { ARGUMENT_BYTES, ARGUMENTS_BASE, Direct, INPUT_BASE, REGISTERS_BASE, Result } from "../layout";
import { argumentBytes, setArguments } from "../protocol/arguments";
import { entryAt, expires, isPaged, TYPE_STRING, typeOf, valueOf } from "../memory/entry";
import { findSlot, slotEntry } from "../memory/table";
import { findKey, hashKey, readSlot, selectDatabase, setClock, shardOf } from "../keyspace/keyspace";
import { admitValue, setString } from "./strings/string-value";
import { admitRecords, isRecording, recordString } from "../protocol/recording";
import { endWriting, isLogFull } from "../effects/region";
import { counters } from "../memory/memory";
import { isAscii } from "../text/ascii";

/** The longest value looked through for what is not ASCII, which spares the host doing it more slowly. */
const ASCII_BYTES_MAX: u32 = 1024;

/**
 * Looks a key up: Found with the value's place in the result registers, or why not. Asking JavaScript for the time costs
 * a tenth of all this, so it is done without: Expiring means that it is needed. An access is noted with the last time given.
 */
export function getDirect(keyBytes: u32): Direct {
  selectDatabase(0);
  const hash = hashKey(INPUT_BASE, keyBytes);
  const slot = findSlot(shardOf(hash), INPUT_BASE, keyBytes, hash);
  if (slot != 0 && expires(slotEntry(slot))) return Direct.Expiring;
  return answer(slot);
}

/** The same at a time, ms since epoch. */
export function getDirectAt(keyBytes: u32, now: f64): Direct {
  setClock(<i64>now);
  selectDatabase(0);
  return answer(findKey(INPUT_BASE, keyBytes, hashKey(INPUT_BASE, keyBytes)));
}

@inline
function answer(slot: usize): Direct {
  counters.directReads++;
  const entry = readSlot(slot);
  if (entry == 0) return Direct.Absent;
  if (typeOf(entry) != TYPE_STRING) return Direct.WrongType;
  const bytes = entryAt(entry).valueBytes;
  store<u32>(REGISTERS_BASE + (Result.Address << 2), <u32>valueOf(entry));
  store<u32>(REGISTERS_BASE + (Result.Bytes << 2), bytes);
  if (isPaged(entry)) return Direct.Paged;
  return bytes <= ASCII_BYTES_MAX && isAscii(valueOf(entry), bytes) ? Direct.FoundAscii : Direct.Found;
}

/** Sets a key to a value without expiry, whatever it was: what time it is does not matter. */
export function setDirect(keyBytes: u32, valueBytes: u32): Direct {
  return setAs(keyBytes, valueBytes, -1, 0);
}

/** Sets a key; `expiry` in ms since epoch, negative for none; `only` 1 when absent, 2 when present, 0 always. */
export function setDirectAt(keyBytes: u32, valueBytes: u32, expiry: f64, only: u32, now: f64): Direct {
  setClock(<i64>now);
  return setAs(keyBytes, valueBytes, <i64>expiry, only);
}

function setAs(keyBytes: u32, valueBytes: u32, expiry: i64, only: u32): Direct {
  selectDatabase(0);
  counters.directWrites++;
  store<u32>(ARGUMENTS_BASE, INPUT_BASE);
  store<u32>(ARGUMENTS_BASE, keyBytes, 4);
  store<u32>(ARGUMENTS_BASE + ARGUMENT_BYTES, INPUT_BASE + keyBytes);
  store<u32>(ARGUMENTS_BASE + ARGUMENT_BYTES, valueBytes, 4);
  setArguments(ARGUMENTS_BASE, 2);
  return isRecording() ? setRecorded(expiry, only) : setPlain(expiry, only);
}

function setRecorded(expiry: i64, only: u32): Direct {
  if (isLogFull()) return Direct.LogFull;
  if (!admitRecords()) return Direct.NoMemory;
  const stored = setPlain(expiry, only);
  endWriting();
  return stored;
}

/** Sets the key in argument 0 to argument 1. */
function setPlain(expiry: i64, only: u32): Direct {
  const keyBytes = argumentBytes(0);
  if (!admitValue(0, 1, expiry >= 0)) return Direct.NoMemory;
  const hash = hashKey(INPUT_BASE, keyBytes);
  const slot = findKey(INPUT_BASE, keyBytes, hash);
  if (only == 1 ? slot != 0 : only == 2 && slot == 0) return Direct.Absent;
  setString(slot, hash, 0, 1, expiry);
  recordString(0, 1, expiry);
  return Direct.Found;
}
