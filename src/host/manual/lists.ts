// The manual of the commands on lists, of SORT, and of DUMP and RESTORE.

import { entry, KEY, type ManualEntry } from "./manual-entry.ts";

const { READ, LOOK, CHANGE } = KEY;
const PUSHED = "O(N) with N the elements pushed";
const POPPED = "O(N) with N the elements answered";
const INSERT = "RW insert";
const TAKE = "RW access delete";
const NEAR = "O(N) with N the nodes of 8 KiB between it and the nearer end";
const SEEN = "O(N) with N the elements looked at";
const SORTED = "[BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]";
const SORTING = "O(N*log(N) + M) with N the elements and M those answered";
const END = "(LEFT | RIGHT)";

const WAITS = "O(N) with N the keys";
const WAITER =
  "Waits only where others may push: in a transaction and in an embedded database it answers at once. Its arguments are at most 32 KiB then.";

/** By upper-case name. */
export const LIST_MANUAL: Readonly<Record<string, ManualEntry>> = {
  BLPOP: entry("key [key ...] timeout", WAITS, TAKE, WAITER),
  BRPOP: entry("key [key ...] timeout", WAITS, TAKE, WAITER),
  BLMOVE: entry(`source destination ${END} ${END} timeout`, "O(1)", "RW access delete; RW insert", WAITER),
  BRPOPLPUSH: entry("source destination timeout", "O(1)", "RW access delete; RW insert", WAITER),
  BLMPOP: {
    ...entry(`timeout numkeys key [key ...] ${END} [COUNT count]`, `${POPPED}, beside the keys`, TAKE, WAITER),
    keyCount: 2,
  },
  LPUSH: entry("key element [element ...]", PUSHED, INSERT),
  RPUSH: entry("key element [element ...]", PUSHED, INSERT),
  LPUSHX: entry("key element [element ...]", PUSHED, INSERT),
  RPUSHX: entry("key element [element ...]", PUSHED, INSERT),
  LPOP: entry("key [count]", POPPED, TAKE),
  RPOP: entry("key [count]", POPPED, TAKE),
  LMPOP: {
    ...entry(
      `numkeys key [key ...] ${END} [COUNT count]`,
      "O(N + M) with N the keys and M the elements answered",
      TAKE,
    ),
    keyCount: 1,
  },
  LMOVE: entry(`source destination ${END} ${END}`, "O(1)", "RW access delete; RW insert"),
  RPOPLPUSH: entry("source destination", "O(1)", "RW access delete; RW insert"),
  LLEN: entry("key", "O(1)", LOOK),
  LRANGE: entry("key start stop", "O(S + N) with S the nodes before the first and N the elements answered", READ),
  LINDEX: entry("key index", NEAR, READ),
  LPOS: entry("key element [RANK rank] [COUNT num-matches] [MAXLEN len]", SEEN, READ),
  LSET: entry("key index element", NEAR, CHANGE),
  LINSERT: entry("key (BEFORE | AFTER) pivot element", SEEN, INSERT),
  LREM: entry("key count element", "O(N) with N the elements of the list", "RW delete"),
  SORT: entry(
    `key ${SORTED} [STORE destination]`,
    SORTING,
    READ,
    "What BY ALPHA makes equal is told apart by its own bytes. Keys under which it looks things up are not deleted when their time has passed.",
  ),
  SORT_RO: entry(`key ${SORTED}`, SORTING, READ),
  DUMP: entry(
    "key",
    "O(N) with N the bytes of the value",
    READ,
    "Writes values in their plain forms, which Redis packs again. Streams and vector sets are refused.",
  ),
  RESTORE: entry(
    "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    "O(N) with N the bytes of the value",
    "OW update",
    "Takes what Redis 2.6 to 8.0 dumps, but for packed parts of over 256 KiB and the zipmaps of 2.4. IDLETIME and FREQ are taken and not kept.",
  ),
  LTRIM: entry("key start stop", "O(N) with N the nodes that go", "RW delete"),
};
