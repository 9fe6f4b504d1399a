// What all contenders share: the graph's parameters, rows of a matrix, clocks, and building slice by slice in turn, so
// that a disturbance of the machine meets all that are built.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { cached, keep } from "./truth.mjs";

export const M = 16;
export const EF_CONSTRUCTION = 200;
const SLICE = 1000;

/** Rows `from` up to `to` of a matrix, as views. */
export function rowsOf(matrix, dim, from = 0, to = matrix.length / dim) {
  return Array.from({ length: to - from }, (_, index) =>
    matrix.subarray((from + index) * dim, (from + index + 1) * dim),
  );
}

/** Seconds that `work` takes. */
export function clocked(work) {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}

/** A turn: queries `from` up to `to`, their answers written to `answers`; answers the seconds. */
export function timed(search) {
  return (from, to, answers) =>
    clocked(() => {
      for (let query = from; query < to; query++) answers[query] = search(query);
    });
}

/**
 * Builds all contenders: those with an `addAll` whole, one after the other, the others a slice each in turn. Those that can `save` are taken from the cache of an earlier run, unless
 * `fresh`. Answers a Map from name to { seconds, earlier }, where `earlier` says that the seconds are those of that run
 * and how loaded the machine was.
 */
export async function buildAll(set, contenders, fresh) {
  const built = new Map();
  const waiting = [];
  for (const contender of contenders) {
    const earlier = fresh ? undefined : await restore(set, contender);
    built.set(contender.name, { seconds: 0, ...earlier });
    if (earlier === undefined) waiting.push(contender);
  }
  for (const { name, addAll } of waiting) if (addAll !== undefined) built.get(name).seconds = await addAll();
  const slicewise = waiting.filter(({ addAll }) => addAll === undefined);
  for (let from = 0; from < set.rows; from += SLICE) {
    for (const { name, add } of slicewise) built.get(name).seconds += await add(from, Math.min(set.rows, from + SLICE));
  }
  for (const contender of waiting) {
    await contender.finish();
    await store(set, contender, built.get(contender.name));
  }
  return built;
}

function pathsOf(set, { name, version }) {
  const file = `${name.replaceAll(/\W+/g, "-")}-${version}-${M}-${EF_CONSTRUCTION}`;
  return { index: cached(set, `${file}.index`), facts: cached(set, `${file}.json`) };
}

async function restore(set, contender) {
  if (contender.restore === undefined) return undefined;
  const { index, facts } = pathsOf(set, contender);
  if (!existsSync(facts)) return undefined;
  await contender.restore(index);
  const { seconds, load } = JSON.parse(readFileSync(facts, "utf8"));
  return { seconds, earlier: `in an earlier run, load ${load.toFixed(1)}` };
}

async function store(set, contender, { seconds }) {
  if (contender.save === undefined) return;
  const { index, facts } = pathsOf(set, contender);
  await contender.save(index);
  keep(facts, (part) => writeFileSync(part, JSON.stringify({ seconds, load: loadavg()[0] })));
}
