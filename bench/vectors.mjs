// Vector sets beside hnswlib-node, native code with the same graph parameters: seconds to build, recall, and queries a
// second at each ef, one thread, float32, squared distance. "VSIM" is a RESP command given to `db.execute` and its
// reply of ids read; "search" is the method of embedding, whose results carry distances and scores as well. Queries a
// second at a recall are interpolated between the two ef around it. Contenders take short turns.

import { createRequire } from "node:module";
import { open } from "../dist/node.js";
import { fixed, rate, startReport, times } from "./report.mjs";
import { median } from "./statistics.mjs";
import { clusters, images, K } from "./vector-sets.mjs";

const M = 16;
const EF_CONSTRUCTION = 200;
const EFS = [10, 14, 20, 28, 40, 60, 80];
const RECALLS = [0.95, 0.99];
const BUILD_RATIO = 1.2;
const QUERY_RATIO = 1.6;
/**
 * Queries in a turn: turns are short, so that whatever slows the machine down meets all contenders, but long enough that
 * refilling the cache with a contender's upper levels, megabytes, is not what is measured. In a turn each has other
 * queries, so that none finds in the cache what the one before it has read.
 */
const TURN = 250;

const require = createRequire(import.meta.url);
const { HierarchicalNSW } = require("hnswlib-node");
const report = startReport("vectors");
report.peer("hnswlib-node", require("hnswlib-node/package.json").version);

await measure(images(report.quick));
await measure(report.quick ? clusters(5000, 128, 200) : clusters(200_000, 128, 1000));
report.finish();

async function measure(set) {
  const title = `${set.name}, ${set.rows.toLocaleString("en")} × ${set.dim}`;
  const db = await open({ maxMemory: "2gb" });
  const docs = db.vectors("docs", { dim: set.dim, metric: "l2", m: M, efConstruction: EF_CONSTRUCTION });
  const peer = new HierarchicalNSW("l2", set.dim);
  peer.initIndex(set.rows, M, EF_CONSTRUCTION, 100);
  const seconds = build(set, docs, peer);
  const contenders = contendersFor(set, db, docs, peer);
  const rows = [];
  for (const ef of EFS) rows.push(...measureEf(set, contenders, ef));
  report.table(
    `${title}, M ${M}, efConstruction ${EF_CONSTRUCTION}, one thread, median of ${report.rounds}`,
    [
      { key: "ef", title: "ef" },
      { key: "name", title: "contender" },
      { key: "recall", title: `recall@${K}`, format: fixed(4) },
      { key: "perSecond", title: "queries", format: rate },
    ],
    rows,
  );
  compare(title, seconds, rows);
  await db.close();
}

/** Adds slices to both in turn, so that a disturbance meets both; answers the seconds of each. */
function build({ base, rows, dim }, docs, peer) {
  const seconds = { nearkey: 0, "hnswlib-node": 0 };
  const clock = (name, add) => {
    const started = performance.now();
    add();
    seconds[name] += (performance.now() - started) / 1000;
  };
  const slice = 1000;
  for (let start = 0; start < rows; start += slice) {
    const vectors = Array.from({ length: Math.min(slice, rows - start) }, (_, index) => {
      return base.subarray((start + index) * dim, (start + index + 1) * dim);
    });
    const lists = vectors.map((vector) => Array.from(vector));
    clock("nearkey", () => {
      for (const [index, vector] of vectors.entries()) docs.set(String(start + index), vector);
    });
    clock("hnswlib-node", () => {
      for (const [index, list] of lists.entries()) peer.addPoint(list, start + index);
    });
  }
  return seconds;
}

/** Each answers the row numbers nearest to query number `query`. */
function contendersFor({ queries, dim }, db, docs, peer) {
  const vectors = Array.from({ length: queries.length / dim }, (_, query) => {
    return queries.subarray(query * dim, (query + 1) * dim);
  });
  const lists = vectors.map((vector) => Array.from(vector));
  let commands = [];
  let ef = 0;
  return {
    VSIM: {
      prepare(value) {
        commands = vectors.map((vector) => searchCommand(vector, value));
      },
      search: (query) => readIds(db.execute(commands[query])),
    },
    search: {
      prepare(value) {
        ef = value;
      },
      search: (query) => docs.search(vectors[query], { k: K, ef }).map(({ id }) => Number(id)),
    },
    "hnswlib-node": {
      prepare: (value) => peer.setEf(value),
      search: (query) => peer.searchKnn(lists[query], K).neighbors,
    },
  };
}

