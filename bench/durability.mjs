// What it costs that nothing answered is lost, and how fast it comes back. nearkey beside redis-server with the same
// promise, as redis-benchmark sees them (SET, 50 clients, both servers on one core, the client on the other); then
// programs that embed it, and what opening takes. Servers run as they come, rewriting their log or taking snapshots when
// that is due, and both have written so much before that files are no longer new to them.
//
//   --only NAME   one section alone: always, everysec, 10ms, embedding, recovery, replay, vectors

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  fillKeys,
  installed,
  redisVersion,
  runBenchmark,
  runClient,
  startNearkey,
  startRedis,
  stopServer,
} from "./processes.mjs";
import { fixed, rate, startReport, times } from "./report.mjs";
import { interleave, median } from "./statistics.mjs";

const KEYS = 100_000;
/** Requests of one run at each depth: a second or more for the slower server. */
const REQUESTS = { 1: 60_000, 16: 500_000, 128: 1_500_000 };
const MODES = {
  always: { fsync: ["always"], redis: "always", bars: { 1: 1, 16: 1.4, 128: 3 } },
  everysec: { fsync: ["periodic", "1s"], redis: "everysec", bars: { 1: 0.95, 16: 1.3, 128: 3 }, tail: 1.5 },
  "10ms": { fsync: ["periodic", "10ms"], redis: "everysec", bars: { 1: 0.8 } },
};
/**
 * Commands before anything is measured: until nearkey's log comes back to files that it has used, which is as soon as three
 * snapshots are there, and until Redis has rewritten its own some times.
 */
const WARM_REQUESTS = { nearkey: 20_000_000, redis: 4_000_000 };
const WRITERS = 64;

const COLUMNS = [
  { key: "pipeline", title: "P" },
  { key: "nearkey", title: "nearkey", format: rate },
  { key: "redis", title: "redis", format: rate },
  { key: "ratio", title: "ratio", format: times },
  { key: "nearkeyMicros", title: "CPU µs", format: fixed(2) },
  { key: "redisMicros", title: "redis CPU µs", format: fixed(2) },
  { key: "p50", title: "P50 ms", format: fixed(2) },
  { key: "redisP50", title: "redis P50", format: fixed(2) },
  { key: "p99", title: "P99 ms", format: fixed(2) },
  { key: "redisP99", title: "redis P99", format: fixed(2) },
  { key: "spread", title: "ratios of rounds" },
];

