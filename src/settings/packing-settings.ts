// Settings of how collections are packed: up to which size they lie in one piece, which takes little memory and time that
// grows with their length. They have Redis's names and defaults; what was packed before a change stays as it is until it is
// next added to.

import { integerForm } from "./redis-forms.ts";
import type { Setting } from "./server-settings.ts";
import { count } from "./setting-kinds.ts";

const MOST = 2 ** 32 - 1;

function packing(key: string, description: string, standard: number): Setting<number> {
  const redis = integerForm(key, 0, MOST);
  return { key, group: "Memory", description, kind: count(0, MOST), default: standard, live: true, redis };
}

/** Rows of the table of settings, by the names that an engine knows them under. */
export const PACKING_SETTINGS = {
  integerSetEntries: packing("set-max-intset-entries", "members of a set of integers that is packed", 512),
  packedSetEntries: packing("set-max-listpack-entries", "members of another set that is packed", 128),
  packedSetValue: packing("set-max-listpack-value", "bytes of a member of such a set", 64),
  streamBlockBytes: packing("stream-node-max-bytes", "bytes of a block of a stream; 0 for up to 32 KiB", 4096),
  streamBlockEntries: packing("stream-node-max-entries", "entries of a block of a stream; 0 for any number", 100),
  hllSparseBytes: packing("hll-sparse-max-bytes", "bytes of a HyperLogLog that is sparse", 3000),
  sortedSetEntries: packing("zset-max-listpack-entries", "members of a sorted set that is packed", 128),
  sortedSetValue: packing("zset-max-listpack-value", "bytes of a member of one", 64),
  hashEntries: packing(
    "hash-max-listpack-entries",
    "fields of a hash that is packed; never more than 512, or 2 KiB in all",
    128,
  ),
  hashValue: packing("hash-max-listpack-value", "bytes of a field or value of one; never more than 255", 255),
} as const;
