// BullMQ against the server, as its own examples use it: jobs, delayed and repeated ones, retries, priorities, flows. Everything
// that it does is Lua scripts over lists, sorted sets, streams and blocking commands.

import { FlowProducer, Queue, QueueEvents, Worker } from "bullmq";
import { afterEach, describe, expect, test } from "vitest";
import { debugEngine } from "../debug-engine.ts";
import { startTestServer } from "../server-fixture.ts";

/** What BullMQ is made of, beside scripts. */
const NEEDED = ["ZADD", "BZPOPMIN", "XADD", "XREAD", "LPUSH", "SADD"];
const known = debugEngine()
  .commands()
  .map(({ name }) => name);
const missing = NEEDED.filter((name) => !known.includes(name));

const toClose: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const each of toClose.splice(0).reverse()) await each.close();
});

async function connectionTo() {
  const server = await startTestServer();
  return { host: "127.0.0.1", port: server.respPort, maxRetriesPerRequest: null };
}

function closing<T extends { close(): Promise<unknown> }>(one: T): T {
  toClose.push(one);
  return one;
}

/** Resolves once so many jobs have been done, with what they were, in that order. */
function doneJobs(worker: Worker, count: number): Promise<string[]> {
  const names: string[] = [];
  return new Promise((resolve) => {
    worker.on("completed", (job) => {
      names.push(job.name);
      if (names.length === count) resolve(names);
    });
  });
}

describe.skipIf(missing.length > 0)("BullMQ", () => {
  test("jobs are done in order, and their results are there", async () => {
    const connection = await connectionTo();
    const queue = closing(new Queue("paint", { connection }));
    const events = closing(new QueueEvents("paint", { connection }));
    await events.waitUntilReady();
    const worker = closing(new Worker("paint", async ({ data }) => `${data.color} done`, { connection }));
    const jobs = await Promise.all(["blue", "red", "green"].map((color) => queue.add("car", { color })));
    const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 10_000)));
    expect(results).toEqual(["blue done", "red done", "green done"]);
    expect(await queue.getJobCounts("completed", "failed", "wait")).toEqual({ completed: 3, failed: 0, wait: 0 });
    expect(worker.isRunning()).toBe(true);
  });

  test("priorities come first, and a delayed job not before its time", async () => {
    const connection = await connectionTo();
    const queue = closing(new Queue("order", { connection }));
    const addedMs = Date.now();
    await queue.add("late", {}, { delay: 300 });
    await queue.addBulk([
      { name: "low", data: {}, opts: { priority: 10 } },
      { name: "high", data: {}, opts: { priority: 1 } },
      { name: "middle", data: {}, opts: { priority: 5 } },
    ]);
    const worker = closing(new Worker("order", async () => undefined, { connection }));
    expect(await doneJobs(worker, 4)).toEqual(["high", "middle", "low", "late"]);
    expect(Date.now() - addedMs).toBeGreaterThanOrEqual(300);
  });

  test("a job that fails is tried again, and at last stays failed", async () => {
    const connection = await connectionTo();
    const queue = closing(new Queue("retry", { connection }));
    let tries = 0;
    const work = async ({ name }: { name: string }): Promise<string> => {
      tries++;
      if (name === "hopeless" || tries < 3) throw new Error("not yet");
      return "at last";
    };
    const worker = closing(new Worker("retry", work, { connection }));
    const done = doneJobs(worker, 1);
    const patient = await queue.add("patient", {}, { attempts: 5, backoff: { type: "fixed", delay: 20 } });
    expect(await done).toEqual(["patient"]);
    expect(await patient.getState()).toBe("completed");
    const failed = new Promise<string>((resolve) => worker.on("failed", (job) => resolve(job?.failedReason ?? "")));
    const hopeless = await queue.add("hopeless", {}, { attempts: 1 });
    expect(await failed).toBe("not yet");
    expect(await hopeless.getState()).toBe("failed");
  });

  test("a repeated job comes again and again", async () => {
    const connection = await connectionTo();
    const queue = closing(new Queue("repeat", { connection }));
    await queue.upsertJobScheduler("tick", { every: 100 }, { name: "tick" });
    const worker = closing(new Worker("repeat", async () => undefined, { connection }));
    expect(await doneJobs(worker, 3)).toEqual(["tick", "tick", "tick"]);
    expect((await queue.getJobSchedulers()).map(({ key }) => key)).toEqual(["tick"]);
    await queue.removeJobScheduler("tick");
  });

  test("a flow's parent is done after its children, with their results", async () => {
    const connection = await connectionTo();
    const flows = closing(new FlowProducer({ connection }));
    closing(new Worker("steps", async ({ data }) => data.place, { connection }));
    const parents = closing(
      new Worker("renovate", async (job) => Object.values(await job.getChildrenValues()).sort(), { connection }),
    );
    const done = new Promise<unknown>((resolve) => parents.on("completed", (_, result) => resolve(result)));
    await flows.add({
      name: "house",
      queueName: "renovate",
      data: {},
      children: ["ceiling", "walls", "floor"].map((place) => ({ name: "paint", data: { place }, queueName: "steps" })),
    });
    expect(await done).toEqual(["ceiling", "floor", "walls"]);
  });
});
