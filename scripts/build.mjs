#!/usr/bin/env node
// Fills the flat dist/: engine first (its generated types are what src/engine.ts is checked against), then the
// bundles, the demo page and the declarations side by side. Each file is written under a temporary name and renamed,
// so that an interrupted build leaves whole files only, and nothing that an earlier build made and this one does not
// stays behind. The engine is compiled only when its sources changed: a build that changes the host takes a second.

import { mkdir, readdir, rm } from "node:fs/promises";
import { buildBundles, buildDemo } from "./build-bundles.mjs";
import { buildEngine } from "./build-engine.mjs";
import { BUILD, DIST, ROOT, report, written } from "./build-files.mjs";
import { copyLua } from "./build-lua.mjs";
import { buildTypes } from "./build-types.mjs";

/** Removes what an earlier build or an interrupted one left in dist/. */
async function removeStale() {
  for (const name of await readdir(DIST)) {
    if (!written.has(name)) await rm(`${DIST}/${name}`, { recursive: true, force: true });
  }
}

async function main() {
  const started = performance.now();
  process.chdir(ROOT);
  await mkdir(DIST, { recursive: true });
  await mkdir(BUILD, { recursive: true });
  await buildEngine();
  await Promise.all([buildBundles(), buildDemo(), buildTypes(), copyLua()]);
  await removeStale();
  await report(performance.now() - started);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error && error.expected ? error.message : error);
  process.exitCode = 1;
}
