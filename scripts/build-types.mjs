// Declarations for those who import the package. tsc writes one .d.ts for each source into build/types; those that the
// entries reach are put flat into dist/, beside the bundles. The engine's own declarations stay here: a public type
// that mentions one would not resolve for a consumer, so reaching one fails the build.

import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BUILD, existing, failure, ROOT, writeDist } from "./build-files.mjs";

const ENTRIES = ["src/node.ts", "src/browser.ts", "src/client.ts", "src/client-node.ts"];
const OUTPUT = `${BUILD}/types`;

export async function buildTypes() {
  const entries = existing(ENTRIES);
  if (entries.length === 0) return;
  await rm(OUTPUT, { recursive: true, force: true });
  await emit();
  const reached = new Map();
  for (const entry of entries) await collect(entry.replace(/\.ts$/, ".d.ts"), reached);
  for (const [path, contents] of reached) await writeDist(basename(path), contents);
}

function emit() {
  return new Promise((resolve, reject) => {
    const tsc = `${ROOT}/node_modules/typescript/bin/tsc`;
    const child = spawn(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: ROOT });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(failure(output))));
  });
}

/** Follows the imports of one declaration file; every specifier must end in a file of src/, whose name is its own in all folders. */
async function collect(path, reached) {
  if (reached.has(path)) return;
  const contents = await readFile(`${OUTPUT}/${path}`, "utf8");
  reached.set(path, contents.replace(/(["'])\.\.?\/(?:[\w.-]+\/)*([\w-]+)\.ts\1/g, "$1./$2.js$1"));
  for (const [, specifier] of contents.matchAll(/(?:from |import\()["'](\.[^"']+)["']/g)) {
    const target = join(dirname(path), specifier).replace(/(\.js|\.ts)?$/, ".d.ts");
    if (!/^src\/([\w-]+\/)?[\w-]+\.d\.ts$/.test(target)) {
      throw failure(`${path} makes ${specifier} part of the package's types, which hold only files of src/`);
    }
    await collect(target, reached);
  }
}