const folder = mkdtempSync(join(tmpdir(), "nearkey-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
let folders = 0;
const newFolder = () => join(folder, String(folders++));

const report = startReport("durability", { only: { type: "string", multiple: true } });
const wanted = (section) => report.options.only?.includes(section) ?? true;
const hasRedis = installed("redis-server") && installed("redis-benchmark");
if (hasRedis) report.peer("redis-server", redisVersion());
else
  report.note("redis-server or redis-benchmark is not installed (on Debian: apt-get install redis-server redis-tools)");
for (const mode of Object.keys(MODES)) if (hasRedis && wanted(mode)) await measureMode(mode);
const sections = {
  embedding: measureEmbedding,
  recovery: measureRecovery,
  replay: measureReplay,
  vectors: measureVectors,
};
for (const [section, measure] of Object.entries(sections)) if (wanted(section)) await measure();
report.finish();

/** Runs bench/durability-embedded.mjs: `task` names one of its functions. */
function embedded(task, options) {
  return runClient("durability-embedded.mjs", { task, ...options });
}

// ---- the server

async function measureMode(mode) {
  const { fsync, redis, bars, tail } = MODES[mode];
  const [word, interval] = fsync;
  const ours = [
    "--dir",
    newFolder(),
    "--fsync",
    word,
    ...(interval === undefined ? [] : ["--fsync-interval", interval]),
  ];
  const theirs = ["--appendonly", "yes", "--appendfsync", redis, "--dir", folder];
  const servers = {
    nearkey: await startNearkey("3gb", ...ours),
    redis: await startRedis(...theirs, "--appenddirname", `redis-${mode}`),
  };
  for (const [name, server] of Object.entries(servers)) {
    await fillKeys(server.port, KEYS, 3);
    const requests = WARM_REQUESTS[name] / (report.quick ? 100 : 1);
    await runBenchmark(server, { test: "set", pipeline: 128, requests, keys: KEYS, bytes: 3 });
  }
  const rows = [];
  for (const pipeline of Object.keys(bars).map(Number)) rows.push(await measureDepth(servers, pipeline));
  const title = `SET, fsync ${fsync.join(" ")} beside appendfsync ${redis}, 50 clients, median of ${report.rounds}`;
  report.table(title, COLUMNS, rows);
  for (const { pipeline, ratio, p99, redisP99 } of rows) {
    report.bar(`${fsync.join(" ")}, P=${pipeline}, rate`, ratio, { atLeast: bars[pipeline] });
    if (pipeline === 1 && tail !== undefined) {
      report.bar(`${fsync.join(" ")}, P=1, P99 beside Redis's`, p99 / redisP99, { atMost: tail });
    }
  }
  for (const server of Object.values(servers)) stopServer(server);
}

async function measureDepth(servers, pipeline) {
  const requests = Math.round(REQUESTS[pipeline] / (report.quick ? 10 : 1));
  const run = (server) => () => runBenchmark(server, { test: "set", pipeline, requests, keys: KEYS, bytes: 3 });
  for (const server of Object.values(servers)) await run(server)();
  const results = await interleave(report.rounds, { nearkey: run(servers.nearkey), redis: run(servers.redis) });
  const of = (name, key) => median(results[name].map((result) => result[key]));
  const ratios = results.nearkey.map(({ perSecond }, round) => perSecond / results.redis[round].perSecond).sort();
  return {
    pipeline,
    nearkey: of("nearkey", "perSecond"),
    redis: of("redis", "perSecond"),
    ratio: of("nearkey", "perSecond") / of("redis", "perSecond"),
    nearkeyMicros: of("nearkey", "serverMicros"),
    redisMicros: of("redis", "serverMicros"),
    p50: of("nearkey", "p50"),
    redisP50: of("redis", "p50"),
    p99: of("nearkey", "p99"),
    redisP99: of("redis", "p99"),
    spread: `${ratios[0].toFixed(2)} to ${ratios[ratios.length - 1].toFixed(2)}`,
  };
}

// ---- embedded

async function measureEmbedding() {
  const ms = report.quick ? 300 : 1500;
  const run = (writers) => () => embedded("commit", { dir: newFolder(), writers, ms });
  const results = await interleave(report.rounds, { alone: run(1), together: run(WRITERS) });
  const rows =
    report.rounds === 0
      ? []
      : Object.entries({ 1: results.alone, [WRITERS]: results.together }).map(([writers, of]) => ({
          writers: Number(writers),
          perSecond: median(of.map(({ perSecond }) => perSecond)),
          medianMs: median(of.map(({ medianMs }) => medianMs)),
        }));
  report.table(
    `embedded, always: set and commit(), median of ${report.rounds}`,
    [
      { key: "writers", title: "at once" },
      { key: "perSecond", title: "writes", format: rate },
      { key: "medianMs", title: "median ms", format: fixed(3) },
    ],
    rows,
  );
  const [alone, together] = rows;
  const share = together.perSecond / ((WRITERS / alone.medianMs) * 1000);
  report.bar(`${WRITERS} writers: share of ${WRITERS} writes a commit of one writer`, share, { atLeast: 0.5 });
}

// ---- opening

async function measureRecovery() {
  const bytes = (report.quick ? 64 : 1024) * 1024 * 1024;
  const dir = newFolder();
  await embedded("fill", { dir, bytes });
  // It was written past the page cache: the first one to read it brings it there.
  const cold = await embedded("open", { dir });
  const runs = [];
  for (let round = 0; round < report.rounds; round++) runs.push(await embedded("open", { dir }));
  rmSync(dir, { recursive: true });
  report.note(`the first time, from the disk: ${cold.ms.toFixed(0)} ms`);
  const gigabytes = runs.map(({ bytes, ms }) => bytes / 1e9 / (ms / 1e3)).sort();
  report.table(
    `opening a snapshot, warm page cache, ${report.rounds} times`,
    [
      { key: "bytes", title: "GB", format: (value) => (value / 1e9).toFixed(2) },
      { key: "ms", title: "ms", format: fixed(0) },
    ],
    runs,
  );
  report.bar("recovery of a snapshot, median", median(gigabytes), { atLeast: 1, unit: " GB/s" });
  report.bar("recovery of a snapshot, slowest", gigabytes[0], { atLeast: 1, unit: " GB/s" });
}

async function measureReplay() {
  const records = report.quick ? 100_000 : 2_000_000;
  for (const command of ["SET", "HSET"]) {
    const dir = newFolder();
    await embedded("log", { dir, command, records });
    const runs = [];
    for (let round = 0; round < report.rounds; round++) runs.push(await embedded("open", { dir }));
    rmSync(dir, { recursive: true });
    const rates = runs.map(({ records, ms }) => records / (ms / 1e3));
    report.bar(`replay of ${command} records, million a second`, median(rates) / 1e6, { atLeast: 1 });
  }
}

async function measureVectors() {
  const small = { vectors: report.quick ? 1000 : 8000, dim: 128 };
  const dir = newFolder();
  await embedded("vectors", { dir, ...small, leaves: true });
  const results = await interleave(Math.min(report.rounds, 3), {
    build: () => embedded("vectors", small),
    replay: () => embedded("open", { dir }),
  });
  const build = median(results.build.map(({ ms }) => (small.vectors / ms) * 1e3));
  const replay = median(results.replay.map(({ records, ms }) => (records / ms) * 1e3));
  report.note(`VADD of ${small.vectors} x ${small.dim}: built at ${rate(build)}, replayed at ${rate(replay)}`);
  report.bar("replay of VADD records, of the build rate", replay / build, { atLeast: 0.9 });
  const large = { vectors: report.quick ? 2000 : 60_000, dim: 784 };
  const whole = newFolder();
  await embedded("vectors", { dir: whole, ...large });
  const runs = [];
  for (let round = 0; round < report.rounds; round++)
    runs.push(await embedded("open", { dir: whole, search: large.dim }));
  report.bar(
    `${large.vectors} x ${large.dim} opened and searched`,
    median(runs.map(({ searchedMs }) => searchedMs / 1e3)),
    {
      atMost: 0.3,
      unit: " s",
    },
  );
}