function searchCommand(vector, ef) {
  const blob = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  const words = ["VSIM", "docs", "FP32", blob, "COUNT", String(K), "EF", String(ef)];
  return Buffer.concat([
    Buffer.from(`*${words.length}\r\n`),
    ...words.flatMap((word) => [Buffer.from(`$${word.length}\r\n`), Buffer.from(word), Buffer.from("\r\n")]),
  ]);
}

/** The decimal ids of a reply that is an array of bulk strings. */
function readIds(reply) {
  const ids = [];
  let at = reply.indexOf(0x0a) + 1;
  while (at < reply.length) {
    at = reply.indexOf(0x0a, at) + 1;
    let id = 0;
    for (; reply[at] !== 0x0d; at++) id = id * 10 + reply[at] - 0x30;
    ids.push(id);
    at += 2;
  }
  return ids;
}

function measureEf(set, contenders, ef) {
  const count = set.queries.length / set.dim;
  const names = Object.keys(contenders);
  const rates = Object.fromEntries(names.map((name) => [name, []]));
  const answers = Object.fromEntries(names.map((name) => [name, []]));
  for (const { prepare } of Object.values(contenders)) prepare(ef);
  for (let round = 0; round < report.rounds; round++) {
    const seconds = Object.fromEntries(names.map((name) => [name, 0]));
    const turns = Math.ceil(count / TURN);
    for (let turn = 0; turn < turns; turn++) {
      for (const name of rotate(names, turn)) {
        const own = (turn + names.indexOf(name) * Math.ceil(turns / names.length)) % turns;
        const started = performance.now();
        for (let query = own * TURN; query < Math.min(count, (own + 1) * TURN); query++) {
          answers[name][query] = contenders[name].search(query);
        }
        seconds[name] += (performance.now() - started) / 1000;
      }
    }
    for (const name of names) rates[name].push(count / seconds[name]);
  }
  return names.map((name) => ({
    ef,
    name,
    recall: recallOf(answers[name], set.truth),
    perSecond: median(rates[name]),
  }));
}

function rotate(names, by) {
  return names.map((_, index) => names[(index + by) % names.length]);
}

function recallOf(answers, truth) {
  let found = 0;
  for (const [query, ids] of answers.entries()) {
    const exact = truth.subarray(query * K, (query + 1) * K);
    for (const id of ids) if (exact.includes(id)) found++;
  }
  return found / truth.length;
}

/** Queries a second at a recall, between the two measured ef around it, on a logarithmic scale. */
function rateAt(rows, name, recall) {
  const own = rows.filter((row) => row.name === name);
  const above = own.findIndex((row) => row.recall >= recall);
  if (above < 0) return undefined;
  if (above === 0) return own[0].perSecond;
  const [low, high] = [own[above - 1], own[above]];
  const share = (recall - low.recall) / (high.recall - low.recall);
  return low.perSecond ** (1 - share) * high.perSecond ** share;
}

function compare(title, seconds, rows) {
  const lines = RECALLS.map((recall) => {
    const [vsim, search, peer] = ["VSIM", "search", "hnswlib-node"].map((name) => rateAt(rows, name, recall));
    return { recall, vsim, search, peer, ratio: vsim / peer };
  });
  report.table(
    `${title}, queries a second at a recall`,
    [
      { key: "recall", title: `recall@${K}`, format: fixed(2) },
      { key: "vsim", title: "VSIM", format: rate },
      { key: "search", title: "search", format: rate },
      { key: "peer", title: "hnswlib-node", format: rate },
      { key: "ratio", title: "VSIM's ratio", format: times },
    ],
    lines,
  );
  report.note(`build: nearkey ${seconds.nearkey.toFixed(1)} s, hnswlib-node ${seconds["hnswlib-node"].toFixed(1)} s`);
  report.bar(`${title}, build, of hnswlib-node's speed`, seconds["hnswlib-node"] / seconds.nearkey, {
    atLeast: BUILD_RATIO,
  });
  for (const { recall, ratio } of lines) {
    report.bar(`${title}, queries at recall ${recall}, of hnswlib-node's`, ratio, { atLeast: QUERY_RATIO });
  }
}
