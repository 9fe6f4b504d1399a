// The manual of the commands on streams.

import { entry, KEY, type ManualEntry } from "./manual-entry.ts";

const { READ, LOOK, CHANGE } = KEY;
const TRIM = "(MAXLEN | MINID) [= | ~] threshold [LIMIT count]";
const ANSWERED = "O(log(N) + M) with N the blocks of the stream and M the entries answered";
const EACH = "O(log(N)) for each entry, with N the entries that are pending";
const ROUGHLY = "With `~` whole blocks go, which hold as many entries as in Redis unless bytes bound them.";

/** By upper-case name. */
export const STREAM_MANUAL: Readonly<Record<string, ManualEntry>> = {
  XADD: entry(
    `key [NOMKSTREAM] [${TRIM}] (* | id) field value [field value ...]`,
    "O(1), and O(N) with N the blocks that are trimmed",
    CHANGE,
    ROUGHLY,
  ),
  XTRIM: entry(`key ${TRIM}`, "O(N) with N the blocks that are trimmed", "RW delete", ROUGHLY),
  XDEL: entry("key id [id ...]", "O(log(N)) for each entry, with N the blocks of the stream", "RW delete"),
  XLEN: entry("key", "O(1)", LOOK),
  XSETID: entry("key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]", "O(1)", CHANGE),
  XRANGE: entry("key start end [COUNT count]", ANSWERED, READ),
  XREVRANGE: entry("key end start [COUNT count]", ANSWERED, READ),
  XREAD: {
    ...entry("[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]", ANSWERED, READ),
    keysBehind: "STREAMS",
  },
  XREADGROUP: {
    ...entry(
      "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
      "O(log(N) + M * log(P)) with N the blocks, M the entries answered and P those pending",
      READ,
    ),
    keysBehind: "STREAMS",
  },
  XGROUP: entry(
    "(CREATE key group (id | $) [MKSTREAM] [ENTRIESREAD entries-read] | SETID key group (id | $) [ENTRIESREAD entries-read] | " +
      "DESTROY key group | CREATECONSUMER key group consumer | DELCONSUMER key group consumer | " +
      "SETCONSUMER key group consumer seen active [id delivered deliveries ...] | HELP)",
    "O(log(N)) with N the groups, or the consumers of one; DELCONSUMER O(M) with M the entries pending of it",
    CHANGE,
    "Has SETCONSUMER: it says when a consumer was heard of and last given entries (ms since epoch, -1 for never), and " +
      "which entries are pending of it, also ones that are deleted. Streams come so from files of Redis. What DESTROY frees " +
      "is freed piece by piece afterwards.",
  ),
  XACK: entry("key group id [id ...]", EACH, CHANGE),
  XPENDING: entry(
    "key group [[IDLE min-idle-time] start end count [consumer]]",
    "O(log(N) + M) with N the pending entries and M those looked at; without a range O(C) with C the consumers",
    LOOK,
  ),
  XCLAIM: entry(
    "key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
    EACH,
    CHANGE,
  ),
  XAUTOCLAIM: entry(
    "key group consumer min-idle-time start [COUNT count] [JUSTID]",
    EACH,
    "RW access delete",
    "Claims at most 65,536 entries, whatever COUNT says; the answer tells where to go on.",
  ),
  XINFO: entry(
    "(STREAM key [FULL [COUNT count]] | GROUPS key | CONSUMERS key group | HELP)",
    "O(N) with N the groups or consumers, and the entries that FULL answers",
    LOOK,
    "The radix tree of Redis is not there: `radix-tree-keys` are blocks of entries, `radix-tree-nodes` one more.",
  ),
};
