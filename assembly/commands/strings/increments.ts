// Commands that count: a number is kept as its decimal text, as a client sees it, and parsed anew each time; that
// costs 10 ns and spares an encoding.

import { CommandFlag, SCRATCH_BASE, SCRATCH_BYTES } from "../../layout";
import {
  argumentAddress,
  argumentBytes,
  argumentInteger,
  isArgumentPaged,
  lastInteger,
} from "../../protocol/arguments";
import { register } from "../../protocol/catalog";
import { hashOfArgument } from "../../protocol/dispatch";
import { entryAt, isPaged, TYPE_STRING, typeOf, valueOf } from "../../memory/entry";
import { admitEntry } from "../../keyspace/eviction";
import { findKey } from "../../keyspace/keyspace";
import { formatInteger, parsedInteger, parseInteger } from "../../text/number";
import { addDecimal, DecimalError } from "../../text/number-long-double";
import {
  replyBulk,
  replyError,
  replyInteger,
  replyNoMemory,
  replyNotInteger,
  replyWrongType,
} from "../../protocol/reply";
import { recordArguments, recordText } from "../../protocol/recording";
import { admitResize, setText } from "./string-value";
import { slotEntry } from "../../memory/table";

/** Room for a number's text that eviction does not use: it works at the start of the scratch region. */
export const TEXT_BASE: usize = SCRATCH_BASE + SCRATCH_BYTES - 8192;
export const NOT_FINITE: string = "ERR increment would produce NaN or Infinity";

/** Adds an argument to a decimal text, none for 0 bytes; the sum's text is at TEXT_BASE. Answers its bytes or a status. */
export function addToText(text: usize, bytes: u32, index: u32): i32 {
  if (bytes == 0 && text == 0) {
    store<u8>(TEXT_BASE, 0x30);
    return addDecimal(TEXT_BASE, 1, argumentAddress(index), argumentBytes(index), TEXT_BASE);
  }
  return addDecimal(text, bytes, argumentAddress(index), argumentBytes(index), TEXT_BASE);
}

/** True when a short text may become the value of the key in argument 1. */
export function admitText(slot: usize, bytes: u32): bool {
  return slot == 0 ? admitEntry(argumentBytes(1), bytes, false) : admitResize(slot, bytes);
}

/** `name`: the command, to be recorded as it came. */
function incrementBy(by: i64, name: string): void {
  const hash = hashOfArgument(1);
  const slot = findKey(argumentAddress(1), argumentBytes(1), hash);
  let value: i64 = 0;
  if (slot != 0) {
    const entry = slotEntry(slot);
    if (typeOf(entry) != TYPE_STRING) {
      replyWrongType();
      return;
    }
    if (isPaged(entry) || !parseInteger(valueOf(entry), entryAt(entry).valueBytes)) {
      replyNotInteger();
      return;
    }
    value = parsedInteger;
  }
  if (by > 0 ? value > i64.MAX_VALUE - by : value < i64.MIN_VALUE - by) {
    replyError("ERR increment or decrement would overflow");
    return;
  }
  value += by;
  const bytes = formatInteger(value, TEXT_BASE);
  if (!admitText(slot, bytes)) {
    replyNoMemory();
    return;
  }
  setText(slot, hash, 1, TEXT_BASE, bytes);
  recordArguments(name);
  replyInteger(value);
}

function incr(): void {
  incrementBy(1, "INCR");
}

function decr(): void {
  incrementBy(-1, "DECR");
}

function incrBy(): void {
  if (argumentInteger(2)) incrementBy(lastInteger(), "INCRBY");
  else replyNotInteger();
}

function decrBy(): void {
  if (!argumentInteger(2)) replyNotInteger();
  else if (lastInteger() == i64.MIN_VALUE) replyError("ERR decrement would overflow");
  else incrementBy(-lastInteger(), "DECRBY");
}

/** Whether the value of an entry that is not paged is a number: what Redis tells first, whatever shall be added. */
function isDecimal(entry: usize): bool {
  store<u8>(TEXT_BASE, 0x30);
  const status = addDecimal(valueOf(entry), entryAt(entry).valueBytes, TEXT_BASE, 1, TEXT_BASE);
  return status != DecimalError.FirstInvalid;
}

function incrByFloat(): void {
  const hash = hashOfArgument(1);
  const slot = findKey(argumentAddress(1), argumentBytes(1), hash);
  const entry: usize = slot == 0 ? 0 : slotEntry(slot);
  if (entry != 0 && typeOf(entry) != TYPE_STRING) {
    replyWrongType();
    return;
  }
  if ((entry != 0 && isPaged(entry)) || isArgumentPaged(2)) {
    replyError("ERR value is not a valid float");
    return;
  }
  const bytes = addToText(entry == 0 ? 0 : valueOf(entry), entry == 0 ? 0 : entryAt(entry).valueBytes, 2);
  if (bytes < 0) {
    const invalid = bytes >= DecimalError.FirstInvalid || (entry != 0 && !isDecimal(entry));
    replyError(invalid ? "ERR value is not a valid float" : NOT_FINITE);
  } else if (!admitText(slot, bytes)) {
    replyNoMemory();
  } else {
    setText(slot, hash, 1, TEXT_BASE, bytes);
    recordText(TEXT_BASE, bytes);
    replyBulk(TEXT_BASE, bytes);
  }
}

export function registerIncrements(): void {
  const grow = CommandFlag.Write | CommandFlag.DenyOom | CommandFlag.Fast;
  register("INCR", 2, grow, 1, 1, 1, incr, "1.0.0", "Adds one to the integer value of a key.");
  register("DECR", 2, grow, 1, 1, 1, decr, "1.0.0", "Subtracts one from the integer value of a key.");
  register("INCRBY", 3, grow, 1, 1, 1, incrBy, "1.0.0", "Adds an integer to the integer value of a key.");
  register("INCRBYFLOAT", 3, grow, 1, 1, 1, incrByFloat, "2.6.0", "Adds a number to the decimal value of a key.");
  register("DECRBY", 3, grow, 1, 1, 1, decrBy, "1.0.0", "Subtracts an integer from the integer value of a key.");
}
