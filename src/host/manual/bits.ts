// The manual of the commands on bits and on HyperLogLogs, both of which are strings.

import { entry, KEY, type ManualEntry } from "./manual-entry.ts";

const { READ, READ_AND_CHANGE } = KEY;
const BYTES = "O(N) with N the bytes looked at";
const FIELD = "[GET encoding offset | [OVERFLOW (WRAP | SAT | FAIL)] (SET | INCRBY) encoding offset value] ...";

/** By upper-case name. */
export const BIT_MANUAL: Readonly<Record<string, ManualEntry>> = {
  SETBIT: entry("key offset value", "O(1)", READ_AND_CHANGE),
  GETBIT: entry("key offset", "O(1)", READ),
  BITCOUNT: entry("key [start end [BYTE | BIT]]", BYTES, READ),
  BITPOS: entry("key bit [start [end [BYTE | BIT]]]", BYTES, READ),
  BITOP: entry(
    "(AND | OR | XOR | NOT) destkey key [key ...]",
    "O(N) with N the bytes of all strings",
    "OW update; RO access",
  ),
  BITFIELD: entry(`key ${FIELD}`, "O(N) with N the operations", READ_AND_CHANGE),
  BITFIELD_RO: entry("key [GET encoding offset [GET encoding offset ...]]", "O(N) with N the operations", READ),
  PFADD: entry("key [element [element ...]]", "O(N) with N the elements", "RW insert"),
  PFCOUNT: entry("key [key ...]", "O(N) with N the keys; what one key has is kept until it changes", READ),
  PFMERGE: entry("destkey [sourcekey [sourcekey ...]]", "O(N) with N the keys", "RW access insert; RO access"),
  PFDEBUG: entry("(GETREG | ENCODING | TODENSE) key", "O(1)", "RW access"),
  PFSELFTEST: entry("", "O(1)"),
};
