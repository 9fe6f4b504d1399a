// nearkey as a contender, in each of its forms, loaded by `setMany`, which orders the rows as it likes; the named form is also
// built row by row, as the peers are. "VSIM" is a RESP command given to `db.execute` and its reply of ids read;
// "search" is the method of embedding, whose results carry distances and scores as well. The form that counts is named
// here, before any figure is known: int8 with originals, what one gets without asking.

import { open } from "../../dist/node.js";
import { K } from "./truth.mjs";
import { clocked, EF_CONSTRUCTION, M, rowsOf, timed } from "./turns.mjs";

/** The form that the bars hold for. */
export const NAMED = "nearkey int8";
const ALONE = "nearkey int8 alone";

const forms = {
  [NAMED]: { quantization: "int8" },
  "nearkey f32": { quantization: "f32" },
  "nearkey int4": { quantization: "int4" },
  "nearkey binary": { quantization: "binary" },
  [ALONE]: { quantization: "int8", keepOriginals: false },
};

/** Forms of the sets that all contend on; with `few` only the named one and float32. */
export function openOurs(set, few) {
  const names = few ? [NAMED, "nearkey f32"] : Object.keys(forms);
  const commandsOf = commandsByEf(rowsOf(set.queries, set.dim));
  return Promise.all(names.map((name) => openForm(set, name, commandsOf)));
}

function commandsByEf(queries) {
  const made = new Map();
  return (ef) => {
    if (!made.has(ef))
      made.set(
        ef,
        queries.map((query) => searchCommand(query, ["EF", String(ef)])),
      );
    return made.get(ef);
  };
}

/** Ids of 16 bytes where memory is barred, else as short as the peers' integers are. */
function idsOf(name) {
  return name === ALONE ? (row) => String(row).padStart(16, "0") : String;
}

async function openForm(set, name, commandsOf) {
  const db = await open({ maxMemory: "2gb" });
  const empty = db.stats().memoryUsedBytes;
  const docs = db.vectors("docs", {
    dim: set.dim,
    metric: set.metric,
    m: M,
    efConstruction: EF_CONSTRUCTION,
    ...forms[name],
  });
  const idOf = idsOf(name);
  let commands = [];
  return {
    name,
    db,
    docs,
    async addAll() {
      const ids = Array.from({ length: set.rows }, (_, row) => idOf(row));
      const started = performance.now();
      await docs.setMany(ids, set.base);
      return (performance.now() - started) / 1000;
    },
    finish() {},
    bytes: () => (db.stats().memoryUsedBytes - empty) / set.rows,
    prepare(ef) {
      commands = commandsOf(ef);
    },
    turn: timed((query) => readIds(db.execute(commands[query]))),
    close: () => db.close(),
  };
}

/** The named form built row by row, for its seconds alone. */
export async function openRowByRow(set) {
  const db = await open({ maxMemory: "2gb" });
  const empty = db.stats().memoryUsedBytes;
  const options = { dim: set.dim, metric: set.metric, m: M, efConstruction: EF_CONSTRUCTION, ...forms[NAMED] };
  const docs = db.vectors("docs", options);
  let bytes = 0;
  return {
    name: `${NAMED}, row by row`,
    add(from, to) {
      const vectors = rowsOf(set.base, set.dim, from, to);
      return clocked(() => {
        for (const [index, vector] of vectors.entries()) docs.set(String(from + index), vector);
      });
    },
    finish() {
      bytes = (db.stats().memoryUsedBytes - empty) / set.rows;
      db.close();
    },
    bytes: () => bytes,
  };
}

/** The named form asked through the method of embedding: the same graph. */
export function throughMethod(set, contender) {
  const queries = rowsOf(set.queries, set.dim);
  let options = {};
  return {
    name: "nearkey int8, search",
    bytes: contender.bytes,
    prepare(ef) {
      options = { k: K, ef };
    },
    turn: timed((query) => contender.docs.search(queries[query], options).map(({ id }) => Number(id))),
    close() {},
  };
}

/** VSIM for K elements, as bytes. */
export function searchCommand(vector, options) {
  const blob = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  const words = ["VSIM", "docs", "FP32", blob, "COUNT", String(K), ...options];
  return Buffer.concat([
    Buffer.from(`*${words.length}\r\n`),
    ...words.flatMap((word) => [Buffer.from(`$${word.length}\r\n`), Buffer.from(word), Buffer.from("\r\n")]),
  ]);
}

/** The decimal ids of a reply that is an array of bulk strings. */
export function readIds(reply) {
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
