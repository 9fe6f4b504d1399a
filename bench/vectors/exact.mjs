// Exact search beside what the memory can give: the bytes of all vectors times queries a second, against the rate at
// which a loop of 16-byte loads in WebAssembly reads as many bytes, measured in turn with the searches.

import { main } from "assemblyscript/asc";
import { fixed, times } from "../report.mjs";
import { median } from "../statistics.mjs";
import { NAMED, readIds, searchCommand } from "./ours.mjs";
import { K, recallOf } from "./truth.mjs";
import { clocked, rowsOf } from "./turns.mjs";

const ONE_SHARE = 0.8;
const BATCH = 8;
const BATCH_SHARE = 2 * ONE_SHARE;
const CODES_RATIO = 3;
const QUERIES = 16;

/** Four sums, so that the loop waits for memory and not for additions. */
const READER = `
export function read(from: usize, bytes: usize): i32 {
  let a = i32x4.splat(0), b = a, c = a, d = a;
  for (const end = from + bytes; from < end; from += 64) {
    a = i32x4.add(a, v128.load(from));
    b = i32x4.add(b, v128.load(from, 16));
    c = i32x4.add(c, v128.load(from, 32));
    d = i32x4.add(d, v128.load(from, 48));
  }
  return i32x4.extract_lane(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)), 0);
}
`;

/** Rows and bars of exact search on one set; `forms` are nearkey's contenders. */
export async function measureExact(report, set, forms) {
  const bytes = set.rows * set.dim * 4;
  const reader = await compileReader(bytes);
  const queries = rowsOf(set.queries, set.dim).slice(0, report.quick ? BATCH : QUERIES);
  const named = forms.find(({ name }) => name === NAMED);
  const ways = forms.map((form) => one(form, queries));
  if (typeof named.docs.searchMany === "function") ways.push(batch(named, queries));
  const rates = { memory: [], ...Object.fromEntries(ways.map(({ name }) => [name, []])) };
  for (let round = 0; round < report.rounds; round++) {
    rates.memory.push(bytes / clocked(() => reader.read(0, bytes)));
    for (const { name, search } of ways) rates[name].push(queries.length / clocked(search));
  }
  const memory = median(rates.memory);
  const rows = ways.map(({ name, answers }) => {
    const perSecond = median(rates[name]);
    const recall = recallOf(answers(), set.truth.subarray(0, queries.length * K));
    return { name, recall, perSecond, share: (perSecond * bytes) / memory };
  });
  show(report, set, memory, rows);
}

function one(form, queries) {
  const commands = queries.map((query) => searchCommand(query, ["TRUTH"]));
  let answers = [];
  return {
    name: form.name,
    search() {
      answers = commands.map((command) => readIds(form.db.execute(command)));
    },
    answers: () => answers,
  };
}

function batch({ name, docs }, queries) {
  let answers = [];
  return {
    name: `${name}, ${BATCH} at once`,
    search() {
      answers = [];
      for (let from = 0; from < queries.length; from += BATCH) {
        answers.push(...docs.searchMany(queries.slice(from, from + BATCH), { k: K, exact: true }));
      }
    },
    answers: () => answers.map((results) => results.map(({ id }) => Number(id))),
  };
}

function show(report, set, memory, rows) {
  report.table(
    `${set.title}: exact search, one thread; memory is read at ${(memory / 1e9).toFixed(1)} GB/s`,
    [
      { key: "name", title: "form" },
      { key: "recall", title: `recall@${K}`, format: fixed(4) },
      { key: "perSecond", title: "queries a second", format: fixed(1) },
      { key: "share", title: "of reading float32", format: times },
    ],
    rows,
  );
  const find = (wanted) => rows.find(({ name }) => name === wanted);
  const [named, alone, several] = [NAMED, `${NAMED} alone`, `${NAMED}, ${BATCH} at once`].map(find);
  report.bar(`${set.title}, exact, float32, of the rate of reading`, named.share, { atLeast: ONE_SHARE });
  if (several === undefined) report.note("exact search of a batch: not measured, there is no searchMany");
  else
    report.bar(`${set.title}, exact, ${BATCH} at once, of the rate of reading`, several.share, {
      atLeast: BATCH_SHARE,
    });
  if (alone === undefined) return;
  const ratio = alone.perSecond / named.perSecond;
  report.bar(`${set.title}, exact on codes, of float32's queries`, ratio, { atLeast: CODES_RATIO });
}

async function compileReader(bytes) {
  let binary;
  const pages = Math.ceil(bytes / 65536);
  const { error, stderr } = await main(
    [
      ...["reader.ts", "--outFile", "reader.wasm", "--runtime", "stub", "--enable", "simd", "-O3", "--noAssert"],
      ...["--use", "abort=", "--config", "none", "--initialMemory", String(pages + 1)],
    ],
    {
      readFile: (name) => (name === "reader.ts" ? READER : null),
      writeFile: (_name, contents) => {
        binary = contents;
      },
    },
  );
  if (error) throw new Error(stderr.toString());
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary));
  new Uint32Array(exports.memory.buffer).fill(1);
  return exports;
}
