// Filtered search beside hnswlib-node with a filter callback: queries a second at recall 0.95 with k results, for shares
// of matching rows from half to a thousandth, beside searches without a filter. A filter is independent of where a query
// lies, or excludes the query's own group (rows are grouped by the nearest of 64 of them). Filters that exclude differ
// from query to query. Fields are indexed, and for comparison not.

import { createRequire } from "node:module";
import { open } from "../dist/node.js";
import { fixed, rate, startReport } from "./report.mjs";
import { median, randomFrom } from "./statistics.mjs";
import { openVectors } from "./vectors/sets.mjs";
import { K } from "./vectors/truth.mjs";

const M = 16;
const EF_CONSTRUCTION = 200;
const EFS = [10, 14, 20, 28, 40, 60, 80, 120, 160, 320, 640];
const RECALL = 0.95;
const GROUPS = 64;
/** A share of rows that match, and what part of the unfiltered queries a second it should have. */
const SHARES = [
  [0.5, 0.5],
  [0.1, 0.25],
  [0.01, 0.25],
  [0.001, 0.5],
];
const PEER_RATIO = 3;
const QUERIES = 100;
/** Values of the field that is independent of the vectors: whole numbers below this. */
const UNIFORM = 1_000_000;

const { HierarchicalNSW } = createRequire(import.meta.url)("hnswlib-node");
const report = startReport("filters");
for (const key of ["clustered", "mnist"]) await measure(openVectors(key, report.quick));
report.finish();

async function measure(set) {
  const db = await open({ maxMemory: "2gb" });
  const docs = db.vectors("docs", { dim: set.dim, metric: "l2", m: M, efConstruction: EF_CONSTRUCTION });
  const peer = new HierarchicalNSW("l2", set.dim);
  peer.initIndex(set.rows, M, EF_CONSTRUCTION, 100);
  const rows = build(set, docs, peer);
  const queries = Array.from({ length: QUERIES }, (_, at) => {
    const vector = set.queries.slice(at * set.dim, (at + 1) * set.dim);
    return { vector, list: Array.from(vector), group: groupOf(set, vector) };
  });
  const lines = [];
  const free = measureCase(docs, peer, queries, undefined);
  lines.push({ filter: "none", share: 1, ...free });
  for (const excludes of [false, true]) {
    for (const [share, bar] of SHARES)
      lines.push(filteredLine({ docs, peer, queries, rows, free, share, bar, excludes, set }));
  }
  report.table(
    `${set.name}, ${set.rows.toLocaleString("en")} × ${set.dim}, queries a second at recall ${RECALL}, k ${K}`,
    [
      { key: "filter", title: "filter" },
      { key: "share", title: "matching" },
      { key: "plan", title: "plan" },
      { key: "recall", title: "recall", format: fixed(3) },
      { key: "indexed", title: "indexed", format: rate },
      { key: "plain", title: "no index", format: rate },
      { key: "peer", title: "hnswlib-node", format: rate },
    ],
    lines,
  );
  await db.close();
}

function filteredLine({ docs, peer, queries, rows, free, share, bar, excludes, set }) {
  const below = share * UNIFORM;
  const filters = queries.map(({ group }) => ({
    text: excludes ? `.u < ${below} and .g != ${group}` : `.u < ${below}`,
    passes: (id) => rows.u[id] < below && !(excludes && rows.g[id] === group),
  }));
  for (const path of [".u", ".g"]) docs.createIndex(path);
  const indexed = measureCase(docs, peer, queries, filters);
  for (const path of [".u", ".g"]) docs.dropIndex(path);
  const plain = measureCase(docs, undefined, queries, filters).indexed;
  const name = excludes ? "excludes the query's group" : "independent";
  const title = `${set.name}, ${share * 100} of 100 matching, ${name}`;
  report.bar(`${title}, of unfiltered`, indexed.indexed / free.indexed, { atLeast: bar });
  if (indexed.peer !== undefined)
    report.bar(`${title}, of hnswlib-node's`, indexed.indexed / indexed.peer, { atLeast: PEER_RATIO });
  return { filter: name, share, ...indexed, plain };
}

/** Adds all rows to both, with a uniform number and a group as attributes; answers those. */
function build(set, docs, peer) {
  const uniform = randomFrom(11);
  const rows = { u: new Uint32Array(set.rows), g: new Uint8Array(set.rows) };
  for (let row = 0; row < set.rows; row++) {
    const vector = set.base.subarray(row * set.dim, (row + 1) * set.dim);
    rows.u[row] = uniform(UNIFORM);
    rows.g[row] = groupOf(set, vector);
    docs.set(String(row), vector, { u: rows.u[row], g: rows.g[row] });
    peer.addPoint(Array.from(vector), row);
  }
  return rows;
}

/** Which of the first rows is nearest. */
function groupOf({ base, dim }, vector) {
  let nearest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let group = 0; group < GROUPS; group++) {
    let sum = 0;
    for (let at = 0, from = group * dim; at < dim && sum < least; at++) sum += (base[from + at] - vector[at]) ** 2;
    if (sum >= least) continue;
    least = sum;
    nearest = group;
  }
  return nearest;
}

/** Queries a second of both at the first ef that reaches the recall; the peer's is left out where none does. */
function measureCase(docs, peer, queries, filters) {
  const optionsOf = (at, more) => ({ k: K, ...(filters && { filter: filters[at].text }), ...more });
  const truth = queries.map(({ vector }, at) => idsOf(docs.search(vector, optionsOf(at, { exact: true }))));
  const own = sweep(truth, (ef) =>
    queries.map(
      ({ vector }, at) =>
        () =>
          idsOf(docs.search(vector, optionsOf(at, { ef }))),
    ),
  );
  const others =
    peer &&
    sweep(truth, (ef) => {
      peer.setEf(ef);
      return queries.map(
        ({ list }, at) =>
          () =>
            peer.searchKnn(list, K, filters?.[at].passes).neighbors,
      );
    });
  const { plan } = docs.explain(queries[0].vector, optionsOf(0, { ef: own.ef }));
  return { plan, recall: own.recall, indexed: own.perSecond, peer: others?.perSecond };
}

function idsOf(results) {
  return results.map(({ id }) => Number(id));
}

function sweep(truth, prepare) {
  for (const ef of EFS) {
    const searches = prepare(ef);
    const recall = recallOf(
      searches.map((search) => search()),
      truth,
    );
    if (recall < RECALL) continue;
    const rates = Array.from({ length: report.rounds }, () => {
      const started = performance.now();
      for (const search of searches) search();
      return (searches.length * 1000) / (performance.now() - started);
    });
    return { ef, recall, perSecond: median(rates) };
  }
  return {};
}

function recallOf(answers, truth) {
  let found = 0;
  for (const [query, ids] of answers.entries()) for (const id of ids) if (truth[query].includes(id)) found++;
  return found / truth.reduce((sum, ids) => sum + ids.length, 0);
}
