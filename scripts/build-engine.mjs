// Compiles assembly/ to dist/engine.wasm, dist/engine.debug.wasm and, for memory that threads share, dist/engine.shared.wasm
// with asc as a library, one worker thread for each target, and writes build/engine-exports.d.ts from asc's own bindings,
// so that the host never retypes the ABI. Skipped when neither the sources nor the compiler changed. Two promises are checked
// on the binaries: they import their memory and a clock (where threads share the memory, also where their scratch lies)
// and nothing else, and their constants end below the first region that layout.ts gives away.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, utimes } from "node:fs/promises";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { build } from "esbuild";
import { BUILD, DIST, failure, ROOT, writeDist, writeWhole, written } from "./build-files.mjs";
import { constantsEnd, exportsDeclaration } from "./wasm-module.mjs";

const TARGETS = { release: "engine.wasm", debug: "engine.debug.wasm", shared: "engine.shared.wasm" };
const IMPORTS = ["env.clock", "env.memory"];
const SHARED_IMPORTS = [...IMPORTS, "env.scratch"];
const TYPES = `${BUILD}/engine-exports.d.ts`;
const STAMP = `${BUILD}/engine.sha256`;

/** Builds both targets unless the stamp says that they are up to date. */
export async function buildEngine() {
  if (!existsSync(`${ROOT}/assembly/index.ts`)) {
    console.log("  assembly/index.ts is missing: no engine built");
    return;
  }
  const stamp = await sourceStamp();
  if (await upToDate(stamp)) return;
  const outputs = await Promise.all(Object.keys(TARGETS).map(compileInWorker));
  const limit = await constantsLimit();
  for (const output of outputs) await checkModule(output, limit);
  for (const { target, wasm } of outputs) await writeDist(TARGETS[target], wasm);
  await writeWhole(TYPES, exportsDeclaration(outputs[0].declaration));
  await writeWhole(STAMP, stamp);
}

/** A hash over everything the outcome depends on: sources, compiler, options and these scripts. */
async function sourceStamp() {
  const names = (await readdir(`${ROOT}/assembly`, { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
  const paths = names.map((name) => `assembly/${name}`);
  paths.push("asconfig.json", "scripts/build-engine.mjs", "scripts/wasm-module.mjs");
  paths.push("node_modules/assemblyscript/package.json");
  const hash = createHash("sha256");
  for (const path of paths) hash.update(`${path}\0`).update(await readFile(`${ROOT}/${path}`));
  return hash.digest("hex");
}

async function upToDate(stamp) {
  const files = Object.values(TARGETS).map((name) => `${DIST}/${name}`);
  if (![STAMP, TYPES, ...files].every((path) => existsSync(path))) return false;
  if ((await readFile(STAMP, "utf8")) !== stamp) return false;
  const now = new Date();
  for (const name of Object.values(TARGETS)) {
    await utimes(`${DIST}/${name}`, now, now);
    written.add(name);
  }
  return true;
}

function compileInWorker(target) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { target } });
    worker.once("message", (message) => {
      if (message.error === undefined) resolve(message);
      else reject(failure(message.error));
    });
    worker.once("error", reject);
  });
}

/** Runs in the worker: asc writes into memory, the main thread decides what reaches the disk. */
async function compile(target) {
  const { default: asc } = await import("assemblyscript/asc");
  const files = new Map();
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(["--target", target, "--baseDir", ROOT], {
    stdout: asc.createMemoryStream(),
    stderr,
    writeFile: (name, contents) => files.set(name, contents),
  });
  if (error) return { error: `${stderr.toString()}asc: ${error.message}` };
  if (stderr.toString() !== "") console.error(stderr.toString());
  const find = (suffix) => files.get([...files.keys()].find((name) => name.endsWith(suffix)));
  return { target, wasm: find(".wasm"), declaration: find(".d.ts") };
}

/** The first address constants must not reach, read from the very file the engine is compiled from. */
async function constantsLimit() {
  const bundled = await build({
    entryPoints: [`${ROOT}/assembly/layout.ts`],
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "warning",
  });
  const source = Buffer.from(bundled.outputFiles[0].contents).toString("base64");
  const layout = await import(`data:text/javascript;base64,${source}`);
  return Math.min(layout.STATE_BASE, layout.REGISTERS_BASE ?? layout.STATE_BASE);
}

async function checkModule({ target, wasm }, limit) {
  const module = await WebAssembly.compile(wasm);
  const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
  const expected = target === "shared" ? SHARED_IMPORTS : IMPORTS;
  if (imports.sort().join() !== expected.join()) {
    throw failure(`${TARGETS[target]} must import ${expected.join(", ")}, but imports ${imports.join(", ")}`);
  }
  const end = constantsEnd(wasm);
  if (end > limit) {
    throw failure(
      `the constants of ${TARGETS[target]} end at ${end}, above ${limit}, where layout.ts begins its regions`,
    );
  }
}

if (!isMainThread && workerData?.target !== undefined) parentPort.postMessage(await compile(workerData.target));
