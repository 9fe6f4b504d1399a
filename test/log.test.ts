// The log: what is written comes back, in the right segments, and how it may end.

import { describe, test } from "vitest";
import { simulateLog } from "./log-simulation.ts";
import { seedOfRun } from "./random.ts";

const RUNS = Number(process.env.NEARKEY_LOG_RUNS ?? 500);

describe("simulated lives", () => {
  test(`${RUNS} runs with faults and crashes lose nothing that was acknowledged`, async () => {
    const seed = seedOfRun();
    console.log(`log simulation: seeds from ${seed}`);
    for (let run = 0; run < RUNS; run++) await simulateLog((seed + run) >>> 0);
  }, 600_000);
});
