#!/usr/bin/env node
// Writes docs/commands.md from the command table of the built engine; a test compares the two. Run npm run build first.

import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { BUILD, ROOT, writeWhole } from "./build-files.mjs";

/** Bundles a source file and imports it. */
async function load(path, name) {
  const options = { absWorkingDir: ROOT, bundle: true, format: "esm", platform: "node", packages: "external" };
  const result = await build({ ...options, write: false, entryPoints: [path] });
  const bundle = `${BUILD}/${name}.mjs`;
  await writeWhole(bundle, result.outputFiles[0].contents);
  return import(pathToFileURL(bundle).href);
}

const { commandsPage } = await load("scripts/commands-template.ts", "commands-template");
const { Engine } = await load("src/engine.ts", "commands-engine");
const module = new WebAssembly.Module(await readFile(`${ROOT}/dist/engine.wasm`));
const engine = Engine.create(module, { maxMemoryBytes: 64 << 20, eviction: "noeviction" });
await writeFile(`${ROOT}/docs/commands.md`, commandsPage(engine.commands()));
