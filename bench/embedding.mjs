// The embedded API beside what a JavaScript program would use otherwise: a Map, and lru-cache, the usual bounded cache.
// Keys come in two ways. Built for the call, as a request brings them: everyone must hash them and compare characters. At
// hand, the same strings each time, as few programs have them: a Map knows their hashes and compares pointers, so it, and
// lru-cache upon it, win. Each cache runs in a process of its own; values are strings of 100 bytes.

import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fixed, rate, startReport, times } from "./report.mjs";
import { interleave, median } from "./statistics.mjs";

const LRU_MANIFEST = new URL("./node_modules/lru-cache/package.json", import.meta.url);
const NAMES = ["nearkey", "Map", "lru-cache"];
const TESTS = {
  getBuilt: "get, key built",
  getAtHand: "get, key at hand",
  setFresh: "set, key and value built",
  setFreshAtHand: "set, value built",
  setAtHand: "set, key and value at hand",
};
const COLUMNS = [
  { key: "test", title: "operation" },
  { key: "name", title: "cache" },
  { key: "perSecond", title: "operations", format: rate },
  { key: "ratio", title: "nearkey / it", format: times },
  { key: "pauseTotal", title: "GC ms", format: fixed(1) },
  { key: "pauseLongest", title: "longest GC ms", format: fixed(1) },
];

const report = startReport("embedding");
report.peer("lru-cache", JSON.parse(readFileSync(LRU_MANIFEST, "utf8")).version);
const operations = report.quick ? 100_000 : 1_000_000;
const sizes = report.quick ? [100_000] : [100_000, 1_000_000];
for (const keys of sizes) await measureRates(keys);
await measureMemory(report.quick ? 500_000 : 5_000_000);
report.finish();

async function measureRates(keys) {
  const caches = Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await start(name, keys)])));
  const loads = {};
  for (const name of NAMES) loads[name] = await caches[name].ask({ fill: keys, atHand: true });
  const rows = NAMES.map((name) => ({ test: "load", name, ratio: ratioTo(loads, name), ...loads[name] }));
  for (const [test, title] of Object.entries(TESTS)) {
    const contenders = Object.fromEntries(
      NAMES.map((name) => [name, (seed) => caches[name].ask({ test, seed, operations })]),
    );
    const results = await interleave(report.rounds, contenders);
    const medians = Object.fromEntries(NAMES.map((name) => [name, summary(results[name])]));
    for (const name of NAMES) rows.push({ test: title, name, ratio: ratioTo(medians, name), ...medians[name] });
  }
  for (const cache of Object.values(caches)) cache.stop();
  report.table(
    `Embedded, ${keys.toLocaleString("en")} keys of 16 bytes, 100-byte strings, median of ${report.rounds}`,
    COLUMNS,
    rows,
  );
  judge(keys, rows);
}

function judge(keys, rows) {
  const row = (test, name) => rows.find((each) => each.test === test && each.name === name);
  const size = keys.toLocaleString("en");
  for (const test of [TESTS.getBuilt, TESTS.getAtHand]) {
    const atLeast = keys < 1_000_000 ? 0.85 : 1.5;
    report.bar(`${test}, ${size} keys, of lru-cache`, row(test, "lru-cache").ratio, { atLeast });
  }
  if (keys >= 1_000_000) {
    for (const test of [TESTS.setFresh, TESTS.setFreshAtHand]) {
      report.bar(`${test}, ${size} keys, of Map`, row(test, "Map").ratio, { atLeast: 1.8 });
    }
  }
  const longest = Math.max(
    row(TESTS.setFresh, "nearkey").pauseLongest,
    row(TESTS.setFreshAtHand, "nearkey").pauseLongest,
  );
  report.bar(`longest pause overwriting ${size} keys`, longest, { atMost: 10, unit: " ms" });
  report.bar(`longest pause loading ${size} keys`, row("load", "nearkey").pauseLongest, { atMost: 25, unit: " ms" });
}

/** Resident memory and pauses of a load: once, for it varies little. */
async function measureMemory(keys) {
  const rows = [];
  for (const name of NAMES) {
    const cache = await start(name, keys);
    const { residentBytes, ...load } = await cache.ask({ fill: keys, atHand: false });
    cache.stop();
    rows.push({ name, ...load, mebibytes: residentBytes / 1024 / 1024, bytes: residentBytes / keys });
  }
  report.table(
    `Loading ${keys.toLocaleString("en")} keys`,
    [
      { key: "name", title: "cache" },
      { key: "mebibytes", title: "resident MiB", format: fixed(0) },
      { key: "bytes", title: "bytes an entry", format: fixed(0) },
      ...COLUMNS.filter(({ key }) => key.startsWith("p")),
    ],
    rows,
  );
  const of = (name) => rows.find((row) => row.name === name);
  const size = keys.toLocaleString("en");
  report.bar(`resident memory of ${size} keys, of Map`, of("nearkey").mebibytes / of("Map").mebibytes, {
    atMost: 0.65,
  });
  report.bar(`longest pause loading ${size} keys`, of("nearkey").pauseLongest, { atMost: 25, unit: " ms" });
}

function ratioTo(results, name) {
  return results.nearkey.perSecond / results[name].perSecond;
}

function summary(results) {
  const of = (key) => median(results.map((result) => result[key]));
  return {
    perSecond: of("perSecond"),
    pauseTotal: of("pauseTotal"),
    pauseLongest: Math.max(...results.map((result) => result.pauseLongest)),
  };
}

async function start(name, keys) {
  const child = fork(new URL("./embedding-cache.mjs", import.meta.url), [name, String(keys)], {
    execArgv: ["--expose-gc"],
  });
  const next = () =>
    new Promise((resolve, reject) => {
      child.once("message", resolve);
      child.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)));
    });
  await next();
  return {
    ask(message) {
      child.removeAllListeners("exit");
      const answer = next();
      child.send(message);
      return answer;
    },
    stop() {
      child.removeAllListeners("exit");
      child.kill();
    },
  };
}
