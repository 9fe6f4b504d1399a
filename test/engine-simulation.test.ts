// Databases in a directory, from one crash to the next: thousands of seeded lives with commands of every type.

import { expect, test } from "vitest";
import { emptyTally, simulateEngine } from "./engine-simulation.ts";
import { seedOfRun } from "./random.ts";

/** Runs, and how long they may go on; minutes count where both are given. */
const RUNS = Number(process.env.NEARKEY_SIMULATION_RUNS ?? 50);
const MINUTES = Number(process.env.NEARKEY_SIMULATION_MINUTES ?? 0);

test(
  "simulated databases lose nothing that was acknowledged, and open to a state that they had",
  async () => {
    const seed = seedOfRun();
    console.log(`engine simulation: seeds from ${seed}`);
    const tally = emptyTally();
    const endMs = performance.now() + MINUTES * 60_000;
    let runs = 0;
    for (; MINUTES > 0 ? performance.now() < endMs : runs < RUNS; runs++)
      await simulateEngine((seed + runs) >>> 0, tally);
    console.log(`engine simulation: ${runs} runs, ${JSON.stringify(tally)}`);
    // A run alone, or a few, need not see everything.
    if (runs < 50) return;
    for (const [what, count] of Object.entries(tally)) if (what !== "unknown") expect(count, what).toBeGreaterThan(0);
    expect(tally.unknown).toBeLessThan(tally.lives / 4);
  },
  600_000 + MINUTES * 60_000,
);
