// SAVE, BGSAVE, BGREWRITEAOF and LASTSAVE in Redis's words, and snapshots that are taken by themselves.

import { expect, it } from "vitest";
import type { HostCall } from "../src/host/host-call.ts";
import { backgroundSaveCommand, lastSaveCommand, rewriteLogCommand, saveCommand } from "../src/host/save-commands.ts";
import { ReplyError, SimpleString } from "../src/resp.ts";
import { SnapshotSchedule } from "../src/snapshot/snapshot-schedule.ts";
import { SnapshotStore } from "../src/snapshot/snapshot-store.ts";
import { MemoryStorage } from "../src/storage/memory-storage.ts";
import { EngineDriver } from "./engine-driver.ts";

/** A call as the host's commands see it, with what these four read. */
function callOf(snapshots: unknown, words: string[] = [], inTransaction = false): HostCall {
  return { words, inTransaction, facts: { startedMs: 5_999, snapshots } } as unknown as HostCall;
}

it("takes snapshots on demand and says so as Redis does", async () => {
  const driver = new EngineDriver();
  driver.engine.effects.open();
  driver.must("SET", "k", "v");
  const store = await SnapshotStore.open(new MemoryStorage());
  const schedule = new SnapshotSchedule(driver.engine, store, { everyMs: 0, everyLogBytes: 0 });
  expect(lastSaveCommand(callOf(schedule))).toBe(5);
  expect(await saveCommand(callOf(schedule))).toEqual(new SimpleString("OK"));
  expect(store.generations).toHaveLength(1);
  expect(lastSaveCommand(callOf(schedule))).toBe(Math.floor((schedule.lastTakenMs as number) / 1000));
  expect(backgroundSaveCommand(callOf(schedule, ["schedule"]))).toEqual(new SimpleString("Background saving started"));
  const busy = new ReplyError("ERR Background save already in progress");
  expect(backgroundSaveCommand(callOf(schedule))).toEqual(busy);
  expect(await saveCommand(callOf(schedule))).toEqual(busy);
  expect(rewriteLogCommand(callOf(schedule))).toEqual(
    new ReplyError("ERR Background append only file rewriting already in progress"),
  );
  expect((await schedule.take(false)).isIncremental).toBe(true);
  expect(rewriteLogCommand(callOf(schedule))).toEqual(
    new SimpleString("Background append only file rewriting started"),
  );
  expect((await schedule.take(true)).isIncremental).toBe(false);
});

it("refuses what cannot be", async () => {
  const none = new ReplyError("ERR there is no directory to save to: start the server with --dir");
  expect(saveCommand(callOf(undefined))).toEqual(none);
  expect(backgroundSaveCommand(callOf(undefined))).toEqual(none);
  expect(rewriteLogCommand(callOf(undefined))).toEqual(none);
  expect(lastSaveCommand(callOf(undefined))).toBe(5);
  expect(backgroundSaveCommand(callOf(undefined, ["now"]))).toEqual(new ReplyError("ERR syntax error"));
  expect(saveCommand(callOf({ isTaking: false }, [], true))).toMatchObject({ prefix: "ERR" });
  const failing = { isTaking: false, take: () => Promise.reject(new Error("the disk is full")) };
  expect(await saveCommand(callOf(failing))).toEqual(new ReplyError("ERR the disk is full"));
});

it("takes one when the interval is over and something happened, and a last one at the end", async () => {
  const driver = new EngineDriver();
  driver.engine.effects.open();
  const store = await SnapshotStore.open(new MemoryStorage(), 1);
  const schedule = new SnapshotSchedule(driver.engine, store, { everyMs: 1, everyLogBytes: 0 });
  schedule.start();
  driver.must("SET", "k", "v");
  await expect.poll(() => schedule.last?.sequence, { timeout: 10_000 }).toBe(1);
  const { name } = schedule.last as { name: string };
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(schedule.last?.name).toBe(name);
  schedule.times = { everyMs: 0, everyLogBytes: 0 };
  driver.must("SET", "k", "w");
  await schedule.stop();
  expect(schedule.last?.sequence).toBe(2);
});
