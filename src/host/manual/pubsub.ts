// The manual of pub/sub.

import type { ManualEntry } from "./manual-entry.ts";

/** Pub/sub, by upper-case name. */
export const PUBSUB_MANUAL: Readonly<Record<string, ManualEntry>> = {
  SUBSCRIBE: { syntax: "channel [channel ...]", complexity: "O(1) for each channel" },
  UNSUBSCRIBE: { syntax: "[channel [channel ...]]", complexity: "O(1) for each channel" },
  PSUBSCRIBE: { syntax: "pattern [pattern ...]", complexity: "O(1) for each pattern" },
  PUNSUBSCRIBE: { syntax: "[pattern [pattern ...]]", complexity: "O(1) for each pattern" },
  SSUBSCRIBE: { syntax: "shardchannel [shardchannel ...]", complexity: "O(1) for each channel", keys: "RO" },
  SUNSUBSCRIBE: { syntax: "[shardchannel [shardchannel ...]]", complexity: "O(1) for each channel", keys: "RO" },
  PUBLISH: {
    syntax: "channel message",
    complexity: "O(N + M) with N those who listen to the channel and M the patterns that anybody listens to",
  },
  SPUBLISH: { syntax: "shardchannel message", complexity: "O(N) with N those who listen to the channel", keys: "RO" },
  PUBSUB: {
    syntax:
      "(CHANNELS [pattern] | NUMSUB [channel ...] | NUMPAT | SHARDCHANNELS [pattern] | SHARDNUMSUB [channel ...])",
    complexity: "O(N) with N the channels, for CHANNELS; else O(1) for each channel named",
  },
};
