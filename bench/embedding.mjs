// The embedded API beside what a JavaScript program would use otherwise: a Map, and lru-cache, the usual bounded cache.
// A Map is faster for small point reads and always will be: there is no call into WebAssembly. What nearkey gives
// for that is in the other columns: memory, pauses of the garbage collector, fresh values at scale.

import { readFileSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { LRUCache } from "lru-cache";
import { open } from "../dist/node.js";
import { fixed, rate, startReport } from "./report.mjs";
import { interleave, median, randomFrom } from "./statistics.mjs";

const LRU_MANIFEST = new URL("./node_modules/lru-cache/package.json", import.meta.url);
const report = startReport("embedding");
report.peer("lru-cache", JSON.parse(readFileSync(LRU_MANIFEST, "utf8")).version);

const FIXED = "v".repeat(100);
const OPERATIONS = report.quick ? 100_000 : 1_000_000;
for (const keys of report.quick ? [100_000] : [100_000, 1_000_000]) await measure(keys);
report.finish();

async function measure(keys) {
  const names = Array.from({ length: keys }, (_, index) => `key:${String(index).padStart(12, "0")}`);
  const caches = {
    nearkey: await open({ maxMemory: "1gb", eviction: "allkeys-lru" }),
    Map: new Map(),
    "lru-cache": new LRUCache({ max: keys + 1 }),
  };
  const pauses = watchPauses();
  const rows = [];
  const tests = {
    "get, a string out": (cache, random) => get(cache, names, random),
    "set, a string at hand": (cache, random) => set(cache, names, random, () => FIXED),
    "set, a fresh string": (cache, random) => set(cache, names, random, freshValue),
  };
  for (const cache of Object.values(caches)) for (const name of names) cache.set(name, freshValue(name.length));
  for (const [test, body] of Object.entries(tests)) {
    const contenders = Object.fromEntries(
      Object.entries(caches).map(([name, cache]) => [
        name,
        (round) => timed(() => body(cache, randomFrom(round)), pauses),
      ]),
    );
    const results = await interleave(report.rounds, contenders);
    for (const name of Object.keys(caches)) rows.push(summary(test, name, results[name]));
  }
  report.table(
    `Embedded, ${keys.toLocaleString("en")} keys of 16 bytes, 100-byte strings, median of ${report.rounds}`,
    [
      { key: "test", title: "operation" },
      { key: "name", title: "cache" },
      { key: "perSecond", title: "operations", format: rate },
      { key: "pauseTotal", title: "GC ms", format: fixed(1) },
      { key: "pauseLongest", title: "longest GC ms", format: fixed(1) },
    ],
    rows,
  );
  await caches.nearkey.close();
}

/** A string no one has seen, flat in memory, as a parser or a socket would make it. */
function freshValue(seed) {
  return Buffer.alloc(100, 97 + (seed % 26)).latin1Slice();
}

function get(cache, names, random) {
  let found = 0;
  for (let index = 0; index < OPERATIONS; index++) {
    if (cache.get(names[random(names.length)]) !== undefined) found++;
  }
  if (found !== OPERATIONS) throw new Error("a key is missing");
}

function set(cache, names, random, valueFor) {
  for (let index = 0; index < OPERATIONS; index++) cache.set(names[random(names.length)], valueFor(index));
}

/** Milliseconds of each collection since the last call of `take`. */
function watchPauses() {
  let seen = [];
  const collect = (entries) => {
    for (const { duration } of entries) seen.push(duration);
  };
  const observer = new PerformanceObserver((list) => collect(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  return async () => {
    await new Promise((resolve) => setImmediate(resolve));
    collect(observer.takeRecords());
    const taken = seen;
    seen = [];
    return taken;
  };
}

async function timed(body, takePauses) {
  globalThis.gc?.();
  await takePauses();
  const started = performance.now();
  body();
  const seconds = (performance.now() - started) / 1000;
  const pauses = await takePauses();
  return {
    perSecond: OPERATIONS / seconds,
    pauseTotal: pauses.reduce((sum, pause) => sum + pause, 0),
    pauseLongest: Math.max(0, ...pauses),
  };
}

function summary(test, name, results) {
  const of = (key) => median(results.map((result) => result[key]));
  return {
    test,
    name,
    perSecond: of("perSecond"),
    pauseTotal: of("pauseTotal"),
    pauseLongest: Math.max(...results.map((result) => result.pauseLongest)),
  };
}
