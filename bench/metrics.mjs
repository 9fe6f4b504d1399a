// What counting and being scraped cost. Counting: batches in an engine that times its commands beside one that only counts
// them, each in a process of its own (two engines in one would spoil the compiler's inlining for both), by CPU time.
// Scraping: how long GET /metrics takes with a million keys, and what a client that sends one PING after another sees while
// Prometheus would ask ten times a second. Two builds are compared by their folders: NEARKEY_BENCH_BASE=/path/to/other.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { startNearkey, stopServer } from "./processes.mjs";
import { fixed, startReport, times } from "./report.mjs";
import { median, percentile, randomFrom } from "./statistics.mjs";

const KEYS = 100_000;
const ROOT = fileURLToPath(new URL("..", import.meta.url));

if (process.env.NEARKEY_BENCH_ENGINE !== undefined) await runEngine(JSON.parse(process.env.NEARKEY_BENCH_ENGINE));
else await measure();

async function measure() {
  const report = startReport("metrics");
  await measureCounting(report);
  await measureScrapes(report);
  report.finish();
}

// ---- counting

async function measureCounting(report) {
  const folder = mkdtempSync(join(tmpdir(), "nearkey-bench-"));
  const base = process.env.NEARKEY_BENCH_BASE;
  const bundle = async (root, name) => {
    const outfile = join(folder, `${name}.mjs`);
    await build({
      entryPoints: [join(root, "src/engine.ts")],
      bundle: true,
      format: "esm",
      outfile,
      nodePaths: [join(ROOT, "node_modules")],
    });
    return { engine: pathToFileURL(outfile).href, wasm: join(root, "dist/engine.wasm") };
  };
  const own = await bundle(ROOT, "own");
  const contenders = { timed: { ...own, timed: true }, counted: { ...own, timed: false } };
  if (base !== undefined) contenders.base = { ...(await bundle(base, "base")), timed: false };
  const results = {};
  for (let round = 0; round < report.rounds; round++) {
    const names = Object.keys(contenders);
    for (const name of round & 1 ? names.reverse() : names) {
      for (const [test, nanoseconds] of Object.entries(engineProcess(contenders[name], report.quick))) {
        results[test] ??= Object.fromEntries(names.map((each) => [each, []]));
        results[test][name].push(nanoseconds);
      }
    }
  }
  rmSync(folder, { recursive: true });
  const rows = Object.entries(results).map(([test, of]) => {
    const row = Object.fromEntries(Object.entries(of).map(([name, values]) => [name, median(values)]));
    return { test, ...row, ratio: row.timed / row.counted, baseRatio: row.base && row.timed / row.base };
  });
  report.table(
    `Counting and timing in the engine, CPU ns a command, ${KEYS.toLocaleString("en")} keys of 100 bytes, median of ${report.rounds}`,
    [
      { key: "test", title: "commands" },
      { key: "timed", title: "timed", format: fixed(1) },
      { key: "counted", title: "counted", format: fixed(1) },
      { key: "ratio", title: "ratio", format: times },
      { key: "base", title: "other build", format: fixed(1) },
      { key: "baseRatio", title: "ratio", format: times },
    ],
    rows,
  );
  for (const { test, ratio, baseRatio } of rows) {
    if (test.endsWith("128")) report.bar(`${test}, timed of not timed`, baseRatio ?? ratio, { atMost: 1.02 });
  }
}

