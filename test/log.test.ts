// The log: what is written comes back, in the right segments, and how it may end.

import { describe, expect, test } from "vitest";
import { readLog } from "../src/log/log-reader.ts";
import { LogWriter } from "../src/log/log-writer.ts";
import { restOfBlock } from "../src/log/pieces.ts";
import { encodeSegmentHeader, LOG_VERSION, SEGMENT_HEADER_BYTES } from "../src/log/record-format.ts";
import { SegmentFiles, segmentName } from "../src/log/segment-files.ts";
import type { StorageFile } from "../src/storage/storage.ts";
import { FaultyStorage } from "./faulty-storage.ts";
import { simulateLog } from "./log-simulation.ts";
import { Random, seedOfRun } from "./random.ts";
import { ModelSource, ModelTarget, makeRecord } from "./record-model.ts";
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

test("a block that is written to for the first time is written to its end, so that none is read before", () => {
  for (const [at, end, rest] of [
    [0, 64, 4032],
    [64, 4096, 0],
    [64, 4097, 4095],
    [4095, 4096, 0],
    [4096, 4097, 4095],
    [4097, 8000, 0],
    [4097, 8192, 0],
    [4000, 20_000, 480],
  ] as const) {
    const zeros = restOfBlock(at, end);
    expect(zeros.length, `${at} to ${end}`).toBe(rest);
    expect(zeros.every((byte) => byte === 0)).toBe(true);
  }
});

test("closing on a disk that refuses leaves no file open", async () => {
  const storage = new FaultyStorage(new Random(1));
  const simulated = new SimulatedProcess();
  const opened = new Set<StorageFile>();
  const open = storage.open.bind(storage);
  storage.open = async (...given) => {
    const file = await open(...given);
    const close = file.close.bind(file);
    opened.add(file);
    file.close = () => {
      opened.delete(file);
      return close();
    };
    return file;
  };
  const source = new ModelSource(0);
  const options = { fsync: "always", fsyncIntervalMs: 10, segmentBytes: SEGMENT_BYTES } as const;
  const segments = new SegmentFiles(storage, SEGMENT_BYTES, { known: [], unused: [], lastNumber: 0 });
  const writer = new LogWriter(segments, source, options, simulated.host, { position: 0, identity: 1n });
  await simulated.drive(writer.begin(), storage);
  storage.mood.syncFails = 1;
  storage.mood.capacityBytes = storage.usedBytes;
  source.write([500]);
  await simulated.drive(
    writer.commit().catch(() => undefined),
    storage,
  );
  expect(writer.failure?.isBlocking).toBe(true);
  const refused = expect(writer.close()).rejects.toMatchObject({ code: "read-only" });
  await simulated.drive(refused, storage);
  expect([...opened].map(({ name }) => name)).toEqual([]);
});

test("records of a torn end that never counted do not come back when their file is used again", async () => {
  const payload = 500;
  let storage = new FaultyStorage(new Random(1));
  await tear(storage, makeRecord(1, payload).length, [2, 20], payload);
  for (let life = 1; life <= 4; life++) storage = await writeOne(storage, payload);
  const target = new ModelTarget(0);
  const simulated = new SimulatedProcess();
  const reading = readLog(storage, target);
  expect(await simulated.drive(reading, storage)).toBe(true);
  expect((await reading).damage).toBeUndefined();
  expect(target.position).toBe(4);
});

/** A segment whose first record a power failure lost, and some behind it not. */
async function tear(storage: FaultyStorage, lostBytes: number, [from, to]: [number, number], payload: number) {
  const simulated = new SimulatedProcess();
  const opening = storage.open(segmentName(1), { create: true });
  await simulated.drive(opening, storage);
  const header = encodeSegmentHeader({ version: LOG_VERSION, number: 1, first: 1, identity: 1n, synced: 0 });
  const records = Array.from({ length: to - from + 1 }, (_, index) => makeRecord(from + index, payload));
  const bytes = new Uint8Array(SEGMENT_BYTES * 2);
  bytes.set(header);
  let at = SEGMENT_HEADER_BYTES + lostBytes;
  for (const record of records) {
    bytes.set(record, at);
    at += record.length;
  }
  const writing = Promise.resolve((await opening).write(0, [bytes]));
  await simulated.drive(writing, storage);
}

/** The life of a process that writes one record and is killed; gives what it leaves behind. */
async function writeOne(storage: FaultyStorage, payload: number): Promise<FaultyStorage> {
  const simulated = new SimulatedProcess();
  const target = new ModelTarget(0);
  const reading = readLog(storage, target);
  await simulated.drive(reading, storage);
  const { position } = target;
  const source = new ModelSource(position);
  const options = { fsync: "always", fsyncIntervalMs: 10, segmentBytes: SEGMENT_BYTES } as const;
  const segments = new SegmentFiles(storage, SEGMENT_BYTES, (await reading).segments);
  const writer = new LogWriter(segments, source, options, simulated.host, { position, identity: 1n });
  await simulated.drive(writer.begin(), storage);
  await simulated.drive(segments.prepare(), storage);
  source.write([payload]);
  await simulated.drive(writer.commit(), storage);
  expect(writer.syncedThrough).toBe(position + 1);
  return storage.afterCrash(false);
}
