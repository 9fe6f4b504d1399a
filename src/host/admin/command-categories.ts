// The categories of commands that ACL CAT and COMMAND tell, from what the command table says of each: its group, and whether it
// reads, writes or is fast.

import type { CommandDescription } from "../../engine.ts";

/** In the order in which ACL CAT tells them. */
export const categories = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
  "vectorset",
] as const;
export type Category = (typeof categories)[number];

/** Categories of groups; others are their own. */
const OF_GROUP: Readonly<Record<string, Category | undefined>> = {
  generic: "keyspace",
  transactions: "transaction",
  sorted_set: "sortedset",
  "sorted-set": "sortedset",
  vector_set: "vectorset",
};

const ADMIN = "BGREWRITEAOF BGSAVE CONFIG DEBUG LASTSAVE LATENCY ROLE SAVE SLOWLOG ACL FAILOVER MONITOR SHUTDOWN".split(
  " ",
);
const DANGEROUS = "FLUSHALL FLUSHDB INFO KEYS SWAPDB SORT RESTORE CLIENT".split(" ");

/** The categories of a command. */
export function categoriesOf({ name, group, flags }: CommandDescription): Category[] {
  const found = new Set<Category>();
  const own = OF_GROUP[group] ?? categories.find((category) => category === group);
  if (own !== undefined) found.add(own);
  if (flags.includes("write")) found.add("write");
  if (flags.includes("readonly") && group !== "scripting" && group !== "server") found.add("read");
  if (flags.includes("blocking")) found.add("blocking");
  found.add(flags.includes("fast") ? "fast" : "slow");
  if (ADMIN.includes(name)) found.add("admin");
  if (ADMIN.includes(name) || DANGEROUS.includes(name)) found.add("dangerous");
  return categories.filter((category) => found.has(category));
}
