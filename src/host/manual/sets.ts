// The manual of the commands on sets.

import { entry, KEY, type ManualEntry } from "./manual-entry.ts";

const { READ, LOOK } = KEY;
const ALL = "O(N) with N the members of all sets";
const STORED = "OW update; RO access";
const MEMBERS = "O(N) with N the members named";

/** By upper-case name. */
export const SET_MANUAL: Readonly<Record<string, ManualEntry>> = {
  SADD: entry("key member [member ...]", MEMBERS, "RW insert"),
  SREM: entry("key member [member ...]", MEMBERS, "RW delete"),
  SISMEMBER: entry("key member", "O(1)", LOOK),
  SMISMEMBER: entry("key member [member ...]", MEMBERS, LOOK),
  SCARD: entry("key", "O(1)", LOOK),
  SMEMBERS: entry("key", "O(N) with N the members of the set", READ),
  SMOVE: entry("source destination member", "O(1)", "RW access delete; RW insert"),
  SPOP: entry("key [count]", "O(N) with N the members answered", "RW access delete"),
  SRANDMEMBER: entry("key [count]", "O(N) with N the members answered", READ),
  SINTER: entry("key [key ...]", "O(N*M) with N the members of the smallest set and M the sets", READ),
  SINTERCARD: {
    ...entry(
      "numkeys key [key ...] [LIMIT limit]",
      "O(N*M) with N the members of the smallest set and M the sets",
      READ,
    ),
    keyCount: 1,
  },
  SINTERSTORE: entry(
    "destination key [key ...]",
    "O(N*M) with N the members of the smallest set and M the sets",
    STORED,
  ),
  SUNION: entry(
    "key [key ...]",
    ALL,
    READ,
    "Members are looked for in the sets named before, so M sets take up to M looks each.",
  ),
  SUNIONSTORE: entry("destination key [key ...]", ALL, STORED),
  SDIFF: entry("key [key ...]", "O(N*M) with N the members of the first set and M the sets", READ),
  SDIFFSTORE: entry("destination key [key ...]", "O(N*M) with N the members of the first set and M the sets", STORED),
  SSCAN: entry("key cursor [MATCH pattern] [COUNT count]", "O(1) a call, O(N) for all members", READ),
};
