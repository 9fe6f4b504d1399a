// The log: what is written comes back, in the right segments, and how it may end.

import { describe, expect, test } from "vitest";
import { readLog } from "../src/log/log-reader.ts";
import { LogWriter } from "../src/log/log-writer.ts";
import { SegmentFiles } from "../src/log/segment-files.ts";
import { FaultyStorage } from "./faulty-storage.ts";
import { simulateLog } from "./log-simulation.ts";
import { Random, seedOfRun } from "./random.ts";
import { ModelSource, ModelTarget } from "./record-model.ts";
import { SimulatedProcess, turnOfLoop } from "./simulated-process.ts";

const RUNS = Number(process.env.NEARKEY_LOG_RUNS ?? 500);
const SEGMENT_BYTES = 8192;

describe("simulated lives", () => {
  test(`${RUNS} runs with faults and crashes lose nothing that was acknowledged`, async () => {
    const seed = seedOfRun();
    console.log(`log simulation: seeds from ${seed}`);
    for (let run = 0; run < RUNS; run++) await simulateLog((seed + run) >>> 0);
  }, 600_000);
});

test("writing anew that fails halfway takes nothing from what a killed process had given to the system", async () => {
  const storage = new FaultyStorage(new Random(1));
  const simulated = new SimulatedProcess();
  const source = new ModelSource(0);
  const options = { fsync: "periodic", fsyncIntervalMs: 10, segmentBytes: SEGMENT_BYTES } as const;
  const none = { known: [], unused: [], lastNumber: 0 };
  const segments = new SegmentFiles(storage, SEGMENT_BYTES, none);
  const writer = new LogWriter(segments, source, options, simulated.host, { position: 0, identity: 1n });
  await simulated.drive(writer.begin(), storage);
  let covered = 0;
  for (let record = 1; record <= 20; record++) {
    source.write([500]);
    const goOn = (): void => {
      covered = writer.coveredPosition;
    };
    writer.whenCovered({ position: record, goOn });
    while (covered < record) {
      simulated.runSoon();
      storage.turn();
      await turnOfLoop();
    }
  }
  storage.mood.syncFails = 1;
  // They do not fit a segment, and there is no room for a larger one.
  storage.mood.capacityBytes = storage.usedBytes;
  for (let step = 0; step < 400; step++) {
    simulated.runSoon();
    if (storage.waiting > 0) storage.turn();
    else simulated.fireTimer();
    await turnOfLoop();
  }
  expect(writer.failure?.tries).toBeGreaterThan(1);
  const survivor = storage.afterCrash(false);
  const target = new ModelTarget(0);
  const reading = readLog(survivor, target);
  await simulated.drive(reading, survivor);
  expect((await reading).damage).toBeUndefined();
  expect(target.position).toBe(20);
});
