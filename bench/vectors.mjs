// Vector search beside its peers, one thread, the same graph parameters for all: seconds to build, bytes a vector, recall,
// and queries a second at equal recall. The parts are in vectors/: the sets, their exact answers, the contenders, and how
// turns are taken. `--only NAME` takes one set of the list in vectors/sets.mjs (may be repeated). Peers that can save an
// index find it again in the temporary folder on the next run, with the seconds its build took then; `--fresh` builds all.
// `--few` leaves out our further forms.

import { fixed, rate, startReport, times } from "./report.mjs";
import { measureExact } from "./vectors/exact.mjs";
import { compileNative, openNative } from "./vectors/native.mjs";
import { NAMED, openOurs, openRowByRow, throughMethod } from "./vectors/ours.mjs";
import { openPeers } from "./vectors/peers.mjs";
import { openSet, setNames } from "./vectors/sets.mjs";
import { duel, sweep } from "./vectors/sweep.mjs";
import { K } from "./vectors/truth.mjs";
import { buildAll, EF_CONSTRUCTION, M } from "./vectors/turns.mjs";

const RECALLS = [0.95, 0.99];
/** What is exact, and how much memory a vector takes, is measured on this set. */
const MEASURED_WHOLE = "mnist";
const ID_BYTES = 16;
const MEMORY_FACTOR = 1.15;

const report = startReport("vectors", {
  only: { type: "string", multiple: true },
  fresh: { type: "boolean" },
  few: { type: "boolean" },
});
const native = compileNative(report);
try {
  for (const key of report.options.only ?? setNames) await measure(openSet(key, report.quick));
} finally {
  native?.remove();
}
report.finish();

async function measure(set) {
  report.note(
    `\n${set.title}: M ${M}, efConstruction ${EF_CONSTRUCTION}, ${set.queries.length / set.dim} queries, k ${K}`,
  );
  const ours = await openOurs(set, set.small || report.options.few);
  const rowByRow = await openRowByRow(set);
  const peers = await openPeers(
    set,
    set.small ? ["hnswlib-node", "hnswlib-wasm", "edgevec"] : ["hnswlib-node", "usearch"],
    report,
  );
  if (native !== undefined) peers.push(openNative(set, native));
  const built = await buildAll(set, [...ours, rowByRow, ...peers], report.options.fresh);
  const contenders = [ours[0], throughMethod(set, ours[0]), ...ours.slice(1), ...peers];
  showBuilds(set, [...ours, rowByRow, ...peers], built);
  const curve = await sweep(set, contenders);
  showCurve(set, curve);
  for (const wanted of RECALLS) {
    const recall = reachable(curve, wanted);
    showDuel(set, await duel(set, contenders, curve, recall, report.rounds), recall);
  }
  if (set.key === MEASURED_WHOLE) await measureExact(report, set, ours);
  for (const contender of contenders) await contender.close();
}

function showBuilds(set, contenders, built) {
  const rows = contenders.map((contender) => ({
    name: contender.name,
    ...built.get(contender.name),
    bytes: contender.bytes(),
  }));
  report.table(
    `${set.title}: building, one thread`,
    [
      { key: "name", title: "contender" },
      { key: "seconds", title: "seconds", format: fixed(1) },
      { key: "bytes", title: "bytes a vector", format: fixed(0) },
      { key: "earlier", title: "built" },
    ],
    rows.map((row) => ({ set: set.key, earlier: "in this run", ...row })),
  );
  const peer = built.get("hnswlib-node");
  if (set.bars.build !== undefined && peer !== undefined && peer.earlier === undefined) {
    const ratio = peer.seconds / built.get(NAMED).seconds;
    report.bar(`${set.title}, build, of hnswlib-node's speed`, ratio, { atLeast: set.bars.build });
  }
  const alone = rows.find(({ name }) => name === `${NAMED} alone`);
  if (set.key !== MEASURED_WHOLE || alone === undefined) return;
  const most = MEMORY_FACTOR * (set.dim + ID_BYTES + 8 * M);
  report.bar(`${set.title}, memory at int8 without originals`, alone.bytes, {
    atMost: Math.floor(most),
    unit: " bytes",
  });
}

function showCurve(set, curve) {
  report.table(
    `${set.title}: recall and queries a second, a single round`,
    [
      { key: "name", title: "contender" },
      { key: "ef", title: "ef" },
      { key: "recall", title: `recall@${K}`, format: fixed(4) },
      { key: "perSecond", title: "queries", format: rate },
    ],
    curve
      .map((row) => ({ set: set.key, ...row }))
      .sort((one, other) => order(curve, one.name) - order(curve, other.name)),
  );
}

function order(curve, name) {
  return curve.findIndex((row) => row.name === name);
}

/** What native hnswlib finds at its shortest beam, where that is more than is wanted: else we would win by finding less. */
function reachable(curve, wanted) {
  const least = curve.find(({ name }) => name === "hnswlib-node")?.recall ?? 0;
  return Math.max(wanted, Math.round(least * 1e4) / 1e4);
}

function showDuel(set, rows, recall) {
  const ours = rows.find(({ name }) => name === NAMED).perSecond;
  report.table(
    `${set.title}: queries a second at recall ${recall}, median of ${report.rounds}`,
    [
      { key: "name", title: "contender" },
      { key: "ef", title: "ef" },
      { key: "recall", title: "recall", format: fixed(4) },
      { key: "perSecond", title: "queries", format: rate },
      { key: "ratio", title: `${NAMED}'s ratio`, format: times },
    ],
    rows.map((row) => ({ set: set.key, ...row, ratio: row.perSecond && ours / row.perSecond })),
  );
  const { search, usearch, wasm } = set.bars;
  const bars = { "hnswlib-node": search, usearch, "hnswlib-wasm": wasm, edgevec: wasm };
  for (const { name, perSecond } of rows) {
    if (bars[name] === undefined || perSecond === undefined) continue;
    report.bar(`${set.title}, queries at recall ${recall}, of ${name}'s`, ours / perSecond, { atLeast: bars[name] });
  }
}
