// One cache of the embedded benchmark in a process of its own, so that no garbage of another one is collected on its
// time. Answers messages: { fill: keys } loads it, { test, seed, operations } runs a test; both answer with the rate and the
// pauses of the garbage collector, and a fill with the resident memory.

import { PerformanceObserver } from "node:perf_hooks";
import { randomFrom } from "./statistics.mjs";

const KEY_BYTES = 16;
const VALUE_BYTES = 100;
const FIXED = "v".repeat(VALUE_BYTES);
/** Bytes that values are cut from: each is a string no one has seen, flat in memory, as a socket would bring it. */
const pool = Buffer.alloc(64 * 1024, "abcdefghijklmnopqrstuvwxyz0123456789");
const VALUES = pool.length - VALUE_BYTES;

const cache = await makeCache(process.argv[2], Number(process.argv[3]));
let keys = 0;
let names = [];
let keyBytes = Buffer.alloc(0);

const pauses = watchPauses();
process.on("message", async (message) => {
  process.send(message.fill === undefined ? await run(message) : await fill(message));
});
process.send({ ready: true });

async function makeCache(name, entries) {
  if (name === "Map") return new Map();
  if (name === "lru-cache") {
    const { LRUCache } = await import("lru-cache");
    return new LRUCache({ max: entries + 1 });
  }
  const { open } = await import("../dist/node.js");
  return open({ maxMemory: "2gb", eviction: "allkeys-lru" });
}

function keyAt(index) {
  return keyBytes.latin1Slice(index * KEY_BYTES, (index + 1) * KEY_BYTES);
}

function freshValue(seed) {
  const at = seed % VALUES;
  return pool.latin1Slice(at, at + VALUE_BYTES);
}

async function fill({ fill: count, atHand }) {
  keys = count;
  keyBytes = Buffer.alloc(count * KEY_BYTES);
  for (let index = 0; index < count; index++) {
    keyBytes.latin1Write(`key:${String(index).padStart(12, "0")}`, index * KEY_BYTES);
  }
  const before = resident();
  const result = await timed(count, () => {
    for (let index = 0; index < count; index++) cache.set(keyAt(index), freshValue(index));
  });
  const residentBytes = resident() - before;
  // Like the keys of a program that holds on to them: the same strings each time, whose hashes are known.
  if (atHand) names = Array.from({ length: count }, (_, index) => keyAt(index));
  for (const name of names) cache.get(name);
  return { ...result, residentBytes };
}

const bodies = {
  getBuilt(random, operations) {
    for (let index = 0; index < operations; index++) {
      if (cache.get(keyAt(random(keys))) === undefined) throw new Error("a key is missing");
    }
  },
  getAtHand(random, operations) {
    for (let index = 0; index < operations; index++) {
      if (cache.get(names[random(keys)]) === undefined) throw new Error("a key is missing");
    }
  },
  setAtHand(random, operations) {
    for (let index = 0; index < operations; index++) cache.set(names[random(keys)], FIXED);
  },
  setFresh(random, operations) {
    for (let index = 0; index < operations; index++) cache.set(keyAt(random(keys)), freshValue(index));
  },
  setFreshAtHand(random, operations) {
    for (let index = 0; index < operations; index++) cache.set(names[random(keys)], freshValue(index));
  },
};

function run({ test, seed, operations }) {
  return timed(operations, () => bodies[test](randomFrom(seed), operations));
}

async function timed(operations, body) {
  globalThis.gc();
  await pauses();
  const started = performance.now();
  body();
  const seconds = (performance.now() - started) / 1000;
  const taken = await pauses();
  return {
    perSecond: operations / seconds,
    pauseTotal: taken.reduce((sum, pause) => sum + pause, 0),
    pauseLongest: Math.max(0, ...taken),
  };
}

function resident() {
  globalThis.gc();
  return process.memoryUsage().rss;
}

/** Answers a function that gives the milliseconds of each collection since it was called last. */
function watchPauses() {
  let seen = [];
  const collect = (entries) => {
    for (const { duration } of entries) seen.push(duration);
  };
  const observer = new PerformanceObserver((list) => collect(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  return async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect(observer.takeRecords());
    const taken = seen;
    seen = [];
    return taken;
  };
}
