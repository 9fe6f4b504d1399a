// A snapshot of a gibibyte while clients write: how long it takes, what somebody who asks in the meantime waits at the most,
// and what writers lose. Twice: with 100,000 writes a second, spread over all keys, as promised; and with writers that send
// as fast as they are answered, who feel every microsecond that goes elsewhere. The server has one core with all of its
// threads, the client the other.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fillKeys, runClient, startNearkey, stopServer } from "./processes.mjs";
import { fixed, percent, rate, startReport } from "./report.mjs";
import { median } from "./statistics.mjs";

const VALUE_BYTES = 100;
const ROUNDS_MAX = 3;

const COLUMNS = [
  { key: "load", title: "writes" },
  { key: "before", title: "before", format: rate },
  { key: "during", title: "during", format: rate },
  { key: "lost", title: "lost", format: percent },
  { key: "seconds", title: "took s", format: fixed(1) },
  { key: "megabytes", title: "MB", format: fixed(0) },
  { key: "longestBefore", title: "longest ms before", format: fixed(1) },
  { key: "longest", title: "during", format: fixed(1) },
  { key: "p99", title: "P99 ms during", format: fixed(2) },
  { key: "clientLongest", title: "client's own", format: fixed(1) },
];

const report = startReport("snapshot");
const keys = report.quick ? 300_000 : 8_000_000;
const folder = mkdtempSync(join(tmpdir(), "nearkey-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const kept = ["--dir", folder, "--fsync", "periodic", "--fsync-interval", "1s"];
const server = await startNearkey("3gb", ...kept, "--snapshot-interval", "off", "--snapshot-log-bytes", "0");
await fillKeys(server.port, keys, VALUE_BYTES);
const loads = { "100,000/s": 100_000, "as they can": 0 };
const rows = [];
for (let round = 0; round < Math.min(report.rounds, ROUNDS_MAX); round++) {
  for (const [load, perSecond] of Object.entries(loads)) rows.push({ load, ...(await measure(perSecond)) });
}
stopServer(server);
report.table(
  `a whole snapshot of ${keys.toLocaleString("en")} keys of ${VALUE_BYTES} bytes, fsync periodic 1s`,
  COLUMNS,
  rows,
);
const of = (load, key) => rows.filter((row) => row.load === load).map((row) => row[key]);
const [paced, saturated] = Object.keys(loads);
report.bar("100,000 writes/s: longest snapshot", Math.max(...of(paced, "seconds")), { atMost: 30, unit: " s" });
report.bar("100,000 writes/s: longest wait of any round", Math.max(...of(paced, "longest")), {
  atMost: 10,
  unit: " ms",
});
report.bar("100,000 writes/s: throughput lost, median", median(of(paced, "lost")), { atMost: 0.15 });
report.bar("as many writes as can be: throughput lost, median", median(of(saturated, "lost")), { atMost: 0.15 });
report.bar("as many writes as can be: longest wait", Math.max(...of(saturated, "longest")), {
  atMost: 10,
  unit: " ms",
});
report.finish();

async function measure(perSecond) {
  const seconds = report.quick ? 1 : 4;
  const { before, during, megabytes } = await runClient("snapshot-load.mjs", {
    port: server.port,
    keys,
    bytes: VALUE_BYTES,
    perSecond,
    seconds,
  });
  return {
    before: before.perSecond,
    during: during.perSecond,
    lost: 1 - during.perSecond / before.perSecond,
    seconds: during.seconds,
    megabytes,
    longestBefore: before.longestMs,
    longest: during.longestMs,
    p99: during.p99Ms,
    clientLongest: during.ownLongestMs,
  };
}
