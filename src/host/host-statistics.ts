// The engine's counters since the last CONFIG RESETSTAT: the engine itself counts from its start and never back.

import type { Engine } from "../engine.ts";
import type { HostFacts, Statistics } from "./host-facts.ts";

/** The part of the facts that counts. */
export function statisticsOf(engine: Engine): Pick<HostFacts, "statistics" | "resetStatistics"> {
  let counted: Statistics = { commands: 0, hits: 0, misses: 0, expiredKeys: 0, evictedKeys: 0 };
  return {
    statistics: () => difference(engine.stats(), counted),
    resetStatistics: () => {
      counted = engine.stats();
    },
  };
}

function difference(now: Statistics, before: Statistics): Statistics {
  return {
    commands: now.commands - before.commands,
    hits: now.hits - before.hits,
    misses: now.misses - before.misses,
    expiredKeys: now.expiredKeys - before.expiredKeys,
    evictedKeys: now.evictedKeys - before.evictedKeys,
  };
}
