// The exact answers, in JavaScript that shares no line with the engine: half a minute for a large set, so they are kept
// in the system's temporary folder under a hash of the vectors themselves. A sum is abandoned as soon as it is too far.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Answers that count. */
export const K = 10;
const CACHE = join(tmpdir(), "nearkey-vectors");

/** A file of the cache that belongs to these very vectors, `name` telling what it is; the folder exists afterwards. */
export function cached(set, name) {
  mkdirSync(CACHE, { recursive: true });
  return join(CACHE, `${set.key}-${hashOf(set)}-${name}`);
}

const hashes = new WeakMap();

function hashOf({ base, queries, dim, metric }) {
  const known = hashes.get(base) ?? createHash("sha256").update(base).update(queries).digest("hex");
  hashes.set(base, known);
  return createHash("sha256").update(`${known} ${dim} ${metric}`).digest("hex").slice(0, 12);
}

/** Writes a file under another name first, so that none is ever half there. */
export function keep(path, write) {
  write(`${path}.part`);
  renameSync(`${path}.part`, path);
}

/** K row numbers for each query, nearest first. */
export function truthOf(set) {
  const path = cached(set, "truth.i32");
  if (existsSync(path)) return new Int32Array(new Uint8Array(readFileSync(path)).buffer);
  const truth = exactTruth(set);
  keep(path, (part) => writeFileSync(part, truth));
  return truth;
}

/** The rows as they are compared: of length one under cosine. */
export function comparable(vectors, { dim, metric }) {
  if (metric !== "cosine") return vectors;
  const out = new Float32Array(vectors.length);
  for (let from = 0; from < vectors.length; from += dim) {
    let squares = 0;
    for (let at = from; at < from + dim; at++) squares += vectors[at] ** 2;
    for (let at = from; at < from + dim; at++) out[at] = vectors[at] / Math.sqrt(squares);
  }
  return out;
}

function exactTruth(set) {
  const { dim } = set;
  const base = comparable(set.base, set);
  const queries = comparable(set.queries, set);
  const truth = new Int32Array((queries.length / dim) * K);
  for (let query = 0; query < queries.length / dim; query++) {
    truth.set(nearest(base, queries.subarray(query * dim, (query + 1) * dim), dim), query * K);
  }
  return truth;
}

/** Numbers between two looks at whether the row can still be near. */
const STRIDE = 16;

function nearest(base, query, dim) {
  const distances = new Float64Array(K).fill(Number.POSITIVE_INFINITY);
  const rows = new Int32Array(K);
  for (let row = 0, from = 0; from < base.length; row++, from += dim) {
    let sum = 0;
    for (let at = 0; at < dim && sum < distances[K - 1]; ) {
      for (const end = Math.min(dim, at + STRIDE); at < end; at++) {
        const difference = base[from + at] - query[at];
        sum += difference * difference;
      }
    }
    if (sum >= distances[K - 1]) continue;
    let place = K - 1;
    for (; place > 0 && distances[place - 1] > sum; place--) {
      distances[place] = distances[place - 1];
      rows[place] = rows[place - 1];
    }
    distances[place] = sum;
    rows[place] = row;
  }
  return rows;
}

/** The share of the exact answers that were found; `answers` has an array of row numbers for each query. */
export function recallOf(answers, truth) {
  let found = 0;
  for (const [query, ids] of answers.entries()) {
    const exact = truth.subarray(query * K, (query + 1) * K);
    for (const id of ids) if (exact.includes(id)) found++;
  }
  return found / truth.length;
}
