// Commands that count: a number is kept as its decimal text, as a client sees it, and parsed anew each time; that
// costs 10 ns and spares an encoding.

import { CommandFlag, SCRATCH_BASE } from "./layout";
import { argumentAddress, argumentBytes, argumentInteger, lastInteger } from "./arguments";
import { register } from "./catalog";
import { hashOfArgument } from "./dispatch";
import { entryAt, isPaged, TYPE_STRING, typeOf, valueOf } from "./entry";
import { admitEntry } from "./eviction";
import { findKey } from "./keyspace";
import { formatInteger, parsedInteger, parseInteger } from "./number";
import { replyError, replyInteger, replyNoMemory, replyNotInteger, replyWrongType } from "./reply";
import { admitResize, setText } from "./string-value";
import { slotEntry } from "./table";

/** True when a short text may become the value of the key in argument 1. */
export function admitText(slot: usize, bytes: u32): bool {
  return slot == 0 ? admitEntry(argumentBytes(1), bytes, false) : admitResize(slot, bytes);
}

function incrementBy(by: i64): void {
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
  const bytes = formatInteger(value, SCRATCH_BASE);
  if (!admitText(slot, bytes)) {
    replyNoMemory();
    return;
  }
  setText(slot, hash, 1, SCRATCH_BASE, formatInteger(value, SCRATCH_BASE));
  replyInteger(value);
}

function incr(): void {
  incrementBy(1);
}

function decr(): void {
  incrementBy(-1);
}

function incrBy(): void {
  if (argumentInteger(2)) incrementBy(lastInteger());
  else replyNotInteger();
}

function decrBy(): void {
  if (!argumentInteger(2)) replyNotInteger();
  else if (lastInteger() == i64.MIN_VALUE) replyError("ERR decrement would overflow");
  else incrementBy(-lastInteger());
}

export function registerIncrements(): void {
  const grow = CommandFlag.Write | CommandFlag.DenyOom | CommandFlag.Fast;
  register("INCR", 2, grow, 1, 1, 1, incr, "1.0.0", "Adds one to the integer value of a key.");
  register("DECR", 2, grow, 1, 1, 1, decr, "1.0.0", "Subtracts one from the integer value of a key.");
  register("INCRBY", 3, grow, 1, 1, 1, incrBy, "1.0.0", "Adds an integer to the integer value of a key.");
  register("DECRBY", 3, grow, 1, 1, 1, decrBy, "1.0.0", "Subtracts an integer from the integer value of a key.");
}
