// nearkey's WebSocket port on one core: frames of 1, 16, 128 and 1,024 commands, beside a bare server of the `ws` library
// that sends each frame back, and beside redis-server at its own best depth over TCP. All servers have the same core and
// are never busy at the same time; the clients have the other. Where a client's core is the limit, or neither is busy
// (something else had the machine), what the server's process was charged for a command decides, not the rate.

import {
  fillKeys,
  installed,
  redisVersion,
  runBenchmark,
  runWebSocketLoad,
  startEcho,
  startNearkey,
  startRedis,
  stopServer,
} from "./processes.mjs";
import { fixed, percent, rate, startReport, times } from "./report.mjs";
import { interleave, median } from "./statistics.mjs";

const BUSY = 0.8;
const KEYS = 100_000;
const VALUE_BYTES = 3;
/** Frames of one run at each number of commands a frame: about a second. */
const FRAMES = { 1: 100_000, 16: 60_000, 128: 40_000, 1024: 10_000 };
const CONNECTIONS = { 1: 50, 16: 50, 128: 50, 1024: 16 };
const REPLY_BYTES = { get: "$3\r\nvvv\r\n".length, set: "+OK\r\n".length };
const REDIS_PIPELINE = 128;
const REDIS_REQUESTS = 2_000_000;
const BARS = { echo: { 1: 0.85 }, redis: { 128: 4, 1024: 8 } };

const COLUMNS = [
  { key: "test", title: "command" },
  { key: "commands", title: "a frame" },
  { key: "nearkey", title: "nearkey", format: rate },
  { key: "peerName", title: "peer" },
  { key: "peer", title: "rate", format: rate },
  { key: "ratio", title: "ratio", format: times },
  { key: "nanos", title: "CPU ns", format: fixed(0) },
  { key: "peerNanos", title: "peer CPU ns", format: fixed(0) },
  { key: "cpuRatio", title: "CPU ratio", format: times },
  { key: "serverBusy", title: "server busy", format: percent },
  { key: "clientBusy", title: "client busy", format: percent },
  { key: "decides", title: "decides" },
];

const report = startReport("websocket");
const hasRedis = installed("redis-server") && installed("redis-benchmark");
if (hasRedis) report.peer("redis-server", redisVersion());
else report.note("redis-server or redis-benchmark is not installed: those ratios are missing");
await measure();
report.finish();

async function measure() {
  const nearkey = await startNearkey();
  const echo = await startEcho();
  const redis = hasRedis ? await startRedis() : undefined;
  for (const server of [nearkey, redis]) if (server) await fillKeys(server.port, KEYS, VALUE_BYTES);
  const rows = [];
  for (const commands of [1, 16, 128, 1024]) {
    for (const test of ["get", "set"]) rows.push(...(await measureFrames({ nearkey, echo, redis }, test, commands)));
  }
  report.table(
    `WebSocket, one core, ${KEYS.toLocaleString("en")} keys, ${VALUE_BYTES}-byte values, one frame a connection on its way, median of ${report.rounds}`,
    COLUMNS,
    rows,
  );
  for (const row of rows) showBar(row);
  for (const server of [nearkey, echo, redis]) if (server) stopServer(server);
}

/** Rows for one command and number a frame: one for each peer, measured in the same rounds. */
async function measureFrames({ nearkey, echo, redis }, test, commands) {
  const frames = Math.round(FRAMES[commands] / (report.quick ? 10 : 1));
  const load = { test, commands, keys: KEYS, bytes: VALUE_BYTES, connections: CONNECTIONS[commands], frames };
  const commandBytes = commandLength(test);
  const contenders = {
    nearkey: () => webSocketRun(nearkey, nearkey.webSocketPort, { ...load, replyBytes: REPLY_BYTES[test] * commands }),
    "ws echo": () => webSocketRun(echo, echo.port, { ...load, replyBytes: commandBytes * commands }),
  };
  if (redis) contenders[`redis P=${REDIS_PIPELINE}`] = () => redisRun(redis, test);
  const results = await interleave(report.rounds, contenders);
  return Object.keys(contenders)
    .slice(1)
    .map((peerName) => makeRow(results.nearkey, results[peerName], { test, commands, peerName }));
}

function commandLength(test) {
  const get = "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n".length;
  return test === "get" ? get : get + "$3\r\nvvv\r\n".length;
}

async function webSocketRun(server, port, options) {
  const result = await runWebSocketLoad(server, port, options);
  return { ...result, nanos: (result.serverMicros * 1000) / options.commands };
}

async function redisRun(server, test) {
  const requests = REDIS_REQUESTS / (report.quick ? 10 : 1);
  const options = { test, pipeline: REDIS_PIPELINE, requests, keys: KEYS, bytes: VALUE_BYTES };
  const result = await runBenchmark(server, options);
  return { ...result, nanos: result.serverMicros * 1000 };
}

function makeRow(own, others, names) {
  const of = (results, key) => median(results.map((result) => result[key]));
  const [serverBusy, clientBusy] = [of(own, "serverBusy"), of(own, "clientBusy")];
  const limited = clientBusy > BUSY || of(others, "clientBusy") > BUSY;
  return {
    ...names,
    nearkey: of(own, "perSecond"),
    peer: of(others, "perSecond"),
    ratio: of(own, "perSecond") / of(others, "perSecond"),
    nanos: of(own, "nanos"),
    peerNanos: of(others, "nanos"),
    cpuRatio: of(others, "nanos") / of(own, "nanos"),
    serverBusy,
    clientBusy,
    decides: limited ? "CPU" : serverBusy > BUSY && of(others, "serverBusy") > BUSY ? "rate" : "CPU (disturbed)",
  };
}

function showBar({ test, commands, peerName, ratio, cpuRatio, decides }) {
  const atLeast = BARS[peerName === "ws echo" ? "echo" : "redis"][commands];
  if (atLeast === undefined) return;
  const value = decides === "rate" ? ratio : cpuRatio;
  report.bar(`${test.toUpperCase()}, ${commands} a frame, of ${peerName}, by ${decides}`, value, { atLeast });
}
