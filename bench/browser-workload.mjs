// What is measured in Node and in the page alike: this one file runs in both, with the `open` of each. Everything is
// timed on its own side, so that what drives the browser costs nothing.

import { randomFrom } from "./statistics.mjs";

/** Commands that the page issues in one tick, when the engine is in a worker. */
const TICK = 1000;
const K = 10;

/** Opens databases and fills them. `vectors` holds `rows` × `dim` numbers, `queries` whole rows of as many. */
export async function prepare(open, { keys, bytes, vectors, queries, dim }) {
  const db = await open({ maxMemory: "512mb" });
  const names = Array.from({ length: keys }, (_, index) => `key:${String(index).padStart(12, "0")}`);
  const value = "0123456789".repeat(Math.ceil(bytes / 10)).slice(0, bytes);
  for (let start = 0; start < keys; start += TICK) {
    await Promise.all(names.slice(start, start + TICK).map((name) => db.set(name, value)));
  }
  const docs = await db.vectors("docs", { dim, metric: "l2" });
  const rows = vectors.length / dim;
  const started = performance.now();
  if (rows > 0) {
    await docs.setMany(
      Array.from({ length: rows }, (_, row) => `${row}`),
      vectors,
    );
  }
  const buildSeconds = (performance.now() - started) / 1000;
  const asked = Array.from({ length: queries.length / dim }, (_, row) => queries.subarray(row * dim, (row + 1) * dim));
  return { db, names, value, docs, queries: asked, buildSeconds };
}

/** Operations a second, each waiting for nothing. */
export const inPage = {
  get: ({ db, names }, operations, seed) =>
    rate(operations, () => {
      const random = randomFrom(seed);
      let found = 0;
      for (let index = 0; index < operations; index++) {
        if (db.get(names[random(names.length)]) !== undefined) found++;
      }
      if (found !== operations) throw new Error("a key is missing");
    }),
  set: ({ db, names, value }, operations, seed) =>
    rate(operations, () => {
      const random = randomFrom(seed);
      for (let index = 0; index < operations; index++) db.set(names[random(names.length)], value);
    }),
  /** Microseconds of a search. */
  search: ({ docs, queries }) => {
    const started = performance.now();
    for (const query of queries) if (docs.search(query, { k: K }).length !== K) throw new Error("too few were found");
    return ((performance.now() - started) * 1000) / queries.length;
  },
};

/** The same from the page to a worker, a thousand in each tick; searches one after another. */
export const inWorker = {
  get: (prepared, operations, seed) => ticks(prepared, operations, seed, ({ db }, name) => db.get(name)),
  set: (prepared, operations, seed) => ticks(prepared, operations, seed, ({ db, value }, name) => db.set(name, value)),
  search: async ({ docs, queries }) => {
    const started = performance.now();
    for (const query of queries) {
      if ((await docs.search(query, { k: K })).length !== K) throw new Error("too few were found");
    }
    return ((performance.now() - started) * 1000) / queries.length;
  },
};

function rate(operations, body) {
  const started = performance.now();
  body();
  return operations / ((performance.now() - started) / 1000);
}

async function ticks(prepared, operations, seed, issue) {
  const random = randomFrom(seed);
  const { names } = prepared;
  const started = performance.now();
  for (let done = 0; done < operations; done += TICK) {
    await Promise.all(Array.from({ length: TICK }, () => issue(prepared, names[random(names.length)])));
  }
  return operations / ((performance.now() - started) / 1000);
}
