// Eviction: how good the choice is and what it costs. Hit rates on seeded traces stand beside those of a cache that keeps
// the policy's order exactly, with as many keys as nearkey held in the same memory, and beside Belady's optimum. Then
// SET of new keys at the limit against below it, in memory that the system had given already, and how long one takes.

import { open } from "../dist/node.js";
import { ExactFifo, ExactLfu, ExactLru, ExactRandom, ExactS3Fifo, optimalHits } from "./cache-models.mjs";
import { fixed, rate, startReport } from "./report.mjs";
import { interleave, median, randomFrom, tail } from "./statistics.mjs";

const report = startReport("eviction");
const KEYS = report.quick ? 50_000 : 200_000;
const REQUESTS = report.quick ? 200_000 : 1_500_000;
/** The part of a trace that fills the cache. */
const WARMUP = 1 / 4;
const MEBI = 1024 * 1024;
/** What nearkey takes before it holds a key: fixed regions and spare pages. */
const FIXED_BYTES = 6.2 * MEBI;
const SMALLEST_BYTES = 8 * MEBI;
const BATCH = 128;
const VALUE = "v".repeat(100);

const models = {
  "allkeys-random": ExactRandom,
  "allkeys-lru": ExactLru,
  "allkeys-lfu": ExactLfu,
  "allkeys-s3fifo": ExactS3Fifo,
  "volatile-random": ExactRandom,
  "volatile-lru": ExactLru,
  "volatile-lfu": ExactLfu,
  "volatile-ttl": ExactFifo,
};
const policies = Object.keys(models);

await measureHitRates();
await measureRates();
await measureLatency();
report.finish();

// ---- traces

/** Draws ranks 0 to `count` − 1, rank r as often as 1 / (r + 1) ^ 0.99. */
function zipfOf(count, random) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) sums[rank] = sum += 1 / (rank + 1) ** 0.99;
  return () => {
    const wanted = (random(2 ** 30) / 2 ** 30) * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] <= wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function traces() {
  const random = randomFrom(20_231_023);
  const zipf = zipfOf(KEYS, random);
  const make = (request) => Int32Array.from({ length: REQUESTS }, (_, index) => request(index));
  let scanned = KEYS;
  const shift = Math.ceil(REQUESTS / 20);
  return {
    Zipf: make(zipf),
    // A quarter of the time somebody reads keys in a row that nobody asks for again.
    "Zipf and scans": make((index) => (index % 20_000 < 5_000 ? scanned++ : zipf())),
    // The most wanted keys are others from time to time.
    shifting: make((index) => (zipf() + Math.floor(index / shift) * Math.ceil(KEYS / 50)) % KEYS),
  };
}

// ---- hit rates

/** Replays a trace: what is not there is set. Answers hits after the warm-up and keys held in the end. */
async function replay(eviction, trace, maxMemory, value) {
  const db = await open({ maxMemory, eviction });
  const options = eviction.startsWith("volatile") ? { ttlMs: 3_600_000 } : undefined;
  const name = Buffer.alloc(16);
  const from = trace.length * WARMUP;
  let hits = 0;
  for (let at = 0; at < trace.length; at++) {
    name.write(`key:${String(trace[at]).padStart(12, "0")}`, "latin1");
    const hit = db.get(name) !== undefined;
    if (!hit) db.set(name, value, options);
    else if (at >= from) hits++;
  }
  const { keys } = db.stats();
  await db.close();
  return { hits, keys };
}

function replayExactly(Model, trace, capacity) {
  const model = new Model(capacity, randomFrom(1));
  const from = trace.length * WARMUP;
  let hits = 0;
  for (let at = 0; at < trace.length; at++) if (model.access(trace[at]) && at >= from) hits++;
  return hits;
}

async function measureHitRates() {
  const rows = [];
  const all = traces();
  for (const share of [0.01, 0.1]) {
    const value = Buffer.alloc(share === 0.01 ? 1000 : 100, "v");
    const wanted = FIXED_BYTES + KEYS * share * (value.length + 45);
    const maxMemory = Math.max(SMALLEST_BYTES, Math.ceil(wanted));
    for (const [trace, requests] of Object.entries(all)) {
      // Policies that evict what expires choose as their sisters when everything does: once is enough.
      const chosen = trace === "Zipf" && share === 0.1 ? policies : policies.slice(0, 4);
      for (const policy of chosen) {
        const { hits, keys } = await replay(policy, requests, maxMemory, value);
        const counted = requests.length * (1 - WARMUP);
        const exact = replayExactly(models[policy], requests, keys) / counted;
        const best = optimalHits(requests, keys, requests.length * WARMUP) / counted;
        rows.push({ trace, share: keys / KEYS, policy, nearkey: hits / counted, exact, best });
      }
    }
  }
  const percentage = (value) => `${(value * 100).toFixed(1)}%`;
  report.table(
    `Hit rates, ${KEYS.toLocaleString("en")} keys, ${REQUESTS.toLocaleString("en")} requests`,
    [
      { key: "trace", title: "trace" },
      { key: "share", title: "keys held", format: percentage },
      { key: "policy", title: "policy" },
      { key: "nearkey", title: "nearkey", format: percentage },
      { key: "exact", title: "exact", format: percentage },
      { key: "best", title: "optimum", format: percentage },
    ],
    rows,
  );
  boundHitRates(rows);
}

