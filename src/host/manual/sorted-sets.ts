// The manual of the commands on sorted sets.

import { entry, KEY, type ManualEntry } from "./manual-entry.ts";

const { READ, LOOK, CHANGE } = KEY;
const BY_MEMBER = "O(log(N)) with N the members of the sorted set";
const EACH = "O(M*log(N)) with M the members named and N those of the sorted set";
const RANGE = "O(log(N)+M) with N the members of the sorted set and M those answered";
const REMOVED = "O(M*log(N)) with M the members removed and N those of the sorted set";
const POPPED = "RW access delete";
const STORED = "OW update; RO access";
const LIMIT = "[LIMIT offset count]";
const COMBINED = "[WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]";
const UNION = "O(N*K+M*log(M)) with N the members of all, K the sorted sets and M the members of the result";
const INTERSECTION =
  "O(N*K+M*log(M)) with N the members of the smallest, K the sorted sets and M the members of the result";
const DIFFERENCE = "O(N*K+M*log(M)) with N the members of the first, K the sorted sets and M the members of the result";
const HEX = "Scores must be decimal: hexadecimal ones are refused.";
const SOURCES = "Combines at most 8,192 keys.";

const WAITER =
  "Waits only where others may add: in a transaction and in an embedded database it answers at once. Its arguments are at most 32 KiB then.";

function counted(keyCount: number, one: ManualEntry): ManualEntry {
  return { ...one, keyCount };
}

/** By upper-case name. */
export const SORTED_SET_MANUAL: Readonly<Record<string, ManualEntry>> = {
  BZPOPMIN: entry("key [key ...] timeout", BY_MEMBER, POPPED, WAITER),
  BZPOPMAX: entry("key [key ...] timeout", BY_MEMBER, POPPED, WAITER),
  BZMPOP: counted(2, entry("timeout numkeys key [key ...] (MIN | MAX) [COUNT count]", REMOVED, POPPED, WAITER)),
  ZADD: entry("key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]", EACH, CHANGE, HEX),
  ZINCRBY: entry("key increment member", BY_MEMBER, "RW access update", HEX),
  ZREM: entry("key member [member ...]", EACH, "RW delete"),
  ZSCORE: entry("key member", "O(1)", READ),
  ZMSCORE: entry("key member [member ...]", "O(N) with N the members named", READ),
  ZCARD: entry("key", "O(1)", LOOK),
  ZCOUNT: entry("key min max", BY_MEMBER, READ),
  ZLEXCOUNT: entry("key min max", BY_MEMBER, READ),
  ZRANK: entry("key member [WITHSCORE]", BY_MEMBER, READ),
  ZREVRANK: entry("key member [WITHSCORE]", BY_MEMBER, READ),
  ZRANGE: entry(`key start stop [BYSCORE | BYLEX] [REV] ${LIMIT} [WITHSCORES]`, RANGE, READ),
  ZREVRANGE: entry("key start stop [WITHSCORES]", RANGE, READ),
  ZRANGEBYSCORE: entry(`key min max [WITHSCORES] ${LIMIT}`, RANGE, READ),
  ZREVRANGEBYSCORE: entry(`key max min [WITHSCORES] ${LIMIT}`, RANGE, READ),
  ZRANGEBYLEX: entry(`key min max ${LIMIT}`, RANGE, READ),
  ZREVRANGEBYLEX: entry(`key max min ${LIMIT}`, RANGE, READ),
  ZRANGESTORE: entry(`dst src min max [BYSCORE | BYLEX] [REV] ${LIMIT}`, RANGE, STORED),
  ZREMRANGEBYRANK: entry("key start stop", REMOVED, "RW delete"),
  ZREMRANGEBYSCORE: entry("key min max", REMOVED, "RW delete"),
  ZREMRANGEBYLEX: entry("key min max", REMOVED, "RW delete"),
  ZPOPMIN: entry("key [count]", REMOVED, POPPED),
  ZPOPMAX: entry("key [count]", REMOVED, POPPED),
  ZMPOP: counted(1, entry("numkeys key [key ...] (MIN | MAX) [COUNT count]", REMOVED, POPPED)),
  ZUNION: counted(1, entry(`numkeys key [key ...] ${COMBINED} [WITHSCORES]`, UNION, READ, SOURCES)),
  ZUNIONSTORE: counted(2, entry(`destination numkeys key [key ...] ${COMBINED}`, UNION, STORED, SOURCES)),
  ZINTER: counted(1, entry(`numkeys key [key ...] ${COMBINED} [WITHSCORES]`, INTERSECTION, READ, SOURCES)),
  ZINTERSTORE: counted(2, entry(`destination numkeys key [key ...] ${COMBINED}`, INTERSECTION, STORED, SOURCES)),
  ZDIFF: counted(1, entry("numkeys key [key ...] [WITHSCORES]", DIFFERENCE, READ, SOURCES)),
  ZDIFFSTORE: counted(2, entry("destination numkeys key [key ...]", DIFFERENCE, STORED, SOURCES)),
  ZINTERCARD: counted(1, entry("numkeys key [key ...] [LIMIT limit]", INTERSECTION, READ, SOURCES)),
  ZRANDMEMBER: entry("key [count [WITHSCORES]]", "O(M*log(N)) with M the members answered, at most O(N)", READ),
  ZSCAN: entry("key cursor [MATCH pattern] [COUNT count]", "O(1) a call, O(N) for all members", READ),
};
