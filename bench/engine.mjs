// The engine without a socket: RESP batches of 128 commands handed to `db.execute`, whose replies are copied out.
// Batches are encoded beforehand, as a socket would deliver them; keys are random, so that memory is met and not only
// the cache. Then growth (what one SET may cost while the table grows to millions) and the memory an entry takes.

import { open } from "../dist/node.js";
import { fillKeys, installed, redisVersion, runBenchmark, startRedis, stopServer } from "./processes.mjs";
import { fixed, rate, startReport, times } from "./report.mjs";
import { interleave, median, randomFrom, tail } from "./statistics.mjs";

const BATCH = 128;
const VALUE = "v".repeat(100);
const encoder = new TextEncoder();
const report = startReport("engine");

await measureBatches();
await measureGrowth();
await measureOverhead();
report.finish();

function command(...words) {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

function keyName(index) {
  return `key:${String(index).padStart(12, "0")}`;
}

function encodeBatches(count, make) {
  return Array.from({ length: count }, () => encoder.encode(Array.from({ length: BATCH }, make).join("")));
}

/** Stores keys 0 to `count` − 1. */
function fill(db, count, valueFor = () => VALUE) {
  for (let key = 0; key < count; ) {
    let text = "";
    for (const end = Math.min(count, key + BATCH); key < end; key++)
      text += command("SET", keyName(key), valueFor(key));
    db.execute(encoder.encode(text));
  }
}

async function measureBatches() {
  const rows = [];
  for (const keys of [100_000, 1_000_000]) rows.push(...(await measureKeys(keys)));
  report.table(
    `RESP in process, batches of ${BATCH}, random keys, 100-byte values, median of ${report.rounds}`,
    [
      { key: "test", title: "command" },
      { key: "keys", title: "keys" },
      { key: "nearkey", title: "nearkey", format: rate },
      { key: "nanoseconds", title: "ns each", format: fixed(0) },
      { key: "redis", title: "redis-server P=128", format: rate },
      { key: "ratio", title: "ratio", format: times },
    ],
    rows,
  );
  for (const { test, keys, ratio } of rows) {
    if (test === "GET" && keys === 100_000 && ratio !== undefined) {
      report.bar("GET, 100,000 keys, of redis-server's P=128 rate", ratio, { atLeast: 5 });
    }
  }
}

async function measureKeys(keys) {
  const db = await open({ maxMemory: "1gb" });
  fill(db, keys);
  const random = randomFrom(keys);
  const gets = encodeBatches(4000, () => command("GET", keyName(random(keys))));
  const sets = encodeBatches(4000, () => command("SET", keyName(random(keys)), VALUE));
  const redis = installed("redis-server") && installed("redis-benchmark") ? await startRedis() : undefined;
  if (redis !== undefined) {
    report.peer("redis-server", redisVersion());
    await fillKeys(redis.port, keys, VALUE.length);
  }
  const contenders = { GET: () => runBatches(db, gets), SET: () => runBatches(db, sets) };
  if (redis !== undefined) {
    const requests = report.quick ? 300_000 : 2_000_000;
    const run = (test) => async () =>
      (await runBenchmark(redis, { test, pipeline: BATCH, requests, keys, bytes: VALUE.length })).perSecond;
    Object.assign(contenders, { redisGET: run("get"), redisSET: run("set") });
  }
  const results = await interleave(report.rounds, contenders);
  if (redis !== undefined) stopServer(redis);
  await db.close();
  return ["GET", "SET"].map((test) => {
    const nearkey = median(results[test]);
    const peer = redis === undefined ? undefined : median(results[`redis${test}`]);
    return { test, keys, nearkey, nanoseconds: 1e9 / nearkey, redis: peer, ratio: peer && nearkey / peer };
  });
}

/** Commands per second over about a second, after the compiler has seen the code. */
function runBatches(db, batches) {
  const passes = report.quick ? 1 : 8;
  let bytes = 0;
  const started = performance.now();
  for (let pass = 0; pass < passes; pass++) {
    for (const batch of batches) bytes += db.execute(batch).length;
  }
  const seconds = (performance.now() - started) / 1000;
  if (bytes < passes * batches.length * BATCH * 5) throw new Error("replies are missing");
  return (passes * batches.length * BATCH) / seconds;
}

/**
 * One SET at a time while the table grows: every one of them is timed, none is left out as a warm-up. Beside it a spin
 * of the same length is timed as often: its tail is what the machine does to any program, and no engine can beat it.
 */
async function measureGrowth() {
  const keys = report.quick ? 300_000 : 10_000_000;
  const db = await open({ maxMemory: "3gb" });
  const micros = new Float64Array(keys);
  // The same bytes are written over for each key: strings made anew would measure the collector's pauses, not the table's.
  const name = Buffer.from(keyName(0));
  const value = Buffer.from(VALUE);
  for (let key = 0; key < keys; key++) {
    name.write(keyName(key), "latin1");
    const started = performance.now();
    db.set(name, value);
    micros[key] = (performance.now() - started) * 1000;
  }
  const moved = db.stats().movedMax;
  await db.close();
  const set = { what: "SET", keys, ...tail(micros), moved };
  const spin = { what: "a spin as long", keys, ...tail(timeSpins(micros, set.p50)) };
  report.table(
    "One SET at a time while the table grows, microseconds",
    [
      { key: "what", title: "" },
      { key: "keys", title: "keys" },
      { key: "p50", title: "P50", format: fixed(2) },
      { key: "p99", title: "P99", format: fixed(2) },
      { key: "p9999", title: "P99.99", format: fixed(1) },
      { key: "longest", title: "longest", format: fixed(0) },
      { key: "moved", title: "entries moved by one command, at most" },
    ],
    [set, spin],
  );
  report.bar(`P99.99 of a SET up to ${keys.toLocaleString("en")} keys`, set.p9999, { atMost: 200, unit: " µs" });
  report.bar("entries moved by one command", moved, { atMost: 768 });
}

/** Sorts `micros`. */
function timeSpins(micros, length) {
  for (let index = 0; index < micros.length; index++) {
    const started = performance.now();
    let now = started;
    while ((now - started) * 1000 < length) now = performance.now();
    micros[index] = (now - started) * 1000;
  }
  return micros;
}

async function measureOverhead() {
  const random = randomFrom(7);
  const cases = [
    { name: "16+100 bytes", keys: report.quick ? 100_000 : 1_000_000, bytes: () => 100, allowed: () => 24 },
    {
      name: "16+1…1,000 bytes",
      keys: report.quick ? 200_000 : 500_000,
      bytes: () => 1 + random(1000),
      allowed: (payload) => 24 + 0.07 * payload,
    },
  ];
  const rows = [];
  for (const { name, keys, bytes, allowed } of cases) {
    const db = await open({ maxMemory: "2gb" });
    const before = db.stats().memoryUsedBytes;
    let payload = 0;
    const filler = "v".repeat(1000);
    fill(db, keys, () => {
      const length = bytes();
      payload += 16 + length;
      return filler.slice(0, length);
    });
    const used = db.stats().memoryUsedBytes - before;
    rows.push({
      name,
      keys,
      payload: payload / keys,
      overhead: (used - payload) / keys,
      allowed: allowed(payload / keys),
    });
    await db.close();
  }
  report.table(
    "Memory an entry takes over its key and value, whole pages counted",
    [
      { key: "name", title: "entries" },
      { key: "keys", title: "keys" },
      { key: "payload", title: "payload bytes", format: fixed(1) },
      { key: "overhead", title: "overhead bytes", format: fixed(1) },
      { key: "allowed", title: "at most", format: fixed(1) },
    ],
    rows,
  );
  for (const { name, overhead, allowed } of rows) {
    report.bar(`overhead at ${name}`, overhead, { atMost: Number(allowed.toFixed(1)), unit: " bytes" });
  }
}
