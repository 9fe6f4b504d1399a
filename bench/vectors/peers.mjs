// The peers, each behind the same face: hnswlib-node and usearch are native code, hnswlib-wasm and edgevec WebAssembly.
// One that cannot be loaded is named in a line of the report and left out. Bytes a vector are those of the saved index
// for the native ones, which hold in memory what they write, and of the memory for the others.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { K } from "./truth.mjs";
import { clocked, EF_CONSTRUCTION, M, rowsOf, timed } from "./turns.mjs";

const require = createRequire(import.meta.url);
const SEED = 100;

/** Opens those of the named peers that can be; `report` is told of versions and of peers that are missing. */
export async function openPeers(set, names, report) {
  const opened = [];
  for (const name of names) {
    try {
      const { version } = JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8"));
      opened.push({ name, version, ...(await openers[name](set)) });
      report.peer(name, version);
    } catch (error) {
      report.note(`no ${name} here: ${String(error?.message ?? error).split("\n")[0]}`);
    }
  }
  return opened;
}

function folderOf(name) {
  return join(dirname(import.meta.dirname), "node_modules", name);
}

const openers = { "hnswlib-node": hnswlibNode, usearch, "hnswlib-wasm": hnswlibWasm, edgevec };

function hnswlibNode(set) {
  const { HierarchicalNSW } = require("hnswlib-node");
  const index = new HierarchicalNSW(set.metric, set.dim);
  const queries = rowsOf(set.queries, set.dim).map((query) => Array.from(query));
  let fileBytes = 0;
  let begun = false;
  return {
    add(from, to) {
      if (!begun) index.initIndex(set.rows, M, EF_CONSTRUCTION, SEED);
      begun = true;
      const lists = rowsOf(set.base, set.dim, from, to).map((row) => Array.from(row));
      return clocked(() => {
        for (const [at, list] of lists.entries()) index.addPoint(list, from + at);
      });
    },
    finish() {},
    save(path) {
      index.writeIndexSync(path);
      fileBytes = statSync(path).size;
    },
    restore(path) {
      index.readIndexSync(path);
      fileBytes = statSync(path).size;
    },
    bytes: () => fileBytes / set.rows,
    prepare: (ef) => index.setEf(ef),
    turn: timed((query) => index.searchKnn(queries[query], K).neighbors),
    close() {},
  };
}

/** Its ef is fixed when an index is opened, so one is opened for each ef from the saved one; four stay open. */
function usearch(set) {
  const { Index } = require("usearch");
  const open = (ef) =>
    new Index({
      metric: set.metric === "l2" ? "l2sq" : "cos",
      dimensions: set.dim,
      quantization: "f32",
      connectivity: M,
      expansion_add: EF_CONSTRUCTION,
      expansion_search: ef,
      multi: false,
    });
  const queries = rowsOf(set.queries, set.dim);
  const opened = new Map();
  let saved = "";
  let building = open(K);
  let index;
  return {
    add(from, to) {
      const rows = rowsOf(set.base, set.dim, from, to);
      return clocked(() => {
        for (const [at, row] of rows.entries()) building.add(BigInt(from + at), row, 1);
      });
    },
    finish() {},
    save(path) {
      saved = path;
      building.save(path);
      building = undefined;
    },
    restore(path) {
      saved = path;
    },
    bytes: () => statSync(saved).size / set.rows,
    prepare(ef) {
      if (!opened.has(ef)) {
        if (opened.size === 4) opened.delete(opened.keys().next().value);
        opened.set(ef, open(ef));
        opened.get(ef).load(saved);
      }
      index = opened.get(ef);
    },
    turn: timed((query) => Array.from(index.search(queries[query], K, 1).keys, Number)),
    close: () => opened.clear(),
  };
}

/** Built for browsers: it looks for a `window`, and its file has a hash in its name. It cannot save without one. */
async function hnswlibWasm(set) {
  const folder = join(folderOf("hnswlib-wasm"), "dist");
  const file = readdirSync(folder).find((name) => /^hnswlib-[0-9a-f]+\.js$/.test(name));
  globalThis.window = globalThis;
  const { default: load } = await import(pathToFileURL(join(folder, file)));
  const library = await load();
  delete globalThis.window;
  const index = new library.HierarchicalNSW(set.metric, set.dim, "");
  index.initIndex(set.rows, M, EF_CONSTRUCTION, SEED);
  const queries = rowsOf(set.queries, set.dim);
  return {
    add(from, to) {
      const rows = rowsOf(set.base, set.dim, from, to);
      return clocked(() => {
        for (const [at, row] of rows.entries()) index.addPoint(row, from + at, false);
      });
    },
    finish() {},
    bytes: () => library.HEAPU8.length / set.rows,
    prepare: (ef) => index.setEfSearch(ef),
    turn: timed((query) => index.searchKnn(queries[query], K, undefined).neighbors),
    close() {},
  };
}

/** Its ef is fixed when an index is made, and no less than the answers asked for: K are taken of ef answers. */
async function edgevec(set) {
  const folder = folderOf("edgevec");
  const { initSync, EdgeVec, EdgeVecConfig } = await import(pathToFileURL(join(folder, "edgevec.js")));
  initSync({ module: readFileSync(join(folder, "edgevec_bg.wasm")) });
  const config = new EdgeVecConfig(set.dim);
  Object.assign(config, { metric: set.metric, m: M, m0: 2 * M, ef_construction: EF_CONSTRUCTION, ef_search: K });
  const index = new EdgeVec(config);
  const rowOf = new Map();
  const queries = rowsOf(set.queries, set.dim);
  let asked = K;
  return {
    add(from, to) {
      const rows = rowsOf(set.base, set.dim, from, to);
      return clocked(() => {
        for (const [at, row] of rows.entries()) rowOf.set(index.insert(row), from + at);
      });
    },
    finish() {},
    bytes: () => index.memoryUsage() / set.rows,
    prepare(ef) {
      asked = ef;
    },
    turn: timed((query) =>
      index
        .search(queries[query], asked)
        .slice(0, K)
        .map(({ id }) => rowOf.get(id)),
    ),
    close: () => index.free(),
  };
}
