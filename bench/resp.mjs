// nearkey's RESP port beside redis-server, as redis-benchmark sees them: 50 clients, one command a round trip to 128.
// Both servers sit on one core and are never busy at the same time; the client has the other core. Where the client
// is the limit (over 80% of its core), what the server spends on a command decides, not what the client can ask for.
// So it does where neither core was busy: something else had the machine, and rates would measure that.

import { fillKeys, installed, redisVersion, runBenchmark, startNearkey, startRedis, stopServer } from "./processes.mjs";
import { fixed, percent, rate, startReport, times } from "./report.mjs";
import { interleave, median } from "./statistics.mjs";

const BUSY = 0.8;
/** Requests of one run at each depth: a second or more for the slower server. */
const REQUESTS = { 1: 100_000, 16: 1_000_000, 128: 3_000_000 };
const SMALL = { keys: 100_000, bytes: 3, bars: { 1: 0.95, 16: 1.3, 128: 3 } };
const LARGE = { keys: 1_000_000, bytes: 100, bars: { 128: 2 } };

const COLUMNS = [
  { key: "test", title: "command" },
  { key: "pipeline", title: "P" },
  { key: "nearkey", title: "nearkey", format: rate },
  { key: "redis", title: "redis", format: rate },
  { key: "ratio", title: "ratio", format: times },
  { key: "nearkeyMicros", title: "CPU µs", format: fixed(2) },
  { key: "redisMicros", title: "redis CPU µs", format: fixed(2) },
  { key: "cpuRatio", title: "CPU ratio", format: times },
  { key: "serverBusy", title: "server busy", format: percent },
  { key: "clientBusy", title: "client busy", format: percent },
  { key: "decides", title: "decides" },
];

const report = startReport("resp");
if (!installed("redis-server") || !installed("redis-benchmark")) {
  report.note("redis-server or redis-benchmark is not installed (on Debian: apt-get install redis-server redis-tools)");
  report.finish();
} else {
  report.peer("redis-server", redisVersion());
  for (const workload of [SMALL, LARGE]) await measure(workload);
  report.finish();
}

async function measure({ keys, bytes, bars }) {
  const servers = { nearkey: await startNearkey(), redis: await startRedis() };
  for (const { port } of Object.values(servers)) await fillKeys(port, keys, bytes);
  const rows = [];
  for (const pipeline of [1, 16, 128]) {
    for (const test of ["get", "set"]) rows.push(await measureCommand(servers, { test, pipeline, keys, bytes }));
  }
  const title = `RESP over TCP, ${keys.toLocaleString("en")} keys, ${bytes}-byte values, 50 clients, median of ${report.rounds}`;
  report.table(title, COLUMNS, rows);
  for (const { test, pipeline, ratio, cpuRatio, decides } of rows) {
    if (bars[pipeline] === undefined) continue;
    const value = decides === "rate" ? ratio : cpuRatio;
    report.bar(`${test.toUpperCase()} P=${pipeline}, ${keys.toLocaleString("en")} keys, by ${decides}`, value, {
      atLeast: bars[pipeline],
    });
  }
  for (const server of Object.values(servers)) stopServer(server);
}

async function measureCommand(servers, options) {
  const requests = Math.round(REQUESTS[options.pipeline] / (report.quick ? 10 : 1));
  const run = (server) => () => runBenchmark(server, { ...options, requests });
  // Neither the compiler of JavaScript nor a cold cache is what a server that runs for hours costs.
  for (const server of Object.values(servers)) await runBenchmark(server, { ...options, requests });
  const results = await interleave(report.rounds, { nearkey: run(servers.nearkey), redis: run(servers.redis) });
  const of = (name, key) => median(results[name].map((result) => result[key]));
  const clientBusy = of("nearkey", "clientBusy");
  const serverBusy = of("nearkey", "serverBusy");
  return {
    test: options.test,
    pipeline: options.pipeline,
    nearkey: of("nearkey", "perSecond"),
    redis: of("redis", "perSecond"),
    ratio: of("nearkey", "perSecond") / of("redis", "perSecond"),
    nearkeyMicros: of("nearkey", "serverMicros"),
    redisMicros: of("redis", "serverMicros"),
    cpuRatio: of("redis", "serverMicros") / of("nearkey", "serverMicros"),
    serverBusy,
    clientBusy,
    decides: clientBusy > BUSY ? "CPU" : serverBusy > BUSY ? "rate" : "CPU (disturbed)",
  };
}
