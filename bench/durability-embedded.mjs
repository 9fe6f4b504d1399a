// One program that embeds nearkey and keeps it in a directory, in a process of its own, as a start is always of a new one.
// Takes one argument, { task, … }, does that, and prints what came of it as JSON.

import { median, randomFrom } from "./statistics.mjs";

const { open } = await import("../dist/node.js");
const VALUE_BYTES = 1000;
/** Commands between two turns of the event loop, in which the log is written. */
const BATCH = 2000;
const ON_DEMAND = { everyMs: 0, everyLogBytes: 0 };

const turn = () => new Promise(setImmediate);

const { task, ...options } = JSON.parse(process.argv[2]);
const tasks = { commit, fill, log, vectors, open: openAgain };
process.stdout.write(JSON.stringify(await tasks[task](options)), () => process.exit(0));

/** So many writers, each of which sets a key and waits until it is on disk, for so long. */
async function commit({ dir, writers, ms }) {
  const db = await open({ dir, fsync: "always", snapshot: ON_DEMAND });
  const took = [];
  let until = 0;
  const write = async (writer) => {
    for (let round = 0; performance.now() < until; round++) {
      const startMs = performance.now();
      db.set(`key:${writer}:${round % 1000}`, "value");
      await db.commit();
      took.push(performance.now() - startMs);
    }
  };
  const runFor = async (ms) => {
    took.length = 0;
    const startMs = performance.now();
    until = startMs + ms;
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    return performance.now() - startMs;
  };
  await runFor(ms / 4);
  const lastedMs = await runFor(ms);
  return { perSecond: (took.length / lastedMs) * 1000, medianMs: median(took) };
}

/** Fills a directory with so many bytes of values and leaves a snapshot of them. */
async function fill({ dir, bytes }) {
  const db = await open({ dir, fsync: "never", maxMemory: "3gb", snapshot: ON_DEMAND });
  const keys = Math.ceil(bytes / VALUE_BYTES);
  for (let key = 0; key < keys; key++) {
    db.set(`key:${key}`, String.fromCharCode(97 + (key % 26)).repeat(VALUE_BYTES));
    if (key % BATCH === 0) await turn();
  }
  await db.close();
  return { keys };
}

/** Writes so many records to the log and leaves no snapshot. */
async function log({ dir, command, records }) {
  const db = await open({ dir, fsync: "never", maxMemory: "3gb", snapshot: ON_DEMAND });
  const random = randomFrom(1);
  for (let index = 0; index < records; index++) {
    const key = random(records);
    if (command === "SET") db.set(`key:${key}`, `value:${index}`);
    else db.command("HSET", `hash:${key % 100_000}`, `field:${key % 17}`, `value:${index}`);
    if (index % BATCH === 0) await turn();
  }
  await db.commit();
  return { records };
}

/** Builds a set one VADD after another; without a directory only how long that takes counts. `leaves`: no snapshot. */
async function vectors({ dir, vectors, dim, leaves = false }) {
  const kept = dir === undefined ? {} : { dir, fsync: "never", snapshot: ON_DEMAND };
  const db = await open({ maxMemory: "2gb", ...kept });
  const random = randomFrom(2);
  const centres = Array.from({ length: 100 }, () => vectorOf(random, dim));
  const startMs = performance.now();
  for (let index = 0; index < vectors; index++) {
    const vector = vectorOf(random, dim, centres[random(centres.length)]);
    db.command("VADD", "set", "FP32", new Uint8Array(vector.buffer), `element:${index}`);
    if (index % 100 === 0) await turn();
  }
  const ms = performance.now() - startMs;
  if (leaves) await db.commit();
  else await db.close();
  return { ms };
}

function vectorOf(random, dim, centre) {
  return Float32Array.from(
    { length: dim },
    (_, at) => (random(2001) - 1000) / (centre ? 3000 : 1000) + (centre?.[at] ?? 0),
  );
}

/** Opens a directory and changes nothing in it; with `search` a vector of so many numbers is searched for. */
async function openAgain({ dir, search }) {
  const startMs = performance.now();
  const db = await open({ dir, fsync: "never", maxMemory: "3gb", snapshot: ON_DEMAND });
  if (search !== undefined) {
    const found = db.command(
      "VSIM",
      "set",
      "FP32",
      new Uint8Array(vectorOf(randomFrom(3), search).buffer),
      "COUNT",
      10,
    );
    if (found.length !== 10) throw new Error(`found ${found.length}`);
  }
  const searchedMs = performance.now() - startMs;
  const told = (name) => Number(new RegExp(`nearkey_recovery_${name}:([\\d.]+)`).exec(report)[1]);
  const report = String(db.command("INFO", "persistence"));
  return { ms: told("ms"), bytes: told("bytes"), records: told("records"), searchedMs };
}