function engineProcess(contender, quick) {
  const env = { ...process.env, NEARKEY_BENCH_ENGINE: JSON.stringify({ ...contender, quick }) };
  const { stdout, stderr, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], {
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Runs in a process of its own: prints CPU nanoseconds a command by test, the least disturbed of some passes. */
async function runEngine({ engine: url, wasm, timed, quick }) {
  const { Engine } = await import(url);
  const options = { maxMemoryBytes: 2 ** 29, eviction: "noeviction", reserveMemory: true, seed: 5n, timed };
  const engine = Engine.create(new WebAssembly.Module(readFileSync(wasm)), options);
  const connection = engine.connect();
  // A server asks the engine's clock for the time, as here; one that does not time asks the system's.
  const now = timed ? () => engine.clock.now() : Date.now;
  const run = (batches) => {
    for (const batch of batches) {
      for (let offset = 0; offset < batch.length; offset += engine.consumed) {
        engine.execute(connection, batch, offset, now());
        for (let block = engine.takeOutput(connection); block; block = engine.takeOutput(connection)) {
          engine.release(connection, block.page);
        }
      }
    }
  };
  const random = randomFrom(1);
  const key = (index) => `key:${String(index).padStart(12, "0")}`;
  const get = () => command("GET", key(random(KEYS)));
  const set = () => command("SET", key(random(KEYS)), "v".repeat(100));
  const batches = (size, make) =>
    Array.from({ length: Math.ceil((quick ? 32_000 : 128_000) / size) }, () =>
      new TextEncoder().encode(Array.from({ length: size }, (_, index) => make(index)).join("")),
    );
  for (let index = 0; index < KEYS; index++)
    run([new TextEncoder().encode(command("SET", key(index), "v".repeat(100)))]);
  const tests = { "GET by 1": [1, get], "GET by 16": [16, get], "GET by 128": [128, get], "SET by 128": [128, set] };
  tests["GET and SET by 128"] = [128, (index) => (index & 1 ? set() : get())];
  const result = {};
  for (const [test, [size, make]] of Object.entries(tests)) {
    const prepared = batches(size, make);
    const passes = Array.from({ length: 8 }, () => {
      const before = process.cpuUsage().user;
      run(prepared);
      return ((process.cpuUsage().user - before) * 1000) / (prepared.length * size);
    });
    result[test] = Math.min(...passes);
  }
  console.log(JSON.stringify(result));
}

function command(...words) {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

// ---- scraping

async function measureScrapes(report) {
  const server = await startNearkey("2gb");
  const socket = connect(server.port, "127.0.0.1").setNoDelay(true);
  await fill(socket, report.quick ? 100_000 : 1_000_000);
  const url = `http://127.0.0.1:${server.webSocketPort}/metrics`;
  const scrape = async () => (await fetch(url)).text();
  const text = await scrape();
  const alone = [];
  for (let index = 0; index < 50; index++) {
    const started = performance.now();
    await scrape();
    alone.push(performance.now() - started);
  }
  const quiet = await roundTrips(socket, report.quick ? 500 : 3000);
  const timer = setInterval(() => scrape().catch(() => undefined), 100);
  const scraped = await roundTrips(socket, report.quick ? 500 : 3000);
  clearInterval(timer);
  socket.destroy();
  stopServer(server);
  report.table(
    "GET /metrics, milliseconds",
    [
      { key: "what", title: "" },
      { key: "p50", title: "P50", format: fixed(2) },
      { key: "p99", title: "P99", format: fixed(2) },
      { key: "max", title: "longest", format: fixed(2) },
    ],
    [
      { what: "a scrape", ...tail(alone) },
      { what: "a PING", ...tail(quiet) },
      { what: "a PING while scraped 10 times a second", ...tail(scraped) },
    ],
  );
  report.note(`${text.length} bytes, ${text.split("\n").length} lines`);
}

function tail(values) {
  const sorted = Float64Array.from(values).sort();
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: sorted[sorted.length - 1] };
}

/** One PING after another for so many milliseconds. */
async function roundTrips(socket, forMs) {
  const times = [];
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    const started = performance.now();
    await new Promise((resolve) => {
      socket.once("data", resolve);
      socket.write("PING\r\n");
    });
    times.push(performance.now() - started);
  }
  return times;
}

async function fill(socket, keys) {
  let replies = 0;
  const done = new Promise((resolve) => {
    socket.on("data", function count(bytes) {
      for (const byte of bytes) if (byte === 10) replies++;
      if (replies < keys) return;
      socket.off("data", count);
      resolve();
    });
  });
  for (let key = 0; key < keys; key += 1000) {
    let text = "";
    for (let each = key; each < key + 1000; each++) text += command("SET", `key:${each}`, "v".repeat(100));
    if (!socket.write(text)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  await done;
}
