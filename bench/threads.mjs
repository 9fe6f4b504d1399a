// Threads beside none: bulk builds and batches of searches over the same rows, contestants in turn in each round. Wants two
// cores to itself; the main thread keeps a share of the work (an eighth of a build, a fifth of a batch), so three are
// better. Beside it, how long the event loop was kept while the build went on, collecting garbage included.

import { monitorEventLoopDelay } from "node:perf_hooks";
import { open } from "../dist/node.js";
import { fixed, rate, startReport } from "./report.mjs";
import { median } from "./statistics.mjs";
import { openVectors } from "./vectors/sets.mjs";

const M = 16;
const EF_CONSTRUCTION = 200;
const EF = 40;
const K = 10;
const BAR = 1.8;
const CONTESTANTS = [0, 1, 2];

const report = startReport("threads", { only: { type: "string", multiple: true } });
const ROWS = report.quick ? 4_000 : 40_000;
const QUERIES = report.quick ? 1_000 : 10_000;
for (const key of report.options.only ?? ["clustered", "mnist"]) await measure(openVectors(key, report.quick));
report.finish();

async function measure(set) {
  const rows = Math.min(ROWS, set.rows);
  const ids = Array.from({ length: rows }, (_, row) => `id:${row}`);
  const matrix = set.base.slice(0, rows * set.dim);
  const queries = Array.from({ length: QUERIES }, (_, at) => rowOf(set, set.queries, at));
  const runs = CONTESTANTS.map((threads) => ({ threads, build: [], search: [], recall: [], delay: [] }));
  for (let round = 0; round < report.rounds; round++) {
    for (const run of runs) await measureOnce(run, set, ids, matrix, queries);
  }
  const lines = runs.map(({ threads, build, search, recall, delay }) => ({
    name: threads === 0 ? "none" : String(threads),
    build: median(build),
    search: QUERIES / median(search),
    recall: median(recall),
    delay: median(delay),
  }));
  report.table(
    `${set.name}, ${rows.toLocaleString("en")} × ${set.dim}, ${QUERIES.toLocaleString("en")} queries at ef ${EF}`,
    [
      { key: "name", title: "threads" },
      { key: "build", title: "build, s", format: fixed(2) },
      { key: "search", title: "queries a second", format: rate },
      { key: "recall", title: "recall@10", format: fixed(4) },
      { key: "delay", title: "loop kept at most, ms", format: fixed(1) },
    ],
    lines,
  );
  const [none, , two] = lines;
  report.bar(`${set.name}, build, two threads beside none`, none.build / two.build, { atLeast: BAR });
  report.bar(`${set.name}, batch of searches, two threads beside none`, two.search / none.search, { atLeast: BAR });
}

async function measureOnce(run, set, ids, matrix, queries) {
  const db = await open({ maxMemory: "2gb", threads: run.threads });
  const docs = db.vectors("docs", { dim: set.dim, metric: "l2", m: M, efConstruction: EF_CONSTRUCTION });
  // Workers are started, and code is compiled, before it counts.
  const warm = db.vectors("warm", { dim: set.dim, metric: "l2" });
  await warm.setMany(ids.slice(0, 1000), matrix.subarray(0, 1000 * set.dim));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  run.build.push(await seconds(() => docs.setMany(ids, matrix)));
  delay.disable();
  run.delay.push(delay.max / 1e6);
  await docs.searchManyAsync(queries.slice(0, 500), { k: K, ef: EF });
  run.search.push(await seconds(() => docs.searchManyAsync(queries, { k: K, ef: EF })));
  run.recall.push(await recallOf(docs, queries.slice(0, 100)));
  await db.close();
}

async function recallOf(docs, queries) {
  const truth = docs.searchMany(queries, { k: K, exact: true });
  const found = docs.searchMany(queries, { k: K, ef: EF });
  const hits = found.map((list, at) => list.filter(({ id }) => truth[at].some((other) => other.id === id)).length);
  return hits.reduce((sum, count) => sum + count, 0) / (queries.length * K);
}

async function seconds(work) {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

/** Queries are few: they come again, each a little off. */
function rowOf(set, vectors, at) {
  const count = vectors.length / set.dim;
  const row = at % count;
  const vector = vectors.slice(row * set.dim, (row + 1) * set.dim);
  const shift = Math.floor(at / count) * 1e-4;
  return vector.map((value) => value * (1 + shift));
}
