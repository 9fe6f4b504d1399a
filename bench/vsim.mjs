// Vector sets over the server: VADD and VSIM by RESP over TCP, eight clients with one command a round trip each, MNIST's images. The server
// sits on one core, the clients on another. Redis 8's vector sets are the peer where a redis-server of version 8 is at hand;
// where it is not, its figures of another run on such a machine are what the bars are made of, and each says so.

import { installed, redisVersion, runClient, startNearkey, startRedis, stopServer } from "./processes.mjs";
import { fixed, rate, startReport } from "./report.mjs";
import { median } from "./statistics.mjs";
import { openVectors } from "./vectors/sets.mjs";
import { recallOf, truthOf } from "./vectors/truth.mjs";

const CLIENTS = 8;
const EFS = [8, 12, 20, 40, 80];
/** What Redis 8 did where it was measured: elements and queries a second, the latter by recall. */
const REDIS_8 = {
  inserts: 1560,
  queries: [
    { recall: 0.946, perSecond: 3600 },
    { recall: 0.997, perSecond: 2200 },
  ],
};
const BAR = 3;

const report = startReport("vsim");
// Redis knows no other metric.
const set = { ...openVectors("mnist", report.quick), metric: "cosine" };
const truth = truthOf(set);
const peers = { nearkey: () => startNearkey("2gb") };
if (installed("redis-server") && Number.parseInt(redisVersion(), 10) >= 8) {
  report.peer("redis-server", redisVersion());
  peers.redis = () => startRedis();
} else {
  report.note(
    "no redis-server of version 8: bars compare with 1,560 inserts, 3,600 queries at 0.946 and 2,200 at 0.997 a second",
  );
}
const lines = [];
for (const [name, start] of Object.entries(peers)) lines.push(...(await measure(name, await start())));
report.table(
  `${set.name}, ${set.rows.toLocaleString("en")} × ${set.dim}, RESP over TCP, ${CLIENTS} clients, one core, median of ${report.rounds}`,
  [
    { key: "name", title: "server" },
    { key: "what", title: "command" },
    { key: "recall", title: "recall@10", format: fixed(4) },
    { key: "perSecond", title: "a second", format: rate },
    { key: "p99", title: "P99, ms", format: fixed(2) },
  ],
  lines,
);
const own = lines.filter(({ name }) => name === "nearkey");
const redis = lines.filter(({ name }) => name === "redis");
const added = redis[0]?.perSecond ?? REDIS_8.inserts;
report.bar("VADD beside Redis 8", own[0].perSecond / added, { atLeast: BAR });
for (const { recall, perSecond } of redis.length > 0 ? redis.slice(1) : REDIS_8.queries) {
  const best = own.slice(1).find((line) => line.recall >= recall);
  if (best !== undefined)
    report.bar(`VSIM beside Redis 8 at recall ${recall}`, best.perSecond / perSecond, { atLeast: BAR });
}
report.finish();

async function measure(name, server) {
  const run = (options) =>
    runClient("vsim-load.mjs", { port: server.port, clients: CLIENTS, quick: report.quick, ...options });
  const add = await run({ add: true });
  const searched = [];
  for (const ef of EFS) {
    const rounds = [];
    for (let round = 0; round < report.rounds; round++) rounds.push(await run({ ef }));
    const of = (key) => median(rounds.map((result) => result[key]));
    searched.push({
      name,
      what: `VSIM EF ${ef}`,
      recall: recallOf(rounds[0].found, truth),
      perSecond: of("perSecond"),
      p99: of("p99"),
    });
  }
  stopServer(server);
  return [{ name, what: "VADD", recall: undefined, perSecond: add.perSecond, p99: add.p99 }, ...searched];
}