function boundHitRates(rows) {
  for (const row of rows.filter(({ policy }) => policy === "allkeys-s3fifo")) {
    const lru = rows.find((each) => each.trace === row.trace && each.policy === "allkeys-lru" && near(each, row));
    const name = `S3-FIFO's hits of LRU's, ${row.trace}, ${(row.share * 100).toFixed(0)}% of the keys`;
    if (row.trace !== "shifting") report.bar(name, row.nearkey / lru.nearkey, { atLeast: 1 });
  }
}

/** Of the same memory: they hold about as many keys. */
function near(one, other) {
  return one.share / other.share < 2 && other.share / one.share < 2;
}

// ---- what it costs

function keyName(number) {
  return `key:${String(number).padStart(12, "0")}`;
}

/** SETs of keys `first` to `first` + `count` − 1 in RESP. */
function encodeSets(first, count, expiring) {
  const batches = [];
  const tail = expiring ? "$2\r\nEX\r\n$4\r\n3600\r\n" : "";
  for (let at = first; at < first + count; at += BATCH) {
    let text = "";
    for (let key = at; key < at + BATCH; key++)
      text += `*${expiring ? 5 : 3}\r\n$3\r\nSET\r\n$16\r\n${keyName(key)}\r\n$100\r\n${VALUE}\r\n${tail}`;
    batches.push(Buffer.from(text));
  }
  return batches;
}

/** SETs a second of new keys into a database that holds as many as one at its limit would. */
async function rateOf(eviction, atLimit, batches, filling) {
  const limit = 96 * MEBI;
  const db = await open({ maxMemory: 512 * MEBI, eviction });
  // The system gives memory that was never touched only when it is: that is not what this compares.
  for (const batch of filling) db.execute(batch);
  db.command("FLUSHALL");
  while (db.stats().memoryUsedBytes > 8 * MEBI) await new Promise((resolve) => setTimeout(resolve, 20));
  const small = atLimit ? await open({ maxMemory: limit, eviction }) : db;
  for (const batch of filling) {
    small.execute(batch);
    if (!atLimit && db.stats().memoryUsedBytes >= limit) break;
  }
  const started = performance.now();
  for (const batch of batches) small.execute(batch);
  const seconds = (performance.now() - started) / 1000;
  if (atLimit && small.stats().evictedKeys < batches.length * BATCH * 0.9) throw new Error("nothing was evicted");
  await db.close();
  if (atLimit) await small.close();
  return (batches.length * BATCH) / seconds;
}

async function measureRates() {
  const count = report.quick ? 100_000 : 400_000;
  const rows = [];
  for (const policy of policies) {
    const expiring = policy.startsWith("volatile");
    const filling = encodeSets(0, 700_000, expiring);
    const batches = encodeSets(10_000_000, count, expiring);
    const results = await interleave(report.rounds, {
      below: () => rateOf(policy, false, batches, filling),
      at: () => rateOf(policy, true, batches, filling),
    });
    const [below, at] = [median(results.below), median(results.at)];
    rows.push({ policy, below, at, ratio: at / below });
  }
  report.table(
    `SET of new keys in batches of ${BATCH}, 16 + 100 bytes, about 650,000 keys, median of ${report.rounds}`,
    [
      { key: "policy", title: "policy" },
      { key: "below", title: "below the limit", format: rate },
      { key: "at", title: "at the limit", format: rate },
      { key: "ratio", title: "ratio", format: fixed(2) },
    ],
    rows,
  );
  for (const { policy, ratio } of rows) report.bar(`SET at the limit of below it, ${policy}`, ratio, { atLeast: 0.8 });
}

/** One SET at a time at the limit, each timed; the same bytes are written over, so that no garbage is collected. */
async function latencyOf(eviction, count, bytesOf) {
  const db = await open({ maxMemory: 64 * MEBI, eviction });
  const options = eviction.startsWith("volatile") ? { ttlMs: 3_600_000 } : undefined;
  const name = Buffer.alloc(16);
  const values = Array.from({ length: 2001 }, (_, bytes) => Buffer.alloc(bytes, "v"));
  const micros = new Float64Array(count);
  const fill = 500_000;
  for (let key = -fill; key < count; key++) {
    name.write(keyName(key + fill), "latin1");
    const value = values[bytesOf()];
    const started = performance.now();
    db.set(name, value, options);
    if (key >= 0) micros[key] = (performance.now() - started) * 1000;
  }
  await db.close();
  return tail(micros);
}

async function measureLatency() {
  const count = report.quick ? 200_000 : 1_000_000;
  const random = randomFrom(5);
  const sizes = { "100 bytes": () => 100, "1 to 2,000 bytes": () => 1 + random(2000) };
  const rows = [];
  for (const policy of policies) {
    for (const [size, bytesOf] of Object.entries(sizes)) {
      rows.push({ policy, size, ...(await latencyOf(policy, count, bytesOf)) });
    }
  }
  report.table(
    "One SET of a new key at the limit, microseconds",
    [
      { key: "policy", title: "policy" },
      { key: "size", title: "values" },
      { key: "p50", title: "P50", format: fixed(2) },
      { key: "p99", title: "P99", format: fixed(2) },
      { key: "p9999", title: "P99.99", format: fixed(1) },
      { key: "longest", title: "longest", format: fixed(0) },
    ],
    rows,
  );
  for (const { policy, size, p9999 } of rows) {
    report.bar(`P99.99 of a SET at the limit, ${policy}, ${size}`, p9999 / 1000, { atMost: 1, unit: " ms" });
  }
}
